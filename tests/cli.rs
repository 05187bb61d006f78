//! The command line as its users meet it: `tests/cli/*.toml` (trycmd) for arguments, output and exit codes, and the cases
//! below for what needs a repository, links, or a look at the files that are left.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A Dockerfile with nothing to gain.
const FINE: &str = "FROM scratch\nCOPY app /app\nUSER 65532:65532\nENTRYPOINT [\"/app\"]\n";

#[test]
fn cases() {
    // On that day nothing is past its end of life.
    trycmd::TestCases::new().env("SOURCE_DATE_EPOCH", "0").case("tests/cli/*.toml");
}

/// A day decides what is past its end of life, and `SOURCE_DATE_EPOCH` is that day.
#[test]
fn the_day_of_the_run() {
    let place = Place::new();
    fs::write(place.path("Dockerfile"), "FROM python:3.8-slim-bullseye\n").expect("written");
    let proposals = |seconds: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgopt"));
        let command = command.args(["check", "--format=json"]).current_dir(place.0.path());
        let output = command.env("SOURCE_DATE_EPOCH", seconds).output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).matches("end-of-life").count()
    };
    // 2024-10-07, the last day of Python 3.8, and the day after; Debian 11 had long-term support then.
    assert_eq!((proposals("1728259200"), proposals("1728345600")), (0, 1));
    // 2026-09-01: neither.
    assert_eq!(proposals("1788220800"), 2);
}

/// A directory of its own.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("below the place")).expect("a directory");
        fs::write(path, text).expect("written");
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        // Settings of the developer's git must not matter.
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("SOURCE_DATE_EPOCH", "0");
        command.args(arguments).current_dir(self.0.path()).output().expect("it runs")
    }

    fn git(&self, arguments: &[&str]) {
        let output = self.run("git", arguments);
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn commit(&self) {
        self.git(&["add", "--all"]);
        self.git(&["-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message=x"]);
    }

    /// Exit code, standard output, standard error.
    fn imgopt(&self, arguments: &[&str]) -> (i32, String, String) {
        let output = self.run(env!("CARGO_BIN_EXE_imgopt"), arguments);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        (output.status.code().expect("an exit code"), text(&output.stdout), text(&output.stderr))
    }

    /// The paths in a JSON report.
    fn checked(&self, arguments: &[&str]) -> Vec<String> {
        let (code, out, error) = self.imgopt(&[&["check", "--format=json"], arguments].concat());
        assert_eq!((code, error.as_str()), (0, ""), "{out}");
        let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let files = report["files"].as_array().expect("files");
        files.iter().map(|file| file["path"].as_str().expect("a path").to_owned()).collect()
    }

    fn has(&self, name: &str) -> bool {
        Path::new(&self.path(name)).symlink_metadata().is_ok()
    }
}

#[test]
fn files_are_found_sorted_and_once() {
    let place = Place::new();
    for name in ["b/Dockerfile", "a/api.dockerfile", ".devcontainer/Dockerfile", "Containerfile", "a/Dockerfile.dev"] {
        place.put(name, FINE);
    }
    for name in ["Dockerfile.optimized", "Dockerfile.dockerignore", "a/Dockerfile.dev~", ".git/Dockerfile", "x/main.rs"]
    {
        place.put(name, FINE);
    }
    let all = [".devcontainer/Dockerfile", "Containerfile", "a/Dockerfile.dev", "a/api.dockerfile", "b/Dockerfile"];
    assert_eq!(place.checked(&[]), all);
    assert_eq!(place.checked(&[".", "a", "./b/Dockerfile", "b/../Containerfile"]), all);
    assert_eq!(place.checked(&["b", "a/Dockerfile.dev"]), ["b/Dockerfile", "a/Dockerfile.dev"]);
}

#[test]
fn ignored_files_are_not_found() {
    let place = Place::new();
    place.put(".gitignore", "build/\n*.dev\n");
    for name in ["Dockerfile", "Dockerfile.dev", "build/Dockerfile", "a/Dockerfile"] {
        place.put(name, FINE);
    }
    assert_eq!(place.checked(&[]), ["Dockerfile", "a/Dockerfile"]);
    assert_eq!(place.checked(&["Dockerfile.dev"]), ["Dockerfile.dev"], "unless they are named");
}

#[cfg(unix)]
#[test]
fn links_do_not_lead_out() {
    use std::os::unix::fs::symlink;

    let place = Place::new();
    place.put("outside/Dockerfile", FINE);
    place.put("inside/Dockerfile", FINE);
    place.put("inside/other/image.txt", FINE);
    symlink("../outside/Dockerfile", place.path("inside/Dockerfile.out")).expect("a link");
    symlink("../outside", place.path("inside/directory")).expect("a link");
    symlink("Dockerfile", place.path("inside/Dockerfile.same")).expect("a link");
    symlink("other/image.txt", place.path("inside/Dockerfile.other")).expect("a link");
    symlink("nowhere", place.path("inside/Dockerfile.nowhere")).expect("a link");
    assert_eq!(place.checked(&["inside"]), ["inside/Dockerfile", "inside/Dockerfile.other"]);
    assert_eq!(place.checked(&["inside/Dockerfile.out"]), ["inside/Dockerfile.out"], "unless they are named");
}

#[test]
fn changed_files_since_a_commit() {
    let place = Place::new();
    place.git(&["init", "--quiet"]);
    for name in ["same/Dockerfile", "changed/Dockerfile", "deleted/Dockerfile", "renamed/Dockerfile"] {
        place.put(name, FINE);
    }
    place.commit();
    place.put("changed/Dockerfile", format!("{FINE}# changed\n"));
    fs::remove_file(place.path("deleted/Dockerfile")).expect("removed");
    place.git(&["mv", "renamed/Dockerfile", "renamed/new name.Dockerfile"]);
    place.put("with space/ä.Dockerfile", FINE);
    let changed = ["changed/Dockerfile", "renamed/new name.Dockerfile", "with space/ä.Dockerfile"];
    assert_eq!(place.checked(&["--since=HEAD"]), changed);
    assert_eq!(place.checked(&["--since=HEAD", "same", "changed"]), ["changed/Dockerfile"]);
    assert_eq!(place.checked(&["--staged"]), ["renamed/new name.Dockerfile"]);
    place.commit();
    assert!(place.checked(&["--since=HEAD"]).is_empty());
    assert_eq!(place.checked(&["--since=HEAD~1", "with space"]), ["with space/ä.Dockerfile"]);
    let (code, _, error) = place.imgopt(&["check", "--since=--output=x"]);
    assert_eq!(code, 2);
    assert!(error.contains("there is no commit `--output=x`"), "{error}");
    assert!(!place.has("x"));
}

#[test]
fn changed_files_need_a_repository() {
    let place = Place::new();
    place.put("Dockerfile", FINE);
    let (code, out, error) = place.imgopt(&["check", "--staged"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(error.starts_with("error: . is not in a git repository, which --since and --staged need: "), "{error}");
}

#[test]
fn a_directory_with_a_single_staged_file_of_a_new_repository() {
    let place = Place::new();
    place.git(&["init", "--quiet"]);
    place.put("Dockerfile", FINE);
    place.put("Dockerfile.dev", FINE);
    place.git(&["add", "Dockerfile"]);
    assert_eq!(place.checked(&["--staged"]), ["Dockerfile"]);
}

#[test]
fn diffs_apply() {
    let pairs = [
        ("FROM a\nRUN b\n", "FROM a\nRUN c\n"),
        ("FROM a\nRUN b", "FROM a\nRUN c"),
        ("FROM a\nRUN b", "FROM a\nRUN b\n"),
        ("FROM a\nRUN b\n", "FROM a\nRUN b"),
        ("FROM a\r\nRUN b\r\nRUN d", "FROM a\r\nRUN c\r\nRUN d"),
        ("FROM a\nRUN b\rc\nRUN d\n", "FROM a\nRUN b\re\nRUN d\n"),
        ("\u{feff}FROM a\n\n\n1\n2\n3\n4\n5\n6\n7\n8\n9\n", "\u{feff}FROM b\n\n\n1\n2\n3\n4\n5\n6\n7\n8\nx\n\n"),
    ];
    for (old, new) in pairs {
        let place = Place::new();
        place.put("below here/Dockerfile", old);
        place.put("x.diff", imgopt::report::diff::unified("./below here/Dockerfile", old, new, false));
        place.git(&["apply", "--whitespace=nowarn", "x.diff"]);
        assert_eq!(fs::read_to_string(place.path("below here/Dockerfile")).expect("a file"), new);
    }
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let place = Place::new();
    place.put("Dockerfile", "#".repeat((8 << 20) + 1));
    let (code, _, error) = place.imgopt(&["check", "Dockerfile"]);
    assert_eq!(code, 2);
    assert!(error.contains("Dockerfile: larger than 8 MiB"), "{error}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let place = Place::new();
    for n in 0..50 {
        place.put(&format!("{n}.Dockerfile"), FINE);
    }
    let mut child = Command::new(env!("CARGO_BIN_EXE_imgopt"))
        .arg("check")
        .current_dir(place.path("."))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
}

#[test]
fn standard_input_goes_to_standard_output_byte_for_byte() {
    let place = Place::new();
    let text = format!("\u{feff}{}# \u{1b}[0m\t", FINE.replace('\n', "\r\n"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_imgopt"))
        .args(["rewrite", "-"])
        .current_dir(place.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stdout), text);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "<stdin>: nothing to gain\n");
}

#[test]
fn an_own_output_without_use_is_removed_and_any_other_stays() {
    let place = Place::new();
    let sealed = imgopt::emit::trailer::seal("FROM old\n", "Dockerfile", "FROM old\nRUN x\n");
    place.put("Dockerfile", FINE);
    place.put("Dockerfile.optimized", &sealed);
    place
        .put("Dockerfile.optimized.dockerignore", imgopt::emit::trailer::seal("*.md\n", "Dockerfile.dockerignore", ""));
    place.put("Dockerfile.dev", FINE);
    place.put("Dockerfile.dev.optimized", sealed.replace("FROM old", "FROM edited"));
    let (code, out, _) = place.imgopt(&["check", "--outputs"]);
    assert_eq!(code, 1);
    assert!(
        out.contains("; Dockerfile.optimized.dockerignore is left over; Dockerfile.optimized is left over\n"),
        "{out}"
    );
    let (code, out, _) = place.imgopt(&["rewrite"]);
    assert_eq!(code, 0);
    assert!(out.contains("; removed Dockerfile.optimized.dockerignore; removed Dockerfile.optimized\n"), "{out}");
    assert!(!place.has("Dockerfile.optimized") && !place.has("Dockerfile.optimized.dockerignore"));
    assert!(place.has("Dockerfile.dev.optimized"));
    assert_eq!(place.imgopt(&["check", "--outputs"]).0, 0);
}

#[test]
fn applying_removes_the_outputs() {
    let place = Place::new();
    place.put("Dockerfile", "FROM old\n");
    place.put("Dockerfile.optimized", imgopt::emit::trailer::seal(FINE, "Dockerfile", "FROM old\n"));
    place
        .put("Dockerfile.optimized.dockerignore", imgopt::emit::trailer::seal("*.md\n", "Dockerfile.dockerignore", ""));
    let (code, out, error) = place.imgopt(&["apply"]);
    assert_eq!((code, error.as_str()), (0, ""));
    assert_eq!(out, "Dockerfile is now what Dockerfile.optimized was\n");
    assert_eq!(fs::read_to_string(place.path("Dockerfile")).expect("a file"), FINE);
    assert!(!place.has("Dockerfile.optimized") && !place.has("Dockerfile.optimized.dockerignore"));
    assert_eq!(place.imgopt(&["apply"]).1, "there is no output to apply: `imgopt rewrite` writes them\n");
}
