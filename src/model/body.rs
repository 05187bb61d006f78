//! The shell scripts of a Dockerfile: RUN bodies and the shell forms of CMD, ENTRYPOINT and HEALTHCHECK.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::canonical::{self, CanonicalList};
use crate::shell::command::Invocation;
use crate::shell::{self, Dialect, NotUnderstood, ast::Script};
use crate::source::Span;
use crate::syntax::ast::{Command, Instruction, JoinedText};

/// A script with the way back to the source.
#[derive(Clone, Debug)]
pub struct Body {
    /// The text that the shell gets.
    pub text: JoinedText,
    /// The script as understood, or why nothing in it may be rewritten.
    pub script: SharedScript,
    /// What its commands call, by their number; see [`crate::model::call`].
    pub(super) invocations: SharedInvocations,
    pub(super) canonical: SharedCanonical,
    /// Whether the text is a heredoc: its lines are raw, a new line is a new statement.
    pub heredoc: bool,
}

impl Body {
    /// The canonical form of the script, if it was understood.
    #[must_use]
    pub fn canonical(&self) -> Option<&CanonicalList> {
        let script = self.understood()?;
        Some(self.canonical.get_or_init(|| canonical::script(script)))
    }

    /// The script, if it was understood.
    #[must_use]
    pub fn understood(&self) -> Option<&Script> {
        self.script.as_ref().as_ref().ok()
    }
}

/// Why a body is opaque: nothing inside it is rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Opaque {
    /// The shell reader gave up.
    #[error("{0}")]
    NotUnderstood(#[from] NotUnderstood),
    /// The shell of the stage is PowerShell, cmd or another program.
    #[error("the shell `{0}` is not read")]
    OtherShell(String),
    /// The heredoc starts with `#!` and is run as a file.
    #[error("the heredoc is a script for another program")]
    Shebang,
}

/// Scripts read so far. Passes change little of a file, so most bodies of the next round are known from the last one.
#[derive(Debug, Default)]
pub struct BodyCache(RefCell<HashMap<(String, Dialect), ReadScript>>);

type SharedScript = Rc<Result<Script, Opaque>>;

/// A script with what is computed of it when it is first asked for.
pub(super) type ReadScript = (SharedScript, SharedInvocations, SharedCanonical);

pub(super) type SharedCanonical = Rc<OnceCell<CanonicalList>>;

/// Recognised when they are first asked for.
pub(super) type SharedInvocations = Rc<OnceCell<Vec<Option<Rc<Invocation>>>>>;

impl BodyCache {
    /// The script of `text`, read at most once.
    pub(super) fn read(&self, text: &str, dialect: Dialect) -> ReadScript {
        let mut known = self.0.borrow_mut();
        let read = || (Rc::new(shell::parse(text, dialect).map_err(Opaque::from)), Rc::default(), Rc::default());
        known.entry((text.to_owned(), dialect)).or_insert_with(read).clone()
    }
}

/// The text of a shell-form command, with the bodies of its heredocs, and whether it comes as a heredoc.
///
/// BuildKit hands a RUN with exactly one heredoc word to the shell as the heredoc's content; any other RUN with heredocs
/// is put together again with the bodies behind the line (`dispatchRun` in `frontend/dockerfile/dockerfile2llb/convert.go`).
#[must_use]
pub fn shell_text(source: &str, instruction: &Instruction, command: &Command) -> Option<(JoinedText, bool)> {
    let Command::Shell(line) = command else { return None };
    let [heredoc] = instruction.heredocs.as_slice() else {
        return Some((with_heredocs(source, instruction, line), !instruction.heredocs.is_empty()));
    };
    if !is_heredoc_word(&line.text) {
        return Some((with_heredocs(source, instruction, line), true));
    }
    let pieces = if heredoc.chomp { without_leading_tabs(source, heredoc.body) } else { vec![heredoc.body] };
    let text = pieces.iter().map(|piece| piece.of(source)).collect();
    Some((JoinedText { text, pieces }, true))
}

/// Whether the line is nothing but `<<NAME`.
fn is_heredoc_word(line: &str) -> bool {
    let line = line.trim();
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    line[digits..]
        .strip_prefix("<<")
        .is_some_and(|name| !name.trim_start_matches(['-', ' ', '\t']).contains([' ', '\t', '<', ';', '&', '|', '>']))
}

fn with_heredocs(source: &str, instruction: &Instruction, line: &JoinedText) -> JoinedText {
    let Some(first) = instruction.heredocs.first() else { return line.clone() };
    let mut joined = line.clone();
    let line_end = Span::new(instruction.span.end, first.span.start);
    for piece in std::iter::once(line_end).chain(instruction.heredocs.iter().map(|heredoc| heredoc.span)) {
        joined.text.push_str(piece.of(source));
        joined.pieces.push(piece);
    }
    joined
}

fn without_leading_tabs(source: &str, body: Span) -> Vec<Span> {
    let mut pieces = Vec::new();
    let mut start = body.start;
    for line in body.of(source).split_inclusive('\n') {
        let tabs = line.len() - line.trim_start_matches('\t').len();
        pieces.push(Span::new(start + tabs, start + line.len()));
        start += line.len();
    }
    pieces
}
