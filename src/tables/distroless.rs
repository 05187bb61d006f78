//! Which distroless images are built: `distroless.yaml`. Their configuration is in the image tables.

use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, invalid, shipped};

const FILE: &str = "distroless.yaml";

/// The table of distroless images, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DistrolessTable {
    /// Where it is from.
    pub source: Source,
    /// What stands before the name of an image: `gcr.io/distroless`.
    pub registry: String,
    /// The tags that are updated; any other one stopped at some day.
    pub tags: Vec<String>,
    images: Vec<Distroless>,
    withdrawn: Vec<String>,
}

/// A distroless image that is built.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Distroless {
    /// Its name in the registry, `base-debian13`.
    pub image: String,
    /// Architectures of its index, as BuildKit names them.
    pub architectures: Vec<String>,
    /// The image whose packages it has, too.
    #[serde(default)]
    built_from: Option<String>,
    /// Packages of Debian that it adds.
    packages: Vec<String>,
    /// The language that it is for.
    #[serde(default)]
    pub interpreter: Option<Language>,
    /// The month in which support ends, `YYYY-MM`, if it is set.
    #[serde(default)]
    pub until: Option<String>,
}

/// A language and its version.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Language {
    /// As [`super::Interpreter`] names it.
    pub name: String,
    /// `3.13`, `24`.
    pub version: String,
    /// What other images call its program.
    pub programs: Vec<String>,
    /// Whether what it runs is the same wherever it was built.
    #[serde(default)]
    pub portable: bool,
    /// Whether it looks for packages elsewhere than the interpreter of the official images.
    #[serde(default)]
    pub elsewhere: bool,
}

impl Distroless {
    /// The release of Debian that its packages are from, `debian13`.
    #[must_use]
    pub fn release(&self) -> &str {
        self.image.rsplit('-').next().unwrap_or_default()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DistrolessFile {
    source: Source,
    registry: String,
    tags: Vec<String>,
    images: Vec<Distroless>,
    withdrawn: Vec<String>,
}

impl DistrolessTable {
    /// The image of that name, `base-debian13` or `gcr.io/distroless/base-debian13`.
    #[must_use]
    pub fn image(&self, name: &str) -> Option<&Distroless> {
        let name = self.short(name);
        self.images.iter().find(|row| row.image == name)
    }

    /// The packages of Debian in the image, without their dependencies. Sorted by the image that brings them.
    #[must_use]
    pub fn packages<'a>(&'a self, image: &'a Distroless) -> Vec<&'a str> {
        let below = image.built_from.as_deref().and_then(|name| self.image(name));
        let mut packages = below.map(|below| self.packages(below)).unwrap_or_default();
        packages.extend(image.packages.iter().map(String::as_str));
        packages
    }

    /// The image with that language in that version: `3.13.5` is `3.13`.
    #[must_use]
    pub fn for_language(&self, name: &str, version: &str) -> Option<&Distroless> {
        let fits = |language: &Language| {
            let rest = version.strip_prefix(language.version.as_str());
            language.name == name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.images.iter().find(|row| row.interpreter.as_ref().is_some_and(fits))
    }

    /// The versions of a language that images have; empty when there is none for it.
    #[must_use]
    pub fn versions(&self, name: &str) -> Vec<&str> {
        let languages = self.images.iter().filter_map(|row| row.interpreter.as_ref());
        languages.filter(|language| language.name == name).map(|language| language.version.as_str()).collect()
    }

    /// The newest image without a C library.
    #[must_use]
    pub fn static_image(&self) -> Option<&Distroless> {
        self.images.iter().rev().find(|row| row.built_from.is_none() && !self.is_withdrawn(&row.image))
    }

    /// Whether the image is no longer built, although old ones can be pulled.
    #[must_use]
    pub fn is_withdrawn(&self, name: &str) -> bool {
        let name = self.short(name);
        self.withdrawn.iter().any(|pattern| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
            (Some(end), _) => name.ends_with(end),
            (_, Some(start)) => name.starts_with(start),
            (None, None) => name == pattern,
        })
    }

    fn short<'a>(&self, name: &'a str) -> &'a str {
        name.strip_prefix(self.registry.as_str()).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name)
    }
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn distroless() -> &'static DistrolessTable {
    static TABLE: OnceLock<DistrolessTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_distroless(shipped(FILE)).expect("the shipped table of distroless images decodes"))
}

/// Decodes a table of distroless images.
///
/// # Errors
/// If it cannot be used: an image stands on one that does not come before it.
pub fn decode_distroless(text: &str) -> Result<DistrolessTable, TableError> {
    let file: DistrolessFile = decode_file(FILE, text)?;
    for (index, row) in file.images.iter().enumerate() {
        let stands_on = |below: &String| file.images[..index].iter().any(|image| image.image == *below);
        if !row.built_from.as_ref().is_none_or(stands_on) {
            return Err(invalid(FILE, &row.image, "built_from", "no row before it has that name"));
        }
    }
    let DistrolessFile { source, registry, tags, images, withdrawn } = file;
    Ok(DistrolessTable { source, registry, tags, images, withdrawn })
}
