//! Logical lines to the tree: what BuildKit's `instructions` package makes of a line, and the errors that it finds.

use super::ast::{
    Alias, ArgDeclaration, Command, From, Healthcheck, Instruction, InstructionKind, KeyValue, KeyValues, Transfer,
    Word,
};
use super::flags::{self, Problem};
use super::line::Line;
use super::mount::Mount;
use super::node::{Keyword, Node, Payload, go_quote};
use super::scan::{LogicalLine, Scan};
use super::{heredoc, suggest};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Span;

/// Builds the instructions of a scanned file, and adds what is wrong with them to `diagnostics`.
pub(super) fn instructions(source: &str, scan: &Scan, diagnostics: &mut Vec<Diagnostic>) -> Vec<Instruction> {
    let mut stages = Stages::default();
    let read = |logical: &LogicalLine| {
        let line = Line { source, escape: scan.escape, pieces: scan.pieces(logical) };
        let mut node = Node::read(&line, logical.content);
        if let Some(error) = node.error.take() {
            stages.enter(&node);
            diagnostics.push(error);
        } else if let Err(problem) = check(&line, &node) {
            stages.enter(&node);
            diagnostics.push(instruction_error(problem));
            node.payload = Payload::Ignored;
        } else {
            warn_of_mounts(&node, diagnostics);
            diagnostics.extend(stages.enter(&node).map(instruction_error));
        }
        let last_line = logical.item.of(source).trim_end_matches('\n').trim_end_matches('\r');
        let end = (logical.item.start + last_line.len()).max(logical.content.end);
        let span = Span::new(node.keyword.span.start, end);
        let mut instruction = lower(&line, node, span, diagnostics);
        instruction.heredocs.clone_from(&logical.heredocs);
        instruction.comments = scan.comments(logical).to_vec();
        instruction
    };
    scan.lines.iter().map(read).collect()
}

/// What BuildKit remembers from one instruction to the next.
#[derive(Default)]
struct Stages {
    /// A FROM has been seen, or its absence has been reported.
    started: bool,
}

impl Stages {
    /// Takes in an instruction; says so if it stands before the first stage. A FROM that is wrong starts one too, so
    /// that only the first error is reported.
    fn enter(&mut self, node: &Node) -> Option<Problem> {
        let needs_stage = !matches!(node.name, Some(Keyword::From | Keyword::Arg));
        let is_early = needs_stage && !self.started;
        self.started |= node.name == Some(Keyword::From) || is_early;
        is_early.then(|| {
            Problem::new(node.keyword.span, "no build stage in current context")
                .hint("only ARG may stand before the first FROM")
        })
    }
}

/// Mounts that BuildKit will refuse when it comes to them; it reads their values only then, for the variables in them.
fn warn_of_mounts(node: &Node, diagnostics: &mut Vec<Diagnostic>) {
    if node.name != Some(Keyword::Run) {
        return;
    }
    for flag in node.flags.iter().filter(|flag| flag.name == "mount") {
        let Some(value) = flag.value.as_deref().filter(|value| !value.contains('$')) else { continue };
        if let Err(error) = Mount::parse(value) {
            let (severity, span, message) = (Severity::Warning, flag.span, error.to_string());
            diagnostics.push(Diagnostic { severity, span, message, hint: None });
        }
    }
}

fn instruction_error(problem: Problem) -> Diagnostic {
    let Problem { span, message, hint } = problem;
    Diagnostic { severity: Severity::InstructionError, span, message, hint }
}

/// Checks an instruction as BuildKit's `ParseInstruction`, in its order.
fn check(line: &Line<'_>, node: &Node) -> Result<(), Problem> {
    let Some(name) = node.name else {
        let message = format!("unknown instruction: {}", node.keyword.text);
        let names = Keyword::ALL.into_iter().map(|(_, name)| name);
        let hint = suggest::did_you_mean(&node.keyword.text, names, true);
        return Err(Problem { hint, ..Problem::new(node.keyword.span, message) });
    };
    let flags = || flags::check(name, &node.flags);
    let problem = |message: String| Problem::new(node.keyword.span.to(node.arguments), message);
    let at_least_one = || problem(format!("{} requires at least one argument", name.name()));
    let is_empty = matches!(&node.payload, Payload::Nothing)
        || matches!(&node.payload, Payload::Words(words) | Payload::Json(words) if words.is_empty());
    match name {
        Keyword::Add | Keyword::Copy => {
            let words = node.words();
            if words.len() < 2 {
                return Err(problem(format!(
                    "{} requires at least two arguments, but only one was provided. Destination could not be determined",
                    name.name()
                )));
            }
            flags()?;
            match words.last() {
                Some(word) if matches!(heredoc::parse(&word.text), Ok(Some(_))) => {
                    let message = format!("{} cannot accept a heredoc as a destination", name.name());
                    Err(Problem::new(word.span, message))
                }
                _ => Ok(()),
            }
        }
        Keyword::From => check_from(node).and_then(|()| flags()),
        Keyword::Env | Keyword::Label => {
            flags()?;
            match &node.payload {
                Payload::Pairs { pairs, .. } => match pairs.iter().find(|pair| pair.key.text.is_empty()) {
                    Some(pair) => {
                        let message = format!("{} names can not be blank", name.name());
                        Err(Problem::new(pair.key.span.to(pair.value.span), message))
                    }
                    None => Ok(()),
                },
                _ => Err(at_least_one()),
            }
        }
        Keyword::Arg => match node.words().iter().find(|word| word.text.starts_with('=')) {
            _ if is_empty => Err(at_least_one()),
            Some(word) => Err(Problem::new(word.span, "ARG names can not be blank")),
            None => Ok(()),
        },
        Keyword::Maintainer | Keyword::User | Keyword::Workdir | Keyword::Stopsignal => {
            if is_empty {
                return Err(problem(format!("{} requires exactly one argument", name.name())));
            }
            // BuildKit forgets to look at the flags of STOPSIGNAL, as at those of ARG.
            if name == Keyword::Stopsignal { Ok(()) } else { flags() }
        }
        Keyword::Run => flags().and_then(|()| flags::check_run(&node.flags)),
        Keyword::Cmd | Keyword::Entrypoint => flags(),
        Keyword::Expose if is_empty => Err(at_least_one()),
        Keyword::Expose => flags(),
        Keyword::Volume if is_empty => Err(at_least_one()),
        Keyword::Volume => {
            flags()?;
            match node.words().iter().find(|word| word.text.trim().is_empty()) {
                Some(word) => Err(Problem::new(word.span, "VOLUME specified can not be an empty string")),
                None => Ok(()),
            }
        }
        Keyword::Shell => {
            flags()?;
            match &node.payload {
                _ if is_empty => Err(at_least_one()),
                Payload::Json(_) => Ok(()),
                _ => Err(problem("SHELL requires the arguments to be in JSON form".to_owned())
                    .hint("write SHELL [\"/bin/sh\", \"-c\"]")),
            }
        }
        Keyword::Healthcheck => check_health(line, node),
        Keyword::Onbuild => match &node.payload {
            Payload::Nothing => Err(at_least_one()),
            payload => {
                flags()?;
                let Payload::Sub(trigger) = payload else { return Ok(()) };
                match trigger.name {
                    Some(Keyword::Onbuild) => {
                        Err(Problem::new(trigger.keyword.span, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed"))
                    }
                    Some(name @ (Keyword::Maintainer | Keyword::From)) => {
                        let message = format!("{} isn't allowed as an ONBUILD trigger", name.name());
                        Err(Problem::new(trigger.keyword.span, message))
                    }
                    _ => Ok(()),
                }
            }
        },
    }
}

fn check_from(node: &Node) -> Result<(), Problem> {
    match node.words() {
        [_] => Ok(()),
        [_, keyword, name] if keyword.text.eq_ignore_ascii_case("as") => {
            let lower = name.text.to_lowercase();
            let valid = lower.starts_with(|c: char| c.is_ascii_lowercase())
                && lower.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '-' | '_' | '.'));
            if valid {
                return Ok(());
            }
            let quoted = go_quote(&name.text);
            let message =
                format!("invalid name for build stage: {quoted}, name can't start with a number or contain symbols");
            Err(Problem::new(name.span, message))
        }
        _ => {
            let span = node.keyword.span.to(node.arguments);
            let problem = Problem::new(span, "FROM requires either one or three arguments");
            Err(problem.hint("write FROM image, or FROM image AS name; a comment takes a line of its own"))
        }
    }
}

fn check_health(line: &Line<'_>, node: &Node) -> Result<(), Problem> {
    let Payload::Health { kind, command } = &node.payload else {
        return Err(Problem::new(node.keyword.span, "HEALTHCHECK requires at least one argument"));
    };
    let has_command = match &**command {
        Payload::Json(words) => !words.is_empty(),
        Payload::Text(span) => !line.text(*span).is_empty(),
        _ => false,
    };
    let type_ = kind.text.to_uppercase();
    if type_ == "NONE" {
        // BuildKit forgets to look at the flags.
        return match has_command {
            true => Err(Problem::new(node.arguments, "HEALTHCHECK NONE takes no arguments")),
            false => Ok(()),
        };
    }
    flags::check(Keyword::Healthcheck, &node.flags)?;
    if type_ != "CMD" {
        let message = format!("Unknown type {} in HEALTHCHECK (try CMD)", go_quote(&type_));
        return Err(Problem::new(kind.span, message));
    }
    if !has_command {
        return Err(Problem::new(node.arguments, "Missing command after HEALTHCHECK CMD"));
    }
    flags::check_health(&node.flags)
}

impl Node {
    /// The arguments of a line that is made of words.
    fn words(&self) -> &[Word] {
        match &self.payload {
            Payload::Words(words) | Payload::Json(words) => words,
            _ => &[],
        }
    }
}

/// The instruction of a line. One that makes no sense becomes [`InstructionKind::Unknown`].
fn lower(line: &Line<'_>, node: Node, span: Span, diagnostics: &mut Vec<Diagnostic>) -> Instruction {
    let Node { keyword, name, flags, arguments, payload, .. } = node;
    let kind = name.and_then(|name| lower_kind(line, name, payload, arguments, diagnostics));
    Instruction {
        span,
        keyword: keyword.span,
        flags,
        arguments,
        heredocs: Vec::new(),
        comments: Vec::new(),
        kind: kind.unwrap_or(InstructionKind::Unknown),
    }
}

fn lower_kind(
    line: &Line<'_>,
    name: Keyword,
    payload: Payload,
    arguments: Span,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<InstructionKind> {
    let whole = || (!arguments.is_empty()).then(|| line.word(arguments));
    Some(match (name, payload) {
        (Keyword::From, Payload::Words(words)) => InstructionKind::From(lower_from(words)?),
        (Keyword::Run, payload) => InstructionKind::Run(lower_command(line, payload, arguments)?),
        (Keyword::Cmd, payload) => InstructionKind::Cmd(lower_command(line, payload, arguments)?),
        (Keyword::Entrypoint, payload) => InstructionKind::Entrypoint(lower_command(line, payload, arguments)?),
        (Keyword::Shell, Payload::Json(words)) if !words.is_empty() => InstructionKind::Shell(words),
        (Keyword::Copy, payload) => InstructionKind::Copy(lower_transfer(payload)?),
        (Keyword::Add, payload) => InstructionKind::Add(lower_transfer(payload)?),
        (Keyword::Env, Payload::Pairs { pairs, legacy }) => InstructionKind::Env(lower_pairs(pairs, legacy)?),
        (Keyword::Label, Payload::Pairs { pairs, legacy }) => InstructionKind::Label(lower_pairs(pairs, legacy)?),
        (Keyword::Arg, Payload::Words(words)) => {
            let declarations: Option<Vec<_>> = words.into_iter().map(|word| lower_arg(line, word)).collect();
            InstructionKind::Arg(declarations.filter(|declarations| !declarations.is_empty())?)
        }
        (Keyword::User, _) => InstructionKind::User(whole()?),
        (Keyword::Workdir, _) => InstructionKind::Workdir(whole()?),
        (Keyword::Stopsignal, _) => InstructionKind::Stopsignal(whole()?),
        (Keyword::Maintainer, _) => InstructionKind::Maintainer(whole()?),
        (Keyword::Expose, Payload::Words(words)) if !words.is_empty() => InstructionKind::Expose(words),
        (Keyword::Volume, Payload::Words(words) | Payload::Json(words)) if !words.is_empty() => {
            InstructionKind::Volume(words)
        }
        (Keyword::Healthcheck, Payload::Health { kind, command }) => {
            InstructionKind::Healthcheck(lower_health(line, &kind, *command, arguments)?)
        }
        (Keyword::Onbuild, Payload::Sub(node)) => lower_onbuild(line, *node, arguments, diagnostics)?,
        _ => return None,
    })
}

fn lower_from(words: Vec<Word>) -> Option<From> {
    let mut words = words.into_iter();
    match (words.next(), words.next(), words.next(), words.next()) {
        (Some(image), None, ..) => Some(From { image, alias: None }),
        (Some(image), Some(keyword), Some(name), None) if keyword.text.eq_ignore_ascii_case("as") => {
            Some(From { image, alias: Some(Alias { keyword: keyword.span, name }) })
        }
        _ => None,
    }
}

fn lower_command(line: &Line<'_>, payload: Payload, arguments: Span) -> Option<Command> {
    match payload {
        Payload::Json(words) => Some(Command::Exec(words)),
        Payload::Text(span) => Some(Command::Shell(line.joined(span))),
        Payload::Nothing => Some(Command::Shell(line.joined(arguments))),
        _ => None,
    }
}

fn lower_transfer(payload: Payload) -> Option<Transfer> {
    let (mut words, json) = match payload {
        Payload::Words(words) => (words, false),
        Payload::Json(words) => (words, true),
        _ => return None,
    };
    let destination = words.pop()?;
    (!words.is_empty()).then_some(Transfer { sources: words, destination, json })
}

fn lower_pairs(pairs: Vec<KeyValue>, legacy: bool) -> Option<KeyValues> {
    pairs.iter().all(|pair| !pair.key.text.is_empty()).then_some(KeyValues { pairs, legacy })
}

fn lower_arg(line: &Line<'_>, word: Word) -> Option<ArgDeclaration> {
    let Some(at) = line.find(word.span, '=') else { return Some(ArgDeclaration { name: word, default: None }) };
    let name = line.word(Span::new(word.span.start, at));
    let default = line.word(Span::new(at + 1, word.span.end));
    (!name.text.is_empty()).then_some(ArgDeclaration { name, default: Some(default) })
}

fn lower_health(line: &Line<'_>, kind: &Word, command: Payload, arguments: Span) -> Option<Healthcheck> {
    match (kind.text.to_uppercase().as_str(), command) {
        ("NONE", Payload::Nothing) => Some(Healthcheck::None),
        ("CMD", Payload::Nothing) => None,
        ("CMD", command) => {
            Some(Healthcheck::Cmd { keyword: kind.span, command: lower_command(line, command, arguments)? })
        }
        _ => None,
    }
}

/// The trigger of an ONBUILD. BuildKit looks at what it says when an image is built from this one; so an error in it is
/// a warning here.
fn lower_onbuild(
    line: &Line<'_>,
    mut node: Node,
    arguments: Span,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<InstructionKind> {
    if matches!(node.name, Some(Keyword::Onbuild | Keyword::From | Keyword::Maintainer)) {
        return None;
    }
    if let Err(problem) = check(line, &node) {
        diagnostics.push(Diagnostic { severity: Severity::Warning, ..instruction_error(problem) });
        node.payload = Payload::Ignored;
    }
    let span = node.keyword.span.to(arguments);
    Some(InstructionKind::Onbuild(Box::new(lower(line, node, span, diagnostics))))
}
