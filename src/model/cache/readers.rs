//! Who reads a tool's cache beside the tool.

use super::super::call::Call;
use super::super::scope::Variable;
use super::super::{Model, Stage, packages};
use super::place::names_option;
use super::{Refusal, is_below, uses};
use crate::context::Entry;
use crate::shell::ast::{Word, WordPart};
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, CacheDirectory, Place, Tool, TreeEffect};

/// Checks that no RUN of the stage, or of those built from it, needs what an earlier RUN downloaded: in a mount it may
/// be gone, because builders empty caches while the layers of earlier RUNs stay cached.
///
/// # Errors
/// Which RUN does.
pub fn relies_on_earlier_downloads(model: &Model<'_>, stage: &Stage, tool: &Tool) -> Result<(), Refusal> {
    let family = std::iter::once(stage).chain(model.descendants(stage));
    for index in family.flat_map(|stage| stage.instructions.clone()) {
        let calls = model.calls(index);
        let downloads = |call: &Call<'_>| uses(call, tool) && !is_offline(model, index, call, tool);
        let needs_earlier = |call: &Call<'_>| {
            let is_of_tool = tool.commands.iter().any(|command| command.split(' ').next() == Some(call.program()));
            is_of_tool
                && (call.subcommand() == Some("cache add") || uses(call, tool) && is_offline(model, index, call, tool))
                && !calls.iter().any(|earlier| earlier.id < call.id && downloads(earlier))
        };
        if calls.iter().any(needs_earlier) {
            let line = model.lines.line(model.instruction(index).span.start);
            return Err((format!("line {line} relies on what {} downloaded before", tool.tool), "nothing"));
        }
    }
    Ok(())
}

/// Whether the call takes all it needs from what was downloaded before.
fn is_offline(model: &Model<'_>, run: usize, call: &Call<'_>, tool: &Tool) -> bool {
    let by_variable = |(name, values): (&String, &Vec<String>)| {
        let of_run = match model.state(run).variables.get(name) {
            Variable::Set(value) => value.fixed().is_none_or(|value| values.iter().any(|known| known == value)),
            Variable::Unset | Variable::Unknown => false,
        };
        of_run || call.variables_set().iter().any(|set| set == name)
    };
    tool.offline.iter().any(|option| names_option(call, option)) || tool.offline_environment.iter().any(by_variable)
}

/// Checks that nobody but the tool reads the directory: no other stage copies from it, no other command names it.
pub(super) fn is_read_elsewhere(
    model: &Model<'_>,
    stage: &Stage,
    run: usize,
    tool: &Tool,
    directory: &CacheDirectory,
    target: &str,
) -> Result<(), Refusal> {
    let family: Vec<usize> = std::iter::once(stage).chain(model.descendants(stage)).map(|stage| stage.index).collect();
    let needles = needles(directory, target);
    for index in 0..model.dockerfile.instructions.len() {
        let in_family = model.stage_of(index).is_some_and(|stage| family.contains(&stage.index));
        let reads_family = model.stages_read_by(index).iter().any(|read| family.contains(read));
        if !in_family && !reads_family {
            continue;
        }
        let line = model.lines.line(model.instruction(index).span.start);
        if let InstructionKind::Copy(transfer) = &model.instruction(index).kind
            && reads_family
        {
            let overlaps = |source: &str| {
                is_below(source, target) || is_below(target, source) || source.contains(['*', '?', '$', '['])
            };
            if transfer.sources.iter().any(|source| overlaps(&source.text)) {
                return Err((format!("line {line} copies from `{target}` or above it"), "nothing"));
            }
        }
        if copies_into_tree_above(model, index, target) {
            return Err((format!("line {line} copies a directory to where `{target}` lies"), "nothing"));
        }
        if index != run && copies_tree_above(model, index, target) {
            return Err((format!("line {line} copies a directory that holds `{target}`"), "nothing"));
        }
        if names(model, index, tool, &needles) {
            let this = if index == run { " itself" } else { "" };
            return Err((format!("line {line}{this} names `{target}`, or something above it"), "nothing"));
        }
    }
    Ok(())
}

/// Checks that no other command of the RUN handles a tree that holds the directory, and that none is unknown: it would
/// see what other builds left in the mount, or remove the mount itself and fail.
pub(super) fn touches_tree_above(model: &Model<'_>, run: usize, tool: &Tool, target: &str) -> Result<(), Refusal> {
    let empties = |call: &Call<'_>| tool.defeating_commands.iter().any(|command| call.reads_as(command));
    for call in model.calls(run).iter().filter(|call| !uses(call, tool) && !empties(call)) {
        let name = call.command.words.first().and_then(Word::literal).unwrap_or_default();
        if !packages::is_bounded(call) {
            let reason = format!("the RUN also runs `{name}`, which may read or remove the cache");
            return Err((reason, "a RUN of its own for the install"));
        }
        let is_kept = tables::programs().tree_effect(&name) == Some(TreeEffect::Kept);
        if !is_kept && names_tree_above(model, run, call, target) {
            let reason = format!("the RUN also runs `{name}` on a directory that holds the cache");
            return Err((reason, "a RUN of its own for the install"));
        }
    }
    Ok(())
}

/// Whether a word of the call is a directory that holds the target.
fn names_tree_above(model: &Model<'_>, run: usize, call: &Call<'_>, target: &str) -> bool {
    let workdir = model.state(run).workdir.text.as_deref();
    let enters = call.command.words.first().and_then(Word::literal).as_deref() == Some("cd");
    let paths = call.command.words.iter().skip(1).filter_map(|word| model.path(run, word));
    paths.into_iter().any(|path| {
        if path == "/" {
            // `cd /` leads nowhere near; a command on `/` is one on everything.
            return !enters;
        }
        let absolute = match workdir {
            Some(workdir) if !path.starts_with('/') => {
                let below = path.trim_start_matches("./").trim_end_matches('.');
                format!("{}/{below}", workdir.trim_end_matches('/'))
            }
            _ => path,
        };
        let fixed = absolute.split(['*', '?', '[']).next().unwrap_or_default().trim_end_matches('/');
        absolute.starts_with('/') && !fixed.is_empty() && is_below(target, fixed)
    })
}

/// Whether a later RUN copies a tree that would hold the directory if it were not mounted.
fn copies_tree_above(model: &Model<'_>, run: usize, target: &str) -> bool {
    model.calls(run).iter().any(|call| {
        let name = call.command.words.first().and_then(Word::literal).unwrap_or_default();
        let is_copied = tables::programs().tree_effect(&name) == Some(TreeEffect::Copied);
        is_copied && names_tree_above(model, run, call, target)
    })
}

/// Whether a COPY or ADD puts something below the directory, because it copies into one that holds it.
fn copies_into_tree_above(model: &Model<'_>, index: usize, target: &str) -> bool {
    let (InstructionKind::Copy(transfer) | InstructionKind::Add(transfer)) = &model.instruction(index).kind else {
        return false;
    };
    let state = model.state(index);
    let destination = state.variables.expand(&transfer.destination.text, model.dockerfile.escape).text;
    let destination = destination.unwrap_or_else(|| transfer.destination.text.clone());
    let workdir = state.workdir.text.as_deref().unwrap_or("/").trim_end_matches('/');
    let destination = if destination.starts_with('/') {
        destination
    } else {
        format!("{workdir}/{}", destination.trim_start_matches("./").trim_start_matches('.'))
    };
    let destination = destination.trim_end_matches('/');
    if destination.is_empty() || !is_below(target, destination) {
        return false;
    }
    let below = target[destination.len()..].trim_start_matches('/');
    let is_local = model.stages_read_by(index).is_empty();
    transfer.sources.iter().map(|source| source.text.trim_end_matches('/')).any(|source| {
        if is_local {
            // A context that is not known is not taken to hold one: the tool downloads again what a mount hides.
            return matches!(model.context.entry(&format!("{source}/{below}")), Entry::Directory | Entry::File);
        }
        // A name with an extension is that of a file.
        !source.rsplit('/').next().is_some_and(|name| name.trim_start_matches('.').contains('.'))
    })
}

/// Whether a word of the call names a cache of the tool.
#[must_use]
pub fn mentions(call: &Call<'_>, tool: &Tool) -> bool {
    let outside = tool.outside.iter().map(String::as_str);
    let roots = tool.directories.iter().map(|directory| directory.root.as_str());
    let homes = tool.directories.iter().filter_map(|directory| directory.home.as_deref()?.split('/').next());
    let names = tool.directories.iter().flat_map(|directory| &directory.variables).map(|place| place.name.as_str());
    let hidden = homes.filter(|home| home.starts_with('.'));
    roots.chain(outside).chain(hidden).any(|text| call.has_word_with(text))
        || names.into_iter().any(|name| call.command.words.iter().any(|word| expands(word, name)))
}

fn expands(word: &Word, name: &str) -> bool {
    let is_it = |part: &WordPart| matches!(part, WordPart::Expansion { text, .. } if has_path(text, name));
    word.parts.iter().any(is_it)
}

/// Texts by which a command may name the directory: its path, its last two parts, below HOME also the hidden directory that
/// holds it, and a variable that leads there.
fn needles(directory: &CacheDirectory, target: &str) -> Vec<String> {
    let mut needles = vec![target.to_owned()];
    let mut parts = target.rsplit('/');
    if let (Some(last), Some(above)) = (parts.next(), parts.next()) {
        needles.push(format!("{above}/{last}"));
    }
    if let Some(home) = directory.home.as_ref().filter(|home| target.ends_with(&format!("/{home}"))) {
        needles.push(home.clone());
        needles.extend(home.split('/').next().filter(|first| first.starts_with('.')).map(str::to_owned));
    }
    for Place { name, below } in &directory.variables {
        if below.is_empty() {
            needles.push(name.clone());
        } else {
            needles.extend([format!("{name}/{below}"), format!("{name}}}/{below}")]);
        }
    }
    needles
}

/// Whether the instruction names the directory otherwise than to empty it, or as the target of a mount.
fn names(model: &Model<'_>, index: usize, tool: &Tool, needles: &[String]) -> bool {
    let instruction = model.instruction(index);
    if matches!(instruction.kind, InstructionKind::Env(_) | InstructionKind::Label(_) | InstructionKind::Arg(_)) {
        // A variable by itself reads nothing; one that the tool looks at is checked elsewhere.
        return false;
    }
    let has_needle = |text: &str| needles.iter().any(|needle| has_path(text, needle));
    let Some(body) = model.body(index) else {
        let heredocs = instruction.heredocs.iter().map(|heredoc| heredoc.body);
        return std::iter::once(instruction.arguments).chain(heredocs).any(|span| has_needle(span.of(model.source)));
    };
    if !has_needle(&body.text.text) {
        return false;
    }
    let Some(calls) = model.every_call(index) else { return true };
    let mut rest = body.text.text.clone().into_bytes();
    for call in calls {
        let empties = tool.defeating_commands.iter().any(|command| call.reads_as(command));
        if call.program() == "rm" || empties {
            rest[call.span().range()].fill(b' ');
        }
    }
    has_needle(&String::from_utf8_lossy(&rest))
}

/// Whether the text holds the path as whole parts.
fn has_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let behind = text[at + path.len()..].chars().next();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        !before.is_some_and(is_part) && !behind.is_some_and(is_part)
    })
}
