//! Python: packages are installed into a virtual environment, which is all that the new stage takes.

use super::plan::Draft;
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
    if !deeds_of(model, stage, cut).any(|deed| installs_toolchain(model, &deed)) {
        return None;
    }
    // Above the files that the install reads, so that a change of them does not make it again.
    let is_transfer = |index: &usize| split::kind(model, *index) == Kind::Transfer;
    let above = (stage.instructions.start..first).rev().take_while(is_transfer).last();
    let directory = tables::stages().environment.directory.clone();
    Some(Draft { cut, environment: Some(above.unwrap_or(first)), copies: vec![directory] })
}

fn deeds_of<'m>(model: &'m Model<'_>, stage: &Stage, cut: usize) -> impl Iterator<Item = Deed> + use<'m> {
    let runs = (stage.instructions.start..=cut).filter(|index| split::kind(model, *index) == Kind::Run);
    runs.flat_map(|index| deeds(model, index).unwrap_or_default())
}

fn installs_toolchain(model: &Model<'_>, deed: &Deed) -> bool {
    matches!(deed, Deed::Packages { names, .. } if names.iter().any(|name| split::is_build_only(model, name)))
}
