//! The commands of a RUN that a new stage repeats when it does not repeat the RUN as a whole: they make accounts and directories,
//! and read nothing that a build made.

use std::collections::BTreeSet;

use super::cache::is_below;
use super::call::Call;
use super::deed::{Deed, deeds, deeds_without, joined};
use super::split::Kind;
use super::{Model, Stage, split};
use crate::shell::ast::{Node, NodeKind, SimpleCommand, Statement, Terminator, Word};
use crate::source::Span;
use crate::tables::{self, Operands};

/// Commands of a RUN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The commands as a RUN of their own; empty when none has to be repeated.
    pub line: String,
    /// Where the commands start in the script, of which it is known what becomes of them.
    pub starts: BTreeSet<usize>,
    /// The directories that the new RUN makes.
    pub directories: Vec<String>,
}

/// Words after which others mean something else, or stand for something else.
const STATEFUL: [&str; 13] =
    [".", "alias", "cd", "eval", "exec", "exit", "export", "popd", "pushd", "read", "source", "trap", "umask"];

/// The commands that the new stage repeats when the paths are copied to it; `None` when there are none, or that is not known.
#[must_use]
pub fn part(model: &Model<'_>, stage: &Stage, run: usize, copies: &[String]) -> Option<Part> {
    let script = model.body(run)?.understood()?;
    let mut elements = Vec::new();
    for statement in &script.list.statements {
        elements.extend(chain(statement)?);
    }
    let is_stateful = |command: &&SimpleCommand| {
        command.words.is_empty() || command.name().is_none_or(|name| STATEFUL.contains(&name.as_str()))
    };
    if elements.len() < 2 || elements.iter().any(is_stateful) {
        return None;
    }
    let calls = model.every_call(run)?;
    let mut lines = Vec::new();
    let mut found = Part::default();
    for command in elements {
        let call = calls.iter().find(|call| std::ptr::eq(call.command, command))?;
        match work(model, stage, run, call, copies, &found.directories) {
            Work::Other if tables::stages().makes_accounts(call.program()) => return None,
            Work::Other => continue,
            Work::Covered => {}
            Work::Repeated { text, directories } => {
                lines.push(text);
                found.directories.extend(directories);
            }
        }
        found.starts.insert(command.words[0].span.start);
    }
    found.line = if lines.is_empty() { String::new() } else { format!("RUN {}", lines.join(" && ")) };
    (!found.starts.is_empty()).then_some(found)
}

/// What the RUN leaves behind but for what becomes of such commands.
///
/// # Errors
/// Why that is not known.
pub fn other_deeds(model: &Model<'_>, stage: &Stage, run: usize, copies: &[String]) -> Result<Vec<Deed>, String> {
    let part = part(model, stage, run, copies).unwrap_or_default();
    deeds_without(model, run, &part.starts)
}

/// The simple commands of a statement that follow one another.
fn chain(statement: &Statement) -> Option<Vec<&SimpleCommand>> {
    if statement.terminator == Terminator::Background {
        return None;
    }
    let nodes: Vec<&Node> = match &statement.node.kind {
        NodeKind::AndOr { first, rest } if rest.iter().all(|part| part.and) => {
            std::iter::once(&**first).chain(rest.iter().map(|part| &part.node)).collect()
        }
        NodeKind::AndOr { .. } => return None,
        _ => vec![&statement.node],
    };
    nodes.into_iter().map(Node::as_simple).collect()
}

/// What becomes of a command.
enum Work {
    /// It is no command of this kind.
    Other,
    /// What it makes is there without it.
    Covered,
    /// The new stage repeats it.
    Repeated { text: String, directories: Vec<String> },
}

fn work(model: &Model<'_>, stage: &Stage, run: usize, call: &Call<'_>, copies: &[String], made: &[String]) -> Work {
    if let Some(text) = settings(model, run, call) {
        return Work::Repeated { text, directories: Vec::new() };
    }
    let words: Option<Vec<&str>> =
        call.command.words.iter().map(|word| word.literal().map(|_| source(model, run, word.span))).collect();
    let Some(words) =
        words.filter(|words| call.command.redirects.is_empty() && !words.iter().any(|it| it.contains('\n')))
    else {
        return Work::Other;
    };
    let is_plain = call.is_plain() && call.command.assignments.is_empty() && call.program_at() == 0;
    let repeated = |directories| Work::Repeated { text: words.join(" "), directories };
    if tables::stages().makes_accounts(call.program()) && is_plain {
        return repeated(Vec::new());
    }
    let row = tables::effects().command(&call.command.name().unwrap_or_default(), None);
    let Some(operands) = row.map(|row| row.operands) else { return Work::Other };
    let workdir = model.state(run).workdir.fixed().unwrap_or("/");
    let skipped = usize::from(operands == Operands::Attributes);
    let paths: Option<Vec<String>> = model.paths(run, call).into_iter().skip(skipped).collect();
    let paths: Vec<String> = match paths {
        Some(paths) if !paths.is_empty() && is_plain => paths.iter().map(|path| joined(workdir, path)).collect(),
        _ => return Work::Other,
    };
    if paths.iter().any(|path| path.contains(['*', '?', '[', '~'])) {
        return Work::Other;
    }
    let is_copied = |path: &String| copies.iter().any(|copy| is_below(path, copy));
    let holds_copies = |path: &String| copies.iter().any(|copy| is_below(copy, path));
    match operands {
        Operands::Directories if !paths.iter().any(is_copied) && !names_any(model, run, &paths, Operands::Remove) => {
            let is_plain = call.options().iter().all(|option| option.name == "--parents");
            if is_plain && paths.iter().all(holds_copies) && !names_any(model, run, &paths, Operands::Attributes) {
                return Work::Covered;
            }
            if call.option(&["--parents"]).is_some() || !paths.iter().any(holds_copies) {
                return repeated(paths);
            }
            Work::Other
        }
        Operands::Attributes if !paths.iter().any(is_copied) => {
            let is_own = |path: &String| made.iter().any(|made| is_below(path, made) || is_below(made, path));
            let is_workdir = |path: &String| split::is_made_by_workdir(model, stage, run, path);
            if !paths.iter().all(is_of_program) {
                return Work::Other;
            }
            if paths.iter().all(|path| is_own(path) || is_workdir(path) && is_empty(model, stage, run, path)) {
                return repeated(Vec::new());
            }
            let recursive: Vec<usize> = call.options().iter().map(|option| option.words.start).collect();
            if !paths.iter().all(is_workdir) || call.options().iter().any(|option| option.name != "--recursive") {
                return Work::Other;
            }
            // What stands below is copied with its owners and modes, or left behind.
            let kept = words.iter().enumerate().filter(|(at, _)| !recursive.contains(at)).map(|(_, word)| *word);
            Work::Repeated { text: kept.collect::<Vec<_>>().join(" "), directories: Vec::new() }
        }
        _ => Work::Other,
    }
}

/// Whether nothing is put into the directory in front of the RUN.
fn is_empty(model: &Model<'_>, stage: &Stage, run: usize, directory: &str) -> bool {
    let meets = |path: &str| is_below(path, directory) || is_below(directory, path);
    (stage.instructions.start..run).all(|index| match split::kind(model, index) {
        Kind::Transfer => split::destination(model, index).is_some_and(|target| !meets(&target)),
        Kind::Run => deeds(model, index).is_ok_and(|deeds| !deeds.iter().filter_map(Deed::path).any(meets)),
        _ => true,
    })
}

/// The text of a command that only changes settings of the distribution, by variables that ENV sets at most.
fn settings(model: &Model<'_>, run: usize, call: &Call<'_>) -> Option<String> {
    let start = call.command.words.first()?.span.start;
    let others: BTreeSet<usize> = model
        .every_call(run)?
        .iter()
        .filter_map(|call| call.command.words.first())
        .map(|word| word.span.start)
        .filter(|other| *other != start)
        .collect();
    let is_setting = matches!(deeds_without(model, run, &others).ok()?.as_slice(), [Deed::Settings]);
    let is_known = |word: &&Word| word.literal().is_some() || model.text_of(run, word).is_some();
    let targets = call.command.redirects.iter().map(|redirect| &redirect.target);
    let mut words = call.command.words.iter().chain(targets);
    let end = call
        .command
        .words
        .iter()
        .map(|word| word.span.end)
        .chain(call.command.redirects.iter().map(|redirect| redirect.span.end))
        .max()?;
    let text = source(model, run, Span::new(start, end));
    let is_whole = is_setting && call.command.assignments.is_empty() && words.all(|word| is_known(&word));
    (is_whole && !text.contains('\n')).then(|| text.to_owned())
}

fn source<'m>(model: &Model<'m>, run: usize, span: Span) -> &'m str {
    model.script_span(run, span).of(model.source)
}

/// Whether a command of the RUN of that kind names one of the paths or what holds it.
fn names_any(model: &Model<'_>, run: usize, paths: &[String], operands: Operands) -> bool {
    let workdir = model.state(run).workdir.fixed().unwrap_or("/");
    let names = |call: &Call<'_>| {
        let row = tables::effects().command(&call.command.name().unwrap_or_default(), None);
        let skipped = usize::from(operands == Operands::Attributes);
        row.is_some_and(|row| row.operands == operands)
            && model.paths(run, call).into_iter().skip(skipped).any(|named| {
                named.is_none_or(|named| paths.iter().any(|path| is_below(path, &joined(workdir, &named))))
            })
    };
    model.every_call(run).is_none_or(|calls| calls.iter().any(names))
}

/// Whether the path is none that every image has.
fn is_of_program(path: &String) -> bool {
    !tables::effects().directories.every.contains(path)
}
