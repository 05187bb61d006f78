//! The axiom by which a health check asks with another program.

use super::replay::Replay;
use crate::model::Model;
use crate::model::effect::Effect;

/// Checks the side conditions of [`super::Step::AskOtherwise`] and replays it: the command is the one that the model says.
pub(super) fn ask_otherwise(before: &Model<'_>, replay: &mut Replay, instruction: usize) -> Result<(), String> {
    let stage = before.final_stage().filter(|stage| stage.instructions.contains(&instruction));
    let stage = stage.ok_or("it is no health check of the image")?;
    let better = before.better_check(stage, instruction).map_err(|(reason, _)| reason)?;
    let better = better.ok_or("the program may be there")?;
    let Effect::Healthcheck { command, .. } = replay.effect(instruction)? else {
        return Err("it is no health check".to_owned());
    };
    *command = Some(better.command);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{Step, check as validate};
    use super::*;
    use crate::context::BuildContext;
    use crate::model::body::BodyCache;
    use crate::rewrite::{Level, Rewrite};
    use crate::source::Span;
    use crate::syntax;

    const BEFORE: &str =
        "FROM node:22-bookworm-slim\nHEALTHCHECK CMD [\"curl\", \"-f\", \"http://localhost:3000/\"]\nCMD [\"node\"]\n";
    const ASKED: &str = "[\"node\", \"-e\", \"require('http').get('http://127.0.0.1:3000/', r => process.exit(r.statusCode < 400 ? 0 : 1)).on('error', () => process.exit(1))\"]";

    #[track_caller]
    fn check(before: &str, after: &str, level: Level, reason: Option<&str>) {
        let (old, new) = (syntax::parse(before), syntax::parse(after));
        let (context, cache) = (BuildContext::unknown(), BodyCache::default());
        let before = Model::build(before, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        let step = Step::AskOtherwise { instruction: 1 };
        let rewrite = Rewrite { steps: vec![step], ..Rewrite::new(level, Span::new(0, 0), "", "") };
        let found = validate(&before, &after, &[rewrite]);
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => assert!(found.as_ref().is_err_and(|found| found.contains(reason)), "{found:?}"),
        }
    }

    #[test]
    fn the_question_is_the_one_of_the_model() {
        let old = "[\"curl\", \"-f\", \"http://localhost:3000/\"]";
        let after = BEFORE.replace(old, ASKED);
        check(BEFORE, &after, Level::Guarded, None);
        check(BEFORE, &after, Level::Safe, Some("cannot be safe"));
        check(BEFORE, &after.replace(":3000/", ":3001/"), Level::Guarded, Some("another effect"));
        check(BEFORE, &after.replace("< 400", "< 500"), Level::Guarded, Some("another effect"));
        let full = |text: &str| text.replace("-slim", "");
        check(&full(BEFORE), &full(&after), Level::Guarded, Some("may be there"));
        let brought = |text: &str| text.replace("CMD [\"node\"]", "RUN apt-get install -y curl\nCMD [\"node\"]");
        check(&brought(BEFORE), &brought(&after), Level::Guarded, Some("may be there"));
    }
}
