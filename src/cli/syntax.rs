//! `imgopt syntax`.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};

use super::Exit;
use super::discover::is_stdin;
use super::run;
use super::terminal::{Stream, Terminal};
use crate::report::{FileReport, Finding};
use crate::syntax::reading::Reading;

#[derive(Args)]
pub(super) struct Command {
    /// Dockerfiles, or `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// How to print
    #[arg(long, default_value = "json")]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A line a file
    Json,
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let Format::Json = command.format;
    let lines = run::in_parallel(&command.files, |file| {
        let text = run::read((!is_stdin(file)).then_some(file))?;
        let name = file.to_string_lossy();
        Ok(serde_json::to_string(&Reading::new(&name, &text)))
    })?;
    let mut exit = Exit::Done;
    for (file, line) in command.files.iter().zip(lines) {
        match line {
            Ok(line) => terminal.print(Stream::Stdout, &(line? + "\n"))?,
            Err(failure) => {
                exit = Exit::Failed;
                let path = file.display().to_string();
                terminal.failures(&[FileReport { path, finding: Finding::Failed(failure), outputs: Vec::new() }])?;
            }
        }
    }
    Ok(exit)
}
