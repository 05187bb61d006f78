//! The axiom by which a stage becomes two: one that builds, and one that runs.

use std::collections::BTreeSet;

use super::replay::Replay;
use crate::context::Entry;
use crate::model::cache::is_below;
use crate::model::carry;
use crate::model::deed::{Deed, deeds, joined};
use crate::model::development;
use crate::model::effect::{self, Effect, Evaluated};
use crate::model::owner::{self, Taken};
use crate::model::split::{self, Kind, RuntimeBase, RuntimePackages};
use crate::model::{Base, Model, Stage, front_end, java, replay, served, started};
use crate::shell::ast::SimpleCommand;
use crate::syntax;
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, Operands};

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
    /// The command that removes packages of development at the end of the first.
    pub prune: Option<String>,
    /// The line that puts the directory of copied programs on the PATH of the second.
    pub path: Option<String>,
    /// Packages that the second installs.
    pub packages: Vec<String>,
}

/// Where the new stage takes over what was built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Above what it copies itself, so that a change of the sources does not take it again.
    Above,
    /// Behind that, into a directory that has it: what was built counts, whatever lies about in the build context.
    Behind,
}

impl Split {
    /// The lines of the new stage that take over what was built: what stands in a directory to which it copies, too, or the rest.
    ///
    /// # Errors
    /// Why it cannot be taken over.
    pub fn carried_lines(&self, before: &Model<'_>, stage: &Stage, place: Carried) -> Result<Vec<String>, String> {
        let base = self.other_base(before, stage);
        let taken = self.taken(before, base.as_ref(), place);
        let mut lines = Vec::new();
        for copy in self.copies.iter().filter(|copy| self.place_of(before, copy) == place) {
            lines.extend(split::copy_lines(before, stage, &taken, &self.name, copy)?);
        }
        lines.extend(self.linker_line(before, stage, place)?);
        if place == Carried::Above {
            lines.extend(self.environment.map(|_| split::path_line()));
            lines.extend(self.path.clone());
        }
        Ok(lines)
    }

    fn place_of(&self, before: &Model<'_>, copy: &str) -> Carried {
        let holds = |index: usize| {
            split::destination(before, index).is_some_and(|target| is_below(copy, &target))
                && split::brings_directory(before, index)
        };
        if self.repeated.iter().any(|index| holds(*index)) { Carried::Behind } else { Carried::Above }
    }

    /// Whether what is taken over belongs to several users, so that the builder has to keep its owners.
    #[must_use]
    pub fn keeps_owners(&self, before: &Model<'_>, stage: &Stage) -> bool {
        let base = self.other_base(before, stage);
        self.copies.iter().any(|copy| {
            let taken = self.taken(before, base.as_ref(), self.place_of(before, copy));
            owner::owners(before, stage, &taken, copy).is_ok_and(|owners| owners.kept)
        })
    }

    /// Whether a COPY of the new stage brings the file at the path.
    fn brings(&self, before: &Model<'_>, stage: &Stage, path: &str) -> bool {
        let is_there = |index: &usize| *index > self.cut || self.repeated.contains(index);
        let transfers = stage.instructions.clone().filter(|index| split::kind(before, *index) == Kind::Transfer);
        transfers.filter(is_there).any(|index| {
            split::targets(before, index).is_some_and(|targets| {
                targets.iter().any(|(source, target)| {
                    let below = path.strip_prefix(target.as_str()).unwrap_or("//");
                    below.is_empty()
                        || below.starts_with('/')
                            && below != "//"
                            && before.context.read(&format!("{source}{below}")).is_some()
                })
            })
        })
    }

    /// The names of the commands that the RUNs of the new stage have.
    fn commands(&self, before: &Model<'_>, stage: &Stage) -> Result<Vec<String>, String> {
        let mut names = Vec::new();
        for index in stage.instructions.clone().filter(|index| split::kind(before, *index) == Kind::Run) {
            let is_whole = index > self.cut || self.repeated.contains(&index);
            let part = replay::part(before, stage, index, &self.copies).filter(|_| !is_whole);
            if !is_whole && part.is_none() {
                continue;
            }
            let script = before.body(index).and_then(|body| body.understood()).ok_or("a script is not understood")?;
            let is_in = |command: &&SimpleCommand| {
                let start = command.words.first().map(|word| word.span.start);
                is_whole || part.as_ref().zip(start).is_some_and(|(part, start)| part.starts.contains(&start))
            };
            names.extend(script.all_simple_commands().into_iter().filter(is_in).filter_map(SimpleCommand::name));
        }
        Ok(names)
    }

    /// The line that tells the linker of the libraries that are taken over at the place, if the build told it.
    fn linker_line(&self, before: &Model<'_>, stage: &Stage, place: Carried) -> Result<Option<String>, String> {
        let mut runs = (stage.instructions.start..=self.cut).filter(|index| split::kind(before, *index) == Kind::Run);
        let tells = |index: usize| deeds(before, index).is_ok_and(|deeds| deeds.contains(&Deed::Linked));
        let mut copies = self.copies.iter().filter(|copy| self.place_of(before, copy) == place);
        if !copies.any(|copy| split::may_have_libraries(copy)) || !runs.any(tells) {
            return Ok(None);
        }
        let above = self.carried_above(before).filter(|_| place == Carried::Above);
        match before.state(above.unwrap_or(self.cut + 1)).user.fixed() {
            Some("" | "root" | "0") => Ok(Some("RUN ldconfig".to_owned())),
            _ => Err("only root can tell the linker of the libraries that are taken over".to_owned()),
        }
    }

    /// The RUN that repeats some commands of one that is not repeated.
    #[must_use]
    pub fn part_line(&self, before: &Model<'_>, stage: &Stage, index: usize) -> Option<String> {
        if split::kind(before, index) != Kind::Run || self.repeated.contains(&index) {
            return None;
        }
        replay::part(before, stage, index, &self.copies).map(|part| part.line).filter(|line| !line.is_empty())
    }

    fn other_base(&self, before: &Model<'_>, stage: &Stage) -> Option<RuntimeBase> {
        split::runtime_base(before, stage).filter(|base| base.text == self.base)
    }

    fn taken<'s>(&'s self, before: &Model<'_>, base: Option<&'s RuntimeBase>, place: Carried) -> Taken<'s> {
        let above = self.carried_above(before).filter(|_| place == Carried::Above);
        Taken {
            cut: self.cut,
            repeated: &self.repeated,
            copies: &self.copies,
            above,
            base: base.map(|base| &base.image),
        }
    }

    /// Whether the new stage is built from another image.
    pub(super) fn changes_base(&self, before: &Model<'_>) -> bool {
        let from = before.stages.get(self.stage).map(|stage| &before.instruction(stage.from).kind);
        !matches!(from, Some(InstructionKind::From(from)) if from.image.text == self.base)
    }

    /// Whether the packages of the new stage are installed at its top: no instruction up to the cut installs some that is not
    /// repeated.
    #[must_use]
    pub fn installs_first(&self, before: &Model<'_>) -> bool {
        let mut above = before.stages.get(self.stage).map_or(0, |stage| stage.instructions.start)..=self.cut;
        !above.any(|index| !self.repeated.contains(&index) && split::installs_packages(before, index))
    }

    /// The repeated COPY above which the new stage takes what was built, so that a change of the sources does not take it again;
    /// both write to other places. Without one, it is taken at the end of what is repeated.
    #[must_use]
    pub fn carried_above(&self, before: &Model<'_>) -> Option<usize> {
        self.repeated.iter().copied().find(|index| split::kind(before, *index) == Kind::Transfer)
    }

    /// The instruction below the cut above which the new stage takes what was built, when that is not at the cut: what stands between makes
    /// accounts and directories or installs packages, and a change of the sources does not run it again.
    #[must_use]
    pub fn carried_below(&self, before: &Model<'_>) -> Option<usize> {
        if self.carried_above(before).is_some() || self.environment.is_some() || self.path.is_some() {
            return None;
        }
        let stage = before.stages.get(self.stage)?;
        let below = self.cut + 1..stage.instructions.end;
        let passed: Vec<usize> = below.take_while(|index| self.is_apart(before, stage, *index)).collect();
        let last = passed.iter().rposition(|index| split::kind(before, *index) == Kind::Run)?;
        Some(passed[last] + 1)
    }

    /// Whether the instruction below the cut does the same above what is taken over.
    fn is_apart(&self, before: &Model<'_>, stage: &Stage, index: usize) -> bool {
        match split::kind(before, index) {
            Kind::Configuration => !matches!(before.instruction(index).kind, InstructionKind::Volume(_)),
            Kind::Run => {
                let is_free = |path: &str| !self.copies.iter().any(|copy| is_below(path, copy) || is_below(copy, path));
                let is_apart = |deed: &Deed| match deed {
                    Deed::Account | Deed::Settings => true,
                    Deed::Packages { refreshed, .. } | Deed::Upgraded { refreshed, .. } => *refreshed,
                    Deed::Owner { path, .. } => is_free(path) && split::is_made_above(before, stage, index, path),
                    Deed::Below(path) | Deed::Output(path) => is_free(path),
                    _ => false,
                };
                let homes = split::makes_home_of(before, index, &self.copies);
                !homes
                    && deeds(before, index).is_ok_and(|deeds| !deeds.is_empty() && deeds.iter().all(is_apart))
                    && split::is_repeatable(before, index)
            }
            _ => false,
        }
    }

    /// Checks the side conditions of [`super::Step::SplitStage`]; gives the packages that the new stage installs.
    ///
    /// # Errors
    /// The condition that does not hold.
    pub fn check(&self, before: &Model<'_>) -> Result<RuntimePackages, String> {
        let stage = the_stage(before, self)?;
        check_name(before, self)?;
        let base = new_base(before, stage, self)?;
        let packages = check_build_side(before, stage, self, base.as_ref())?;
        check_run_side(before, stage, self, &packages)?;
        if let Some(base) = &base {
            let commands = self.commands(before, stage)?;
            let brought = |path: &str| self.brings(before, stage, path);
            split::may_have_base(before, stage, &commands, base, &self.copies, &brought)?;
        }
        if carry::lost_path(before, stage, base.as_ref(), &self.copies)? != self.path {
            return Err("the PATH of the new stage lacks the directory of a program".to_owned());
        }
        if let Some(prune) = &self.prune
            && development::tidy(before, stage, self.cut, &self.copies)? != *prune
        {
            return Err(format!("`{prune}` is not what removes packages of development"));
        }
        if served::directory(before, stage).is_some_and(|directory| !self.copies.contains(&directory)) {
            return Err("what the server of files serves is not copied".to_owned());
        }
        check_copies(before, stage, self)?;
        if let Some(first) = self.environment {
            split::may_have_environment(before, stage, first, self.cut)?;
            if let Some(reason) = split::why_it_is_started(before, stage, &tables::stages().environment.activated) {
                return Err(format!("{reason}, which looks for the packages where it puts them itself"));
            }
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

/// The stage, if it may be split at all: it is the last one, so that no other is built from it and numbers of stages stay what they are,
/// nothing is triggered, and its base is known.
fn the_stage<'m>(before: &'m Model<'_>, split: &Split) -> Result<&'m Stage, String> {
    let stage = before.stages.last().ok_or("the file has no stage")?;
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
    if before.instruction(stage.from).span.of(before.source).contains('\n') {
        return Err("FROM goes on over several lines".to_owned());
    }
    Ok(stage)
}

/// The base of the new stage, if it is another one.
fn new_base(before: &Model<'_>, stage: &Stage, split: &Split) -> Result<Option<RuntimeBase>, String> {
    let InstructionKind::From(from) = &before.instruction(stage.from).kind else {
        return Err("the stage has no FROM".to_owned());
    };
    if split.base == from.image.text {
        return Ok(None);
    }
    let base = split::runtime_base(before, stage).filter(|base| base.text == split.base);
    base.map(Some).ok_or_else(|| format!("`{}` does not take the place of `{}`", split.base, from.image.text))
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
fn check_build_side(
    before: &Model<'_>,
    stage: &Stage,
    split: &Split,
    base: Option<&RuntimeBase>,
) -> Result<RuntimePackages, String> {
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
            Kind::Run => run(before, stage, split, index, is_repeated, &mut installs).map_err(place)?,
            Kind::Other => return Err(place("it is not known what it does".to_owned())),
        }
    }
    if let Some(index) = split.repeated.iter().find(|index| !(stage.instructions.start..=split.cut).contains(index)) {
        return Err(format!("instruction {index} is not repeated"));
    }
    let packages = split::runtime_packages(before, stage, &installs, base)?;
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
    if split::is_argument_read(before, &names, !split.packages.is_empty(), side) {
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
    if is_repeated {
        // What a build removed would come back below the copy.
        let overlaps = front_end::brings_to(before, index, &split.copies);
        return if overlaps { Err("it is copied and repeated".to_owned()) } else { Ok(()) };
    }
    let is_copied = |target: &String| split.copies.iter().any(|copy| is_below(target, copy));
    let is_installed = |path: &String| carry::is_installed(before, stage, split.cut, path);
    let language = split::language(before, stage, split.cut);
    let is_unread = || {
        let assets = language.and_then(|language| split::assets(before, index, language));
        assets.is_some_and(|assets| assets.iter().all(|path| is_copied(path) || is_installed(path)))
    };
    let is_unused_tool =
        || split::tools_of_copy(before, index).is_some_and(|tools| split::why_it_runs(before, stage, &tools).is_none());
    if is_copied(&target)
        || is_installed(&target)
        || is_unused_tool()
        || is_unread()
        || split::is_brought_later(before, stage, index)
        || carry::is_scratch_copy(before, stage, split.cut, index)
    {
        return Ok(());
    }
    Err(format!("what it copies to `{target}` is lost"))
}

fn run(
    before: &Model<'_>,
    stage: &Stage,
    split: &Split,
    index: usize,
    is_repeated: bool,
    installs: &mut Vec<usize>,
) -> Result<(), String> {
    let deeds = deeds(before, index)?;
    if is_repeated && split::makes_directories(before, stage, index) {
        return Ok(());
    }
    if is_repeated {
        // The same on a like image, whatever stands in the directories that are copied.
        let is_same = |deed: &Deed| match deed {
            Deed::Account | Deed::Settings => true,
            Deed::Upgraded { refreshed, .. } => *refreshed,
            Deed::Owner { path, .. } => split::is_made_above(before, stage, index, path),
            Deed::Packages { names, refreshed, .. } => {
                *refreshed && names.iter().all(|name| !split::is_build_only(before, name))
            }
            Deed::Below(path) | Deed::Output(path) => {
                !split.copies.iter().any(|copy| is_below(path, copy) || is_below(copy, path))
            }
            Deed::Tools(_) | Deed::Programs => true,
            Deed::PythonTools(_) => split.environment.is_none_or(|first| index < first),
            Deed::PythonPackages | Deed::Shims(_) | Deed::Source | Deed::Taken(_) | Deed::Linked => false,
        };
        return if deeds.iter().all(is_same) && split::is_repeatable(before, index) {
            Ok(())
        } else {
            Err("it builds, and is repeated".to_owned())
        };
    }
    let deeds = replay::other_deeds(before, stage, index, &split.copies)?;
    for deed in &deeds {
        match deed {
            Deed::Account => return Err("the account that it makes is lost".to_owned()),
            Deed::Settings => return Err("the settings that it changes are lost".to_owned()),
            Deed::Owner { path, .. }
                if split.copies.iter().any(|copy| is_below(path, copy)) || tables::stages().is_scratch(path) => {}
            Deed::Owner { path, .. } => return Err(format!("the owner of `{path}` that it sets is lost")),
            Deed::Programs => return Err("the programs that it installs for all users are lost".to_owned()),
            Deed::Packages { .. } | Deed::Source | Deed::Taken(_) | Deed::Upgraded { .. } | Deed::Linked => {}
            Deed::PythonPackages | Deed::PythonTools(_) if split.environment.is_some_and(|first| first <= index) => {}
            // Into an environment of the file's own, which is first on the PATH of both stages.
            Deed::PythonPackages | Deed::PythonTools(_) if is_own_environment(before, split, index) => {}
            Deed::PythonTools(programs) | Deed::Tools(programs) | Deed::Shims(programs) => {
                let started = split::why_it_runs(before, stage, &programs.iter().cloned().collect());
                started.map_or(Ok(()), |reason| Err(format!("it installs what is lost: {reason}")))?;
            }
            // A server of files loads none of them.
            Deed::PythonPackages if served::directory(before, stage).is_some() => {}
            Deed::PythonPackages => return Err("the Python packages that it installs are lost".to_owned()),
            Deed::Below(path) | Deed::Output(path) if split.copies.iter().any(|copy| is_below(path, copy)) => {}
            Deed::Below(path) | Deed::Output(path)
                if carry::is_left_behind(before, stage, split.cut, path)
                    && !loses_the_program(before, stage, split, path) => {}
            Deed::Below(path) | Deed::Output(path) => return Err(format!("what it writes to `{path}` is lost")),
        }
    }
    installs.push(index);
    Ok(())
}

/// Whether the one file that the program is stands below the path and is not copied.
fn loses_the_program(before: &Model<'_>, stage: &Stage, split: &Split, path: &str) -> bool {
    java::packed(before, stage, path).is_some_and(|jar| !split.copies.iter().any(|copy| is_below(&jar, copy)))
}

/// Whether the programs of the instruction come from a virtual environment that is copied as a whole. What is first on the PATH
/// there is first in the new stage too, which has the same settings.
fn is_own_environment(before: &Model<'_>, split: &Split, index: usize) -> bool {
    split::environment_on_path(before, index).is_some_and(|environment| split.copies.contains(&environment))
        && split::system_options(before, index).is_empty()
}

/// What runs in the new stage, at build time and in containers, does not need what is left out.
fn check_run_side(before: &Model<'_>, stage: &Stage, split: &Split, packages: &RuntimePackages) -> Result<(), String> {
    for index in split.cut + 1..stage.instructions.end {
        if split::kind(before, index) == Kind::Other {
            return Err("it is not known what an instruction does".to_owned());
        }
        if split::kind(before, index) == Kind::Run {
            split::may_run_there(before, index)?;
            reads_nothing_lost(before, stage, split, index)?;
        }
    }
    goes_without_node(before, stage, split, packages)?;
    goes_without_tools(before, stage, split)?;
    if let Some(path) = started::lost_file(before, stage, split.cut, &split.copies) {
        return Err(format!("`{path}`, which a container starts, is not known to be there"));
    }
    if packages.dropped.is_empty() || served::directory(before, stage).is_some() {
        return Ok(());
    }
    let base = split.other_base(before, stage);
    let own = stage.image.as_deref().ok_or("nothing is known of the base image")?;
    packages.are_enough(before, stage, base.as_ref().map_or(own, |base| &base.image))
}

/// A RUN of the new stage reads no file or directory of the context that only the build stage has.
fn reads_nothing_lost(before: &Model<'_>, stage: &Stage, split: &Split, run: usize) -> Result<(), String> {
    let workdir = before.state(run).workdir.fixed().unwrap_or("/").to_owned();
    let brings = |index: usize, path: &str| {
        split::kind(before, index) == Kind::Transfer
            && split::destination(before, index).is_some_and(|target| is_below(path, &target))
    };
    let is_there = |path: &str| {
        split.copies.iter().any(|copy| is_below(path, copy))
            || split.repeated.iter().copied().chain(split.cut + 1..run).any(|index| brings(index, path))
    };
    let is_of_build = |path: &str| {
        (stage.instructions.start..=split.cut).filter(|index| brings(*index, path)).any(|index| {
            split::targets(before, index).into_iter().flatten().any(|(source, target)| {
                let rest = path.strip_prefix(&target).filter(|_| is_below(path, &target));
                rest.is_some_and(|rest| {
                    matches!(before.context.entry(&format!("{source}{rest}")), Entry::File | Entry::Directory)
                })
            })
        })
    };
    for call in before.calls(run) {
        let row = tables::effects().command(&call.command.name().unwrap_or_default(), None);
        if !row.is_none_or(|row| matches!(row.operands, Operands::Read | Operands::Copy | Operands::Transfer)) {
            continue;
        }
        for path in before.paths(run, &call).into_iter().flatten() {
            let path = joined(&workdir, &path);
            if !is_there(&path) && is_of_build(&path) {
                let line = before.lines.line(before.instruction(run).span.start);
                return Err(format!("line {line} reads `{path}`, which only the build has"));
            }
        }
    }
    Ok(())
}

/// No RUN of the new stage calls a tool that only the build installs.
fn goes_without_tools(before: &Model<'_>, stage: &Stage, split: &Split) -> Result<(), String> {
    let left = (stage.instructions.start..=split.cut).filter(|index| !split.repeated.contains(index));
    let runs = left.filter(|index| split::kind(before, *index) == Kind::Run);
    let is_in_environment = |index: usize| split.environment.is_some_and(|first| first <= index);
    let mut lost: BTreeSet<String> = BTreeSet::new();
    for index in runs {
        for deed in deeds(before, index).unwrap_or_default() {
            if !(matches!(deed, Deed::PythonTools(_)) && is_in_environment(index)) {
                lost.extend(deed.tools().into_iter().flatten().cloned());
            }
        }
    }
    if lost.is_empty() {
        return Ok(());
    }
    match split.commands(before, stage)?.into_iter().find(|name| lost.contains(name)) {
        Some(name) => Err(format!("a RUN behind the build calls `{name}`, which only the build installs")),
        None => Ok(()),
    }
}

/// Where Node is left out no RUN of the new stage calls it, and no package comes from a source that only the build has.
fn goes_without_node(
    before: &Model<'_>,
    stage: &Stage,
    split: &Split,
    packages: &RuntimePackages,
) -> Result<(), String> {
    let runs = || stage.instructions.clone().filter(|index| split::kind(before, *index) == Kind::Run);
    let is_kept = |index: &usize| *index > split.cut || split.repeated.contains(index);
    let is_dropped = packages.dropped.iter().any(|name| front_end::programs_of(name).is_some());
    if is_dropped && let Some(run) = runs().filter(is_kept).find(|run| front_end::calls_node(before, *run)) {
        let line = before.lines.line(before.instruction(run).span.start);
        return Err(format!("line {line} calls Node, which is left out"));
    }
    let has_source = |run: &usize| deeds(before, *run).is_ok_and(|deeds| deeds.contains(&Deed::Source));
    let brings = &tables::stages().front_ends.brings;
    let installs = |run: usize| {
        deeds(before, run).is_ok_and(|deeds| {
            deeds.iter().any(
                |deed| matches!(deed, Deed::Packages { names, .. } if names.iter().any(|name| brings.contains(name))),
            )
        })
    };
    let is_brought = packages.install.iter().any(|name| brings.contains(name)) || runs().filter(is_kept).any(installs);
    match runs().find(has_source) {
        Some(_) if is_brought => Err("a package comes from a source that only the build has".to_owned()),
        _ => Ok(()),
    }
}

/// Copies are disjoint, each is something that stands there when the build is over, all of it belongs to root.
fn check_copies(before: &Model<'_>, stage: &Stage, split: &Split) -> Result<(), String> {
    let environment = &tables::stages().environment.directory;
    let has_environment = split.environment.is_some();
    if has_environment && !split.copies.contains(environment) {
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
        let is_environment = has_environment && copy == environment;
        if !is_environment && !is_made(before, stage, split, copy) {
            return Err(format!("nothing is known to make `{copy}`"));
        }
    }
    [Carried::Above, Carried::Behind]
        .into_iter()
        .try_for_each(|place| split.carried_lines(before, stage, place).map(drop))
}

/// Whether the path exists when the build is over: a working directory, what a command makes, or what a COPY brings. What the program is
/// or serves is there if it lies where a command writes: without it there was no program.
fn is_made(before: &Model<'_>, stage: &Stage, split: &Split, path: &str) -> bool {
    let is_program = served::directory(before, stage).is_some_and(|directory| directory == path)
        || java::packed(before, stage, path).is_some();
    let holds = |deed: &Deed| deed.path().is_some_and(|place| is_below(path, place));
    let runs = (stage.instructions.start..=split.cut).filter(|index| split::kind(before, *index) == Kind::Run);
    if is_program && runs.into_iter().any(|index| deeds(before, index).is_ok_and(|deeds| deeds.iter().any(holds))) {
        return true;
    }
    (stage.instructions.start..=split.cut).any(|index| match split::kind(before, index) {
        Kind::Run => {
            before.state(index).workdir.fixed() == Some(path)
                || deeds(before, index).is_ok_and(|deeds| deeds.contains(&Deed::Output(path.to_owned())))
        }
        Kind::Transfer => {
            let targets = split::targets(before, index).unwrap_or_default();
            targets.iter().any(|(_, target)| target == path)
                || split::destination(before, index).as_deref() == Some(path) && path != "/"
        }
        _ => false,
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
    let build = Effect::From { base, platform: platform.clone(), name: Some(split.name.clone()) };
    list.push((Some(stage.from), build));
    let environment = split::environment_lines(before, stage, split.cut);
    for index in stage.instructions.start..=split.cut {
        if split.environment == Some(index) {
            for line in &environment {
                list.push((None, effect_of(line)?));
            }
        }
        if split.environment.is_some_and(|first| first <= index)
            && let Some(line) = without_system_options(before, index)
        {
            list.push((Some(index), effect_of(&line)?));
        } else if split::kind(before, index) != Kind::Configuration {
            list.push((Some(index), of(index)?));
        }
    }
    if let Some(prune) = &split.prune {
        list.push((None, effect_of(&format!("RUN {prune}"))?));
    }
    list.push((Some(stage.from), from_effect(&split.base, platform, name)?));
    let mut install = install_effect(stage, packages)?;
    if split.installs_first(before) {
        list.extend(install.take().map(|effect| (None, effect)));
    }
    let carried_above = split.carried_above(before);
    for index in stage.instructions.start..=split.cut {
        if carried_above == Some(index) {
            list.extend(carried(before, stage, split, Carried::Above)?);
        }
        let is_repeated = split.repeated.contains(&index);
        if !is_repeated && split::installs_packages(before, index) {
            list.extend(install.take().map(|effect| (None, effect)));
        }
        if is_repeated || split::kind(before, index) == Kind::Configuration {
            list.push((Some(index), of(index)?));
        } else if let Some(line) = split.part_line(before, stage, index) {
            list.push((None, effect_of(&line)?));
        }
    }
    let carried_below = split.carried_below(before).unwrap_or(split.cut + 1);
    for index in split.cut + 1..=stage.instructions.end {
        if carried_above.is_none() && carried_below == index {
            list.extend(carried(before, stage, split, Carried::Above)?);
        }
        if index == split.cut + 1 {
            list.extend(carried(before, stage, split, Carried::Behind)?);
        }
        if index < stage.instructions.end {
            list.push((Some(index), of(index)?));
        }
    }
    Ok(list)
}

/// The RUN without the options by which its installs pass over a virtual environment, if it has some.
fn without_system_options(before: &Model<'_>, index: usize) -> Option<String> {
    if split::kind(before, index) != Kind::Run {
        return None;
    }
    let mut spans = split::system_options(before, index);
    spans.sort_by_key(|span| std::cmp::Reverse(span.start));
    let whole = before.instruction(index).full_span();
    let mut line = whole.of(before.source).to_owned();
    for span in &spans {
        line.replace_range(span.start.checked_sub(whole.start)?..span.end.checked_sub(whole.start)?, "");
    }
    (!spans.is_empty()).then_some(line)
}

/// The effects that carry over what was built.
fn carried(
    before: &Model<'_>,
    stage: &Stage,
    split: &Split,
    place: Carried,
) -> Result<Vec<(Option<usize>, Effect)>, String> {
    split.carried_lines(before, stage, place)?.iter().map(|line| Ok((None, effect_of(line)?))).collect()
}

/// The effect of a FROM.
fn from_effect(base: &str, platform: Option<Evaluated>, name: Option<String>) -> Result<Effect, String> {
    let source = format!("FROM {base}\n");
    let parsed = syntax::parse(&source);
    let (context, cache) = (crate::context::BuildContext::unknown(), crate::model::body::BodyCache::default());
    let model = Model::build(&source, &parsed.dockerfile, &context, &cache);
    match effect::effects(&model).into_iter().next() {
        Some(Effect::From { base, .. }) => Ok(Effect::From { base, platform, name }),
        _ => Err(format!("`{base}` is no image")),
    }
}

fn install_effect(stage: &Stage, packages: &RuntimePackages) -> Result<Option<Effect>, String> {
    if packages.install.is_empty() && packages.upgrade.is_none() {
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Step, check as validate};
    use super::*;
    use crate::context::BuildContext;
    use crate::model::body::BodyCache;
    use crate::rewrite::{Level, Rewrite};
    use crate::source::Span;

    /// What the validator says of the split from one text to the other, in the context of a case of the pass.
    fn verdict(case: &str, before: &str, after: &str, split: Split) -> Result<(), String> {
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/passes/multi-stage");
        let (old, new) = (syntax::parse(before), syntax::parse(after));
        let (context, cache) = (BuildContext::from_dir(&cases.join(case).join("context")), BodyCache::default());
        let before = Model::build(before, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        let mut rewrite = Rewrite::new(Level::Guarded, Span::new(0, 0), "splits", "why");
        rewrite.steps.push(Step::SplitStage(Box::new(split)));
        validate(&before, &after, &[rewrite])
    }

    const PYTHON: &str = "FROM python:3.12-slim\nENV A=1\nWORKDIR /app\nRUN apt-get update && apt-get install -y gcc libpq-dev curl\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nEXPOSE 80\nCMD [\"python\", \"app.py\"]\n";
    const PYTHON_AFTER: &str = "FROM python:3.12-slim AS build\nENV A=1\nWORKDIR /app\nRUN apt-get update && apt-get install -y gcc libpq-dev curl\nRUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nFROM python:3.12-slim\nENV A=1\nWORKDIR /app\nRUN apt-get update && apt-get install -y libpq5 curl && rm -rf /var/lib/apt/lists/*\nCOPY --from=build /opt/venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\nCOPY . .\nEXPOSE 80\nCMD [\"python\", \"app.py\"]\n";

    fn python() -> Split {
        Split {
            stage: 0,
            name: "build".to_owned(),
            base: "python:3.12-slim".to_owned(),
            cut: 5,
            repeated: vec![1, 2],
            copies: vec!["/opt/venv".to_owned()],
            environment: Some(4),
            prune: None,
            path: None,
            packages: vec!["libpq5".to_owned(), "curl".to_owned()],
        }
    }

    #[track_caller]
    fn check_python(change: impl FnOnce(&mut Split), from: &str, to: &str, reason: Option<&str>) {
        let mut split = python();
        change(&mut split);
        let after = PYTHON_AFTER.replacen(from, to, 1);
        assert!(from.is_empty() || after != PYTHON_AFTER, "{from} is there");
        check_verdict(verdict("example", PYTHON, &after, split), reason);
    }

    #[track_caller]
    fn check_verdict(found: Result<(), String>, reason: Option<&str>) {
        match reason {
            None => assert_eq!(found, Ok(())),
            Some(reason) => {
                let found = found.expect_err("the validator refuses it");
                assert!(found.contains(reason), "{found}");
            }
        }
    }

    #[test]
    fn the_text_is_that_of_the_split() {
        let same = |_: &mut Split| {};
        check_python(same, "", "", None);
        for (from, to) in [
            ("COPY --from=build /opt/venv /opt/venv\n", "COPY --from=build /opt/venv/bin /opt/venv/bin\n"),
            ("COPY --from=build /opt/venv /opt/venv\n", "COPY --from=build /opt/venv /venv\n"),
            ("COPY --from=build /opt/venv /opt/venv\n", "COPY --from=build --chown=1000 /opt/venv /opt/venv\n"),
            ("COPY --from=build", "COPY --from=0"),
            ("AS build", "AS builder"),
            ("libpq5 curl", "curl"),
            ("libpq5 curl", "libpq5"),
            ("FROM python:3.12-slim\nENV A=1", "FROM python:3.12-slim\nENV A=2"),
            ("FROM python:3.12-slim\nENV", "FROM python:3.13-slim\nENV"),
            ("ENV PATH=/opt/venv/bin:$PATH\nCOPY . .", "ENV PATH=$PATH:/opt/venv/bin\nCOPY . ."),
            ("RUN python -m venv /opt/venv\n", "RUN python -m venv --system-site-packages /opt/venv\n"),
            ("EXPOSE 80", "EXPOSE 81"),
            ("\"app.py\"", "\"other.py\""),
        ] {
            check_python(same, from, to, Some("has another effect"));
        }
        check_python(same, "COPY . .\n", "", Some("instructions were expected"));
        check_python(
            same,
            "FROM python:3.12-slim\nENV A=1\n",
            "FROM python:3.12-slim\n",
            Some("instructions were expected"),
        );
    }

    #[test]
    fn what_is_needed_is_found_by_the_validator() {
        let check = |change: fn(&mut Split), reason| check_python(change, "", "", Some(reason));
        check(|split| split.packages = vec!["curl".to_owned()], "needs the packages");
        check(|split| split.repeated = vec![2], "lacks a setting");
        check(|split| split.repeated = vec![1, 2, 3], "it builds, and is repeated");
        check(|split| split.copies.clear(), "the virtual environment is not what is copied");
        check(|split| split.environment = None, "Python packages that it installs are lost");
        check(|split| split.environment = Some(6), "Python packages that it installs are lost");
        check(|split| split.copies.push("/usr".to_owned()), "is no directory of the program");
        check(|split| split.copies.push("/srv/data".to_owned()), "nothing is known to make");
        check(|split| split.base = "python:3.12-alpine".to_owned(), "does not take the place");
        check(|split| split.name = "Build".to_owned(), "is no name for a stage");
        check(|split| split.cut = 6, "");
        check(|split| split.cut = 20, "it is cut where no stage is");
        check(|split| split.prune = Some("npm prune".to_owned()), "");
    }

    #[test]
    fn a_directory_of_programs_stays_on_the_path() {
        let before = "FROM golang:1.23-bookworm\nWORKDIR /app\nCOPY . .\nRUN go install .\nCMD [\"clock\"]\n";
        let after = "FROM golang:1.23-bookworm AS build\nWORKDIR /app\nCOPY . .\nRUN go install .\nFROM debian:bookworm-slim\nRUN apt-get update && apt-get install -y --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*\nWORKDIR /app\nCOPY --from=build /go/bin/clock /go/bin/clock\nCOPY --from=build /app/templates /app/templates\nENV PATH=/go/bin:$PATH\nCMD [\"clock\"]\n";
        let split = Split {
            cut: 3,
            repeated: vec![1],
            base: "debian:bookworm-slim".to_owned(),
            copies: vec!["/go/bin/clock".to_owned(), "/app/templates".to_owned()],
            environment: None,
            path: Some("ENV PATH=/go/bin:$PATH".to_owned()),
            packages: vec!["ca-certificates".to_owned()],
            ..python()
        };
        let check = |split: &Split, after: &str, reason| {
            check_verdict(verdict("go_install", before, after, split.clone()), reason);
        };
        check(&split, after, None);
        check(&split, &after.replace("ENV PATH=/go/bin:$PATH\n", ""), Some("instructions were expected"));
        check(&split, &after.replace("PATH=/go/bin:", "PATH=/go:"), Some("has another effect"));
        let lost = Split { path: None, ..split.clone() };
        check(&lost, &after.replace("ENV PATH=/go/bin:$PATH\n", ""), Some("lacks the directory of a program"));
        let other = Split { copies: vec!["/go/bin/clock".to_owned()], ..split };
        check(&other, after, Some("is lost"));
    }

    #[test]
    fn the_file_that_java_starts_is_copied() {
        let before = "FROM maven:3.9-eclipse-temurin-21\nWORKDIR /app\nCOPY pom.xml .\nRUN mvn -B dependency:go-offline\nCOPY src ./src\nRUN mvn -B -DskipTests package\nEXPOSE 8080\nENTRYPOINT [\"java\", \"-jar\", \"target/books-1.0.jar\"]\n";
        let after = "FROM maven:3.9-eclipse-temurin-21 AS build\nWORKDIR /app\nCOPY pom.xml .\nRUN mvn -B dependency:go-offline\nCOPY src ./src\nRUN mvn -B -DskipTests package\nFROM eclipse-temurin:21-jre-noble\nWORKDIR /app\nCOPY --from=build /app/target/books-1.0.jar /app/target/books-1.0.jar\nEXPOSE 8080\nENTRYPOINT [\"java\", \"-jar\", \"target/books-1.0.jar\"]\n";
        let split = Split {
            cut: 5,
            repeated: vec![1],
            base: "eclipse-temurin:21-jre-noble".to_owned(),
            copies: vec!["/app/target/books-1.0.jar".to_owned()],
            environment: None,
            packages: Vec::new(),
            ..python()
        };
        check_verdict(verdict("java_maven", before, after, split.clone()), None);
        let without = after.replace("COPY --from=build /app/target/books-1.0.jar /app/target/books-1.0.jar\n", "");
        let lost = Split { copies: Vec::new(), ..split };
        check_verdict(verdict("java_maven", before, &without, lost), Some("is lost"));
    }

    #[test]
    fn what_a_server_of_files_serves_is_copied() {
        let before = "FROM node:22-bookworm\nRUN npm install -g http-server\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\nCMD [\"http-server\", \"dist\", \"-p\", \"8080\", \"--cors\"]\n";
        let after = "FROM node:22-bookworm AS build\nRUN npm install -g http-server\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\nFROM node:22-bookworm\nRUN npm install -g http-server\nWORKDIR /app\nCOPY --from=build /app/dist /app/dist\nCMD [\"http-server\", \"dist\", \"-p\", \"8080\", \"--cors\"]\n";
        let split = Split {
            cut: 6,
            repeated: vec![1, 2],
            base: "node:22-bookworm".to_owned(),
            copies: vec!["/app/dist".to_owned()],
            environment: None,
            packages: Vec::new(),
            ..python()
        };
        let check = |split: &Split, after: &str, reason| {
            check_verdict(verdict("site_server_installed_first", before, after, split.clone()), reason);
        };
        check(&split, after, None);
        let without = after.replace("COPY --from=build /app/dist /app/dist\n", "");
        check(&Split { copies: Vec::new(), ..split.clone() }, &without, Some("is lost"));
        let lost = after.replace("FROM node:22-bookworm\nRUN npm install -g http-server\n", "FROM node:22-bookworm\n");
        check(&Split { repeated: vec![2], ..split }, &lost, Some("may start `http-server`"));
    }

    #[test]
    fn packages_of_development_go_by_one_command_only() {
        let before = "FROM node:22-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\nCMD [\"node\", \"dist/server.js\"]\n";
        let after = "FROM node:22-slim AS build\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nRUN npm run build\nRUN npm prune --omit=dev\nFROM node:22-slim\nWORKDIR /app\nCOPY --from=build /app/node_modules /app/node_modules\nCOPY --from=build /app/dist /app/dist\nCOPY --from=build /app/package.json /app/package.json\nCOPY --from=build /app/views /app/views\nCMD [\"node\", \"dist/server.js\"]\n";
        let copies = ["/app/node_modules", "/app/dist", "/app/package.json", "/app/views"];
        let split = Split {
            cut: 5,
            repeated: vec![1],
            base: "node:22-slim".to_owned(),
            copies: copies.map(str::to_owned).to_vec(),
            environment: None,
            prune: Some("npm prune --omit=dev".to_owned()),
            packages: Vec::new(),
            ..python()
        };
        let check = |split: &Split, after: &str, reason| {
            check_verdict(verdict("node_with_a_build_script", before, after, split.clone()), reason);
        };
        check(&split, after, None);
        check(&split, &after.replace("--omit=dev", "--omit=optional"), Some("has another effect"));
        for left_out in 0..copies.len() {
            let mut split = split.clone();
            let path = split.copies.remove(left_out);
            let after = after.replace(&format!("COPY --from=build {path} {path}\n"), "");
            check(&split, &after, Some("is lost"));
        }
        let other = Split { prune: Some("npm prune --omit=optional".to_owned()), ..split.clone() };
        check(&other, after, Some("is not what removes packages"));
        let sources = Split { copies: vec!["/app/dist/server.js".to_owned()], ..split };
        check(&sources, after, Some("is lost"));
    }

    #[test]
    fn what_browsers_load_is_copied_over_the_sources() {
        let before = "FROM python:3.12-bookworm\nRUN apt-get update && apt-get install -y --no-install-recommends nodejs npm\nWORKDIR /srv\nCOPY web/package.json web/package-lock.json web/\nRUN cd web && npm ci\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nRUN cd web && npm run build\nCMD [\"hypercorn\", \"app.main:app\", \"--bind\", \"0.0.0.0:8000\"]\n";
        let after = "FROM python:3.12-bookworm AS build\nRUN apt-get update && apt-get install -y --no-install-recommends nodejs npm\nWORKDIR /srv\nCOPY web/package.json web/package-lock.json web/\nRUN cd web && npm ci\nRUN python -m venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nCOPY . .\nRUN cd web && npm run build\nFROM python:3.12-bookworm\nWORKDIR /srv\nCOPY --from=build /opt/venv /opt/venv\nENV PATH=/opt/venv/bin:$PATH\nCOPY . .\nCOPY --from=build /srv/app/static /srv/app/static\nCMD [\"hypercorn\", \"app.main:app\", \"--bind\", \"0.0.0.0:8000\"]\n";
        let built = "COPY --from=build /srv/app/static /srv/app/static\n";
        let split = Split {
            base: "python:3.12-bookworm".to_owned(),
            cut: 8,
            repeated: vec![2, 7],
            copies: vec!["/opt/venv".to_owned(), "/srv/app/static".to_owned()],
            environment: Some(5),
            packages: Vec::new(),
            ..python()
        };
        let check = |split: &Split, after: &str, reason| {
            check_verdict(verdict("python_front_end", before, after, split.clone()), reason);
        };
        check(&split, after, None);
        let above = after.replace(built, "").replace("COPY . .\nCMD", "CMD");
        check(
            &split,
            &above.replace("WORKDIR /srv\nCOPY --from", &format!("WORKDIR /srv\n{built}COPY --from")),
            Some(""),
        );
        let lost = Split { copies: vec!["/opt/venv".to_owned()], ..split.clone() };
        check(&lost, &after.replace(built, ""), Some("is lost"));
        let web = Split { copies: vec!["/opt/venv".to_owned(), "/srv/web".to_owned()], ..split.clone() };
        check(&web, after, Some("it is copied and repeated"));
        let kept = Split { packages: vec!["nodejs".to_owned()], ..split.clone() };
        check(&kept, after, Some("needs the packages"));
        let early = Split { cut: 6, copies: vec!["/opt/venv".to_owned()], repeated: vec![2], ..split };
        check(&early, after, Some("calls Node"));
    }

    #[test]
    fn packages_of_a_client_go_by_one_command_only() {
        let before = "FROM node:22-bookworm\nWORKDIR /app\nCOPY server/package*.json server/\nRUN cd server && npm ci\nCOPY client/package*.json client/\nRUN cd client && npm ci\nCOPY . .\nRUN cd client && npm run build\nWORKDIR /app/server\nEXPOSE 8080\nCMD [\"npm\", \"start\"]\n";
        let tidy = "rm -rf client/node_modules && cd server && npm prune --omit=dev";
        let after = format!(
            "FROM node:22-bookworm AS build\nWORKDIR /app\nCOPY server/package*.json server/\nRUN cd server && npm ci\nCOPY client/package*.json client/\nRUN cd client && npm ci\nCOPY . .\nRUN cd client && npm run build\nRUN {tidy}\nFROM node:22-bookworm\nWORKDIR /app\nCOPY --from=build /app/client /app/client\nCOPY --from=build /app/server /app/server\nWORKDIR /app/server\nEXPOSE 8080\nCMD [\"npm\", \"start\"]\n"
        );
        let split = Split {
            base: "node:22-bookworm".to_owned(),
            cut: 7,
            repeated: vec![1],
            copies: vec!["/app/client".to_owned(), "/app/server".to_owned()],
            environment: None,
            prune: Some(tidy.to_owned()),
            packages: Vec::new(),
            ..python()
        };
        let check = |case: &str, split: &Split, after: &str, reason| {
            check_verdict(verdict(case, before, after, split.clone()), reason);
        };
        check("node_client_and_server", &split, &after, None);
        check("node_client_is_loaded_by_the_server", &split, &after, Some("is not what removes packages"));
        check("node_client_may_be_loaded_by_the_server", &split, &after, Some("is not what removes packages"));
        let other = Split { prune: Some("rm -rf server/node_modules".to_owned()), ..split.clone() };
        check(
            "node_client_and_server",
            &other,
            &after.replace(tidy, "rm -rf server/node_modules"),
            Some("is not what removes"),
        );
        let lost = Split {
            copies: vec!["/app/server".to_owned()],
            prune: Some("cd server && npm prune --omit=dev".to_owned()),
            ..split
        };
        check("node_client_and_server", &lost, &after, Some("is lost"));
    }
}
