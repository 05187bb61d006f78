//! The axioms about installs of what manifests name: they stand before the COPY of the sources, and keep to the lock file.

use super::axioms;
use super::replay::Replay;
use crate::model::Model;
use crate::model::access;
use crate::model::canonical::CanonicalWord;
use crate::model::dependencies::{self, Change, Manifests};
use crate::model::effect::{Effect, Evaluated, TransferEffect};

/// Checks the side conditions of [`super::Step::CopyManifestsFirst`] and replays it.
pub(super) fn copy_manifests_first(before: &Model<'_>, replay: &mut Replay, run: usize) -> Result<(), String> {
    let plan = dependencies::plan(before, &access::trusting(before), run)
        .ok_or("the RUN installs nothing that manifests name, or no sources stand above it")?
        .map_err(|(reason, _)| reason)?;
    for moved in &plan.moved {
        let Effect::Transfer(sources) = replay.effect(moved.copy)? else { return Err("it is no COPY".to_owned()) };
        let sources = sources.clone();
        let escape = before.dockerfile.escape;
        let effects = moved.manifests.iter().map(|manifests| first_copy(&sources, manifests, escape)).collect();
        replay.insert_before(moved.copy, effects)?;
    }
    // From the last to the first, so that they keep their order behind the RUN.
    plan.moved.iter().rev().try_for_each(|moved| replay.move_behind(moved.copy, run))
}

/// Checks the side conditions of [`super::Step::LockInstall`] and replays it.
pub(super) fn lock_install(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize) -> Result<(), String> {
    let call = axioms::call(before, run, command)?;
    let held = dependencies::held(before, run, &call).ok_or("the command writes no lock file")?;
    let change = held.map_err(|(reason, _)| reason)?.change;
    let found = axioms::command_mut(replay, run, command)?;
    match change {
        Change::Subcommand { at, name } => {
            *found.words.get_mut(at).ok_or("a word is missing")? = CanonicalWord::plain(&name);
        }
        Change::Option { at, option } if at <= found.words.len() => {
            found.words.insert(at, CanonicalWord::plain(&option))
        }
        Change::Option { .. } => return Err("a word is missing".to_owned()),
        Change::Variable { name, value } => found.assignments.insert(0, (name, CanonicalWord::plain(&value), false)),
    }
    Ok(())
}

/// The COPY of manifests that takes the place of a COPY.
fn first_copy(sources: &TransferEffect, manifests: &Manifests, escape: char) -> Effect {
    Effect::Transfer(TransferEffect {
        add: false,
        sources: manifests.sources.iter().map(|source| Evaluated::new(source, escape)).collect(),
        destination: Evaluated::new(&manifests.destination, escape),
        flags: sources.flags.clone(),
        heredocs: Vec::new(),
    })
}

/// Checks the side conditions of [`super::Step::SplitAnd`] and replays it.
pub(super) fn split_and(before: &Model<'_>, replay: &mut Replay, run: usize, at: usize) -> Result<(), String> {
    let found = dependencies::split(before, &access::trusting(before), run).ok_or("nothing is gained by two RUNs")?;
    if found != at {
        return Err(format!("the second RUN begins with command {found} of the list"));
    }
    replay.split_off(run, at)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::context::BuildContext;
    use crate::model::Model;
    use crate::model::body::BodyCache;
    use crate::rewrite::{Level, Rewrite};
    use crate::source::Span;
    use crate::syntax;
    use crate::validate::{Step, check as validate};

    const BEFORE: &str = "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n";
    const AFTER: &str = "FROM python:3.12-slim\nWORKDIR /app\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\nCOPY . .\n";

    /// What the validator says when the install is to stand above the sources.
    #[track_caller]
    fn check(requirements: &str, after: &str, level: Level, reason: Option<&str>) {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("requirements.txt"), requirements).expect("it is written");
        let context = BuildContext::from_dir(folder.path());
        let (old, new) = (syntax::parse(BEFORE), syntax::parse(after));
        let cache = BodyCache::default();
        let before = Model::build(BEFORE, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        let step = Step::CopyManifestsFirst { run: 3 };
        let rewrite = Rewrite { steps: vec![step], ..Rewrite::new(level, Span::new(0, 0), "moves", "why") };
        let found = validate(&before, &after, &[rewrite]);
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => {
                let found = found.expect_err("the validator refuses it");
                assert!(found.contains(reason), "{found}");
            }
        }
    }

    #[test]
    fn the_manifests_and_nothing_else_come_first() {
        check("flask\n", AFTER, Level::Guarded, None);
        check("flask\n", AFTER, Level::Safe, Some("cannot be safe"));
        check("flask\n", BEFORE, Level::Guarded, Some("were expected"));
        check(
            "flask\n",
            &AFTER.replace("requirements.txt ./", "requirements.txt app.py ./"),
            Level::Guarded,
            Some("another effect"),
        );
        check(
            "flask\n",
            &AFTER.replace("requirements.txt ./", "requirements.txt /srv/"),
            Level::Guarded,
            Some("another effect"),
        );
        check("flask\n", &AFTER.replace("COPY r", "COPY --chown=1 r"), Level::Guarded, Some("another effect"));
    }

    #[test]
    fn what_the_manifests_name_is_read() {
        check("-e .\n", AFTER, Level::Guarded, Some("names files of the project"));
        check("", AFTER, Level::Guarded, Some("no content"));
    }
}
