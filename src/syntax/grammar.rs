//! The pest parsers, one for each escape character, and their output as flat lists of tokens.
//!
//! A rule knows its escape character only through the two-line grammar that is put behind it, so there are two parsers
//! with the same rules. [`Token`] hides which of them ran.

use crate::source::Span;

/// What is read in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// Keyword and flags.
    Header,
    /// Words between white space, to the end.
    Words,
    /// One word with the white space behind it.
    FirstWord,
    /// Words with quotes and escapes, to the end.
    Assignments,
    /// An array of JSON strings.
    Exec,
    /// The tokens of any JSON.
    Json,
    /// One CSV record.
    Csv,
    /// A run of a word in one [mode](Mode) of the shell lexer.
    Word(Mode),
}

/// Where the shell lexer is in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Outside quotes and braces.
    Unquoted,
    /// Behind the operator of `${name…`, up to `}`.
    Braces,
    /// The pattern of `${name/pattern/…}`, up to `/`.
    Pattern,
    /// Between double quotes.
    Quotes,
    /// A heredoc body, where quotes are text.
    Body,
    /// [`Self::Braces`] in a heredoc body.
    BodyBraces,
    /// [`Self::Pattern`] in a heredoc body.
    BodyPattern,
}

/// What a token is. The grammar files say more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Word,
    Dangling,
    Flag,
    Literal,
    String,
    JsonScalar,
    JsonString,
    JsonNumber,
    JsonOpen,
    JsonClose,
    JsonComma,
    JsonColon,
    CsvField,
    CsvText,
    CsvQuote,
    Text,
    SingleQuoted,
    DoubleQuoted,
    DoubleQuote,
    Escaped,
    QuotesEscaped,
    QuotesEscape,
    Redirect,
    Variable,
    Braced,
    Opening,
    Dollar,
    Name,
    Operator,
    CloseBrace,
    CloseSlash,
}

/// A token; those within it follow it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Where it is.
    pub(super) span: Span,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Match {
    /// The tokens in order of their start, outer ones before inner ones.
    pub(super) tokens: Vec<Token>,
    /// Offset behind the last byte read.
    pub(super) end: usize,
}

/// Reads `span` of `source` by the rules for `escape`; spans of the result are those of `source`.
///
/// `None` when the text is not of that form.
pub(super) fn read(entry: Entry, escape: char, source: &str, span: Span) -> Option<Match> {
    if escape == '`' { backtick::read(entry, source, span) } else { backslash::read(entry, source, span) }
}

macro_rules! parser {
    ($name:ident, $escape:tt) => {
        mod $name {
            use pest::Parser as _;
            use pest_derive::Parser;

            use super::{Entry, Kind, Match, Mode, Token};
            use crate::source::Span;

            #[derive(Parser)]
            #[grammar = "grammar/instruction.pest"]
            #[grammar = "grammar/word.pest"]
            #[grammar = $escape]
            struct Grammar;

            pub(super) fn read(entry: Entry, source: &str, span: Span) -> Option<Match> {
                let pair = Grammar::parse(rule(entry), span.of(source)).ok()?.next()?;
                let end = span.start + pair.as_span().end();
                let tokens = pair.into_inner().flatten().filter_map(|pair| {
                    let (start, end) = (pair.as_span().start(), pair.as_span().end());
                    Some(Token { kind: kind(pair.as_rule())?, span: Span::new(span.start + start, span.start + end) })
                });
                Some(Match { tokens: tokens.collect(), end })
            }

            const fn rule(entry: Entry) -> Rule {
                match entry {
                    Entry::Header => Rule::header,
                    Entry::Words => Rule::words,
                    Entry::FirstWord => Rule::first_word,
                    Entry::Assignments => Rule::assignments,
                    Entry::Exec => Rule::exec,
                    Entry::Json => Rule::json,
                    Entry::Csv => Rule::csv,
                    Entry::Word(Mode::Unquoted) => Rule::unquoted,
                    Entry::Word(Mode::Braces) => Rule::in_braces,
                    Entry::Word(Mode::Pattern) => Rule::in_pattern,
                    Entry::Word(Mode::Quotes) => Rule::in_quotes,
                    Entry::Word(Mode::Body) => Rule::in_body,
                    Entry::Word(Mode::BodyBraces) => Rule::body_braces,
                    Entry::Word(Mode::BodyPattern) => Rule::body_pattern,
                }
            }

            const fn kind(rule: Rule) -> Option<Kind> {
                Some(match rule {
                    Rule::word | Rule::quoted_word => Kind::Word,
                    Rule::dangling => Kind::Dangling,
                    Rule::flag => Kind::Flag,
                    Rule::literal | Rule::literal_single | Rule::literal_double | Rule::character => Kind::Literal,
                    Rule::string => Kind::String,
                    Rule::json_literal => Kind::JsonScalar,
                    Rule::json_string => Kind::JsonString,
                    Rule::json_number => Kind::JsonNumber,
                    Rule::json_open => Kind::JsonOpen,
                    Rule::json_close => Kind::JsonClose,
                    Rule::json_comma => Kind::JsonComma,
                    Rule::json_colon => Kind::JsonColon,
                    Rule::csv_field => Kind::CsvField,
                    Rule::csv_text | Rule::csv_bare => Kind::CsvText,
                    Rule::csv_quote => Kind::CsvQuote,
                    Rule::unquoted_text
                    | Rule::braces_text
                    | Rule::pattern_text
                    | Rule::quotes_text
                    | Rule::body_text
                    | Rule::body_braces_text
                    | Rule::body_pattern_text => Kind::Text,
                    Rule::single_quoted => Kind::SingleQuoted,
                    Rule::double_quoted => Kind::DoubleQuoted,
                    Rule::double_quote => Kind::DoubleQuote,
                    Rule::escaped_pair => Kind::Escaped,
                    Rule::quotes_escaped => Kind::QuotesEscaped,
                    Rule::quotes_escape => Kind::QuotesEscape,
                    Rule::redirect => Kind::Redirect,
                    Rule::variable => Kind::Variable,
                    Rule::braced => Kind::Braced,
                    Rule::opening => Kind::Opening,
                    Rule::dollar => Kind::Dollar,
                    Rule::name => Kind::Name,
                    Rule::operator => Kind::Operator,
                    Rule::close_brace => Kind::CloseBrace,
                    Rule::close_slash => Kind::CloseSlash,
                    _ => return None,
                })
            }
        }
    };
}

parser!(backslash, "grammar/escape_backslash.pest");
parser!(backtick, "grammar/escape_backtick.pest");
