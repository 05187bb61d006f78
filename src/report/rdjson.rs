//! Diagnostics as reviewdog reads them (`-f=rdjson`): its Reviewdog Diagnostic Format, one object for the run.
//!
//! Lines and columns count from 1, columns in bytes; the end of a range is behind it.

use serde::Serialize;

use super::FileReport;
use super::change::{self, Change};
use super::remark::{Grade, remarks};
use crate::pipeline::Outcome;
use crate::source::{LineIndex, Span};

#[derive(Serialize)]
struct Report<'a> {
    source: Source,
    diagnostics: Vec<Diagnostic<'a>>,
}

#[derive(Serialize)]
struct Source {
    name: &'static str,
}

#[derive(Serialize)]
struct Diagnostic<'a> {
    message: String,
    location: Location<'a>,
    severity: &'static str,
    code: Code,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion<'a>>,
}

#[derive(Serialize)]
struct Code {
    value: &'static str,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<Range>,
}

#[derive(Serialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Serialize)]
struct Position {
    line: usize,
    column: usize,
}

#[derive(Serialize)]
struct Suggestion<'a> {
    range: Range,
    text: &'a str,
}

/// The report as indented JSON that ends with a newline.
///
/// # Errors
/// Those of `serde_json`, which there are none for these types.
pub fn render(files: &[FileReport]) -> serde_json::Result<String> {
    let diagnostics = files.iter().flat_map(diagnostics).collect();
    let report = Report { source: Source { name: "imgopt" }, diagnostics };
    serde_json::to_string_pretty(&report).map(|text| text + "\n")
}

fn diagnostics(report: &FileReport) -> Vec<Diagnostic<'_>> {
    let page = report.outcome().map(|outcome| (outcome, LineIndex::new(&outcome.original), change::changes(outcome)));
    let diagnostic = |remark: super::remark::Remark<'_>| {
        let range = |span| page.as_ref().map(|(_, index, _)| range(index, span));
        let suggestions = page.iter().flat_map(|(outcome, index, changes)| {
            let own = changes.iter().filter(|change| remark.rewrite.is_some_and(|own| change.rewrites.contains(&own)));
            own.map(|change| suggestion(outcome, index, change))
        });
        Diagnostic {
            message: remark.text(),
            location: Location { path: &report.path, range: remark.span.and_then(range) },
            severity: severity(remark.grade),
            code: Code { value: remark.rule },
            suggestions: suggestions.collect(),
        }
    };
    remarks(report).into_iter().map(diagnostic).collect()
}

fn suggestion<'a>(outcome: &'a Outcome, index: &LineIndex, change: &Change) -> Suggestion<'a> {
    Suggestion { range: range(index, change.old), text: change.new.of(&outcome.optimized) }
}

fn range(index: &LineIndex, span: Span) -> Range {
    let position = |offset| Position { line: index.line(offset), column: index.column(offset) };
    Range { start: position(span.start), end: position(span.end) }
}

const fn severity(grade: Grade) -> &'static str {
    match grade {
        Grade::Note => "INFO",
        Grade::Warning => "WARNING",
        Grade::Error => "ERROR",
    }
}
