//! The driver: runs the passes in order, applies what is selected, parses again and validates, until nothing changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::context::BuildContext;
use crate::diagnostic::Diagnostic;
use crate::rewrite::{Assumption, Level};
use crate::source::Span;

/// What is written and what is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Rewrites up to this level are applied.
    pub level: Level,
    /// The level of single passes, by name (`--only` and `--enable` raise it to what the pass needs).
    pub pass_levels: BTreeMap<String, Level>,
    /// When not empty, only these passes run.
    pub only: BTreeSet<String>,
    /// Passes that do not run.
    pub skip: BTreeSet<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self { level: Level::Guarded, pass_levels: BTreeMap::new(), only: BTreeSet::new(), skip: BTreeSet::new() }
    }
}

impl Options {
    /// The level up to which rewrites of the pass are applied.
    #[must_use]
    pub fn level_of(&self, pass: &str) -> Level {
        self.pass_levels.get(pass).copied().unwrap_or(self.level)
    }

    /// Whether the pass runs.
    #[must_use]
    pub fn runs(&self, pass: &str) -> bool {
        (self.only.is_empty() || self.only.contains(pass)) && !self.skip.contains(pass)
    }
}

/// A rewrite that stands in the optimised text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// Name of the pass.
    pub pass: &'static str,
    /// The place in the original text.
    pub span: Span,
    /// What changes.
    pub message: String,
    /// Why it helps.
    pub reason: String,
    /// The promise.
    pub level: Level,
    /// What it relies on.
    pub assumptions: Vec<Assumption>,
}

/// A rewrite above the level asked for, or one that needs a fact of the author: shown, not written.
pub type Proposed = Applied;

/// A place that a pass left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declined {
    /// Name of the pass.
    pub pass: &'static str,
    /// The place in the original text.
    pub span: Span,
    /// Why.
    pub reason: String,
    /// What would make the rewrite possible.
    pub unlock: String,
}

/// A rewrite that validation refused: a bug of the pass, which is named. The text was left as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Name of the pass.
    pub pass: &'static str,
    /// The place in the original text.
    pub span: Span,
    /// What does not hold.
    pub message: String,
}

/// Everything that is known after a run; all reports are made from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The text as given.
    pub original: String,
    /// The text as rewritten; equal to the original when there is nothing to gain.
    pub optimized: String,
    /// What was applied, by place.
    pub applied: Vec<Applied>,
    /// What was found and not written, by place.
    pub proposed: Vec<Proposed>,
    /// What was left alone, by place.
    pub declined: Vec<Declined>,
    /// Rewrites that validation refused.
    pub violations: Vec<Violation>,
    /// What the parser and the suppressions have to say about the original.
    pub diagnostics: Vec<Diagnostic>,
    /// Why the file as a whole was left alone: `# imgopt: skip-file`, not readable for BuildKit, Windows, …
    pub skipped: Option<String>,
}

impl Outcome {
    /// Whether the text was rewritten.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.original != self.optimized
    }
}

/// Rewrites `source`, a Dockerfile with the build context `context`.
#[must_use]
pub fn optimize(source: &str, context: &BuildContext, options: &Options) -> Outcome {
    let _ = (context, options);
    Outcome { original: source.to_owned(), optimized: source.to_owned(), ..Outcome::default() }
}
