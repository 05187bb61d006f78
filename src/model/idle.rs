//! Files that one layer holds and a later one deletes: the deletion hides them and saves nothing.
//!
//! A deletion is *idle* when the files are gone already: an earlier RUN of the stage deletes the same, and nothing has
//! filled the place since. Places are only those that one tool fills, package lists and caches; what else lies below
//! `/tmp` nobody knows.

use super::access;
use super::cache::{self, is_below};
use super::call::Call;
use super::chain::Chain;
use super::{Model, packages};
use crate::shell::ast::Word;
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, Fact, Tool};

/// The directory of apt's package lists.
const LISTS: &str = "/var/lib/apt/lists";

/// Whether the RUN does nothing but delete: files with `rm`, package lists and caches with their tools.
#[must_use]
pub fn only_deletes(model: &Model<'_>, run: usize) -> bool {
    let calls = model.calls(run);
    let deletes = |call: &Call<'_>| is_removal(call) || is_apt_clean(call) || emptied_tools(call).next().is_some();
    let script = model.body(run).and_then(|body| body.understood());
    let is_list = script.is_some_and(|script| {
        Chain::of(script).is_some_and(|chain| chain.elements.len() == calls.len()) && script.comments.is_empty()
    });
    is_list && !calls.is_empty() && calls.iter().all(deletes) && model.instruction(run).flags.is_empty()
}

/// Checks that all the RUN does is to delete what is gone already.
///
/// # Errors
/// What it may delete.
pub fn is_idle(model: &Model<'_>, run: usize) -> Result<(), String> {
    if !only_deletes(model, run) {
        return Err("the RUN does more than delete".to_owned());
    }
    for call in model.calls(run) {
        if is_apt_clean(&call) {
            keeps_no_packages(model, run)?;
            continue;
        }
        if is_removal(&call) {
            for (path, operand) in model.paths(run, &call).into_iter().zip(call.operands()) {
                let written = model.script_span(run, operand.span).of(model.source);
                let path = path.ok_or_else(|| format!("what `{written}` is is not known"))?;
                is_gone(model, run, path.trim_end_matches('/'))?;
            }
            continue;
        }
        emptied_tools(&call).try_for_each(|tool| {
            is_undisturbed(model, run, &Place::Tool(tool), &|index, earlier| {
                is_same_user(model, index, run) && empties_tool(earlier, tool)
            })
        })?;
    }
    Ok(())
}

/// The place that one tool fills.
enum Place {
    /// Package lists.
    Lists,
    /// The caches of a tool.
    Tool(&'static Tool),
}

/// Checks that nothing lies at the path.
fn is_gone(model: &Model<'_>, run: usize, path: &str) -> Result<(), String> {
    let fixed = path.strip_suffix("/*").unwrap_or(path);
    if fixed.contains(['*', '?', '[']) {
        return Err(format!("`{path}` may name files of earlier layers, which stay in these"));
    }
    let apt = tables::caches().tools().find(|tool| tool.tool == "apt");
    if !is_below(fixed, LISTS)
        && apt.is_some_and(|apt| apt.directories.iter().any(|directory| is_below(fixed, &directory.root)))
    {
        return keeps_no_packages(model, run);
    }
    let holds = |tool: &&Tool| {
        let roots = tool.directories.iter().map(|directory| &directory.root);
        roots.chain(&tool.outside).any(|root| is_below(fixed, root))
    };
    let place = if is_below(fixed, LISTS) {
        Place::Lists
    } else {
        let tool = tables::caches().tools().find(holds);
        Place::Tool(tool.ok_or_else(|| format!("`{path}` may hold files of earlier layers, which stay in these"))?)
    };
    is_undisturbed(model, run, &place, &|index, earlier| {
        let is_within = |other: &String| {
            let other = other.trim_end_matches('/');
            other == path || is_below(path, other) || is_below(fixed, other.strip_suffix("/*").unwrap_or(other))
        };
        is_removal(earlier) && model.paths(index, earlier).iter().flatten().any(is_within)
    })
}

/// Whether both RUNs have the same user, so that a tool keeps its cache in the same place.
fn is_same_user(model: &Model<'_>, earlier: usize, run: usize) -> bool {
    let user = model.user(run);
    user.uid.is_some() && user == model.user(earlier)
}

/// Checks that an earlier RUN of the stage deletes what is at the place, and that nothing fills it since.
fn is_undisturbed(
    model: &Model<'_>,
    run: usize,
    place: &Place,
    deletes: &dyn Fn(usize, &Call<'_>) -> bool,
) -> Result<(), String> {
    let stage = model.stage_of(run).ok_or("the RUN stands in no stage")?;
    for index in (stage.instructions.start..run).rev() {
        let line = || model.lines.line(model.instruction(index).span.start);
        if let InstructionKind::Copy(_) | InstructionKind::Add(_) = &model.instruction(index).kind {
            if may_copy_to(model, index, place) {
                return Err(format!("line {} may copy files there", line()));
            }
            continue;
        }
        if !model.is_run(index) {
            continue;
        }
        let calls = model.every_call(index).ok_or_else(|| format!("what line {} runs is not known", line()))?;
        let in_chain = deleted_in_chain(model, index, deletes);
        let behind = calls.iter().skip_while(|call| in_chain.is_some_and(|end| call.span().start < end));
        for call in behind {
            if fills(model, index, call, place) {
                let name =
                    call.command.words.first().and_then(Word::literal).unwrap_or_else(|| "a variable".to_owned());
                return Err(format!("line {} runs `{name}`, which may leave files there", line()));
            }
        }
        if in_chain.is_some() {
            return Ok(());
        }
    }
    Err("no earlier RUN deletes the same: the files stay in their layers".to_owned())
}

/// Where the last command of the RUN's chain that deletes ends, in the script.
fn deleted_in_chain(model: &Model<'_>, run: usize, deletes: &dyn Fn(usize, &Call<'_>) -> bool) -> Option<usize> {
    let script = model.body(run)?.understood()?;
    let chain = Chain::of(script)?;
    let is_part = |call: &Call<'_>| {
        chain.elements.iter().any(|element| element.simple().is_some_and(|simple| std::ptr::eq(simple, call.command)))
    };
    let calls = model.calls(run);
    calls.iter().rfind(|call| deletes(run, call) && is_part(call)).map(|call| call.span().end)
}

/// Whether the call may put files there.
fn fills(model: &Model<'_>, run: usize, call: &Call<'_>, place: &Place) -> bool {
    match place {
        Place::Lists => {
            let refreshes = call.is_apt() && call.subcommand() == Some("update");
            let names = call.has_word_with(LISTS) && !is_removal(call);
            refreshes && !packages::has_cache_mount(model, run, LISTS) || names || !packages::is_bounded(call)
        }
        Place::Tool(tool) => {
            if cache::uses(call, tool) {
                return !tool
                    .directories
                    .iter()
                    .all(|directory| packages::has_cache_mount(model, run, &directory.root));
            }
            let names = cache::mentions(call, tool) && !is_removal(call) && !empties_tool(call, tool);
            let is_its_program = tool.commands.iter().any(|command| command.split(' ').next() == Some(call.program()));
            names || !is_its_program && !packages::is_bounded(call)
        }
    }
}

/// Whether a COPY or ADD may put files there: its destination is the place, or a directory that holds it.
fn may_copy_to(model: &Model<'_>, index: usize, place: &Place) -> bool {
    let (InstructionKind::Copy(transfer) | InstructionKind::Add(transfer)) = &model.instruction(index).kind else {
        return false;
    };
    let state = model.state(index);
    let Some(destination) = state.variables.expand(&transfer.destination.text, model.dockerfile.escape).text else {
        return true;
    };
    let workdir = state.workdir.text.as_deref().unwrap_or("/").trim_end_matches('/');
    let destination =
        if destination.starts_with('/') { destination } else { format!("{workdir}/{}", destination.trim_matches('.')) };
    let destination = destination.trim_end_matches('/');
    let overlaps = |root: &str| is_below(root, destination) || is_below(destination, root);
    match place {
        Place::Lists => overlaps(LISTS),
        Place::Tool(tool) => {
            tool.directories.iter().map(|directory| &directory.root).chain(&tool.outside).any(|root| overlaps(root))
        }
    }
}

/// Whether apt keeps no packages in the stage: the base image has it delete them, and nothing in the file changes that.
fn keeps_no_packages(model: &Model<'_>, run: usize) -> Result<(), String> {
    let image = model.stage_of(run).and_then(|stage| stage.image.as_deref());
    let is_known = image.is_some_and(|image| matches!(image.docker_clean, Fact::Known(true)));
    let is_changed = ["docker-clean", "Keep-Downloaded", "apt.conf"].iter().any(|text| model.source.contains(text));
    if is_known && !is_changed {
        return Ok(());
    }
    Err("whether apt keeps what it downloads is not known".to_owned())
}

fn is_removal(call: &Call<'_>) -> bool {
    call.program() == "rm" && call.command.redirects.is_empty() && !call.operands().is_empty() && call.is_plain()
}

fn is_apt_clean(call: &Call<'_>) -> bool {
    call.is_apt() && call.is_plain() && matches!(call.subcommand(), Some("clean" | "autoclean"))
}

/// The tools whose caches the call empties, and it does nothing else.
fn emptied_tools<'a>(call: &'a Call<'_>) -> impl Iterator<Item = &'static Tool> + 'a {
    let is_simple = call.is_plain() && call.command.redirects.is_empty() && call.command.assignments.is_empty();
    tables::caches().tools().filter(move |tool| is_simple && tool.tool != "apt" && empties_tool(call, tool))
}

fn empties_tool(call: &Call<'_>, tool: &Tool) -> bool {
    tool.defeating_commands.iter().any(|command| call.reads_as(command))
}

/// The RUN above that fetches the file which the path names, last of all.
#[must_use]
pub fn fetched_by(model: &Model<'_>, run: usize, path: &str) -> Option<usize> {
    let wanted = absolute(model, run, path)?;
    let stage = model.stage_of(run)?;
    (stage.instructions.start..run).rev().filter(|index| model.is_run(*index)).find(|index| {
        let fetches = |call: &Call<'_>| {
            let words = call.command.words.iter().skip(1).filter_map(Word::literal);
            let names = words.filter_map(|word| absolute(model, *index, &local_name(&word)));
            tables::programs().is_fetcher(&name_of(call))
                && !call.is_wrapped()
                && names.into_iter().any(|name| is_named(&wanted, &name))
        };
        model.calls(*index).iter().any(fetches)
    })
}

/// The name of the program, without its directory.
fn name_of(call: &Call<'_>) -> String {
    let name = call.command.words.first().and_then(Word::literal).unwrap_or_default();
    name.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The name under which a URL is kept: its last segment, without the query and `.git`.
fn local_name(word: &str) -> String {
    let Some((_, rest)) = word.split_once("://") else { return word.trim_end_matches('/').to_owned() };
    let path = rest.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/');
    let name = path.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".git").unwrap_or(name).to_owned()
}

/// The path below the working directory of the RUN.
fn absolute(model: &Model<'_>, run: usize, path: &str) -> Option<String> {
    let path = path.trim_start_matches("./").trim_end_matches('/');
    if path.is_empty() || path.contains("..") {
        return None;
    }
    if path.starts_with('/') {
        return Some(path.to_owned());
    }
    let workdir = model.state(run).workdir.fixed()?.trim_end_matches('/');
    Some(format!("{workdir}/{path}"))
}

/// Whether the path, with at most one `*` in its last segment, names the file.
fn is_named(path: &str, file: &str) -> bool {
    match path.split_once('*') {
        None => path == file,
        Some((start, end)) => {
            let middle = file.strip_prefix(start).and_then(|rest| rest.strip_suffix(end));
            start.contains('/')
                && !end.contains(['/', '*', '?', '['])
                && middle.is_some_and(|middle| !middle.contains('/'))
        }
    }
}

/// Whether the instruction touches no file and nothing that `rm` looks at.
fn is_mere_setting(model: &Model<'_>, index: usize) -> bool {
    match &model.instruction(index).kind {
        InstructionKind::Label(_) | InstructionKind::Expose(_) | InstructionKind::Cmd(_) => true,
        InstructionKind::Entrypoint(_) | InstructionKind::Healthcheck(_) | InstructionKind::Maintainer(_) => true,
        InstructionKind::Env(pairs) => {
            let environment = &tables::effects().environment;
            let is_path = |name: &str| environment.is_read(name);
            pairs.pairs.iter().all(|pair| pair.key.text != "HOME" && !is_path(&pair.key.text))
        }
        _ => false,
    }
}

/// Checks that the deletions of `run` may run at the end of `maker`, an earlier RUN of the stage; whether that follows from
/// rows that are assumptions.
///
/// # Errors
/// Why they may not.
pub fn may_delete_earlier(model: &Model<'_>, maker: usize, run: usize) -> Result<bool, String> {
    if model.has_triggers() {
        return Err("the file has ONBUILD: nothing moves".to_owned());
    }
    let stage = model.stage_of(run).filter(|stage| stage.instructions.contains(&maker) && maker < run);
    let stage = stage.ok_or("the RUNs stand in two stages")?;
    if !model.calls(run).iter().all(is_removal) || !only_deletes(model, run) {
        return Err("the RUN does more than remove files".to_owned());
    }
    packages::may_join(model, maker, run)?;
    let accesses = access::accesses(model);
    let last = accesses.get(run).ok_or("there is no such instruction")?;
    let mut is_assumed = last.is_assumed() || stage.image_by_argument;
    let has_fixed_words =
        model.calls(run).iter().all(|call| call.command.words.iter().all(|word| word.pattern().is_some()));
    for index in maker + 1..run {
        if has_fixed_words && is_mere_setting(model, index) {
            continue;
        }
        let between = accesses.get(index).ok_or("there is no such instruction")?;
        access::commute(between, last).map_err(|reason| {
            format!("line {} stands between: {reason}", model.lines.line(model.instruction(index).span.start))
        })?;
        is_assumed |= between.is_assumed();
    }
    Ok(is_assumed)
}
