//! Packages of a Node project that only its development needs: what removes them behind a build, what leaves them out of an install
//! without one, and whether the program goes without them.

use std::collections::BTreeSet;

use super::cache::is_below;
use super::call::Call;
use super::deed::{Deed, deeds, joined, source_at};
use super::manifest::package_json::PackageJson;
use super::manifest::package_lock;
use super::outputs::{Project, is_install, script_name};
use super::projects::{self, Installed};
use super::scope::Variable;
use super::split::{Kind, context_files, kind};
use super::{Base, Model, Refusal, Stage, front_end, imports};
use crate::shell::ast::{Script, Word};
use crate::shell::command::{Invocation, recognize};
use crate::shell::{self, Dialect};
use crate::syntax::ast::{Command, Healthcheck, InstructionKind};
use crate::tables::{self, ProjectTool, Pruner};

/// The kind of dependencies that only development needs, and those that the program has.
const DEVELOPMENT: &str = "devDependencies";
const PROGRAM: &str = "dependencies";

/// Scripts that call one another are followed so far.
const MAX_NESTING: usize = 5;

/// The command that removes what only the build needs behind the instruction `cut`, its last one, from what is copied: packages of
/// development, and those of projects that the program is not.
///
/// # Errors
/// Why there is none.
pub fn tidy(model: &Model<'_>, stage: &Stage, cut: usize, copies: &[String]) -> Result<String, String> {
    let is_of_node = stage.image.as_deref().is_some_and(|image| image.family == tables::stages().node.family);
    let (others, pruned) = if is_of_node {
        let is_copied = |path: &String| copies.iter().any(|copy| path != copy && is_below(path, copy));
        let others = projects::packages_of_build(model, stage, cut).into_iter().filter(is_copied).collect();
        (others, prune(model, stage, cut))
    } else {
        let others = front_end::packages_of_build(model, stage, cut, copies)?;
        (others, Err("nothing would be left out".to_owned()))
    };
    let workdir = model.state(cut).workdir.fixed().ok_or("the working directory is not known")?;
    let others: Vec<&str> = others.iter().map(|path| written_from(workdir, path)).collect();
    let removal = format!("rm -rf {}", others.join(" "));
    match pruned {
        found if others.is_empty() => found,
        Ok(command) => Ok(format!("{removal} && {command}")),
        Err(_) => Ok(removal),
    }
}

/// The path as it is written in a directory: without it when it lies below.
fn written_from<'p>(workdir: &str, path: &'p str) -> &'p str {
    path.strip_prefix(workdir.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/')).unwrap_or(path)
}

/// The command that removes the packages of development of the program.
fn prune(model: &Model<'_>, stage: &Stage, cut: usize) -> Result<String, String> {
    let Installed { run, invocation: install, directory } = projects::of_program(model, stage, cut)?;
    let workdir = model.state(cut).workdir.fixed().ok_or("the working directory is not known")?;
    if model.state(cut).user != model.state(run).user {
        return Err("the build ends as another user than the install".to_owned());
    }
    let project = Project::read(model, run, &directory).ok_or("package.json is not known")?;
    let manifest = &project.manifest;
    if !manifest.workspaces.is_empty() {
        return Err("the project has workspaces".to_owned());
    }
    if manifest.dependencies.get(PROGRAM).is_none_or(|packages| packages.is_empty()) {
        return Err("the program has no dependencies".to_owned());
    }
    let packages = development_of(manifest);
    if packages.is_empty() {
        return Err("package.json has no development dependencies".to_owned());
    }
    if leaves_out_development(model, run, &install) {
        return Err("the install leaves development dependencies out".to_owned());
    }
    let pruner = pruner(model, stage, run, &directory, &install)?;
    let others = projects::sources_of_build(model, stage, cut);
    is_needed(model, stage, manifest, &packages, &others, &locked_programs(model, run, &install))
        .map_or(Ok(()), Err)?;
    let kept = pruner.keeps.iter().filter(|option| install.has(option));
    let command = kept.fold(pruner.command.clone(), |command, option| format!("{command} {option}"));
    Ok(if directory == workdir { command } else { format!("cd {} && {command}", written_from(workdir, &directory)) })
}

/// What the tool of the install does without development dependencies.
fn pruner(
    model: &Model<'_>,
    stage: &Stage,
    run: usize,
    directory: &str,
    install: &Invocation,
) -> Result<&'static Pruner, String> {
    let pruner = tables::stages().pruner(&install.program).ok_or_else(|| {
        format!("how `{}` removes development dependencies behind a build is not known", install.program)
    })?;
    for needed in &pruner.lock {
        let source = source_at(model, run, &joined(directory, &needed.file));
        let text = source.and_then(|source| model.context.read(&source));
        if !text.is_some_and(|text| text.contains(needed.text.as_str())) {
            return Err(format!("`{}` is not the lock file that it reads", needed.file));
        }
    }
    let interpreter = stage.image.as_deref().and_then(|image| image.interpreter.as_ref());
    let major = interpreter.and_then(|interpreter| interpreter.version.split('.').next()?.parse::<u32>().ok());
    if major.is_none_or(|major| major < pruner.since) {
        return Err("the version of Node is not known to have what removes development dependencies".to_owned());
    }
    Ok(pruner)
}

/// An option by which an install leaves development dependencies out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omitted {
    /// The option.
    pub option: String,
    /// Number of the word that it goes in front of.
    pub at: usize,
    /// How many packages package.json names for development.
    pub packages: usize,
}

/// How an install of the last stage leaves development dependencies out. `None` where there are none, where it does so, and where they are not
/// known.
#[must_use]
pub fn omitted(model: &Model<'_>, run: usize, call: &Call<'_>) -> Option<Result<Omitted, Refusal>> {
    let stage = model.final_stage().filter(|stage| stage.instructions.contains(&run))?;
    if tables::stages().project_tool(call.program()) != Some(ProjectTool::Packages) {
        return None;
    }
    let install = recognize(call.command).filter(is_install)?;
    let directory = model.state(run).workdir.fixed()?;
    let project = Project::read(model, run, directory)?;
    let manifest = &project.manifest;
    let packages = manifest.dependencies.get(DEVELOPMENT).filter(|packages| !packages.is_empty())?;
    if leaves_out_development(model, run, &install)
        || manifest.dependencies.get(PROGRAM).is_none_or(|all| all.is_empty())
    {
        return None;
    }
    Some(omission(model, stage, (run, call), &install, manifest).map(|(option, at)| Omitted {
        option,
        at,
        packages: packages.len(),
    }))
}

fn omission(
    model: &Model<'_>,
    stage: &Stage,
    (run, call): (usize, &Call<'_>),
    install: &Invocation,
    manifest: &PackageJson,
) -> Result<(String, usize), Refusal> {
    let needs_them = |reason: String| {
        (
            format!("development dependencies are installed: {reason}"),
            "a build stage that removes them behind the build",
        )
    };
    if !call.is_plain() {
        return Err(call.why_not_plain());
    }
    let (found, _) = the_install(model, stage, stage.instructions.end - 1).map_err(needs_them)?;
    if found != run
        || !model.descendants(stage).is_empty()
        || matches!(stage.base, Base::Stage(_))
        || model.has_triggers()
    {
        return Err(needs_them("other stages take part".to_owned()));
    }
    if !manifest.workspaces.is_empty() {
        return Err(needs_them("the project has workspaces".to_owned()));
    }
    if let Some(name) = manifest.install_scripts().first() {
        return Err(needs_them(format!("the script `{name}` runs with the install")));
    }
    for index in stage.instructions.clone().filter(|index| *index >= run && model.is_run(*index)) {
        let line = model.lines.line(model.instruction(index).span.start);
        let calls = model.every_call(index).ok_or_else(|| needs_them(format!("what line {line} runs is not known")))?;
        let other = calls.iter().find(|other| (index != run || other.span() != call.span()) && may_use_packages(other));
        if let Some(other) = other {
            let name = other.command.words.first().and_then(Word::literal).unwrap_or_else(|| "a variable".to_owned());
            return Err(needs_them(format!("line {line} runs `{name}`, which may need them")));
        }
    }
    if let Some(started) = model.context.started().first() {
        return Err(needs_them(format!("`{}` starts another program in the container", started.file)));
    }
    let directory = model.state(run).workdir.fixed().unwrap_or("/");
    let pruner = pruner(model, stage, run, directory, install).map_err(needs_them)?;
    let packages: BTreeSet<&str> = development_of(manifest);
    is_needed(model, stage, manifest, &packages, &[], &locked_programs(model, run, install))
        .map_or(Ok(()), Err)
        .map_err(needs_them)?;
    let at = call.option_place().or_else(|| call.subcommand().is_none().then(|| call.program_at() + 1));
    at.map(|at| (pruner.omits.clone(), at))
        .ok_or_else(|| needs_them("the command has no place for an option".to_owned()))
}

/// Whether a command may run what the project's packages bring: the tools of a project, the interpreter, and what no table knows.
fn may_use_packages(call: &Call<'_>) -> bool {
    let name = call.command.name().unwrap_or_default();
    let table = tables::stages();
    let is_tool = table.project_tool(call.program()).is_some() || table.project_tool(&name).is_some();
    let is_cleaning = call.empties_cache();
    let is_known = tables::programs().never_installs(&name) && name != table.node.family;
    !is_cleaning && (is_tool || !is_known || name.contains('/'))
}

/// The one RUN with an install of the project up to the cut.
fn the_install(model: &Model<'_>, stage: &Stage, cut: usize) -> Result<(usize, Invocation), String> {
    let mut all = projects::installs(model, stage, cut)?.into_iter();
    match (all.next(), all.next()) {
        (Some(install), None) => Ok((install.run, install.invocation)),
        (Some(_), Some(_)) => Err("packages are installed more than once".to_owned()),
        (None, _) => Err("no install of the project is known".to_owned()),
    }
}

fn leaves_out_development(model: &Model<'_>, run: usize, install: &Invocation) -> bool {
    let table = &tables::stages().node.production;
    let by_variable = match model.state(run).variables.get(&table.variable) {
        Variable::Unset => false,
        Variable::Set(value) => value.fixed() != Some(table.development.as_str()),
        Variable::Unknown => true,
    };
    by_variable
        || install.variable(&table.variable).is_some()
        || install.options.iter().any(|option| table.options.contains(&option.name))
}

/// The packages that only development needs, but for declarations of types, which no program loads.
fn development_of(manifest: &PackageJson) -> BTreeSet<&str> {
    let program = manifest.dependencies.get(PROGRAM);
    let packages = manifest.dependencies.get(DEVELOPMENT).into_iter().flat_map(|packages| packages.keys());
    packages
        .map(String::as_str)
        .filter(|name| !name.starts_with("@types/") && program.is_none_or(|program| !program.contains_key(*name)))
        .collect()
}

/// Whether the program is started from sources that a tool compiles when it runs, or that is not known.
#[must_use]
pub fn runs_sources(model: &Model<'_>, stage: &Stage, cut: usize) -> bool {
    let Ok(install) = projects::of_program(model, stage, cut) else { return true };
    let Some(project) = Project::read(model, install.run, &install.directory) else { return true };
    let Some(commands) = processes(model, stage, &project.manifest) else { return true };
    let is_source =
        |word: &String| tables::stages().runs_sources(word) || word.ends_with(".ts") || word.ends_with(".tsx");
    commands.iter().flatten().any(is_source)
}

/// Where the program needs a package of development; `others` are directories of the context that it loads nothing of.
fn is_needed(
    model: &Model<'_>,
    stage: &Stage,
    manifest: &PackageJson,
    packages: &BTreeSet<&str>,
    others: &[String],
    locked: &BTreeSet<String>,
) -> Option<String> {
    let Some(commands) = processes(model, stage, manifest) else {
        return Some("what a container starts is not known".to_owned());
    };
    let image = stage.image.as_deref();
    let mut configured: BTreeSet<&str> = BTreeSet::new();
    for words in &commands {
        let Some(program) = words.first() else { continue };
        let is_file = program.contains('/');
        let is_of_image = image.is_some_and(|image| image.programs.contains(program));
        let is_of_program = manifest.dependencies.get(PROGRAM).is_some_and(|packages| packages.contains_key(program));
        let is_installed = tables::stages().is_helper(program) && installs(model, stage, program);
        let is_of_lock = locked.contains(program);
        if !is_file && !is_of_image && !is_of_program && !is_of_lock && !is_installed {
            return Some(format!("`{program}` may come with a development dependency"));
        }
        if is_of_program {
            configured.insert(program);
        }
        let is_package = |word: &&String| packages.iter().any(|package| names(word, package));
        if let Some(word) = words.iter().find(is_package) {
            return Some(format!("a container starts `{word}`, a development dependency"));
        }
    }
    let Some(files) = context_files(model) else {
        return Some("which packages the sources load is not known without the build context".to_owned());
    };
    let table = tables::stages();
    // A program of a package reads its configuration when it starts.
    let is_configuration = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        configured.iter().any(|program| name.starts_with(&format!("{program}.config.")))
    };
    if let Some((path, _)) = files.iter().find(|(path, _)| is_configuration(path) && path.ends_with("ts")) {
        return Some(format!("`{path}` is compiled when the program starts"));
    }
    let entries = entries(model, stage, &commands, |program| configured.contains(program) || locked.contains(program));
    let loaded = entries.and_then(|entries| imports::loaded(&files, &entries));
    let is_loaded = |path: &str| loaded.as_ref().is_none_or(|loaded| loaded.contains(path));
    let is_other = |path: &str| others.iter().any(|other| path.starts_with(&format!("{other}/")));
    let is_read = |path: &str| {
        let may_run = !is_other(path) && is_loaded(path) && !table.is_of_development(path);
        table.is_code(path) && (may_run || is_configuration(path))
    };
    for (path, text) in files.iter().filter(|(path, _)| is_read(path)) {
        if let Some(package) = packages.iter().find(|package| loads(text, package)) {
            return Some(format!("`{path}` loads `{package}`, a development dependency"));
        }
    }
    None
}

/// The files that the interpreter is started with, in the build context; `None` when something else loads files of the project, or that is
/// not known.
fn entries(
    model: &Model<'_>,
    stage: &Stage,
    commands: &[Vec<String>],
    is_of_package: impl Fn(&str) -> bool,
) -> Option<Vec<String>> {
    let workdir = model.state(stage.instructions.end - 1).workdir.fixed()?;
    let node = &tables::stages().node.family;
    let mut found = Vec::new();
    for words in commands {
        let init = words.first().is_some_and(|program| tables::programs().is_init(program, &[]));
        let started = words.iter().skip(usize::from(init)).skip_while(|word| init && word.starts_with('-'));
        let words: Vec<&str> = started.map(String::as_str).collect();
        let Some((program, operands)) = words.split_first() else { continue };
        let file = match *program {
            program if program == node => operands.first().filter(|word| !word.starts_with('-') && !word.is_empty())?,
            program if program.contains('/') && !program.ends_with(".sh") => program,
            _ if is_of_package(program) || tables::stages().project_tool(program).is_some() => return None,
            _ if operands.iter().any(|word| word == node) => return None,
            _ => continue,
        };
        // The file may lack its ending.
        let path = joined(workdir, file);
        let names = ["", ".js", "/index.js"].map(|ending| format!("{path}{ending}"));
        found.push(names.iter().find_map(|path| model.context_file(stage, stage.instructions.end, path))?);
    }
    (!found.is_empty()).then_some(found)
}

/// The programs that packages bring which not only development needs, by the lock file of npm.
fn locked_programs(model: &Model<'_>, run: usize, install: &Invocation) -> BTreeSet<String> {
    let row = tables::dependencies().install(&install.program, Some(install.subcommand()));
    let directory = model.state(run).workdir.fixed().unwrap_or("/");
    let mut locks = row.iter().flat_map(|row| &row.reads).filter_map(|name| {
        let source = source_at(model, run, &joined(directory, name))?;
        package_lock::read(&model.context.read(&source)?)
    });
    locks.next().map(|lock| lock.programs).unwrap_or_default()
}

/// Whether the stage installs a package of the distribution of that name.
fn installs(model: &Model<'_>, stage: &Stage, package: &str) -> bool {
    let is_it = |deed: &Deed| matches!(deed, Deed::Packages { names, .. } if names.iter().any(|name| name == package));
    let mut runs = stage.instructions.clone().filter(|index| kind(model, *index) == Kind::Run);
    runs.any(|run| deeds(model, run).is_ok_and(|deeds| deeds.iter().any(is_it)))
}

/// Whether the word names the package or a file of it.
fn names(word: &str, package: &str) -> bool {
    word.strip_prefix(package).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a text loads the package: its name in quotes, but for imports of types.
fn loads(text: &str, package: &str) -> bool {
    text.lines().filter(|line| !line.trim_start().starts_with("import type")).any(|line| {
        line.match_indices(package).any(|(at, _)| {
            let before = line[..at].chars().next_back();
            let after = line[at + package.len()..].chars().next();
            matches!(before, Some('"' | '\'' | '`')) && matches!(after, Some('"' | '\'' | '`' | '/'))
                || line.trim_start().starts_with("npx ") && before == Some(' ')
        })
    })
}

/// The commands that containers and health checks start, scripts of package.json and of the context followed.
pub(super) fn processes(model: &Model<'_>, stage: &Stage, manifest: &PackageJson) -> Option<Vec<Vec<String>>> {
    let mut found = Vec::new();
    for index in stage.instructions.clone() {
        let command = match &model.instruction(index).kind {
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => command,
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => command,
            _ => continue,
        };
        match command {
            Command::Exec(argv) => {
                let words = argv.iter().map(|word| word.text.clone()).collect();
                Reader { model, stage, manifest }.process(words, &mut found, 0)?;
            }
            Command::Shell(_) => {
                let read = model.body(index)?.understood()?;
                Reader { model, stage, manifest }.script(read, &mut found, 0)?;
            }
        }
    }
    // What a compose file says that containers start.
    for started in model.context.started() {
        Reader { model, stage, manifest }.text(&started.text, &mut found, 0)?;
    }
    Some(found)
}

/// Follows what a container starts to scripts of package.json and of the context.
struct Reader<'m> {
    model: &'m Model<'m>,
    stage: &'m Stage,
    manifest: &'m PackageJson,
}

impl Reader<'_> {
    fn script(&self, script: &Script, found: &mut Vec<Vec<String>>, depth: usize) -> Option<()> {
        for command in script.all_simple_commands() {
            let words: Vec<String> = command.words.iter().map(|word| Word::literal(word).unwrap_or_default()).collect();
            self.process(words, found, depth)?;
        }
        Some(())
    }

    fn text(&self, text: &str, found: &mut Vec<Vec<String>>, depth: usize) -> Option<()> {
        self.script(&shell::parse(text, Dialect::Bash).ok()?, found, depth + 1)
    }

    fn process(&self, words: Vec<String>, found: &mut Vec<Vec<String>>, depth: usize) -> Option<()> {
        if depth > MAX_NESTING {
            return None;
        }
        let program = words.first().map_or("", String::as_str);
        if let [shell, option, text, ..] = words.as_slice()
            && option == "-c"
            && Dialect::of(&[shell.clone(), option.clone()]).dialect().is_some()
        {
            let text = text.clone();
            return self.text(&text, found, depth);
        }
        if program == "exec" {
            // `exec "$@"` starts CMD, which is looked at for itself.
            let rest = words[1..].to_vec();
            return if rest.iter().all(String::is_empty) { Some(()) } else { self.process(rest, found, depth + 1) };
        }
        if tables::stages().project_tool(program) == Some(ProjectTool::Packages)
            && words.get(1).is_some_and(|word| word == "exec")
        {
            // It starts a program of the packages, or of the image.
            let rest: Vec<String> = words.into_iter().skip(2).skip_while(|word| word == "--").collect();
            let is_plain = rest.first().is_some_and(|word| !word.starts_with('-'));
            return if is_plain { self.process(rest, found, depth + 1) } else { None };
        }
        let is_script = words.get(1).is_some_and(|word| !word.starts_with('-'));
        if tables::stages().project_tool(program) == Some(ProjectTool::Packages) && is_script {
            return self.of_manifest(&words, found, depth);
        }
        let named = if tables::programs().is_init(program, &[]) {
            words.iter().skip(1).find(|word| !word.starts_with('-'))
        } else {
            words.first()
        };
        if let Some(path) = named.filter(|word| word.contains('/')) {
            let workdir = self.model.state(self.stage.instructions.end - 1).workdir.fixed()?;
            let path = joined(workdir, path);
            let source = self.model.context_file(self.stage, self.stage.instructions.end, &path)?;
            let text = self.model.context.read(&source)?;
            if !tables::stages().is_code(&source) || source.ends_with(".sh") {
                self.text(&text, found, depth)?;
            }
        }
        if !words.is_empty() && !tables::programs().is_shell_word(program) {
            found.push(words);
        }
        Some(())
    }

    /// `npm start` and the like.
    fn of_manifest(&self, words: &[String], found: &mut Vec<Vec<String>>, depth: usize) -> Option<()> {
        let read = shell::parse(&words.join(" "), Dialect::Posix).ok()?;
        let command = read.all_simple_commands().into_iter().next()?;
        let name = script_name(&recognize(command)?)?;
        let mut has_script = false;
        for name in [format!("pre{name}"), name.clone(), format!("post{name}")] {
            let Some(text) = self.manifest.scripts.get(&name) else { continue };
            has_script = true;
            self.text(text, found, depth)?;
        }
        has_script.then_some(())
    }
}
