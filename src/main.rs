//! The `imgopt` program.

fn main() {}
