//! Installs of what the manifests of a project name: what they read of the build context, and how the COPY of the sources can
//! move behind them.
//!
//! An install reads its manifests, the files that these name, and settings; it writes directories of its own
//! (`dependencies.yaml`). When all of that is seen, the COPY that brings the sources can stand behind the install, and a COPY of
//! the manifests alone takes its place. What cannot be seen is a [`Refusal`].

mod cargo;
mod dotnet;
mod gradle;
mod lock;
mod maven;
mod needs;
mod node;
mod others;
mod python;
mod view;

pub use lock::{Change, Held, held};

use super::access::{self, Access, Place, Rest};
use super::call::Call;
use super::chain::{Chain, Joint};
use super::{Model, Refusal};
use crate::shell::ast::SimpleCommand;
use crate::shell::state::changes_state;
use crate::syntax::ast::InstructionKind;
use crate::syntax::mount::MountKind;
use crate::tables::{self, InstallRow};
use needs::Needs;
pub(super) use view::in_directory;
use view::{Copied, Provided, View};

/// How the COPYs of the sources move behind an install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The RUN that installs.
    pub run: usize,
    /// The COPYs that move behind it, in order.
    pub moved: Vec<Moved>,
    /// What was seen of the manifests.
    pub evidence: Vec<String>,
    /// The files that are copied first, by their paths in the build context.
    pub manifests: Vec<String>,
}

/// A COPY that moves, with those that take its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Its number.
    pub copy: usize,
    /// The COPYs of manifests that take its place; none when it brings no manifest.
    pub manifests: Vec<Manifests>,
}

/// A COPY of manifests, with the flags of the one whose place it takes: the words as they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifests {
    /// The sources.
    pub sources: Vec<String>,
    /// The directory, with `/` at its end.
    pub destination: String,
}

/// An install in a RUN.
struct Install<'a> {
    call: &'a Call<'a>,
    row: &'static InstallRow,
    /// The directory that it runs in.
    directory: String,
}

/// The installs of a RUN, and how much of the RUN counts.
struct Installs<'a> {
    calls: Vec<(&'a Call<'a>, &'static InstallRow)>,
    /// Where the part begins in the script that is to stand in a RUN of its own.
    end: Option<usize>,
}

impl Installs<'_> {
    /// Whether the command is one of the installs, or in the part that does not count.
    fn leaves_out(&self, command: &SimpleCommand) -> bool {
        let first = command.assignments.first().map(|assignment| assignment.span.start);
        let start = first.or_else(|| command.words.first().map(|word| word.span.start));
        self.calls.iter().any(|(call, _)| std::ptr::eq(call.command, command))
            || self.end.zip(start).is_some_and(|(end, start)| start >= end)
    }
}

/// More manifests than this are not copied one by one.
const MAX_MANIFESTS: usize = 60;

/// How the sources move behind the installs of a RUN. `None` when it installs nothing that manifests name, and when no
/// sources stand above it.
///
/// `before` is what [`access::trusting`] says.
#[must_use]
pub fn plan(model: &Model<'_>, before: &[Rest], run: usize) -> Option<Result<Plan, Refusal>> {
    let calls = model.calls(run);
    let installs: Vec<(&Call<'_>, &InstallRow)> = calls.iter().filter_map(|call| Some((call, row_of(call)?))).collect();
    if installs.is_empty() {
        return None;
    }
    let view = View::before(model, run);
    if !view.copies.iter().any(|copy| copy.is_of_context) {
        return None;
    }
    if !model.context.is_known() {
        let stage = model.stage_of(run)?;
        let copies_sources = (stage.instructions.start..run).any(|index| is_broad(model, index));
        let refusal = "the build context is not known: what the manifests name is not seen".to_owned();
        return copies_sources.then_some(Err((refusal, "the build context, as `--context`")));
    }
    if model.has_triggers() {
        return Some(Err(("the file has ONBUILD: its order matters to builds elsewhere".to_owned(), "nothing")));
    }
    let installs = Installs { calls: installs, end: None };
    let plan = planned(model, before, run, &installs, &view).transpose()?;
    // Without directories above it, and behind an install that stands right, there is little to gain.
    let is_worth_saying =
        view.copies.iter().any(Copied::is_broad) && !stands_behind_another(model, &view, run, &installs.calls);
    (plan.is_ok() || is_worth_saying).then_some(plan)
}

/// Number of the element of the RUN's `&&` list with which a RUN of its own begins, so that the installs before it can stand above
/// the sources: the part behind reads these, or that is not known. `None` where the list as a whole can stand there, or its beginning
/// cannot either, and where layers would grow: a file that one part makes and the other one removes.
#[must_use]
pub fn split(model: &Model<'_>, before: &[Rest], run: usize) -> Option<usize> {
    if !matches!(plan(model, before, run), Some(Err(_))) || !model.context.is_known() || model.has_triggers() {
        return None;
    }
    let script = model.body(run).filter(|body| !body.heredoc)?.understood()?;
    let chain = Chain::of(script).filter(|chain| chain.joint == Joint::And)?;
    if !script.comments.is_empty() || changes_state(script) {
        return None;
    }
    let calls = model.calls(run);
    let call_of = |at: usize| {
        let simple = chain.elements.get(at)?.simple()?;
        calls.iter().find(|call| std::ptr::eq(call.command, simple))
    };
    let is_install = |at: usize| call_of(at).is_some_and(|call| row_of(call).is_some());
    let first = (0..chain.elements.len()).find(|at| is_install(*at))?;
    let at = (first..chain.elements.len()).find(|at| !is_install(*at))?;
    let end = chain.elements[at].node.span.start;
    let (counted, behind): (Vec<_>, Vec<_>) = calls.iter().partition(|call| call.span().start < end);
    let is_shipped = model.stage_of(run).is_some_and(|stage| model.is_shipped(stage));
    if is_shipped && behind.iter().any(|call| removes(call)) {
        return None;
    }
    let rows = counted.into_iter().filter_map(|call| Some((call, row_of(call)?)));
    let installs = Installs { calls: rows.collect(), end: Some(end) };
    let view = View::before(model, run);
    matches!(planned(model, before, run, &installs, &view), Ok(Some(_))).then_some(at)
}

/// Whether the call may remove what an install made.
fn removes(call: &Call<'_>) -> bool {
    const VERBS: [&str; 7] = ["autoremove", "clean", "del", "prune", "purge", "remove", "uninstall"];
    let words = call.subcommand().unwrap_or_default();
    let searches = call.has_word_with("-delete") || call.has_word_with("-exec");
    call.program() == "rm" || searches || words.split(' ').any(|word| VERBS.contains(&word))
}

/// Whether the same package manager installs above all sources already.
fn stands_behind_another(
    model: &Model<'_>,
    view: &View<'_>,
    run: usize,
    installs: &[(&Call<'_>, &'static InstallRow)],
) -> bool {
    let sources = view.copies.iter().find(|copy| copy.is_broad()).map_or(run, |copy| copy.index);
    let start = model.stage_of(run).map_or(run, |stage| stage.instructions.start);
    let is_same =
        |call: &Call<'_>| row_of(call).is_some_and(|row| installs.iter().any(|(_, other)| other.reader == row.reader));
    (start..sources).any(|index| model.is_run(index) && model.calls(index).iter().any(is_same))
}

/// Whether the instruction copies whole directories of the build context, by its words.
fn is_broad(model: &Model<'_>, index: usize) -> bool {
    let instruction = model.instruction(index);
    let (InstructionKind::Copy(transfer) | InstructionKind::Add(transfer)) = &instruction.kind else { return false };
    let is_directory = |path: &str| matches!(path, "." | "/" | "*" | "./*") || path.ends_with('/');
    instruction.flag("from").is_none() && transfer.sources.iter().any(|source| is_directory(&source.text))
}

/// Whether the call installs what manifests of the project name.
#[must_use]
pub fn installs(call: &Call<'_>) -> bool {
    row_of(call).is_some()
}

/// The row of a call that installs what manifests name.
fn row_of(call: &Call<'_>) -> Option<&'static InstallRow> {
    let row = tables::dependencies().install(call.program(), call.subcommand())?;
    needs::is_of_project(call, row).then_some(row)
}

fn planned(
    model: &Model<'_>,
    before: &[Rest],
    run: usize,
    installs: &Installs<'_>,
    view: &View<'_>,
) -> Result<Option<Plan>, Refusal> {
    let mut needs = Needs::default();
    for install in in_directories(model, run, &installs.calls)? {
        needs.add(view, &install, model, run)?;
    }
    let is_moved = |copy: &&Copied| copy.is_of_context && !copy.brings_only(&needs.reads);
    let all: Vec<&Copied> = view.copies.iter().filter(is_moved).collect();
    let broad: Vec<&Copied> = all.iter().copied().filter(|copy| copy.is_broad()).collect();
    let move_behind = |moved: &[&Copied]| with_copies_moved(model, before, run, installs, view, &needs, moved);
    if broad.is_empty() || broad.len() == all.len() {
        return move_behind(&all);
    }
    // Single files may stay where they are.
    move_behind(&all).or_else(|_| move_behind(&broad))
}

fn with_copies_moved(
    model: &Model<'_>,
    before: &[Rest],
    run: usize,
    installs: &Installs<'_>,
    view: &View<'_>,
    needs: &Needs,
    moved: &[&Copied],
) -> Result<Option<Plan>, Refusal> {
    let Some(first) = moved.first() else { return Ok(None) };
    may_run_before(model, before, run, installs, moved, needs)?;
    if needs.reads.len() > MAX_MANIFESTS {
        return Err((format!("more than {MAX_MANIFESTS} manifests would have to be copied"), "nothing"));
    }
    let mut plan = Plan { run, moved: Vec::new(), evidence: needs.evidence.clone(), manifests: Vec::new() };
    for copy in moved {
        let manifests = manifests_of(view, copy, moved, needs, &mut plan.manifests)?;
        plan.moved.push(Moved { copy: copy.index, manifests });
    }
    may_cross(model, before, view, &plan, moved)?;
    are_unchanged(model, before, run, view, first.index, needs)?;
    Ok(Some(plan))
}

/// The installs with the directories that they run in.
fn in_directories<'a>(
    model: &'a Model<'_>,
    run: usize,
    installs: &[(&'a Call<'a>, &'static InstallRow)],
) -> Result<Vec<Install<'a>>, Refusal> {
    let refusal = |reason: &str| (reason.to_owned(), "a RUN that is one `&&` list");
    let script = model.body(run).and_then(|body| body.understood()).ok_or_else(|| refusal("the script is not read"))?;
    let chain = Chain::of(script).ok_or_else(|| refusal("the commands do not stop at the first failure"))?;
    let workdir = model.state(run).workdir.fixed().ok_or_else(|| refusal("the working directory is not known"))?;
    let mut directory = workdir.to_owned();
    let mut found = Vec::new();
    for element in &chain.elements {
        let Some(command) = element.simple() else { continue };
        if command.name().as_deref() == Some("cd") {
            directory = match command.words.get(1).and_then(|word| word.literal()).as_deref() {
                Some(path) if path.starts_with('/') => path.to_owned(),
                Some(path) if !path.starts_with(['-', '~']) && command.words.len() == 2 => {
                    in_directory(&directory, path)
                }
                _ => return Err(refusal("where `cd` leads is not known")),
            };
            directory = access::through_links(&directory);
        }
        let install = installs.iter().find(|(call, _)| std::ptr::eq(call.command, command));
        found.extend(install.map(|(call, row)| Install { call, row, directory: directory.clone() }));
    }
    if found.len() != installs.len() {
        return Err(refusal("the install is a part of another command"));
    }
    Ok(found)
}

/// What a RUN with installs of manifests reads and writes, when all of it is seen.
#[must_use]
pub fn touched(model: &Model<'_>, before: &[Rest], run: usize) -> Option<Access> {
    if !model.is_run(run) || !model.context.is_known() {
        return None;
    }
    let calls = model.calls(run);
    let installs: Vec<(&Call<'_>, &InstallRow)> = calls.iter().filter_map(|call| Some((call, row_of(call)?))).collect();
    if installs.is_empty() {
        return None;
    }
    let view = View::before(model, run);
    let mut needs = Needs::default();
    for install in in_directories(model, run, &installs).ok()? {
        needs.add(&view, &install, model, run).ok()?;
    }
    let mut access = rest_of(model, before, run, &Installs { calls: installs, end: None }).ok()?;
    access.also_writes(&needs.writes);
    Some(access)
}

/// Checks that the RUN does the same without what the copies bring beside the manifests.
fn may_run_before(
    model: &Model<'_>,
    before: &[Rest],
    run: usize,
    installs: &Installs<'_>,
    moved: &[&Copied],
    needs: &Needs,
) -> Result<(), Refusal> {
    let binds = |mount: &crate::syntax::mount::Mount| mount.kind == MountKind::Bind && mount.from.is_none();
    if model.mounts(run).iter().any(binds) {
        return Err(("the RUN mounts files of the build context".to_owned(), "nothing"));
    }
    let line = |index: usize| model.lines.line(model.instruction(index).span.start);
    let rest = rest_of(model, before, run, installs)?;
    for copy in moved {
        let context = model.context;
        if let Some(path) = needs.writes.iter().find(|path| copy.brings(context, &Place::at(path))) {
            let reason = format!("line {} brings `{path}`, which the install writes", line(copy.index));
            return Err((reason, "an ignore file that leaves it out"));
        }
        access::apart(&before[copy.index].access, &rest, &|place| copy.brings(context, place))
            .map_err(|reason| (format!("the RUN and line {}: {reason}", line(copy.index)), "nothing"))?;
    }
    Ok(())
}

/// What a RUN reads and writes beside its manifests.
fn rest_of(model: &Model<'_>, before: &[Rest], run: usize, installs: &Installs<'_>) -> Result<Access, Refusal> {
    let is_install = |command: &SimpleCommand| command.name().as_deref() == Some("cd") || installs.leaves_out(command);
    let home = model.user(run).home;
    let home = home.ok_or_else(|| ("the home directory of the user is not known".to_owned(), "USER by name"))?;
    let everywhere = tables::dependencies().everywhere.iter();
    let system = installs.calls.iter().flat_map(|(_, row)| &row.system).chain(everywhere);
    let touches: Vec<String> = system.map(|path| path.replacen('~', home.trim_end_matches('/'), 1)).collect();
    access::rest(model, run, &before[run], &is_install, &touches)
        .map_err(|reason| (reason, "a RUN of its own for the install"))
}

/// Checks that what stands between the copies and the RUN can stand above the copies.
fn may_cross(
    model: &Model<'_>,
    before: &[Rest],
    view: &View<'_>,
    plan: &Plan,
    moved: &[&Copied],
) -> Result<(), Refusal> {
    let first = moved.first().map_or(plan.run, |copy| copy.index);
    for crossed in first + 1..plan.run {
        if moved.iter().any(|copy| copy.index == crossed) {
            continue;
        }
        let brought = view.copies.iter().find(|copy| copy.index == crossed);
        for copy in moved.iter().filter(|copy| copy.index < crossed) {
            if brought.is_some_and(|brought| brought.agrees_with(model.context, copy)) {
                continue;
            }
            // The first COPY makes the directories that the COPY made, so that WORKDIR finds them.
            let leaves_copy = plan.moved.iter().any(|moved| moved.copy == copy.index && !moved.manifests.is_empty());
            let is_workdir = matches!(model.instruction(crossed).kind, InstructionKind::Workdir(_));
            if is_workdir && copy.is_absolute() && leaves_copy {
                continue;
            }
            access::commute(&before[copy.index].access, &before[crossed].access).map_err(|reason| {
                let line = model.lines.line(model.instruction(crossed).span.start);
                (
                    format!("line {line} stands between: {reason}"),
                    "that line above the COPY of the sources, if it needs nothing of them",
                )
            })?;
        }
    }
    Ok(())
}

/// The COPYs of the manifests that a copy brings and that no copy which stays brings too.
fn manifests_of(
    view: &View<'_>,
    copy: &Copied,
    moved: &[&Copied],
    needs: &Needs,
    all: &mut Vec<String>,
) -> Result<Vec<Manifests>, Refusal> {
    let mut found: Vec<Manifests> = Vec::new();
    let stays = |index: usize| moved.iter().all(|copy| copy.index != index);
    for path in &needs.reads {
        let (origin, is_directory) = match view.provided(path) {
            Provided::File(origin) => (origin, false),
            Provided::Directory(origin) => (origin, true),
            _ => continue,
        };
        if origin.copy != copy.index {
            continue;
        }
        if let Provided::File(other) | Provided::Directory(other) = view.provided_by(path, stays) {
            let staying = view.copies.iter().find(|copy| copy.index == other.copy);
            if other.path == origin.path && staying.is_some_and(|staying| staying.flags == copy.flags) {
                continue;
            }
        }
        let linked = view.is_behind_link(&origin.path);
        let (source, destination) = copy.written(path, is_directory).filter(|_| !linked).ok_or_else(|| {
            (format!("a COPY of `{}` alone would not bring the same", origin.path), "a plain file with a plain name")
        })?;
        all.push(origin.path);
        match found.iter_mut().find(|manifests| manifests.destination == destination && !is_directory) {
            Some(manifests) => manifests.sources.push(source),
            None => found.push(Manifests { sources: vec![source], destination }),
        }
    }
    Ok(found)
}

/// Checks that the manifests are what the build context says: no RUN in between changes them.
fn are_unchanged(
    model: &Model<'_>,
    before: &[Rest],
    run: usize,
    view: &View<'_>,
    first_moved: usize,
    needs: &Needs,
) -> Result<(), Refusal> {
    for path in &needs.reads {
        let (Provided::File(origin) | Provided::Directory(origin)) = view.provided(path) else { continue };
        let changes = |access: &Access| access.why_opaque().is_some() || access.may_write(path);
        let runs = (origin.copy + 1..run).filter(|index| model.is_run(*index) && origin.copy < first_moved);
        if let Some(changed) = runs.into_iter().find(|index| changes(&before[*index].access)) {
            let line = model.lines.line(model.instruction(changed).span.start);
            return Err((format!("line {line} may change `{path}`"), "nothing"));
        }
    }
    Ok(())
}
