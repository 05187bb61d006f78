//! The axioms of builds and of what they are told: options of compilers, variables, development dependencies, tests of packages.

use super::axioms::{call, canonical_command, command_mut};
use super::replay::{self, Replay};
use crate::model::build_packages::{Finding, finding};
use crate::model::canonical::CanonicalWord;
use crate::model::chain::Chain;
use crate::model::effect::Effect;
use crate::model::lean_build::{self, Gain};
use crate::model::{Model, development, variables};

/// Checks the side conditions of [`super::Step::LeanBuild`] and replays it.
pub(super) fn lean_build(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize) -> Result<(), String> {
    let call = call(before, run, command)?;
    let leaner =
        lean_build::leaner(before, run, &call).ok_or("there is nothing to gain")?.map_err(|(reason, _)| reason)?;
    let command = command_mut(replay, run, command)?;
    for gain in &leaner.gains {
        match gain {
            Gain::Variable { name, value } => {
                command.assignments.push((name.clone(), CanonicalWord::plain(value), false));
            }
            Gain::Words { at, words } => {
                let words = words.iter().map(|word| CanonicalWord::plain(word));
                command.words.splice(*at..*at, words);
            }
        }
    }
    Ok(())
}

/// Checks the side conditions of [`super::Step::DropSetting`] and replays it.
pub(super) fn drop_setting(
    before: &Model<'_>,
    replay: &mut Replay,
    instruction: usize,
    at: usize,
) -> Result<(), String> {
    let idle = variables::idle_pairs(before, instruction);
    let (_, found) = idle.into_iter().find(|(number, _)| *number == at).ok_or("the variable has an effect")?;
    found.map_err(|(reason, _)| reason)?;
    let Effect::Pairs { pairs, .. } = replay.effect(instruction)? else { return Err("it is no ENV".to_owned()) };
    pairs.remove(at);
    if pairs.is_empty() {
        replay.remove(instruction)?;
    }
    Ok(())
}

/// Checks the side conditions of [`super::Step::UnsetForCommand`] and replays it.
pub(super) fn unset(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize) -> Result<(), String> {
    let call = call(before, run, command)?;
    let name = variables::defeats_mount(before, run, &call).ok_or("no variable keeps a mounted cache empty")?;
    let words = ["env", "-u", &name].map(CanonicalWord::plain);
    command_mut(replay, run, command)?.words.splice(0..0, words);
    Ok(())
}

/// Checks the side conditions of [`super::Step::OmitDevelopment`] and replays it.
pub(super) fn omit_development(
    before: &Model<'_>,
    replay: &mut Replay,
    run: usize,
    command: usize,
) -> Result<(), String> {
    let call = call(before, run, command)?;
    let omitted =
        development::omitted(before, run, &call).ok_or("nothing is left out")?.map_err(|(reason, _)| reason)?;
    let word = CanonicalWord::plain(&omitted.option);
    command_mut(replay, run, command)?.words.insert(omitted.at, word);
    Ok(())
}

/// Checks the side conditions of [`super::Step::RemoveBuildPackages`] and replays it.
pub(super) fn remove_packages(before: &Model<'_>, replay: &mut Replay, install: usize) -> Result<(), String> {
    let plan = match finding(before) {
        Some(Finding::Removed(plan)) if plan.install == install => plan,
        Some(Finding::Kept { refusal: (reason, _), .. }) => return Err(reason),
        _ => return Err("the packages are not known to be for the build only".to_owned()),
    };
    let added = plan.added.iter().map(|package| CanonicalWord::plain(package));
    command_mut(replay, install, plan.command)?.words.extend(added);
    let chain = before.body(plan.user).and_then(|body| body.understood()).and_then(Chain::of);
    let chain = chain.ok_or("the RUN that needs the packages is no chain")?;
    let last = chain.elements.last().and_then(|element| element.simple()).ok_or("the RUN ends in no simple command")?;
    let last = before.calls(plan.user).into_iter().find(|call| std::ptr::eq(call.command, last));
    let last = last.ok_or("the RUN ends in no simple command")?.id;
    replay::insert(replay.script(plan.user)?, chain.joint, Some(last), canonical_command(&plan.removal)?)?;
    if plan.user != install {
        replay.join_in_front(install, plan.user)?;
    }
    Ok(())
}
