//! The second reading: tree-sitter-bash must find no error, and the same landmarks.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::ControlFlow;

use tree_sitter::{ParseOptions, Parser};

use super::NotUnderstood;
use super::reader::{Landmark, Result};

thread_local! {
    /// A parser is a few allocations that every script can share.
    static PARSER: RefCell<Option<Parser>> = RefCell::new(bash_parser());
}

fn bash_parser() -> Option<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_bash::LANGUAGE.into()).ok()?;
    Some(parser)
}

/// Steps of the parser for each byte of the script, in units of its progress callback (100 operations). Scripts that people
/// write take less than a tenth.
const STEPS_PER_BYTE: usize = 1;

/// Steps that even the shortest script may take.
const MIN_STEPS: usize = 1000;

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
        let mut n_steps = MIN_STEPS + text.len() * STEPS_PER_BYTE;
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
    let mut found = Vec::with_capacity(landmarks.len());
    let mut cursor = tree.walk();
    let mut parent_kinds = Vec::new();
    loop {
        let node = cursor.node();
        let node_text = &text[node.byte_range()];
        if let Some(landmark) = landmark(node.kind(), parent_kinds.last().copied(), node_text) {
            // Behind `$name ` in double quotes, a substitution's node starts with the blank.
            let n_blanks = node_text.len() - node_text.trim_start_matches([' ', '\t']).len();
            found.push((node.start_byte() + if landmark == Landmark::Substitution { n_blanks } else { 0 }, landmark));
        }
        if cursor.goto_first_child() {
            parent_kinds.push(node.kind());
            continue;
        }
        while !cursor.goto_next_sibling() {
            parent_kinds.pop();
            if !cursor.goto_parent() {
                found.sort_unstable();
                found.dedup();
                return if found == landmarks { Ok(()) } else { Err(NotUnderstood::Syntax) };
            }
        }
    }
}

fn landmark(kind: &str, parent_kind: Option<&str>, text: &str) -> Option<Landmark> {
    let joins_commands = || matches!(parent_kind, Some("list" | "pipeline" | "heredoc_redirect"));
    match kind {
        "command_name" | "declaration_command" | "unset_command" => Some(Landmark::Command),
        "test_command" if text.starts_with("[[") => Some(Landmark::Test),
        "test_command" => Some(Landmark::Command),
        "&&" => joins_commands().then_some(Landmark::And),
        "||" => joins_commands().then_some(Landmark::Or),
        "|" | "|&" => joins_commands().then_some(Landmark::Pipe),
        "subshell" => Some(Landmark::Subshell),
        "compound_statement" => Some(Landmark::Group),
        "if_statement" => Some(Landmark::If),
        "for_statement" | "c_style_for_statement" => Some(Landmark::For),
        "while_statement" => Some(Landmark::While),
        "case_statement" => Some(Landmark::Case),
        "function_definition" => Some(Landmark::Function),
        "command_substitution" => Some(Landmark::Substitution),
        "heredoc_body" => Some(Landmark::Heredoc),
        _ => None,
    }
}
