//! Where a file of an image comes from: the file of the build context that stands at a path.

use super::call::Call;
use super::transfer::{Plain, plain_add};
use super::{Base, Model, Stage, stage_named};
use crate::context::Entry;
use crate::model::walk::clean;
use crate::syntax::ast::{InstructionKind, Transfer};
use crate::tables::{self, CommandKind};

/// Stages that one question follows.
const MAX_STAGES: usize = 16;

/// What one instruction does to a path.
enum Trace {
    /// It leaves the path alone, as far as that can be told.
    Untouched,
    /// It brings this file of the context.
    Context(String),
    /// It brings the file of that path from a stage.
    Stage(usize, String),
    /// It may bring or change the file in ways that are not followed.
    Lost,
}

impl Model<'_> {
    /// The file of the build context that stands at the absolute `path` in front of an instruction of the stage, if that is
    /// known: a COPY brings it, perhaps through other stages, and no RUN between names it.
    #[must_use]
    pub fn context_file(&self, stage: &Stage, before: usize, path: &str) -> Option<String> {
        self.traced(stage, before, &clean(path), MAX_STAGES)
    }

    /// The file of the build context that the COPY puts at the absolute `path`, if it does.
    pub(super) fn copied_file(&self, index: usize, path: &str) -> Option<String> {
        let InstructionKind::Copy(transfer) = &self.instruction(index).kind else { return None };
        match self.trace_copy(index, transfer, path) {
            Trace::Context(source) => Some(source),
            Trace::Untouched | Trace::Stage(..) | Trace::Lost => None,
        }
    }

    fn traced(&self, stage: &Stage, before: usize, path: &str, stages_left: usize) -> Option<String> {
        let stages_left = stages_left.checked_sub(1)?;
        for index in (stage.instructions.start..before).rev() {
            match self.trace(index, path) {
                Trace::Untouched => {}
                Trace::Context(source) => return Some(source),
                Trace::Stage(from, path) => {
                    let from = &self.stages[from];
                    return self.traced(from, from.instructions.end, &path, stages_left);
                }
                Trace::Lost => return None,
            }
        }
        let Base::Stage(parent) = stage.base else { return None };
        let parent = &self.stages[parent];
        self.traced(parent, parent.instructions.end, path, stages_left)
    }

    fn trace(&self, index: usize, path: &str) -> Trace {
        let name = path.rsplit('/').next().unwrap_or(path);
        match &self.instruction(index).kind {
            InstructionKind::Run(_) => {
                if self.may_change(index, name) {
                    Trace::Lost
                } else {
                    Trace::Untouched
                }
            }
            InstructionKind::Copy(transfer) => self.trace_copy(index, transfer, path),
            // What is unpacked or fetched is not followed.
            InstructionKind::Add(transfer)
                if matches!(plain_add(self, index), Some(Plain::Proved(_) | Plain::ByName(_))) =>
            {
                self.trace_copy(index, transfer, path)
            }
            InstructionKind::Add(transfer) => match self.destination(index, transfer) {
                Some(destination) if !is_within(path, &destination) => Trace::Untouched,
                _ => Trace::Lost,
            },
            _ => Trace::Untouched,
        }
    }

    /// Whether a RUN names the file in another way than to change its mode or owner, or to run it as code.
    fn may_change(&self, run: usize, name: &str) -> bool {
        let Some(body) = self.body(run) else { return true };
        let Some(calls) = self.every_call(run) else { return body.text.text.contains(name) };
        let is_run = |call: &Call<'_>| {
            let is_code = tables::needs().command(call.program(), call.subcommand().unwrap_or_default());
            is_code.is_some_and(|row| row.kind == CommandKind::Application)
                && call.words_with(name) == 1
                && call
                    .operands()
                    .first()
                    .and_then(|word| word.text.as_deref())
                    .is_some_and(|word| word.ends_with(name))
        };
        // Requirements are read.
        let installs = |call: &Call<'_>| {
            call.program() == "pip" && matches!(call.subcommand(), Some("download" | "install" | "wheel"))
        };
        let keeps = |call: &Call<'_>| matches!(call.program(), "chmod" | "chown") || is_run(call) || installs(call);
        let named: usize = calls.iter().filter(|call| keeps(call)).map(|call| call.words_with(name)).sum();
        body.text.text.matches(name).count() > named
    }

    fn trace_copy(&self, index: usize, transfer: &Transfer, path: &str) -> Trace {
        let Some(destination) = self.destination(index, transfer) else { return Trace::Lost };
        if !is_within(path, &destination) {
            return Trace::Untouched;
        }
        if !self.instruction(index).heredocs.is_empty() {
            return Trace::Lost;
        }
        let Some(from) = self.instruction(index).flag("from") else {
            return self.trace_context_copy(index, transfer, &destination, path);
        };
        let before = self.stage_of(index).map_or(0, |stage| stage.index);
        let stage = from.value.as_deref().and_then(|name| stage_named(&self.stages[..before], name));
        let (Some(stage), [source]) = (stage, transfer.sources.as_slice()) else { return Trace::Lost };
        let source = self.state(index).variables.expand(&source.text, self.dockerfile.escape);
        let Some(source) = source.fixed().filter(|source| !source.contains(['*', '?', '['])) else {
            return Trace::Lost;
        };
        let source = clean(source);
        let below = &path[destination.trim_end_matches('/').len()..];
        // A directory comes with its content, a file by its name: what the source is follows from what is found there.
        let of_directory = format!("{}{below}", source.trim_end_matches('/'));
        let name = source.rsplit('/').next().unwrap_or_default();
        if below.is_empty() || below == format!("/{name}") {
            return Trace::Stage(
                stage,
                if below.is_empty() || self.is_file(stage, &source) { source } else { of_directory },
            );
        }
        Trace::Stage(stage, of_directory)
    }

    /// Whether a file of the context stands at the path at the end of the stage.
    fn is_file(&self, stage: usize, path: &str) -> bool {
        let stage = &self.stages[stage];
        self.traced(stage, stage.instructions.end, path, 2).is_some()
    }

    fn trace_context_copy(&self, index: usize, transfer: &Transfer, destination: &str, path: &str) -> Trace {
        let text = &transfer.destination.text;
        let is_workdir = self.state(index).workdir.fixed().is_some_and(|workdir| clean(workdir) == destination);
        let into_directory = text.ends_with('/') || text == "." || transfer.sources.len() > 1 || is_workdir;
        let below = path[destination.trim_end_matches('/').len()..].trim_start_matches('/');
        for source in transfer.sources.iter().rev() {
            let source = self.state(index).variables.expand(&source.text, self.dockerfile.escape);
            let Some(source) = source.fixed() else { return Trace::Lost };
            let Some(found) = self.context.glob(source) else { return Trace::Lost };
            for source in found.iter().rev() {
                let name = source.rsplit('/').next().unwrap_or(source);
                let candidate = match self.context.entry(source) {
                    Entry::Directory if source.is_empty() => below.to_owned(),
                    Entry::Directory => format!("{source}/{below}"),
                    Entry::File if into_directory && below == name => source.clone(),
                    Entry::File if !into_directory && below.is_empty() => source.clone(),
                    Entry::Unknown => return Trace::Lost,
                    Entry::File | Entry::Missing | Entry::Ignored => continue,
                };
                match self.context.entry(&candidate) {
                    Entry::File => return Trace::Context(candidate),
                    Entry::Unknown => return Trace::Lost,
                    Entry::Directory | Entry::Missing | Entry::Ignored => {}
                }
            }
        }
        Trace::Untouched
    }

    /// The absolute destination of a COPY or ADD, if it is known.
    pub(super) fn destination(&self, index: usize, transfer: &Transfer) -> Option<String> {
        let state = self.state(index);
        let destination = state.variables.expand(&transfer.destination.text, self.dockerfile.escape);
        let destination = destination.fixed()?;
        if destination.starts_with('/') {
            return Some(clean(destination));
        }
        Some(clean(&format!("{}/{destination}", state.workdir.fixed()?)))
    }
}

/// Whether the path is the other one or lies below it.
pub(super) fn is_within(path: &str, root: &str) -> bool {
    root == "/" || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The path of a name in an absolute directory.
pub(super) fn in_directory(directory: &str, name: &str) -> String {
    format!("{}/{name}", directory.trim_end_matches('/'))
}
