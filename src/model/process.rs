//! A better way to start what a CMD or ENTRYPOINT starts: without a shell, without a shell that stays, or without a program
//! that only runs a script of a manifest.

use super::effect::CommandEffect;
use super::runtime::{Refusal, plain_argv};
use super::{Model, Stage, origin};
use crate::context::SourceFile;
use crate::edit::Edit;
use crate::shell::ast::{NodeKind, Script, SimpleCommand, Terminator};
use crate::shell::kind::ShellKind;
use crate::shell::{self, Dialect};
use crate::source::Span;
use crate::syntax::ast::{Command, InstructionKind, Word};
use crate::syntax::make;
use crate::tables::{self, Deaf, Fact, Runner, Sh, Stays};

/// What the program gains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gain {
    /// The program has the place of a shell that stayed: its name, and with which version that was measured.
    Signals(String, &'static str),
    /// A shell gave its place to the program before: its name, and with which version that was measured.
    NoShell(String, &'static str),
    /// It is not known which shell it was.
    Unmeasured,
    /// The program has the place of one that ran a script of a manifest.
    Runner(String),
    /// The program has the place of one that started it in the environment of a project, and that may have stayed beside it.
    Starter(String, bool),
}

/// Another way to start the same process.
#[derive(Clone, Debug)]
pub struct BetterProcess {
    /// The text change.
    pub edit: Edit,
    /// The command afterwards.
    pub command: CommandEffect,
    /// The command afterwards, as the file will have it.
    pub shown: String,
    /// Why it is the same process.
    pub evidence: String,
    /// What is gained.
    pub gain: Gain,
    /// Whether arguments of `docker run` reach the program, where a shell ignored them.
    pub takes_arguments: bool,
}

/// A shell form that its command can leave: why it cannot, where `None` means that it is fine as it is.
type Declined = Option<Refusal>;

impl Model<'_> {
    /// A better way to start what the CMD or ENTRYPOINT starts; `None` when it is fine as it is.
    ///
    /// # Errors
    /// Why there is none, where there might have been one.
    pub fn better_process(&self, stage: &Stage, index: usize) -> Result<Option<BetterProcess>, Refusal> {
        let (InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command)) = &self.instruction(index).kind
        else {
            return Ok(None);
        };
        match command {
            Command::Shell(_) => self.better_shell_form(stage, index),
            Command::Exec(argv) => self.better_exec_form(stage, index, argv),
        }
    }

    fn better_shell_form(&self, stage: &Stage, index: usize) -> Result<Option<BetterProcess>, Refusal> {
        let script = self.body(index).and_then(|body| body.understood());
        match self.exec_argv(stage, index) {
            Ok((argv, evidence)) => {
                let starter = tables::stages().starter(&argv).map(|(starter, ..)| starter);
                let ran = self.script_of_runner(stage, &argv).ok().flatten();
                let joined = &self.body(index).ok_or(NO_SHELL_FORM)?.text;
                let span = joined.to_source(Span::new(0, joined.text.len()));
                let gain = match (&ran, script.and_then(last_command)) {
                    (Some(_), _) => runner_gain(starter, &argv[0]),
                    (None, Some(last)) => self.gain(self.sh(stage, index), last),
                    (None, None) => Gain::Unmeasured,
                };
                let (argv, evidence) = ran.unwrap_or((argv, evidence));
                Ok(Some(exec(span, argv, evidence, gain, self.is_entrypoint(index))))
            }
            Err(refusal) => match self.exec_in_shell_form(stage, index, script) {
                Ok(better) => Ok(Some(better)),
                Err(None) if script.and_then(last_command).and_then(SimpleCommand::name).as_deref() == Some("exec") => {
                    Ok(None)
                }
                Err(None) => Err(refusal),
                Err(Some(own)) if script.is_some_and(|script| plain_argv(script).is_none()) => Err(own),
                Err(Some(_)) => Err(refusal),
            },
        }
    }

    /// The shell form with `exec` before its last command.
    fn exec_in_shell_form(
        &self,
        stage: &Stage,
        index: usize,
        script: Option<&Script>,
    ) -> Result<BetterProcess, Declined> {
        let body = self.body(index).ok_or(Some(NO_SHELL_FORM))?;
        let script = script.ok_or_else(|| Some(("the script is not understood".to_owned(), "plain POSIX shell")))?;
        let last = can_leave(script)?;
        if matches!(self.instruction(index).kind, InstructionKind::Cmd(_))
            && !self.entrypoint_looks_at_the_program(stage)
        {
            self.cmd_is_the_process(stage)?;
        }
        let gain = self.gain(self.sh(stage, index), last);
        let at = may_gain_exec(last, &gain)?;
        let mut text = body.text.text.clone();
        text.insert_str(at, "exec ");
        Ok(BetterProcess {
            edit: Edit::insert(body.text.to_source(Span::at(at)).start, "exec "),
            command: CommandEffect::Text(text),
            shown: format!("exec {}", last.words[0].literal().unwrap_or_default()),
            evidence: "it is the last thing that the shell does".to_owned(),
            gain,
            takes_arguments: false,
        })
    }

    /// Whether the ENTRYPOINT in effect is that of a server of the base image which prepares only its own program: it is given the
    /// same shell before and after.
    fn entrypoint_looks_at_the_program(&self, stage: &Stage) -> bool {
        let is_entrypoint = |index: usize| self.is_entrypoint(index);
        let is_of_base = !self.family(stage).iter().any(|stage| stage.instructions.clone().any(is_entrypoint));
        stage.image.as_deref().filter(|_| is_of_base && !stage.image_by_argument).is_some_and(|image| {
            let own = tables::users().own(&image.family).and_then(|own| own.entrypoint.as_ref());
            own.is_some_and(|own| matches!(&image.entrypoint, Fact::Known(argv) if argv.as_slice() == [own.clone()]))
        })
    }

    fn better_exec_form(&self, stage: &Stage, index: usize, words: &[Word]) -> Result<Option<BetterProcess>, Refusal> {
        let argv: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
        let (Some(first), Some(last)) = (words.first(), words.last()) else { return Ok(None) };
        let span = Span::new(opening(self.source, first.span.start), closing(self.source, last.span.end));
        if span.of(self.source).contains('\n') {
            return Ok(None);
        }
        if let [shell, flag, script] = argv.as_slice()
            && flag == "-c"
            && let Some(dialect) = self.dialect_of(stage, shell)
        {
            return self.better_wrapper(stage, index, dialect, [shell, script], [span, last.span]);
        }
        if self.is_entrypoint(index) || self.cmd_is_the_process(stage).is_err() {
            return Ok(None);
        }
        let Some((ran, evidence)) = self.script_of_runner(stage, &argv)? else { return Ok(None) };
        let gain = runner_gain(tables::stages().starter(&argv).map(|(starter, ..)| starter), &argv[0]);
        Ok(Some(exec(span, ran, evidence, gain, false)))
    }

    /// `["sh", "-c", "…"]`, which starts its script as the shell form does.
    fn better_wrapper(
        &self,
        stage: &Stage,
        index: usize,
        dialect: Dialect,
        [shell, text]: [&String; 2],
        [array, last]: [Span; 2],
    ) -> Result<Option<BetterProcess>, Refusal> {
        let unread = |error: shell::NotUnderstood| (error.to_string(), "plain POSIX shell");
        let script = shell::parse(text, dialect).map_err(unread)?;
        let sh = self.sh_of(stage, shell);
        let is_process = match self.instruction(index).kind {
            InstructionKind::Cmd(_) => self.cmd_is_the_process(stage).is_ok(),
            _ => !self.has_cmd(stage),
        };
        if is_process
            && let Some(argv) = plain_argv(&script)
            && let Some(last_command) = last_command(&script)
            && let Ok(evidence) = self.starts_without_shell(stage, index, &argv[0])
        {
            let gain = self.gain(sh, last_command);
            return Ok(Some(exec(array, argv, evidence, gain, self.is_entrypoint(index))));
        }
        let gain_of = |command| self.gain(sh, command);
        let placed = can_leave(&script).and_then(|command| {
            let gain = gain_of(command);
            Ok((may_gain_exec(command, &gain)?, gain, command))
        });
        let (at, gain, command) = match placed {
            Ok(placed) => placed,
            Err(None) => return Ok(None),
            Err(Some(refusal)) => return Err(refusal),
        };
        let mut better = text.clone();
        better.insert_str(at, "exec ");
        Ok(Some(BetterProcess {
            edit: Edit::replace(last, make::json_string(&better)),
            command: CommandEffect::Exec(vec![shell.clone(), "-c".to_owned(), better]),
            shown: format!("exec {}", command.words[0].literal().unwrap_or_default()),
            evidence: "it is the last thing that the shell does".to_owned(),
            gain,
            takes_arguments: false,
        }))
    }

    fn is_entrypoint(&self, index: usize) -> bool {
        matches!(self.instruction(index).kind, InstructionKind::Entrypoint(_))
    }

    /// Which shell runs the shell form.
    fn sh(&self, stage: &Stage, index: usize) -> Option<Sh> {
        match self.state(index).shell.as_deref() {
            Some([program, ..]) => self.sh_of(stage, program),
            _ => None,
        }
    }

    /// Which shell the program is.
    fn sh_of(&self, stage: &Stage, program: &str) -> Option<Sh> {
        if program.rsplit('/').next()? != "sh" {
            return tables::programs().shell(program);
        }
        match &stage.image.as_deref().filter(|_| !stage.image_by_argument)?.sh {
            Fact::Known(sh) => Some(*sh),
            Fact::Varies | Fact::Unknown => None,
        }
    }

    /// The dialect that `program -c` reads; `None` when it is no shell.
    fn dialect_of(&self, stage: &Stage, program: &str) -> Option<Dialect> {
        let kind = Dialect::of(&[program.to_owned(), "-c".to_owned()]);
        match kind {
            ShellKind::Posix if self.sh_of(stage, program) == Some(Sh::Bash) => Some(Dialect::Bash),
            kind => kind.dialect(),
        }
    }

    fn gain(&self, sh: Option<Sh>, last: &SimpleCommand) -> Gain {
        let Some((row, name)) = sh.and_then(|sh| tables::programs().stays(sh)) else { return Gain::Unmeasured };
        let stays = match row.stays {
            Stays::Always => true,
            Stays::Redirected => !last.redirects.is_empty(),
            Stays::Never => false,
        };
        if stays {
            Gain::Signals(name.to_owned(), &row.measured)
        } else {
            Gain::NoShell(name.to_owned(), &row.measured)
        }
    }

    /// What the script of a manifest starts that the argv runs: `npm start`, when that is one plain command.
    ///
    /// `Ok(None)` when the argv is no such program.
    fn script_of_runner(&self, stage: &Stage, argv: &[String]) -> Result<Option<(Vec<String>, String)>, Refusal> {
        if let Some((ran, evidence)) = self.started_in_environment(stage, argv)? {
            let stays = tables::stages().starter(argv).is_some_and(|(starter, ..)| starter.stays);
            if stays {
                self.stops_by_itself(stage, &argv[0], &ran)?;
            }
            return Ok(Some((ran, evidence)));
        }
        let Some((runner, script)) = tables::programs().runner(argv) else { return Ok(None) };
        let manual = "the command of the script, written by hand";
        let refuse = |reason: String| (reason, manual);
        let workdir =
            self.final_workdir(stage).ok_or_else(|| refuse("the working directory is not known".to_owned()))?;
        let file = origin::in_directory(&workdir, &runner.manifest);
        let source = self
            .context_file(stage, stage.instructions.end, &file)
            .ok_or_else(|| refuse(format!("where `{file}` comes from is not known")))?;
        let text = self.context.read(&source).ok_or_else(|| refuse(format!("`{source}` is not known")))?;
        let manifest: serde_json::Value =
            serde_json::from_str(&text).map_err(|_| refuse(format!("`{source}` cannot be read")))?;
        let command = |name: &str| manifest.get("scripts")?.get(name)?.as_str();
        let around = runner.around.iter().map(|prefix| format!("{prefix}{script}"));
        if let Some(other) = around.into_iter().find(|name| command(name).is_some()) {
            return Err(refuse(format!("`{source}` has a script `{other}` beside `{script}`")));
        }
        let command = command(script).ok_or_else(|| refuse(format!("`{source}` has no script `{script}`")))?;
        let ran = shell::parse(command, Dialect::Posix).ok().and_then(|script| plain_argv(&script));
        let ran = ran.ok_or_else(|| refuse(format!("the script `{script}` of `{source}` is no plain command")))?;
        let program = &ran[0];
        let of_image = stage.image.as_deref().is_some_and(|image| image.programs.contains(program));
        let is_dependency = ["dependencies", "devDependencies", "optionalDependencies"]
            .iter()
            .any(|kind| manifest.get(kind).and_then(|kind| kind.get(program)).is_some());
        if !of_image || is_dependency || tables::programs().runner(&ran).is_some() {
            return Err(refuse(format!(
                "`{program}`, which `{script}` of `{source}` runs, is no program of the base image"
            )));
        }
        self.nothing_needs_the_runner(runner, &source)?;
        self.stops_by_itself(stage, &argv[0], &ran)?;
        Ok(Some((ran, format!("it is what `{script}` of `{source}` runs"))))
    }

    /// Checks that `docker stop` stops what is started by itself in place of another program.
    fn stops_by_itself(&self, stage: &Stage, before: &str, ran: &[String]) -> Result<(), Refusal> {
        let Some(row) = tables::programs().ignores_sigterm(ran) else { return Ok(()) };
        if self.handles_sigterm(row) || self.starts_with_init(stage) {
            return Ok(());
        }
        let handlers = row.handlers.first().map_or("", String::as_str);
        let program = &ran[0];
        Err((
            format!(
                "no source handles {handlers}: `docker stop` ends `{before}`, and would wait ten seconds for `{program}` as PID 1"
            ),
            "a handler of it in the program",
        ))
    }

    /// Whether PID 1 is an init, which passes signals on to a program that then has the default handlers.
    fn starts_with_init(&self, stage: &Stage) -> bool {
        self.first_process(stage).is_some_and(|(_, argv)| tables::programs().init_options(&argv[0]).is_some())
    }

    /// Whether a source of the program says that it handles SIGTERM.
    fn handles_sigterm(&self, row: &Deaf) -> bool {
        let says = |source: &SourceFile| row.handlers.iter().any(|handler| source.known().contains(handler.as_str()));
        self.context.sources().is_some_and(|sources| sources.iter().any(says))
    }

    /// Checks that no source file reads what the program puts into the environment, and that no file changes how it runs
    /// scripts.
    fn nothing_needs_the_runner(&self, runner: &Runner, manifest: &str) -> Result<(), Refusal> {
        let manual = "the command of the script, written by hand";
        let sources = self.context.sources().ok_or(("the build context is not known as a whole".to_owned(), manual))?;
        let directory = manifest.rsplit_once('/').map_or("", |(directory, _)| directory);
        for source in sources {
            let (folder, name) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
            if folder == directory && runner.settings.iter().any(|settings| settings == name) {
                return Err((format!("`{}` may change how scripts run", source.path), manual));
            }
            let is_code = tables::programs().is_code(name);
            if is_code && source.text.is_none() {
                return Err((format!("the text of `{}` is not known", source.path), manual));
            }
            if is_code
                && let Some(variable) = runner.variables.iter().find(|name| source.known().contains(name.as_str()))
            {
                return Err((
                    format!("`{}` reads `{variable}…`, which `{}` sets", source.path, runner.program),
                    manual,
                ));
            }
        }
        Ok(())
    }

    /// The working directory that a container of the stage starts in.
    #[must_use]
    pub fn final_workdir(&self, stage: &Stage) -> Option<String> {
        stage.end.workdir.fixed().map(str::to_owned)
    }
}

fn runner_gain(starter: Option<&tables::Starter>, program: &str) -> Gain {
    match starter {
        Some(starter) => Gain::Starter(program.to_owned(), starter.stays),
        None => Gain::Runner(program.to_owned()),
    }
}

const NO_SHELL_FORM: Refusal = (String::new(), "none");

fn exec(span: Span, argv: Vec<String>, evidence: String, gain: Gain, takes_arguments: bool) -> BetterProcess {
    let shown = make::exec(&argv);
    let edit = Edit::replace(span, shown.clone());
    BetterProcess { edit, command: CommandEffect::Exec(argv), shown, evidence, gain, takes_arguments }
}

/// Where the array begins whose first string begins at `start`.
fn opening(source: &str, start: usize) -> usize {
    source[..start].rfind('[').unwrap_or(start)
}

/// Where the array ends whose last string ends at `end`.
fn closing(source: &str, end: usize) -> usize {
    source[end..].find(']').map_or(end, |at| end + at + 1)
}

/// The last command of a script of simple commands.
fn last_command(script: &Script) -> Option<&SimpleCommand> {
    match &script.list.statements.last()?.node.kind {
        NodeKind::Simple(command) => Some(command),
        NodeKind::AndOr { rest, .. } => rest.last().filter(|part| part.and)?.node.as_simple(),
        _ => None,
    }
}

/// The last command of a script, when nothing is left for the shell to do once it runs: only simple commands stand before
/// it, none of them in the background, none that sets a trap.
fn can_leave(script: &Script) -> Result<&SimpleCommand, Declined> {
    let refuse = |reason: &str| Some((reason.to_owned(), "`exec` written by hand, where it is right"));
    for statement in &script.list.statements {
        if statement.terminator == Terminator::Background {
            return Err(refuse("the shell looks after a command in the background"));
        }
        let is_simple = match &statement.node.kind {
            NodeKind::Simple(_) => true,
            NodeKind::AndOr { first, rest } => {
                first.as_simple().is_some() && rest.iter().all(|part| part.node.as_simple().is_some())
            }
            _ => false,
        };
        if !is_simple {
            return Err(refuse("the shell does more here than start programs one after the other"));
        }
    }
    let keeps = |command: &&SimpleCommand| matches!(command.name().as_deref(), Some("trap" | "alias" | "wait"));
    if script.all_simple_commands().iter().any(keeps) {
        return Err(refuse("the shell has something to do at its end"));
    }
    last_command(script).ok_or_else(|| refuse("the last command runs only when another one fails"))
}

/// Where `exec` goes: in front of the name of the command.
fn may_gain_exec(last: &SimpleCommand, gain: &Gain) -> Result<usize, Declined> {
    let word = last.words.first().ok_or_else(|| Some(("nothing is started".to_owned(), "none")))?;
    let name = word.literal().ok_or_else(|| {
        Some(("which program is started is known only to the shell".to_owned(), "the program by its name"))
    })?;
    if name == "exec" {
        return Err(None);
    }
    if name.starts_with('-') || name.is_empty() || tables::programs().is_shell_word(&name) {
        return Err(Some((format!("`{name}` is run by the shell itself"), "a program as the last command")));
    }
    // It ends by itself: nobody has to stop it.
    if tables::programs().tree_effect(&name).is_some() {
        return Err(None);
    }
    let is_shell = Dialect::of(&[name.clone(), "-c".to_owned()]).dialect().is_some();
    if is_shell || tables::programs().is_script(&name) {
        return Err(Some((
            format!("`{name}` is a shell again, which may stay beside its program"),
            "`exec` in the script",
        )));
    }
    match gain {
        Gain::Signals(..) => Ok(word.span.start),
        Gain::NoShell(..) => Err(None),
        _ => Err(Some((
            "whether the shell stays beside the program is not known".to_owned(),
            "a row for the base image in the image tables",
        ))),
    }
}
