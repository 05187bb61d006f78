//! `dotnet restore`: a project or solution with the projects that they refer to.

use super::needs::Needs;
use super::view::{Provided, View, in_directory};
use super::{Install, needs};
use crate::model::Refusal;
use crate::model::access::through_links;
use crate::model::manifest::msbuild;

/// Projects that refer to each other.
const MAX_PROJECTS: usize = 50;

/// What the restore needs: the project files, with the settings beside them and above.
pub(super) fn read(needs: &mut Needs, view: &View<'_>, install: &Install<'_>) -> Result<(), Refusal> {
    let refusal = |reason: String| (reason, "the restore of a named project");
    let [operand] = install.call.operands() else {
        return Err(refusal(format!("`{}` names no project", needs::called(install))));
    };
    let operand = operand.text.as_deref().filter(|operand| operand.ends_with("proj") || operand.ends_with(".sln"));
    let operand = operand.ok_or_else(|| refusal("which project is restored is not known".to_owned()))?;
    let first = through_links(&in_directory(&install.directory, operand));
    let mut todo = Vec::new();
    if first.ends_with(".sln") {
        let text = needs.read(view, &first)?;
        todo.extend(msbuild::read_solution(&text).iter().map(|project| beside(&first, project)));
    } else {
        todo.push(first);
    }
    let mut count = 0;
    while let Some(path) = todo.pop() {
        count += 1;
        if count > MAX_PROJECTS {
            return Err(refusal("the project refers to too many others".to_owned()));
        }
        if needs.reads.contains(&path) {
            continue;
        }
        let text = needs.read(view, &path)?;
        let project = msbuild::read(&text).ok_or_else(|| refusal(format!("`{path}` is no project")))?;
        if project.is_computed || !project.imports.is_empty() {
            return Err(refusal(format!("`{path}` imports other files")));
        }
        todo.extend(project.projects.iter().map(|project| beside(&path, project)));
        let directory = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
        for settings in beside_and_above(directory, &install.row.reads) {
            if view.provided(&settings) == Provided::No {
                continue;
            }
            let text = needs.read(view, &settings)?;
            let is_whole = !text.contains("<Import") && !text.contains("<ProjectReference");
            if !is_whole {
                return Err(refusal(format!("`{settings}` imports other files")));
            }
        }
        needs.writes.push(in_directory(directory, "obj"));
    }
    needs.evidence.push("the projects import no other file".to_owned());
    Ok(())
}

/// The files of these names in a directory and in those above.
fn beside_and_above(directory: &str, names: &[String]) -> Vec<String> {
    let above = directory.match_indices('/').map(|(at, _)| if at == 0 { "/" } else { &directory[..at] });
    let directories = above.chain([directory]);
    directories.flat_map(|directory| names.iter().map(move |name| in_directory(directory, name))).collect()
}

/// A path relative to a file.
fn beside(file: &str, path: &str) -> String {
    let directory = file.rsplit_once('/').map_or("/", |(directory, _)| directory);
    through_links(&in_directory(directory, path))
}
