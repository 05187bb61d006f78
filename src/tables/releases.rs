//! Releases of the distribution that tags with a version were built on: `releases.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, invalid, shipped};

const FILE: &str = "releases.yaml";

/// The table of such tags, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseTable {
    /// Where it is from, and the day up to which versions are known.
    pub source: Source,
    /// Ranges of versions by official image and release.
    images: BTreeMap<String, BTreeMap<String, String>>,
}

impl ReleaseTable {
    /// The release that a tag of an official image was built on which names a version and no release: `bookworm`, `alpine3.18`.
    #[must_use]
    pub fn release(&self, image: &str, tag: &str) -> Option<&str> {
        let mut words = tag.split('-');
        let version = numbers(words.next()?)?;
        let is_alpine = words.any(|word| word == "alpine");
        let fits = |ranges: &str| ranges.split_whitespace().any(|range| holds(range, &version));
        let releases = self.images.get(image)?.iter();
        let mut fitting = releases.filter(|(name, ranges)| name.starts_with("alpine") == is_alpine && fits(ranges));
        fitting.next().map(|(name, _)| name.as_str())
    }

    fn checked(self) -> Result<Self, TableError> {
        for (image, releases) in &self.images {
            let mut ranges = releases.values().flat_map(|ranges| ranges.split_whitespace());
            if let Some(range) = ranges.find(|range| bounds(range).is_none()) {
                return Err(invalid(FILE, image, "ranges", format!("`{range}` is no range of one line of versions")));
            }
        }
        Ok(self)
    }
}

/// `1.19.3` as numbers.
fn numbers(version: &str) -> Option<Vec<u32>> {
    version.split('.').map(|number| number.parse().ok()).collect()
}

/// The first and the last version of a range, which differ in their last number alone.
fn bounds(range: &str) -> Option<(Vec<u32>, Vec<u32>)> {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    let (first, last) = (numbers(first)?, numbers(last)?);
    let is_line = first.len() == last.len() && first[..first.len() - 1] == last[..last.len() - 1];
    is_line.then_some((first, last))
}

fn holds(range: &str, version: &[u32]) -> bool {
    bounds(range).is_some_and(|(first, last)| {
        first.len() == version.len() && first.as_slice() <= version && version <= last.as_slice()
    })
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn releases() -> &'static ReleaseTable {
    static TABLE: OnceLock<ReleaseTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_releases(shipped(FILE)).expect("the shipped table of releases decodes"))
}

/// Decodes a table of releases.
///
/// # Errors
/// If it cannot be used.
pub fn decode_releases(text: &str) -> Result<ReleaseTable, TableError> {
    decode_file::<ReleaseTable>(FILE, text)?.checked()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(image: &str, tag: &str, expected: Option<&str>) {
        assert_eq!(releases().release(image, tag), expected, "{image}:{tag}");
    }

    #[test]
    fn versions_in_ranges() {
        check("python", "3.8.5", Some("buster"));
        check("python", "3.8.5-slim", Some("buster"));
        check("golang", "1.24.2", Some("bookworm"));
        check("golang", "1.19.3-alpine", Some("alpine3.17"));
        check("php", "8.1.5-apache", Some("bullseye"));
        // Not built yet when the table was made, not known, and not a version.
        for tag in ["3.14.99", "3.8.5rc1", "3.8.5rc1-slim", "latest", "", "99999999999.1"] {
            check("python", tag, None);
        }
        check("no-such-image", "1.0", None);
    }

    #[test]
    fn a_range_is_of_one_line() {
        for range in ["1-2", "1.2-1.4", "1.2.3", "1.2.3-1.2.3"] {
            assert!(bounds(range).is_some(), "{range}");
        }
        for range in ["1.2-2.4", "1.2-1.2.4", "a-b", "", "-", "1.2-"] {
            assert!(bounds(range).is_none(), "{range}");
        }
    }
}
