//! Asks a registry for the digest of an image index: the OCI distribution API, with the credentials of Docker.
//!
//! Only an index is taken, never the manifest of one platform: a build on another platform would get the wrong image.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use thiserror::Error;
use ureq::http::{Response, StatusCode, header};
use ureq::{Agent, Body};

use crate::syntax::image::{DOCKER_HUB, ImageReference};

/// Media types of an index over platforms.
const INDEX_TYPES: [&str; 2] =
    ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"];

/// Media types of the manifest of one platform: accepted to say what is wrong.
const MANIFEST_TYPES: [&str; 2] =
    ["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"];

/// The longest answer that is read, in bytes: registries take manifests of at most 4 MiB.
const MAX_ANSWER: u64 = 4 << 20;

/// How long one request may take.
pub const TIME_LIMIT: Duration = Duration::from_secs(30);

/// Why there is no digest.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The registry has no such image, or shows it to nobody without other credentials.
    #[error("{registry} has no such tag")]
    Missing {
        /// The registry.
        registry: String,
    },
    /// The credentials are missing or wrong.
    #[error("{registry} wants other credentials: `docker login {registry}`")]
    Unauthorized {
        /// The registry.
        registry: String,
    },
    /// The answer took too long.
    #[error("{registry} did not answer in time")]
    Timeout {
        /// The registry.
        registry: String,
    },
    /// The tag names no index.
    #[error("the tag names no index over platforms, but `{media_type}`")]
    NoIndex {
        /// What it names.
        media_type: String,
    },
    /// The answer has another digest than the registry says.
    #[error("{registry} sent a damaged answer")]
    Damaged {
        /// The registry.
        registry: String,
    },
    /// Another answer.
    #[error("{registry} answered with status {status}")]
    Status {
        /// The registry.
        registry: String,
        /// The HTTP status.
        status: u16,
    },
    /// The registry cannot be reached, or the answer not be understood.
    #[error("cannot ask {registry}: {message}")]
    Failed {
        /// The registry.
        registry: String,
        /// Why.
        message: String,
    },
}

/// The credentials that `docker login` keeps: in its `config.json`, or with helper programs that it names.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// The value of a `Basic` authorization, by registry.
    basic: BTreeMap<String, String>,
    /// Names of helpers, by registry.
    helpers: BTreeMap<String, String>,
    /// Name of the helper for all other registries.
    store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DockerConfig {
    auths: BTreeMap<String, Auth>,
    cred_helpers: BTreeMap<String, String>,
    creds_store: Option<String>,
}

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: String,
}

impl Credentials {
    /// Those of the user: `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`.
    ///
    /// # Errors
    /// If there is such a file and it cannot be read.
    pub fn of_docker() -> io::Result<Self> {
        let folder = std::env::var_os("DOCKER_CONFIG").map(PathBuf::from);
        let folder = folder.or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".docker")));
        folder.map_or_else(|| Ok(Self::default()), |folder| Self::read(&folder.join("config.json")))
    }

    /// Those in a `config.json`; a missing file has none.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(path: &Path) -> io::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let config: DockerConfig = serde_json::from_str(&text)?;
        // Docker writes addresses, too: `https://index.docker.io/v1/`.
        let host = |key: &str| key.trim_start_matches("https://").split('/').next().unwrap_or_default().to_owned();
        let auths = config.auths.into_iter().filter(|(_, auth)| !auth.auth.is_empty());
        Ok(Self {
            basic: auths.map(|(key, auth)| (host(&key), format!("Basic {}", auth.auth))).collect(),
            helpers: config.cred_helpers.into_iter().map(|(key, helper)| (host(&key), helper)).collect(),
            store: config.creds_store,
        })
    }

    /// The value of a `Basic` authorization.
    fn of(&self, registry: &str) -> Option<String> {
        let (host, address) = match registry {
            DOCKER_HUB => ("index.docker.io", "https://index.docker.io/v1/"),
            registry => (registry, registry),
        };
        let helper = self.helpers.get(host).or(self.store.as_ref());
        helper.and_then(|helper| ask(helper, address)).or_else(|| self.basic.get(host).cloned())
    }
}

/// Asks the program `docker-credential-<helper>`, as Docker does: the address goes in, a JSON object comes out.
fn ask(helper: &str, address: &str) -> Option<String> {
    let is_name = helper.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !is_name {
        return None;
    }
    let mut command = Command::new(format!("docker-credential-{helper}"));
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    // A helper that does not read has its reasons; its answer counts.
    let _ = child.stdin.take()?.write_all(address.as_bytes());
    let output = child.wait_with_output().ok().filter(|output| output.status.success())?;
    let answer: Answer = serde_json::from_slice(&output.stdout).ok()?;
    // With that name the secret is a token for another protocol.
    let is_password = answer.username != "<token>";
    is_password.then(|| format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", answer.username, answer.secret))))
}

/// Asks registries.
#[derive(Debug)]
pub struct Client {
    agent: Agent,
    credentials: Credentials,
}

impl Client {
    /// A client; each request may take `time_limit`. Proxies are those of the environment.
    #[must_use]
    pub fn new(credentials: Credentials, time_limit: Duration) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(time_limit))
            .http_status_as_error(false)
            .user_agent(concat!("imgopt/", env!("CARGO_PKG_VERSION")))
            .build();
        Self { agent: config.new_agent(), credentials }
    }

    /// The digest of the index that the tag names now, `sha256:…`. An image without a tag has `latest`.
    ///
    /// # Errors
    /// Any [`RegistryError`].
    pub fn index_digest(&self, image: &ImageReference) -> Result<String, RegistryError> {
        let registry = image.registry.as_str();
        let address = format!(
            "{}/v2/{}/manifests/{}",
            base_address(registry),
            image.repository,
            image.tag.as_deref().unwrap_or("latest")
        );
        let mut response = self.get(registry, &address, None)?;
        if response.status() == StatusCode::UNAUTHORIZED {
            let authorization = self.authorization(registry, &response)?;
            response = self.get(registry, &address, Some(&authorization))?;
        }
        let registry = registry.to_owned();
        match response.status() {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Err(RegistryError::Missing { registry }),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(RegistryError::Unauthorized { registry }),
            status => return Err(RegistryError::Status { registry, status: status.as_u16() }),
        }
        let media_type = header_text(&response, header::CONTENT_TYPE.as_str()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_owned();
        if !INDEX_TYPES.contains(&media_type.as_str()) {
            return Err(RegistryError::NoIndex { media_type });
        }
        let promised = header_text(&response, "docker-content-digest");
        let body = read(&registry, &mut response)?;
        let digest = Sha256::digest(&body).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
        if promised.is_some_and(|promised| promised != digest) {
            return Err(RegistryError::Damaged { registry });
        }
        Ok(digest)
    }

    fn get(&self, registry: &str, address: &str, authorization: Option<&str>) -> Result<Response<Body>, RegistryError> {
        let accept = [INDEX_TYPES, MANIFEST_TYPES].concat().join(", ");
        let mut request = self.agent.get(address).header(header::ACCEPT, accept);
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if is_loopback(registry) {
            request = request.config().proxy(None).build();
        }
        request.call().map_err(|error| failed(registry, &error))
    }

    /// What the registry wants to see after it answered 401: the password, or a token that it gives for it.
    fn authorization(&self, registry: &str, response: &Response<Body>) -> Result<String, RegistryError> {
        let refused = || RegistryError::Unauthorized { registry: registry.to_owned() };
        let challenge = header_text(response, header::WWW_AUTHENTICATE.as_str()).ok_or_else(refused)?;
        let basic = self.credentials.of(registry);
        let (scheme, parameters) = challenge.split_once(' ').unwrap_or((&challenge, ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return basic.ok_or_else(refused);
        }
        let parameters = parameters_of(parameters);
        let realm = parameters.get("realm").ok_or_else(refused)?;
        // A password goes out encrypted, unless the registry itself is on this machine.
        let is_safe = realm.starts_with("https://") || is_loopback(registry);
        let address = ["service", "scope"].iter().filter_map(|key| Some((key, parameters.get(*key)?)));
        let query: Vec<String> = address.map(|(key, value)| format!("{key}={}", encoded(value))).collect();
        let separator = if realm.contains('?') { '&' } else { '?' };
        let address = format!("{realm}{separator}{}", query.join("&"));
        let mut response = self.get(registry, &address, basic.as_deref().filter(|_| is_safe))?;
        match response.status() {
            StatusCode::OK => {}
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(refused()),
            status => {
                return Err(RegistryError::Status { registry: registry.to_owned(), status: status.as_u16() });
            }
        }
        let body = read(registry, &mut response)?;
        let token: Token = serde_json::from_slice(&body)
            .map_err(|error| RegistryError::Failed { registry: registry.to_owned(), message: error.to_string() })?;
        let token = token.token.or(token.access_token).ok_or_else(refused)?;
        Ok(format!("Bearer {token}"))
    }
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

fn read(registry: &str, response: &mut Response<Body>) -> Result<Vec<u8>, RegistryError> {
    response.body_mut().with_config().limit(MAX_ANSWER).read_to_vec().map_err(|error| failed(registry, &error))
}

fn failed(registry: &str, error: &ureq::Error) -> RegistryError {
    let registry = registry.to_owned();
    match error {
        ureq::Error::Timeout(_) => RegistryError::Timeout { registry },
        error => RegistryError::Failed { registry, message: error.to_string() },
    }
}

fn header_text(response: &Response<Body>, name: &str) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// The address of a registry. As for Docker, one on this machine is asked without encryption.
fn base_address(registry: &str) -> String {
    match registry {
        DOCKER_HUB => "https://registry-1.docker.io".to_owned(),
        registry if is_loopback(registry) => format!("http://{registry}"),
        registry => format!("https://{registry}"),
    }
}

fn is_loopback(registry: &str) -> bool {
    let host = match registry.strip_prefix('[') {
        Some(rest) => rest.split(']').next(),
        None => registry.split(':').next(),
    };
    host.is_some_and(|host| host == "localhost" || host == "::1" || host.starts_with("127."))
}

/// The parameters of a challenge: `realm="https://…",service="…"`.
fn parameters_of(text: &str) -> BTreeMap<String, String> {
    let mut parameters = BTreeMap::new();
    let mut rest = text;
    while let Some((key, value)) = rest.split_once('=') {
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => value.split_once(',').unwrap_or((value, "")),
        };
        parameters.insert(key.trim_matches([',', ' ']).to_ascii_lowercase(), value.to_owned());
        rest = after;
    }
    parameters
}

/// A value in a query.
fn encoded(value: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:/,".contains(&byte);
    value.bytes().fold(String::new(), |text, byte| {
        if keep(byte) { text + &char::from(byte).to_string() } else { format!("{text}%{byte:02X}") }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges() {
        let parameters = parameters_of(r#"realm="https://a/t",service=b, scope="repository:c/d:pull,push""#);
        let expected = [("realm", "https://a/t"), ("scope", "repository:c/d:pull,push"), ("service", "b")];
        assert!(parameters.iter().map(|(key, value)| (key.as_str(), value.as_str())).eq(expected), "{parameters:?}");
        assert_eq!(encoded("a b&c:d/e"), "a%20b%26c:d/e");
    }

    #[test]
    fn registries_on_this_machine() {
        for registry in ["localhost", "localhost:5000", "127.0.0.1:5000", "[::1]:5000"] {
            assert_eq!(base_address(registry), format!("http://{registry}"));
        }
        assert_eq!(base_address("localhost.example.org"), "https://localhost.example.org");
        assert_eq!(base_address(DOCKER_HUB), "https://registry-1.docker.io");
    }

    #[test]
    fn credentials_of_docker() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join("config.json");
        assert!(Credentials::read(&path).expect("no file, no credentials").basic.is_empty());
        let text =
            r#"{"auths": {"https://index.docker.io/v1/": {"auth": "YTpi"}, "ghcr.io": {}}, "credsStore": "../x"}"#;
        std::fs::write(&path, text).expect("written");
        let credentials = Credentials::read(&path).expect("it is read");
        assert_eq!((credentials.of(DOCKER_HUB), credentials.of("ghcr.io")), (Some("Basic YTpi".to_owned()), None));
    }
}
