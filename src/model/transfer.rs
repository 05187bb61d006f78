//! Whether ADD does no more than COPY would.

use super::Model;
use crate::context::Entry;
use crate::syntax::ast::{InstructionKind, Transfer, Word};
use crate::tables;

/// What is known of the sources of an ADD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plain {
    /// Directories, or files whose first bytes are no archive: COPY does the same.
    Proved(String),
    /// Files whose names say that they are no archives; their content is not seen.
    ByName(String),
    /// ADD is right: the source is fetched or unpacked.
    NeedsAdd,
    /// Not known.
    Unclear(String),
}

/// What is known of all sources of an ADD.
#[must_use]
pub fn plain_add(model: &Model<'_>, index: usize) -> Option<Plain> {
    let instruction = model.instruction(index);
    let InstructionKind::Add(transfer) = &instruction.kind else { return None };
    if instruction.flags.iter().any(|flag| !matches!(flag.name.as_str(), "chown" | "chmod" | "link" | "exclude")) {
        // `--checksum`, `--keep-git-dir` and `--unpack` are for what only ADD does.
        return Some(Plain::NeedsAdd);
    }
    Some(all_plain(model, transfer))
}

fn all_plain(model: &Model<'_>, transfer: &Transfer) -> Plain {
    let mut worst: Option<Plain> = None;
    for source in &transfer.sources {
        let plain = plain_source(model, source);
        let rank = |plain: &Plain| match plain {
            Plain::Proved(_) => 0,
            Plain::ByName(_) => 1,
            Plain::Unclear(_) => 2,
            Plain::NeedsAdd => 3,
        };
        if worst.as_ref().is_none_or(|worst| rank(&plain) > rank(worst)) {
            worst = Some(plain);
        }
    }
    worst.unwrap_or_else(|| Plain::Unclear("it has no source".to_owned()))
}

fn plain_source(model: &Model<'_>, source: &Word) -> Plain {
    let path = source.text.as_str();
    if is_remote(path) {
        return Plain::NeedsAdd;
    }
    if path.starts_with("<<") {
        return Plain::Unclear("its content is a heredoc".to_owned());
    }
    if path.contains(['$', '*', '?', '[', '"', '\'', '\\']) {
        return Plain::Unclear(format!("`{path}` may stand for an archive"));
    }
    let last = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if path.ends_with('/') || matches!(last, "" | "." | "..") {
        return Plain::Proved(format!("`{path}` can only be a directory"));
    }
    match model.context.entry(path) {
        Entry::Directory => return Plain::Proved(format!("`{path}` is a directory")),
        Entry::Missing => return Plain::Unclear(format!("`{path}` is not in the build context")),
        Entry::Ignored => return Plain::Unclear(format!("the ignore file leaves `{path}` out")),
        Entry::File => {
            if let Some(head) = model.context.head(path, 512) {
                return if is_archive(&head) {
                    Plain::NeedsAdd
                } else {
                    Plain::Proved(format!("the first bytes of `{path}` are no archive"))
                };
            }
        }
        Entry::Unknown => {}
    }
    by_name(path, last)
}

fn by_name(path: &str, last: &str) -> Plain {
    let extension =
        last.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension.to_lowercase());
    let table = tables::extensions();
    match extension {
        Some(extension) if table.is_archive(&extension) => Plain::NeedsAdd,
        Some(extension) if table.is_plain(&extension) => Plain::ByName(format!("`{path}` is no archive by its name")),
        None if !table.may_name_archive(last) => Plain::ByName(format!("`{path}` is no archive by its name")),
        _ => Plain::Unclear(format!("`{path}` may be an archive: its content is not seen")),
    }
}

/// A URL or a git repository, by the rules of `parser/...` of BuildKit's `isHTTPSource` and `ParseGitRef`.
fn is_remote(path: &str) -> bool {
    ["http://", "https://", "ftp://", "git://", "ssh://", "git@"].iter().any(|prefix| path.starts_with(prefix))
        || (path.contains('@') && path.contains(':'))
        || path.starts_with("github.com/")
        || path.contains(".git#")
}

/// Whether ADD would unpack a file with these first bytes: a tar archive, or something compressed, which may hold one.
fn is_archive(head: &[u8]) -> bool {
    const MAGIC: [&[u8]; 5] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"\x5d\0\0"];
    MAGIC.iter().any(|magic| head.starts_with(magic)) || is_tar_header(head)
}

/// A tar header carries the sum of its bytes, the sum itself counted as blanks.
fn is_tar_header(head: &[u8]) -> bool {
    if head.len() < 512 {
        return false;
    }
    if head[257..].starts_with(b"ustar") {
        return true;
    }
    let field: String = head[148..156].iter().map(|byte| char::from(*byte)).filter(char::is_ascii_digit).collect();
    let sum: u64 = head[..512]
        .iter()
        .enumerate()
        .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u64::from(*byte) })
        .sum();
    u64::from_str_radix(&field, 8) == Ok(sum)
}
