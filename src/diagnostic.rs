//! Findings about a text that stop or limit its reading.

use crate::source::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// BuildKit reads the file; it warns, or it fails when it comes to this step.
    Warning,
    /// BuildKit reads the file; the project does not allow it.
    Disallowed,
    /// BuildKit rejects one instruction.
    InstructionError,
    /// BuildKit's parser rejects the file.
    ParseError,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What, in BuildKit's terms: lower case, no full stop.
    pub message: String,
    /// What to do, such as `did you mean RUN?`.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// The finding with a hint.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}
