//! Cases of single passes, `tests/passes/<pass>/<case>`, at the highest level of the pass.
//!
//! A file `level` names another level, a file `base` what base images are chosen. See `cases` for what else lies in a case.

mod cases;

use std::error::Error;
use std::path::Path;

use imgopt::rewrite::Level;
use imgopt::{BaseChoice, Options, passes};

fn main() {
    cases::run("tests/passes", "*/*/Dockerfile", options);
}

fn options(case: &Path) -> Result<Options, Box<dyn Error>> {
    let pass = case.parent().and_then(Path::file_name).expect("cases lie below their pass").to_string_lossy();
    let info = passes::by_name(&pass).ok_or_else(|| format!("there is no pass `{pass}`"))?.info();
    let level = match std::fs::read_to_string(case.join("level")) {
        Ok(level) => level.trim().parse()?,
        Err(_) => info.max_level.min(Level::Breaking),
    };
    let base = match std::fs::read_to_string(case.join("base")) {
        Ok(name) => BaseChoice::NAMES.into_iter().find(|(known, _)| *known == name.trim()).ok_or("no base")?.1,
        Err(_) => BaseChoice::Auto,
    };
    Ok(Options { level, base, only: [pass.into_owned()].into(), ..Options::default() })
}
