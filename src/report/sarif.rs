//! SARIF 2.1.0, for code scanning: a rule a pass with its page as help, a result a rewrite with the lines that fix it.
//!
//! Numbers of the specification (OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0") are given where a
//! choice is not plain.

use serde_json::{Value, json};

use super::change::{self, Change};
use super::remark::{FAILURE, Grade, Remark, SYNTAX, TAKEN_BACK, remarks};
use super::{FileReport, gitlab, relative};
use crate::passes::PIPELINE;
use crate::pipeline::Outcome;
use crate::source::{LineIndex, Span};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The report as indented JSON that ends with a newline.
///
/// # Errors
/// Those of `serde_json`, which there are none for these values.
pub fn render(files: &[FileReport]) -> serde_json::Result<String> {
    let results: Vec<Value> = files.iter().flat_map(results).collect();
    let failures: Vec<Value> = files.iter().flat_map(failures).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "imgopt",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules(),
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": failures.is_empty(),
                "toolExecutionNotifications": failures,
            }],
            "results": results,
        }],
    });
    serde_json::to_string_pretty(&log).map(|text| text + "\n")
}

fn rules() -> Vec<Value> {
    let passes = PIPELINE.iter().map(|pass| {
        let info = pass.info();
        let page = info.page();
        json!({
            "id": info.name,
            "shortDescription": { "text": info.summary },
            "help": { "text": page, "markdown": page },
            "defaultConfiguration": { "level": "warning" },
            "properties": { "maxLevel": info.max_level.name() },
        })
    });
    let syntax = json!({
        "id": SYNTAX,
        "shortDescription": { "text": "what BuildKit warns of or rejects, and suppressions that do nothing" },
        "help": { "text": "The file is read as BuildKit reads it. A suppression that holds nothing back can go." },
        "defaultConfiguration": { "level": "warning" },
    });
    passes.chain([syntax]).collect()
}

/// A file that could not be read is a condition of the run, and so is a mistake of imgopt's (3.20.21).
fn is_failure(remark: &Remark<'_>) -> bool {
    [FAILURE, TAKEN_BACK].contains(&remark.rule)
}

fn failures(report: &FileReport) -> Vec<Value> {
    let failure = |remark: &Remark<'_>| {
        json!({
            "level": "error",
            "message": { "text": remark.text() },
            "locations": [{ "physicalLocation": { "artifactLocation": { "uri": uri(&report.path) } } }],
        })
    };
    remarks(report).iter().filter(|remark| is_failure(remark)).map(failure).collect()
}

fn results(report: &FileReport) -> Vec<Value> {
    let Some(outcome) = report.outcome() else { return Vec::new() };
    let page = Page { uri: uri(&report.path), outcome, index: LineIndex::new(&outcome.original) };
    let changes = change::changes(outcome);
    let remarks = remarks(report);
    let fingerprints = gitlab::fingerprints(report, &outcome.original, &remarks);
    let found = remarks.iter().zip(fingerprints).filter(|(remark, _)| !is_failure(remark));
    let results = found.map(|(remark, fingerprint)| page.result(remark, &fingerprint, &changes));
    results
        .chain(outcome.suppressed.iter().map(|suppressed| {
            let mut suppression = json!({ "kind": "inSource" });
            if let Some(reason) = &suppressed.reason {
                suppression["justification"] = json!(reason);
            }
            json!({
                "ruleId": suppressed.pass,
                "level": "warning",
                "message": { "text": suppressed.message },
                "locations": [page.location(suppressed.span)],
                "suppressions": [suppression],
            })
        }))
        .collect()
}

struct Page<'a> {
    uri: String,
    outcome: &'a Outcome,
    index: LineIndex,
}

impl Page<'_> {
    fn result(&self, remark: &Remark<'_>, fingerprint: &str, changes: &[Change]) -> Value {
        let mut result = json!({
            "ruleId": remark.rule,
            "level": level(remark.grade),
            "message": { "text": remark.text() },
            "locations": [self.location(remark.span.unwrap_or_default())],
            "partialFingerprints": { "imgopt/v1": fingerprint },
        });
        let own: Vec<&Change> =
            changes.iter().filter(|change| remark.rewrite.is_some_and(|own| change.rewrites.contains(&own))).collect();
        if !own.is_empty() {
            result["fixes"] = json!([self.fix(remark, &own)]);
        }
        result
    }

    /// The lines that the rewrite changes, with what other rewrites change in them.
    fn fix(&self, remark: &Remark<'_>, changes: &[&Change]) -> Value {
        let replacement = |change: &&Change| {
            json!({
                "deletedRegion": self.region(change.old),
                "insertedContent": { "text": change.new.of(&self.outcome.optimized) },
            })
        };
        let others: Vec<&str> = changes
            .iter()
            .flat_map(|change| &change.rewrites)
            .filter(|index| Some(**index) != remark.rewrite)
            .filter_map(|index| self.outcome.applied.get(*index).map(|other| other.message.as_str()))
            .collect();
        let together = if others.is_empty() { String::new() } else { format!("; also: {}", others.join("; ")) };
        json!({
            "description": { "text": format!("{}{together}", remark.message) },
            "artifactChanges": [{
                "artifactLocation": { "uri": self.uri },
                "replacements": changes.iter().map(replacement).collect::<Vec<_>>(),
            }],
        })
    }

    fn location(&self, span: Span) -> Value {
        json!({ "physicalLocation": { "artifactLocation": { "uri": self.uri }, "region": self.region(span) } })
    }

    /// Lines and columns of a span. The end column is behind the last character (3.30.8).
    fn region(&self, span: Span) -> Value {
        let (line, column) = self.position(span.start);
        let (end_line, end_column) = self.position(span.end);
        json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
    }

    /// Line and column, the latter in characters.
    fn position(&self, offset: usize) -> (usize, usize) {
        let line = self.index.line(offset);
        let start = self.index.line_start(line).unwrap_or(0);
        (line, self.outcome.original[start..offset].chars().count() + 1)
    }
}

const fn level(grade: Grade) -> &'static str {
    match grade {
        Grade::Note => "note",
        Grade::Warning => "warning",
        Grade::Error => "error",
    }
}

/// The path as a relative URI reference.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in relative(path).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            b'\\' if cfg!(windows) => uri.push('/'),
            byte => uri += &format!("%{byte:02X}"),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn a_rewrite_is_a_result_with_a_fix() {
        let log: Value = serde_json::from_str(&render(&[sample()]).expect("JSON")).expect("JSON");
        let run = &log["runs"][0];
        let result = &run["results"][0];
        assert_eq!(result["ruleId"], "cache-mounts");
        let replacement = &result["fixes"][0]["artifactChanges"][0]["replacements"][0];
        let region = json!({ "startLine": 3, "startColumn": 1, "endLine": 4, "endColumn": 1 });
        assert_eq!(replacement["deletedRegion"], region);
        assert_eq!(run["invocations"][0]["executionSuccessful"], false, "imgopt made a mistake");
        let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
        let help = rules.iter().find(|rule| rule["id"] == "cache-mounts").map(|rule| &rule["help"]["markdown"]);
        assert!(help.and_then(Value::as_str).is_some_and(|help| help.contains("## What it does")));
    }

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("./a b/ä:x"), "a%20b/%C3%A4%3Ax");
    }
}
