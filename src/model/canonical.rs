//! The canonical form of a shell script: its tree without continuations, blanks, comments and spans, words by their
//! quoting-normalised value, heredoc bodies byte for byte.
//!
//! Equal canonical forms mean the same to the shell. Nothing else is taken to be equal.

use crate::shell::ast::{
    Assignment, List, Node, NodeKind, Redirect, Script, SimpleCommand, Terminator, Word, WordPart,
};

/// The number of a simple command in [`Script::simple_commands`].
///
/// It names the command in steps and plays no part in equality.
#[derive(Clone, Copy, Debug)]
pub struct CommandId(pub usize);

impl PartialEq for CommandId {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for CommandId {}

/// Statements in order, each with what ends it. What ends the last one does not matter unless it is `&`.
pub type CanonicalList = Vec<(Canonical, bool)>;

/// The canonical form of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Canonical {
    /// A simple command.
    Simple(CanonicalCommand),
    /// `a && b || c`: each command with whether `&&` stands before it (always true for the first).
    AndOr(Vec<(bool, Self)>),
    /// `a | b`, `! a`.
    Pipeline {
        /// Whether it starts with `!`.
        negated: bool,
        /// The commands.
        parts: Vec<Self>,
    },
    /// Any compound command: its keyword, the words it holds, its lists, its redirects.
    Compound {
        /// What it is: `if`, `for`, `(`, …
        keyword: String,
        /// Words such as a loop's variable and values, a case's patterns.
        words: Vec<CanonicalWord>,
        /// The lists in order.
        lists: Vec<CanonicalList>,
        /// Redirects.
        redirects: Vec<CanonicalRedirect>,
    },
}

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalCommand {
    /// Which one it is.
    pub id: CommandId,
    /// Variable, value and whether it is appended.
    pub assignments: Vec<(String, CanonicalWord, bool)>,
    /// Command name and arguments.
    pub words: Vec<CanonicalWord>,
    /// Redirects.
    pub redirects: Vec<CanonicalRedirect>,
}

/// A redirect: descriptor, operator, target; of a heredoc the body, and whether the shell expands it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalRedirect(Option<u32>, String, CanonicalWord, Option<(String, bool)>);

/// A word as a list of parts; neighbouring literals of one kind are joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CanonicalWord(Vec<CanonicalPart>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum CanonicalPart {
    /// Text that means itself.
    Plain(String),
    /// Unquoted characters that the shell may replace: globs, braces, `~`.
    Special(char),
    /// `$…`, `$(…)` as written, and whether it is protected from splitting.
    Expansion(String, bool),
}

impl CanonicalWord {
    /// The word that stands for a plain text.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self(vec![CanonicalPart::Plain(text.to_owned())])
    }
}

/// The canonical form of a script.
#[must_use]
pub fn script(script: &Script) -> CanonicalList {
    Numbering::default().list(&script.list)
}

/// The canonical form of a part of a script, for text that passes insert: its commands carry no usable number.
#[must_use]
pub fn node(node: &Node) -> Canonical {
    Numbering::unnamed().node(node)
}

#[derive(Default)]
struct Numbering {
    next: usize,
}

impl Numbering {
    /// Gives numbers that no command of a script has.
    const fn unnamed() -> Self {
        Self { next: usize::MAX / 2 }
    }

    fn list(&mut self, list: &List) -> CanonicalList {
        let background = |terminator| terminator == Terminator::Background;
        list.statements.iter().map(|statement| (self.node(&statement.node), background(statement.terminator))).collect()
    }

    fn node(&mut self, node: &Node) -> Canonical {
        match &node.kind {
            NodeKind::Simple(command) => Canonical::Simple(self.simple(command)),
            NodeKind::AndOr { first, rest } => {
                let mut parts = vec![(true, self.node(first))];
                parts.extend(rest.iter().map(|part| (part.and, self.node(&part.node))));
                Canonical::AndOr(parts)
            }
            NodeKind::Pipeline { negated, parts } => {
                Canonical::Pipeline { negated: *negated, parts: parts.iter().map(|part| self.node(part)).collect() }
            }
            NodeKind::Subshell(list, redirects) => self.compound("(", &[], [list], redirects),
            NodeKind::Group(list, redirects) => self.compound("{", &[], [list], redirects),
            NodeKind::If { branches, otherwise, redirects } => {
                let lists = branches.iter().flat_map(|(condition, body)| [condition, body]).chain(otherwise);
                self.compound("if", &[], lists, redirects)
            }
            NodeKind::For { variable, words, body, redirects } => {
                let keyword = if words.is_some() { format!("for {variable} in") } else { format!("for {variable}") };
                self.compound(&keyword, words.as_deref().unwrap_or_default(), [body], redirects)
            }
            NodeKind::While { until, condition, body, redirects } => {
                self.compound(if *until { "until" } else { "while" }, &[], [condition, body], redirects)
            }
            NodeKind::Case { word, branches, redirects } => {
                let shape: Vec<_> = branches.iter().map(|(patterns, _)| patterns.len().to_string()).collect();
                let words: Vec<_> =
                    std::iter::once(word).chain(branches.iter().flat_map(|(patterns, _)| patterns)).cloned().collect();
                let lists: Vec<_> = branches.iter().map(|(_, body)| body).collect();
                self.compound(&format!("case {}", shape.join(" ")), &words, lists, redirects)
            }
            NodeKind::Function { name, body } => {
                // What a function runs is no part of the script until it is called: no step may name its commands.
                let body = (Self::unnamed().node(body), false);
                Canonical::Compound {
                    keyword: format!("function {name}"),
                    words: Vec::new(),
                    lists: vec![vec![body]],
                    redirects: Vec::new(),
                }
            }
            NodeKind::Other(text) => Canonical::Compound {
                keyword: text.clone(),
                words: Vec::new(),
                lists: Vec::new(),
                redirects: Vec::new(),
            },
        }
    }

    fn compound<'a>(
        &mut self,
        keyword: &str,
        words: &[Word],
        lists: impl IntoIterator<Item = &'a List>,
        redirects: &[Redirect],
    ) -> Canonical {
        Canonical::Compound {
            keyword: keyword.to_owned(),
            words: words.iter().map(|word| self.word(word)).collect(),
            lists: lists.into_iter().map(|list| self.list(list)).collect(),
            redirects: redirects.iter().map(|redirect| self.redirect(redirect)).collect(),
        }
    }

    fn simple(&mut self, command: &SimpleCommand) -> CanonicalCommand {
        let id = CommandId(self.next);
        self.next += 1;
        CanonicalCommand {
            id,
            assignments: command.assignments.iter().map(|assignment| self.assignment(assignment)).collect(),
            words: command.words.iter().map(|word| self.word(word)).collect(),
            redirects: command.redirects.iter().map(|redirect| self.redirect(redirect)).collect(),
        }
    }

    fn assignment(&mut self, assignment: &Assignment) -> (String, CanonicalWord, bool) {
        (assignment.name.clone(), self.word(&assignment.value), assignment.append)
    }

    fn redirect(&mut self, redirect: &Redirect) -> CanonicalRedirect {
        let is_quoted = |part: &WordPart| matches!(part, WordPart::Literal { quoted: true, .. });
        let expands = !redirect.target.parts.iter().any(is_quoted);
        let heredoc = redirect.heredoc.as_ref().map(|(_, body)| (body.clone(), expands));
        CanonicalRedirect(redirect.fd, redirect.operator.clone(), self.word(&redirect.target), heredoc)
    }

    fn word(&mut self, word: &Word) -> CanonicalWord {
        let mut parts = Vec::new();
        for part in &word.parts {
            match part {
                WordPart::Literal { text, quoted: true } => push_plain(&mut parts, text),
                WordPart::Literal { text, quoted: false } => {
                    for character in text.chars() {
                        if matches!(character, '*' | '?' | '[' | ']' | '{' | '}' | '~' | '!' | '^') {
                            parts.push(CanonicalPart::Special(character));
                        } else {
                            push_plain(&mut parts, character.encode_utf8(&mut [0; 4]));
                        }
                    }
                }
                WordPart::Expansion { text, quoted, .. } | WordPart::Substitution { text, quoted, .. } => {
                    parts.push(CanonicalPart::Expansion(text.clone(), *quoted));
                }
            }
        }
        // `""` is a word; no parts at all would be none.
        CanonicalWord(parts)
    }
}

fn push_plain(parts: &mut Vec<CanonicalPart>, text: &str) {
    if let Some(CanonicalPart::Plain(last)) = parts.last_mut() {
        last.push_str(text);
    } else {
        parts.push(CanonicalPart::Plain(text.to_owned()));
    }
}
