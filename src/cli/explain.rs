//! `imgopt explain`: the page of a pass, or why a line was rewritten or left alone.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::terminal::{Stream, Terminal};
use super::{Exit, Purpose, Selection, pass_name, passes, run};
use crate::report::text::{self, Detail};
use crate::report::{FileReport, Finding};
use crate::source::{LineIndex, Span};

#[derive(Args)]
#[group(id = "what", required = true, multiple = false, args = ["pass", "why"])]
pub(super) struct Command {
    /// The pass whose page is shown
    #[arg(value_name = "PASS", value_parser = pass_name(), hide_possible_values = true)]
    pass: Option<String>,
    /// Say what every pass that looked at this line did there, and why
    #[arg(long, value_name = "FILE:LINE")]
    why: Option<String>,
    #[command(flatten)]
    selection: Selection,
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    if let Some(place) = &command.why {
        return why(place, &command.selection, terminal);
    }
    let name = command.pass.as_deref().unwrap_or_default();
    let pass = passes::find(name).context("there is no such pass: `imgopt passes` lists them")?;
    terminal.print(Stream::Stdout, &format!("# {}\n\n{}", pass.name, pass.page()))?;
    Ok(Exit::Done)
}

fn why(place: &str, selection: &Selection, terminal: &Terminal) -> Result<Exit> {
    let (path, line) = file_and_line(place).context("`--why` takes a file and a line, such as `Dockerfile:7`")?;
    let mut report = run::single(&path, selection, Purpose::Rewrite)?;
    if let Finding::Read(outcome) = &mut report.finding {
        let lines = LineIndex::new(&outcome.original);
        if lines.line_start(line).is_none() {
            bail!("{} has no line {line}", path.display());
        }
        let is_there = |span: Span| {
            let (first, last) = lines.lines(span);
            (first..=last).contains(&line)
        };
        outcome.applied.retain(|applied| is_there(applied.span));
        outcome.proposed.retain(|proposed| is_there(proposed.span));
        outcome.declined.retain(|declined| is_there(declined.span));
        outcome.suppressed.retain(|suppressed| is_there(suppressed.span));
        outcome.diagnostics.retain(|diagnostic| is_there(diagnostic.span));
        let n_places =
            outcome.applied.len() + outcome.proposed.len() + outcome.declined.len() + outcome.suppressed.len();
        if n_places == 0 {
            let note = format!("{}:{line}: no pass has anything to say of this line\n", path.display());
            terminal.print(Stream::Stdout, &note)?;
            return Ok(Exit::Done);
        }
    }
    print(&report, terminal)
}

fn print(report: &FileReport, terminal: &Terminal) -> Result<Exit> {
    if matches!(report.finding, Finding::Failed(_)) {
        terminal.failures(std::slice::from_ref(report))?;
        return Ok(Exit::Failed);
    }
    let style =
        text::Style { verbose: true, explain: true, detail: Detail::WithoutDiff, ..terminal.style(Stream::Stdout) };
    terminal.print(Stream::Stdout, &text::file(report, style))?;
    Ok(Exit::Done)
}

fn file_and_line(place: &str) -> Option<(PathBuf, usize)> {
    let (path, line) = place.rsplit_once(':')?;
    let line = line.parse().ok().filter(|line| *line > 0)?;
    (!path.is_empty()).then(|| (Path::new(path).to_owned(), line))
}
