//! `imgopt rewrite`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::Args;

use super::discover::{self, is_stdin};
use super::run::{self, Optimized, Source};
use super::terminal::{Stream, Terminal};
use super::{Exit, Files, Format, Selection};
use crate::emit::{self, Action, EmitError, Texts};
use crate::report::{Failure, FileReport, Finding, Output, OutputState, Status, diff};
use crate::rewrite::Level;

pub(super) const AFTER_HELP: &str = "\
Outputs end with a comment that names imgopt and holds a hash, except with --in-place and --stdout. imgopt replaces and \
removes its outputs as long as the hash fits. Standard input is rewritten to standard output. --stdout and --diff print \
nothing else there; with --stdout, the report goes to standard error.";

#[derive(Args)]
pub(super) struct Command {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    destination: DestinationFlags,
    #[command(flatten)]
    selection: Selection,
    /// How to report
    #[arg(long, default_value = "text")]
    format: Format,
    /// Exit with 1 when something was rewritten
    #[arg(long)]
    exit_code: bool,
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
}

/// Where texts go.
#[derive(Clone, Copy)]
enum Destination<'a> {
    Beside,
    File(&'a Path),
    Tree(&'a Path),
    Stdout,
    Diff,
    InPlace,
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
            Self { stdout: true, .. } => Destination::Stdout,
            Self { .. } if reads_stdin => Destination::Stdout,
            Self { .. } => Destination::Beside,
        })
    }
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let destination = command.destination.destination(&command.files.paths)?;
    let level = if matches!(destination, Destination::InPlace) { Level::Safe } else { Level::Guarded };
    let mut files = run::optimize(&command.files, &command.selection, level)?;
    if matches!(destination, Destination::File(_) | Destination::Stdout) && files.len() > 1 {
        bail!("there are {} Dockerfiles: name one, or use --out-dir DIR", files.len());
    }
    let mut taken = HashMap::new();
    for file in &mut files {
        if let Err(failure) = emit(file, destination, command.files.force, &mut taken) {
            file.report.finding = Finding::Failed(failure);
        }
    }
    let reports: Vec<FileReport> = files.into_iter().map(|file| file.report).collect();
    print(&reports, destination, command.format, terminal)?;
    if reports.iter().any(|report| report.status() == Status::Error) {
        return Ok(Exit::Failed);
    }
    let rewritten = reports.iter().any(|report| report.status() == Status::Rewritten);
    Ok(if command.exit_code && rewritten { Exit::Found } else { Exit::Done })
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
        Destination::Stdout | Destination::Diff | Destination::InPlace => None,
    }
}

pub(super) fn failure(error: &EmitError) -> Failure {
    Failure::new(error.to_string(), error.help())
}

fn print(reports: &[FileReport], destination: Destination<'_>, format: Format, terminal: &Terminal) -> Result<()> {
    match destination {
        Destination::Stdout => {
            terminal.report(reports, format, Stream::Stderr)?;
            let outcomes =
                reports.iter().filter(|report| report.status() != Status::Error).filter_map(FileReport::outcome);
            for outcome in outcomes {
                terminal.print(Stream::Stdout, &outcome.optimized)?;
            }
        }
        Destination::Diff if format == Format::Text => {
            let style = terminal.style(Stream::Stdout);
            for report in reports {
                let Some(outcome) = report.outcome() else { continue };
                let diff = diff::unified(&report.path, &outcome.original, &outcome.optimized, style.styled);
                terminal.print(Stream::Stdout, &diff)?;
            }
            terminal.failures(reports)?;
        }
        _ => terminal.report(reports, format, Stream::Stdout)?,
    }
    Ok(())
}
