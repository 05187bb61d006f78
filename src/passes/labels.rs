//! `MAINTAINER` becomes the label that took its place.
//!
//! ## What it does
//! Writes `LABEL org.opencontainers.image.authors="…"` for `MAINTAINER …`.
//!
//! ## Why
//! MAINTAINER is deprecated, and `docker build --check` warns about it. Registries and scanners read the label.
//!
//! ## Level
//! Guarded: the image no longer has an author in its configuration, and has the label instead. The value is the text to the letter,
//! without quotes around it: MAINTAINER expands nothing. A stage that names its authors in another place too is declined.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! Dockerfile reference, `MAINTAINER (deprecated)`; OCI image specification, "Annotations".

use super::{Pass, PassContext, PassInfo, text};
use crate::edit::Edit;
use crate::model::authors::{AUTHORS, authors};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::syntax::make;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct Labels;

static INFO: PassInfo = PassInfo {
    name: "labels",
    summary: "`MAINTAINER` becomes the label that took its place",
    docs: include_str!("labels.rs"),
    max_level: Level::Guarded,
};

impl Pass for Labels {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        for (index, instruction) in model.dockerfile.instructions.iter().enumerate() {
            let authors = match authors(model, index) {
                None => continue,
                Some(Ok(authors)) => authors,
                Some(Err((reason, unlock))) => {
                    found.decline(instruction.span, reason, unlock);
                    continue;
                }
            };
            let is_whole = !text::has_comment_line(model.source, instruction.span);
            let Some(label) = make::pair(AUTHORS, &authors, model.dockerfile.escape).filter(|_| is_whole) else {
                found.decline(instruction.span, "the text cannot be written as a label", "a single line");
                continue;
            };
            let is_lower = instruction.keyword.of(model.source).starts_with(char::is_lowercase);
            let keyword = if is_lower { "label" } else { "LABEL" };
            found.push(
                Rewrite::new(
                    Level::Guarded,
                    instruction.span,
                    format!("becomes `{keyword} {AUTHORS}`"),
                    "MAINTAINER is deprecated; registries and scanners read the label",
                )
                .edit(Edit::replace(instruction.span, format!("{keyword} {label}")))
                .step(Step::LabelForMaintainer { instruction: index }),
            );
        }
    }
}
