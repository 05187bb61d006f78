//! The axiom by which a stage becomes two: one that builds, and one that runs.

use std::collections::BTreeSet;

use super::replay::Replay;
use crate::model::cache::is_below;
use crate::model::deed::{Deed, deeds};
use crate::model::effect::{self, Effect};
use crate::model::split::{self, Kind, RuntimePackages};
use crate::model::{Base, Model, Stage};
use crate::syntax;
use crate::syntax::ast::InstructionKind;
use crate::tables;

/// How a stage becomes two: the stage up to an instruction, which builds, and a new one, which runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The stage, by number.
    pub stage: usize,
    /// The name that the first of the two gets, in lower case. The second keeps the name of the stage, if it has one.
    pub name: String,
    /// What the second is built from, as FROM writes it.
    pub base: String,
    /// Number of the last instruction of the first.
    pub cut: usize,
    /// Instructions up to the cut that the second repeats. Those that only configure the image move there.
    pub repeated: Vec<usize>,
    /// What is copied from the first to the second, at the same absolute paths.
    pub copies: Vec<String>,
    /// The instruction before which a virtual environment for Python packages is made. It is on the PATH from there on, and in
    /// the second.
    pub environment: Option<usize>,
    /// Packages that the second installs.
    pub packages: Vec<String>,
}

impl Split {
    /// The repeated COPY above which the new stage takes what was built, so that a change of the sources does not take it again;
    /// both write to other places. Without one, it is taken at the end of what is repeated.
    #[must_use]
    pub fn carried_above(&self, before: &Model<'_>) -> Option<usize> {
        self.repeated.iter().copied().find(|index| split::kind(before, *index) == Kind::Transfer)
    }

    /// Checks the side conditions of [`super::Step::SplitStage`]; gives the packages that the new stage installs.
    ///
    /// # Errors
    /// The condition that does not hold.
    pub fn check(&self, before: &Model<'_>) -> Result<RuntimePackages, String> {
        let stage = the_stage(before, self)?;
        check_name(before, self)?;
        let packages = check_build_side(before, stage, self)?;
        check_run_side(before, stage, self, &packages)?;
        check_copies(before, stage, self)?;
        if let Some(first) = self.environment {
            split::may_have_environment(before, stage, first, self.cut)?;
        }
        Ok(packages)
    }
}

/// Checks the side conditions of [`super::Step::SplitStage`] and replays it.
pub(super) fn split(before: &Model<'_>, replay: &mut Replay, split: &Split) -> Result<(), String> {
    let packages = split.check(before)?;
    let stage = the_stage(before, split)?;
    replay.replace(|effects| after(before, stage, split, &packages, effects))
}

/// The stage, if it may be split at all: it is the only one, nothing is triggered, and its base is known.
fn the_stage<'m>(before: &'m Model<'_>, split: &Split) -> Result<&'m Stage, String> {
    let [stage] = before.stages.as_slice() else { return Err("the file has more than one stage".to_owned()) };
    if before.has_triggers() {
        return Err("the file has ONBUILD".to_owned());
    }
    let image = stage.image.as_deref().ok_or("nothing is known of the base image")?;
    if !image.onbuild.is(&false) {
        return Err("the base image may have triggers".to_owned());
    }
    if split.stage != stage.index || !stage.instructions.contains(&split.cut) {
        return Err("it is cut where no stage is".to_owned());
    }
    if !matches!(stage.base, Base::Image(_)) {
        return Err("the stage is built from no image".to_owned());
    }
    let InstructionKind::From(from) = &before.instruction(stage.from).kind else {
        return Err("the stage has no FROM".to_owned());
    };
    if split.base != from.image.text {
        return Err("the new stage has another base".to_owned());
    }
    if before.instruction(stage.from).span.of(before.source).contains('\n') {
        return Err("FROM goes on over several lines".to_owned());
    }
    Ok(stage)
}

/// The new name is a valid one, and nothing refers to anything else by it.
fn check_name(before: &Model<'_>, split: &Split) -> Result<(), String> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let starts = split.name.starts_with(|c: char| c.is_ascii_lowercase());
    if !starts || !split.name.chars().all(is_word) || ["scratch", "context"].contains(&split.name.as_str()) {
        return Err(format!("`{}` is no name for a stage", split.name));
    }
    let is_taken = before.stages.iter().any(|stage| stage.name.as_deref() == Some(split.name.as_str()))
        || before.dockerfile.instructions.iter().any(|instruction| {
            let names = instruction.flags.iter().filter_map(|flag| flag.value.as_deref());
            names
                .map(str::to_lowercase)
                .any(|value| value.split(',').any(|part| part.trim_start_matches("from=") == split.name))
        });
    if is_taken { Err(format!("`{}` is the name of something else", split.name)) } else { Ok(()) }
}

/// Everything up to the cut: settings are inputs of both stages, and what is not repeated lies in what is copied, is made up
/// for by packages, or is of no use to the program.
fn check_build_side(before: &Model<'_>, stage: &Stage, split: &Split) -> Result<RuntimePackages, String> {
    let mut installs = Vec::new();
    for index in stage.instructions.start..=split.cut {
        let line = before.lines.line(before.instruction(index).span.start);
        let is_repeated = split.repeated.contains(&index);
        let place = |reason: String| format!("line {line}: {reason}");
        match split::kind(before, index) {
            Kind::Setting if is_repeated => {}
            Kind::Setting => unread_argument(before, stage, split, index).map_err(place)?,
            Kind::Configuration if is_repeated => return Err(place("it moves and is repeated".to_owned())),
            Kind::Configuration => no_volume_over_copies(before, split, index).map_err(place)?,
            Kind::Transfer => transfer(before, stage, split, index, is_repeated).map_err(place)?,
            Kind::Run => run(before, split, index, is_repeated, &mut installs).map_err(place)?,
            Kind::Other => return Err(place("it is not known what it does".to_owned())),
        }
    }
    if let Some(index) = split.repeated.iter().find(|index| !(stage.instructions.start..=split.cut).contains(index)) {
        return Err(format!("instruction {index} is not repeated"));
    }
    let packages = split::runtime_packages(before, stage, &installs)?;
    if packages.install != split.packages {
        return Err(format!("the new stage needs the packages {:?}", packages.install));
    }
    Ok(packages)
}

/// A setting that is not repeated is a build argument of which the new stage reads nothing.
fn unread_argument(before: &Model<'_>, stage: &Stage, split: &Split, index: usize) -> Result<(), String> {
    let InstructionKind::Arg(declarations) = &before.instruction(index).kind else {
        return Err("the new stage lacks a setting".to_owned());
    };
    let names: Vec<String> = declarations.iter().map(|declaration| declaration.name.text.clone()).collect();
    let moved =
        (stage.instructions.start..=split.cut).filter(|index| split::kind(before, *index) == Kind::Configuration);
    let side = split.repeated.iter().copied().chain(moved).chain(split.cut + 1..stage.instructions.end);
    if split::is_argument_read(before, &names, side) {
        Err("the new stage lacks a build argument".to_owned())
    } else {
        Ok(())
    }
}

fn no_volume_over_copies(before: &Model<'_>, split: &Split, index: usize) -> Result<(), String> {
    match &before.instruction(index).kind {
        InstructionKind::Volume(_) if !split.copies.is_empty() => {
            Err("a volume is declared before the build is over".to_owned())
        }
        _ => Ok(()),
    }
}

fn transfer(before: &Model<'_>, stage: &Stage, split: &Split, index: usize, is_repeated: bool) -> Result<(), String> {
    let target = split::destination(before, index).ok_or("where it copies to is not known")?;
    let overlaps = |copy: &String| is_below(copy, &target) || is_below(&target, copy);
    if is_repeated {
        // What a build removed would come back below the copy.
        return if split.copies.iter().any(overlaps) { Err("it is copied and repeated".to_owned()) } else { Ok(()) };
    }
    let is_copied = split.copies.iter().any(|copy| is_below(&target, copy));
    if is_copied || split::is_brought_later(before, stage, index, split.cut) {
        return Ok(());
    }
    Err(format!("what it copies to `{target}` is lost"))
}

fn run(
    before: &Model<'_>,
    split: &Split,
    index: usize,
    is_repeated: bool,
    installs: &mut Vec<usize>,
) -> Result<(), String> {
    let deeds = deeds(before, index)?;
    if is_repeated {
        // The same on a like image, whatever stands in the directories that are copied.
        let is_same = |deed: &Deed| match deed {
            Deed::Account => true,
            Deed::Packages { names, refreshed, .. } => {
                *refreshed && names.iter().all(|name| !split::is_build_only(before, name))
            }
            Deed::Below(path) => !split.copies.iter().any(|copy| is_below(path, copy) || is_below(copy, path)),
            Deed::PythonPackages => false,
        };
        return if deeds.iter().all(is_same) && split::is_repeatable(before, index) {
            Ok(())
        } else {
            Err("it builds, and is repeated".to_owned())
        };
    }
    for deed in &deeds {
        match deed {
            Deed::Account => return Err("the account that it makes is lost".to_owned()),
            Deed::Packages { .. } => {}
            Deed::PythonPackages if split.environment.is_some_and(|first| first <= index) => {}
            Deed::PythonPackages => return Err("the Python packages that it installs are lost".to_owned()),
            Deed::Below(path) if split.copies.iter().any(|copy| is_below(path, copy)) => {}
            Deed::Below(path) => return Err(format!("what it writes to `{path}` is lost")),
        }
    }
    installs.push(index);
    Ok(())
}

/// What runs in the new stage, at build time and in containers, does not need what is left out.
fn check_run_side(before: &Model<'_>, stage: &Stage, split: &Split, packages: &RuntimePackages) -> Result<(), String> {
    for index in split.cut + 1..stage.instructions.end {
        if split::kind(before, index) == Kind::Other {
            return Err("it is not known what an instruction does".to_owned());
        }
        if split::kind(before, index) == Kind::Run {
            split::may_run_there(before, index)?;
        }
    }
    if packages.dropped.is_empty() {
        return Ok(());
    }
    let lost: BTreeSet<String> = tables::stages().toolchain.programs.clone();
    split::why_it_runs(before, stage, &lost).map_or(Ok(()), Err)
}

/// Copies are disjoint, each is something that stands there when the build is over, all of it belongs to root.
fn check_copies(before: &Model<'_>, stage: &Stage, split: &Split) -> Result<(), String> {
    let environment = &tables::stages().environment.directory;
    let has_environment = split.environment.is_some();
    if has_environment != split.copies.contains(environment) {
        return Err("the virtual environment is not what is copied".to_owned());
    }
    for (at, copy) in split.copies.iter().enumerate() {
        let is_clean = copy.starts_with('/') && copy.len() > 1 && !copy.ends_with('/') && !copy.contains("..");
        let is_of_system = tables::effects().directories.every.contains(copy);
        if !is_clean || is_of_system {
            return Err(format!("`{copy}` is no directory of the program"));
        }
        if split.copies[..at].iter().any(|other| is_below(copy, other) || is_below(other, copy)) {
            return Err(format!("`{copy}` is copied twice"));
        }
        if copy != environment && !is_made(before, stage, split, copy) {
            return Err(format!("nothing is known to make `{copy}`"));
        }
    }
    if split.copies.iter().all(|copy| copy == environment) {
        return Ok(());
    }
    for index in stage.instructions.start..=split.cut {
        let instruction = before.instruction(index);
        let makes = matches!(instruction.kind, InstructionKind::Run(_));
        let gives_away = instruction.flag("chown").is_some() || split::calls_chown(before, index);
        if makes && !before.user(index).is_root() || gives_away {
            return Err("what is copied belongs to another user than root".to_owned());
        }
    }
    Ok(())
}

/// Whether the path exists when the build is over: a working directory, or the target of a command.
fn is_made(before: &Model<'_>, stage: &Stage, split: &Split, path: &str) -> bool {
    (stage.instructions.start..=split.cut).any(|index| {
        before.state(index).workdir.fixed() == Some(path) && split::kind(before, index) == Kind::Run
            || split::kind(before, index) == Kind::Run
                && deeds(before, index).is_ok_and(|deeds| deeds.contains(&Deed::Below(path.to_owned())))
    })
}

/// The effects of both stages, with the numbers of the instructions that they come from; `None` for what is new.
fn after(
    before: &Model<'_>,
    stage: &Stage,
    split: &Split,
    packages: &RuntimePackages,
    effects: &[(usize, Effect)],
) -> Result<Vec<(Option<usize>, Effect)>, String> {
    let of = |index: usize| -> Result<Effect, String> {
        let found = effects.iter().find(|(from, _)| *from == index).map(|(_, effect)| effect.clone());
        found.ok_or_else(|| format!("instruction {index} has no effect"))
    };
    let Effect::From { base, platform, name } = of(stage.from)? else { return Err("the stage has no FROM".to_owned()) };
    let mut list: Vec<(Option<usize>, Effect)> =
        (0..stage.from).map(|index| Ok((Some(index), of(index)?))).collect::<Result<_, String>>()?;
    let build = Effect::From { base: base.clone(), platform: platform.clone(), name: Some(split.name.clone()) };
    list.push((Some(stage.from), build));
    let environment = split::environment_lines();
    for index in stage.instructions.start..=split.cut {
        if split.environment == Some(index) {
            for line in &environment {
                list.push((None, effect_of(line)?));
            }
        }
        if split::kind(before, index) != Kind::Configuration {
            list.push((Some(index), of(index)?));
        }
    }
    list.push((Some(stage.from), Effect::From { base, platform, name }));
    let mut install = install_effect(stage, packages)?;
    let carried_above = split.carried_above(before);
    for index in stage.instructions.start..=split.cut {
        if carried_above == Some(index) {
            list.extend(carried(split)?);
        }
        let is_repeated = split.repeated.contains(&index);
        if !is_repeated && split::installs_packages(before, index) {
            list.extend(install.take().map(|effect| (None, effect)));
        }
        if is_repeated || split::kind(before, index) == Kind::Configuration {
            list.push((Some(index), of(index)?));
        }
    }
    if carried_above.is_none() {
        list.extend(carried(split)?);
    }
    for index in split.cut + 1..stage.instructions.end {
        list.push((Some(index), of(index)?));
    }
    Ok(list)
}

/// The effects that carry over what was built.
fn carried(split: &Split) -> Result<Vec<(Option<usize>, Effect)>, String> {
    let copies = split.copies.iter().map(|copy| format!("COPY --from={} {copy} {copy}", split.name));
    let path = split.environment.map(|_| split::environment_lines()[1].clone());
    copies.chain(path).map(|line| Ok((None, effect_of(&line)?))).collect()
}

fn install_effect(stage: &Stage, packages: &RuntimePackages) -> Result<Option<Effect>, String> {
    if packages.install.is_empty() {
        return Ok(None);
    }
    let manager = stage.image.as_deref().and_then(|image| image.package_manager.known());
    let line = manager.and_then(|manager| split::install_line(*manager, packages));
    effect_of(&line.ok_or("the package manager of the base image is not written")?).map(Some)
}

/// The effect of an instruction that the split brings in.
fn effect_of(line: &str) -> Result<Effect, String> {
    let source = format!("FROM scratch\n{line}\n");
    let parsed = syntax::parse(&source);
    let (context, cache) = (crate::context::BuildContext::unknown(), crate::model::body::BodyCache::default());
    let model = Model::build(&source, &parsed.dockerfile, &context, &cache);
    effect::effects(&model).into_iter().nth(1).ok_or_else(|| format!("`{line}` is no instruction"))
}
