//! Variable expansion in words, as BuildKit's `shell` package does it: quotes, escapes, `$name`, `${name}` and
//! `${name<operator>word}` with every operator.
//!
//! ```
//! use imgopt::syntax::expand::process_word;
//!
//! let lookup = |name: &str| (name == "VERSION").then_some("3.12");
//! assert_eq!(process_word("python:${VERSION:-3.9}-slim", '\\', lookup).as_deref(), Ok("python:3.12-slim"));
//! ```
//!
//! Nesting is followed with a stack of our own, so depth costs memory and nothing else.

use regex::Regex;

use super::grammar::{self, Entry, Kind, Mode, Token};
use crate::source::Span;

/// A word that expands to more bytes than this is an error: variables that hold variables can grow without bound.
const MAX_LENGTH: usize = 4 << 20;

/// So many bytes may be copied on the way, which deep nesting multiplies.
const MAX_WORK: usize = 512 << 20;

/// What is known of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup<'a> {
    /// It is set to this value.
    Value(&'a str),
    /// It is not set.
    Unset,
    /// It may be set, nobody knows to what: a value of the base image, say.
    Unknown,
}

/// Why BuildKit refuses to expand a word.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExpandError {
    /// A `'` without its partner.
    #[error("unexpected end of statement while looking for matching single-quote")]
    SingleQuote,
    /// A `"` without its partner.
    #[error("unexpected end of statement while looking for matching double-quote")]
    DoubleQuote,
    /// A `${` without its `}`.
    #[error("syntax error: missing '}}'")]
    MissingBrace,
    /// A `${name/pattern` without the `/` behind it.
    #[error("syntax error: missing '/' in ${{}}")]
    MissingSlash,
    /// `${}`, `${{…` or `${:…`.
    #[error("syntax error: bad substitution")]
    BadSubstitution,
    /// `${name` with something behind it that is no operator.
    #[error("unsupported modifier ({modifier}) in substitution")]
    Modifier {
        /// The character or characters behind the name.
        modifier: String,
    },
    /// `${name?message}` of a variable without value.
    #[error("{name}: {message}")]
    Required {
        /// The variable.
        name: String,
        /// The message as written, or one of BuildKit's.
        message: String,
    },
    /// A pattern with an escape that it does not know.
    #[error("invalid pattern ({pattern}) in substitution")]
    Pattern {
        /// The pattern after expansion.
        pattern: String,
    },
    /// The value grows beyond all measure. BuildKit has no such limit.
    #[error("the value is longer than {MAX_LENGTH} bytes")]
    TooLong,
}

/// Expands `word` to one value: quotes and escapes are processed, white space is kept.
///
/// # Errors
/// [`ExpandError`] where BuildKit reports one.
pub fn process_word<'a>(
    word: &str,
    escape: char,
    mut lookup: impl FnMut(&str) -> Option<&'a str>,
) -> Result<String, ExpandError> {
    let mut lookup = |name: &str| lookup(name).map_or(Lookup::Unset, Lookup::Value);
    Ok(Expander::new(word, Options::new(escape), &mut lookup).run()?.value.text)
}

/// Expands `word` and splits it at white space that is neither quoted nor escaped.
///
/// As in BuildKit, what stands before a `${name<operator>word}` in the same word is lost.
///
/// # Errors
/// [`ExpandError`] where BuildKit reports one.
pub fn process_words<'a>(
    word: &str,
    escape: char,
    mut lookup: impl FnMut(&str) -> Option<&'a str>,
) -> Result<Vec<String>, ExpandError> {
    let mut lookup = |name: &str| lookup(name).map_or(Lookup::Unset, Lookup::Value);
    Ok(Expander::new(word, Options::new(escape), &mut lookup).run()?.words)
}

/// Like [`process_word`], for variables of which not all are known: `None` when the value depends on an unknown one.
///
/// # Errors
/// [`ExpandError`] where BuildKit reports one whatever the unknown variables hold.
pub fn process_known<'a>(
    word: &str,
    escape: char,
    mut lookup: impl FnMut(&str) -> Lookup<'a>,
) -> Result<Option<String>, ExpandError> {
    let value = Expander::new(word, Options::new(escape), &mut lookup).run()?.value;
    Ok((!value.unknown).then_some(value.text))
}

/// Expands the body of a heredoc of ADD or COPY whose name is not quoted: quotes are text, `\` escapes.
///
/// # Errors
/// [`ExpandError`] where BuildKit reports one whatever the unknown variables hold.
pub fn process_body<'a>(body: &str, mut lookup: impl FnMut(&str) -> Lookup<'a>) -> Result<Option<String>, ExpandError> {
    let options = Options { quotes: false, ..Options::new('\\') };
    let value = Expander::new(body, options, &mut lookup).run()?.value;
    Ok((!value.unknown).then_some(value.text))
}

/// The names of all variables that the word mentions, each once; those in the word of an operator come before its
/// variable.
///
/// # Errors
/// [`ExpandError`] when the word is malformed.
pub fn variables(word: &str, escape: char) -> Result<Vec<String>, ExpandError> {
    let mut names: Vec<String> = Vec::new();
    process_known(word, escape, |name| {
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
        Lookup::Unknown
    })?;
    Ok(names)
}

/// Splits a line into words with quotes, escapes and variables left as they are, to look for heredocs.
pub(super) fn raw_words(line: &str) -> Result<Vec<String>, ExpandError> {
    heredoc_words(line, true, true)
}

/// Splits the text behind `<<` into words, with or without its quotes.
pub(super) fn heredoc_words(text: &str, raw_quotes: bool, raw_escapes: bool) -> Result<Vec<String>, ExpandError> {
    let options = Options { raw_quotes, raw_escapes, keep_unset: true, ..Options::new('\\') };
    Ok(Expander::new(text, options, &mut |_| Lookup::Unset).run()?.words)
}

#[derive(Clone, Copy, Debug)]
struct Options {
    escape: char,
    /// Quotes are processed, not text.
    quotes: bool,
    /// Quotes stay in the result.
    raw_quotes: bool,
    /// Escape characters stay in the result.
    raw_escapes: bool,
    /// Variables that are not set stay as they are written.
    keep_unset: bool,
}

impl Options {
    const fn new(escape: char) -> Self {
        Self { escape, quotes: true, raw_quotes: false, raw_escapes: false, keep_unset: false }
    }
}

/// A text, unless it depends on an unknown variable.
#[derive(Clone, Debug, Default)]
struct Value {
    text: String,
    unknown: bool,
}

impl Value {
    const fn known(text: String) -> Self {
        Self { text, unknown: false }
    }

    fn unknown() -> Self {
        Self { text: String::new(), unknown: true }
    }

    fn push(&mut self, other: &Self) {
        self.text.push_str(&other.text);
        self.unknown |= other.unknown;
    }
}

/// What was made of the whole word.
struct Expanded {
    value: Value,
    words: Vec<String>,
}

/// A mode that has been entered and not left.
struct Frame {
    mode: Mode,
    raw_escapes: bool,
    value: Value,
    /// The `${name<operator>` that opened it.
    opening: Option<Opening>,
}

struct Opening {
    name: String,
    operator: String,
    /// The pattern, once it is read and the replacement is being read.
    pattern: Option<Value>,
}

/// Words, split at white space as they come.
#[derive(Default)]
struct Words {
    done: Vec<String>,
    word: String,
}

impl Words {
    /// Appends text whose white space separates words.
    fn push_split(&mut self, text: &str) {
        for (at, part) in text.split(char::is_whitespace).enumerate() {
            if at > 0 {
                self.finish_word();
            }
            self.word.push_str(part);
        }
    }

    fn finish_word(&mut self) {
        if !self.word.is_empty() {
            self.done.push(std::mem::take(&mut self.word));
        }
    }
}

struct Expander<'a, 'f, 'v> {
    word: &'a str,
    options: Options,
    lookup: &'f mut dyn FnMut(&str) -> Lookup<'v>,
    frames: Vec<Frame>,
    words: Words,
    work: usize,
}

impl<'a, 'f, 'v> Expander<'a, 'f, 'v> {
    fn new(word: &'a str, options: Options, lookup: &'f mut dyn FnMut(&str) -> Lookup<'v>) -> Self {
        // Go's text scanner drops a byte order mark at the start.
        let word = word.strip_prefix('\u{FEFF}').unwrap_or(word);
        let mode = if options.quotes { Mode::Unquoted } else { Mode::Body };
        let frame = Frame { mode, raw_escapes: options.raw_escapes, value: Value::default(), opening: None };
        Self { word, options, lookup, frames: vec![frame], words: Words::default(), work: 0 }
    }

    fn run(mut self) -> Result<Expanded, ExpandError> {
        let mut at = 0;
        loop {
            let rest = Span::new(at, self.word.len());
            let mode = self.frame().mode;
            let Some(found) = grammar::read(Entry::Word(mode), self.options.escape, self.word, rest) else {
                return Err(self.stuck(at));
            };
            at = found.end;
            let mut switched = false;
            let mut tokens = found.tokens.iter();
            while let Some(token) = tokens.next() {
                switched |= self.token(token, &mut tokens)?;
            }
            if switched {
                continue;
            }
            if at < self.word.len() {
                return Err(self.stuck(at));
            }
            return self.finish();
        }
    }

    /// The innermost frame.
    fn frame(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the frame of the word itself stays to the end")
    }

    /// Takes in one token; says whether the mode has changed.
    fn token(&mut self, token: &Token, inner: &mut std::slice::Iter<'_, Token>) -> Result<bool, ExpandError> {
        let written = token.span.of(self.word);
        let raw = self.frame().raw_escapes;
        let escaped = written.strip_prefix(self.options.escape).unwrap_or(written);
        match token.kind {
            Kind::Text => self.push_text(written)?,
            Kind::Dollar | Kind::Redirect => self.push_raw(written)?,
            Kind::Escaped | Kind::QuotesEscaped => self.push_raw(if raw { written } else { escaped })?,
            Kind::Dangling if raw => self.push_raw(written)?,
            // BuildKit writes an escape that escapes nothing twice when it keeps escapes.
            Kind::QuotesEscape => {
                let times = if token.span.end == self.word.len() { usize::from(raw) } else { 1 + usize::from(raw) };
                self.push_raw(&written.repeat(times))?;
            }
            Kind::SingleQuoted if self.options.raw_quotes => self.push_raw(written)?,
            Kind::SingleQuoted => self.push_raw(written.trim_matches('\''))?,
            Kind::Variable | Kind::Braced => {
                let name = inner.next().map_or("", |name| name.span.of(self.word));
                let value = self.value_of(name, written);
                self.push_value(value)?;
            }
            Kind::Opening => {
                self.open(inner);
                return Ok(true);
            }
            Kind::DoubleQuoted => {
                self.double_quote()?;
                while let Some(next) = inner.as_slice().first().filter(|next| next.span.start < token.span.end) {
                    inner.next();
                    self.token(next, inner)?;
                }
                self.double_quote()?;
            }
            Kind::DoubleQuote => {
                self.double_quote()?;
                return Ok(true);
            }
            Kind::CloseBrace | Kind::CloseSlash => {
                self.close()?;
                return Ok(true);
            }
            _ => {}
        }
        Ok(false)
    }

    fn charge(&mut self, length: usize) -> Result<(), ExpandError> {
        self.work += length;
        let too_long = self.work > MAX_WORK || self.frame().value.text.len() + length > MAX_LENGTH;
        if too_long { Err(ExpandError::TooLong) } else { Ok(()) }
    }

    /// Appends text as it is written: outside quotes, its white space separates words.
    fn push_text(&mut self, text: &str) -> Result<(), ExpandError> {
        self.charge(text.len())?;
        self.frame().value.text.push_str(text);
        if self.frames.len() == 1 {
            self.words.push_split(text);
        }
        Ok(())
    }

    /// Appends text that belongs to the word whatever it is.
    fn push_raw(&mut self, text: &str) -> Result<(), ExpandError> {
        self.charge(text.len())?;
        self.frame().value.text.push_str(text);
        if self.frames.len() == 1 {
            self.words.word.push_str(text);
        }
        Ok(())
    }

    /// Appends the value of a variable.
    fn push_value(&mut self, value: Value) -> Result<(), ExpandError> {
        self.charge(value.text.len())?;
        if self.frames.len() == 1 {
            self.words.push_split(&value.text);
        }
        let target = &mut self.frame().value;
        if target.text.is_empty() && !target.unknown {
            *target = value;
        } else {
            target.push(&value);
        }
        Ok(())
    }

    /// The value of `$name`, written as `written`.
    fn value_of(&mut self, name: &str, written: &str) -> Value {
        match (self.lookup)(name) {
            Lookup::Value(value) => Value::known(value.to_owned()),
            Lookup::Unset if self.options.keep_unset => Value::known(written.to_owned()),
            Lookup::Unset => Value::default(),
            Lookup::Unknown => Value::unknown(),
        }
    }

    fn open(&mut self, inner: &mut std::slice::Iter<'_, Token>) {
        let mut opening = Opening { name: String::new(), operator: String::new(), pattern: None };
        for token in inner {
            let text = token.span.of(self.word).to_owned();
            if token.kind == Kind::Name { opening.name = text } else { opening.operator = text }
        }
        let is_pattern = matches!(opening.operator.as_str(), "/" | "//");
        let mode = match (is_pattern, self.options.quotes) {
            (true, true) => Mode::Pattern,
            (true, false) => Mode::BodyPattern,
            (false, true) => Mode::Braces,
            (false, false) => Mode::BodyBraces,
        };
        let raw_escapes = matches!(opening.operator.as_str(), "#" | "%" | "/" | "//");
        self.enter(mode, raw_escapes, opening);
    }

    fn enter(&mut self, mode: Mode, raw_escapes: bool, opening: Opening) {
        // BuildKit collects all words in one buffer, and empties it here.
        self.words.word.clear();
        self.frames.push(Frame { mode, raw_escapes, value: Value::default(), opening: Some(opening) });
    }

    /// Goes into double quotes, or out of them.
    fn double_quote(&mut self) -> Result<(), ExpandError> {
        let quote = if self.options.raw_quotes { "\"" } else { "" };
        let raw_escapes = self.frame().raw_escapes;
        if self.frame().mode != Mode::Quotes {
            let value = Value::known(quote.to_owned());
            self.frames.push(Frame { mode: Mode::Quotes, raw_escapes, value, opening: None });
            return Ok(());
        }
        let mut value = self.frames.pop().map(|frame| frame.value).unwrap_or_default();
        value.text.push_str(quote);
        self.charge(value.text.len())?;
        if self.frames.len() == 1 {
            self.words.word.push_str(&value.text);
        }
        self.frame().value.push(&value);
        Ok(())
    }

    fn close(&mut self) -> Result<(), ExpandError> {
        let Some(Frame { value, opening: Some(opening), .. }) = self.frames.pop() else { return Ok(()) };
        let is_pattern = matches!(opening.operator.as_str(), "/" | "//") && opening.pattern.is_none();
        if is_pattern {
            let mode = if self.options.quotes { Mode::Braces } else { Mode::BodyBraces };
            self.enter(mode, true, Opening { pattern: Some(value), ..opening });
            return Ok(());
        }
        let value = self.apply(&opening, value)?;
        self.push_value(value)
    }

    /// The value of `${name<operator>word}`.
    fn apply(&mut self, opening: &Opening, word: Value) -> Result<Value, ExpandError> {
        let Opening { name, operator, pattern } = opening;
        let variable = (self.lookup)(name);
        if variable == Lookup::Unset && self.options.keep_unset {
            return Ok(Value::known(match pattern {
                Some(pattern) => format!("${{{name}/{}/{}}}", pattern.text, word.text),
                None => format!("${{{name}{operator}{}}}", word.text),
            }));
        }
        let set = match variable {
            Lookup::Unknown => return Ok(Value::unknown()),
            Lookup::Value(value) => Some(value),
            Lookup::Unset => None,
        };
        let useful = set.filter(|value| !(operator.starts_with(':') && value.is_empty()));
        let value = set.unwrap_or_default();
        match operator.as_str() {
            "-" | ":-" => Ok(useful.map_or(word, |value| Value::known(value.to_owned()))),
            "+" | ":+" => Ok(if useful.is_some() { word } else { Value::default() }),
            "?" | ":?" => match useful {
                Some(value) => Ok(Value::known(value.to_owned())),
                None if word.unknown => Ok(Value::unknown()),
                None => {
                    let problem =
                        if set.is_none() { "is not allowed to be unset" } else { "is not allowed to be empty" };
                    let message = if word.text.is_empty() { problem.to_owned() } else { word.text };
                    Err(ExpandError::Required { name: name.clone(), message })
                }
            },
            _ if word.unknown || pattern.as_ref().is_some_and(|pattern| pattern.unknown) => Ok(Value::unknown()),
            "#" => trim_prefix(&word.text, value).map(Value::known),
            "%" => trim_suffix(&word.text, value).map(Value::known),
            _ => {
                let pattern = pattern.as_ref().map_or("", |pattern| pattern.text.as_str());
                replace(value, pattern, &word.text, operator == "//").map(Value::known)
            }
        }
    }

    /// Why no rule reads on at `at`.
    fn stuck(&self, at: usize) -> ExpandError {
        let rest = &self.word[at..];
        let Some(behind) = rest.strip_prefix("${") else { return ExpandError::SingleQuote };
        if behind.is_empty() {
            return ExpandError::MissingBrace;
        }
        if behind.starts_with(['{', '}', ':']) {
            return ExpandError::BadSubstitution;
        }
        let name = behind.chars().take_while(|c| c.is_alphanumeric() || *c == '_').map(char::len_utf8).sum();
        let behind = &behind[name..];
        let length = if behind.starts_with(':') { 2 } else { 1 };
        let modifier: String = behind.chars().take(length).collect();
        if modifier.chars().count() < length { ExpandError::MissingBrace } else { ExpandError::Modifier { modifier } }
    }

    fn finish(mut self) -> Result<Expanded, ExpandError> {
        let open = self.frames.iter().find(|frame| frame.opening.is_some());
        match open.map(|frame| frame.mode) {
            Some(Mode::Pattern | Mode::BodyPattern) => return Err(ExpandError::MissingSlash),
            Some(_) => return Err(ExpandError::MissingBrace),
            None if self.frames.len() > 1 => return Err(ExpandError::DoubleQuote),
            None => {}
        }
        let value = self.frames.pop().map(|frame| frame.value).unwrap_or_default();
        self.words.finish_word();
        Ok(Expanded { value, words: self.words.done })
    }
}

/// `${value#pattern}`, or `##` when the pattern starts with another `#`.
fn trim_prefix(pattern: &str, value: &str) -> Result<String, ExpandError> {
    let (pattern, greedy) = pattern.strip_prefix('#').map_or((pattern, false), |pattern| (pattern, true));
    without_prefix(pattern, value, greedy)
}

/// `${value%pattern}`, or `%%` when the pattern starts with another `%`.
fn trim_suffix(pattern: &str, value: &str) -> Result<String, ExpandError> {
    let (pattern, greedy) = pattern.strip_prefix('%').map_or((pattern, false), |pattern| (pattern, true));
    // The shortest match at the end is the shortest one at the start of the reversed text.
    let reversed: String = value.chars().rev().collect();
    Ok(without_prefix(&reverse_pattern(pattern), &reversed, greedy)?.chars().rev().collect())
}

fn without_prefix(pattern: &str, value: &str, greedy: bool) -> Result<String, ExpandError> {
    let regex = pattern_regex(pattern, greedy, true)?;
    Ok(regex.find(value).map_or(value, |found| &value[found.end()..]).to_owned())
}

/// The pattern from back to front, with the escapes still before what they escape.
fn reverse_pattern(pattern: &str) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match (c, chars.clone().next()) {
            ('\\', Some(escaped)) => {
                chars.next();
                parts.push(format!("\\{escaped}"));
            }
            _ => parts.push(c.to_string()),
        }
    }
    parts.into_iter().rev().collect()
}

/// `${value/pattern/replacement}`, or all matches.
fn replace(value: &str, pattern: &str, replacement: &str, all: bool) -> Result<String, ExpandError> {
    let regex = pattern_regex(pattern, true, false)?;
    if !all {
        return Ok(regex.replace(value, regex::NoExpand(replacement)).into_owned());
    }
    let mut result = String::with_capacity(value.len());
    let mut copied = 0;
    for found in regex.find_iter(value) {
        result.push_str(&value[copied..found.start()]);
        push_template(&mut result, replacement, found.as_str());
        copied = found.end();
        if result.len() > MAX_LENGTH {
            return Err(ExpandError::TooLong);
        }
    }
    result.push_str(&value[copied..]);
    Ok(result)
}

/// Appends the replacement as Go's `ReplaceAllString` does, where `$0` is the match and `$name` a group that is not there.
fn push_template(result: &mut String, replacement: &str, matched: &str) {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let (name, behind) = if let Some(braced) = rest.strip_prefix('{') {
            let end = braced.find(|c| !is_name(c)).unwrap_or(braced.len());
            match braced[end..].strip_prefix('}') {
                Some(behind) => (&braced[..end], behind),
                None => ("", rest),
            }
        } else {
            rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len()))
        };
        if let Some(behind) = rest.strip_prefix('$') {
            result.push('$');
            rest = behind;
        } else if name.is_empty() {
            result.push('$');
        } else {
            result.push_str(if name == "0" { matched } else { "" });
            rest = behind;
        }
    }
    result.push_str(rest);
}

/// The regular expression of a pattern with `*`, `?` and `\`.
fn pattern_regex(pattern: &str, greedy: bool, anchored: bool) -> Result<Regex, ExpandError> {
    let invalid = || ExpandError::Pattern { pattern: pattern.to_owned() };
    let mut regex = String::from(if anchored { "^" } else { "" });
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '*' => regex.push_str(if greedy { ".*" } else { ".*?" }),
            '?' => regex.push('.'),
            // `}` and `/` must be escaped to stand in `${}`; the escape is no part of the pattern.
            '\\' if matches!(chars.peek(), Some('}' | '/')) => {}
            '\\' => match chars.next() {
                Some(escaped @ ('*' | '?' | '\\')) => regex.push_str(&regex::escape(escaped.encode_utf8(&mut [0; 4]))),
                _ => return Err(invalid()),
            },
            _ => regex.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    Regex::new(&regex).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<&'static str> {
        match name {
            "A" => Some("alpha"),
            "EMPTY" => Some(""),
            "PATHS" => Some("/usr/local/lib:/usr/lib"),
            "FILE" => Some("archive.tar.gz"),
            "STARS" => Some("a**b*c"),
            "TWO" => Some("one two"),
            _ => None,
        }
    }

    #[track_caller]
    fn check(word: &str, value: &str) {
        assert_eq!(process_word(word, '\\', lookup).as_deref(), Ok(value), "{word}");
    }

    #[track_caller]
    fn refuse(word: &str, error: &str) {
        let message = process_word(word, '\\', lookup).map_err(|error| error.to_string());
        assert_eq!(message.as_ref().map_err(String::as_str), Err(error), "{word}");
    }

    #[test]
    fn quotes_and_escapes() {
        check("'$A'\"$A\"$A", "$Aalphaalpha");
        check(r#"\$A "\$A \" \\ \n" \n"#, "$A $A \" \\ \\n n");
        check("\"it's\" 'a \"b\"'", "it's a \"b\"");
        check("end\\", "end");
        check("\u{FEFF}bom", "bom");
        assert_eq!(process_word("`$A \\ \"`\"\"", '`', lookup).as_deref(), Ok("$A \\ \""));
    }

    #[test]
    fn names() {
        check("$A.$Ab.${A}b.$", "alpha..alphab.$");
        check("$1x $? $$ $@", "x   ");
        check("a$", "a$");
        refuse("${}", "syntax error: bad substitution");
        refuse("${{A}}", "syntax error: bad substitution");
        refuse("${", "syntax error: missing '}'");
        refuse("${A", "syntax error: missing '}'");
        refuse("${A=x}", "unsupported modifier (=) in substitution");
        refuse("${A:x}", "unsupported modifier (:x) in substitution");
        refuse("${A:#x}", "unsupported modifier (:#) in substitution");
    }

    #[test]
    fn defaults() {
        check("${A-x}${A:-x}${A+x}${A:+x}", "alphaalphaxx");
        check("${EMPTY-x}|${EMPTY:-x}|${EMPTY+x}|${EMPTY:+x}", "|x|x|");
        check("${NO-x}|${NO:-x}|${NO+x}|${NO:+x}", "x|x||");
        check("${NO:-${ALSO_NO:-${A}}}", "alpha");
        check("${NO:-\"a } b\"}", "a } b");
        check("${NO:-a\\}b}", "a}b");
        check("${A?}${EMPTY?}", "alpha");
        refuse("${NO?}", "NO: is not allowed to be unset");
        refuse("${EMPTY:?}", "EMPTY: is not allowed to be empty");
        refuse("${NO:?needs $A}", "NO: needs alpha");
        refuse("${NO:-", "syntax error: missing '}'");
    }

    #[test]
    fn patterns() {
        check("${FILE#*.}|${FILE##*.}", "tar.gz|gz");
        check("${FILE%.*}|${FILE%%.*}", "archive.tar|archive");
        check("${FILE#x}${FILE%x}", "archive.tar.gzarchive.tar.gz");
        check("${STARS#?\\*}|${STARS%\\**}|${STARS%%\\**}", "*b*c|a**b|a");
        check("${PATHS/lib/LIB}|${PATHS//lib/LIB}", "/usr/local/LIB:/usr/lib|/usr/local/LIB:/usr/LIB");
        check("${PATHS//\\/usr/}", "/local/lib:/lib");
        check("${FILE/?r*/}", "");
        check("${FILE//./$}", "archive$tar$gz");
        check("${FILE//./\\$0}", "archive\\.tar\\.gz");
        refuse("${FILE/x}", "syntax error: missing '/' in ${}");
        refuse("${FILE/x/y", "syntax error: missing '}'");
        refuse("${FILE#\\x}", "invalid pattern (\\x) in substitution");
    }

    #[test]
    fn words() {
        let words = |text| process_words(text, '\\', lookup).unwrap_or_else(|error| vec![error.to_string()]);
        assert_eq!(words("a  b\tc"), ["a", "b", "c"]);
        assert_eq!(words("$TWO \"$TWO\" x$TWO"), ["one", "two", "one two", "xone", "two"]);
        assert_eq!(words("a\\ b ''"), ["a b"]);
        // BuildKit collects words in a buffer that the word of an operator shares.
        assert_eq!(words("lost${NO:-kept} lost\"${NO:-kept}\""), ["kept", "kept"]);
    }

    #[test]
    fn unknown_variables_spoil_only_what_depends_on_them() {
        let known = |word| {
            process_known(word, '\\', |name| match name {
                "UNKNOWN" => Lookup::Unknown,
                _ => lookup(name).map_or(Lookup::Unset, Lookup::Value),
            })
        };
        for word in ["$UNKNOWN", "a${UNKNOWN}b", "${UNKNOWN:-x}", "${UNKNOWN:?}", "${NO:-$UNKNOWN}", "${A#$UNKNOWN}"] {
            assert_eq!(known(word), Ok(None), "{word}");
        }
        for (word, value) in [("'$UNKNOWN'", "$UNKNOWN"), ("${A:-$UNKNOWN}", "alpha"), ("${NO:+$UNKNOWN}", "")] {
            assert_eq!(known(word), Ok(Some(value.to_owned())), "{word}");
        }
        assert_eq!(variables("$A${B:-$C}'$D'$A", '\\'), Ok(["A", "C", "B"].map(str::to_owned).to_vec()));
    }

    #[test]
    fn bodies_keep_their_quotes() {
        let body =
            process_body("'$A' \"${NO:-\"x\"}\" \\$A\n", |name| lookup(name).map_or(Lookup::Unset, Lookup::Value));
        assert_eq!(body, Ok(Some("'alpha' \"\"x\"\" $A\n".to_owned())));
    }

    #[test]
    fn depth_and_length_are_bounded() {
        let nested = format!("{}x{}", "${NO:-".repeat(50_000), "}".repeat(50_000));
        assert_eq!(process_word(&nested, '\\', lookup).as_deref(), Ok("x"));
        let long = "a".repeat(1 << 16);
        let bomb = "$X".repeat(100);
        assert_eq!(process_word(&bomb, '\\', |_| Some(long.as_str())), Err(ExpandError::TooLong));
    }
}
