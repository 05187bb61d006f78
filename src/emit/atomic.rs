//! Writes a file as a whole or not at all: into a temporary file beside it, which then takes its name.

use std::fs::{self, File, Metadata};
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

/// Writes `text` to `target`. The file keeps its mode and its owner; a new one takes those of `like`. A symbolic link
/// stays, and what it points to is written.
///
/// # Errors
/// Any error of the file system, after which `target` is as it was; a read-only target is one.
pub(super) fn write(target: &Path, text: &str, like: Option<&Path>) -> io::Result<()> {
    let target = if target.is_symlink() { fs::canonicalize(target)? } else { target.to_owned() };
    let existing = match fs::metadata(&target) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if existing.as_ref().is_some_and(|metadata| metadata.permissions().readonly()) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the file is read-only"));
    }
    let mut file = temporary_beside(&target)?;
    file.as_file_mut().write_all(text.as_bytes())?;
    if let Some(metadata) = existing.or_else(|| fs::metadata(like?).ok()) {
        adopt(file.as_file(), &metadata)?;
    }
    // Some file systems report a full disk only now, and a crash must not leave an empty file under the old name.
    file.as_file().sync_all()?;
    file.persist(&target)?;
    Ok(())
}

fn temporary_beside(target: &Path) -> io::Result<NamedTempFile> {
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::metadata(directory)?;
    // The name of the temporary file says nothing to the user.
    tempfile::Builder::new().prefix(".imgopt-").tempfile_in(directory).map_err(|error| error.kind().into())
}

#[cfg(unix)]
fn adopt(file: &File, metadata: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};

    // Only root may give a file away, as it does in a container that works on a mounted repository; for anyone else
    // the file is theirs already.
    let _ = fchown(file, Some(metadata.uid()), Some(metadata.gid()));
    file.set_permissions(metadata.permissions())
}

#[cfg(not(unix))]
fn adopt(file: &File, metadata: &Metadata) -> io::Result<()> {
    file.set_permissions(metadata.permissions())
}
