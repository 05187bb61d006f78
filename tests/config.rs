//! `imgopt.yaml`: what is found, merged and locked, and what is said of files that cannot be used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use imgopt::config::file::{BuilderName, PassSetting};
use imgopt::config::{ConfigError, Configs, Problem, Settings};
use imgopt::rewrite::{AssumptionKind, Level, Stance};
use snapbox::Data;

/// A directory with files.
struct Place(tempfile::TempDir);

impl Place {
    fn new(files: &[(&str, &str)]) -> Self {
        let place = Self(tempfile::tempdir().expect("a temporary directory"));
        for (name, text) in files {
            place.put(name, text);
        }
        place
    }

    fn put(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it has a parent")).expect("a directory");
        fs::write(path, text).expect("written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().expect("it is there").join(name)
    }

    /// What is said of a file.
    fn settings(&self, name: &str) -> Result<Settings, ConfigError> {
        let path = self.path(name);
        Ok(Configs::default().of(path.parent().expect("it has a parent"))?.settings(&path))
    }

    #[track_caller]
    fn said(&self, name: &str) -> Settings {
        self.settings(name).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The error, with paths relative to the place.
    #[track_caller]
    fn error(&self, name: &str) -> String {
        let error = self.settings(name).expect_err("the configuration is wrong").to_string();
        error.replace(&format!("{}/", self.path("").display()).replace("//", "/"), "")
    }

    /// Exit code, standard output and standard error of a run in the place.
    fn imgopt(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgopt"));
        let output = command.args(arguments).current_dir(self.0.path()).output().expect("it runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().expect("it ends by itself"), text(&output.stdout), text(&output.stderr))
    }

    /// The passes of which `check` finds rewrites.
    fn checked(&self, flags: &[&str]) -> Vec<String> {
        let (_, out, _) = self.imgopt(&[&["check", "--format=json"], flags].concat());
        let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        let rewrites = report["files"][0]["rewrites"].as_array().expect("a list");
        rewrites.iter().map(|rewrite| rewrite["pass"].as_str().expect("a name").to_owned()).collect()
    }
}

/// The files that are not read as they should, each with what is said of it.
#[test]
fn bad_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config/bad");
    let names = |folder: &Path| {
        let mut names: Vec<PathBuf> =
            fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        names.sort();
        names.retain(|name| name.extension().is_some_and(|extension| extension == "yaml"));
        names
    };
    let cases = names(&folder);
    assert!(cases.len() >= 20);
    for case in cases {
        let place = Place::new(&[]);
        place.put("imgopt.yaml", fs::read(&case).expect("it can be read"));
        for shared in names(&folder.join("shared")) {
            let name = shared.file_name().expect("it has a name").to_string_lossy().into_owned();
            place.put(&format!("shared/{name}"), fs::read(&shared).expect("it can be read"));
        }
        let message = place.error("Dockerfile") + "\n";
        snapbox::assert_data_eq!(message, Data::read_from(&case.with_extension("txt"), None).raw());
    }
}

#[test]
fn the_nearest_file_goes_first() {
    let place = Place::new(&[
        ("imgopt.yaml", "level: safe\nbuilder: kaniko\npasses: {exec-form: off, cache-mounts: off}\n"),
        ("a/.imgopt.yaml", "level: breaking\npasses: {exec-form: {level: safe}}\n"),
        ("a/b/imgopt.yaml", "# nothing\n"),
        ("c/imgopt.yaml", "root: true\ncheck_level: guarded\n"),
    ]);
    let near = place.said("a/b/Dockerfile");
    assert_eq!((near.level, near.builder), (Some(Level::Breaking), Some(BuilderName::Kaniko)));
    assert_eq!(near.passes, [("exec-form", PassSetting::UpTo(Level::Safe)), ("cache-mounts", PassSetting::Off)].into());
    assert_eq!(place.said("Dockerfile").level, Some(Level::Safe));
    let root = place.said("c/Dockerfile");
    assert_eq!((root.level, root.check_level, root.builder), (None, Some(Level::Guarded), None));
}

#[test]
fn the_search_ends_at_the_repository() {
    let place = Place::new(&[("imgopt.yaml", "level: breaking\n"), ("repository/.git/HEAD", "")]);
    assert_eq!(place.said("repository/a/../Dockerfile"), Settings::default());
}

#[test]
fn files_build_on_others() {
    let place = Place::new(&[
        ("base/a.yaml", "extends: b.yaml\nlevel: safe\nassume: {buildkit: affirm}\n"),
        ("base/b.yaml", "level: breaking\nin_place_level: breaking\nassume: {buildkit: deny, no-child-images: deny}\n"),
        ("base/c.yaml", "check_level: guarded\nlevel: guarded\n"),
        ("one/imgopt.yaml", "extends: ../base/a.yaml\n"),
        ("two/imgopt.yaml", "extends: [../base/a.yaml, ../base/c.yaml]\npasses: {exec-form: on}\n"),
    ]);
    let one = place.said("one/Dockerfile");
    assert_eq!((one.level, one.in_place_level), (Some(Level::Safe), Some(Level::Breaking)));
    let assume = [(AssumptionKind::BuildKit, Stance::Affirmed), (AssumptionKind::NoChildImages, Stance::Denied)];
    assert_eq!(one.assume, assume.into());
    let two = place.said("two/Dockerfile");
    assert_eq!((two.level, two.check_level), (Some(Level::Guarded), Some(Level::Guarded)));
    assert_eq!(two.passes, [("exec-form", PassSetting::On)].into());
}

#[test]
fn a_file_may_be_built_on_twice() {
    let place = Place::new(&[
        ("a.yaml", "extends: c.yaml\n"),
        ("b.yaml", "extends: c.yaml\n"),
        ("c.yaml", "level: safe\n"),
        ("imgopt.yaml", "extends: [a.yaml, b.yaml]\n"),
    ]);
    assert_eq!(place.said("Dockerfile").level, Some(Level::Safe));
}

#[test]
fn long_chains_end() {
    let place = Place::new(&[("imgopt.yaml", "extends: 0.yaml\n")]);
    for n in 0..100 {
        place.put(&format!("{n}.yaml"), format!("extends: [{}.yaml]\n", n + 1));
    }
    assert_eq!(place.error("Dockerfile"), "63.yaml:1:1: more than 64 files build on each other");
}

#[test]
fn overrides_are_for_paths() {
    let place = Place::new(&[
        ("ctx/x", ""),
        (
            "imgopt.yaml",
            "level: safe\noverrides:\n- {files: test/, level: breaking, context: ctx}\n- {files: ['*.dev', '!a.dev'], builder: legacy}\n",
        ),
        ("test/near/imgopt.yaml", "level: guarded\noverrides: [{files: /Dockerfile.dev, level: safe}]\n"),
    ]);
    let test = place.said("test/x/Dockerfile");
    assert_eq!((test.level, test.context, test.builder), (Some(Level::Breaking), Some(place.path("ctx")), None));
    let dev = place.said("x/Dockerfile.dev");
    assert_eq!((dev.level, dev.context, dev.builder), (Some(Level::Safe), None, Some(BuilderName::Legacy)));
    assert_eq!(place.said("x/a.dev").builder, None);
    // What a nearer file says of all paths goes before what a farther one says of some.
    assert_eq!(place.said("test/near/Dockerfile").level, Some(Level::Guarded));
    assert_eq!(place.said("test/near/Dockerfile.dev").level, Some(Level::Safe));
    assert_eq!(place.said("test/near/x/Dockerfile.dev").level, Some(Level::Guarded));
}

#[test]
fn locks_hold_below() {
    let place = Place::new(&[
        ("imgopt.yaml", "level: safe\nlocked: [level, passes]\noverrides: [{files: own/, level: guarded}]\n"),
        ("same/imgopt.yaml", "level: safe\nbuilder: buildkit\n"),
        ("other/imgopt.yaml", "builder: buildkit\npasses: {exec-form: on}\n"),
        ("new/imgopt.yaml", "root: true\nlevel: breaking\n"),
        ("deep/imgopt.yaml", "locked: builder\n"),
    ]);
    assert_eq!(place.said("same/Dockerfile").level, Some(Level::Safe));
    assert_eq!(place.said("own/Dockerfile").level, Some(Level::Guarded), "the file that locks may say more");
    assert_eq!(place.error("other/Dockerfile"), "other/imgopt.yaml:2:21: `passes.exec-form` is locked by imgopt.yaml");
    assert_eq!(place.said("new/Dockerfile").level, Some(Level::Breaking), "`root: true` leaves the files above");
}

#[test]
fn one_file_a_directory() {
    let place = Place::new(&[("imgopt.yaml", ""), (".imgopt.yaml", "")]);
    assert_eq!(place.error("Dockerfile"), "imgopt.yaml: .imgopt.yaml is beside it: keep one of them");
}

#[test]
fn files_have_a_size() {
    let place = Place::new(&[]);
    place.put("imgopt.yaml", "#".repeat(256 << 10));
    assert_eq!(place.said("Dockerfile"), Settings::default());
    place.put("imgopt.yaml", "#".repeat((256 << 10) + 1));
    assert_eq!(place.error("Dockerfile"), "imgopt.yaml: larger than 256 KiB");
    let place = Place::new(&[("imgopt.yaml/x", "")]);
    assert_eq!(place.error("Dockerfile"), "imgopt.yaml: cannot read it: it is not a file");
}

#[test]
fn hostile_files_end() {
    let bomb: String = (0..40).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        format!("{text}a{}: &a{} [*a{n}, *a{n}, *a{n}, *a{n}]\n", n + 1, n + 1)
    });
    let place = Place::new(&[("imgopt.yaml", &bomb)]);
    assert!(place.settings("Dockerfile").is_err());
    place.put("imgopt.yaml", format!("passes: {}", "[".repeat(100_000)));
    assert_eq!(place.error("Dockerfile"), "imgopt.yaml:1:137: more than 128 brackets are open");
    place.put("imgopt.yaml", format!("passes:\n {}x", "- ".repeat(100_000)));
    assert!(matches!(place.settings("Dockerfile").map_err(|error| *error.problem), Err(Problem::Value(_))));
}

const PIP: &str = "FROM python:3.12-slim\nRUN pip install flask\n";

#[test]
fn levels_by_command() {
    let place = Place::new(&[("Dockerfile", PIP)]);
    assert!(!place.checked(&[]).contains(&"cache-mounts".to_owned()));
    assert!(place.imgopt(&["rewrite", "--stdout"]).1.contains("--mount=type=cache"));
    place.put("imgopt.yaml", "level: safe\ncheck_level: guarded\n");
    assert!(place.checked(&[]).contains(&"cache-mounts".to_owned()));
    assert!(!place.checked(&["--level=safe"]).contains(&"cache-mounts".to_owned()), "a flag goes first");
    assert!(!place.imgopt(&["rewrite", "--stdout"]).1.contains("--mount=type=cache"));
    assert!(place.imgopt(&["rewrite", "--stdout", "--level=guarded"]).1.contains("--mount=type=cache"));
    assert!(place.imgopt(&["rewrite", "--stdout", "--enable=cache-mounts"]).1.contains("--mount=type=cache"));
    place.put("imgopt.yaml", "in_place_level: guarded\n");
    place.imgopt(&["rewrite", "--in-place"]);
    assert!(fs::read_to_string(place.path("Dockerfile")).expect("a file").contains("--mount=type=cache"));
}

#[test]
fn passes_by_name() {
    let place = Place::new(&[("Dockerfile", PIP), ("imgopt.yaml", "passes: {cache-mounts: off}\n")]);
    assert!(!place.imgopt(&["rewrite", "--stdout"]).1.contains("type=cache"));
    assert!(
        place.imgopt(&["rewrite", "--stdout", "--only=cache-mounts"]).1.contains("type=cache"),
        "a flag goes first"
    );
    place.put("imgopt.yaml", "level: safe\npasses: {cache-mounts: on}\n");
    assert!(place.imgopt(&["rewrite", "--stdout"]).1.contains("type=cache"));
    assert!(!place.imgopt(&["rewrite", "--stdout", "--skip=cache-mounts"]).1.contains("type=cache"));
    place.put("imgopt.yaml", "passes: {cache-mounts: {level: safe}}\n");
    assert!(!place.imgopt(&["rewrite", "--stdout"]).1.contains("type=cache"));
}

#[test]
fn assumptions() {
    let place = Place::new(&[("Dockerfile", PIP), ("imgopt.yaml", "assume: {buildkit: deny}\n")]);
    let (_, out, report) = place.imgopt(&["rewrite", "--stdout", "--verbose"]);
    assert!(!out.contains("type=cache"), "{out}");
    assert!(report.contains("imgopt.yaml denies that the image is built with BuildKit"), "{report}");
    place.put("imgopt.yaml", "assume: {buildkit: affirm}\n");
    let (_, out, report) = place.imgopt(&["rewrite", "--stdout"]);
    assert!(out.contains("type=cache"), "{out}");
    assert!(report.contains("imgopt.yaml affirms it"), "{report}");
}

/// A file whose image and tool nobody but the project knows.
const OWN: &str = "FROM registry.example.com/base/python:3.12-slim-bookworm\nWORKDIR /app\nCOPY . .\n\
                   RUN fetch-models --to /opt/models\nRUN pip install flask\n";

#[test]
fn own_tables() {
    let family = "tables:\n  images:\n  - family: python\n    repositories: [registry.example.com/base/python]\n    \
                  sources: [{name: the team, date: 2026-01-31}]\n";
    let place = Place::new(&[("Dockerfile", OWN), ("other/.git/HEAD", ""), ("other/Dockerfile", OWN)]);
    let rewritten = |place: &Place, path: &str| place.imgopt(&["rewrite", "--stdout", "--only=cache-mounts", path]).1;
    assert!(!rewritten(&place, "Dockerfile").contains("id=pip-bookworm"));
    place.put("imgopt.yaml", family);
    assert!(rewritten(&place, "Dockerfile").contains("id=pip-bookworm"), "{}", rewritten(&place, "Dockerfile"));
    // Each file has the rows of its own configuration, also in one run.
    let both = place.imgopt(&["check", "--level=guarded", "--only=cache-mounts", "--format=json", "."]).1;
    let report: serde_json::Value = serde_json::from_str(&both).expect("JSON");
    let ids =
        report["files"].as_array().expect("a list").iter().map(|file| file.to_string().contains("id=pip-bookworm"));
    assert_eq!(ids.collect::<Vec<_>>(), [true, false]);
    // `imgopt tables` shows what holds here.
    let (code, out, _) = place.imgopt(&["tables", "registry.example.com/base/python:3.12"]);
    assert!(code == 0 && out.contains("source: the team, 2026-01-31"), "{out}");
    assert_eq!(place.imgopt(&["tables", "registry.example.com/base/node:22"]).0, 2);
}

#[test]
fn own_commands_have_effects() {
    let rows = "tables:\n  commands:\n  - {programs: [fetch-models], source: its manual, values: [--to]}\n  effects:\n  \
                - {commands: [fetch-models], source: its manual, bound: true, operands: text, values: {--to: write}}\n";
    let file = "FROM debian:bookworm-slim\nRUN wget -O /tmp/a.tgz https://example.com/a.tgz\nCOPY a /a\n\
                RUN fetch-models --to /opt/models\nRUN rm /tmp/a.tgz\n";
    let place = Place::new(&[("Dockerfile", file)]);
    let rewritten = |place: &Place| place.imgopt(&["rewrite", "--stdout", "--only=cleanup-layer"]).1;
    assert!(!rewritten(&place).contains("a.tgz && rm /tmp/a.tgz"), "{}", rewritten(&place));
    place.put("imgopt.yaml", rows);
    assert!(rewritten(&place).contains("a.tgz && rm /tmp/a.tgz"), "{}", rewritten(&place));
}

#[test]
fn nearer_rows_win() {
    let cache = |directory: &str| {
        format!(
            "tables:\n  caches:\n  - {{tool: pip, commands: [pip install], mounted: true, directories: [{{root: {directory}, id: pip, \
             sharing: locked, hash_verified: false, of_release: false}}], source: {{name: us, date: 2026-01-31}}}}\n"
        )
    };
    let place = Place::new(&[("Dockerfile", PIP), ("near/Dockerfile", PIP)]);
    place.put("imgopt.yaml", cache("/var/cache/a"));
    place.put("near/imgopt.yaml", cache("/var/cache/b"));
    let rewritten = |path: &str| place.imgopt(&["rewrite", "--stdout", "--only=cache-mounts", path]).1;
    assert!(rewritten("Dockerfile").contains("target=/var/cache/a"), "{}", rewritten("Dockerfile"));
    assert!(rewritten("near/Dockerfile").contains("target=/var/cache/b"), "{}", rewritten("near/Dockerfile"));
}

/// npm checks downloads by hash, and the first stage is not shipped: only BuildKit is left to prove.
#[test]
fn what_is_proved_is_safe() {
    let npm = "FROM node:22-slim AS build\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci\n\
               FROM node:22-slim\nCOPY --from=build /app /app\nCMD [\"node\", \"/app/x.js\"]\n";
    let place = Place::new(&[("Dockerfile", npm)]);
    assert_eq!(place.imgopt(&["check"]).0, 0);
    for proof in ["builder: buildkit\n", "assume: {buildkit: affirm}\n"] {
        place.put("imgopt.yaml", proof);
        assert_eq!(place.imgopt(&["check"]).0, 1, "{proof}");
    }
}

#[test]
fn builders() {
    let place = Place::new(&[("Dockerfile", PIP)]);
    for builder in ["buildah", "kaniko", "legacy"] {
        place.put("imgopt.yaml", format!("builder: {builder}\n"));
        let (_, out, report) = place.imgopt(&["rewrite", "--stdout", "--verbose"]);
        assert!(!out.contains("type=cache"), "{builder}: {out}");
        assert!(report.contains("imgopt.yaml names it"), "{builder}: {report}");
    }
}

#[test]
fn init_replaces_nothing_unless_forced() {
    let place = Place::new(&[("Dockerfile", PIP)]);
    assert_eq!(place.imgopt(&["init"]).0, 0);
    let text = fs::read_to_string(place.path("imgopt.yaml")).expect("a file");
    assert!(text.contains("#   cache-mounts: off ") && text.contains("#   no-child-images: affirm "), "{text}");
    assert_eq!(place.said("Dockerfile"), Settings::default());
    place.put("imgopt.yaml", "level: safe\n");
    let (code, out, error) = place.imgopt(&["init"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(error, "error: imgopt.yaml is there already: edit it, or use --force to replace it\n");
    assert_eq!(fs::read_to_string(place.path("imgopt.yaml")).expect("a file"), "level: safe\n");
    assert_eq!(place.imgopt(&["init", "--force"]).0, 0);
    assert_eq!(fs::read_to_string(place.path("imgopt.yaml")).expect("a file"), text);
}

#[test]
fn discovery() {
    let place = Place::new(&[
        ("imgopt.yaml", "discovery: {exclude: [legacy/, '*.old'], include: ['*.docker', '!no.docker']}\n"),
        ("Dockerfile", PIP),
        ("Dockerfile.old", PIP),
        ("legacy/Dockerfile", PIP),
        ("images/a.docker", PIP),
        ("images/no.docker", PIP),
        ("images/notes.txt", PIP),
    ]);
    let (_, out, _) = place.imgopt(&["check", "--level=guarded", "--format=json"]);
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    let files: Vec<(&str, &str)> = report["files"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|file| (file["path"].as_str().expect("a path"), file["status"].as_str().expect("a status")))
        .collect();
    let expected = [
        ("Dockerfile", "rewritten"),
        ("Dockerfile.old", "skipped"),
        ("images/a.docker", "rewritten"),
        ("legacy/Dockerfile", "skipped"),
    ];
    assert_eq!(files, expected);
    assert!(place.imgopt(&["check", "--level=guarded", "legacy/Dockerfile"]).1.contains("type=cache"));
}

#[test]
fn a_wrong_file_stops_the_run() {
    let place = Place::new(&[("Dockerfile", PIP), ("a/Dockerfile", PIP), ("a/imgopt.yaml", "levle: safe\n")]);
    let (code, out, error) = place.imgopt(&["rewrite"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert_eq!(error, "error: a/imgopt.yaml:1:1: there is no key `levle`: did you mean `level`?\n");
    assert!(!place.path("Dockerfile.optimized").exists());
}

#[test]
fn standard_input_has_the_configuration_of_the_current_directory() {
    use std::io::Write;
    let place = Place::new(&[("imgopt.yaml", "passes: {cache-mounts: off}\n")]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_imgopt"));
    command.args(["rewrite", "-"]).current_dir(place.0.path());
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.stderr(std::process::Stdio::null()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(PIP.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("type=cache"));
}
