//! How long validation takes beside the passes.

use std::time::{Duration, Instant};

use imgopt::context::BuildContext;
use imgopt::model::Model;
use imgopt::model::body::BodyCache;
use imgopt::passes::{PIPELINE, PassContext};
use imgopt::rewrite::Findings;
use imgopt::{syntax, validate};

use crate::Kept;

/// Time spent on one file or on many.
#[derive(Clone, Copy, Default)]
pub(crate) struct Times {
    /// The passes: reading the model and making rewrites.
    pub(crate) passes: Duration,
    /// Replaying the steps and comparing the effects.
    pub(crate) check: Duration,
    /// Reading the new text and computing its model, which the validator and the next pass need.
    pub(crate) reading: Duration,
}

impl Times {
    pub(crate) fn add(self, other: Self) -> Self {
        Self {
            passes: self.passes + other.passes,
            check: self.check + other.check,
            reading: self.reading + other.reading,
        }
    }
}

fn timed<T>(total: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = work();
    *total += start.elapsed();
    result
}

/// Goes the way of the driver once more, by the rounds that it reported.
pub(crate) fn measure(source: &str, context: &BuildContext, rounds: &[Kept]) -> Times {
    let mut times = Times::default();
    let options = crate::options();
    let bodies = BodyCache::default();
    let mut rounds = rounds.iter().peekable();
    let mut text = source;
    let mut changed = true;
    while changed {
        changed = false;
        for pass in PIPELINE {
            let tree = syntax::parse(text).dockerfile;
            let model = Model::build(text, &tree, context, &bodies);
            timed(&mut times.passes, || {
                pass.run(&PassContext { model: &model, options: &options }, &mut Findings::default());
            });
            let Some(round) = rounds.next_if(|round| round.pass == pass.info().name && round.before == text) else {
                continue;
            };
            let new_tree = timed(&mut times.reading, || syntax::parse(&round.after).dockerfile);
            let after = timed(&mut times.reading, || Model::build(&round.after, &new_tree, context, &bodies));
            timed(&mut times.check, || validate::check(&model, &after, &round.rewrites)).expect("it was validated");
            text = &round.after;
            changed = true;
        }
    }
    times
}
