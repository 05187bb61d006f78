//! Package installs: `update` and `install` in one RUN, no questions, no recommended packages, no leftovers.
//!
//! ## What it does
//! - apt: `apt-get update` moves into the RUN that installs; `-y`; `--no-install-recommends` where the tables know what is
//!   lost, with the recommended packages that something may use named; package lists are removed at the end of the RUN that fetched them.
//! - `apt` in place of `apt-get`, whose command line is made for scripts.
//! - apk: `--no-cache` instead of `--update` or a separate `apk update`.
//! - dnf, yum, microdnf, zypper, pacman, conda: the option that answers questions (`-y`), and their caches are emptied at the
//!   end of the RUN (`yum clean all`; `conda clean --all`, which keeps what is installed).
//! - pip, uv: `--no-cache-dir`, `--no-cache` where no cache is mounted; gem: `--no-document`.
//! - npm, yarn 1, pnpm, bun, composer, bundler, gem, poetry, pipenv, pdm, mix: the cache is emptied at the end of the RUN where
//!   no cache is mounted. Never `yarn cache clean` from yarn 2 on, whose cache may hold what the program runs from.
//!
//! ## Why
//! A RUN that only updates is cached for ever, and a later install then reads old lists. What a RUN leaves behind stays in its
//! layer, whatever later layers delete.
//!
//! ## Level
//! Safe; `--no-install-recommends` and `--no-document` are guarded. Lists are removed only where every later install of the stage, and of those
//! built from it, refreshes them itself, and nothing runs there that the tables do not know; guarded where `make`, `cmake` or
//! `./configure` run there. Nothing is cleaned up in stages that are not shipped, because nothing would be saved.
//!
//! ## Assumptions
//! No build with `make` and the like installs packages of the distribution. Where the build context is known, recommended packages
//! that nothing in it names are left out: code that is not seen does not need them.
//!
//! ## References
//! Docker's build best practices, "apt-get"; apt-get(8), apk-add(8); the rows of `rewrites/caches.yaml` name the manual of each
//! other command.

mod apk;
mod apt;
mod caches;

use super::{Pass, PassContext, PassInfo, text};
use crate::edit::Edit;
use crate::model::call::Call;
use crate::model::chain::Chain;
use crate::model::scope::Variable;
use crate::model::{Model, Stage};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::shell::ast::WordPart;
use crate::source::Span;
use crate::tables::{self, Tool};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct PackageInstall;

static INFO: PassInfo = PassInfo {
    name: "package-install",
    summary: "`update` and `install` in one RUN, no questions, no recommended packages, no leftovers",
    docs: include_str!("mod.rs"),
    max_level: Level::Guarded,
};

impl Pass for PackageInstall {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        for stage in &cx.model.stages {
            for run in stage.instructions.clone().filter(|index| cx.model.is_run(*index)) {
                Place { model: cx.model, stage, run, calls: cx.model.calls(run) }.examine(found);
            }
        }
    }
}

/// The commands that install packages, for RUNs whose script cannot be read.
fn install_commands() -> Vec<&'static str> {
    let of_tool = |tool: &'static Tool| {
        let has_leftovers = tool.cleanup.is_some() || tool.skip.is_some();
        tool.commands.iter().map(String::as_str).filter(move |command| has_leftovers && is_subcommand(command))
    };
    ["apt-get install", "apt install", "apk add"]
        .into_iter()
        .chain(tables::caches().tools().flat_map(of_tool))
        .collect()
}

/// Whether the words are a program with its subcommand.
fn is_subcommand(command: &str) -> bool {
    command.split_once(' ').is_some_and(|(_, name)| name.starts_with(|c: char| c.is_ascii_alphabetic()))
}

/// Why nothing is cleaned up in a build stage.
const NOT_SHIPPED: &str = "the stage is part of no image: nothing would be saved";

/// A rewrite that is guarded where it rests on rows that are assumptions.
fn at_level(level: Level, span: Span, message: impl Into<String>, reason: &str) -> Rewrite {
    let rewrite = Rewrite::new(level, span, message, reason);
    if level == Level::Safe { rewrite } else { rewrite.assume(Assumption::assumed(AssumptionKind::TableBounds)) }
}

/// A RUN under examination.
struct Place<'a> {
    model: &'a Model<'a>,
    stage: &'a Stage,
    run: usize,
    calls: Vec<Call<'a>>,
}

impl Place<'_> {
    fn examine(&self, found: &mut Findings) {
        if self.calls.is_empty() {
            text::decline_unread(self.model, self.run, &install_commands(), found);
            return;
        }
        // What becomes one RUN in this walk is looked at in the next.
        if self.joins_above() {
            return;
        }
        if let Some(rewrite) = self.merge_installs() {
            found.push(rewrite);
            return;
        }
        for call in &self.calls {
            self.apt_get(call, found);
            match (call.program(), call.subcommand()) {
                ("apt-get" | "apt", Some("install")) => {
                    self.update_first(call, found);
                    let yes = self.assume_yes(call, found);
                    found.rewrites.extend(yes);
                    self.no_recommends(call, found);
                }
                ("apk", Some("add")) => self.no_cache(call, found),
                _ => {}
            }
        }
        self.drop_updates(found);
        self.remove_lists(found);
        for tool in tables::caches().tools() {
            self.gain_options(tool, found);
            self.empty_caches(tool, found);
        }
    }

    fn span(&self) -> Span {
        self.model.instruction(self.run).span
    }

    /// The chain with the number of its last command, if that is a simple one.
    fn chain_end(&self) -> Option<(Chain<'_>, usize)> {
        let body = self.model.body(self.run)?;
        // A shell comment at the end of the line would end up behind the added command.
        let script = body.understood().filter(|script| body.heredoc || script.comments.is_empty())?;
        let chain = Chain::of(script)?;
        let last = chain.elements.last()?.simple()?;
        let id = self.calls.iter().find(|call| std::ptr::eq(call.command, last))?.id;
        Some((chain, id))
    }

    /// The place of a call in the chain of the RUN.
    fn in_chain(&self, call: &Call<'_>) -> Option<(Chain<'_>, usize)> {
        let script = self.model.body(self.run)?.understood()?;
        let chain = Chain::of(script)?;
        let at = chain
            .elements
            .iter()
            .position(|element| element.simple().is_some_and(|simple| std::ptr::eq(simple, call.command)))?;
        Some((chain, at))
    }

    /// A rewrite of the command that puts an option behind those it has, without message and reason.
    fn with_option(&self, call: &Call<'_>, option: &str) -> Option<Rewrite> {
        let at = call.option_place()?;
        let before = self.model.script_span(self.run, call.command.words.get(at - 1)?.span);
        let step = Step::AddOption { run: self.run, command: call.id, at, option: option.to_owned() };
        Some(self.bare(call).edit(Edit::insert(before.end, format!(" {option}"))).step(step))
    }

    /// Whether a variable of the call stands for options, by the value that it has or has by default.
    fn has_options_in_variables(&self, call: &Call<'_>) -> bool {
        let names = call.command.words.iter().flat_map(|word| &word.parts).filter_map(|part| match part {
            WordPart::Expansion { variable, .. } => variable.as_deref(),
            WordPart::Literal { .. } | WordPart::Substitution { .. } => None,
        });
        names.into_iter().any(|name| match self.model.state(self.run).variables.get(name) {
            Variable::Set(value) => value.text.as_deref().is_some_and(|text| text.trim_start().starts_with('-')),
            Variable::Unset | Variable::Unknown => false,
        })
    }

    fn bare(&self, call: &Call<'_>) -> Rewrite {
        Rewrite::new(Level::Safe, self.model.script_span(self.run, call.span()), "", "")
    }
}
