//! Measured sizes: `sizes.yaml` of images, `packages/sizes.yaml` of packages.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::{Deserialize, Deserializer};

use super::{Source, TableError, decode_file, invalid, shipped};
use crate::syntax::image::ImageReference;

const IMAGES: &str = "sizes.yaml";
const PACKAGES: &str = "packages/sizes.yaml";

/// A measured image.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSize {
    /// The image that was measured, `python:3.12-slim`.
    #[serde(deserialize_with = "reference")]
    pub image: ImageReference,
    /// What a pull for linux/amd64 transfers, in MB of 10^6 bytes.
    pub megabytes: f64,
    /// Where that is from.
    pub source: Source,
}

fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ImageReference, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImagesFile {
    images: Vec<ImageSize>,
}

/// The size of the image, if it or another version of the same variant was measured: `python:3.11-slim` is about as large
/// as `python:3.12-slim`. [`ImageSize::image`] says which one it is.
#[must_use]
pub fn size_of(image: &ImageReference) -> Option<&'static ImageSize> {
    let tag = image.tag.as_deref().unwrap_or("latest");
    let same = |row: &&ImageSize| row.image.name() == image.name();
    let measured = |row: &&ImageSize| row.image.tag.as_deref() == Some(tag);
    let rows = || image_sizes().iter().filter(same);
    rows()
        .find(measured)
        .or_else(|| rows().find(|row| variant(row.image.tag.as_deref().unwrap_or_default()) == variant(tag)))
}

/// What a tag says beside versions and releases: `slim`.
fn variant(tag: &str) -> Vec<&str> {
    let says_more = |word: &&str| !word.starts_with(|first: char| first.is_ascii_digit()) && !is_release(word);
    tag.split('-')
        .map(|word| word.trim_end_matches(|last: char| last.is_ascii_digit() || last == '.'))
        .filter(says_more)
        .collect()
}

fn is_release(word: &str) -> bool {
    word.is_empty() || ["latest", "stable"].contains(&word) || super::RELEASES.contains(&word)
}

/// The measured images.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn image_sizes() -> &'static [ImageSize] {
    static TABLE: OnceLock<Vec<ImageSize>> = OnceLock::new();
    TABLE.get_or_init(|| decode_image_sizes(shipped(IMAGES)).expect("the shipped table of image sizes decodes"))
}

/// Decodes a table of image sizes.
///
/// # Errors
/// If it cannot be used.
pub fn decode_image_sizes(text: &str) -> Result<Vec<ImageSize>, TableError> {
    decode_file(IMAGES, text).map(|file: ImagesFile| file.images)
}

/// The table of package sizes, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageSizes {
    /// Where the rows are from.
    pub sources: Vec<Source>,
    columns: Vec<String>,
    packages: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
}

/// What an install of a package adds to an image of Debian that has the essential packages and apt only, in KiB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackageSize {
    /// The package and what it depends on, unpacked.
    pub added: u64,
    /// What is downloaded for it.
    pub download: u64,
    /// As `added`, with recommended packages.
    pub with_recommends: u64,
}

impl PackageSizes {
    /// Whether the package has a row.
    #[must_use]
    pub fn has(&self, package: &str) -> bool {
        self.packages.contains_key(package)
    }

    /// As [`package_size`].
    #[must_use]
    pub fn package_size(&self, release: &str, package: &str) -> Option<PackageSize> {
        match *self.packages.get(package)?.get(release)?.as_slice() {
            [added, download, with_recommends] => Some(PackageSize { added, download, with_recommends }),
            _ => Some(PackageSize::default()),
        }
    }
}

/// The size of a package in a release of Debian, `bookworm`, if it is known.
#[must_use]
pub fn package_size(release: &str, package: &str) -> Option<PackageSize> {
    package_sizes().package_size(release, package)
}

/// The sizes of packages.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn package_sizes() -> &'static PackageSizes {
    static TABLE: OnceLock<PackageSizes> = OnceLock::new();
    TABLE.get_or_init(|| decode_package_sizes(shipped(PACKAGES)).expect("the shipped table of package sizes decodes"))
}

/// Decodes a table of package sizes.
///
/// # Errors
/// If it cannot be used.
pub fn decode_package_sizes(text: &str) -> Result<PackageSizes, TableError> {
    let table: PackageSizes = decode_file(PACKAGES, text)?;
    if table.columns != ["added", "download", "with_recommends"] {
        return Err(invalid(PACKAGES, "the file", "columns", "other ones are expected"));
    }
    let is_whole = |sizes: &Vec<u64>| [0, 3].contains(&sizes.len());
    match table.packages.iter().find(|(_, releases)| !releases.values().all(is_whole)) {
        Some((package, _)) => Err(invalid(PACKAGES, package, "packages", "a release has no or three numbers")),
        None => Ok(table),
    }
}
