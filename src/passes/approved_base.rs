//! Base images that the project approves take the place of others.
//!
//! ## What it does
//! `FROM python:3.12` becomes `FROM registry.example.com/python:3.12`, as `bases:` in `imgopt.yaml` says: `replace` puts one
//! image in the place of another one, `mirrors` takes the same image from another registry. `imgopt check` takes an image that
//! is to be replaced, that is not `allowed`, or that is no approved variant, for an error.
//!
//! ## Why
//! An organisation decides once which images it builds on, and where they come from.
//!
//! ## Level
//! Guarded: the line of the configuration is the consent. Breaking where the tables know that the C library or the shell is
//! another one.
//!
//! ## Assumptions
//! None. An image that is built of arguments is left alone, and one whose replacement is known to have another package manager
//! when the stage has a RUN.
//!
//! ## References
//! `docs/configuration.md`, "Approved bases".

use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::rewrite::{Findings, Level, Rewrite};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct ApprovedBase;

static INFO: PassInfo = PassInfo {
    name: "approved-base",
    summary: "base images that imgopt.yaml approves take the place of others",
    docs: include_str!("approved_base.rs"),
    max_level: Level::Breaking,
};

impl Pass for ApprovedBase {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        for stage in &cx.model.stages {
            let Some(image) = cx.model.base_image(stage) else { continue };
            let Some(wanted) = cx.model.context.policy().wanted(&image) else { continue };
            let new = wanted.image.to_string();
            let whole = cx.model.instruction(stage.from).span;
            let Some((span, text)) = cx.model.written_base(stage) else {
                found.decline(whole, "the image is made of variables or quotes", format!("`{new}` in its place"));
                continue;
            };
            let level = match cx.model.may_replace_base(stage.from, &wanted.image) {
                Ok(level) => level,
                Err(reason) => {
                    found.decline(whole, format!("`{new}` cannot take its place: {reason}"), "another replacement");
                    continue;
                }
            };
            let reason = match wanted.mirrored {
                true => "imgopt.yaml names that mirror",
                false => "imgopt.yaml approves that image in its place",
            };
            let rewrite = Rewrite::new(level, span, format!("use `{new}` for `{text}`"), reason)
                .edit(Edit::replace(span, new.clone()))
                .step(Step::ApprovedBase { from: stage.from, image: new });
            found.push(rewrite);
        }
    }
}
