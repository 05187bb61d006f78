//! Reports in all formats: expected files of three inputs (`tests/reports/<case>/Dockerfile` gives `report.<format>`;
//! `SNAPSHOTS=overwrite cargo test --test reports` accepts what comes out), schemas, and what reports are made for: suggestions,
//! fixes and patches have to lead to the optimised file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use boon::{Compiler, Schemas};
use imgopt::context::BuildContext;
use imgopt::report::patches::{self, Unit};
use imgopt::report::{
    FileReport, Finding, Output, OutputState, github, gitlab, html, json, markdown, rdjson, sarif, text,
};
use imgopt::{Options, Outcome, optimize, syntax};
use serde_json::Value;

const CASES: [&str; 3] = ["api", "nothing", "web"];

fn root(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn outcome(source: &str, separate: bool) -> Outcome {
    optimize(source, &BuildContext::unknown(), &Options { separate, ..Options::default() })
}

fn report(path: &str, source: &str) -> FileReport {
    let outcome = outcome(source, true);
    let state = OutputState::Written;
    let outputs = if outcome.changed() { vec![Output { path: format!("{path}.optimized"), state }] } else { vec![] };
    FileReport { path: path.to_owned(), finding: Finding::Read(Box::new(outcome)), outputs }
}

/// The report of a case.
fn case(name: &str) -> FileReport {
    let source = fs::read_to_string(root("tests/reports").join(name).join("Dockerfile")).expect("a case");
    report(&format!("{name}/Dockerfile"), &source)
}

/// Files of `$IMGOPT_SHARED/corpus` that are rewritten in more than one step.
fn corpus(n: usize) -> Option<Vec<String>> {
    let Some(shared) = std::env::var_os("IMGOPT_SHARED") else {
        #[allow(clippy::print_stderr, reason = "a test that did not run has to say so")]
        {
            eprintln!("skipped: IMGOPT_SHARED does not name a folder with a corpus");
        }
        return None;
    };
    let mut paths: Vec<PathBuf> = fs::read_dir(PathBuf::from(shared).join("corpus/files"))
        .expect("the corpus can be read")
        .map(|entry| entry.expect("the corpus can be read").path())
        .collect();
    paths.sort();
    let texts = paths.into_iter().filter_map(|path| fs::read_to_string(path).ok());
    Some(texts.filter(|text| outcome(text, false).rounds.len() > 2).take(n).collect())
}

#[track_caller]
fn check_expected(case: &str, format: &str, found: &str) {
    let path = root("tests/reports").join(case).join(format!("report.{format}"));
    if std::env::var("SNAPSHOTS").as_deref() == Ok("overwrite") {
        fs::write(&path, found).expect("written");
    }
    // The version of imgopt is in some reports.
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "not as {}", path.display());
}

#[test]
fn reports_are_as_expected() {
    for name in CASES {
        let files = [case(name)];
        check_expected(name, "txt", &text::file(&files[0], text::Style { verbose: true, ..text::Style::default() }));
        check_expected(name, "json", &json::render(&files).expect("JSON"));
        check_expected(name, "sarif", &without_help(&sarif::render(&files).expect("JSON")));
        check_expected(name, "md", &markdown::render(&files));
        check_expected(name, "html", &html::render(&files));
        check_expected(name, "github", &github::annotations(&files));
        check_expected(name, "suggestions.json", &github::suggestions(&files).expect("JSON"));
        check_expected(name, "gitlab.json", &gitlab::render(&files).expect("JSON"));
        check_expected(name, "rdjson", &rdjson::render(&files).expect("JSON"));
        check_expected(name, "mbox", &patches::render(&files, Unit::Round, str::to_owned));
    }
}

/// The SARIF log without the pages of the passes, which have files of their own.
fn without_help(log: &str) -> String {
    let mut log: Value = serde_json::from_str(log).expect("JSON");
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array_mut().expect("rules");
    assert!(rules.iter().all(|rule| rule["help"]["text"].as_str().is_some_and(|help| !help.is_empty())));
    rules.clear();
    serde_json::to_string_pretty(&log).expect("JSON") + "\n"
}

/// Checks a JSON text by a schema.
#[track_caller]
fn check_schema(schema: &str, found: &str) {
    let schema: Value = serde_json::from_str(&fs::read_to_string(root(schema)).expect("a schema")).expect("JSON");
    let url = schema["$id"].as_str().unwrap_or("https://example.org/schema.json").to_owned();
    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    compiler.add_resource(&url, schema).expect("a schema");
    let index = compiler.compile(&url, &mut schemas).expect("a schema");
    let found: Value = serde_json::from_str(found).expect("JSON");
    if let Err(error) = schemas.validate(&found, index) {
        panic!("{error:#}\n{found:#}");
    }
}

#[test]
fn reports_follow_their_schemas() {
    let mut files: Vec<FileReport> = CASES.iter().map(|name| case(name)).collect();
    files.push(report("broken/Dockerfile", "FORM scratch\n"));
    let failure = imgopt::report::Failure::new("cannot read it", "look");
    files.push(FileReport { path: "gone".to_owned(), finding: Finding::Failed(failure), outputs: Vec::new() });
    let skipped = Finding::Skipped("vendored".to_owned());
    files.push(FileReport { path: "vendor/Dockerfile".to_owned(), finding: skipped, outputs: Vec::new() });
    for (number, text) in corpus(20).unwrap_or_default().iter().enumerate() {
        files.push(report(&format!("{number}/Dockerfile"), text));
    }
    check_schema("docs/report.schema.json", &json::render(&files).expect("JSON"));
    check_schema("tests/schemas/sarif-2.1.0.json", &sarif::render(&files).expect("JSON"));
    check_schema("tests/schemas/gitlab-code-quality.json", &gitlab::render(&files).expect("JSON"));
    check_schema("tests/schemas/rdjson.json", &rdjson::render(&files).expect("JSON"));
    let issues: Vec<Value> = serde_json::from_str(&gitlab::render(&files).expect("JSON")).expect("JSON");
    let fingerprints: std::collections::HashSet<_> = issues.iter().map(|issue| issue["fingerprint"].as_str()).collect();
    assert_eq!(fingerprints.len(), issues.len(), "fingerprints are unique");
}

/// What GitHub makes of suggestions: the lines that a comment stands at become those of its block.
fn with_suggestions(original: &str, review: &Value) -> String {
    let mut lines: Vec<String> = original.split_inclusive('\n').map(str::to_owned).collect();
    for comment in review["comments"].as_array().expect("comments").iter().rev() {
        let last = usize::try_from(comment["line"].as_u64().expect("a line")).expect("a line");
        let first = comment["start_line"].as_u64().map_or(last, |line| usize::try_from(line).expect("a line"));
        let body = comment["body"].as_str().expect("a text");
        let (_, block) = body.split_once("```suggestion\n").expect("a suggestion");
        let fence_length = body[..body.len() - block.len()].trim_end_matches("suggestion\n");
        let fence = &fence_length[fence_length.trim_end_matches('`').len()..];
        let block = block.strip_suffix(&format!("{fence}\n")).expect("a block that ends");
        assert!(!block.contains(fence), "nothing in the block ends it");
        let new: Vec<String> = block.split_inclusive('\n').map(str::to_owned).collect();
        lines.splice(first - 1..last, new);
    }
    let text = lines.concat();
    // A block cannot say that the file has no newline at its end.
    if original.ends_with('\n') { text } else { text.strip_suffix('\n').unwrap_or(&text).to_owned() }
}

#[test]
fn suggestions_make_the_optimised_file() {
    let cases = CASES.iter().map(|name| case(name));
    let texts = corpus(25).unwrap_or_default();
    for report in cases.chain(texts.iter().map(|text| report("Dockerfile", text))) {
        let outcome = report.outcome().expect("a readable file");
        let review = github::suggestions(std::slice::from_ref(&report)).expect("JSON");
        let review = serde_json::from_str(&review).expect("JSON");
        let ends_alike = outcome.original.ends_with('\n') == outcome.optimized.ends_with('\n');
        assert!(ends_alike, "no pass touches the end of a file");
        assert_eq!(with_suggestions(&outcome.original, &review), outcome.optimized);
    }
}

/// What a viewer makes of all fixes of a log, those that several results share once.
fn with_fixes(original: &str, log: &Value) -> String {
    let mut replacements: Vec<&Value> = Vec::new();
    for result in log["runs"][0]["results"].as_array().expect("results") {
        for fix in result["fixes"].as_array().into_iter().flatten() {
            let changes = fix["artifactChanges"].as_array().expect("changes");
            let own = changes.iter().flat_map(|change| change["replacements"].as_array().expect("replacements"));
            for replacement in own {
                if !replacements.contains(&replacement) {
                    replacements.push(replacement);
                }
            }
        }
    }
    let offset = |line: &Value, column: &Value| {
        let number = |value: &Value| usize::try_from(value.as_u64().expect("a number")).expect("a number");
        let mut lines = original.split_inclusive('\n');
        let start: usize = lines.by_ref().take(number(line) - 1).map(str::len).sum();
        let rest = lines.next().unwrap_or_default();
        start + rest.chars().take(number(column) - 1).map(char::len_utf8).sum::<usize>()
    };
    let mut edits: Vec<(usize, usize, &str)> = replacements
        .into_iter()
        .map(|replacement| {
            let region = &replacement["deletedRegion"];
            let start = offset(&region["startLine"], &region["startColumn"]);
            let end = offset(&region["endLine"], &region["endColumn"]);
            (start, end, replacement["insertedContent"]["text"].as_str().expect("a text"))
        })
        .collect();
    edits.sort();
    let mut text = original.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        text.replace_range(start..end, new);
    }
    text
}

#[test]
fn fixes_make_the_optimised_file() {
    let cases = CASES.iter().map(|name| case(name));
    let texts = corpus(25).unwrap_or_default();
    for report in cases.chain(texts.iter().map(|text| report("Dockerfile", text))) {
        let outcome = report.outcome().expect("a readable file");
        let log = sarif::render(std::slice::from_ref(&report)).expect("JSON");
        assert_eq!(with_fixes(&outcome.original, &serde_json::from_str(&log).expect("JSON")), outcome.optimized);
    }
}

/// A browser, if there is one.
fn browser() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let path = std::env::var_os("PATH")?;
    let found = std::env::split_paths(&path)
        .find_map(|folder| names.iter().map(|name| folder.join(name)).find(|program| program.is_file()));
    #[allow(clippy::print_stderr, reason = "a test that did not run has to say so")]
    if found.is_none() {
        eprintln!("skipped: there is no Chromium to look at the page with");
    }
    found
}

#[test]
fn the_page_fits_desktops_and_phones() {
    let Some(browser) = browser() else { return };
    let directory = tempfile::tempdir().expect("a temporary directory");
    let page = html::render(&CASES.map(case)).replace('&', "&amp;").replace('"', "&quot;");
    for width in [1400, 390] {
        // The page has no script: one around it measures. What is wider than the window would have to be scrolled to.
        let around = format!(
            "<!doctype html><iframe width=\"{width}\" height=\"900\" srcdoc=\"{page}\"></iframe><p id=\"found\"></p><script>\n\
             onload = () => {{ const page = document.querySelector('iframe').contentDocument; \
             document.getElementById('found').textContent = [page.querySelector('h1').textContent, \
             page.documentElement.scrollWidth <= {width}, page.querySelectorAll('.hunk').length, \
             getComputedStyle(page.querySelector('.hunk')).display].join('; '); }};</script>"
        );
        let file = directory.path().join("around.html");
        fs::write(&file, around).expect("written");
        let output = Command::new(&browser)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--dump-dom"])
            .arg(format!("--user-data-dir={}", directory.path().join(width.to_string()).display()))
            .arg(format!("--window-size={},1000", width + 100))
            .arg(format!("file://{}", file.display()))
            .output()
            .expect("the browser runs");
        let dom = String::from_utf8_lossy(&output.stdout);
        let found = dom.split("<p id=\"found\">").nth(1).and_then(|rest| rest.split("</p>").next());
        assert_eq!(found, Some("8 rewrites in 2 files; true; 7; grid"), "at {width}");
    }
}

fn git(directory: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    command.args(["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "core.autocrlf=false"]);
    let output = command.args(arguments).current_dir(directory).output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Applies the series patch by patch; BuildKit has to accept each text on the way, and the last one is the optimised one.
fn check_series(source: &str, unit: Unit) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let place = directory.path();
    fs::create_dir(place.join("app")).expect("a directory");
    fs::write(place.join("app/Dockerfile"), source).expect("written");
    git(place, &["init", "--quiet"]);
    git(place, &["add", "."]);
    git(place, &["commit", "--quiet", "--message=x"]);
    let report = report("app/Dockerfile", source);
    let outcome = report.outcome().expect("a readable file");
    fs::write(place.join("series"), patches::render(std::slice::from_ref(&report), unit, str::to_owned))
        .expect("written");
    let n_patches = patches::steps(outcome, unit).len();
    git(place, &["mailsplit", &format!("-o{}", place.display()), "--keep-cr", "series"]);
    for number in 1..=n_patches {
        git(place, &["am", "--quiet", "--keep-cr", &format!("{number:04}")]);
        let text = fs::read_to_string(place.join("app/Dockerfile")).expect("a file");
        assert!(!syntax::parse(&text).has_errors(), "patch {number} leaves:\n{text}");
    }
    assert!(!place.join(format!("{:04}", n_patches + 1)).exists(), "there are as many mails as steps");
    assert_eq!(fs::read_to_string(place.join("app/Dockerfile")).expect("a file"), outcome.optimized);
}

#[test]
fn a_patch_series_makes_the_optimised_file() {
    let web = fs::read_to_string(root("tests/reports/web/Dockerfile")).expect("a case");
    for source in
        [web.clone(), web.replace('\n', "\r\n"), web.trim_end().to_owned(), format!("# ä{}\n{web}", "x".repeat(2000))]
    {
        check_series(&source, Unit::Round);
        check_series(&source, Unit::Rewrite);
    }
    for source in corpus(10).unwrap_or_default() {
        check_series(&source, Unit::Round);
        check_series(&source, Unit::Rewrite);
    }
}

#[test]
fn rewrites_apart_make_the_same_file() {
    for source in corpus(40).unwrap_or_default() {
        assert_eq!(outcome(&source, true).optimized, outcome(&source, false).optimized);
    }
}

/// A repository with two Dockerfiles in which imgopt runs.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Self {
        let repository = Self(tempfile::tempdir().expect("a temporary directory"));
        for name in ["web", "api"] {
            fs::create_dir(repository.path(name)).expect("a directory");
            let text = fs::read_to_string(root("tests/reports").join(name).join("Dockerfile")).expect("a case");
            fs::write(repository.path(name).join("Dockerfile"), text).expect("written");
        }
        git(&repository.path(""), &["init", "--quiet"]);
        git(&repository.path(""), &["add", "."]);
        git(&repository.path(""), &["commit", "--quiet", "--message=x"]);
        repository
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file")
    }

    /// Exit code, standard output, standard error of a run in a folder.
    fn imgopt(&self, folder: &str, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgopt"));
        let output = command.args(arguments).current_dir(self.path(folder)).output().expect("imgopt runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code().expect("an exit code"), text(output.stdout), text(output.stderr))
    }
}

#[test]
fn a_baseline_knows_what_was_there() {
    let repository = Repository::new();
    let check = |folder, more: &[&str]| {
        repository.imgopt(folder, &[&["check", "--level=guarded", "--baseline"], more].concat())
    };
    let (code, _, error) = check("", &["known.json", "."]);
    assert_eq!(code, 2);
    assert!(error.contains("cannot read the baseline known.json"), "{error}");
    let (code, _, error) = check("", &["known.json", "--update-baseline", "."]);
    assert_eq!((code, error.as_str()), (0, "wrote known.json\n"));
    assert_eq!(check("", &["known.json", "."]).0, 0);
    assert_eq!(check("web", &["../known.json", "Dockerfile"]).0, 0, "paths start from the baseline");

    let text = repository.read("web/Dockerfile");
    fs::write(repository.path("web/Dockerfile"), format!("# moved\n\n{text}ENV A b\n")).expect("written");
    let (code, out, _) = check("", &["known.json", "--format=json", "."]);
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((code, &report["summary"]["rewrites"]), (1, &Value::from(1)));
    assert_eq!(report["files"][1]["optimized"], format!("# moved\n\n{text}ENV A=b\n"));

    fs::remove_file(repository.path("web/Dockerfile")).expect("removed");
    check("", &["known.json", "--update-baseline", "api"]);
    let known: Value = serde_json::from_str(&repository.read("known.json")).expect("JSON");
    let files: Vec<_> = known["files"].as_object().expect("files").keys().collect();
    assert_eq!(files, ["api/Dockerfile"], "a file that is gone is forgotten");
}

#[test]
fn a_printed_series_applies_from_anywhere() {
    let repository = Repository::new();
    let (_, optimized, _) = repository.imgopt("", &["rewrite", "--stdout", "web/Dockerfile"]);
    for by in ["--commits", "--commits=rewrite"] {
        let (code, series, report) = repository.imgopt("web", &["rewrite", by, "."]);
        assert_eq!(code, 0);
        assert!(report.contains("6 rewrites"), "{report}");
        fs::write(repository.path("series"), series).expect("written");
        git(&repository.path("api"), &["am", "--quiet", "--keep-cr", "../series"]);
        assert_eq!(repository.read("web/Dockerfile"), optimized);
        git(&repository.path(""), &["reset", "--quiet", "--hard", "HEAD~6"]);
    }
    let (code, _, error) = repository.imgopt("", &["rewrite", "--commits", "-"]);
    assert_eq!(code, 2);
    assert!(error.contains("name a Dockerfile"), "{error}");
}

#[test]
fn flags_of_formats_fit_together() {
    let repository = Repository::new();
    let (code, _, error) = repository.imgopt("", &["check", "--suggestions"]);
    assert_eq!((code, error.as_str()), (2, "error: --suggestions needs --format github\n"));
    for format in ["sarif", "markdown", "github", "gitlab", "rdjson", "html"] {
        let (code, out, error) = repository.imgopt("", &["check", "--format", format, "."]);
        assert_eq!((code, error.as_str()), (1, ""), "{format}");
        assert!(out.contains("modern-syntax"), "{format}: {out}");
    }
}

#[cfg(unix)]
#[test]
fn rewrites_are_chosen_on_a_terminal() {
    use std::io::Write;
    use std::process::Stdio;

    let repository = Repository::new();
    let (code, _, error) = repository.imgopt("", &["rewrite", "--interactive", "web"]);
    assert_eq!(code, 2);
    assert!(error.contains("--interactive asks on a terminal"), "{error}");
    let mut command = Command::new("script");
    let line = format!("{} rewrite --interactive web", env!("CARGO_BIN_EXE_imgopt"));
    command.args(["-q", "-e", "-c", &line, "/dev/null"]).current_dir(repository.path(""));
    let Ok(mut terminal) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        #[allow(clippy::print_stderr, reason = "a test that did not run has to say so")]
        {
            eprintln!("skipped: there is no `script` to make a terminal with");
        }
        return;
    };
    terminal.stdin.take().expect("a pipe").write_all(b"y\np\nq\n").expect("written");
    let output = terminal.wait_with_output().expect("it ends");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(shown.contains("add-to-copy: apply this rewrite [y,n,p,a,q,?]?"), "{shown}");
    let text = repository.read("web/Dockerfile.optimized");
    let chosen = repository.read("web/Dockerfile").replace("PIP_INDEX https", "PIP_INDEX=https");
    assert_eq!(imgopt::emit::trailer::bare(&text), chosen);
}
