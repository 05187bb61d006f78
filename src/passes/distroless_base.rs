//! A distroless image below one static program, or below files for an interpreter.
//!
//! ## What it does
//! `FROM debian:bookworm-slim` becomes `FROM gcr.io/distroless/static-debian13` in a last stage that only copies files and starts a
//! program that another stage built without C (`CGO_ENABLED=0 go build`, `cargo build --release --target
//! x86_64-unknown-linux-musl`). The image has certificates, time zones, `/tmp` and the usual users, and neither shell nor package
//! manager; a RUN that only installs such goes.
//!
//! With `--base distroless`, a last stage on an image for Node.js, Java or Python that only copies files and starts the interpreter gets
//! the distroless image with the same version of it, and CMD or ENTRYPOINT the words that this needs.
//!
//! ## Why
//! A static program uses nothing of a distribution, which has to be pulled, scanned and updated all the same. Files for an
//! interpreter use little of it.
//!
//! ## Level
//! Guarded for a static program; breaking for an interpreter, and a proposal where nobody asked for it. Declined where a
//! command needs a shell, where another RUN, a volume, a health check or a user by name is in the stage, where a compose file
//! starts something else in the container, where code starts other programs, and where no image has the version. The user
//! stays the same.
//!
//! ## Assumptions
//! Nobody starts a shell in the container; no image is built from this one elsewhere; code that is not seen starts no
//! program.
//!
//! ## References
//! github.com/GoogleContainerTools/distroless, README and base/README; `go help environment` (CGO_ENABLED); The rustc book,
//! "Codegen Options", crt-static.

use super::{Pass, PassContext, PassInfo, text};
use crate::edit::Edit;
use crate::model::bare::{self, Bare};
use crate::model::hosted::{self, Hosted};
use crate::model::{Model, Stage};
use crate::pipeline::BaseChoice;
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::syntax::ast::InstructionKind;
use crate::syntax::make;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct DistrolessBase;

/// The name of the pass.
pub const NAME: &str = "distroless-base";

static INFO: PassInfo = PassInfo {
    name: NAME,
    summary: "a distroless image below one static program, or below files for an interpreter",
    docs: include_str!("distroless_base.rs"),
    max_level: Level::Breaking,
};

impl Pass for DistrolessBase {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        if !matches!(cx.options.base, BaseChoice::Auto | BaseChoice::Distroless) {
            return;
        }
        for stage in &cx.model.stages {
            match bare::bare(cx.model, stage) {
                Ok(None) => interpreter(cx, stage, found),
                Ok(Some(bare)) => found.rewrites.extend(rewrite(cx.model, stage, &bare)),
                Err(refusal) => found.decline(refusal.span, refusal.reason, refusal.unlock),
            }
        }
    }
}

/// An image with an interpreter: written where it is asked for, else proposed.
fn interpreter(cx: &PassContext<'_>, stage: &Stage, found: &mut Findings) {
    let is_asked = cx.options.base == BaseChoice::Distroless;
    let level = if is_asked { Level::Breaking } else { Level::Proposal };
    match hosted::hosted(cx.model, stage) {
        Ok(Some(hosted)) => found.rewrites.extend(host(cx.model, stage, &hosted, level)),
        Err(refusal) if is_asked => found.decline(refusal.span, refusal.reason, refusal.unlock),
        Ok(None) | Err(_) => {}
    }
}

fn host(model: &Model<'_>, stage: &Stage, hosted: &Hosted, level: Level) -> Option<Rewrite> {
    let from = model.instruction(stage.from);
    let InstructionKind::From(parts) = &from.kind else { return None };
    let (index, argv) = &hosted.process;
    let process = model.instruction(*index);
    let new = make::exec(argv);
    let message = format!("becomes `{}`, which starts `{new}`", hosted.reference);
    let reason =
        "the same version of the interpreter, without shell, package manager and other programs of a distribution";
    let kind = AssumptionKind::NoUnseenNeeds;
    let unseen = match hosted.is_unseen {
        true => Assumption::assumed(kind),
        false => Assumption::proved(kind, format!("{} files of code start no program", hosted.code)),
    };
    let mut rewrite = Rewrite::new(level, from.span, message, reason)
        .edit(Edit::replace(parts.image.span, hosted.reference.clone()))
        .step(Step::SwapForInterpreter { from: stage.from })
        .assume(unseen)
        .assume(Assumption::assumed(AssumptionKind::NoShellInContainer))
        .assume(Assumption::assumed(AssumptionKind::NoChildImages))
        .migrate("there is no shell in the container: look at it with `docker debug` or an image with the tag `debug`");
    if process.arguments.of(model.source) != new {
        rewrite = rewrite.edit(Edit::replace(process.arguments, new));
    }
    without(model, &hosted.gone, rewrite)
}

/// Takes RUNs out. `None` when a comment would be lost.
fn without(model: &Model<'_>, gone: &[usize], rewrite: Rewrite) -> Option<Rewrite> {
    gone.iter().try_fold(rewrite, |rewrite, run| {
        let lines = text::whole_lines(model, *run);
        (!text::has_comment_line(model.source, lines)).then(|| rewrite.edit(Edit::delete(lines)))
    })
}

fn rewrite(model: &Model<'_>, stage: &Stage, bare: &Bare) -> Option<Rewrite> {
    let from = model.instruction(stage.from);
    let InstructionKind::From(parts) = &from.kind else { return None };
    let reason = format!(
        "the program is static ({}) and uses nothing of the distribution: {:.0} MB less to pull, and no shell or package manager in the image",
        bare.evidence, bare.megabytes
    );
    let kind = AssumptionKind::NoUnseenNeeds;
    let unseen = match bare.is_unseen {
        true => Assumption::assumed(kind),
        false if bare.code == 1 => Assumption::proved(kind, "the one file of code starts no program"),
        false => Assumption::proved(kind, format!("{} files of code start no program", bare.code)),
    };
    let rewrite = Rewrite::new(Level::Guarded, from.span, format!("becomes `{}`", bare.reference), reason)
        .edit(Edit::replace(parts.image.span, bare.reference.clone()))
        .step(Step::SwapForStatic { from: stage.from })
        .assume(unseen)
        .assume(Assumption::assumed(AssumptionKind::NoShellInContainer))
        .assume(Assumption::assumed(AssumptionKind::NoChildImages));
    without(model, &bare.gone, rewrite)
}
