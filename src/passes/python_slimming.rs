//! Tests and C sources of Python packages stay out of the image. Off unless it is asked for.
//!
//! ## What it does
//! A RUN that installs Python packages removes, at its end, the directories `tests` and the sources in C and Cython of what it installed.
//!
//! ## Why
//! Packages ship their tests: of the numerical ones a tenth is nothing else. What is removed in the RUN that installs it never gets into a
//! layer. Bytecode is compiled by pip as it installs, and stays: without it every start compiles anew.
//!
//! ## Level
//! Breaking: a few packages load their tests, or compile sources when they run, and only the program shows which. It is written with
//! `--enable python-slimming` or `--level breaking`. Files of `dist-info` stay: programs read them, and licences belong to what is shipped.
//!
//! ## Assumptions
//! No build-only file is read at run time through a computed path.
//!
//! ## References
//! docs.python.org, "importlib"; find(1). The rows of `rewrites/builds.yaml` name packages that load such files.

use super::{Pass, PassContext, PassInfo, text};
use crate::model::chain::Chain;
use crate::model::slimming::slimming;
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct PythonSlimming;

static INFO: PassInfo = PassInfo {
    name: "python-slimming",
    summary: "tests and C sources of Python packages stay out of the image",
    docs: include_str!("python_slimming.rs"),
    max_level: Level::Breaking,
};

impl Pass for PythonSlimming {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        // Whoever does not ask for it is not asked either.
        if cx.options.level_of(INFO.name) < Level::Breaking {
            return;
        }
        for run in (0..model.dockerfile.instructions.len()).filter(|index| model.is_run(*index)) {
            let command = match slimming(model, run) {
                None => continue,
                Some(Ok(command)) => command,
                Some(Err((reason, unlock))) => {
                    found.decline(model.instruction(run).span, reason, unlock);
                    continue;
                }
            };
            let script = model.body(run).and_then(|body| body.understood()).filter(|script| script.comments.is_empty());
            let chain = script.and_then(Chain::of);
            let last = chain.as_ref().and_then(|chain| chain.elements.last()?.simple());
            let calls = model.calls(run);
            let last = last.and_then(|last| calls.iter().find(|call| std::ptr::eq(call.command, last)));
            let (Some(chain), Some(last)) = (&chain, last) else {
                let reason = "the RUN is no plain `&&` list that ends in a simple command";
                found.decline(model.instruction(run).span, reason, "a plain `&&` list");
                continue;
            };
            let rewrite = Rewrite::new(
                Level::Breaking,
                model.instruction(run).span,
                "tests and sources of the installed packages are removed at its end",
                "no program loads them, as a rule",
            );
            found.push(
                rewrite
                    .assume(Assumption::assumed(AssumptionKind::NoComputedReads))
                    .migrate("a package that loads its tests, or compiles its sources when it runs, fails")
                    .edit(text::append(model, run, chain, chain.elements.len() - 1, &command))
                    .step(Step::SlimPackages { run, after: last.id }),
            );
        }
    }
}
