//! Whole Dockerfiles through all passes, `tests/pipeline/<case>`, as `imgopt rewrite` runs them.
//!
//! See `cases` for what lies in a case.

mod cases;

use imgopt::Options;

fn main() {
    cases::run("tests/pipeline", "*/Dockerfile", |_| Ok(Options::default()));
}
