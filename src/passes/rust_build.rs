//! Programs of Rust are built from what the lock file says, and without symbols.
//!
//! ## What it does
//! - `cargo build --release` gains `--locked` where `Cargo.lock` is copied and was made for `Cargo.toml`.
//! - It runs with `CARGO_PROFILE_RELEASE_STRIP=symbols`, unless the profile in `Cargo.toml` says what becomes of symbols.
//!
//! ## Why
//! A build that finds the lock file out of date takes other versions without a word; with `--locked` it stops. Symbols are a fifth of
//! a small program, and only backtraces and debuggers read them.
//!
//! ## Level
//! Guarded. The manifest and the lock file are read from the build context, and have to ask for the same packages in versions that fit;
//! workspaces, path and git dependencies are declined. A file that names a debugger or `RUST_BACKTRACE` keeps its symbols.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! The Cargo Book, "Profiles", "Environment Variables" and `cargo build --locked`.

use super::{Pass, PassContext, PassInfo, lean_builds};
use crate::rewrite::{Findings, Level};

/// See the module documentation.
#[derive(Debug)]
pub struct RustBuild;

static INFO: PassInfo = PassInfo {
    name: "rust-build",
    summary: "programs of Rust are built from what the lock file says, and without symbols",
    docs: include_str!("rust_build.rs"),
    max_level: Level::Guarded,
};

impl Pass for RustBuild {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        lean_builds::rewrite_builds(cx.model, "cargo", found);
    }
}
