//! apk, and updates that every later install repeats.

use super::super::text;
use super::{NOT_SHIPPED, Place, at_level};
use crate::edit::Edit;
use crate::model::call::Call;
use crate::model::packages;
use crate::rewrite::{Findings, Rewrite};
use crate::shell::ast::Word;
use crate::validate::Step;

impl Place<'_> {
    pub(super) fn no_cache(&self, call: &Call<'_>, found: &mut Findings) {
        if call.option(&["--no-cache"]).is_some() || packages::has_cache_mount(self.model, self.run, "/var/cache/apk") {
            return;
        }
        if !self.model.is_shipped(self.stage) {
            found.decline(self.span(), NOT_SHIPPED, "nothing");
            return;
        }
        if self.apk_cache_is_removed(call) {
            found.decline(self.span(), "the RUN removes the package index itself", "nothing");
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
    pub(super) fn is_update_word(call: &Call<'_>, at: usize) -> bool {
        let word = call.command.words.get(at).and_then(Word::literal);
        call.reads_options_at(at) && word.is_some_and(|word| packages::is_apk_update_option(call, &word))
    }

    /// Whether the RUN removes apk's cache after the install.
    pub(super) fn apk_cache_is_removed(&self, call: &Call<'_>) -> bool {
        self.calls.iter().any(|other| {
            other.id > call.id
                && (other.program() == "rm" && other.has_word_with("/var/cache/apk")
                    || other.program() == "apk" && other.empties_cache())
        })
    }

    /// Updates that every later install repeats: the RUN goes, or the command in it.
    pub(super) fn drop_updates(&self, found: &mut Findings) {
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
        {
            found.decline(self.span(), "a comment stands within the RUN", "move the comment");
            return;
        }
        let level = match packages::lists_are_not_read_after(self.model, self.run) {
            Ok(level) => level,
            Err(reason) => {
                found.decline(self.span(), reason, "`apt-get update` before every install, in the same RUN");
                return;
            }
        };
        let rewrite = at_level(
            level,
            instruction.span,
            "goes: every later install refreshes the lists itself",
            "the lists of this RUN would stay in a layer of their own, as old as the build cache",
        );
        let line = text::whole_lines(self.model, self.run);
        found.push(rewrite.edit(Edit::delete(line)).step(Step::DropUpdate { run: self.run }));
    }

    pub(super) fn has_later_install(&self, apk: bool) -> bool {
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
    pub(super) fn drop_apk_update(&self, update: &Call<'_>, found: &mut Findings) {
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
        let Ok(level) = packages::lists_are_not_read_after(self.model, self.run) else { return };
        let Some(edit) = text::take_out(self.model, self.run, &chain, at) else { return };
        let rewrite = at_level(
            level,
            self.model.script_span(self.run, update.span()),
            "`apk update` goes: `apk add --no-cache` reads a fresh index and keeps none",
            "the package index stays out of the layer",
        );
        found.push(rewrite.edit(edit).step(Step::DropUpdateCommand { run: self.run, command: update.id }));
    }
}
