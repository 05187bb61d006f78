//! Packages that only the build of a shipped stage needs: where they are removed again, in the RUN that needs them.
//!
//! The stage is the last one. One RUN installs them; that RUN or a single later one needs them; nothing behind it and nothing that a
//! container starts does. What they bring for programs, the libraries of packages with headers, is installed by name, so that it
//! stays.

use super::access;
use super::call::Call;
use super::deed::{Deed, deeds};
use super::split::{RuntimePackages, may_run_there, runtime_packages};
use super::{Model, Refusal, Stage, packages};
use crate::shell::ast::Script;
use crate::shell::state::changes_state;
use crate::tables::{self, BuildOnly, PackageManager};

/// How build-only packages leave the layer of the RUN that needs them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The RUN that installs them.
    pub install: usize,
    /// The command that does.
    pub command: usize,
    /// The RUN that needs them: the same, or a later one, which the other joins.
    pub user: usize,
    /// The packages that go.
    pub dropped: Vec<String>,
    /// Packages that the install has to name, because programs need them.
    pub added: Vec<String>,
    /// The command that removes them, at the end.
    pub removal: String,
}

/// What becomes of the packages that only the build needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// They are removed again.
    Removed(Plan),
    /// Nothing that is seen uses them.
    Unused {
        /// The RUN that installs them.
        install: usize,
        /// Their names.
        packages: Vec<String>,
    },
    /// They stay.
    Kept {
        /// The RUN that installs them.
        install: usize,
        /// Why, and what would change it.
        refusal: Refusal,
    },
}

/// What becomes of the packages that only the build of the last stage needs; `None` where there are none that could go.
#[must_use]
pub fn finding(model: &Model<'_>) -> Option<Finding> {
    let stage = model.final_stage()?;
    let manager = manager(model, stage)?;
    let mut installs = stage.instructions.clone().filter(|run| installs_build_packages(model, *run, manager));
    let install = installs.next()?;
    let removes_already = |run: usize| model.calls(run).iter().any(removes);
    if stage.instructions.clone().any(removes_already) {
        return None;
    }
    let kept = |refusal| Some(Finding::Kept { install, refusal });
    if let Some(other) = installs.next() {
        let line = line(model, other);
        return kept((format!("line {line} installs packages for the build too"), "all of them in one RUN"));
    }
    if model.has_triggers() {
        return kept(("the file has ONBUILD: other builds may need the packages".to_owned(), "nothing"));
    }
    match planned(model, stage, manager, install) {
        Ok(finding) => Some(finding),
        Err(refusal) => kept(refusal),
    }
}

/// The package manager of the stage, when its image holds no compiler.
fn manager(model: &Model<'_>, stage: &Stage) -> Option<PackageManager> {
    let image = stage.image.as_deref()?;
    let has_compiler = tables::stages().toolchain.programs.iter().any(|program| image.programs.contains(program));
    let is_alone = model.is_shipped(stage) && !has_compiler && !stage.image_by_argument;
    let manager = *image.package_manager.known().filter(|_| is_alone)?;
    let is_lean = manager == PackageManager::Apk || manager == PackageManager::Apt && packages::is_slim(model, stage);
    is_lean.then_some(manager)
}

fn is_install(call: &Call<'_>) -> bool {
    call.is_apt() && call.subcommand() == Some("install") || call.program() == "apk" && call.subcommand() == Some("add")
}

fn removes(call: &Call<'_>) -> bool {
    call.is_apt() && matches!(call.subcommand(), Some("remove" | "purge" | "autoremove"))
        || call.program() == "apk" && (call.subcommand() == Some("del") || call.option(&["--virtual"]).is_some())
}

/// The packages of the call that compile or have headers.
fn build_packages(call: &Call<'_>, manager: PackageManager) -> Vec<String> {
    let names = call.operands().iter().filter_map(|operand| operand.text.clone());
    let is_build_only =
        |name: &String| matches!(tables::is_build_only(manager, name), Some(BuildOnly::Toolchain | BuildOnly::Headers));
    names.filter(is_build_only).collect()
}

fn installs_build_packages(model: &Model<'_>, run: usize, manager: PackageManager) -> bool {
    model.calls(run).iter().any(|call| is_install(call) && !build_packages(call, manager).is_empty())
}

fn planned(model: &Model<'_>, stage: &Stage, manager: PackageManager, install: usize) -> Result<Finding, Refusal> {
    let calls = model.calls(install);
    let mut commands = calls.iter().filter(|call| is_install(call) && !build_packages(call, manager).is_empty());
    let command = commands.next().ok_or_else(|| ("it installs nothing".to_owned(), "nothing"))?;
    if commands.next().is_some() {
        return Err(("two commands install packages for the build".to_owned(), "one install of all of them"));
    }
    if !command.is_plain() {
        return Err(command.why_not_plain());
    }
    let in_other_words = |reason| (reason, "plain commands, of which it is known what they leave behind");
    let found = deeds(model, install).map_err(in_other_words)?;
    let is_used_here = found.iter().any(|deed| !matches!(deed, Deed::Packages { .. } | Deed::Account));
    let later: Vec<usize> = (install + 1..stage.instructions.end).filter(|run| may_use(model, *run)).collect();
    let user = match (is_used_here, later.as_slice()) {
        (true, []) => install,
        (false, [user]) => *user,
        (false, []) => {
            return Ok(Finding::Unused { install, packages: build_packages(command, manager) });
        }
        (_, more) => {
            let lines: Vec<String> = more.iter().map(|run| line(model, *run).to_string()).collect();
            let reason =
                format!("packages for the build may be needed by several RUNs: line {}", lines.join(", line "));
            return Err((reason, "a build stage, or one RUN that builds all"));
        }
    };
    let needed = runtime_packages(model, stage, &[install], None).map_err(|reason| (reason, "a build stage"))?;
    stays_built(model, stage, &needed)?;
    if user != install {
        may_join_later(model, install, user)?;
    }
    let names: Vec<String> = command.operands().iter().filter_map(|operand| operand.text.clone()).collect();
    let dropped: Vec<String> = names.iter().filter(|name| needed.dropped.contains(name)).cloned().collect();
    let added: Vec<String> = needed.install.into_iter().filter(|name| !names.contains(name)).collect();
    if dropped.is_empty() {
        return Err(("what programs need of them is not known".to_owned(), "nothing"));
    }
    let remove = if manager == PackageManager::Apk { "apk del" } else { "apt-get purge -y --auto-remove" };
    let removal = format!("{remove} {}", dropped.join(" "));
    Ok(Finding::Removed(Plan { install, command: command.id, user, dropped, added, removal }))
}

/// Whether the RUN may need packages for builds: it does more than to install packages of the distribution, make accounts and move files.
fn may_use(model: &Model<'_>, run: usize) -> bool {
    if !model.is_run(run) {
        return false;
    }
    let is_language_install =
        |call: &Call<'_>| tables::dependencies().install(call.program(), call.subcommand()).is_some();
    model.calls(run).iter().any(is_language_install) || may_run_there(model, run).is_err() || deeds(model, run).is_err()
}

/// Checks that nothing which a container starts compiles.
fn stays_built(model: &Model<'_>, stage: &Stage, packages: &RuntimePackages) -> Result<(), Refusal> {
    let image = stage.image.as_deref().ok_or_else(|| ("nothing is known of the base image".to_owned(), "nothing"))?;
    if let Err(reason) = packages.are_enough(model, stage, image) {
        let unlock = if model.context.is_known() {
            "nothing, if the program compiles when it runs"
        } else {
            "the build context, as `--context`"
        };
        return Err((reason, unlock));
    }
    let Some(sources) = model.context.sources() else {
        return Err(("what the program loads is not known".to_owned(), "the build context, as `--context`"));
    };
    let table = tables::builds();
    let named = sources.iter().find_map(|source| {
        let text = source.known().to_lowercase();
        let name = source.path.rsplit('/').next().unwrap_or_default();
        // Only a script installs anything by such words; others tell people of it.
        let is_script = name.ends_with(".sh") || text.starts_with("#!/bin/");
        let installs = table.install_at_run_time.iter().filter(|_| is_script);
        let mut words = table.compile_at_run_time.iter().chain(installs);
        let is_read = !tables::stages().is_never_read(name);
        words.find(|word| is_read && text.contains(word.as_str())).map(|word| (&source.path, word))
    });
    match named {
        Some((path, word)) => Err((format!("`{path}` names `{word}`, which may compile when it runs"), "nothing")),
        None => Ok(()),
    }
}

/// Checks that the commands of a RUN may stand in front of those of a later one.
fn may_join_later(model: &Model<'_>, first: usize, later: usize) -> Result<(), Refusal> {
    let script = |run: usize| -> Option<&Script> {
        let body = model.body(run).filter(|body| !body.heredoc)?;
        body.understood().filter(|script| script.comments.is_empty() && script.and_chain().is_some())
    };
    let plain = || ("one of the RUNs is no plain `&&` list".to_owned(), "plain `&&` lists");
    let (above, _) = script(first).zip(script(later)).ok_or_else(plain)?;
    if changes_state(above) || !model.instruction(first).flags.is_empty() {
        return Err(plain());
    }
    let accesses = model.accesses();
    for between in first + 1..later {
        access::commute(&accesses[first], &accesses[between]).map_err(|reason| {
            let line = line(model, between);
            (
                format!("the install cannot stand behind line {line}: {reason}"),
                "the install right above the RUN that needs it",
            )
        })?;
    }
    let (before, after) = (model.state(first), model.state(later));
    if before.user != after.user || before.shell != after.shell {
        return Err(("user or shell change between the RUNs".to_owned(), "both RUNs as one user"));
    }
    Ok(())
}

fn line(model: &Model<'_>, index: usize) -> usize {
    model.lines.line(model.instruction(index).span.start)
}
