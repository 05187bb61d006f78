//! The patch series: mails in one mbox, as `git am` reads them. Each changes one file, says why, and leaves a file behind
//! that is valid by itself.
//!
//! The order is that of the rounds in which the passes ran: a pass that finds something again after others made room for it has
//! a second patch.

use std::collections::BTreeMap;

use super::remark::assumes;
use super::{FileReport, diff, printable};
use crate::edit::EditSet;
use crate::passes;
use crate::pipeline::{Applied, Outcome};
use crate::source::LineIndex;

/// What one patch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// What a pass did at once.
    Round,
    /// One rewrite, or some that are only good together. The outcome has to be one with
    /// [`Options::separate`](crate::pipeline::Options::separate).
    Rewrite,
}

/// One step from the original to the optimised text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// What is done in it.
    pub rewrites: Vec<&'a Applied>,
    /// The text after it.
    pub after: String,
}

/// The steps from the original to the optimised text.
#[must_use]
pub fn steps(outcome: &Outcome, unit: Unit) -> Vec<Step<'_>> {
    let mut steps = Vec::new();
    for (round, text) in outcome.rounds.iter().enumerate() {
        let mut units: BTreeMap<usize, Vec<&Applied>> = BTreeMap::new();
        for applied in outcome.applied.iter().filter(|applied| applied.round == round) {
            let number = if unit == Unit::Round { 0 } else { applied.unit };
            units.entry(number).or_default().push(applied);
        }
        let mut edits = EditSet::default();
        for rewrites in units.into_values() {
            for rewrite in &rewrites {
                // The edits of a round are disjoint, or it would not have been one.
                let _ = edits.try_add(&rewrite.edits);
            }
            steps.push(Step { rewrites, after: edits.apply(text) });
        }
    }
    steps
}

/// The series as one mbox. `name` gives the path of a file in its repository.
#[must_use]
pub fn render(files: &[FileReport], unit: Unit, name: impl Fn(&str) -> String) -> String {
    let mut patches = Vec::new();
    for file in files {
        let Some(outcome) = file.outcome() else { continue };
        let path = name(&file.path);
        let index = LineIndex::new(&outcome.original);
        let mut before = outcome.original.clone();
        for step in steps(outcome, unit) {
            let (title, body) = message(&path, &index, &step.rewrites);
            patches.push((title, body, diff::unified(&path, &before, &step.after, false)));
            before = step.after;
        }
    }
    let total = patches.len();
    let mails = patches.iter().enumerate();
    mails
        .map(|(number, (title, body, diff))| mail(&format!("[PATCH {}/{total}] {title}", number + 1), body, diff))
        .collect()
}

/// Subject and text of a commit.
fn message(path: &str, index: &LineIndex, rewrites: &[&Applied]) -> (String, String) {
    let title = match rewrites {
        [] => String::new(),
        [rewrite] if rewrite.pass.len() + rewrite.message.len() < 70 => {
            format!("{}: {}", rewrite.pass, rewrite.message)
        }
        [rewrite, ..] => {
            let summary = passes::by_name(rewrite.pass).map_or("", |pass| pass.info().summary);
            format!("{}: {summary}", rewrite.pass)
        }
    };
    let mut body = String::new();
    for rewrite in rewrites {
        let line = index.line(rewrite.span.start);
        body += &wrapped(&format!("{path}, line {line} of the original: {}", rewrite.message), "");
        body += &wrapped(&format!("Reason: {}", rewrite.reason), "  ");
        for assumption in &rewrite.assumptions {
            body += &wrapped(&format!("Relies on: {}", assumes(assumption)), "  ");
        }
        for line in &rewrite.migration {
            body += &wrapped(&format!("To run it: {line}"), "  ");
        }
        body += &wrapped(&format!("Level: {}", rewrite.level), "  ");
        body.push('\n');
    }
    (printable(&title), body)
}

/// A paragraph of at most 72 columns, the lines behind the first indented by two more.
fn wrapped(text: &str, indent: &str) -> String {
    let mut lines = vec![indent.to_owned()];
    for word in printable(text).split_whitespace() {
        let line = lines.last().map_or(0, String::len);
        let is_empty = lines.last().is_some_and(|line| line.trim().is_empty());
        if !is_empty && line + 1 + word.len() > 72 {
            lines.push(format!("{indent}  {word}"));
        } else if let Some(line) = lines.last_mut() {
            line.push_str(if is_empty { "" } else { " " });
            line.push_str(word);
        }
    }
    lines.join("\n") + "\n"
}

/// A mail. What a mail could not carry as it is, such as a carriage return at the end of a line, is encoded.
fn mail(subject: &str, body: &str, diff: &str) -> String {
    let content = format!("{body}---\n{diff}-- \nimgopt {}\n\n", env!("CARGO_PKG_VERSION"));
    let is_plain = content.lines().all(|line| line.len() < 900) && !content.contains(['\r', '\0']);
    let (encoding, content) =
        if is_plain { ("8bit", content) } else { ("quoted-printable", quoted_printable(&content)) };
    format!(
        "From 0000000000000000000000000000000000000000 Mon Sep 17 00:00:00 2001\n\
         From: imgopt <imgopt@localhost>\n\
         Subject: {subject}\n\
         MIME-Version: 1.0\n\
         Content-Type: text/plain; charset=UTF-8\n\
         Content-Transfer-Encoding: {encoding}\n\n{content}"
    )
}

/// The text in quoted-printable (RFC 2045, section 6.7), with lines of at most 76 columns.
fn quoted_printable(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for line in text.split_inclusive('\n') {
        let (content, newline) = line.strip_suffix('\n').map_or((line, ""), |content| (content, "\n"));
        let mut column = 0;
        let last = content.len().saturating_sub(1);
        for (at, byte) in content.bytes().enumerate() {
            let is_plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (byte == b' ' && at != last);
            let width = if is_plain { 1 } else { 3 };
            if column + width > 75 {
                encoded.push_str("=\n");
                column = 0;
            }
            if is_plain {
                encoded.push(char::from(byte));
            } else {
                encoded += &format!("={byte:02X}");
            }
            column += width;
        }
        encoded.push_str(newline);
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_carry_what_they_cannot_hold() {
        assert_eq!(quoted_printable("a=b \r\nä\n"), "a=3Db =0D\n=C3=A4\n");
        let long = "x".repeat(80);
        assert_eq!(quoted_printable(&long), format!("{}=\n{}", "x".repeat(75), "x".repeat(5)));
    }

    #[test]
    fn paragraphs_are_wrapped() {
        let text = wrapped(&format!("Reason: {} end", "word ".repeat(14).trim()), "  ");
        let first = "word ".repeat(12);
        assert_eq!(text, format!("  Reason: {}\n    word word end\n", first.trim()));
    }
}
