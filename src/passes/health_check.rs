//! A health check asks with a program that is in the image.
//!
//! ## What it does
//! `HEALTHCHECK CMD curl -f http://localhost:8000/ || exit 1` asks with Python, Ruby, Node.js or wget of busybox where the base image surely
//! lacks curl and no instruction brings it. Where that is not sure, and in compose files, it says so. No health check is invented.
//!
//! ## Why
//! Such a check always fails: the container is unhealthy for ever, or is killed and started again.
//!
//! ## Level
//! Guarded where the image surely lacks the program and the check asks a plain URL of the container; it fails from status 400 on, as
//! `curl --fail` does. Else a proposal: the tables list programs that are in an image for sure, not all of them.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! Dockerfile reference, HEALTHCHECK; compose, `healthcheck`; `rewrites/programs.yaml`.

use super::{Pass, PassContext, PassInfo};
use crate::model::health::BetterCheck;
use crate::model::{Model, Stage};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::syntax::ast::InstructionKind;
use crate::tables;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct HealthCheck;

static INFO: PassInfo = PassInfo {
    name: "health-check",
    summary: "a health check asks with a program that is in the image",
    docs: include_str!("health_check.rs"),
    max_level: Level::Guarded,
};

impl Pass for HealthCheck {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        let Some(stage) = model.final_stage() else { return };
        let of_file = stage.instructions.clone().rev().find_map(|index| match &model.instruction(index).kind {
            InstructionKind::Healthcheck(_) => Some((index, model.instruction(index).span.of(model.source).to_owned())),
            _ => None,
        });
        let of_compose = model.context.services().iter().find_map(|service| {
            Some((stage.from, format!("{} (service `{}`)", service.file, service.name), service.health_check.clone()?))
        });
        if let Some((index, text)) = of_file {
            match model.better_check(stage, index) {
                Ok(Some(better)) => found.push(rewrite(model, index, better)),
                Ok(None) => found.rewrites.extend(proposal(model, stage, index, "the health check", &text)),
                Err((reason, unlock)) => {
                    found.decline(model.instruction(index).span, reason, unlock);
                    found.rewrites.extend(proposal(model, stage, index, "the health check", &text));
                }
            }
        }
        if let Some((index, place, text)) = of_compose {
            found.rewrites.extend(proposal(model, stage, index, &format!("the health check of {place}"), &text));
        }
    }
}

fn rewrite(model: &Model<'_>, index: usize, better: BetterCheck) -> Rewrite {
    let BetterCheck { asker, shown, evidence, .. } = &better;
    let message = format!("the health check asks with `{shown}` in place of `{asker}`: {evidence}");
    let reason = "a check that cannot run fails for ever: the container is unhealthy, or is started again and again";
    Rewrite::new(Level::Guarded, model.instruction(index).span, message, reason)
        .edit(better.edit)
        .step(Step::AskOtherwise { instruction: index })
        .migrate("the health check can succeed now: what waits for a healthy container goes on, what replaces unhealthy ones stops")
}

fn proposal(model: &Model<'_>, stage: &Stage, index: usize, what: &str, text: &str) -> Option<Rewrite> {
    let image = stage.image.as_deref().filter(|_| !stage.image_by_argument)?;
    let asker = text
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']' | ',' | '('))
        .find(|word| tables::programs().is_asker(word))?;
    if image.programs.contains(asker) || model.may_bring(stage, asker) {
        return None;
    }
    let url = text
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ']' | ','))
        .find(|word| word.starts_with("http") && !word.contains(['$', '`']))
        .unwrap_or("http://localhost:PORT/");
    let instead = tables::programs().question(|program| image.programs.contains(program), url);
    let instead = instead
        .map_or_else(|| "install it, or ask with the program itself".to_owned(), |with| format!("ask with `{with}`"));
    Some(Rewrite::new(
        Level::Proposal,
        model.instruction(index).span,
        format!("{what} runs `{asker}`, which the image is not known to have: {instead}"),
        "a check that cannot run fails for ever: the container is unhealthy, or is started again and again",
    ))
}
