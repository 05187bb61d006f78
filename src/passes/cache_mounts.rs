//! Package managers keep their downloads in cache mounts: between builds, and out of the layers.
//!
//! ## What it does
//! A RUN that calls a package manager of the cache table (pip, npm, go, cargo, maven, composer, …; apt in build stages)
//! gains `--mount=type=cache` over the directory in which it keeps downloads. Flags and commands that keep the cache empty (`--no-cache-dir`, `npm cache clean`, `rm -rf` of the
//! directory) go exactly where the mount makes them wrong. For apt, the first commands of the RUN make it keep what it
//! downloads.
//!
//! ## Why
//! A changed manifest downloads only what changed, and what is downloaded does not become part of the image. Builders that
//! are thrown away after each build, as on many CI services, keep no cache mounts: they gain the smaller layer only.
//!
//! ## Level
//! Guarded. Safe where BuildKit is proved, the tool checks downloads by hash (npm, go modules, cargo's registry, apt) and
//! the stage is no part of a shipped image.
//!
//! ## Assumptions
//! The image is built with BuildKit.
//!
//! The directory is that of the effective user and HOME, or where ENV puts it (`PIP_CACHE_DIR`); a user other than root is
//! known by number, and the mount gets its `uid` and `gid`. Options and settings that put the cache elsewhere decline the
//! rewrite, and so does whatever else reads the directory, or a command that takes all it needs from earlier downloads
//! (`--offline`, `--no-restore`). Where later commands need what earlier ones downloaded (go, cargo, maven, gradle, dotnet),
//! all RUNs of a stage gain the mount or none. Output directories are never mounted.
//!
//! ## References
//! Dockerfile reference, `RUN --mount=type=cache`; the rows of `rewrites/caches.yaml` name the source of each directory.

use super::{Pass, PassContext, PassInfo, text};
use crate::context::Builder;
use crate::edit::Edit;
use crate::model::cache::{self, KEEP_DOWNLOADS, Refusal};
use crate::model::call::Call;
use crate::model::chain::{Chain, Joint};
use crate::model::{Model, Stage, packages};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::syntax::make;
use crate::syntax::mount::{Mount, MountKind};
use crate::tables::{self, CacheDirectory, Tool};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct CacheMounts;

static INFO: PassInfo = PassInfo {
    name: "cache-mounts",
    summary: "package managers keep their downloads between builds, and out of the layers",
    docs: include_str!("cache_mounts.rs"),
    max_level: Level::Guarded,
};

impl Pass for CacheMounts {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        for stage in &cx.model.stages {
            for run in stage.instructions.clone() {
                text::decline_unread(cx.model, run, &commands(), found);
            }
            for tool in mounted() {
                mount_tool(cx.model, stage, tool, found);
            }
        }
    }
}

/// The tools whose caches are mounted.
fn mounted() -> impl Iterator<Item = &'static Tool> {
    tables::caches().tools().filter(|tool| tool.mounted)
}

/// The commands of these tools, as far as they are more than the name of a program.
fn commands() -> Vec<&'static str> {
    let commands = mounted().flat_map(|tool| &tool.commands).map(String::as_str);
    commands.filter(|command| command.contains(' ') && !command.ends_with('.')).collect()
}

/// Whether another row is about the same commands: one that the evidence speaks for, or an earlier one, which says why not.
fn is_said_elsewhere(model: &Model<'_>, stage: &Stage, tool: &Tool) -> bool {
    let same = mounted().filter(|other| other.commands.iter().any(|command| tool.commands.contains(command)));
    let mut others = same.filter(|other| other.tool != tool.tool);
    others.any(|other| other.tool < tool.tool || cache::is_the_tool(model, stage, other).is_ok())
}

/// Mounts the caches of one tool in all RUNs of the stage that use it.
fn mount_tool(model: &Model<'_>, stage: &Stage, tool: &Tool, found: &mut Findings) {
    let uses_tool = |run: &usize| model.calls(*run).iter().any(|call| cache::uses(call, tool));
    let runs = stage.instructions.clone().filter(uses_tool).filter(|run| !is_mounted_already(model, *run, tool));
    let runs: Vec<usize> = runs.collect();
    if runs.is_empty() {
        return;
    }
    let shown = cache::is_the_tool(model, stage, tool);
    if shown.is_err() && is_said_elsewhere(model, stage, tool) {
        return;
    }
    if let Err((reason, unlock)) = shown.and_then(|()| stage_allows(model, stage, tool, &runs)) {
        for run in runs {
            found.decline(model.instruction(run).span, &*reason, unlock);
        }
        return;
    }
    let rewrites: Vec<_> = runs.iter().map(|run| (*run, mount_run(model, stage, *run, tool))).collect();
    let all_or_none = tool.needed_later;
    let refused =
        rewrites.iter().find_map(|(run, rewrite)| rewrite.as_ref().err().map(|refusal| (*run, refusal.clone())));
    for (run, rewrite) in rewrites {
        match (rewrite, &refused) {
            (Ok(Some(_)), Some((other, _))) if all_or_none => {
                let line = model.lines.line(model.instruction(*other).span.start);
                let reason = format!(
                    "line {line} of the stage cannot have the mount, and all of its {} commands need it or none",
                    tool.tool
                );
                found.decline(model.instruction(run).span, reason, "what that line says");
            }
            (Ok(rewrite), _) => found.rewrites.extend(rewrite),
            (Err((reason, unlock)), _) => found.decline(model.instruction(run).span, reason, unlock),
        }
    }
}

fn stage_allows(model: &Model<'_>, stage: &Stage, tool: &Tool, runs: &[usize]) -> Result<(), Refusal> {
    if let Builder::Other { name, evidence } = model.context.builder() {
        return Err((format!("the image is built with {name}: {evidence}"), "a builder that knows cache mounts"));
    }
    if tool.tool == "apt" {
        return apt_allows(model, stage);
    }
    if tool.needed_later {
        if model.is_shipped(stage) && cache::may_be_used_at_run_time(model, stage, tool) {
            let reason = format!("the image may run {} itself, which then needs what was downloaded", tool.tool);
            return Err((reason, "an exec-form CMD that starts the built program"));
        }
        let first = runs.first().copied().unwrap_or_default();
        let unknown = (first + 1..stage.instructions.end)
            .filter(|index| model.is_run(*index))
            .find(|index| model.every_call(*index).is_none_or(|calls| calls.iter().any(|call| may_run_anything(call))));
        if let Some(index) = unknown {
            let line = model.lines.line(model.instruction(index).span.start);
            return Err((
                format!("line {line} may run {} and need what was downloaded before", tool.tool),
                "plain commands instead of a script",
            ));
        }
    }
    Ok(())
}

fn may_run_anything(call: &Call<'_>) -> bool {
    !packages::is_bounded(call)
}

fn apt_allows(model: &Model<'_>, stage: &Stage) -> Result<(), Refusal> {
    if model.is_shipped(stage) {
        let reason = "the stage is part of a shipped image, in which apt's changed configuration would stay".to_owned();
        return Err((reason, "a build stage of its own"));
    }
    let clean = stage.image.as_deref().map(|image| &image.docker_clean);
    if !matches!(clean, Some(tables::Fact::Known(_))) {
        return Err((
            "whether the base image deletes apt's downloads is not known".to_owned(),
            "a row for the base image in the image tables",
        ));
    }
    if !model.descendants(stage).is_empty() {
        return Err(("other stages are built from this one".to_owned(), "nothing"));
    }
    cache::may_write_apt_configuration(model, stage).map_err(|reason| (reason, "nothing"))
}

/// Whether the RUN has cache mounts where the tool keeps its caches, for whatever user.
fn is_mounted_already(model: &Model<'_>, run: usize, tool: &Tool) -> bool {
    let mounts = model.mounts(run);
    let targets: Vec<&str> = mounts
        .iter()
        .filter(|mount| mount.kind == MountKind::Cache)
        .filter_map(|mount| mount.target.as_deref())
        .collect();
    let is_there = |directory: &CacheDirectory| {
        let below_home = |target: &str| directory.home.as_deref().is_some_and(|home| target.ends_with(home));
        let elsewhere = |target: &str| directory.images.values().any(|path| cache::is_below(path, target));
        targets.iter().any(|target| cache::is_below(&directory.root, target) || below_home(target) || elsewhere(target))
    };
    tool.directories.iter().filter(|directory| !directory.optional).all(is_there)
}

/// The rewrite of one RUN; `None` when it has the mounts.
fn mount_run(model: &Model<'_>, stage: &Stage, run: usize, tool: &Tool) -> Result<Option<Rewrite>, Refusal> {
    let instruction = model.instruction(run);
    let planned = cache::planned(model, run, tool)?;
    let covered =
        |mount: &Mount| mount.target.as_deref().is_some_and(|target| packages::has_cache_mount(model, run, target));
    let missing: Vec<_> = planned.iter().filter(|planned| !covered(&planned.mount)).collect();
    if missing.is_empty() {
        return Ok(None);
    }
    let existing = model.mounts(run);
    if existing.iter().any(|mount| {
        mount.kind != MountKind::Cache && planned.iter().any(|planned| mount.target == planned.mount.target)
    }) {
        return Err(("something else is mounted there".to_owned(), "nothing"));
    }
    let mounts: Vec<Mount> = existing.into_iter().chain(missing.iter().map(|planned| planned.mount.clone())).collect();

    let is_safe = missing.iter().all(|planned| planned.hash_verified) && !model.is_shipped(stage);
    let escape = model.dockerfile.escape;
    let flags: Option<Vec<String>> = missing.iter().map(|planned| make::mount(&planned.mount, escape)).collect();
    let flags = flags.ok_or_else(|| ("the directory cannot be written as a flag".to_owned(), "nothing"))?;
    let mut rewrite = Rewrite::new(
        if is_safe { Level::Safe } else { Level::Guarded },
        instruction.keyword,
        String::new(),
        "downloads stay out of the layer and are reused by the next build on the same builder; one that is thrown away after \
         each build, as on many CI services, gains no reuse",
    )
    .assume(model.build_kit());
    if stage.image_by_argument {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::DefaultBuildArguments));
    }
    let mut message =
        format!("gains {}", flags.iter().map(|flag| format!("`{flag}`")).collect::<Vec<_>>().join(" and "));

    let separator = text::continuation(model, run);
    let mut inserted: String = flags
        .iter()
        .map(|flag| format!("{flag} {}", if text::is_heredoc(model, run) { "" } else { &separator }))
        .collect();
    for planned in &missing {
        rewrite = rewrite.step(Step::AddCacheMount { run, mount: planned.mount.clone() });
    }
    if tool.tool == "apt" {
        inserted.push_str(&keep_downloads(model, run)?);
        rewrite = rewrite.step(Step::KeepDownloads { run });
    }
    rewrite = rewrite.edit(Edit::insert(instruction.arguments.start, inserted));
    for call in model.calls(run) {
        rewrite = without_defeating_options(model, run, &call, &mounts, rewrite, &mut message)?;
    }
    rewrite = without_cleanups(model, run, tool, &mounts, rewrite, &mut message)?;
    rewrite.message = message;
    Ok(Some(rewrite))
}

fn without_defeating_options(
    model: &Model<'_>,
    run: usize,
    call: &Call<'_>,
    mounts: &[Mount],
    mut rewrite: Rewrite,
    message: &mut String,
) -> Result<Rewrite, Refusal> {
    // From the last to the first, so that each number is still right when its step is replayed.
    for (at, word) in call.command.words.iter().enumerate().skip(1).rev() {
        let Some(text) = word.literal().filter(|text| cache::defeating_option(model, run, call, text, mounts)) else {
            continue;
        };
        let edit = text::remove_word(model, run, call.command.words[at - 1].span, word.span)
            .ok_or_else(|| (format!("a comment stands before `{text}`"), "move the comment"))?;
        message.push_str(&format!(", loses `{text}`"));
        rewrite = rewrite.edit(edit).step(Step::RemoveOption { run, command: call.id, at });
    }
    Ok(rewrite)
}

/// Takes out the commands that would empty the cache. What cannot be taken out declines the rewrite.
fn without_cleanups(
    model: &Model<'_>,
    run: usize,
    tool: &Tool,
    mounts: &[Mount],
    mut rewrite: Rewrite,
    message: &mut String,
) -> Result<Rewrite, Refusal> {
    let script = model.body(run).and_then(|body| body.understood());
    let chain = script.and_then(Chain::of);
    for call in model.calls(run) {
        let in_chain = chain.as_ref().and_then(|chain| {
            chain
                .elements
                .iter()
                .position(|element| element.simple().is_some_and(|simple| std::ptr::eq(simple, call.command)))
        });
        if cache::only_cleans(model, run, &call, mounts) {
            let (Some(chain), Some(at)) = (&chain, in_chain) else {
                return Err((
                    "a command that empties the cache is not one of a plain `&&` list".to_owned(),
                    "a plain `&&` list",
                ));
            };
            let edit = text::take_out(model, run, chain, at).ok_or_else(|| {
                ("a comment stands at the command that empties the cache".to_owned(), "move the comment")
            })?;
            let written = model.script_span(run, chain.elements[at].node.span).of(model.source);
            message.push_str(&format!(", loses `{}`", written.split_whitespace().collect::<Vec<_>>().join(" ")));
            rewrite = rewrite.edit(edit).step(Step::DropCleanup { run, command: call.id });
        } else if let Some(operands) = covered_operands(model, run, &call, mounts) {
            for at in operands {
                let words = &call.command.words;
                let edit = text::remove_word(model, run, words[at - 1].span, words[at].span).ok_or_else(|| {
                    ("a comment stands at the command that empties the cache".to_owned(), "move the comment")
                })?;
                let written = model.script_span(run, words[at].span).of(model.source);
                message.push_str(&format!(", `rm` loses `{written}`"));
                rewrite = rewrite.edit(edit).step(Step::DropOperand { run, command: call.id, at });
            }
        } else if disturbs(model, run, &call, tool, mounts) {
            return Err((
                "a command removes more than the mounted cache, or a part of it".to_owned(),
                "remove the cache directory in a command of its own",
            ));
        }
    }
    Ok(rewrite)
}

/// The operands of an `rm` that lie within mounted caches, from the last to the first, when the others lie elsewhere.
fn covered_operands(model: &Model<'_>, run: usize, call: &Call<'_>, mounts: &[Mount]) -> Option<Vec<usize>> {
    if call.program() != "rm" {
        return None;
    }
    let paths = model.paths(run, call);
    let is_covered = |path: &Option<String>| cache::is_covered(path.as_deref(), mounts);
    let others_overlap = paths.iter().filter(|path| !is_covered(path)).any(|path| overlaps(path.as_deref(), mounts));
    let covered = call.operands().iter().zip(&paths).filter(|(_, path)| is_covered(path));
    let operands: Vec<usize> = covered.map(|(operand, _)| operand.word).rev().collect();
    (!operands.is_empty() && !others_overlap).then_some(operands)
}

/// Whether a path may lie at, above or below a mounted directory.
fn overlaps(path: Option<&str>, mounts: &[Mount]) -> bool {
    let Some(path) = path else { return true };
    let fixed = path.split(['*', '?', '[']).next().unwrap_or_default();
    // A glob may stand for any name that starts as it does.
    let above = fixed.rfind('/').map_or("", |at| &fixed[..at]);
    let tree = if fixed.len() < path.len() { above } else { fixed.trim_end_matches('/') };
    let caches = mounts.iter().filter(|mount| mount.kind == MountKind::Cache);
    let mut targets = caches.filter_map(|mount| mount.target.as_deref());
    targets.any(|target| {
        let may_match = fixed.len() == path.len() || target.starts_with(fixed) || fixed.starts_with(target);
        may_match && (cache::is_below(tree, target) || cache::is_below(target, tree))
    })
}

/// Whether the call removes something at, above or below a mounted directory.
fn disturbs(model: &Model<'_>, run: usize, call: &Call<'_>, tool: &Tool, mounts: &[Mount]) -> bool {
    if call.program() != "rm" {
        return tool.defeating_commands.iter().any(|command| call.reads_as(command));
    }
    model.paths(run, call).iter().any(|path| overlaps(path.as_deref(), mounts))
}

/// The commands that make apt keep what it downloads, with the joint to the first command of the RUN.
fn keep_downloads(model: &Model<'_>, run: usize) -> Result<String, Refusal> {
    let refusal = || ("the RUN is no plain `&&` list".to_owned(), "a plain `&&` list");
    let script = model.body(run).and_then(|body| body.understood()).ok_or_else(refusal)?;
    let chain = Chain::of(script).filter(|chain| chain.joint == Joint::And).ok_or_else(refusal)?;
    let calls = model.calls(run);
    if !calls.iter().filter(|call| packages::is_apt_install(call)).all(|call| packages::updates_first(&calls, call)) {
        let reason = "the RUN installs without `apt-get update`, and the mounted lists may be empty".to_owned();
        return Err((reason, "`apt-get update` in the same RUN"));
    }
    let written = text::joint(model, run, &chain, 0);
    // These commands are long: they stand on lines of their own.
    let joint = if written.contains('\n') { written } else { format!(" {}&& ", text::continuation(model, run)) };
    Ok(KEEP_DOWNLOADS.iter().map(|command| format!("{command}{joint}")).collect())
}
