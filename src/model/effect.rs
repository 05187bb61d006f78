//! The effects of a file: what it denotes, independent of how it is written.
//!
//! A file denotes the ordered list of the effects of its stages. An effect is an uninterpreted function: equal canonical
//! forms with equal inputs give equal results, nothing else does. Instructions that change the inputs of later ones
//! (ENV, ARG, USER, WORKDIR, SHELL) are effects themselves, so two lists that are equal element by element give every
//! effect the same inputs.

use super::Model;
use super::canonical::{self, CanonicalList};
use crate::syntax::ast::{Command, Healthcheck, Instruction, InstructionKind, Transfer, Word};
use crate::syntax::expand::{self, Lookup};
use crate::syntax::mount::Mount;

/// The effect of one instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `FROM`: a new stage.
    From {
        /// The base as written, evaluated under the probes of [`Evaluated`].
        base: Evaluated,
        /// `--platform`.
        platform: Option<Evaluated>,
        /// The stage name in lower case.
        name: Option<String>,
    },
    /// `RUN`.
    Run(RunEffect),
    /// `CMD`, `ENTRYPOINT`.
    Process {
        /// Which of them.
        keyword: &'static str,
        /// What is started.
        command: CommandEffect,
    },
    /// `HEALTHCHECK`.
    Healthcheck {
        /// Flags in order.
        flags: Vec<(String, Option<String>)>,
        /// What is run; `None` for `NONE`.
        command: Option<CommandEffect>,
    },
    /// `COPY`, `ADD`.
    Transfer(TransferEffect),
    /// `ENV`, `LABEL`, `ARG`: names and values.
    Pairs {
        /// Which of them.
        keyword: &'static str,
        /// The pairs in order.
        pairs: Vec<(String, Option<Evaluated>)>,
    },
    /// `USER`, `WORKDIR`, `EXPOSE`, `VOLUME`, `STOPSIGNAL`, `MAINTAINER`.
    Words {
        /// Which of them.
        keyword: &'static str,
        /// The words in order.
        words: Vec<Evaluated>,
    },
    /// `SHELL`.
    Shell(Vec<String>),
    /// `ONBUILD` and what is not known: the text with continuations taken out. Nothing in it is rewritten.
    Frozen(String),
}

/// The effect of a RUN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEffect {
    /// What runs.
    pub command: CommandEffect,
    /// Mounts in order.
    pub mounts: Vec<Mount>,
    /// The other flags in order.
    pub flags: Vec<(String, Option<String>)>,
}

/// What a command runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandEffect {
    /// Exec form.
    Exec(Vec<String>),
    /// A script that was understood.
    Script {
        /// Its canonical form.
        list: CanonicalList,
        /// Whether it came as a heredoc.
        heredoc: bool,
    },
    /// A script that was not: its joined text.
    Text(String),
}

/// The effect of a COPY or ADD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferEffect {
    /// Whether it is ADD.
    pub add: bool,
    /// The sources in order.
    pub sources: Vec<Evaluated>,
    /// The destination.
    pub destination: Evaluated,
    /// Flags in order.
    pub flags: Vec<(String, Option<String>)>,
    /// Names and bodies of heredoc sources.
    pub heredocs: Vec<(String, String, bool, bool)>,
}

/// A word by what it evaluates to.
///
/// Two words are equal when they evaluate alike under three probes: every variable has a value of its own, is unset, is
/// empty. Words that differ only in quoting or escapes are equal by this; words that
/// use other variables, modifiers or texts are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluated(Vec<Result<String, String>>);

impl Evaluated {
    fn new(word: &str, escape: char) -> Self {
        let names = expand::variables(word, escape).unwrap_or_default();
        let symbols: Vec<(String, String)> =
            names.into_iter().map(|name| (format!("\u{1}{name}\u{1}"), name)).collect();
        let symbol = |name: &str| symbols.iter().find_map(|(symbol, of)| (of == name).then_some(symbol.as_str()));
        Self(vec![
            evaluate(word, escape, |name| symbol(name).map_or(Lookup::Unset, Lookup::Value)),
            evaluate(word, escape, |_| Lookup::Unset),
            evaluate(word, escape, |_| Lookup::Value("")),
        ])
    }

    fn plain(text: &str) -> Self {
        Self(vec![Ok(text.to_owned()); 3])
    }

    /// The text when no variable takes part.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        let first = self.0.first()?.as_deref().ok()?;
        self.0.iter().all(|value| value.as_deref() == Ok(first)).then_some(first)
    }
}

/// The value, or the word itself where it cannot be expanded: it then equals only itself.
fn evaluate<'a>(word: &str, escape: char, probe: impl FnMut(&str) -> Lookup<'a>) -> Result<String, String> {
    expand::process_known(word, escape, probe).ok().flatten().ok_or_else(|| word.to_owned())
}

/// The effects of the file in order, one for each instruction.
#[must_use]
pub fn effects(model: &Model<'_>) -> Vec<Effect> {
    (0..model.dockerfile.instructions.len()).map(|index| effect(model, index)).collect()
}

fn effect(model: &Model<'_>, index: usize) -> Effect {
    let instruction = model.instruction(index);
    let escape = model.dockerfile.escape;
    let evaluated = |word: &Word| Evaluated::new(&word.text, escape);
    let words = |keyword, words: &[Word]| Effect::Words { keyword, words: words.iter().map(evaluated).collect() };
    match &instruction.kind {
        InstructionKind::From(from) => Effect::From {
            base: evaluated(&from.image),
            platform: instruction
                .flag("platform")
                .and_then(|flag| flag.value.as_deref())
                .map(|value| Evaluated::new(value, escape)),
            name: from.alias.as_ref().map(|alias| alias.name.text.to_lowercase()),
        },
        InstructionKind::Run(command) => run(model, index, instruction, command),
        InstructionKind::Cmd(command) => {
            Effect::Process { keyword: "CMD", command: command_effect(model, index, command) }
        }
        InstructionKind::Entrypoint(command) => {
            Effect::Process { keyword: "ENTRYPOINT", command: command_effect(model, index, command) }
        }
        InstructionKind::Healthcheck(Healthcheck::None) => {
            Effect::Healthcheck { flags: flags(instruction), command: None }
        }
        InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => {
            Effect::Healthcheck { flags: flags(instruction), command: Some(command_effect(model, index, command)) }
        }
        InstructionKind::Copy(transfer) => Effect::Transfer(transfer_effect(model, instruction, transfer, false)),
        InstructionKind::Add(transfer) => Effect::Transfer(transfer_effect(model, instruction, transfer, true)),
        InstructionKind::Env(values) | InstructionKind::Label(values) => Effect::Pairs {
            keyword: if matches!(instruction.kind, InstructionKind::Env(_)) { "ENV" } else { "LABEL" },
            pairs: values
                .pairs
                .iter()
                .map(|pair| {
                    let key = Evaluated::new(&pair.key.text, escape);
                    (key.constant().map_or_else(|| pair.key.text.clone(), str::to_owned), Some(evaluated(&pair.value)))
                })
                .collect(),
        },
        InstructionKind::Arg(declarations) => Effect::Pairs {
            keyword: "ARG",
            pairs: declarations
                .iter()
                .map(|declaration| (declaration.name.text.clone(), declaration.default.as_ref().map(evaluated)))
                .collect(),
        },
        InstructionKind::User(word) => words("USER", std::slice::from_ref(word)),
        InstructionKind::Workdir(word) => words("WORKDIR", std::slice::from_ref(word)),
        InstructionKind::Stopsignal(word) => words("STOPSIGNAL", std::slice::from_ref(word)),
        InstructionKind::Maintainer(word) => {
            Effect::Words { keyword: "MAINTAINER", words: vec![Evaluated::plain(&word.text)] }
        }
        InstructionKind::Expose(list) => words("EXPOSE", list),
        InstructionKind::Volume(list) => words("VOLUME", list),
        InstructionKind::Shell(argv) => Effect::Shell(argv.iter().map(|word| word.text.clone()).collect()),
        InstructionKind::Onbuild(_) | InstructionKind::Unknown => {
            Effect::Frozen(instruction.full_span().of(model.source).to_owned())
        }
    }
}

fn run(model: &Model<'_>, index: usize, instruction: &Instruction, command: &Command) -> Effect {
    let mut mounts = Vec::new();
    let mut others = Vec::new();
    for flag in &instruction.flags {
        match flag.value.as_deref().map(Mount::parse) {
            Some(Ok(mount)) if flag.name == "mount" => mounts.push(mount),
            _ => others.push((flag.name.clone(), flag.value.clone())),
        }
    }
    Effect::Run(RunEffect { command: command_effect(model, index, command), mounts, flags: others })
}

fn command_effect(model: &Model<'_>, index: usize, command: &Command) -> CommandEffect {
    match command {
        Command::Exec(argv) => CommandEffect::Exec(argv.iter().map(|word| word.text.clone()).collect()),
        Command::Shell(joined) => match model.body(index) {
            None => CommandEffect::Text(joined.text.clone()),
            Some(body) => match body.understood() {
                Some(script) => CommandEffect::Script { list: canonical::script(script), heredoc: body.heredoc },
                None => CommandEffect::Text(body.text.text.clone()),
            },
        },
    }
}

fn transfer_effect(model: &Model<'_>, instruction: &Instruction, transfer: &Transfer, add: bool) -> TransferEffect {
    let escape = model.dockerfile.escape;
    TransferEffect {
        add,
        sources: transfer.sources.iter().map(|word| Evaluated::new(&word.text, escape)).collect(),
        destination: Evaluated::new(&transfer.destination.text, escape),
        flags: flags(instruction),
        heredocs: instruction
            .heredocs
            .iter()
            .map(|heredoc| {
                (heredoc.name.clone(), heredoc.body.of(model.source).to_owned(), heredoc.expand, heredoc.chomp)
            })
            .collect(),
    }
}

fn flags(instruction: &Instruction) -> Vec<(String, Option<String>)> {
    instruction.flags.iter().map(|flag| (flag.name.clone(), flag.value.clone())).collect()
}
