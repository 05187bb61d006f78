//! Packages of languages that are linked with libraries of the system: `packages/native.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Ecosystem, Fact, Source, TableError, decode_file, runtime_libraries, shipped};

const FILE: &str = "packages/native.yaml";

/// The table of such packages, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NativeTable {
    /// Where the rows are from.
    pub source: Source,
    node: BTreeMap<String, Native>,
    python: BTreeMap<String, Native>,
    ruby: BTreeMap<String, Native>,
}

/// A package that is linked with libraries of the system, or loads some.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Native {
    /// Whether an install on Linux compiles it.
    pub compiled: bool,
    /// Packages of Debian with the headers of these libraries.
    pub libraries: Vec<String>,
}

impl Native {
    /// The packages of the release (`bookworm`, or `alpine`) that it needs when it runs.
    #[must_use]
    pub fn run_time_packages(&self, release: &str) -> Fact<Vec<&'static str>> {
        let mut packages = Vec::new();
        for headers in &self.libraries {
            let Fact::Known(libraries) = runtime_libraries(release, headers) else { return Fact::Unknown };
            packages.extend(libraries.iter().map(String::as_str));
        }
        packages.sort_unstable();
        packages.dedup();
        Fact::Known(packages)
    }
}

impl NativeTable {
    /// As [`native`].
    #[must_use]
    pub fn native(&self, ecosystem: Ecosystem, package: &str) -> Option<&Native> {
        match ecosystem {
            Ecosystem::Node => self.node.get(package),
            Ecosystem::Python => self.python.get(package),
            Ecosystem::Ruby => self.ruby.get(package),
        }
    }
}

/// What a package of a language needs of the system, if it is known to need something. A package without a row may still
/// be linked with anything.
#[must_use]
pub fn native(ecosystem: Ecosystem, package: &str) -> Option<&'static Native> {
    natives().native(ecosystem, package)
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn natives() -> &'static NativeTable {
    static TABLE: OnceLock<NativeTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_native(shipped(FILE)).expect("the shipped table of native packages decodes"))
}

/// Decodes a table of native packages.
///
/// # Errors
/// If it cannot be used.
pub fn decode_native(text: &str) -> Result<NativeTable, TableError> {
    decode_file(FILE, text)
}
