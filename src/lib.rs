//! imgopt rewrites a Dockerfile into a leaner one, with a reason and a justification for each change.
//!
//! ```text
//! Dockerfile text + build context + options
//!    │  syntax::parse          items that tile the text → AST of spans + diagnostics
//!    ▼
//! Dockerfile
//!    │  model::Model::build    stages, variables, users, shell commands, base images
//!    ▼
//! Model
//!    │  for each pass in passes::PIPELINE: rewrites → edits → new text → parse again → validate::check
//!    ▼
//! Outcome
//! ```
//!
//! The core is a function: [`optimize`] reads no files but those of the [`context::BuildContext`] it is given, and
//! writes none.

pub mod baseline;
pub mod config;
pub mod context;
pub mod diagnostic;
pub mod dialect;
pub mod edit;
pub mod emit;
pub mod lock;
pub mod model;
pub mod passes;
pub mod pipeline;
pub mod policy;
#[cfg(feature = "registry")]
pub mod registry;
pub mod report;
mod reproduce;
pub mod rewrite;
pub mod shell;
pub mod source;
pub mod suppress;
pub mod syntax;
pub mod tables;
pub mod validate;

#[doc(hidden)]
pub mod cli;

pub use pipeline::{Applied, BaseChoice, Declined, Options, Outcome, Proposed, Violation, optimize};
