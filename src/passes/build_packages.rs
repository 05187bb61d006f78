//! Packages that only the build needs leave the image in the RUN that needs them.
//!
//! ## What it does
//! Where the last stage installs compilers or packages with headers on a lean image, and one RUN needs them, that RUN removes them at its end
//! (`apt-get purge --auto-remove`, `apk del`). An install of its own joins the RUN that needs it. Libraries that compiled programs load are
//! named in the install, so that they stay. Packages for builds that no RUN needs are pointed out.
//!
//! ## Why
//! A compiler with its headers is some hundred megabytes that no container starts, and more than half of the known vulnerabilities of
//! an image. What is installed and removed in one RUN never gets into a layer.
//!
//! ## Level
//! Guarded. It is for files that cannot be split into stages (see `multi-stage`, which comes first). The build context is read: what a container
//! starts, and the sources, name no compiler, and no package that compiles when it runs. A library whose run-time package
//! is not known declines the rewrite, and so does a second RUN that may need the packages.
//!
//! ## Assumptions
//! Code that is not seen starts no compiler. The package manager's command writes where its row says.
//!
//! ## References
//! apt-get(8), `purge`, `autoremove`; apk-del(8); the Dockerfiles of docker-library, which remove what they build with.

use super::text::{self, Block};
use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::Model;
use crate::model::build_packages::{Finding, Plan, finding};
use crate::model::chain::Chain;
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::source::Span;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct BuildPackages;

static INFO: PassInfo = PassInfo {
    name: "build-packages",
    summary: "packages that only the build needs leave the image in the RUN that needs them",
    docs: include_str!("build_packages.rs"),
    max_level: Level::Guarded,
};

impl Pass for BuildPackages {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        match finding(model) {
            None => {}
            Some(Finding::Removed(plan)) => match rewrite(model, &plan) {
                Some(rewrite) => found.push(rewrite),
                None => {
                    let span = model.instruction(plan.install).span;
                    found.decline(
                        span,
                        "a comment stands within the RUN, or it is no plain list",
                        "the comment above the RUN",
                    );
                }
            },
            Some(Finding::Unused { install, packages }) => found.push(Rewrite::new(
                Level::Proposal,
                model.instruction(install).span,
                format!("nothing that is seen uses {}", listed(&packages)),
                "packages for builds are of no use to a program that is built already",
            )),
            Some(Finding::Kept { install, refusal: (reason, unlock) }) => {
                found.decline(model.instruction(install).span, reason, unlock);
            }
        }
    }
}

fn listed(packages: &[String]) -> String {
    packages.iter().map(|package| format!("`{package}`")).collect::<Vec<_>>().join(", ")
}

fn rewrite(model: &Model<'_>, plan: &Plan) -> Option<Rewrite> {
    let user = model.instruction(plan.user);
    let script = model.body(plan.user)?.understood().filter(|script| script.comments.is_empty())?;
    let chain = Chain::of(script)?;
    let install = model.calls(plan.install).into_iter().find(|call| call.id == plan.command)?;
    let last_word = model.script_span(plan.install, install.command.words.last()?.span).end;
    let separator = text::word_separator(model, plan.install, &install);
    let added: String = plan.added.iter().map(|package| format!("{separator}{package}")).collect();
    let mut message = format!("removes {} at its end", listed(&plan.dropped));
    if !plan.added.is_empty() {
        let stay =
            if plan.added.len() == 1 { "stays, because programs need it" } else { "stay, because programs need them" };
        message.push_str(&format!("; {} {stay}", listed(&plan.added)));
    }
    let mut rewrite = Rewrite::new(
        Level::Guarded,
        user.span,
        message,
        "only the build needs them, and what is installed and removed in one RUN is in no layer",
    )
    .assume(Assumption::assumed(AssumptionKind::NoUnseenNeeds))
    .assume(Assumption::assumed(AssumptionKind::TableBounds))
    .step(Step::RemoveBuildPackages { install: plan.install });
    let end = chain.elements.len() - 1;
    if plan.install == plan.user {
        if !added.is_empty() {
            rewrite = rewrite.edit(Edit::insert(last_word, added));
        }
        return Some(rewrite.edit(text::append(model, plan.user, &chain, end, &plan.removal)));
    }
    let moved = model.instruction(plan.install);
    if text::has_comment_line(model.source, moved.span) || text::has_comment_line(model.source, user.span) {
        return None;
    }
    // The comments about the install come along, above those of the RUN that it joins.
    let above = Block::of(model, plan.user)?.lines.start;
    let block = Block::of(model, plan.install)?;
    let comments = Span::new(block.lines.start, moved.keyword.start).of(model.source);
    let arguments = moved.arguments;
    let (before, behind) = model.source[arguments.start..arguments.end].split_at(last_word - arguments.start);
    // The style of the install, and lines of their own.
    let of_install = Chain::of(model.body(plan.install)?.understood()?)?;
    let joint = text::joint(model, plan.install, &of_install, of_install.elements.len() - 1);
    let joint = if joint.contains('\n') { joint } else { format!(" {}&& ", text::continuation(model, plan.user)) };
    let script = format!("{before}{added}{}{joint}", behind.trim_end());
    rewrite.message = format!("joins line {} and {}", model.lines.line(moved.span.start), rewrite.message);
    let element = model.script_span(plan.user, chain.elements[end].node.span).end;
    Some(
        rewrite
            .edit(Edit::delete(block.removed(model)))
            .edit(Edit::insert(above, comments))
            .edit(Edit::insert(user.arguments.start, script))
            .edit(Edit::insert(element, format!("{joint}{}", plan.removal))),
    )
}
