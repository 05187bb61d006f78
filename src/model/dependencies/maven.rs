//! `mvn dependency:go-offline`: a project with its modules and parents.

use super::Install;
use super::needs::Needs;
use super::view::{Provided, View, in_directory};
use crate::model::Refusal;
use crate::model::access::through_links;
use crate::model::manifest::pom;

/// Projects that name each other as modules and parents.
const MAX_PROJECTS: usize = 50;

/// What Maven needs to resolve dependencies: the projects of the build, and the wrapper when that is what runs.
pub(super) fn read(needs: &mut Needs, view: &View<'_>, install: &Install<'_>) -> Result<(), Refusal> {
    let name = &install.row.needs[0];
    let refusal = |reason: String| (reason, "projects that name no file of the sources");
    if let Some(wrapper) = install.call.program_word().filter(|word| word.contains('/')) {
        let path = through_links(&in_directory(&install.directory, &wrapper));
        needs.read(view, &path)?;
    }
    let mut todo = vec![in_directory(&install.directory, name)];
    let mut seen: Vec<String> = Vec::new();
    while let Some(path) = todo.pop() {
        if seen.contains(&path) {
            continue;
        }
        if seen.len() >= MAX_PROJECTS {
            return Err(refusal("the project has too many modules".to_owned()));
        }
        let text = needs.read(view, &path)?;
        let project = pom::read(&text).ok_or_else(|| refusal(format!("`{path}` is no project")))?;
        if project.has_local {
            return Err(refusal(format!("`{path}` names a dependency by its file")));
        }
        let directory = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
        let project_at = |below: &str| {
            let path = through_links(&in_directory(directory, below));
            if path.ends_with(".xml") { path } else { in_directory(&path, name) }
        };
        if project.modules.iter().any(|module| module.contains("${")) {
            return Err(refusal(format!("a module of `{path}` is known only when it is built")));
        }
        todo.extend(project.modules.iter().map(|module| project_at(module)));
        if let Some(parent) = &project.parent {
            let beside = parent.relative_path.as_deref().unwrap_or("..");
            let path = project_at(beside);
            if !beside.is_empty() && view.provided(&path) != Provided::No {
                todo.push(path);
            }
        }
        seen.push(path);
    }
    needs.evidence.push("the projects name no file of the sources".to_owned());
    Ok(())
}
