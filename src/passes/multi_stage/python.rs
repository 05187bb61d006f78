//! Python: packages are installed into a virtual environment, which is all that the new stage takes.

use super::plan::{self, Draft};
use crate::model::cache::is_below;
use crate::model::call::Call;
use crate::model::deed::{Deed, deeds};
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage, base, carry, development, front_end};
use crate::tables;

/// A stage that installs Python packages, with something that only the install needs: packages of the distribution, a full
/// image, or a tool.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let last = runs(model, stage)?.rfind(|index| installs(model, *index))?;
    draft(model, stage, last)
}

/// The same of a stage that builds a front end too, which Node does, and nothing else needs.
pub(super) fn find_with_front_end(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let last = runs(model, stage)?.rfind(|index| installs(model, *index))?;
    let built = runs(model, stage)?.rfind(|index| front_end::calls_node(model, *index))?;
    if front_end::why_needed(model, stage).is_some() {
        return None;
    }
    let cut = last.max(built);
    let mut draft = draft(model, stage, cut)?;
    let made = front_end::outputs(model, stage, cut);
    draft.copies.retain(|copy| !made.iter().any(|path| is_below(copy, path)));
    draft.copies.extend(made);
    draft.prune = development::tidy(model, stage, cut, &draft.copies);
    Some(draft)
}

/// The RUNs of a stage of Python.
fn runs<'m>(model: &'m Model<'_>, stage: &'m Stage) -> Option<impl DoubleEndedIterator<Item = usize> + use<'m>> {
    let interpreter = stage.image.as_deref()?.interpreter.as_ref()?;
    let is_python = interpreter.name == tables::stages().environment.interpreter;
    is_python.then(|| stage.instructions.clone().filter(|index| split::kind(model, *index) == Kind::Run))
}

fn draft(model: &Model<'_>, stage: &Stage, cut: usize) -> Option<Draft> {
    let first = runs(model, stage)?.find(|index| installs(model, *index))?;
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
    let is_project = |call: &Call<'_>| {
        table.projects.contains(&format!("{} {}", call.program(), call.subcommand().unwrap_or_default()))
    };
    match deeds(model, run) {
        Ok(deeds) => {
            let is_environment = |call: &Call<'_>| call.program() == "pip" && call.subcommand() == Some("install");
            let has_place = deeds.iter().any(|deed| deed.path().is_some());
            deeds.contains(&Deed::PythonPackages)
                || calls.iter().any(is_project)
                || has_place && calls.iter().any(is_environment)
        }
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
    let filled: Vec<String> = (first..=cut)
        .filter(|index| split::kind(model, *index) == Kind::Run && installs(model, *index))
        .flat_map(|index| deeds(model, index).unwrap_or_default())
        .filter_map(|deed| matches!(deed, Deed::Below(_)).then(|| deed.path().map(str::to_owned))?)
        .collect();
    for run in (stage.instructions.start..=cut).filter(|index| split::kind(model, *index) == Kind::Run) {
        for deed in deeds(model, run).unwrap_or_default() {
            let Deed::Output(path) = deed else { continue };
            let is_own = installs(model, run) || Some(&path) == on_path.as_ref() || filled.contains(&path);
            if is_own && !found.contains(&path) && !carry::is_left_behind(model, stage, cut, &path) {
                found.push(path);
            }
        }
    }
    found
}
