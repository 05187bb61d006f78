//! The build context: what is in it, when it is known, and what is read of it.

use std::fs;
use std::path::Path;

use imgopt::context::{BuildContext, Builder, Entry, MAX_FILE_SIZE, Surroundings};
use imgopt::model::named;
use tempfile::TempDir;

/// A directory with these files; a path that ends in `/` is a directory.
fn tree(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().expect("a temporary directory");
    for (path, text) in files {
        let path = root.path().join(path);
        if path.as_os_str().to_string_lossy().ends_with('/') {
            fs::create_dir_all(path).expect("written");
            continue;
        }
        fs::create_dir_all(path.parent().expect("below the root")).expect("written");
        fs::write(path, text).expect("written");
    }
    root
}

/// The context of the Dockerfile at that path.
fn discover(root: &TempDir, path: &str) -> BuildContext {
    let path = root.path().join(path);
    let text = fs::read_to_string(&path).expect("a Dockerfile");
    named::context(&path, &text, None, &Surroundings::default())
}

/// The directory below `root` that was found to be the context, and why.
#[track_caller]
fn check_known(root: &TempDir, path: &str, expected: &str, because: &str) {
    let context = discover(root, path);
    assert_eq!(context.known_because(), Some(because));
    assert_eq!(context.root(), Some(root.path().join(expected).canonicalize().expect("a directory").as_path()));
}

#[track_caller]
fn check_unknown(root: &TempDir, path: &str) {
    let context = discover(root, path);
    assert!(!context.is_known(), "{:?} because {:?}", context.root(), context.known_because());
}

#[test]
fn nothing_follows_from_an_unknown_context() {
    let context = BuildContext::unknown();
    assert_eq!((context.is_known(), context.root(), context.known_because()), (false, None, None));
    assert_eq!(context.entry("a"), Entry::Unknown);
    assert_eq!(
        (context.read("a"), context.head("a", 1), context.list(""), context.glob("*")),
        (None, None, None, None)
    );
    assert_eq!(context.builder(), &Builder::Unknown);
    assert!(!BuildContext::from_dir(Path::new("/no/such/directory")).is_known());
}

#[test]
fn entries() {
    let root = tree(&[("app/main.py", "x"), ("secret.env", "x"), (".dockerignore", "*.env\nempty"), ("empty/", "")]);
    let context = BuildContext::from_dir(root.path());
    for path in ["app", "./app/", "/app", "../app", "x/../app", ".", "/", ""] {
        assert_eq!(context.entry(path), Entry::Directory, "{path}");
    }
    assert_eq!(context.entry("app/main.py"), Entry::File);
    assert_eq!(context.entry("app/main.py/x"), Entry::Missing);
    assert_eq!(context.entry("app/other.py"), Entry::Missing);
    assert_eq!(context.entry("secret.env"), Entry::Ignored);
    assert_eq!(context.entry("empty"), Entry::Ignored);
    assert_eq!((context.read("secret.env"), context.list("empty")), (None, None));
    assert_eq!(context.entry(&"a/".repeat(100)), Entry::Unknown);
    assert_eq!(context.entry("a\0b"), Entry::Unknown);
}

#[test]
fn an_ignored_directory_with_an_exception_is_there() {
    let root = tree(&[("docs/a/b.md", "x"), ("docs/a/c.txt", "x"), ("other/d", "x"), (".dockerignore", "*\n!**/*.md")]);
    let context = BuildContext::from_dir(root.path());
    assert_eq!(context.entry("docs"), Entry::Directory);
    assert_eq!(context.entry("other"), Entry::Ignored);
    assert_eq!(context.entry("docs/a/c.txt"), Entry::Ignored);
    assert_eq!(context.list("docs/a"), Some(vec![("b.md".into(), Entry::File), ("c.txt".into(), Entry::Ignored)]));
    assert_eq!(context.glob("docs/*/*"), Some(vec!["docs/a/b.md".into()]));
}

#[test]
fn content() {
    let large = "x".repeat(usize::try_from(MAX_FILE_SIZE).expect("a small number") + 1);
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let root = tree(&[("a.txt", "hello"), ("empty", ""), ("large", &large), ("pointer", pointer)]);
    fs::write(root.path().join("binary"), [0xff, 0xfe, 0x00]).expect("written");
    let context = BuildContext::from_dir(root.path());
    assert_eq!(context.read("a.txt").as_deref(), Some("hello"));
    assert_eq!(context.head("a.txt", 2).as_deref(), Some(&b"he"[..]));
    assert_eq!(context.head("large", 2).as_deref(), Some(&b"xx"[..]));
    assert_eq!(context.head("binary", 10).as_deref(), Some(&[0xff, 0xfe, 0x00][..]));
    assert_eq!((context.read("large"), context.read("binary")), (None, None));
    for name in ["empty", "pointer", "missing", "."] {
        assert_eq!((context.read(name), context.head(name, 4)), (None, None), "{name}");
    }
    for name in ["empty", "pointer", "large", "binary"] {
        assert_eq!(context.entry(name), Entry::File, "{name}");
    }
}

#[test]
fn globs_follow_copy() {
    let root = tree(&[
        ("package.json", "{}"),
        ("package-lock.json", "{}"),
        (".npmrc", "x"),
        ("packages/a/package.json", "{}"),
        ("packages/b/package.json", "{}"),
        ("node_modules/c/package.json", "{}"),
        (".dockerignore", "node_modules"),
    ]);
    let context = BuildContext::from_dir(root.path());
    let glob = |pattern: &str| context.glob(pattern).map(|paths| paths.join(" "));
    assert_eq!(glob("package*.json").as_deref(), Some("package-lock.json package.json"));
    assert_eq!(glob("packages/*/package.json").as_deref(), Some("packages/a/package.json packages/b/package.json"));
    assert_eq!(glob("*/*/package.json").as_deref(), Some("packages/a/package.json packages/b/package.json"));
    assert_eq!(glob("./packages/[a]/*").as_deref(), Some("packages/a/package.json"));
    assert_eq!(glob("*").as_deref(), Some(".dockerignore .npmrc package-lock.json package.json packages"));
    assert_eq!(glob("package.json").as_deref(), Some("package.json"));
    assert_eq!(glob("yarn.lock*").as_deref(), Some(""));
    assert_eq!(glob("missing").as_deref(), Some(""));
    assert_eq!(glob("a[").as_deref(), None);
}

#[cfg(unix)]
#[test]
fn links_stay_in_the_context() {
    use std::os::unix::fs::symlink;

    let outside = tree(&[("secret", "x")]);
    let root = tree(&[("real/a.txt", "hello"), ("hidden/b.txt", "x"), (".dockerignore", "hidden")]);
    let link = |target: &Path, name: &str| symlink(target, root.path().join(name)).expect("written");
    link(Path::new("real"), "inside");
    link(Path::new("../real/a.txt"), "real/again");
    link(&outside.path().join("secret"), "absolute");
    link(Path::new("../../../../../../../../etc/passwd"), "out");
    link(Path::new("loop"), "loop");
    link(Path::new("nowhere"), "dangling");
    link(Path::new("hidden/b.txt"), "to-hidden");
    link(Path::new("real/.."), "back");
    let context = BuildContext::from_dir(root.path());
    assert_eq!(context.entry("inside"), Entry::Directory);
    assert_eq!(context.read("inside/a.txt").as_deref(), Some("hello"));
    assert_eq!(context.read("real/again").as_deref(), Some("hello"));
    assert_eq!(context.read("back/real/a.txt").as_deref(), Some("hello"));
    for name in ["absolute", "out", "loop", "absolute/x"] {
        assert_eq!((context.entry(name), context.read(name)), (Entry::Unknown, None), "{name}");
    }
    assert_eq!(context.entry("dangling"), Entry::Missing);
    assert_eq!((context.entry("to-hidden"), context.read("to-hidden")), (Entry::Ignored, None));
    for (path, is_behind_link) in [("inside", true), ("inside/a.txt", true), ("real/a.txt", false), ("missing", false)]
    {
        assert_eq!(context.is_behind_link(path), is_behind_link, "{path}");
    }
    assert_eq!(context.glob("*"), None, "one of them is not known");
    assert_eq!(context.glob("real/*.txt"), Some(vec!["real/a.txt".into()]));
}

#[test]
fn the_ignore_file_of_the_dockerfile_comes_first() {
    let root = tree(&[
        ("build/Dockerfile", "FROM scratch\nCOPY a.txt b.txt /\n"),
        ("build/Dockerfile.dockerignore", "c.txt\n"),
        (".dockerignore", "a.txt\n"),
        ("a.txt", "x"),
        ("b.txt", "x"),
        ("c.txt", "x"),
        (".git/", ""),
    ]);
    let context = discover(&root, "build/Dockerfile");
    assert_eq!(context.entry("a.txt"), Entry::File);
    assert_eq!(context.entry("c.txt"), Entry::Ignored);
}

#[test]
fn an_ignore_file_that_is_not_understood_leaves_the_context_unknown() {
    let root = tree(&[("Dockerfile", "FROM scratch\nCOPY a /\n"), ("a", "x"), (".dockerignore", "[\n"), (".git/", "")]);
    check_unknown(&root, "Dockerfile");
    assert!(!BuildContext::from_dir(root.path()).is_known());
}

#[test]
fn a_named_context_is_known() {
    let root = tree(&[("docker/Dockerfile", "FROM scratch\nCOPY a /\n"), ("elsewhere/a", "x")]);
    let path = root.path().join("docker/Dockerfile");
    let text = "FROM scratch\nCOPY a /\n";
    let context = |root: &Path| named::context(&path, text, Some(root), &Surroundings::default());
    let (missing, context) = (context(&root.path().join("missing")), context(&root.path().join("elsewhere")));
    assert_eq!((context.known_because(), context.entry("a")), (Some("named by --context"), Entry::File));
    assert!(!missing.is_known());
}

#[test]
fn compose_and_bake_files_name_contexts() {
    let dockerfile = ("app/Dockerfile", "FROM scratch\nCOPY not-there /\n");
    let git = (".git/", "");
    let compose = ("compose.yaml", "services:\n  web:\n    build: {context: app}\n  worker:\n    build: ./app\n");
    check_known(&tree(&[dockerfile, git, compose]), "app/Dockerfile", "app", "compose.yaml names it");

    let root_context = ("docker-compose.dev.yml", "services: {web: {build: {context: ., dockerfile: app/Dockerfile}}}");
    check_known(&tree(&[dockerfile, git, root_context]), "app/Dockerfile", "", "docker-compose.dev.yml names it");
    check_unknown(&tree(&[dockerfile, git, compose, root_context]), "app/Dockerfile");

    let bake = ("docker-bake.hcl", "target \"app\" {\n  dockerfile = \"app/Dockerfile\"\n}\n");
    check_known(&tree(&[dockerfile, git, bake]), "app/Dockerfile", "", "docker-bake.hcl names it");

    let above = ("docker-compose.yml", "services: {web: {build: ./repository/app}}");
    let files = [("repository/app/Dockerfile", "FROM scratch\nCOPY not-there /\n"), ("repository/.git/", ""), above];
    check_unknown(&tree(&files), "repository/app/Dockerfile");

    let other = ("compose.yaml", "services: {web: {build: {context: app, dockerfile: Other}}, db: {image: postgres}}");
    check_unknown(&tree(&[dockerfile, git, other]), "app/Dockerfile");
}

#[test]
fn sources_tell_the_context() {
    let git = (".git/", "");
    let because = "every COPY source resolves there";
    let copy = |text: &'static str| ("app/Dockerfile", text);
    let sources =
        copy("FROM a\nCOPY package.json src/ ./\nCOPY --from=b /x /y\nADD https://host/x.tgz /\nCOPY <<E /e\nx\nE\n");
    let here = [git, sources, ("app/package.json", "{}"), ("app/src/", "")];
    check_known(&tree(&here), "app/Dockerfile", "app", because);
    let above = [git, sources, ("package.json", "{}"), ("src/", "")];
    check_known(&tree(&above), "app/Dockerfile", "", because);
    let both = [git, sources, ("app/package.json", "{}"), ("app/src/", ""), ("package.json", "{}"), ("src/", "")];
    check_unknown(&tree(&both), "app/Dockerfile");
    let half = [git, sources, ("app/package.json", "{}"), ("src/", "")];
    check_unknown(&tree(&half), "app/Dockerfile");
    let ignored = [git, sources, ("package.json", "{}"), ("src/", ""), (".dockerignore", "src")];
    check_unknown(&tree(&ignored), "app/Dockerfile");

    let everything = "FROM a\nCOPY . .\n";
    check_unknown(&tree(&[git, copy(everything)]), "app/Dockerfile");
    check_known(&tree(&[git, ("Dockerfile", everything)]), "Dockerfile", "", because);
    check_known(&tree(&[git, ("Dockerfile.dev", everything)]), "Dockerfile.dev", "", because);
    check_known(&tree(&[("Dockerfile", everything)]), "Dockerfile", "", because);
    check_unknown(&tree(&[("some.Dockerfile", everything)]), "some.Dockerfile");
}

#[test]
fn what_commands_name_tells_contexts_apart() {
    let git = (".git/", "");
    let because = "it holds what the commands name";
    let check = |text: &'static str, files: &[(&str, &str)], expected: Option<&str>| {
        let root = tree(&[&[git, ("api/Dockerfile", text)], files].concat());
        match expected {
            Some(expected) => check_known(&root, "api/Dockerfile", expected, because),
            None => check_unknown(&root, "api/Dockerfile"),
        }
    };
    let python =
        "FROM a\nADD ./ /app\nWORKDIR /app\nRUN pip install -r /app/requirements.txt\nCMD [\"python\", \"app.py\"]\n";
    check(python, &[("api/requirements.txt", "x"), ("api/app.py", "")], Some("api"));
    check(python, &[("requirements.txt", "x"), ("app.py", "")], Some(""));
    // Both could be meant.
    check(python, &[("api/requirements.txt", "x"), ("requirements.txt", "x")], None);
    check(python, &[("api/app.py", ""), ("requirements.txt", "x")], None);
    check(python, &[("api/app.py", ""), ("api/requirements.txt", "x"), ("requirements.txt", "x")], Some("api"));
    check(python, &[], None);
    // Manifests count where an install reads them.
    let node = "FROM a\nWORKDIR /app\nCOPY . .\nRUN cd web && npm ci\n";
    check(node, &[("api/web/package.json", "{}"), ("package.json", "{}"), ("web/", "")], Some("api"));

    let elsewhere = [("some.Dockerfile", python), ("app.py", "")];
    check_known(&tree(&elsewhere), "some.Dockerfile", "", because);
    check_unknown(&tree(&elsewhere[..1]), "some.Dockerfile");
}

#[test]
fn wildcards_and_variables_in_sources() {
    let git = (".git/", "");
    let because = "every COPY source resolves there";
    let optional = ("Dockerfile", "FROM a\nCOPY package.json yarn.lock* ./\n");
    check_known(&tree(&[git, optional, ("package.json", "{}")]), "Dockerfile", "", because);
    check_unknown(&tree(&[git, ("Dockerfile", "FROM a\nCOPY *.jar ./\n")]), "Dockerfile");
    check_known(&tree(&[git, ("Dockerfile", "FROM a\nCOPY *.jar ./\n"), ("a.jar", "x")]), "Dockerfile", "", because);

    let variables = "ARG DIR=app\nFROM a\nARG DIR\nENV SUB=src\nARG SUB=other\nCOPY ${DIR}/\"$SUB\" /\nADD $DIR/x /\n";
    check_known(&tree(&[git, ("Dockerfile", variables), ("app/src/", ""), ("app/x", "")]), "Dockerfile", "", because);
    check_unknown(&tree(&[git, ("Dockerfile", "FROM a\nARG JAR\nCOPY $JAR /\n"), ("a.jar", "x")]), "Dockerfile");
}

#[test]
fn files_of_the_repository_show_the_builder() {
    let dockerfile = ("Dockerfile", "FROM a\n");
    let check = |file: (&str, &str), expected: Builder| {
        let root = tree(&[dockerfile, file, (".git/", "")]);
        assert_eq!(discover(&root, "Dockerfile").builder(), &expected, "{file:?}");
    };
    let buildkit = |evidence: &str| Builder::BuildKit { evidence: evidence.to_owned() };
    let other = |name: &str, evidence: &str| Builder::Other { name: name.to_owned(), evidence: evidence.to_owned() };
    check(
        (".github/workflows/ci.yml", "jobs: {a: {steps: [{uses: docker/build-push-action@v6}]}}"),
        buildkit(".github/workflows/ci.yml has `docker/build-push-action`"),
    );
    check(
        (".gitlab-ci.yml", "build:\n  image: gcr.io/kaniko-project/executor\n"),
        other("kaniko", ".gitlab-ci.yml has `kaniko`"),
    );
    check(("Makefile", "image:\n\tpodman build .\n"), other("podman", "Makefile has `podman build`"));
    check(("build-image.sh", "DOCKER_BUILDKIT=1 docker build .\n"), buildkit("build-image.sh has `DOCKER_BUILDKIT=1`"));
    check(("docker-bake.hcl", ""), buildkit("docker-bake.hcl is a bake file"));
    check(("README.md", "docker buildx build"), Builder::Unknown);
}
