//! Ruby: gems are installed where a compiler is, and copied to an image without it.

use super::plan::{self, Draft};
use crate::model::deed::deeds;
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage};
use crate::tables;

/// A stage that installs gems, and packages of the distribution that only builds need. A full image has compilers all the same.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let table = &tables::stages().ruby;
    let image = stage.image.as_deref().filter(|image| image.family == table.family)?;
    if image.programs.contains(&table.with_headers) {
        return None;
    }
    let installs = |index: &usize| {
        split::kind(model, *index) == Kind::Run
            && model
                .calls(*index)
                .iter()
                .any(|call| table.is_tool(call.program()) && call.subcommand() == Some("install"))
    };
    let cut = stage.instructions.clone().rfind(installs)?;
    let has_compilers = (stage.instructions.start..=cut).any(|index| {
        deeds(model, index).is_ok_and(|deeds| deeds.iter().any(|deed| plan::installs_toolchain(model, deed)))
    });
    has_compilers.then(|| Draft {
        cut,
        environment: None,
        copies: plan::artefacts(model, stage, cut),
        base: None,
        prune: Err("nothing would be left out".to_owned()),
    })
}
