//! What a container starts, and whether that needs root.

use super::{Base, Model, Stage, origin};
use crate::shell::ast::{Script, SimpleCommand};
use crate::shell::{self, Dialect};
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, Own};

/// Scripts that one question follows.
const MAX_SCRIPTS: usize = 8;

/// What a container starts.
#[derive(Clone, Debug, Default)]
pub struct Started {
    /// The commands by their words, those of entry scripts too; a word that only the shell knows is empty.
    pub commands: Vec<Vec<String>>,
    /// Commands of scripts with their redirects, for what they write.
    pub scripts: Vec<(String, Script)>,
}

impl Model<'_> {
    /// The argv of PID 1 of a container of the stage, and the instruction that says so.
    #[must_use]
    pub fn first_process(&self, stage: &Stage) -> Option<(usize, Vec<String>)> {
        let starts = |index: &usize| {
            matches!(self.instruction(*index).kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_))
        };
        let index = stage.instructions.clone().rev().find(starts)?;
        let argv = self.argv(stage)?;
        (!argv.is_empty()).then_some((index, argv))
    }

    /// ENTRYPOINT and CMD of a container of the stage, without an entrypoint of the base image that only starts its arguments.
    fn argv(&self, stage: &Stage) -> Option<Vec<String>> {
        let configurations = self.configurations();
        let configuration = configurations.get(stage.index)?;
        let cmd = configuration.cmd.known()?;
        let is_entrypoint = |index: usize| matches!(self.instruction(index).kind, InstructionKind::Entrypoint(_));
        let is_of_base = !self.family(stage).iter().any(|stage| stage.instructions.clone().any(is_entrypoint));
        let passes_through = stage.image.as_deref().is_some_and(|image| image.entrypoint_passes_through);
        if is_of_base && passes_through {
            return Some(cmd.to_vec());
        }
        Some(configuration.entrypoint.known()?.iter().chain(cmd).cloned().collect())
    }

    /// What a container of the stage starts: the argv with the scripts of the build context that it runs. `own` is what the
    /// tables say of a server of the base image.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn started(&self, stage: &Stage, own: Option<&Own>) -> Result<Started, String> {
        let mut argv = self.argv(stage).ok_or("what the image starts is not known")?;
        if let Some(own) = own
            && argv.first() == own.entrypoint.as_ref()
        {
            argv.remove(0);
        }
        let says = stage.instructions.clone().any(|index| {
            matches!(self.instruction(index).kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_))
        });
        let is_server = own.is_some_and(|own| argv.first().is_some_and(|program| own.programs.contains(program)));
        if is_server {
            return Ok(Started { commands: vec![argv], scripts: Vec::new() });
        }
        let of_parent = matches!(stage.base, Base::Stage(_));
        if !says && !of_parent {
            return Err(
                "the file starts no program of its own: it is that of the base image, or one to build others from"
                    .to_owned(),
            );
        }
        if let Some(first) = argv.first()
            && let Some(options) = tables::programs().init_options(first)
        {
            let rest: Vec<String> = argv.iter().skip(1).skip_while(|word| options.contains(word)).cloned().collect();
            argv = rest;
        }
        if argv.is_empty() {
            return Err("the image starts nothing".to_owned());
        }
        let mut started = Started::default();
        self.follow(stage, &argv, &mut started)?;
        Ok(started)
    }

    /// Adds a command and what it runs, when it is a shell or a script of the context.
    fn follow(&self, stage: &Stage, argv: &[String], started: &mut Started) -> Result<(), String> {
        if started.scripts.len() > MAX_SCRIPTS || started.commands.len() > 200 {
            return Err("too many scripts run one another".to_owned());
        }
        started.commands.push(argv.to_vec());
        let Some(program) = argv.first().filter(|program| !program.is_empty()) else { return Ok(()) };
        if let Some((runner, name)) = tables::programs().runner(argv) {
            return self.follow_manifest(stage, &runner.manifest, &runner.around, name, started);
        }
        let is_shell = Dialect::of(&[program.clone(), "-c".to_owned()]).dialect();
        if let (Some(dialect), [_, flag, text, ..]) = (is_shell, argv)
            && flag.starts_with('-')
            && flag.ends_with('c')
        {
            let script = shell::parse(text, dialect).map_err(|error| format!("what `{program}` runs: {error}"))?;
            return self.follow_script(stage, "the command", script, started);
        }
        let file = match is_shell {
            Some(_) => match argv.get(1).filter(|word| !word.starts_with('-')) {
                Some(file) => file.as_str(),
                None => return Err(format!("the image starts a shell, `{program}`: what is done in it is not known")),
            },
            None if program.contains('/') || tables::programs().is_script(program) => program,
            None => return Ok(()),
        };
        let Some(path) = self.absolute(stage, file) else { return Ok(()) };
        let source = self.context_file(stage, stage.instructions.end, &path).or_else(|| {
            // A name without a slash is looked up on the PATH.
            let name = file.rsplit('/').next()?;
            let on_path = origin::in_directory("/usr/local/bin", name);
            (!file.contains('/')).then(|| self.context_file(stage, stage.instructions.end, &on_path))?
        });
        let text = source.as_deref().and_then(|source| self.context.read(source));
        let is_script = is_shell.is_some() || tables::programs().is_script(file);
        let (Some(source), Some(text)) = (source, text) else {
            return if is_script { Err(format!("the text of `{file}` is not known")) } else { Ok(()) };
        };
        let first = text.lines().next().unwrap_or_default();
        let reads_shell = is_shell.is_some() || first.starts_with("#!") && first.contains("sh");
        if !reads_shell {
            return Ok(());
        }
        let script = shell::parse(&text, Dialect::Bash).map_err(|error| format!("`{source}`: {error}"))?;
        self.follow_script(stage, &source, script, started)
    }

    /// Adds what a script of a manifest runs, with those before and after it.
    fn follow_manifest(
        &self,
        stage: &Stage,
        manifest: &str,
        around: &[String],
        name: &str,
        started: &mut Started,
    ) -> Result<(), String> {
        let path = self.absolute(stage, manifest).ok_or("the working directory is not known")?;
        let source = self.context_file(stage, stage.instructions.end, &path);
        let text = source.as_deref().and_then(|source| self.context.read(source));
        let value = text.and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok());
        let script = |name: &str| value.as_ref()?.get("scripts")?.get(name)?.as_str().map(str::to_owned);
        let Some(main) = script(name) else {
            // A program that nobody knows.
            started.commands.push(vec![String::new()]);
            return Ok(());
        };
        let others = around.iter().filter_map(|prefix| script(&format!("{prefix}{name}")));
        for text in std::iter::once(main).chain(others) {
            let script = shell::parse(&text, Dialect::Posix).map_err(|error| format!("`{manifest}`: {error}"))?;
            self.follow_script(stage, "the command", script, started)?;
        }
        Ok(())
    }

    fn follow_script(&self, stage: &Stage, name: &str, script: Script, started: &mut Started) -> Result<(), String> {
        if started.scripts.iter().any(|(known, _)| known == name && name != "the command") {
            return Ok(());
        }
        let words = |command: &&SimpleCommand| -> Vec<String> {
            command.words.iter().map(|word| word.literal().unwrap_or_default()).collect()
        };
        let commands: Vec<Vec<String>> = script.all_simple_commands().iter().map(words).collect();
        started.scripts.push((name.to_owned(), script));
        for mut argv in commands {
            while argv.first().is_some_and(|word| word == "exec" || word == "command") {
                argv.remove(0);
            }
            self.follow(stage, &argv, started)?;
        }
        Ok(())
    }

    /// A path of the container as an absolute one.
    #[must_use]
    pub fn absolute(&self, stage: &Stage, path: &str) -> Option<String> {
        if path.starts_with('/') {
            return Some(super::walk::clean(path));
        }
        Some(super::walk::clean(&origin::in_directory(&self.final_workdir(stage)?, path)))
    }

    /// Checks that nothing that is seen needs root while the image is used: neither what is started nor what the sources say.
    ///
    /// # Errors
    /// What does.
    pub fn needs_no_root(&self, stage: &Stage, started: &Started, own: Option<&Own>) -> Result<(), String> {
        let table = tables::users();
        for argv in &started.commands {
            let needs_root =
                |word: &&String| table.needs_root(word) && !own.is_some_and(|own| own.programs.contains(word));
            if let Some(word) = argv.iter().take(2).find(needs_root) {
                return Err(format!("`{word}` starts as root, or changes user itself"));
            }
            let text = argv.join(" ");
            if let Some(port) = low_port(argv).or_else(|| table.low_port(&text).map(str::to_owned)) {
                return Err(low_port_reason(&format!("`{port}` in its command")));
            }
            if let Some(what) = table.privileged(&text) {
                return Err(format!("its command names `{what}`"));
            }
        }
        self.ports_are_high(stage)?;
        for source in self.context.sources().unwrap_or_default() {
            if table.writers(&source.path).is_none() || table.is_aside(&source.path) {
                continue;
            }
            if let Some(port) = table.low_port(source.known()) {
                return Err(low_port_reason(&format!("`{port}` in `{}`", source.path)));
            }
            if let Some(what) = table.privileged(source.known()) {
                return Err(format!("`{}` says `{what}`", source.path));
            }
        }
        Ok(())
    }

    /// Checks that no compose file gives the program what only root can use.
    pub(super) fn services_need_no_root(&self) -> Result<(), String> {
        for service in self.context.services() {
            if let Some(why) = &service.needs_root {
                return Err(format!("{}: the service `{}` {why}", service.file, service.name));
            }
        }
        Ok(())
    }

    /// Checks EXPOSE and the variables that name ports.
    pub(super) fn ports_are_high(&self, stage: &Stage) -> Result<(), String> {
        let mut family = Some(stage);
        while let Some(stage) = family {
            for index in stage.instructions.clone() {
                let line = self.lines.line(self.instruction(index).span.start);
                let InstructionKind::Expose(ports) = &self.instruction(index).kind else { continue };
                for port in ports {
                    let value = self.state(index).variables.expand(&port.text, self.dockerfile.escape);
                    let text = value.text.unwrap_or_else(|| port.text.clone());
                    let first = text.split(['/', '-']).next().unwrap_or_default();
                    if first.parse().is_ok_and(|port: u32| port < 1024) {
                        return Err(low_port_reason(&format!("line {line}: `EXPOSE {text}`")));
                    }
                }
            }
            family = match stage.base {
                Base::Stage(parent) => Some(&self.stages[parent]),
                _ => None,
            };
        }
        let of_base = stage.image.as_deref().and_then(|image| tables::users().listens_low(&image.family));
        if let Some((variable, port)) = of_base
            && stage.end.variables.environment.get(variable).is_none_or(|value| value.text.is_none())
        {
            return Err(low_port_reason(&format!("{port}, the default of the base image without `{variable}`")));
        }
        for (name, value) in &stage.end.variables.environment {
            let Some(text) = &value.text else { continue };
            let names_port = name.ends_with("PORT") || name.ends_with("PORTS") || name.ends_with("URLS");
            let port = text.trim_end_matches('/').rsplit([':', ';']).next().unwrap_or_default();
            let foreign = ["SMTP", "MAIL", "DB", "LDAP"].iter().any(|other| name.contains(other));
            if names_port && !foreign && port.parse().is_ok_and(|port: u32| (1..1024).contains(&port)) {
                return Err(low_port_reason(&format!("`{name}={text}`")));
            }
        }
        Ok(())
    }
}

pub(super) fn low_port_reason(what: &str) -> String {
    format!(
        "it listens on a port below 1024 ({what}), which only root may do where `net.ipv4.ip_unprivileged_port_start` is not 0: \
         Docker sets it, Kubernetes and podman may not"
    )
}

/// The word of an argv that gives a server a port below 1024.
fn low_port(argv: &[String]) -> Option<String> {
    let is_low = |text: &str| text.parse::<u32>().is_ok_and(|port| (1..1024).contains(&port));
    for (at, word) in argv.iter().enumerate() {
        let is_option = matches!(word.as_str(), "-p" | "--port" | "-port" | "--http-port" | "--http");
        if is_option && argv.get(at + 1).is_some_and(|next| is_low(next)) {
            return Some(format!("{word} {}", argv[at + 1]));
        }
        if matches!(word.as_str(), "80" | "443") {
            return Some(word.clone());
        }
        let value = word.rsplit_once("port=").or_else(|| word.rsplit_once(':')).map(|(_, value)| value);
        if value.is_some_and(is_low) && !word.contains('/') && !word.contains('@') {
            return Some(word.clone());
        }
    }
    None
}
