//! A distroless image below one static program.
//!
//! ## What it does
//! `FROM debian:bookworm-slim` becomes `FROM gcr.io/distroless/static-debian13` in a last stage that only copies files and starts a
//! program that another stage built without C (`CGO_ENABLED=0 go build`). The image has certificates, time zones, `/tmp` and
//! the usual users, and neither shell nor package manager.
//!
//! ## Why
//! A static program uses nothing of a distribution, which has to be pulled, scanned and updated all the same.
//!
//! ## Level
//! Guarded. Declined where a command needs a shell, where a RUN, a volume, a health check or a user by name is in the stage, where
//! a compose file starts something else in the container, and where code starts other programs. The user stays the same.
//!
//! ## Assumptions
//! Nobody starts a shell in the container; no image is built from this one elsewhere; code that is not seen starts no
//! program.
//!
//! ## References
//! github.com/GoogleContainerTools/distroless, README and base/README; `go help environment` (CGO_ENABLED).

use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::bare::{self, Bare};
use crate::model::{Model, Stage};
use crate::pipeline::BaseChoice;
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::syntax::ast::InstructionKind;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct DistrolessBase;

static INFO: PassInfo = PassInfo {
    name: "distroless-base",
    summary: "a distroless image below one static program",
    docs: include_str!("distroless_base.rs"),
    max_level: Level::Guarded,
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
                Ok(None) => {}
                Ok(Some(bare)) => found.rewrites.extend(rewrite(cx.model, stage, &bare)),
                Err(refusal) => found.decline(refusal.span, refusal.reason, refusal.unlock),
            }
        }
    }
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
    Some(rewrite)
}
