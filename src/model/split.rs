//! What has to be known to split a stage into one that builds and one that runs.

use std::collections::BTreeSet;

use super::cache::is_below;
use super::deed::{Deed, deeds, joined};
use super::scope::Variable;
use super::{Model, Stage};
use crate::context::Entry;
use crate::shell::ast::Script;
use crate::shell::state::is_opaque;
use crate::syntax::ast::{Command, Healthcheck, InstructionKind, Transfer};
use crate::tables::{self, BuildOnly, CommandEffects, Fact, Operands, PackageManager};

/// What an instruction is to a split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ENV, ARG, WORKDIR, USER, SHELL: an input of what follows.
    Setting,
    /// What only those read who run the image: CMD, EXPOSE, LABEL, …
    Configuration,
    /// COPY or ADD.
    Transfer,
    /// RUN.
    Run,
    /// What is not split.
    Other,
}

/// What the instruction is to a split.
#[must_use]
pub fn kind(model: &Model<'_>, index: usize) -> Kind {
    match &model.instruction(index).kind {
        InstructionKind::Env(_)
        | InstructionKind::Arg(_)
        | InstructionKind::Workdir(_)
        | InstructionKind::User(_)
        | InstructionKind::Shell(_) => Kind::Setting,
        InstructionKind::Cmd(_)
        | InstructionKind::Entrypoint(_)
        | InstructionKind::Healthcheck(_)
        | InstructionKind::Label(_)
        | InstructionKind::Expose(_)
        | InstructionKind::Stopsignal(_)
        | InstructionKind::Maintainer(_)
        | InstructionKind::Volume(_) => Kind::Configuration,
        InstructionKind::Copy(_) | InstructionKind::Add(_) => Kind::Transfer,
        InstructionKind::Run(_) => Kind::Run,
        InstructionKind::From(_) | InstructionKind::Onbuild(_) | InstructionKind::Unknown => Kind::Other,
    }
}

/// The sources and the destination of a COPY or ADD.
fn transfer<'a>(model: &Model<'a>, index: usize) -> Option<&'a Transfer> {
    match &model.instruction(index).kind {
        InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => Some(transfer),
        _ => None,
    }
}

/// Where a COPY or ADD puts its sources, absolute.
#[must_use]
pub fn destination(model: &Model<'_>, index: usize) -> Option<String> {
    let state = model.state(index);
    let word = &transfer(model, index)?.destination.text;
    let path = state.variables.expand(word, model.dockerfile.escape);
    let path = path.fixed()?;
    if path.starts_with('/') { Some(joined("/", path)) } else { Some(joined(state.workdir.fixed()?, path)) }
}

/// Whether what the COPY at `index` brings, up to the cut, is brought by one behind the cut too, or only says what to install.
#[must_use]
pub fn is_brought_later(model: &Model<'_>, stage: &Stage, index: usize, cut: usize) -> bool {
    let Some(early) = transfer(model, index).filter(|_| model.instruction(index).flags.is_empty()) else {
        return false;
    };
    let Some(target) = destination(model, index) else { return false };
    let is_manifest = |source: &str| tables::stages().is_manifest(source.rsplit('/').next().unwrap_or(source));
    let is_plain = |source: &str| !source.starts_with("<<") && !source.contains("://") && !source.contains('$');
    let sources: Vec<&str> = early.sources.iter().map(|word| word.text.trim_start_matches("./")).collect();
    if sources.iter().all(|source| is_manifest(source) && is_plain(source)) {
        return true;
    }
    // `COPY a b ./` and `COPY . .` put the files of the first at the same places.
    let is_directory =
        early.destination.text.ends_with('/') || early.destination.text.ends_with('.') || sources.len() > 1;
    let is_top = |source: &str| !source.is_empty() && source != "." && !source.contains('/') && is_plain(source);
    let is_file = |source: &str| {
        model
            .context
            .glob(source)
            .is_some_and(|paths| !paths.is_empty() && paths.iter().all(|path| model.context.entry(path) == Entry::File))
    };
    let is_whole = |later: &Transfer| later.sources.iter().any(|source| matches!(source.text.as_str(), "." | "./"));
    (cut + 1..stage.instructions.end).any(|later| {
        let whole = transfer(model, later).is_some_and(is_whole) && model.instruction(later).flags.is_empty();
        whole
            && destination(model, later).as_deref() == Some(target.as_str())
            && is_directory
            && sources.iter().all(|source| is_top(source) && is_file(source))
    })
}

/// Whether an instruction of the new stage reads the build argument: a RUN sees all of them.
#[must_use]
pub fn is_argument_read(model: &Model<'_>, names: &[String], run_side: impl IntoIterator<Item = usize>) -> bool {
    run_side.into_iter().any(|index| {
        let instruction = model.instruction(index);
        let text = instruction.span.of(model.source);
        kind(model, index) == Kind::Run && matches!(instruction.kind, InstructionKind::Run(_))
            || names.iter().any(|name| text.contains(&format!("${name}")) || text.contains(&format!("${{{name}")))
    })
}

/// The packages that the new stage needs in place of those that were installed up to the cut.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuntimePackages {
    /// Their names, in order.
    pub install: Vec<String>,
    /// Those that are left out.
    pub dropped: Vec<String>,
    /// Whether any install brought recommended packages too.
    pub recommends: bool,
}

/// The packages that have to be installed in the new stage when the RUNs are not repeated there: those that are not for builds
/// only, and the libraries of those with headers.
///
/// # Errors
/// Why that is not known.
pub fn runtime_packages(model: &Model<'_>, stage: &Stage, runs: &[usize]) -> Result<RuntimePackages, String> {
    let image = stage.image.as_deref().ok_or("nothing is known of the base image")?;
    let mut found = RuntimePackages::default();
    for run in runs {
        for deed in deeds(model, *run)? {
            let Deed::Packages { names, recommends, .. } = deed else { continue };
            let manager = *image.package_manager.known().ok_or("the package manager of the base image is not known")?;
            found.recommends |= recommends && manager == PackageManager::Apt;
            for name in names {
                let kept = match tables::is_build_only(manager, &name) {
                    Some(BuildOnly::Headers) => libraries(image, manager, &name)?,
                    Some(BuildOnly::Toolchain) => {
                        tables::stages().toolchain.libraries(manager, &name).map(str::to_owned).collect()
                    }
                    Some(BuildOnly::Vcs) if !runs_any(model, stage, &tables::stages().toolchain.fetchers) => Vec::new(),
                    Some(BuildOnly::Vcs | BuildOnly::Keyring | BuildOnly::Interactive) | None => vec![name.clone()],
                };
                if !kept.contains(&name) {
                    found.dropped.push(name);
                }
                for package in kept {
                    if !found.install.contains(&package) {
                        found.install.push(package);
                    }
                }
            }
        }
    }
    Ok(found)
}

/// Whether a package of the distribution of the stage is for builds only, or that is not known.
#[must_use]
pub fn is_build_only(model: &Model<'_>, package: &str) -> bool {
    let image = model.stages.first().and_then(|stage| stage.image.as_deref());
    let manager = image.and_then(|image| image.package_manager.known());
    manager.is_none_or(|manager| tables::is_build_only(*manager, package).is_some())
}

/// Whether the RUN does the same in another stage of a like image: it makes accounts and directories or installs packages, and
/// reads nothing that another RUN made.
#[must_use]
pub fn is_repeatable(model: &Model<'_>, run: usize) -> bool {
    let reads = |call: &super::call::Call<'_>| {
        let program = call.command.name().unwrap_or_default();
        let row = tables::effects().command(&program, None);
        let reads = |row: &CommandEffects| match row.operands {
            Operands::Read => true,
            Operands::Directories => false,
            operands => operands.writes(),
        };
        row.is_some_and(reads) && !model.paths(run, call).iter().flatten().all(|path| tables::stages().is_scratch(path))
    };
    model.instruction(run).flags.is_empty() && !model.calls(run).iter().any(reads)
}

/// Whether the instruction installs packages of the distribution.
#[must_use]
pub fn installs_packages(model: &Model<'_>, index: usize) -> bool {
    kind(model, index) == Kind::Run
        && deeds(model, index).is_ok_and(|deeds| deeds.iter().any(|deed| matches!(deed, Deed::Packages { .. })))
}

/// Whether the RUN changes owners.
#[must_use]
pub fn calls_chown(model: &Model<'_>, run: usize) -> bool {
    model.calls(run).iter().any(|call| call.program() == "chown")
}

/// Checks that the RUN can stand in the new stage, where what only builds need is not: it is understood and calls no compiler.
///
/// # Errors
/// Why not.
pub fn may_run_there(model: &Model<'_>, run: usize) -> Result<(), String> {
    let line = model.lines.line(model.instruction(run).span.start);
    let script = model.body(run).and_then(|body| body.understood()).filter(|script| !is_opaque(script));
    let script = script.ok_or_else(|| format!("line {line} runs something that is not understood"))?;
    let table = &tables::stages().toolchain;
    let is_lost = |name: &&String| table.programs.contains(base_name(name)) || table.fetchers.contains(base_name(name));
    let names: Vec<String> = script.all_simple_commands().iter().filter_map(|command| command.name()).collect();
    if let Some(name) = names.iter().find(is_lost) {
        return Err(format!("line {line} calls `{name}`"));
    }
    match deeds(model, run) {
        Ok(deeds) if deeds.contains(&Deed::PythonPackages) => Err(format!("line {line} installs Python packages")),
        _ => Ok(()),
    }
}

/// The packages of the libraries of a package with headers.
fn libraries(image: &tables::ImageFacts, manager: PackageManager, name: &str) -> Result<Vec<String>, String> {
    let unknown = || format!("which library programs need that were compiled with `{name}` is not known");
    let distribution = image.distribution.known().ok_or_else(unknown)?;
    let found = match manager {
        PackageManager::Apt => tables::runtime_libraries(distribution.release.as_deref().ok_or_else(unknown)?, name),
        _ => Fact::Unknown,
    };
    found.known().map(|libraries| libraries.to_vec()).ok_or_else(unknown)
}

/// Whether the programs of the image may start one of these: in what a container starts, in scripts that the context has, or
/// in string literals of its sources. True when the context is not known.
#[must_use]
pub fn runs_any(model: &Model<'_>, stage: &Stage, programs: &BTreeSet<String>) -> bool {
    why_it_runs(model, stage, programs).is_some()
}

/// The program of these that may be started, and where it stands.
#[must_use]
pub fn why_it_runs(model: &Model<'_>, stage: &Stage, programs: &BTreeSet<String>) -> Option<String> {
    for index in stage.instructions.clone() {
        let command = match &model.instruction(index).kind {
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => command,
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => command,
            _ => continue,
        };
        let line = model.lines.line(model.instruction(index).span.start);
        let found = match command {
            Command::Exec(argv) => {
                argv.iter().map(|word| word.text.clone()).find(|word| programs.contains(base_name(word)))
            }
            Command::Shell(_) => match model.body(index).and_then(|body| body.understood()) {
                Some(script) => command_names(script).into_iter().find(|name| programs.contains(base_name(name))),
                None => Some("a command that is not understood".to_owned()),
            },
        };
        if let Some(program) = found {
            return Some(format!("line {line} may start `{program}`"));
        }
    }
    let Some(files) = context_files(model) else {
        return Some("what the program starts is not known without the build context".to_owned());
    };
    files.iter().find_map(|(path, text)| {
        let program = programs.iter().find(|program| mentions(path, text, program))?;
        Some(format!("`{path}` may start `{program}`"))
    })
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// The names of all commands of a script.
fn command_names(script: &Script) -> Vec<String> {
    let commands = script.all_simple_commands();
    commands.into_iter().flat_map(|command| command.words.iter().filter_map(crate::shell::ast::Word::literal)).collect()
}

/// Whether the text of a file has the name of a program as a string of its own, or in front of arguments in one. In a script
/// of a shell it may stand anywhere at the start of a command.
fn mentions(path: &str, text: &str, program: &str) -> bool {
    let is_script = path.ends_with(".sh") || text.starts_with("#!/bin/") || text.starts_with("#!/usr/bin/env bash");
    text.match_indices(program).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + program.len()..].chars().next();
        let starts = match before {
            Some('"' | '\'' | '`' | '/') => true,
            None | Some('\n' | '(' | ' ' | '\t' | ';' | '|' | '&') => is_script,
            Some(_) => false,
        };
        let ends = matches!(after, Some('"' | '\'' | '`' | ' '))
            || is_script && matches!(after, None | Some('\n' | ';' | ')'));
        starts && ends
    })
}

/// More files of the context than this are not looked at.
const MAX_FILES: usize = 3000;
/// More text than this is not looked at, in bytes.
const MAX_TEXT: usize = 16 << 20;

/// The files of the context that a program may run or read as code, with their text; `None` when that is not known.
#[must_use]
pub fn context_files(model: &Model<'_>) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    let mut size = 0;
    let mut seen = 0;
    let mut waiting = vec![String::new()];
    while let Some(directory) = waiting.pop() {
        for (name, entry) in model.context.list(&directory)? {
            let path = if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
            seen += 1;
            if seen > MAX_FILES {
                return None;
            }
            match entry {
                Entry::Directory if !tables::stages().is_never_read(&name) => waiting.push(path),
                Entry::File if !tables::stages().is_never_read(&name) => {
                    let Some(text) = model.context.read(&path) else { continue };
                    size += text.len();
                    if size > MAX_TEXT {
                        return None;
                    }
                    found.push((path, text));
                }
                _ => {}
            }
        }
    }
    Some(found)
}

/// Checks that Python packages may stand in a virtual environment instead of the interpreter's own directory: `first` is the first
/// instruction that installs some, `cut` the last one of the build.
///
/// # Errors
/// Why not.
pub fn may_have_environment(model: &Model<'_>, stage: &Stage, first: usize, cut: usize) -> Result<(), String> {
    let table = &tables::stages().environment;
    let image = stage.image.as_deref().ok_or("nothing is known of the base image")?;
    let is_python = image
        .interpreter
        .as_ref()
        .is_some_and(|interpreter| interpreter.name == "python" && !interpreter.version.starts_with('2'));
    if !is_python {
        return Err("it is no image of Python 3".to_owned());
    }
    for index in [first, stage.instructions.end - 1] {
        let variables = &model.state(index).variables;
        if let Some(name) = table.variables.iter().find(|name| !matches!(variables.get(name), Variable::Unset)) {
            return Err(format!("`{name}` is set, or may be"));
        }
    }
    for index in stage.instructions.clone() {
        path_stays(model, index, first)?;
        if kind(model, index) == Kind::Run && index <= cut {
            let all = deeds(model, index)?;
            let schedules = |deed: &Deed| matches!(deed, Deed::Packages { names, .. } if names.iter().any(|name| tables::stages().login.schedulers.contains(name)));
            if all.iter().any(schedules) {
                return Err("a package starts programs with another PATH".to_owned());
            }
        }
    }
    names_no_directory(model, stage)
}

/// An instruction that leaves the programs of the environment first on the PATH.
fn path_stays(model: &Model<'_>, index: usize, first: usize) -> Result<(), String> {
    let instruction = model.instruction(index);
    if index > first
        && let InstructionKind::Env(pairs) = &instruction.kind
        && pairs.pairs.iter().any(|pair| pair.key.text == "PATH")
    {
        return Err("PATH is set behind the install".to_owned());
    }
    let is_login = |word: &str| tables::stages().login.words.contains(word);
    let words: Vec<String> = match &instruction.kind {
        InstructionKind::Cmd(Command::Exec(argv)) | InstructionKind::Entrypoint(Command::Exec(argv)) => {
            argv.iter().map(|word| word.text.clone()).take(3).collect()
        }
        InstructionKind::Run(_) | InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_) => {
            let script = model.body(index).and_then(|body| body.understood());
            let commands = script.map(Script::all_simple_commands).unwrap_or_default();
            commands
                .iter()
                .flat_map(|command| command.words.iter().take(2).filter_map(crate::shell::ast::Word::literal))
                .collect()
        }
        _ => Vec::new(),
    };
    match words.iter().find(|word| is_login(word)) {
        Some(word) if kind(model, index) != Kind::Run || index > first => {
            Err(format!("`{word}` starts programs with another PATH"))
        }
        _ => Ok(()),
    }
}

/// Checks that nothing names the directories of the interpreter itself, but for files that the Dockerfile copies there.
fn names_no_directory(model: &Model<'_>, stage: &Stage) -> Result<(), String> {
    let copied: BTreeSet<String> = stage
        .instructions
        .clone()
        .filter(|index| kind(model, *index) == Kind::Transfer)
        .filter_map(|index| destination(model, index))
        .collect();
    let is_copied =
        |path: &str| copied.iter().any(|target| is_below(path, target) || is_below(target, path.trim_end_matches('/')));
    let check = |place: &str, text: &str| match named_directory(text, is_copied) {
        None => Ok(()),
        Some(path) => Err(format!("{place} names `{path}`")),
    };
    for index in stage.instructions.clone().filter(|index| kind(model, *index) != Kind::Transfer) {
        let line = model.lines.line(model.instruction(index).span.start);
        check(&format!("line {line}"), model.instruction(index).full_span().of(model.source))?;
    }
    let files = context_files(model)
        .ok_or("whether a file names the directory of Python's packages is not known without the build context")?;
    for (path, text) in &files {
        check(&format!("`{path}`"), text)?;
    }
    Ok(())
}

/// A path below a directory of the interpreter that the text names.
fn named_directory(text: &str, is_copied: impl Fn(&str) -> bool) -> Option<String> {
    let mut found = tables::stages().environment.fixed.iter().flat_map(|fixed| {
        text.match_indices(fixed.as_str()).map(|(at, _)| {
            let end = text[at..]
                .find(|c: char| c.is_whitespace() || "\"'`;:,)]}".contains(c))
                .map_or(text.len(), |end| at + end);
            text[at..end].to_owned()
        })
    });
    found.find(|path| !is_copied(path))
}

/// The lines that make the virtual environment and put it on the PATH.
#[must_use]
pub fn environment_lines() -> [String; 2] {
    let table = &tables::stages().environment;
    let directory = &table.directory;
    [format!("RUN {} {directory}", table.make), format!("ENV PATH={directory}/{}:$PATH", table.bin)]
}

/// The line that installs the packages of the new stage; `None` for a package manager that is not written.
#[must_use]
pub fn install_line(manager: PackageManager, packages: &RuntimePackages) -> Option<String> {
    let names = packages.install.join(" ");
    match manager {
        PackageManager::Apt => {
            let option = if packages.recommends { "" } else { "--no-install-recommends " };
            Some(format!(
                "RUN apt-get update && apt-get install -y {option}{names} && {}",
                super::packages::REMOVE_LISTS
            ))
        }
        PackageManager::Apk => Some(format!("RUN apk add --no-cache {names}")),
        _ => None,
    }
}
