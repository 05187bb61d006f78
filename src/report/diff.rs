//! Unified diffs, as `git apply` and `patch -p1` read them.

use std::path::{Component, Path};
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use super::printable;
use crate::pipeline::Outcome;

const HEADER: Style = Style::new().bold();
const HUNK: Style = AnsiColor::Cyan.on_default();
const ADDED: Style = AnsiColor::Green.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();

/// Beyond this, a diff of two long and very different texts may show more changes than needed.
const PATIENCE: Duration = Duration::from_secs(2);

/// The diff of an outcome. Lines in front of it, which `git apply` and `patch` skip, say what somebody who runs the image has
/// to know or do.
#[must_use]
pub fn of(path: &str, outcome: &Outcome, styled: bool) -> String {
    let diff = unified(path, &outcome.original, &outcome.optimized, styled);
    let mut notes: Vec<String> = Vec::new();
    for line in outcome.applied.iter().flat_map(|rewrite| &rewrite.migration) {
        let note = format!("# to run it: {}\n", printable(&line.replace(['\n', '\r'], " ")));
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    if diff.is_empty() { diff } else { notes.concat() + &diff }
}

/// The diff from `old` to `new`, texts of the file at `path`; empty when they are equal. `styled` is for a terminal:
/// with colours, and without control characters.
#[must_use]
pub fn unified(path: &str, old: &str, new: &str, styled: bool) -> String {
    if old == new {
        return String::new();
    }
    let path = in_repository(path);
    let paint = |style: Style, line: &str| match styled {
        true => format!("{style}{}{style:#}\n", printable(line.strip_suffix('\n').unwrap_or(line))),
        false => format!("{}\n", line.strip_suffix('\n').unwrap_or(line)),
    };
    let mut text = paint(HEADER, &format!("--- a/{path}")) + &paint(HEADER, &format!("+++ b/{path}"));
    let (old, new) = (lines(old), lines(new));
    let diff = TextDiff::configure().timeout(PATIENCE).diff_slices(&old, &new);
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        text += &paint(HUNK, &hunk.header().to_string());
        for change in hunk.iter_changes() {
            let (style, sign) = match change.tag() {
                ChangeTag::Equal => (Style::new(), ' '),
                ChangeTag::Delete => (REMOVED, '-'),
                ChangeTag::Insert => (ADDED, '+'),
            };
            text += &paint(style, &format!("{sign}{}", change.value()));
            if !change.value().ends_with('\n') {
                text += "\\ No newline at end of file\n";
            }
        }
    }
    text
}

/// Lines with their ends. A carriage return alone ends no line, neither for BuildKit nor for `patch`.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The path as a diff names it: with slashes, without a root.
fn in_repository(path: &str) -> String {
    let components = Path::new(path).components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_string_lossy()),
        Component::ParentDir => Some("..".into()),
        Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
    });
    printable(&components.collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_has_header_hunks_and_the_newline_note() {
        let diff = unified("./x/Dockerfile", "FROM a\nRUN b\n", "FROM a\nRUN c", false);
        assert_eq!(
            diff,
            "--- a/x/Dockerfile\n+++ b/x/Dockerfile\n@@ -1,2 +1,2 @@\n FROM a\n-RUN b\n+RUN c\n\
             \\ No newline at end of file\n"
        );
    }

    #[test]
    fn carriage_returns_stay() {
        let diff = unified("Dockerfile", "FROM a\r\nRUN b\rc\r\n", "FROM a\r\nRUN d\rc\r\n", false);
        assert!(diff.ends_with(" FROM a\r\n-RUN b\rc\r\n+RUN d\rc\r\n"), "{diff:?}");
    }

    #[test]
    fn a_terminal_gets_colours_and_no_foreign_escapes() {
        let diff = unified("Dockerfile", "A\n", "B\u{1b}[2J\n", true);
        assert!(diff.contains("\u{1b}[32m+B\u{fffd}[2J\u{1b}[0m"), "{diff:?}");
    }

    #[test]
    fn what_operators_have_to_know_stands_in_front() {
        let crate::report::Finding::Read(outcome) = crate::report::sample().finding else { panic!("it was read") };
        let diff = of("Dockerfile", &outcome, false);
        assert_eq!(diff, unified("Dockerfile", &outcome.original, &outcome.optimized, false));
        let mut noted = *outcome;
        noted.applied[0].migration = vec!["one\n--- two".to_owned(), "one\n--- two".to_owned()];
        assert_eq!(of("Dockerfile", &noted, false), format!("# to run it: one --- two\n{diff}"));
    }

    #[test]
    fn equal_texts_have_no_diff() {
        assert_eq!(unified("Dockerfile", "FROM a\n", "FROM a\n", false), "");
    }
}
