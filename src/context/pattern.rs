//! Path patterns of the build context, matched in time linear in text and pattern: those of `.dockerignore` and those
//! of Go's `filepath.Match`, which COPY uses.

use thiserror::Error;

/// A pattern that BuildKit rejects, or one whose meaning this reader does not claim to know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the pattern `{pattern}` is not understood")]
pub(super) struct PatternError {
    pub(super) pattern: String,
}

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    /// The whole text, character by character.
    Exact(String),
    /// The text starts so.
    Prefix(String),
    /// The text ends so.
    Suffix(String),
    /// Any other.
    Tokens(Vec<Token>),
}

/// One part of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Char(char),
    /// `?`
    NotSlash,
    /// `*`
    ManyNotSlash,
    /// `**` at the end
    Many,
    /// `**/`, also before nothing: any number of directories, none included
    Directories,
    /// `[a-z]`
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Pattern {
    /// Reads a pattern of an ignore file, already cleaned, as moby/patternmatcher `Pattern.compile` does.
    pub(super) fn ignore(text: &str) -> Result<Self, PatternError> {
        let error = || PatternError { pattern: text.to_owned() };
        let mut tokens = Vec::new();
        let mut special = false;
        let leading_stars = text.starts_with("**");
        let mut chars = text.chars().peekable();
        while let Some(next) = chars.next() {
            match next {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    let first = tokens.is_empty();
                    chars.next_if_eq(&'/');
                    let last = chars.peek().is_none();
                    if last && !special && !leading_stars {
                        return Ok(Self::Prefix(text.strip_suffix("**").unwrap_or(text).to_owned()));
                    }
                    tokens.push(if last { Token::Many } else { Token::Directories });
                    // A leading `**` alone still leaves the short cut of a suffix, which also takes `xfoo` for `**foo`.
                    special |= !first;
                }
                '*' => {
                    tokens.push(Token::ManyNotSlash);
                    special = true;
                }
                '?' => {
                    tokens.push(Token::NotSlash);
                    special = true;
                }
                '[' => {
                    tokens.push(class(&mut chars).ok_or_else(error)?);
                    special = true;
                }
                '\\' => {
                    let escaped = chars.next().ok_or_else(error)?;
                    // In the regular expression that BuildKit makes, an escaped letter or digit is a class.
                    if escaped.is_ascii_alphanumeric() {
                        return Err(error());
                    }
                    tokens.push(Token::Char(escaped));
                    special = true;
                }
                ']' | '^' => return Err(error()),
                other => tokens.push(Token::Char(other)),
            }
        }
        if special {
            return Ok(Self::Tokens(tokens));
        }
        Ok(match text.strip_prefix("**") {
            Some(suffix) => Self::Suffix(suffix.to_owned()),
            None => Self::Exact(text.to_owned()),
        })
    }

    /// Reads one segment of a COPY source, as Go's `filepath.Match` does on Unix.
    pub(super) fn segment(text: &str) -> Result<Self, PatternError> {
        let error = || PatternError { pattern: text.to_owned() };
        let mut tokens = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(next) = chars.next() {
            tokens.push(match next {
                '*' => Token::ManyNotSlash,
                '?' => Token::NotSlash,
                '[' => class(&mut chars).ok_or_else(error)?,
                '\\' => Token::Char(chars.next().ok_or_else(error)?),
                other => Token::Char(other),
            });
        }
        Ok(Self::Tokens(tokens))
    }

    /// Whether the pattern takes the whole text.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exact(exact) => text == exact,
            Self::Prefix(prefix) => text.starts_with(prefix.as_str()),
            // `**/foo` also takes `foo`.
            Self::Suffix(suffix) => text.ends_with(suffix.as_str()) || suffix.strip_prefix('/') == Some(text),
            Self::Tokens(tokens) => matches(tokens, text),
        }
    }
}

/// Reads a character class behind its `[`; `None` when it is malformed or holds what the two readers take differently.
fn class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Token> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Some(Token::Class { negated, ranges });
        }
        let low = class_char(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { class_char(chars)? } else { low };
        if high < low {
            return None;
        }
        ranges.push((low, high));
    }
}

fn class_char(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' | '[' | '*' | '?' => None,
        '\\' => chars.next().filter(|escaped| !escaped.is_ascii_alphanumeric()),
        other => Some(other),
    }
}

/// Runs the tokens over the text, all alternatives at once: no input makes it slow.
fn matches(tokens: &[Token], text: &str) -> bool {
    // `before[i]`: token i may start here; `inside[i]`: within the directories that token i takes.
    let mut before = vec![false; tokens.len() + 1];
    let mut inside = vec![false; tokens.len()];
    before[0] = true;
    skip_optional(tokens, &mut before);
    for next in text.chars() {
        let mut before_next = vec![false; tokens.len() + 1];
        let mut inside_next = vec![false; tokens.len()];
        for (i, token) in tokens.iter().enumerate() {
            if !before[i] && !inside[i] {
                continue;
            }
            match token {
                Token::Char(wanted) => before_next[i + 1] |= *wanted == next,
                Token::NotSlash => before_next[i + 1] |= next != '/',
                Token::ManyNotSlash => before_next[i] |= next != '/',
                Token::Many => before_next[i] = true,
                Token::Directories => {
                    inside_next[i] = true;
                    before_next[i + 1] |= next == '/';
                }
                Token::Class { negated, ranges } => {
                    let listed = ranges.iter().any(|(low, high)| (*low..=*high).contains(&next));
                    before_next[i + 1] |= listed != *negated;
                }
            }
        }
        skip_optional(tokens, &mut before_next);
        (before, inside) = (before_next, inside_next);
    }
    before[tokens.len()]
}

/// Adds the places reached by letting a token take nothing.
fn skip_optional(tokens: &[Token], before: &mut [bool]) {
    for (i, token) in tokens.iter().enumerate() {
        let optional = matches!(token, Token::ManyNotSlash | Token::Many | Token::Directories);
        before[i + 1] |= before[i] && optional;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_ignore(pattern: &str, yes: &[&str], no: &[&str]) {
        let compiled = Pattern::ignore(pattern).expect("a pattern");
        for text in yes {
            assert!(compiled.matches(text), "`{pattern}` takes `{text}`");
        }
        for text in no {
            assert!(!compiled.matches(text), "`{pattern}` does not take `{text}`");
        }
    }

    #[test]
    fn ignore_patterns_are_anchored() {
        check_ignore("foo", &["foo"], &["a/foo", "foo/a", "xfoo"]);
        check_ignore("*.log", &["a.log", ".log"], &["a/b.log", "a.logs"]);
        check_ignore("a/?", &["a/b"], &["a/", "a/bc", "a//"]);
    }

    #[test]
    fn two_stars_take_directories() {
        check_ignore("**/foo", &["foo", "a/foo", "a/b/foo"], &["foo/a", "xfoo"]);
        check_ignore("**foo", &["foo", "a/foo", "xfoo"], &["foox"]);
        check_ignore("**/*.py", &["a.py", "x/y/a.py"], &["a.pyc"]);
        check_ignore("foo/**", &["foo/a", "foo/a/b"], &["foo", "a/foo/b"]);
        check_ignore("a/**/z", &["a/z", "a/b/z", "a/b/c/z"], &["az", "a/bz"]);
        check_ignore("**/foo/**", &["foo/a", "x/foo/a"], &["foo", "foox/a"]);
        check_ignore("**", &["a", "a/b"], &[]);
    }

    #[test]
    fn classes_and_escapes() {
        check_ignore("[a-c]x", &["ax", "cx"], &["dx"]);
        check_ignore("[^a]x", &["bx"], &["ax"]);
        check_ignore(r"\*", &["*"], &["a"]);
        assert!(Pattern::ignore("[a").is_err());
        assert!(Pattern::ignore("[]").is_err());
        assert!(Pattern::ignore(r"a\").is_err());
        assert!(Pattern::segment("[z-a]").is_err());
    }

    #[test]
    fn segments_follow_go() {
        assert!(Pattern::segment("package*.json").expect("a pattern").matches("package-lock.json"));
        assert!(Pattern::segment("*").expect("a pattern").matches(".hidden"));
        assert!(!Pattern::segment("a?").expect("a pattern").matches("a"));
        assert!(Pattern::segment(r"\[x]").expect("a pattern").matches("[x]"));
    }

    #[test]
    fn many_stars_stay_fast() {
        let pattern = Pattern::segment(&"*a".repeat(200)).expect("a pattern");
        assert!(!pattern.matches(&format!("{}b", "a".repeat(5000))));
    }
}
