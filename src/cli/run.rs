//! Reads and optimises the files of a run, several at a time, and keeps their order.

use std::fs::File;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rayon::prelude::*;

use super::changed::{self, Since};
use super::discover::{self, Found, Verdict};
use super::interactive::Walk;
use super::policies::Policies;
use super::{Files, Purpose, Selection};
use crate::config::{Configs, Settings};
use crate::context::{BuildContext, Surroundings};
use crate::model::named;
use crate::pipeline::{self, Choice, Options};
use crate::policy::Policy;
use crate::report::{Failure, FileReport, Finding};

/// The longest text that is read, in bytes. The longest Dockerfiles that people write have some hundred kilobytes.
const SIZE_LIMIT: u64 = 8 << 20;

/// Stack of the threads, in bytes: that of a main thread. Trees of hostile files are deep.
const STACK_SIZE: usize = 8 << 20;

/// A file of the run with what was found in it.
pub(super) struct Optimized {
    pub(super) source: Source,
    pub(super) report: FileReport,
}

/// Where a text comes from.
pub(super) struct Source {
    /// The file; `None` for standard input.
    pub(super) path: Option<PathBuf>,
    /// Where it lies below a directory that mirrors the tree.
    pub(super) mirrored: PathBuf,
}

/// What else is asked for.
#[derive(Clone, Copy, Default)]
pub(super) struct Extra {
    /// Rewrites are kept apart as far as they are valid one after the other.
    pub(super) separate: bool,
    /// Small Dockerfiles that show mistakes of imgopt.
    pub(super) reproduce: bool,
}

/// Optimises the files. Each has a report, in the order in which they were found.
///
pub(super) fn optimize(files: &Files, selection: &Selection, purpose: Purpose, extra: Extra) -> Result<Vec<Optimized>> {
    let context = selection.known_context()?;
    let surroundings = Surroundings::default();
    in_parallel(&jobs(files, selection, purpose)?, |job| {
        let Extra { separate, reproduce } = extra;
        let options = Options { separate, reproduce, ..job.options.clone() };
        let place = Place { named: context, settings: &job.settings, policy: &job.policy, surroundings: &surroundings };
        file(&job.found, &place, &options, &mut |_| true)
    })
}

/// Optimises the files one after the other, asking about each rewrite.
pub(super) fn optimize_asking(
    files: &Files,
    selection: &Selection,
    purpose: Purpose,
    walk: &mut Walk<'_>,
) -> Result<Vec<Optimized>> {
    let context = selection.known_context()?;
    let surroundings = Surroundings::default();
    let ask = |job: &Job| {
        let path = job.found.path.display().to_string();
        let place = Place { named: context, settings: &job.settings, policy: &job.policy, surroundings: &surroundings };
        file(&job.found, &place, &job.options, &mut |choice| walk.decide(&path, choice))
    };
    Ok(jobs(files, selection, purpose)?.iter().map(ask).collect())
}

/// A file of the run with what holds for it.
struct Job {
    found: Found,
    options: Options,
    settings: Settings,
    policy: Policy,
}

fn jobs(files: &Files, selection: &Selection, purpose: Purpose) -> Result<Vec<Job>> {
    let configs = Configs::default();
    let mut policies = Policies::default();
    let mut jobs = Vec::new();
    for found in find(files, &configs)? {
        let settings = discover::settings(&found.path, &configs)?;
        let policy = policies.of(&found.path, &settings, purpose)?;
        jobs.push(Job { options: selection.options(purpose, &settings, &policy), found, settings, policy });
    }
    Ok(jobs)
}

/// Optimises one file, whatever its name is.
pub(super) fn single(path: &Path, selection: &Selection, purpose: Purpose) -> Result<FileReport> {
    let settings = discover::settings(path, &Configs::default())?;
    let policy = Policies::default().of(path, &settings, purpose)?;
    let options = selection.options(purpose, &settings, &policy);
    let surroundings = Surroundings::default();
    let place =
        Place { named: selection.known_context()?, settings: &settings, policy: &policy, surroundings: &surroundings };
    let finding = match read(Some(path)) {
        Ok(text) => optimized(&text, &build_context(Some(path), &text, &place), &options, &mut |_| true),
        Err(failure) => Finding::Failed(failure),
    };
    Ok(FileReport { path: path.display().to_string(), finding, outputs: Vec::new() })
}

/// Maps the items, several at a time; a single one without the cost of threads.
pub(super) fn in_parallel<T: Sync, R: Send>(items: &[T], map: impl Fn(&T) -> R + Send + Sync) -> Result<Vec<R>> {
    if let [single] = items {
        return Ok(vec![map(single)]);
    }
    let pool = rayon::ThreadPoolBuilder::new().stack_size(STACK_SIZE).build().context("cannot start threads")?;
    Ok(pool.install(|| items.par_iter().map(map).collect()))
}

/// The files of the run.
fn find(files: &Files, configs: &Configs) -> Result<Vec<Found>> {
    let mut found = discover::discover(&files.paths, files.force, configs)?;
    if let Some(since) = Since::of(files) {
        changed::retain(&mut found, &files.paths, &since)?;
    }
    Ok(found)
}

/// What is known of where a file is built.
struct Place<'a> {
    /// The build context that a flag names.
    named: Option<&'a Path>,
    settings: &'a Settings,
    policy: &'a Policy,
    surroundings: &'a Surroundings,
}

fn file(found: &Found, place: &Place<'_>, options: &Options, choose: &mut dyn FnMut(&Choice<'_>) -> bool) -> Optimized {
    let path = (!found.is_stdin()).then(|| found.path.clone());
    let name = path.as_ref().map_or("<stdin>".to_owned(), |path| path.display().to_string());
    let finding = match &found.verdict {
        Verdict::Read => {
            let context = |text: &str| build_context(path.as_deref(), text, place);
            finding(found, path.as_deref(), context, options, choose)
        }
        Verdict::Skip(reason) => Finding::Skipped(reason.clone()),
        Verdict::Fail(failure) => Finding::Failed(failure.clone()),
    };
    Optimized {
        source: Source { path, mirrored: found.mirrored.clone() },
        report: FileReport { path: name, finding, outputs: Vec::new() },
    }
}

fn finding(
    found: &Found,
    path: Option<&Path>,
    context: impl Fn(&str) -> BuildContext,
    options: &Options,
    choose: &mut dyn FnMut(&Choice<'_>) -> bool,
) -> Finding {
    let text = match read(path) {
        Ok(text) => text,
        Err(failure) => return Finding::Failed(failure),
    };
    if let Some(reason) = discover::skip_content(&text).filter(|_| !found.named) {
        return Finding::Skipped(reason.to_owned());
    }
    optimized(&text, &context(&text), options, choose)
}

fn optimized(
    text: &str,
    context: &BuildContext,
    options: &Options,
    choose: &mut dyn FnMut(&Choice<'_>) -> bool,
) -> Finding {
    // A mistake of imgopt must not take the other files with it.
    match catch_unwind(AssertUnwindSafe(|| pipeline::optimize_with(text, context, options, choose))) {
        Ok(outcome) => Finding::Read(Box::new(outcome)),
        Err(_) => Finding::Failed(Failure::new(
            "imgopt stopped in the middle of this file",
            "this is a mistake in imgopt: please open an issue with this Dockerfile",
        )),
    }
}

/// The build context of a file. Of standard input only a named one is known.
fn build_context(path: Option<&Path>, text: &str, place: &Place<'_>) -> BuildContext {
    let configured = place.settings.context.as_deref();
    let mut context = match (path, place.named.or(configured)) {
        (Some(path), named) => named::context(path, text, named, place.surroundings),
        (None, Some(root)) => BuildContext::from_dir(root),
        (None, None) => BuildContext::unknown(),
    };
    if place.named.is_none() && configured.is_some() {
        context = context.because("named by imgopt.yaml");
    }
    let context = context.with_policy(place.policy.clone());
    match place.settings.builder {
        Some(builder) => context.with_builder(builder.builder()),
        None => context,
    }
}

/// The text of a file, or of standard input.
pub(super) fn read(path: Option<&Path>) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let result = match path {
        Some(path) => File::open(path).and_then(|file| file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes)),
        None => io::stdin().lock().take(SIZE_LIMIT + 1).read_to_end(&mut bytes),
    };
    result.map_err(|error| unreadable(&error))?;
    if bytes.len() as u64 > SIZE_LIMIT {
        let message = format!("larger than {} MiB", SIZE_LIMIT >> 20);
        return Err(Failure::new(message, "check that this is a Dockerfile"));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|byte| **byte == b'\n').count();
        let help = "save the file as UTF-8, such as with `iconv -t UTF-8`";
        Failure::new(format!("line {line} is not UTF-8"), help)
    })
}

fn unreadable(error: &io::Error) -> Failure {
    let help = match error.kind() {
        io::ErrorKind::NotFound => "check the path; a directory is searched for Dockerfiles",
        _ => "check that it is a file which you may read",
    };
    Failure::new(format!("cannot read it: {error}"), help)
}
