//! What a report says, place by place, for the formats that are lists of findings.

use super::{FileReport, Finding};
use crate::diagnostic::{Diagnostic, Severity};
use crate::pipeline::{Applied, Outcome, Proposed, Violation};
use crate::rewrite::{Assumption, Level};
use crate::source::Span;

/// What to do about a mistake of imgopt.
pub(super) const MISTAKE: &str = "this is a mistake in imgopt: please open an issue with this Dockerfile";

/// How much a remark matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    /// A proposal.
    Note,
    /// A rewrite that is to be had, or a warning of BuildKit's.
    Warning,
    /// The file is not readable for BuildKit, or imgopt made a mistake.
    Error,
}

/// One thing that a report says.
#[derive(Clone, Debug)]
pub(super) struct Remark<'a> {
    pub(super) grade: Grade,
    /// The rule: the name of the pass, or what else speaks.
    pub(super) rule: &'static str,
    /// Where in the original; `None` for the file as a whole.
    pub(super) span: Option<Span>,
    pub(super) message: &'a str,
    /// Reason, assumptions, level, help.
    pub(super) notes: Vec<(&'static str, String)>,
    /// Index of the rewrite in [`Outcome::applied`].
    pub(super) rewrite: Option<usize>,
}

/// The rule of what is said about the file itself.
pub(super) const SYNTAX: &str = "dockerfile";
/// The rule of rewrites that were taken back.
pub(super) const TAKEN_BACK: &str = "imgopt-mistake";
/// The rule of files that could not be read or written.
pub(super) const FAILURE: &str = "imgopt-error";

impl Remark<'_> {
    /// Message and notes as lines.
    pub(super) fn text(&self) -> String {
        let notes = self.notes.iter().map(|(name, text)| format!("\n{name}: {text}"));
        std::iter::once(self.message.to_owned()).chain(notes).collect()
    }
}

/// What there is to say of a file, in the order of the text report, without what was left alone.
pub(super) fn remarks(report: &FileReport) -> Vec<Remark<'_>> {
    match &report.finding {
        Finding::Read(outcome) => of_outcome(outcome),
        Finding::Skipped(_) => Vec::new(),
        Finding::Failed(failure) => vec![Remark {
            grade: Grade::Error,
            rule: FAILURE,
            span: None,
            message: &failure.message,
            notes: failure.help.iter().map(|help| ("help", help.clone())).collect(),
            rewrite: None,
        }],
    }
}

fn of_outcome(outcome: &Outcome) -> Vec<Remark<'_>> {
    let diagnostics = outcome.diagnostics.iter().map(of_diagnostic);
    let rewrites = outcome.applied.iter().enumerate().map(|(index, rewrite)| Remark {
        grade: Grade::Warning,
        rule: rewrite.pass,
        span: Some(rewrite.span),
        message: &rewrite.message,
        notes: promise(rewrite),
        rewrite: Some(index),
    });
    let proposals = outcome.proposed.iter().map(|proposal| Remark {
        grade: Grade::Note,
        rule: proposal.pass,
        span: Some(proposal.span),
        message: &proposal.message,
        notes: promise_of_proposal(proposal),
        rewrite: None,
    });
    let violations = outcome.violations.iter().map(of_violation);
    diagnostics.chain(rewrites).chain(proposals).chain(violations).collect()
}

fn of_diagnostic(diagnostic: &Diagnostic) -> Remark<'_> {
    Remark {
        grade: if diagnostic.severity > Severity::Warning { Grade::Error } else { Grade::Warning },
        rule: SYNTAX,
        span: Some(diagnostic.span),
        message: &diagnostic.message,
        notes: diagnostic.hint.iter().map(|hint| ("help", hint.clone())).collect(),
        rewrite: None,
    }
}

fn of_violation(violation: &Violation) -> Remark<'_> {
    Remark {
        grade: Grade::Error,
        rule: TAKEN_BACK,
        span: Some(violation.span),
        message: &violation.message,
        notes: vec![("note", format!("a rewrite of {} was taken back", violation.pass)), ("help", MISTAKE.to_owned())],
        rewrite: None,
    }
}

/// Why a rewrite helps, what it relies on, what it asks of those who run the image, and its level.
pub(super) fn promise(rewrite: &Applied) -> Vec<(&'static str, String)> {
    let reason = ("reason", rewrite.reason.clone());
    let assumptions = rewrite.assumptions.iter().map(|assumption| ("assumes", assumes(assumption)));
    let migration = rewrite.migration.iter().map(|line| ("migration", line.clone()));
    std::iter::once(reason).chain(assumptions).chain(migration).chain([("level", rewrite.level.to_string())]).collect()
}

/// The same for a proposal, and how to apply it.
pub(super) fn promise_of_proposal(proposal: &Proposed) -> Vec<(&'static str, String)> {
    let mut notes = promise(proposal);
    if proposal.level < Level::Proposal {
        let help = format!("`--level {}` or `--enable {}` applies it", proposal.level, proposal.pass);
        notes.push(("help", help));
    }
    notes
}

/// `the image is built with BuildKit (not proved)`.
pub(super) fn assumes(assumption: &Assumption) -> String {
    match &assumption.evidence {
        Some(evidence) => format!("{} (proved: {evidence})", assumption.kind.text()),
        None => format!("{} (not proved)", assumption.kind.text()),
    }
}
