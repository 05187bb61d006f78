//! The second reading: tree-sitter-bash must find no error, and the same landmarks.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::sync::LazyLock;

use tree_sitter::{Language, ParseOptions, Parser, Tree};

use super::NotUnderstood;
use super::reader::{Landmark, Result};

thread_local! {
    /// A parser is a few allocations that every script can share.
    static PARSER: RefCell<Option<Parser>> = RefCell::new(bash_parser());
}

/// What the nodes of each kind stand for, by the kind's number.
static ROLES: LazyLock<Vec<Role>> = LazyLock::new(|| {
    let language = Language::from(tree_sitter_bash::LANGUAGE);
    let kinds = u16::try_from(language.node_kind_count()).unwrap_or(u16::MAX);
    (0..kinds).map(|id| role(language.node_kind_for_id(id).unwrap_or_default())).collect()
});

/// What a node stands for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Always the landmark.
    Landmark(Landmark),
    /// The landmark if it stands right below a [`Role::Join`].
    Operator(Landmark),
    /// Joins commands by operators.
    Join,
    /// `[ … ]` or `[[ … ]]`.
    Test,
    /// Nothing that is compared.
    Other,
}

fn role(kind: &str) -> Role {
    match kind {
        "command_name" | "declaration_command" | "unset_command" => Role::Landmark(Landmark::Command),
        "subshell" => Role::Landmark(Landmark::Subshell),
        "compound_statement" => Role::Landmark(Landmark::Group),
        "if_statement" => Role::Landmark(Landmark::If),
        "for_statement" | "c_style_for_statement" => Role::Landmark(Landmark::For),
        "while_statement" => Role::Landmark(Landmark::While),
        "case_statement" => Role::Landmark(Landmark::Case),
        "function_definition" => Role::Landmark(Landmark::Function),
        "command_substitution" => Role::Landmark(Landmark::Substitution),
        "heredoc_body" => Role::Landmark(Landmark::Heredoc),
        "test_command" => Role::Test,
        "&&" => Role::Operator(Landmark::And),
        "||" => Role::Operator(Landmark::Or),
        "|" | "|&" => Role::Operator(Landmark::Pipe),
        "list" | "pipeline" | "heredoc_redirect" => Role::Join,
        _ => Role::Other,
    }
}

fn bash_parser() -> Option<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    Some(parser)
}

/// Steps that the parser may take for a script of `len` bytes, in units of its progress callback (100 operations).
///
/// Scripts that people write take one for 130 bytes, and never one for less than 75; scripts made to hurt take one for 16.
const fn max_steps(len: usize) -> usize {
    200 + len / 50
}

/// Compares the landmarks, which are sorted, with those of tree-sitter-bash.
///
/// It reads the `!` before a command as if it were a blank: it knows none before `{` and reserved words.
pub(super) fn check(text: &str, landmarks: &[(usize, Landmark)], negations: &[usize]) -> Result<()> {
    let mut text = Cow::Borrowed(text);
    for offset in negations {
        text.to_mut().replace_range(*offset..offset + 1, " ");
    }
    let tree = PARSER.with_borrow_mut(|parser| {
        let parser = parser.as_mut()?;
        let mut n_steps = max_steps(text.len());
        let mut progress = |_: &_| {
            n_steps = n_steps.saturating_sub(1);
            if n_steps == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut progress);
        let tree = parser.parse_with_options(&mut |offset, _| &text.as_bytes()[offset..], None, Some(options));
        // A parse that was stopped would go on with the next text.
        parser.reset();
        tree
    });
    let tree = tree.ok_or(NotUnderstood::TooComplex)?;
    if tree.root_node().has_error() {
        return Err(NotUnderstood::Syntax);
    }
    let mut found = landmarks_of(&tree, &text);
    found.sort_unstable();
    if found == landmarks { Ok(()) } else { Err(NotUnderstood::Syntax) }
}

fn landmarks_of(tree: &Tree, text: &str) -> Vec<(usize, Landmark)> {
    let mut found = Vec::new();
    let mut cursor = tree.walk();
    let mut above = Vec::new();
    loop {
        let node = cursor.node();
        let role = ROLES.get(usize::from(node.kind_id())).copied().unwrap_or(Role::Other);
        let start = node.start_byte();
        found.extend(match role {
            Role::Landmark(Landmark::Substitution) => {
                // Behind `$name ` in double quotes, the node starts with the blank.
                let behind = text[start..].trim_start_matches([' ', '\t']);
                Some((text.len() - behind.len(), Landmark::Substitution))
            }
            Role::Landmark(landmark) => Some((start, landmark)),
            Role::Operator(landmark) => (above.last() == Some(&Role::Join)).then_some((start, landmark)),
            Role::Test if text[start..].starts_with("[[") => Some((start, Landmark::Test)),
            Role::Test => Some((start, Landmark::Command)),
            Role::Join | Role::Other => None,
        });
        if cursor.goto_first_child() {
            above.push(role);
            continue;
        }
        while !cursor.goto_next_sibling() {
            above.pop();
            if !cursor.goto_parent() {
                return found;
            }
        }
    }
}
