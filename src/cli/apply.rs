//! `imgopt apply`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::Exit;
use super::discover::{self, Found};
use super::rewrite::failure;
use super::terminal::{Stream, Terminal};
use crate::config::Configs;
use crate::emit::{self, EmitError};
use crate::report::{Failure, FileReport, Finding, printable};

#[derive(Args)]
pub(super) struct Command {
    /// Dockerfiles, their `.optimized` files, or directories to search
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Take outputs that were edited by hand as they stand
    #[arg(long)]
    force: bool,
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let original = |path: &PathBuf| emit::original_of(path).unwrap_or_else(|| path.clone());
    let paths: Vec<PathBuf> = command.paths.iter().map(original).collect();
    let found = discover::discover(&paths, true, &Configs::default())?;
    let found: Vec<Found> =
        found.into_iter().filter(|found| found.named || emit::beside(&found.path).exists()).collect();
    if found.is_empty() {
        terminal.note(Stream::Stdout, "there is no output to apply: `imgopt rewrite` writes them\n")?;
    }
    let mut exit = Exit::Done;
    for Found { path, .. } in found {
        let output = emit::beside(&path);
        match apply(&path, &output, command.force) {
            Ok(()) => {
                let text = printable(&format!("{} is now what {} was", path.display(), output.display()));
                terminal.note(Stream::Stdout, &(text + "\n"))?;
            }
            Err(failure) => {
                exit = Exit::Failed;
                let finding = Finding::Failed(failure);
                terminal.failures(&[FileReport { path: path.display().to_string(), finding, outputs: Vec::new() }])?;
            }
        }
    }
    Ok(exit)
}

fn apply(path: &Path, output: &Path, force: bool) -> Result<(), Failure> {
    if !output.exists() {
        let message = format!("there is no {}", output.display());
        return Err(Failure::new(message, "run `imgopt rewrite` first, and review what it writes"));
    }
    emit::apply(path, output, force).map_err(|error| match error {
        EmitError::Edited(_) => Failure::new(error.to_string(), "use --force to take it as it stands"),
        EmitError::Foreign(_) => {
            Failure::new(error.to_string(), "replace the original yourself, and remove the output")
        }
        error => failure(&error),
    })
}
