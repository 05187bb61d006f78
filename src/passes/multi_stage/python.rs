//! Python: packages are installed into a virtual environment, which is all that the new stage takes.

use super::plan::{self, Draft};
use crate::model::base;
use crate::model::deed::{Deed, deeds};
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage};
use crate::tables;

/// A stage that installs Python packages, with something that only the install needs: packages of the distribution, a full
/// image, or a tool.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let interpreter = stage.image.as_deref()?.interpreter.as_ref()?;
    if interpreter.name != tables::stages().environment.interpreter {
        return None;
    }
    let runs = || stage.instructions.clone().filter(|index| split::kind(model, *index) == Kind::Run);
    let first = runs().find(|index| installs(model, *index))?;
    let cut = runs().rfind(|index| installs(model, *index))?;
    let is_for_the_build =
        |deed: Deed| plan::installs_toolchain(model, &deed) || matches!(deed, Deed::PythonTools(_) | Deed::Tools(_));
    let brings_tools = |index: usize| split::tools_of_copy(model, index).is_some();
    if !base::has_slim_variant(model, stage)
        && !deeds_of(model, stage, cut).any(is_for_the_build)
        && !(stage.instructions.start..=cut).any(brings_tools)
    {
        return None;
    }
    let own = own_environments(model, stage, first, cut);
    let is_elsewhere = deeds_of(model, stage, cut).any(|deed| deed == Deed::PythonPackages);
    let is_needed = own.is_empty()
        || is_elsewhere && split::environment_on_path(model, first).is_none_or(|path| !own.contains(&path));
    // Above the files that the install reads, so that a change of them does not make it again.
    let is_transfer = |index: &usize| split::kind(model, *index) == Kind::Transfer;
    let above = (stage.instructions.start..first).rev().take_while(is_transfer).last();
    let mut copies = own;
    if is_needed {
        copies.insert(0, tables::stages().environment.directory.clone());
    }
    Some(Draft {
        cut,
        environment: is_needed.then(|| above.unwrap_or(first)),
        copies,
        base: None,
        prune: Err("nothing would be left out".to_owned()),
    })
}

/// Whether the RUN installs packages. One of which it is not known what it leaves behind counts too: the check says why it is
/// not split.
fn installs(model: &Model<'_>, run: usize) -> bool {
    let calls = model.calls(run);
    let table = &tables::stages().environment;
    let is_project = |call: &crate::model::call::Call<'_>| {
        table.projects.contains(&format!("{} {}", call.program(), call.subcommand().unwrap_or_default()))
    };
    match deeds(model, run) {
        Ok(deeds) => deeds.contains(&Deed::PythonPackages) || calls.iter().any(is_project),
        Err(_) => {
            calls.iter().any(|call| call.program() == "pip" && call.subcommand() == Some("install") || is_project(call))
        }
    }
}

fn deeds_of<'m>(model: &'m Model<'_>, stage: &Stage, cut: usize) -> impl Iterator<Item = Deed> + use<'m> {
    let runs = (stage.instructions.start..=cut).filter(|index| split::kind(model, *index) == Kind::Run);
    runs.flat_map(|index| deeds(model, index).unwrap_or_default())
}

/// The virtual environments that the file itself makes: the one on the PATH, and those that installs make in the project.
fn own_environments(model: &Model<'_>, stage: &Stage, first: usize, cut: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let on_path = split::environment_on_path(model, first);
    for run in (stage.instructions.start..=cut).filter(|index| split::kind(model, *index) == Kind::Run) {
        for deed in deeds(model, run).unwrap_or_default() {
            let Deed::Output(path) = deed else { continue };
            if (installs(model, run) || Some(&path) == on_path.as_ref()) && !found.contains(&path) {
                found.push(path);
            }
        }
    }
    found
}
