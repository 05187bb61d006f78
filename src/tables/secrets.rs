//! Names that say that a value or a file is a secret: `secrets.yaml`.

use std::sync::OnceLock;

use serde::Deserialize;

use super::{TableError, decode_file, invalid, shipped};

/// The table, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretTable {
    parts: Names,
    harmless: Names,
    published: Names,
    files: Names,
    placeholders: Names,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    source: String,
    names: Vec<String>,
}

impl Names {
    fn has(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }
}

impl SecretTable {
    /// Whether a variable of that name holds a secret.
    #[must_use]
    pub fn is_secret(&self, name: &str) -> bool {
        if self.published.names.iter().any(|start| name.starts_with(start.as_str())) {
            return false;
        }
        let lower = name.to_ascii_lowercase();
        let mut parts = lower.split('_');
        parts.clone().any(|part| self.parts.has(part)) && !parts.any(|part| self.harmless.has(part))
    }

    /// Whether the value stands for one that somebody gives.
    #[must_use]
    pub fn is_placeholder(&self, value: &str) -> bool {
        // A path leads to a secret, a number of few digits is a setting.
        let is_setting =
            value.starts_with(['/', '.']) || value.len() < 4 && value.bytes().all(|byte| byte.is_ascii_digit());
        value.is_empty()
            || is_setting
            || value.contains(['$', '<'])
            || self.placeholders.has(&value.to_ascii_lowercase())
    }

    /// Whether a file of that name holds a secret.
    #[must_use]
    pub fn is_secret_file(&self, path: &str) -> bool {
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
        self.files.names.iter().any(|known| match known.strip_prefix('*') {
            Some(end) => name.len() > end.len() && name.ends_with(end),
            None => known == name,
        })
    }
}

const FILE: &str = "secrets.yaml";

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn secrets() -> &'static SecretTable {
    static TABLE: OnceLock<SecretTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_secrets(shipped(FILE)).expect("the shipped table of secrets decodes"))
}

/// Decodes a table of secrets.
///
/// # Errors
/// If it cannot be used: a row without source.
pub fn decode_secrets(text: &str) -> Result<SecretTable, TableError> {
    let table: SecretTable = decode_file(FILE, text)?;
    let parts = [&table.parts, &table.harmless, &table.published, &table.files, &table.placeholders];
    match parts.iter().any(|names| names.source.trim().is_empty()) {
        true => Err(invalid(FILE, "the file", "source", "it is empty")),
        false => Ok(table),
    }
}
