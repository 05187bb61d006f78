//! The effects of a file: what it denotes, independent of how it is written.
//!
//! A file denotes the ordered list of the effects of its stages. An effect is an uninterpreted function: equal canonical
//! forms with equal inputs give equal results, nothing else does. Instructions that change the inputs of later ones
//! (ENV, ARG, USER, WORKDIR, SHELL) are effects themselves, so two lists that are equal element by element give every
//! effect the same inputs.

use super::Model;
use super::canonical::{self, CanonicalList};
use crate::shell::ast::Script;
use crate::source::Span;
use crate::syntax::ast::{Command, Healthcheck, Instruction, InstructionKind, Transfer, Word};
use crate::syntax::expand::{self, Lookup};
use crate::syntax::mount::Mount;

/// The effect of one instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// `FROM`: a new stage.
    From {
        /// The base.
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
    /// `ONBUILD` and what is not known: the text as written, but for the case of the keyword. Nothing in it is rewritten.
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
    /// A script that was not, or the shell form of a process: its joined text.
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
/// The word is expanded with every variable, and every `${name<operator>word}` as written, standing for itself. What comes
/// out tells the literal text and the expansions in their order, so two words that are equal have equal values whatever
/// the variables hold. Words that differ only in quotes, escapes or the braces of a plain `${name}` are equal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluated(Result<String, String>);

/// Stands before and behind an expansion; it is in no Dockerfile that people write.
const MARK: char = '\u{1}';

impl Evaluated {
    /// The value of a word.
    #[must_use]
    pub fn new(word: &str, escape: char) -> Self {
        if !word.contains(['$', '"', '\'', escape, MARK]) {
            return Self(Ok(word.to_owned()));
        }
        Self(symbolic(word, escape).ok_or_else(|| word.to_owned()))
    }

    /// The value of a text in which nothing is expanded.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self(Ok(text.to_owned()))
    }

    /// A word that equals only itself.
    #[must_use]
    pub fn verbatim(text: &str) -> Self {
        Self(Err(text.to_owned()))
    }

    /// The text when no variable takes part.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        self.0.as_deref().ok().filter(|value| !value.contains(MARK))
    }
}

/// The value with expansions standing for themselves; `None` where the word cannot be expanded.
fn symbolic(word: &str, escape: char) -> Option<String> {
    if word.contains(MARK) {
        return None;
    }
    // An expansion with an operator becomes a plain variable of a name that the word does not hold.
    let prefix = "_".repeat(1 + word.len());
    let operators = operator_expansions(word, escape)?;
    let mut plain = String::new();
    let mut copied = 0;
    let mut symbols: Vec<(String, String)> = Vec::new();
    for span in operators {
        let name = format!("{prefix}{}", symbols.len());
        plain.push_str(&word[copied..span.start]);
        plain.push_str(&format!("${{{name}}}"));
        symbols.push((name, format!("{MARK}{}{MARK}", span.of(word))));
        copied = span.end;
    }
    plain.push_str(&word[copied..]);
    let names = expand::variables(&plain, escape).ok()?;
    for name in names {
        if !symbols.iter().any(|(known, _)| *known == name) {
            let symbol = format!("{MARK}{name}{MARK}");
            symbols.push((name, symbol));
        }
    }
    let symbol = |name: &str| symbols.iter().find_map(|(known, symbol)| (known == name).then_some(symbol.as_str()));
    expand::process_known(&plain, escape, |name| symbol(name).map_or(Lookup::Unset, Lookup::Value)).ok().flatten()
}

/// The outermost `${name<operator>word}` of a word; `None` where a quote or brace has no partner.
pub(super) fn operator_expansions(word: &str, escape: char) -> Option<Vec<Span>> {
    let mut found = Vec::new();
    let mut quoted = false;
    let mut chars = word.char_indices();
    while let Some((at, c)) = chars.next() {
        let rest = &word[at..];
        if c == escape {
            chars.next();
        } else if c == '\'' && !quoted {
            skip_to(&mut chars, at + 2 + rest[1..].find('\'')?);
        } else if c == '"' {
            quoted = !quoted;
        } else if rest.starts_with("${") {
            let span = Span::new(at, at + braces_end(rest, escape)?);
            let is_plain = rest[2..span.len() - 1].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            skip_to(&mut chars, span.end);
            if !is_plain {
                found.push(span);
            }
        }
    }
    Some(found)
}

fn skip_to(chars: &mut std::str::CharIndices<'_>, end: usize) {
    while chars.offset() < end && chars.next().is_some() {}
}

/// The length of the `${…}` that the text starts with, quotes, escapes and braces in it included.
fn braces_end(text: &str, escape: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, quote) {
            ('\'', Some('\'')) | ('"', Some('"')) => quote = None,
            (_, Some('\'')) => {}
            _ if c == escape => drop(chars.next()),
            ('\'' | '"', None) => quote = Some(c),
            ('$', _) if text[at..].starts_with("${") => {
                chars.next();
                depth += 1;
            }
            ('}', _) => {
                depth -= 1;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

impl Model<'_> {
    /// The effects of the file in order, one for each instruction; computed once.
    #[must_use]
    pub fn effects(&self) -> &[Effect] {
        self.effects.get_or_init(|| effects(self))
    }
}

/// The effects of the file in order, one for each instruction.
#[must_use]
pub fn effects(model: &Model<'_>) -> Vec<Effect> {
    (0..model.dockerfile.instructions.len()).map(|index| effect(model, index)).collect()
}

/// The effect of `USER` with a plain word.
#[must_use]
pub fn user(name: &str) -> Effect {
    Effect::Words { keyword: "USER", words: vec![Evaluated::plain(name)] }
}

/// What a RUN of the script runs, when it is no heredoc.
#[must_use]
pub fn script(script: &Script) -> CommandEffect {
    CommandEffect::Script { list: canonical::script(script), heredoc: false }
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
        InstructionKind::Cmd(command) => Effect::Process { keyword: "CMD", command: process_effect(command) },
        InstructionKind::Entrypoint(command) => {
            Effect::Process { keyword: "ENTRYPOINT", command: process_effect(command) }
        }
        InstructionKind::Healthcheck(Healthcheck::None) => {
            Effect::Healthcheck { flags: flags(instruction), command: None }
        }
        InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => {
            Effect::Healthcheck { flags: flags(instruction), command: Some(process_effect(command)) }
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
        // A variable without quotes may stand for several ports.
        InstructionKind::Expose(list) => Effect::Words {
            keyword: "EXPOSE",
            words: list.iter().map(|word| Evaluated::verbatim(&word.text)).collect(),
        },
        InstructionKind::Volume(list) => words("VOLUME", list),
        InstructionKind::Shell(argv) => Effect::Shell(argv.iter().map(|word| word.text.clone()).collect()),
        InstructionKind::Onbuild(_) | InstructionKind::Unknown => {
            let rest = Span::new(instruction.keyword.end, instruction.full_span().end);
            Effect::Frozen(format!("{}{}", instruction.keyword_upper(model.source), rest.of(model.source)))
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
            Some(body) => match body.canonical() {
                Some(list) => CommandEffect::Script { list: list.clone(), heredoc: body.heredoc },
                None if body.heredoc => CommandEffect::Text(format!("{}\n{}", joined.text, body.text.text)),
                None => CommandEffect::Text(body.text.text.clone()),
            },
        },
    }
}

/// What a container starts. The image keeps the text of a shell form, for others to see: it equals only itself.
fn process_effect(command: &Command) -> CommandEffect {
    match command {
        Command::Exec(argv) => CommandEffect::Exec(argv.iter().map(|word| word.text.clone()).collect()),
        Command::Shell(joined) => CommandEffect::Text(joined.text.clone()),
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

#[cfg(test)]
mod tests {
    use crate::context::BuildContext;
    use crate::model::Model;
    use crate::model::body::BodyCache;
    use crate::syntax;

    #[track_caller]
    fn check(before: &str, after: &str, equal: bool) {
        let (old, new) = (syntax::parse(before), syntax::parse(after));
        let (context, cache) = (BuildContext::unknown(), BodyCache::default());
        let before = Model::build(before, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        assert_eq!(before.effects() == after.effects(), equal, "{}{}", before.source, after.source);
    }

    #[test]
    fn a_heredoc_that_is_the_script_is_compared_by_its_tree() {
        let heredoc = |body: &str| format!("FROM a\nRUN <<EOF\n{body}EOF\n");
        check(&heredoc("set -e\necho a\n"), &heredoc("set  -e\n\necho 'a'\n"), true);
        check(&heredoc("echo a && echo b\n"), &heredoc("echo a \\\n  && echo b\n"), true);
        check(&heredoc("echo a\n"), &heredoc("echo \"a \"\n"), false);
        check(&heredoc("cat <<X\n a\nX\n"), &heredoc("cat <<X\na\nX\n"), false);
        // A heredoc for another program, and one that is a file, are bytes.
        check(&heredoc("#!/usr/bin/python3\nprint( 1 )\n"), &heredoc("#!/usr/bin/python3\nprint(1)\n"), false);
        check("FROM a\nCOPY <<EOF /a\nb  c\nEOF\n", "FROM a\nCOPY <<EOF /a\nb c\nEOF\n", false);
        // What BuildKit hands over in another way is another effect.
        check(&heredoc("echo a\n"), "FROM a\nRUN echo a\n", false);
    }
}
