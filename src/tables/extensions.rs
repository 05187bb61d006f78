//! What the extension of a file name says of its content: `extensions.yaml`.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{TableError, decode_file, invalid, shipped};

/// The table of extensions, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtensionTable {
    archive: Extensions,
    plain: Extensions,
    unclear: Names,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Extensions {
    source: String,
    extensions: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    source: String,
    names: BTreeSet<String>,
}

impl ExtensionTable {
    /// Whether a file of that extension, in lower case, is an archive that ADD unpacks.
    #[must_use]
    pub fn is_archive(&self, extension: &str) -> bool {
        self.archive.extensions.contains(extension)
    }

    /// Whether a file of that extension, in lower case, is none.
    #[must_use]
    pub fn is_plain(&self, extension: &str) -> bool {
        self.plain.extensions.contains(extension)
    }

    /// Whether a name without an extension is one of those that archives have.
    #[must_use]
    pub fn may_name_archive(&self, name: &str) -> bool {
        name.to_lowercase().split(['-', '_']).any(|part| self.unclear.names.contains(part))
    }
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn extensions() -> &'static ExtensionTable {
    static TABLE: OnceLock<ExtensionTable> = OnceLock::new();
    TABLE
        .get_or_init(|| decode_extensions(shipped("extensions.yaml")).expect("the shipped table of extensions decodes"))
}

/// Decodes a table of extensions.
///
/// # Errors
/// If it cannot be used: a list without source, an extension in both lists.
pub fn decode_extensions(text: &str) -> Result<ExtensionTable, TableError> {
    let table: ExtensionTable = decode_file("extensions.yaml", text)?;
    let sources =
        [("archive", &table.archive.source), ("plain", &table.plain.source), ("unclear", &table.unclear.source)];
    for (row, source) in sources {
        if source.trim().is_empty() {
            return Err(invalid("extensions.yaml", row, "source", "it is empty".to_owned()));
        }
    }
    if let Some(both) = table.archive.extensions.intersection(&table.plain.extensions).next() {
        return Err(invalid("extensions.yaml", "plain", "extensions", format!("`{both}` stands in both lists")));
    }
    Ok(table)
}
