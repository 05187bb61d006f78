//! The baseline: what is known already and accepted, so that a check says only what is new.
//!
//! A finding is known by its pass, its message, the text of its instruction without spacing and continuations, and, of
//! instructions with the same text, by which one it is. Lines that move stay known; an instruction that changes is new.
//!
//! ```text
//! { "schema": 1, "files": { "api/Dockerfile": [ { "pass": …, "message": …, "instruction": …, "occurrence": 0 } ] } }
//! ```
//!
//! Paths are relative to the baseline and have slashes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::edit::Edit;
use crate::emit::trailer;
use crate::pipeline::{Applied, Outcome};
use crate::report::change::{self, Change};
use crate::source::Span;
use crate::syntax;

/// Version of the file.
const SCHEMA: u32 = 1;

/// What a finding is known by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Name of the pass.
    pub pass: String,
    /// What changes. Numbers of lines in it are left out.
    pub message: String,
    /// Hash of the instruction's text.
    pub instruction: String,
    /// How many instructions before it have the same text.
    pub occurrence: usize,
}

impl Key {
    /// A short text for services that tell findings apart by one: a hash of the key and the file's path.
    #[must_use]
    pub fn fingerprint(&self, path: &str) -> String {
        trailer::hash(&[path, &self.pass, &self.message, &self.instruction, &self.occurrence.to_string()].join("\n"))
    }
}

/// The keys of findings in a text, in their order.
#[must_use]
pub fn keys<'a>(source: &str, findings: impl IntoIterator<Item = (&'a str, &'a str, Span)>) -> Vec<Key> {
    let dockerfile = syntax::parse(source).dockerfile;
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut instructions = Vec::with_capacity(dockerfile.instructions.len());
    for instruction in &dockerfile.instructions {
        let hash = trailer::hash(&normalised(instruction.full_span().of(source)));
        let count = seen.entry(hash.clone()).or_default();
        instructions.push((instruction.full_span(), hash, *count));
        *count += 1;
    }
    let key = |(pass, message, span): (&str, &str, Span)| {
        let at = instructions.partition_point(|(place, ..)| place.end < span.start);
        let (instruction, occurrence) =
            instructions.get(at).map_or((String::new(), 0), |(_, hash, count)| (hash.clone(), *count));
        Key { pass: pass.to_owned(), message: without_line_numbers(message), instruction, occurrence }
    };
    findings.into_iter().map(key).collect()
}

/// The keys of rewrites or proposals.
#[must_use]
pub fn keys_of(outcome: &Outcome, rewrites: &[Applied]) -> Vec<Key> {
    keys(&outcome.original, rewrites.iter().map(|rewrite| (rewrite.pass, rewrite.message.as_str(), rewrite.span)))
}

/// What is known, by file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Baseline {
    schema: u32,
    files: BTreeMap<String, BTreeSet<Key>>,
}

impl Default for Baseline {
    fn default() -> Self {
        Self { schema: SCHEMA, files: BTreeMap::new() }
    }
}

/// The text is no baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It is no JSON of this form.
    #[error("it is no baseline: {0}")]
    Form(#[from] serde_json::Error),
    /// It was written by a later imgopt.
    #[error("it has schema {0}, and this imgopt reads schema {SCHEMA}")]
    Schema(u32),
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// [`BaselineError`] when the text is none.
    pub fn parse(text: &str) -> Result<Self, BaselineError> {
        let baseline: Self = serde_json::from_str(text)?;
        if baseline.schema == SCHEMA { Ok(baseline) } else { Err(BaselineError::Schema(baseline.schema)) }
    }

    /// The text of the file.
    ///
    /// # Errors
    /// Those of `serde_json`, which there are none for these types.
    pub fn render(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Takes down all rewrites and proposals of a file, in the place of those that were known.
    pub fn record(&mut self, path: &str, outcome: &Outcome) {
        let keys: BTreeSet<Key> =
            keys_of(outcome, &outcome.applied).into_iter().chain(keys_of(outcome, &outcome.proposed)).collect();
        if keys.is_empty() {
            self.files.remove(path);
        } else {
            self.files.insert(path.to_owned(), keys);
        }
    }

    /// Forgets the files for which `keep` is false.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.files.retain(|path, _| keep(path));
    }

    /// Leaves what is known out of the outcome. The optimised text keeps the changes that a new rewrite has a part in.
    pub fn leave_out_known(&self, path: &str, outcome: &mut Outcome) {
        let Some(known) = self.files.get(path) else { return };
        let is_new = |keys: Vec<Key>| -> Vec<bool> { keys.iter().map(|key| !known.contains(key)).collect() };
        let applied = is_new(keys_of(outcome, &outcome.applied));
        let mut proposed = is_new(keys_of(outcome, &outcome.proposed)).into_iter();
        let n_known = applied.iter().filter(|is_new| !**is_new).count();
        let n_proposed = outcome.proposed.len();
        outcome.proposed.retain(|_| proposed.next().unwrap_or(true));
        outcome.known = n_known + n_proposed - outcome.proposed.len();
        if n_known == 0 {
            return;
        }
        let new: BTreeSet<usize> = (0..applied.len()).filter(|index| applied[*index]).collect();
        let changes = dependent(change::changes(outcome), new.clone());
        let rewrites = std::mem::take(&mut outcome.applied).into_iter().enumerate();
        let mut kept = Vec::new();
        for (index, rewrite) in rewrites.filter(|(index, _)| new.contains(index)) {
            let own = changes.iter().filter(|change| change.rewrites.contains(&index));
            let edits = own.map(|change| Edit::replace(change.old, change.new.of(&outcome.optimized))).collect();
            kept.push(Applied { round: 0, unit: 0, edits, ..rewrite });
        }
        outcome.optimized = change::apply(outcome, &changes);
        outcome.rounds = if outcome.changed() { vec![outcome.original.clone()] } else { Vec::new() };
        outcome.applied = if outcome.changed() { kept } else { Vec::new() };
    }
}

/// The changes that the rewrites made, and those that belong to them because another rewrite made both.
fn dependent(changes: Vec<Change>, mut rewrites: BTreeSet<usize>) -> Vec<Change> {
    let (mut kept, mut rest) = (Vec::new(), changes);
    loop {
        let (found, left): (Vec<_>, Vec<_>) =
            rest.into_iter().partition(|change| !change.rewrites.is_disjoint(&rewrites));
        if found.is_empty() {
            return kept;
        }
        rewrites.extend(found.iter().flat_map(|change| change.rewrites.iter().copied()));
        kept.extend(found);
        rest = left;
    }
}

/// The text of an instruction without spacing and continuations.
fn normalised(text: &str) -> String {
    let lines = text.lines().map(|line| line.trim().trim_end_matches(['\\', '`']));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

/// `line 12` becomes `line`: what stands before a finding must not matter.
fn without_line_numbers(message: &str) -> String {
    let mut words: Vec<&str> = Vec::new();
    for word in message.split(' ') {
        let is_number = word.trim_end_matches([',', ';', ':']).bytes().all(|byte| byte.is_ascii_digit());
        if !(is_number && words.last().is_some_and(|before| ["line", "lines"].contains(before))) {
            words.push(word);
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::BuildContext;
    use crate::pipeline::{Options, optimize};

    const FILE: &str = "FROM alpine:3.20\nADD a.txt /a.txt\nADD b.txt \\\n    /b.txt\nADD a.txt /a.txt\n";

    fn run(source: &str) -> Outcome {
        optimize(source, &BuildContext::unknown(), &Options::default())
    }

    fn new(baseline: &Baseline, source: &str) -> Outcome {
        let mut outcome = run(source);
        baseline.leave_out_known("Dockerfile", &mut outcome);
        outcome
    }

    fn baseline() -> Baseline {
        let mut baseline = Baseline::default();
        baseline.record("Dockerfile", &run(FILE));
        baseline
    }

    #[test]
    fn what_is_known_is_left_out() {
        let baseline = baseline();
        let outcome = new(&baseline, FILE);
        assert!(!outcome.changed() && outcome.applied.is_empty());
        assert_eq!(outcome.known, 3);
        let read = Baseline::parse(&baseline.render().expect("JSON")).expect("a baseline");
        assert_eq!(read, baseline);
    }

    #[test]
    fn moved_and_reflowed_lines_stay_known() {
        let moved = "# x\nFROM alpine:3.20\n\nRUN true\nADD b.txt /b.txt\nADD  a.txt /a.txt\nADD a.txt /a.txt\n";
        assert!(!new(&baseline(), moved).changed());
    }

    #[test]
    fn what_is_new_is_reported_alone() {
        let source = FILE.to_owned() + "ADD a.txt /a.txt\nADD c.txt /c.txt\n";
        let outcome = new(&baseline(), &source);
        assert_eq!(outcome.optimized, FILE.to_owned() + "COPY a.txt /a.txt\nCOPY c.txt /c.txt\n");
        assert_eq!((outcome.applied.len(), outcome.known), (2, 3));
        let changes = change::changes(&outcome);
        assert_eq!(change::apply(&outcome, &changes), outcome.optimized);
        assert_eq!(changes.len(), 2);
    }

    #[test]
    fn other_files_know_nothing() {
        let mut outcome = run(FILE);
        baseline().leave_out_known("other/Dockerfile", &mut outcome);
        assert_eq!((outcome.applied.len(), outcome.known), (3, 0));
    }

    #[test]
    fn another_text_is_no_baseline() {
        for text in ["", "[]", "{\"schema\": 1}", "{\"schema\": 1, \"files\": {\"a\": [{}]}}"] {
            assert!(matches!(Baseline::parse(text), Err(BaselineError::Form(_))), "{text}");
        }
        assert!(matches!(Baseline::parse("{\"schema\": 2, \"files\": {}}"), Err(BaselineError::Schema(2))));
    }

    #[test]
    fn line_numbers_do_not_matter() {
        assert_eq!(without_line_numbers("joins line 12, with 3 more of lines 4"), "joins line with 3 more of lines");
    }
}
