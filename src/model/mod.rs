//! Facts that passes share, computed once and read-only: stages, variables, users, scripts, base images.

pub mod access;
pub mod account;
pub mod alpine;
pub mod approved;
pub mod authors;
pub mod bare;
pub mod base;
pub mod body;
pub mod build_packages;
pub mod cache;
pub mod call;
pub mod canonical;
pub mod carry;
pub mod chain;
pub mod configuration;
pub mod deed;
pub mod dependencies;
pub mod development;
pub mod effect;
pub mod front_end;
mod gems;
pub mod health;
mod home;
pub mod hosted;
mod identity;
pub mod idle;
mod imports;
mod installs;
pub mod java;
pub mod lean_build;
pub mod leftovers;
pub mod lists;
pub mod manifest;
pub mod named;
pub mod needs;
pub mod origin;
pub mod outputs;
pub mod owner;
pub mod ownership;
pub mod packages;
mod php;
pub mod privilege;
pub mod process;
pub mod projects;
pub mod reach;
pub mod reference;
pub mod replay;
pub mod runtime;
pub mod scope;
pub mod served;
pub mod server;
pub mod settings;
pub mod slimming;
pub mod split;
pub mod started;
mod starter;
pub mod transfer;
pub mod user;
pub mod variables;
mod walk;
pub mod writes;

use std::cell::OnceCell;
use std::ops::Range;
use std::rc::Rc;

use crate::context::{BuildContext, Builder};
use crate::rewrite::{Assumption, AssumptionKind};
use crate::shell::Dialect;
use crate::shell::kind::ShellKind;
use crate::source::{LineIndex, Span};
use crate::syntax::ast::{Dockerfile, Instruction, InstructionKind};
use crate::syntax::image::ImageReference;
use crate::tables::ImageFacts;

use body::{Body, BodyCache};
pub use cache::Refusal;
use scope::{State, Variables};

/// What is known of a Dockerfile.
#[derive(Debug)]
pub struct Model<'a> {
    /// The text.
    pub source: &'a str,
    /// Its tree.
    pub dockerfile: &'a Dockerfile,
    /// The build context.
    pub context: &'a BuildContext,
    /// Lines of the text.
    pub lines: LineIndex,
    /// The stages in order.
    pub stages: Vec<Stage>,
    /// Build arguments before the first FROM.
    pub global_arguments: Variables,
    states: Vec<Rc<State>>,
    bodies: Vec<Option<Body>>,
    effects: OnceCell<Vec<effect::Effect>>,
    accesses: OnceCell<Vec<access::Access>>,
    configurations: OnceCell<Vec<configuration::Configuration>>,
}

/// A build stage.
#[derive(Clone, Debug)]
pub struct Stage {
    /// Its number, from 0.
    pub index: usize,
    /// Number of its FROM among the instructions.
    pub from: usize,
    /// The numbers of the instructions after FROM.
    pub instructions: Range<usize>,
    /// The name in lower case.
    pub name: Option<String>,
    /// What it is built from.
    pub base: Base,
    /// What the tables know of the image at the bottom: of its own base, or of the stage that it is built from.
    pub image: Option<Rc<ImageFacts>>,
    /// Whether that image is known for the defaults of build arguments only.
    pub image_by_argument: bool,
    /// What holds at its end.
    end: Rc<State>,
}

/// What a stage is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// Nothing.
    Scratch,
    /// An earlier stage, by number.
    Stage(usize),
    /// An image.
    Image(ImageReference),
    /// A reference that is not known without a build argument's value, or that is not valid.
    Unknown,
}

impl<'a> Model<'a> {
    /// Computes the facts.
    #[must_use]
    pub fn build(source: &'a str, dockerfile: &'a Dockerfile, context: &'a BuildContext, cache: &BodyCache) -> Self {
        let walk = walk::Walk::over(source, dockerfile, context.policy(), cache);
        Self {
            source,
            dockerfile,
            context,
            lines: LineIndex::new(source),
            stages: walk.stages,
            global_arguments: walk.global,
            states: walk.states,
            bodies: walk.bodies,
            effects: OnceCell::new(),
            accesses: OnceCell::new(),
            configurations: OnceCell::new(),
        }
    }

    /// The instruction of that number.
    #[must_use]
    pub fn instruction(&self, index: usize) -> &'a Instruction {
        &self.dockerfile.instructions[index]
    }

    /// What holds before the instruction of that number.
    #[must_use]
    pub fn state(&self, index: usize) -> &State {
        &self.states[index]
    }

    /// The script of a RUN, or of a shell-form CMD, ENTRYPOINT or HEALTHCHECK.
    #[must_use]
    pub fn body(&self, index: usize) -> Option<&Body> {
        self.bodies[index].as_ref()
    }

    /// The stage that holds the instruction, if it stands behind a FROM.
    #[must_use]
    pub fn stage_of(&self, index: usize) -> Option<&Stage> {
        self.stages.iter().rev().find(|stage| stage.instructions.contains(&index) || stage.from == index)
    }

    /// The last stage: what `docker build` makes when no target is named.
    #[must_use]
    pub fn final_stage(&self) -> Option<&Stage> {
        self.stages.last()
    }

    /// The stages that are built `FROM` the stage, directly or through others.
    #[must_use]
    pub fn descendants(&self, stage: &Stage) -> Vec<&Stage> {
        let mut family = vec![stage.index];
        let mut found = Vec::new();
        for later in &self.stages[stage.index + 1..] {
            if matches!(later.base, Base::Stage(parent) if family.contains(&parent)) {
                family.push(later.index);
                found.push(later);
            }
        }
        found
    }

    /// Whether layers of the stage may end up in an image that somebody keeps: the last stage, a stage that no other
    /// one uses and so can only be a `--target`, and whatever these are built `FROM`.
    #[must_use]
    pub fn is_shipped(&self, stage: &Stage) -> bool {
        let is_target = |stage: &Stage| stage.index + 1 == self.stages.len() || !self.is_used(stage);
        is_target(stage) || self.descendants(stage).into_iter().any(is_target)
    }

    /// Whether another stage copies or mounts from the stage, or is built from it.
    fn is_used(&self, stage: &Stage) -> bool {
        let later = &self.stages[stage.index + 1..];
        later.iter().any(|later| later.base == Base::Stage(stage.index))
            || later
                .iter()
                .any(|later| later.instructions.clone().any(|index| self.stages_read_by(index).contains(&stage.index)))
    }

    /// The stages that an instruction reads through `COPY --from` or `RUN --mount=from=`.
    #[must_use]
    pub fn stages_read_by(&self, index: usize) -> Vec<usize> {
        let instruction = self.instruction(index);
        let mut names = Vec::new();
        for flag in &instruction.flags {
            let Some(value) = &flag.value else { continue };
            match flag.name.as_str() {
                "from" => names.push(value.clone()),
                "mount" => names.extend(crate::syntax::mount::Mount::parse(value).ok().and_then(|mount| mount.from)),
                _ => {}
            }
        }
        let before = self.stage_of(index).map_or(0, |stage| stage.index);
        names.iter().filter_map(|name| stage_named(&self.stages[..before], name)).collect()
    }

    /// The RUN instructions of a stage with their scripts as understood.
    pub fn scripts(&self, stage: &Stage) -> impl Iterator<Item = (usize, &Body)> {
        stage
            .instructions
            .clone()
            .filter(|index| self.is_run(*index))
            .filter_map(|index| Some((index, self.body(index)?)))
    }

    /// Whether the instruction is a RUN.
    #[must_use]
    pub fn is_run(&self, index: usize) -> bool {
        matches!(self.instruction(index).kind, InstructionKind::Run(_))
    }

    /// Whether the instruction is a HEALTHCHECK.
    #[must_use]
    pub fn is_health_check(&self, index: usize) -> bool {
        matches!(self.instruction(index).kind, InstructionKind::Healthcheck(_))
    }

    /// Whether an instruction is ONBUILD: the order of the file then matters to builds elsewhere.
    #[must_use]
    pub fn has_triggers(&self) -> bool {
        self.dockerfile.instructions.iter().any(|instruction| matches!(instruction.kind, InstructionKind::Onbuild(_)))
    }

    /// Source span of a span of the instruction's script.
    ///
    /// # Panics
    /// If the instruction has no script.
    #[must_use]
    pub fn script_span(&self, index: usize, span: Span) -> Span {
        self.body(index).expect("spans of a script come from an instruction that has one").text.to_source(span)
    }

    /// That the image is built with BuildKit, proved if possible: by syntax in the file that no other builder of today
    /// reads, or by what CI and compose files say.
    #[must_use]
    pub fn build_kit(&self) -> Assumption {
        if let Some(evidence) = self.build_kit_syntax() {
            return Assumption::proved(AssumptionKind::BuildKit, evidence);
        }
        match self.context.builder() {
            Builder::BuildKit { evidence } => Assumption::proved(AssumptionKind::BuildKit, evidence.clone()),
            Builder::Other { .. } | Builder::Unknown => Assumption::assumed(AssumptionKind::BuildKit),
        }
    }

    /// Whether a stage is a Windows image, or has a shell of Windows.
    #[must_use]
    pub fn is_for_windows(&self) -> bool {
        let windows_shell = |state: &Rc<State>| {
            let shell = state.shell.as_deref().map(Dialect::of);
            matches!(shell, Some(ShellKind::PowerShell | ShellKind::Cmd))
        };
        self.stages.iter().any(|stage| stage.image.as_deref().is_some_and(|image| image.windows))
            || self.states.iter().any(windows_shell)
    }

    /// The syntax of the file that only BuildKit reads.
    fn build_kit_syntax(&self) -> Option<String> {
        if self.dockerfile.directives.iter().any(|directive| directive.name == "syntax") {
            return Some("the file has a `# syntax=` directive".to_owned());
        }
        for instruction in &self.dockerfile.instructions {
            let flag = instruction.flags.iter().find(|flag| {
                flag.name == "mount"
                    && flag
                        .value
                        .as_deref()
                        .is_some_and(|value| value.contains("type=cache") || value.contains("type=secret"))
                    || flag.name == "link"
            });
            if let Some(flag) = flag {
                let line = self.lines.line(instruction.span.start);
                return Some(format!("line {line} uses `--{}`", flag.name));
            }
        }
        None
    }
}

/// Number of the stage that a name or number refers to; a later one of the same name wins.
#[must_use]
pub fn stage_named(stages: &[Stage], name: &str) -> Option<usize> {
    let lower = name.to_lowercase();
    stages
        .iter()
        .rposition(|stage| stage.name.as_deref() == Some(lower.as_str()))
        .or_else(|| name.parse().ok().filter(|index| *index < stages.len()))
}
