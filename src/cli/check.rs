//! `imgopt check`.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use super::discover;
use super::rewrite::failure;
use super::run::{self, Optimized};
use super::terminal::{Stream, Terminal};
use super::{Exit, Files, Purpose, Reporting, Selection, known};
use crate::diagnostic::{Diagnostic, Severity};
use crate::emit::{self, Action, EmitError, Texts};
use crate::report::text::Detail;
use crate::report::{Failure, FileReport, Finding, Output, OutputState, Status, printable};

#[derive(Args)]
pub(super) struct Command {
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    selection: Selection,
    /// Check that the `.optimized` files are what `rewrite` would write; the level is guarded unless given
    #[arg(long)]
    outputs: bool,
    #[command(flatten)]
    baseline: known::Flags,
    #[command(flatten)]
    reporting: Reporting,
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let reporting = command.reporting.check()?;
    let purpose = if command.outputs { Purpose::Rewrite } else { Purpose::Check };
    let mut files = run::optimize(&command.files, &command.selection, purpose, run::Extra::default())?;
    if command.outputs {
        for file in &mut files {
            match outputs(file) {
                Ok(outputs) => file.report.outputs = outputs,
                Err(failure) => file.report.finding = Finding::Failed(failure),
            }
        }
    }
    command.baseline.apply(&mut files)?;
    let mut reports: Vec<FileReport> = files.into_iter().map(|file| file.report).collect();
    if command.outputs {
        reports.extend(discover::orphans(&command.files.paths).iter().map(|path| orphan(path)));
    }
    let detail = if command.outputs { Detail::Brief } else { Detail::Full };
    terminal.report(&reports, reporting, Stream::Stdout, detail)?;
    if let Some(path) = command.baseline.updated() {
        terminal.note(Stream::Stderr, &format!("wrote {}\n", printable(&path.display().to_string())))?;
    }
    let found = |report: &FileReport| match command.outputs {
        true => report.outputs.iter().any(|output| output.state.is_wrong()),
        false => report.status() == Status::Rewritten,
    };
    if reports.iter().any(|report| report.status() == Status::Error || has_objection(report)) {
        return Ok(Exit::Failed);
    }
    Ok(if reports.iter().any(found) { Exit::Found } else { Exit::Done })
}

/// Whether the file has a base image that its project does not allow.
fn has_objection(report: &FileReport) -> bool {
    let is_objection = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Disallowed;
    report.outcome().is_some_and(|outcome| outcome.diagnostics.iter().any(is_objection))
}

/// The report on an output whose Dockerfile is gone.
fn orphan(path: &Path) -> FileReport {
    FileReport {
        path: path.display().to_string(),
        finding: Finding::Skipped("there is no such file any more".to_owned()),
        outputs: vec![Output { path: emit::beside(path).display().to_string(), state: OutputState::LeftOver }],
    }
}

/// How the outputs of one file stand.
fn outputs(file: &Optimized) -> Result<Vec<Output>, Failure> {
    let (Some(path), Some(outcome)) = (&file.source.path, file.report.outcome()) else { return Ok(Vec::new()) };
    if file.report.status() == Status::Error {
        return Ok(Vec::new());
    }
    let texts = Texts { path: Some(path), original: &outcome.original, optimized: &outcome.optimized };
    let actions = match emit::plan(texts, &emit::beside(path), false) {
        Ok(actions) => actions,
        Err(EmitError::Edited(path) | EmitError::Foreign(path)) => {
            return Ok(vec![Output { path: path.display().to_string(), state: OutputState::Edited }]);
        }
        Err(error) => return Err(failure(&error)),
    };
    let state = |action: &Action| match action {
        Action::Create { .. } => OutputState::Missing,
        Action::Replace { .. } => OutputState::Stale,
        Action::Keep { .. } => OutputState::Current,
        Action::Remove { .. } => OutputState::LeftOver,
    };
    Ok(actions
        .iter()
        .map(|action| Output { path: action.path().display().to_string(), state: state(action) })
        .collect())
}
