//! Packages that only builds need: `packages/build-only.yaml`.

use std::sync::OnceLock;

use serde::Deserialize;

use super::own::{self, OwnTables};
use super::{PackageManager, Source, TableError, decode_file, shipped};

const FILE: &str = "packages/build-only.yaml";

/// The table of build-only packages, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildOnlyTable {
    managers: Vec<Row>,
}

/// What a build needs a package for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuildOnly {
    /// It compiles, links or builds.
    Toolchain,
    /// It has the headers of a library: programs need its run-time package ([`super::runtime_libraries`]).
    Headers,
    /// It fetches sources.
    Vcs,
    /// It is needed while a package repository is added.
    Keyring,
    /// It is for a person at a terminal.
    Interactive,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    manager: PackageManager,
    source: Source,
    header_suffix: String,
    toolchain: Vec<String>,
    vcs: Vec<String>,
    #[serde(default)]
    keyring: Vec<String>,
    #[serde(default)]
    interactive: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildOnlyFile {
    managers: Vec<Row>,
}

/// Packages of a package manager that only builds of a project need.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OwnBuildOnly {
    manager: PackageManager,
    #[serde(default)]
    toolchain: Vec<String>,
    #[serde(default)]
    vcs: Vec<String>,
    #[serde(default)]
    keyring: Vec<String>,
    #[serde(default)]
    interactive: Vec<String>,
}

impl BuildOnlyTable {
    /// The table with the packages of a project beside the others.
    fn with(&self, own: &OwnTables) -> Self {
        let mut table = self.clone();
        for own in &own.packages.build_only {
            for row in table.managers.iter_mut().filter(|row| row.manager == own.manager) {
                row.toolchain.extend(own.toolchain.iter().cloned());
                row.vcs.extend(own.vcs.iter().cloned());
                row.keyring.extend(own.keyring.iter().cloned());
                row.interactive.extend(own.interactive.iter().cloned());
            }
        }
        table
    }

    /// As [`is_build_only`].
    #[must_use]
    pub fn is_build_only(&self, manager: PackageManager, package: &str) -> Option<BuildOnly> {
        let row = self.managers.iter().find(|row| row.manager == manager)?;
        let is_in = |packages: &[String]| packages.iter().any(|name| name == package);
        [
            (&row.toolchain, BuildOnly::Toolchain),
            (&row.vcs, BuildOnly::Vcs),
            (&row.keyring, BuildOnly::Keyring),
            (&row.interactive, BuildOnly::Interactive),
        ]
        .into_iter()
        .find_map(|(packages, what)| is_in(packages).then_some(what))
        .or_else(|| package.ends_with(row.header_suffix.as_str()).then_some(BuildOnly::Headers))
    }

    /// Where the rows of a package manager are from.
    #[must_use]
    pub fn source_of(&self, manager: PackageManager) -> Option<&Source> {
        self.managers.iter().find(|row| row.manager == manager).map(|row| &row.source)
    }

    /// Where the rows are from, by package manager.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.managers.iter().map(|row| &row.source)
    }
}

/// What a build needs the package for, if programs do not need it. That nothing in the image runs it all the same is for
/// the caller to find out.
#[must_use]
pub fn is_build_only(manager: PackageManager, package: &str) -> Option<BuildOnly> {
    build_only().is_build_only(manager, package)
}

/// The table in force.
pub fn build_only() -> &'static BuildOnlyTable {
    own::table(shipped_build_only, |merged| &merged.build_only, BuildOnlyTable::with)
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
fn shipped_build_only() -> &'static BuildOnlyTable {
    static TABLE: OnceLock<BuildOnlyTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_build_only(shipped(FILE)).expect("the shipped table of build-only packages decodes"))
}

/// Decodes a table of build-only packages.
///
/// # Errors
/// If it cannot be used.
pub fn decode_build_only(text: &str) -> Result<BuildOnlyTable, TableError> {
    let file: BuildOnlyFile = decode_file(FILE, text)?;
    Ok(BuildOnlyTable { managers: file.managers })
}
