//! `imgopt rewrite`.

use std::collections::HashMap;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::discover::{self, is_stdin};
use super::interactive::Walk;
use super::run::{self, Extra, Optimized, Source};
use super::terminal::{Stream, Terminal};
use super::{Exit, Files, Format, Purpose, Reporting, Selection};
use crate::emit::{self, Action, EmitError, Texts};
use crate::report::patches::{self, Unit};
use crate::report::text::Detail;
use crate::report::{Failure, FileReport, Finding, Output, OutputState, Status, diff, printable};

pub(super) const AFTER_HELP: &str = "\
Outputs end with a comment that names imgopt and holds a hash, except with --in-place and --stdout. imgopt replaces \
and removes its outputs as long as the hash fits. Standard input is rewritten to standard output. With --stdout, \
--diff and --commits, the report goes to standard error.";

#[derive(Args)]
pub(super) struct Command {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    destination: DestinationFlags,
    #[command(flatten)]
    selection: Selection,
    /// Show one rewrite after the other, and ask which to apply
    #[arg(long, short, conflicts_with = "commits")]
    interactive: bool,
    #[command(flatten)]
    reporting: Reporting,
    /// Say of every place that a pass looked at why it acted or did not, what was proved, and what is assumed
    #[arg(long)]
    explain: bool,
    /// Exit with 1 when something was written
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    mistakes: Mistakes,
}

/// What to do about mistakes of imgopt itself: rewrites that validation took back.
#[derive(Args)]
struct Mistakes {
    /// Exit with 2 when validation took a rewrite back, which is a mistake of imgopt
    #[arg(long)]
    strict: bool,
    /// Write a small Dockerfile, without secrets, that shows such a mistake, for a report of it
    #[arg(long, value_name = "DIR", conflicts_with = "interactive")]
    reproduce: Option<PathBuf>,
}

#[derive(Args)]
#[group(multiple = false)]
struct DestinationFlags {
    /// Write to FILE instead of beside the Dockerfile; needs a single Dockerfile
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write below DIR, in the same tree as below PATH
    #[arg(long, value_name = "DIR")]
    out_dir: Option<PathBuf>,
    /// Print the text instead; needs a single Dockerfile
    #[arg(long)]
    stdout: bool,
    /// Print the diffs instead, for `git apply` or `patch -p1`
    #[arg(long)]
    diff: bool,
    /// Replace the Dockerfiles themselves; the level is safe unless given
    #[arg(long)]
    in_place: bool,
    /// Print a patch series instead, one a pass or one a rewrite, for `git am`
    #[arg(long, value_name = "BY", num_args = 0..=1, require_equals = true, default_missing_value = "pass")]
    commits: Option<By>,
}

/// Where texts go.
#[derive(Clone, Copy)]
enum Destination<'a> {
    Beside,
    File(&'a Path),
    Tree(&'a Path),
    Stdout,
    Diff,
    Commits(Unit),
    InPlace,
}

#[derive(Clone, Copy, ValueEnum)]
enum By {
    /// One patch for each run of a pass
    Pass,
    /// One patch for each rewrite, or for those that are only good together
    Rewrite,
}

impl By {
    const fn unit(self) -> Unit {
        match self {
            Self::Pass => Unit::Round,
            Self::Rewrite => Unit::Rewrite,
        }
    }
}

impl DestinationFlags {
    fn destination(&self, paths: &[PathBuf]) -> Result<Destination<'_>> {
        let reads_stdin = paths.iter().any(|path| is_stdin(path));
        if reads_stdin && paths.len() > 1 {
            bail!("`-` cannot be used together with other paths");
        }
        Ok(match self {
            Self { output: Some(file), .. } if is_stdin(file) => Destination::Stdout,
            Self { output: Some(file), .. } => Destination::File(file),
            Self { out_dir: Some(_), .. } | Self { in_place: true, .. } if reads_stdin => {
                bail!("standard input has no place in a directory: use --stdout or --output FILE")
            }
            Self { out_dir: Some(directory), .. } => Destination::Tree(directory),
            Self { in_place: true, .. } => Destination::InPlace,
            Self { diff: true, .. } => Destination::Diff,
            Self { commits: Some(_), .. } if reads_stdin => {
                bail!("standard input is no file that a patch could change: name a Dockerfile")
            }
            Self { commits: Some(by), .. } => Destination::Commits(by.unit()),
            Self { stdout: true, .. } => Destination::Stdout,
            Self { .. } if reads_stdin => Destination::Stdout,
            Self { .. } => Destination::Beside,
        })
    }
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let terminal = &terminal.explaining(command.explain);
    let destination = command.destination.destination(&command.files.paths)?;
    let purpose = if matches!(destination, Destination::InPlace) { Purpose::InPlace } else { Purpose::Rewrite };
    let reporting = command.reporting.check()?;
    let separate = matches!(destination, Destination::Commits(Unit::Rewrite));
    let mut files = if command.interactive {
        ask(command, purpose, terminal)?
    } else {
        let reproduce = command.mistakes.reproduce.is_some();
        run::optimize(&command.files, &command.selection, purpose, Extra { separate, reproduce })?
    };
    let n_read = files.iter().filter(|file| !matches!(file.report.finding, Finding::Skipped(_))).count();
    if matches!(destination, Destination::File(_) | Destination::Stdout) && n_read > 1 {
        bail!("there are {n_read} Dockerfiles: name one, or use --out-dir DIR");
    }
    let mut taken = HashMap::new();
    for file in &mut files {
        if let Err(failure) = emit(file, destination, command.files.force, &mut taken) {
            file.report.finding = Finding::Failed(failure);
        }
    }
    let reports: Vec<FileReport> = files.into_iter().map(|file| file.report).collect();
    print(&reports, destination, reporting, terminal)?;
    if let Some(directory) = &command.mistakes.reproduce {
        for note in reproduce(&reports, directory)? {
            terminal.note(Stream::Stderr, &note)?;
        }
    }
    if has_failed(&reports, command.mistakes.strict) {
        return Ok(Exit::Failed);
    }
    let is_news = |report: &FileReport| match destination {
        Destination::Stdout | Destination::Diff | Destination::Commits(_) => report.status() == Status::Rewritten,
        _ => report.outputs.iter().any(|output| output.state != OutputState::Current),
    };
    Ok(if command.exit_code && reports.iter().any(is_news) { Exit::Found } else { Exit::Done })
}

/// Whether a file was not read or written, or a rewrite of it was taken back and that counts.
fn has_failed(reports: &[FileReport], strict: bool) -> bool {
    let is_wrong = |report: &FileReport| report.outcome().is_some_and(|outcome| !outcome.violations.is_empty());
    reports.iter().any(|report| report.status() == Status::Error || strict && is_wrong(report))
}

/// Writes the small Dockerfiles that show mistakes, each named after the pass, and says so.
fn reproduce(reports: &[FileReport], directory: &Path) -> Result<Vec<String>> {
    let violations = reports.iter().filter_map(FileReport::outcome).flat_map(|outcome| &outcome.violations);
    let mut notes = Vec::new();
    for (number, violation) in violations.enumerate() {
        let Some(text) = &violation.reproduction else {
            notes.push(format!("{}: no small Dockerfile without secrets shows the mistake\n", violation.pass));
            continue;
        };
        fs::create_dir_all(directory).with_context(|| format!("cannot create {}", directory.display()))?;
        let path = directory.join(format!("{}-{}.Dockerfile", violation.pass, number + 1));
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        notes.push(format!("wrote {}\n", printable(&path.display().to_string())));
    }
    Ok(notes)
}

/// Optimises the files as the person at the terminal decides.
fn ask(command: &Command, purpose: Purpose, terminal: &Terminal) -> Result<Vec<Optimized>> {
    if !io::stdin().is_terminal() || command.files.paths.iter().any(|path| is_stdin(path)) {
        bail!("--interactive asks on a terminal, and standard input is none");
    }
    let styled = terminal.style(Stream::Stderr).styled;
    let (mut input, mut output) = (io::stdin().lock(), io::stderr());
    run::optimize_asking(&command.files, &command.selection, purpose, &mut Walk::new(&mut input, &mut output, styled))
}

/// Writes what was found for one file. `taken` are the outputs of the files before, with the path of each.
fn emit(
    file: &mut Optimized,
    destination: Destination<'_>,
    force: bool,
    taken: &mut HashMap<PathBuf, String>,
) -> Result<(), Failure> {
    let Optimized { source, report } = file;
    if report.status() == Status::Error {
        return Ok(());
    }
    let Finding::Read(outcome) = &report.finding else { return Ok(()) };
    let Some(output) = output(source, destination) else {
        let (Destination::InPlace, Some(path), true) = (destination, &source.path, outcome.changed()) else {
            return Ok(());
        };
        emit::replace(path, &outcome.optimized).map_err(|error| failure(&error))?;
        report.outputs.push(Output { path: report.path.clone(), state: OutputState::Written });
        return Ok(());
    };
    if let Some(other) = taken.insert(discover::identity(&output), report.path.clone()) {
        let message = format!("its output {} is that of {other}", output.display());
        return Err(Failure::new(message, "rewrite them in two runs, into two directories"));
    }
    let texts = Texts { path: source.path.as_deref(), original: &outcome.original, optimized: &outcome.optimized };
    let actions = emit::plan(texts, &output, force).map_err(|error| failure(&error))?;
    if let (Destination::Tree(_), true, Some(parent)) = (destination, outcome.changed(), output.parent()) {
        fs::create_dir_all(parent).map_err(|error| failure(&EmitError::Write { path: parent.to_owned(), error }))?;
    }
    for action in actions {
        action.execute(source.path.as_deref()).map_err(|error| failure(&error))?;
        let state = match action {
            Action::Create { .. } | Action::Replace { .. } => OutputState::Written,
            Action::Keep { .. } => OutputState::Current,
            Action::Remove { .. } => OutputState::Removed,
        };
        report.outputs.push(Output { path: action.path().display().to_string(), state });
    }
    Ok(())
}

/// The output of a file, if it is to have one.
fn output(source: &Source, destination: Destination<'_>) -> Option<PathBuf> {
    match destination {
        Destination::Beside => source.path.as_deref().map(emit::beside),
        Destination::File(path) => Some(path.to_owned()),
        Destination::Tree(directory) => Some(emit::beside(&directory.join(&source.mirrored))),
        Destination::Stdout | Destination::Diff | Destination::Commits(_) | Destination::InPlace => None,
    }
}

pub(super) fn failure(error: &EmitError) -> Failure {
    Failure::new(error.to_string(), error.help())
}

fn print(
    reports: &[FileReport],
    destination: Destination<'_>,
    reporting: Reporting,
    terminal: &Terminal,
) -> Result<()> {
    match destination {
        Destination::Stdout => {
            terminal.report(reports, reporting, Stream::Stderr, Detail::Full)?;
            let outcomes =
                reports.iter().filter(|report| report.status() != Status::Error).filter_map(FileReport::outcome);
            for outcome in outcomes {
                terminal.print(Stream::Stdout, &outcome.optimized)?;
            }
        }
        Destination::Diff if reporting.format == Format::Text => {
            let style = terminal.style(Stream::Stdout);
            terminal.text_report(reports, Stream::Stderr, Detail::WithoutDiff, |report| {
                let Some(outcome) = report.outcome() else { return Ok(()) };
                let diff = diff::of(&report.path, outcome, style.styled);
                terminal.print(Stream::Stdout, &diff)
            })?;
        }
        Destination::Commits(unit) => {
            terminal.print(Stream::Stdout, &patches::render(reports, unit, in_repository))?;
            terminal.report(reports, reporting, Stream::Stderr, Detail::WithoutDiff)?;
        }
        _ => terminal.report(reports, reporting, Stream::Stdout, Detail::Full)?,
    }
    Ok(())
}

/// The path from the root of the repository, where `git am` applies patches; outside of one, the path as it is.
fn in_repository(path: &str) -> String {
    let Ok(absolute) = std::path::absolute(path) else { return path.to_owned() };
    let root = absolute.ancestors().skip(1).find(|directory| directory.join(".git").exists());
    root.and_then(|root| absolute.strip_prefix(root).ok()).map_or(path.to_owned(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Outcome, Violation};
    use crate::source::Span;

    const OPTIMIZED: &str = "FROM b\n";

    /// Emits one file after the other, each with something to gain; gives the outputs, or what failed.
    fn emit_all(sources: Vec<Source>, destination: Destination<'_>) -> Vec<Result<Vec<Output>, Failure>> {
        let mut taken = HashMap::new();
        let emit_one = |source| {
            let mut file = optimized(source);
            emit(&mut file, destination, false, &mut taken).map(|()| file.report.outputs)
        };
        sources.into_iter().map(emit_one).collect()
    }

    fn optimized(source: Source) -> Optimized {
        let outcome =
            Outcome { original: "FROM a\n".to_owned(), optimized: OPTIMIZED.to_owned(), ..Outcome::default() };
        let path = source.path.as_ref().map_or("<stdin>".to_owned(), |path| path.display().to_string());
        let finding = Finding::Read(Box::new(outcome));
        Optimized { source, report: FileReport { path, finding, outputs: Vec::new() } }
    }

    fn place() -> tempfile::TempDir {
        let place = tempfile::tempdir().expect("a temporary directory");
        for name in ["a", "b"] {
            fs::create_dir(place.path().join(name)).expect("a directory");
            fs::write(place.path().join(name).join("Dockerfile"), "FROM a\n").expect("written");
        }
        place
    }

    fn source(place: &tempfile::TempDir, name: &str) -> Source {
        Source { path: Some(place.path().join(name)), mirrored: name.into() }
    }

    fn body(place: &tempfile::TempDir, name: &str) -> String {
        let text = fs::read_to_string(place.path().join(name)).expect("a file");
        emit::trailer::bare(&text).to_owned()
    }

    #[test]
    fn a_tree_is_mirrored() {
        let place = place();
        let out = place.path().join("out/deep");
        let sources = vec![source(&place, "a/Dockerfile"), source(&place, "b/Dockerfile")];
        let results = emit_all(sources, Destination::Tree(&out));
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        assert_eq!(body(&place, "out/deep/a/Dockerfile.optimized"), OPTIMIZED);
        assert_eq!(body(&place, "out/deep/b/Dockerfile.optimized"), OPTIMIZED);
    }

    #[test]
    fn two_files_never_share_an_output() {
        let place = place();
        let flat = |name| Source { mirrored: "Dockerfile".into(), ..source(&place, name) };
        let results = emit_all(vec![flat("a/Dockerfile"), flat("b/Dockerfile")], Destination::Tree(place.path()));
        assert!(results[0].is_ok());
        let failure = results[1].as_ref().expect_err("the second one");
        assert!(failure.message.contains("Dockerfile.optimized is that of "), "{failure:?}");
    }

    #[test]
    fn in_place_there_is_no_trailer() {
        let place = place();
        let results = emit_all(vec![source(&place, "a/Dockerfile")], Destination::InPlace);
        assert!(matches!(results[0].as_deref(), Ok([Output { state: OutputState::Written, .. }])), "{results:?}");
        assert_eq!(fs::read_to_string(place.path().join("a/Dockerfile")).expect("a file"), OPTIMIZED);
    }

    #[test]
    fn other_files_are_written_after_a_failure() {
        let place = place();
        fs::write(place.path().join("a/Dockerfile.optimized"), "mine").expect("written");
        let sources = vec![source(&place, "a/Dockerfile"), source(&place, "b/Dockerfile")];
        let results = emit_all(sources, Destination::Beside);
        assert!(results[0].is_err() && results[1].is_ok(), "{results:?}");
        assert_eq!(body(&place, "b/Dockerfile.optimized"), OPTIMIZED);
    }

    #[test]
    fn a_mistake_counts_when_asked_and_is_reproduced() {
        let place = place();
        let violation = |reproduction: Option<&str>| Violation {
            pass: "exec-form",
            span: Span::new(0, 4),
            message: "the argv changes".to_owned(),
            reproduction: reproduction.map(str::to_owned),
        };
        let mut file = optimized(source(&place, "Dockerfile"));
        assert!(!has_failed(std::slice::from_ref(&file.report), true));
        let Finding::Read(outcome) = &mut file.report.finding else { panic!("a file that was read") };
        outcome.violations = vec![violation(Some("FROM c\n")), violation(None)];
        let reports = [file.report];
        assert!(has_failed(&reports, true) && !has_failed(&reports, false));
        let directory = place.path().join("mistakes");
        let notes = reproduce(&reports, &directory).expect("written");
        assert!(notes[0].starts_with("wrote ") && notes[1].contains("no small Dockerfile"), "{notes:?}");
        assert_eq!(fs::read_to_string(directory.join("exec-form-1.Dockerfile")).expect("it is there"), "FROM c\n");
    }

    #[test]
    fn standard_input_may_go_to_a_file() {
        let place = place();
        let output = place.path().join("new");
        let stdin = || Source { path: None, mirrored: "-".into() };
        assert!(emit_all(vec![stdin()], Destination::File(&output))[0].is_ok());
        assert_eq!(body(&place, "new"), OPTIMIZED);
        assert_eq!(emit_all(vec![stdin()], Destination::Stdout), [Ok(Vec::new())]);
    }
}
