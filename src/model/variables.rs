//! Variables that are set for nothing, and variables that keep a mounted cache empty.

use super::call::Call;
use super::effect::Evaluated;
use super::scope::Variable;
use super::{Model, Refusal, cache};
use crate::syntax::ast::InstructionKind;
use crate::syntax::mount::MountKind;
use crate::tables::{self, CacheDirectory, Tool};

/// Values that switch something on.
const ON: [&str; 4] = ["1", "on", "true", "yes"];

/// The pairs of an ENV that have no effect, by number, each with why it stays if it does.
#[must_use]
pub fn idle_pairs(model: &Model<'_>, index: usize) -> Vec<(usize, Result<(), Refusal>)> {
    let InstructionKind::Env(values) = &model.instruction(index).kind else { return Vec::new() };
    let escape = model.dockerfile.escape;
    let mut found = Vec::new();
    for (number, pair) in values.pairs.iter().enumerate() {
        let value = Evaluated::new(&pair.value.text, escape);
        let row = tables::builds()
            .variables
            .idle
            .iter()
            .find(|row| row.name == pair.key.text && value.constant() == Some(row.value.as_str()));
        let Some(row) = row else { continue };
        let image = model.stage_of(index).and_then(|stage| stage.image.as_deref());
        let interpreter = image.and_then(|image| image.interpreter.as_ref());
        let version = interpreter.filter(|known| known.name == row.interpreter).map(|known| known.version.as_str());
        match version.map(|version| is_new(version, row.since)) {
            // An older one has another default.
            Some(false) => {}
            Some(true) => found.push((number, is_idle(model, index, row))),
            None => {
                let reason = format!("which version of {} reads `{}` is not known", row.interpreter, row.name);
                found.push((number, Err((reason, "an official image of the interpreter"))));
            }
        }
    }
    found
}

/// Whether the version, of which an empty one is the newest, is at least the major one.
fn is_new(version: &str, since: u32) -> bool {
    let major = version.split('.').next().unwrap_or_default();
    major.is_empty() || major.parse::<u32>().is_ok_and(|major| major >= since)
}

fn is_idle(model: &Model<'_>, index: usize, row: &tables::IdleSetting) -> Result<(), Refusal> {
    if !model.state(index).variables.is_unset(&row.name) {
        return Err((format!("`{}` may hide another value here", row.name), "nothing"));
    }
    if model.source.matches(row.name.as_str()).count() > 1 {
        return Err((format!("`{}` is named in another place too", row.name), "nothing"));
    }
    if model.has_triggers() {
        return Err(("the file has ONBUILD: other builds may use the variable".to_owned(), "nothing"));
    }
    Ok(())
}

/// The variable that keeps a cache empty which the RUN mounts for the call, if ENV or ARG sets one.
#[must_use]
pub fn defeats_mount(model: &Model<'_>, run: usize, call: &Call<'_>) -> Option<String> {
    if call.program_at() > 0 || !call.is_plain() {
        return None;
    }
    let tool = tables::caches().tools().find(|tool| cache::uses(call, tool) && is_mounted(model, run, tool))?;
    let variables = &model.state(run).variables;
    let is_on = |name: &&String| match variables.get(name) {
        Variable::Set(value) => value.fixed().is_some_and(|value| ON.contains(&value)),
        Variable::Unset | Variable::Unknown => false,
    };
    let name = tool.defeating_environment.iter().find(is_on)?;
    // What the script says of it itself decides.
    let is_said = model.body(run).is_some_and(|body| body.text.text.contains(name.as_str()));
    (!is_said).then(|| name.clone())
}

/// Whether the RUN mounts the directories of the tool for its user.
fn is_mounted(model: &Model<'_>, run: usize, tool: &Tool) -> bool {
    let mounts = model.mounts(run);
    let user = model.user(run);
    let is_mounted = |directory: &CacheDirectory| {
        let path = match (&user.home, &directory.home) {
            (Some(home), Some(below)) if user.uid != Some(0) => format!("{}/{below}", home.trim_end_matches('/')),
            _ => directory.root.clone(),
        };
        mounts.iter().any(|mount| {
            mount.kind == MountKind::Cache
                && mount.target.as_deref().is_some_and(|target| cache::is_below(&path, target.trim_end_matches('/')))
        })
    };
    let mut directories = tool.directories.iter().filter(|directory| !directory.optional).peekable();
    directories.peek().is_some() && directories.all(is_mounted)
}

/// A setting that the image may want.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Number of the instruction that starts the program.
    pub instruction: usize,
    /// The row of the table.
    pub setting: &'static tables::ProposedSetting,
}

/// The settings that the last stage may want and does not have.
#[must_use]
pub fn wishes(model: &Model<'_>) -> Vec<Wish> {
    let Some(stage) = model.final_stage() else { return Vec::new() };
    let image = stage.image.as_deref();
    let Some(interpreter) = image.and_then(|image| image.interpreter.as_ref()) else { return Vec::new() };
    let Some((instruction, argv)) = model.first_process(stage) else { return Vec::new() };
    let configurations = model.configurations();
    let Some(environment) = configurations.get(stage.index).map(|configuration| &configuration.environment) else {
        return Vec::new();
    };
    let is_wanted = |row: &&'static tables::ProposedSetting| {
        row.interpreter == interpreter.name
            && environment.rest.is_none()
            && !environment.known.contains_key(&row.name)
            && !model.source.contains(row.name.as_str())
            && !argv.iter().any(|word| word == "-u")
    };
    let rows = tables::builds().variables.proposed.iter().filter(is_wanted);
    rows.map(|setting| Wish { instruction, setting }).collect()
}
