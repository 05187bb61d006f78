//! One logical line, read as BuildKit's `parser` package does: keyword, flags and arguments, before anybody asks whether
//! the instruction makes sense (that is `lower`).

use super::ast::{Flag, KeyValue, Word};
use super::grammar::{self, Entry, Kind, Token};
use super::json;
use super::line::Line;
use crate::diagnostic::{Diagnostic, Severity};
use crate::source::Span;

/// `ONBUILD ONBUILD …` is an error anyway; deeper than this, it is not read any more.
const MAX_ONBUILD_DEPTH: usize = 8;

/// An instruction of the Dockerfile language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Add,
    Arg,
    Cmd,
    Copy,
    Entrypoint,
    Env,
    Expose,
    From,
    Healthcheck,
    Label,
    Maintainer,
    Onbuild,
    Run,
    Shell,
    Stopsignal,
    User,
    Volume,
    Workdir,
}

impl Keyword {
    /// All of them, with their names.
    pub(super) const ALL: [(Self, &'static str); 18] = [
        (Self::Add, "ADD"),
        (Self::Arg, "ARG"),
        (Self::Cmd, "CMD"),
        (Self::Copy, "COPY"),
        (Self::Entrypoint, "ENTRYPOINT"),
        (Self::Env, "ENV"),
        (Self::Expose, "EXPOSE"),
        (Self::From, "FROM"),
        (Self::Healthcheck, "HEALTHCHECK"),
        (Self::Label, "LABEL"),
        (Self::Maintainer, "MAINTAINER"),
        (Self::Onbuild, "ONBUILD"),
        (Self::Run, "RUN"),
        (Self::Shell, "SHELL"),
        (Self::Stopsignal, "STOPSIGNAL"),
        (Self::User, "USER"),
        (Self::Volume, "VOLUME"),
        (Self::Workdir, "WORKDIR"),
    ];

    /// The instruction of that name, in any case.
    fn parse(text: &str) -> Option<Self> {
        // Go lower-cases the keyword rune by rune, which makes a `k` of the Kelvin sign and an `i` of a dotted `İ`.
        let is_letter = |letter: u8, c: char| {
            c.eq_ignore_ascii_case(&char::from(letter)) || matches!((letter, c), (b'K', '\u{212A}') | (b'I', '\u{130}'))
        };
        let same = |name: &str| {
            let mut chars = text.chars();
            name.bytes().all(|letter| chars.next().is_some_and(|c| is_letter(letter, c))) && chars.next().is_none()
        };
        Self::ALL.into_iter().find(|(_, name)| same(name)).map(|(keyword, _)| keyword)
    }

    /// The name in upper case.
    pub(super) fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(keyword, _)| *keyword == self).map_or("", |(_, name)| name)
    }
}

/// One instruction as read.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The keyword as written.
    pub(super) keyword: Word,
    /// Which instruction it is; `None` for an unknown one.
    pub(super) name: Option<Keyword>,
    /// All words that start with `--` right behind the keyword.
    pub(super) flags: Vec<Flag>,
    /// What follows, without the white space around it.
    pub(super) arguments: Span,
    /// The arguments by the grammar of the instruction.
    pub(super) payload: Payload,
    /// Why BuildKit's parser rejects the line.
    pub(super) error: Option<Diagnostic>,
}

/// Arguments by the grammar of the instruction.
#[derive(Clone, Debug)]
pub(super) enum Payload {
    /// There are none.
    Nothing,
    /// They are not read, or cannot be: the instruction is unknown, or BuildKit rejects it.
    Ignored,
    /// Words between white space.
    Words(Vec<Word>),
    /// An array of strings.
    Json(Vec<Word>),
    /// The whole text.
    Text(Span),
    /// `KEY=value …`, or one `KEY value`.
    Pairs { pairs: Vec<KeyValue>, legacy: bool },
    /// HEALTHCHECK: `NONE` or `CMD`, and a command.
    Health { kind: Word, command: Box<Self> },
    /// ONBUILD: an instruction.
    Sub(Box<Node>),
}

impl Node {
    /// Reads `span` of the line, which has no white space at its ends.
    pub(super) fn read(line: &Line<'_>, span: Span) -> Self {
        Self::read_nested(line, span, 0)
    }

    /// Whether the arguments are a JSON array.
    pub(super) const fn is_json(&self) -> bool {
        match &self.payload {
            Payload::Json(_) => true,
            Payload::Health { command, .. } => matches!(**command, Payload::Json(_)),
            _ => false,
        }
    }

    /// Whether heredocs may follow the line: those of ADD, COPY and RUN, also below ONBUILD.
    pub(super) fn can_contain_heredoc(&self) -> bool {
        let node = match &self.payload {
            Payload::Sub(node) => node,
            _ => self,
        };
        let is_rejected = node.error.is_some();
        matches!(node.name, Some(Keyword::Add | Keyword::Copy | Keyword::Run)) && !node.is_json() && !is_rejected
    }

    fn read_nested(line: &Line<'_>, span: Span, depth: usize) -> Self {
        let (keyword, flags, flags_end) = read_header(line, span);
        let arguments = line.trim(Span::new(flags_end, span.end));
        let name = Keyword::parse(&keyword.text);
        let mut node = Self { keyword, name, flags, arguments, payload: Payload::Nothing, error: None };
        match node.read_payload(line, depth) {
            Ok(payload) => node.payload = payload,
            Err(error) => {
                node.error = Some(error);
                node.payload = Payload::Ignored;
            }
        }
        node
    }

    fn read_payload(&self, line: &Line<'_>, depth: usize) -> Result<Payload, Diagnostic> {
        let span = self.arguments;
        let Some(name) = self.name else { return Ok(Payload::Ignored) };
        if span.is_empty() {
            return Ok(Payload::Nothing);
        }
        match name {
            Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Shell => {
                Ok(read_json(line, span)?.map_or(Payload::Text(span), Payload::Json))
            }
            Keyword::Add | Keyword::Copy | Keyword::Volume => {
                Ok(read_json(line, span)?.map_or_else(|| Payload::Words(read_words(line, span)), Payload::Json))
            }
            Keyword::From | Keyword::Expose => Ok(Payload::Words(read_words(line, span))),
            Keyword::User | Keyword::Workdir | Keyword::Stopsignal | Keyword::Maintainer => Ok(Payload::Text(span)),
            Keyword::Arg => Ok(Payload::Words(read_quoted_words(line, span))),
            Keyword::Env | Keyword::Label => read_pairs(line, span, name),
            Keyword::Healthcheck => read_health(line, span),
            Keyword::Onbuild if depth < MAX_ONBUILD_DEPTH => {
                let mut node = Self::read_nested(line, span, depth + 1);
                node.error.take().map_or(Ok(Payload::Sub(Box::new(node))), Err)
            }
            Keyword::Onbuild => Ok(Payload::Ignored),
        }
    }
}

/// The keyword, the flags, and the offset behind them.
fn read_header(line: &Line<'_>, span: Span) -> (Word, Vec<Flag>, usize) {
    if let Some(keyword) = plain_keyword(line, span) {
        let end = keyword.span.end;
        return (keyword, Vec::new(), end);
    }
    let header = grammar::read(Entry::Header, line.escape, line.source, span).unwrap_or_default();
    let [first, tokens @ ..] = header.tokens.as_slice() else {
        return (Word { span: Span::at(span.start), text: String::new() }, Vec::new(), span.start);
    };
    let keyword = line.word(first.span);
    let (flags, end) = read_flags(line.source, tokens, keyword.span.end);
    (keyword, flags, end)
}

/// The keyword of a line that starts like most lines: letters, blanks and something that is no flag, without any
/// continuation. The grammar would read the same, slower.
fn plain_keyword(line: &Line<'_>, span: Span) -> Option<Word> {
    let text = line.pieces_in(span).next()?.of(line.source);
    let length = text.bytes().position(|byte| !byte.is_ascii_alphabetic()).filter(|length| *length > 0)?;
    let (keyword, rest) = text.split_at(length);
    let next = rest.bytes().find(|byte| !matches!(byte, b' ' | b'\t'))?;
    let is_plain = rest.starts_with([' ', '\t']) && next.is_ascii_graphic() && next != b'-';
    is_plain.then(|| Word { span: Span::new(span.start, span.start + length), text: keyword.to_owned() })
}

/// The flags, and the offset behind them: at a lone `--`, BuildKit stops looking for more.
fn read_flags(source: &str, tokens: &[Token], start: usize) -> (Vec<Flag>, usize) {
    let mut flags = Vec::new();
    let mut end = start;
    let mut tokens = tokens.iter().peekable();
    while let Some(token) = tokens.next() {
        let mut text = String::new();
        let mut value_start = None;
        while let Some(literal) = tokens.next_if(|next| next.kind == Kind::Literal) {
            let written = literal.span.of(source);
            if value_start.is_none() {
                value_start = written.find('=').map(|at| literal.span.start + at + 1);
            }
            push_bytes(&mut text, written);
        }
        end = token.span.end;
        if text.is_empty() {
            break;
        }
        let (name, value) = text.split_once('=').map_or((text.as_str(), None), |(name, value)| (name, Some(value)));
        flags.push(Flag {
            span: token.span,
            name: name.to_owned(),
            value: value.map(str::to_owned),
            value_span: value_start.map(|start| Span::new(start, token.span.end)),
        });
    }
    (flags, end)
}

/// Appends `written` the way BuildKit does in flags: each byte becomes a character of its own.
fn push_bytes(text: &mut String, written: &str) {
    if written.is_ascii() {
        text.push_str(written);
    } else {
        text.extend(written.bytes().map(char::from));
    }
}

fn read_words(line: &Line<'_>, span: Span) -> Vec<Word> {
    let found = grammar::read(Entry::Words, line.escape, line.source, span).unwrap_or_default();
    found.tokens.iter().map(|token| line.word(token.span)).collect()
}

fn read_quoted_words(line: &Line<'_>, span: Span) -> Vec<Word> {
    let found = grammar::read(Entry::Assignments, line.escape, line.source, span).unwrap_or_default();
    let mut words: Vec<Word> = Vec::new();
    for token in found.tokens {
        match token.kind {
            Kind::Dangling => {
                if let Some(word) = words.pop() {
                    words.push(line.word(Span::new(word.span.start, token.span.start)));
                }
            }
            _ => words.push(line.word(token.span)),
        }
    }
    words.retain(|word| !word.text.is_empty());
    words
}

/// The strings of a JSON array; `None` when the text is no JSON array.
fn read_json(line: &Line<'_>, span: Span) -> Result<Option<Vec<Word>>, Diagnostic> {
    let span = line.trim_start(span);
    if !span.of(line.source).starts_with('[') {
        return Ok(None);
    }
    if let Some(found) = grammar::read(Entry::Exec, line.escape, line.source, span) {
        let value = |token: &Token| Word { span: token.span, text: json::unquote(&line.text(token.span)) };
        return Ok(Some(found.tokens.iter().map(value).collect()));
    }
    if json::is_array(&line.text(span)) {
        let message = "when using JSON array syntax, arrays must be comprised of strings only";
        return Err(error(span, message.to_owned()).with_hint("put every element in double quotes"));
    }
    Ok(None)
}

fn read_pairs(line: &Line<'_>, span: Span, name: Keyword) -> Result<Payload, Diagnostic> {
    let words = read_quoted_words(line, span);
    let Some(first) = words.first() else { return Ok(Payload::Nothing) };
    if first.text.contains('=') {
        let pairs = words.into_iter().map(|word| read_pair(line, &word)).collect::<Result<_, _>>()?;
        return Ok(Payload::Pairs { pairs, legacy: false });
    }
    let found = grammar::read(Entry::FirstWord, line.escape, line.source, span).unwrap_or_default();
    let key = found.tokens.first().map_or(span, |token| token.span);
    if found.end >= span.end {
        let hint = format!("write {} KEY=value", name.name());
        return Err(error(span, format!("{} must have two arguments", name.name())).with_hint(hint));
    }
    let pair = KeyValue { key: line.word(key), value: line.word(Span::new(found.end, span.end)) };
    Ok(Payload::Pairs { pairs: vec![pair], legacy: true })
}

fn read_pair(line: &Line<'_>, word: &Word) -> Result<KeyValue, Diagnostic> {
    let Some(at) = line.find(word.span, '=') else {
        let quoted = go_quote(&word.text);
        let message = format!("Syntax error - can't find = in {quoted}. Must be of the form: name=value");
        return Err(error(word.span, message));
    };
    let key = line.word(Span::new(word.span.start, at));
    Ok(KeyValue { key, value: line.word(Span::new(at + 1, word.span.end)) })
}

fn read_health(line: &Line<'_>, span: Span) -> Result<Payload, Diagnostic> {
    let found = grammar::read(Entry::FirstWord, line.escape, line.source, span).unwrap_or_default();
    let Some(kind) = found.tokens.first() else { return Ok(Payload::Nothing) };
    let rest = Span::new(found.end, span.end);
    let command = if rest.is_empty() {
        Payload::Nothing
    } else {
        read_json(line, rest)?.map_or(Payload::Text(rest), Payload::Json)
    };
    Ok(Payload::Health { kind: line.word(kind.span), command: Box::new(command) })
}

fn error(span: Span, message: String) -> Diagnostic {
    Diagnostic { severity: Severity::ParseError, span, message, hint: None }
}

/// `text` as Go's `%q` shows it in messages.
pub(super) fn go_quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if c.is_ascii_control() => quoted.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
