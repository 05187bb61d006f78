//! What programs leave untouched of the Python packages that a RUN installs: tests, and sources that only compilers read.

use std::collections::BTreeSet;

use super::{Base, Model, Refusal, split};
use crate::tables::{self, Reader};

/// The command that removes, at the end of the RUN, what programs leave untouched of the packages that it installs. `None` where it
/// installs none, or says so already.
#[must_use]
pub fn slimming(model: &Model<'_>, run: usize) -> Option<Result<String, Refusal>> {
    let calls = model.calls(run);
    let row = |call: &super::call::Call<'_>| tables::dependencies().install(call.program(), call.subcommand());
    let is_install = |call: &&super::call::Call<'_>| {
        row(call).is_some_and(|row| matches!(row.reader, Reader::Pip | Reader::Pipenv | Reader::Poetry | Reader::Uv))
    };
    let install = calls.iter().rfind(is_install)?;
    let table = &tables::builds().slimming;
    let text = &model.body(run)?.text.text;
    let says_so = calls.iter().any(|call| call.has_word_with("-name"))
        && table.directories.iter().any(|name| text.contains(name));
    let is_elsewhere =
        tables::stages().environment.options.iter().any(|option| install.option(&[option.as_str()]).is_some());
    if says_so || is_elsewhere {
        return None;
    }
    Some(place(model, run, install.is_wrapped()).and_then(|place| {
        if let Some(package) = loads_tests(model) {
            return Err((format!("`{package}` loads such files when it runs"), "nothing"));
        }
        Ok(command(&place))
    }))
}

/// Where the packages are: the directory to search, and the pattern of paths below it if not all belong to packages.
fn place(model: &Model<'_>, run: usize, is_wrapped: bool) -> Result<String, Refusal> {
    if is_wrapped || model.user(run).uid != Some(0) {
        let reason = "the install runs as another user than root, and where its packages are is not known".to_owned();
        return Err((reason, "a virtual environment on the PATH"));
    }
    if let Some(environment) = split::environment_on_path(model, run).filter(|path| !path.starts_with("/usr")) {
        return Ok(format!("{environment}/lib -path '*/site-packages/*'"));
    }
    let image = model.stage_of(run).and_then(|stage| stage.image.as_deref());
    let python = image.and_then(|image| image.interpreter.as_ref()).filter(|interpreter| interpreter.name == "python");
    let version: Option<Vec<&str>> = python.map(|python| python.version.split('.').take(2).collect());
    // What a floating tag means today is in no path tomorrow.
    let is_written = |version: &str| {
        let mut stage = model.stage_of(run);
        while let Some(Base::Stage(parent)) = stage.map(|stage| &stage.base) {
            stage = model.stages.get(*parent);
        }
        matches!(stage.map(|stage| &stage.base), Some(Base::Image(image)) if image.tag.as_deref().is_some_and(|tag| tag.starts_with(version)))
    };
    match version.as_deref() {
        Some([major, minor]) if is_written(&format!("{major}.{minor}")) => {
            let prefix = tables::stages().environment.fixed.iter().find(|text| text.starts_with("/usr/local/lib/"));
            let prefix = prefix.ok_or_else(|| ("where packages are is not known".to_owned(), "nothing"))?;
            Ok(format!("{prefix}{major}.{minor}/site-packages"))
        }
        _ => Err((
            "the minor version of Python is not known".to_owned(),
            "a tag of the base image that names it, such as `python:3.13`",
        )),
    }
}

/// The package of the table that the file or its context names as a word of its own.
fn loads_tests(model: &Model<'_>) -> Option<&'static str> {
    let sources = model.context.sources().unwrap_or_default();
    let texts = sources.iter().map(|source| source.known()).chain([model.source]);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let words: BTreeSet<String> =
        texts.flat_map(|text| text.split(move |c| !is_part(c))).map(str::to_ascii_lowercase).collect();
    let packages = &tables::builds().slimming.packages;
    packages.iter().find(|package| words.contains(*package)).map(String::as_str)
}

fn command(place: &str) -> String {
    let table = &tables::builds().slimming;
    let directories = table.directories.iter().map(|name| format!("-type d -name {name}"));
    let files = table.files.iter().map(|pattern| format!("-type f -name '{pattern}'"));
    let any: Vec<String> = directories.chain(files).collect();
    format!("find {place} \\( {} \\) -prune -exec rm -rf {{}} +", any.join(" -o "))
}
