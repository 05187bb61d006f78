//! For GitHub: workflow commands that put annotations beside the lines of a pull request, and a review with suggestions.
//!
//! The review is the body of a request to `POST /repos/{owner}/{repo}/pulls/{number}/reviews`. Each suggestion replaces
//! exactly the lines that it stands at; all of them together make the optimised file. GitHub takes suggestions only for
//! lines that the pull request shows.

use std::fmt::Write;

use serde::Serialize;

use super::change::{self, Change};
use super::remark::{Grade, Remark, assumes, remarks};
use super::{FileReport, counted, markdown};
use crate::pipeline::Outcome;
use crate::source::LineIndex;

/// The annotations, one a line.
#[must_use]
pub fn annotations(files: &[FileReport]) -> String {
    let mut text = String::new();
    for report in files {
        let index = LineIndex::new(report.outcome().map_or("", |outcome| outcome.original.as_str()));
        text.extend(remarks(report).iter().map(|remark| annotation(report, &index, remark)));
    }
    text
}

fn annotation(report: &FileReport, index: &LineIndex, remark: &Remark<'_>) -> String {
    let command = match remark.grade {
        Grade::Note => "notice",
        Grade::Warning => "warning",
        Grade::Error => "error",
    };
    let mut text = format!("::{command} file={}", property(super::relative(&report.path)));
    if let Some(span) = remark.span {
        let (first, last) = index.lines(span);
        text += &format!(",line={first},endLine={last}");
    }
    text + &format!(",title={}::{}\n", property(&format!("imgopt: {}", remark.rule)), data(&remark.text()))
}

/// A message of a workflow command, see `escapeData` in GitHub's documentation of workflow commands.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[derive(Serialize)]
struct Review<'a> {
    event: &'static str,
    body: String,
    comments: Vec<Comment<'a>>,
}

#[derive(Serialize)]
struct Comment<'a> {
    path: &'a str,
    side: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_side: Option<&'static str>,
    line: usize,
    body: String,
}

/// The review as indented JSON that ends with a newline.
///
/// # Errors
/// Those of `serde_json`, which there are none for these types.
pub fn suggestions(files: &[FileReport]) -> serde_json::Result<String> {
    let comments: Vec<Comment<'_>> = files.iter().flat_map(comments).collect();
    let body = match comments.len() {
        0 => "imgopt has nothing to suggest.".to_owned(),
        n => format!("imgopt has {}. Each one can be committed by itself.", counted(n, "suggestion")),
    };
    let review = Review { event: "COMMENT", body, comments };
    serde_json::to_string_pretty(&review).map(|text| text + "\n")
}

fn comments(report: &FileReport) -> Vec<Comment<'_>> {
    let Some(outcome) = report.outcome() else { return Vec::new() };
    let index = LineIndex::new(&outcome.original);
    let comment = |change: Change| {
        let (first, last) = change.lines(&index);
        Comment {
            path: super::relative(&report.path),
            side: "RIGHT",
            start_line: (first < last).then_some(first),
            start_side: (first < last).then_some("RIGHT"),
            line: last,
            body: body(outcome, &change),
        }
    };
    change::anchored(outcome).into_iter().map(comment).collect()
}

/// What each rewrite says, and the new lines.
fn body(outcome: &Outcome, change: &Change) -> String {
    let mut text = String::new();
    for rewrite in change.rewrites.iter().filter_map(|index| outcome.applied.get(*index)) {
        let message = markdown::inline(&rewrite.message);
        let reason = markdown::inline(&rewrite.reason);
        let assumptions: Vec<String> = rewrite.assumptions.iter().map(|it| markdown::inline(&assumes(it))).collect();
        let relies =
            if assumptions.is_empty() { String::new() } else { format!(" Relies on: {}.", assumptions.join("; ")) };
        let to_run: String =
            rewrite.migration.iter().map(|line| format!(" _To run it:_ {}.", markdown::inline(line))).collect();
        // Writing to a string cannot fail.
        let _ =
            writeln!(text, "**{}** ({}): {message}. _Why:_ {reason}.{relies}{to_run}\n", rewrite.pass, rewrite.level);
    }
    text + &markdown::fenced("suggestion", change.new.of(&outcome.optimized))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn annotations_are_escaped() {
        let mut report = sample();
        report.path = "./a,b/Dockerfile".to_owned();
        let text = annotations(&[report]);
        let first = text.lines().next().expect("a line");
        assert_eq!(
            first,
            "::warning file=a%2Cb/Dockerfile,line=3,endLine=3,title=imgopt%3A cache-mounts::keep the pip download cache \
             between builds%0Areason: downloads stay out of the layer and are reused by the next build%0Aassumes: the \
             image is built with BuildKit (not proved)%0Aassumes: build arguments have their defaults (proved: there are \
             none)%0Alevel: guarded"
        );
    }

    #[test]
    fn a_suggestion_replaces_the_lines_that_change() {
        let text = suggestions(&[sample()]).expect("JSON");
        let review: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let comment = &review["comments"][0];
        assert_eq!((&comment["line"], &comment["start_line"]), (&serde_json::json!(3), &serde_json::Value::Null));
        let body = comment["body"].as_str().expect("a text");
        let block = "```suggestion\nRUN --mount=type=cache,target=/root/.cache/pip pip install --index-url \
                     https://bob:pw@example.org/simple \\\n```\n";
        assert!(body.ends_with(block), "{body}");
    }
}
