//! What the passes know, as data: typed loaders for the tables in `rewrites/`, which are compiled into the program.
//!
//! A table is decoded when it is first asked for. That the shipped tables decode is shown by `tests/tables.rs`.

mod alpine;
mod bases;
mod build_only;
mod builders;
mod builds;
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
mod own;
mod package_names;
mod programs;
mod recommends;
mod releases;
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
use serde_path_to_error::Segment;
use thiserror::Error;

pub use alpine::{AlpineFamily, AlpineTable, Applet, alpine, decode_alpine};
pub use bases::{BaseTable, Fate, Lost, SlimFamily, bases, decode_bases};
pub use build_only::{BuildOnly, BuildOnlyTable, OwnBuildOnly, build_only, decode_build_only, is_build_only};
pub use builders::{BuilderRow, Syntax, builder_knows, decode_builders};
pub use builds::{
    BuildTable, GoBuilds, IdleSetting, ProposedSetting, RustBuilds, Slimming, VariableRows, WithoutC, builds,
    decode_builds,
};
pub use caches::{CacheDirectory, CacheTable, Cleanup, Evidence, Gain, Place, Sharing, Tool, caches, decode_caches};
pub use dependencies::{
    DependencyTable, GradleWords, InstallRow, Locked, PackageRow, Reader, decode_dependencies, dependencies,
};
pub use distroless::{Distroless, DistrolessTable, Language, decode_distroless, distroless};
pub use effects::{CommandEffects, EffectTable, Operands, OptionValue, decode_effects, effects};
pub use eol::{Cycle, EndOfLife, EolTable, Support, decode_eol, end_of_life, eol};
pub use extensions::{ExtensionTable, decode_extensions, extensions};
pub use images::{
    Distribution, DistributionName, Floating, ImageFacts, ImageFamily, ImageRow, ImageTable, ImageUser, Interpreter,
    LibC, PackageManager, Sh, decode_images, image, image_of, images,
};
pub use lean::{LeanTable, decode_lean, lean};
pub use musl::{Behaviour, Difference, Ecosystem, MuslRow, MuslTable, OnMusl, decode_musl, musl, on_musl};
pub use needs::{
    CommandKind, CommandNeeds, ImportNeeds, NeedsTable, NodeTable, PackageNeeds, PythonTable, Wheel, decode_needs,
    needs, node_packages, python_packages,
};
pub(crate) use own::table;
pub use own::{OwnNode, OwnPackages, OwnPython, OwnTables, with};
pub use package_names::{Counterpart, NamesTable, alpine_name, decode_package_names, package_names};
pub use programs::{Deaf, ProgramTable, Runner, ShellRow, Stays, TreeEffect, decode_programs, programs};
pub use recommends::{RELEASES, Recommended, RecommendsTable, decode_recommends, recommends, recommends_table};
pub use releases::{ReleaseTable, decode_releases, releases};
pub use runtime_libs::{RuntimeLibsRow, RuntimeLibsTable, decode_runtime_libs, runtime_libraries, runtime_libs};
pub use secrets::{SecretTable, decode_secrets, secrets};
pub use sizes::{
    ImageSize, PackageSize, PackageSizes, decode_image_sizes, decode_package_sizes, image_sizes, package_size,
    package_sizes, size_of,
};
pub use stages::{
    JavaBuilder, ProjectBuilder, ProjectTool, Pruner, PythonEnvironment, RuntimeImage, StageTable, Starter,
    decode_stages, stages,
};
pub use suites::{SuiteTable, decode_suites, suite_tag, suites};
pub use users::{Operand, Own, Relatives, Settings, UserTable, Writers, decode_users, users};

/// A table as it is compiled in.
struct ShippedTable {
    /// Its path in `rewrites/`.
    file: &'static str,
    /// The text that people read.
    yaml: &'static str,
    /// The same as JSON.
    json: &'static str,
}

/// Every table of `rewrites/`, sorted by path; `build.rs` writes the list.
static SHIPPED: &[ShippedTable] = include!(concat!(env!("OUT_DIR"), "/tables.rs"));

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

/// In a schema, it is the value or one of the two words.
#[cfg(test)]
impl<T: schemars::JsonSchema> schemars::JsonSchema for Fact<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Fact of {}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let value = generator.subschema_for::<T>();
        schemars::json_schema!({ "anyOf": [value, { "enum": ["varies", "unknown"] }] })
    }
}

/// Where the rows of a table or one row come from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What was read: a repository with its commit, a documentation page.
    pub name: String,
    /// The day it was read or the state it has, `YYYY-MM-DD`.
    pub date: String,
}

/// Decodes a file: YAML, or JSON where it is written by `build.rs`.
fn decode_file<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, TableError> {
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|failure| invalid(file, "the file", "", failure.to_string()));
    }
    let value: serde_yaml::Value =
        serde_yaml::from_str(text).map_err(|failure| invalid(file, "the file", "", failure.to_string()))?;
    serde_path_to_error::deserialize(&value).map_err(|failure| {
        let (row, below) = row_of(&value, failure.path());
        let message = failure.inner().to_string();
        // What is missing or unknown is named in the message, the path ends above it.
        let named = message.contains(" field `").then(|| message.split('`').nth(1)).flatten();
        let field = named.map(str::to_owned).or(below).unwrap_or_default();
        TableError { file: file.to_owned(), row, field, message }
    })
}

/// The row that a path leads into, and the field of it: a row is an item of one of the file's lists.
fn row_of(file: &serde_yaml::Value, path: &serde_path_to_error::Path) -> (String, Option<String>) {
    let segments: Vec<&Segment> = path.iter().collect();
    let key = |segment: &&Segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        _ => None,
    };
    let [Segment::Map { key: list }, Segment::Seq { index }, below @ ..] = segments.as_slice() else {
        return ("the file".to_owned(), segments.iter().filter_map(key).next_back());
    };
    let row = &file[list.as_str()][*index];
    let named = ["name", "tool", "builder", "package", "words", "family", "image", "manager"]
        .iter()
        .find_map(|key| row.get(key)?.as_str());
    (
        named.map_or_else(|| format!("row {}", index + 1), |name| format!("row {} ({name})", index + 1)),
        below.iter().find_map(key),
    )
}

/// An error about a value that decodes and makes no sense.
fn invalid(file: &str, row: impl fmt::Display, field: &str, message: impl Into<String>) -> TableError {
    TableError { file: file.to_owned(), row: row.to_string(), field: field.to_owned(), message: message.into() }
}

/// A shipped table, as JSON.
pub(crate) fn shipped(file: &str) -> &'static str {
    SHIPPED.binary_search_by_key(&file, |table| table.file).map_or("", |index| SHIPPED[index].json)
}

/// The shipped tables in a folder of `rewrites/`, as JSON by their paths.
fn shipped_in(folder: &str) -> Vec<(&'static str, &'static str)> {
    SHIPPED.iter().filter(|table| table.file.starts_with(folder)).map(|table| (table.file, table.json)).collect()
}

/// Decodes every shipped table.
///
/// # Errors
/// If one cannot be used.
pub fn check() -> Result<(), TableError> {
    decode_images(&shipped_in("images/"), shipped("distributions.yaml"), shipped("tags.yaml"))?;
    decode_alpine(shipped("alpine.yaml"))?;
    decode_bases(shipped("bases.yaml"))?;
    decode_builders(shipped("builders.yaml"))?;
    decode_builds(shipped("builds.yaml"))?;
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
    decode_releases(shipped("releases.yaml"))?;
    decode_suites(shipped("suites.yaml"))?;
    decode_stages(shipped("stages.yaml"))?;
    Ok(())
}

/// The text of every shipped table, by its path in `rewrites/`.
#[must_use]
pub fn files() -> BTreeMap<&'static str, &'static str> {
    SHIPPED.iter().map(|table| (table.file, table.yaml)).collect()
}
