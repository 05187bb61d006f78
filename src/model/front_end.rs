//! Front ends: what Node builds in a stage whose program is of another language. Browsers load it, and Node is of no use to the image.

use std::collections::BTreeSet;

use super::cache::is_below;
use super::deed::{Deed, deeds};
use super::manifest::requirements;
use super::split::{self, Kind};
use super::{Model, Stage};
use crate::context::Entry;
use crate::shell::Dialect;
use crate::shell::ast::{Child, Node, NodeKind, Script, SimpleCommand};
use crate::source::Span;
use crate::tables;

/// Files that name packages of Python.
const MANIFESTS: [&str; 6] = ["Pipfile", "Pipfile.lock", "poetry.lock", "pyproject.toml", "setup.py", "uv.lock"];

/// The programs of Node that a package of a distribution brings.
#[must_use]
pub fn programs_of(package: &str) -> Option<&'static BTreeSet<String>> {
    tables::stages().front_ends.packages.get(package)
}

/// The programs of Node and of its packages' managers.
#[must_use]
pub fn programs() -> BTreeSet<String> {
    let table = tables::stages();
    let tools = table.node.shims.brings.iter().chain([&table.node.shims.program]);
    table.front_ends.packages.values().flatten().chain(tools).cloned().collect()
}

/// Why the containers of the stage may need Node; `None` when they do not: the image is one of another language, and neither what
/// containers start nor a file of the context that Node does not read itself names one of its programs.
#[must_use]
pub fn why_needed(model: &Model<'_>, stage: &Stage) -> Option<String> {
    let Some(image) = stage.image.as_deref() else { return Some("nothing is known of the base image".to_owned()) };
    if image.interpreter.as_ref().is_none_or(|own| own.name != tables::stages().environment.interpreter) {
        return Some("the program may be one of Node".to_owned());
    }
    let programs = programs();
    if let Some(reason) = split::why_it_is_started(model, stage, &programs) {
        return Some(reason);
    }
    let Some(files) = split::context_files(model) else {
        return Some("what the program starts is not known without the build context".to_owned());
    };
    let started = files.iter().filter(|(path, _)| !is_of_node(path)).find_map(|(path, text)| {
        let program = split::program_in(path, text, &programs).or_else(|| named_to_start(path, text, &programs))?;
        Some(format!("`{path}` may start `{program}`"))
    });
    started.or_else(|| caller(model, &files))
}

/// Words of code beside which a command stands.
const STARTERS: [&str; 8] = ["Popen", "call", "cmd", "command", "exec", "run", "spawn", "system"];

/// The program of these that a line names as a word of its own: any line of a file of settings, and of code one that starts something.
fn named_to_start<'p>(path: &str, text: &str, programs: &'p BTreeSet<String>) -> Option<&'p String> {
    let table = &tables::stages().front_ends;
    let name = path.rsplit('/').next().unwrap_or(path);
    let is_setting = name.rsplit_once('.').is_none_or(|(_, extension)| table.settings.contains(extension));
    let ends = |c: char| c.is_whitespace() || "\"'`=:;&|()[],".contains(c);
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("# "));
    let mut lines = lines.filter(|line| is_setting || STARTERS.iter().any(|starter| line.contains(starter)));
    lines.find_map(|line| line.split(ends).find_map(|word| programs.get(word.rsplit('/').next().unwrap_or(word))))
}

/// The package of Python that starts Node.
fn caller(model: &Model<'_>, files: &[(String, String)]) -> Option<String> {
    let is_manifest = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        MANIFESTS.contains(&name) || name.contains("requirements") || path.contains("requirements/")
    };
    // Lock files are none of the files that a program reads.
    let locks = MANIFESTS.iter().filter(|name| name.ends_with(".lock"));
    let locks = locks.filter_map(|name| Some(((*name).to_owned(), model.context.read(name)?)));
    let named = files.iter().filter(|(path, _)| is_manifest(path)).cloned().chain(locks);
    let callers = &tables::stages().front_ends.callers;
    let words = |text: &str| -> BTreeSet<String> {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c));
        text.split(ends).map(requirements::normalized).collect()
    };
    named.into_iter().find_map(|(path, text)| {
        let words = words(&text);
        let name = callers.iter().find(|name| words.contains(*name)).cloned();
        let name = name.or_else(|| {
            let installed = words.contains("pip") && words.contains("install");
            installed.then(|| callers.iter().find(|name| model.source.contains(name.as_str())).cloned())?
        })?;
        Some(format!("`{path}` names `{name}`, which starts Node"))
    })
}

/// Whether Node reads the file itself, or a browser: no other program runs what stands there.
fn is_of_node(path: &str) -> bool {
    let is_json = path.ends_with(".json");
    let is_script = path.ends_with(".sh");
    is_json || tables::stages().is_code(path) && !is_script
}

/// Whether the path is a directory of packages of Node that no program reads: containers do not need Node, and no file names such a
/// directory.
#[must_use]
pub fn is_unread(model: &Model<'_>, stage: &Stage, path: &str) -> bool {
    let packages = &tables::stages().node.packages;
    if path.rsplit('/').next() != Some(packages.as_str()) || why_needed(model, stage).is_some() {
        return false;
    }
    let files = split::context_files(model).unwrap_or_default();
    let is_named = files.iter().any(|(path, text)| !is_of_node(path) && text.contains(packages.as_str()));
    let of_image =
        stage.instructions.clone().filter(|index| !matches!(split::kind(model, *index), Kind::Run | Kind::Transfer));
    let is_written = |index: usize| model.instruction(index).full_span().of(model.source).contains(packages.as_str());
    !is_named && !of_image.into_iter().any(is_written)
}

/// Whether the RUN calls a tool of Node.
#[must_use]
pub fn calls_node(model: &Model<'_>, run: usize) -> bool {
    let programs = programs();
    model.calls(run).iter().any(|call| {
        let name = call.command.name().unwrap_or_default();
        tables::stages().project_tool(call.program()).is_some()
            || tables::stages().is_project_program(&name)
            || programs.contains(name.as_str())
    })
}

/// What the RUNs of Node up to the cut leave that the program needs: by paths.
#[must_use]
pub fn outputs(model: &Model<'_>, stage: &Stage, cut: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let runs = (stage.instructions.start..=cut).filter(|index| split::kind(model, *index) == Kind::Run);
    for run in runs.filter(|run| calls_node(model, *run)) {
        for deed in deeds(model, run).unwrap_or_default() {
            let Some(path) = deed.path() else { continue };
            if !is_unread(model, stage, path) && !found.iter().any(|other| is_below(path, other)) {
                found.retain(|other| !is_below(other, path));
                found.push(path.to_owned());
            }
        }
    }
    found
}

/// The directories of packages of Node, below one of the copied paths, that nothing reads once the build is over.
///
/// # Errors
/// Why that is not known.
pub fn packages_of_build(
    model: &Model<'_>,
    stage: &Stage,
    cut: usize,
    copies: &[String],
) -> Result<Vec<String>, String> {
    let mut paths: Vec<String> = Vec::new();
    for run in (stage.instructions.start..=cut).filter(|index| split::kind(model, *index) == Kind::Run) {
        for deed in deeds(model, run)? {
            let Deed::Output(path) = deed else { continue };
            let is_copied = copies.iter().any(|copy| path != *copy && is_below(&path, copy));
            if is_copied && !paths.contains(&path) && is_unread(model, stage, &path) {
                paths.push(path);
            }
        }
    }
    Ok(paths)
}

/// The places of pipes that run a script which adds a source of packages.
#[must_use]
pub fn setups(script: &Script) -> Vec<Span> {
    let mut found = Vec::new();
    let mut todo = vec![Child::List(&script.list)];
    while let Some(child) = todo.pop() {
        match child {
            Child::List(list) => todo.extend(list.statements.iter().map(|statement| Child::Node(&statement.node))),
            Child::Word(_) => {}
            Child::Node(node) if is_setup(node) => found.push(node.span),
            Child::Node(node) => todo.extend(node.children()),
        }
    }
    found
}

fn is_setup(node: &Node) -> bool {
    let NodeKind::Pipeline { negated: false, parts } = &node.kind else { return false };
    let [fetch, shell] = parts.as_slice() else { return false };
    let words = |node: &Node| -> Option<Vec<String>> {
        let command: &SimpleCommand = node.as_simple().filter(|command| command.redirects.is_empty())?;
        command.words.iter().map(crate::shell::ast::Word::literal).collect()
    };
    let (Some(fetch), Some(shell)) = (words(fetch), words(shell)) else { return false };
    let table = &tables::stages().front_ends;
    let is_address = |word: &&String| table.setups.iter().any(|setup| word.starts_with(setup.as_str()));
    let others = fetch.iter().skip(1).filter(|word| !is_address(word));
    let fetches = fetch.first().is_some_and(|name| table.fetchers.contains(name))
        && fetch.iter().filter(is_address).count() == 1
        && others.clone().all(|word| word.starts_with('-') && !word.starts_with("--output") && !word.ends_with('o'));
    let mut rest = shell.iter().map(String::as_str).skip_while(|word| matches!(*word, "sudo" | "-E"));
    let is_shell = rest.next().is_some_and(|name| Dialect::of(&[name.to_owned(), "-c".to_owned()]).dialect().is_some());
    fetches && is_shell && rest.all(|word| word == "-")
}

/// Whether the COPY brings something to one of the paths or below it, or that is not known.
#[must_use]
pub fn brings_to(model: &Model<'_>, index: usize, paths: &[String]) -> bool {
    let Some(target) = split::destination(model, index) else { return true };
    let Some(targets) = split::targets(model, index) else {
        return paths.iter().any(|path| is_below(path, &target) || is_below(&target, path));
    };
    targets.iter().any(|(source, target)| {
        paths.iter().any(|path| {
            let inside = path.strip_prefix(target.as_str()).and_then(|rest| rest.strip_prefix('/'));
            let is_there = |rest: &str| {
                !matches!(model.context.entry(&format!("{source}/{rest}")), Entry::Missing | Entry::Ignored)
            };
            is_below(target, path) || inside.is_some_and(is_there)
        })
    })
}
