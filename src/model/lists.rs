//! apt's package lists: which RUNs refresh them, and whether a RUN can refresh them for itself alone.

use super::call::Call;
use super::chain::Chain;
use super::packages::{self, is_apt_install};
use super::{Base, Model};
use crate::syntax::ast::InstructionKind;
use crate::syntax::mount::{Mount, MountKind};

/// Where apt keeps its package lists.
pub const LISTS: &str = "/var/lib/apt/lists";

/// What a line says that changes where packages come from.
const SOURCE_TRACES: [&str; 4] = ["/etc/apt", "add-apt-repository", "apt-key", "dpkg --add-architecture"];

/// Whether the RUN refreshes apt's lists, and fails when that fails. One that may fail and go on is the author's wish, which
/// a strict `apt-get update &&` would not respect.
#[must_use]
pub fn refreshes(model: &Model<'_>, run: usize) -> bool {
    let chain = model.body(run).and_then(|body| body.understood()).and_then(Chain::of);
    let calls = model.calls(run);
    let update = calls.iter().find(|call| call.is_apt() && call.subcommand() == Some("update"));
    let (Some(chain), Some(update)) = (chain, update) else { return false };
    chain.elements.iter().any(|element| element.simple().is_some_and(|simple| std::ptr::eq(simple, update.command)))
}

/// Whether a RUN of the stage above this one, or of those it is built from, refreshes the lists.
#[must_use]
pub fn are_refreshed_above(model: &Model<'_>, run: usize) -> bool {
    let Some(mut stage) = model.stage_of(run) else { return false };
    let mut end = run;
    loop {
        if (stage.instructions.start..end).any(|run| refreshes(model, run)) {
            return true;
        }
        let Base::Stage(parent) = stage.base else { return false };
        stage = &model.stages[parent];
        end = stage.instructions.end;
    }
}

/// Whether an instruction behind the last refresh of the stage and up to this RUN changes where packages come from.
#[must_use]
pub fn sources_change(model: &Model<'_>, run: usize) -> bool {
    let changes = |index: usize| {
        let text = model.instruction(index).full_span().of(model.source);
        SOURCE_TRACES.iter().any(|trace| text.contains(trace))
    };
    let start = model.stage_of(run).map_or(run, |stage| stage.instructions.start);
    let last = last_refresh(model, run).unwrap_or(start);
    (last..=run).any(changes)
}

fn last_refresh(model: &Model<'_>, run: usize) -> Option<usize> {
    let start = model.stage_of(run)?.instructions.start;
    (start..run).rev().find(|index| refreshes(model, *index))
}

/// The mount that keeps what a RUN refreshes out of its layer: empty when the RUN starts, and gone when it ends.
#[must_use]
pub fn scratch() -> Mount {
    Mount { target: Some(LISTS.to_owned()), ..Mount::new(MountKind::Tmpfs) }
}

/// Checks that a RUN which refreshes the lists in front of its first install can do so for itself alone: whoever needs lists
/// behind it finds those of an earlier RUN of the stage, of the same sources.
///
/// # Errors
/// Why they may miss something.
pub fn may_be_scratch(model: &Model<'_>, run: usize) -> Result<(), String> {
    let overlaps = |mount: &Mount| {
        mount.target.as_deref().is_none_or(|target| {
            super::cache::is_below(LISTS, target) || super::cache::is_below(target, LISTS) || target.starts_with('$')
        })
    };
    if model.mounts(run).iter().any(overlaps) {
        return Err("something is mounted over the package lists".to_owned());
    }
    let last = last_refresh(model, run).ok_or("no RUN of the stage refreshes the lists before")?;
    if sources_change(model, run) {
        return Err("package sources change between".to_owned());
    }
    if !model.mounts(last).is_empty() {
        return Err("the RUN that refreshes the lists has mounts".to_owned());
    }
    for index in last..=run {
        let line = || model.lines.line(model.instruction(index).span.start);
        if matches!(model.instruction(index).kind, InstructionKind::Copy(_) | InstructionKind::Add(_)) {
            continue;
        }
        if !model.is_run(index) {
            continue;
        }
        if model.instruction(index).full_span().of(model.source).contains("/var/lib") {
            return Err(format!("line {} may remove the lists", line()));
        }
        let calls = model.every_call(index).ok_or_else(|| format!("what line {} runs is not known", line()))?;
        let drops = |call: &Call<'_>| call.is_apt() && matches!(call.subcommand(), Some("distclean" | "dist-clean"));
        if calls.iter().any(drops) {
            return Err(format!("line {} removes the lists", line()));
        }
        if let Some(call) = calls.iter().find(|call| !is_apt_install(call) && packages::may_install(call)) {
            let program = packages::written_name(call).unwrap_or_else(|| "a variable".to_owned());
            return Err(format!("line {} runs `{program}`, which may change package sources", line()));
        }
    }
    let calls = model.calls(run);
    let first = calls.iter().position(is_apt_install).ok_or("the RUN installs nothing")?;
    if calls[..first].iter().any(|call| call.is_apt() || packages::reads_lists(call)) {
        return Err("apt runs before the install".to_owned());
    }
    Ok(())
}
