//! What the image of a stage needs, as facts with the place that causes each.
//!
//! Read are the commands of RUN, CMD, ENTRYPOINT and HEALTHCHECK, the scripts of the build context that they start, the
//! packages that manifests and lock files name, and the settings that ask for a locale or a time zone. What cannot be read
//! is a [`Gap`]: the stage may then need anything. Code of the application is only listed here ([`Code`]); what it names
//! depends on what is looked for ([`Needs::mentions`]).
//!
//! A need is nothing that an image has or lacks: that is for those to compare who know two images.

mod code;
mod commands;
mod locks;
mod node;
mod project;
mod python;

use super::cache::is_below;
use super::deed::joined;
use super::{Model, Stage, split};
use crate::syntax::ast::{Command, Healthcheck, InstructionKind};
use crate::tables::{self, CommandKind, LibC};

pub use code::{Code, Mention};

/// What a stage needs of its image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// What is known.
    pub known: Vec<Need>,
    /// What cannot be read.
    pub gaps: Vec<Gap>,
    /// Code of the application that is copied into the stage, or runs in it.
    pub code: Vec<Code>,
    /// Whether packages of PyPI or npm are installed, whose code is not seen.
    pub has_packages: bool,
    /// Programs that installs of projects of the context bring: they run code of the application.
    pub scripts: Vec<String>,
    /// The commands that were read.
    pub uses: Vec<Use>,
}

/// A command that something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// The program, without its directory.
    pub program: String,
    /// The words behind it; `None` when a word is known only when it runs.
    pub words: Vec<Option<String>>,
    /// When it runs.
    pub when: When,
    /// What runs it.
    pub place: Place,
}

/// One thing that an image has to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// What.
    pub what: What,
    /// When.
    pub when: When,
    /// What causes it.
    pub place: Place,
}

/// What an image can have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A command on the `PATH`, by its name.
    Program(String),
    /// A file of the system, by its absolute path.
    Path(String),
    /// A shared library, by the name under which it is loaded: `libpq.so.5`.
    Library(String),
    /// The certificates of authorities.
    Certificates,
    /// The time zone database.
    TimeZones,
    /// A locale, as LANG names it.
    Locale(String),
    /// glibc, for a program that is not built in the file.
    Glibc,
}

/// When something is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// By a RUN.
    Build,
    /// By a container.
    Run,
}

/// What causes a need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Number of the instruction.
    pub instruction: usize,
    /// The file of the build context that the instruction leads to.
    pub file: Option<String>,
}

/// Something that cannot be read: the stage may need anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When it is needed.
    pub when: When,
    /// Where it is.
    pub place: Place,
    /// Why it cannot be read.
    pub reason: String,
    /// What would make it readable.
    pub unlock: &'static str,
    /// Whether only the command itself needs it: of what the command leaves behind, it is known what that needs.
    pub is_of_command: bool,
}

/// What the image of a stage needs: its own instructions, not those of stages it is built from.
#[must_use]
pub fn needs(model: &Model<'_>, stage: &Stage) -> Needs {
    read(Reader::new(model, stage, LibC::Glibc))
}

/// What a stage needs of an image on musl: packages whose binaries are for glibc only are gaps then.
#[must_use]
pub fn needs_on_musl(model: &Model<'_>, stage: &Stage) -> Needs {
    read(Reader::new(model, stage, LibC::Musl))
}

fn read(mut reader: Reader<'_>) -> Needs {
    for index in reader.stage.instructions.clone() {
        reader.instruction(index);
    }
    reader.needs
}

/// More scripts and manifests than this are not read for one stage.
const MAX_FILES: usize = 200;

/// More directories than this are not followed in one instruction.
const MAX_DIRECTORIES: usize = 16;

/// Reads the instructions of one stage.
struct Reader<'m> {
    model: &'m Model<'m>,
    stage: &'m Stage,
    needs: Needs,
    /// What is being read.
    when: When,
    place: Place,
    /// Where the commands of the instruction may run, when not in its working directory: where `cd` and options lead.
    directories: Vec<String>,
    /// The C library that packages have to have binaries for.
    libc: LibC,
    /// Files that were read, so that scripts which call one another come to an end.
    read: Vec<String>,
}

impl<'m> Reader<'m> {
    fn new(model: &'m Model<'m>, stage: &'m Stage, libc: LibC) -> Self {
        let place = Place { instruction: stage.from, file: None };
        let needs = Needs::default();
        Self { model, stage, needs, when: When::Build, place, directories: Vec::new(), libc, read: Vec::new() }
    }

    fn instruction(&mut self, index: usize) {
        self.place = Place { instruction: index, file: None };
        self.directories.clear();
        let instruction = self.model.instruction(index);
        self.when = if self.model.is_run(index) { When::Build } else { When::Run };
        match &instruction.kind {
            InstructionKind::Cmd(Command::Exec(argv)) if self.takes_arguments().is_some() => {
                let mut words = self.takes_arguments().unwrap_or_default();
                words.extend(argv.iter().map(|word| word.text.clone()));
                self.argv(&words);
            }
            InstructionKind::Run(command)
            | InstructionKind::Cmd(command)
            | InstructionKind::Entrypoint(command)
            | InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => self.process(command),
            InstructionKind::Copy(_) | InstructionKind::Add(_) => self.transfer(index),
            InstructionKind::Env(pairs) => {
                for pair in &pairs.pairs {
                    self.setting(&pair.key.text, pair.value.text.trim_matches(['"', '\'']));
                }
            }
            InstructionKind::Shell(argv) => {
                if let Some(shell) = argv.first() {
                    self.program(&shell.text);
                }
            }
            InstructionKind::Onbuild(_) | InstructionKind::Unknown => {
                self.gap("what ONBUILD runs in other builds is not known", "nothing: other builds depend on it");
            }
            _ => {}
        }
    }

    /// The words of an ENTRYPOINT of the stage that takes CMD as arguments and starts none of them.
    fn takes_arguments(&self) -> Option<Vec<String>> {
        let argv =
            self.stage.instructions.clone().rev().find_map(|index| match &self.model.instruction(index).kind {
                InstructionKind::Entrypoint(Command::Exec(argv)) => Some(argv),
                _ => None,
            })?;
        let words: Vec<String> = argv.iter().map(|word| word.text.clone()).collect();
        let program = words.first()?;
        // A program of the project itself is an application, too.
        let is_own = self.needs.scripts.contains(program);
        let kind = tables::needs().command(program, "").map(|row| row.kind);
        (is_own || matches!(kind, Some(CommandKind::Nothing | CommandKind::Application))).then_some(words)
    }

    fn process(&mut self, command: &Command) {
        match command {
            Command::Exec(argv) => {
                let words: Vec<String> = argv.iter().map(|word| word.text.clone()).collect();
                self.argv(&words);
            }
            Command::Shell(_) => match self.model.body(self.place.instruction) {
                Some(body) => match body.script.as_ref() {
                    Ok(script) => self.script(script),
                    Err(opaque) => {
                        self.gap(opaque.to_string(), "plain POSIX shell, or SHELL with the shell that reads it")
                    }
                },
                None => self.gap("the command cannot be read", "the exec form"),
            },
        }
    }

    /// What a variable of the image asks for.
    fn setting(&mut self, name: &str, value: &str) {
        match name {
            "TZ" => self.need(What::TimeZones),
            "LANG" | "LANGUAGE" => self.need(What::Locale(value.to_owned())),
            name if name.starts_with("LC_") => self.need(What::Locale(value.to_owned())),
            _ => {
                value.split(':').filter(|part| name != "PATH" && part.starts_with('/')).for_each(|part| self.path(part))
            }
        }
    }

    fn need(&mut self, what: What) {
        let need = Need { what, when: self.when, place: self.place.clone() };
        if !self.needs.known.contains(&need) {
            self.needs.known.push(need);
        }
    }

    fn program(&mut self, name: &str) {
        self.need(What::Program(name.rsplit('/').next().unwrap_or(name).to_owned()));
    }

    /// A path that is named: one of the system is a need.
    fn path(&mut self, path: &str) {
        const OF_OTHERS: [&str; 3] = ["/usr/local/", "/usr/src/", "/usr/app/"];
        let is_of_system = path.starts_with("/usr/") || path.starts_with("/lib");
        if path.starts_with("/usr/share/zoneinfo") || path.starts_with("/etc/localtime") {
            self.need(What::TimeZones);
        } else if path.starts_with("/etc/ssl/") {
            self.need(What::Certificates);
        } else if is_of_system && !OF_OTHERS.iter().any(|other| path.starts_with(other)) {
            self.need(What::Path(path.to_owned()));
        }
    }

    fn gap(&mut self, reason: impl Into<String>, unlock: &'static str) {
        self.add_gap(reason.into(), unlock, false);
    }

    /// As [`Self::gap`]; says whether it is known what the command leaves behind.
    fn add_gap(&mut self, reason: String, unlock: &'static str, is_of_command: bool) {
        let gap = Gap { when: self.when, place: self.place.clone(), reason, unlock, is_of_command };
        if !self.needs.gaps.contains(&gap) {
            self.needs.gaps.push(gap);
        }
    }

    /// Reads a file of the build context as `read` says, in its place. A file is read once.
    fn in_file(&mut self, path: &str, read: impl FnOnce(&mut Self, &str)) {
        if self.read.iter().any(|known| known == path) {
            return;
        }
        if self.read.len() >= MAX_FILES {
            self.gap("more files are named than are read", "fewer files");
            return;
        }
        self.read.push(path.to_owned());
        let outside = self.place.file.replace(path.to_owned());
        match self.model.context.read(path) {
            Some(text) => read(self, &text),
            None => self.gap(format!("the content of `{path}` is not known"), "the file in the build context"),
        }
        self.place.file = outside;
    }

    /// The file of the build context that stands at a path when the instruction runs.
    fn context_file(&self, path: &str) -> Option<String> {
        self.context_files(path).pop()
    }

    /// Those that stand at a path in any of the directories in which commands of the instruction may run.
    fn context_files(&self, path: &str) -> Vec<String> {
        let workdir = self.model.state(self.place.instruction).workdir.fixed();
        let mut directories: Vec<&str> =
            workdir.into_iter().chain(self.directories.iter().map(String::as_str)).collect();
        if path.starts_with('/') {
            directories = vec!["/"];
        }
        let mut found: Vec<String> = Vec::new();
        for file in directories.into_iter().filter_map(|directory| self.file_at(&joined(directory, path))) {
            found.retain(|other| *other != file);
            found.push(file);
        }
        found
    }

    fn file_at(&self, path: &str) -> Option<String> {
        let mounted = self.model.mounts(self.place.instruction).into_iter().find_map(|mount| {
            let target = self.absolute(mount.target.as_deref()?)?;
            let source = mount.source.as_deref().unwrap_or_default().trim_start_matches("./");
            let is_bound = mount.from.is_none() && mount.kind == crate::syntax::mount::MountKind::Bind;
            match path.strip_prefix(&target).filter(|_| is_bound)? {
                "" => Some(source.to_owned()),
                rest if rest.starts_with('/') => Some(format!("{source}{rest}").trim_start_matches('/').to_owned()),
                _ => None,
            }
        });
        mounted.or_else(|| self.model.context_file(self.stage, self.place.instruction, path))
    }

    /// Notes that later commands may run in a directory.
    fn enters(&mut self, path: &str) {
        let workdir = self.model.state(self.place.instruction).workdir.fixed().unwrap_or("/").to_owned();
        let from: Vec<String> = std::iter::once(workdir).chain(self.directories.iter().cloned()).collect();
        for directory in from.iter().map(|directory| joined(directory, path)) {
            if !self.directories.contains(&directory) && self.directories.len() < MAX_DIRECTORIES {
                self.directories.push(directory);
            }
        }
    }

    /// Whether a stage of the file made what stands at the path: its code is among what is looked through.
    fn is_built(&self, path: &str) -> bool {
        let Some(path) = self.absolute(path) else { return false };
        self.stage.instructions.clone().any(|index| {
            !self.model.stages_read_by(index).is_empty()
                && split::destination(self.model, index).is_some_and(|target| is_below(&path, &target))
        })
    }

    fn absolute(&self, path: &str) -> Option<String> {
        if path.starts_with('/') {
            return Some(super::walk::clean(path));
        }
        let workdir = self.model.state(self.place.instruction).workdir.fixed()?;
        Some(super::walk::clean(&format!("{workdir}/{path}")))
    }
}

#[cfg(test)]
mod tests;
