//! How far above its directory the build of a project of Node may write, as far as its scripts and configurations say it.

use super::Model;
use super::deed::{joined, source_at};
use super::manifest::package_json;
use crate::context::Entry;
use crate::tables;

/// Manifests and settings whose paths name what is read, not what is made.
const READ_ONLY: [&str; 6] = [
    "jsconfig.json",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "package.json",
    "tsconfig.json",
    "tsconfig.node.json",
];

/// The directory below which the build writes that runs in the directory: itself, or one above it where a script or a configuration at its
/// top names one.
#[must_use]
pub fn of_build(model: &Model<'_>, run: usize, directory: &str) -> String {
    let source = |name: &str| source_at(model, run, &joined(directory, name));
    let mut texts: Vec<String> = Vec::new();
    let manifest = source(&tables::stages().node.manifest);
    let package = manifest.as_ref().and_then(|path| package_json::read(&model.context.read(path)?));
    for script in package.iter().flat_map(|package| package.scripts.values()) {
        texts.push(script.clone());
        let files = script.split_whitespace().filter(|word| tables::stages().is_code(word)).filter_map(source);
        texts.extend(files.filter_map(|path| model.context.read(&path)));
    }
    let top = manifest.as_deref().map(|path| path.rsplit_once('/').map_or("", |(directory, _)| directory));
    for (name, entry) in top.and_then(|top| model.context.list(top)).unwrap_or_default() {
        let is_setting = tables::stages().is_code(&name) || name.ends_with(".json");
        if entry == Entry::File && is_setting && !READ_ONLY.contains(&name.as_str()) {
            texts.extend(source(&name).and_then(|path| model.context.read(&path)));
        }
    }
    let steps = texts.iter().flat_map(|text| text.lines()).map(steps_up).max().unwrap_or_default();
    (0..steps).fold(directory.to_owned(), |path, _| joined(&path, ".."))
}

/// How many directories up a line leads: how often `..` is a part of a path in it, but for what it imports.
fn steps_up(line: &str) -> usize {
    let line = line.trim_start();
    if line.starts_with("import ")
        || line.starts_with("//")
        || line.contains("require('.")
        || line.contains("require(\".")
    {
        return 0;
    }
    line.split(['/', '"', '\'', '`', ' ', '=', ',', '\\']).filter(|part| *part == "..").count()
}

#[cfg(test)]
mod tests {
    use super::steps_up;

    #[test]
    fn parts_of_paths_count() {
        for (line, steps) in [
            ("outDir: '../app/static',", 1),
            ("path.resolve(__dirname, '..', '..', 'public')", 2),
            ("esbuild a.ts --outdir=../../x", 2),
            ("import a from '../b'", 0),
            ("const a = require('../b')", 0),
            ("return [...rest]", 0),
        ] {
            assert_eq!(steps_up(line), steps, "{line}");
        }
    }
}
