//! Steps that say more of a base image, or put the one in its place that the project asks for.

use super::replay::Replay;
use crate::model::approved::{self, Place, Rename};
use crate::model::canonical::CanonicalWord;
use crate::model::effect::{self, Effect, Evaluated};
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
    let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("it is no FROM")?;
    let plan = approved::approved(before, stage).map_err(|refusal| refusal.reason)?;
    let plan = plan.ok_or("the project puts nothing in its place")?;
    if plan.reference != image {
        return Err(format!("the project does not ask for `{image}`"));
    }
    if level < plan.level {
        return Err(format!("`{image}` is visible at run time: the change is breaking"));
    }
    super::alpine::replay_runs(before, replay, &plan.runs)?;
    // From the last to the first: a package may become several words.
    for rename in plan.renames.iter().rev() {
        replay_rename(replay, rename)?;
    }
    put(replay, from, image)?;
    super::alpine::replay_install(replay, from, &plan.packages)
}

fn replay_rename(replay: &mut Replay, rename: &Rename) -> Result<(), String> {
    let text = rename.names.join(" ");
    match rename.place {
        Place::User => *replay.effect(rename.instruction)? = effect::user(&text),
        Place::Chown => {
            let Effect::Transfer(transfer) = replay.effect(rename.instruction)? else {
                return Err("it copies nothing".to_owned());
            };
            let flag = transfer.flags.iter_mut().find(|(name, _)| name == "chown").ok_or("nothing is given away")?;
            flag.1 = Some(text);
        }
        Place::Word { command, word } => {
            let words = &mut super::axioms::command_mut(replay, rename.instruction, command)?.words;
            if word >= words.len() {
                return Err("the command has fewer words".to_owned());
            }
            words.splice(word..=word, rename.names.iter().map(|name| CanonicalWord::plain(name)));
        }
    }
    Ok(())
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

#[cfg(test)]
mod tests {
    use super::super::{Step, check as validate};
    use super::*;
    use crate::context::BuildContext;
    use crate::model::body::BodyCache;
    use crate::policy::{Bases, Policy};
    use crate::rewrite::Rewrite;
    use crate::source::Span;
    use crate::syntax;

    #[track_caller]
    fn check(row: &str, before: &str, after: &str, level: Level, reason: Option<&str>) {
        let bases: Bases = serde_yaml::from_str(&format!("replace: [{row}]")).expect("it decodes");
        let context = BuildContext::unknown().with_policy(Policy { bases, ..Policy::default() });
        let (old, new) = (syntax::parse(before), syntax::parse(after));
        let cache = BodyCache::default();
        let before = Model::build(before, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        let image = after.base_image(&after.stages[0]).expect("an image").to_string();
        let steps = vec![Step::ApprovedBase { from: 0, image }];
        let found = validate(&before, &after, &[Rewrite { steps, ..Rewrite::new(level, Span::new(0, 0), "", "") }]);
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => assert!(found.as_ref().is_err_and(|found| found.contains(reason)), "{found:?}"),
        }
    }

    #[test]
    fn names_are_those_of_the_configuration() {
        let row = "{image: 'node:*', by: 'example.com/node:*', users: {node: app}, packages: {a: b c}}";
        let before =
            "FROM node:24\nRUN apt-get install -y a d && chown node:node /srv\nCOPY --chown=node . /srv\nUSER node\n";
        let after = "FROM example.com/node:24\nRUN apt-get install -y b c d && chown app:app /srv\nCOPY --chown=app . /srv\nUSER app\n";
        check(row, before, after, Level::Guarded, None);
        check(row, before, after, Level::Safe, Some("cannot be safe"));
        check(
            row,
            before,
            &after.replace("example.com/node:24", "example.com/node:22"),
            Level::Guarded,
            Some("ask for"),
        );
        for (from, to) in [("USER app", "USER node"), ("b c d", "b d"), ("app:app", "app:node"), ("=app", "=root")] {
            check(row, before, &after.replace(from, to), Level::Guarded, Some("another effect"));
        }
        check(
            row,
            &before.replace("/srv", "/home/node"),
            &after.replace("/srv", "/home/node"),
            Level::Guarded,
            Some("home"),
        );
    }

    #[test]
    fn another_c_library_is_breaking() {
        let row = "{image: 'debian:*', by: 'alpine:3.24'}";
        let before = "FROM debian:trixie-slim\nCOPY app /app\n";
        let after = "FROM alpine:3.24\nCOPY app /app\n";
        check(row, before, after, Level::Breaking, None);
        check(row, before, after, Level::Guarded, Some("breaking"));
    }
}
