//! What was read, in the terms of BuildKit's parser, so that readings can be compared.

use serde::Serialize;

use super::ast::{Heredoc, Word};
use super::line::Line;
use super::node::{Node, Payload};
use super::scan::{self, Scan};
use super::{Parsed, parse};
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::{LineIndex, Span};

/// One file as read: a line of `imgopt syntax --format json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reading {
    /// The name of the file.
    pub file: String,
    /// Why BuildKit's parser rejects the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The escape character; absent when the file is rejected by the parser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub escape: Option<char>,
    /// The instructions; none when the file is rejected by the parser.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeReading>,
    /// Why BuildKit rejects an instruction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instr_error: Option<String>,
}

/// One instruction as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NodeReading {
    /// The keyword in upper case.
    pub cmd: String,
    /// The flags with quotes and escapes taken out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
    /// The arguments by the grammar of the instruction; `KEY`, value and `=` or nothing for ENV and LABEL.
    pub args: Vec<String>,
    /// Whether the arguments are a JSON array.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub json: bool,
    /// The trigger of an ONBUILD.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub: Option<Box<Self>>,
    /// The line of a trigger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// The heredocs with their bodies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub heredocs: Vec<HeredocReading>,
    /// The comments above the instruction.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<String>,
    /// The first line, counted from 1; 0 for a trigger.
    pub start: usize,
    /// The last line, heredoc bodies included.
    pub end: usize,
}

/// One heredoc as read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeredocReading {
    /// The name without quotes.
    pub name: String,
    /// The file descriptor.
    pub fd: u64,
    /// Whether variables in the body are expanded.
    pub expand: bool,
    /// Whether leading tabs are removed.
    pub chomp: bool,
    /// The body.
    pub content: String,
}

impl Reading {
    /// Reads `source`, the text of the file `file_name`.
    #[must_use]
    pub fn new(file_name: &str, source: &str) -> Self {
        let Parsed { diagnostics, .. } = parse(source);
        let first = |severity| diagnostics.iter().find(|diagnostic| diagnostic.severity == severity);
        let file = file_name.to_owned();
        if let Some(error) = first(Severity::ParseError) {
            let error = Some(error.message.clone());
            return Self { file, error, escape: None, nodes: Vec::new(), instr_error: None };
        }
        let scan = scan::scan(source);
        let index = LineIndex::new(source);
        let instr_error = first(Severity::InstructionError).map(|error| instruction_error(error, &scan, &index));
        Self { file, error: None, escape: Some(scan.escape), nodes: nodes(source, &scan, &index), instr_error }
    }
}

/// The error in BuildKit's words.
fn instruction_error(error: &Diagnostic, scan: &Scan, index: &LineIndex) -> String {
    if error.message.starts_with("no build stage") {
        return error.message.clone();
    }
    let start = scan.lines.iter().map(|line| line.item.start).take_while(|start| *start <= error.span.start).last();
    let hint = error.hint.as_ref().filter(|hint| hint.starts_with("did you mean"));
    let hint = hint.map_or(String::new(), |hint| format!(" ({hint})"));
    let line = index.line(start.unwrap_or(error.span.start));
    format!("dockerfile parse error on line {line}: {}{hint}", error.message)
}

fn nodes(source: &str, scan: &Scan, index: &LineIndex) -> Vec<NodeReading> {
    let read = |logical: &scan::LogicalLine| {
        let line = Line { source, escape: scan.escape, pieces: scan.pieces(logical) };
        let node = Node::read(&line, logical.content);
        let full = logical.heredocs.last().map_or(logical.item, |heredoc| logical.item.to(heredoc.span));
        let (start, end) = index.lines(full);
        NodeReading {
            heredocs: logical.heredocs.iter().map(|heredoc| heredoc_reading(source, heredoc)).collect(),
            comments: scan.comments(logical).iter().map(|comment| comment_text(source, *comment)).collect(),
            start,
            end,
            ..node_reading(&line, &node)
        }
    };
    scan.lines.iter().map(read).collect()
}

fn node_reading(line: &Line<'_>, node: &Node) -> NodeReading {
    let sub = match &node.payload {
        Payload::Sub(trigger) => {
            let original = Some(line.text(node.arguments).into_owned());
            Some(Box::new(NodeReading { original, ..node_reading(line, trigger) }))
        }
        _ => None,
    };
    let flag = |flag: &super::ast::Flag| match &flag.value {
        Some(value) => format!("--{}={value}", flag.name),
        None => format!("--{}", flag.name),
    };
    NodeReading {
        cmd: upper(&node.keyword.text),
        flags: node.flags.iter().map(flag).collect(),
        args: arguments(line, &node.payload),
        json: node.is_json(),
        sub,
        original: None,
        heredocs: Vec::new(),
        comments: Vec::new(),
        start: 0,
        end: 0,
    }
}

fn arguments(line: &Line<'_>, payload: &Payload) -> Vec<String> {
    let texts = |words: &[Word]| words.iter().map(|word| word.text.clone()).collect();
    match payload {
        Payload::Nothing | Payload::Sub(_) => Vec::new(),
        Payload::Ignored => vec![String::new()],
        Payload::Words(words) | Payload::Json(words) => texts(words),
        Payload::Text(span) => vec![line.text(*span).into_owned()],
        Payload::Pairs { pairs, legacy } => {
            let separator = if *legacy { "" } else { "=" };
            let triple = |key: &str, value: &str| [key.to_owned(), value.to_owned(), separator.to_owned()];
            pairs.iter().flat_map(|pair| triple(&pair.key.text, &pair.value.text)).collect()
        }
        Payload::Health { kind, command } => {
            std::iter::once(kind.text.clone()).chain(arguments(line, command)).collect()
        }
    }
}

fn heredoc_reading(source: &str, heredoc: &Heredoc) -> HeredocReading {
    let Heredoc { name, fd, expand, chomp, body, .. } = heredoc;
    let content = body.of(source).to_owned();
    HeredocReading { name: name.clone(), fd: *fd, expand: *expand, chomp: *chomp, content }
}

/// The text of a comment: BuildKit takes off the first byte of the line, which is the `#` only when nothing stands before
/// it.
fn comment_text(source: &str, comment: Span) -> String {
    let line_start = source[..comment.start].rfind('\n').map_or(0, |newline| newline + 1);
    let before = source[line_start..comment.start].trim_start_matches('\u{FEFF}');
    let Some(first) = before.chars().next() else { return comment.of(source)[1..].trim().to_owned() };
    // What remains of a longer character is no character any more.
    let rest = "\u{FFFD}".repeat(first.len_utf8() - 1);
    let text = format!("{rest}{}{}", &before[first.len_utf8()..], comment.of(source));
    text.trim().to_owned()
}

/// Upper case, character by character as in Go.
fn upper(text: &str) -> String {
    let one = |c: char| {
        let mut upper = c.to_uppercase();
        if upper.len() == 1 { upper.next().unwrap_or(c) } else { c }
    };
    text.chars().map(one).collect()
}
