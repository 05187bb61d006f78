//! Several projects of Node in one stage: the one that the program is, and those that only the build needs the packages of.

use super::cache::is_below;
use super::deed::{joined, source_at};
use super::manifest::package_json::{Origin, origin};
use super::outputs::{Project, directory_option, is_install};
use super::runtime::plain_argv;
use super::split::{Kind, context_files, kind};
use super::{Model, Stage, development};
use crate::shell::ast::{Script, SimpleCommand, Word};
use crate::shell::command::{Invocation, recognize};
use crate::shell::{self, Dialect};
use crate::tables::{self, ProjectTool};

/// An install of what a manifest names.
#[derive(Clone, Debug)]
pub struct Installed {
    /// The RUN.
    pub run: usize,
    /// The command.
    pub invocation: Invocation,
    /// The directory of the project, absolute.
    pub directory: String,
}

/// What code does to load other code by a path that is known only when it runs, or to start it.
const DYNAMIC: [&str; 5] = ["child_process", "fork(", "Worker(", "spawn(", "execSync("];
/// What code does to load other code.
const LOADS: [&str; 4] = ["require(", "import(", "import ", "from "];

/// The installs of projects up to the cut, in order.
///
/// # Errors
/// Why they are not known.
pub fn installs(model: &Model<'_>, stage: &Stage, cut: usize) -> Result<Vec<Installed>, String> {
    let mut found = Vec::new();
    for run in (stage.instructions.start..=cut).filter(|index| kind(model, *index) == Kind::Run) {
        let script = model.body(run).and_then(|body| body.understood()).ok_or("a script is not understood")?;
        for (command, directory) in placed(model, run, script) {
            let Some(invocation) = recognize(command) else { continue };
            let is_tool = tables::stages().project_tool(&invocation.program) == Some(ProjectTool::Packages);
            if is_tool && is_install(&invocation) && !invocation.has("--global") {
                let directory = directory.ok_or("the directory of an install is not known")?;
                let below = directory_option(&invocation);
                let directory = below.map_or_else(|| directory.clone(), |below| joined(&directory, &below));
                found.push(Installed { run, invocation, directory });
            }
        }
    }
    Ok(found)
}

/// The commands of a RUN with the directories in which they run.
fn placed<'s>(model: &Model<'_>, run: usize, script: &'s Script) -> Vec<(&'s SimpleCommand, Option<String>)> {
    let workdir = model.state(run).workdir.fixed().map(str::to_owned);
    let commands = script.all_simple_commands();
    let changes = |command: &&SimpleCommand| command.name().as_deref() == Some("cd");
    let nodes = script.and_chain().filter(|nodes| nodes.iter().all(|node| node.as_simple().is_some()));
    if !commands.iter().any(changes) {
        return commands.into_iter().map(|command| (command, workdir.clone())).collect();
    }
    let Some(nodes) = nodes else { return commands.into_iter().map(|command| (command, None)).collect() };
    let mut directory = workdir;
    let mut found = Vec::new();
    for command in nodes.iter().filter_map(|node| node.as_simple()) {
        if changes(&command) {
            let path = command.words.get(1).and_then(Word::literal).filter(|path| path != "-");
            directory = directory.zip(path).map(|(directory, path)| joined(&directory, &path));
        }
        found.push((command, directory.clone()));
    }
    found
}

/// The one install of the project that the program is.
///
/// # Errors
/// Why it is not known.
pub fn of_program(model: &Model<'_>, stage: &Stage, cut: usize) -> Result<Installed, String> {
    let all = installs(model, stage, cut)?;
    let first = all.first().ok_or("no install of the project is known")?;
    let twice = |one: &Installed| all.iter().filter(|other| other.directory == one.directory).count() > 1;
    let unknown = || "packages are installed more than once".to_owned();
    if all.len() == 1 {
        return Ok(first.clone());
    }
    let place = started_in(model, stage).ok_or_else(unknown)?;
    let above = all.iter().filter(|install| is_below(&place, &install.directory));
    let own = above.max_by_key(|install| install.directory.len()).ok_or_else(unknown)?;
    if twice(own) { Err(unknown()) } else { Ok(own.clone()) }
}

/// The directory in which the program stands: that of the file that Node is given, or that of the manifest whose script runs.
fn started_in(model: &Model<'_>, stage: &Stage) -> Option<String> {
    let (_, argv) = model.first_process(stage)?;
    let argv = match argv.as_slice() {
        [shell, option, text]
            if option == "-c" && Dialect::of(&[shell.clone(), "-c".to_owned()]).dialect().is_some() =>
        {
            plain_argv(&shell::parse(text, Dialect::Posix).ok()?)?
        }
        _ => argv,
    };
    let workdir = stage.end.workdir.fixed()?;
    let program = argv.first()?;
    if tables::stages().project_tool(program) == Some(ProjectTool::Packages) {
        let script = shell::parse(&argv.join(" "), Dialect::Posix).ok()?;
        let invocation = recognize(script.all_simple_commands().first()?)?;
        return Some(directory_option(&invocation).map_or_else(|| workdir.to_owned(), |below| joined(workdir, &below)));
    }
    let is_node = *program == tables::stages().node.family;
    let file = argv[1..].iter().find(|word| !word.starts_with('-')).filter(|_| is_node)?;
    let path = joined(workdir, file);
    path.rsplit_once('/').map(|(directory, _)| directory.to_owned())
}

/// The directories of projects whose packages nothing needs once the build is over: the program is another project, and loads none of
/// their code.
#[must_use]
pub fn of_build(model: &Model<'_>, stage: &Stage, cut: usize) -> Vec<String> {
    let (Ok(all), Ok(own)) = (installs(model, stage, cut), of_program(model, stage, cut)) else { return Vec::new() };
    let is_own = |install: &Installed| is_below(&own.directory, &install.directory);
    let Some(project) = Project::read(model, own.run, &own.directory) else { return Vec::new() };
    if project.manifest.wanted().any(|(_, wanted)| origin(wanted) != Origin::Remote) {
        return Vec::new();
    }
    let mut found: Vec<String> = Vec::new();
    for install in all.iter().filter(|install| !is_own(install)) {
        let is_plain = Project::read(model, install.run, &install.directory)
            .is_some_and(|project| project.manifest.workspaces.is_empty());
        if is_plain && !found.contains(&install.directory) && !may_load(model, stage, install, &project) {
            found.push(install.directory.clone());
        }
    }
    found
}

/// The directories of their packages.
#[must_use]
pub fn packages_of_build(model: &Model<'_>, stage: &Stage, cut: usize) -> Vec<String> {
    let packages = &tables::stages().node.packages;
    of_build(model, stage, cut).iter().map(|directory| joined(directory, packages)).collect()
}

/// The directory of the context that has the project.
fn in_context(model: &Model<'_>, install: &Installed) -> Option<String> {
    let manifest = joined(&install.directory, &tables::stages().node.manifest);
    let source = source_at(model, install.run, &manifest)?;
    Some(source.rsplit_once('/').map_or_else(String::new, |(directory, _)| directory.to_owned()))
}

/// The directories of the context that have projects whose packages only the build needs.
#[must_use]
pub fn sources_of_build(model: &Model<'_>, stage: &Stage, cut: usize) -> Vec<String> {
    let directories = of_build(model, stage, cut);
    let all = installs(model, stage, cut).unwrap_or_default();
    let of = all.iter().filter(|install| directories.contains(&install.directory));
    of.filter_map(|install| in_context(model, install)).filter(|directory| !directory.is_empty()).collect()
}

/// Whether code outside the project may load some of it, or scripts of the program's manifest start it.
fn may_load(model: &Model<'_>, stage: &Stage, install: &Installed, program: &Project<'_>) -> bool {
    let Some(own) = in_context(model, install).filter(|own| !own.is_empty()) else { return true };
    let name = install.directory.rsplit('/').next().unwrap_or_default();
    let Some(files) = context_files(model) else { return true };
    let table = tables::stages();
    let outside = files.iter().filter(|(path, _)| {
        table.is_code(path) && !table.is_of_development(path) && !path.starts_with(&format!("{own}/"))
    });
    let started = program.manifest.scripts.iter().filter(|(name, _)| name.contains("start"));
    let processes = development::processes(model, stage, &program.manifest);
    if started.into_iter().any(|(_, text)| text.contains("cd ") || names(text, name))
        || processes.is_none_or(|all| all.iter().flatten().any(|word| names(word, name)))
    {
        return true;
    }
    let mut is_named = false;
    let mut is_dynamic = false;
    for (_, text) in outside {
        is_named |= names(text, name);
        is_dynamic |= DYNAMIC.iter().any(|word| text.contains(word)) || loads_by_variable(text);
        if text.lines().any(|line| names(line, name) && LOADS.iter().any(|word| line.contains(word))) {
            return true;
        }
    }
    is_named && is_dynamic
}

/// Whether a text has the name as a part of a path, or as a string of its own.
fn names(text: &str, name: &str) -> bool {
    const AROUND: [char; 6] = ['"', '\'', '`', '/', ' ', '='];
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        before.is_none_or(|c| AROUND.contains(&c)) && after.is_none_or(|c| AROUND.contains(&c))
    })
}

/// Whether code is loaded by a path that is no string.
fn loads_by_variable(text: &str) -> bool {
    ["require(", "import("].iter().any(|word| {
        text.match_indices(word).any(|(at, _)| {
            let argument = text[at + word.len()..].trim_start();
            !argument.starts_with(['"', '\''])
        })
    })
}
