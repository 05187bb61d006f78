//! A PID 1 that ignores SIGTERM is pointed out.
//!
//! ## What it does
//! It says where the program that a container starts as PID 1 handles no SIGTERM, as far as the table and the sources show.
//!
//! ## Why
//! The kernel delivers no signal to PID 1 for which it has no handler: `docker stop` waits ten seconds and kills the program, which
//! cannot finish what it is at.
//!
//! ## Level
//! Proposal: whether containers are started with an init, only those know who start them.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! `docker run --init`; compose, `init`; pid_namespaces(7).

use super::{Pass, PassContext, PassInfo};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::tables;

/// See the module documentation.
#[derive(Debug)]
pub struct Init;

static INFO: PassInfo = PassInfo {
    name: "init",
    summary: "a PID 1 that ignores SIGTERM is pointed out",
    docs: include_str!("init.rs"),
    max_level: Level::Proposal,
};

impl Pass for Init {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        let Some(stage) = model.final_stage() else { return };
        if model.context.services().iter().any(|service| service.init) {
            return;
        }
        let Some((index, argv)) = model.first_process(stage) else { return };
        let Some(row) = tables::programs().ignores_sigterm(&argv) else { return };
        let handled = |source: &crate::context::SourceFile| {
            row.handlers.iter().any(|handler| {
                source.known().contains(handler.as_str())
                    || source.text.is_none() && tables::programs().is_code(&source.path)
            })
        };
        let is_code =
            |source: &crate::context::SourceFile| tables::users().writers(&source.path).is_some_and(|row| row.code);
        if !row.handlers.is_empty() && model.context.sources().is_none_or(|sources| !sources.iter().any(is_code)) {
            return;
        }
        if !row.handlers.is_empty() && model.context.sources().is_none_or(|sources| sources.iter().any(handled)) {
            return;
        }
        let otherwise = row.otherwise.as_deref().map_or(String::new(), |otherwise| format!(", or {otherwise}"));
        found.push(Rewrite::new(
            Level::Proposal,
            model.instruction(index).span,
            format!(
                "PID 1, `{}`, ignores SIGTERM: start the container with `--init` (compose: `init: true`), or the program with tini{otherwise}",
                argv[0]
            ),
            "the kernel delivers no signal to PID 1 without a handler: `docker stop` waits ten seconds and kills",
        ));
    }
}
