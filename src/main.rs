//! The `imgopt` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    imgopt::cli::main()
}
