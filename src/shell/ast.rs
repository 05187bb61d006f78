//! The tree of a shell script: lists, pipelines, simple commands and words, with spans of the script's text.
//!
//! Spans are offsets into the text that [`super::parse`] was given. [`crate::syntax::ast::JoinedText::to_source`] leads
//! back to the Dockerfile.

use crate::source::Span;

/// A script that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Its statements.
    pub list: List,
}

/// Statements one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// The statements in order.
    pub statements: Vec<Statement>,
}

/// A statement and what ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The command, which may be an and-or list.
    pub node: Node,
    /// What follows: `;`, a line end, `&`, or nothing.
    pub terminator: Terminator,
}

/// What ends a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terminator {
    /// The end of the list.
    None,
    /// `;` or a line end: the same to the shell.
    Sequence,
    /// `&`: runs in the background.
    Background,
}

/// A command with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// From its first to its last byte, redirects included.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// The kinds of command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Assignments, words and redirects.
    Simple(SimpleCommand),
    /// `a && b || c`, flattened: equal precedence, from left to right. Has at least two parts.
    AndOr {
        /// The first command.
        first: Box<Node>,
        /// Each further command with the operator before it.
        rest: Vec<AndOrPart>,
    },
    /// `a | b`, or `! a`.
    Pipeline {
        /// Whether it starts with `!`.
        negated: bool,
        /// The commands in order.
        parts: Vec<Node>,
    },
    /// `( list )`.
    Subshell(List, Vec<Redirect>),
    /// `{ list; }`.
    Group(List, Vec<Redirect>),
    /// `if`, with all its conditions and bodies in order.
    If {
        /// Condition and body of `if` and each `elif`.
        branches: Vec<(List, List)>,
        /// The body of `else`.
        otherwise: Option<List>,
        /// Redirects behind `fi`.
        redirects: Vec<Redirect>,
    },
    /// `for name in words; do list; done`.
    For {
        /// The variable.
        variable: String,
        /// The words; `None` without `in`, which means `"$@"`.
        words: Option<Vec<Word>>,
        /// The body.
        body: List,
        /// Redirects behind `done`.
        redirects: Vec<Redirect>,
    },
    /// `while` or `until`.
    While {
        /// Whether it is `until`.
        until: bool,
        /// The condition.
        condition: List,
        /// The body.
        body: List,
        /// Redirects behind `done`.
        redirects: Vec<Redirect>,
    },
    /// `case word in … esac`.
    Case {
        /// The word compared.
        word: Word,
        /// Patterns and body of each branch.
        branches: Vec<(Vec<Word>, List)>,
        /// Redirects behind `esac`.
        redirects: Vec<Redirect>,
    },
    /// A function definition.
    Function {
        /// Its name.
        name: String,
        /// Its body.
        body: Box<Node>,
    },
    /// A construct of bash that has no counterpart above (`[[ … ]]`, `(( … ))`, …), by its text.
    Other(String),
}

/// A further command of an and-or list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AndOrPart {
    /// Whether the operator is `&&`; else it is `||`.
    pub and: bool,
    /// The operator's place.
    pub operator: Span,
    /// The command.
    pub node: Node,
}

/// Assignments, words and redirects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SimpleCommand {
    /// `NAME=value` before the command name.
    pub assignments: Vec<Assignment>,
    /// The command name and its arguments.
    pub words: Vec<Word>,
    /// Redirects in order.
    pub redirects: Vec<Redirect>,
}

/// `NAME=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The whole assignment.
    pub span: Span,
    /// The variable.
    pub name: String,
    /// The value; its span is empty in `NAME=`.
    pub value: Word,
    /// Whether it is `NAME+=value`.
    pub append: bool,
}

/// A redirect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// The whole redirect; for a heredoc without its body.
    pub span: Span,
    /// The descriptor written before the operator.
    pub fd: Option<u32>,
    /// The operator as written: `>`, `>>`, `2>&1` has `>&`, `<<`, …
    pub operator: String,
    /// The file, descriptor or heredoc name.
    pub target: Word,
    /// The body of a heredoc, byte for byte, with its place.
    pub heredoc: Option<(Span, String)>,
}

/// A word: parts that are joined when it is expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// As written.
    pub span: Span,
    /// The parts in order.
    pub parts: Vec<WordPart>,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WordPart {
    /// Plain text with quotes and escapes removed.
    Literal {
        /// The text.
        text: String,
        /// Whether it is quoted or escaped, so that globs, `~` and blanks in it mean themselves.
        quoted: bool,
    },
    /// `$name`, `${…}`, `$((…))`: the text as written.
    Expansion {
        /// As written, with `$`.
        text: String,
        /// The variable's name when it is a plain `$name` or `${name}`.
        variable: Option<String>,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `$(…)` or backticks.
    Substitution {
        /// As written.
        text: String,
        /// What runs.
        script: List,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
}

impl Word {
    /// The value when it is known without running anything: literals only, no glob, `~` or brace that the shell
    /// would replace.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        let mut value = String::new();
        for part in &self.parts {
            let WordPart::Literal { text, quoted } = part else { return None };
            if !quoted && (text.contains(['*', '?', '[']) || (value.is_empty() && text.starts_with('~'))) {
                return None;
            }
            value.push_str(text);
        }
        Some(value)
    }
}
