//! What a run says. All reports are made from the same [`FileReport`]s: [`text`] for people, [`markdown`] and [`html`]
//! for reviewers, [`json`], [`sarif`], [`github`], [`gitlab`] and [`rdjson`] for programs, [`diff`] for `patch` and
//! `git apply`.
//!
//! What is made to be looked at prints lines of a Dockerfile with the secrets in them masked. Diffs, suggestions, fixes,
//! patches and the JSON report hold the lines as they are: they are read by programs that need every byte.

pub mod change;
pub mod diff;
pub mod github;
pub mod gitlab;
mod graph;
pub mod html;

pub mod json;
pub mod markdown;
mod mask;
pub mod patches;
pub mod rdjson;
mod remark;
pub mod sarif;
pub mod text;

use serde::Serialize;

use crate::diagnostic::Severity;
use crate::pipeline::Outcome;

/// What became of one file.
#[derive(Clone, Debug)]
pub struct FileReport {
    /// The path as the user would write it; `<stdin>` for standard input.
    pub path: String,
    /// What was found.
    pub finding: Finding,
    /// The files made of it, or that should be.
    pub outputs: Vec<Output>,
}

/// What was found in one file.
#[derive(Clone, Debug)]
pub enum Finding {
    /// It was read.
    Read(Box<Outcome>),
    /// It was left out, for this reason.
    Skipped(String),
    /// It could not be read, or its output could not be written.
    Failed(Failure),
}

/// What went wrong and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong: lower case, no full stop.
    pub message: String,
    /// The next step.
    pub help: Option<String>,
}

impl Failure {
    /// A failure with the next step.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { message: message.into(), help: Some(help.into()) }
    }
}

/// A file made of a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Output {
    /// Its path.
    pub path: String,
    /// How it stands.
    pub state: OutputState,
}

/// How an output stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputState {
    /// It was written in this run.
    Written,
    /// It stands there as imgopt would write it.
    Current,
    /// It was removed in this run: nothing is to gain any more.
    Removed,
    /// It should be there.
    Missing,
    /// It differs from what imgopt would write.
    Stale,
    /// It was edited by hand, or written by something else.
    Edited,
    /// It should not be there any more.
    LeftOver,
}

impl OutputState {
    /// Whether the file is not what imgopt would write.
    #[must_use]
    pub const fn is_wrong(self) -> bool {
        matches!(self, Self::Missing | Self::Stale | Self::Edited | Self::LeftOver)
    }
}

/// The result for a file, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// There are rewrites.
    Rewritten,
    /// There is nothing to gain.
    Unchanged,
    /// It was left alone as a whole.
    Skipped,
    /// It could not be read or written.
    Error,
}

impl FileReport {
    /// The result in one word. A file that BuildKit rejects counts as an error.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.finding {
            Finding::Failed(_) => Status::Error,
            Finding::Skipped(_) => Status::Skipped,
            Finding::Read(outcome) if outcome.skipped.is_some() && is_rejected(outcome) => Status::Error,
            Finding::Read(outcome) if outcome.skipped.is_some() => Status::Skipped,
            Finding::Read(outcome) if outcome.changed() => Status::Rewritten,
            Finding::Read(_) => Status::Unchanged,
        }
    }

    /// What was read and found, if the file could be read.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        match &self.finding {
            Finding::Read(outcome) => Some(outcome),
            Finding::Skipped(_) | Finding::Failed(_) => None,
        }
    }
}

/// Counts over all files of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// All files.
    pub files: usize,
    /// Files with rewrites.
    pub rewritten: usize,
    /// Files with nothing to gain.
    pub unchanged: usize,
    /// Files left alone as a whole.
    pub skipped: usize,
    /// Files that could not be read or written.
    pub errors: usize,
    /// Rewrites in all files.
    pub rewrites: usize,
    /// Proposals in all files.
    pub proposals: usize,
    /// Places left alone in all files.
    pub declined: usize,
}

impl Summary {
    /// Counts.
    #[must_use]
    pub fn of(files: &[FileReport]) -> Self {
        let mut summary = Self { files: files.len(), ..Self::default() };
        for file in files {
            match file.status() {
                Status::Rewritten => summary.rewritten += 1,
                Status::Unchanged => summary.unchanged += 1,
                Status::Skipped => summary.skipped += 1,
                Status::Error => summary.errors += 1,
            }
            let Some(outcome) = file.outcome() else { continue };
            summary.rewrites += outcome.applied.len();
            summary.proposals += outcome.proposed.len();
            summary.declined += outcome.declined.len();
        }
        summary
    }
}

/// `text` without control characters, which could steer the terminal; tabs stay.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The path as services want it that know the tree of the repository.
fn relative(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}

/// Whether BuildKit rejects the file.
fn is_rejected(outcome: &Outcome) -> bool {
    outcome.diagnostics.iter().any(|diagnostic| diagnostic.severity > Severity::Warning)
}

/// The line, line end included, with what looks like a secret masked.
pub(crate) fn masked(line: &str) -> String {
    let text = line.trim_end_matches(['\r', '\n']);
    format!("{}{}", mask::mask(text, 0..0).0, &line[text.len()..])
}

/// Whether the name of a variable says that it holds a secret.
pub(crate) fn names_secret(name: &str) -> bool {
    mask::is_secret(name)
}

/// `1 rewrite`, `2 rewrites`.
fn counted(n: usize, noun: &str) -> String {
    let ending = if n == 1 { "" } else { "s" };
    format!("{n} {noun}{ending}")
}

/// A report with something of each kind, for the tests of the report formats.
#[cfg(test)]
fn sample() -> FileReport {
    use crate::edit::Edit;
    use crate::pipeline::{Applied, Declined, Violation};
    use crate::rewrite::{Assumption, AssumptionKind, Level};
    use crate::source::Span;

    let original = "FROM a\nENV API_KEY=k3y\nRUN pip install --index-url https://bob:pw@example.org/simple \\\n    \
                    -r requirements.txt\nCMD [\"x\"]\n";
    let span = |text: &str| original.find(text).map(|start| Span::new(start, start + text.len())).unwrap_or_default();
    let rewrite = Applied {
        pass: "cache-mounts",
        span: span("RUN"),
        message: "keep the pip download cache between builds".to_owned(),
        reason: "downloads stay out of the layer and are reused by the next build".to_owned(),
        migration: Vec::new(),
        level: Level::Guarded,
        assumptions: vec![
            Assumption::assumed(AssumptionKind::BuildKit),
            Assumption::proved(AssumptionKind::DefaultBuildArguments, "there are none"),
        ],
        proved: vec!["nothing else reads the directory"],
        round: 0,
        unit: 0,
        edits: vec![Edit::insert(span("pip").start, "--mount=type=cache,target=/root/.cache/pip ")],
    };
    let proposal = Applied {
        pass: "non-root-user",
        span: span("CMD [\"x\"]"),
        message: "run the program as a user of its own".to_owned(),
        reason: "a program that is broken into owns nothing".to_owned(),
        migration: vec![
            "volumes that root wrote have to be given to the user once: `chown -R 10001:10001 <volume>`".to_owned(),
        ],
        level: Level::Proposal,
        assumptions: Vec::new(),
        proved: Vec::new(),
        round: 1,
        unit: 0,
        edits: Vec::new(),
    };
    let declined = Declined {
        pass: "cache-mounts",
        span: span("API_KEY=k3y"),
        reason: "the value is not understood".to_owned(),
        unlock: "write it without a variable".to_owned(),
    };
    let violation =
        Violation { pass: "exec-form", span: span("CMD"), message: "the argv changes".to_owned(), reproduction: None };
    let outcome = Outcome {
        original: original.to_owned(),
        optimized: original.replace("RUN pip", "RUN --mount=type=cache,target=/root/.cache/pip pip"),
        applied: vec![rewrite],
        proposed: vec![proposal],
        declined: vec![declined],
        violations: vec![violation],
        rounds: vec![original.to_owned()],
        ..Outcome::default()
    };
    FileReport {
        path: "Dockerfile".to_owned(),
        finding: Finding::Read(Box::new(outcome)),
        outputs: vec![Output { path: "Dockerfile.optimized".to_owned(), state: OutputState::Written }],
    }
}
