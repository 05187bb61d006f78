//! `imgopt explain`.

use anyhow::{Context, Result};
use clap::Args;

use super::terminal::{Stream, Terminal};
use super::{Exit, pass_name, passes};

#[derive(Args)]
pub(super) struct Command {
    /// The pass
    #[arg(value_name = "PASS", value_parser = pass_name(), hide_possible_values = true)]
    pass: String,
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let pass = passes::find(&command.pass).context("there is no such pass: `imgopt passes` lists them")?;
    terminal.print(Stream::Stdout, &format!("# {}\n\n{}", pass.name, pass.page()))?;
    Ok(Exit::Done)
}
