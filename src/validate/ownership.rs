//! The axiom by which COPY gives what it copies to a user.

use super::axioms;
use super::replay::Replay;
use crate::model::effect::Effect;
use crate::model::{Model, access, ownership};

/// Checks the side conditions of [`super::Step::ChownIntoCopy`] and replays it.
pub(super) fn chown_into_copy(
    before: &Model<'_>,
    replay: &mut Replay,
    run: usize,
    command: usize,
) -> Result<(), String> {
    let call = axioms::call(before, run, command)?;
    let into_copy = ownership::into_copy(before, &access::trusting(before), run, &call)
        .ok_or("no COPY fills the directory of the command")?
        .map_err(|(reason, _)| reason)?;
    for copy in into_copy.copies {
        let Effect::Transfer(transfer) = replay.effect(copy)? else { return Err("it is no COPY".to_owned()) };
        transfer.flags.insert(0, (into_copy.flag.to_owned(), Some(into_copy.value.clone())));
    }
    axioms::command_mut(replay, run, command)?.words.remove(into_copy.word);
    Ok(())
}
