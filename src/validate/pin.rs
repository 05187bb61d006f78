//! Steps that say more of a base image, or put the one in its place that the project asks for.

use super::replay::Replay;
use crate::model::effect::{Effect, Evaluated};
use crate::model::{Base, Model};
use crate::rewrite::Level;
use crate::syntax::image::ImageReference;
use crate::tables;

pub(super) fn pin_base(
    before: &Model<'_>,
    replay: &mut Replay,
    from: usize,
    image: &str,
    level: Level,
) -> Result<(), String> {
    let old = base_of(before, from)?;
    let new: ImageReference = image.parse().map_err(|error| format!("`{image}`: {error}"))?;
    if new.name() != old.name() {
        return Err(format!("`{image}` is another image"));
    }
    let policy = before.context.policy();
    if new.tag != old.tag {
        let meant = policy.known_as(old);
        if level < Level::Guarded || tables::suite_tag(&meant) != new.tag.as_deref() {
            return Err(format!("the table does not say that `{image}` is the same image"));
        }
        let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("it is no FROM")?;
        let tag = new.tag.as_deref().unwrap_or_default();
        before.may_name_release(stage, &meant, tag).map_err(|(reason, _)| reason)?;
        if new.digest.is_some() {
            return Err("a tag and a digest come in at once".to_owned());
        }
    } else if new.digest != old.digest {
        let pinned = policy.pin(old).map(|pin| pin.digest.as_str());
        if old.digest.is_some() || pinned != new.digest.as_deref() {
            return Err(format!("the lock does not have the digest of `{image}`"));
        }
    }
    put(replay, from, image)
}

pub(super) fn approved_base(
    before: &Model<'_>,
    replay: &mut Replay,
    from: usize,
    image: &str,
    level: Level,
) -> Result<(), String> {
    let old = base_of(before, from)?;
    let wanted = before.context.policy().wanted(old).ok_or("the project puts nothing in its place")?;
    if wanted.image.to_string() != image {
        return Err(format!("the project does not ask for `{image}`"));
    }
    if level < before.may_replace_base(from, &wanted.image)? {
        return Err(format!("`{image}` has another C library or shell: the change is breaking"));
    }
    put(replay, from, image)
}

/// The base image that a FROM names without build arguments.
fn base_of<'a>(before: &'a Model<'_>, from: usize) -> Result<&'a ImageReference, String> {
    let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("it is no FROM")?;
    if before.has_variables_in_base(stage) {
        return Err("a build argument takes part in the name of the image".to_owned());
    }
    match &stage.base {
        Base::Image(image) => Ok(image),
        Base::Scratch | Base::Stage(_) | Base::Unknown => Err("the stage is not built from an image".to_owned()),
    }
}

fn put(replay: &mut Replay, from: usize, image: &str) -> Result<(), String> {
    let Effect::From { base, .. } = replay.effect(from)? else { return Err("it is no FROM".to_owned()) };
    *base = Evaluated::plain(image);
    Ok(())
}
