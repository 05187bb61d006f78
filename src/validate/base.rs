//! The axiom by which a stage is built from the slim variant of its image.

use super::replay::Replay;
use crate::model::Model;
use crate::model::bare;
use crate::model::base::{self, InstallPlace};
use crate::model::canonical::{self, CanonicalWord};
use crate::model::effect::{CommandEffect, Effect, Evaluated, RunEffect};
use crate::model::hosted;
use crate::rewrite::Level;
use crate::shell::{self, Dialect};

/// Checks the side conditions of [`super::Step::SwapBase`] and replays it: the reference and the packages are those that
/// the model says, whatever the pass wrote.
pub(super) fn swap_base(before: &Model<'_>, replay: &mut Replay, from: usize, level: Level) -> Result<(), String> {
    if level < Level::Guarded {
        return Err("that nothing unseen needs the full image is an assumption".to_owned());
    }
    let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("it is no FROM")?;
    let slim = base::slim(before, stage).map_err(|refusal| refusal.reason)?;
    let slim = slim.ok_or("its image has no slim variant that saves anything")?;
    let Effect::From { base, .. } = replay.effect(from)? else { return Err("it is no FROM".to_owned()) };
    *base = Evaluated::new(&slim.reference, before.dockerfile.escape);
    if slim.packages.is_empty() {
        return Ok(());
    }
    match slim.place {
        InstallPlace::NewRun => {
            let text = base::install_commands(&slim.packages).join(" && ");
            let script = shell::parse(&text, Dialect::Posix).map_err(|error| error.to_string())?;
            let command = CommandEffect::Script { list: canonical::script(&script), heredoc: false };
            replay.insert_behind(from, Effect::Run(RunEffect { command, mounts: Vec::new(), flags: Vec::new() }))
        }
        InstallPlace::Install { run, command } => {
            let words = &mut super::axioms::command_mut(replay, run, command)?.words;
            words.extend(slim.packages.iter().map(|package| CanonicalWord::plain(package)));
            Ok(())
        }
    }
}

/// Checks the side conditions of [`super::Step::SwapForStatic`] and replays it.
pub(super) fn swap_for_static(
    before: &Model<'_>,
    replay: &mut Replay,
    from: usize,
    level: Level,
) -> Result<(), String> {
    if level < Level::Guarded {
        return Err("that nobody starts a shell is an assumption".to_owned());
    }
    let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("it is no FROM")?;
    let bare = bare::bare(before, stage).map_err(|refusal| refusal.reason)?;
    let bare = bare.ok_or("it does not ship one static program")?;
    let Effect::From { base, .. } = replay.effect(from)? else { return Err("it is no FROM".to_owned()) };
    *base = Evaluated::new(&bare.reference, before.dockerfile.escape);
    bare.gone.iter().try_for_each(|run| replay.remove(*run).map(drop))
}

/// Checks the side conditions of [`super::Step::SwapForInterpreter`] and replays it.
pub(super) fn swap_for_interpreter(
    before: &Model<'_>,
    replay: &mut Replay,
    from: usize,
    level: Level,
) -> Result<(), String> {
    if level < Level::Breaking {
        return Err("an image without a shell is visible at run time".to_owned());
    }
    let stage = before.stages.iter().find(|stage| stage.from == from).ok_or("it is no FROM")?;
    let hosted = hosted::hosted(before, stage).map_err(|refusal| refusal.reason)?;
    let hosted = hosted.ok_or("no distroless image has its interpreter")?;
    let (index, argv) = hosted.process;
    let Effect::Process { command, .. } = replay.effect(index)? else { return Err("it starts no process".to_owned()) };
    *command = CommandEffect::Exec(argv);
    let Effect::From { base, .. } = replay.effect(from)? else { return Err("it is no FROM".to_owned()) };
    *base = Evaluated::new(&hosted.reference, before.dockerfile.escape);
    hosted.gone.iter().try_for_each(|run| replay.remove(*run).map(drop))
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
        let rewrite = Rewrite { steps: vec![step], ..Rewrite::new(level, Span::new(0, 0), "swaps", "why") };
        let found = validate(&before, &after, &[rewrite]);
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => {
                let found = found.expect_err("the validator refuses it");
                assert!(found.contains(reason), "{found}");
            }
        }
    }

    const BEFORE: &str = "FROM python:3.12-bookworm\nHEALTHCHECK CMD curl -f http://localhost/\nCMD [\"python3\"]\n";
    const INSTALL: &str =
        "RUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\n";

    fn after(image: &str, install: &str) -> String {
        BEFORE.replacen("FROM python:3.12-bookworm\n", &format!("FROM {image}\n{install}"), 1)
    }

    #[test]
    fn reference_and_packages_are_those_of_the_model() {
        let step = || Step::SwapBase { from: 0 };
        let slim = "python:3.12-slim-bookworm";
        check(BEFORE, &after(slim, INSTALL), Level::Guarded, step(), None);
        check(BEFORE, &after(slim, INSTALL), Level::Safe, step(), Some("cannot be safe"));
        check(BEFORE, &after(slim, ""), Level::Guarded, step(), Some("instructions were expected"));
        check(BEFORE, &after("python:3.11-slim-bookworm", INSTALL), Level::Guarded, step(), Some("another effect"));
        check(BEFORE, &after("python:3.12-slim-trixie", INSTALL), Level::Guarded, step(), Some("another effect"));
        let more = INSTALL.replacen("curl", "curl vim", 1);
        check(BEFORE, &after(slim, &more), Level::Guarded, step(), Some("another effect"));
        check(BEFORE, &after(slim, INSTALL), Level::Guarded, Step::SwapForStatic { from: 0 }, Some("static program"));
    }

    #[test]
    fn what_the_model_declines_is_refused() {
        let makes = BEFORE.replacen("HEALTHCHECK", "RUN make\nHEALTHCHECK", 1);
        let slim = makes.replacen("3.12-bookworm", "3.12-slim-bookworm", 1);
        check(&makes, &slim, Level::Guarded, Step::SwapBase { from: 0 }, Some("`make`"));
    }
}
