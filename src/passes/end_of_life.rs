//! Base images past their end of life are named.
//!
//! ## What it does
//! Nothing is written. A proposal says that the language, the server or the distribution of a base image gets no more security
//! fixes, since when, and which line of versions is the next one that does.
//!
//! ## Why
//! Known holes stay open in every image that is built on it.
//!
//! ## Level
//! Proposal: another version may need changes of the program.
//!
//! ## Assumptions
//! None. The dates are those of `rewrites/eol.yaml`, compared with the day of the run. Fixes that one has to pay for do not count;
//! those of Debian LTS do.
//!
//! ## References
//! endoflife.date, release schedules of the projects.

use super::{Pass, PassContext, PassInfo};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::tables::{self, Support};

/// See the module documentation.
#[derive(Debug)]
pub struct EndOfLife;

static INFO: PassInfo = PassInfo {
    name: "end-of-life",
    summary: "base images that get no more security fixes are named, with what comes next",
    docs: include_str!("end_of_life.rs"),
    max_level: Level::Proposal,
};

impl Pass for EndOfLife {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let policy = cx.model.context.policy();
        let Some(today) = policy.today.as_deref() else { return };
        for stage in &cx.model.stages {
            let Some(image) = cx.model.base_image(stage) else { continue };
            let ended = tables::end_of_life(&policy.known_as(&image));
            for ended in ended.into_iter().filter(|ended| ended.is_over(today)) {
                let name = format!("{} {}", ended.family, ended.cycle.cycle);
                let since = match ended.last_day() {
                    Support::Until(day) => format!("`{name}` got its last security fixes on {day}"),
                    Support::Supported | Support::Ended => format!("`{name}` gets no more security fixes"),
                };
                let next = tables::eol().next_supported(ended.family, &ended.cycle.cycle, today);
                let message = match next {
                    Some(next) => format!("move from `{name}` to {} or later", next.cycle),
                    None => format!("move from `{name}`"),
                };
                let span = cx.model.instruction(stage.from).span;
                found.push(Rewrite::new(Level::Proposal, span, message, since));
            }
        }
    }
}
