//! `imgopt.lock`: which index each tag named on a day, so that everybody pins the same.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::emit::{self, EmitError};
use crate::syntax::image::ImageReference;

/// The name of the file.
pub const NAME: &str = "imgopt.lock";

const HEADER: &str = "# Written by `imgopt pin`: the index that each tag named on that day.\n";

/// The longest file that is read, in bytes.
const SIZE_LIMIT: u64 = 1 << 20;

/// The images of a lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    images: BTreeMap<String, Pin>,
}

/// What a tag named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Digest of the index over all platforms.
    pub digest: String,
    /// The day, `YYYY-MM-DD`.
    pub date: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    images: BTreeMap<String, Pin>,
}

/// A lock that cannot be used.
#[derive(Debug, Error)]
pub enum LockError {
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Read(#[from] io::Error),
    /// The file is too large.
    #[error("larger than {} KiB", SIZE_LIMIT >> 10)]
    TooLarge,
    /// It is no YAML of that form.
    #[error(transparent)]
    Form(#[from] serde_yaml::Error),
    /// A later version of imgopt wrote it.
    #[error("version {0} is for a later imgopt")]
    Version(u32),
    /// A digest is none.
    #[error("`{digest}` of {image} is no digest")]
    Digest {
        /// The image.
        image: String,
        /// What is written.
        digest: String,
    },
}

impl Lock {
    /// The lock in a file; a missing file has no images.
    ///
    /// # Errors
    /// Any [`LockError`].
    pub fn read(path: &Path) -> Result<Self, LockError> {
        match fs::metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Ok(metadata) if metadata.len() > SIZE_LIMIT => return Err(LockError::TooLarge),
            _ => {}
        }
        let file: File = serde_yaml::from_str(&fs::read_to_string(path)?)?;
        if file.version != 1 {
            return Err(LockError::Version(file.version));
        }
        if let Some((image, pin)) = file.images.iter().find(|(_, pin)| !is_digest(&pin.digest)) {
            return Err(LockError::Digest { image: image.clone(), digest: pin.digest.clone() });
        }
        Ok(Self { images: file.images })
    }

    /// Writes the file, as a whole or not at all.
    ///
    /// # Errors
    /// [`EmitError::Write`]; the file is as it was then.
    pub fn write(&self, path: &Path) -> Result<(), EmitError> {
        let file = File { version: 1, images: self.images.clone() };
        let text = serde_yaml::to_string(&file)
            .map_err(|error| EmitError::Write { path: path.to_owned(), error: io::Error::other(error) })?;
        emit::replace(path, &format!("{HEADER}{text}"))
    }

    /// Whether it has no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// What the tag of the image named.
    #[must_use]
    pub fn pin(&self, image: &ImageReference) -> Option<&Pin> {
        self.images.get(&key(image))
    }

    /// Sets what the tag of the image names.
    pub fn set(&mut self, image: &ImageReference, pin: Pin) {
        self.images.insert(key(image), pin);
    }
}

/// The name by which an image is found: `docker.io/library/python:3.12`, whatever way it is written.
fn key(image: &ImageReference) -> String {
    format!("{}:{}", image.name(), image.tag.as_deref().unwrap_or("latest"))
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> ImageReference {
        text.parse().expect("a reference")
    }

    #[test]
    fn one_image_has_one_entry() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join(NAME);
        let mut lock = Lock::read(&path).expect("a missing file is empty");
        let pin = Pin { digest: format!("sha256:{}", "0".repeat(64)), date: "2026-01-02".to_owned() };
        lock.set(&image("python:3.12"), pin.clone());
        lock.write(&path).expect("written");
        let read = Lock::read(&path).expect("it is read");
        assert_eq!(read, lock);
        assert_eq!(read.pin(&image("docker.io/library/python:3.12")), Some(&pin));
        assert_eq!(read.pin(&image("python:3.13")), None);
    }

    #[test]
    fn files_that_cannot_be_used() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let path = place.path().join(NAME);
        let error = |text: &str| {
            fs::write(&path, text).expect("written");
            Lock::read(&path).expect_err("it cannot be used").to_string()
        };
        assert_eq!(error("version: 2\nimages: {}\n"), "version 2 is for a later imgopt");
        assert_eq!(error("version: 1\nimages: {a: {digest: 'sha256:0', date: x}}\n"), "`sha256:0` of a is no digest");
        assert!(error("version: 1\n").contains("missing field `images`"));
    }
}
