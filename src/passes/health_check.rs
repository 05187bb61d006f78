//! A health check whose program is not in the image is pointed out.
//!
//! ## What it does
//! It says where a HEALTHCHECK, of the file or of a compose file, asks with a program that neither the base image is known to have nor a RUN
//! brings, and what of the image can ask in its place: the interpreter, or wget of busybox. No health check is invented.
//!
//! ## Why
//! Such a check always fails: the container is unhealthy for ever, or is killed and started again.
//!
//! ## Level
//! Proposal: the tables list programs that are in an image for sure, not all of them.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! Dockerfile reference, HEALTHCHECK; compose, `healthcheck`; `rewrites/programs.yaml`.

use super::{Pass, PassContext, PassInfo};
use crate::model::{Base, Model, Stage};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::syntax::ast::InstructionKind;
use crate::tables;

/// See the module documentation.
#[derive(Debug)]
pub struct HealthCheck;

static INFO: PassInfo = PassInfo {
    name: "health-check",
    summary: "a health check whose program is not in the image is pointed out",
    docs: include_str!("health_check.rs"),
    max_level: Level::Proposal,
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
            found.rewrites.extend(proposal(model, stage, index, "the health check", &text));
        }
        if let Some((index, place, text)) = of_compose {
            found.rewrites.extend(proposal(model, stage, index, &format!("the health check of {place}"), &text));
        }
    }
}

fn proposal(model: &Model<'_>, stage: &Stage, index: usize, what: &str, text: &str) -> Option<Rewrite> {
    let image = stage.image.as_deref().filter(|_| !stage.image_by_argument)?;
    let asker = text
        .split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '[' | ']' | ',' | '('))
        .find(|word| tables::programs().is_asker(word))?;
    if image.programs.contains(asker) || is_brought(model, stage, asker) {
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

/// Whether an instruction names the program, or may bring it unseen.
fn is_brought(model: &Model<'_>, stage: &Stage, program: &str) -> bool {
    let mut family = vec![stage];
    while let Base::Stage(parent) = family[family.len() - 1].base {
        family.push(&model.stages[parent]);
    }
    family.into_iter().flat_map(|stage| stage.instructions.clone()).any(|index| match &model.instruction(index).kind {
        InstructionKind::Run(_) => {
            let text = model.body(index).map_or("", |body| body.text.text.as_str());
            model.body(index).is_none_or(|body| body.understood().is_none()) || text.contains(program)
        }
        InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => {
            let to = &transfer.destination.text;
            to == "/" || to.contains("bin") || transfer.sources.iter().any(|source| source.text.contains(program))
        }
        _ => false,
    })
}
