//! Compiles the tables of `rewrites/` in: of each its text, and the same as JSON, which is read several times faster
//! when the program starts.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("rewrites");
    let mut files = BTreeMap::new();
    collect(&root, &root, &mut files)?;
    let mut list = String::from("&[\n");
    for (name, path) in files {
        let value: serde_yaml::Value = serde_yaml::from_str(&fs::read_to_string(&path)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        let json = serde_json::to_string(&value)?;
        writeln!(list, "    ShippedTable {{ file: {name:?}, yaml: include_str!({path:?}), json: {json:?} }},")?;
    }
    list += "]\n";
    fs::write(Path::new(&env::var("OUT_DIR")?).join("tables.rs"), list)?;
    Ok(())
}

/// The tables below `directory`, by their paths in `root`.
fn collect(root: &Path, directory: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={}", directory.display());
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let components =
                path.strip_prefix(root)?.components().map(|component| component.as_os_str().to_string_lossy());
            files.insert(components.collect::<Vec<_>>().join("/"), path.clone());
        }
    }
    Ok(())
}
