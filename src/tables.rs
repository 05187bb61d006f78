//! What the passes know, as data: typed loaders for the tables in `rewrites/`, which are compiled into the program.
//!
//! A table is decoded when it is first asked for. That the shipped tables decode is shown by `tests/tables.rs`.

mod bases;
mod build_only;
mod builders;
mod caches;
mod dependencies;
mod distroless;
mod effects;
mod eol;
mod extensions;
mod images;
mod lean;
mod musl;
mod needs;
mod package_names;
mod programs;
mod recommends;
mod runtime_libs;
mod secrets;
mod sizes;
mod stages;
mod suites;
mod users;

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use thiserror::Error;

pub use bases::{BaseTable, Fate, Lost, SlimFamily, bases, decode_bases};
pub use build_only::{BuildOnly, BuildOnlyTable, build_only, decode_build_only, is_build_only};
pub use builders::{BuilderRow, Syntax, builder_knows, decode_builders};
pub use caches::{CacheDirectory, CacheTable, Cleanup, Evidence, Gain, Place, Sharing, Tool, caches, decode_caches};
pub use dependencies::{DependencyTable, InstallRow, Locked, PackageRow, Reader, decode_dependencies, dependencies};
pub use distroless::{Distroless, DistrolessTable, Language, decode_distroless, distroless};
pub use effects::{CommandEffects, EffectTable, Operands, OptionValue, decode_effects, effects};
pub use eol::{Cycle, EndOfLife, EolTable, Support, decode_eol, end_of_life, eol};
pub use extensions::{ExtensionTable, decode_extensions, extensions};
pub use images::{
    Distribution, DistributionName, Floating, ImageFacts, ImageTable, ImageUser, Interpreter, LibC, PackageManager, Sh,
    decode_images, image, image_of, images,
};
pub use lean::{LeanTable, decode_lean, lean};
pub use musl::{Behaviour, Difference, Ecosystem, MuslRow, MuslTable, OnMusl, decode_musl, musl, on_musl};
pub use needs::{
    CommandKind, CommandNeeds, ImportNeeds, NeedsTable, NodeTable, PackageNeeds, PythonTable, Wheel, decode_needs,
    needs, node_packages, python_packages,
};
pub use package_names::{Counterpart, NamesTable, alpine_name, decode_package_names, package_names};
pub use programs::{ProgramTable, Runner, ShellRow, Stays, TreeEffect, decode_programs, programs};
pub use recommends::{RELEASES, Recommended, RecommendsTable, decode_recommends, recommends, recommends_table};
pub use runtime_libs::{RuntimeLibsTable, decode_runtime_libs, runtime_libraries, runtime_libs};
pub use secrets::{SecretTable, decode_secrets, secrets};
pub use sizes::{
    ImageSize, PackageSize, PackageSizes, decode_image_sizes, decode_package_sizes, image_sizes, package_size,
    package_sizes, size_of,
};
pub use stages::{ProjectBuilder, ProjectTool, PythonEnvironment, RuntimeImage, StageTable, decode_stages, stages};
pub use suites::{SuiteTable, decode_suites, suite_tag, suites};
pub use users::{Operand, Own, Relatives, Settings, UserTable, Writers, decode_users, users};

/// The text of every table, by its path in `rewrites/`.
pub const FILES: &[(&str, &str)] = &[
    ("bases.yaml", include_str!("../rewrites/bases.yaml")),
    ("builders.yaml", include_str!("../rewrites/builders.yaml")),
    ("caches.yaml", include_str!("../rewrites/caches.yaml")),
    ("dependencies.yaml", include_str!("../rewrites/dependencies.yaml")),
    ("distributions.yaml", include_str!("../rewrites/distributions.yaml")),
    ("distroless.yaml", include_str!("../rewrites/distroless.yaml")),
    ("effects.yaml", include_str!("../rewrites/effects.yaml")),
    ("eol.yaml", include_str!("../rewrites/eol.yaml")),
    ("extensions.yaml", include_str!("../rewrites/extensions.yaml")),
    ("needs.yaml", include_str!("../rewrites/needs.yaml")),
    ("packages/node.yaml", include_str!("../rewrites/packages/node.yaml")),
    ("packages/python.yaml", include_str!("../rewrites/packages/python.yaml")),
    ("musl.yaml", include_str!("../rewrites/musl.yaml")),
    ("packages/build-only.yaml", include_str!("../rewrites/packages/build-only.yaml")),
    ("packages/names.yaml", include_str!("../rewrites/packages/names.yaml")),
    ("packages/recommends.yaml", include_str!("../rewrites/packages/recommends.yaml")),
    ("packages/runtime-libs.yaml", include_str!("../rewrites/packages/runtime-libs.yaml")),
    ("packages/sizes.yaml", include_str!("../rewrites/packages/sizes.yaml")),
    ("lean.yaml", include_str!("../rewrites/lean.yaml")),
    ("programs.yaml", include_str!("../rewrites/programs.yaml")),
    ("sizes.yaml", include_str!("../rewrites/sizes.yaml")),
    ("suites.yaml", include_str!("../rewrites/suites.yaml")),
    ("stages.yaml", include_str!("../rewrites/stages.yaml")),
    ("secrets.yaml", include_str!("../rewrites/secrets.yaml")),
    ("tags.yaml", include_str!("../rewrites/tags.yaml")),
    ("users.yaml", include_str!("../rewrites/users.yaml")),
];

/// A table that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("rewrites/{file}, {row}, `{field}`: {message}")]
pub struct TableError {
    /// Path in `rewrites/`.
    pub file: String,
    /// Which row, such as `row 3`.
    pub row: String,
    /// Which field of it.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

/// What a table says about one property.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Fact<T> {
    /// It is this.
    Known(T),
    /// It differs from build to build of the same tag, or with something that the tag does not say.
    Varies,
    /// The table does not say.
    #[default]
    Unknown,
}

impl<T> Fact<T> {
    /// The value, if it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Varies | Self::Unknown => None,
        }
    }

    /// Whether it is known to be this.
    pub fn is<U: ?Sized>(&self, value: &U) -> bool
    where
        T: PartialEq<U>,
    {
        self.known().is_some_and(|known| known == value)
    }
}

/// In a table `varies` and `unknown` are themselves; anything else is the value.
impl<'de, T: DeserializeOwned> Deserialize<'de> for Fact<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_yaml::Value::deserialize(deserializer)?;
        match value.as_str() {
            Some("varies") => Ok(Self::Varies),
            Some("unknown") => Ok(Self::Unknown),
            _ => serde_yaml::from_value(value).map(Self::Known).map_err(D::Error::custom),
        }
    }
}

/// Where the rows of a table or one row come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What was read: a repository with its commit, a documentation page.
    pub name: String,
    /// The day it was read or the state it has, `YYYY-MM-DD`.
    pub date: String,
}

/// Decodes a list of rows one by one, so that an error names its row and field.
fn decode_rows<T: DeserializeOwned>(file: &str, rows: Vec<serde_yaml::Value>) -> Result<Vec<T>, TableError> {
    let decode = |(index, row): (usize, serde_yaml::Value)| {
        let name = row_name(&row, index);
        decode_row(&row).map_err(|(field, message)| TableError { file: file.to_owned(), row: name, field, message })
    };
    rows.into_iter().enumerate().map(decode).collect()
}

/// Decodes a whole file that is one row.
fn decode_file<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, TableError> {
    let error = |(field, message)| TableError { file: file.to_owned(), row: "the file".to_owned(), field, message };
    let value =
        serde_yaml::from_str(text).map_err(|failure: serde_yaml::Error| error((String::new(), failure.to_string())))?;
    decode_row(&value).map_err(error)
}

/// Decodes a row; an error says which field.
fn decode_row<T: DeserializeOwned>(row: &serde_yaml::Value) -> Result<T, (String, String)> {
    T::deserialize(row).map_err(|failure| {
        let message = failure.to_string();
        (culprit::<T>(row, &message), message)
    })
}

/// The field that an error is about: named in it when it is missing or unknown, else the one without which the row has
/// another error or none.
fn culprit<T: DeserializeOwned>(row: &serde_yaml::Value, message: &str) -> String {
    if message.contains(" field `") {
        return message.split('`').nth(1).unwrap_or_default().to_owned();
    }
    let without = |key: &serde_yaml::Value| {
        let mut rest = row.as_mapping().cloned().unwrap_or_default();
        rest.remove(key);
        T::deserialize(serde_yaml::Value::Mapping(rest))
    };
    let keys = row.as_mapping().into_iter().flat_map(serde_yaml::Mapping::keys);
    let mut culprits = keys.filter(|key| without(key).err().is_none_or(|failure| failure.to_string() != message));
    culprits.next().and_then(serde_yaml::Value::as_str).unwrap_or_default().to_owned()
}

fn row_name(row: &serde_yaml::Value, index: usize) -> String {
    let named = ["name", "tool", "builder", "package", "words", "family", "image", "manager"]
        .iter()
        .find_map(|key| row.get(key)?.as_str());
    named.map_or_else(|| format!("row {}", index + 1), |name| format!("row {} ({name})", index + 1))
}

/// An error about a value that decodes and makes no sense.
fn invalid(file: &str, row: impl fmt::Display, field: &str, message: impl Into<String>) -> TableError {
    TableError { file: file.to_owned(), row: row.to_string(), field: field.to_owned(), message: message.into() }
}

/// The shipped text of a table.
fn shipped(file: &str) -> &'static str {
    FILES.iter().find(|(name, _)| *name == file).map_or("", |(_, text)| text)
}

/// Decodes every shipped table.
///
/// # Errors
/// If one cannot be used.
pub fn check() -> Result<(), TableError> {
    decode_images(images::IMAGE_FILES, shipped("distributions.yaml"), shipped("tags.yaml"))?;
    decode_bases(shipped("bases.yaml"))?;
    decode_builders(shipped("builders.yaml"))?;
    decode_caches(shipped("caches.yaml"))?;
    decode_dependencies(shipped("dependencies.yaml"))?;
    decode_effects(shipped("effects.yaml"))?;
    decode_extensions(shipped("extensions.yaml"))?;
    decode_needs(shipped("needs.yaml"))?;
    needs::check_packages()?;
    decode_recommends(shipped("packages/recommends.yaml"))?;
    decode_programs(shipped("programs.yaml"))?;
    decode_lean(shipped("lean.yaml"))?;
    decode_secrets(shipped("secrets.yaml"))?;
    decode_users(shipped("users.yaml"))?;
    decode_distroless(shipped("distroless.yaml"))?;
    decode_eol(shipped("eol.yaml"))?;
    decode_musl(shipped("musl.yaml"))?;
    decode_build_only(shipped("packages/build-only.yaml"))?;
    decode_package_names(shipped("packages/names.yaml"))?;
    decode_runtime_libs(shipped("packages/runtime-libs.yaml"))?;
    decode_package_sizes(shipped("packages/sizes.yaml"))?;
    decode_image_sizes(shipped("sizes.yaml"))?;
    decode_suites(shipped("suites.yaml"))?;
    decode_stages(shipped("stages.yaml"))?;
    Ok(())
}

/// The text of every shipped table, by its path in `rewrites/`.
#[must_use]
pub fn files() -> BTreeMap<&'static str, &'static str> {
    FILES.iter().chain(images::IMAGE_FILES).copied().collect()
}
