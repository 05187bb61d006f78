//! What has to be known to split a stage into one that builds and one that runs.

use std::collections::BTreeSet;

use super::cache::is_below;
use super::deed::{Deed, deeds, joined};
use super::owner::{self, Taken};
use super::scope::Variable;
use super::{Model, Stage, front_end};
use crate::context::Entry;
use crate::shell::ast::Script;
use crate::shell::state::is_opaque;
use crate::source::Span;
use crate::syntax::ast::{Command, Healthcheck, InstructionKind, Transfer, Word};
use crate::tables::{self, BuildOnly, CommandEffects, Fact, Operands, OptionValue, PackageManager, Recommended};

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

/// The files and directories of the context that a COPY brings, each with the absolute path at which it stands then; `None` when
/// that is not known.
#[must_use]
pub fn targets(model: &Model<'_>, index: usize) -> Option<Vec<(String, String)>> {
    let InstructionKind::Copy(copy) = &model.instruction(index).kind else { return None };
    let flags = &model.instruction(index).flags;
    let has_mode = flags.iter().any(|flag| flag.name == "chmod");
    if flags.iter().any(|flag| !matches!(flag.name.as_str(), "chown" | "chmod" | "link")) {
        return None;
    }
    let target = destination(model, index)?;
    let written = &copy.destination.text;
    let is_directory = written.ends_with('/') || written.ends_with('.') || copy.sources.len() > 1;
    let mut found = Vec::new();
    for source in &copy.sources {
        if source.text.contains(['$', '<']) || source.text.contains("://") {
            return None;
        }
        let paths = model.context.glob(&source.text)?;
        let is_directory = is_directory || paths.len() > 1;
        for path in paths {
            let name = path.rsplit('/').next().unwrap_or(&path).to_owned();
            match model.context.entry(&path) {
                Entry::File if is_directory => found.push((path, joined(&target, &name))),
                Entry::File => found.push((path, target.clone())),
                Entry::Directory if has_mode => return None,
                Entry::Directory => {
                    for (name, entry) in model.context.list(&path)? {
                        let below = if path.is_empty() { name.clone() } else { format!("{path}/{name}") };
                        match entry {
                            Entry::File | Entry::Directory => found.push((below, joined(&target, &name))),
                            Entry::Ignored | Entry::Missing => {}
                            Entry::Unknown => return None,
                        }
                    }
                }
                Entry::Unknown | Entry::Missing | Entry::Ignored => return None,
            }
        }
    }
    Some(found)
}

/// Whether a COPY brings a directory, or that is not known.
#[must_use]
pub fn brings_directory(model: &Model<'_>, index: usize) -> bool {
    let Some(copy) = transfer(model, index) else { return false };
    let is_file = |path: &String| model.context.entry(path) == Entry::File;
    let are_files = |word: &Word| model.context.glob(&word.text).is_some_and(|paths| paths.iter().all(is_file));
    model.instruction(index).flag("from").is_none() && !copy.sources.iter().all(are_files)
}

/// The paths to which a COPY brings something that others than the compiler of the language may read; `None` when that is not
/// known.
#[must_use]
pub fn assets(model: &Model<'_>, index: usize, language: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for (source, target) in targets(model, index)? {
        if !holds_only_sources(model, &source, language)? {
            found.push(target);
        }
    }
    Some(found)
}

/// Whether a file or directory of the context has nothing but sources of the language; `None` when that is not known.
pub(super) fn holds_only_sources(model: &Model<'_>, path: &str, language: &str) -> Option<bool> {
    let table = tables::stages();
    let is_unread = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        table.is_source(language, name) || table.is_never_read_at(path) && !is_named(model, name)
    };
    if path.split('/').any(|part| table.is_source_directory(language, part) && !is_directory_named(model, part)) {
        return Some(true);
    }
    let mut waiting = vec![path.to_owned()];
    let mut seen = 0;
    while let Some(path) = waiting.pop() {
        seen += 1;
        if seen > MAX_FILES {
            return None;
        }
        match model.context.entry(&path) {
            Entry::File if !is_unread(&path) => return Some(false),
            Entry::Directory if !is_unread(&path) => {
                waiting.extend(model.context.list(&path)?.into_iter().map(|(name, _)| format!("{path}/{name}")));
            }
            Entry::Unknown => return None,
            _ => {}
        }
    }
    Some(true)
}

/// Whether a file of the context that is none of the build names the file in quotes, or that is not known.
fn is_named(model: &Model<'_>, name: &str) -> bool {
    let is_read = |path: &str| !tables::stages().is_build_file(base_name(path));
    let named = ["\"", "'", "/"].map(|before| format!("{before}{name}"));
    let names = |text: &str| named.iter().any(|name| text.contains(name.as_str()));
    context_files(model).is_none_or(|files| files.iter().any(|(path, text)| is_read(path) && names(text)))
}

/// Whether a file of the context that is none of the build names what stands in the directory, or that is not known.
fn is_directory_named(model: &Model<'_>, name: &str) -> bool {
    let is_read = |path: &str| !tables::stages().is_build_file(base_name(path));
    let named = [format!("\"{name}/"), format!("'{name}/"), format!("./{name}/")];
    let names = |text: &str| named.iter().any(|name| text.contains(name.as_str()));
    context_files(model).is_none_or(|files| files.iter().any(|(path, text)| is_read(path) && names(text)))
}

/// The language whose sources the program does not read, when it is compiled before the instruction `cut` is over.
#[must_use]
pub fn language<'m>(model: &'m Model<'_>, stage: &'m Stage, cut: usize) -> Option<&'m str> {
    let Some(interpreter) = stage.image.as_deref()?.interpreter.as_ref() else { return Some("c") };
    let name = interpreter.name.as_str();
    let family = &stage.image.as_deref()?.family;
    let is_compiled = match tables::stages().has_toolchain(family) {
        true => true,
        false => *family == tables::stages().node.family && !super::development::runs_sources(model, stage, cut),
    };
    is_compiled.then_some(name)
}

/// The programs that a COPY takes from an image of tools, by their names.
#[must_use]
pub fn tools_of_copy(model: &Model<'_>, index: usize) -> Option<BTreeSet<String>> {
    let from = model.instruction(index).flag("from")?.value.as_deref()?;
    let reference: crate::syntax::image::ImageReference = from.parse().ok()?;
    let sources = &transfer(model, index)?.sources;
    let names = sources.iter().map(|source| base_name(&source.text).to_owned());
    tables::needs().is_contained(&reference.name()).then(|| names.collect())
}

/// Whether the directory is one that WORKDIR makes in front of the instruction.
#[must_use]
pub fn is_made_by_workdir(model: &Model<'_>, stage: &Stage, before: usize, directory: &str) -> bool {
    (stage.instructions.start..before).any(|index| {
        matches!(model.instruction(index).kind, InstructionKind::Workdir(_))
            && model.state(index + 1).workdir.fixed() == Some(directory)
    })
}

/// Whether the directory is one that WORKDIR makes in front of the RUN, or that the RUN makes itself.
#[must_use]
pub fn is_made_above(model: &Model<'_>, stage: &Stage, run: usize, directory: &str) -> bool {
    is_made_by_workdir(model, stage, run, directory)
        || owner::made_directories(model, run).iter().any(|made| made == directory)
}

/// Whether libraries may stand at the path or below it, of which the linker has to know.
#[must_use]
pub fn may_have_libraries(path: &str) -> bool {
    let name = base_name(path);
    path.split('/').any(|part| part.starts_with("lib")) || !path.contains("/bin/") && !name.contains('.')
}

/// The lines that take over what was built.
///
/// # Errors
/// Why there are none.
pub fn copy_lines(
    model: &Model<'_>,
    stage: &Stage,
    taken: &Taken<'_>,
    name: &str,
    path: &str,
) -> Result<Vec<String>, String> {
    let owners = owner::owners(model, stage, taken, path)?;
    let flag = owners.flag.map(|owner| format!("--chown={owner} ")).unwrap_or_default();
    let copy = format!("COPY --from={name} {flag}{path} {path}");
    let given = owners.directory.map(|owner| format!("RUN chown {owner} {path}"));
    Ok(std::iter::once(copy).chain(given).collect())
}

/// Another image for the new stage.
#[derive(Clone, Debug)]
pub struct RuntimeBase {
    /// As FROM writes it.
    pub text: String,
    /// What is known of it.
    pub image: tables::ImageFacts,
    /// Packages that it needs beside those of the program.
    pub packages: Vec<String>,
}

/// The image that takes the place of one with a toolchain.
#[must_use]
pub fn runtime_base(model: &Model<'_>, stage: &Stage) -> Option<RuntimeBase> {
    let image = stage.image.as_deref().filter(|_| !stage.image_by_argument)?;
    let distribution = image.distribution.known()?;
    if tables::stages().java.images.iter().any(|row| row.family == image.family) {
        let InstructionKind::From(from) = &model.instruction(stage.from).kind else { return None };
        let mut base = super::java::runtime_base(stage, &from.image.text)?;
        let lost = lost_programs(stage, &base.image);
        let of_scripts = started_by_scripts(model, stage).into_iter().map(|(program, _)| program);
        let needed = started(model, stage).into_iter().chain(of_scripts);
        base.packages.extend(needed.filter(|name| lost.contains(name) && tables::stages().is_helper(name)));
        return Some(base);
    }
    let rows = &tables::stages().runtimes;
    let row = rows.iter().find(|row| row.family == image.family && row.distribution == distribution.name)?;
    if missing_setting(model, stage).is_some() || super::base::links_manuals(model, stage).is_some() {
        return None;
    }
    let text = match row.image.split_once("{tag}") {
        Some((before, _)) => format!("{before}{}", line_of_versions(model, stage)?),
        None => row.image.replace("{release}", distribution.release.as_deref()?),
    };
    let image = tables::image_of(&text.parse().ok()?)?;
    let mut packages = row.packages.clone();
    let lost = lost_programs(stage, &image);
    let of_scripts = started_by_scripts(model, stage).into_iter().map(|(program, _)| program);
    let needed = started(model, stage).into_iter().chain(of_scripts);
    packages.extend(needed.filter(|name| lost.contains(name) && tables::stages().is_helper(name)));
    packages.extend(linked_libraries(model, stage).ok()?);
    let zones = &tables::stages().zones;
    let set = stage.instructions.end - 1;
    let asks = context_files(model)
        .is_none_or(|files| files.iter().any(|(_, text)| zones.words.iter().any(|word| text.contains(word.as_str()))));
    if asks || zones.variables.iter().any(|name| !matches!(model.state(set).variables.get(name), Variable::Unset)) {
        packages.push(zones.package.clone());
    }
    packages.dedup();
    Some(RuntimeBase { text, image, packages })
}

/// A variable in which the image with the toolchain and the one that takes its place differ, when the file does not set it.
#[must_use]
pub fn missing_setting(model: &Model<'_>, stage: &Stage) -> Option<&'static str> {
    let family = &stage.image.as_deref()?.family;
    let rows = tables::stages().runtimes.iter().filter(|row| row.family == *family);
    let variables = &model.state(stage.instructions.end - 1).variables;
    let is_set = |name: &String| match variables.get(name) {
        Variable::Set(value) => value.fixed().is_some_and(|text| !text.is_empty()),
        Variable::Unset | Variable::Unknown => false,
    };
    rows.flat_map(|row| &row.sets).find(|name| !is_set(name)).map(String::as_str)
}

/// The tag of the base image, when it names a line of versions (`8.0`, `8.0-alpine`) and no version of its own.
fn line_of_versions(model: &Model<'_>, stage: &Stage) -> Option<String> {
    let InstructionKind::From(from) = &model.instruction(stage.from).kind else { return None };
    let (_, tag) = from.image.text.rsplit_once(':').filter(|(_, tag)| !tag.contains(['/', '$', '@']))?;
    let version = tag.split('-').next()?;
    (version.matches('.').count() == 1 && version.starts_with(|c: char| c.is_ascii_digit())).then(|| tag.to_owned())
}

/// The packages of the libraries that a program of Rust is linked with. A slim image has no headers but those of packages that the file
/// installs.
///
/// # Errors
/// Why that is not known.
pub fn linked_libraries(model: &Model<'_>, stage: &Stage) -> Result<Vec<String>, String> {
    let table = &tables::stages().crates;
    let image = stage.image.as_deref();
    let Some(image) = image.filter(|it| it.family == table.family && it.programs.contains(&table.with_headers)) else {
        return Ok(Vec::new());
    };
    let release = image.distribution.known().and_then(|distribution| distribution.release.as_deref());
    let release = release.ok_or("the release of the base image is not known")?;
    let lock = model.context.read("Cargo.lock").and_then(|lock| super::manifest::cargo::read_lock(&lock));
    let lock =
        lock.ok_or("Cargo.lock is not in the build context, so that it is not known what the program is linked with")?;
    let mut found = Vec::new();
    for name in lock.iter().filter(|name| name.ends_with("-sys") && !table.alone.contains(*name)) {
        let libraries = table.linked.get(name).map(|headers| tables::runtime_libraries(release, headers));
        match libraries.as_ref().and_then(Fact::known) {
            Some(libraries) => found.extend(libraries.iter().cloned()),
            None => return Err(format!("which library `{name}` links the program with is not known")),
        }
    }
    Ok(found)
}

/// The programs that the image of the stage has and the other one has not.
#[must_use]
pub fn lost_programs(stage: &Stage, other: &tables::ImageFacts) -> BTreeSet<String> {
    let programs = stage.image.as_deref().map(|image| &image.programs);
    programs.into_iter().flatten().filter(|name| !other.programs.contains(*name)).cloned().collect()
}

/// What containers and health checks start, by names.
fn started(model: &Model<'_>, stage: &Stage) -> Vec<String> {
    let mut found = Vec::new();
    let is_entrypoint = |index: usize| matches!(&model.instruction(index).kind, InstructionKind::Entrypoint(_));
    let has_entrypoint = stage.instructions.clone().any(is_entrypoint);
    for index in stage.instructions.clone() {
        let command = match &model.instruction(index).kind {
            // Its words are arguments.
            InstructionKind::Cmd(_) if has_entrypoint => continue,
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => command,
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => command,
            _ => continue,
        };
        match command {
            Command::Exec(argv) => found.extend(argv.first().map(|word| word.text.clone())),
            Command::Shell(_) => {
                let script = model.body(index).and_then(|body| body.understood());
                let commands = script.map(Script::all_simple_commands).unwrap_or_default();
                found.extend(commands.iter().filter_map(|command| command.name()));
            }
        }
    }
    found
}

/// Scripts that call one another are followed so far.
const MAX_NESTING: usize = 5;

/// The words that scripts of the context call which a container starts, with the file that each script is.
fn started_by_scripts(model: &Model<'_>, stage: &Stage) -> Vec<(String, String)> {
    let last = stage.instructions.end - 1;
    let workdir = model.state(last).workdir.fixed().unwrap_or("/");
    let path = match model.state(last).variables.get("PATH") {
        Variable::Set(path) => path.fixed().map(str::to_owned),
        Variable::Unset | Variable::Unknown => None,
    };
    let directories: Vec<&str> = path.as_deref().unwrap_or_default().split(':').collect();
    let file_of = |word: &str| {
        let places = match word.contains('/') {
            true => vec![joined(workdir, word)],
            false => {
                directories.iter().map(|directory| joined(directory, word)).chain([joined(workdir, word)]).collect()
            }
        };
        places.iter().find_map(|place| model.context_file(stage, stage.instructions.end, place))
    };
    let mut seen = BTreeSet::new();
    let mut waiting = started_words(model, stage);
    let mut found = scripts_of_commands(model, stage);
    for _ in 0..MAX_NESTING {
        let files: BTreeSet<String> = waiting.iter().filter_map(|word| file_of(word)).collect();
        waiting.clear();
        for file in files.into_iter().filter(|file| seen.insert(file.clone())) {
            let text = model.context.read(&file).unwrap_or_default();
            let is_script = file.ends_with(".sh")
                || text.starts_with("#!") && text.lines().next().is_some_and(|line| line.ends_with("sh"));
            if !is_script {
                continue;
            }
            let script = crate::shell::parse(&text, crate::shell::Dialect::Bash);
            let words = script
                .map_or_else(|_| text.split_whitespace().map(str::to_owned).collect(), |script| command_names(&script));
            found.extend(words.iter().map(|word| (word.clone(), format!("`{file}`"))));
            waiting.extend(words);
        }
    }
    found
}

/// The words of scripts that are arguments of what containers and health checks start, such as those of `sh -c`.
fn scripts_of_commands(model: &Model<'_>, stage: &Stage) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for index in stage.instructions.clone() {
        let command = match &model.instruction(index).kind {
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => command,
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => command,
            _ => continue,
        };
        let place = format!("line {}", model.lines.line(model.instruction(index).span.start));
        let scripts: Vec<String> = match command {
            Command::Exec(argv) => argv.iter().map(|word| word.text.clone()).collect(),
            Command::Shell(_) => {
                let script = model.body(index).and_then(|body| body.understood());
                script.map(command_names).unwrap_or_default()
            }
        };
        let scripts = scripts.iter().filter(|word| word.contains(char::is_whitespace));
        found.extend(scripts.flat_map(|script| words_in(script)).map(|word| (word.to_owned(), place.clone())));
    }
    found
}

/// The words of what containers and health checks start.
fn started_words(model: &Model<'_>, stage: &Stage) -> Vec<String> {
    let mut found = Vec::new();
    for index in stage.instructions.clone() {
        let command = match &model.instruction(index).kind {
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => command,
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => command,
            _ => continue,
        };
        match command {
            Command::Exec(argv) => {
                found.extend(argv.iter().flat_map(|word| words_in(&word.text)).map(str::to_owned));
            }
            Command::Shell(_) => {
                found.extend(
                    model.body(index).and_then(|body| body.understood()).map(command_names).unwrap_or_default(),
                );
            }
        }
    }
    found
}

/// Checks that the program and what else runs in the new stage go without what its image lacks: `commands` are those of its RUNs.
///
/// # Errors
/// What may be missing.
pub fn may_have_base(
    model: &Model<'_>,
    stage: &Stage,
    commands: &[String],
    base: &RuntimeBase,
    copies: &[String],
    brought: &dyn Fn(&str) -> bool,
) -> Result<(), String> {
    let is_workdir = |index: usize| matches!(&model.instruction(index).kind, InstructionKind::Workdir(path) if path.text.starts_with('/'));
    let workdir = |image: &tables::ImageFacts| image.workdir.known().cloned();
    let is_same = stage.image.as_deref().and_then(workdir).is_some_and(|own| workdir(&base.image) == Some(own));
    if !is_same && !stage.instructions.clone().any(is_workdir) {
        return Err("the working directory is that of the base image".to_owned());
    }
    starts_the_same(model, stage, base)?;
    nothing_is_fetched(model, stage, base)?;
    // What the file installs is installed again.
    let is_of_image = |program: &str| stage.image.as_deref().is_some_and(|image| image.programs.contains(program));
    let is_there = |program: &str| {
        base.image.programs.contains(program)
            || base.packages.iter().any(|package| package == program)
            || tables::programs().is_shell_word(program)
            || tables::stages().changes_settings(program) && !is_of_image(program)
    };
    let is_copied = |path: &str| copies.iter().any(|copy| is_below(path, copy));
    for program in started(model, stage) {
        let workdir = model.state(stage.instructions.end - 1).workdir.fixed().unwrap_or("/");
        let found = match program.contains('/') {
            true => is_copied(&joined(workdir, &program)) || brought(&joined(workdir, &program)),
            false => {
                is_there(&program)
                    || super::carry::is_on_path(model, stage, &program, &|path| {
                        copies.iter().any(|copy| copy == path) || brought(path)
                    })
            }
        };
        if !found {
            return Err(format!("`{program}`, which a container starts, is not known to be there"));
        }
    }
    if let Some(name) = commands.iter().find(|name| !is_there(name)) {
        return Err(format!("`{name}` is not known to be in `{}`", base.text));
    }
    let lost = lost_programs(stage, &base.image);
    let of_scripts = started_by_scripts(model, stage);
    let is_lost = |word: &str| lost.contains(base_name(word)) && !is_there(base_name(word));
    if let Some((program, file)) = of_scripts.iter().find(|(word, _)| is_lost(word)) {
        return Err(format!("{file} may start `{program}`"));
    }
    let language =
        stage.image.as_deref().and_then(|image| image.interpreter.as_ref()).map_or("", |interpreter| &interpreter.name);
    let files = context_files(model).ok_or("what the program starts is not known without the build context")?;
    for (path, text) in &files {
        if let Some(word) = tables::stages().asks_for_toolchain(language, text) {
            return Err(format!("`{path}` asks for `{word}`, which only the toolchain has"));
        }
    }
    if !files.iter().any(|(_, text)| tables::stages().starts_programs(language, text)) {
        return Ok(());
    }
    let kept: BTreeSet<String> = lost.into_iter().filter(|name| !is_there(name)).collect();
    why_it_runs(model, stage, &kept).map_or(Ok(()), Err)
}

/// Checks that no program is fetched of which it is not known what it needs.
fn nothing_is_fetched(model: &Model<'_>, stage: &Stage, base: &RuntimeBase) -> Result<(), String> {
    for run in stage.instructions.clone().filter(|index| kind(model, *index) == Kind::Run) {
        let fetches = |call: &super::call::Call<'_>| {
            let row = tables::effects().command(call.program(), call.subcommand());
            row.is_some_and(|row| row.bound && matches!(row.operands, Operands::Urls))
        };
        if model.every_call(run).unwrap_or_default().iter().any(fetches) {
            let line = model.lines.line(model.instruction(run).span.start);
            return Err(format!(
                "line {line} fetches a file, and whether `{}` has all that it needs is not known",
                base.text
            ));
        }
    }
    Ok(())
}

/// Checks that containers start as the same user, and what the file says.
fn starts_the_same(model: &Model<'_>, stage: &Stage, base: &RuntimeBase) -> Result<(), String> {
    let image = stage.image.as_deref().ok_or("nothing is known of the base image")?;
    if image.user.known() != base.image.user.known() {
        return Err(format!("`{}` has another user", base.text));
    }
    let has = |is_kind: fn(&InstructionKind) -> bool| {
        stage.instructions.clone().any(|index| is_kind(&model.instruction(index).kind))
    };
    let has_entrypoint = has(|kind| matches!(kind, InstructionKind::Entrypoint(_)));
    let passes_on = |image: &tables::ImageFacts| {
        image.entrypoint_passes_through || image.entrypoint.known().is_some_and(Vec::is_empty)
    };
    if !(has_entrypoint || passes_on(image) && passes_on(&base.image)) {
        return Err("what the ENTRYPOINT of the base image does is not known".to_owned());
    }
    if !has_entrypoint
        && !has(|kind| matches!(kind, InstructionKind::Cmd(_)))
        && image.cmd.known() != base.image.cmd.known()
    {
        return Err("what containers start is the CMD of the base image".to_owned());
    }
    Ok(())
}

/// Whether what the COPY at `index` brings is brought by a later one too, or only says what to install.
#[must_use]
pub fn is_brought_later(model: &Model<'_>, stage: &Stage, index: usize) -> bool {
    let Some(early) = transfer(model, index).filter(|_| model.instruction(index).flags.is_empty()) else {
        return false;
    };
    let is_manifest = |source: &str| tables::stages().is_manifest(source.rsplit('/').next().unwrap_or(source));
    let is_plain = |source: &str| !source.starts_with("<<") && !source.contains("://") && !source.contains('$');
    let sources: Vec<&str> = early.sources.iter().map(|word| word.text.trim_start_matches("./")).collect();
    if sources.iter().all(|source| is_manifest(source) && is_plain(source)) {
        return true;
    }
    // `COPY web/a web/` and `COPY . .` put the files of the first at the same places.
    let is_whole = |later: &Transfer| later.sources.iter().any(|source| matches!(source.text.as_str(), "." | "./"));
    let Some(brought) = targets(model, index).filter(|_| sources.iter().all(|source| is_plain(source))) else {
        return false;
    };
    (index + 1..stage.instructions.end).any(|later| {
        let whole = transfer(model, later).is_some_and(is_whole) && model.instruction(later).flags.is_empty();
        let target = destination(model, later).filter(|_| whole);
        !brought.is_empty()
            && target.is_some_and(|target| brought.iter().all(|(source, at)| joined(&target, source) == *at))
    })
}

/// Whether an instruction of the new stage reads the build argument: a RUN sees all of them, one that `installs` too.
#[must_use]
pub fn is_argument_read(
    model: &Model<'_>,
    names: &[String],
    installs: bool,
    run_side: impl IntoIterator<Item = usize>,
) -> bool {
    installs
        || run_side.into_iter().any(|index| {
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
    /// Whether an install is told in its RUN not to ask.
    pub is_told: bool,
    /// The subcommand that brings newer versions of what the base image has.
    pub upgrade: Option<String>,
}

/// The packages that have to be installed in the new stage when the RUNs are not repeated there: those that are not for builds
/// only, and the libraries of those with headers.
///
/// # Errors
/// Why that is not known.
pub fn runtime_packages(
    model: &Model<'_>,
    stage: &Stage,
    runs: &[usize],
    base: Option<&RuntimeBase>,
) -> Result<RuntimePackages, String> {
    let image = stage.image.as_deref().ok_or("nothing is known of the base image")?;
    let mut found = RuntimePackages::default();
    let installed = other_packages(model, stage, runs);
    let added = base.iter().flat_map(|base| base.packages.iter().cloned());
    found.install.extend(added.filter(|package| !installed.contains(package)));
    let files = context_files(model).unwrap_or_default();
    let mut lost: Vec<String> = Vec::new();
    let texts: Vec<&str> = files.iter().map(|(_, text)| text.as_str()).chain([model.source]).collect();
    // Composer starts them, too.
    let table = tables::stages();
    let fetchers = table.toolchain.fetchers.iter().chain(&table.php.composers).cloned().collect();
    for run in runs {
        for deed in deeds(model, *run)? {
            if let Deed::Upgraded { command, .. } = deed {
                found.upgrade = Some(command);
                continue;
            }
            let Deed::Packages { names, recommends, .. } = deed else { continue };
            let manager = *image.package_manager.known().ok_or("the package manager of the base image is not known")?;
            found.recommends |= recommends && manager == PackageManager::Apt;
            let text = model.body(*run).map_or("", |body| body.text.text.as_str());
            found.is_told |= manager == PackageManager::Apt && text.contains(&tables::stages().install.variable);
            for name in names {
                let of_node = &tables::stages().node.compilers;
                if image.family == tables::stages().node.family
                    && of_node.packages.contains(&name)
                    && !runs_any(model, stage, &of_node.programs)
                {
                    found.dropped.push(name);
                    continue;
                }
                if front_end::programs_of(&name).is_some() && front_end::why_needed(model, stage).is_none() {
                    found.dropped.push(name);
                    continue;
                }
                let kept = match tables::is_build_only(manager, &name) {
                    Some(BuildOnly::Headers) => libraries(image, manager, &name)?,
                    Some(BuildOnly::Toolchain) => {
                        let table = &tables::stages().toolchain;
                        let carried = table.carried(manager, |word| texts.iter().any(|text| text.contains(word)));
                        table.libraries(manager, &name).chain(carried).map(str::to_owned).collect()
                    }
                    Some(BuildOnly::Vcs) if !runs_any(model, stage, &fetchers) => Vec::new(),
                    Some(BuildOnly::Vcs | BuildOnly::Keyring | BuildOnly::Interactive) | None => vec![name.clone()],
                };
                if !kept.contains(&name) {
                    if recommends && image.interpreter.is_none() {
                        lost.extend(recommended(image, &name));
                    }
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
    for package in lost {
        if !found.install.contains(&package) {
            found.install.push(package);
        }
    }
    Ok(found)
}

impl RuntimePackages {
    /// Checks that nothing which runs in the new stage needs what is left out.
    ///
    /// # Errors
    /// What may need it.
    pub fn are_enough(&self, model: &Model<'_>, stage: &Stage, image: &tables::ImageFacts) -> Result<(), String> {
        let table = &tables::stages().toolchain;
        let own = self.dropped.iter().flat_map(|package| table.brought(package));
        let toolchain = table.programs.iter().filter(|program| !image.programs.contains(*program));
        let is_kept = |program: &&String| self.install.contains(*program);
        let lost: BTreeSet<String> = toolchain.chain(own).filter(|program| !is_kept(program)).cloned().collect();
        if let Some(reason) = why_it_runs(model, stage, &lost) {
            return Err(reason);
        }
        for language in self.dropped.iter().filter_map(|package| table.language_of(package)) {
            for (path, text) in context_files(model).unwrap_or_default() {
                if let Some(word) = tables::stages().asks_for_toolchain(language, &text) {
                    return Err(format!("`{path}` asks for `{word}`, which only the toolchain has"));
                }
            }
        }
        Ok(())
    }
}

/// The packages that the other RUNs of the stage install.
fn other_packages(model: &Model<'_>, stage: &Stage, runs: &[usize]) -> BTreeSet<String> {
    let others = stage.instructions.clone().filter(|index| kind(model, *index) == Kind::Run && !runs.contains(index));
    let mut found = BTreeSet::new();
    for deed in others.flat_map(|index| deeds(model, index).unwrap_or_default()) {
        if let Deed::Packages { names, .. } = deed {
            found.extend(names);
        }
    }
    found
}

/// Recommended packages that come with one that is left out, of use to programs.
fn recommended(image: &tables::ImageFacts, package: &str) -> Vec<String> {
    let release =
        image.distribution.known().and_then(|distribution| distribution.release.as_deref()).unwrap_or_default();
    match tables::recommends(package, release) {
        Recommended::Packages(packages) => {
            packages.into_iter().filter(|name| tables::stages().toolchain.recommended.contains(name)).collect()
        }
        Recommended::Nothing | Recommended::Unknown => Vec::new(),
    }
}

/// Whether a package of the distribution of the stage is for builds only, or that is not known.
#[must_use]
pub fn is_build_only(model: &Model<'_>, package: &str) -> bool {
    let stage = model.stages.last();
    if front_end::programs_of(package).is_some()
        && stage.is_some_and(|stage| front_end::why_needed(model, stage).is_none())
    {
        return true;
    }
    let image = stage.and_then(|stage| stage.image.as_deref());
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
        let is_of_distribution = |path: &String| {
            let table = tables::stages();
            table.is_scratch(path) || table.is_setting(path) || table.gives_settings(path)
        };
        row.is_some_and(reads)
            && !model.paths(run, call).iter().skip(skipped(row)).flatten().all(is_of_distribution)
            && !is_of_made_directories(model, run, call)
    };
    let reads_nothing = |deed: &Deed| deed.tools().is_some() || matches!(deed, Deed::Owner { .. });
    let is_plain = deeds(model, run).is_ok_and(|deeds| deeds.iter().all(reads_nothing));
    model.instruction(run).flags.is_empty() && (is_plain || !model.calls(run).iter().any(reads))
}

/// How many operands of a command are no paths.
fn skipped(row: Option<&CommandEffects>) -> usize {
    usize::from(row.is_some_and(|row| matches!(row.first, Some(OptionValue::Script))))
}

/// Whether the call gives owners or modes to directories that the RUN makes itself, or that WORKDIR made above it.
fn is_of_made_directories(model: &Model<'_>, run: usize, call: &super::call::Call<'_>) -> bool {
    let program = call.command.name().unwrap_or_default();
    let is_of_attributes =
        tables::effects().command(&program, None).is_some_and(|row| row.operands == Operands::Attributes);
    let Some(stage) = model.stage_of(run).filter(|_| is_of_attributes && call.is_plain()) else { return false };
    let made = owner::made_directories(model, run);
    let workdir = model.state(run).workdir.fixed().unwrap_or("/");
    // `mkdir -p` makes the directories above, too; what stands in one that the image has is the same in a like image.
    let holds = |path: &str| {
        let is_system = tables::effects().directories.every.iter().any(|every| every == path);
        !is_system && made.iter().any(|made| is_below(made, path))
    };
    let is_made = |path: &Option<String>| {
        path.as_ref()
            .map(|path| joined(workdir, path))
            .is_some_and(|path| holds(&path) || is_made_by_workdir(model, stage, run, &path))
    };
    let paths = model.paths(run, call);
    paths.len() > 1 && paths[1..].iter().all(is_made)
}

/// Whether the RUN makes an account that has its home in one of the paths or holds one.
#[must_use]
pub fn makes_home_of(model: &Model<'_>, run: usize, copies: &[String]) -> bool {
    let homes = owner::homes(model, run);
    homes.iter().any(|home| copies.iter().any(|copy| is_below(home, copy) || is_below(copy, home)))
}

/// Whether the RUN does nothing but to make directories and accounts, with owners and modes, before anything is copied.
#[must_use]
pub fn makes_directories(model: &Model<'_>, stage: &Stage, run: usize) -> bool {
    let is_first = !(stage.instructions.start..run).any(|index| kind(model, index) == Kind::Transfer);
    let makes = |call: &super::call::Call<'_>| {
        let program = call.command.name().unwrap_or_default();
        tables::effects().command(&program, None).is_some_and(|row| row.operands == Operands::Directories)
            || tables::stages().makes_accounts(call.program())
            || is_of_made_directories(model, run, call)
    };
    let calls = model.every_call(run).unwrap_or_default();
    is_first && model.instruction(run).flags.is_empty() && !calls.is_empty() && calls.iter().all(makes)
}

/// Whether the instruction installs packages of the distribution.
#[must_use]
pub fn installs_packages(model: &Model<'_>, index: usize) -> bool {
    kind(model, index) == Kind::Run
        && deeds(model, index)
            .is_ok_and(|deeds| deeds.iter().any(|deed| matches!(deed, Deed::Packages { .. } | Deed::Upgraded { .. })))
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
    if model.calls(run).iter().any(super::dependencies::installs) {
        return Err(format!("line {line} installs packages, which may have to be compiled"));
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
        PackageManager::Apk => tables::runtime_libs().on_alpine(distribution.release.as_deref(), name),
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
    if let Some(reason) = why_it_is_started(model, stage, programs) {
        return Some(reason);
    }
    let Some(files) = context_files(model) else {
        return Some("what the program starts is not known without the build context".to_owned());
    };
    files.iter().find_map(|(path, text)| {
        let program = program_in(path, text, programs)?;
        Some(format!("`{path}` may start `{program}`"))
    })
}

/// The program of these that containers or health checks start.
#[must_use]
pub fn why_it_is_started(model: &Model<'_>, stage: &Stage, programs: &BTreeSet<String>) -> Option<String> {
    // What a compose file says that containers start.
    let ends = |c: char| c.is_whitespace() || "\"'`;|&()[],".contains(c);
    let elsewhere = model.context.started().iter().find_map(|started| {
        let program = started.text.split(ends).find(|word| programs.contains(base_name(word)))?;
        Some(format!("`{}` may start `{program}`", started.file))
    });
    elsewhere.or_else(|| why_the_file_starts_it(model, stage, programs))
}

/// The same of what the Dockerfile itself says.
fn why_the_file_starts_it(model: &Model<'_>, stage: &Stage, programs: &BTreeSet<String>) -> Option<String> {
    stage.instructions.clone().find_map(|index| {
        let command = match &model.instruction(index).kind {
            InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => command,
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => command,
            _ => return None,
        };
        let line = model.lines.line(model.instruction(index).span.start);
        let found = match command {
            // One of the words may be a script.
            Command::Exec(argv) => argv
                .iter()
                .flat_map(|word| words_in(&word.text))
                .find(|word| programs.contains(base_name(word)))
                .map(str::to_owned),
            Command::Shell(_) => match model.body(index).and_then(|body| body.understood()) {
                Some(script) => command_names(script).into_iter().find(|name| programs.contains(base_name(name))),
                None => Some("a command that is not understood".to_owned()),
            },
        };
        found.map(|program| format!("line {line} may start `{program}`"))
    })
}

/// The program of these that a file of the context may start. No program runs the files of a build without its tools, which are looked
/// for themselves.
#[must_use]
pub fn program_in<'p>(path: &str, text: &str, programs: &'p BTreeSet<String>) -> Option<&'p String> {
    let is_run = !tables::stages().is_build_file(base_name(path));
    if !programs.iter().any(|program| is_run && mentions(path, text, program)) {
        return None;
    }
    let text = &without_comments(text);
    programs.iter().find(|program| is_run && mentions(path, text, program))
}

/// The text without the lines that are comments in scripts, in Python and in files of settings.
#[must_use]
pub fn without_comments(text: &str) -> String {
    let lines = text.split_inclusive('\n').filter(|line| !line.trim_start().starts_with("# "));
    lines.collect()
}

fn base_name(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// The words of all commands of a script, and those of words that may be scripts themselves. What is only printed is none of them.
fn command_names(script: &Script) -> Vec<String> {
    let mut found = Vec::new();
    for command in script.all_simple_commands() {
        let row = command.name().and_then(|name| tables::effects().command(&name, None));
        let is_text = row.is_some_and(|row| row.operands == Operands::Text);
        let read = if is_text { 1 } else { command.words.len() };
        for word in command.words.iter().take(read).filter_map(crate::shell::ast::Word::literal) {
            if word.contains(char::is_whitespace) {
                found.extend(words_in(&word).map(str::to_owned));
            }
            found.push(word);
        }
    }
    found
}

/// The words of what may be a script.
fn words_in(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || ";&|()<>\"'`=".contains(c)).filter(|word| !word.is_empty())
}

/// Whether the text of a file has the name of a program as a string of its own, or in front of arguments in one. In a script
/// of a shell it may stand anywhere at the start of a command.
fn mentions(path: &str, text: &str, program: &str) -> bool {
    let is_script = path.ends_with(".sh") || text.starts_with("#!/bin/") || text.starts_with("#!/usr/bin/env bash");
    let shebang = text.strip_prefix("#!").and_then(|text| text.lines().next()).unwrap_or_default();
    if shebang.split_whitespace().any(|word| base_name(word) == program) {
        return true;
    }
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
        path_stays(model, index, first, cut)?;
        if kind(model, index) == Kind::Run && index <= cut {
            let all = deeds(model, index)?;
            let schedules = |deed: &Deed| matches!(deed, Deed::Packages { names, .. } if names.iter().any(|name| tables::stages().login.schedulers.contains(name)));
            if all.iter().any(schedules) && runs_any(model, stage, &tables::stages().login.started_by) {
                return Err("a package starts programs with another PATH".to_owned());
            }
        }
    }
    names_no_directory(model, stage)
}

/// The virtual environment whose programs stand first on the PATH at the instruction.
#[must_use]
pub fn environment_on_path(model: &Model<'_>, index: usize) -> Option<String> {
    let Variable::Set(path) = model.state(index).variables.get("PATH") else { return None };
    let first = path.fixed()?.split(':').next()?;
    first.strip_suffix(&format!("/{}", tables::stages().environment.bin)).map(str::to_owned)
}

/// The directories on the PATH at the instruction.
fn path_of(model: &Model<'_>, index: usize) -> Option<Vec<String>> {
    let Variable::Set(path) = model.state(index).variables.get("PATH") else { return None };
    Some(path.fixed()?.split(':').map(str::to_owned).collect())
}

/// An instruction that leaves the programs of the environment first on the PATH, but for what stood in front of the interpreter.
fn path_stays(model: &Model<'_>, index: usize, first: usize, cut: usize) -> Result<(), String> {
    let instruction = model.instruction(index);
    // What is put in front of the whole PATH behind the build was in front of the interpreter's directory, too.
    let above = path_of(model, first).unwrap_or_default();
    let is_kept = |value: &str| {
        let put = value.strip_suffix(":$PATH").or_else(|| value.strip_suffix(":${PATH}"));
        let is_apart = |part: &str| part.starts_with('/') && !above.iter().any(|own| own == part.trim_end_matches('/'));
        index > cut && !above.is_empty() && put.is_some_and(|put| put.split(':').all(is_apart))
    };
    if index > first
        && let InstructionKind::Env(pairs) = &instruction.kind
        && pairs.pairs.iter().any(|pair| pair.key.text == "PATH" && !is_kept(pair.value.text.trim_matches(['"', '\''])))
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

/// The lines that make the virtual environment and put it on the PATH of a stage that goes on up to the instruction `last`.
#[must_use]
pub fn environment_lines(model: &Model<'_>, stage: &Stage, last: usize) -> [String; 2] {
    let table = &tables::stages().environment;
    let directory = &table.directory;
    let reads_it = |run: usize| model.calls(run).iter().any(|call| table.activated.contains(call.program()));
    let mut runs = (stage.instructions.start..=last).filter(|index| kind(model, *index) == Kind::Run);
    let active = if runs.any(reads_it) { format!("{}={directory} ", table.active) } else { String::new() };
    [format!("RUN {} {directory}", table.make), format!("ENV {active}{}", path_setting())]
}

/// The options by which installs of the RUN pass over a virtual environment, each with the blanks before it.
#[must_use]
pub fn system_options(model: &Model<'_>, run: usize) -> Vec<Span> {
    let (system, user) = (&tables::stages().environment.system, &tables::stages().environment.user);
    let mut spans = Vec::new();
    for call in model.calls(run) {
        let called = format!("{} {}", call.program(), call.subcommand().unwrap_or_default());
        let passes_over = |name: &str| {
            called == system.command && system.options.contains(name) || called == user.command && user.option == name
        };
        for option in call.options().iter().filter(|option| passes_over(&option.name)) {
            let words = &call.command.words;
            if let (Some(before), Some(word)) =
                (words.get(option.words.start.wrapping_sub(1)), words.get(option.words.start))
            {
                let start = model.script_span(run, before.span).end;
                spans.push(Span::new(start, model.script_span(run, word.span).end));
            }
        }
    }
    spans
}

/// The line that puts the virtual environment on the PATH of the stage that runs.
#[must_use]
pub fn path_line() -> String {
    format!("ENV {}", path_setting())
}

fn path_setting() -> String {
    let table = &tables::stages().environment;
    format!("PATH={}/{}:$PATH", table.directory, table.bin)
}

/// The line that installs the packages of the new stage; `None` for a package manager that is not written.
#[must_use]
pub fn install_line(manager: PackageManager, packages: &RuntimePackages) -> Option<String> {
    let names = packages.install.join(" ");
    let mut commands = Vec::new();
    let upgrade = packages.upgrade.as_ref();
    match manager {
        PackageManager::Apt => {
            let option = if packages.recommends { "" } else { "--no-install-recommends " };
            let told =
                if packages.is_told { format!("{} ", tables::stages().install.assignment) } else { String::new() };
            commands.push("apt-get update".to_owned());
            commands.extend(upgrade.map(|upgrade| format!("{told}apt-get {upgrade} -y")));
            commands.extend((!names.is_empty()).then(|| format!("{told}apt-get install -y {option}{names}")));
            commands.push(super::packages::REMOVE_LISTS.to_owned());
        }
        PackageManager::Apk => {
            commands.extend(upgrade.map(|upgrade| format!("apk {upgrade} --no-cache")));
            commands.extend((!names.is_empty()).then(|| format!("apk add --no-cache {names}")));
        }
        _ => return None,
    }
    Some(format!("RUN {}", commands.join(" && ")))
}
