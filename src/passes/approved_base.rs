//! Base images that the project approves take the place of others.
//!
//! ## What it does
//! `FROM python:3.12` becomes `FROM registry.example.com/python:3.12`, as `bases:` in `imgopt.yaml` says: `replace` puts one
//! image in the place of another one, `mirrors` takes the same image from another registry. Accounts and packages get the names that the
//! row gives them (`users`, `packages`): in USER, `--chown`, `chown`, and in installs. From an image with apt to one on Alpine, package lines
//! and commands that make accounts are translated as `alpine-base` does, with the names of the row before those of the tables. `imgopt check`
//! takes an image that is to be replaced, that is not `allowed`, or that is no approved variant, for an error.
//!
//! ## Why
//! An organisation decides once which images it builds on, and where they come from.
//!
//! ## Level
//! Guarded: the line of the configuration is the consent. Breaking where the tables know that the C library, the shell or the user of
//! containers is another one.
//!
//! ## Assumptions
//! With accounts that are called otherwise: code that is not seen names none of them. Left alone is an image that is built of arguments, and what is known to fail: a RUN that asks a package manager for which there is no
//! translation, a package or an account without a counterpart, a shell form without a shell, a CMD that the other ENTRYPOINT takes for its
//! arguments. What the tables do not know of the replacement, rows of `tables: images:` say.
//!
//! ## References
//! `docs/configuration.md`, "Approved bases".

use super::{Pass, PassContext, PassInfo, alpine_base, text};
use crate::edit::Edit;
use crate::model::approved::{self, Approved, Place, Rename};
use crate::model::{Model, Stage, alpine};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::source::Span;
use crate::syntax::ast::InstructionKind;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct ApprovedBase;

static INFO: PassInfo = PassInfo {
    name: "approved-base",
    summary: "base images that imgopt.yaml approves take the place of others",
    docs: include_str!("approved_base.rs"),
    max_level: Level::Breaking,
};

impl Pass for ApprovedBase {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        for stage in &cx.model.stages {
            match approved::approved(cx.model, stage) {
                Ok(None) => {}
                Ok(Some(plan)) => match rewrite(cx.model, stage, &plan) {
                    Some(rewrite) => found.push(rewrite),
                    None => {
                        let reason = "a comment would be lost among the commands that change";
                        found.decline(cx.model.instruction(stage.from).span, reason, "comments above the RUN");
                    }
                },
                Err(refusal) => found.decline(refusal.span, refusal.reason, refusal.unlock),
            }
        }
    }
}

fn rewrite(model: &Model<'_>, stage: &Stage, plan: &Approved) -> Option<Rewrite> {
    let (span, text) = model.written_base(stage)?;
    let reason = match plan.mirrored {
        true => "imgopt.yaml names that mirror",
        false => "imgopt.yaml approves that image in its place",
    };
    let also = match plan.runs.is_empty() && plan.renames.is_empty() {
        true => "",
        false => ", with its names of packages and accounts",
    };
    let message = format!("use `{}` for `{text}`{also}", plan.reference);
    let mut rewrite = Rewrite::new(plan.level, span, message, reason)
        .edit(Edit::replace(span, plan.reference.clone()))
        .step(Step::ApprovedBase { from: stage.from, image: plan.reference.clone() });
    for migration in &plan.migrations {
        rewrite = rewrite.migrate(migration.clone());
    }
    if !plan.packages.is_empty() {
        let install = alpine::install_command(&plan.packages);
        let end = model.instruction(stage.from).span.end;
        rewrite = rewrite.edit(Edit::insert(end, format!("{}RUN {install}", text::line_end(model))));
    }
    for change in &plan.runs {
        for edit in alpine_base::edits(model, change)? {
            rewrite = rewrite.edit(edit);
        }
    }
    for rename in &plan.renames {
        rewrite = rewrite.edit(edit(model, plan, rename)?);
    }
    if plan.renames_accounts {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::NoUnseenNeeds));
    }
    Some(rewrite)
}

fn edit(model: &Model<'_>, plan: &Approved, rename: &Rename) -> Option<Edit> {
    let instruction = model.instruction(rename.instruction);
    let text = rename.names.join(" ");
    match rename.place {
        Place::User => match &instruction.kind {
            InstructionKind::User(word) => Some(Edit::replace(word.span, text)),
            _ => None,
        },
        Place::Chown => Some(Edit::replace(instruction.flag("chown")?.value_span?, text)),
        Place::Word { command, word } => {
            let calls = model.calls(rename.instruction);
            let words = &calls.iter().find(|call| call.id == command)?.command.words;
            let span = |at: usize| Some(model.script_span(rename.instruction, words.get(at)?.span));
            if !rename.names.is_empty() {
                return Some(Edit::replace(span(word)?, text));
            }
            // The first word of a line leaves the line to the next one, unless that goes as well.
            let is_broken = |from: Span, to: Span| Span::new(from.end, to.start).of(model.source).contains('\n');
            let also = Rename { place: Place::Word { command, word: word + 1 }, ..rename.clone() };
            let (before, here) = (span(word - 1)?, span(word)?);
            let is_first = is_broken(before, here) && !plan.renames.contains(&also);
            match span(word + 1).filter(|next| is_first && !is_broken(here, *next)) {
                Some(next) => Some(Edit::delete(Span::new(here.start, next.start))),
                None => text::remove_word(model, rename.instruction, words.get(word - 1)?.span, words.get(word)?.span),
            }
        }
    }
}
