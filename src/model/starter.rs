//! Programs that start another one in the environment of a project: `uv run`, `poetry run`, `pipenv run`.
//!
//! Where the environment stands in the image and nothing has to be installed into it, containers can start the other program themselves
//! (uv documentation, "Running commands in projects"; Poetry documentation, `run`; Pipenv documentation, "pipenv run" and "Loading of .env").

use super::deed::{Deed, deeds, joined};
use super::manifest::{pyproject, uv_lock};
use super::runtime::Refusal;
use super::scope::Variable;
use super::split::{self, Kind};
use super::{Model, Stage};
use crate::context::Entry;
use crate::shell::command::recognize;
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, Starter};

const UNLOCK: &str = "the program by its own name, with the environment on the PATH";

/// Where the program of a project stands.
enum Place {
    /// In the directories of the interpreter.
    Interpreter,
    /// In a virtual environment.
    Environment(String),
}

impl Model<'_> {
    /// What the argv starts, and why it is the same; `None` when it is no such program.
    pub(super) fn started_in_environment(
        &self,
        stage: &Stage,
        argv: &[String],
    ) -> Result<Option<(Vec<String>, String)>, Refusal> {
        let Some((starter, flags, started)) = tables::stages().starter(argv) else { return Ok(None) };
        let refuse = |reason: String| (reason, UNLOCK);
        let (install, place) = self.environment_of(stage, starter).map_err(refuse)?;
        let workdir =
            stage.end.workdir.fixed().ok_or_else(|| refuse("the working directory is not known".to_owned()))?;
        let variables = &self.state(stage.instructions.end - 1).variables;
        if let Some(name) = starter.unless.iter().find(|name| !matches!(variables.get(name), Variable::Unset)) {
            return Err(refuse(format!("`{name}` changes what `{}` does", starter.program)));
        }
        for name in &starter.files {
            if !matches!(self.context.entry(name), Entry::Missing | Entry::Ignored) {
                return Err(refuse(format!("`{}` reads `{name}`", starter.program)));
            }
        }
        let manifest = self.text_at_end(stage, &joined(workdir, &starter.manifest));
        let manifest = manifest.ok_or_else(|| refuse(format!("`{}` is not known", starter.manifest)))?;
        let program = started.first().map_or("", String::as_str);
        if names_script(starter, &manifest, program) {
            return Err(refuse(format!("`{program}` is a script of `{}`", starter.manifest)));
        }
        if starter.syncs {
            self.is_in_step(stage, install, flags, workdir, &manifest).map_err(refuse)?;
        }
        self.goes_without_variables(starter).map_err(refuse)?;
        let mut started = started.to_vec();
        if program.ends_with(".py") && starter.runs_scripts {
            let text = self.text_at_end(stage, &joined(workdir, program));
            if text.is_none_or(|text| text.contains("# /// script")) {
                return Err(refuse(format!("what `{program}` asks for is not known")));
            }
            started.insert(0, tables::stages().environment.interpreter.clone());
        } else if program.contains('/') {
            return Err(refuse(format!("`{program}` is no plain name of a program")));
        }
        if let Place::Environment(directory) = &place
            && split::environment_on_path(self, stage.instructions.end - 1).as_ref() != Some(directory)
        {
            started[0] = self.by_its_path(stage, directory, &started[0]).map_err(refuse)?;
        }
        Ok(Some((started, format!("it is what `{} {}` starts", starter.program, starter.subcommand))))
    }

    /// The RUN that installs the project, and where.
    fn environment_of(&self, stage: &Stage, starter: &Starter) -> Result<(usize, Place), String> {
        let runs = stage.instructions.clone().filter(|index| self.is_run(*index));
        let installs = |run: &usize| {
            let calls = self.calls(*run);
            calls.iter().any(|call| {
                call.program() == starter.program
                    && call.subcommand().is_some_and(|name| starter.installs.iter().any(|known| known == name))
            })
        };
        let install = runs.into_iter().rfind(installs);
        let install = install.ok_or_else(|| format!("no install of the project by `{}` is known", starter.program))?;
        let made = deeds(self, install)?;
        let directories: Vec<&String> =
            made.iter().filter_map(|deed| if let Deed::Output(path) = deed { Some(path) } else { None }).collect();
        match directories.as_slice() {
            [directory] => Ok((install, Place::Environment((*directory).clone()))),
            [] if made.contains(&Deed::PythonPackages) && starter.of_interpreter => {
                let sets_path = |index: usize| matches!(&self.instruction(index).kind, InstructionKind::Env(pairs) if pairs.pairs.iter().any(|pair| pair.key.text == "PATH"));
                if stage.instructions.clone().any(sets_path) {
                    return Err("the PATH is set in the file".to_owned());
                }
                Ok((install, Place::Interpreter))
            }
            _ => Err("the environment of the project is not known".to_owned()),
        }
    }

    /// Checks that the environment has all that is asked for when the program starts.
    fn is_in_step(
        &self,
        stage: &Stage,
        install: usize,
        flags: &[String],
        workdir: &str,
        manifest: &str,
    ) -> Result<(), String> {
        let has = |name: &str| flags.iter().any(|flag| flag == name);
        if has("--no-sync") || self.is_set(stage, "UV_NO_SYNC") {
            return Ok(());
        }
        let project = pyproject::read(manifest).ok_or("pyproject.toml is not read")?;
        if project.uv.has_workspace {
            return Err("the project is a workspace".to_owned());
        }
        let lock = self.text_at_end(stage, &joined(workdir, "uv.lock")).ok_or("uv.lock is not known")?;
        if !has("--frozen") {
            let lock = uv_lock::read(&lock).ok_or("uv.lock is not read")?;
            lock.agrees_with(&project)?;
        }
        let script = self.body(install).and_then(|body| body.understood()).ok_or("a script is not understood")?;
        let sync =
            script.all_simple_commands().into_iter().filter_map(recognize).find(|call| call.subcommand() == "sync");
        let sync = sync.ok_or("the install is not known")?;
        let plain = &tables::stages().environment.plain_syncs;
        if let Some(option) = sync.options.iter().find(|option| !plain.contains(&option.name)) {
            return Err(format!("what `{}` leaves to be installed at the start is not known", option.name));
        }
        let groups = ["dependency-groups", "dev-dependencies", "default-groups"];
        if sync.has("--no-dev") != has("--no-dev") && groups.iter().any(|group| manifest.contains(group)) {
            return Err("packages of development are installed at the start".to_owned());
        }
        let is_package = project.uv.package == Some(true) || project.uv.package.is_none() && project.has_build_system;
        let is_later = |index: usize| {
            split::kind(self, index) == Kind::Transfer
                && split::destination(self, index).is_none_or(|target| super::cache::is_below(&target, workdir))
        };
        if is_package && (sync.has("--no-install-project") || (install..stage.instructions.end).any(is_later)) {
            return Err("the project itself is installed at the start".to_owned());
        }
        Ok(())
    }

    /// Checks that no source reads a variable that only the starter sets.
    fn goes_without_variables(&self, starter: &Starter) -> Result<(), String> {
        let sources = self.context.sources().ok_or("the build context is not known as a whole")?;
        for source in sources {
            let is_code = tables::programs().is_code(source.path.rsplit('/').next().unwrap_or(&source.path));
            if is_code && let Some(name) = starter.variables.iter().find(|name| source.known().contains(name.as_str()))
            {
                return Err(format!("`{}` reads `{name}`, which `{}` sets", source.path, starter.program));
            }
        }
        Ok(())
    }

    /// The program by its path in the environment, which is not on the PATH: one that is known to be there, in a project that starts no
    /// other programs.
    fn by_its_path(&self, stage: &Stage, environment: &str, program: &str) -> Result<String, String> {
        let table = &tables::stages().environment;
        let workdir = stage.end.workdir.fixed().unwrap_or("/");
        let locks: Vec<String> = ["uv.lock", "poetry.lock", "Pipfile.lock"]
            .iter()
            .filter_map(|name| self.text_at_end(stage, &joined(workdir, name)))
            .collect();
        let is_locked = |package: &str| {
            let named = [format!("name = \"{package}\""), format!("\"{package}\": {{")];
            locks.iter().any(|lock| named.iter().any(|name| lock.contains(name.as_str())))
        };
        let is_there = program == table.interpreter
            || table
                .scripts
                .iter()
                .any(|(package, programs)| programs.iter().any(|own| own == program) && is_locked(package));
        if !is_there {
            return Err(format!("whether `{program}` stands in the environment is not known"));
        }
        let files = split::context_files(self).ok_or("the build context is not known as a whole")?;
        let starts = |text: &str| table.starts.iter().any(|word| text.contains(word.as_str()));
        if let Some((path, _)) = files.iter().find(|(path, text)| path.ends_with(".py") && starts(text)) {
            return Err(format!("`{path}` may start programs of the environment, which is not on the PATH"));
        }
        Ok(format!("{environment}/{}/{program}", table.bin))
    }

    fn is_set(&self, stage: &Stage, name: &str) -> bool {
        matches!(self.state(stage.instructions.end - 1).variables.get(name), Variable::Set(value) if value.fixed() == Some("1"))
    }

    fn text_at_end(&self, stage: &Stage, path: &str) -> Option<String> {
        self.context.read(&self.context_file(stage, stage.instructions.end, path)?)
    }
}

/// Whether a table of scripts of the manifest gives the name another meaning.
fn names_script(starter: &Starter, manifest: &str, program: &str) -> bool {
    let mut in_scripts = false;
    manifest.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            in_scripts = line.trim_end_matches(']').ends_with("scripts");
        }
        let name = line.split('=').next().unwrap_or_default().trim().trim_matches('"');
        starter.scripts && in_scripts && name == program
    })
}
