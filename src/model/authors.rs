//! The authors of an image: MAINTAINER, and the label that took its place.

use super::{Model, Refusal};
use crate::syntax::ast::InstructionKind;

/// The label for the people responsible for an image (OCI image specification, "Annotations").
pub const AUTHORS: &str = "org.opencontainers.image.authors";

/// What the label says in place of a MAINTAINER: its text, which BuildKit neither expands nor unquotes, without the quotes
/// around it. `None` when the instruction is none.
#[must_use]
pub fn authors(model: &Model<'_>, index: usize) -> Option<Result<String, Refusal>> {
    let InstructionKind::Maintainer(word) = &model.instruction(index).kind else { return None };
    let text = word.text.trim();
    let quoted = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
    let authors = quoted.filter(|inner| !inner.contains(['"', '\''])).unwrap_or(text);
    Some(checked(model, index, authors))
}

fn checked(model: &Model<'_>, index: usize, authors: &str) -> Result<String, Refusal> {
    if authors.is_empty() {
        return Err(("it names nobody".to_owned(), "nothing"));
    }
    let names_authors = |other: &usize| match &model.instruction(*other).kind {
        InstructionKind::Label(labels) => labels.pairs.iter().any(|pair| {
            let key = pair.key.text.trim_matches(['"', '\'']);
            key == AUTHORS || key.contains('$')
        }),
        _ => false,
    };
    let stage = model.stage_of(index).ok_or_else(|| ("it stands in no stage".to_owned(), "nothing"))?;
    match stage.instructions.clone().find(names_authors) {
        Some(other) => {
            let line = model.lines.line(model.instruction(other).span.start);
            Err((format!("line {line} may name the authors too"), "one of the two"))
        }
        None => Ok(authors.to_owned()),
    }
}
