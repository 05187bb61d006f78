//! apt: lists are fetched where packages are installed, and go with the RUN.

use super::super::text;
use super::{NOT_SHIPPED, Place, at_level};
use crate::edit::Edit;
use crate::model::call::Call;
use crate::model::chain::Chain;
use crate::model::packages::{self, NO_RECOMMENDS, REMOVE_LISTS};
use crate::model::{Refusal, lists};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::shell::ast::Word;
use crate::syntax::make;
use crate::tables;
use crate::validate::Step;

/// What lets an install stay as it is.
const UPDATE_HERE: &str = "`apt-get update` in the same RUN";

impl Place<'_> {
    /// `apt-get` instead of `apt`.
    pub(super) fn apt_get(&self, call: &Call<'_>, found: &mut Findings) {
        if call.program_word().as_deref() != Some(packages::APT) {
            return;
        }
        let span = self.model.script_span(self.run, call.span());
        let at = match packages::may_be_apt_get(self.model, self.run, call) {
            Ok(at) => at,
            Err((reason, unlock)) => {
                found.decline(self.span(), reason, unlock);
                return;
            }
        };
        let word = self.model.script_span(self.run, call.command.words[at].span);
        let rewrite = Rewrite::new(
            Level::Safe,
            span,
            format!("`{}` instead of `{}`", packages::APT_GET, packages::APT),
            "apt itself warns that its command line is not stable and not for scripts; apt-get does the same here",
        );
        let step = Step::AptGetForApt { run: self.run, command: call.id };
        found.push(rewrite.edit(Edit::replace(word, packages::APT_GET)).step(step));
    }

    /// `apt-get update` in front of an install that relies on an earlier RUN.
    pub(super) fn update_first(&self, call: &Call<'_>, found: &mut Findings) {
        if packages::updates_first(&self.calls, call)
            || !lists::are_refreshed_above(self.model, self.run)
            || self.has_lists_mounted()
        {
            return;
        }
        // Only the first install of the RUN needs it.
        if self.calls.iter().any(|other| other.id < call.id && packages::is_apt_install(other)) {
            return;
        }
        match self.with_update(call) {
            Ok(rewrite) => found.push(rewrite),
            Err((reason, unlock)) => found.decline(self.span(), reason, unlock),
        }
    }

    /// What refreshes the lists in front of an install, and where that stands in its chain.
    fn update_for(&self, call: &Call<'_>) -> Result<(String, Chain<'_>, usize), Refusal> {
        let refused = |reason: &str| (reason.to_owned(), UPDATE_HERE);
        if lists::sources_change(self.model, self.run) {
            return Err(refused("package sources change between `apt-get update` and the install"));
        }
        let run_otherwise = || refused("the install is run through another program or with variables");
        let update = packages::update_command(call).ok_or_else(run_otherwise)?;
        let no_list = || ("the install is no part of a plain `&&` list".to_owned(), "a plain `&&` list");
        let (chain, at) = self.in_chain(call).ok_or_else(no_list)?;
        if at > 0 && chain.elements[at - 1].simple().is_none() {
            return Err(refused("the command before the install is a compound one"));
        }
        Ok((update, chain, at))
    }

    /// Whether another RUN of the stage installs from the lists of earlier ones, and gains what refreshes them.
    fn gains_its_own(&self, run: usize) -> bool {
        if !self.stage.instructions.contains(&run) {
            return false;
        }
        let other = Place { model: self.model, stage: self.stage, run, calls: self.model.calls(run) };
        let install = other.calls.iter().find(|call| packages::is_apt_install(call));
        install.is_some_and(|install| other.update_for(install).is_ok()) && !other.has_lists_mounted()
    }

    fn with_update(&self, call: &Call<'_>) -> Result<Rewrite, Refusal> {
        let (update, chain, at) = self.update_for(call)?;
        let rewrite = Rewrite::new(
            Level::Safe,
            self.model.script_span(self.run, call.span()),
            format!("`{update}` runs before the install, in the same RUN"),
            "a cached RUN that only updates leaves old lists behind, from which packages cannot be fetched any more",
        );
        let (run, command) = (self.run, call.id);
        if self.lists_go(run) {
            let step = Step::AddUpdate { run, command, text: update.clone() };
            return Ok(rewrite.edit(text::prepend(self.model, run, &chain, at, &update)).step(step));
        }
        lists::may_be_scratch(self.model, run).map_err(|reason| {
            (format!("its own lists would stay in a layer, for what may need them later: {reason}"), UPDATE_HERE)
        })?;
        let instruction = self.model.instruction(run);
        let unwritten = || ("the mount cannot be written".to_owned(), UPDATE_HERE);
        let flag = make::mount(&lists::scratch(), self.model.dockerfile.escape).ok_or_else(unwritten)?;
        let separator = if text::is_heredoc(self.model, run) { "" } else { &text::continuation(self.model, run) };
        let flag = format!("{flag} {separator}");
        let start = self.model.script_span(run, chain.elements[at].node.span).start;
        let rewrite = if start == instruction.arguments.start {
            let joint = text::joint(self.model, run, &chain, at);
            rewrite.edit(Edit::insert(start, format!("{flag}{update}{joint}")))
        } else {
            let first = text::prepend(self.model, run, &chain, at, &update);
            rewrite.edit(Edit::insert(instruction.arguments.start, flag)).edit(first)
        };
        Ok(Rewrite {
            level: Level::Guarded,
            message: format!("{}, which forgets these lists", rewrite.message),
            reason: format!(
                "{}; the lists of the earlier RUN stay for what may need them, and those of this one would only add to them",
                rewrite.reason
            ),
            ..rewrite
        }
        .assume(self.model.build_kit())
        .step(Step::AddScratchUpdate { run, command, text: update }))
    }

    /// Whether the lists are no part of the layer.
    fn has_lists_mounted(&self) -> bool {
        packages::has_cache_mount(self.model, self.run, lists::LISTS)
            || self.model.mounts(self.run).contains(&lists::scratch())
    }

    /// Whether the lists that the RUN refreshes go at its end, or are no part of an image and may be mounted instead.
    fn lists_go(&self, run: usize) -> bool {
        let calls = self.model.calls(run);
        !self.model.is_shipped(self.stage) && self.model.descendants(self.stage).is_empty()
            || calls.iter().any(removes_lists)
            || calls.iter().all(|call| !is_by_sudo(call))
                && packages::lists_are_not_read_after_but(self.model, run, |later| self.gains_its_own(later)).is_ok()
    }

    /// The RUNs right below the head that become a part of it: they only install, and the head does nothing else than apt does
    /// and refreshes the lists, or would have to.
    fn installs_below(&self, head: usize) -> Vec<usize> {
        let calls = self.model.calls(head);
        if calls.is_empty() || !calls.iter().all(Call::is_apt) || !(updates(&calls) || self.gains_update(head, &calls))
        {
            return Vec::new();
        }
        let mut below = Vec::new();
        for run in head + 1..self.stage.instructions.end {
            let calls = self.model.calls(run);
            let only_installs = calls.iter().all(|call| call.is_apt() || removes_lists(call));
            let joins = only_installs
                && !updates(&calls)
                && calls.iter().any(packages::is_apt_install)
                && packages::may_merge(self.model, run - 1, run).is_ok();
            if !joins {
                break;
            }
            below.push(run);
            if calls.iter().any(removes_lists) {
                break;
            }
        }
        below
    }

    /// Whether the RUN installs from the lists of an earlier one, and refreshes them itself in the end.
    fn gains_update(&self, run: usize, calls: &[Call<'_>]) -> bool {
        calls.iter().any(packages::is_apt_install)
            && lists::are_refreshed_above(self.model, run)
            && !lists::sources_change(self.model, run)
            && !packages::has_cache_mount(self.model, run, lists::LISTS)
            && (self.lists_go(run) || lists::may_be_scratch(self.model, run).is_ok())
    }

    /// This RUN and the installs right below it become one RUN.
    pub(super) fn merge_installs(&self) -> Option<Rewrite> {
        let below = self.installs_below(self.run);
        let last = *below.last()?;
        let span = self.span().to(self.model.instruction(last).span);
        let rewrite = Rewrite::new(
            Level::Safe,
            span,
            if below.len() == 1 {
                "becomes one RUN with the install below".to_owned()
            } else {
                format!("becomes one RUN with the {} installs below", below.len())
            },
            "a cached RUN that only updates leaves old lists behind, from which packages cannot be fetched any more",
        );
        text::merge(self.model, self.run, last, rewrite)
    }

    /// Whether the RUN becomes a part of one above.
    pub(super) fn joins_above(&self) -> bool {
        let above = (self.stage.instructions.start..self.run).rev().take_while(|above| self.model.is_run(*above));
        above.into_iter().any(|head| self.installs_below(head).contains(&self.run))
    }

    pub(super) fn assume_yes(&self, call: &Call<'_>, found: &mut Findings) -> Option<Rewrite> {
        let has_yes = call.option(&["-y", "--yes", "--assume-yes", "-qq", "--force-yes"]).is_some();
        if has_yes || !call.is_plain() || self.has_apt_configuration() {
            return None;
        }
        if self.has_options_in_variables(call) {
            let reason = "options of the command stand in a variable";
            found.decline(self.span(), reason, "`-y` in the variable, if it is not there");
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
    pub(super) fn has_apt_configuration(&self) -> bool {
        self.model.source.contains("Assume-Yes")
    }

    pub(super) fn no_recommends(&self, call: &Call<'_>, found: &mut Findings) {
        if call.has_word_with("no-install-recommends") || call.has_word_with("Install-Recommends") {
            return;
        }
        if self.model.source.contains("APT::Install-Recommends") {
            let reason = format!("without `{NO_RECOMMENDS}`: the file configures apt in this");
            found.decline(self.span(), reason, "nothing");
            return;
        }
        if !call.is_plain() {
            let (reason, unlock) = call.why_not_plain();
            found.decline(self.span(), format!("without `{NO_RECOMMENDS}`: {reason}"), unlock);
            return;
        }
        let recommends = match packages::recommends(self.model, self.run, call) {
            Ok(recommends) => recommends,
            Err(refusal) => {
                found.decline(self.span(), format!("without `{NO_RECOMMENDS}`: {refusal}"), refusal.unlock());
                return;
            }
        };
        // What another install of the RUN names in this walk does not have to be named again: the next walk sees it.
        let is_named_before = |other: &Call<'_>| {
            other.id < call.id
                && other.subcommand() == Some("install")
                && !other.has_word_with(NO_RECOMMENDS)
                && packages::recommends(self.model, self.run, other)
                    .is_ok_and(|other| other.used.iter().any(|package| recommends.used.contains(package)))
        };
        if self.calls.iter().filter(|other| other.is_apt()).any(is_named_before) {
            return;
        }
        let (Some(at), Some(last)) = (call.option_place(), call.command.words.last()) else { return };
        let quoted =
            |packages: &[String]| packages.iter().map(|package| format!("`{package}`")).collect::<Vec<_>>().join(", ");
        let more =
            if recommends.lost.len() > 4 { format!(" and {} more", recommends.lost.len() - 4) } else { String::new() };
        let lost = quoted(&recommends.lost[..recommends.lost.len().min(4)]);
        let unless = if recommends.is_full { ", as far as the base image does not have them" } else { "" };
        let mut message = format!("gains `{NO_RECOMMENDS}`: {lost}{more} stay out of the image{unless}");
        let mut rewrite = Rewrite::new(
            Level::Guarded,
            self.model.script_span(self.run, call.span()),
            String::new(),
            reason(&recommends.used),
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
        if !recommends.unneeded.is_empty() {
            rewrite.reason.push_str(&format!(
                "; nothing in the file and the build context names what {} for",
                match recommends.unneeded.as_slice() {
                    [one] => format!("`{one}` is"),
                    several => format!("{} are", quoted(several)),
                }
            ));
            rewrite = rewrite.assume(Assumption::assumed(AssumptionKind::NoUnseenNeeds));
        }
        let step = Step::NoRecommends { run: self.run, command: call.id, at };
        found.push(rewrite.edit(Edit::insert(before, format!(" {NO_RECOMMENDS}"))).step(step));
    }

    /// Package lists go at the end of the RUN that fetched them.
    pub(super) fn remove_lists(&self, found: &mut Findings) {
        let updates = |call: &&Call<'_>| call.is_apt() && call.subcommand() == Some("update");
        let Some(update) = self.calls.iter().find(updates) else { return };
        let removed = self.calls.iter().any(|call| {
            call.id > update.id
                && (removes_lists(call)
                    || call.is_apt() && matches!(call.subcommand(), Some("distclean" | "dist-clean")))
        });
        // Where a RUN only refreshes the lists, it is the RUN that may go.
        let is_alone = self.calls.len() == 1;
        if removed || self.has_lists_mounted() {
            return;
        }
        if !self.model.is_shipped(self.stage) {
            found.decline(self.span(), NOT_SHIPPED, "nothing");
            return;
        }
        if self.calls.iter().any(is_by_sudo) {
            found.decline(self.span(), "apt runs through sudo", "remove the lists by hand");
            return;
        }
        let level = match packages::lists_are_not_read_after(self.model, self.run) {
            Ok(level) => level,
            Err(reason) => {
                found.decline(self.span(), reason, "`apt-get update` before every install, in the same RUN");
                return;
            }
        };
        if is_alone {
            found.decline(
                self.span(),
                "the RUN only refreshes the lists, perhaps for whoever uses the image",
                "nothing",
            );
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
        let rewrite = at_level(
            level,
            self.model.script_span(self.run, update.span()),
            format!("gains `{REMOVE_LISTS}` at its end"),
            "package lists are of no use in the image and are refreshed before the next install",
        );
        let step = Step::AddCleanup { run: self.run, after: last, text: REMOVE_LISTS.to_owned() };
        found.push(rewrite.edit(text::append(self.model, self.run, &chain, end, REMOVE_LISTS)).step(step));
    }
}

/// Whether one of the calls refreshes apt's lists.
fn updates(calls: &[Call<'_>]) -> bool {
    calls.iter().any(|call| call.is_apt() && call.subcommand() == Some("update"))
}

/// Whether it is apt, run through sudo.
fn is_by_sudo(call: &Call<'_>) -> bool {
    call.is_apt() && call.command.words.first().and_then(Word::literal).as_deref() == Some("sudo")
}

/// Whether the call removes apt's lists, or what lies above them.
fn removes_lists(call: &Call<'_>) -> bool {
    call.program() == "rm" && call.has_word_with("/var/lib/apt")
}

/// Why packages stay out, and what those that are named are for.
fn reason(used: &[String]) -> String {
    let mut reason = "packages that are only recommended, and of no use to programs, are not installed".to_owned();
    let uses = used.iter().filter_map(|package| Some((package, tables::recommends_table().use_of(package)?)));
    for (idx, (package, what)) in uses.enumerate() {
        let joint = if idx == 0 { "; what may be of use came with them until now and keeps coming:" } else { "," };
        let what = what.replace(": ", ", ");
        reason.push_str(&format!("{joint} `{package}` ({what})"));
    }
    reason
}
