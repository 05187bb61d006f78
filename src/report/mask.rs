//! Finds values in a line that look like secrets, so that the reports that end up in logs do not repeat them.

use std::ops::Range;

/// Words in the name of a variable or a flag that holds a secret.
const SECRET_WORDS: &[&str] =
    &["AUTH", "APIKEY", "CREDENTIAL", "CREDENTIALS", "KEY", "PASS", "PASSWD", "PASSWORD", "SECRET", "TOKEN"];
/// Words that say so even inside another word, such as `DBPASSWORD`.
const SECRET_PARTS: &[&str] = &["PASSWORD", "SECRET", "TOKEN", "APIKEY"];

/// Words in the name of what is public, although it is a key.
const PUBLIC_WORDS: &[&str] = &["GPG", "PGP", "PUBLIC", "RECV"];

/// What stands in the place of a secret.
const MASK: &str = "***";

/// `line` with what looks like a secret masked, and where the bytes `span` of the line are then.
pub(super) fn mask(line: &str, span: Range<usize>) -> (String, Range<usize>) {
    let secrets = secrets(line);
    let moved = |offset: usize| {
        let mut moved = offset;
        for secret in secrets.iter().rev() {
            if secret.end <= offset {
                moved = moved - secret.len() + MASK.len();
            } else if secret.start < offset {
                moved = secret.start + MASK.len();
            }
        }
        moved
    };
    let span = moved(span.start)..moved(span.end);
    let mut masked = line.to_owned();
    for secret in secrets.iter().rev() {
        masked.replace_range(secret.clone(), MASK);
    }
    (masked, span)
}

/// Values that look like secrets, in order and disjoint.
fn secrets(line: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> =
        assigned(line).chain(env_value(line)).chain(flag_values(line)).chain(passwords_in_urls(line)).collect();
    found.retain(|range| !range.is_empty() && !line[range.clone()].starts_with('$'));
    found.sort_by_key(|range| (range.start, std::cmp::Reverse(range.end)));
    let mut end = 0;
    found.retain(|range| {
        let disjoint = range.start >= end;
        end = end.max(range.end);
        disjoint
    });
    found
}

/// `NAME=value`, `--name=value`.
fn assigned(line: &str) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    line.match_indices('=').filter_map(move |(at, _)| {
        let name = line[..at].rsplit(|c: char| !is_name(c)).next()?;
        // What lies in a value was read with it; to read it again would take quadratic time.
        let found = (at >= end && is_secret(name)).then(|| value(line, at + 1));
        end = found.as_ref().map_or(end, |found| found.end);
        found
    })
}

/// `ENV NAME value`, where the value reaches to the end of the line.
fn env_value(line: &str) -> Option<Range<usize>> {
    let rest = line.trim_start();
    let (keyword, rest) = rest.split_once(char::is_whitespace)?;
    let (name, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let start = line.len() - rest.trim_start().len();
    (keyword.eq_ignore_ascii_case("ENV") && name.chars().all(is_name) && is_secret(name))
        .then(|| start..line.trim_end().len().max(start))
}

/// `--name value`, `Bearer value`.
fn flag_values(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.match_indices(' ').filter_map(|(at, _)| {
        let word = line[..at].rsplit(|c: char| !is_name(c)).next()?;
        let takes_secret = (word.starts_with("--") && is_secret(word)) || ["Bearer", "Basic"].contains(&word);
        takes_secret.then(|| value(line, at + 1))
    })
}

/// `scheme://user:password@host`.
fn passwords_in_urls(line: &str) -> impl Iterator<Item = Range<usize>> {
    line.match_indices("://").filter_map(|(at, _)| {
        let start = at + 3;
        let end =
            line[start..].find(|c: char| c.is_whitespace() || "/\"'".contains(c)).map_or(line.len(), |n| start + n);
        let end = start + line[start..end].rfind('@')?;
        let password = start + line[start..end].find(':')? + 1;
        Some(password..end)
    })
}

/// The word that starts at `start`, without quotes.
fn value(line: &str, start: usize) -> Range<usize> {
    let rest = &line[start..];
    let quote = rest.chars().next().filter(|c| "\"'".contains(*c));
    let start = start + usize::from(quote.is_some());
    let ends = |c: char| quote.map_or(c.is_whitespace() || ";&|\"',".contains(c), |quote| c == quote);
    start..line[start..].find(ends).map_or(line.len(), |length| start + length)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_-.".contains(c)
}

pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let has_word = |words: &[&str]| name.split(['_', '-', '.']).any(|word| words.contains(&word));
    let has_part = SECRET_PARTS.iter().any(|part| name.contains(part));
    (has_word(SECRET_WORDS) || has_part) && !has_word(PUBLIC_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, masked: &str) {
        assert_eq!(mask(line, 0..line.len()), (masked.to_owned(), 0..masked.len()));
    }

    #[test]
    fn secrets_are_masked() {
        check("ENV DB_PASSWORD=hunter2 PORT=80", "ENV DB_PASSWORD=*** PORT=80");
        check("ENV API_TOKEN \"two words\"", "ENV API_TOKEN ***");
        check("ARG NPM_TOKEN='a b'", "ARG NPM_TOKEN='***'");
        check("RUN git clone https://bob:pw@example.org/x.git", "RUN git clone https://bob:***@example.org/x.git");
        check("RUN login --password hunter2 && a", "RUN login --password *** && a");
        check("RUN login --api-key=k3y; b", "RUN login --api-key=***; b");
        check("RUN curl -H 'Authorization: Bearer abc' x", "RUN curl -H 'Authorization: Bearer ***' x");
        check("ENV DBPASSWORD=pässwörd", "ENV DBPASSWORD=***");
        check("ENV A_KEY=B_KEY=c D_KEY=e", "ENV A_KEY=*** D_KEY=***");
    }

    #[test]
    fn the_rest_is_not() {
        for line in [
            "FROM python:3.12@sha256:00ff",
            "ENV TOKEN=$TOKEN KEYBOARD=de PATH=/a",
            "RUN --mount=type=secret,id=npm_token npm ci",
            "RUN curl https://example.org/a@b:c",
            "ENV",
            "A=B=C",
            "ENV SECRET",
            "ENV GPG_KEY 0123ABCD",
            "=",
        ] {
            check(line, line);
        }
    }

    #[test]
    fn spans_move_along() {
        assert_eq!(mask("A_KEY=longer b", 13..14), ("A_KEY=*** b".to_owned(), 10..11));
        assert_eq!(mask("A_KEY=longer b", 8..14).1, 9..11);
        assert_eq!(mask("A_KEY=x b", 8..9), ("A_KEY=*** b".to_owned(), 10..11));
    }
}
