//! CMD and ENTRYPOINT start their program without a shell that stays beside it.
//!
//! ## What it does
//! `CMD node server.js` becomes `CMD ["node", "server.js"]`, and so for ENTRYPOINT and for `["sh", "-c", "node server.js"]`, when the
//! shell would do nothing but start the program. Where the shell is needed, for a variable such as `$PORT` or for commands before
//! the server, the last command gains `exec`, so that the program takes the place of the shell. `CMD ["npm", "start"]` becomes what the script of
//! `package.json` runs, when that is one plain command of the base image; `CMD ["uv", "run", "uvicorn", "app:app"]` becomes
//! `CMD ["uvicorn", "app:app"]`, and so for poetry and pipenv.
//!
//! ## Why
//! The shell of Debian and Ubuntu, dash, stays as PID 1 beside the program and does not pass SIGTERM on: `docker stop` waits ten
//! seconds and kills. busybox ash and bash start the last command in their own place; there `docker build --check` stops
//! warning (JSONArgsRecommended), and `exec` would gain nothing and is not written.
//!
//! ## Level
//! Guarded.
//!
//! ## Assumptions
//! None. For the exec form the command has to be plain words, the shell the default one, the ENTRYPOINT in effect known and empty or one
//! that starts its arguments, and the program one that the kernel can start: known in the base image or the tables, or a
//! file of the build context with `#!` or an ELF header. An ENTRYPOINT beside a CMD stays in shell form, which ignores CMD. `exec` is
//! written where only simple commands stand before the last one, none in the background, and the shell is known to stay. A script of a
//! manifest replaces the program that runs it when no other script runs before or after it and no source file of the context reads what that program
//! puts into the environment; a program that PID 1 has no default handlers for has to handle SIGTERM, or to stand behind an init. What
//! `uv run`, `poetry run` and `pipenv run` start has to stand in the environment that the file makes, on the PATH or by its known path; uv has to find
//! nothing to install: the same groups as at the build, and a project that is installed already or not at all.
//!
//! ## References
//! Dockerfile reference, "Shell and exec form" and "Understand how CMD and ENTRYPOINT interact"; what each shell does was measured
//! (`rewrites/programs.yaml`).

use super::{Pass, PassContext, PassInfo};
use crate::model::Model;
use crate::model::effect::CommandEffect;
use crate::model::process::{BetterProcess, Gain};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::syntax::ast::{Command, Instruction, InstructionKind};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct ExecForm;

static INFO: PassInfo = PassInfo {
    name: "exec-form",
    summary: "CMD and ENTRYPOINT start their program without a shell that stays beside it",
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
                let (InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_)) = &cx.model.instruction(index).kind
                else {
                    continue;
                };
                match cx.model.better_process(stage, index) {
                    Ok(Some(better)) => found.push(rewrite(cx.model, index, better)),
                    Ok(None) => {}
                    Err((reason, unlock)) => found.decline(cx.model.instruction(index).span, reason, unlock),
                }
            }
        }
    }
}

fn rewrite(model: &Model<'_>, index: usize, better: BetterProcess) -> Rewrite {
    let instruction = model.instruction(index);
    let keyword = instruction.keyword_upper(model.source);
    let BetterProcess { shown, evidence, .. } = &better;
    let is_exec = matches!(better.command, CommandEffect::Exec(_));
    let message = match (&better.command, better.takes_arguments) {
        (CommandEffect::Exec(_), true) if !shown.starts_with("exec ") => {
            format!("{keyword} becomes `{shown}` and takes the arguments of `docker run`: {evidence}")
        }
        _ if shown.starts_with("exec ") => format!("{keyword} starts the program with `{shown}`: {evidence}"),
        _ => format!("{keyword} becomes `{shown}`: {evidence}"),
    };
    let rewrite = Rewrite::new(
        Level::Guarded,
        instruction.span,
        message,
        reason(&better.gain, was_shell_form(instruction), is_exec),
    )
    .edit(better.edit)
    .step(Step::ExecForm { instruction: index });
    match better.gain {
        Gain::Signals(..) | Gain::Runner(_) | Gain::Starter(_, true) => rewrite.migrate(
            "the program is PID 1: where it handles no SIGTERM or leaves zombies, run it with `--init` (compose: `init: true`)",
        ),
        Gain::NoShell(..) | Gain::Unmeasured | Gain::Starter(_, false) => rewrite,
    }
}

/// Whether `docker build --check` warns of the form.
const fn was_shell_form(instruction: &Instruction) -> bool {
    matches!(instruction.kind, InstructionKind::Cmd(Command::Shell(_)) | InstructionKind::Entrypoint(Command::Shell(_)))
}

/// What is gained, as measured for the shell at hand.
fn reason(gain: &Gain, warned: bool, is_exec: bool) -> String {
    let check = if warned && is_exec { ", and `docker build --check` stops warning" } else { "" };
    match gain {
        Gain::Signals(shell, measured) => {
            format!("{shell} stays as PID 1 and does not pass SIGTERM on ({measured}): the program gets it now{check}")
        }
        Gain::NoShell(shell, measured) => {
            let already = format!("{shell} starts the last command in its own place ({measured})");
            if warned {
                format!("`docker build --check` stops warning; signals reached the program before, too: {already}")
            } else {
                format!("there is no shell to read, and none that has to be in the image: {already}")
            }
        }
        Gain::Unmeasured => {
            "the program is started without a shell in between, and `docker build --check` stops warning".to_owned()
        }
        Gain::Starter(starter, true) => {
            format!(
                "{starter} no longer stands between PID 1 and the program, looks for nothing to install at each start, and need not be in the image"
            )
        }
        Gain::Starter(starter, false) => {
            format!("{starter} is not read at each start, and need not be in the image")
        }
        Gain::Runner(runner) => {
            format!("{runner} and its shell no longer stand between PID 1 and the program, which gets SIGTERM itself")
        }
    }
}
