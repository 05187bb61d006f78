//! Text changes: replacements over byte spans of one text, sorted and disjoint by construction.

use crate::source::Span;

/// The replacement of one span by a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; empty for an insertion.
    pub span: Span,
    /// The new text.
    pub text: String,
}

impl Edit {
    /// Replaces `span` by `text`.
    pub fn replace(span: Span, text: impl Into<String>) -> Self {
        Self { span, text: text.into() }
    }

    /// Puts `text` before the byte at `offset`.
    pub fn insert(offset: usize, text: impl Into<String>) -> Self {
        Self::replace(Span::at(offset), text)
    }

    /// Removes `span`.
    #[must_use]
    pub fn delete(span: Span) -> Self {
        Self::replace(span, "")
    }
}

/// Two edits want the same bytes, or the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an edit of bytes {}..{} overlaps one of bytes {}..{}", .second.start, .second.end, .first.start, .first.end)]
pub struct EditConflict {
    /// The edit that was there.
    pub first: Span,
    /// The edit that was to be added.
    pub second: Span,
}

/// Edits of one text: sorted, disjoint, and no two insertions at one place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditSet {
    edits: Vec<Edit>,
}

impl EditSet {
    /// Adds all edits, or none if one of them overlaps another one.
    ///
    /// # Errors
    /// [`EditConflict`] names the first pair that overlaps.
    pub fn try_add(&mut self, edits: &[Edit]) -> Result<(), EditConflict> {
        let mut merged = self.edits.clone();
        for edit in edits {
            let at =
                merged.partition_point(|other| (other.span.start, other.span.end) < (edit.span.start, edit.span.end));
            let neighbours = [at.checked_sub(1), Some(at)].into_iter().flatten().filter_map(|index| merged.get(index));
            for other in neighbours {
                if overlaps(other.span, edit.span) {
                    return Err(EditConflict { first: other.span, second: edit.span });
                }
            }
            merged.insert(at, edit.clone());
        }
        self.edits = merged;
        Ok(())
    }

    /// Whether there is nothing to change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The edits in order.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// `source` with all edits applied.
    ///
    /// # Panics
    /// If an edit lies outside `source` or cuts a character.
    #[must_use]
    pub fn apply(&self, source: &str) -> String {
        let mut text =
            String::with_capacity(source.len() + self.edits.iter().map(|edit| edit.text.len()).sum::<usize>());
        let mut copied = 0;
        for edit in &self.edits {
            text.push_str(&source[copied..edit.span.start]);
            text.push_str(&edit.text);
            copied = edit.span.end;
        }
        text.push_str(&source[copied..]);
        text
    }

    /// The span of the text before the edits that `span`, of the text after them, came from. What an edit wrote came
    /// from all that the edit replaced.
    #[must_use]
    pub fn before(&self, span: Span) -> Span {
        let start = self.offset_before(span.start, false);
        Span::new(start, self.offset_before(span.end, true).max(start))
    }

    fn offset_before(&self, offset: usize, is_end: bool) -> usize {
        let mut shift = 0_isize;
        for edit in &self.edits {
            let new_start = edit.span.start.saturating_add_signed(shift);
            let new_end = new_start + edit.text.len();
            if offset < new_start || (is_end && offset == new_start) {
                break;
            }
            if offset < new_end || (is_end && offset == new_end) {
                return if is_end { edit.span.end } else { edit.span.start };
            }
            shift += edit.text.len().cast_signed() - edit.span.len().cast_signed();
        }
        offset.saturating_add_signed(-shift)
    }
}

/// Whether the order of two edits would matter. Two insertions at one place do overlap, spans that touch do not.
const fn overlaps(a: Span, b: Span) -> bool {
    (a.start == b.start && a.is_empty() == b.is_empty()) || (a.start < b.end && b.start < a.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_apply_in_any_order() {
        let mut edits = EditSet::default();
        edits
            .try_add(&[Edit::replace(Span::new(4, 7), "C"), Edit::insert(0, "x"), Edit::delete(Span::new(0, 1))])
            .expect("disjoint");
        assert_eq!(edits.apply("abc def"), "xbc C");
    }

    #[test]
    fn spans_are_led_back() {
        let mut edits = EditSet::default();
        edits
            .try_add(&[Edit::insert(3, "XX"), Edit::replace(Span::new(5, 7), "Y"), Edit::delete(Span::new(8, 9))])
            .expect("disjoint");
        // abc de fg h -> abcXX dY g h
        let before = |start, end| edits.before(Span::new(start, end));
        assert_eq!(before(0, 3), Span::new(0, 3));
        assert_eq!(before(5, 7), Span::new(3, 5));
        assert_eq!(before(7, 8), Span::new(5, 7));
        assert_eq!(before(3, 5), Span::new(3, 3));
    }

    #[test]
    fn overlapping_edits_are_refused_together() {
        let mut edits = EditSet::default();
        edits.try_add(&[Edit::delete(Span::new(2, 5))]).expect("first");
        for bad in [Span::new(4, 6), Span::new(0, 3), Span::new(3, 4), Span::new(0, 9), Span::at(3)] {
            edits.try_add(&[Edit::insert(9, "y"), Edit::delete(bad)]).expect_err("overlap");
        }
        assert_eq!(edits.edits().len(), 1);
        edits.try_add(&[Edit::insert(2, "x")]).expect("an insertion before what is deleted");
        edits.try_add(&[Edit::insert(2, "y")]).expect_err("whose order nobody knows");
    }
}
