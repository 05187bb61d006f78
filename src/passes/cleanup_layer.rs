//! Files are deleted in the layer that makes them.
//!
//! ## What it does
//! - A RUN that fetches an archive becomes one RUN with those below it, up to the one that deletes the archive.
//! - A RUN that only deletes a fetched file moves to the end of the RUN that fetches it, where nothing between them could
//!   tell the difference.
//! - A RUN that only deletes package lists and caches goes when they are gone already, because the RUNs that fill them
//!   clean up themselves.
//!
//! ## Why
//! A layer keeps its files whatever later layers delete: the image is as large as before, and the deletion is one more layer.
//!
//! ## Level
//! Safe; guarded where a deletion moves over a command whose effects are a row of the table, or a build argument chooses
//! the base image.
//!
//! ## Assumptions
//! What a command writes where the table bounds it.
//!
//! RUNs are merged for this reason only: they stand one behind the other, are `&&` lists with the same flags, and none leaves
//! anything behind in its shell. Nothing is done in stages that are not shipped, because nothing would be saved.
//!
//! ## References
//! Docker's build best practices, "RUN"; OCI image specification, layers and whiteouts.

use super::{Pass, PassContext, PassInfo, text};
use crate::edit::Edit;
use crate::model::chain::Chain;
use crate::model::{Model, Stage, idle, packages};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct CleanupLayer;

static INFO: PassInfo = PassInfo {
    name: "cleanup-layer",
    summary: "files are deleted in the layer that makes them",
    docs: include_str!("cleanup_layer.rs"),
    max_level: Level::Guarded,
};

const REASON: &str = "a layer keeps its files whatever later layers delete";

impl Pass for CleanupLayer {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        for stage in cx.model.stages.iter().filter(|stage| cx.model.is_shipped(stage)) {
            for run in stage.instructions.clone().filter(|index| cx.model.is_run(*index)) {
                examine(cx.model, stage, run, found);
            }
        }
    }
}

fn examine(model: &Model<'_>, stage: &Stage, run: usize, found: &mut Findings) {
    if let Some(maker) = maker_of(model, run) {
        let moved = |reason| {
            moved(model, stage, maker, run).map_err(|other| if idle::only_deletes(model, run) { other } else { reason })
        };
        match merged(model, maker, run).or_else(moved) {
            Ok(rewrite) => found.push(rewrite),
            Err(reason) => {
                let unlock = "the removal in the RUN that fetches the file";
                found.decline(model.instruction(run).span, reason, unlock);
            }
        }
        return;
    }
    if !idle::only_deletes(model, run) {
        return;
    }
    match idle::is_idle(model, run) {
        Ok(()) => {
            let rewrite = Rewrite::new(
                Level::Safe,
                model.instruction(run).span,
                "goes: what it deletes is gone already",
                "the RUNs that fill these places empty them, and a later layer could not make the image smaller",
            );
            let edit = Edit::delete(text::whole_lines(model, run));
            found.push(rewrite.edit(edit).step(Step::DropIdle { run }));
        }
        Err(reason) => {
            found.decline(model.instruction(run).span, reason, "the deletion in the RUN that makes the files");
        }
    }
}

/// The earlier RUN that fetches a file which this one removes, unless that is this one.
fn maker_of(model: &Model<'_>, run: usize) -> Option<usize> {
    let calls = model.calls(run);
    let removals = calls.iter().filter(|call| call.program() == "rm");
    let mut paths = removals.flat_map(|call| model.paths(run, call)).flatten();
    paths.find_map(|path| idle::fetched_by(model, run, &path))
}

/// The RUNs from the one that fetches to the one that removes become one.
fn merged(model: &Model<'_>, maker: usize, run: usize) -> Result<Rewrite, String> {
    if let Some(between) = (maker + 1..run).find(|index| !model.is_run(*index)) {
        let line = model.lines.line(model.instruction(between).span.start);
        return Err(format!("line {line} stands between the RUN that fetches a file and this one, which removes it"));
    }
    for second in maker + 1..=run {
        packages::may_merge(model, second - 1, second)?;
    }
    let span = model.instruction(maker).span.to(model.instruction(run).span);
    let message = format!("becomes one RUN with those below, up to line {}", line_of(model, run));
    let rewrite = Rewrite::new(Level::Safe, span, message, format!("it fetches what that line removes, and {REASON}"));
    text::merge(model, maker, run, rewrite).ok_or_else(|| "one of the RUNs is empty".to_owned())
}

/// The RUN, which only removes files, moves to the end of the one that fetches them.
fn moved(model: &Model<'_>, stage: &Stage, maker: usize, run: usize) -> Result<Rewrite, String> {
    let is_assumed = idle::may_delete_earlier(model, maker, run)?;
    let unread = || "one of the RUNs is no plain list".to_owned();
    let body = model.body(maker).and_then(|body| body.understood()).ok_or_else(unread)?;
    let chain = Chain::of(body).ok_or_else(unread)?;
    if text::has_comment_line(model.source, model.instruction(run).span) {
        return Err("a comment stands within the RUN".to_owned());
    }
    let escape = model.dockerfile.escape;
    let command = model.instruction(run).arguments.of(model.source);
    let lines: Vec<&str> = command.lines().map(|line| line.trim().trim_end_matches(escape).trim_end()).collect();
    let rewrite = Rewrite::new(
        Level::Safe,
        model.instruction(run).span,
        format!("moves to the end of line {}, which fetches what it removes", line_of(model, maker)),
        REASON,
    );
    let mut rewrite = rewrite
        .edit(text::append(model, maker, &chain, chain.elements.len() - 1, &lines.join(" ")))
        .edit(Edit::delete(text::whole_lines(model, run)))
        .step(Step::MoveDeleteToMaker { maker, run });
    if is_assumed {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::TableBounds));
    }
    if stage.image_by_argument {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::DefaultBuildArguments));
    }
    Ok(rewrite)
}

fn line_of(model: &Model<'_>, index: usize) -> usize {
    model.lines.line(model.instruction(index).span.start)
}
