//! Recognised commands: program, subcommand, options and arguments of a simple command.
//!
//! One reader of options serves all programs; which options there are, and which take a value, is a row of
//! `rewrites/commands.yaml`. A word that an option owns is never an argument. What the table does not know shows as
//! [`Invocation::unknown_option`], and then a pass had better leave the command alone. The views on top
//! ([`packages`], [`pip`]) name what several programs share.

use std::ops::Range;

use super::ast::{SimpleCommand, Word};
use crate::source::Span;

mod options;
pub mod packages;
pub mod pip;
mod table;

pub use table::CommandRow;
pub(crate) use table::CommandTable;

/// A simple command whose program has a row in the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The program by its name in the table: without directory, and for pip and python without version.
    pub program: String,
    /// The directory written before the program, as in `/opt/venv/bin/pip`.
    pub directory: Option<String>,
    /// Index in [`SimpleCommand::words`] of the word that names the program.
    pub word: usize,
    /// Commands before the program that run it: `sudo`, `env`, `timeout 5`, `python -m`. Outermost first.
    pub wrappers: Vec<Wrapper>,
    /// Variables set for this command alone, before it or by `env`.
    pub environment: Vec<Variable>,
    /// The subcommand by its main name, of two words where the program has such: `install`, `mod download`.
    pub subcommand: Option<Subcommand>,
    /// Options in order.
    pub options: Vec<CommandOption>,
    /// What is neither an option nor the value of one, in order.
    pub arguments: Vec<Argument>,
    /// The first option that the table does not know, or that is known only when the command runs. The words behind it may
    /// be its values.
    pub unknown_option: Option<Span>,
}

/// A command that runs another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrapper {
    /// Its name in the table.
    pub program: String,
    /// Its options.
    pub options: Vec<CommandOption>,
    /// Its own arguments, as the duration of `timeout`.
    pub arguments: Vec<Argument>,
    /// Indices of its words.
    pub words: Range<usize>,
}

/// `NAME=value` for one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The name.
    pub name: String,
    /// The value if it is known.
    pub value: Option<String>,
    /// The whole assignment.
    pub span: Span,
}

/// A subcommand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subcommand {
    /// Its main name: `install` for `npm i`.
    pub name: String,
    /// Indices of its words.
    pub words: Vec<usize>,
}

/// An option with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOption {
    /// The main name, the first in the table's row: `--yes` for `-y`.
    pub name: String,
    /// The value, if it has one.
    pub value: Option<Argument>,
    /// Its words; options of one cluster (`-yq`) share a word.
    pub span: Span,
    /// Indices of its words.
    pub words: Range<usize>,
}

/// A word, or the value of an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// Index of the word.
    pub word: usize,
    /// Its place; the part behind `=` for the value in `--option=value`.
    pub span: Span,
    /// The text with quotes removed, if it is known. Globs that the shell would replace make it unknown.
    pub text: Option<String>,
    /// The text with unquoted globs and `~` left as they are; unknown only with an expansion or substitution.
    pub pattern: Option<String>,
}

/// Reads a command by the row of its program.
///
/// `None` when the program has no row, or is known only when the command runs.
#[must_use]
pub fn recognize(command: &SimpleCommand) -> Option<Invocation> {
    let words = &command.words;
    let mut wrappers = Vec::new();
    let mut environment: Vec<Variable> = command
        .assignments
        .iter()
        .map(|assignment| Variable {
            name: assignment.name.clone(),
            value: assignment.value.literal().filter(|_| !assignment.append),
            span: assignment.span,
        })
        .collect();
    let mut start = 0;
    loop {
        let name = words.get(start)?.literal()?;
        let (directory, name) =
            name.rsplit_once('/').map_or((None, &*name), |(dir, name)| (Some(dir.to_owned()), name));
        let program = table::program(name)?;
        let read = options::read(program, words, start + 1);
        let Some(inner) = read.inner else {
            return Some(Invocation {
                program: program.name.to_owned(),
                directory,
                word: start,
                wrappers,
                environment,
                subcommand: read.subcommand,
                options: read.options,
                arguments: read.arguments,
                unknown_option: read.unknown_option,
            });
        };
        if read.unknown_option.is_some() {
            return None;
        }
        environment.extend(read.environment);
        let (options, arguments) = (read.options, read.arguments);
        wrappers.push(Wrapper { program: program.name.to_owned(), options, arguments, words: start..inner });
        start = inner;
    }
}

impl Invocation {
    /// The main name of the subcommand, or the empty string.
    #[must_use]
    pub fn subcommand(&self) -> &str {
        self.subcommand.as_ref().map_or("", |subcommand| &subcommand.name)
    }

    /// Whether the option is there, by its main name; off again with a value `false` or `0`.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let off = |value: &Argument| matches!(value.text.as_deref(), Some("false" | "no" | "0"));
        self.options(name).last().is_some_and(|option| !option.value.as_ref().is_some_and(off))
    }

    /// The options of that main name, in order.
    pub fn options(&self, name: &str) -> impl DoubleEndedIterator<Item = &CommandOption> {
        self.options.iter().filter(move |option| option.name == name)
    }

    /// The values of the options of that main name, in order.
    pub fn values(&self, name: &str) -> impl DoubleEndedIterator<Item = &Argument> {
        self.options(name).filter_map(|option| option.value.as_ref())
    }

    /// Whether no other option stands in the words of `option`, so that they may be taken out.
    #[must_use]
    pub fn stands_alone(&self, option: &CommandOption) -> bool {
        self.options.iter().filter(|other| other.words == option.words).count() == 1
    }

    /// The variable set for this command, if it is; the last one counts.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.environment.iter().rev().find(|variable| variable.name == name)
    }

    /// Whether a wrapper of that name runs the command.
    #[must_use]
    pub fn is_run_by(&self, wrapper: &str) -> bool {
        self.wrappers.iter().any(|other| other.program == wrapper)
    }

    /// The arguments' texts, if all are known.
    #[must_use]
    pub fn known_arguments(&self) -> Option<Vec<&str>> {
        self.arguments.iter().map(|argument| argument.text.as_deref()).collect()
    }
}

impl Argument {
    fn new(word: usize, source: &Word) -> Self {
        Self { word, span: source.span, text: source.literal(), pattern: source.pattern() }
    }
}

#[cfg(test)]
mod tests;
