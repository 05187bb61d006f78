//! Files that changed, as git sees it.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Files;
use super::discover::{Found, identity, is_stdin};

/// Which changes count.
pub(super) enum Since<'a> {
    /// Those since a commit, with files that git does not know yet.
    Commit(&'a str),
    /// Those that the next commit takes in.
    Staged,
}

impl<'a> Since<'a> {
    /// The changes that the flags ask for.
    pub(super) fn of(files: &'a Files) -> Option<Self> {
        match &files.since {
            Some(commit) => Some(Self::Commit(commit)),
            None => files.staged.then_some(Self::Staged),
        }
    }
}

/// Keeps the files that changed. Deleted ones are not found in the first place, renamed ones have their new name.
///
/// # Errors
/// When one of `paths` is outside a git repository, git is not installed, or there is no such commit.
pub(super) fn retain(found: &mut Vec<Found>, paths: &[PathBuf], since: &Since<'_>) -> Result<()> {
    let mut changed = HashSet::new();
    let mut seen = HashSet::new();
    for path in paths {
        if is_stdin(path) {
            bail!("standard input has no history: leave out `-`, or --since and --staged");
        }
        let root = repository(path)?;
        if seen.insert(root.clone()) {
            changed.extend(changed_in(&root, since)?);
        }
    }
    found.retain(|found| changed.contains(&identity(&found.path)));
    Ok(())
}

/// The work tree in which the path lies.
fn repository(path: &Path) -> Result<PathBuf> {
    let directory = match path.parent() {
        _ if path.is_dir() => path,
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let root = git(directory, ["rev-parse", "--show-toplevel"])
        .with_context(|| format!("{} is not in a git repository, which --since and --staged need", path.display()))?;
    let root = os_path(root.strip_suffix(b"\n").unwrap_or(&root));
    fs::canonicalize(&root).with_context(|| format!("cannot read {}", root.display()))
}

fn changed_in(root: &Path, since: &Since<'_>) -> Result<Vec<PathBuf>> {
    // `d` leaves out deleted files; `-z` keeps git from quoting names.
    let diff = ["diff", "--name-only", "-z", "--diff-filter=d", "--no-relative"];
    let lists = match since {
        Since::Staged => vec![git(root, diff.into_iter().chain(["--cached"]))?],
        Since::Commit(commit) => {
            let verify = ["rev-parse", "--verify", "--end-of-options"].map(str::to_owned);
            let id = git(root, verify.into_iter().chain([format!("{commit}^{{commit}}")]))
                .with_context(|| format!("there is no commit `{commit}`"))?;
            let id = String::from_utf8_lossy(&id).trim().to_owned();
            vec![
                git(root, diff.into_iter().chain([id.as_str(), "--"]))?,
                git(root, ["ls-files", "--others", "--exclude-standard", "-z"])?,
            ]
        }
    };
    let names = lists.iter().flat_map(|list| list.split(|byte| *byte == 0)).filter(|name| !name.is_empty());
    Ok(names.map(|name| root.join(os_path(name))).collect())
}

/// What git prints.
fn git(directory: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<Vec<u8>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(arguments)
        .output()
        .context("cannot run git: install it, or leave out --since and --staged")?;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.stdout)
}

#[cfg(unix)]
fn os_path(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn os_path(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}
