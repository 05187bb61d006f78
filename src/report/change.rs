//! The changes of a file as whole lines: what each rewrite did to which lines of the original.
//!
//! They are composed from the edits of all rounds, not guessed from a diff, so that each one knows the rewrites that it is
//! owed to. Taken together, they are the optimised text; those that share no rewrite are independent of each other.

use std::collections::BTreeSet;

use crate::edit::{Edit, EditSet};
use crate::pipeline::Outcome;
use crate::source::{LineIndex, Span};

/// Some lines of the original that become other lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Whole lines of the original; empty where lines are only added.
    pub old: Span,
    /// Whole lines of the optimised text; empty where lines are only removed.
    pub new: Span,
    /// Indices into [`Outcome::applied`] of the rewrites that made it.
    pub rewrites: BTreeSet<usize>,
}

impl Change {
    /// First and last of the old lines, counted from 1. Where lines are only added, the last one is before the first.
    #[must_use]
    pub fn lines(&self, original: &LineIndex) -> (usize, usize) {
        let (first, last) = original.lines(self.old);
        if self.old.is_empty() { (first, first - 1) } else { (first, last) }
    }

    /// Both changes as one, with the lines between.
    fn with(&self, other: &Self) -> Self {
        let rewrites = self.rewrites.union(&other.rewrites).copied().collect();
        Self { old: self.old.to(other.old), new: self.new.to(other.new), rewrites }
    }
}

/// All changes, in order and disjoint.
#[must_use]
pub fn changes(outcome: &Outcome) -> Vec<Change> {
    let mut regions: Vec<Change> = Vec::new();
    for (round, text) in outcome.rounds.iter().enumerate() {
        let mut edits: Vec<(&Edit, BTreeSet<usize>)> = Vec::new();
        for (index, applied) in outcome.applied.iter().enumerate().filter(|(_, applied)| applied.round == round) {
            for edit in &applied.edits {
                match edits.iter_mut().find(|(other, _)| *other == edit) {
                    Some((_, rewrites)) => {
                        rewrites.insert(index);
                    }
                    None => edits.push((edit, BTreeSet::from([index]))),
                }
            }
        }
        edits.sort_by_key(|(edit, _)| (edit.span.start, edit.span.end));
        regions = compose(&regions, &edits, text);
    }
    regions.iter().map(|region| trimmed(region, outcome)).filter(|change| is_change(change, outcome)).collect()
}

/// All changes with at least one old line each, so that they have a place to stand: where lines are only added, a line before
/// or behind them is taken in.
#[must_use]
pub fn anchored(outcome: &Outcome) -> Vec<Change> {
    let mut anchored: Vec<Change> = Vec::new();
    let mut changes = changes(outcome).into_iter().peekable();
    while let Some(mut change) = changes.next() {
        if change.old.is_empty() {
            if let Some(last) = anchored.pop_if(|last| last.old.end == change.old.start) {
                change = last.with(&change);
            } else if let Some(next) = changes.next_if(|next| next.old.start == change.old.end) {
                change = change.with(&next);
            }
        }
        if change.old.is_empty() {
            // No other change touches this one: the lines around it are the same in both texts.
            let behind = line_end(&outcome.original, change.old.end) - change.old.end;
            let before = change.old.start - line_start(&outcome.original, change.old.start.saturating_sub(1));
            let (before, behind) = if behind > 0 { (0, behind) } else { (before, 0) };
            let grown = |span: Span| Span::new(span.start - before, span.end + behind);
            change = Change { old: grown(change.old), new: grown(change.new), ..change };
        }
        anchored.push(change);
    }
    anchored
}

/// The original with some of the changes made.
#[must_use]
pub fn apply<'a>(outcome: &Outcome, changes: impl IntoIterator<Item = &'a Change>) -> String {
    let mut edits = EditSet::default();
    for change in changes {
        // Changes are disjoint; one that is not cannot be made twice.
        let _ = edits.try_add(&[Edit::replace(change.old, change.new.of(&outcome.optimized))]);
    }
    edits.apply(&outcome.original)
}

/// Some lines of the text in hand with what changes there.
struct Touched {
    now: Span,
    rewrites: BTreeSet<usize>,
}

/// The regions after the edits of one round. The `new` of the given ones lies in `text`, that of the result in the text after.
fn compose(regions: &[Change], edits: &[(&Edit, BTreeSet<usize>)], text: &str) -> Vec<Change> {
    let old_regions = regions.iter().map(|region| Touched { now: region.new, rewrites: region.rewrites.clone() });
    let new_regions =
        edits.iter().map(|(edit, rewrites)| Touched { now: whole_lines(text, edit), rewrites: rewrites.clone() });
    let mut touched: Vec<Touched> = old_regions.chain(new_regions).collect();
    touched.sort_by_key(|touched| (touched.now.start, touched.now.end));
    let mut merged: Vec<Touched> = Vec::new();
    for touched in touched {
        match merged.last_mut() {
            Some(last) if joins(last.now, touched.now) => {
                last.now = last.now.to(touched.now);
                last.rewrites.extend(touched.rewrites);
            }
            _ => merged.push(touched),
        }
    }
    let mut before = regions.iter().peekable();
    let mut ahead = edits.iter().peekable();
    // How much longer the text in hand is than the original, and the text after than the text in hand.
    let (mut grown, mut grows) = (0, 0);
    let mut composed = Vec::new();
    for Touched { now, rewrites } in merged {
        let (start_grown, start_grows) = (grown, grows);
        while let Some(region) = before.next_if(|region| now.contains(region.new)) {
            grown += growth(region.old.len(), region.new.len());
        }
        while let Some((edit, _)) = ahead.next_if(|(edit, _)| now.contains(edit.span)) {
            grows += growth(edit.span.len(), edit.text.len());
        }
        let moved = |start: isize, end: isize| {
            let start = now.start.saturating_add_signed(start);
            Span::new(start, now.end.saturating_add_signed(end).max(start))
        };
        composed.push(Change { old: moved(-start_grown, -grown), new: moved(start_grows, grows), rewrites });
    }
    composed
}

/// Whether two places, the first of which starts first, cannot be changed apart from each other.
const fn joins(first: Span, second: Span) -> bool {
    second.start < first.end || (second.start == first.end && (first.is_empty() || second.is_empty()))
}

const fn growth(before: usize, after: usize) -> isize {
    after.cast_signed() - before.cast_signed()
}

/// The lines that the edit changes.
fn whole_lines(text: &str, edit: &Edit) -> Span {
    let start = line_start(text, edit.span.start);
    let is_whole = if edit.text.is_empty() { start == edit.span.start } else { edit.text.ends_with('\n') };
    let ends_line = edit.span.end == line_start(text, edit.span.end);
    let end = if ends_line && is_whole { edit.span.end } else { line_end(text, edit.span.end) };
    Span::new(start, end)
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of the line that holds the offset, behind its line end.
fn line_end(text: &str, offset: usize) -> usize {
    text[offset..].find('\n').map_or(text.len(), |newline| offset + newline + 1)
}

/// The change without the equal lines at its ends.
fn trimmed(change: &Change, outcome: &Outcome) -> Change {
    let old: Vec<&str> = change.old.of(&outcome.original).split_inclusive('\n').collect();
    let new: Vec<&str> = change.new.of(&outcome.optimized).split_inclusive('\n').collect();
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let pairs = old[head..].iter().rev().zip(new[head..].iter().rev());
    let tail = pairs.take_while(|(old, new)| old == new).count();
    let length = |lines: &[&str]| lines.iter().map(|line| line.len()).sum::<usize>();
    let (front, back) = (length(&old[..head]), length(&old[old.len() - tail..]));
    let cut = |span: Span| Span::new(span.start + front, span.end - back);
    Change { old: cut(change.old), new: cut(change.new), rewrites: change.rewrites.clone() }
}

fn is_change(change: &Change, outcome: &Outcome) -> bool {
    change.old.of(&outcome.original) != change.new.of(&outcome.optimized)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Applied;
    use crate::rewrite::Level;

    /// An outcome of rounds of edits, each edit a rewrite of its own.
    fn outcome(original: &str, rounds: &[&[Edit]]) -> Outcome {
        let mut outcome = Outcome { original: original.to_owned(), ..Outcome::default() };
        let mut text = original.to_owned();
        for (round, edits) in rounds.iter().enumerate() {
            outcome.rounds.push(text.clone());
            let mut set = EditSet::default();
            set.try_add(edits).expect("disjoint");
            text = set.apply(&text);
            outcome.applied.extend(edits.iter().map(|edit| Applied {
                pass: "p",
                span: edit.span,
                message: String::new(),
                reason: String::new(),
                migration: Vec::new(),
                level: Level::Safe,
                assumptions: Vec::new(),
                proved: Vec::new(),
                round,
                unit: 0,
                edits: vec![edit.clone()],
            }));
        }
        outcome.optimized = text;
        outcome
    }

    /// The changes as `old => new (rewrites)`; together they have to be the optimised text.
    #[track_caller]
    fn check(original: &str, rounds: &[&[Edit]], expected: &[(&str, &str, &[usize])]) {
        let outcome = outcome(original, rounds);
        let changes = changes(&outcome);
        assert_eq!(apply(&outcome, &changes), outcome.optimized, "{changes:?}");
        let found: Vec<_> = changes
            .iter()
            .map(|change| {
                let rewrites: Vec<usize> = change.rewrites.iter().copied().collect();
                (change.old.of(&outcome.original), change.new.of(&outcome.optimized), rewrites)
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(old, new, rewrites)| (*old, *new, rewrites.to_vec())).collect();
        assert_eq!(found, expected);
        let anchored = anchored(&outcome);
        assert!(anchored.iter().all(|change| !change.old.is_empty() || original.is_empty()), "{anchored:?}");
        assert_eq!(apply(&outcome, &anchored), outcome.optimized, "{anchored:?}");
    }

    fn at(start: usize, end: usize, text: &str) -> Edit {
        Edit::replace(Span::new(start, end), text)
    }

    #[test]
    fn lines_are_changed_apart() {
        check("ab\ncd\nef\n", &[&[at(1, 2, "x"), at(3, 4, "y")]], &[("ab\n", "ax\n", &[0]), ("cd\n", "yd\n", &[1])]);
    }

    #[test]
    fn later_rounds_change_what_earlier_ones_wrote() {
        let rounds: &[&[Edit]] = &[&[at(3, 3, "new\n")], &[at(0, 0, "zz"), at(3, 6, "old")], &[at(12, 13, "E")]];
        let expected: &[(&str, &str, &[usize])] =
            &[("ab\n", "zzab\n", &[1]), ("", "old\n", &[0, 2]), ("ef\n", "Ef\n", &[3])];
        check("ab\ncd\nef\n", rounds, expected);
        let next_to_each_other: &[&[Edit]] = &[&[at(0, 2, "x"), at(3, 3, "n\n"), at(3, 5, "y"), at(9, 9, "e\n")]];
        let expected: &[(&str, &str, &[usize])] =
            &[("ab\n", "x\nn\n", &[0, 1]), ("cd\n", "y\n", &[2]), ("", "e\n", &[3])];
        check("ab\ncd\nef\n", next_to_each_other, expected);
    }

    #[test]
    fn lines_that_go_and_lines_that_join() {
        check("ab\ncd\nef\n", &[&[at(3, 6, "")]], &[("cd\n", "", &[0])]);
        check("ab\ncd\nef\n", &[&[at(2, 3, " ")]], &[("ab\ncd\n", "ab cd\n", &[0])]);
        check("ab\ncd\nef\n", &[&[at(3, 6, "")], &[at(3, 3, "gh\n")]], &[("cd\n", "gh\n", &[0, 1])]);
        check("ab\ncd", &[&[at(5, 5, "e\nf")]], &[("cd", "cde\nf", &[0])]);
        check("ab\n", &[&[at(3, 3, "cd\n")]], &[("", "cd\n", &[0])]);
        check("ab\ncd\n", &[&[at(0, 2, "")]], &[("ab\n", "\n", &[0])]);
    }

    #[test]
    fn what_is_undone_is_no_change() {
        check("ab\ncd\n", &[&[at(0, 1, "x")], &[at(0, 1, "a")]], &[]);
    }

    #[test]
    fn equal_lines_at_the_ends_are_left_out() {
        check("a\nb\nc\nd\n", &[&[at(0, 7, "a\nB\nc\nd")]], &[("b\n", "B\n", &[0])]);
    }
}
