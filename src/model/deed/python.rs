//! What installs of Python packages leave behind: pip, pipenv, poetry and uv (their documentation: "pip install", "Pipenv CLI", "Poetry
//! configuration", "uv: project environment path").

use super::{Deed, Reader, joined, source_at};
use crate::model::manifest::pyproject;
use crate::model::owner;
use crate::model::scope::Variable;
use crate::shell::ast::{SimpleCommand, Word, WordPart};
use crate::shell::command::Invocation;
use crate::shell::command::pip::{PipInstall, built_package};
use crate::tables;

/// Files of requirements that name one another are followed so far.
const MAX_NESTING: usize = 5;

/// The directory of an environment that stands in the project.
const IN_PROJECT: &str = ".venv";

/// `.[*]` for a project with extras that are known only when the command runs.
#[must_use]
pub fn with_any_extras(word: &Word) -> Option<String> {
    let [WordPart::Literal { text, .. }, ..] = word.parts.as_slice() else { return None };
    let closes = matches!(word.parts.last(), Some(WordPart::Literal { text, .. }) if text == "]");
    (text.as_str() == ".[" && closes).then(|| ".[*]".to_owned())
}

impl Reader<'_> {
    pub(super) fn pip(&mut self, invocation: &Invocation, command: &SimpleCommand) -> Result<(), String> {
        let subcommand = invocation.subcommand();
        if matches!(subcommand, "cache purge" | "check" | "list" | "freeze") {
            return Ok(());
        }
        if subcommand == "wheel" {
            return self.wheels(invocation);
        }
        let install = PipInstall::of(invocation).filter(|_| subcommand == "install");
        let install = install.ok_or_else(|| format!("what `pip {subcommand}` leaves behind is not known"))?;
        let elsewhere = &tables::stages().environment.options;
        // What root has of its own goes where the other packages are: a split takes the option out.
        let of_user = if install.user { self.user_base()? } else { None };
        let is_elsewhere = |name: &str| elsewhere.contains(name) && !(name == "--user" && install.user);
        if let Some(option) = invocation.options.iter().find(|option| is_elsewhere(&option.name)) {
            return Err(format!("`pip install {}` installs elsewhere", option.name));
        }
        if invocation.unknown_option.is_some() {
            return Err("not all options of `pip install` are known".to_owned());
        }
        for value in invocation.values("--editable") {
            self.in_place(value.text.as_deref().ok_or("what pip installs is known only when it runs")?)?;
        }
        let environment = match &invocation.directory {
            None if of_user.is_some() => of_user.clone(),
            Some(directory) => Some(self.environment_of(directory).ok_or("where `pip` installs is not known")?),
            None => None,
        };
        for links in invocation.values("--find-links") {
            let path = links.text.as_deref().ok_or("what pip installs is known only when it runs")?;
            if !path.contains("://") {
                self.takes(path);
            }
        }
        for requirement in &install.requirements {
            let word = command.words.get(requirement.word);
            if let Some(directory) = built_package(requirement) {
                self.takes(directory);
                continue;
            }
            let text = word.and_then(|word| self.model.text_of(self.run, word).or_else(|| with_any_extras(word)));
            let text = text.ok_or("what pip installs is known only when it runs")?;
            let is_local = text.contains('/') && !text.contains("://");
            if is_local && !text.starts_with("./") || text.starts_with('~') {
                return Err(format!("pip installs `{text}`"));
            }
        }
        if environment.is_none() && !self.model.user(self.run).is_root() {
            return Err("pip does not run as root and installs below the home directory".to_owned());
        }
        for file in install.requirement_files.iter().chain(&install.constraint_files) {
            let path = file.text.as_deref().ok_or("which requirements pip reads is known only when it runs")?;
            self.requirements(path, 0)?;
        }
        if let Some(environment) = environment {
            self.deeds.push(if of_user.is_some() { Deed::Output(environment) } else { Deed::Below(environment) });
            return Ok(());
        }
        let is_bare = install.requirement_files.is_empty() && !install.requirements.is_empty();
        let tools: Option<Vec<String>> = install
            .requirements
            .iter()
            .filter(|_| is_bare)
            .map(|requirement| {
                let word = command.words.get(requirement.word)?;
                let text = self.model.text_of(self.run, word)?;
                let end = text.find(['=', '<', '>', '~', '!', '[']).unwrap_or(text.len());
                tables::stages().environment.tools.get(&text[..end]).cloned()
            })
            .collect::<Option<Vec<_>>>()
            .map(|tools| tools.concat());
        self.deeds.push(tools.filter(|tools| !tools.is_empty()).map_or(Deed::PythonPackages, Deed::PythonTools));
        Ok(())
    }

    /// Where packages of the user go who is not root (site, "PYTHONUSERBASE"); `None` for root.
    fn user_base(&self) -> Result<Option<String>, String> {
        let table = &tables::stages().environment;
        if table.user.unless.iter().any(|name| !matches!(self.variable(name), Ok(None))) {
            return Err("where `pip install --user` puts packages is not known".to_owned());
        }
        if self.model.user(self.run).is_root() {
            return Ok(None);
        }
        let name = self.model.state(self.run).user.fixed().unwrap_or_default();
        let known = self.model.user(self.run).home.or_else(|| owner::home_of(self.model, self.run, name));
        let home = known.ok_or("the home of the user is not known")?;
        Ok(Some(joined(&home, &table.user.directory)))
    }

    /// `pip wheel`: packages that are built, in a directory.
    fn wheels(&mut self, invocation: &Invocation) -> Result<(), String> {
        let install = PipInstall::of(invocation).filter(|install| install.editables.is_empty());
        let install = install.ok_or("not all options of `pip wheel` are known")?;
        if invocation.unknown_option.is_some() || invocation.directory.is_some() {
            return Err("not all options of `pip wheel` are known".to_owned());
        }
        for file in install.requirement_files.iter().chain(&install.constraint_files) {
            let path = file.text.as_deref().ok_or("which requirements pip reads is known only when it runs")?;
            self.requirements(path, 0)?;
        }
        match invocation.values("--wheel-dir").last() {
            Some(directory) => {
                let directory = directory.text.clone().ok_or("where pip puts wheels is known only when it runs")?;
                self.makes(&directory)
            }
            None => self.writes(Some(".")),
        }
    }

    /// Notes that what is needed of a directory is installed from there.
    fn takes(&mut self, directory: &str) {
        let taken: Vec<Deed> = self.directories.iter().map(|from| Deed::Taken(joined(from, directory))).collect();
        self.deeds.extend(taken);
    }

    /// The virtual environment, made by an earlier command of the stage, of the programs in a directory.
    fn environment_of(&self, directory: &str) -> Option<String> {
        let [from] = self.directories.as_slice() else { return None };
        let directory = joined(from, directory);
        let environment = directory.strip_suffix(&format!("/{}", tables::stages().environment.bin))?.to_owned();
        let made = Deed::Output(environment.clone());
        let stage = self.model.stage_of(self.run)?;
        let earlier = (stage.instructions.start..self.run).filter(|run| self.model.is_run(*run));
        let is_made = self.deeds.contains(&made)
            || earlier.into_iter().any(|run| super::deeds(self.model, run).is_ok_and(|deeds| deeds.contains(&made)));
        is_made.then_some(environment)
    }

    /// A project that is installed in place: the packages lead to its directory, which the install writes to.
    fn in_place(&mut self, project: &str) -> Result<(), String> {
        let path = project.split_once('[').map_or(project, |(path, _)| path).trim();
        let is_directory = matches!(path, "." | "./") || path.starts_with(['/', '.']) && path.contains('/');
        let [directory] = self.directories.as_slice() else {
            return Err("where pip runs is not known".to_owned());
        };
        if !is_directory {
            return Err(format!("pip installs `{project}` in place"));
        }
        let path = joined(directory, path);
        self.deeds.extend([Deed::PythonPackages, Deed::Output(path)]);
        Ok(())
    }

    /// Reads what the lines of a file of requirements leave beside packages.
    fn requirements(&mut self, path: &str, depth: usize) -> Result<(), String> {
        let unknown = || format!("what `{path}` names is not known without the build context");
        if path.contains("://") || depth > MAX_NESTING {
            return Err(unknown());
        }
        let directory = self.directories.first().map_or("/", String::as_str);
        let absolute = joined(directory, path);
        let source = source_at(self.model, self.run, &absolute).ok_or_else(unknown)?;
        let text = self.model.context.read(&source).ok_or_else(unknown)?;
        for line in text.lines().map(str::trim) {
            let (option, value) = line.split_once([' ', '=']).unwrap_or((line, ""));
            match option {
                "-e" | "--editable" if !value.contains("://") => self.in_place(value.trim())?,
                "-r" | "--requirement" | "-c" | "--constraint" => {
                    let parent = absolute.rsplit_once('/').map_or("", |(parent, _)| parent);
                    self.requirements(&joined(parent, value.trim()), depth + 1)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// `pipenv install` and `sync`: into the interpreter's directories, or into an environment.
    pub(super) fn pipenv(&mut self, invocation: &Invocation) -> Result<(), String> {
        if !invocation.arguments.is_empty() || invocation.unknown_option.is_some() || !invocation.environment.is_empty()
        {
            return Err("not all words of `pipenv` are known".to_owned());
        }
        let lock = self.project_file("Pipfile.lock").ok_or("Pipfile.lock is not known")?;
        if lock.contains("\"editable\"") || lock.contains("\"path\"") {
            return Err("Pipfile.lock names projects that are installed in place".to_owned());
        }
        if invocation.has("--system") {
            return self.installs_into_interpreter();
        }
        self.installs_into_environment(self.is_on("PIPENV_VENV_IN_PROJECT"), "PIPENV_VENV_IN_PROJECT=1")
    }

    /// `poetry install`: as `virtualenvs.create` and `virtualenvs.in-project` say.
    pub(super) fn poetry(&mut self, invocation: &Invocation) -> Result<(), String> {
        if invocation.unknown_option.is_some() || invocation.directory.is_some() || !invocation.environment.is_empty() {
            return Err("not all words of `poetry install` are known".to_owned());
        }
        let text = self.project_file("pyproject.toml").ok_or("pyproject.toml is not known")?;
        let project = pyproject::read(&text).ok_or("pyproject.toml is not read")?;
        if !project.local.is_empty() || text.contains("tool.poetry.build") {
            return Err("poetry installs or builds something in place".to_owned());
        }
        let is_off = self.setting("POETRY_VIRTUALENVS_CREATE", "virtualenvs.create") == Some(false);
        if is_off {
            return self.installs_into_interpreter();
        }
        let in_project = self.setting("POETRY_VIRTUALENVS_IN_PROJECT", "virtualenvs.in-project") == Some(true);
        self.installs_into_environment(in_project, "POETRY_VIRTUALENVS_IN_PROJECT=1")
    }

    /// `uv sync`: into the environment of the project.
    pub(super) fn uv_sync(&mut self, invocation: &Invocation) -> Result<(), String> {
        if !invocation.arguments.is_empty() || invocation.unknown_option.is_some() || !invocation.environment.is_empty()
        {
            return Err("not all words of `uv sync` are known".to_owned());
        }
        self.has_interpreter()?;
        match self.variable("UV_PROJECT_ENVIRONMENT")? {
            Some(path) => self.makes(&path),
            None => self.makes(IN_PROJECT),
        }
    }

    /// `uv pip install`: into the active environment, or that of the directory.
    pub(super) fn uv_pip(&mut self, invocation: &Invocation) -> Result<(), String> {
        let install = PipInstall::of(invocation).ok_or("not all words of `uv pip install` are known")?;
        if invocation.unknown_option.is_some() || !install.editables.is_empty() || install.destination.is_some() {
            return Err("not all options of `uv pip install` are known".to_owned());
        }
        let system = &tables::stages().environment.system;
        if self.variable(&system.variable)?.is_some() {
            return Err(format!("`{}` passes over virtual environments", system.variable));
        }
        for file in install.requirement_files.iter().chain(&install.constraint_files) {
            let path = file.text.as_deref().ok_or("which requirements uv reads is known only when it runs")?;
            self.requirements(path, 0)?;
        }
        if invocation.options.iter().any(|option| system.options.contains(&option.name)) {
            return self.installs_into_interpreter();
        }
        self.installs_into_environment(true, "")
    }

    /// That uv takes the interpreter of the image, and downloads none.
    fn has_interpreter(&self) -> Result<(), String> {
        let stage = self.model.stage_of(self.run).ok_or("the stage is not known")?;
        let interpreter = stage.image.as_deref().and_then(|image| image.interpreter.as_ref());
        let interpreter = interpreter.filter(|interpreter| interpreter.name == "python");
        let version = &interpreter.ok_or("which Python uv takes is not known")?.version;
        let minor =
            |text: &str| text.split('.').nth(1).and_then(|minor| minor.trim_end_matches('*').parse::<u32>().ok());
        let is_own =
            |text: &str| text.split('.').count() <= 2 && version.starts_with(text) && minor(text) == minor(version);
        if self.project_file(".python-version").is_some_and(|text| !is_own(text.trim())) {
            return Err("`.python-version` may ask for another Python than that of the image".to_owned());
        }
        if self.variable("UV_PYTHON")?.is_some() {
            return Err("`UV_PYTHON` names a Python".to_owned());
        }
        let text = self.project_file("pyproject.toml").ok_or("pyproject.toml is not known")?;
        let wanted = pyproject::read(&text).and_then(|project| project.requires_python).unwrap_or_default();
        let fits = |part: &str| match part.strip_prefix(">=") {
            Some(least) => minor(least).is_some_and(|least| minor(version).is_some_and(|own| own >= least)),
            None => part
                .strip_prefix('<')
                .is_some_and(|above| minor(above).is_none_or(|above| minor(version).is_some_and(|own| own < above))),
        };
        if wanted.is_empty() || wanted.split(',').all(fits) {
            return Ok(());
        }
        Err("`requires-python` may ask for another Python than that of the image".to_owned())
    }

    pub(super) fn installs_into_interpreter(&mut self) -> Result<(), String> {
        if !self.model.user(self.run).is_root() {
            return Err("it does not run as root and installs below the home directory".to_owned());
        }
        self.deeds.push(Deed::PythonPackages);
        Ok(())
    }

    /// Into the active environment, or one in the project; `setting` is what puts it there.
    fn installs_into_environment(&mut self, in_project: bool, setting: &str) -> Result<(), String> {
        if let Some(active) = self.variable("VIRTUAL_ENV")? {
            self.deeds.push(Deed::Below(active));
            return Ok(());
        }
        if in_project {
            return self.makes(IN_PROJECT);
        }
        Err(format!("where the virtual environment stands is not known without `{setting}`"))
    }

    /// A file of the project that the command runs in.
    fn project_file(&self, name: &str) -> Option<String> {
        let directory = self.directories.last()?;
        self.model.context.read(&source_at(self.model, self.run, &joined(directory, name))?)
    }

    /// The value of a variable of the image, if it is set.
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        match self.model.state(self.run).variables.get(name) {
            Variable::Unset => Ok(None),
            Variable::Set(value) => {
                value.fixed().map(|value| Some(value.to_owned())).ok_or_else(|| format!("`{name}` is not known"))
            }
            Variable::Unknown => Err(format!("`{name}` is not known")),
        }
    }

    fn is_on(&self, name: &str) -> bool {
        let value = self.variable(name).ok().flatten().unwrap_or_default().to_lowercase();
        matches!(value.as_str(), "1" | "true" | "yes" | "on")
    }

    /// What a variable or an earlier `poetry config` says.
    fn setting(&self, variable: &str, key: &str) -> Option<bool> {
        if let Some(value) = self.variable(variable).ok()? {
            return Some(self.is_on(variable)).filter(|_| !value.is_empty());
        }
        let stage = self.model.stage_of(self.run)?;
        let mut found = None;
        for run in (stage.instructions.start..=self.run).filter(|run| self.model.is_run(*run)) {
            for call in self.model.calls(run) {
                if call.program() == "poetry" && call.subcommand() == Some("config") {
                    let words: Vec<&str> = call.operands().iter().filter_map(|word| word.text.as_deref()).collect();
                    match words.as_slice() {
                        [name, "true"] if *name == key => found = Some(true),
                        [name, "false"] if *name == key => found = Some(false),
                        _ => {}
                    }
                }
            }
        }
        found
    }
}
