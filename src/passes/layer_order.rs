//! Installs that do not need the sources move above the instruction that copies them.
//!
//! ## What it does
//! Moves a RUN that installs packages, downloads tools or creates users from below a `COPY . .` to above it.
//!
//! ## Why
//! A change of any copied file repeats every instruction below the COPY. What does not depend on the files is installed again
//! and again.
//!
//! ## Level
//! Guarded: that the command reads and writes no more than its row says is an assumption. The RUN moves over instructions
//! only that neither write what it reads nor read what it writes, down to single directories, variables, user and working
//! directory. A RUN with a command of which that is not known stays where it is. Comments move with their instruction. In
//! a file with ONBUILD nothing moves. ENV, ARG and WORKDIR that the RUN runs with move along where they can; a WORKDIR then makes the
//! directory that the COPY made, with the mode 0755.
//!
//! ## Assumptions
//! The package manager's command writes where its table row says; build arguments have their defaults, when one of them
//! names the base image.
//!
//! ## References
//! Docker's build cache documentation, "Order your layers"; Dockerfile reference, `RUN`, "Cache invalidation for RUN
//! instructions".

use super::text::{self, Block};
use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::access::{self, Access};
use crate::model::call::Call;
use crate::model::{Model, Stage, packages};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::source::Span;
use crate::syntax::ast::{Instruction, InstructionKind};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct LayerOrder;

static INFO: PassInfo = PassInfo {
    name: "layer-order",
    summary: "installs that need no sources stand above the COPY of the sources",
    docs: include_str!("layer_order.rs"),
    max_level: Level::Guarded,
};

/// A RUN does not move over more instructions than this.
const MAX_CROSSED: usize = 40;

impl Pass for LayerOrder {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        if !model.stages.iter().any(|stage| has_install_below_sources(model, stage)) {
            return;
        }
        if let Some(trigger) = model.dockerfile.instructions.iter().find(|instruction| is_trigger(instruction)) {
            found.decline(trigger.span, "the file has ONBUILD: its order matters to builds elsewhere", "nothing");
            return;
        }
        let accesses = model.accesses();
        for stage in &model.stages {
            reorder(model, stage, accesses, found);
        }
    }
}

const fn is_trigger(instruction: &Instruction) -> bool {
    matches!(instruction.kind, InstructionKind::Onbuild(_))
}

/// Whether there is anything to look at: a RUN that calls an installer behind a broad copy.
fn has_install_below_sources(model: &Model<'_>, stage: &Stage) -> bool {
    let mut instructions = stage.instructions.clone();
    instructions.any(|index| is_broad(model.instruction(index))) && instructions.any(|index| model.is_run(index))
}

/// Whether the instruction copies whole directories of the build context.
fn is_broad(instruction: &Instruction) -> bool {
    let (InstructionKind::Copy(transfer) | InstructionKind::Add(transfer)) = &instruction.kind else { return false };
    let is_broad = |path: &str| matches!(path, "." | "./" | "/" | "*" | "./*") || path.ends_with('/');
    instruction.flag("from").is_none() && transfer.sources.iter().any(|source| is_broad(&source.text))
}

/// A RUN that moves, or a setting for one.
struct Move {
    run: usize,
    /// The instruction that it then stands above.
    above: usize,
    steps: Vec<Step>,
}

impl Move {
    /// From one place of the order to one further up.
    fn of(order: &[usize], at: usize, to: usize) -> Self {
        let run = order[at];
        let steps = order[to..at].iter().rev().map(|first| Step::Commute { first: *first, second: run });
        Self { run, above: order[to], steps: steps.collect() }
    }
}

fn reorder(model: &Model<'_>, stage: &Stage, accesses: &[Access], found: &mut Findings) {
    // The order in the course of the moves.
    let mut order: Vec<usize> = stage.instructions.clone().collect();
    let mut moves: Vec<Move> = Vec::new();
    for run in stage.instructions.clone().filter(|index| model.is_run(*index)) {
        let access = &accesses[run];
        let Some(at) = order.iter().position(|index| *index == run) else { continue };
        if !order[..at].iter().any(|index| is_broad(model.instruction(*index))) {
            continue;
        }
        if let Some(reason) = access.why_opaque() {
            if installs(model, run) {
                let unlock = "a command of which the tables know what it reads and writes";
                found.decline(model.instruction(run).span, reason, unlock);
            }
            continue;
        }
        if !access.is_assumed() || access.reads_context() {
            continue;
        }
        let planned = plan(model, accesses, &order, at)
            .map(|to| vec![(at, to)])
            .or_else(|refusal| with_settings(model, accesses, &order, at, refusal.0).ok_or(refusal));
        match planned {
            Ok(planned) => {
                for (at, to) in planned {
                    moves.push(Move::of(&order, at, to));
                    order[to..=at].rotate_right(1);
                }
            }
            Err((crossed, reason)) => {
                let line = model.lines.line(model.instruction(crossed).span.start);
                let unlock = unlock(model, crossed, line);
                let reason = format!("it cannot move above line {line}: {reason}");
                found.decline(model.instruction(run).span, reason, unlock);
            }
        }
    }
    let (Some(first), Some(last)) = (moves.first(), moves.last()) else { return };
    let first_run = moves.iter().find(|moved| model.is_run(moved.run)).unwrap_or(first);
    let span = model.instruction(first_run.run).span;
    if moves.iter().any(|moved| leaves_lists(model, moved.run))
        && let Err(reason) = packages::lists_are_not_read_after(model, last.run)
    {
        // It would go on with the lists of the day when the layer was built.
        let unlock = "`apt-get update` in the RUN that installs, and the lists removed behind it";
        found.decline(span, format!("the package lists would grow old: {reason}"), unlock);
        return;
    }
    match rewrite(model, stage, &moves) {
        Some(rewrite) => found.push(rewrite),
        None => found.decline(span, "comments stand apart from the RUN", "comments right above their instruction"),
    }
}

/// What would let a RUN move above an instruction.
fn unlock(model: &Model<'_>, crossed: usize, line: usize) -> String {
    match &model.instruction(crossed).kind {
        InstructionKind::Copy(_) | InstructionKind::Add(_) => {
            format!("a COPY of only the files that the RUN reads, above line {line}; none, if it reads none")
        }
        InstructionKind::Env(_) | InstructionKind::Arg(_) => {
            format!("line {line} below the RUN, if its commands do not read the variable")
        }
        InstructionKind::Run(_) => {
            format!(
                "commands in line {line} of which the tables know what they read and write, and that leave this place alone"
            )
        }
        InstructionKind::User(_) | InstructionKind::Workdir(_) | InstructionKind::Shell(_) => {
            format!("the RUN above line {line}, with absolute paths, if it runs there as well")
        }
        _ => "the RUN right below FROM, if it needs nothing of what stands between".to_owned(),
    }
}

/// Whether the RUN refreshes package lists and keeps them.
fn leaves_lists(model: &Model<'_>, run: usize) -> bool {
    let calls = model.calls(run);
    let refreshes = |call: &Call<'_>| {
        packages::is_update(call) || call.program() == "apk" && call.option(&["--update-cache"]).is_some()
    };
    let removes = |call: &Call<'_>| {
        call.program() == "rm" && (call.has_word_with("/var/lib/apt/lists") || call.has_word_with("/var/cache/apk"))
    };
    calls.iter().any(refreshes) && !calls.iter().any(removes)
}

/// Whether the RUN calls a program that installs something, so that it is worth saying why it stays.
fn installs(model: &Model<'_>, run: usize) -> bool {
    model.calls(run).iter().any(|call| {
        call.is_apt() && call.subcommand() == Some("install")
            || call.program() == "apk" && call.subcommand() == Some("add")
    })
}

/// Where in the order the RUN may stand: above the first copy from the build context that it can reach, if a broad one lies
/// between.
///
/// # Errors
/// The instruction that it cannot cross, and why.
fn plan(model: &Model<'_>, accesses: &[Access], order: &[usize], at: usize) -> Result<usize, (usize, String)> {
    let mut target = None;
    let mut crosses_sources = false;
    for to in (0..at).rev().take(MAX_CROSSED) {
        let index = order[to];
        if let Err(reason) = access::commute(&accesses[index], &accesses[order[at]]) {
            return target.filter(|_| crosses_sources).ok_or((index, reason));
        }
        let instruction = model.instruction(index);
        if accesses[index].reads_context() && !model.is_run(index) {
            crosses_sources |= is_broad(instruction);
            target = Some(to);
        }
    }
    target.filter(|_| crosses_sources).ok_or_else(|| (order[at], "too much lies between".to_owned()))
}

/// More settings than this do not move for one RUN.
const MAX_SETTINGS: usize = 6;

/// The moves of a RUN that cannot cross settings, which move above the copies too, in their order, and stay above it.
fn with_settings(
    model: &Model<'_>,
    accesses: &[Access],
    order: &[usize],
    at: usize,
    crossed: usize,
) -> Option<Vec<(usize, usize)>> {
    let mut settings = vec![crossed];
    for _ in 0..MAX_SETTINGS {
        let mut order = order.to_vec();
        let mut planned = Vec::new();
        for setting in &settings {
            let (from, to) = setting_place(model, accesses, &order[..at], *setting)?;
            planned.push((from, to));
            order[to..=from].rotate_right(1);
        }
        match plan(model, accesses, &order, at) {
            Ok(to) => {
                planned.push((at, to));
                return Some(planned);
            }
            Err((next, _)) => settings.push(next),
        }
        settings.sort_unstable();
        settings.dedup();
    }
    None
}

/// Where a setting stands in the order, and where it may stand: above a broad copy.
fn setting_place(model: &Model<'_>, accesses: &[Access], order: &[usize], setting: usize) -> Option<(usize, usize)> {
    if !matches!(
        model.instruction(setting).kind,
        InstructionKind::Workdir(_) | InstructionKind::Env(_) | InstructionKind::Arg(_)
    ) {
        return None;
    }
    let from = order.iter().position(|index| *index == setting)?;
    // A RUN that a variable passes would run again whenever its value changes.
    let is_passed = |index: usize| {
        !model.is_run(index)
            && (access::commute(&accesses[index], &accesses[setting]).is_ok()
                || access::workdir_before_copy(model, index, setting).is_ok())
    };
    let reached = (0..from).rev().take(MAX_CROSSED).take_while(|to| is_passed(order[*to]));
    let to = reached.filter(|to| is_broad(model.instruction(order[*to]))).last()?;
    Some((from, to))
}

/// All moves of a stage as one rewrite.
fn rewrite(model: &Model<'_>, stage: &Stage, moves: &[Move]) -> Option<Rewrite> {
    let mut runs = moves.iter().filter(|moved| model.is_run(moved.run));
    let first = runs.next()?;
    let line = model.lines.line(model.instruction(first.above).span.start);
    let mut rewrite = Rewrite::new(
        Level::Guarded,
        model.instruction(first.run).span,
        format!("moves above line {line}, which copies the sources"),
        "a change of the sources does not repeat it",
    )
    .assume(Assumption::assumed(AssumptionKind::TableBounds));
    if stage.image_by_argument {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::DefaultBuildArguments));
    }
    let mut texts: Vec<(usize, String)> = Vec::new();
    for group in groups(model, moves)? {
        let text = format!("{}{}", group.lines.of(model.source), group.blank_line);
        rewrite = rewrite.edit(Edit::delete(group.removed));
        match texts.iter_mut().find(|(to, _)| *to == group.to) {
            Some((_, before)) => before.push_str(&text),
            None => texts.push((group.to, text)),
        }
    }
    for (to, text) in texts {
        rewrite = rewrite.edit(Edit::insert(to, text));
    }
    rewrite.steps = moves.iter().flat_map(|moved| moved.steps.iter().cloned()).collect();
    let more = runs.count();
    if more > 0 {
        rewrite.message = format!("{} RUN instructions move above the COPY of the sources", more + 1);
    }
    let settings = moves.iter().filter(|moved| !model.is_run(moved.run));
    let settings: Vec<&str> = settings.map(|moved| model.instruction(moved.run).keyword.of(model.source)).collect();
    if !settings.is_empty() {
        rewrite.message.push_str(&format!(", with the {} that it runs with", settings.join(" and ")));
    }
    Some(rewrite)
}

/// Instructions that move together.
struct Group {
    /// The lines, from the first comment to the last line end.
    lines: Span,
    /// The lines, and the blank lines before them when there are some behind too.
    removed: Span,
    /// The line end of a blank line, if one stands before the lines.
    blank_line: &'static str,
    /// Where they are put.
    to: usize,
}

/// The moves with neighbours put together. `None` where comments do not tell what they are about.
fn groups(model: &Model<'_>, moves: &[Move]) -> Option<Vec<Group>> {
    let line_end = text::line_end(model);
    let mut groups: Vec<Group> = Vec::new();
    for moved in moves {
        let block = Block::of(model, moved.run)?;
        let to = Block::of(model, moved.above)?.lines.start;
        match groups.last_mut().filter(|group| group.lines.end == block.with_blanks.start && group.to == to) {
            Some(group) => {
                group.lines = group.lines.to(block.lines);
                group.removed = group.removed.to(block.lines);
            }
            None => {
                let is_apart = block.with_blanks.start < block.lines.start;
                let blank_line = if is_apart { line_end } else { "" };
                groups.push(Group { lines: block.lines, removed: block.with_blanks, blank_line, to });
            }
        }
    }
    for group in &mut groups {
        let behind = model.source[group.lines.end..].lines().next().unwrap_or_default();
        if !behind.trim().is_empty() {
            group.removed = group.lines;
        }
    }
    Some(groups)
}
