//! Makes a Dockerfile smaller while it still shows a mistake: for reports of mistakes of imgopt itself.
//!
//! Parts are left out as long as a predicate holds, first instructions, then lines, then words (delta debugging, after
//! Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002). What looks like a secret is masked
//! before anything else.

use crate::context::BuildContext;
use crate::edit::{Edit, EditSet};
use crate::pipeline::{Options, Outcome, optimize};
use crate::report::{masked, names_secret};
use crate::source::Span;
use crate::syntax;
use crate::syntax::ast::{InstructionKind, Item, ItemKind};

/// The predicate is asked at most so many times.
const MAX_QUESTIONS: usize = 600;

/// Looks for a small text that shows each violation.
pub(crate) fn violations(outcome: &mut Outcome, context: &BuildContext, options: &Options) {
    let options = Options { reproduce: false, ..options.clone() };
    for violation in &mut outcome.violations {
        let mut shows =
            |text: &str| optimize(text, context, &options).violations.iter().any(|other| other.pass == violation.pass);
        violation.reproduction = reduce(&outcome.original, &mut shows);
    }
}

/// The smallest text that was found for which `shows` holds. Nothing, when it does not hold for `text` with secrets masked:
/// a text with secrets is never given back.
fn reduce(text: &str, shows: &mut dyn FnMut(&str) -> bool) -> Option<String> {
    let text: String = without_secret_values(text).split_inclusive('\n').map(masked).collect();
    let mut reducer = Reducer { shows, left: MAX_QUESTIONS };
    if !reducer.asks(&text) {
        return None;
    }
    let mut text = text;
    loop {
        let before = text.len();
        for split in [instructions, lines, words] {
            let parts = reducer.shrink(split(&text));
            text = parts.concat();
        }
        if text.len() == before {
            return Some(text);
        }
    }
}

/// The text with the values masked of variables whose names say that they hold secrets, over however many lines they go.
fn without_secret_values(text: &str) -> String {
    let mut edits = EditSet::default();
    for instruction in syntax::parse(text).dockerfile.instructions {
        let values: Vec<(String, Span)> = match instruction.kind {
            InstructionKind::Env(values) | InstructionKind::Label(values) => {
                values.pairs.into_iter().map(|pair| (pair.key.text, pair.value.span)).collect()
            }
            InstructionKind::Arg(declarations) => declarations
                .into_iter()
                .filter_map(|declaration| Some((declaration.name.text, declaration.default?.span)))
                .collect(),
            _ => continue,
        };
        for (_, value) in values.into_iter().filter(|(name, value)| names_secret(name) && !value.is_empty()) {
            // Values of one instruction do not overlap.
            let _ = edits.try_add(&[Edit::replace(value, "***")]);
        }
    }
    edits.apply(text)
}

struct Reducer<'a> {
    shows: &'a mut dyn FnMut(&str) -> bool,
    /// Questions that may still be asked.
    left: usize,
}

impl Reducer<'_> {
    fn asks(&mut self, text: &str) -> bool {
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        (self.shows)(text)
    }

    /// Leaves out parts, many at once and then fewer.
    fn shrink(&mut self, mut parts: Vec<String>) -> Vec<String> {
        let mut size = parts.len() / 2;
        while size > 0 {
            let mut at = 0;
            while at < parts.len() {
                let end = (at + size).min(parts.len());
                let rest: Vec<String> = parts[..at].iter().chain(&parts[end..]).cloned().collect();
                if self.asks(&rest.concat()) {
                    parts = rest;
                } else {
                    at = end;
                }
            }
            size /= 2;
        }
        parts
    }
}

/// The items of the file, heredoc bodies with their instruction.
fn instructions(text: &str) -> Vec<String> {
    let mut spans: Vec<Span> = Vec::new();
    for Item { kind, span } in syntax::parse(text).dockerfile.items {
        match spans.last_mut().filter(|_| kind == ItemKind::HeredocBody) {
            Some(last) => *last = last.to(span),
            None => spans.push(span),
        }
    }
    spans.into_iter().map(|span| span.of(text).to_owned()).collect()
}

fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split_inclusive([' ', '\t']).flat_map(|part| part.split_inclusive('\n')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_matter_is_left_out() {
        let text = "# a\nFROM debian:12 AS x\nENV A=1 \\\n    B=2\nRUN <<EOF\nmake\necho bad one\nEOF\nCOPY . /app\nCMD [\"x\"]\n";
        let mut asked = 0;
        let found = reduce(text, &mut |text| {
            asked += 1;
            text.contains("FROM debian") && text.contains("bad")
        });
        assert_eq!(found.as_deref(), Some("FROM debian:12 bad "));
        assert!(asked <= MAX_QUESTIONS);
    }

    #[test]
    fn secrets_are_never_part_of_it() {
        let text = "FROM a\nENV API_KEY=k3y\nRUN curl https://bob:pw@example.org/bad\n";
        let found = reduce(text, &mut |text| text.contains("bad") && text.contains("API_KEY")).expect("it shows");
        assert!(!found.contains("k3y") && !found.contains("pw"), "{found}");
        let long = "FROM a\nENV DB_PASSWORD=\"one\\\n two\" A=bad\nARG TOKEN=three\n";
        let found = reduce(long, &mut |text| text.contains("PASSWORD=") && text.contains("TOKEN=")).expect("it shows");
        assert!(!found.contains("one") && !found.contains("two") && !found.contains("three"), "{found}");
        // What a mistake needs a secret for is not written.
        assert_eq!(reduce(text, &mut |text| text.contains("k3y")), None);
    }

    #[test]
    fn it_comes_to_an_end() {
        let text = "RUN a b c d e f g h\n".repeat(3000);
        let mut asked = 0;
        let found = reduce(&text, &mut |text| {
            asked += 1;
            text.len() % 7 != 0 || text.len() > 1000
        });
        assert!(found.is_some() && asked <= MAX_QUESTIONS, "{asked}");
    }
}
