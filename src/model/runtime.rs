//! What a container of a stage starts, and whether a program can be started without a shell.

use super::call::Call;
use super::deed::{Deed, deeds};
use super::walk::clean;
use super::{Base, Model, Stage, bare};
use crate::shell::ast::{NodeKind, Script, SimpleCommand, Terminator};
use crate::source::Span;
use crate::syntax::ast::{Command, InstructionKind};
use crate::tables::{self, Fact};

/// The ENTRYPOINT in effect at the end of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entrypoint {
    /// None: CMD is the process.
    None,
    /// One that starts its arguments as they are, whatever they are: `tini --`, or a base image's known script.
    PassesThrough(String),
    /// One in shell form: it does not look at CMD.
    Shell,
    /// One that makes something of its arguments.
    Other,
    /// Not known.
    Unknown,
}

impl Model<'_> {
    /// The ENTRYPOINT in effect at the end of the stage.
    #[must_use]
    pub fn entrypoint(&self, stage: &Stage) -> Entrypoint {
        let last = stage.instructions.clone().rev().find_map(|index| match &self.instruction(index).kind {
            InstructionKind::Entrypoint(command) => Some(command),
            _ => None,
        });
        if let Some(command) = last {
            let Command::Exec(argv) = command else { return Entrypoint::Shell };
            let argv: Vec<&str> = argv.iter().map(|word| word.text.as_str()).collect();
            return match argv.as_slice() {
                [] => Entrypoint::None,
                [init, ..] if tables::programs().is_init(init, &argv[1..]) => {
                    Entrypoint::PassesThrough(format!("`{init}` starts its arguments"))
                }
                _ => Entrypoint::Other,
            };
        }
        if let Base::Stage(parent) = stage.base {
            return self.entrypoint(&self.stages[parent]);
        }
        if stage.base == Base::Scratch {
            return Entrypoint::None;
        }
        let Some(image) = stage.image.as_deref().filter(|_| !stage.image_by_argument) else {
            return Entrypoint::Unknown;
        };
        match &image.entrypoint {
            Fact::Known(argv) if argv.is_empty() => Entrypoint::None,
            Fact::Known(argv) if image.entrypoint_passes_through => {
                Entrypoint::PassesThrough(format!("the base image's `{}` starts its arguments", argv.join(" ")))
            }
            Fact::Known(_) => Entrypoint::Other,
            Fact::Varies | Fact::Unknown if image.entrypoint_passes_through => Entrypoint::PassesThrough(
                "the base image has no entrypoint, or one that starts its arguments".to_owned(),
            ),
            Fact::Varies | Fact::Unknown => Entrypoint::Unknown,
        }
    }

    /// Whether `execve` starts the program as the shell would, with the evidence; or why that is not known.
    ///
    /// A file without `#!` runs under a shell and fails without one, so the file's first bytes have to be known: it comes
    /// with the base image or a package, or its text is in the build context.
    ///
    /// # Errors
    /// The reason.
    pub fn starts_without_shell(&self, stage: &Stage, instruction: usize, program: &str) -> Result<String, String> {
        if let Some((directory, name)) = program.rsplit_once('/') {
            if matches!(directory, "/bin" | "/sbin" | "/usr/bin" | "/usr/sbin") && self.is_known_program(stage, name) {
                return Ok(format!("`{program}` comes with the base image or a package"));
            }
            return self.file_starts(stage, instruction, program);
        }
        if self.is_known_program(stage, program) {
            return Ok(format!("`{program}` is a program of the base image or of a package"));
        }
        Err(format!("`{program}` is not known to be a program that needs no shell"))
    }

    fn is_known_program(&self, stage: &Stage, name: &str) -> bool {
        let in_base = stage.image.as_deref().is_some_and(|image| image.programs.contains(name));
        in_base || tables::programs().is_program(name)
    }

    /// Whether a compiler made what stands at the path, in the stage or in the one that it is copied from.
    fn is_compiled(&self, stage: &Stage, before: usize, path: &str) -> bool {
        let path = clean(path);
        let makes = |stage: &Stage, end: usize, path: &str| {
            let compiles = |run: usize| {
                let calls = self.calls(run);
                let is_compiler = |call: &Call<'_>| tables::stages().compiles(call.program());
                calls.iter().any(is_compiler)
                    && deeds(self, run).is_ok_and(|deeds| deeds.contains(&Deed::Output(path.to_owned())))
            };
            (stage.instructions.start..end).any(|index| self.is_run(index) && compiles(index))
        };
        makes(stage, before, &path)
            || bare::copied_from(self, stage, before, &path).is_some_and(|(from, path)| {
                let from = &self.stages[from];
                makes(from, from.instructions.end, &path)
            })
    }

    /// Looks for the COPY that brings the file, and at the first bytes of its source.
    fn file_starts(&self, stage: &Stage, instruction: usize, program: &str) -> Result<String, String> {
        let unknown = || format!("what `{program}` starts with is not known: a script without `#!` needs a shell");
        let path = if program.starts_with('/') {
            program.to_owned()
        } else {
            let workdir = self.state(instruction).workdir.fixed().ok_or_else(unknown)?;
            format!("{}/{}", workdir.trim_end_matches('/'), program.trim_start_matches("./"))
        };
        if self.is_compiled(stage, instruction, &path) {
            return Ok(format!("a compiler makes `{program}`"));
        }
        let source = self.context_file(stage, instruction, &path).ok_or_else(unknown)?;
        let head = self.context.head(&source, 128).ok_or_else(unknown)?;
        if head.starts_with(b"\x7fELF") {
            return Ok(format!("`{source}` is an ELF program"));
        }
        let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        if line.starts_with(b"#!") && line.ends_with(b"\r") {
            return Err(format!("the `#!` line of `{source}` ends in a carriage return"));
        }
        if line.starts_with(b"#!") && line.len() < head.len() {
            return Ok(format!("`{source}` starts with `{}`", String::from_utf8_lossy(line)));
        }
        Err(format!("`{source}` does not start with `#!`"))
    }
}

/// Why a command keeps its shell form, and what would change that.
pub type Refusal = (String, &'static str);

impl Model<'_> {
    /// The argv of the exec form of a shell-form CMD, ENTRYPOINT or HEALTHCHECK, with the evidence that it starts the
    /// same process.
    ///
    /// # Errors
    /// Why there is none.
    pub fn exec_argv(&self, stage: &Stage, index: usize) -> Result<(Vec<String>, String), Refusal> {
        let body = self.body(index).ok_or_else(|| ("it is no shell form".to_owned(), "none"))?;
        let script =
            body.script.as_ref().as_ref().map_err(|opaque| (opaque.to_string(), "write the exec form by hand"))?;
        let shell = self.state(index).shell.as_deref();
        if shell.is_some_and(|shell| !matches!(shell, [program, flag] if program == "/bin/sh" && flag == "-c")) {
            return Err(("the file sets another SHELL".to_owned(), "write the exec form by hand"));
        }
        if body.text.pieces.windows(2).any(|pair| Span::new(pair[0].end, pair[1].start).of(self.source).contains('\n'))
        {
            return Err(("the command is written over several lines".to_owned(), "write the exec form by hand"));
        }
        let argv = plain_argv(script).ok_or_else(|| {
            let reason = "the shell does more here than start a program".to_owned();
            (reason, "nothing: variables, lists and redirects need the shell")
        })?;
        match self.instruction(index).kind {
            InstructionKind::Cmd(_) => self.cmd_is_the_process(stage)?,
            InstructionKind::Entrypoint(_) if self.has_cmd(stage) => {
                let reason = "the shell form of ENTRYPOINT ignores CMD, the exec form takes it as arguments".to_owned();
                return Err((reason, "no CMD beside this ENTRYPOINT"));
            }
            _ => {}
        }
        let evidence = self
            .starts_without_shell(stage, index, &argv[0])
            .map_err(|reason| (reason, "a `#!` line in the script, a known build context, or a row for the program"))?;
        Ok((argv, evidence))
    }

    /// Whether the stage, or one that it is built from, has a CMD. That of a base image is gone with the ENTRYPOINT.
    pub(super) fn has_cmd(&self, stage: &Stage) -> bool {
        let is_cmd = |index: usize| matches!(self.instruction(index).kind, InstructionKind::Cmd(_));
        stage.instructions.clone().any(is_cmd)
            || matches!(stage.base, Base::Stage(parent) if self.has_cmd(&self.stages[parent]))
    }

    /// Checks that the ENTRYPOINT in effect does not look at CMD.
    pub(super) fn cmd_is_the_process(&self, stage: &Stage) -> Result<(), Refusal> {
        match self.entrypoint(stage) {
            Entrypoint::None | Entrypoint::PassesThrough(_) => Ok(()),
            Entrypoint::Shell => Err((
                "the ENTRYPOINT is in shell form and does not look at CMD".to_owned(),
                "no CMD beside this ENTRYPOINT",
            )),
            Entrypoint::Other => Err((
                "the ENTRYPOINT gets CMD as its arguments and may read them".to_owned(),
                "write both in exec form by hand",
            )),
            Entrypoint::Unknown => Err((
                "the ENTRYPOINT of the base image is not known".to_owned(),
                "a row for the base image in the image tables",
            )),
        }
    }
}

/// The argv that a script runs when it is one simple command of plain words: no variable, glob, redirect or assignment,
/// and no name that the shell itself would take. A leading `exec` is dropped.
#[must_use]
pub fn plain_argv(script: &Script) -> Option<Vec<String>> {
    let [statement] = script.list.statements.as_slice() else { return None };
    if statement.terminator == Terminator::Background {
        return None;
    }
    let NodeKind::Simple(command) = &statement.node.kind else { return None };
    let SimpleCommand { assignments, words, redirects } = command;
    if !assignments.is_empty() || !redirects.is_empty() || !script.comments.is_empty() {
        return None;
    }
    let mut argv = words.iter().map(crate::shell::ast::Word::literal).collect::<Option<Vec<_>>>()?;
    if argv.first().is_some_and(|word| word == "exec") {
        argv.remove(0);
    }
    let program = argv.first()?;
    let is_option = program.starts_with('-');
    (!is_option && !program.is_empty() && !tables::programs().is_shell_word(program)).then_some(argv)
}
