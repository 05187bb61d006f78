//! Programs that a compiler makes: of Go and Rust in images with their toolchain, of C and C++ with one that the file installs.

use super::plan::{self, Draft};
use crate::model::base;
use crate::model::call::Call;
use crate::model::deed::{Deed, deeds};
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage};
use crate::tables;

/// A stage of an image with a toolchain that builds something.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let image = stage.image.as_deref()?;
    let has_toolchain = tables::stages().has_toolchain(&image.family);
    if !has_toolchain && image.interpreter.is_some() {
        return None;
    }
    // A build of which it is not known what it leaves is one, too: the reason is said.
    let leaves = |index: usize| {
        let is_left = |deed: &Deed| matches!(deed, Deed::Output(_) | Deed::Below(_) | Deed::Taken(_));
        deeds(model, index).map_or(true, |deeds| deeds.iter().any(is_left))
    };
    let builds = |index: &usize| {
        split::kind(model, *index) == Kind::Run
            && model.calls(*index).iter().any(|call| builds_something(call))
            && leaves(*index)
    };
    let cut = stage.instructions.clone().rfind(builds)?;
    let installs = |index: usize| {
        deeds(model, index).is_ok_and(|deeds| deeds.iter().any(|deed| plan::installs_toolchain(model, deed)))
    };
    if !has_toolchain && !(stage.instructions.start..=cut).any(installs) {
        return None;
    }
    let reason = match (split::missing_setting(model, stage), split::linked_libraries(model, stage)) {
        (Some(name), _) => {
            format!("`{name}` is another one in the image without the toolchain, and the file does not set it")
        }
        (None, Err(reason)) => reason,
        (None, Ok(_)) => match base::links_manuals(model, stage) {
            Some((_, package)) => {
                format!("the install of `{package}` may link manuals into a directory that slim images lack")
            }
            None => "no image is known that takes the place of the one with the toolchain".to_owned(),
        },
    };
    Some(Draft {
        cut,
        environment: None,
        copies: plan::artefacts(model, stage, cut),
        base: split::runtime_base(model, stage),
        prune: Err(reason),
    })
}

pub(super) fn builds_something(call: &Call<'_>) -> bool {
    let name = call.command.name().unwrap_or_default();
    tables::stages().writes_below(call.program(), call.subcommand().unwrap_or_default())
        || tables::stages().writes_below(&name, "")
}
