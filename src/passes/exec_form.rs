//! Shell-form CMD and ENTRYPOINT that are plain words become exec form.
//!
//! ## What it does
//! `CMD node server.js` becomes `CMD ["node", "server.js"]`, and so for ENTRYPOINT, when the shell would do nothing but
//! start the program.
//!
//! ## Why
//! The program is started without a shell in between, and `docker build --check` stops warning (JSONArgsRecommended).
//! Whether signals reach the program depends on the shell: some start the last command of `-c` in their own place, others
//! stay and do not pass SIGTERM on.
//!
//! ## Level
//! Guarded.
//!
//! ## Assumptions
//! None. The command has to be plain words, the shell the default one, the ENTRYPOINT in effect known and empty or one
//! that starts its arguments, and the program one that the kernel can start: known in the base image or the tables, or a
//! file of the build context with `#!` or an ELF header.
//!
//! ## References
//! Dockerfile reference, "Shell and exec form" and "Understand how CMD and ENTRYPOINT interact".

use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::Model;
use crate::rewrite::{Findings, Level, Rewrite};
use crate::source::Span;
use crate::syntax::ast::{Command, InstructionKind};
use crate::syntax::make;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct ExecForm;

static INFO: PassInfo = PassInfo {
    name: "exec-form",
    summary: "shell-form CMD and ENTRYPOINT of plain words become exec form",
    docs: include_str!("exec_form.rs"),
    max_level: Level::Guarded,
};

impl Pass for ExecForm {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        for stage in &cx.model.stages {
            for index in stage.instructions.clone() {
                let Some((keyword, command)) = process(cx.model, index) else { continue };
                if !matches!(command, Command::Shell(_)) {
                    continue;
                }
                match cx.model.exec_argv(stage, index) {
                    Ok((argv, evidence)) => found.push(rewrite(cx.model, index, keyword, &argv, &evidence)),
                    Err((reason, unlock)) => found.decline(cx.model.instruction(index).span, reason, unlock),
                }
            }
        }
    }
}

/// The command that a container starts.
fn process<'a>(model: &Model<'a>, index: usize) -> Option<(&'static str, &'a Command)> {
    match &model.instruction(index).kind {
        InstructionKind::Cmd(command) => Some(("CMD", command)),
        InstructionKind::Entrypoint(command) => Some(("ENTRYPOINT", command)),
        _ => None,
    }
}

fn rewrite(model: &Model<'_>, index: usize, keyword: &str, argv: &[String], evidence: &str) -> Rewrite {
    let joined = &model.body(index).expect("a shell form has a body").text;
    let span = joined.to_source(Span::new(0, joined.text.len()));
    let exec = make::exec(argv);
    Rewrite::new(
        Level::Guarded,
        model.instruction(index).span,
        match keyword {
            "ENTRYPOINT" => format!("ENTRYPOINT becomes `{exec}` and takes the arguments of `docker run`: {evidence}"),
            _ => format!("{keyword} becomes `{exec}`: {evidence}"),
        },
        "the program is started without a shell in between, and `docker build --check` stops warning",
    )
    .edit(Edit::replace(span, exec))
    .step(Step::ExecForm { instruction: index })
}
