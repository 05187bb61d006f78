//! `uv.lock` (uv, "Lockfile"; the format is uv's own, so only what is plain is read).

use std::collections::BTreeSet;

use toml::{Table, Value};

use super::pyproject::Pyproject;
use super::requirements::{self, Requirement};

/// What a `uv.lock` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UvLock {
    /// `requires-python` without blanks.
    pub requires_python: Option<String>,
    /// Names and sources of the packages that lie beside the lock file.
    pub local: Vec<(String, String)>,
    /// What the project itself asks for: names, as indexes compare them.
    root: Option<BTreeSet<(String, String)>>,
}

/// Reads a lock file; `None` when it is none.
#[must_use]
pub fn read(text: &str) -> Option<UvLock> {
    let table: Table = text.parse().ok()?;
    table.get("version")?.as_integer()?;
    let python = table.get("requires-python").and_then(Value::as_str);
    let requires_python = python.map(|versions| versions.split_whitespace().collect());
    let mut found = UvLock { requires_python, local: Vec::new(), root: None };
    for package in table.get("package").and_then(Value::as_array).into_iter().flatten() {
        let name = package.get("name")?.as_str()?;
        let source = package.get("source")?.as_table()?;
        let kinds = ["directory", "editable", "path", "virtual"];
        let Some((_, path)) = source.iter().find(|(kind, _)| kinds.contains(&kind.as_str())) else { continue };
        let path = path.as_str()?;
        found.local.push((name.to_owned(), path.to_owned()));
        if path == "." {
            found.root = Some(asked_for(package)?);
        }
    }
    Some(found)
}

/// `metadata.requires-dist` of a package, without what belongs to an extra.
fn asked_for(package: &Value) -> Option<BTreeSet<(String, String)>> {
    let list = package.get("metadata").and_then(|metadata| metadata.get("requires-dist"));
    let list = list.and_then(Value::as_array).into_iter().flatten();
    let text = |item: &Value, key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let wanted = list.filter(|item| !text(item, "marker").contains("extra =="));
    wanted.map(|item| Some((item.get("name")?.as_str()?.to_owned(), ordered(&text(item, "specifier"))))).collect()
}

/// Versions in one order, without blanks.
fn ordered(versions: &str) -> String {
    let mut parts: Vec<String> = versions.split(',').map(|part| part.split_whitespace().collect()).collect();
    parts.sort();
    parts.join(",")
}

impl UvLock {
    /// Checks that the project asks for what it asked for when the lock file was written.
    ///
    /// # Errors
    /// What differs.
    pub fn agrees_with(&self, project: &Pyproject) -> Result<(), String> {
        let root = self.root.as_ref().ok_or("the lock file does not hold the project")?;
        let mut wanted = BTreeSet::new();
        for requirement in requirements::read(&project.dependencies.join("\n")) {
            let Requirement::Package { name, rest } = requirement else {
                return Err("not all dependencies are packages of an index".to_owned());
            };
            let rest = rest.split(';').next().unwrap_or_default().trim();
            let versions = rest.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(rest, |(_, rest)| rest);
            wanted.insert((name, ordered(versions.trim().trim_matches(['(', ')']))));
        }
        match wanted.symmetric_difference(root).next() {
            Some((name, _)) => Err(format!("`{name}` is not what the lock file was made for")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pyproject;
    use super::*;

    #[test]
    fn agreement() {
        let lock = read(
            "version = 1\n[[package]]\nname = \"flask\"\nsource = { registry = \"https://x\" }\n\
             [[package]]\nname = \"a\"\nsource = { virtual = \".\" }\n\
             [package.metadata]\nrequires-dist = [{ name = \"flask\", extras = [\"x\"], specifier = \">=2,<4\" }]\n",
        )
        .expect("a lock file");
        assert_eq!(lock.local, [("a".to_owned(), ".".to_owned())]);
        let agrees = |dependencies: &str| {
            let text = format!("[project]\nname = \"a\"\ndependencies = [{dependencies}]\n");
            lock.agrees_with(&pyproject::read(&text).expect("a project"))
        };
        assert_eq!(agrees("\"Flask[x] <4, >=2\""), Ok(()));
        assert!(agrees("\"flask>=3\"").is_err());
        assert!(agrees("\"flask>=2,<4\", \"b\"").is_err());
        assert_eq!(read(""), None);
    }
}
