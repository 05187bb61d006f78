//! The text report: each rewrite with its place, reason, assumptions and level, then the diff, then a closing line.

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};

use super::remark::{MISTAKE, promise, promise_of_proposal};
use super::{FileReport, Finding, Output, OutputState, Status, Summary, counted, diff, mask, printable};
use crate::diagnostic::{Diagnostic, Severity};
use crate::pipeline::{Applied, Declined, Outcome, Proposed, Suppressed, Violation};
use crate::source::{LineIndex, Span};

/// Longest line that is shown, in bytes.
const MAX_LINE: usize = 4096;

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// With colours, for a terminal.
    pub styled: bool,
    /// Lists the places that were left alone; otherwise they are counted.
    pub verbose: bool,
    /// Says of each rewrite what was proved.
    pub explain: bool,
    /// How much.
    pub detail: Detail,
}

/// How much of a file's report is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// All of it.
    #[default]
    Full,
    /// All but the diff, which is printed elsewhere.
    WithoutDiff,
    /// Only the line at the end.
    Brief,
}

/// What there is to say about one file. Failures are for [`failure`].
#[must_use]
pub fn file(report: &FileReport, style: Style) -> String {
    match &report.finding {
        Finding::Read(outcome) => read(report, outcome, style),
        Finding::Skipped(reason) => line(report, &format!("skipped: {reason}")),
        Finding::Failed(_) => String::new(),
    }
}

/// The line at the end of a run over several files.
#[must_use]
pub fn summary(summary: &Summary) -> String {
    let rewrites = format!("{} in {}", counted(summary.rewrites, "rewrite"), counted(summary.rewritten, "file"));
    let parts = [
        (summary.rewritten, rewrites),
        (summary.unchanged, format!("{} with nothing to gain", summary.unchanged)),
        (summary.skipped, format!("{} skipped", summary.skipped)),
        (summary.errors, format!("{} with errors", summary.errors)),
    ];
    let parts: Vec<String> = parts.into_iter().filter(|(n, _)| *n > 0).map(|(_, part)| part).collect();
    format!("{}: {}\n", counted(summary.files, "file"), parts.join(", "))
}

/// Why a file could not be read or written, and the next step.
#[must_use]
pub fn failure(report: &FileReport, style: Style) -> Option<String> {
    match &report.finding {
        Finding::Failed(failure) => {
            let message = format!("{}: {}", report.path, failure.message);
            Some(error(&message, failure.help.as_deref(), style))
        }
        Finding::Read(outcome) if report.status() == Status::Error => {
            let page = Page::new(report, outcome, style);
            let errors = outcome.diagnostics.iter().filter(|diagnostic| diagnostic.severity > Severity::Warning);
            let errors: String = errors.map(|diagnostic| page.diagnostic(diagnostic)).collect();
            let reason = outcome.skipped.as_deref().unwrap_or_default();
            Some(format!("{errors}{}: left alone: {reason}\n", printable(&report.path)))
        }
        Finding::Read(_) | Finding::Skipped(_) => None,
    }
}

/// An error that is not about a place in a file.
#[must_use]
pub fn error(message: &str, help: Option<&str>, style: Style) -> String {
    let title = Level::ERROR.primary_title(printable(message));
    let help = help.map(|help| Level::HELP.message(printable(help)));
    let text = renderer(style).render(&[Group::with_title(title).elements(help)]);
    text + "\n"
}

fn read(report: &FileReport, outcome: &Outcome, style: Style) -> String {
    if report.status() == Status::Error {
        return String::new();
    }
    if style.detail == Detail::Brief {
        return closing(report, outcome, style);
    }
    let page = Page::new(report, outcome, style);
    let mut text = String::new();
    text.extend(outcome.diagnostics.iter().map(|diagnostic| page.diagnostic(diagnostic)));
    text.extend(outcome.applied.iter().map(|rewrite| page.rewrite(rewrite)));
    text.extend(outcome.proposed.iter().map(|proposal| page.proposal(proposal)));
    if style.verbose {
        text.extend(outcome.declined.iter().map(|declined| page.declined(declined)));
        text.extend(outcome.suppressed.iter().map(|suppressed| page.suppressed(suppressed)));
    }
    text.extend(outcome.violations.iter().map(|violation| page.violation(violation)));
    if outcome.changed() && style.detail == Detail::Full {
        text += &diff::of(&report.path, outcome, style.styled);
        text += "\n";
    }
    text += &closing(report, outcome, style);
    text
}

/// `Dockerfile: 2 rewrites, 1 place left alone (-v lists them); wrote Dockerfile.optimized`.
fn closing(report: &FileReport, outcome: &Outcome, style: Style) -> String {
    let mut parts = vec![match &outcome.skipped {
        Some(reason) => format!("skipped: {reason}"),
        None if outcome.changed() => counted(outcome.applied.len(), "rewrite"),
        None if !outcome.proposed.is_empty() => "unchanged".to_owned(),
        None if outcome.known > 0 => "nothing new".to_owned(),
        None => "nothing to gain".to_owned(),
    }];
    if !outcome.proposed.is_empty() {
        parts.push(counted(outcome.proposed.len(), "proposal"));
    }
    if !outcome.declined.is_empty() {
        let hint = if style.verbose { "" } else { " (-v lists them)" };
        parts.push(format!("{} left alone{hint}", counted(outcome.declined.len(), "place")));
    }
    if !outcome.suppressed.is_empty() {
        parts.push(format!("{} suppressed", outcome.suppressed.len()));
    }
    if outcome.known > 0 {
        parts.push(format!("{} known", outcome.known));
    }
    line(report, &parts.join(", "))
}

/// What there is to say about the file, and how its outputs stand.
fn line(report: &FileReport, what: &str) -> String {
    let outputs = report.outputs.iter().map(output_state);
    let parts: Vec<String> = std::iter::once(format!("{}: {what}", report.path)).chain(outputs).collect();
    printable(&parts.join("; ")) + "\n"
}

fn output_state(output: &Output) -> String {
    let path = &output.path;
    match output.state {
        OutputState::Written => format!("wrote {path}"),
        OutputState::Current => format!("{path} is up to date"),
        OutputState::Removed => format!("removed {path}"),
        OutputState::Missing => format!("{path} is missing"),
        OutputState::Stale => format!("{path} is stale"),
        OutputState::Edited => format!("{path} was edited by hand or written by something else"),
        OutputState::LeftOver => format!("{path} is left over"),
    }
}

/// One file while its report is printed.
struct Page<'a> {
    path: String,
    source: &'a str,
    index: LineIndex,
    renderer: Renderer,
    explain: bool,
}

impl<'a> Page<'a> {
    fn new(report: &FileReport, outcome: &'a Outcome, style: Style) -> Self {
        let source = outcome.original.as_str();
        Self {
            path: printable(&report.path),
            source,
            index: LineIndex::new(source),
            renderer: renderer(style),
            explain: style.explain,
        }
    }

    fn rewrite(&self, rewrite: &Applied) -> String {
        let level = Level::NOTE.with_name("rewrite");
        let mut notes = promise(rewrite);
        if self.explain {
            let proved = rewrite.proved.iter().map(|claim| ("proved", (*claim).to_owned()));
            notes.splice(1..1, proved);
        }
        self.entry(level, Some(rewrite.pass), &rewrite.message, rewrite.span, &notes)
    }

    fn proposal(&self, proposal: &Proposed) -> String {
        let notes = promise_of_proposal(proposal);
        let level = Level::NOTE.with_name("proposal");
        self.entry(level, Some(proposal.pass), &proposal.message, proposal.span, &notes)
    }

    fn declined(&self, declined: &Declined) -> String {
        let notes = [("unlock", declined.unlock.clone())];
        self.entry(Level::INFO.with_name("declined"), Some(declined.pass), &declined.reason, declined.span, &notes)
    }

    fn suppressed(&self, suppressed: &Suppressed) -> String {
        let notes: Vec<_> = suppressed.reason.iter().map(|reason| ("reason", reason.clone())).collect();
        let level = Level::INFO.with_name("suppressed");
        self.entry(level, Some(suppressed.pass), &suppressed.message, suppressed.span, &notes)
    }

    fn violation(&self, violation: &Violation) -> String {
        let notes = [("note", "the rewrite was taken back".to_owned()), ("help", MISTAKE.to_owned())];
        self.entry(Level::ERROR, Some(violation.pass), &violation.message, violation.span, &notes)
    }

    fn diagnostic(&self, diagnostic: &Diagnostic) -> String {
        let level = match diagnostic.severity {
            Severity::Warning => Level::WARNING,
            Severity::Disallowed | Severity::InstructionError | Severity::ParseError => Level::ERROR,
        };
        let notes: Vec<_> = diagnostic.hint.iter().map(|hint| ("help", hint.clone())).collect();
        self.entry(level, None, &diagnostic.message, diagnostic.span, &notes)
    }

    /// A title, the first line of the place, and notes below it.
    fn entry(
        &self,
        level: Level<'static>,
        pass: Option<&'static str>,
        message: &str,
        span: Span,
        notes: &[(&'static str, String)],
    ) -> String {
        let title = level.primary_title(printable(message));
        let title = match pass {
            Some(pass) => title.id(pass),
            None => title,
        };
        let notes = notes.iter().map(|(name, text)| Level::NOTE.with_name(*name).message(printable(text)));
        self.renderer.render(&[title.element(self.place(span)).elements(notes)]) + "\n\n"
    }

    /// The line of the place, or its number alone when the line is too long to look at.
    fn place(&self, span: Span) -> Element<'_> {
        let number = self.index.line(span.start);
        let (line, within) = self.first_line(span);
        if line.len() > MAX_LINE {
            return Origin::path(self.path.as_str()).line(number).into();
        }
        let (line, within) = mask::mask(line, within);
        let annotation = AnnotationKind::Primary.span(within);
        Snippet::source(line).path(self.path.as_str()).line_start(number).annotation(annotation).into()
    }

    /// The line on which the span starts, and the part of the span that lies on it: what follows is in the diff.
    fn first_line(&self, span: Span) -> (&'a str, std::ops::Range<usize>) {
        let line = self.index.line(span.start);
        let start = self.index.line_start(line).unwrap_or(0);
        let text = self.source[start..].split('\n').next().unwrap_or_default().trim_end();
        let from = (span.start - start).min(text.len());
        let to = (span.end - start).min(text.len());
        (text, from..to)
    }
}

const fn renderer(style: Style) -> Renderer {
    if style.styled { Renderer::styled() } else { Renderer::plain() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Failure, sample};

    #[test]
    fn a_report_explains_each_rewrite() {
        let expected = "\
rewrite[cache-mounts]: keep the pip download cache between builds
 --> Dockerfile:3:1
  |
3 | RUN pip install --index-url https://bob:***@example.org/simple \\
  | ^^^
  |
  = reason: downloads stay out of the layer and are reused by the next build
  = assumes: the image is built with BuildKit (not proved)
  = assumes: build arguments have their defaults (proved: there are none)
  = level: guarded

proposal[non-root-user]: run the program as a user of its own
 --> Dockerfile:5:1
  |
5 | CMD [\"x\"]
  | ^^^^^^^^^
  |
  = reason: a program that is broken into owns nothing
  = migration: volumes that root wrote have to be given to the user once: `chown -R 10001:10001 <volume>`
  = level: proposal

error[exec-form]: the argv changes
 --> Dockerfile:5:1
  |
5 | CMD [\"x\"]
  | ^^^
  |
  = note: the rewrite was taken back
  = help: this is a mistake in imgopt: please open an issue with this Dockerfile

--- a/Dockerfile
+++ b/Dockerfile
@@ -1,5 +1,5 @@
 FROM a
 ENV API_KEY=k3y
-RUN pip install --index-url https://bob:pw@example.org/simple \\
+RUN --mount=type=cache,target=/root/.cache/pip pip install --index-url https://bob:pw@example.org/simple \\
     -r requirements.txt
 CMD [\"x\"]

Dockerfile: 1 rewrite, 1 proposal, 1 place left alone (-v lists them); wrote Dockerfile.optimized
";
        assert_eq!(file(&sample(), Style::default()), expected);
    }

    #[test]
    fn a_proposal_above_the_level_says_how_to_apply_it() {
        let mut report = sample();
        let Finding::Read(outcome) = &mut report.finding else { panic!("a file that was read") };
        outcome.optimized = outcome.original.clone();
        outcome.proposed = std::mem::take(&mut outcome.applied);
        report.outputs.clear();
        let text = file(&report, Style::default());
        assert!(text.contains("= level: guarded\n  = help: `--level guarded` or `--enable cache-mounts` applies it\n"));
        assert!(text.ends_with("Dockerfile: unchanged, 1 proposal, 1 place left alone (-v lists them)\n"), "{text}");
    }

    #[test]
    fn a_verbose_report_lists_what_was_left_alone() {
        let text = file(&sample(), Style { verbose: true, ..Style::default() });
        assert!(!text.contains("= proved"), "{text}");
        let explained = file(&sample(), Style { explain: true, ..Style::default() });
        assert!(
            explained.contains("next build\n  = proved: nothing else reads the directory\n  = assumes:"),
            "{explained}"
        );
        let expected = "\
declined[cache-mounts]: the value is not understood
 --> Dockerfile:2:5
  |
2 | ENV API_KEY=***
  |     ^^^^^^^^^^^
  |
  = unlock: write it without a variable
";
        assert!(text.contains(expected), "{text}");
        assert!(text.ends_with("Dockerfile: 1 rewrite, 1 proposal, 1 place left alone; wrote Dockerfile.optimized\n"));
    }

    #[test]
    fn colours_change_nothing_but_the_looks() {
        let styled = file(&sample(), Style { styled: true, verbose: true, ..Style::default() });
        let plain = file(&sample(), Style { verbose: true, ..Style::default() });
        assert_ne!(styled, plain);
        assert_eq!(anstream::adapter::strip_str(&styled).to_string(), plain);
    }

    #[test]
    fn a_file_that_buildkit_rejects_is_a_failure() {
        let mut report = sample();
        let Finding::Read(outcome) = &mut report.finding else { panic!("a file that was read") };
        outcome.skipped = Some("BuildKit rejects it".to_owned());
        outcome.diagnostics = vec![Diagnostic {
            severity: Severity::ParseError,
            span: Span::new(0, 4),
            message: "unknown instruction: FORM".to_owned(),
            hint: Some("did you mean FROM?".to_owned()),
        }];
        assert_eq!(file(&report, Style::default()), "");
        let expected = "\
error: unknown instruction: FORM
 --> Dockerfile:1:1
  |
1 | FROM a
  | ^^^^
  |
  = help: did you mean FROM?

Dockerfile: left alone: BuildKit rejects it
";
        assert_eq!(failure(&report, Style::default()).as_deref(), Some(expected));
    }

    #[test]
    fn nothing_in_a_report_steers_the_terminal() {
        let report = FileReport {
            path: "a\u{1b}[2J".to_owned(),
            finding: Finding::Failed(Failure::new("no\u{7}", "look\n")),
            outputs: Vec::new(),
        };
        let text = failure(&report, Style::default()).expect("a failure");
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
        let report = FileReport { finding: Finding::Skipped("vendored".to_owned()), ..report };
        assert_eq!(file(&report, Style::default()), "a\u{fffd}[2J: skipped: vendored\n");
    }

    #[test]
    fn a_line_that_is_too_long_is_not_shown() {
        let source = format!("RUN a\nENV {}\n", "A_KEY=".repeat(1 << 20));
        let outcome = Outcome { original: source, ..Outcome::default() };
        let page = Page::new(&sample(), &outcome, Style::default());
        let text = page.entry(Level::NOTE, None, "m", Span::new(6, 9), &[("reason", "r".to_owned())]);
        assert_eq!(text, "note: m\n--> Dockerfile:2\n = reason: r\n\n");
    }

    #[test]
    fn spans_at_odd_places_are_shown() {
        for source in ["", "\n", "\u{feff}FROM a", "RUN ä \\\r\n  ö\r\n"] {
            let outcome = Outcome { original: source.to_owned(), ..Outcome::default() };
            let report = FileReport { path: "x".to_owned(), finding: Finding::Skipped(String::new()), outputs: vec![] };
            let page = Page::new(&report, &outcome, Style::default());
            let offsets = (0..=source.len()).filter(|offset| source.is_char_boundary(*offset));
            for start in offsets.clone() {
                for end in offsets.clone().filter(|end| *end >= start) {
                    let text = page.entry(Level::NOTE, None, "m", Span::new(start, end), &[]);
                    assert!(text.starts_with("note: m\n"), "{text}");
                }
            }
        }
    }
}
