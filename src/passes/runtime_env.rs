//! Variables that are set for nothing go, and one that keeps a mounted cache empty is unset for the command.
//!
//! ## What it does
//! - A variable with the value that the interpreter has anyway goes: `ENV PYTHONHASHSEED=random`.
//! - A command with a cache mount runs with `env -u PIP_NO_CACHE_DIR` where that variable keeps the cache empty.
//! - `PYTHONUNBUFFERED` and `NODE_ENV` are proposed where the last stage starts a program and does not set them.
//!
//! ## Why
//! A setting without effect is one more thing to wonder about. A cache mount that a variable defeats is empty at every build.
//!
//! ## Level
//! Guarded: images built from this one inherit its variables. Whatever is added is a proposal, because it changes what programs do. A variable
//! stays that hides another value, that something else names, or that another interpreter may read.
//!
//! ## Assumptions
//! No image outside this repository is built from this one, for a variable that goes.
//!
//! ## References
//! docs.python.org, "Command line and environment"; pip, "Configuration"; env(1).

use super::text::{self, Block};
use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::{Model, variables};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::source::Span;
use crate::syntax::ast::InstructionKind;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct RuntimeEnv;

static INFO: PassInfo = PassInfo {
    name: "runtime-env",
    summary: "variables that are set for nothing go, and none keeps a mounted cache empty",
    docs: include_str!("runtime_env.rs"),
    max_level: Level::Guarded,
};

impl Pass for RuntimeEnv {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        for index in 0..model.dockerfile.instructions.len() {
            drop_idle(model, index, found);
            if model.is_run(index) {
                unset(model, index, found);
            }
        }
        for wish in variables::wishes(model) {
            let (name, value) = (&wish.setting.name, &wish.setting.value);
            found.push(Rewrite::new(
                Level::Proposal,
                model.instruction(wish.instruction).span,
                format!("`ENV {name}={value}` in the last stage, if that is wanted"),
                wish.setting.reason.clone(),
            ));
        }
    }
}

/// The first pair of an ENV without effect goes.
fn drop_idle(model: &Model<'_>, index: usize, found: &mut Findings) {
    let Some((at, idle)) = variables::idle_pairs(model, index).into_iter().next() else { return };
    let InstructionKind::Env(values) = &model.instruction(index).kind else { return };
    let name = &values.pairs[at].key.text;
    if let Err((reason, unlock)) = idle {
        found.decline(model.instruction(index).span, reason, unlock);
        return;
    }
    let span = |at: usize| values.pairs[at].key.span.to(values.pairs[at].value.span);
    let removed = if values.pairs.len() == 1 {
        let has_comment =
            Block::of(model, index).is_none_or(|block| model.source[block.lines.start..].trim_start().starts_with('#'));
        (!has_comment).then(|| text::whole_lines(model, index))
    } else {
        let removed =
            if at == 0 { Span::new(span(0).start, span(1).start) } else { Span::new(span(at - 1).end, span(at).end) };
        (!text::has_comment_line(model.source, removed)).then_some(removed)
    };
    let Some(removed) = removed else {
        found.decline(model.instruction(index).span, "a comment speaks of the setting", "remove both by hand");
        return;
    };
    found.push(
        Rewrite::new(
            Level::Guarded,
            span(at),
            format!("`{name}` goes: it has the value that is the default"),
            "a setting without effect is one more thing to wonder about",
        )
        .assume(Assumption::assumed(AssumptionKind::NoChildImages))
        .edit(Edit::delete(removed))
        .step(Step::DropSetting { instruction: index, at }),
    );
}

/// Commands whose mounted cache a variable keeps empty run without it.
fn unset(model: &Model<'_>, run: usize, found: &mut Findings) {
    for call in model.calls(run) {
        let Some(name) = variables::defeats_mount(model, run, &call) else { continue };
        let Some(first) = call.command.words.first() else { continue };
        let written = format!("env -u {name} ");
        found.push(
            Rewrite::new(
                Level::Guarded,
                model.script_span(run, call.span()),
                format!("runs with `{}`", written.trim_end()),
                format!("`{name}` is set, and keeps the cache empty that is mounted here"),
            )
            .edit(Edit::insert(model.script_span(run, first.span).start, written))
            .step(Step::UnsetForCommand { run, command: call.id }),
        );
    }
}
