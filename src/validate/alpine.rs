//! The axiom by which a file is built on Alpine instead of Debian.

use super::replay::{self, Replay};
use crate::model::Model;
use crate::model::alpine::{self, CommandChange, RunChange};
use crate::model::canonical::{self, Canonical, CanonicalWord};
use crate::model::chain::Chain;
use crate::model::effect::{self, Effect, Evaluated, RunEffect};
use crate::rewrite::Level;
use crate::shell::{self, Dialect};

/// Checks the side conditions of [`super::Step::SwapForAlpine`] and replays it: images, packages and accounts are those that
/// the model says, in all stages or in none.
pub(super) fn swap_for_alpine(before: &Model<'_>, replay: &mut Replay, level: Level) -> Result<(), String> {
    if level < Level::Breaking {
        return Err("another C library is visible at run time".to_owned());
    }
    let plan = alpine::alpine(before).map_err(|refusal| refusal.reason)?;
    let plan = plan.ok_or("no image of the file has a variant on Alpine")?;
    replay_runs(before, replay, &plan.runs)?;
    for swapped in &plan.stages {
        let Effect::From { base, .. } = replay.effect(swapped.from)? else { return Err("it is no FROM".to_owned()) };
        *base = Evaluated::new(&swapped.reference, before.dockerfile.escape);
        replay_install(replay, swapped.from, &swapped.packages)?;
    }
    Ok(())
}

/// A new RUN behind a FROM, if there is something to install.
pub(super) fn replay_install(replay: &mut Replay, from: usize, packages: &[String]) -> Result<(), String> {
    if packages.is_empty() {
        return Ok(());
    }
    let script = shell::parse(&alpine::install_command(packages), Dialect::Posix).map_err(|error| error.to_string())?;
    let run = RunEffect { command: effect::script(&script), mounts: Vec::new(), flags: Vec::new() };
    replay.insert_behind(from, Effect::Run(run))
}

/// What becomes of package lines and accounts.
pub(super) fn replay_runs(before: &Model<'_>, replay: &mut Replay, changes: &[RunChange]) -> Result<(), String> {
    changes.iter().try_for_each(|change| match change.is_gone {
        true => replay.remove(change.run).map(drop),
        false => replay_run(before, replay, change),
    })
}

fn replay_run(before: &Model<'_>, replay: &mut Replay, change: &RunChange) -> Result<(), String> {
    let chain = before.body(change.run).and_then(|body| body.understood()).and_then(Chain::of);
    let joint = chain.ok_or("the script is no chain")?.joint;
    // What goes is taken out last, so that the others keep their places.
    for (id, change_of) in &change.commands {
        match change_of {
            CommandChange::Out => {}
            CommandChange::Install(words) => {
                let command = super::axioms::command_mut(replay, change.run, *id)?;
                command.assignments.clear();
                let names = words.iter().flat_map(|(_, names)| names).map(String::as_str);
                command.words =
                    ["apk", "add", "--no-cache"].into_iter().chain(names).map(CanonicalWord::plain).collect();
            }
            CommandChange::Without(words) => {
                let command = super::axioms::command_mut(replay, change.run, *id)?;
                for word in words.iter().rev() {
                    command.words.remove(*word);
                }
            }
            CommandChange::Become(commands) => {
                let list = replay.script(change.run)?;
                for text in commands.iter().skip(1).rev() {
                    replay::insert(list, joint, Some(*id), canonical_command(text)?)?;
                }
                let first = commands.first().ok_or("no command takes its place")?;
                let Canonical::Simple(new) = canonical_command(first)? else {
                    return Err(format!("`{first}` is not one command"));
                };
                let command = super::axioms::command_mut(replay, change.run, *id)?;
                command.words = new.words;
            }
        }
    }
    for (id, _) in change.commands.iter().filter(|(_, change)| matches!(change, CommandChange::Out)) {
        replay::take_out(replay.script(change.run)?, joint, *id)?;
    }
    Ok(())
}

fn canonical_command(text: &str) -> Result<Canonical, String> {
    let script = shell::parse(text, Dialect::Posix).map_err(|error| error.to_string())?;
    match script.list.statements.as_slice() {
        [statement] => Ok(canonical::node(&statement.node)),
        _ => Err(format!("`{text}` is not one command")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Step, check as validate};
    use super::*;
    use crate::context::BuildContext;
    use crate::model::body::BodyCache;
    use crate::rewrite::Rewrite;
    use crate::source::Span;
    use crate::syntax;

    #[track_caller]
    fn check(before: &str, after: &str, level: Level, reason: Option<&str>) {
        let (old, new) = (syntax::parse(before), syntax::parse(after));
        let (context, cache) = (BuildContext::unknown(), BodyCache::default());
        let before = Model::build(before, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        let rewrite = Rewrite { steps: vec![Step::SwapForAlpine], ..Rewrite::new(level, Span::new(0, 0), "", "") };
        let found = validate(&before, &after, &[rewrite]);
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => assert!(found.as_ref().is_err_and(|found| found.contains(reason)), "{found:?}"),
        }
    }

    const BEFORE: &str = "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y libpq5 && rm -rf \
                          /var/lib/apt/lists/*\nRUN useradd -m -u 1000 app\nUSER app\nCMD [\"python3\"]\n";
    const AFTER: &str = "FROM python:3.12-alpine\nRUN apk add --no-cache libpq\nRUN addgroup -g 1000 app && adduser -D -u \
                         1000 -G app app\nUSER app\nCMD [\"python3\"]\n";

    #[test]
    fn all_of_it_or_none() {
        check(BEFORE, AFTER, Level::Breaking, None);
        check(BEFORE, AFTER, Level::Guarded, Some("cannot be guarded"));
        let slim = AFTER.replace("3.12-alpine", "3.12-slim");
        check(BEFORE, &slim, Level::Breaking, Some("another effect"));
        check(BEFORE, &AFTER.replace("libpq", "libpq5"), Level::Breaking, Some("another effect"));
        check(BEFORE, &AFTER.replace("-u 1000 -G", "-G"), Level::Breaking, Some("another effect"));
        let same = BEFORE.replace("3.12-slim", "3.12-alpine");
        check(BEFORE, &same, Level::Breaking, Some("another effect"));
    }

    #[test]
    fn what_the_model_declines_is_refused() {
        let other = BEFORE.replace("libpq5", "libfoo");
        check(&other, AFTER, Level::Breaking, Some("`libfoo`"));
    }
}
