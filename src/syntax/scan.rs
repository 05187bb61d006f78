//! Cuts a Dockerfile into items that tile it byte for byte, and finds the logical lines of the instructions.
//!
//! This is the outer half of BuildKit's `parser.Parse`: physical lines, parser directives, comments, continuations and
//! heredoc bodies. What an instruction says is read by `node`.

use std::ops::Range;

use super::ast::{Directive, Heredoc, Item, ItemKind};
use super::directive;
use super::heredoc;
use super::line::Line;
use super::node::Node;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Span;

/// The longest physical line that BuildKit reads, without its newline (the limit of Go's `bufio.Scanner`).
const MAX_LINE: usize = 65_535;

const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// A Dockerfile cut into items.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The parts of the file in order; joined, they are the file.
    pub items: Vec<Item>,
    /// Parser directives.
    pub directives: Vec<Directive>,
    /// The escape character.
    pub escape: char,
    /// The instructions.
    pub lines: Vec<LogicalLine>,
    /// Errors and warnings, in order.
    pub diagnostics: Vec<Diagnostic>,
    pieces: Vec<Span>,
    comments: Vec<Span>,
}

/// The lines of one instruction.
#[derive(Clone, Debug)]
pub struct LogicalLine {
    /// The lines with their line ends, as in the item.
    pub item: Span,
    /// From the first to the last byte that is no white space, continuation or inner comment.
    pub content: Span,
    /// The heredocs that follow.
    pub heredocs: Vec<Heredoc>,
    pieces: Range<usize>,
    comments: Range<usize>,
}

impl Scan {
    /// Spans whose texts, joined, are the logical line: continuations, inner comments and blank lines are left out.
    #[must_use]
    pub fn pieces(&self, line: &LogicalLine) -> &[Span] {
        self.pieces.get(line.pieces.clone()).unwrap_or_default()
    }

    /// The comments above the instruction, each from `#` to the end of its text.
    #[must_use]
    pub fn comments(&self, line: &LogicalLine) -> &[Span] {
        self.comments.get(line.comments.clone()).unwrap_or_default()
    }
}

/// Cuts `source` into items. Every text can be cut.
#[must_use]
pub fn scan(source: &str) -> Scan {
    let mut scanner = Scanner {
        source,
        offset: 0,
        scan: Scan {
            // A guess from usual lengths of lines and instructions.
            items: Vec::with_capacity(source.len() / 64),
            directives: Vec::new(),
            escape: '\\',
            lines: Vec::with_capacity(source.len() / 100),
            diagnostics: Vec::new(),
            pieces: Vec::with_capacity(source.len() / 48),
            comments: Vec::new(),
        },
        directives: directive::Parser::new("#"),
        comments_start: 0,
    };
    scanner.byte_order_mark();
    while let Some(line) = scanner.next_line() {
        scanner.line(line);
    }
    if scanner.scan.lines.is_empty() {
        scanner.error(Span::at(source.len()), "file with no instructions".to_owned(), Some("start with FROM"));
    }
    scanner.scan
}

struct Scanner<'a> {
    source: &'a str,
    /// Where the next physical line starts.
    offset: usize,
    scan: Scan,
    directives: directive::Parser,
    /// Where the comments of the next instruction start in [`Scan::comments`].
    comments_start: usize,
}

impl<'a> Scanner<'a> {
    fn byte_order_mark(&mut self) {
        if self.source.starts_with(BYTE_ORDER_MARK) {
            self.offset = BYTE_ORDER_MARK.len_utf8();
            self.item(ItemKind::ByteOrderMark, Span::new(0, self.offset));
        }
    }

    /// The next physical line with its line end.
    fn next_line(&mut self) -> Option<Span> {
        let rest = &self.source[self.offset..];
        if rest.is_empty() {
            return None;
        }
        let newline = memchr::memchr(b'\n', rest.as_bytes());
        let length = newline.map_or(rest.len(), |newline| newline + 1);
        let line = Span::new(self.offset, self.offset + length);
        self.offset = line.end;
        // The first line counts with its byte order mark.
        let mark = self.scan.items.last().filter(|item| item.kind == ItemKind::ByteOrderMark);
        let start = mark.filter(|mark| mark.span.end == line.start).map_or(line.start, |mark| mark.span.start);
        if line.end - start - usize::from(newline.is_some()) > MAX_LINE {
            let message = format!("dockerfile line greater than max allowed size of {MAX_LINE}");
            self.error(line, message, Some("break the line with a continuation"));
        }
        Some(line)
    }

    /// Takes in a line that starts an item of its own.
    fn line(&mut self, line: Span) {
        let text = trim_newline(line.of(self.source));
        let stripped = trim_start(text);
        if stripped.as_bytes().first() == Some(&b'#') {
            return self.comment(line, text, stripped);
        }
        self.directives.stop();
        if stripped.is_empty() {
            return self.item(ItemKind::Blank, line);
        }
        self.instruction(line, Span::new(line.start + text.len() - stripped.len(), line.start + text.len()));
    }

    fn comment(&mut self, line: Span, text: &str, stripped: &str) {
        let start = line.start + text.len() - stripped.len();
        match self.directives.read(stripped) {
            Ok(Some((name, value))) => {
                let span = Span::new(start, start + stripped.len());
                if name == "escape" {
                    match value.as_str() {
                        "\\" => self.scan.escape = '\\',
                        "`" => self.scan.escape = '`',
                        _ => {
                            let message = format!("invalid escape token '{value}' does not match ` or \\");
                            self.error(span, message, None);
                        }
                    }
                }
                self.scan.directives.push(Directive { span, name, value });
                return self.item(ItemKind::Directive, line);
            }
            Ok(None) => {}
            Err(message) => self.error(line, message, None),
        }
        let described = stripped.trim_end();
        // A comment that is indented is not empty for BuildKit, which cuts off its first byte, whatever that is.
        if described == "#" && stripped.len() == text.len() {
            self.comments_start = self.scan.comments.len();
        } else {
            self.scan.comments.push(Span::new(start, start + described.len()));
        }
        self.item(ItemKind::Comment, line);
    }

    /// Reads an instruction. Its first physical line is `line`; `text` is that line without white space at its start
    /// and without its line end.
    fn instruction(&mut self, line: Span, text: Span) {
        let pieces_start = self.scan.pieces.len();
        let mut end = line.end;
        let mut goes_on = self.piece(text);
        let mut blank = None;
        while goes_on {
            let Some(next) = self.next_line() else { break };
            end = next.end;
            let text = trim_newline(next.of(self.source));
            let stripped = trim_start(text);
            if stripped.as_bytes().first() == Some(&b'#') {
                continue;
            }
            if stripped.is_empty() {
                blank.get_or_insert(next);
                continue;
            }
            goes_on = self.piece(Span::new(next.start, next.start + text.len()));
        }
        let item = Span::new(line.start, end);
        self.item(ItemKind::Instruction, item);
        let pieces = pieces_start..self.scan.pieces.len();
        if let Some(blank) = blank {
            self.scan.diagnostics.push(Diagnostic {
                severity: Severity::Warning,
                span: blank,
                message: "empty continuation line".to_owned(),
                hint: Some("remove the blank line: it will become an error in a future release".to_owned()),
            });
        }
        let view = Line { source: self.source, escape: self.scan.escape, pieces: &self.scan.pieces[pieces.clone()] };
        let content = if view.pieces.is_empty() { Span::at(text.start) } else { view.trim(view.span()) };
        let words = announced_heredocs(&view, content);
        let comments = self.comments_start..self.scan.comments.len();
        self.comments_start = self.scan.comments.len();
        let words = words.unwrap_or_else(|message| {
            self.error(content, message, None);
            Vec::new()
        });
        let mut heredocs = Vec::new();
        for word in words {
            let (heredoc, is_terminated) = self.heredoc(word, content);
            heredocs.push(heredoc);
            if !is_terminated {
                break;
            }
        }
        self.scan.lines.push(LogicalLine { item, content, heredocs, pieces, comments });
    }

    /// Records the text of a physical line; says whether the instruction goes on behind it.
    fn piece(&mut self, text: Span) -> bool {
        let continued = continuation(text.of(self.source), self.scan.escape);
        let piece = Span::new(text.start, text.start + continued.unwrap_or(text.len()));
        if !piece.is_empty() {
            self.scan.pieces.push(piece);
        }
        continued.is_some()
    }

    /// Reads the body of a heredoc up to its terminator; says whether there is one.
    fn heredoc(&mut self, word: heredoc::HeredocWord, line: Span) -> (Heredoc, bool) {
        let start = self.offset;
        let mut body = Span::at(start);
        let mut terminated = false;
        while let Some(next) = self.next_line() {
            let text = trim_newline(next.of(self.source));
            let text = if word.chomp { text.trim_start_matches('\t') } else { text };
            if text == word.name {
                terminated = true;
                break;
            }
            body.end = next.end;
        }
        if !terminated {
            let hint = format!("end the heredoc with a line that holds {} and nothing else", word.name);
            self.error(line, "unterminated heredoc".to_owned(), Some(&hint));
        }
        let span = Span::new(start, self.offset);
        if !span.is_empty() {
            self.item(ItemKind::HeredocBody, span);
        }
        let heredoc::HeredocWord { name, fd, expand, chomp } = word;
        (Heredoc { span, body, name, fd, expand, chomp }, terminated)
    }

    fn item(&mut self, kind: ItemKind, span: Span) {
        self.scan.items.push(Item { kind, span });
    }

    fn error(&mut self, span: Span, message: String, hint: Option<&str>) {
        let hint = hint.map(str::to_owned);
        self.scan.diagnostics.push(Diagnostic { severity: Severity::ParseError, span, message, hint });
    }
}

/// The heredocs that a logical line announces, or why they cannot be read.
fn announced_heredocs(line: &Line<'_>, content: Span) -> Result<Vec<heredoc::HeredocWord>, String> {
    // Most lines hold no `<` at all, not even in a comment.
    if memchr::memchr(b'<', line.span().of(line.source).as_bytes()).is_none() {
        return Ok(Vec::new());
    }
    let text = line.text(line.span());
    if !text.contains("<<") || !Node::read(line, content).can_contain_heredoc() {
        return Ok(Vec::new());
    }
    heredoc::in_line(&text).map_err(|error| format!("failed to process heredoc name: {error}"))
}

/// The text without the white space at its start; blanks are nearly all there is.
fn trim_start(text: &str) -> &str {
    let blanks = text.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let text = &text[blanks..];
    if text.bytes().next().is_some_and(|byte| byte.is_ascii_graphic()) { text } else { text.trim_start() }
}

/// The line without its line end: BuildKit trims every `\r` and `\n`.
fn trim_newline(line: &str) -> &str {
    let line_end = line.bytes().rev().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    &line[..line.len() - line_end]
}

/// The length of the text before the continuation at the end of a physical line, if there is one.
///
/// Blanks may follow the escape character; two of them in a row are none, nor is the last of three.
fn continuation(text: &str, escape: char) -> Option<usize> {
    let text = text.as_bytes();
    let blanks = text.iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let is_escape = |byte: &u8| char::from(*byte) == escape;
    let (last, before) = text[..text.len() - blanks].split_last()?;
    (is_escape(last) && !before.last().is_some_and(is_escape)).then_some(before.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(source: &str) -> Vec<String> {
        scan(source).diagnostics.into_iter().map(|diagnostic| diagnostic.message).collect()
    }

    #[test]
    fn physical_lines_have_a_limit() {
        let line = |length: usize| format!("FROM {}", "a".repeat(length - 5));
        let too_long = ["dockerfile line greater than max allowed size of 65535"];
        let none: [&str; 0] = [];
        assert_eq!(messages(&line(MAX_LINE)), none);
        assert_eq!(messages(&format!("{}\n", line(MAX_LINE))), none);
        assert_eq!(messages(&line(MAX_LINE + 1)), too_long);
        assert_eq!(messages(&format!("{}\r\n", line(MAX_LINE))), too_long);
        assert_eq!(messages(&format!("\u{FEFF}{}", line(MAX_LINE))), too_long);
        assert_eq!(messages(&format!("# {0}\n# {0}\nFROM a\nRUN {0}\\\n{0}\n", "x".repeat(40_000))), none);
        let heredoc = format!("FROM a\nRUN <<E\n{}\nE\n", "x".repeat(MAX_LINE + 1));
        assert_eq!(messages(&heredoc), too_long);
    }

    #[test]
    fn continuations_end_with_one_escape() {
        for (text, length) in [
            ("a \\", Some(2)),
            ("a\\ \t", Some(1)),
            ("\\", Some(0)),
            ("a\\\\", None),
            ("a\\\\\\", None),
            ("\\\\", None),
            ("a\\\r ", None),
            ("", None),
            ("é\\", Some(2)),
        ] {
            assert_eq!(continuation(text, '\\'), length, "{text}");
        }
        assert_eq!(continuation("a\\", '`'), None);
        assert_eq!(continuation("a`", '`'), Some(1));
    }
}
