//! Reading of Dockerfiles: text → items that tile it → AST of spans, with diagnostics.
//!
//! ```text
//! scan       physical lines: directives, comments, continuations, heredoc bodies → items, logical lines
//! node       a logical line by the grammar of its instruction (grammar/instruction.pest) → keyword, flags, payload
//! lower      payload → AST, and what BuildKit says is wrong with it
//! ```
//!
//! [`expand`], [`image`] and [`mount`] read what words say; [`make`] writes new syntax.

pub mod ast;
mod directive;
pub mod expand;
mod flags;
mod grammar;
pub mod heredoc;
pub mod image;
mod json;
mod line;
mod lower;
pub mod make;
pub mod mount;
mod node;
pub mod reading;
pub mod scan;
pub(crate) mod suggest;

pub use directive::{Frontend, detect_frontend};

use crate::diagnostic::{Diagnostic, Severity};
use ast::Dockerfile;

/// A Dockerfile as read, with what is wrong with it.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// The tree; there is one for every text.
    pub dockerfile: Dockerfile,
    /// Errors and warnings in order of their place.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether BuildKit would reject the file.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity > Severity::Warning)
    }
}

/// Reads a Dockerfile.
#[must_use]
pub fn parse(source: &str) -> Parsed {
    let mut scan = scan::scan(source);
    let mut diagnostics = std::mem::take(&mut scan.diagnostics);
    let instructions = lower::instructions(source, &scan, &mut diagnostics);
    diagnostics.sort_by_key(|diagnostic| diagnostic.span.start);
    let scan::Scan { items, directives, escape, .. } = scan;
    Parsed { dockerfile: Dockerfile { items, directives, escape, instructions }, diagnostics }
}
