//! Build commands that make a smaller program of the same sources: what they gain, and why nothing else changes.

mod go;
mod rust;

use super::call::Call;
use super::{Model, Refusal};
use crate::context::SourceFile;

/// Something that a command gains.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gain {
    /// A variable for the command alone.
    Variable {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
    /// Words in front of the word of that number.
    Words {
        /// Number of the word.
        at: usize,
        /// The words; one that holds blanks stands in quotes in the text.
        words: Vec<String>,
    },
}

/// What a build command gains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leaner {
    /// In the order of the words.
    pub gains: Vec<Gain>,
    /// What that is good for, each with why nothing else changes.
    pub reasons: Vec<String>,
    /// Whether there is code that is not seen: of modules, or of the project itself.
    pub is_unseen: bool,
    /// Whether that code would be asked for the paths of its sources.
    pub loses_paths: bool,
    /// What somebody who runs the program has to know.
    pub migration: Vec<String>,
}

/// What the build command gains. `None` when it is no build, or has all of it.
#[must_use]
pub fn leaner(model: &Model<'_>, run: usize, call: &Call<'_>) -> Option<Result<Leaner, Refusal>> {
    match (call.program(), call.subcommand()) {
        ("go", Some("build")) => go::leaner(model, run, call),
        ("cargo", Some("build")) => rust::leaner(model, run, call),
        _ => None,
    }
}

/// The source files of the context of a language; `None` when one is not known.
fn code<'m>(model: &'m Model<'_>, end: &str) -> Option<Vec<&'m SourceFile>> {
    let sources = model.context.sources()?;
    let files: Vec<&SourceFile> = sources.iter().filter(|source| source.path.ends_with(end)).collect();
    (!files.is_empty() && files.iter().all(|file| file.text.is_some())).then_some(files)
}

/// The first of the words that the text of the file at hand has.
fn named<'w>(model: &Model<'_>, words: &'w [String]) -> Option<&'w str> {
    words.iter().map(String::as_str).find(|word| model.source.contains(word))
}

/// Whether the image of the RUN is one of the language, in a version from that minor one of its first major one on.
fn is_version(model: &Model<'_>, run: usize, language: &str, since: u32) -> bool {
    let image = model.stage_of(run).and_then(|stage| stage.image.as_deref());
    let interpreter = image.and_then(|image| image.interpreter.as_ref()).filter(|known| known.name == language);
    interpreter.is_some_and(|interpreter| match interpreter.version.split('.').collect::<Vec<_>>().as_slice() {
        // Without a number it is the newest one.
        ["1"] | [""] => true,
        ["1", minor, ..] => minor.parse::<u32>().is_ok_and(|minor| minor >= since),
        _ => false,
    })
}
