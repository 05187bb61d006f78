//! Servers of files: programs that read nothing but one directory, beside what they are made of.

use super::cache::is_below;
use super::deed::joined;
use super::{Model, Stage};
use crate::shell::ast::Word;
use crate::syntax::ast::{Command, Healthcheck, InstructionKind};
use crate::tables;

/// The directory that the containers' program serves, when that is all it reads: absolute.
#[must_use]
pub fn directory(model: &Model<'_>, stage: &Stage) -> Option<String> {
    let entrypoint = stage.image.as_deref()?;
    let mut words: Option<Vec<String>> = None;
    let mut has_entrypoint = false;
    for index in stage.instructions.clone() {
        match &model.instruction(index).kind {
            InstructionKind::Entrypoint(command) => {
                words = Some(words_of(model, index, command)?);
                has_entrypoint = true;
            }
            InstructionKind::Cmd(command) if has_entrypoint => words.as_mut()?.extend(words_of(model, index, command)?),
            InstructionKind::Cmd(command) => words = Some(words_of(model, index, command)?),
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) if !only_asks(model, index, command) => {
                return None;
            }
            _ => {}
        }
    }
    let passes_on = entrypoint.entrypoint_passes_through || entrypoint.entrypoint.known().is_some_and(Vec::is_empty);
    if !has_entrypoint && !passes_on {
        return None;
    }
    let workdir = model.state(stage.instructions.end - 1).workdir.fixed()?.to_owned();
    let path = joined(&workdir, &tables::stages().served(&words?)?);
    // A directory of its own: what stands in those of the system is not only files to serve.
    let is_own = !tables::effects().directories.every.contains(&path);
    is_own.then_some(path)
}

/// Whether what stands at the path, or below it, is served.
#[must_use]
pub fn is_served(directory: &str, path: &str) -> bool {
    is_below(path, directory) || is_below(directory, path)
}

/// Whether a health check does nothing but ask the server.
fn only_asks(model: &Model<'_>, index: usize, command: &Command) -> bool {
    let asks = |name: &str| tables::programs().is_fetcher(name) || tables::programs().is_shell_word(name);
    match command {
        Command::Exec(argv) => argv.first().is_some_and(|word| asks(&word.text)),
        Command::Shell(_) => model.body(index).and_then(|body| body.understood()).is_some_and(|script| {
            script.all_simple_commands().iter().all(|command| command.name().is_some_and(|name| asks(&name)))
        }),
    }
}

/// The words of a command that is a single one; a word that is known only when it runs is `$`.
fn words_of(model: &Model<'_>, index: usize, command: &Command) -> Option<Vec<String>> {
    match command {
        Command::Exec(argv) => Some(argv.iter().map(|word| word.text.clone()).collect()),
        Command::Shell(_) => {
            let nodes = model.body(index)?.understood()?.and_chain()?;
            let [node] = nodes.as_slice() else { return None };
            let command =
                node.as_simple().filter(|command| command.redirects.is_empty() && command.assignments.is_empty())?;
            let text = |word: &Word| word.literal().unwrap_or_else(|| "$".to_owned());
            let words: Vec<String> = command.words.iter().map(text).collect();
            let is_exec = words.first().is_some_and(|word| word == "exec");
            Some(words[usize::from(is_exec)..].to_vec())
        }
    }
}
