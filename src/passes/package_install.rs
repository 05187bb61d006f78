//! Package installs: `update` and `install` in one RUN, no questions, no recommended packages, no leftovers.
//!
//! ## What it does
//! - apt: `apt-get update` moves into the RUN that installs; `-y`; `--no-install-recommends` where the tables know what is
//!   lost, with the recommended packages that something may use named; package lists are removed at the end of the RUN that fetched them.
//! - apk: `--no-cache` instead of `--update` or a separate `apk update`.
//! - pip: `--no-cache-dir` where no cache is mounted.
//! - npm: the cache is emptied at the end of the RUN where no cache is mounted.
//!
//! ## Why
//! A RUN that only updates is cached for ever, and a later install then reads old lists. What a RUN leaves behind stays in its
//! layer, whatever later layers delete.
//!
//! ## Level
//! Safe; `--no-install-recommends` is guarded. Lists are removed only where every later install of the stage, and of those
//! built from it, refreshes them itself, and nothing runs there that the tables do not know. Nothing is cleaned up in
//! stages that are not shipped, because nothing would be saved.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! Docker's build best practices, "apt-get"; apt-get(8), apk-add(8), `pip install --help`, npm-cache(1).

use super::{Pass, PassContext, PassInfo, text};
use crate::edit::Edit;
use crate::model::call::Call;
use crate::model::chain::Chain;
use crate::model::packages::{self, CLEAN_NPM, KeepRecommends, NO_RECOMMENDS, REMOVE_LISTS};
use crate::model::{Model, Stage};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::source::Span;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct PackageInstall;

static INFO: PassInfo = PassInfo {
    name: "package-install",
    summary: "`update` and `install` in one RUN, no questions, no recommended packages, no leftovers",
    docs: include_str!("package_install.rs"),
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
            let commands =
                ["apt-get install", "apt install", "apk add", "pip install", "pip3 install", "npm install", "npm ci"];
            text::decline_unread(self.model, self.run, &commands, found);
            return;
        }
        // What becomes one RUN in this walk is looked at in the next.
        if let Some(rewrite) = self.merge_installs() {
            found.push(rewrite);
            return;
        }
        if self.joins_above() {
            return;
        }
        for call in &self.calls {
            match (call.program(), call.subcommand()) {
                ("apt-get" | "apt", Some("install")) => {
                    self.update_first(call, found);
                    found.rewrites.extend(self.assume_yes(call));
                    self.no_recommends(call, found);
                }
                ("apk", Some("add")) => self.no_cache(call, found),
                ("pip", Some("install")) => self.no_cache_dir(call, found),
                _ => {}
            }
        }
        self.drop_updates(found);
        self.remove_lists(found);
        self.clean_npm(found);
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

    /// `apt-get update` in front of an install that relies on an earlier RUN.
    fn update_first(&self, call: &Call<'_>, found: &mut Findings) {
        if packages::updates_first(&self.calls, call)
            || !self.earlier_update()
            || packages::has_cache_mount(self.model, self.run, "/var/lib/apt/lists")
        {
            return;
        }
        // Only the first install of the RUN needs it.
        if self.calls.iter().any(|other| other.id < call.id && packages::is_apt_install(other)) {
            return;
        }
        if self.sources_changed() {
            let reason = "package sources change between `apt-get update` and the install";
            found.decline(self.span(), reason, "`apt-get update` in the same RUN");
            return;
        }
        let Some(update) = packages::update_command(call) else {
            found.decline(
                self.span(),
                "the install is run through another program or with variables",
                "`apt-get update` in the same RUN",
            );
            return;
        };
        let Some((chain, at)) = self.in_chain(call) else {
            found.decline(self.span(), "the install is no part of a plain `&&` list", "a plain `&&` list");
            return;
        };
        if at > 0 && chain.elements[at - 1].simple().is_none() {
            found.decline(
                self.span(),
                "the command before the install is a compound one",
                "`apt-get update` in the same RUN",
            );
            return;
        }
        let rewrite = Rewrite::new(
            Level::Safe,
            self.model.script_span(self.run, call.span()),
            format!("`{update}` runs before the install, in the same RUN"),
            "a cached RUN that only updates leaves old lists behind, from which packages cannot be fetched any more",
        );
        let step = Step::AddUpdate { run: self.run, command: call.id, text: update.clone() };
        found.push(rewrite.edit(text::prepend(self.model, self.run, &chain, at, &update)).step(step));
    }

    /// The RUNs right below this one that become a part of it: this one refreshes the lists and does nothing else than apt
    /// does, and they only install.
    fn installs_below(&self, head: usize) -> Vec<usize> {
        let only_apt = |calls: &[Call<'_>]| !calls.is_empty() && calls.iter().all(Call::is_apt);
        let updates =
            |calls: &[Call<'_>]| calls.iter().any(|call| call.is_apt() && call.subcommand() == Some("update"));
        let calls = self.model.calls(head);
        if !updates(&calls) || !only_apt(&calls) {
            return Vec::new();
        }
        let joins = |run: &usize| {
            let calls = self.model.calls(*run);
            only_apt(&calls)
                && !updates(&calls)
                && calls.iter().any(packages::is_apt_install)
                && packages::may_merge(self.model, run - 1, *run).is_ok()
        };
        (head + 1..self.stage.instructions.end).take_while(joins).collect()
    }

    /// This RUN and the installs right below it become one RUN.
    fn merge_installs(&self) -> Option<Rewrite> {
        let below = self.installs_below(self.run);
        let last = *below.last()?;
        let span = self.span().to(self.model.instruction(last).span);
        let mut rewrite = Rewrite::new(
            Level::Safe,
            span,
            if below.len() == 1 {
                "becomes one RUN with the install below".to_owned()
            } else {
                format!("becomes one RUN with the {} installs below", below.len())
            },
            "a cached RUN that only updates leaves old lists behind, from which packages cannot be fetched any more",
        );
        for second in below {
            // A blank at the end of the line above goes with the line end.
            let above = self.model.body(second - 1).and_then(|body| body.understood());
            let end = above.and_then(|script| script.list.statements.last()).map(|statement| statement.node.span)?;
            let end = self.model.script_span(second - 1, end).end;
            let between = Span::new(end, self.model.instruction(second).arguments.start);
            let joint = text::merge_joint(self.model, self.run, second);
            rewrite = rewrite.edit(Edit::replace(between, joint)).step(Step::MergeAnd { first: self.run, second });
        }
        Some(rewrite)
    }

    /// Whether the RUN becomes a part of one above.
    fn joins_above(&self) -> bool {
        let above = (self.stage.instructions.start..self.run).rev().take_while(|above| self.model.is_run(*above));
        above.into_iter().any(|head| self.installs_below(head).contains(&self.run))
    }

    /// Whether an earlier RUN of the stage, or of those it is built from, refreshes apt's lists.
    fn earlier_update(&self) -> bool {
        let mut stage = self.stage;
        let mut end = self.run;
        loop {
            if (stage.instructions.start..end).any(|run| self.refreshes_or_fails(run)) {
                return true;
            }
            let crate::model::Base::Stage(parent) = stage.base else { return false };
            stage = &self.model.stages[parent];
            end = stage.instructions.end;
        }
    }

    /// The instructions behind the last refresh of apt's lists and up to this RUN change where packages come from.
    fn sources_changed(&self) -> bool {
        let start = (self.stage.instructions.start..self.run).rev().find(|run| self.refreshes_or_fails(*run));
        let changes = |index: usize| {
            let text = self.model.instruction(index).full_span().of(self.model.source);
            ["/etc/apt", "add-apt-repository", "apt-key", "dpkg --add-architecture"]
                .iter()
                .any(|trace| text.contains(trace))
        };
        (start.unwrap_or(self.stage.instructions.start)..=self.run).any(changes)
    }

    /// Whether the RUN refreshes apt's lists, and fails when that fails. One that may fail and go on is the author's
    /// wish, which a strict `apt-get update &&` would not respect.
    fn refreshes_or_fails(&self, run: usize) -> bool {
        let chain = self.model.body(run).and_then(|body| body.understood()).and_then(Chain::of);
        let calls = self.model.calls(run);
        let update = calls.iter().find(|call| call.is_apt() && call.subcommand() == Some("update"));
        let (Some(chain), Some(update)) = (chain, update) else { return false };
        chain.elements.iter().any(|element| element.simple().is_some_and(|simple| std::ptr::eq(simple, update.command)))
    }

    fn assume_yes(&self, call: &Call<'_>) -> Option<Rewrite> {
        let has_yes = call.option(&["-y", "--yes", "--assume-yes", "-qq", "--force-yes"]).is_some();
        if has_yes || !call.is_plain() || self.has_apt_configuration() {
            return None;
        }
        let rewrite = self.with_option(call, "-y")?;
        Some(Rewrite {
            message: "gains `-y`".to_owned(),
            reason: "apt stops the build when it wants to ask and nobody answers".to_owned(),
            ..rewrite
        })
    }

    /// Whether the file says `APT::Get::Assume-Yes` somewhere.
    fn has_apt_configuration(&self) -> bool {
        self.model.source.contains("Assume-Yes")
    }

    fn no_recommends(&self, call: &Call<'_>, found: &mut Findings) {
        let has_it = call.has_word_with("no-install-recommends")
            || call.has_word_with("Install-Recommends")
            || self.model.source.contains("APT::Install-Recommends");
        if has_it || call.operands().is_empty() {
            return;
        }
        if !call.is_plain() {
            let (reason, unlock) = call.why_not_plain();
            found.decline(self.span(), reason, unlock);
            return;
        }
        let recommends = match packages::recommends(self.model, self.run, call) {
            Ok(recommends) => recommends,
            Err(KeepRecommends::Nothing) => return,
            Err(refusal) => {
                let unlock = "name the recommended packages that are needed, and add the option by hand";
                found.decline(self.span(), refusal.to_string(), unlock);
                return;
            }
        };
        let (Some(at), Some(last)) = (call.option_place(), call.command.words.last()) else { return };
        let quoted =
            |packages: &[String]| packages.iter().map(|package| format!("`{package}`")).collect::<Vec<_>>().join(", ");
        let more =
            if recommends.lost.len() > 4 { format!(" and {} more", recommends.lost.len() - 4) } else { String::new() };
        let lost = quoted(&recommends.lost[..recommends.lost.len().min(4)]);
        let mut message = format!("gains `{NO_RECOMMENDS}`: {lost}{more} stay out of the image");
        let mut rewrite = Rewrite::new(
            Level::Guarded,
            self.model.script_span(self.run, call.span()),
            String::new(),
            "packages that are only recommended, and of no use to programs, are not installed",
        );
        let before = self.model.script_span(self.run, call.command.words[at - 1].span).end;
        let end = self.model.script_span(self.run, last.span).end;
        let separator = text::word_separator(self.model, self.run, call);
        let named: String = recommends.used.iter().map(|package| format!("{separator}{package}")).collect();
        if !named.is_empty() {
            message.push_str(&format!("; named because something may use them: {}", quoted(&recommends.used)));
            rewrite = rewrite.edit(Edit::insert(end, named));
        }
        rewrite.message = message;
        let step = Step::NoRecommends { run: self.run, command: call.id, at };
        found.push(rewrite.edit(Edit::insert(before, format!(" {NO_RECOMMENDS}"))).step(step));
    }

    fn no_cache(&self, call: &Call<'_>, found: &mut Findings) {
        if call.option(&["--no-cache"]).is_some()
            || packages::has_cache_mount(self.model, self.run, "/var/cache/apk")
            || self.apk_cache_is_removed(call)
        {
            return;
        }
        if !self.model.is_shipped(self.stage) {
            return;
        }
        if !call.is_plain() || call.option(&["--cache-dir"]).is_some() {
            let (reason, unlock) = call.why_not_plain();
            found.decline(self.span(), reason, unlock);
            return;
        }
        let update = call.option(&["--update", "-U", "--update-cache"]).filter(|at| Self::is_update_word(call, *at));
        let rewrite = match update {
            None => self.with_option(call, "--no-cache"),
            Some(at) => call.command.words.get(at).map(|word| {
                let span = self.model.script_span(self.run, word.span);
                self.bare(call)
                    .edit(Edit::replace(span, "--no-cache"))
                    .step(Step::AddOption {
                        run: self.run,
                        command: call.id,
                        at: at + 1,
                        option: "--no-cache".to_owned(),
                    })
                    .step(Step::RemoveOption { run: self.run, command: call.id, at })
            }),
        };
        found.rewrites.extend(rewrite.map(|rewrite| Rewrite {
            message: if update.is_some() {
                "`--no-cache` instead of `--update`".to_owned()
            } else {
                "gains `--no-cache`".to_owned()
            },
            reason: "the package index stays out of the layer".to_owned(),
            ..rewrite
        }));
    }

    /// Whether the word is apk's option to refresh the index and nothing else: in `-Uq` it is one of several.
    fn is_update_word(call: &Call<'_>, at: usize) -> bool {
        let word = call.command.words.get(at).and_then(crate::shell::ast::Word::literal);
        call.reads_options_at(at) && word.is_some_and(|word| packages::is_apk_update_option(call, &word))
    }

    /// Whether the RUN removes apk's cache after the install.
    fn apk_cache_is_removed(&self, call: &Call<'_>) -> bool {
        self.calls.iter().any(|other| {
            other.id > call.id
                && (other.program() == "rm" && other.has_word_with("/var/cache/apk")
                    || other.program() == "apk" && other.empties_cache())
        })
    }

    fn no_cache_dir(&self, call: &Call<'_>, found: &mut Findings) {
        let variables = &self.model.state(self.run).variables;
        let is_off = variables.environment.contains_key("PIP_NO_CACHE_DIR")
            || variables.arguments.contains_key("PIP_NO_CACHE_DIR");
        let assigned = call.command.assignments.iter().any(|assignment| assignment.name == "PIP_NO_CACHE_DIR");
        let removed = self.calls.iter().any(|other| {
            other.id > call.id
                && (other.program() == "pip" && other.empties_cache()
                    || other.program() == "rm" && other.has_word_with(".cache"))
        });
        let has_it = call.option(&["--no-cache-dir", "--no-cache"]).is_some();
        if has_it || is_off || assigned || removed || self.has_any_cache_mount() || !self.model.is_shipped(self.stage) {
            return;
        }
        if !call.is_plain() || call.option(&["--cache-dir"]).is_some() {
            let (reason, unlock) = call.why_not_plain();
            found.decline(self.span(), reason, unlock);
            return;
        }
        if let Err(reason) = packages::may_gain_option(self.model, self.run, call, "--no-cache-dir") {
            found.decline(self.span(), reason, "nothing");
            return;
        }
        found.rewrites.extend(self.with_option(call, "--no-cache-dir").map(|rewrite| Rewrite {
            message: "gains `--no-cache-dir`".to_owned(),
            reason: "pip's downloads stay out of the layer".to_owned(),
            ..rewrite
        }));
    }

    fn has_any_cache_mount(&self) -> bool {
        self.model.mounts(self.run).iter().any(|mount| mount.kind == crate::syntax::mount::MountKind::Cache)
    }

    /// Updates that every later install repeats: the RUN goes, or the command in it.
    fn drop_updates(&self, found: &mut Findings) {
        let Some(update) = self.calls.iter().find(|call| packages::is_update(call)) else { return };
        let others = self.calls.len() > 1;
        let later_in_run = self.calls.iter().any(|call| {
            call.id > update.id
                && (packages::is_apt_install(call) || call.program() == "apk" && call.subcommand() == Some("add"))
        });
        let is_apk = update.program() == "apk";
        if !self.has_later_install(is_apk) && !later_in_run {
            return;
        }
        if others {
            self.drop_apk_update(update, found);
            return;
        }
        let instruction = self.model.instruction(self.run);
        let script = self.model.body(self.run).and_then(|body| body.understood());
        if script.is_none_or(|script| !script.comments.is_empty())
            || text::has_comment_line(self.model.source, instruction.span)
            || packages::lists_are_not_read_after(self.model, self.run).is_err()
        {
            return;
        }
        let rewrite = Rewrite::new(
            Level::Safe,
            instruction.span,
            "goes: every later install refreshes the lists itself",
            "the lists of this RUN would stay in a layer of their own, as old as the build cache",
        );
        let line = text::whole_lines(self.model, self.run);
        found.push(rewrite.edit(Edit::delete(line)).step(Step::DropUpdate { run: self.run }));
    }

    fn has_later_install(&self, apk: bool) -> bool {
        let installs = |run: usize| {
            self.model.calls(run).iter().any(|call| {
                if apk {
                    call.program() == "apk" && call.subcommand() == Some("add")
                } else {
                    packages::is_apt_install(call)
                }
            })
        };
        (self.run + 1..self.stage.instructions.end).any(installs)
    }

    /// `apk update` before `apk add --no-cache`, which reads a fresh index and keeps none.
    fn drop_apk_update(&self, update: &Call<'_>, found: &mut Findings) {
        let adds: Vec<_> = self.calls.iter().filter(|call| call.id > update.id && call.program() == "apk").collect();
        let all_without_cache = !adds.is_empty()
            && adds.iter().all(|call| {
                call.subcommand() == Some("add") && call.option(&["--no-cache"]).is_some()
                    || call.subcommand() == Some("del")
            });
        if update.program() != "apk" || !all_without_cache || !self.model.is_shipped(self.stage) {
            return;
        }
        let Some((chain, at)) = self.in_chain(update) else { return };
        if packages::lists_are_not_read_after(self.model, self.run).is_err() {
            return;
        }
        let Some(edit) = text::take_out(self.model, self.run, &chain, at) else { return };
        let rewrite = Rewrite::new(
            Level::Safe,
            self.model.script_span(self.run, update.span()),
            "`apk update` goes: `apk add --no-cache` reads a fresh index and keeps none",
            "the package index stays out of the layer",
        );
        found.push(rewrite.edit(edit).step(Step::DropUpdateCommand { run: self.run, command: update.id }));
    }

    /// Package lists go at the end of the RUN that fetched them.
    fn remove_lists(&self, found: &mut Findings) {
        let updates = |call: &&Call<'_>| call.is_apt() && call.subcommand() == Some("update");
        let Some(update) = self.calls.iter().find(updates) else { return };
        let installs = self.calls.iter().any(packages::is_apt_install);
        let removed = self.calls.iter().any(|call| {
            call.id > update.id
                && (call.program() == "rm" && call.has_word_with("/var/lib/apt")
                    || call.is_apt() && matches!(call.subcommand(), Some("distclean" | "dist-clean")))
        });
        if !installs
            || removed
            || !self.model.is_shipped(self.stage)
            || packages::has_cache_mount(self.model, self.run, "/var/lib/apt/lists")
        {
            return;
        }
        if self.calls.iter().any(|call| {
            call.is_apt()
                && call.command.words.first().and_then(crate::shell::ast::Word::literal).as_deref() == Some("sudo")
        }) {
            found.decline(self.span(), "apt runs through sudo", "remove the lists by hand");
            return;
        }
        if let Err(reason) = packages::lists_are_not_read_after(self.model, self.run) {
            found.decline(self.span(), reason, "`apt-get update` before every install, in the same RUN");
            return;
        }
        let Some((chain, last)) = self.chain_end() else {
            found.decline(
                self.span(),
                "the RUN is no plain `&&` list that ends in a simple command",
                "a plain `&&` list",
            );
            return;
        };
        let end = chain.elements.len() - 1;
        let rewrite = Rewrite::new(
            Level::Safe,
            self.model.script_span(self.run, update.span()),
            format!("gains `{REMOVE_LISTS}` at its end"),
            "package lists are of no use in the image and are refreshed before the next install",
        );
        let step = Step::AddCleanup { run: self.run, after: last, text: REMOVE_LISTS.to_owned() };
        found.push(rewrite.edit(text::append(self.model, self.run, &chain, end, REMOVE_LISTS)).step(step));
    }

    /// npm's cache goes at the end of the RUN that filled it.
    fn clean_npm(&self, found: &mut Findings) {
        let installs = |call: &&Call<'_>| {
            call.program() == "npm"
                && matches!(call.subcommand(), Some("install" | "i" | "ci" | "add" | "clean-install"))
        };
        let Some(install) = self.calls.iter().find(installs) else { return };
        let removed = self.calls.iter().any(|call| {
            call.id > install.id
                && (call.program() == "npm" && call.empties_cache()
                    || call.program() == "rm" && call.has_word_with(".npm"))
        });
        let elsewhere = install.option(&["--cache"]).is_some()
            || self
                .calls
                .iter()
                .any(|call| call.variables_set().iter().any(|name| name.to_lowercase() == "npm_config_cache"));
        if removed || elsewhere || self.has_any_cache_mount() || !self.model.is_shipped(self.stage) {
            return;
        }
        if let Err(reason) = packages::may_clean(self.model, self.run, CLEAN_NPM) {
            found.decline(self.span(), reason, "nothing");
            return;
        }
        let Some((chain, last)) = self.chain_end() else {
            found.decline(
                self.span(),
                "the RUN is no plain `&&` list that ends in a simple command",
                "a plain `&&` list",
            );
            return;
        };
        let end = chain.elements.len() - 1;
        let rewrite = Rewrite::new(
            Level::Safe,
            self.model.script_span(self.run, install.span()),
            format!("gains `{CLEAN_NPM}` at its end"),
            "npm's downloads stay out of the layer",
        );
        let step = Step::AddCleanup { run: self.run, after: last, text: CLEAN_NPM.to_owned() };
        found.push(rewrite.edit(text::append(self.model, self.run, &chain, end, CLEAN_NPM)).step(step));
    }

    /// A rewrite of the command that puts an option behind those it has, without message and reason.
    fn with_option(&self, call: &Call<'_>, option: &str) -> Option<Rewrite> {
        let at = call.option_place()?;
        let before = self.model.script_span(self.run, call.command.words.get(at - 1)?.span);
        let step = Step::AddOption { run: self.run, command: call.id, at, option: option.to_owned() };
        Some(self.bare(call).edit(Edit::insert(before.end, format!(" {option}"))).step(step))
    }

    fn bare(&self, call: &Call<'_>) -> Rewrite {
        Rewrite::new(Level::Safe, self.model.script_span(self.run, call.span()), "", "")
    }
}
