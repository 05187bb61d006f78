//! The axiom by which neighbours change places.

use super::replay::Replay;
use crate::model::{Model, access};
use crate::rewrite::Level;

/// Checks the side conditions of [`super::Step::Commute`] and replays it.
pub(super) fn commute(
    before: &Model<'_>,
    replay: &mut Replay,
    first: usize,
    second: usize,
    level: Level,
) -> Result<(), String> {
    if before.has_triggers() {
        return Err("the file has ONBUILD: nothing moves".to_owned());
    }
    let stage = before.stage_of(first).ok_or("it stands in no stage")?;
    if before.stage_of(second).is_none_or(|other| other.index != stage.index) {
        return Err("the instructions stand in two stages".to_owned());
    }
    // A step that lets two effects change places leaves the inputs of all effects as they were, so this holds in the course of
    // the replay too.
    let accesses = before.accesses();
    let (Some(a), Some(b)) = (accesses.get(first), accesses.get(second)) else {
        return Err("there is no such instruction".to_owned());
    };
    let commute = access::commute(a, b);
    let makes_it_first = commute.is_err();
    if makes_it_first && access::workdir_before_copy(before, first, second).is_err() {
        commute?;
    }
    let is_assumed = makes_it_first || a.is_assumed() || b.is_assumed() || stage.image_by_argument;
    if is_assumed && level < Level::Guarded {
        return Err("what a command writes is an assumption".to_owned());
    }
    replay.swap(first, second)
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

    /// What the validator says when the steps are to lead from one text to the other.
    fn verdict(before: &str, after: &str, level: Level, steps: &[Step]) -> Result<(), String> {
        let (old, new) = (syntax::parse(before), syntax::parse(after));
        let (context, cache) = (BuildContext::unknown(), BodyCache::default());
        let before = Model::build(before, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        let rewrite = Rewrite { steps: steps.to_vec(), ..Rewrite::new(level, Span::new(0, 0), "moves", "why") };
        validate(&before, &after, &[rewrite])
    }

    #[track_caller]
    fn check(before: &str, after: &str, level: Level, steps: &[Step], reason: Option<&str>) {
        let found = verdict(before, after, level, steps);
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => {
                let found = found.expect_err("the validator refuses it");
                assert!(found.contains(reason), "{found}");
            }
        }
    }

    const BEFORE: &str = "FROM debian:bookworm-slim\n# sources\nCOPY . /app\n# tools\nRUN apt-get install -y curl\nRUN apt-get install -y git\n";
    const AFTER: &str = "FROM debian:bookworm-slim\n# tools\nRUN apt-get install -y curl\n# sources\nCOPY . /app\nRUN apt-get install -y git\n";
    const UP: Step = Step::Commute { first: 1, second: 2 };

    #[test]
    fn a_move_needs_its_step_and_its_level() {
        check(BEFORE, AFTER, Level::Guarded, &[UP], None);
        check(BEFORE, AFTER, Level::Safe, &[UP], Some("is an assumption"));
        check(BEFORE, AFTER, Level::Guarded, &[], Some("another effect"));
        check(BEFORE, BEFORE, Level::Guarded, &[UP], Some("another effect"));
        // Back again.
        check(BEFORE, BEFORE, Level::Guarded, &[UP, Step::Commute { first: 2, second: 1 }], None);
        let files = [
            "FROM debian:bookworm-slim\nCOPY a /a/\nCOPY b /b/\n",
            "FROM debian:bookworm-slim\nCOPY b /b/\nCOPY a /a/\n",
        ];
        check(files[0], files[1], Level::Safe, &[UP], None);
    }

    #[test]
    fn only_neighbours_move() {
        check(BEFORE, AFTER, Level::Guarded, &[Step::Commute { first: 1, second: 3 }], Some("does not stand behind"));
        check(BEFORE, AFTER, Level::Guarded, &[Step::Commute { first: 2, second: 3 }], Some("both use"));
        check(BEFORE, AFTER, Level::Guarded, &[Step::Commute { first: 0, second: 1 }], Some("a stage begins"));
        check(BEFORE, AFTER, Level::Guarded, &[Step::Commute { first: 1, second: 9 }], Some(""));
        check(BEFORE, AFTER, Level::Guarded, &[UP, Step::DropUpdate { run: 2 }], Some("moved and changed at once"));
    }

    #[test]
    fn comments_move_with_their_instruction() {
        let stays = AFTER.replacen("# tools\n", "", 1).replacen("# sources\n", "# sources\n# tools\n", 1);
        check(BEFORE, &stays, Level::Guarded, &[UP], Some("comments"));
        check(BEFORE, &AFTER.replacen("# tools\n", "", 1), Level::Guarded, &[UP], Some("is lost"));
    }

    #[test]
    fn a_file_with_triggers_stays() {
        let with = |text: &str| format!("{text}ONBUILD RUN true\n");
        check(&with(BEFORE), &with(AFTER), Level::Guarded, &[UP], Some("ONBUILD"));
    }
}
