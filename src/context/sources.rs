//! The text files of a context, for questions about what its program says somewhere.

use super::{BuildContext, Entry};

/// More files than this are not read.
const MAX_FILES: usize = 3000;
/// More bytes than this are not read.
const MAX_BYTES: usize = 16 << 20;
/// Deeper directories are not read.
const MAX_LEVELS: usize = 24;
/// Directories that hold what others wrote or what a build makes again, and data of version control.
const PASSED_OVER: [&str; 4] = [".git", "node_modules", ".venv", "__pycache__"];

/// A text file of the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, relative to the context.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Reads the text files of the context that a build sees. `None` when the context is unknown, a limit is hit, or a file has
/// a name and no content: nothing follows from what is not found then.
pub(super) fn read(context: &BuildContext) -> Option<Vec<SourceFile>> {
    let mut files = Vec::new();
    let mut bytes = 0;
    let mut waiting = vec![(String::new(), 0)];
    while let Some((directory, level)) = waiting.pop() {
        if level > MAX_LEVELS {
            return None;
        }
        for (name, entry) in context.list(&directory)? {
            let path = super::join(&directory, &name);
            match entry {
                Entry::Directory if PASSED_OVER.contains(&name.as_str()) => {}
                Entry::Directory => waiting.push((path, level + 1)),
                Entry::File => {
                    let Some(text) = text(context, &path)? else { continue };
                    bytes += text.len();
                    files.push(SourceFile { path, text });
                }
                Entry::Ignored | Entry::Missing => {}
                Entry::Unknown => return None,
            }
            if files.len() > MAX_FILES || bytes > MAX_BYTES {
                return None;
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Some(files)
}

/// The text of a file; `Some(None)` when it is binary or the empty marker file of a package, `None` when nothing is known
/// of its content.
fn text(context: &BuildContext, path: &str) -> Option<Option<String>> {
    if let Some(text) = context.read(path) {
        return Some(Some(text));
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let may_be_empty = matches!(name, "__init__.py" | ".gitkeep" | ".keep" | "py.typed" | ".npmignore");
    let is_binary = || {
        context.head(path, 1024).is_some_and(|head| {
            head.contains(&0) || std::str::from_utf8(&head).is_err_and(|error| error.error_len().is_some())
        })
    };
    (may_be_empty || is_binary()).then_some(None)
}
