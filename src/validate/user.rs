//! The axiom by which an image runs as a user other than root.

use super::replay::Replay;
use crate::model::effect::{Effect, RunEffect};
use crate::model::{Model, effect};
use crate::rewrite::Level;
use crate::shell::{self, Dialect};

/// Checks the side conditions of [`super::Step::SetUser`] and replays it.
pub(super) fn set_user(before: &Model<'_>, replay: &mut Replay, from: usize, level: Level) -> Result<(), String> {
    let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("no stage begins there")?;
    let plan =
        before.user_plan(stage).map_err(|(reason, _)| reason)?.ok_or("the stage has a user, or serves others")?;
    if level < plan.level {
        return Err(format!("the change is {}", plan.level));
    }
    let mut new = Vec::new();
    if !plan.commands.is_empty() {
        let text = plan.commands.join(" && ");
        let script = shell::parse(&text, Dialect::Posix).map_err(|error| error.to_string())?;
        new.push(Effect::Run(RunEffect { command: effect::script(&script), mounts: Vec::new(), flags: Vec::new() }));
    }
    new.push(effect::user(&plan.user));
    replay.insert_behind(plan.after, new)
}
