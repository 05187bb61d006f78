//! Comments and directives: none is lost, none is changed, their order stays.

use std::collections::HashSet;

use crate::model::Model;
use crate::syntax::ast::{Dockerfile, ItemKind};

/// Compares comments and directives of both texts.
pub(super) fn compare(before: &Model<'_>, after: &Model<'_>) -> Result<(), String> {
    let directives = |model: &Model<'_>| -> Vec<_> {
        model.dockerfile.directives.iter().map(|directive| (directive.name.clone(), directive.value.clone())).collect()
    };
    if directives(before) != directives(after) {
        return Err("a parser directive changed".to_owned());
    }
    let (old, new) = (comments(before), comments(after));
    if old != new {
        let known: HashSet<_> = new.iter().collect();
        let lost = old.iter().find(|comment| !known.contains(comment));
        return Err(lost.map_or_else(
            || "comments changed their order".to_owned(),
            |lost| format!("the comment `{lost}` is lost"),
        ));
    }
    Ok(())
}

/// The texts of all comments in order: whole lines outside and inside instructions, and those of shell scripts.
fn comments<'a>(model: &Model<'a>) -> Vec<&'a str> {
    let mut places = Vec::new();
    for item in &model.dockerfile.items {
        match item.kind {
            ItemKind::Comment => places.push(item.span),
            ItemKind::Instruction => {
                let mut start = item.span.start;
                for (number, line) in item.span.of(model.source).split_inclusive('\n').enumerate() {
                    if number > 0 && line.trim_start().starts_with('#') {
                        places.push(crate::source::Span::new(start, start + line.len()));
                    }
                    start += line.len();
                }
            }
            ItemKind::ByteOrderMark | ItemKind::Directive | ItemKind::Blank | ItemKind::HeredocBody => {}
        }
    }
    for (index, _) in model.dockerfile.instructions.iter().enumerate() {
        let Some(body) = model.body(index) else { continue };
        let Some(script) = body.understood() else { continue };
        places.extend(script.comments.iter().map(|span| body.text.to_source(*span)));
    }
    places.sort_by_key(|span| span.start);
    places.dedup();
    let _: &Dockerfile = model.dockerfile;
    places.into_iter().map(|span| span.of(model.source).trim()).collect()
}
