//! Where a tool keeps its cache for the effective user of a RUN, and under which id.

use super::super::call::Call;
use super::super::scope::Variable;
use super::super::{Model, Stage};
use super::{Refusal, is_below, uses};
use crate::syntax::ast::InstructionKind;
use crate::tables::{CacheDirectory, Distribution, Fact, Interpreter, Place, Tool};

const DEFAULT: &str = "the default cache directory";
const IMAGE_ROW: &str = "a row for the base image in the image tables";

/// Checks that the row is about the tool at hand, where one program stands for several.
///
/// # Errors
/// What does not show that.
pub fn is_the_tool(model: &Model<'_>, stage: &Stage, tool: &Tool) -> Result<(), Refusal> {
    for evidence in &tool.when {
        let texts: Vec<String> =
            places_of(model, stage, &evidence.file).iter().filter_map(|path| model.context.read(path)).collect();
        if texts.is_empty() || !texts.iter().all(|text| text.contains(&evidence.holds)) {
            let program = tool.commands.first().and_then(|command| command.split(' ').next()).unwrap_or_default();
            let holds = evidence.holds.lines().last().unwrap_or_default().trim();
            let reason = format!("no `{}` with `{holds}` shows which `{program}` this is", evidence.file);
            return Err((reason, "the build context with that file"));
        }
    }
    Ok(())
}

/// The paths under which a file of the context may reach the stage: at the root, and where COPY takes it from.
fn places_of(model: &Model<'_>, stage: &Stage, file: &str) -> Vec<String> {
    let mut places = vec![file.to_owned()];
    for index in stage.instructions.clone() {
        let InstructionKind::Copy(transfer) = &model.instruction(index).kind else { continue };
        if !model.stages_read_by(index).is_empty() {
            continue;
        }
        for source in &transfer.sources {
            let source = source.text.trim_start_matches("./").trim_end_matches('/');
            let is_file = source.rsplit('/').next() == Some(file);
            places.push(if is_file { source.to_owned() } else { format!("{source}/{file}") });
        }
    }
    places.sort();
    places.dedup();
    places
}

/// Checks that nothing switches the cache off, or puts it where the row does not say.
pub(super) fn is_default(model: &Model<'_>, run: usize, tool: &Tool) -> Result<(), Refusal> {
    let variables = &model.state(run).variables;
    let unknown = |name: &str| (format!("whether the base image sets `{name}` is not known"), IMAGE_ROW);
    for name in tool.environment.iter().chain(&tool.defeating_environment) {
        match variables.get(name) {
            Variable::Unset => {}
            Variable::Set(_) => return Err((format!("`{name}` is set"), "the tool's default")),
            Variable::Unknown => return Err(unknown(name)),
        }
    }
    for (name, values) in &tool.harmless_environment {
        match variables.get(name) {
            Variable::Unset => {}
            Variable::Set(value) if value.fixed().is_some_and(|value| values.iter().any(|known| known == value)) => {}
            Variable::Set(_) => return Err((format!("`{name}` is set"), "the tool's default")),
            Variable::Unknown => return Err(unknown(name)),
        }
    }
    for call in model.calls(run) {
        let is_about_cache =
            |name: &String| name == "HOME" || tool.variables().any(|known| known.eq_ignore_ascii_case(name));
        if let Some(name) = call.variables_set().into_iter().find(is_about_cache) {
            return Err((format!("the RUN sets `{name}` itself"), "ENV, or the default cache directory"));
        }
    }
    for call in model.calls(run).iter().filter(|call| uses(call, tool)) {
        if !call.is_plain() {
            return Err(call.why_not_plain());
        }
        if tool.options.iter().any(|option| names_option(call, option)) {
            return Err(("an option of the command may put its cache elsewhere".to_owned(), DEFAULT));
        }
        if tool.links.iter().any(|word| call.has_word_with(word)) {
            return Err(("what the command installs is linked to its cache".to_owned(), "copies instead of links"));
        }
    }
    is_configured(model, run, tool)
}

/// Whether the call has the option, or a word that holds it: `-Dmaven.repo.local=…`.
#[must_use]
pub fn names_option(call: &Call<'_>, option: &str) -> bool {
    call.option(&[option]).is_some() || option.contains('.') && call.has_word_with(option)
}

/// Checks that no command and no file of the context configures the tool's cache.
fn is_configured(model: &Model<'_>, run: usize, tool: &Tool) -> Result<(), Refusal> {
    let Some(stage) = model.stage_of(run) else { return Ok(()) };
    let configures = |call: &Call<'_>| {
        tool.commands.iter().any(|command| command.split(' ').next() == Some(call.program()))
            && call.subcommand().is_some_and(|name| name.starts_with("config") || name.starts_with("set"))
            && tool.settings.iter().any(|setting| call.has_word_with(setting))
    };
    for index in stage.instructions.start..=run {
        if model.calls(index).iter().any(configures) {
            let line = model.lines.line(model.instruction(index).span.start);
            return Err((format!("line {line} configures the cache of {}", tool.tool), DEFAULT));
        }
    }
    for file in &tool.configuration {
        let sets_cache = |text: String| {
            let is_meant = |line: &str| tool.settings.iter().any(|setting| line.contains(setting));
            text.lines().any(|line| !line.trim_start().starts_with('#') && is_meant(&line.to_lowercase()))
        };
        for path in places_of(model, stage, file) {
            if model.context.read(&path).is_some_and(sets_cache) {
                return Err((format!("`{path}` configures the cache of {}", tool.tool), DEFAULT));
            }
        }
    }
    Ok(())
}

/// The directory for the effective user of the RUN, with the user's numbers.
pub(super) fn target(
    model: &Model<'_>,
    run: usize,
    directory: &CacheDirectory,
) -> Result<(String, Option<u32>, Option<u32>), Refusal> {
    let user = model.user(run);
    let Some(uid) = user.uid else {
        return Err((
            "the number of the effective user is not known".to_owned(),
            "a numeric USER, or a user of the base image",
        ));
    };
    if let Some(moved) = moved(model, run, directory)? {
        return Ok((moved, Some(uid), user.gid));
    }
    let image = model.stage_of(run).and_then(|stage| stage.image.as_deref());
    let is_own = |path: &&String| user.is_root() || user.home.as_ref().is_some_and(|home| is_below(path, home));
    if let Some(path) = image.and_then(|image| directory.images.get(&image.family)).filter(is_own) {
        return Ok((path.clone(), Some(uid), user.gid));
    }
    match (&directory.home, &user.home) {
        // A tool may keep what root downloads outside of root's home.
        (Some(suffix), _) if user.is_root() && directory.root != format!("/root/{suffix}") => {
            Ok((directory.root.clone(), Some(0), Some(0)))
        }
        (Some(_), Some(home)) if home == "/nonexistent" => {
            Err(("the effective user has no home".to_owned(), "a user with a home"))
        }
        (Some(suffix), Some(home)) => Ok((format!("{}/{suffix}", home.trim_end_matches('/')), Some(uid), user.gid)),
        (Some(_), None) => {
            Err(("HOME of the effective user is not known".to_owned(), "a user of the base image, or ENV HOME"))
        }
        (None, _) if !directory.variables.is_empty() || !directory.images.is_empty() => {
            let reason = format!("the base image does not keep downloads in `{}`", directory.root);
            Err((reason, "the tool's official image, or its variables set as there"))
        }
        (None, _) if user.is_root() => Ok((directory.root.clone(), Some(0), Some(0))),
        (None, _) => Err((format!("`{}` belongs to root and the user is another one", directory.root), "nothing")),
    }
}

/// Where a variable puts the directory.
fn moved(model: &Model<'_>, run: usize, directory: &CacheDirectory) -> Result<Option<String>, Refusal> {
    let variables = &model.state(run).variables;
    for Place { name, below } in &directory.variables {
        match variables.get(name) {
            Variable::Unset => {}
            Variable::Unknown => return Err((format!("whether the base image sets `{name}` is not known"), IMAGE_ROW)),
            Variable::Set(value) => {
                let value = value.fixed().ok_or_else(|| {
                    (format!("`{name}` is not known without a build argument"), "a value of its own in ENV")
                })?;
                if !is_plain_path(value) {
                    return Err((format!("`{name}` is no absolute path"), "an absolute path"));
                }
                let value = value.trim_end_matches('/');
                return Ok(Some(if below.is_empty() { value.to_owned() } else { format!("{value}/{below}") }));
            }
        }
    }
    Ok(None)
}

/// Whether the text is an absolute path other than `/`, without parts that lead elsewhere.
fn is_plain_path(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
    let mut parts = text.trim_end_matches('/').split('/');
    text.len() > 1
        && text.chars().all(is_plain)
        && parts.next() == Some("")
        && parts.all(|part| !matches!(part, "" | "." | ".."))
}

/// The id of the cache: tool, release and interpreter where what it holds fits one of them only, and uid.
pub(super) fn id(stage: &Stage, directory: &CacheDirectory, uid: Option<u32>) -> Result<String, Refusal> {
    let mut id = directory.id.clone();
    if directory.of_release {
        let image = stage.image.as_deref();
        let release = image.and_then(|image| match &image.distribution {
            Fact::Known(distribution) => release_label(distribution),
            Fact::Varies | Fact::Unknown => None,
        });
        let Some(release) = release else {
            return Err((
                "the release of the base image is not known, and what the cache holds fits one release only".to_owned(),
                "a row for the base image in the image tables",
            ));
        };
        id = format!("{id}-{release}");
        if let Some(interpreter) = image
            .and_then(|image| image.interpreter.as_ref())
            .filter(|interpreter| directory.of_interpreter && !interpreter.version.is_empty())
        {
            id = format!("{id}-{}", interpreter_label(interpreter));
        }
    }
    if let Some(uid) = uid.filter(|uid| *uid != 0) {
        id = format!("{id}-{uid}");
    }
    Ok(id)
}

/// A name of the release that no other distribution has: `bookworm`, `alpine3.20`.
fn release_label(distribution: &Distribution) -> Option<String> {
    let release = distribution.release.as_deref()?;
    if release.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Some(release.to_owned());
    }
    Some(format!("{:?}{release}", distribution.name).to_lowercase())
}

/// The interpreter as wheels name it, `cp312`; others by their major version, `node22`.
fn interpreter_label(interpreter: &Interpreter) -> String {
    let mut parts = interpreter.version.split('.');
    let major = parts.next().unwrap_or_default();
    match (interpreter.name.as_str(), parts.next()) {
        ("python", Some(minor)) => format!("cp{major}{minor}"),
        // A language that never leaves its first major version.
        (name, Some(minor)) if major == "1" => format!("{name}1.{minor}"),
        (name, _) => format!("{name}{major}"),
    }
}
