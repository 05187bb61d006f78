//! What `go-build` and `rust-build` share: build commands gain what the model says.

use crate::edit::Edit;
use crate::model::Model;
use crate::model::lean_build::{self, Gain, Leaner};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::validate::Step;

/// Rewrites the build commands of one program.
pub(super) fn rewrite_builds(model: &Model<'_>, program: &str, found: &mut Findings) {
    for run in (0..model.dockerfile.instructions.len()).filter(|index| model.is_run(*index)) {
        for call in model.calls(run).iter().filter(|call| call.program() == program) {
            let span = model.script_span(run, call.span());
            match lean_build::leaner(model, run, call) {
                None => {}
                Some(Err((reason, unlock))) => found.decline(span, reason, unlock),
                Some(Ok(leaner)) => {
                    let mut rewrite = explained(&leaner, span).step(Step::LeanBuild { run, command: call.id });
                    for gain in &leaner.gains {
                        let words = &call.command.words;
                        rewrite = rewrite.edit(match gain {
                            Gain::Variable { name, value } => {
                                let start = model.script_span(run, words[0].span).start;
                                Edit::insert(start, format!("{name}={value} "))
                            }
                            Gain::Words { at, words: gained } => {
                                let before = model.script_span(run, words[at - 1].span).end;
                                Edit::insert(
                                    before,
                                    gained.iter().map(|word| format!(" {}", quoted(word))).collect::<String>(),
                                )
                            }
                        });
                    }
                    found.push(rewrite);
                }
            }
        }
    }
}

fn explained(leaner: &Leaner, span: crate::source::Span) -> Rewrite {
    let gains: Vec<String> = leaner
        .gains
        .iter()
        .map(|gain| match gain {
            Gain::Variable { name, value } => format!("`{name}={value}`"),
            Gain::Words { words, .. } => {
                format!("`{}`", words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
            }
        })
        .collect();
    let mut rewrite =
        Rewrite::new(Level::Guarded, span, format!("gains {}", gains.join(" and ")), leaner.reasons.join("; "));
    if leaner.is_unseen {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::NoUnseenNeeds));
    }
    if leaner.loses_paths {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::NoComputedReads));
    }
    leaner.migration.iter().fold(rewrite, |rewrite, line| rewrite.migrate(line.as_str()))
}

/// A word as it is written for the shell.
fn quoted(word: &str) -> String {
    match word.split_once('=') {
        Some((name, value)) if value.contains(' ') => format!("{name}=\"{value}\""),
        _ => word.to_owned(),
    }
}
