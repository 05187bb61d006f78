//! Reading of shell scripts.
//!
//! A script is read twice. `grammar` and `word` follow the grammar of the POSIX standard (XCU 2, "Shell Command
//! Language") and build the [`ast`]; `agreement` has tree-sitter-bash read the same text, which must find no error and the
//! same commands, operators and compound commands in the same places. tree-sitter-bash alone is not enough to rewrite by:
//! it takes the brace of `! { …; }` and the assignments of `A=1 PATH=$PATH:$(pwd)` for commands, an escaped blank for
//! white space, and what follows the name of a heredoc for a part of the redirect. What one of the two does not read, or
//! both read differently, is [`NotUnderstood`], and nothing in it is rewritten.

pub mod ast;
pub mod command;
pub mod kind;
pub mod state;

mod agreement;
mod grammar;
mod heredoc;
mod reader;
mod word;

use ast::Script;

/// The shell that reads a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// A POSIX shell: dash, busybox ash, or a `sh` of which no more is known.
    Posix,
    /// bash.
    Bash,
}

/// Why a script is not understood: nothing in it is rewritten.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// Larger than the limit.
    #[error("the script is larger than 256 KiB")]
    TooLarge,
    /// Nested deeper, or more work to read, than any script that people write.
    #[error("the script is nested too deeply")]
    TooComplex,
    /// The parser found an error.
    #[error("the shell syntax is not understood")]
    Syntax,
    /// Valid for bash, another thing for a POSIX shell.
    #[error("`{0}` means another thing to a POSIX shell than to bash")]
    NotPosix(String),
}

/// Largest script that is read, in bytes.
const MAX_LEN: usize = 256 * 1024;

/// Reads a script.
///
/// # Errors
/// [`NotUnderstood`] says why nothing in the script may be rewritten.
pub fn parse(text: &str, dialect: Dialect) -> Result<Script, NotUnderstood> {
    if text.len() > MAX_LEN {
        return Err(NotUnderstood::TooLarge);
    }
    let reading = grammar::read(text, dialect)?;
    agreement::check(text, &reading.landmarks, &reading.negations)?;
    Ok(reading.script)
}
