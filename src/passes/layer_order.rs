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
//! a file with ONBUILD nothing moves.
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

/// A RUN that moves.
struct Move {
    run: usize,
    /// The instruction that it then stands above.
    above: usize,
    steps: Vec<Step>,
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
        match plan(model, accesses, &order, at) {
            Ok(to) => {
                let above = order[to];
                let steps = order[to..at].iter().rev().map(|first| Step::Commute { first: *first, second: run });
                moves.push(Move { run, above, steps: steps.collect() });
                order[to..=at].rotate_right(1);
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
    let span = model.instruction(first.run).span;
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

/// All moves of a stage as one rewrite.
fn rewrite(model: &Model<'_>, stage: &Stage, moves: &[Move]) -> Option<Rewrite> {
    let first = moves.first()?;
    let lines: Vec<String> =
        moves.iter().map(|moved| model.lines.line(model.instruction(moved.above).span.start).to_string()).collect();
    let mut rewrite = Rewrite::new(
        Level::Guarded,
        model.instruction(first.run).span,
        format!("moves above line {}, which copies the sources", lines[0]),
        "a change of the sources does not repeat it",
    )
    .assume(Assumption::assumed(AssumptionKind::TableBounds));
    if stage.image_by_argument {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::DefaultBuildArguments));
    }
    for group in groups(model, moves)? {
        let text = format!("{}{}", group.lines.of(model.source), group.blank_line);
        rewrite = rewrite.edit(Edit::delete(group.removed)).edit(Edit::insert(group.to, text));
    }
    rewrite.steps = moves.iter().flat_map(|moved| moved.steps.iter().cloned()).collect();
    if moves.len() > 1 {
        rewrite.message = format!("{} RUN instructions move above the COPY of the sources", moves.len());
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
    // Two groups at one place would be put there in no order.
    let is_ordered = groups.windows(2).all(|pair| pair[0].to != pair[1].to);
    is_ordered.then_some(groups)
}
