//! A logical line: the text of an instruction that continuations spread over several physical lines.

use std::borrow::Cow;

use super::ast::{JoinedText, Word};
use crate::source::Span;

/// The text of one instruction and the way back to the source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    /// The whole file.
    pub(super) source: &'a str,
    /// The escape character.
    pub(super) escape: char,
    /// What the line is made of, in order and not empty: continuations, inner comments and inner blank lines are left
    /// out.
    pub(super) pieces: &'a [Span],
}

impl<'a> Line<'a> {
    /// From the first to the last byte of the line.
    pub(super) fn span(&self) -> Span {
        match self.pieces {
            [] => Span::default(),
            [first, .., last] | [first @ last] => first.to(*last),
        }
    }

    /// The pieces that lie in `span`, cut at its ends.
    pub(super) fn pieces_in(&self, span: Span) -> impl DoubleEndedIterator<Item = Span> + use<'a> {
        let first = self.pieces.partition_point(|piece| piece.end <= span.start);
        let last = self.pieces.partition_point(|piece| piece.start < span.end);
        let pieces = self.pieces.get(first..last).unwrap_or_default();
        pieces.iter().map(move |piece| Span::new(piece.start.max(span.start), piece.end.min(span.end)))
    }

    /// The text of `span` without continuations.
    pub(super) fn text(&self, span: Span) -> Cow<'a, str> {
        let mut pieces = self.pieces_in(span);
        let Some(first) = pieces.next() else { return Cow::Borrowed("") };
        let mut text = Cow::Borrowed(first.of(self.source));
        for piece in pieces {
            text.to_mut().push_str(piece.of(self.source));
        }
        text
    }

    /// The text of `span` with its pieces.
    pub(super) fn joined(&self, span: Span) -> JoinedText {
        JoinedText { text: self.text(span).into_owned(), pieces: self.pieces_in(span).collect() }
    }

    /// `span` as a word: from the first to the last byte that belongs to its text.
    pub(super) fn word(&self, span: Span) -> Word {
        let mut pieces = self.pieces_in(span);
        let Some(first) = pieces.next() else { return Word { span: Span::at(span.start), text: String::new() } };
        let tight = pieces.next_back().map_or(first, |last| first.to(last));
        Word { span: tight, text: self.text(tight).into_owned() }
    }

    /// `span` without the white space and the continuations at its ends.
    pub(super) fn trim(&self, span: Span) -> Span {
        let start = self.trim_start(span).start;
        let end = self.pieces_in(Span::new(start, span.end)).rev().find_map(|piece| {
            let text = piece.of(self.source).trim_end();
            (!text.is_empty()).then_some(piece.start + text.len())
        });
        Span::new(start, end.unwrap_or(start))
    }

    /// `span` without the white space and the continuations at its start.
    pub(super) fn trim_start(&self, span: Span) -> Span {
        let start = self.pieces_in(span).find_map(|piece| {
            let text = piece.of(self.source).trim_start();
            (!text.is_empty()).then_some(piece.end - text.len())
        });
        Span::new(start.unwrap_or(span.end), span.end)
    }

    /// Where the first `byte` (ASCII) of the text of `span` is.
    pub(super) fn find(&self, span: Span, byte: char) -> Option<usize> {
        self.pieces_in(span).find_map(|piece| Some(piece.start + piece.of(self.source).find(byte)?))
    }
}
