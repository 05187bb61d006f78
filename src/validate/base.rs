//! The axiom by which a stage is built from the slim variant of its image.

use super::replay::Replay;
use crate::model::Model;
use crate::model::bare;
use crate::model::base::{self, InstallPlace};
use crate::model::canonical::{self, CanonicalWord};
use crate::model::effect::{CommandEffect, Effect, Evaluated, RunEffect};
use crate::rewrite::Level;
use crate::shell::{self, Dialect};

/// Checks the side conditions of [`super::Step::SwapBase`] and replays it: the reference and the packages are those that
/// the model says, whatever the pass wrote.
pub(super) fn swap_base(before: &Model<'_>, replay: &mut Replay, from: usize, level: Level) -> Result<(), String> {
    if level < Level::Guarded {
        return Err("that nothing unseen needs the full image is an assumption".to_owned());
    }
    let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("it is no FROM")?;
    let slim = base::slim(before, stage).map_err(|refusal| refusal.reason)?;
    let slim = slim.ok_or("its image has no slim variant that saves anything")?;
    let Effect::From { base, .. } = replay.effect(from)? else { return Err("it is no FROM".to_owned()) };
    *base = Evaluated::new(&slim.reference, before.dockerfile.escape);
    if slim.packages.is_empty() {
        return Ok(());
    }
    match slim.place {
        InstallPlace::NewRun => {
            let text = base::install_commands(&slim.packages).join(" && ");
            let script = shell::parse(&text, Dialect::Posix).map_err(|error| error.to_string())?;
            let command = CommandEffect::Script { list: canonical::script(&script), heredoc: false };
            replay.insert_behind(from, Effect::Run(RunEffect { command, mounts: Vec::new(), flags: Vec::new() }))
        }
        InstallPlace::Install { run, command } => {
            let words = &mut super::axioms::command_mut(replay, run, command)?.words;
            words.extend(slim.packages.iter().map(|package| CanonicalWord::plain(package)));
            Ok(())
        }
    }
}

/// Checks the side conditions of [`super::Step::SwapForStatic`] and replays it.
pub(super) fn swap_for_static(
    before: &Model<'_>,
    replay: &mut Replay,
    from: usize,
    level: Level,
) -> Result<(), String> {
    if level < Level::Guarded {
        return Err("that nobody starts a shell is an assumption".to_owned());
    }
    let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("it is no FROM")?;
    let bare = bare::bare(before, stage).map_err(|refusal| refusal.reason)?;
    let bare = bare.ok_or("it does not ship one static program")?;
    let Effect::From { base, .. } = replay.effect(from)? else { return Err("it is no FROM".to_owned()) };
    *base = Evaluated::new(&bare.reference, before.dockerfile.escape);
    Ok(())
}
