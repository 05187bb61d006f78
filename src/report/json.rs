//! The JSON report: stable and versioned. Fields may be added; [`SCHEMA`] changes when one changes or goes.

use serde::Serialize;

use super::{FileReport, Finding, Output, Status, Summary, diff};
use crate::diagnostic::{Diagnostic, Severity};
use crate::pipeline::{Applied, Declined, Outcome, Suppressed, Violation};
use crate::rewrite::{Assumption, Level};
use crate::source::{LineIndex, Span};

/// Version of the schema.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Report<'a> {
    schema: u32,
    files: Vec<File<'a>>,
    summary: Summary,
}

#[derive(Default, Serialize)]
struct File<'a> {
    path: &'a str,
    status: Option<Status>,
    /// Why the file was skipped, or what went wrong.
    message: Option<&'a str>,
    /// The next step after an error.
    help: Option<&'a str>,
    rewrites: Vec<RewriteEntry<'a>>,
    proposals: Vec<RewriteEntry<'a>>,
    declined: Vec<DeclinedEntry<'a>>,
    suppressed: Vec<SuppressedEntry<'a>>,
    /// How many rewrites and proposals the baseline knows; they are in no list.
    known: usize,
    violations: Vec<ViolationEntry<'a>>,
    diagnostics: Vec<DiagnosticEntry<'a>>,
    /// From the original to the optimised text; `null` without rewrites.
    diff: Option<String>,
    /// The optimised text; `null` without rewrites.
    optimized: Option<&'a str>,
    outputs: &'a [Output],
}

#[derive(Serialize)]
struct RewriteEntry<'a> {
    pass: &'static str,
    level: Level,
    #[serde(flatten)]
    lines: Lines,
    message: &'a str,
    reason: &'a str,
    /// What was proved of its steps.
    proved: &'a [&'static str],
    assumptions: Vec<AssumptionEntry<'a>>,
    migration: &'a [String],
}

#[derive(Serialize)]
struct AssumptionEntry<'a> {
    text: &'static str,
    proved: bool,
    evidence: Option<&'a str>,
}

#[derive(Serialize)]
struct DeclinedEntry<'a> {
    pass: &'static str,
    #[serde(flatten)]
    lines: Lines,
    reason: &'a str,
    unlock: &'a str,
}

#[derive(Serialize)]
struct SuppressedEntry<'a> {
    pass: &'static str,
    #[serde(flatten)]
    lines: Lines,
    message: &'a str,
    /// The reason that the comment gives.
    reason: Option<&'a str>,
}

#[derive(Serialize)]
struct ViolationEntry<'a> {
    pass: &'static str,
    #[serde(flatten)]
    lines: Lines,
    message: &'a str,
}

#[derive(Serialize)]
struct DiagnosticEntry<'a> {
    severity: &'static str,
    #[serde(flatten)]
    lines: Lines,
    message: &'a str,
    hint: Option<&'a str>,
}

/// First and last line in the original, counted from 1.
#[derive(Serialize)]
struct Lines {
    line: usize,
    end_line: usize,
}

/// The report as indented JSON that ends with a newline.
///
/// # Errors
/// Those of `serde_json`, which there are none for these types.
pub fn render(files: &[FileReport]) -> serde_json::Result<String> {
    let report = Report { schema: SCHEMA, files: files.iter().map(file).collect(), summary: Summary::of(files) };
    serde_json::to_string_pretty(&report).map(|text| text + "\n")
}

fn file(report: &FileReport) -> File<'_> {
    let head = File { path: &report.path, status: Some(report.status()), outputs: &report.outputs, ..File::default() };
    match &report.finding {
        Finding::Read(outcome) => read(head, outcome),
        Finding::Skipped(reason) => File { message: Some(reason), ..head },
        Finding::Failed(failure) => File { message: Some(&failure.message), help: failure.help.as_deref(), ..head },
    }
}

fn read<'a>(head: File<'a>, outcome: &'a Outcome) -> File<'a> {
    let index = LineIndex::new(&outcome.original);
    let lines = |span: Span| {
        let (line, end_line) = index.lines(span);
        Lines { line, end_line }
    };
    let rewrite = |rewrite: &'a Applied| RewriteEntry {
        pass: rewrite.pass,
        level: rewrite.level,
        lines: lines(rewrite.span),
        message: &rewrite.message,
        reason: &rewrite.reason,
        proved: &rewrite.proved,
        assumptions: rewrite.assumptions.iter().map(assumption).collect(),
        migration: &rewrite.migration,
    };
    let declined = |declined: &'a Declined| DeclinedEntry {
        pass: declined.pass,
        lines: lines(declined.span),
        reason: &declined.reason,
        unlock: &declined.unlock,
    };
    let suppressed = |suppressed: &'a Suppressed| SuppressedEntry {
        pass: suppressed.pass,
        lines: lines(suppressed.span),
        message: &suppressed.message,
        reason: suppressed.reason.as_deref(),
    };
    let violation = |violation: &'a Violation| ViolationEntry {
        pass: violation.pass,
        lines: lines(violation.span),
        message: &violation.message,
    };
    let diagnostic = |diagnostic: &'a Diagnostic| DiagnosticEntry {
        severity: severity(diagnostic.severity),
        lines: lines(diagnostic.span),
        message: &diagnostic.message,
        hint: diagnostic.hint.as_deref(),
    };
    File {
        message: outcome.skipped.as_deref(),
        rewrites: outcome.applied.iter().map(rewrite).collect(),
        proposals: outcome.proposed.iter().map(rewrite).collect(),
        declined: outcome.declined.iter().map(declined).collect(),
        suppressed: outcome.suppressed.iter().map(suppressed).collect(),
        known: outcome.known,
        violations: outcome.violations.iter().map(violation).collect(),
        diagnostics: outcome.diagnostics.iter().map(diagnostic).collect(),
        diff: outcome.changed().then(|| diff::of(head.path, outcome, false)),
        optimized: outcome.changed().then_some(&outcome.optimized),
        ..head
    }
}

fn assumption(assumption: &Assumption) -> AssumptionEntry<'_> {
    AssumptionEntry {
        text: assumption.kind.text(),
        proved: assumption.evidence.is_some(),
        evidence: assumption.evidence.as_deref(),
    }
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Warning => "warning",
        Severity::Disallowed | Severity::InstructionError | Severity::ParseError => "error",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::report::{Failure, sample};

    fn rendered(files: &[FileReport]) -> Value {
        let text = render(files).expect("JSON");
        serde_json::from_str(&text).expect("JSON")
    }

    #[test]
    fn a_file_has_all_fields() {
        let sample = sample();
        let report = rendered(std::slice::from_ref(&sample));
        assert_eq!(report["schema"], 1);
        let file = &report["files"][0];
        assert_eq!((&file["path"], &file["status"]), (&json!("Dockerfile"), &json!("rewritten")));
        let expected = json!([{
            "pass": "cache-mounts",
            "level": "guarded",
            "line": 3,
            "end_line": 3,
            "message": "keep the pip download cache between builds",
            "reason": "downloads stay out of the layer and are reused by the next build",
            "proved": ["nothing else reads the directory"],
                "assumptions": [
                { "text": "the image is built with BuildKit", "proved": false, "evidence": null },
                { "text": "build arguments have their defaults", "proved": true, "evidence": "there are none" },
            ],
            "migration": [],
        }]);
        assert_eq!(file["rewrites"], expected);
        assert_eq!(file["proposals"][0]["level"], "proposal");
        assert_eq!(file["proposals"][0]["migration"].as_array().map(Vec::len), Some(1));
        let expected = json!([{
            "pass": "cache-mounts",
            "line": 2,
            "end_line": 2,
            "reason": "the value is not understood",
            "unlock": "write it without a variable",
        }]);
        assert_eq!(file["declined"], expected);
        assert_eq!(file["violations"][0]["pass"], "exec-form");
        assert!(file["diff"].as_str().is_some_and(|diff| diff.starts_with("--- a/Dockerfile\n")));
        assert_eq!(file["optimized"].as_str(), sample.outcome().map(|outcome| outcome.optimized.as_str()));
        assert_eq!(file["outputs"], json!([{ "path": "Dockerfile.optimized", "state": "written" }]));
        assert_eq!(report["summary"]["rewrites"], 1);
    }

    #[test]
    fn failures_and_skipped_files_say_why() {
        let failed = FileReport { finding: Finding::Failed(Failure::new("gone", "look")), ..sample() };
        let skipped = FileReport { finding: Finding::Skipped("vendored".to_owned()), ..sample() };
        let report = rendered(&[failed, skipped]);
        let file = &report["files"][0];
        assert_eq!(
            (&file["status"], &file["message"], &file["help"]),
            (&json!("error"), &json!("gone"), &json!("look"))
        );
        let file = &report["files"][1];
        assert_eq!((&file["status"], &file["message"]), (&json!("skipped"), &json!("vendored")));
        assert_eq!((&report["summary"]["errors"], &report["summary"]["skipped"]), (&json!(1), &json!(1)));
    }
}
