//! The files of a context with their text, for questions about what its program says somewhere.

use super::{BuildContext, Entry};

/// More files than this are not read.
const MAX_FILES: usize = 5000;
/// More bytes than this are not read.
const MAX_BYTES: usize = 16 << 20;
/// Deeper directories are not read.
const MAX_LEVELS: usize = 24;
/// Directories that hold what others wrote or what a build makes again, and data of version control.
const PASSED_OVER: [&str; 4] = [".git", "node_modules", ".venv", "__pycache__"];

/// A file of the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path, relative to the context.
    pub path: String,
    /// Its text; `None` when it is not known: empty, too large, no text. An empty marker file of a package has an empty text.
    pub text: Option<String>,
}

impl SourceFile {
    /// The text, empty where it is not known.
    #[must_use]
    pub fn known(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }
}

/// Reads the files of the context that a build sees. `None` when the context is unknown or a limit is hit: nothing follows
/// from what is not found then.
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
                    let is_marker = matches!(name.as_str(), "__init__.py" | "py.typed");
                    let text = context.read(&path).or_else(|| is_marker.then(String::new));
                    bytes += text.as_ref().map_or(0, String::len);
                    files.push(SourceFile { path, text });
                }
                Entry::Ignored | Entry::Missing => {}
                Entry::Unknown => files.push(SourceFile { path, text: None }),
            }
            if files.len() > MAX_FILES || bytes > MAX_BYTES {
                return None;
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Some(files)
}
