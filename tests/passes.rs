//! Cases of single passes: `tests/passes/<pass>/<case>/Dockerfile` gives `Dockerfile.optimized` and `report.txt`.
//!
//! A folder `context` in a case is its build context, with the CI files that say what builds the image; without one,
//! nothing is known of it. A file `level` names the level when it is not the highest of the pass.
//! `SNAPSHOTS=overwrite cargo test` accepts what comes out.

use std::path::{Path, PathBuf};

use imgopt::context::BuildContext;
use imgopt::passes;
use imgopt::report::{FileReport, Finding, diff, text};
use imgopt::{Options, Outcome, optimize, syntax};

fn main() {
    let cases = || tryfn::Harness::new("tests/passes", case_file, optimized).select(["*/*/Dockerfile"]);
    cases().test();
}

/// Both expected files of a case are compared as one text, so that a case fails once.
fn case_file(dockerfile: PathBuf) -> tryfn::Case {
    let case = dockerfile.parent().expect("it lies in a folder");
    let pass = case.parent().and_then(Path::file_name).expect("cases lie below their pass").to_string_lossy();
    let name = format!("{pass}::{}", case.file_name().expect("a case has a name").to_string_lossy());
    // Raw: otherwise backslashes are taken for path separators and become slashes.
    let expected = tryfn::Data::read_from(&case.join("report.txt"), None).raw();
    tryfn::Case { name, fixture: dockerfile.clone(), expected }
}

fn optimized(dockerfile: &Path) -> Result<String, Box<dyn std::error::Error>> {
    let case = dockerfile.parent().expect("it lies in a folder");
    let pass =
        case.parent().and_then(Path::file_name).expect("cases lie below their pass").to_string_lossy().into_owned();
    let info = passes::by_name(&pass).ok_or_else(|| format!("there is no pass `{pass}`"))?.info();
    let level = match std::fs::read_to_string(case.join("level")) {
        Ok(level) => level.trim().parse()?,
        Err(_) => info.max_level,
    };
    let source = std::fs::read_to_string(dockerfile)?;
    let repository = Repository::of(case, &source)?;
    let context = repository.as_ref().map_or_else(BuildContext::unknown, Repository::context);
    let options = Options { level, only: [pass].into(), ..Options::default() };
    let outcome = optimize(&source, &context, &options);
    if !outcome.violations.is_empty() {
        return Err(format!("violations: {:?}", outcome.violations).into());
    }
    let second = optimize(&outcome.optimized, &context, &options);
    if second.changed() {
        return Err(format!(
            "a second run changes it again:\n{}",
            diff::unified("Dockerfile", &second.original, &second.optimized, false)
        )
        .into());
    }
    check_optimized(case, &outcome)?;
    Ok(report(outcome))
}

/// A copy of the case's context as a repository of its own, so that no file beside the case says what builds the image.
struct Repository {
    folder: tempfile::TempDir,
    source: String,
}

impl Repository {
    fn of(case: &Path, source: &str) -> std::io::Result<Option<Self>> {
        let context = case.join("context");
        if !context.is_dir() {
            return Ok(None);
        }
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join(".git"))?;
        copy(&context, folder.path())?;
        Ok(Some(Self { folder, source: source.to_owned() }))
    }

    fn context(&self) -> BuildContext {
        let root = self.folder.path();
        BuildContext::discover(&root.join("Dockerfile"), &syntax::parse(&self.source).dockerfile, Some(root))
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// `Dockerfile.optimized` holds the text that comes out, for people to read; it is missing where nothing changes.
fn check_optimized(case: &Path, outcome: &Outcome) -> Result<(), Box<dyn std::error::Error>> {
    let path = case.join("Dockerfile.optimized");
    if std::env::var("SNAPSHOTS").as_deref() == Ok("overwrite") {
        if outcome.changed() {
            std::fs::write(&path, &outcome.optimized)?;
        } else if path.exists() {
            std::fs::remove_file(&path)?;
        }
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|_| outcome.original.clone());
    if expected == outcome.optimized {
        return Ok(());
    }
    Err(format!("not as {}:\n{}", path.display(), diff::unified("Dockerfile", &expected, &outcome.optimized, false))
        .into())
}

fn report(outcome: Outcome) -> String {
    let report =
        FileReport { path: "Dockerfile".to_owned(), finding: Finding::Read(Box::new(outcome)), outputs: Vec::new() };
    text::file(&report, text::Style { verbose: true, ..text::Style::default() })
}
