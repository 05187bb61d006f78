//! Dependencies are installed before the sources are copied.
//!
//! ## What it does
//! Where a RUN installs what the manifests of the project name and stands below the COPY of the sources, copies the manifests
//! alone first, and the sources behind the RUN. A RUN that installs and then builds (`npm ci && npm run build`) becomes two.
//!
//! ## Why
//! A change of any source file repeats every instruction below its COPY. The dependencies are then installed again, though
//! they change only with the manifests.
//!
//! ## Level
//! Guarded. The manifests and lock files of the build context are read, and with them what they name: requirements of
//! requirements, constraints, workspaces, patches, settings. Dependencies by a path, lifecycle scripts that may read the
//! sources, an install of the project itself and a lock file that the install may write decline the rewrite, and so do files
//! of the build context in directories that the install writes. From an unknown build context or an empty file nothing follows.
//! Build scripts of Gradle are programs: only those that are made of words of the table count as read. `cargo fetch` needs the sources
//! that make a manifest valid; `cargo build` and `gradle build` compile the sources and stay (see cache-mounts).
//! A directory that the COPY makes has the mode 0755 then, whatever the mode of its source is.
//!
//! ## Assumptions
//! The package manager's command reads and writes what its row says.
//!
//! ## References
//! Docker's build cache documentation, "Optimize cache usage in builds"; the rows of `rewrites/dependencies.yaml` name the
//! documentation of each package manager.

use super::text::{self, Block};
use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::access;
use crate::model::chain::Chain;
use crate::model::dependencies::{self, Manifests, Plan};
use crate::model::{Model, Refusal};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::source::Span;
use crate::tables;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct DependencyLayers;

static INFO: PassInfo = PassInfo {
    name: "dependency-layers",
    summary: "dependencies are installed before the sources are copied",
    docs: include_str!("dependency_layers.rs"),
    max_level: Level::Guarded,
};

impl Pass for DependencyLayers {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        let mut before = None;
        for stage in &model.stages {
            let mut is_rewritten = false;
            for run in stage.instructions.clone().filter(|index| model.is_run(*index)) {
                let commands: Vec<&str> = tables::dependencies().commands().filter(|name| name.contains(' ')).collect();
                text::decline_unread(model, run, &commands, found);
                if !may_install(model, run) {
                    continue;
                }
                let before = before.get_or_insert_with(|| access::trusting(model));
                let Some(plan) = dependencies::plan(model, before, run) else { continue };
                let rewrite = plan.and_then(|plan| rewrite(model, run, &plan));
                match rewrite {
                    // One after the other: the next walk sees the new text.
                    Ok(rewrite) if !is_rewritten => {
                        is_rewritten = true;
                        found.push(rewrite);
                    }
                    Ok(_) => {}
                    Err((reason, unlock)) => {
                        match dependencies::split(model, before, run).and_then(|at| split(model, run, at)) {
                            Some(rewrite) => {
                                is_rewritten = true;
                                found.push(rewrite);
                            }
                            None => found.decline(model.instruction(run).span, reason, unlock),
                        }
                    }
                }
            }
        }
    }
}

/// Whether a command of the RUN has a row in the table.
fn may_install(model: &Model<'_>, run: usize) -> bool {
    let table = tables::dependencies();
    model.calls(run).iter().any(|call| table.install(call.program(), call.subcommand()).is_some())
}

fn rewrite(model: &Model<'_>, run: usize, plan: &Plan) -> Result<Rewrite, Refusal> {
    let apart = || ("comments stand apart from their instruction".to_owned(), "comments right above their instruction");
    let instruction = model.instruction(run);
    let install = Block::of(model, run).ok_or_else(apart)?;
    let line_end = text::line_end(model);
    let message = match plan.manifests.as_slice() {
        [] => "stands above the COPY of the sources".to_owned(),
        manifests => format!("stands above the COPY of the sources, with a COPY of {} before it", listed(manifests)),
    };
    let reason = format!("a change of the sources keeps the layer with the dependencies; {}", plan.evidence.join(", "));
    let mut rewrite = Rewrite::new(Level::Guarded, instruction.span, message, reason)
        .assume(Assumption::assumed(AssumptionKind::TableBounds))
        .step(Step::CopyManifestsFirst { run });
    if model.stage_of(run).is_some_and(|stage| stage.image_by_argument) {
        rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::DefaultBuildArguments));
    }
    let mut sources = String::new();
    for moved in &plan.moved {
        let block = Block::of(model, moved.copy).ok_or_else(apart)?;
        let lines: Vec<String> =
            moved.manifests.iter().map(|manifests| copy(model, moved.copy, manifests)).collect::<Result<_, _>>()?;
        let first: String = lines.iter().map(|line| format!("{line}{line_end}")).collect();
        let removed = if first.is_empty() { block.removed(model) } else { block.lines };
        rewrite = rewrite.edit(Edit::replace(removed, first));
        sources.push_str(block.lines.of(model.source));
    }
    let blank_line = if install.with_blanks.start < install.lines.start { line_end } else { "" };
    Ok(rewrite.edit(Edit::insert(install.lines.end, format!("{blank_line}{sources}"))))
}

/// The RUN becomes two; the next walk moves the first one.
fn split(model: &Model<'_>, run: usize, at: usize) -> Option<Rewrite> {
    let instruction = model.instruction(run);
    if text::has_comment_line(model.source, instruction.span) {
        return None;
    }
    let chain = Chain::of(model.body(run)?.understood()?)?;
    let end = model.script_span(run, chain.elements.get(at.checked_sub(1)?)?.node.span).end;
    let start = model.script_span(run, chain.elements.get(at)?.node.span).start;
    let keyword = Span::new(instruction.keyword.start, instruction.arguments.start).of(model.source);
    let rewrite = Rewrite::new(
        Level::Guarded,
        instruction.span,
        "becomes two RUN instructions, of which the first installs the dependencies",
        "the install can stand above the sources then, which the commands behind it read",
    );
    let rewrite = rewrite.edit(Edit::replace(Span::new(end, start), format!("{}{keyword}", text::line_end(model))));
    Some(rewrite.assume(Assumption::assumed(AssumptionKind::TableBounds)).step(Step::SplitAnd { run, at }))
}

/// The names of the manifests, the first few of them.
fn listed(manifests: &[String]) -> String {
    const SHOWN: usize = 4;
    let names: Vec<String> = manifests.iter().take(SHOWN).map(|path| format!("`{path}`")).collect();
    match manifests.len().checked_sub(SHOWN) {
        None | Some(0) => names.join(", "),
        Some(more) => format!("{} and {more} more", names.join(", ")),
    }
}

/// The COPY of manifests, with the keyword and flags of the one whose place it takes.
fn copy(model: &Model<'_>, index: usize, manifests: &Manifests) -> Result<String, Refusal> {
    let instruction = model.instruction(index);
    let is_lower = instruction.keyword.of(model.source).starts_with(char::is_lowercase);
    let mut words = vec![if is_lower { "copy" } else { "COPY" }.to_owned()];
    for flag in &instruction.flags {
        let written = flag.span.of(model.source);
        if written.contains('\n') {
            return Err(("a flag goes over several lines".to_owned(), "the flag on one line"));
        }
        words.push(written.to_owned());
    }
    words.extend(manifests.sources.iter().cloned());
    words.push(manifests.destination.clone());
    Ok(words.join(" "))
}
