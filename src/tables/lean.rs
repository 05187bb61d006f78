//! Packages that images rarely need: `lean.yaml`.

use std::sync::OnceLock;

use serde::Deserialize;

use super::{TableError, decode_file, invalid, shipped};

/// The table, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeanTable {
    manifests: Vec<String>,
    packages: Vec<Package>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Package {
    package: String,
    advice: String,
    source: String,
}

impl LeanTable {
    /// Whether a file of that name lists packages.
    #[must_use]
    pub fn is_manifest(&self, name: &str) -> bool {
        self.manifests.iter().any(|known| known == name)
    }

    /// The packages of the manifest that the table knows, each with what to do about it.
    pub fn findings<'a>(&'a self, manifest: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        let names = manifest.lines().filter_map(|line| {
            let name = line.trim().split(['=', '<', '>', '~', '!', '[', ';', ' ', '#']).next()?;
            self.packages.iter().find(|row| row.package.eq_ignore_ascii_case(name))
        });
        names.map(|row| (row.package.as_str(), row.advice.as_str()))
    }
}

const FILE: &str = "lean.yaml";

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn lean() -> &'static LeanTable {
    static TABLE: OnceLock<LeanTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_lean(shipped(FILE)).expect("the shipped table of lean packages decodes"))
}

/// Decodes a table of packages that images rarely need.
///
/// # Errors
/// If it cannot be used: a row without source.
pub fn decode_lean(text: &str) -> Result<LeanTable, TableError> {
    let table: LeanTable = decode_file(FILE, text)?;
    match table.packages.iter().find(|row| row.source.trim().is_empty()) {
        Some(row) => Err(invalid(FILE, &row.package, "source", "it is empty")),
        None => Ok(table),
    }
}
