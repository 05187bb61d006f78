//! Run-time packages of packages with headers: `packages/runtime-libs.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::own::{self, OwnTables};
use super::{Fact, Source, TableError, decode_file, shipped};

const FILE: &str = "packages/runtime-libs.yaml";

/// The table of run-time packages, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeLibsTable {
    /// Where the rows are from.
    pub sources: Vec<Source>,
    on_alpine: BTreeMap<String, OnAlpine>,
    packages: BTreeMap<String, RuntimeLibsRow>,
}

/// What programs need that were compiled with one of Alpine's packages with headers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct OnAlpine {
    packages: Vec<String>,
    /// The first minor release of Alpine 3 with these names.
    #[serde(default)]
    since: u32,
}

/// The run-time packages of a package with headers, by release.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RuntimeLibsRow {
    #[serde(default)]
    alpine: Fact<Vec<String>>,
    #[serde(default)]
    alpine_headers: Option<String>,
    #[serde(default)]
    bullseye: Fact<Vec<String>>,
    #[serde(default)]
    bookworm: Fact<Vec<String>>,
    #[serde(default)]
    trixie: Fact<Vec<String>>,
}

impl RuntimeLibsTable {
    /// The table with the packages of a project.
    fn with(&self, own: &OwnTables) -> Self {
        let mut table = self.clone();
        table.packages.extend(own.packages.runtime_libs.clone());
        table
    }

    /// As [`runtime_libraries`].
    #[must_use]
    pub fn runtime_libraries(&self, release: &str, package: &str) -> Fact<&[String]> {
        let Some(row) = self.packages.get(package) else { return Fact::Unknown };
        let libraries = match release {
            "alpine" => &row.alpine,
            "bullseye" => &row.bullseye,
            "bookworm" => &row.bookworm,
            "trixie" => &row.trixie,
            _ => return Fact::Unknown,
        };
        libraries.known().map_or(Fact::Unknown, |libraries| Fact::Known(libraries.as_slice()))
    }

    /// The same for a package of Alpine with headers, in a release such as `3.20`.
    #[must_use]
    pub fn on_alpine(&self, release: Option<&str>, package: &str) -> Fact<&[String]> {
        let Some(row) = self.on_alpine.get(package) else { return self.alpine_libraries(package) };
        let minor = release.and_then(|release| release.strip_prefix("3.")?.parse::<u32>().ok());
        let has_names = row.since == 0 || minor.is_some_and(|minor| minor >= row.since);
        if has_names { Fact::Known(row.packages.as_slice()) } else { Fact::Unknown }
    }

    /// What programs need that were compiled with a package of Alpine with headers.
    fn alpine_libraries(&self, headers: &str) -> Fact<&[String]> {
        let is_it = |row: &&RuntimeLibsRow| row.alpine_headers.as_deref() == Some(headers);
        let mut rows = self.packages.values().filter(is_it).filter_map(|row| row.alpine.known());
        let Some(first) = rows.next() else { return Fact::Unknown };
        if rows.all(|other| other == first) { Fact::Known(first.as_slice()) } else { Fact::Unknown }
    }

    /// What stands in on Alpine for a package of Debian that holds the libraries of one row: `libpq5` on bookworm.
    #[must_use]
    pub fn alpine_library(&self, release: &str, package: &str) -> Option<&[String]> {
        let is_it = |row: &&RuntimeLibsRow| {
            let libraries = match release {
                "bullseye" => row.bullseye.known(),
                "bookworm" => row.bookworm.known(),
                "trixie" => row.trixie.known(),
                _ => None,
            };
            libraries.is_some_and(|libraries| libraries.iter().map(String::as_str).eq([package]))
        };
        let mut rows = self.packages.values().filter(is_it).filter_map(|row| row.alpine.known());
        let first = rows.next()?;
        rows.all(|other| other == first).then_some(first.as_slice())
    }

    /// What a package of Debian with headers is called on Alpine.
    #[must_use]
    pub fn alpine_headers(&self, package: &str) -> Option<&str> {
        self.packages.get(package)?.alpine_headers.as_deref()
    }
}

/// What programs that were compiled with a package of Debian need when they run: packages of a release of Debian
/// (`bookworm`), or of `alpine`. Empty: nothing but the C library.
#[must_use]
pub fn runtime_libraries(release: &str, package: &str) -> Fact<&'static [String]> {
    runtime_libs().runtime_libraries(release, package)
}

/// The table in force.
pub fn runtime_libs() -> &'static RuntimeLibsTable {
    own::table(shipped_runtime_libs, |merged| &merged.runtime_libs, RuntimeLibsTable::with)
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
fn shipped_runtime_libs() -> &'static RuntimeLibsTable {
    static TABLE: OnceLock<RuntimeLibsTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_runtime_libs(shipped(FILE)).expect("the shipped table of run-time packages decodes"))
}

/// Decodes a table of run-time packages.
///
/// # Errors
/// If it cannot be used.
pub fn decode_runtime_libs(text: &str) -> Result<RuntimeLibsTable, TableError> {
    decode_file(FILE, text)
}
