//! Patterns of images, and days.

use std::fmt;

use serde::Deserialize;

use crate::syntax::image::{DOCKER_HUB, ImageReference};

/// Stars of a pattern: the time to match grows with their number.
const MAX_STARS: usize = 4;

/// The longest pattern, in bytes.
const MAX_LENGTH: usize = 400;

/// A pattern of images, such as `python:3.*-slim`: `*` is any text without `/`, `**` any text.
///
/// Names are compared in full: `python` is `docker.io/library/python`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct ImagePattern {
    written: String,
    name: String,
    tag: Option<String>,
}

impl TryFrom<String> for ImagePattern {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        let (name, tag) = split(&written);
        let has_space = written.contains(|c: char| c.is_whitespace() || c.is_control() || c == '@' || c == '$');
        if name.is_empty() || tag == Some("") || has_space || written.len() > MAX_LENGTH {
            return Err(format!("`{written}` is no pattern of images"));
        }
        if parts(&written).filter(|part| matches!(part, Part::Star { .. })).count() > MAX_STARS {
            return Err(format!("`{written}` has more than {MAX_STARS} `*`"));
        }
        Ok(Self { name: full(name), tag: tag.map(str::to_owned), written })
    }
}

impl ImagePattern {
    /// What the stars stand for, in order, if the image fits.
    #[must_use]
    pub fn captures(&self, image: &ImageReference) -> Option<Vec<String>> {
        let mut captures = Vec::new();
        if !matches(&parts(&self.name).collect::<Vec<_>>(), &image.name(), &mut captures) {
            return None;
        }
        if let Some(tag) = &self.tag {
            let parts: Vec<Part<'_>> = parts(tag).collect();
            if !matches(&parts, image.tag.as_deref().unwrap_or("latest"), &mut captures) {
                return None;
            }
        }
        Some(captures)
    }

    /// How many stars it has.
    #[must_use]
    pub fn stars(&self) -> usize {
        parts(&self.written).filter(|part| matches!(part, Part::Star { .. })).count()
    }
}

impl fmt::Display for ImagePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// A day, `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "String")]
#[cfg_attr(test, schemars(with = "String"))]
pub struct Day(pub String);

impl TryFrom<String> for Day {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let numbers: Vec<Option<u32>> = text.split('-').map(|part| part.parse().ok()).collect();
        let lengths: Vec<usize> = text.split('-').map(str::len).collect();
        match (numbers.as_slice(), lengths.as_slice()) {
            ([Some(_), Some(1..=12), Some(1..=31)], [4, 2, 2]) => Ok(Self(text)),
            _ => Err(format!("`{text}` is no day: write YYYY-MM-DD")),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A part of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Text(&'a str),
    /// Any text; with `/` if it is deep.
    Star {
        deep: bool,
    },
}

/// The parts of a pattern in order.
pub(super) fn parts(pattern: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = pattern;
    std::iter::from_fn(move || {
        let part = match rest.find('*') {
            _ if rest.is_empty() => return None,
            Some(0) if rest.starts_with("**") => (Part::Star { deep: true }, 2),
            Some(0) => (Part::Star { deep: false }, 1),
            Some(end) => (Part::Text(&rest[..end]), end),
            None => (Part::Text(rest), rest.len()),
        };
        rest = &rest[part.1..];
        Some(part.0)
    })
}

/// Name and tag of a reference or a pattern; a colon before the last slash belongs to a port.
pub(super) fn split(text: &str) -> (&str, Option<&str>) {
    let last = text.rfind('/').map_or(0, |slash| slash + 1);
    match text[last..].find(':') {
        Some(colon) => (&text[..last + colon], Some(&text[last + colon + 1..])),
        None => (text, None),
    }
}

/// The name with its registry, as [`ImageReference::name`] has it.
fn full(name: &str) -> String {
    let Some((first, rest)) = name.split_once('/') else {
        return if name == "**" { name.to_owned() } else { format!("{DOCKER_HUB}/library/{name}") };
    };
    if first == DOCKER_HUB && !rest.contains(['/', '*']) {
        return format!("{DOCKER_HUB}/library/{rest}");
    }
    let is_registry = first.contains(['.', ':']) || first == "localhost" || first.starts_with('*');
    if is_registry { name.to_owned() } else { format!("{DOCKER_HUB}/{name}") }
}

fn matches(parts: &[Part<'_>], text: &str, captures: &mut Vec<String>) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((Part::Text(part), rest)) => text.strip_prefix(part).is_some_and(|text| matches(rest, text, captures)),
        Some((Part::Star { deep }, rest)) => {
            let end = if *deep { text.len() } else { text.find('/').unwrap_or(text.len()) };
            let before = captures.len();
            text.char_indices().map(|(at, _)| at).chain([text.len()]).take_while(|at| *at <= end).any(|at| {
                captures.truncate(before);
                captures.push(text[..at].to_owned());
                matches(rest, &text[at..], captures)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, image: &str, expected: Option<&[&str]>) {
        let pattern = ImagePattern::try_from(pattern.to_owned()).expect("a pattern");
        let captures = pattern.captures(&image.parse().expect("a reference"));
        let captures: Option<Vec<&str>> = captures.as_ref().map(|list| list.iter().map(String::as_str).collect());
        assert_eq!(captures.as_deref(), expected, "{pattern} {image}");
    }

    #[test]
    fn names_are_compared_in_full() {
        check("python", "python:3.12", Some(&[]));
        check("python", "docker.io/library/python", Some(&[]));
        check("docker.io/python", "python", Some(&[]));
        check("python", "example/python", None);
        check("python:*", "python", Some(&["latest"]));
        check("python:3.*-slim", "python:3.12-slim", Some(&["12"]));
        check("python:3.*-slim", "python:3.12", None);
        check("localhost:5000/a:1", "localhost:5000/a:1", Some(&[]));
    }

    #[test]
    fn stars() {
        check("*", "python", Some(&["python"]));
        check("*", "a/b", None);
        check("a/*", "a/b:1", Some(&["b"]));
        check("example.com/*", "example.com/a/b", None);
        check("example.com/**", "example.com/a/b", Some(&["a/b"]));
        check("**", "example.com/a/b", Some(&["example.com/a/b"]));
        check("*.example.com/a", "eu.example.com/a", Some(&["eu"]));
    }

    #[test]
    fn what_is_no_pattern() {
        for text in ["", ":1", "a:", "a b", "a@sha256:0", "$a", "*a*b*c*d*e"] {
            assert!(ImagePattern::try_from(text.to_owned()).is_err(), "{text}");
        }
        for text in ["2026-1-01", "2026-13-01", "2026-01", "soon", "2026-01-32"] {
            assert!(Day::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
