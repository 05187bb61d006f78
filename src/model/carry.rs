//! What a new stage may go without of what a build wrote, and what it needs beside it.

use super::cache::is_below;
use super::deed::{Deed, deeds};
use super::scope::Variable;
use super::split::{self, Kind, RuntimeBase};
use super::{Model, Stage, front_end, java, projects, served};
use crate::syntax::ast::InstructionKind;
use crate::tables;

/// Whether what a build wrote at or below the path, up to the instruction `cut`, is of no use any more: something was installed or
/// copied out of it, the program does not start there, and nothing names it.
#[must_use]
pub fn is_left_behind(model: &Model<'_>, stage: &Stage, cut: usize, path: &str) -> bool {
    if let Some(directory) = served::directory(model, stage) {
        return !is_below(path, &directory);
    }
    if java::packed(model, stage, path).is_some_and(|jar| jar != path) || front_end::is_unread(model, stage, path) {
        return true;
    }
    if stage.image.as_deref().is_some_and(|image| image.family == tables::stages().node.family)
        && projects::packages_of_build(model, stage, cut).iter().any(|packages| packages == path)
    {
        return true;
    }
    if is_source(model, stage, cut, path) {
        return true;
    }
    let takes = |index: usize| {
        split::kind(model, index) == Kind::Run
            && deeds(model, index).is_ok_and(|deeds| {
                deeds
                    .iter()
                    .any(|deed| matches!(deed, Deed::Taken(from) if is_below(from, path) || is_below(path, from)))
            })
    };
    (stage.instructions.start..=cut).any(takes)
        && !is_started_in(model, stage, path)
        && !is_named(model, stage, cut, path)
}

/// Whether what a COPY brings to the path, up to the instruction `cut`, is of no use any more: an install took what the program needs of it,
/// the program does not start there, and neither code nor what the build tells the compiler names it.
#[must_use]
pub fn is_installed(model: &Model<'_>, stage: &Stage, cut: usize, path: &str) -> bool {
    let is_taken =
        |deed: &Deed| matches!(deed, Deed::Taken(from) if is_below(path, from) && !is_named(model, stage, cut, from));
    let takes = |index: usize| {
        split::kind(model, index) == Kind::Run && deeds(model, index).is_ok_and(|deeds| deeds.iter().any(is_taken))
    };
    let tells = |text: &str| text.lines().any(|line| tables::stages().tells_the_sources(line));
    // What stands where containers start is found by a relative path, too.
    let workdir = model.state(stage.instructions.end - 1).workdir.fixed();
    let is_at_hand = workdir.is_none_or(|workdir| workdir != "/" && is_below(path, workdir));
    (stage.instructions.start..=cut).any(takes)
        && !is_at_hand
        && !is_started_in(model, stage, path)
        && !is_named(model, stage, cut, path)
        && !split::context_files(model).is_none_or(|files| files.iter().any(|(_, text)| tells(text)))
}

/// Whether a COPY brings what stands at the path, and it has nothing but sources that only the compiler reads.
fn is_source(model: &Model<'_>, stage: &Stage, cut: usize, path: &str) -> bool {
    let Some(language) = split::language(model, stage, cut) else { return false };
    (stage.instructions.start..=cut).any(|index| {
        split::targets(model, index).unwrap_or_default().iter().any(|(source, target)| {
            let below = path.strip_prefix(target.as_str()).filter(|below| below.is_empty() || below.starts_with('/'));
            below.is_some_and(|below| {
                split::holds_only_sources(model, &format!("{source}{below}"), language) == Some(true)
            })
        })
    })
}

/// Whether a COPY brings something to a directory whose content no program relies on, and nothing names it; or to another one than that
/// which a server of files reads.
#[must_use]
pub fn is_scratch_copy(model: &Model<'_>, stage: &Stage, cut: usize, index: usize) -> bool {
    if let Some(directory) = served::directory(model, stage) {
        // What is served comes from the build as a whole.
        return split::destination(model, index)
            .is_some_and(|target| target == directory || !is_below(&target, &directory));
    }
    split::destination(model, index).is_some_and(|target| {
        tables::stages().is_scratch(&target)
            && !is_started_in(model, stage, &target)
            && !is_named(model, stage, cut, &target)
    })
}

/// What may follow on a path in code, and in an instruction.
const PATH_ENDS: [char; 4] = ['/', '"', '\'', '`'];
const WORD_ENDS: [char; 8] = ['/', '"', '\'', '`', ' ', '\n', ';', '&'];

/// Whether containers start in the directory or below it, or that is not known.
fn is_started_in(model: &Model<'_>, stage: &Stage, path: &str) -> bool {
    model.state(stage.instructions.end - 1).workdir.fixed().is_none_or(|workdir| is_below(workdir, path))
}

/// Whether an instruction of the new stage or a file of the context names the path: as it is, or as it is written from the directory
/// that containers start in.
fn is_named(model: &Model<'_>, stage: &Stage, cut: usize, path: &str) -> bool {
    let workdir = model.state(stage.instructions.end - 1).workdir.fixed().unwrap_or("/");
    let relative = path.strip_prefix(workdir.trim_end_matches('/')).and_then(|rest| rest.strip_prefix('/'));
    let is_of_build = |index: usize| {
        index <= cut && matches!(split::kind(model, index), Kind::Run | Kind::Transfer)
            || matches!(&model.instruction(index).kind, InstructionKind::Workdir(_))
    };
    let written = stage.instructions.clone().filter(|index| !is_of_build(*index));
    let names = |text: &str, ends: &[char]| {
        let is_relative = |name: &str| {
            text.match_indices(name).any(|(at, _)| {
                let starts = text[..at].ends_with(['"', '\'', '`', '/', ' ', '=']);
                starts && text[at + name.len()..].chars().next().is_none_or(|c| ends.contains(&c))
            })
        };
        text.contains(path) || relative.is_some_and(is_relative)
    };
    if written.into_iter().any(|index| names(model.instruction(index).full_span().of(model.source), &WORD_ENDS)) {
        return true;
    }
    let Some(files) = split::context_files(model) else { return true };
    let table = tables::stages();
    let is_read = |file: &str| !table.is_build_file(file.rsplit('/').next().unwrap_or(file));
    files.iter().any(|(file, text)| is_read(file) && names(text, &PATH_ENDS))
}

/// The line that puts a directory on the PATH in which copied programs stand, when another base image has it not there.
///
/// # Errors
/// Why that cannot be done.
pub fn lost_path(
    model: &Model<'_>,
    stage: &Stage,
    base: Option<&RuntimeBase>,
    copies: &[String],
) -> Result<Option<String>, String> {
    let Some(base) = base else { return Ok(None) };
    let path_of = |image: &tables::ImageFacts| {
        let path = image.env.known()?.get("PATH")?.known()?.clone();
        Some(path.split(':').map(str::to_owned).collect::<Vec<_>>())
    };
    let old = stage.image.as_deref().and_then(path_of).unwrap_or_default();
    let new = path_of(&base.image).unwrap_or_default();
    let holds = |directory: &&String| copies.iter().any(|copy| parent(copy) == directory.as_str());
    let lost: Vec<&String> = old.iter().filter(|directory| !new.contains(directory)).filter(holds).collect();
    let [directory] = lost.as_slice() else {
        return if lost.is_empty() {
            Ok(None)
        } else {
            Err("programs stand in several directories of the PATH".to_owned())
        };
    };
    let sets_path = |index: usize| match &model.instruction(index).kind {
        InstructionKind::Env(pairs) => pairs.pairs.iter().any(|pair| pair.key.text == "PATH"),
        _ => false,
    };
    if stage.instructions.clone().any(sets_path) {
        return Err(format!("the PATH is set in the file, and `{directory}` has to be on it"));
    }
    Ok(Some(format!("ENV PATH={directory}:$PATH")))
}

/// Whether a program that is called by its name is a file in a directory of the PATH of which `is_file` says that it is there.
#[must_use]
pub fn is_on_path(model: &Model<'_>, stage: &Stage, program: &str, is_file: &dyn Fn(&str) -> bool) -> bool {
    let Variable::Set(path) = model.state(stage.instructions.end - 1).variables.get("PATH") else { return false };
    let Some(path) = path.fixed() else { return false };
    path.split(':').any(|directory| is_file(&format!("{directory}/{program}")))
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
