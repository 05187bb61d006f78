//! The axiom by which a label takes the place of MAINTAINER.

use super::replay::Replay;
use crate::model::Model;
use crate::model::authors::{AUTHORS, authors};
use crate::model::effect::{Effect, Evaluated};

/// Checks the side conditions of [`super::Step::LabelForMaintainer`] and replays it.
pub(super) fn label_for_maintainer(before: &Model<'_>, replay: &mut Replay, instruction: usize) -> Result<(), String> {
    let authors = authors(before, instruction).ok_or("it is no MAINTAINER")?.map_err(|(reason, _)| reason)?;
    let effect = replay.effect(instruction)?;
    *effect = Effect::Pairs { keyword: "LABEL", pairs: vec![(AUTHORS.to_owned(), Some(Evaluated::plain(&authors)))] };
    Ok(())
}
