//! What packages of Debian are called elsewhere: `packages/names.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, shipped};

const FILE: &str = "packages/names.yaml";

/// The table of package names, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamesTable {
    /// Where the rows are from.
    pub source: Source,
    alpine: BTreeMap<String, String>,
}

/// What stands in for a package on another distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counterpart<'a> {
    /// This package.
    Package(&'a str),
    /// Nothing: the package serves the package manager only.
    Nothing,
}

impl NamesTable {
    /// As [`alpine_name`].
    #[must_use]
    pub fn alpine_name(&self, package: &str) -> Option<Counterpart<'_>> {
        let name = self.alpine.get(package)?;
        Some(if name == "none" { Counterpart::Nothing } else { Counterpart::Package(name) })
    }
}

/// What a package of Debian is called on Alpine, if that is known. For packages with headers see
/// [`super::RuntimeLibsTable::alpine_headers`].
#[must_use]
pub fn alpine_name(package: &str) -> Option<Counterpart<'static>> {
    package_names().alpine_name(package)
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn package_names() -> &'static NamesTable {
    static TABLE: OnceLock<NamesTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_package_names(shipped(FILE)).expect("the shipped table of package names decodes"))
}

/// Decodes a table of package names.
///
/// # Errors
/// If it cannot be used.
pub fn decode_package_names(text: &str) -> Result<NamesTable, TableError> {
    decode_file(FILE, text)
}
