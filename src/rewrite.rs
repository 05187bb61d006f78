//! What a pass hands over: rewrites with their level, evidence, steps and edits, and the places it left alone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::edit::Edit;
use crate::source::Span;
use crate::validate::Step;

/// The promise that a rewrite makes. Ordered: each level includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The image runs the same program with the same effective argv, files, user and environment; every assumption
    /// is proved.
    Safe,
    /// The image is leaner or harder and still does its job, under named assumptions.
    Guarded,
    /// Visible at run time by design.
    Breaking,
    /// Needs a fact that only the author has; shown, never written.
    Proposal,
}

impl Level {
    /// The name used in reports, flags and configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Guarded => "guarded",
            Self::Breaking => "breaking",
            Self::Proposal => "proposal",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::Safe, Self::Guarded, Self::Breaking]
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| format!("`{name}` is no level: use safe, guarded or breaking"))
    }
}

/// What a rewrite relies on, from the closed list of `docs/assumptions.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AssumptionKind {
    /// The image is built with BuildKit.
    BuildKit,
    /// Build arguments have their defaults.
    DefaultBuildArguments,
    /// No volume or bind mount beyond those seen.
    NoOtherVolumes,
    /// Nobody starts a shell in the container.
    NoShellInContainer,
    /// No image outside this repository is built `FROM` this one.
    NoChildImages,
    /// No build-only file is read at run time through a computed path.
    NoComputedReads,
    /// Code that is not seen needs no program and no library that goes.
    NoUnseenNeeds,
    /// A package manager's command writes where its table row says.
    TableBounds,
}

impl AssumptionKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::BuildKit,
        Self::DefaultBuildArguments,
        Self::NoOtherVolumes,
        Self::NoShellInContainer,
        Self::NoChildImages,
        Self::NoComputedReads,
        Self::NoUnseenNeeds,
        Self::TableBounds,
    ];

    /// The name used in configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BuildKit => "buildkit",
            Self::DefaultBuildArguments => "default-build-arguments",
            Self::NoOtherVolumes => "no-other-volumes",
            Self::NoShellInContainer => "no-shell-in-container",
            Self::NoChildImages => "no-child-images",
            Self::NoComputedReads => "no-computed-reads",
            Self::NoUnseenNeeds => "no-unseen-needs",
            Self::TableBounds => "table-bounds",
        }
    }

    /// The sentence that reports print.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::BuildKit => "the image is built with BuildKit",
            Self::DefaultBuildArguments => "build arguments have their defaults",
            Self::NoOtherVolumes => "no volume or bind mount beyond those seen",
            Self::NoShellInContainer => "nobody starts a shell in the container",
            Self::NoChildImages => "no image outside this repository is built from this one",
            Self::NoUnseenNeeds => "code that is not seen needs no program and no library that goes",
            Self::NoComputedReads => "no build-only file is read at run time through a computed path",
            Self::TableBounds => "the package manager's command writes where its table row says",
        }
    }
}

/// What the author says of an assumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stance {
    /// It holds.
    Affirmed,
    /// It does not hold.
    Denied,
}

/// An assumption of one rewrite, with the evidence if it is proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assumption {
    /// What is relied on.
    pub kind: AssumptionKind,
    /// What proves it; without evidence it is merely assumed.
    pub evidence: Option<String>,
}

impl Assumption {
    /// An assumption with its evidence.
    pub fn proved(kind: AssumptionKind, evidence: impl Into<String>) -> Self {
        Self { kind, evidence: Some(evidence.into()) }
    }

    /// An assumption that the reviewer has to judge.
    #[must_use]
    pub const fn assumed(kind: AssumptionKind) -> Self {
        Self { kind, evidence: None }
    }
}

/// One change with its explanation and its justification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// The place it is about, in the text that the pass saw.
    pub span: Span,
    /// What changes: lower case, no full stop.
    pub message: String,
    /// Why it helps.
    pub reason: String,
    /// The promise.
    pub level: Level,
    /// What it relies on.
    pub assumptions: Vec<Assumption>,
    /// The text changes, applied together.
    pub edits: Vec<Edit>,
    /// The axioms that justify them, replayed by the validator.
    pub steps: Vec<Step>,
    /// Whether it is guarded only because an assumption is not proved.
    pub safe_if_proved: bool,
    /// What somebody who runs the image has to know or do, a line each; empty when nothing is visible at run time.
    pub migration: Vec<String>,
}

impl Rewrite {
    /// A rewrite of the place `span`.
    pub fn new(level: Level, span: Span, message: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            reason: reason.into(),
            level,
            assumptions: Vec::new(),
            edits: Vec::new(),
            steps: Vec::new(),
            safe_if_proved: false,
            migration: Vec::new(),
        }
    }

    /// Adds an assumption. One that is merely assumed makes a safe rewrite guarded.
    #[must_use]
    pub fn assume(mut self, assumption: Assumption) -> Self {
        if assumption.evidence.is_none() && self.level < Level::Guarded {
            self.level = Level::Guarded;
            self.safe_if_proved = true;
        }
        self.assumptions.push(assumption);
        self
    }

    /// Proves the assumptions of that kind that have no evidence. What was guarded for want of it is safe again.
    pub fn prove(&mut self, kind: AssumptionKind, evidence: &str) {
        for assumption in &mut self.assumptions {
            if assumption.kind == kind && assumption.evidence.is_none() {
                assumption.evidence = Some(evidence.to_owned());
            }
        }
        let is_proved = self.assumptions.iter().all(|assumption| assumption.evidence.is_some());
        if is_proved && self.safe_if_proved && self.level == Level::Guarded {
            self.level = Level::Safe;
        }
    }

    /// Adds a line to what somebody who runs the image has to know or do.
    #[must_use]
    pub fn migrate(mut self, line: impl Into<String>) -> Self {
        self.migration.push(line.into());
        self
    }

    /// Adds a text change.
    #[must_use]
    pub fn edit(mut self, edit: Edit) -> Self {
        self.edits.push(edit);
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// A place that almost matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    /// The place, in the text that the pass saw.
    pub span: Span,
    /// Why it was left alone.
    pub reason: String,
    /// What would make the rewrite possible.
    pub unlock: String,
}

/// What one run of a pass found.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// Rewrites, in any order.
    pub rewrites: Vec<Rewrite>,
    /// Places left alone.
    pub declined: Vec<Decline>,
}

impl Findings {
    /// Adds a rewrite.
    pub fn push(&mut self, rewrite: Rewrite) {
        self.rewrites.push(rewrite);
    }

    /// Records that a place was left alone, why, and what would unlock it.
    pub fn decline(&mut self, span: Span, reason: impl Into<String>, unlock: impl Into<String>) {
        self.declined.push(Decline { span, reason: reason.into(), unlock: unlock.into() });
    }
}
