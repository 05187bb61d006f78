//! Translation validation: no rewrite is written that its steps do not justify.
//!
//! The steps of the rewrites are replayed on the effects before. Each step checks its side conditions itself, from the
//! model of the text before and from the tables, never from values that a pass supplies. The result has to equal the
//! effects of the text after, element by element: a change without a step is a violation. The runtime configuration of
//! every stage, comments, directives and heredoc bodies are compared too.

mod alpine;
mod axioms;
mod base;
mod builds;
mod claims;
mod cleanup;
mod commute;
mod configuration;
mod dependencies;
mod health;
mod labels;
mod ownership;
mod pin;
mod replay;
mod split;
mod trivia;
mod user;

use crate::model::Model;
use crate::rewrite::{Level, Rewrite};

pub use axioms::Step;
pub use split::{Carried, Split};

/// Checks that the rewrites, applied together, lead from `before` to `after`.
///
/// # Errors
/// A sentence that says what does not hold.
pub fn check(before: &Model<'_>, after: &Model<'_>, rewrites: &[Rewrite]) -> Result<(), String> {
    let mut replay = replay::Replay::new(before);
    for rewrite in rewrites {
        for step in &rewrite.steps {
            if rewrite.level < step.floor() {
                return Err(format!("{step:?} cannot be {}", rewrite.level));
            }
            axioms::apply(step, before, &mut replay, rewrite.level)?;
        }
        let assumed = rewrite.assumptions.iter().any(|assumption| assumption.evidence.is_none());
        if assumed && rewrite.level == Level::Safe {
            return Err("a safe rewrite has an assumption that is not proved".to_owned());
        }
    }
    let found = after.effects();
    let count = replay.effects().len();
    if count != found.len() {
        return Err(format!("{count} instructions were expected and {} found", found.len()));
    }
    for (index, (expected, found)) in replay.effects().zip(found).enumerate() {
        if expected != found {
            let keyword = after.instruction(index).keyword.of(after.source);
            let line = after.lines.line(after.instruction(index).span.start);
            return Err(format!("the {keyword} of line {line} has another effect than its steps justify"));
        }
    }
    configuration::compare(before, after, rewrites, |instruction| replay.last_place(instruction))?;
    trivia::compare(before, after, |instruction| replay.places(instruction))
}
