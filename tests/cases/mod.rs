//! Cases in folders: a `Dockerfile` with what comes out, `Dockerfile.optimized`, and what is said about it, `report.txt`.
//!
//! A folder `context` in a case is its build context, with the CI files that say what builds the image; without one,
//! nothing is known of it. `imgopt.lock` and `bases`, `tables` and `user` of an `imgopt.yaml` in a case hold for it,
//! and `today` is the day of the run. `SNAPSHOTS=overwrite cargo test` accepts what comes out.

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use imgopt::config::Configs;
use imgopt::context::{BuildContext, Surroundings};
use imgopt::lock::Lock;
use imgopt::model::named;
use imgopt::policy::Policy;
use imgopt::report::{FileReport, Finding, diff, text};
use imgopt::{Options, Outcome, optimize};
use tempfile::TempDir;

/// Runs all cases below `folder`; `pattern` finds their Dockerfiles, and `options` reads how a case is run.
pub(crate) fn run(folder: &str, pattern: &str, options: fn(&Path) -> Result<Options, Box<dyn Error>>) {
    let test = move |dockerfile: &Path| examine(dockerfile, options);
    let root = PathBuf::from(folder);
    tryfn::Harness::new(folder, move |dockerfile| case(&root, dockerfile), test).select([pattern]).test();
}

fn case(root: &Path, dockerfile: PathBuf) -> tryfn::Case {
    let folder = dockerfile.parent().expect("it lies in a folder");
    let below = folder.strip_prefix(root).unwrap_or(folder);
    let name = below.iter().map(|part| part.to_string_lossy()).collect::<Vec<_>>().join("::");
    // Raw: otherwise backslashes are taken for path separators and become slashes.
    let expected = tryfn::Data::read_from(&folder.join("report.txt"), None).raw();
    tryfn::Case { name, fixture: dockerfile.clone(), expected }
}

fn examine(dockerfile: &Path, options: fn(&Path) -> Result<Options, Box<dyn Error>>) -> Result<String, Box<dyn Error>> {
    let case = dockerfile.parent().expect("it lies in a folder");
    let options = options(case)?;
    let source = fs::read_to_string(dockerfile)?;
    let repository = repository(case)?;
    let context = repository.as_ref().map_or_else(BuildContext::unknown, |repository| context(repository, &source));
    let context = context.with_policy(policy(case)?);
    let outcome = optimize(&source, &context, &options);
    if !outcome.violations.is_empty() {
        return Err(format!("violations: {:?}", outcome.violations).into());
    }
    let second = optimize(&outcome.optimized, &context, &options);
    if second.changed() {
        let diff = diff::unified("Dockerfile", &second.original, &second.optimized, false);
        return Err(format!("a second run changes it again:\n{diff}").into());
    }
    check_optimized(case, &outcome)?;
    Ok(report(outcome))
}

/// What `imgopt.lock` and `imgopt.yaml` of the case say of base images and of the tables.
fn policy(case: &Path) -> Result<Policy, Box<dyn Error>> {
    let mut policy = Policy {
        pins: Lock::read(&case.join("imgopt.lock"))?,
        today: fs::read_to_string(case.join("today")).ok().map(|day| day.trim().to_owned()),
        ..Policy::default()
    };
    if case.join("imgopt.yaml").is_file() {
        let case = case.canonicalize()?;
        let settings = Configs::default().of(&case)?.settings(&case.join("Dockerfile"));
        policy.bases = settings.bases;
        policy.user = settings.user;
        policy.tables = settings.tables;
    }
    Ok(policy)
}

/// A copy of the case's context as a repository of its own, so that no file beside the case says what builds the image.
fn repository(case: &Path) -> io::Result<Option<TempDir>> {
    let context = case.join("context");
    if !context.is_dir() {
        return Ok(None);
    }
    let folder = tempfile::tempdir()?;
    fs::create_dir(folder.path().join(".git"))?;
    copy(&context, folder.path())?;
    Ok(Some(folder))
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn context(repository: &TempDir, source: &str) -> BuildContext {
    let root = repository.path();
    named::context(&root.join("Dockerfile"), source, Some(root), &Surroundings::default())
}

/// `Dockerfile.optimized` holds the text that comes out, for people to read; it is missing where nothing changes.
fn check_optimized(case: &Path, outcome: &Outcome) -> Result<(), Box<dyn Error>> {
    let path = case.join("Dockerfile.optimized");
    if std::env::var("SNAPSHOTS").as_deref() == Ok("overwrite") {
        if outcome.changed() {
            fs::write(&path, &outcome.optimized)?;
        } else if path.exists() {
            fs::remove_file(&path)?;
        }
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|_| outcome.original.clone());
    if expected == outcome.optimized {
        return Ok(());
    }
    let diff = diff::unified("Dockerfile", &expected, &outcome.optimized, false);
    Err(format!("not as {}:\n{diff}", path.display()).into())
}

fn report(outcome: Outcome) -> String {
    let report =
        FileReport { path: "Dockerfile".to_owned(), finding: Finding::Read(Box::new(outcome)), outputs: Vec::new() };
    text::file(&report, text::Style { verbose: true, ..text::Style::default() })
}
