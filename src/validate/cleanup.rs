//! The axioms by which files are deleted in the layer that makes them.

use super::replay::Replay;
use crate::model::{Model, idle, lists};
use crate::rewrite::Level;

/// Checks the side conditions of [`super::Step::DropIdle`] and replays it.
pub(super) fn drop_idle(before: &Model<'_>, replay: &mut Replay, run: usize) -> Result<(), String> {
    idle::is_idle(before, run)?;
    replay.remove(run).map(drop)
}

/// Checks the side conditions of [`super::Step::MoveDeleteToMaker`] and replays it.
pub(super) fn move_delete(
    before: &Model<'_>,
    replay: &mut Replay,
    maker: usize,
    run: usize,
    level: Level,
) -> Result<(), String> {
    if idle::may_delete_earlier(before, maker, run)? && level < Level::Guarded {
        return Err("what a command writes is an assumption".to_owned());
    }
    replay.join(maker, run)
}

/// Checks the side conditions of the mount of [`super::Step::AddScratchUpdate`] and replays it.
pub(super) fn add_scratch_update(before: &Model<'_>, replay: &mut Replay, run: usize) -> Result<(), String> {
    lists::may_be_scratch(before, run)?;
    replay.run(run)?.mounts.push(lists::scratch());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Step, check as validate};
    use super::*;
    use crate::context::BuildContext;
    use crate::model::body::BodyCache;
    use crate::rewrite::Rewrite;
    use crate::source::Span;
    use crate::syntax;

    #[track_caller]
    fn check(before: &str, after: &str, level: Level, step: Step, reason: Option<&str>) {
        let (old, new) = (syntax::parse(before), syntax::parse(after));
        let (context, cache) = (BuildContext::unknown(), BodyCache::default());
        let before = Model::build(before, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        let rewrite = Rewrite { steps: vec![step], ..Rewrite::new(level, Span::new(0, 0), "goes", "why") };
        match (validate(&before, &after, &[rewrite]), reason) {
            (Ok(()), None) => {}
            (Err(found), Some(reason)) => assert!(found.contains(reason), "{found}"),
            (found, _) => panic!("{found:?}"),
        }
    }

    const INSTALL: &str =
        "FROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y make && rm -rf /var/lib/apt/lists/*\n";

    #[test]
    fn only_what_is_gone_is_idle() {
        let with = |text: &str| format!("{INSTALL}{text}");
        let late = "RUN apt-get clean && rm -rf /var/lib/apt/lists/*\n";
        check(&with(late), INSTALL, Level::Safe, Step::DropIdle { run: 2 }, None);
        check(&with(late), INSTALL, Level::Safe, Step::DropIdle { run: 1 }, Some("does more"));
        let again = with("RUN apt-get update\n");
        check(&format!("{again}{late}"), &again, Level::Safe, Step::DropIdle { run: 3 }, Some("leave files"));
        let temporary = "RUN rm -rf /tmp/*\n";
        check(&with(temporary), INSTALL, Level::Safe, Step::DropIdle { run: 2 }, Some("earlier layers"));
        let first = "FROM debian:bookworm-slim\n";
        check(&format!("{first}{late}"), first, Level::Safe, Step::DropIdle { run: 1 }, Some("no earlier RUN"));
    }

    #[test]
    fn a_deletion_moves_over_what_does_not_see_it() {
        let fetch = "FROM debian:bookworm-slim\nRUN wget -O /tmp/a.tgz https://example.com/a.tgz";
        let step = || Step::MoveDeleteToMaker { maker: 1, run: 3 };
        let moved = |between: &str| {
            let before = format!("{fetch}\n{between}RUN rm /tmp/a.tgz\n");
            (before, format!("{fetch} && rm /tmp/a.tgz\n{between}"))
        };
        let (before, after) = moved("ENV A=b\n");
        check(&before, &after, Level::Guarded, step(), None);
        let (before, after) = moved("RUN make\n");
        check(&before, &after, Level::Guarded, step(), Some("stands between"));
        let (before, after) = moved("COPY a /tmp/a.tgz\n");
        check(&before, &after, Level::Guarded, step(), Some("stands between"));
        let (before, after) = moved("USER 1000\n");
        check(&before, &after, Level::Guarded, step(), Some("stands between"));
    }
}
