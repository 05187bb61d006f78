//! Tags of official images that also name the release of the distribution: `suites.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, shipped};
use crate::syntax::image::ImageReference;

const FILE: &str = "suites.yaml";

/// The table of such tags, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteTable {
    /// Where it is from, and the day on which the tags meant the same.
    pub source: Source,
    outdated: Vec<String>,
    /// By official image.
    images: BTreeMap<String, BTreeMap<String, String>>,
}

impl SuiteTable {
    /// Whether no release of today has a package of that name.
    #[must_use]
    pub fn is_outdated(&self, package: &str) -> bool {
        self.outdated.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => package.starts_with(start),
            None => package == pattern,
        })
    }

    /// As [`suite_tag`].
    #[must_use]
    pub fn suite_tag(&self, image: &ImageReference) -> Option<&str> {
        if image.digest.is_some() {
            return None;
        }
        let tags = self.images.get(image.official()?)?;
        tags.get(image.tag.as_deref().unwrap_or("latest")).map(String::as_str)
    }
}

/// The tag that named the same build of an official image on the day of the table ([`SuiteTable::source`]), says which
/// release of the distribution that is, and leaves the version as open as it was.
#[must_use]
pub fn suite_tag(image: &ImageReference) -> Option<&'static str> {
    suites().suite_tag(image)
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn suites() -> &'static SuiteTable {
    static TABLE: OnceLock<SuiteTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_suites(shipped(FILE)).expect("the shipped table of suites decodes"))
}

/// Decodes a table of suites.
///
/// # Errors
/// If it cannot be used.
pub fn decode_suites(text: &str) -> Result<SuiteTable, TableError> {
    decode_file(FILE, text)
}
