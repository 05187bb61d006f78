//! Whether the file that Node starts is in the stage that runs.

use super::cache::is_below;
use super::deed::{deeds, joined};
use super::outputs::Project;
use super::split::{Kind, kind};
use super::{Model, Stage, development, projects};
use crate::tables;

/// What Node tries behind a name (Node.js documentation, "Modules: CommonJS modules", all together).
const ENDS: [&str; 8] = ["", ".js", ".mjs", ".cjs", ".ts", ".json", "/index.js", "/package.json"];

/// The file that containers give to Node and that neither is copied nor stands in the build context; `None` when there is none, or it is not
/// known which file that is.
#[must_use]
pub fn lost_file(model: &Model<'_>, stage: &Stage, cut: usize, copies: &[String]) -> Option<String> {
    let family = &tables::stages().node.family;
    stage.image.as_deref().filter(|image| image.family == *family)?;
    let install = projects::of_program(model, stage, cut).ok()?;
    let project = Project::read(model, install.run, &install.directory)?;
    let workdir = stage.end.workdir.fixed()?;
    let places = [workdir, install.directory.as_str()];
    for words in development::processes(model, stage, &project.manifest)? {
        let Some(file) = words.iter().skip(1).find(|word| !word.starts_with('-')).filter(|_| words[0] == *family)
        else {
            continue;
        };
        let paths: Vec<String> = places.iter().map(|place| joined(place, file)).collect();
        if !file.is_empty()
            && !file.contains('$')
            && !paths.iter().any(|path| is_there(model, stage, cut, copies, path))
        {
            return paths.into_iter().next();
        }
    }
    None
}

fn is_there(model: &Model<'_>, stage: &Stage, cut: usize, copies: &[String], path: &str) -> bool {
    let is_copied = copies.iter().any(|copy| is_below(path, copy) || is_below(copy, path));
    let ends = ENDS.iter().map(|end| format!("{path}{end}"));
    let is_brought = || ends.into_iter().any(|path| model.context_file(stage, stage.instructions.end, &path).is_some());
    let writes = |run: usize| {
        deeds(model, run).map_or(true, |deeds| {
            deeds.iter().filter_map(super::deed::Deed::path).any(|made| is_below(path, made) || is_below(made, path))
        })
    };
    let mut later = (cut + 1..stage.instructions.end).filter(|index| kind(model, *index) == Kind::Run);
    is_copied || is_brought() || later.any(writes)
}
