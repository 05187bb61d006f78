//! The comment on a pull request: a table of the rewrites, and folded below it the diff, what was left alone and a list of
//! what to check before the change is taken.

use std::fmt::Write;

use super::mask::mask;
use super::remark::{MISTAKE, assumes};
use super::{FileReport, Finding, OutputState, Summary, counted, diff};
use crate::pipeline::{Applied, Outcome};
use crate::source::{LineIndex, Span};

/// The first line of the comment, by which a later run finds it again.
const MARKER: &str = "<!-- imgopt -->";

/// The longest comment that GitHub takes has 65536 characters; diffs that do not fit are left out.
const MAX_LENGTH: usize = 60_000;

/// The comment.
#[must_use]
pub fn render(files: &[FileReport]) -> String {
    let summary = Summary::of(files);
    let title = match summary.rewrites {
        0 => "nothing to gain".to_owned(),
        n => format!("{} in {}", counted(n, "rewrite"), counted(summary.rewritten, "file")),
    };
    let mut text = format!("{MARKER}\n## imgopt: {title}\n");
    for file in files.iter().filter(|file| has_news(file)) {
        let room = MAX_LENGTH.saturating_sub(text.len());
        text += &section(file, room);
    }
    if summary.rewritten > 0 {
        text += &folded("Before you merge", &check_list(files));
    }
    text
}

fn has_news(report: &FileReport) -> bool {
    match &report.finding {
        Finding::Read(outcome) => {
            outcome.changed()
                || !(outcome.proposed.is_empty() && outcome.violations.is_empty() && outcome.diagnostics.is_empty())
        }
        Finding::Failed(_) => true,
        Finding::Skipped(_) => false,
    }
}

fn section(report: &FileReport, room: usize) -> String {
    let mut text = format!("\n### {}\n", code(&report.path));
    let outcome = match &report.finding {
        Finding::Read(outcome) => outcome,
        Finding::Failed(failure) => {
            let help = failure.help.as_ref().map_or(String::new(), |help| format!(" ({})", inline(help)));
            return text + &format!("\nError: {}{help}\n", inline(&failure.message));
        }
        Finding::Skipped(_) => return String::new(),
    };
    let index = LineIndex::new(&outcome.original);
    for diagnostic in &outcome.diagnostics {
        let hint = diagnostic.hint.as_ref().map_or(String::new(), |hint| format!(" ({})", inline(hint)));
        let _ = writeln!(text, "\nLine {}: {}{hint}", lines(&index, diagnostic.span), inline(&diagnostic.message));
    }
    if !outcome.applied.is_empty() {
        text += &rewrites(&index, &outcome.applied);
    }
    for violation in &outcome.violations {
        let place = lines(&index, violation.span);
        let what = inline(&violation.message);
        let _ = writeln!(text, "\nError at line {place}: {} was taken back: {what}. {MISTAKE}.", violation.pass);
    }
    let diff = masked(&diff::of(&report.path, outcome, false));
    if diff.len() < room {
        text += &if diff.is_empty() { diff } else { folded("Diff", &fenced("diff", &diff)) };
    } else {
        text += "\nThe diff is too long for a comment.\n";
    }
    if !outcome.proposed.is_empty() {
        let table = rewrites(&index, &outcome.proposed);
        text += &folded(&format!("{}, not written", counted(outcome.proposed.len(), "proposal")), &table);
    }
    text + &left_alone(&index, outcome)
}

fn rewrites(index: &LineIndex, rewrites: &[Applied]) -> String {
    let mut text = "\n| Line | Rewrite | Level | Reason | Relies on |\n|---|---|---|---|---|\n".to_owned();
    for rewrite in rewrites {
        let relies: Vec<String> = rewrite.assumptions.iter().map(|assumption| cell(&assumes(assumption))).collect();
        let relies = if relies.is_empty() { "–".to_owned() } else { relies.join("<br>") };
        let (place, message) = (lines(index, rewrite.span), cell(&rewrite.message));
        let (pass, level, reason) = (rewrite.pass, rewrite.level, cell(&rewrite.reason));
        let migration: Vec<String> =
            rewrite.migration.iter().map(|line| format!("<br>*To run it:* {}", cell(line))).collect();
        let migration = migration.concat();
        let _ = writeln!(text, "| {place} | **{pass}**: {message}{migration} | {level} | {reason} | {relies} |");
    }
    text
}

fn left_alone(index: &LineIndex, outcome: &Outcome) -> String {
    let n = outcome.declined.len() + outcome.suppressed.len();
    if n == 0 {
        return String::new();
    }
    let mut text = "\n| Line | Pass | Why not | What would change that |\n|---|---|---|---|\n".to_owned();
    for declined in &outcome.declined {
        let (reason, unlock) = (cell(&declined.reason), cell(&declined.unlock));
        let _ = writeln!(text, "| {} | {} | {reason} | {unlock} |", lines(index, declined.span), declined.pass);
    }
    for suppressed in &outcome.suppressed {
        let reason = suppressed.reason.as_deref().unwrap_or("a comment asks for it");
        let place = lines(index, suppressed.span);
        let _ = writeln!(text, "| {place} | {} | suppressed: {} | the comment above |", suppressed.pass, cell(reason));
    }
    folded(&format!("{} left alone", counted(n, "place")), &text)
}

/// What a reviewer does before a change is merged.
fn check_list(files: &[FileReport]) -> String {
    let rewritten = files.iter().filter(|file| file.outcome().is_some_and(Outcome::changed));
    let mut text = "\n".to_owned();
    for file in rewritten {
        let written = file.outputs.iter().find(|output| output.state != OutputState::Removed);
        let path = written.map_or(&file.path, |output| &output.path);
        let _ = writeln!(text, "- [ ] Build it: {}", code(&format!("docker build -f {path} .")));
    }
    text += "- [ ] Probe it: start the image and ask for what it serves, as your health check does\n\
             - [ ] User: `docker image inspect --format '{{.Config.User}}' IMAGE` is who you expect, and may write where the \
             program writes\n\
             - [ ] Assumptions: those that are not proved hold for you\n\
             - [ ] Way back: revert the commit; an `.optimized` file stands beside a Dockerfile that is as it was\n";
    text
}

/// `12` or `12–14`.
fn lines(index: &LineIndex, span: Span) -> String {
    match index.lines(span) {
        (first, last) if first == last => first.to_string(),
        (first, last) => format!("{first}–{last}"),
    }
}

fn folded(title: &str, body: &str) -> String {
    format!("\n<details>\n<summary>{title}</summary>\n\n{}\n\n</details>\n", body.trim_matches('\n'))
}

/// A code block that ends where its text does, whatever the text is.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text, '`').max(2) + 1);
    let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    format!("{fence}{language}\n{text}{newline}{fence}\n")
}

/// The diff without what looks like a secret: a comment is read by more people than a repository.
fn masked(diff: &str) -> String {
    let line = |line: &str| {
        let (sign, content) = line.split_at(line.chars().next().map_or(0, char::len_utf8));
        format!("{sign}{}\n", mask(content, 0..0).0)
    };
    diff.lines().map(line).collect()
}

/// A piece of code within a line.
fn code(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    let fence = "`".repeat(longest_run(&text, '`') + 1);
    let space = if text.contains('`') { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A message with code in backticks, in a cell of a table.
fn cell(text: &str) -> String {
    inline(text).replace('|', "\\|")
}

/// A message with code in backticks: what stands outside the backticks is no markup and addresses nobody.
pub(super) fn inline(text: &str) -> String {
    let text = text.replace(char::is_control, " ");
    let is_balanced = text.matches('`').count().is_multiple_of(2) && !text.contains("``");
    let mut in_code = false;
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '`' if is_balanced => {
                in_code = !in_code;
                escaped.push(c);
            }
            _ if in_code => escaped.push(c),
            '<' => escaped.push_str("&lt;"),
            '@' => escaped.push_str("&#64;"),
            '&' => escaped.push_str("&amp;"),
            '`' | '*' | '_' | '[' | ']' | '\\' | '#' | '~' => escaped.extend(['\\', c]),
            c => escaped.push(c),
        }
    }
    escaped
}

fn longest_run(text: &str, of: char) -> usize {
    text.split(|c| c != of).map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_no_markup() {
        assert_eq!(inline("gains `--a=<b>|@c` for @all <b>"), "gains `--a=<b>|@c` for &#64;all &lt;b>");
        assert_eq!(inline("a ` b\nc"), "a \\` b c");
        assert_eq!(cell("`a | b`"), "`a \\| b`");
    }

    #[test]
    fn code_ends_where_its_text_does() {
        assert_eq!(fenced("diff", "a\n```\nb"), "````diff\na\n```\nb\n````\n");
        assert_eq!(code("a`b"), "`` a`b ``");
        assert_eq!(fenced("suggestion", ""), "```suggestion\n```\n");
    }
}
