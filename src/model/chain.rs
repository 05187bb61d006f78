//! Chains: commands that run one after the other and stop at the first failure.
//!
//! `a && b && c` is one, and so is `set -e; a; b; c`. Cleanups are added to and taken out of chains only, because
//! nowhere else it is plain when a command runs and what its failure means.

use crate::shell::ast::{Node, NodeKind, Script, SimpleCommand, Terminator};
use crate::source::Span;

/// How the commands of a chain are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// `&&`.
    And,
    /// `;` or a line end, under `set -e`.
    Sequence,
}

/// A script that is a chain.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    /// How its elements are joined.
    pub joint: Joint,
    /// The elements in order.
    pub elements: Vec<Element<'a>>,
}

/// A command of a chain.
#[derive(Clone, Debug)]
pub struct Element<'a> {
    /// The command.
    pub node: &'a Node,
    /// The `&&` before it; none for the first one and in sequences.
    pub operator: Option<Span>,
}

impl<'a> Element<'a> {
    /// The command as a simple one.
    #[must_use]
    pub const fn simple(&self) -> Option<&'a SimpleCommand> {
        match &self.node.kind {
            NodeKind::Simple(command) => Some(command),
            _ => None,
        }
    }
}

impl<'a> Chain<'a> {
    /// The script as a chain, if it is one. Behind `exit`, `exec` and `return` nothing runs, so there is none then.
    #[must_use]
    pub fn of(script: &'a Script) -> Option<Self> {
        let leaves =
            |command: &&SimpleCommand| matches!(literal(command, 0).as_deref(), Some("exit" | "exec" | "return"));
        if script.simple_commands().iter().any(leaves) {
            return None;
        }
        Self::of_statements(script)
    }

    fn of_statements(script: &'a Script) -> Option<Self> {
        let statements = &script.list.statements;
        if statements.iter().any(|statement| statement.terminator == Terminator::Background) {
            return None;
        }
        if let [statement] = statements.as_slice() {
            return Self::of_node(&statement.node);
        }
        let first = statements.first()?;
        let NodeKind::Simple(command) = &first.node.kind else { return None };
        if !sets_errexit(command) {
            return None;
        }
        let elements: Vec<_> =
            statements.iter().map(|statement| Element { node: &statement.node, operator: None }).collect();
        // `set +e` in between would end the chain.
        let ends = |element: &Element<'_>| {
            element.simple().is_some_and(|command| {
                literal(command, 0).as_deref() == Some("set") && !sets_errexit(command) && mentions_errexit(command)
            })
        };
        if elements.iter().any(ends) {
            return None;
        }
        Some(Self { joint: Joint::Sequence, elements })
    }

    fn of_node(node: &'a Node) -> Option<Self> {
        let elements = match &node.kind {
            NodeKind::AndOr { first, rest } => {
                if rest.iter().any(|part| !part.and) {
                    return None;
                }
                let first = Element { node: first, operator: None };
                std::iter::once(first)
                    .chain(rest.iter().map(|part| Element { node: &part.node, operator: Some(part.operator) }))
                    .collect()
            }
            _ => vec![Element { node, operator: None }],
        };
        Some(Self { joint: Joint::And, elements })
    }
}

/// Whether the command is `set -e…` or `set -o errexit`.
fn sets_errexit(command: &SimpleCommand) -> bool {
    literal(command, 0).as_deref() == Some("set")
        && literal(command, 1).is_some_and(|word| word.starts_with('-'))
        && mentions_errexit(command)
}

fn mentions_errexit(command: &SimpleCommand) -> bool {
    (1..command.words.len()).filter_map(|index| literal(command, index)).any(|word| {
        word == "errexit"
            || ((word.starts_with('-') || word.starts_with('+')) && !word.starts_with("--") && word.contains('e'))
    })
}

fn literal(command: &SimpleCommand, index: usize) -> Option<String> {
    command.words.get(index)?.literal()
}
