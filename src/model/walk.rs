//! One walk over the instructions that follows stages, variables, user, working directory and shell.

use std::rc::Rc;

use super::body::{self, Body, BodyCache, Opaque};
use super::scope::{State, Value, Variables};
use super::{Base, Stage, stage_named};
use crate::policy::Policy;
use crate::shell::Dialect;
use crate::shell::kind::ShellKind;
use crate::syntax::ast::{
    ArgDeclaration, Command, Dockerfile, From, Healthcheck, Instruction, InstructionKind, KeyValues, Word,
};
use crate::syntax::image::ImageReference;
use crate::tables::{self, Fact, ImageFacts, Sh};

/// The arguments that BuildKit sets by itself when a stage declares them.
const PLATFORM_ARGUMENTS: [&str; 11] = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETOSVERSION",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDOSVERSION",
    "BUILDARCH",
    "BUILDVARIANT",
    "TARGETSTAGE",
];

pub(super) struct Walk<'a> {
    source: &'a str,
    dockerfile: &'a Dockerfile,
    policy: &'a Policy,
    cache: &'a BodyCache,
    state: State,
    pub(super) stages: Vec<Stage>,
    pub(super) global: Variables,
    pub(super) states: Vec<Rc<State>>,
    pub(super) bodies: Vec<Option<Body>>,
}

impl<'a> Walk<'a> {
    pub(super) fn over(source: &'a str, dockerfile: &'a Dockerfile, policy: &'a Policy, cache: &'a BodyCache) -> Self {
        let mut walk = Self {
            source,
            dockerfile,
            policy,
            cache,
            state: unknown_state(),
            stages: Vec::new(),
            global: Variables::default(),
            states: Vec::with_capacity(dockerfile.instructions.len()),
            bodies: Vec::with_capacity(dockerfile.instructions.len()),
        };
        for (index, instruction) in dockerfile.instructions.iter().enumerate() {
            walk.states.push(Rc::new(walk.state.clone()));
            walk.bodies.push(walk.body(instruction));
            walk.step(index, instruction);
        }
        walk.end_stage();
        walk
    }

    fn step(&mut self, index: usize, instruction: &Instruction) {
        let in_stage = !self.stages.is_empty();
        match &instruction.kind {
            InstructionKind::From(from) => self.start_stage(index, from),
            InstructionKind::Arg(declarations) if in_stage => self.declare(declarations),
            InstructionKind::Arg(declarations) => self.declare_global(declarations),
            InstructionKind::Env(pairs) => self.set_environment(pairs),
            InstructionKind::User(user) => self.state.user = self.expand(user),
            InstructionKind::Workdir(path) => self.state.workdir = joined(&self.state.workdir, self.expand(path)),
            InstructionKind::Shell(argv) => {
                self.state.shell = Some(argv.iter().map(|word| word.text.clone()).collect())
            }
            _ => {}
        }
    }

    fn expand(&self, word: &Word) -> Value {
        self.state.variables.expand(&word.text, self.dockerfile.escape)
    }

    fn end_stage(&mut self) {
        let end = self.states.len();
        if let Some(stage) = self.stages.last_mut() {
            stage.instructions.end = end;
            stage.end = Rc::new(self.state.clone());
        }
    }

    fn start_stage(&mut self, index: usize, from: &From) {
        // The FROM itself has been counted already: the stage before ends in front of it.
        if let Some(stage) = self.stages.last_mut() {
            stage.instructions.end = index;
            stage.end = Rc::new(self.state.clone());
        }
        let reference = self.global.expand(&from.image.text, self.dockerfile.escape);
        let (base, image) = self.resolve(&reference);
        self.state = match base {
            Base::Stage(parent) => (*self.stages[parent].end).clone(),
            Base::Scratch => scratch_state(),
            Base::Image(_) | Base::Unknown => image.as_deref().map_or_else(unknown_state, state_of),
        };
        if self.dockerfile.escape == '`' && image.is_none() && !matches!(base, Base::Stage(_)) {
            // With the backtick as escape character, an image of which nothing is known is one for Windows.
            self.state.shell = Some(Rc::from(["cmd".to_owned(), "/S".to_owned(), "/C".to_owned()]));
        }
        self.stages.push(Stage {
            index: self.stages.len(),
            from: index,
            instructions: index + 1..index + 1,
            name: from.alias.as_ref().map(|alias| alias.name.text.to_lowercase()),
            base,
            image,
            image_by_argument: reference.by_argument,
            end: Rc::new(self.state.clone()),
        });
    }

    fn resolve(&self, reference: &Value) -> (Base, Option<Rc<ImageFacts>>) {
        let Some(text) = &reference.text else { return (Base::Unknown, None) };
        if text == "scratch" {
            return (Base::Scratch, None);
        }
        // A stage is found by name only; a number names an image here.
        if let Some(parent) = stage_named(&self.stages, text).filter(|_| text.parse::<usize>().is_err()) {
            return (Base::Stage(parent), self.stages[parent].image.clone());
        }
        let Ok(image) = text.parse::<ImageReference>() else { return (Base::Unknown, None) };
        let facts = self.facts(&image).map(Rc::new);
        (Base::Image(image), facts)
    }

    /// What the tables know of the image. A digest may be of any day, unless it was pinned since the day of the tables: then
    /// it is what its tag means.
    fn facts(&self, image: &ImageReference) -> Option<ImageFacts> {
        let known = self.policy.known_as(image);
        let tag = known.tag.as_deref();
        if let Some(day) = self.policy.pinned_on(image) {
            let facts = tables::image(&known.name(), tag, None)?;
            if facts.floating.as_ref().is_none_or(|floating| floating.date.as_str() <= day) {
                return Some(facts);
            }
        }
        tables::image(&known.name(), tag, known.digest.as_deref())
    }

    fn declare_global(&mut self, declarations: &[ArgDeclaration]) {
        for declaration in declarations {
            let default = declaration
                .default
                .as_ref()
                .map(|word| Value { by_argument: true, ..self.global.expand(&word.text, self.dockerfile.escape) });
            self.global.arguments.insert(declaration.name.text.clone(), default);
        }
    }

    fn declare(&mut self, declarations: &[ArgDeclaration]) {
        for declaration in declarations {
            let name = &declaration.name.text;
            let default = match &declaration.default {
                Some(word) => Some(Value { by_argument: true, ..self.expand(word) }),
                None if PLATFORM_ARGUMENTS.contains(&name.as_str()) => None,
                None => self.global.arguments.get(name).cloned().flatten(),
            };
            Rc::make_mut(&mut self.state.variables).arguments.insert(name.clone(), default);
        }
    }

    fn set_environment(&mut self, pairs: &KeyValues) {
        let before = Rc::clone(&self.state.variables);
        let escape = self.dockerfile.escape;
        let variables = Rc::make_mut(&mut self.state.variables);
        for pair in &pairs.pairs {
            let value = before.expand(&pair.value.text, escape);
            variables.environment.insert(pair.key.text.clone(), value);
        }
    }

    fn body(&self, instruction: &Instruction) -> Option<Body> {
        let command = match &instruction.kind {
            InstructionKind::Run(command) | InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => {
                command
            }
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => command,
            _ => return None,
        };
        let (text, heredoc) = body::shell_text(self.source, instruction, command)?;
        debug_assert!(matches!(command, Command::Shell(_)), "only shell forms have a script");
        let (script, invocations, canonical) = match self.dialect(&text.text, heredoc) {
            Ok(dialect) => self.cache.read(&text.text, dialect),
            Err(opaque) => (Rc::new(Err(opaque)), Rc::default(), Rc::default()),
        };
        Some(Body { text, script, invocations, canonical, heredoc })
    }

    fn dialect(&self, text: &str, heredoc: bool) -> Result<Dialect, Opaque> {
        if heredoc && text.starts_with("#!") {
            return Err(Opaque::Shebang);
        }
        let Some(shell) = &self.state.shell else { return Ok(Dialect::Posix) };
        match Dialect::of(shell) {
            ShellKind::Bash => Ok(Dialect::Bash),
            ShellKind::Posix => Ok(self.sh_dialect(shell)),
            ShellKind::PowerShell | ShellKind::Cmd | ShellKind::Other => {
                Err(Opaque::OtherShell(shell.first().cloned().unwrap_or_default()))
            }
        }
    }

    /// `sh` is bash on some distributions.
    fn sh_dialect(&self, shell: &[String]) -> Dialect {
        let is_sh = shell.first().is_some_and(|program| program.ends_with("sh") && !program.ends_with("ash"));
        let image = self.stages.last().and_then(|stage| stage.image.as_deref());
        match image.map(|image| &image.sh) {
            Some(Fact::Known(Sh::Bash)) if is_sh => Dialect::Bash,
            _ => Dialect::Posix,
        }
    }
}

/// `path` below `base` unless it is absolute, as WORKDIR reads it.
fn joined(base: &Value, path: Value) -> Value {
    let Some(text) = &path.text else { return path };
    if text.starts_with('/') {
        return Value { text: Some(clean(text)), ..path };
    }
    let by_argument = base.by_argument || path.by_argument;
    Value { text: base.text.as_ref().map(|base| clean(&format!("{base}/{text}"))), by_argument }
}

/// An absolute path without `.`, `..`, double and trailing slashes.
pub(super) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The shell that BuildKit uses where neither the file nor the base image names one.
fn default_shell() -> Rc<[String]> {
    Rc::from(["/bin/sh".to_owned(), "-c".to_owned()])
}

fn unknown_state() -> State {
    State {
        variables: Rc::new(Variables { open: true, ..Variables::default() }),
        user: Value::UNKNOWN,
        workdir: Value::UNKNOWN,
        shell: None,
    }
}

fn scratch_state() -> State {
    State {
        variables: Rc::new(Variables::default()),
        user: Value::known(""),
        workdir: Value::known("/"),
        shell: Some(default_shell()),
    }
}

fn state_of(image: &ImageFacts) -> State {
    let fact = |fact: &Fact<String>| match fact {
        Fact::Known(text) => Value::known(text.clone()),
        Fact::Varies | Fact::Unknown => Value::UNKNOWN,
    };
    let set = image.env.known();
    let environment = set.into_iter().flatten().map(|(name, value)| (name.clone(), fact(value))).collect();
    let shell =
        if image.windows { Rc::from(["cmd".to_owned(), "/S".to_owned(), "/C".to_owned()]) } else { default_shell() };
    State {
        variables: Rc::new(Variables { environment, open: set.is_none(), ..Variables::default() }),
        user: fact(&image.user),
        workdir: fact(&image.workdir),
        shell: Some(shell),
    }
}
