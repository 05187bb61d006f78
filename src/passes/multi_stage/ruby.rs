//! Ruby: gems are installed where a compiler is, and copied to an image without it.

use super::compiled;
use super::plan::{self, Draft};
use crate::model::base;
use crate::model::call::Call;
use crate::model::deed::deeds;
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage};
use crate::tables;

/// A stage that installs gems or compiles extensions, with packages of the distribution that only builds need, or on a full image.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let table = &tables::stages().ruby;
    let image = stage.image.as_deref().filter(|image| image.family == table.family)?;
    let is_full = image.programs.contains(&table.with_headers);
    if is_full && !base::has_slim_variant(model, stage) {
        return None;
    }
    let installs = |call: &Call<'_>| table.is_tool(call.program()) && call.subcommand() == Some("install");
    let builds = |index: &usize| {
        split::kind(model, *index) == Kind::Run
            && model.calls(*index).iter().any(|call| installs(call) || compiled::builds_something(call))
    };
    let cut = stage.instructions.clone().rfind(builds)?;
    let has_compilers = (stage.instructions.start..=cut).any(|index| {
        deeds(model, index).is_ok_and(|deeds| deeds.iter().any(|deed| plan::installs_toolchain(model, deed)))
    });
    let nothing = match is_full {
        true => "nothing would be left out: the full image has compilers all the same",
        false => "nothing would be left out",
    };
    (is_full || has_compilers).then(|| Draft {
        cut,
        environment: None,
        copies: plan::artefacts(model, stage, cut),
        base: None,
        prune: Err(nothing.to_owned()),
    })
}
