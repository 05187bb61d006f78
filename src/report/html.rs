//! One page that needs nothing else: the lines that change, before and after side by side with the reasons beside them, the
//! stages before and after, and what was left alone.
//!
//! The page has no script and loads nothing. It is made to be looked at, so what looks like a secret is masked.

use std::fmt::Write;

use super::change::{self, Change};
use super::graph;
use super::mask::mask;
use super::remark::{MISTAKE, assumes};
use super::{FileReport, Finding, Status, Summary, counted};
use crate::pipeline::{Applied, Outcome};
use crate::source::{LineIndex, Span};

const STYLE: &str = include_str!("page.css");

/// Lines shown around a change.
const CONTEXT: usize = 2;

/// More changed lines than this in a row are not shown, only counted.
const MAX_LINES: usize = 400;

/// The page.
#[must_use]
pub fn render(files: &[FileReport]) -> String {
    let summary = Summary::of(files);
    let title = match summary.rewrites {
        0 => "Nothing to gain".to_owned(),
        n => format!("{} in {}", counted(n, "rewrite"), counted(summary.rewritten, "file")),
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>imgopt: {title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<p class=\"tool\">imgopt {}</p>\n<h1>{title}</h1>\n{}</header>\n<main>\n",
        env!("CARGO_PKG_VERSION"),
        contents(files),
    );
    for (number, file) in files.iter().enumerate() {
        page += &section(number, file);
    }
    page + "</main>\n</body>\n</html>\n"
}

/// The files of a run over several.
fn contents(files: &[FileReport]) -> String {
    if files.len() < 2 {
        return String::new();
    }
    let entry = |(number, file): (usize, &FileReport)| {
        format!("<li><a href=\"#file-{number}\">{}</a> {}</li>\n", escape(&file.path), state(file))
    };
    format!(
        "<nav aria-label=\"Files\">\n<ul>\n{}</ul>\n</nav>\n",
        files.iter().enumerate().map(entry).collect::<String>()
    )
}

/// The result of a file in a few words.
fn state(file: &FileReport) -> String {
    let rewrites = file.outcome().map_or(0, |outcome| outcome.applied.len());
    let (class, text) = match file.status() {
        Status::Rewritten => ("rewritten", counted(rewrites, "rewrite")),
        Status::Unchanged => ("unchanged", "nothing to gain".to_owned()),
        Status::Skipped => ("unchanged", "skipped".to_owned()),
        Status::Error => ("error", "error".to_owned()),
    };
    format!("<span class=\"state {class}\">{text}</span>")
}

fn section(number: usize, file: &FileReport) -> String {
    let path = escape(&file.path);
    let mut text =
        format!("<section class=\"file\" id=\"file-{number}\">\n<h2><code>{path}</code> {}</h2>\n", state(file));
    match &file.finding {
        Finding::Read(outcome) => text += &read(outcome),
        Finding::Skipped(reason) => text += &paragraph("note", &format!("Skipped: {reason}.")),
        Finding::Failed(failure) => {
            let help = failure.help.as_ref().map_or(String::new(), |help| format!(" Next step: {help}."));
            text += &paragraph("note error", &format!("{}.{help}", failure.message));
        }
    }
    text + "</section>\n"
}

fn paragraph(class: &str, text: &str) -> String {
    format!("<p class=\"{class}\">{}</p>\n", inline(text))
}

fn read(outcome: &Outcome) -> String {
    let index = LineIndex::new(&outcome.original);
    let mut text = String::new();
    if let Some(reason) = &outcome.skipped {
        text += &paragraph("note", &format!("Left alone: {reason}."));
    }
    for diagnostic in &outcome.diagnostics {
        let hint = diagnostic.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
        text += &paragraph("note", &format!("{}: {}{hint}.", place(&index, diagnostic.span), diagnostic.message));
    }
    for violation in &outcome.violations {
        let place = place(&index, violation.span);
        let what =
            format!("{place}: a rewrite of {} was taken back: {}. {MISTAKE}.", violation.pass, violation.message);
        text += &paragraph("note error", &what);
    }
    if outcome.changed() {
        text += "<h3>Changes</h3>\n";
        let new_index = LineIndex::new(&outcome.optimized);
        text.extend(change::changes(outcome).iter().map(|change| hunk(outcome, &index, &new_index, change)));
        text += "<h3>Stages</h3>\n<div class=\"graphs\">\n";
        text += &format!("<figure>\n<figcaption>Before</figcaption>\n{}</figure>\n", graph::svg(&outcome.original));
        text +=
            &format!("<figure>\n<figcaption>After</figcaption>\n{}</figure>\n</div>\n", graph::svg(&outcome.optimized));
    }
    if !outcome.proposed.is_empty() {
        text += &format!("<h3>{}, not written</h3>\n", counted(outcome.proposed.len(), "proposal"));
        let proposals = outcome.proposed.iter().map(|it| reason(it, &place(&index, it.span)));
        text += &format!("<div class=\"proposals\">\n{}</div>\n", proposals.collect::<String>());
    }
    text + &left_alone(outcome, &index)
}

/// One change: the reasons, the lines before, the lines after.
fn hunk(outcome: &Outcome, index: &LineIndex, new_index: &LineIndex, change: &Change) -> String {
    let reasons = change.rewrites.iter().filter_map(|number| outcome.applied.get(*number));
    let reasons: String = reasons.map(|rewrite| reason(rewrite, &place(index, rewrite.span))).collect();
    let old = Pane::new(&outcome.original, index, change.old);
    let new = Pane::new(&outcome.optimized, new_index, change.new);
    let rows = old.changed.len().max(new.changed.len());
    format!(
        "<article class=\"hunk\">\n<div class=\"reasons\">\n{reasons}</div>\n<div class=\"panes\">\n{}{}</div>\n</article>\n",
        old.render("Before", "del", rows),
        new.render("After", "ins", rows),
    )
}

/// The lines of one side.
struct Pane<'a> {
    /// Number of the first line shown.
    first: usize,
    before: Vec<&'a str>,
    changed: Vec<&'a str>,
    after: Vec<&'a str>,
}

impl<'a> Pane<'a> {
    fn new(text: &'a str, index: &LineIndex, span: Span) -> Self {
        let mut before: Vec<&str> = text[..span.start].lines().rev().take(CONTEXT).collect();
        before.reverse();
        let changed: Vec<&str> = span.of(text).lines().collect();
        let first = index.line(span.start) - before.len();
        Self { first, before, changed, after: text[span.end..].lines().take(CONTEXT).collect() }
    }

    fn render(&self, title: &str, class: &str, rows: usize) -> String {
        let mut text = format!("<div class=\"pane\" role=\"group\" aria-label=\"{title}\">\n<p>{title}</p>\n<pre>");
        let shown = self.changed.len().min(MAX_LINES);
        let hidden = self.changed.len() - shown;
        let lines = self.before.iter().map(|line| ("", line));
        let lines = lines.chain(self.changed[..shown].iter().map(|line| (class, line)));
        let mut number = self.first;
        for (class, line) in lines {
            text += &row(class, Some(number), line);
            number += 1;
        }
        if hidden > 0 {
            text += &row("fill", None, &format!("… {}", counted(hidden, "more line")));
        }
        number += hidden;
        for _ in shown..rows.min(MAX_LINES) {
            text += &row("pad", None, "");
        }
        for line in &self.after {
            text += &row("", Some(number), line);
            number += 1;
        }
        text + "</pre>\n</div>\n"
    }
}

fn row(class: &str, number: Option<usize>, line: &str) -> String {
    let sign = match class {
        "del" => "−",
        "ins" => "+",
        _ => " ",
    };
    let number = number.map_or(String::new(), |number| number.to_string());
    let (line, _) = mask(line, 0..0);
    format!("<span class=\"row {class}\"><i>{number}</i><b>{sign}</b>{}\n</span>", escape(&line))
}

/// What changes, why, and what it relies on.
fn reason(rewrite: &Applied, place: &str) -> String {
    let mut text = format!(
        "<div class=\"reason\">\n<p class=\"head\"><span class=\"pass\">{}</span> <span class=\"level {}\">{}</span> \
         <span class=\"place\">{place}</span></p>\n<p class=\"what\">{}</p>\n<p>{}</p>\n",
        rewrite.pass,
        rewrite.level,
        rewrite.level,
        inline(&rewrite.message),
        inline(&rewrite.reason),
    );
    if !rewrite.assumptions.is_empty() {
        let item = |assumption| format!("<li>{}</li>\n", inline(&assumes(assumption)));
        let items: String = rewrite.assumptions.iter().map(item).collect();
        let _ = write!(text, "<p class=\"relies\">Relies on</p>\n<ul>\n{items}</ul>\n");
    }
    if !rewrite.migration.is_empty() {
        let items: String = rewrite.migration.iter().map(|line| format!("<li>{}</li>\n", inline(line))).collect();
        let _ = write!(text, "<p class=\"relies\">To run it</p>\n<ul>\n{items}</ul>\n");
    }
    text + "</div>\n"
}

fn left_alone(outcome: &Outcome, index: &LineIndex) -> String {
    let n = outcome.declined.len() + outcome.suppressed.len();
    if n == 0 {
        return String::new();
    }
    let mut rows = String::new();
    let mut row = |span, pass: &str, why: &str, unlock: &str| {
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{pass}</td><td>{}</td><td>{}</td></tr>",
            place(index, span),
            inline(why),
            inline(unlock)
        );
    };
    for declined in &outcome.declined {
        row(declined.span, declined.pass, &declined.reason, &declined.unlock);
    }
    for suppressed in &outcome.suppressed {
        let reason = suppressed.reason.as_deref().unwrap_or("a comment asks for it");
        row(suppressed.span, suppressed.pass, &format!("suppressed: {reason}"), "the comment above it");
    }
    format!(
        "<details>\n<summary>{} left alone</summary>\n<div class=\"scroll\" tabindex=\"0\">\n<table>\n<thead><tr>\
         <th>Place</th><th>Pass</th><th>Why not</th><th>What would change that</th></tr></thead>\n<tbody>\n{rows}</tbody>\n\
         </table>\n</div>\n</details>\n",
        counted(n, "place"),
    )
}

/// `line 3` or `lines 3–5`.
fn place(index: &LineIndex, span: Span) -> String {
    match index.lines(span) {
        (first, last) if first == last => format!("line {first}"),
        (first, last) => format!("lines {first}–{last}"),
    }
}

/// A message with code in backticks.
fn inline(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escape(text);
    }
    let part = |(number, part): (usize, &&str)| match number % 2 {
        0 => escape(part),
        _ => format!("<code>{}</code>", escape(part)),
    };
    parts.iter().enumerate().map(part).collect()
}

/// The text as text of a page.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\t' => escaped.push('\t'),
            c if c.is_control() => escaped.push(char::REPLACEMENT_CHARACTER),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_page_explains_each_change_and_loads_nothing() {
        let page = render(&[sample()]);
        for part in [
            "<h1>1 rewrite in 1 file</h1>",
            "<span class=\"pass\">cache-mounts</span> <span class=\"level guarded\">guarded</span>",
            "<li>the image is built with BuildKit (not proved)</li>",
            "<span class=\"row del\"><i>3</i><b>−</b>RUN pip install --index-url https://bob:***@example.org/simple \\\n",
            "<summary>1 place left alone</summary>",
            "<svg",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
        for part in ["<script", "<link", "<img", "src=", "url(", "@import"] {
            assert!(!page.contains(part), "{part} is in {page}");
        }
    }

    #[test]
    fn a_file_cannot_write_the_page() {
        let hostile = "<script>alert(1)</script>\"'&`";
        let mut report = FileReport { path: hostile.to_owned(), ..sample() };
        let Finding::Read(outcome) = &mut report.finding else { panic!("a file that was read") };
        outcome.applied[0].message = hostile.to_owned();
        outcome.declined[0].reason = hostile.to_owned();
        outcome.original = format!("FROM a AS {hostile}\n{}", outcome.original);
        outcome.rounds = vec![outcome.original.clone()];
        outcome.applied[0].edits.clear();
        assert!(!render(&[report]).contains("<script"));
    }

    #[test]
    fn code_in_messages_is_set_as_code() {
        assert_eq!(inline("gains `--a=<b>` now"), "gains <code>--a=&lt;b&gt;</code> now");
        assert_eq!(inline("one ` alone"), "one ` alone");
    }
}
