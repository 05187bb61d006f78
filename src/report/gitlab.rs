//! A code quality report as GitLab reads it (`artifacts:reports:codequality`): a list of findings, each with a fingerprint
//! that stays the same while lines move.

use serde::Serialize;

use super::FileReport;
use super::remark::{Grade, Remark, remarks};
use crate::baseline;
use crate::source::LineIndex;

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

/// The report as indented JSON that ends with a newline.
///
/// # Errors
/// Those of `serde_json`, which there are none for these types.
pub fn render(files: &[FileReport]) -> serde_json::Result<String> {
    let issues: Vec<Issue<'_>> = files.iter().flat_map(issues).collect();
    serde_json::to_string_pretty(&issues).map(|text| text + "\n")
}

fn issues(report: &FileReport) -> Vec<Issue<'_>> {
    let source = report.outcome().map_or("", |outcome| outcome.original.as_str());
    let index = LineIndex::new(source);
    let fingerprints = fingerprints(report, source, &remarks(report));
    let issue = |(remark, fingerprint): (Remark<'_>, String)| {
        let (begin, end) = remark.span.map_or((1, 1), |span| index.lines(span));
        Issue {
            description: remark.text(),
            check_name: remark.rule,
            fingerprint,
            severity: severity(remark.grade),
            location: Location { path: super::relative(&report.path), lines: Lines { begin, end } },
        }
    };
    remarks(report).into_iter().zip(fingerprints).map(issue).collect()
}

/// Fingerprints of the remarks on a file, no two of them the same.
pub(super) fn fingerprints(report: &FileReport, source: &str, remarks: &[Remark<'_>]) -> Vec<String> {
    let findings = remarks.iter().map(|remark| (remark.rule, remark.message, remark.span.unwrap_or_default()));
    let mut taken = std::collections::HashSet::new();
    let mut fingerprints = Vec::with_capacity(remarks.len());
    for mut key in baseline::keys(source, findings) {
        let fingerprint = loop {
            let fingerprint = key.fingerprint(super::relative(&report.path));
            if taken.insert(fingerprint.clone()) {
                break fingerprint;
            }
            // The same is said twice of one instruction.
            key.message.push('+');
        };
        fingerprints.push(fingerprint);
    }
    fingerprints
}

const fn severity(grade: Grade) -> &'static str {
    match grade {
        Grade::Note => "info",
        Grade::Warning => "minor",
        Grade::Error => "major",
    }
}
