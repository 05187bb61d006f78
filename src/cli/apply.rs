//! `imgopt apply`.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;

use super::Exit;
use super::discover::{self, Found};
use super::rewrite::failure;
use super::terminal::{Stream, Terminal};
use crate::emit;
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
    let paths: Vec<PathBuf> = command.paths.iter().map(|path| original(path)).collect();
    let found = discover::discover(&paths, true);
    let mut exit = Exit::Done;
    let mut n_applied = 0;
    for found in found.iter().filter(|found| found.named || emit::beside(&found.path).exists()) {
        match apply(found, command.force) {
            Ok(()) => {
                n_applied += 1;
                let text =
                    format!("{} is now what {} was\n", found.path.display(), emit::beside(&found.path).display());
                terminal.note(Stream::Stdout, &printable_line(&text))?;
            }
            Err(failure) => {
                exit = Exit::Failed;
                let finding = Finding::Failed(failure);
                let report = FileReport { path: found.path.display().to_string(), finding, outputs: Vec::new() };
                terminal.failures(&[report])?;
            }
        }
    }
    if n_applied == 0 && exit == Exit::Done {
        terminal.note(Stream::Stdout, "there is no output to apply: `imgopt rewrite` writes them\n")?;
    }
    Ok(exit)
}

fn apply(found: &Found, force: bool) -> Result<(), Failure> {
    let output = emit::beside(&found.path);
    if !output.exists() {
        let message = format!("there is no {}", output.display());
        return Err(Failure::new(message, "run `imgopt rewrite` first, and review what it writes"));
    }
    emit::apply(&found.path, &output, force).map_err(|error| failure(&error))
}

/// The Dockerfile that a path means: that of an output, or the path itself.
fn original(path: &Path) -> PathBuf {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    match name.as_deref().and_then(|name| name.strip_suffix(emit::SUFFIX)) {
        Some(name) if !name.is_empty() => path.with_file_name(name),
        _ => path.to_owned(),
    }
}

fn printable_line(text: &str) -> String {
    printable(text.trim_end()) + "\n"
}
