//! Base images say which release of the distribution they are, or which index.
//!
//! ## What it does
//! `FROM python:3.12-slim` becomes `FROM python:3.12-slim-trixie`: the tag of the same build that also names the release. With
//! an `imgopt.lock`, which `imgopt pin` writes, it becomes `FROM python:3.12-slim@sha256:…` instead; the tag stays, so that
//! Renovate and Dependabot go on updating both.
//!
//! ## Why
//! A tag without the release moves from one release of the distribution to the next on some day, and the same Dockerfile then
//! builds another image: other libraries, other package names, another C library than that of the stage beside it. A digest
//! stays what it is. The price: a release is no longer built some day, and the line has to be moved on then; `end-of-life` says
//! when.
//!
//! ## Level
//! Safe with a digest of the lock, which is the project's own word; guarded with a tag, because a dated table is no proof of
//! what the tag means on the day of the build.
//!
//! ## Assumptions
//! None. Left alone are stages, `scratch`, images that are built of arguments, and every image with a digest; variants on Alpine,
//! whose tags with a release stop being built within a year; and tags without a version in a file that installs packages which
//! no release of today has. The table has current tags of official images. Versions are not made narrower than they are; a tag
//! without one gets the line of versions that is supported together, such as `3.14`. Digests are never taken from a table.
//! `check` does not ask for pins without a lock.
//!
//! ## References
//! `rewrites/suites.yaml`; docker-library/official-images; OCI image index specification.

use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::{Model, Stage};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::source::Span;
use crate::syntax::image::ImageReference;
use crate::tables;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct PinBase;

/// The name of the pass.
pub const NAME: &str = "pin-base";

static INFO: PassInfo = PassInfo {
    name: NAME,
    summary: "base images name the release of their distribution, or a digest of imgopt.lock",
    docs: include_str!("pin_base.rs"),
    max_level: Level::Guarded,
};

impl Pass for PinBase {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        for stage in &cx.model.stages {
            let Some(image) = cx.model.base_image(stage).filter(|image| image.digest.is_none()) else { continue };
            let pinned = by_lock(cx.model, &image).or_else(|| by_table(cx.model, &image));
            let Some((change, level, reason)) = pinned else { continue };
            if let Some(tag) = change.strip_prefix(':') {
                let meant = cx.model.context.policy().known_as(&image);
                if let Err((reason, unlock)) = cx.model.may_name_release(stage, &meant, tag) {
                    found.decline(cx.model.instruction(stage.from).span, reason, unlock);
                    continue;
                }
            }
            let Some((span, text)) = cx.model.written_base(stage) else {
                let span = cx.model.instruction(stage.from).span;
                let name = if change.starts_with(':') { image.familiar_name() } else { image.to_string() };
                let whole = format!("{name}{change}");
                found.decline(span, "the image is made of variables or quotes", format!("`{whole}` in its place"));
                continue;
            };
            found.push(rewrite(stage, span, text, &image, &change, level, reason));
        }
    }
}

/// The digest of the lock, as `@sha256:…`.
fn by_lock(model: &Model<'_>, image: &ImageReference) -> Option<(String, Level, String)> {
    let pin = model.context.policy().pin(image)?;
    let reason = format!("the tag named this index on {}, and a digest stays what it is", pin.date);
    Some((format!("@{}", pin.digest), Level::Safe, reason))
}

/// The tag of the table, as `:tag`.
fn by_table(model: &Model<'_>, image: &ImageReference) -> Option<(String, Level, String)> {
    let tag = tables::suite_tag(&model.context.policy().known_as(image))?;
    let day = &tables::suites().source.date;
    let reason = format!("the same image as of {day}; without the release, the tag moves to the next one on some day");
    Some((format!(":{tag}"), Level::Guarded, reason))
}

fn rewrite(
    stage: &Stage,
    span: Span,
    text: &str,
    image: &ImageReference,
    change: &str,
    level: Level,
    reason: String,
) -> Rewrite {
    let (from, new) = match (change.strip_prefix(':'), image.tag_span) {
        (Some(tag), Some(old)) => (old, tag.to_owned()),
        _ => (Span::at(text.len()), change.to_owned()),
    };
    let written = format!("{}{new}{}", &text[..from.start], &text[from.end..]);
    let edit = Edit::replace(Span::new(span.start + from.start, span.start + from.end), new);
    let message = match level {
        Level::Safe => format!("pin `{text}` to its digest"),
        _ => format!("name the release of `{text}`: `{written}`"),
    };
    Rewrite::new(level, span, message, reason).edit(edit).step(Step::PinBase { from: stage.from, image: written })
}
