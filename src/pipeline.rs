//! The driver: runs the passes in order, applies what is selected, parses again and validates, until nothing changes.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::context::{BuildContext, Builder};
use crate::diagnostic::{Diagnostic, Severity};
use crate::dialect;
use crate::edit::{Edit, EditSet};
use crate::model::body::BodyCache;
use crate::model::{Base, Model};
use crate::passes::{PIPELINE, Pass, PassContext, alpine_base, distroless_base};
use crate::policy::{Bases, Objection};
use crate::reproduce;
use crate::rewrite::{Assumption, AssumptionKind, Decline, Findings, Level, Rewrite, Stance};
use crate::source::{LineIndex, Span};
use crate::suppress::{self, Suppression, Suppressions};
use crate::syntax::ast::Dockerfile;
use crate::syntax::mount::Mount;
use crate::syntax::{self, Parsed};
use crate::tables;
use crate::validate::{self, Step};

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
    /// What the author says of assumptions: an affirmed one is proved, a denied one declines the rewrite.
    pub assume: BTreeMap<AssumptionKind, Stance>,
    /// Looks for a small Dockerfile that shows each violation, see [`Violation::reproduction`].
    pub reproduce: bool,
    /// What base images are chosen.
    pub base: BaseChoice,
    /// Sorts the rewrites of each round into units that are valid one after the other, see [`Applied::unit`].
    pub separate: bool,
}

/// What base images are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BaseChoice {
    /// The leanest one of the same C library that has a shell; none of a distribution below a static program.
    #[default]
    Auto,
    /// Base images stay.
    Keep,
    /// Slim variants only.
    Slim,
    /// Distroless images only, also those with an interpreter, which is the consent to images without a shell.
    Distroless,
    /// Variants on Alpine, which is the consent to another C library.
    Alpine,
}

impl BaseChoice {
    /// All of them with their names in flags and configuration.
    pub const NAMES: [(&'static str, Self); 5] = [
        ("alpine", Self::Alpine),
        ("auto", Self::Auto),
        ("distroless", Self::Distroless),
        ("keep", Self::Keep),
        ("slim", Self::Slim),
    ];

    /// The pass whose breaking rewrites are asked for with the choice.
    #[must_use]
    pub const fn asks_for(self) -> Option<&'static str> {
        match self {
            Self::Alpine => Some(alpine_base::NAME),
            Self::Distroless => Some(distroless_base::NAME),
            Self::Auto | Self::Keep | Self::Slim => None,
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            level: Level::Guarded,
            pass_levels: BTreeMap::new(),
            only: BTreeSet::new(),
            skip: BTreeSet::new(),
            assume: BTreeMap::new(),
            reproduce: false,
            base: BaseChoice::Auto,
            separate: false,
        }
    }
}

impl Options {
    /// The level up to which rewrites of the pass are applied.
    #[must_use]
    pub fn level_of(&self, pass: &str) -> Level {
        let level = self.pass_levels.get(pass).copied().unwrap_or(self.level);
        if self.base.asks_for() == Some(pass) { level.max(Level::Breaking) } else { level }
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
    /// What the validator proved of its steps, each once.
    pub proved: Vec<&'static str>,
    /// What somebody who runs the image has to know or do, a line each.
    pub migration: Vec<String>,
    /// Number of the round that found it: an index of [`Outcome::rounds`].
    pub round: usize,
    /// Which unit of its round it belongs to, counted from 0. Rewrites of one unit are only good together; with
    /// [`Options::separate`], the units up to any one of them are valid without those behind.
    pub unit: usize,
    /// Its text changes, in the text before its round.
    pub edits: Vec<Edit>,
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
    /// A small Dockerfile, without secrets, for which the same pass is wrong; if one was asked for and found.
    pub reproduction: Option<String>,
}

/// A rewrite that a comment in the file holds back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// Name of the pass.
    pub pass: &'static str,
    /// The place in the original text.
    pub span: Span,
    /// What would change.
    pub message: String,
    /// The reason that the comment gives.
    pub reason: Option<String>,
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
    /// What comments in the file hold back, by place.
    pub suppressed: Vec<Suppressed>,
    /// Rewrites that validation refused.
    pub violations: Vec<Violation>,
    /// What the parser and the suppressions have to say about the original.
    pub diagnostics: Vec<Diagnostic>,
    /// How many rewrites and proposals a baseline knows and this outcome leaves out.
    pub known: usize,
    /// Why the file as a whole was left alone: `# imgopt: skip-file`, not readable for BuildKit, Windows, …
    pub skipped: Option<String>,
    /// The text before each round: a run of a pass that changed something. The text after it is that before the next
    /// one, and after the last one the optimised text.
    pub rounds: Vec<String>,
}

impl Outcome {
    /// Whether the text was rewritten.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.original != self.optimized
    }
}

/// More walks than this without rest are a bug of a pass.
const MAX_WALKS: usize = 5;

/// What one run of a pass changed: the rewrites that were applied together, and the text on both sides of them.
#[doc(hidden)]
#[derive(Debug)]
pub struct Round<'a> {
    /// Name of the pass.
    pub pass: &'static str,
    /// The text before.
    pub before: &'a str,
    /// The rewrites, as validated.
    pub rewrites: &'a [Rewrite],
    /// The text after.
    pub after: &'a str,
}

/// Rewrites that are up for a decision: one, or some that are only good together.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Name of the pass.
    pub pass: &'static str,
    /// The text in hand, to which the edits belong.
    pub text: &'a str,
    /// The rewrites.
    pub rewrites: &'a [Rewrite],
    /// The place of the first one in the original text.
    pub span: Span,
}

/// Rewrites `source`, a Dockerfile with the build context `context`.
#[must_use]
pub fn optimize(source: &str, context: &BuildContext, options: &Options) -> Outcome {
    in_force(source, context, options, &mut |_| true, &mut |_| {})
}

/// As [`optimize`]; `observer` sees every round, so that tests can ask the validator what else it would accept.
#[doc(hidden)]
pub fn optimize_observed(
    source: &str,
    context: &BuildContext,
    options: &Options,
    observer: &mut dyn FnMut(&Round<'_>),
) -> Outcome {
    in_force(source, context, options, &mut |_| true, observer)
}

/// Rewrites `source` where `choose` says so. It is asked once for each choice, before anything of it is applied.
#[must_use]
pub fn optimize_with(
    source: &str,
    context: &BuildContext,
    options: &Options,
    choose: &mut dyn FnMut(&Choice<'_>) -> bool,
) -> Outcome {
    in_force(source, context, options, choose, &mut |_| {})
}

/// Runs with the rows that the project adds to the tables.
fn in_force(
    source: &str,
    context: &BuildContext,
    options: &Options,
    choose: &mut dyn FnMut(&Choice<'_>) -> bool,
    observer: &mut dyn FnMut(&Round<'_>),
) -> Outcome {
    tables::with(&context.policy().tables, || run(source, context, options, choose, observer))
}

fn run(
    source: &str,
    context: &BuildContext,
    options: &Options,
    choose: &mut dyn FnMut(&Choice<'_>) -> bool,
    observer: &mut dyn FnMut(&Round<'_>),
) -> Outcome {
    let parsed = syntax::parse(source);
    let mut outcome = Outcome { original: source.to_owned(), optimized: source.to_owned(), ..Outcome::default() };
    outcome.skipped = skip_reason(source, &parsed);
    outcome.diagnostics = parsed.diagnostics;
    let bodies = BodyCache::default();
    if outcome.skipped.is_none() && Model::build(source, &parsed.dockerfile, context, &bodies).is_for_windows() {
        outcome.skipped = Some("it builds a Windows image".to_owned());
    }
    if outcome.skipped.is_some() {
        return outcome;
    }
    let mut driver = Driver {
        context,
        options,
        choose,
        refused: BTreeSet::new(),
        used_suppressions: BTreeSet::new(),
        bodies,
        text: source.to_owned(),
        dockerfile: Rc::new(parsed.dockerfile),
        origin: Vec::new(),
        outcome,
        observer,
    };
    driver.walk_until_rest();
    let mut outcome = driver.finish();
    if options.reproduce {
        reproduce::violations(&mut outcome, context, options);
    }
    outcome
}

/// A file with more instructions than this is made by a program; no image can have that many layers.
const MAX_INSTRUCTIONS: usize = 2000;

/// Why the file as a whole is left alone.
fn skip_reason(source: &str, parsed: &Parsed) -> Option<String> {
    if let Some(error) = parsed.diagnostics.iter().find(|diagnostic| diagnostic.severity > Severity::Warning) {
        let line = LineIndex::new(source).line(error.span.start);
        return Some(format!("BuildKit does not accept it: line {line}: {}", error.message));
    }
    if parsed.dockerfile.instructions.len() > MAX_INSTRUCTIONS {
        return Some(format!("it has more than {MAX_INSTRUCTIONS} instructions"));
    }
    suppress::file_reason(source, &parsed.dockerfile)
}

struct Driver<'a> {
    context: &'a BuildContext,
    options: &'a Options,
    choose: &'a mut dyn FnMut(&Choice<'_>) -> bool,
    /// Pass, message and place in the original of what was not chosen.
    refused: BTreeSet<(&'static str, String, Span)>,
    /// Pass and place in the original of comments that held something back.
    used_suppressions: BTreeSet<(&'static str, Span)>,
    bodies: BodyCache,
    text: String,
    dockerfile: Rc<Dockerfile>,
    /// The edits from the original to the text in hand, oldest first.
    origin: Vec<EditSet>,
    outcome: Outcome,
    observer: &'a mut dyn FnMut(&Round<'_>),
}

impl Driver<'_> {
    fn walk_until_rest(&mut self) {
        for _ in 0..MAX_WALKS {
            let mut changed = false;
            // Each walk says anew what it left alone: earlier walks may have unlocked it.
            self.outcome.declined.clear();
            self.outcome.proposed.clear();
            self.outcome.suppressed.clear();
            let mut passes = PIPELINE.iter();
            while passes.len() > 0 {
                changed |= self.run_until_change(&mut passes);
            }
            if !changed {
                return;
            }
        }
        self.outcome.violations.push(Violation {
            pass: "pipeline",
            span: Span::new(0, 0),
            message: format!("the passes did not come to rest in {MAX_WALKS} walks"),
            reproduction: None,
        });
    }

    /// Runs passes on the text in hand until one changes it, and says whether one did. The facts of the text are computed
    /// once for all of them.
    fn run_until_change(&mut self, passes: &mut std::slice::Iter<'_, &'static dyn Pass>) -> bool {
        let text = std::mem::take(&mut self.text);
        let dockerfile = Rc::clone(&self.dockerfile);
        let model = Model::build(&text, &dockerfile, self.context, &self.bodies);
        let Some(new) = passes.find_map(|pass| self.run(*pass, &model)) else {
            self.text = text;
            return false;
        };
        self.text = new.text;
        self.dockerfile = Rc::new(new.dockerfile);
        self.outcome.rounds.push(text);
        true
    }

    /// Runs one pass; gives the new text if it changes something.
    fn run(&mut self, pass: &'static dyn Pass, model: &Model<'_>) -> Option<NewText> {
        let info = pass.info();
        let (text, dockerfile) = (model.source, model.dockerfile);
        if !self.options.runs(info.name) {
            return None;
        }
        let mut found = Findings::default();
        pass.run(&PassContext { model, options: self.options }, &mut found);
        let suppressions = Suppressions::read(text, dockerfile);

        found.rewrites.sort_by_key(|rewrite| (rewrite.span.start, rewrite.span.end));
        let mut candidates: Vec<Rewrite> = Vec::new();
        for mut rewrite in found.rewrites {
            let touched = rewrite.edits.iter().map(|edit| edit.span).chain([rewrite.span]);
            if let Some(suppression) = suppressions.covering(info.name, touched) {
                self.suppress(info.name, &rewrite, suppression);
            } else if let Some(decline) = self.settle(text, dockerfile, &mut rewrite) {
                found.declined.push(decline);
            } else if rewrite.level == Level::Proposal || rewrite.level > self.options.level_of(info.name) {
                let proposed = self.applied(info.name, &rewrite);
                self.outcome.proposed.push(proposed);
            } else {
                candidates.push(rewrite);
            }
        }
        let mut edits = EditSet::default();
        let mut selected: Vec<Vec<Rewrite>> = Vec::new();
        for unit in units(candidates) {
            let all: Vec<_> = unit.iter().flat_map(|rewrite| rewrite.edits.iter().cloned()).collect();
            if edits.try_add(&all).is_err() {
                continue;
            }
            if self.is_chosen(info.name, text, &unit) {
                selected.push(unit);
            } else {
                edits = edit_set(selected.iter().flatten());
            }
        }
        for decline in found.declined {
            if let Some(suppression) = suppressions.covering(info.name, [decline.span]) {
                self.used_suppressions.insert((info.name, self.in_original(suppression.span)));
                continue;
            }
            let span = self.in_original(decline.span);
            let declined = Declined { pass: info.name, span, reason: decline.reason, unlock: decline.unlock };
            if !self.outcome.declined.contains(&declined) {
                self.outcome.declined.push(declined);
            }
        }
        if selected.is_empty() {
            return None;
        }

        let (accepted, new) = match self.check(model, &selected.concat()) {
            Ok(new) => (selected, Some(new)),
            // One rewrite is wrong: find it, keep the others.
            Err(_) => (units(self.accept_one_by_one(info.name, model, selected.concat())), None),
        };
        let edits = edit_set(accepted.iter().flatten());
        if edits.is_empty() {
            return None;
        }
        let accepted = if self.options.separate { self.separate(model, accepted) } else { accepted };
        for (unit, rewrites) in accepted.iter().enumerate() {
            for rewrite in rewrites {
                let applied = Applied { unit, ..self.applied(info.name, rewrite) };
                self.outcome.applied.push(applied);
            }
        }
        let new = new.unwrap_or_else(|| NewText::read(edits.apply(text)).0);
        let rewrites: Vec<Rewrite> = accepted.into_iter().flatten().collect();
        (self.observer)(&Round { pass: info.name, before: text, rewrites: &rewrites, after: &new.text });
        self.origin.push(edits);
        Some(new)
    }

    /// Takes in what the author says of the assumptions and of the builder; says why the rewrite cannot be.
    fn settle(&self, text: &str, dockerfile: &Dockerfile, rewrite: &mut Rewrite) -> Option<Decline> {
        let decline = |reason, unlock: &str| Some(Decline { span: rewrite.span, reason, unlock: unlock.to_owned() });
        for (kind, stance) in &self.options.assume {
            let is_needed = rewrite.assumptions.iter().any(|assumption| assumption.kind == *kind);
            if is_needed && *stance == Stance::Denied {
                return decline(format!("imgopt.yaml denies that {}", kind.text()), "another `assume` in imgopt.yaml");
            }
        }
        if let Some((builder, syntax)) = self.unknown_syntax(text, dockerfile, rewrite) {
            let reason = format!("{builder} is not known to read {}, which the rewrite needs", syntax.written());
            return decline(reason, "a builder that reads it");
        }
        for (kind, _) in self.options.assume.iter().filter(|(_, stance)| **stance == Stance::Affirmed) {
            rewrite.prove(*kind, "imgopt.yaml affirms it");
        }
        None
    }

    /// Syntax that the rewrite brings in, and the name of the builder that does not read it.
    fn unknown_syntax(&self, text: &str, dockerfile: &Dockerfile, rewrite: &Rewrite) -> Option<(&str, tables::Syntax)> {
        // Most rewrites bring in none: neither the search for the builder nor another parse is needed.
        if !rewrite.edits.iter().any(|edit| edit.text.contains("--") || edit.text.contains("<<")) {
            return None;
        }
        let Builder::Other { name, .. } = self.context.builder() else { return None };
        let mut edits = EditSet::default();
        edits.try_add(&rewrite.edits).ok()?;
        let before = dialect::uses(dockerfile);
        let after = dialect::uses(&syntax::parse(&edits.apply(text)).dockerfile);
        let gained = after.iter().filter(|(syntax, n)| before.get(syntax).is_none_or(|before| before < *n));
        gained
            .map(|(syntax, _)| *syntax)
            .find(|syntax| !tables::builder_knows(name, *syntax))
            .map(|syntax| (name.as_str(), syntax))
    }

    /// Whether the unit is to be applied. What was refused once stays so.
    fn is_chosen(&mut self, pass: &'static str, text: &str, unit: &[Rewrite]) -> bool {
        let Some(first) = unit.first() else { return false };
        let span = self.in_original(first.span);
        let key = (pass, first.message.clone(), span);
        if self.refused.contains(&key) {
            return false;
        }
        let is_chosen = (self.choose)(&Choice { pass, text, rewrites: unit, span });
        if !is_chosen {
            self.refused.insert(key);
        }
        is_chosen
    }

    fn suppress(&mut self, pass: &'static str, rewrite: &Rewrite, suppression: &Suppression<'_>) {
        self.used_suppressions.insert((pass, self.in_original(suppression.span)));
        self.outcome.suppressed.push(Suppressed {
            pass,
            span: self.in_original(rewrite.span),
            message: rewrite.message.clone(),
            reason: suppression.reason.map(str::to_owned),
        });
    }

    /// Joins units with those behind them until the units up to each one are valid by themselves.
    fn separate(&self, model: &Model<'_>, units: Vec<Vec<Rewrite>>) -> Vec<Vec<Rewrite>> {
        let mut valid: Vec<Vec<Rewrite>> = Vec::new();
        let mut before: Vec<Rewrite> = Vec::new();
        let mut open: Vec<Rewrite> = Vec::new();
        for unit in units {
            before.extend_from_slice(&unit);
            open.extend(unit);
            if self.check(model, &before).is_ok() {
                valid.push(std::mem::take(&mut open));
            }
        }
        if !open.is_empty() {
            valid.push(open);
        }
        valid
    }

    /// Applies the rewrites, reads the text again and validates.
    fn check(&self, before: &Model<'_>, rewrites: &[Rewrite]) -> Result<NewText, String> {
        let mut edits = EditSet::default();
        for rewrite in rewrites {
            edits.try_add(&rewrite.edits).map_err(|conflict| conflict.to_string())?;
        }
        let (new, diagnostics) = NewText::read(edits.apply(before.source));
        if let Some(error) = diagnostics.iter().find(|diagnostic| diagnostic.severity > Severity::Warning) {
            return Err(format!("the new text is not accepted: {}", error.message));
        }
        let after = Model::build(&new.text, &new.dockerfile, self.context, &self.bodies);
        validate::check(before, &after, rewrites)?;
        Ok(new)
    }

    fn accept_one_by_one(&mut self, pass: &'static str, model: &Model<'_>, rewrites: Vec<Rewrite>) -> Vec<Rewrite> {
        let mut accepted: Vec<Rewrite> = Vec::new();
        for rewrite in rewrites {
            accepted.push(rewrite);
            if let Err(message) = self.check(model, &accepted) {
                let refused = accepted.pop().expect("it was pushed above");
                let span = self.in_original(refused.span);
                let violation = Violation { pass, span, message, reproduction: None };
                if !self.outcome.violations.contains(&violation) {
                    self.outcome.violations.push(violation);
                }
            }
        }
        accepted
    }

    fn applied(&self, pass: &'static str, rewrite: &Rewrite) -> Applied {
        Applied {
            pass,
            span: self.in_original(rewrite.span),
            message: rewrite.message.clone(),
            reason: rewrite.reason.clone(),
            level: rewrite.level,
            assumptions: rewrite.assumptions.clone(),
            proved: claims(rewrite),
            migration: rewrite.migration.clone(),
            round: self.outcome.rounds.len(),
            unit: 0,
            edits: rewrite.edits.clone(),
        }
    }

    fn in_original(&self, span: Span) -> Span {
        self.origin.iter().rev().fold(span, |span, edits| edits.before(span))
    }

    fn finish(self) -> Outcome {
        let mut outcome = self.outcome;
        outcome.optimized = self.text;
        if !outcome.changed() {
            outcome.applied.clear();
            outcome.rounds.clear();
        }
        outcome.diagnostics.extend(suppress::diagnostics(&outcome.original, self.options, &self.used_suppressions));
        let mut objections = objections(&outcome.original, self.context, &self.bodies);
        if !self.context.policy().enforced && outcome.changed() {
            // What was replaced needs no word.
            let left = self::objections(&outcome.optimized, self.context, &self.bodies);
            objections.retain(|objection| left.iter().any(|left| left.message == objection.message));
        }
        outcome.diagnostics.extend(objections);
        let place = |span: Span| (span.start, span.end);
        outcome.applied.sort_by_key(|applied| place(applied.span));
        outcome.proposed.sort_by_key(|proposed| place(proposed.span));
        outcome.declined.sort_by_key(|declined| place(declined.span));
        outcome.suppressed.sort_by_key(|suppressed| place(suppressed.span));
        outcome.diagnostics.sort_by_key(|diagnostic| place(diagnostic.span));
        outcome
    }
}

/// What the project has against the base images of the original.
fn objections(text: &str, context: &BuildContext, bodies: &BodyCache) -> Vec<Diagnostic> {
    let policy = context.policy();
    if policy.bases == Bases::default() {
        return Vec::new();
    }
    let parsed = syntax::parse(text);
    let model = Model::build(text, &parsed.dockerfile, context, bodies);
    let images = model.stages.iter().filter_map(|stage| match &stage.base {
        Base::Image(image) => Some((model.instruction(stage.from).span, policy.objection(image)?)),
        Base::Scratch | Base::Stage(_) | Base::Unknown => None,
    });
    let diagnostic = |(span, objection): (Span, Objection)| Diagnostic {
        severity: if policy.enforced && objection.in_force { Severity::Disallowed } else { Severity::Warning },
        span,
        message: objection.message,
        hint: Some(objection.hint),
    };
    images.map(diagnostic).collect()
}

/// A text with its tree.
struct NewText {
    text: String,
    dockerfile: Dockerfile,
}

impl NewText {
    fn read(text: String) -> (Self, Vec<Diagnostic>) {
        let Parsed { dockerfile, diagnostics, .. } = syntax::parse(&text);
        (Self { text, dockerfile }, diagnostics)
    }
}

/// What its steps prove, each once.
fn claims(rewrite: &Rewrite) -> Vec<&'static str> {
    if rewrite.steps.is_empty() {
        return vec!["every instruction keeps its effect"];
    }
    let mut claims: Vec<&str> = Vec::new();
    for claim in rewrite.steps.iter().map(Step::claim) {
        if !claims.contains(&claim) {
            claims.push(claim);
        }
    }
    claims
}

/// The edits of rewrites that were found to fit together.
fn edit_set<'a>(rewrites: impl IntoIterator<Item = &'a Rewrite>) -> EditSet {
    let mut edits = EditSet::default();
    for rewrite in rewrites {
        edits.try_add(&rewrite.edits).expect("a part of edits that fit together fits together");
    }
    edits
}

/// Rewrites in order, those that are only good together in one unit: what one command downloads into a cache mount, a
/// later one may need there.
fn units(rewrites: Vec<Rewrite>) -> Vec<Vec<Rewrite>> {
    let mut units: Vec<Vec<Rewrite>> = Vec::new();
    for rewrite in rewrites {
        let share_cache = |other: &Rewrite| mounts(other).any(|mount| mounts(&rewrite).any(|own| own == mount));
        let has_mounts = mounts(&rewrite).next().is_some();
        match units.iter_mut().find(|unit| has_mounts && unit.iter().any(share_cache)) {
            Some(unit) => unit.push(rewrite),
            None => units.push(vec![rewrite]),
        }
    }
    units
}

/// The cache mounts that the rewrite adds.
fn mounts(rewrite: &Rewrite) -> impl Iterator<Item = &Mount> {
    rewrite.steps.iter().filter_map(|step| match step {
        Step::AddCacheMount { mount, .. } => Some(mount),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::Edit;

    const TEXT: &str = "FROM a\nRUN --mount=type=cache,target=/b x\nCOPY c d\n";

    /// What becomes of a rewrite that puts `text` before the arguments of COPY.
    fn settle(context: &BuildContext, assume: &[(AssumptionKind, Stance)], text: &str) -> Result<Rewrite, String> {
        let parsed = syntax::parse(TEXT);
        let options = Options { assume: assume.iter().copied().collect(), ..Options::default() };
        let driver = Driver {
            context,
            options: &options,
            bodies: BodyCache::default(),
            text: TEXT.to_owned(),
            dockerfile: Rc::new(parsed.dockerfile),
            origin: Vec::new(),
            outcome: Outcome::default(),
            choose: &mut |_| true,
            refused: BTreeSet::new(),
            used_suppressions: BTreeSet::new(),
            observer: &mut |_| {},
        };
        let copy = TEXT.find("COPY").expect("it is there");
        let mut rewrite = Rewrite::new(Level::Safe, Span::new(copy, copy + 4), "", "")
            .assume(Assumption::assumed(AssumptionKind::NoChildImages))
            .edit(Edit::insert(copy + 5, text));
        match driver.settle(TEXT, &driver.dockerfile, &mut rewrite) {
            Some(decline) => Err(decline.reason),
            None => Ok(rewrite),
        }
    }

    #[test]
    fn what_the_author_says_of_assumptions() {
        let context = BuildContext::unknown();
        let plain = settle(&context, &[], "").expect("it is applied");
        assert_eq!((plain.level, &plain.assumptions[0].evidence), (Level::Guarded, &None));
        let affirmed =
            settle(&context, &[(AssumptionKind::NoChildImages, Stance::Affirmed)], "").expect("it is applied");
        assert_eq!(affirmed.level, Level::Safe);
        assert_eq!(affirmed.assumptions[0].evidence.as_deref(), Some("imgopt.yaml affirms it"));
        let other = settle(&context, &[(AssumptionKind::BuildKit, Stance::Denied)], "");
        assert_eq!(other.expect("it is applied"), plain);
        let denied = settle(&context, &[(AssumptionKind::NoChildImages, Stance::Denied)], "");
        assert_eq!(
            denied.expect_err("it is declined"),
            "imgopt.yaml denies that no image outside this repository is built from this one"
        );
    }

    #[test]
    fn what_the_builder_does_not_read_is_not_written() {
        let kaniko = Builder::Other { name: "kaniko".to_owned(), evidence: String::new() };
        let context = BuildContext::unknown().with_builder(kaniko);
        assert!(settle(&context, &[], "--chmod=1 ").is_ok());
        assert!(settle(&context, &[], "--from=e ").is_ok());
        assert_eq!(
            settle(&context, &[], "--link ").expect_err("it is declined"),
            "kaniko is not known to read `--link`, which the rewrite needs"
        );
        let buildkit = Builder::BuildKit { evidence: String::new() };
        assert!(settle(&BuildContext::unknown().with_builder(buildkit), &[], "--link ").is_ok());
        assert!(settle(&BuildContext::unknown(), &[], "--link ").is_ok());
    }
}
