//! What changes when an image moves from glibc to musl: `musl.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, shipped};

const FILE: &str = "musl.yaml";

/// The table of musl, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MuslTable {
    /// Where the rows of packages are from.
    pub source: Source,
    python: BTreeMap<String, MuslRow>,
    node: BTreeMap<String, MuslRow>,
    /// Differences that no package shows.
    pub behaviour: Behaviour,
}

/// A package on musl.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MuslRow {
    /// Whether there is a binary.
    pub musl: OnMusl,
    /// The newest version with a binary for glibc.
    #[serde(default)]
    pub glibc_version: Option<String>,
    /// The newest version with a binary for musl.
    #[serde(default)]
    pub musl_version: Option<String>,
    /// What else is to be known.
    #[serde(default)]
    pub note: Option<String>,
}

/// Whether a package has a binary for musl.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnMusl {
    /// The same version has one for both, or one for all.
    Same,
    /// It has one; the install has to run on musl.
    Prebuilt,
    /// An older version has one.
    Older,
    /// It has none for glibc either, and is compiled where it is installed.
    Compiles,
    /// It has none.
    Never,
    /// It depends on how the package is set up.
    Conditional,
    /// Looked up, and not clear.
    Unknown,
}

/// A language with packages that have binaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ecosystem {
    /// Packages of PyPI, by their normalised name.
    Python,
    /// Packages of the npm registry.
    Node,
}

/// Differences between musl and glibc.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Behaviour {
    /// Where they are from.
    pub source: Source,
    /// One by one.
    pub rows: Vec<Difference>,
}

/// A difference between musl and glibc.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// What is different.
    pub what: String,
    /// What it breaks.
    pub breaks: String,
}

impl MuslTable {
    /// As [`on_musl`].
    #[must_use]
    pub fn on_musl(&self, ecosystem: Ecosystem, package: &str) -> Option<&MuslRow> {
        match ecosystem {
            Ecosystem::Python => self.python.get(package),
            Ecosystem::Node => self.node.get(package),
        }
    }
}

/// What is known of a package on musl. A package without a row was not looked up: it may have no binary.
#[must_use]
pub fn on_musl(ecosystem: Ecosystem, package: &str) -> Option<&'static MuslRow> {
    musl().on_musl(ecosystem, package)
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn musl() -> &'static MuslTable {
    static TABLE: OnceLock<MuslTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_musl(shipped(FILE)).expect("the shipped table of musl decodes"))
}

/// Decodes a table of musl.
///
/// # Errors
/// If it cannot be used.
pub fn decode_musl(text: &str) -> Result<MuslTable, TableError> {
    decode_file(FILE, text)
}
