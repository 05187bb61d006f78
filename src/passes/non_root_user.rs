//! The image runs as a user other than root.
//!
//! ## What it does
//! `USER` behind the last instruction that makes files: the user that the base image has for programs (`node`, `nonroot`, `app` of .NET), else
//! one that is made in the way of the distribution, else a number. The directories that the program writes to are given to
//! it, and nothing else: its own code stays the property of root. An account that the file makes and gives files to is the program's. nginx
//! runs as its own user where its settings, all read from the build context, listen above port 1023; php-fpm and tomcat run as they are.
//!
//! ## Why
//! A program that is broken into can change neither its code nor the image, and a way out of the container does not end as root on the host.
//!
//! ## Level
//! Guarded where all sources of the program are read and what they write is found. Breaking where somebody has to look: with volumes,
//! which root has written to before, and where it is not known what the program writes; and for nginx with the settings of its image, which the
//! unprivileged image takes the place of: it listens on another port.
//!
//! ## Assumptions
//! The program needs nothing else that only root may do and writes nowhere else; no other volumes; no image is built from this one. Left alone are images that
//! start servers as root and those built `FROM` them, entry scripts that change user or install packages, ports below 1024, files below `/root`, files that only their
//! owner can read, accounts that the file makes, a `USER` that says root, images without a program of their own, and compose files that say `user`,
//! `privileged`, `cap_add` or mount the socket of docker.
//!
//! ## References
//! Dockerfile reference, USER; `rewrites/users.yaml`.

use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::Model;
use crate::model::account::Plan;
use crate::rewrite::{Findings, Level, Rewrite};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct NonRootUser;

static INFO: PassInfo = PassInfo {
    name: "non-root-user",
    summary: "the program runs as a user other than root and owns only what it writes",
    docs: include_str!("non_root_user.rs"),
    max_level: Level::Breaking,
};

impl Pass for NonRootUser {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let Some(stage) = cx.model.final_stage() else { return };
        match cx.model.user_plan(stage) {
            Ok(Some(plan)) => found.push(rewrite(cx.model, stage.from, &plan)),
            Ok(None) => {}
            Err((reason, unlock)) => found.decline(cx.model.instruction(stage.from).span, reason, unlock),
        }
    }
}

fn rewrite(model: &Model<'_>, from: usize, plan: &Plan) -> Rewrite {
    let instruction = model.instruction(plan.after);
    let line_end = if model.source.contains("\r\n") { "\r\n" } else { "\n" };
    let mut lines = Vec::new();
    if !plan.commands.is_empty() {
        let joint = format!(" {}{line_end}    && ", model.dockerfile.escape);
        lines.push(format!("RUN {}", plan.commands.join(&joint)));
    }
    lines.push(format!("USER {}", plan.user));
    // The body of a heredoc ends with its line.
    let end = instruction.full_span().end;
    if plan.swap.as_ref().is_some_and(|swap| !swap.needs_root) {
        lines.clear();
    }
    let text: String = match model.source[..end].ends_with('\n') {
        true => lines.iter().map(|line| format!("{line}{line_end}")).collect(),
        false => lines.iter().map(|line| format!("{line_end}{line}")).collect(),
    };
    let message = format!("the image runs as `{}`, {}{}", plan.user, plan.origin, owned(plan));
    let mut rewrite = Rewrite::new(
        plan.level,
        instruction.span,
        message,
        "a program that is broken into can change neither its code nor the system",
    )
    .step(Step::SetUser { from })
    .migrate(format!("the container runs as {}; `docker exec -u root` where root is needed", plan.ids));
    if !text.is_empty() {
        rewrite = rewrite.edit(Edit::insert(end, text));
    }
    if let Some(swap) = &plan.swap {
        rewrite.edits.extend(swap.edits.iter().cloned());
        if swap.needs_root {
            let end = model.instruction(from).full_span().end;
            rewrite = rewrite.edit(Edit::insert(end, format!("{line_end}USER root")));
        }
        let (low, high) = swap.moved;
        rewrite = rewrite.migrate(format!(
            "it listens on port {high} in place of {low}: publish `-p {low}:{high}`; services and probes that name {low} of the container name {high}"
        ));
    }
    for assumption in &plan.assumptions {
        rewrite = rewrite.assume(assumption.clone());
    }
    let volumes: Vec<&str> = plan.writes.volumes.iter().map(String::as_str).collect();
    if !volumes.is_empty() || plan.mount.is_some() {
        let what = plan.mount.clone().unwrap_or_else(|| format!("the volumes of `{}`", volumes.join("`, `")));
        let group = plan.ids.as_str();
        rewrite = rewrite.migrate(format!("{what}: give what root wrote to the user once, `chown -R {group} …`"));
    }
    if let Some(unknown) = &plan.writes.unknown {
        rewrite = rewrite.migrate(format!("see to it that the user can write what the program writes: {unknown}"));
    }
    rewrite
}

/// What the user gets.
fn owned(plan: &Plan) -> String {
    let paths: Vec<String> =
        plan.writes.directories.iter().chain(&plan.writes.volumes).map(|path| format!("`{path}`")).collect();
    match paths.is_empty() {
        true => String::new(),
        false => format!(", and owns {}", paths.join(", ")),
    }
}
