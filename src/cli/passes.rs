//! `imgopt passes`.

use std::fmt::Write;

use anyhow::Result;

use super::Exit;
use super::terminal::{Stream, Terminal};
use crate::passes::{PIPELINE, PassInfo};

/// All passes, in the order in which they run.
pub(super) fn passes() -> impl Iterator<Item = &'static PassInfo> {
    PIPELINE.iter().map(|pass| pass.info())
}

/// The pass of that name.
pub(super) fn find(name: &str) -> Option<&'static PassInfo> {
    passes().find(|pass| pass.name == name)
}

pub(super) fn run(terminal: &Terminal) -> Result<Exit> {
    let width = passes().map(|pass| pass.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for pass in passes() {
        writeln!(text, "{:width$}  {:8}  {}", pass.name, pass.max_level.name(), pass.summary)?;
    }
    terminal.print(Stream::Stdout, &text)?;
    Ok(Exit::Done)
}
