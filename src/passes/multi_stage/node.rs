//! Node: packages are installed with those of development, the project is built, then the packages of development go.

use super::plan::{self, Draft};
use crate::model::base;
use crate::model::call::Call;
use crate::model::deed::deeds;
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage, development};
use crate::tables::{self, ProjectTool};

/// A stage that builds a project with a script of its manifest, or that installs packages with a compiler at hand.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let image = stage.image.as_deref()?;
    if image.family != tables::stages().node.family {
        return None;
    }
    let calls_tool = |index: &usize| {
        split::kind(model, *index) == Kind::Run
            && model.calls(*index).iter().any(is_tool)
            && !deeds(model, *index).is_ok_and(|deeds| deeds.iter().all(|deed| deed.tools().is_some()))
    };
    let cut = stage.instructions.clone().rfind(calls_tool)?;
    let has_compilers = (stage.instructions.start..=cut).any(|index| {
        deeds(model, index).is_ok_and(|deeds| deeds.iter().any(|deed| plan::installs_toolchain(model, deed)))
    });
    let builds = stage.instructions.clone().filter(calls_tool).any(|index| runs_a_script(model, index));
    if !has_compilers && !builds && !base::has_slim_variant(model, stage) {
        return None;
    }
    let copies = plan::artefacts(model, stage, cut);
    let prune = development::tidy(model, stage, cut, &copies);
    Some(Draft { cut, environment: None, copies, base: None, prune })
}

/// Whether the call reads the manifest of a project, or builds it by a program of its packages.
fn is_tool(call: &Call<'_>) -> bool {
    tables::stages().project_tool(call.program()).is_some()
        || call.command.name().is_some_and(|name| tables::stages().is_project_program(&name))
}

fn runs_a_script(model: &Model<'_>, run: usize) -> bool {
    let is_install = |name: Option<&str>| matches!(name, None | Some("install" | "ci" | "prune" | "cache clean"));
    let is_builder =
        |call: &Call<'_>| call.command.name().is_some_and(|name| tables::stages().is_project_program(&name));
    model.calls(run).iter().any(|call| match tables::stages().project_tool(call.program()) {
        _ if is_builder(call) => true,
        Some(ProjectTool::Packages) => !is_install(call.subcommand()),
        Some(ProjectTool::Runner) => true,
        None => false,
    })
}
