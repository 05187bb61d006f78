//! `imgopt pin` and its client against a real registry, Debian's `docker-registry`, where it is installed; tokens and
//! silence are those of a server in this file.

#![cfg(all(unix, feature = "registry"))]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use imgopt::registry::{Client, Credentials, RegistryError, TIME_LIMIT};
use imgopt::syntax::image::ImageReference;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// `user:secret` for `htpasswd`, and as Docker keeps it.
const HTPASSWD: &str = "user:$2b$04$wO.orW1wlfKTv0bT3sqKX.ms4uVO3ChNb9g8nxNTJBaxlDZVqeliS\n";
const AUTH: &str = "dXNlcjpzZWNyZXQ=";

/// A registry on this machine, with the images `app:1` (an index) and `app:single` (a manifest).
struct Registry {
    process: Child,
    address: String,
    index: String,
    place: TempDir,
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Registry {
    /// Starts a registry; `None` when none is installed.
    #[expect(clippy::print_stdout, reason = "a test says why it did nothing")]
    fn start(with_password: bool) -> Option<Self> {
        let place = tempfile::tempdir().expect("a temporary directory");
        // The port is free now, and nobody else looks for one in the moment until the registry has it.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port").port();
        let address = format!("127.0.0.1:{port}");
        fs::write(place.path().join("htpasswd"), HTPASSWD).expect("written");
        let auth = format!("auth: {{htpasswd: {{realm: test, path: {}/htpasswd}}}}\n", place.path().display());
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}/data}}}}\nhttp: {{addr: {address}}}\n{}",
            place.path().display(),
            if with_password { &auth } else { "" },
        );
        let path = place.path().join("config.yml");
        fs::write(&path, config).expect("written");
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
        let Ok(process) = command.spawn() else {
            println!("docker-registry is not installed: nothing is tested");
            return None;
        };
        let mut registry = Self { process, address, index: String::new(), place };
        registry.wait();
        registry.fill();
        Some(registry)
    }

    fn wait(&self) {
        let start = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            assert!(start.elapsed() < Duration::from_secs(60), "the registry starts");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn fill(&mut self) {
        let layer = self.blob(b"no layer at all");
        let manifest = |architecture: &str| {
            let config = self.blob(json!({ "architecture": architecture, "os": "linux" }).to_string().as_bytes());
            let text = json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described("application/vnd.oci.image.config.v1+json", &config),
                "layers": [described("application/vnd.oci.image.layer.v1.tar+gzip", &layer)],
            });
            self.manifest(architecture, MANIFEST, &text.to_string());
            let mut described = described(MANIFEST, &(digest(text.to_string().as_bytes()), text.to_string().len()));
            described["platform"] = json!({ "architecture": architecture, "os": "linux" });
            described
        };
        let manifests = [manifest("amd64"), manifest("arm64")];
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }).to_string();
        self.manifest("1", INDEX, &index);
        self.index = digest(index.as_bytes());
    }

    fn blob(&self, bytes: &[u8]) -> (String, usize) {
        let digest = digest(bytes);
        let start = ureq::post(format!("http://{}/v2/app/blobs/uploads/", self.address));
        let answer = start.header("authorization", format!("Basic {AUTH}")).send_empty().expect("an upload begins");
        let location = answer.headers()["location"].to_str().expect("an address").to_owned();
        let end = ureq::put(format!("{location}&digest={digest}")).header("authorization", format!("Basic {AUTH}"));
        end.header("content-type", "application/octet-stream").send(bytes).expect("uploaded");
        (digest, bytes.len())
    }

    fn manifest(&self, tag: &str, media_type: &str, text: &str) {
        let put = ureq::put(format!("http://{}/v2/app/manifests/{tag}", self.address));
        let put = put.header("authorization", format!("Basic {AUTH}")).header("content-type", media_type);
        put.send(text).expect("taken");
    }

    fn image(&self, name: &str) -> ImageReference {
        format!("{}/{name}", self.address).parse().expect("a reference")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    /// Keeps credentials as `docker login` does.
    fn login(&self, auth: &str) -> PathBuf {
        let config = json!({ "auths": { self.address.clone(): { "auth": auth } } });
        fs::write(self.path("config.json"), config.to_string()).expect("written");
        self.path("config.json")
    }

    /// Exit code, standard output and standard error.
    fn imgopt(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgopt"));
        command.args(arguments).current_dir(self.place.path()).env("DOCKER_CONFIG", self.place.path());
        let output = command.output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    }
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

fn described(media_type: &str, (digest, size): &(String, usize)) -> Value {
    json!({ "mediaType": media_type, "digest": digest, "size": size })
}

fn client(credentials: Credentials) -> Client {
    Client::new(credentials, TIME_LIMIT)
}

#[test]
fn digests_of_indexes() {
    let Some(registry) = Registry::start(false) else { return };
    let client = client(Credentials::default());
    assert_eq!(client.index_digest(&registry.image("app:1")).expect("a digest"), registry.index);
    let missing = client.index_digest(&registry.image("app:2")).expect_err("there is none");
    assert!(matches!(missing, RegistryError::Missing { .. }), "{missing}");
    let missing = client.index_digest(&registry.image("other")).expect_err("there is none");
    assert!(matches!(missing, RegistryError::Missing { .. }), "{missing}");
    let single = client.index_digest(&registry.image("app:amd64")).expect_err("it is for one platform");
    assert_eq!(single.to_string(), format!("the tag names no index over platforms, but `{MANIFEST}`"));
}

#[test]
fn passwords() {
    let Some(registry) = Registry::start(true) else { return };
    let image = registry.image("app:1");
    let ask = |path: &Path| client(Credentials::read(path).expect("it is read")).index_digest(&image);
    let refused = ask(&registry.path("none.json")).expect_err("a password is needed");
    let expected = format!("{0} wants other credentials: `docker login {0}`", registry.address);
    assert_eq!(refused.to_string(), expected);
    let refused = ask(&registry.login("dXNlcjp3cm9uZw==")).expect_err("another password is needed");
    assert_eq!(refused.to_string(), expected);
    assert_eq!(ask(&registry.login(AUTH)).expect("a digest"), registry.index);
}

#[test]
fn locks() {
    let Some(registry) = Registry::start(true) else { return };
    registry.login(AUTH);
    let address = &registry.address;
    let dockerfile = format!("ARG TAG=1\nFROM {address}/app:$TAG AS a\nFROM a\nFROM scratch\nFROM {address}/app:1\n");
    fs::write(registry.path("Dockerfile"), &dockerfile).expect("written");
    let (code, out, error) = registry.imgopt(&["pin", "Dockerfile"]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(out, "imgopt.lock: 1 of 1 images asked for\n");
    let lock = fs::read_to_string(registry.path("imgopt.lock")).expect("a lock");
    assert!(lock.contains(&format!("{address}/app:1:\n    digest: {}\n    date: ", registry.index)), "{lock}");
    // One image without an answer, and nothing is written.
    fs::write(registry.path("Dockerfile"), format!("{dockerfile}FROM {address}/app:none\n")).expect("written");
    let (code, _, error) = registry.imgopt(&["pin", "--update", "Dockerfile"]);
    assert_eq!((code, error), (Some(2), format!("error: {address}/app:none: {address} has no such tag\n")));
    assert_eq!(fs::read_to_string(registry.path("imgopt.lock")).expect("a lock"), lock);
    let names: Vec<_> =
        fs::read_dir(registry.place.path()).expect("a folder").flatten().map(|entry| entry.file_name()).collect();
    assert!(names.iter().all(|name| !name.to_string_lossy().starts_with(".imgopt")), "{names:?}");
    // What the lock has needs no registry.
    fs::write(registry.path("Dockerfile"), &dockerfile).expect("written");
    registry.login("");
    assert_eq!(registry.imgopt(&["pin", "Dockerfile"]).1, "imgopt.lock: 0 of 1 images asked for\n");
    assert_eq!(registry.imgopt(&["pin", "--update", "Dockerfile"]).0, Some(2));
    fs::write(registry.path("imgopt.lock"), "version: 1\nimages: [").expect("written");
    let (code, _, error) = registry.imgopt(&["pin", "Dockerfile"]);
    assert!(code == Some(2) && error.starts_with("error: imgopt.lock: "), "{error}");
}

#[test]
fn mirrors() {
    let Some(registry) = Registry::start(false) else { return };
    let address = &registry.address;
    let pinned = format!("    digest: {}\n", registry.index);
    let lock = || fs::read_to_string(registry.path("imgopt.lock")).expect("a lock");
    fs::write(registry.path("Dockerfile"), "FROM example.com/team/app:1\n").expect("written");
    let (code, _, error) = registry.imgopt(&["pin", "Dockerfile", "--mirror", &format!("example.com/team={address}")]);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    // The lock has the image as the file names it.
    assert!(lock().contains(&format!("  example.com/team/app:1:\n{pinned}")), "{}", lock());
    let config = format!("bases: {{mirrors: {{docker.io/team: '{address}'}}}}\n");
    fs::write(registry.path("imgopt.yaml"), config).expect("written");
    fs::write(registry.path("Dockerfile"), "FROM team/app:1\n").expect("written");
    assert_eq!(registry.imgopt(&["pin", "Dockerfile"]).0, Some(0));
    assert!(lock().contains(&format!("team/app:1:\n{pinned}")), "{}", lock());
    let (code, _, error) = registry.imgopt(&["pin", "Dockerfile", "--mirror", "a=b c"]);
    assert!(code == Some(2) && error.contains("`b c` is no registry"), "{error}");
}

#[test]
fn proxies() {
    let (sender, heads) = std::sync::mpsc::channel();
    let proxy = server(move |head, _| {
        // The test may have ended.
        let _ = sender.send(head.to_owned());
        http("403 Forbidden", "", "")
    });
    let place = tempfile::tempdir().expect("a temporary directory");
    fs::write(place.path().join("Dockerfile"), "FROM registry.example.com/app:1\n").expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgopt"));
    for name in ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy", "https_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    command.args(["pin", "Dockerfile"]).current_dir(place.path()).env("DOCKER_CONFIG", place.path());
    let output = command.env("HTTPS_PROXY", format!("http://{proxy}")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let head = heads.recv_timeout(Duration::from_secs(10)).expect("the proxy is asked");
    assert!(head.starts_with("CONNECT registry.example.com:443 "), "{head}");
    assert!(!place.path().join("imgopt.lock").exists());
}

#[test]
fn helpers() {
    use std::os::unix::fs::PermissionsExt;

    let Some(registry) = Registry::start(true) else { return };
    let script = format!(
        "#!/bin/sh\n[ \"$1 $(cat)\" = 'get {}' ] && echo '{{\"Username\": \"user\", \"Secret\": \"secret\"}}'\n",
        registry.address
    );
    let helper = registry.path("docker-credential-test");
    fs::write(&helper, script).expect("written");
    fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).expect("made a program");
    fs::write(registry.path("Dockerfile"), format!("FROM {}/app:1\n", registry.address)).expect("written");
    let path = format!("{}:{}", registry.place.path().display(), std::env::var("PATH").unwrap_or_default());
    for (config, code) in [
        (json!({ "credsStore": "test" }), 0),
        (json!({ "credHelpers": { registry.address.clone(): "test" } }), 0),
        (json!({ "credHelpers": { "other": "test" } }), 2),
        (json!({ "credsStore": "missing" }), 2),
    ] {
        fs::write(registry.path("config.json"), config.to_string()).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgopt"));
        command.args(["pin", "--update", "Dockerfile"]).current_dir(registry.place.path()).env("PATH", &path);
        let output = command.env("DOCKER_CONFIG", registry.place.path()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(code), "{config}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Answers each request with what `answer` makes of its head.
fn server(answer: impl Fn(&str, &str) -> String + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let own = address.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let lines = BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let head: String = lines.map(|line| line + "\n").collect();
            // The client may have gone.
            let _ = stream.write_all(answer(&head, &own).as_bytes());
        }
    });
    address
}

fn http(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

#[test]
fn tokens() {
    let address = server(|head, own| {
        let is = |text: &str| head.to_ascii_lowercase().contains(text);
        if is("get /token?service=s&scope=repository:app:pull ") {
            return http(
                "200 OK",
                "",
                if is(&format!("authorization: basic {}", AUTH.to_lowercase())) { r#"{"token": "t"}"# } else { "{}" },
            );
        }
        if is("authorization: bearer t") {
            return http("200 OK", &format!("content-type: {INDEX}; charset=utf-8\r\n"), "{}");
        }
        let challenge = format!(
            "www-authenticate: Bearer realm=\"http://{own}/token\",service=\"s\",scope=\"repository:app:pull\"\r\n"
        );
        http("401 Unauthorized", &challenge, "")
    });
    let image: ImageReference = format!("{address}/app:1").parse().expect("a reference");
    let refused = client(Credentials::default()).index_digest(&image).expect_err("a password is needed");
    assert!(matches!(refused, RegistryError::Unauthorized { .. }), "{refused}");
    let place = tempfile::tempdir().expect("a temporary directory");
    let path = place.path().join("config.json");
    fs::write(&path, json!({ "auths": { address: { "auth": AUTH } } }).to_string()).expect("written");
    let credentials = Credentials::read(&path).expect("it is read");
    assert_eq!(client(credentials).index_digest(&image).expect("a digest"), digest(b"{}"));
}

#[test]
fn damaged_answers() {
    let headers = format!("content-type: {INDEX}\r\ndocker-content-digest: {}\r\n", digest(b"other"));
    let address = server(move |_, _| http("200 OK", &headers, "{}"));
    let image = format!("{address}/app:1").parse().expect("a reference");
    let error = client(Credentials::default()).index_digest(&image).expect_err("it is damaged");
    assert!(matches!(error, RegistryError::Damaged { .. }), "{error}");
    let address = server(|_, _| http("503 Service Unavailable", "", ""));
    let image = format!("{address}/app:1").parse().expect("a reference");
    let error = client(Credentials::default()).index_digest(&image).expect_err("it is down");
    assert!(matches!(error, RegistryError::Status { status: 503, .. }), "{error}");
}

#[test]
fn silence() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let image = format!("{address}/app:1").parse().expect("a reference");
    let client = Client::new(Credentials::default(), Duration::from_millis(200));
    let error = client.index_digest(&image).expect_err("nobody answers");
    assert_eq!(error.to_string(), format!("{address} did not answer in time"));
}
