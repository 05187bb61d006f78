//! The partition that follows from a cut: what each instruction above it becomes.

use super::{text, worth};
use crate::model::cache::is_below;
use crate::model::carry;
use crate::model::deed::{Deed, deeds};
use crate::model::split::{self, Kind, RuntimeBase};
use crate::model::{Model, Stage, java, replay};
use crate::rewrite::{Assumption, AssumptionKind, Level, Rewrite};
use crate::syntax::ast::InstructionKind;
use crate::tables;
use crate::validate::{Split, Step};

/// What an ecosystem says: where its build ends and what it leaves.
pub(super) struct Draft {
    /// The last instruction that builds.
    pub(super) cut: usize,
    /// The instruction above which a virtual environment for Python is made.
    pub(super) environment: Option<usize>,
    /// What the new stage takes, by absolute paths.
    pub(super) copies: Vec<String>,
    /// Another image for the new stage.
    pub(super) base: Option<RuntimeBase>,
    /// What removes packages of development behind the build, or why nothing does.
    pub(super) prune: Result<String, String>,
}

/// More paths than this are not copied one by one.
const MAX_COPIES: usize = 9;

/// What the instructions up to the cut leave that the program may need: by paths, none below another one.
pub(super) fn artefacts(model: &Model<'_>, stage: &Stage, cut: usize) -> Vec<String> {
    let language = split::language(model, stage, cut);
    let mut made: Vec<String> = Vec::new();
    let mut brought: Vec<String> = Vec::new();
    for index in stage.instructions.start..=cut {
        match split::kind(model, index) {
            Kind::Run if split::makes_directories(model, stage, index) => {}
            Kind::Run => {
                let deeds = replay::other_deeds(model, stage, index, &[]).unwrap_or_default();
                let is_needed = |path: &&str| !carry::is_left_behind(model, stage, cut, path);
                made.extend(deeds.iter().filter_map(Deed::path).filter(is_needed).map(str::to_owned));
                made.extend(deeds.iter().filter_map(Deed::path).filter_map(|path| java::packed(model, stage, path)));
                let builds = deeds.iter().any(|deed| !matches!(deed, Deed::Account | Deed::Owner { .. }));
                made.extend(deeds.iter().filter_map(|deed| match deed {
                    Deed::Owner { path, .. } if builds => Some(path.clone()),
                    _ => None,
                }));
            }
            Kind::Transfer if model.instruction(index).flag("from").is_none() => {
                if split::is_brought_later(model, stage, index) || carry::is_scratch_copy(model, stage, cut, index) {
                    continue;
                }
                let assets = language.and_then(|language| split::assets(model, index, language));
                let targets = assets.unwrap_or_else(|| split::destination(model, index).into_iter().collect());
                brought.extend(targets.into_iter().filter(|path| !carry::is_installed(model, stage, cut, path)));
            }
            _ => {}
        }
    }
    let mut all: Vec<String> = Vec::new();
    for path in made.iter().cloned().chain(brought) {
        if !all.iter().any(|other| is_below(&path, other)) {
            all.retain(|other| !is_below(other, &path));
            all.push(path);
        }
    }
    // What changes most often comes last.
    if language.is_some_and(|name| name != tables::stages().node.family) {
        all.sort_by_key(|path| made.contains(path));
    }
    if all.len() > MAX_COPIES
        && let Some(directory) = model.state(cut).workdir.fixed()
    {
        all.retain(|path| !is_below(path, directory));
        all.insert(0, directory.to_owned());
    }
    all
}

/// Whether packages that only builds need are installed.
pub(super) fn installs_toolchain(model: &Model<'_>, deed: &Deed) -> bool {
    matches!(deed, Deed::Packages { names, .. } if names.iter().any(|name| split::is_build_only(model, name)))
}

/// Names for the build stage, the first that is free.
const NAMES: [&str; 4] = ["build", "builder", "build-stage", "imgopt-build"];

/// The split as a rewrite; `slims` says whether full images are replaced by slim ones in this run.
pub(super) fn rewrite(model: &Model<'_>, stage: &Stage, draft: &Draft, slims: bool) -> Result<Rewrite, String> {
    let above = || stage.instructions.start..=draft.cut;
    let mut repeated = Vec::new();
    let mut installs = Vec::new();
    let mut arguments = Vec::new();
    for index in above() {
        match split::kind(model, index) {
            Kind::Setting if matches!(model.instruction(index).kind, InstructionKind::Arg(_)) => arguments.push(index),
            Kind::Setting => repeated.push(index),
            Kind::Configuration | Kind::Other => {}
            Kind::Transfer if is_repeated_copy(model, stage, draft, index) => repeated.push(index),
            Kind::Transfer => {}
            Kind::Run => {
                let line = model.lines.line(model.instruction(index).span.start);
                let deeds = deeds(model, index).map_err(|reason| format!("line {line}: {reason}"))?;
                if is_repeated_run(model, stage, draft, index, &deeds) {
                    repeated.push(index)
                } else {
                    installs.push(index)
                }
            }
        }
    }
    let configuration = above().filter(|index| split::kind(model, *index) == Kind::Configuration);
    let side: Vec<usize> =
        repeated.iter().copied().chain(configuration).chain(draft.cut + 1..stage.instructions.end).collect();
    let packages = split::runtime_packages(model, stage, &installs, draft.base.as_ref())?;
    for index in arguments {
        let InstructionKind::Arg(declarations) = &model.instruction(index).kind else { continue };
        let names: Vec<String> = declarations.iter().map(|declaration| declaration.name.text.clone()).collect();
        if split::is_argument_read(model, &names, !packages.install.is_empty(), side.iter().copied()) {
            repeated.push(index);
        }
    }
    repeated.sort_unstable();
    let InstructionKind::From(from) = &model.instruction(stage.from).kind else {
        return Err("the stage has no FROM".to_owned());
    };
    let name =
        NAMES.into_iter().find(|name| !is_mentioned(model, name)).ok_or("no name for the build stage is free")?;
    let split = Split {
        stage: stage.index,
        name: name.to_owned(),
        base: draft.base.as_ref().map_or_else(|| from.image.text.clone(), |base| base.text.clone()),
        cut: draft.cut,
        repeated,
        copies: draft.copies.clone(),
        environment: draft.environment,
        prune: draft.prune.clone().ok(),
        path: carry::lost_path(model, stage, draft.base.as_ref(), &draft.copies)?,
        packages: packages.install.clone(),
    };
    split.check(model)?;
    let edits = text::edits(model, stage, &split, &packages)?;
    let without = worth::without(model, stage, draft, &split, &packages, slims.then_some(&edits))?;
    let keeps_owners = split.keeps_owners(model, stage);
    let mut rewrite = Rewrite::new(
        Level::Guarded,
        model.instruction(stage.from).span,
        format!("becomes a build stage `{name}` and a runtime stage {without}"),
        "what only the build needs stays out of the image",
    )
    .step(Step::SplitStage(Box::new(split)));
    rewrite.edits = edits;
    if keeps_owners {
        rewrite = rewrite.assume(model.build_kit());
    }
    for kind in [
        AssumptionKind::NoComputedReads,
        AssumptionKind::TableBounds,
        AssumptionKind::NoShellInContainer,
        AssumptionKind::NoChildImages,
    ] {
        rewrite = rewrite.assume(Assumption::assumed(kind));
    }
    if stage.image_by_argument {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::DefaultBuildArguments));
    }
    Ok(rewrite)
}

fn is_mentioned(model: &Model<'_>, name: &str) -> bool {
    let is_alias = model.stages.iter().any(|stage| stage.name.as_deref() == Some(name));
    let flags = model.dockerfile.instructions.iter().flat_map(|instruction| &instruction.flags);
    is_alias || flags.filter_map(|flag| flag.value.as_deref()).any(|value| value.to_lowercase().contains(name))
}

fn is_repeated_copy(model: &Model<'_>, stage: &Stage, draft: &Draft, index: usize) -> bool {
    let is_copied = |target: &String| draft.copies.iter().any(|copy| is_below(target, copy));
    if split::tools_of_copy(model, index).is_some_and(|tools| !split::runs_any(model, stage, &tools)) {
        return false;
    }
    let language = split::language(model, stage, draft.cut);
    let assets = language.and_then(|language| split::assets(model, index, language));
    let is_installed = |path: &String| carry::is_installed(model, stage, draft.cut, path);
    !split::destination(model, index).is_some_and(|target| is_copied(&target) || is_installed(&target))
        && !assets.is_some_and(|assets| assets.iter().all(|path| is_copied(path) || is_installed(path)))
        && !split::is_brought_later(model, stage, index)
        && !carry::is_scratch_copy(model, stage, draft.cut, index)
}

fn is_repeated_run(model: &Model<'_>, stage: &Stage, draft: &Draft, index: usize, deeds: &[Deed]) -> bool {
    let in_environment = draft.environment.is_some_and(|first| first <= index);
    if split::makes_directories(model, stage, index) {
        return true;
    }
    let is_same = |deed: &Deed| match deed {
        Deed::Account | Deed::Settings => true,
        Deed::Upgraded { refreshed, .. } => *refreshed,
        Deed::Owner { path, .. } => split::is_made_above(model, stage, index, path),
        Deed::Packages { names, refreshed, .. } => {
            *refreshed && names.iter().all(|name| !split::is_build_only(model, name))
        }
        Deed::Below(path) | Deed::Output(path) => {
            !draft.copies.iter().any(|copy| is_below(path, copy) || is_below(copy, path))
                && !carry::is_left_behind(model, stage, draft.cut, path)
        }
        Deed::PythonTools(_) if in_environment => false,
        Deed::PythonTools(programs) | Deed::Tools(programs) => {
            split::runs_any(model, stage, &programs.iter().cloned().collect())
        }
        Deed::Programs => true,
        Deed::PythonPackages | Deed::Shims(_) | Deed::Source | Deed::Taken(_) | Deed::Linked => false,
    };
    !deeds.is_empty() && deeds.iter().all(is_same) && split::is_repeatable(model, index)
}
