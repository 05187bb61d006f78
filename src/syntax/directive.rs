//! Parser directives, `# name=value` at the top of a file, and where else BuildKit looks for the frontend of a file.

use std::collections::BTreeSet;

const NAMES: [&str; 3] = ["syntax", "escape", "check"];

/// Reads directives until the first line that is none.
#[derive(Clone, Debug)]
pub(super) struct Parser {
    prefix: &'static str,
    seen: BTreeSet<String>,
    done: bool,
}

impl Parser {
    /// A parser for directives behind `prefix`.
    pub(super) const fn new(prefix: &'static str) -> Self {
        Self { prefix, seen: BTreeSet::new(), done: false }
    }

    /// There are no directives behind this line.
    pub(super) const fn stop(&mut self) {
        self.done = true;
    }

    /// The lower-case name and the value, if `line` is a directive; or what is wrong with it.
    pub(super) fn read(&mut self, line: &str) -> Result<Option<(String, String)>, String> {
        if self.done {
            return Ok(None);
        }
        let Some((name, value)) = line.strip_prefix(self.prefix).and_then(|rest| split(rest.trim_start())) else {
            self.done = true;
            return Ok(None);
        };
        if !NAMES.contains(&name.as_str()) {
            self.done = true;
            return Ok(None);
        }
        if !self.seen.insert(name.clone()) {
            return Err(format!("only one {name} parser directive can be used"));
        }
        Ok(Some((name, value.to_owned())))
    }
}

/// `name = value`, with a lower-case name; white space is what Go's `\s` matches.
fn split(text: &str) -> Option<(String, &str)> {
    const SPACE: [char; 5] = ['\t', '\n', '\u{C}', '\r', ' '];
    let (name, value) = text.split_once('=')?;
    let name = name.trim_end_matches(SPACE);
    let valid = name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.bytes().all(|c| c.is_ascii_alphanumeric());
    if !valid || value.is_empty() {
        return None;
    }
    // A value of white space is its last character.
    let last = value.char_indices().next_back().map_or("", |(at, _)| &value[at..]);
    let trimmed = value.trim_matches(SPACE);
    Some((name.to_ascii_lowercase(), if trimmed.is_empty() { last } else { trimmed }))
}

/// The frontend that a file asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontend {
    /// The image, the first word of the value.
    pub image: String,
    /// The whole value.
    pub command_line: String,
}

/// Finds the frontend as BuildKit's `DetectSyntax`: in `# syntax=`, `// syntax=` or `{"syntax": …}`, below a first line
/// that starts with `#!` too. Unlike parser directives, these lines may not be indented.
#[must_use]
pub fn detect_frontend(source: &str) -> Option<Frontend> {
    let text = source.strip_prefix('\u{FEFF}').unwrap_or(source);
    let text = if text.starts_with("#!") { text.split_once('\n').map_or("", |(_, rest)| rest) } else { text };
    let value = find(text, "#", "syntax").or_else(|| find(text, "//", "syntax")).or_else(|| in_json(text))?;
    let image = value.split(' ').next().unwrap_or_default().to_owned();
    Some(Frontend { image, command_line: value })
}

fn find(text: &str, prefix: &'static str, wanted: &str) -> Option<String> {
    let mut parser = Parser::new(prefix);
    for line in text.lines() {
        match parser.read(line) {
            Ok(Some((name, value))) if name == wanted => return Some(value),
            Ok(Some(_)) => {}
            Ok(None) | Err(_) => return None,
        }
    }
    None
}

fn in_json(text: &str) -> Option<String> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    value.get("syntax")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_end_at_the_first_other_line() {
        let mut parser = Parser::new("#");
        assert_eq!(parser.read("# Escape = `  "), Ok(Some(("escape".to_owned(), "`".to_owned()))));
        assert_eq!(parser.read("#syntax=a b"), Ok(Some(("syntax".to_owned(), "a b".to_owned()))));
        assert_eq!(parser.read("# escape=x"), Err("only one escape parser directive can be used".to_owned()));
        assert_eq!(parser.read("# other=x"), Ok(None));
        assert_eq!(parser.read("# check=skip=all"), Ok(None));
    }

    #[test]
    fn a_blank_value_is_its_last_character() {
        assert_eq!(split("escape= "), Some(("escape".to_owned(), " ")));
        assert_eq!(split("escape="), None);
        assert_eq!(split("e-scape=a"), None);
    }

    #[test]
    fn the_frontend_is_found_in_every_form() {
        for text in [
            "# syntax=docker/dockerfile:1 x",
            "#!/usr/bin/env x\n# syntax = docker/dockerfile:1 x\n",
            "// syntax=docker/dockerfile:1 x\n",
            "# check=skip=all\n# syntax=docker/dockerfile:1 x",
            "{\"syntax\": \"docker/dockerfile:1 x\"}",
        ] {
            let frontend = detect_frontend(text).expect(text);
            assert_eq!(frontend.image, "docker/dockerfile:1");
        }
        assert_eq!(detect_frontend("FROM a\n# syntax=b"), None);
        assert_eq!(detect_frontend(" # syntax=b"), None);
    }
}
