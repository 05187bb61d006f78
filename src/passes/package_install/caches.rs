//! What other package managers ask and leave behind: the options and cleanups of the cache table.

use super::super::text;
use super::{NOT_SHIPPED, Place};
use crate::model::cache;
use crate::model::call::Call;
use crate::model::leftovers::{cleanup, lacks};
use crate::model::packages;
use crate::rewrite::{Findings, Level, Rewrite};
use crate::syntax::mount::MountKind;
use crate::tables::{Gain, Tool};
use crate::validate::Step;

impl Place<'_> {
    /// The options that the commands of the tool ought to have.
    pub(super) fn gain_options(&self, tool: &Tool, found: &mut Findings) {
        for call in &self.calls {
            if let Some(yes) = &tool.yes
                && lacks(call, yes)
            {
                self.gain(call, yes, "it stops the build when it wants to ask and nobody answers", found);
            }
            if let Some(skip) = &tool.skip
                && lacks(call, skip)
                && !self.keeps_cache_away(call, tool)
            {
                self.gain(call, skip, &format!("{}'s downloads stay out of the layer", tool.tool), found);
            }
            if let Some(documentation) = &tool.documentation
                && lacks(call, documentation)
                && self.model.is_shipped(self.stage)
            {
                self.gain(call, documentation, "no program of an image reads the documentation", found);
            }
            if let Some(weak) = &tool.weak
                && lacks(call, weak)
                && self.model.is_shipped(self.stage)
            {
                let reason = "what the packages bring only because it is recommended is not known";
                found.decline(self.span(), reason, format!("`{}` by hand, where nothing of it is needed", weak.option));
            }
        }
    }

    fn gain(&self, call: &Call<'_>, gain: &Gain, reason: &str, found: &mut Findings) {
        if self.has_options_in_variables(call) {
            let reason = "options of the command stand in a variable";
            found.decline(self.span(), reason, format!("`{}` in the variable, if it is not there", gain.option));
            return;
        }
        if !call.is_plain() {
            let (reason, unlock) = call.why_not_plain();
            found.decline(self.span(), reason, unlock);
            return;
        }
        match packages::may_gain_option(self.model, self.run, call, &gain.option) {
            Ok(level) => found.rewrites.extend(self.with_option(call, &gain.option).map(|rewrite| Rewrite {
                message: format!("gains `{}`", gain.option),
                reason: reason.to_owned(),
                level,
                ..rewrite
            })),
            Err(reason) => found.decline(self.span(), reason, "nothing"),
        }
    }

    /// Whether nothing of what the call downloads reaches the layer: a cache is mounted, switched off, or removed; or the
    /// layer is no part of an image.
    fn keeps_cache_away(&self, call: &Call<'_>, tool: &Tool) -> bool {
        let variables = &self.model.state(self.run).variables;
        let is_off = tool.defeating_environment.iter().any(|name| {
            variables.environment.contains_key(name)
                || variables.arguments.contains_key(name)
                || call.variables_set().contains(name)
        });
        let is_removed = self.calls.iter().any(|other| {
            other.id > call.id
                && (tool.defeating_commands.iter().any(|command| other.reads_as(command))
                    || other.program() == "rm" && cache::mentions(other, tool))
        });
        let is_mounted = self.model.mounts(self.run).iter().any(|mount| mount.kind == MountKind::Cache);
        is_off || is_removed || is_mounted || !self.model.is_shipped(self.stage)
    }

    /// The cache of the tool goes at the end of the RUN that filled it.
    pub(super) fn empty_caches(&self, tool: &Tool, found: &mut Findings) {
        if !self.model.is_shipped(self.stage) {
            if tool.cleanup.is_some() && self.calls.iter().any(|call| cache::uses(call, tool)) {
                found.decline(self.span(), NOT_SHIPPED, "nothing");
            }
            return;
        }
        let text = match cleanup(self.model, self.run, tool) {
            Ok(Some(text)) => text,
            Ok(None) => return,
            Err((reason, unlock)) => {
                found.decline(self.span(), reason, unlock);
                return;
            }
        };
        let Some((chain, last)) = self.chain_end() else {
            let reason = "the RUN is no plain `&&` list that ends in a simple command";
            found.decline(self.span(), reason, "a plain `&&` list");
            return;
        };
        let install = self.calls.iter().find(|call| cache::uses(call, tool));
        let span = install.map_or(self.span(), |install| self.model.script_span(self.run, install.span()));
        let end = chain.elements.len() - 1;
        let rewrite = Rewrite::new(
            Level::Safe,
            span,
            format!("gains `{text}` at its end"),
            format!("what {} downloaded stays out of the layer", tool.tool),
        );
        let edit = text::append(self.model, self.run, &chain, end, &text);
        found.push(rewrite.edit(edit).step(Step::AddCleanup { run: self.run, after: last, text }));
    }
}
