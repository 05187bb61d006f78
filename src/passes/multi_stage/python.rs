//! Python: packages are installed into a virtual environment, which is all that the new stage takes.

use super::plan::{self, Draft};
use crate::model::deed::{Deed, deeds};
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage};
use crate::tables;

/// A stage that installs packages with pip, and packages of the distribution that only builds need.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let image = stage.image.as_deref()?;
    let interpreter = image.interpreter.as_ref().filter(|interpreter| interpreter.name == image.family)?;
    let runs = || stage.instructions.clone().filter(|index| split::kind(model, *index) == Kind::Run);
    let calls_pip = |index: &usize| {
        model.calls(*index).iter().any(|call| call.program() == "pip" && call.subcommand() == Some("install"))
    };
    let first = runs().find(calls_pip)?;
    let cut = runs().rfind(calls_pip)?;
    if interpreter.name != "python" {
        return None;
    }
    if !deeds_of(model, stage, cut).any(|deed| plan::installs_toolchain(model, &deed)) {
        return None;
    }
    // Above the files that the install reads, so that a change of them does not make it again.
    let is_transfer = |index: &usize| split::kind(model, *index) == Kind::Transfer;
    let above = (stage.instructions.start..first).rev().take_while(is_transfer).last();
    let directory = tables::stages().environment.directory.clone();
    let made = own_environment(model, stage, first);
    let environment = made.is_none().then(|| above.unwrap_or(first));
    Some(Draft {
        cut,
        environment,
        copies: vec![made.unwrap_or(directory)],
        base: None,
        prune: Err("nothing would be left out".to_owned()),
    })
}

fn deeds_of<'m>(model: &'m Model<'_>, stage: &Stage, cut: usize) -> impl Iterator<Item = Deed> + use<'m> {
    let runs = (stage.instructions.start..=cut).filter(|index| split::kind(model, *index) == Kind::Run);
    runs.flat_map(|index| deeds(model, index).unwrap_or_default())
}

/// The virtual environment that the file itself makes and puts on the PATH.
fn own_environment(model: &Model<'_>, stage: &Stage, first: usize) -> Option<String> {
    let path = split::environment_on_path(model, first)?;
    let makes = |index: usize| {
        split::kind(model, index) == Kind::Run
            && deeds(model, index).is_ok_and(|deeds| deeds.contains(&Deed::Output(path.clone())))
    };
    (stage.instructions.start..first).any(makes).then_some(path)
}
