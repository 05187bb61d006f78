//! The slim variant of a full base image, where it has everything that the image needs.
//!
//! ## What it does
//! `FROM python:3.12` becomes `FROM python:3.12-slim`, and `FROM eclipse-temurin:21-jdk` becomes `FROM eclipse-temurin:21-jre` where
//! nothing but `java` runs: the same version on the same release with the same configuration. What
//! the stage needs of the packages that only the full image has is installed, by the first install of the stage or by a new
//! RUN: a curl for the health check, git for code that starts it, certificates for https.
//!
//! ## Why
//! Full images carry compilers, headers, version control and image tools, which hardly any program uses when it runs. Nothing
//! else in a Dockerfile weighs as much.
//!
//! ## Level
//! Guarded. Declined is whatever may need more than can be seen: a command without a row in the table of needs, a script that
//! cannot be read, an unknown build context, a package that may have to be compiled, files of the system that another
//! stage takes, translations, manuals and other documentation, which slim images leave out. The whole swap is made or none of
//! it. Stages that are not shipped keep their image.
//!
//! ## Assumptions
//! Code that is not seen starts no program of the full image and loads no library of it; no image is built from this one
//! elsewhere; with a build argument in FROM, its default.
//!
//! ## References
//! The Dockerfiles of docker-library/buildpack-deps, docker-library/python and nodejs/docker-node; debuerreotype's
//! `.slimify-excludes`; PEP 600 (what wheels bring).

use super::{Pass, PassContext, PassInfo, text};
use crate::edit::Edit;
use crate::model::base::{self, InstallPlace, Slim};
use crate::model::{Model, Stage};
use crate::pipeline::BaseChoice;
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::syntax::ast::InstructionKind;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct SlimBase;

static INFO: PassInfo = PassInfo {
    name: "slim-base",
    summary: "the slim variant of a full base image, where it has everything that the image needs",
    docs: include_str!("slim_base.rs"),
    max_level: Level::Guarded,
};

impl Pass for SlimBase {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        if !matches!(cx.options.base, BaseChoice::Auto | BaseChoice::Slim) {
            return;
        }
        for stage in &cx.model.stages {
            match base::slim(cx.model, stage) {
                Ok(None) => {}
                Ok(Some(slim)) => found.rewrites.extend(rewrite(cx.model, stage, &slim)),
                Err(refusal) => found.decline(refusal.span, refusal.reason, refusal.unlock),
            }
        }
    }
}

fn rewrite(model: &Model<'_>, stage: &Stage, slim: &Slim) -> Option<Rewrite> {
    let from = model.instruction(stage.from);
    let InstructionKind::From(parts) = &from.kind else { return None };
    let mut message = format!("becomes `{}`", slim.reference);
    if !slim.packages.is_empty() {
        let packages: Vec<String> = slim.packages.iter().map(|package| format!("`{package}`")).collect();
        message.push_str(&format!(", with {}", packages.join(", ")));
    }
    let mut rewrite = Rewrite::new(Level::Guarded, from.span, message, reason(slim))
        .edit(Edit::replace(parts.image.span, slim.reference.clone()))
        .step(Step::SwapBase { from: stage.from })
        .assume(unseen(slim))
        .assume(Assumption::assumed(AssumptionKind::NoChildImages));
    if slim.by_argument {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::DefaultBuildArguments));
    }
    if !slim.packages.is_empty() {
        rewrite = rewrite.edit(install(model, stage, slim)?);
    }
    Some(rewrite)
}

fn reason(slim: &Slim) -> String {
    let more = match (slim.is_documentation, slim.packages.is_empty()) {
        (true, _) => "the full image has manuals, translations and other documentation that nothing here reads",
        (false, true) => "the full image has compilers, headers and tools that nothing here uses",
        (false, false) => "the full image has compilers, headers and other tools that nothing here uses",
    };
    match slim.sizes {
        Some((full, small)) => {
            format!("{more}: a pull of the base transfers about {small:.0} MB in place of {full:.0} MB")
        }
        None => more.to_owned(),
    }
}

/// What is known of the code that was looked through.
fn unseen(slim: &Slim) -> Assumption {
    let kind = AssumptionKind::NoUnseenNeeds;
    let none = if slim.packages.is_empty() { "none" } else { "no other" };
    match slim.code {
        _ if slim.is_unseen => Assumption::assumed(kind),
        0 => Assumption::proved(kind, "no code is copied into the image"),
        1 => Assumption::proved(kind, format!("the one file of code names {none}")),
        n => Assumption::proved(kind, format!("{n} files of code name {none}")),
    }
}

/// The edit that installs the packages.
fn install(model: &Model<'_>, stage: &Stage, slim: &Slim) -> Option<Edit> {
    let line_end = if model.source.contains("\r\n") { "\r\n" } else { "\n" };
    match slim.place {
        InstallPlace::NewRun => {
            let joint = format!(" {}{line_end}    && ", model.dockerfile.escape);
            let commands = base::install_commands(&slim.packages).join(&joint);
            let end = model.instruction(stage.from).span.end;
            Some(Edit::insert(end, format!("{line_end}RUN {commands}")))
        }
        InstallPlace::Install { run, command } => {
            let calls = model.calls(run);
            let call = calls.iter().find(|call| call.id == command)?;
            let end = model.script_span(run, call.command.words.last()?.span).end;
            let separator = text::word_separator(model, run, call);
            let words: String = slim.packages.iter().map(|package| format!("{separator}{package}")).collect();
            Some(Edit::insert(end, words))
        }
    }
}
