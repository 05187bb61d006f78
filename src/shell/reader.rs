//! The text of a script with a position: what blanks, comments, operators and line ends are.

use super::ast::List;
use super::heredoc::Heredocs;
use super::{Dialect, NotUnderstood};
use crate::source::Span;

/// Result of reading a part of a script.
pub(super) type Result<T> = std::result::Result<T, NotUnderstood>;

/// Compound commands, substitutions and `${…}` may nest this deep; keeps the stack small.
const MAX_DEPTH: usize = 40;

/// Operators of bash that a POSIX shell reads as two.
const BASH_OPERATORS: [&str; 7] = [";;&", ";&", "&>>", "&>", "|&", "<<<", "<("];

/// What both readers of a script must find in the same place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Landmark {
    /// The name of a simple command.
    Command,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `|` or `|&`.
    Pipe,
    /// `( … )`.
    Subshell,
    /// `{ … }` or `(( … ))`.
    Group,
    /// `if`.
    If,
    /// `for` or `select`.
    For,
    /// `while` or `until`.
    While,
    /// `case`.
    Case,
    /// A function definition.
    Function,
    /// `[[`.
    Test,
    /// `$(…)` or backticks.
    Substitution,
    /// A heredoc body.
    Heredoc,
}

/// A position in a script that moves forward.
pub(super) struct Reader<'a> {
    /// The text up to the end of what is read: all of the script, or up to a closing backtick.
    pub(super) text: &'a str,
    /// Offset of the next byte.
    pub(super) pos: usize,
    /// The shell.
    pub(super) dialect: Dialect,
    /// Comments so far.
    pub(super) comments: Vec<Span>,
    /// Heredocs so far.
    pub(super) heredocs: Heredocs<'a>,
    /// Landmarks so far, in no order.
    pub(super) landmarks: Vec<(usize, Landmark)>,
    /// Where a `!` negates a pipeline.
    pub(super) negations: Vec<usize>,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, dialect: Dialect) -> Self {
        Self {
            text,
            pos: 0,
            dialect,
            comments: Vec::new(),
            heredocs: Heredocs::default(),
            landmarks: Vec::new(),
            negations: Vec::new(),
            depth: 0,
        }
    }

    /// The next byte.
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.pos).copied()
    }

    /// The byte `distance` behind the next one.
    pub(super) fn peek_at(&self, distance: usize) -> Option<u8> {
        self.text.as_bytes().get(self.pos + distance).copied()
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.pos..]
    }

    /// Takes `token` if it comes next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.pos += token.len();
        }
        found
    }

    /// Records a landmark at `offset`.
    pub(super) fn mark(&mut self, offset: usize, landmark: Landmark) {
        self.landmarks.push((offset, landmark));
    }

    /// Reads something nested, unless it is nested too deeply.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth == MAX_DEPTH {
            return Err(NotUnderstood::TooComplex);
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Reads a list whose heredocs have their bodies within it.
    ///
    /// Shells disagree on where a body stands whose line goes on behind a substitution.
    pub(super) fn closed_list(&mut self) -> Result<List> {
        let start = self.pos;
        let outer = self.heredocs.take_pending();
        let list = self.nested(Self::list)?;
        let split = !outer.is_empty() && self.text[start..self.pos].contains('\n');
        if split || !self.heredocs.take_pending().is_empty() {
            return Err(NotUnderstood::Syntax);
        }
        self.heredocs.put_pending(outer);
        Ok(list)
    }

    /// In a POSIX shell, stops at what only bash has.
    pub(super) fn bash_only(&self, construct: &str) -> Result<()> {
        match self.dialect {
            Dialect::Posix => Err(NotUnderstood::NotPosix(construct.to_owned())),
            Dialect::Bash => Ok(()),
        }
    }

    /// Skips blanks, line continuations and a comment. Stands between tokens.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(b' ' | b'\t') => self.pos += 1,
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.pos += 2,
                Some(b'#') => {
                    let len = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.comments.push(Span::new(self.pos, self.pos + len));
                    self.pos += len;
                }
                _ => return,
            }
        }
    }

    /// Skips blanks, comments and line ends, with the heredoc bodies behind them.
    pub(super) fn skip_lines(&mut self) -> Result<()> {
        self.skip_blanks();
        while self.peek() == Some(b'\n') {
            self.line_end()?;
            self.skip_blanks();
        }
        Ok(())
    }

    /// Takes a line end and the heredoc bodies behind it.
    pub(super) fn line_end(&mut self) -> Result<()> {
        self.pos += 1;
        self.heredoc_bodies()
    }

    /// The operator that comes next, the longest that fits.
    pub(super) fn operator(&self) -> Option<&'static str> {
        match self.rest().as_bytes() {
            [b';', b';', b'&', ..] => Some(";;&"),
            [b'&', b'>', b'>', ..] => Some("&>>"),
            [b'<', b'<', b'<', ..] => Some("<<<"),
            [b'<', b'<', b'-', ..] => Some("<<-"),
            [b'&', b'&', ..] => Some("&&"),
            [b'|', b'|', ..] => Some("||"),
            [b';', b';', ..] => Some(";;"),
            [b';', b'&', ..] => Some(";&"),
            [b'&', b'>', ..] => Some("&>"),
            [b'|', b'&', ..] => Some("|&"),
            [b'<', b'<', ..] => Some("<<"),
            [b'<', b'&', ..] => Some("<&"),
            [b'<', b'>', ..] => Some("<>"),
            [b'<', b'(', ..] => Some("<("),
            [b'>', b'>', ..] => Some(">>"),
            [b'>', b'&', ..] => Some(">&"),
            [b'>', b'|', ..] => Some(">|"),
            [b'>', b'(', ..] => Some(">("),
            [b'<', ..] => Some("<"),
            [b'>', ..] => Some(">"),
            [b'|', ..] => Some("|"),
            [b'&', ..] => Some("&"),
            [b';', ..] => Some(";"),
            [b'(', ..] => Some("("),
            [b')', ..] => Some(")"),
            _ => None,
        }
    }

    /// Takes `operator`, which comes next.
    ///
    /// A shell joins an operator over a line continuation; that is not understood.
    pub(super) fn take_operator(&mut self, operator: &'static str) -> Result<()> {
        if BASH_OPERATORS.contains(&operator) || operator == ">(" {
            self.bash_only(operator)?;
        }
        self.pos += operator.len();
        let behind = self.rest().trim_start_matches("\\\n");
        let continued = behind.len() < self.rest().len();
        let may_grow = !matches!(operator, "&&" | "||" | "(" | ")");
        if continued && may_grow && behind.starts_with(['&', '|', '<', '>', ';', '(', '-']) {
            return Err(NotUnderstood::Syntax);
        }
        Ok(())
    }

    /// The unquoted word that comes next, if it is one that could be reserved: up to a byte that ends a word.
    pub(super) fn plain_word(&self) -> Option<&'a str> {
        let rest = self.rest();
        let end = rest.find(|c: char| !matches!(c, 'a'..='z' | '!' | '{' | '}' | '[' | ']')).unwrap_or(rest.len());
        let ends = rest.as_bytes().get(end).is_none_or(|byte| is_metacharacter(*byte));
        (end > 0 && ends).then(|| &rest[..end])
    }

    /// Takes the reserved word `word` if it comes next.
    pub(super) fn take_reserved(&mut self, word: &str) -> bool {
        let found = self.plain_word() == Some(word);
        if found {
            self.pos += word.len();
        }
        found
    }

    /// Takes the reserved word `word`, which must come next.
    pub(super) fn expect_reserved(&mut self, word: &str) -> Result<()> {
        self.skip_blanks();
        if self.take_reserved(word) { Ok(()) } else { Err(NotUnderstood::Syntax) }
    }
}

/// Whether the byte ends a word unless it is quoted.
pub(super) const fn is_metacharacter(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

/// Length of the name that `text` starts with.
pub(super) fn name_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    if bytes.first().is_none_or(u8::is_ascii_digit) {
        return 0;
    }
    bytes.iter().position(|byte| !byte.is_ascii_alphanumeric() && *byte != b'_').unwrap_or(bytes.len())
}

/// Whether `text` is a name: letters, digits and `_`, not starting with a digit.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && name_len(text) == text.len()
}
