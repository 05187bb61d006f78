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
    /// Comments in order, each from `#` to the end of its line.
    pub comments: Vec<Span>,
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
    /// What runs when the body of a heredoc is expanded.
    pub heredoc_script: List,
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
    /// `$name`, `${…}`, `$((…))`, and in bash brace expansion, `$'…'`, `$"…"` and the list of an array: the text as
    /// written.
    Expansion {
        /// As written, with `$`.
        text: String,
        /// The variable's name when it is a plain `$name` or `${name}`.
        variable: Option<String>,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `$(…)`, backticks, bash's `<(…)`, or an expansion that holds one of them.
    Substitution {
        /// As written.
        text: String,
        /// What runs; the statements of several in an expansion follow one another.
        script: List,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
}

impl Script {
    /// The commands of a script that is one statement: a chain of `&&`, or a single command. `None` with `||`, a
    /// further statement or a background job.
    #[must_use]
    pub fn and_chain(&self) -> Option<Vec<&Node>> {
        let [Statement { node, terminator }] = self.list.statements.as_slice() else { return None };
        if *terminator == Terminator::Background {
            return None;
        }
        let NodeKind::AndOr { first, rest } = &node.kind else { return Some(vec![node]) };
        let all_and = rest.iter().all(|part| part.and);
        all_and.then(|| std::iter::once(&**first).chain(rest.iter().map(|part| &part.node)).collect())
    }

    /// The simple commands that the script's own shell and its subshells run, in order of occurrence: those in compound
    /// commands, not those in substitutions and function bodies.
    #[must_use]
    pub fn simple_commands(&self) -> Vec<&SimpleCommand> {
        self.list.simple_commands()
    }

    /// All simple commands in order of occurrence, with those in substitutions and function bodies. Those in the words
    /// of a command follow it.
    #[must_use]
    pub fn all_simple_commands(&self) -> Vec<&SimpleCommand> {
        self.list.all_simple_commands()
    }
}

impl List {
    /// As [`Script::simple_commands`].
    #[must_use]
    pub fn simple_commands(&self) -> Vec<&SimpleCommand> {
        simple_commands(self.into(), false)
    }

    /// As [`Script::all_simple_commands`].
    #[must_use]
    pub fn all_simple_commands(&self) -> Vec<&SimpleCommand> {
        simple_commands(self.into(), true)
    }
}

impl Node {
    /// As [`Script::simple_commands`].
    #[must_use]
    pub fn simple_commands(&self) -> Vec<&SimpleCommand> {
        simple_commands(self.into(), false)
    }

    /// As [`Script::all_simple_commands`].
    #[must_use]
    pub fn all_simple_commands(&self) -> Vec<&SimpleCommand> {
        simple_commands(self.into(), true)
    }

    /// The simple command that this is.
    #[must_use]
    pub const fn as_simple(&self) -> Option<&SimpleCommand> {
        if let NodeKind::Simple(command) = &self.kind { Some(command) } else { None }
    }

    /// The redirects of the command itself, not those of its parts.
    #[must_use]
    pub fn redirects(&self) -> &[Redirect] {
        match &self.kind {
            NodeKind::Simple(SimpleCommand { redirects, .. })
            | NodeKind::Subshell(_, redirects)
            | NodeKind::Group(_, redirects)
            | NodeKind::If { redirects, .. }
            | NodeKind::For { redirects, .. }
            | NodeKind::While { redirects, .. }
            | NodeKind::Case { redirects, .. } => redirects,
            NodeKind::AndOr { .. } | NodeKind::Pipeline { .. } | NodeKind::Function { .. } | NodeKind::Other(_) => &[],
        }
    }

    /// The parts directly below, in order of occurrence.
    #[must_use]
    pub fn children(&self) -> Vec<Child<'_>> {
        let mut children = Vec::new();
        match &self.kind {
            NodeKind::Simple(command) => {
                children.extend(command.assignments.iter().map(|assignment| Child::Word(&assignment.value)));
                children.extend(command.words.iter().map(Child::Word));
            }
            NodeKind::AndOr { first, rest } => {
                children.push(Child::Node(first));
                children.extend(rest.iter().map(|part| Child::Node(&part.node)));
            }
            NodeKind::Pipeline { parts, .. } => children.extend(parts.iter().map(Child::Node)),
            NodeKind::Subshell(list, _) | NodeKind::Group(list, _) => children.push(Child::List(list)),
            NodeKind::If { branches, otherwise, .. } => {
                children.extend(branches.iter().flat_map(|(test, body)| [Child::List(test), Child::List(body)]));
                children.extend(otherwise.as_ref().map(Child::List));
            }
            NodeKind::For { words, body, .. } => {
                children.extend(words.iter().flatten().map(Child::Word));
                children.push(Child::List(body));
            }
            NodeKind::While { condition, body, .. } => children.extend([Child::List(condition), Child::List(body)]),
            NodeKind::Case { word, branches, .. } => {
                children.push(Child::Word(word));
                for (patterns, body) in branches {
                    children.extend(patterns.iter().map(Child::Word));
                    children.push(Child::List(body));
                }
            }
            NodeKind::Function { body, .. } => children.push(Child::Node(body)),
            NodeKind::Other(_) => {}
        }
        for redirect in self.redirects() {
            children.push(Child::Word(&redirect.target));
            children.push(Child::List(&redirect.heredoc_script));
        }
        children
    }
}

/// A part of a [`Node`].
#[derive(Clone, Copy, Debug)]
pub enum Child<'a> {
    /// A command.
    Node(&'a Node),
    /// A list of statements.
    List(&'a List),
    /// A word, which may hold substitutions.
    Word(&'a Word),
}

impl<'a> From<&'a List> for Child<'a> {
    fn from(list: &'a List) -> Self {
        Self::List(list)
    }
}

impl<'a> From<&'a Node> for Child<'a> {
    fn from(node: &'a Node) -> Self {
        Self::Node(node)
    }
}

/// The simple commands below `top` in order of occurrence; `all` adds those of substitutions and function bodies.
fn simple_commands(top: Child<'_>, all: bool) -> Vec<&SimpleCommand> {
    let mut commands = Vec::new();
    let mut todo = vec![top];
    while let Some(child) = todo.pop() {
        match child {
            Child::Node(node) => {
                commands.extend(node.as_simple());
                if all {
                    todo.extend(node.children().into_iter().rev());
                } else if !matches!(node.kind, NodeKind::Function { .. }) {
                    todo.extend(node.executed().into_iter().rev());
                }
            }
            Child::List(list) => {
                todo.extend(list.statements.iter().rev().map(|statement| Child::Node(&statement.node)))
            }
            Child::Word(word) => todo.extend(word.substitutions().rev().map(Child::List)),
        }
    }
    commands
}

impl Node {
    /// The commands and lists directly below, without words and redirects.
    fn executed(&self) -> Vec<Child<'_>> {
        let mut children = self.children();
        children.truncate(children.len() - 2 * self.redirects().len());
        children.retain(|child| !matches!(child, Child::Word(_)));
        children
    }
}

impl SimpleCommand {
    /// The name of the command when it is known without running anything.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        self.words.first()?.literal()
    }
}

impl Word {
    /// The lists that run when the word is expanded, in order.
    pub fn substitutions(&self) -> impl DoubleEndedIterator<Item = &List> {
        self.parts.iter().filter_map(|part| match part {
            WordPart::Substitution { script, .. } => Some(script),
            WordPart::Literal { .. } | WordPart::Expansion { .. } => None,
        })
    }

    /// The value when it is known without running anything: literals only, no glob or `~` that the shell would replace.
    #[must_use]
    pub fn literal(&self) -> Option<String> {
        let mut value = String::new();
        for part in &self.parts {
            let WordPart::Literal { text, quoted } = part else { return None };
            let glob = text.contains(['*', '?']) || (text.contains('[') && !self.is_test());
            if !quoted && (glob || has_tilde(text, value.is_empty())) {
                return None;
            }
            value.push_str(text);
        }
        Some(value)
    }

    /// The text with quotes removed and unquoted globs and `~` as written; `None` with an expansion, a substitution, or a
    /// quoted character that would look like a glob.
    #[must_use]
    pub fn pattern(&self) -> Option<String> {
        let mut pattern = String::new();
        for part in &self.parts {
            let WordPart::Literal { text, quoted } = part else { return None };
            if *quoted && text.contains(['*', '?', '[', '~']) {
                return self.literal();
            }
            pattern.push_str(text);
        }
        Some(pattern)
    }

    /// Whether the word is `[`, the name of the `test` command, which alone is no glob.
    fn is_test(&self) -> bool {
        matches!(self.parts.as_slice(), [WordPart::Literal { text, .. }] if text == "[")
    }
}

/// Whether a shell may replace a `~` in unquoted text: at the start of a word, and in what looks like an assignment also
/// behind `=` and `:`. What follows up to a slash or colon names a user, which `~1.2` in `apk add name=~1.2` does not.
fn has_tilde(text: &str, starts_word: bool) -> bool {
    text.match_indices('~').any(|(idx, _)| {
        let stands_right = if idx == 0 { starts_word } else { text[..idx].ends_with(['=', ':']) };
        let user = text[idx + 1..].split(['/', ':']).next().unwrap_or_default();
        let version = user.starts_with(|c: char| c.is_ascii_digit()) && user.contains('.');
        stands_right && !version
    })
}
