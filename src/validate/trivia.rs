//! Comments and directives: none is lost, none is changed, their order stays, and comments stay with their instruction.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::model::Model;
use crate::source::Span;
use crate::syntax::ast::ItemKind;

/// A comment with the number of the instruction that it stands in or before; behind the last one, their count.
#[derive(Clone, Debug)]
struct Comment<'a> {
    text: Cow<'a, str>,
    instruction: usize,
    /// Whether it stands within the instruction, so that it is repeated with it.
    inner: bool,
}

/// Compares comments and directives of both texts. `place` leads from the number of an instruction before
/// to those after: a comment above it stays with the first, those in it are repeated.
pub(super) fn compare(
    before: &Model<'_>,
    after: &Model<'_>,
    places: impl Fn(usize) -> Vec<usize>,
) -> Result<(), String> {
    let directives = |model: &Model<'_>| -> Vec<_> {
        model.dockerfile.directives.iter().map(|directive| (directive.name.clone(), directive.value.clone())).collect()
    };
    if directives(before) != directives(after) {
        return Err("a parser directive changed".to_owned());
    }
    let mut old = Vec::new();
    for comment in comments(before) {
        let places = places(comment.instruction);
        let kept = if comment.inner { places.len() } else { 1 };
        old.extend(places.into_iter().take(kept).map(|instruction| Comment { instruction, ..comment.clone() }));
    }
    // Comments move with their instruction, which only a step of the replay can move.
    old.sort_by_key(|comment| comment.instruction);
    let new = comments(after);
    let place = |comment: &Comment<'_>| (comment.text.clone().into_owned(), comment.instruction);
    if old.iter().map(place).eq(new.iter().map(place)) {
        return Ok(());
    }
    let known: HashSet<_> = new.iter().map(|comment| &comment.text).collect();
    if let Some(lost) = old.iter().find(|comment| !known.contains(&comment.text)) {
        return Err(format!("the comment `{}` is lost", lost.text));
    }
    if old.len() < new.len() {
        return Err("a comment appeared".to_owned());
    }
    Err("comments changed their order or left their instruction".to_owned())
}

/// All comments in order: whole lines outside and inside instructions, and those of shell scripts.
fn comments<'a>(model: &Model<'a>) -> Vec<Comment<'a>> {
    let mut places: Vec<(Span, Cow<'a, str>)> = Vec::new();
    let whole = |span: Span| (span, Cow::Borrowed(span.of(model.source).trim()));
    for item in &model.dockerfile.items {
        match item.kind {
            ItemKind::Comment => places.push(whole(item.span)),
            ItemKind::Instruction => {
                let mut start = item.span.start;
                for (number, line) in item.span.of(model.source).split_inclusive('\n').enumerate() {
                    if number > 0 && line.trim_start().starts_with('#') {
                        places.push(whole(Span::new(start, start + line.len())));
                    }
                    start += line.len();
                }
            }
            ItemKind::ByteOrderMark | ItemKind::Directive | ItemKind::Blank | ItemKind::HeredocBody => {}
        }
    }
    for index in 0..model.dockerfile.instructions.len() {
        let Some(body) = model.body(index) else { continue };
        let Some(script) = body.understood() else { continue };
        // A shell comment may go on behind a continuation, which is no part of it.
        let comment =
            |span: &Span| (body.text.to_source(*span), Cow::Owned(span.of(&body.text.text).trim().to_owned()));
        places.extend(script.comments.iter().map(comment));
    }
    places.sort_by_key(|(span, _)| span.start);
    places.dedup();
    let instructions = &model.dockerfile.instructions;
    let comment = |(span, text): (Span, Cow<'a, str>)| {
        let at = instructions.partition_point(|instruction| instruction.full_span().end <= span.start);
        let inner = instructions.get(at).is_some_and(|instruction| instruction.span.start <= span.start);
        Comment { text, instruction: at, inner }
    };
    places.into_iter().map(comment).collect()
}
