//! What a health check asks with a program that the image lacks, asked with one that it has.

use super::effect::CommandEffect;
use super::runtime::{Refusal, plain_argv};
use super::{Model, Stage};
use crate::edit::Edit;
use crate::shell::ast::{NodeKind, Script, SimpleCommand};
use crate::shell::command::recognize;
use crate::shell::{self, Dialect};
use crate::source::Span;
use crate::syntax::ast::{Command, Healthcheck, InstructionKind};
use crate::syntax::make;
use crate::tables;

/// A health check that can run.
#[derive(Clone, Debug)]
pub struct BetterCheck {
    /// The text change.
    pub edit: Edit,
    /// The command afterwards.
    pub command: CommandEffect,
    /// The program that the image lacks.
    pub asker: String,
    /// The command that asks in its place.
    pub shown: String,
    /// Why the image lacks it.
    pub evidence: String,
}

impl Model<'_> {
    /// The health check with a program that the image has; `None` when the program in it may be there, or it asks otherwise.
    ///
    /// # Errors
    /// Why it cannot be asked in another way.
    pub fn better_check(&self, stage: &Stage, index: usize) -> Result<Option<BetterCheck>, Refusal> {
        let InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) = &self.instruction(index).kind else {
            return Ok(None);
        };
        let wrapped;
        let script = match command {
            Command::Shell(_) => self.body(index).and_then(|body| body.understood()),
            Command::Exec(words) => {
                let argv: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
                wrapped = quoted(&argv).and_then(|text| shell::parse(&text, Dialect::Posix).ok());
                wrapped.as_ref()
            }
        };
        let Some(asks) = script.and_then(first_command) else { return Ok(None) };
        let Some(asker) = asks.name().filter(|name| tables::programs().is_asker(name)) else { return Ok(None) };
        let Some(evidence) = self.lacks(stage, &asker) else { return Ok(None) };
        let unlock = "a check of a plain URL of this container, with `--fail` for curl";
        let Some(url) = question(asks) else {
            return Err((format!("`{asker}` is asked in a way that other programs do not know"), unlock));
        };
        let image = stage.image.as_deref();
        let Some(shown) =
            tables::programs().question(|program| image.is_some_and(|image| image.programs.contains(program)), &url)
        else {
            return Err((format!("the image lacks `{asker}` and has no program to ask with"), "an install of it"));
        };
        match command {
            Command::Exec(words) => {
                let (Some(first), Some(last)) = (words.first(), words.last()) else { return Ok(None) };
                let argv = shell::parse(&shown, Dialect::Posix).ok().and_then(|script| plain_argv(&script));
                let Some(argv) = argv else { return Ok(None) };
                let start = self.source[..first.span.start].rfind('[').unwrap_or(first.span.start);
                let end = self.source[last.span.end..].find(']').map_or(last.span.end, |at| last.span.end + at + 1);
                let edit = Edit::replace(Span::new(start, end), make::exec(&argv));
                Ok(Some(BetterCheck { edit, command: CommandEffect::Exec(argv), asker, shown, evidence }))
            }
            Command::Shell(_) => {
                let (Some(body), Some(span)) = (self.body(index), whole(asks)) else { return Ok(None) };
                let source = body.text.to_source(span);
                if source.of(self.source) != span.of(&body.text.text) {
                    return Err(("the command is written over several lines".to_owned(), "the command on one line"));
                }
                let mut text = body.text.text.clone();
                text.replace_range(span.start..span.end, &shown);
                let edit = Edit::replace(source, shown.clone());
                Ok(Some(BetterCheck { edit, command: CommandEffect::Text(text), asker, shown, evidence }))
            }
        }
    }

    /// Why the image surely lacks the program: its base does, and no instruction brings it.
    fn lacks(&self, stage: &Stage, program: &str) -> Option<String> {
        let image =
            stage.image.as_deref().filter(|image| !stage.image_by_argument && !image.programs.contains(program))?;
        let bottom = self.family(stage).pop()?;
        let tag = self.base_image(bottom)?.tag.unwrap_or_default();
        let is_known = tables::programs().lacks(&image.family, &tag, program);
        (is_known && !self.may_bring(stage, program))
            .then(|| format!("images of `{}` with `{tag}` lack it", image.family))
    }

    /// Whether an instruction of the stage names the program, or may bring it unseen.
    #[must_use]
    pub fn may_bring(&self, stage: &Stage, program: &str) -> bool {
        self.family(stage).into_iter().flat_map(|stage| stage.instructions.clone()).any(|index| {
            match &self.instruction(index).kind {
                InstructionKind::Run(_) => {
                    let text = self.body(index).map_or("", |body| body.text.text.as_str());
                    self.body(index).is_none_or(|body| body.understood().is_none()) || text.contains(program)
                }
                InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => {
                    let to = &transfer.destination.text;
                    to == "/"
                        || to.contains("bin")
                        || transfer.sources.iter().any(|source| source.text.contains(program))
                }
                _ => false,
            }
        })
    }
}

/// The command that a script starts with, when what follows only says what its failure means.
fn first_command(script: &Script) -> Option<&SimpleCommand> {
    let [statement] = script.list.statements.as_slice() else { return None };
    match &statement.node.kind {
        NodeKind::Simple(command) => Some(command),
        NodeKind::AndOr { first, rest } => {
            let [fallback] = rest.as_slice() else { return None };
            let exits = fallback.node.as_simple()?.name().as_deref() == Some("exit");
            first.as_simple().filter(|_| exits && !fallback.and)
        }
        _ => None,
    }
}

/// The span of a command without assignments and redirects.
fn whole(command: &SimpleCommand) -> Option<Span> {
    let (first, last) = (command.words.first()?, command.words.last()?);
    let is_plain = command.assignments.is_empty() && command.redirects.is_empty();
    is_plain.then(|| Span::new(first.span.start, last.span.end))
}

/// The URL that a command asks, when it does nothing else and fails as other programs do.
fn question(command: &SimpleCommand) -> Option<String> {
    whole(command)?;
    let invocation = recognize(command)?;
    if invocation.unknown_option.is_some() || !invocation.wrappers.is_empty() {
        return None;
    }
    let options: Vec<&str> = invocation.options.iter().map(|option| option.name.as_str()).collect();
    if !tables::programs().asks_plainly(&invocation.program, &options) {
        return None;
    }
    let [url] = invocation.arguments.as_slice() else { return None };
    let url = url.text.as_deref()?;
    let rest = url.strip_prefix("http://").or_else(|| (!url.contains("://")).then_some(url))?;
    let is_plain = rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/:?&=%[]+,".contains(&byte));
    let host = rest.split(['/', '?']).next()?;
    let is_own = ["localhost", "127.0.0.1", "0.0.0.0"]
        .iter()
        .any(|own| host == *own || host.strip_prefix(own).is_some_and(|port| port.starts_with(':')));
    (is_plain && is_own).then(|| format!("http://{rest}"))
}

/// The words as a script.
fn quoted(argv: &[String]) -> Option<String> {
    let words: Option<Vec<String>> =
        argv.iter().map(|word| (!word.contains('\'')).then(|| format!("'{word}'"))).collect();
    words.map(|words| words.join(" "))
}
