//! The variant on Alpine of a base image, with the package lines, accounts and scripts that belong to it.
//!
//! ## What it does
//! `FROM python:3.12` becomes `FROM python:3.12-alpine`, in every stage that the last one has files from. `apt-get install` with its
//! flags and cleanups becomes `apk add --no-cache` with the names of Alpine, `groupadd` and `useradd` become `addgroup` and
//! `adduser` of busybox, and what Alpine lacks and the file needs is installed: bash for scripts that ask for it, time zones.
//! All of this is done or none of it.
//!
//! ## Why
//! An image on Alpine transfers a third to half of what the slim one does, and has fewer packages to update.
//!
//! ## Level
//! Breaking, always: another C library is visible at run time. Naming it (`--base alpine`) is the consent; otherwise, where
//! all guards hold, the swap is a proposal with its size. Declined is what is not known to run on musl: packages without a
//! binary for it by the lock file or the tables, programs that are downloaded or copied, commands and options that busybox
//! is not known to have, packages, paths, libraries and accounts without a counterpart.
//!
//! ## Assumptions
//! Code that is not seen needs nothing that goes; nobody needs the shell of Debian in the container; no image is built from
//! this one elsewhere; with a build argument in FROM, its default.
//!
//! ## References
//! wiki.musl-libc.org, "Functional differences from glibc"; busybox.net/downloads/BusyBox.html; PEP 656; apk-add(8).

use super::{Pass, PassContext, PassInfo, text};
use crate::edit::Edit;
use crate::model::Model;
use crate::model::alpine::{self, Alpine, CommandChange, RunChange};
use crate::model::call::Call;
use crate::model::chain::{Chain, Joint};
use crate::pipeline::BaseChoice;
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::source::Span;
use crate::syntax::ast::InstructionKind;
use crate::syntax::image::ImageReference;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct AlpineBase;

/// The name of the pass.
pub const NAME: &str = "alpine-base";

static INFO: PassInfo = PassInfo {
    name: NAME,
    summary: "the variant on Alpine of a base image, with the packages and accounts that belong to it",
    docs: include_str!("alpine_base.rs"),
    max_level: Level::Breaking,
};

impl Pass for AlpineBase {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let level = match cx.options.base {
            BaseChoice::Alpine => Level::Breaking,
            BaseChoice::Auto => Level::Proposal,
            BaseChoice::Keep | BaseChoice::Slim | BaseChoice::Distroless => return,
        };
        match alpine::alpine(cx.model) {
            Ok(None) => {}
            Ok(Some(plan)) if level == Level::Proposal && !is_worth_it(cx.model, &plan) => {}
            Ok(Some(plan)) => match rewrite(cx.model, &plan, level) {
                Some(rewrite) => found.push(rewrite),
                None if level == Level::Breaking => {
                    let span = cx.model.instruction(plan.stages[0].from).span;
                    found.decline(
                        span,
                        "a comment would be lost among the commands that change",
                        "comments above the RUN",
                    );
                }
                None => {}
            },
            // Nobody asked.
            Err(_) if level == Level::Proposal => {}
            Err(refusal) => found.decline(refusal.span, refusal.reason, refusal.unlock),
        }
    }
}

/// Less than this, in MB, is no reason to propose another image.
const LEAST_SAVED: f64 = 8.0;

/// Whether the swap saves something, and the project has nothing against the images.
fn is_worth_it(model: &Model<'_>, plan: &Alpine) -> bool {
    let is_allowed = |reference: &str| {
        reference.parse::<ImageReference>().map_or(true, |image| model.context.policy().objection(&image).is_none())
    };
    plan.sizes.is_some_and(|(old, new)| old - new >= LEAST_SAVED)
        && plan.stages.iter().all(|swapped| is_allowed(&swapped.reference))
}

fn rewrite(model: &Model<'_>, plan: &Alpine, level: Level) -> Option<Rewrite> {
    let last = plan.stages.last()?;
    let kind = AssumptionKind::NoUnseenNeeds;
    let unseen = match plan.code {
        _ if plan.is_unseen => Assumption::assumed(kind),
        0 => Assumption::proved(kind, "no code is copied into the image"),
        1 => Assumption::proved(kind, "the one file of code names none"),
        n => Assumption::proved(kind, format!("{n} files of code name none")),
    };
    let mut rewrite = Rewrite::new(level, model.instruction(last.from).span, message(plan), reason(plan))
        .step(Step::SwapForAlpine)
        .assume(unseen)
        .assume(Assumption::assumed(AssumptionKind::NoShellInContainer))
        .assume(Assumption::assumed(AssumptionKind::NoChildImages))
        .migrate("names are resolved by musl, which asks all servers at once and knows no nsswitch.conf; threads have a stack of 128 KiB");
    if plan.makes_accounts {
        rewrite = rewrite.migrate(
            "accounts and groups without a number in the file get another one: look at who owns the files in volumes",
        );
    }
    if plan.lacks_time_zones {
        rewrite = rewrite.migrate("a container that is started with TZ needs the package tzdata in the image");
    }
    if plan.by_argument {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::DefaultBuildArguments));
    }
    for swapped in &plan.stages {
        let from = model.instruction(swapped.from);
        let InstructionKind::From(parts) = &from.kind else { return None };
        rewrite = rewrite.edit(Edit::replace(parts.image.span, swapped.reference.clone()));
        if !swapped.packages.is_empty() {
            let install = alpine::install_command(&swapped.packages);
            rewrite = rewrite.edit(Edit::insert(from.span.end, format!("{}RUN {install}", text::line_end(model))));
        }
    }
    for change in &plan.runs {
        for edit in edits(model, change)? {
            rewrite = rewrite.edit(edit);
        }
    }
    Some(rewrite)
}

fn message(plan: &Alpine) -> String {
    let images: Vec<String> = plan.stages.iter().map(|swapped| format!("`{}`", swapped.reference)).collect();
    let also = if plan.runs.is_empty() { "" } else { ", with its package lines and accounts" };
    match images.as_slice() {
        [image] => format!("becomes {image}{also}"),
        images => format!("the stages become {}{also}", images.join(" and ")),
    }
}

fn reason(plan: &Alpine) -> String {
    match plan.sizes {
        Some((old, new)) => format!("a pull of the base transfers about {new:.0} MB in place of {old:.0} MB"),
        None => "an image on Alpine is smaller, and has fewer packages to update".to_owned(),
    }
}

/// The edits of a RUN. `None` when a comment would be lost.
pub(super) fn edits(model: &Model<'_>, change: &RunChange) -> Option<Vec<Edit>> {
    let run = change.run;
    if change.is_gone {
        let lines = text::whole_lines(model, run);
        return (!text::has_comment_line(model.source, lines)).then(|| vec![Edit::delete(lines)]);
    }
    let calls = model.calls(run);
    let chain = Chain::of(model.body(run)?.understood()?)?;
    let joined = if chain.joint == Joint::And { " && " } else { "; " };
    let mut edits = outs(model, change, &chain, &calls)?;
    for (id, change) in &change.commands {
        let call = calls.iter().find(|call| call.id == *id)?;
        match change {
            CommandChange::Out => {}
            CommandChange::Become(commands) => {
                let span = model.script_span(run, call.span());
                edits.push(Edit::replace(span, commands.join(joined)));
            }
            CommandChange::Without(words) => {
                for word in words {
                    let before = call.command.words.get(word.checked_sub(1)?)?.span;
                    edits.push(text::remove_word(model, run, before, call.command.words.get(*word)?.span)?);
                }
            }
            CommandChange::Install(words) => edits.extend(install(model, run, call, words)?),
        }
    }
    Some(edits)
}

/// The edits that take commands out of a chain, those that stand side by side in one.
fn outs(model: &Model<'_>, change: &RunChange, chain: &Chain<'_>, calls: &[Call<'_>]) -> Option<Vec<Edit>> {
    let is_out = |at: &usize| {
        let simple = chain.elements[*at].simple();
        let call = calls.iter().find(|call| simple.is_some_and(|simple| std::ptr::eq(simple, call.command)));
        let is_it = |(id, change): &(usize, CommandChange)| {
            call.is_some_and(|call| call.id == *id) && matches!(change, CommandChange::Out)
        };
        change.commands.iter().any(is_it)
    };
    let span = |at: usize| model.script_span(change.run, chain.elements[at].node.span);
    let count = chain.elements.len();
    // Those at the beginning go with the operator behind them, all others with the one before.
    let leading = (0..count).take_while(is_out).count();
    let mut removed: Vec<Span> = Vec::new();
    if leading > 0 {
        removed.push(Span::new(span(0).start, span(leading).start));
    }
    removed.extend((leading..count).filter(is_out).map(|at| Span::new(span(at - 1).end, span(at).end)));
    let is_plain = |removed: &Span| !text::has_comment_line(model.source, *removed);
    removed.iter().all(is_plain).then(|| removed.into_iter().map(Edit::delete).collect())
}

/// `apt-get install -y curl` becomes `apk add --no-cache curl`: the words of the packages stay where they are.
fn install(model: &Model<'_>, run: usize, call: &Call<'_>, words: &[(usize, Vec<String>)]) -> Option<Vec<Edit>> {
    let span = |at: usize| Some(model.script_span(run, call.command.words.get(at)?.span));
    let named = |at: usize| words.iter().any(|(word, _)| *word == at);
    let first = words.iter().map(|(word, _)| *word).min()?;
    let start = model.script_span(run, call.command.assignments.first().map_or(call.span(), |first| first.span)).start;
    let head = Span::new(start, span(first - 1)?.end);
    if text::has_comment_line(model.source, head) {
        return None;
    }
    let mut edits = vec![Edit::replace(head, "apk add --no-cache".to_owned())];
    for at in first..call.command.words.len() {
        let names = words.iter().find(|(word, _)| *word == at).map(|(_, names)| names.as_slice()).unwrap_or_default();
        match names {
            // An option behind the packages, or a package without a counterpart.
            [] => edits.push(text::remove_word(
                model,
                run,
                call.command.words.get(at - 1)?.span,
                call.command.words.get(at)?.span,
            )?),
            [name] if named(at) && span(at)?.of(model.source) == name => {}
            names => edits.push(Edit::replace(span(at)?, names.join(" "))),
        }
    }
    Some(edits)
}
