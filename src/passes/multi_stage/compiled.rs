//! Programs that a compiler makes: Go. The new stage has no toolchain.

use super::plan::{self, Draft};
use crate::model::deed::{Deed, deeds};
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage};
use crate::tables;

/// A stage of an image with a toolchain that builds something.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let image = stage.image.as_deref()?;
    tables::stages().runtimes.iter().find(|row| row.family == image.family)?;
    let builds = |index: &usize| {
        split::kind(model, *index) == Kind::Run
            && deeds(model, *index)
                .is_ok_and(|deeds| deeds.iter().any(|deed| matches!(deed, Deed::Output(_) | Deed::Below(_))))
            && model
                .calls(*index)
                .iter()
                .any(|call| tables::stages().writes_below(call.program(), call.subcommand().unwrap_or_default()))
    };
    let cut = stage.instructions.clone().rfind(builds)?;
    Some(Draft {
        cut,
        environment: None,
        copies: plan::artefacts(model, stage, cut),
        base: split::runtime_base(model, stage),
        prune: Err("no image is known that takes the place of the one with the toolchain".to_owned()),
    })
}
