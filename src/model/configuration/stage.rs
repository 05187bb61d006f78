//! How the instructions of a stage make its configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::term::{self, Term};
use super::{Argv, Configuration, HealthCheck, base};
use crate::model::scope::PROXY_ARGUMENTS;
use crate::model::{Base, Model, Stage, walk};
use crate::source::Span;
use crate::syntax::ast::{ArgDeclaration, Command, Healthcheck, Instruction, InstructionKind, KeyValues, Word};
use crate::syntax::expand;

/// The configurations of all stages.
pub(super) fn configurations(model: &Model<'_>) -> Vec<Configuration> {
    let escape = model.dockerfile.escape;
    let global = global_arguments(model);
    let mut ends: Vec<State<'_>> = Vec::with_capacity(model.stages.len());
    for stage in &model.stages {
        let (configuration, arguments, name) = match stage.base {
            Base::Stage(parent) => ends[parent].inherited(parent),
            Base::Scratch => (base::scratch(), Rc::default(), Rc::from("scratch")),
            Base::Image(_) | Base::Unknown => {
                let name = base_name(model, stage, &global);
                let facts = stage.image.as_deref().filter(|_| !stage.image_by_argument);
                let known = facts.map_or_else(|| base::unknown(&name), |facts| base::image(&name, facts));
                (known, Rc::default(), Rc::from(name))
            }
        };
        let mut state = State {
            source: model.source,
            escape,
            global: &global,
            configuration,
            arguments,
            base: name,
            sets_cmd: false,
        };
        for index in stage.instructions.clone() {
            state.take(model.instruction(index));
        }
        ends.push(state);
    }
    ends.into_iter().map(|state| state.configuration).collect()
}

type Arguments = BTreeMap<String, Term>;

/// Build arguments before the first FROM.
fn global_arguments(model: &Model<'_>) -> Arguments {
    let first = model.stages.first().map_or(0, |stage| stage.from);
    let mut global = Arguments::new();
    for instruction in &model.dockerfile.instructions[..first] {
        let InstructionKind::Arg(declarations) = &instruction.kind else { continue };
        for ArgDeclaration { name, default } in declarations {
            let default = default.as_ref().map(|word| in_from(word, model.dockerfile.escape, &global));
            global.insert(name.text.clone(), argument(&name.text, default.as_ref()));
        }
    }
    global
}

/// A build argument: what the author of the build passes, or the default.
fn argument(name: &str, default: Option<&Term>) -> Term {
    match default {
        Some(default) => Term::unknown(format_args!("ARG {name}={}", default.written())),
        None => Term::unknown(format_args!("ARG {name}")),
    }
}

/// The value of a word that only sees global arguments; BuildKit sets some by itself.
fn in_from(word: &Word, escape: char, global: &Arguments) -> Term {
    term::expand(&word.text, escape, |name| Some(global.get(name).cloned().unwrap_or_else(|| argument(name, None))))
}

/// What tells a base image from others.
fn base_name(model: &Model<'_>, stage: &Stage, global: &Arguments) -> String {
    let instruction = model.instruction(stage.from);
    let InstructionKind::From(from) = &instruction.kind else { return String::new() };
    let escape = model.dockerfile.escape;
    let image = in_from(&from.image, escape, global);
    let platform = instruction.flag("platform").and_then(|flag| flag.value.as_deref());
    let lookup = |name: &str| Some(global.get(name).cloned().unwrap_or_else(|| argument(name, None)));
    match platform.map(|platform| term::expand(platform, escape, lookup)) {
        Some(platform) => format!("{} for {}", image.written(), platform.written()),
        None => image.written().to_owned(),
    }
}

/// What holds behind an instruction.
struct State<'a> {
    source: &'a str,
    escape: char,
    global: &'a Arguments,
    configuration: Configuration,
    arguments: Rc<Arguments>,
    /// What the symbols of the base are called after.
    base: Rc<str>,
    /// Whether the stage has a CMD of its own.
    sets_cmd: bool,
}

impl State<'_> {
    /// What a stage that is built from this one starts with. Whether the triggers of a stage fire in those built from it
    /// depends on the version of BuildKit, so with triggers nothing is known but that the same stage has the same ones.
    fn inherited(&self, index: usize) -> (Configuration, Rc<Arguments>, Rc<str>) {
        if self.configuration.triggers.is_empty() {
            return (self.configuration.clone(), Rc::clone(&self.arguments), Rc::clone(&self.base));
        }
        let mut hasher = DefaultHasher::new();
        self.configuration.hash(&mut hasher);
        let name = format!("stage {index} with triggers, {:x}", hasher.finish());
        (base::unknown(&name), Rc::clone(&self.arguments), Rc::from(name))
    }

    fn take(&mut self, instruction: &Instruction) {
        match &instruction.kind {
            InstructionKind::Arg(declarations) => self.declare(declarations),
            InstructionKind::Env(pairs) => {
                let set = self.pairs(pairs);
                self.configuration.environment.known.extend(set);
            }
            InstructionKind::Label(pairs) => {
                let set = self.pairs(pairs);
                self.configuration.labels.known.extend(set);
            }
            InstructionKind::User(word) => self.configuration.user = self.expand(word),
            InstructionKind::Workdir(word) => self.configuration.working_directory = self.below_workdir(word),
            InstructionKind::Stopsignal(word) => self.configuration.stop_signal = self.expand(word),
            InstructionKind::Maintainer(word) => self.configuration.author = Term::text(word.text.clone()),
            InstructionKind::Expose(words) => {
                let ports: BTreeSet<Term> = words.iter().flat_map(|word| self.ports(word)).collect();
                self.configuration.ports.known.extend(ports);
            }
            InstructionKind::Volume(words) => {
                let volumes: Vec<Term> = words.iter().map(|word| self.expand(word)).collect();
                self.configuration.volumes.known.extend(volumes);
            }
            InstructionKind::Cmd(command) => {
                self.configuration.cmd = self.argv(command);
                self.sets_cmd = true;
            }
            InstructionKind::Entrypoint(command) => {
                self.configuration.entrypoint = self.argv(command);
                if !self.sets_cmd {
                    self.configuration.cmd = Argv::Known(Vec::new());
                }
            }
            InstructionKind::Shell(argv) => self.configuration.shell = Argv::Known(texts(argv)),
            InstructionKind::Healthcheck(Healthcheck::None) => {
                self.configuration.health_check = HealthCheck::Disabled;
            }
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => {
                self.configuration.health_check = health_check(instruction, command);
            }
            InstructionKind::Onbuild(_) => {
                let rest = Span::new(instruction.keyword.end, instruction.full_span().end);
                self.configuration.triggers.push(rest.of(self.source).trim().to_owned());
            }
            InstructionKind::From(_)
            | InstructionKind::Run(_)
            | InstructionKind::Copy(_)
            | InstructionKind::Add(_)
            | InstructionKind::Unknown => {}
        }
    }

    fn declare(&mut self, declarations: &[ArgDeclaration]) {
        for ArgDeclaration { name, default } in declarations {
            let value = match default {
                Some(word) => argument(&name.text, Some(&self.expand(word))),
                None => self.global.get(&name.text).cloned().unwrap_or_else(|| argument(&name.text, None)),
            };
            Rc::make_mut(&mut self.arguments).insert(name.text.clone(), value);
        }
    }

    /// Names and values, all of them with the variables from before the instruction.
    fn pairs(&self, pairs: &KeyValues) -> Vec<(String, Term)> {
        let pair = |key: &Word, value: &Word| (self.expand(key).written().to_owned(), self.expand(value));
        pairs.pairs.iter().map(|both| pair(&both.key, &both.value)).collect()
    }

    fn below_workdir(&self, word: &Word) -> Term {
        let path = self.expand(word);
        let (is_absolute, base) = (path.starts_with('/'), &self.configuration.working_directory);
        match (path.constant(), base.constant()) {
            (Some(path), _) if is_absolute => Term::text(walk::clean(path)),
            (Some(path), Some(base)) => Term::text(walk::clean(&format!("{base}/{path}"))),
            (None, _) if is_absolute => path,
            _ => Term::composed(format!("{}/{}", base.written(), path.written())),
        }
    }

    /// The ports of a word: several where a variable without quotes holds several.
    fn ports(&self, word: &Word) -> Vec<Term> {
        let value = self.expand(word);
        if value.constant().is_none() {
            return vec![value];
        }
        let names = expand::variables(&word.text, self.escape).unwrap_or_default();
        let values: BTreeMap<String, Term> =
            names.into_iter().filter_map(|name| self.variable(&name).map(|value| (name, value))).collect();
        let lookup = |name: &str| values.get(name).and_then(Term::constant);
        match expand::process_words(&word.text, self.escape, lookup) {
            Ok(ports) => ports.into_iter().map(|port| Term::text(with_protocol(port))).collect(),
            Err(_) => vec![Term::unknown(&word.text)],
        }
    }

    fn argv(&self, command: &Command) -> Argv {
        match (command, &self.configuration.shell) {
            (Command::Exec(argv), _) => Argv::Known(texts(argv)),
            (Command::Shell(joined), Argv::Known(shell)) => {
                Argv::Known(shell.iter().cloned().chain([joined.text.clone()]).collect())
            }
            (Command::Shell(joined), Argv::Unknown(shell)) => {
                Argv::Unknown(Term::unknown(format_args!("{} {}", shell.written(), joined.text)))
            }
        }
    }

    fn expand(&self, word: &Word) -> Term {
        term::expand(&word.text, self.escape, |name| self.variable(name))
    }

    /// The variable as instructions see it, if it is set: ENV hides a build argument of the same name.
    fn variable(&self, name: &str) -> Option<Term> {
        let environment = &self.configuration.environment;
        if let Some(value) = environment.known.get(name).or_else(|| self.arguments.get(name)) {
            return Some(value.clone());
        }
        if environment.rest.is_some() {
            return Some(base::variable(name, &self.base));
        }
        PROXY_ARGUMENTS.contains(&name).then(|| argument(name, None))
    }
}

fn texts(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.text.clone()).collect()
}

/// `80` is `80/tcp`.
fn with_protocol(port: String) -> String {
    match port.rsplit_once('/') {
        Some((number, protocol)) => format!("{number}/{}", protocol.to_ascii_lowercase()),
        None => format!("{port}/tcp"),
    }
}

fn health_check(instruction: &Instruction, command: &Command) -> HealthCheck {
    let test = match command {
        Command::Exec(argv) => std::iter::once("CMD".to_owned()).chain(texts(argv)).collect(),
        Command::Shell(joined) => vec!["CMD-SHELL".to_owned(), joined.text.clone()],
    };
    let flags = instruction.flags.iter().map(|flag| (flag.name.clone(), flag.value.clone())).collect();
    HealthCheck::Command { flags, test }
}
