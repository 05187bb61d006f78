//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

/// A place in a file; lines and columns count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

/// A configuration that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}{}: {problem}", file.display(), Place(*position))]
pub struct ConfigError {
    /// The file, as the user would write it.
    pub file: PathBuf,
    /// Where in the file.
    pub position: Option<Position>,
    /// What is wrong.
    pub problem: Box<Problem>,
}

impl ConfigError {
    pub(super) fn new(file: &Path, position: Option<Position>, problem: Problem) -> Self {
        Self { file: file.to_owned(), position, problem: Box::new(problem) }
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Problem {
    /// The file cannot be read.
    #[error("cannot read it: {0}")]
    Unreadable(String),
    /// The file is too large.
    #[error("larger than {} KiB", .0 >> 10)]
    TooLarge(u64),
    /// A directory has a visible and a hidden file.
    #[error("{0} is beside it: keep one of them")]
    TwoFiles(String),
    /// It is no YAML, or a value has the wrong type.
    #[error("{0}")]
    Value(String),
    /// There is no such key, pass, assumption or value.
    #[error("there is no {what} `{name}`: {}", Suggestion { nearest: nearest.as_deref(), options })]
    Unknown {
        /// What it should be, such as `key`.
        what: String,
        /// What is written.
        name: String,
        /// What may be meant.
        nearest: Option<String>,
        /// What there is.
        options: Vec<String>,
    },
    /// A file builds on itself.
    #[error("{0} builds on itself")]
    Cycle(String),
    /// A file that this one builds on cannot be read.
    #[error("cannot read {path}, on which it builds: {message}")]
    Extends {
        /// The path as written.
        path: String,
        /// Why.
        message: String,
    },
    /// More files than anybody writes build on each other.
    #[error("more than {0} files build on each other")]
    TooMany(usize),
    /// A key that cannot be changed is changed.
    #[error("`{key}` is locked by {by}")]
    Locked {
        /// The key.
        key: String,
        /// The file that locks it.
        by: String,
    },
    /// The build context is no directory.
    #[error("the build context {0} is not a directory")]
    Context(String),
}

struct Place(Option<Position>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |Position { line, column }| write!(f, ":{line}:{column}"))
    }
}

struct Suggestion<'a> {
    nearest: Option<&'a str>,
    options: &'a [String],
}

impl fmt::Display for Suggestion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(nearest) = self.nearest {
            return write!(f, "did you mean `{nearest}`?");
        }
        let options: Vec<String> = self.options.iter().map(|option| format!("`{option}`")).collect();
        write!(f, "use {}", options.join(", "))
    }
}
