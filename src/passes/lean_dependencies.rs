//! Packages that an image does not need are pointed out.
//!
//! ## What it does
//! It says where a manifest that the final stage installs lists development tools among what the program needs, or a heavy package
//! that has a lean twin. It changes no manifest.
//!
//! ## Why
//! What is installed is downloaded, stored and scanned with every image.
//!
//! ## Level
//! Proposal: names of packages do not say what a program imports.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! `rewrites/lean.yaml`.

use super::{Pass, PassContext, PassInfo};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::tables;

/// See the module documentation.
#[derive(Debug)]
pub struct LeanDependencies;

static INFO: PassInfo = PassInfo {
    name: "lean-dependencies",
    summary: "development tools and heavy packages among what the image installs are pointed out",
    docs: include_str!("lean_dependencies.rs"),
    max_level: Level::Proposal,
};

impl Pass for LeanDependencies {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        let Some(stage) = model.final_stage() else { return };
        for index in stage.instructions.clone().filter(|index| model.is_run(*index)) {
            let Some(body) = model.body(index) else { continue };
            let span = model.instruction(index).span;
            for word in body.text.text.split_whitespace() {
                let path = word.trim_start_matches("./").trim_matches('"');
                let name = path.rsplit('/').next().unwrap_or(path);
                if !tables::lean().is_manifest(name) {
                    continue;
                }
                let file = model.final_workdir(stage).and_then(|workdir| {
                    let path = if path.starts_with('/') { path.to_owned() } else { format!("{workdir}/{path}") };
                    model.context_file(stage, index, &path)
                });
                let Some((file, text)) = file.and_then(|file| Some((file.clone(), model.context.read(&file)?))) else {
                    continue;
                };
                for (package, advice) in tables::lean().findings(&text) {
                    found.push(Rewrite::new(
                        Level::Proposal,
                        span,
                        format!("`{file}` installs `{package}`: {advice}"),
                        "what is installed is downloaded, stored and scanned with every image",
                    ));
                }
            }
        }
    }
}
