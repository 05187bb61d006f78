//! What package managers leave behind in a RUN without cache mounts, and the options that keep it from coming up.

use super::Model;
use super::cache::{self, Refusal};
use super::call::Call;
use crate::rewrite::Level;
use crate::syntax::mount::MountKind;
use crate::tables::{self, Cleanup, Gain, Tool};

/// Whether the call is one of the commands that may gain the option, and has nothing to the same effect.
#[must_use]
pub fn lacks(call: &Call<'_>, gain: &Gain) -> bool {
    let names: Vec<&str> = gain.also.iter().map(String::as_str).chain([gain.option.as_str()]).collect();
    let setting = gain.option.split_once('=').map(|(_, setting)| setting.split('=').next().unwrap_or(setting));
    let says_already =
        || setting.is_some_and(|setting| call.has_word_with(setting)) || call.has_word_with(&gain.option);
    // `pacman -Scc` and `pacman -Sy` install nothing.
    let does_something =
        call.subcommand().is_some() || !call.operands().is_empty() || call.option(&["--sysupgrade"]).is_some();
    does_something
        && gain.commands.iter().any(|command| call.is_command(command))
        && call.option(&names).is_none()
        && !says_already()
}

/// The lowest level at which the call may gain the option.
///
/// # Errors
/// Why it may not.
pub fn may_gain(model: &Model<'_>, run: usize, call: &Call<'_>, option: &str) -> Result<Level, String> {
    for tool in tables::caches().tools() {
        let is_it = |gain: &&Gain| gain.option == option && lacks(call, gain);
        if tool.yes.as_ref().is_some_and(|gain| is_it(&gain)) {
            return Ok(Level::Safe);
        }
        if tool.skip.as_ref().is_some_and(|gain| is_it(&gain)) {
            cache::unread(model, run, tool).map_err(|(reason, _)| reason)?;
            return Ok(Level::Safe);
        }
        if tool.documentation.as_ref().is_some_and(|gain| is_it(&gain)) {
            return Ok(Level::Guarded);
        }
    }
    Err(format!("`{option}` is not known to be harmless here"))
}

/// The command that empties what the RUN's commands leave in the caches of a tool; `None` where nothing is left.
///
/// # Errors
/// Why nothing is cleaned up.
pub fn cleanup(model: &Model<'_>, run: usize, tool: &Tool) -> Result<Option<String>, Refusal> {
    let Some(cleanup) = &tool.cleanup else { return Ok(None) };
    let calls = model.calls(run);
    let fills = |call: &&Call<'_>| cache::uses(call, tool) && !keeps_nothing(call, tool);
    let Some(first) = calls.iter().find(fills) else { return Ok(None) };
    let is_mounted = model.mounts(run).iter().any(|mount| mount.kind == MountKind::Cache);
    if is_mounted
        || calls.iter().any(|call| call.id > first.id && empties(model, run, call, tool))
        || is_elsewhere(&calls, tool)
    {
        return Ok(None);
    }
    let stage = model.stage_of(run).ok_or_else(|| ("it stands in no stage".to_owned(), "nothing"))?;
    cache::is_the_tool(model, stage, tool)?;
    if first.is_wrapped() {
        return Err(first.why_not_plain());
    }
    cache::relies_on_earlier_downloads(model, stage, tool)?;
    cache::unread(model, run, tool)?;
    Ok(Some(match cleanup {
        Cleanup::Command(command) => command.replacen('*', &first.program_word().unwrap_or_default(), 1),
        Cleanup::Remove => {
            let directories = cache::directories(model, run, tool)?;
            let paths: String = directories.iter().map(|directory| format!(" {directory}/*")).collect();
            format!("rm -rf{paths}")
        }
    }))
}

/// Whether the command is what empties the caches that the RUN fills.
///
/// # Errors
/// Why it is not.
pub fn may_clean(model: &Model<'_>, run: usize, text: &str) -> Result<(), String> {
    let is_it = |tool: &Tool| cleanup(model, run, tool).is_ok_and(|command| command.as_deref() == Some(text));
    if tables::caches().tools().any(is_it) {
        return Ok(());
    }
    Err(format!("`{text}` is not what empties a cache that the RUN fills"))
}

/// Whether the call has an option by which it keeps nothing in the cache.
fn keeps_nothing(call: &Call<'_>, tool: &Tool) -> bool {
    tool.skip.is_some() && tool.defeating_flags.iter().any(|flag| call.has_word_with(flag))
}

/// Whether the call empties the caches of the tool, or a part of them.
fn empties(model: &Model<'_>, run: usize, call: &Call<'_>, tool: &Tool) -> bool {
    tool.defeating_commands.iter().any(|command| call.reads_as(command))
        || call.program() == "rm" && (cache::mentions(call, tool) || removes_from(model, run, call, tool))
}

/// Whether the `rm` names something below a directory that variables make the cache.
fn removes_from(model: &Model<'_>, run: usize, call: &Call<'_>, tool: &Tool) -> bool {
    let directories = cache::directories(model, run, tool).unwrap_or_default();
    let is_in_cache = |path: &String| directories.iter().any(|directory| cache::is_below(path, directory));
    model.paths(run, call).iter().flatten().any(is_in_cache)
}

/// Whether the RUN itself says where the cache is.
fn is_elsewhere(calls: &[Call<'_>], tool: &Tool) -> bool {
    calls.iter().any(|call| {
        cache::uses(call, tool) && tool.options.iter().any(|option| cache::names_option(call, option))
            || call.variables_set().iter().any(|name| tool.variables().any(|known| known.eq_ignore_ascii_case(name)))
    })
}
