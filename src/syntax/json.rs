//! Go's rules for JSON, as far as the exec form needs them.

use super::grammar::{self, Entry, Kind};
use crate::source::Span;

/// Beyond this depth Go's decoder gives up, and BuildKit reads shell form.
const MAX_DEPTH: usize = 10_000;

/// The value of a string, given with its quotes, that the grammar has accepted.
///
/// An escaped half of a surrogate pair becomes U+FFFD, as in Go.
pub(super) fn unquote(quoted: &str) -> String {
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(quoted);
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let Some(letter) = rest.chars().next() else { break };
        rest = &rest[letter.len_utf8()..];
        match letter {
            'b' => value.push('\u{8}'),
            'f' => value.push('\u{C}'),
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            'u' => rest = push_unicode(&mut value, rest),
            other => value.push(other),
        }
    }
    value.push_str(rest);
    value
}

/// Appends the character of the digits that `rest` starts with (and of the other half that may follow); returns what
/// remains.
fn push_unicode<'a>(value: &mut String, rest: &'a str) -> &'a str {
    let Some((unit, rest)) = hex_unit(rest) else { return rest };
    if let Some(c) = char::from_u32(unit) {
        value.push(c);
        return rest;
    }
    if let Some((low, behind)) = rest.strip_prefix("\\u").and_then(hex_unit)
        && (0xD800..0xDC00).contains(&unit)
        && (0xDC00..0xE000).contains(&low)
        && let Some(c) = char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
    {
        value.push(c);
        return behind;
    }
    value.push(char::REPLACEMENT_CHARACTER);
    rest
}

fn hex_unit(text: &str) -> Option<(u32, &str)> {
    let digits = text.get(..4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, &text[4..]))
}

/// What the decoder expects next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrClose,
    KeyOrClose,
    Key,
    Colon,
    CommaOrClose,
    End,
}

/// Whether `text` is a JSON array that Go decodes.
pub(super) fn is_array(text: &str) -> bool {
    if is_too_deep(text) {
        return false;
    }
    let Some(found) = grammar::read(Entry::Json, '\\', text, Span::new(0, text.len())) else { return false };
    let mut open: Vec<u8> = Vec::new();
    let mut expect = Expect::Value;
    for token in &found.tokens {
        let written = token.span.of(text);
        expect = match (token.kind, expect) {
            (Kind::JsonOpen, Expect::Value | Expect::ValueOrClose) => {
                open.push(written.as_bytes()[0]);
                if written == "[" { Expect::ValueOrClose } else { Expect::KeyOrClose }
            }
            (Kind::JsonClose, Expect::ValueOrClose | Expect::KeyOrClose | Expect::CommaOrClose) => {
                if open.pop() != Some(if written == "]" { b'[' } else { b'{' }) {
                    return false;
                }
                behind_value(&open)
            }
            (Kind::JsonString, Expect::Key | Expect::KeyOrClose) => Expect::Colon,
            (Kind::JsonColon, Expect::Colon) => Expect::Value,
            (Kind::JsonComma, Expect::CommaOrClose) if open.last() == Some(&b'[') => Expect::Value,
            (Kind::JsonComma, Expect::CommaOrClose) => Expect::Key,
            // Go decodes numbers into a float and fails where that overflows.
            (Kind::JsonNumber, Expect::Value | Expect::ValueOrClose)
                if written.parse().is_ok_and(|number: f64| number.is_finite()) =>
            {
                behind_value(&open)
            }
            (Kind::JsonString | Kind::JsonScalar, Expect::Value | Expect::ValueOrClose) => behind_value(&open),
            _ => return false,
        };
    }
    expect == Expect::End && text.starts_with('[')
}

/// Whether brackets nest deeper than Go's decoder follows, found out before any token is made.
fn is_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut bytes = text.bytes();
    let mut in_string = false;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => in_string = !in_string,
            b'\\' => drop(bytes.next()),
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

const fn behind_value(open: &[u8]) -> Expect {
    if open.is_empty() { Expect::End } else { Expect::CommaOrClose }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_decoded_as_in_go() {
        for (quoted, value) in [
            (r#""a b""#, "a b"),
            (r#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"),
            (r#""\u0041\ud83d\ude00""#, "A😀"),
            (r#""\ud83dx\ude00\ud83d\u0041""#, "\u{FFFD}x\u{FFFD}\u{FFFD}A"),
        ] {
            assert_eq!(unquote(quoted), value, "{quoted}");
        }
    }

    #[test]
    fn arrays_are_told_from_what_is_no_json() {
        for text in ["[1]", "[null, true]", r#"[["a"]]"#, r#"[{"a": 1, "b": {}}]"#, "[-1.5e3, 0]"] {
            assert!(is_array(text), "{text}");
        }
        for text in
            ["['a']", "[1,]", "[1", "[1]]", "[01]", "[1e999]", "{}", "[{1:2}]", "[{\"a\"}]", "[1 2]", "[}", "[a]"]
        {
            assert!(!is_array(text), "{text}");
        }
        assert!(is_array(&format!("{}{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH))));
        assert!(!is_array(&format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1))));
    }
}
