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
    terminal.print(Stream::Stdout, &format!("# {}\n\n{}", pass.name, page(pass.docs)))?;
    Ok(Exit::Done)
}

/// The module documentation at the top of the source of a pass, which is its page.
fn page(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_is_the_documentation_of_the_module() {
        assert_eq!(super::page("//! A.\n//!\n//! ## B\n//!     c\n\nuse d;\n//! e\n"), "A.\n\n## B\n    c\n");
    }
}
