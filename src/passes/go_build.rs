//! Programs of Go are built without symbols, and without C where nothing needs it.
//!
//! ## What it does
//! - `go build` gains `-ldflags="-s -w"`, which leaves symbols and debug information out of the program.
//! - It gains `-trimpath` where the sources are seen and none asks for its own path.
//! - It gains `CGO_ENABLED=0` in a stage that hands the program to another one, where neither the sources nor the modules that go.mod
//!   requires use C.
//!
//! ## Why
//! A program of Go is about a third smaller without symbols. Without C it is static: it runs on any image, also on one that has
//! no C library.
//!
//! ## Level
//! Guarded. A command that has `-ldflags` keeps it. Builds for debugging (`dlv`, `-gcflags`), with the race detector or of libraries stay
//! as they are, and so do sources that read symbols. UPX is never used.
//!
//! ## Assumptions
//! Code of modules, and code that is not seen, reads no symbols of its own program and needs no C library; none of it looks for files beside
//! its sources at run time.
//!
//! ## References
//! `go help build`; cmd/link; package net, "Name Resolution".

use super::{Pass, PassContext, PassInfo, lean_builds};
use crate::rewrite::{Findings, Level};

/// See the module documentation.
#[derive(Debug)]
pub struct GoBuild;

static INFO: PassInfo = PassInfo {
    name: "go-build",
    summary: "programs of Go are built without symbols, and without C where nothing needs it",
    docs: include_str!("go_build.rs"),
    max_level: Level::Guarded,
};

impl Pass for GoBuild {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        lean_builds::rewrite_builds(cx.model, "go", found);
    }
}
