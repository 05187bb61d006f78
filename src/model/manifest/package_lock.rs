//! `package-lock.json` and `npm-shrinkwrap.json` (npm, "package-lock.json").

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::package_json::PackageJson;

/// What a lock file of npm says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageLock {
    /// `lockfileVersion`.
    pub version: u64,
    /// What the project asks for, by kind and name; `None` in version 1, which does not say.
    root: Option<BTreeMap<String, BTreeMap<String, String>>>,
    /// The names of the packages that lie directly below the project, with their versions.
    installed: BTreeMap<String, String>,
    /// The packages that run scripts when they are installed; `None` in version 1, which does not say.
    pub with_scripts: Option<Vec<String>>,
    /// Directories that are linked, as workspaces are.
    pub links: Vec<String>,
    /// The programs of the packages that lie directly below the project and that not only development needs.
    pub programs: BTreeSet<String>,
    /// What each package needs to be there, by the path of the package.
    needed: BTreeMap<String, Vec<String>>,
}

/// Reads a lock file; `None` when it is none.
#[must_use]
pub fn read(text: &str) -> Option<PackageLock> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let version = value.get("lockfileVersion")?.as_u64()?;
    let Some(packages) = value.get("packages") else {
        let installed = value.get("dependencies").and_then(Value::as_object).map(versions).unwrap_or_default();
        return Some(PackageLock {
            version,
            root: None,
            installed,
            with_scripts: None,
            links: Vec::new(),
            programs: BTreeSet::new(),
            needed: BTreeMap::new(),
        });
    };
    let packages = packages.as_object()?;
    let direct = packages.iter().filter_map(|(path, package)| Some((path.strip_prefix("node_modules/")?, package)));
    let direct = direct.filter(|(name, _)| !name.contains("/node_modules/"));
    let is_of_program =
        |package: &Value| !["dev", "devOptional"].iter().any(|key| package.get(key) == Some(&Value::Bool(true)));
    let programs = direct
        .clone()
        .filter(|(_, package)| is_of_program(package))
        .filter_map(|(_, package)| Some(package.get("bin")?.as_object()?.keys().cloned().collect::<Vec<_>>()));
    let with_scripts =
        packages.iter().filter(|(_, package)| package.get("hasInstallScript") == Some(&Value::Bool(true)));
    let links = packages.values().filter(|package| package.get("link") == Some(&Value::Bool(true)));
    Some(PackageLock {
        version,
        root: Some(packages.get("")?.as_object().map(kinds)?),
        installed: direct.map(|(name, package)| (name.to_owned(), version_of(package))).collect(),
        with_scripts: Some(with_scripts.map(|(path, _)| name_of(path)).collect()),
        programs: programs.flatten().collect(),
        needed: packages.iter().map(|(path, package)| (path.clone(), needed(package))).collect(),
        links: links.filter_map(|package| package.get("resolved")?.as_str().map(str::to_owned)).collect(),
    })
}

/// What a package needs to be there: its dependencies, and those of its peers that are not optional.
fn needed(package: &Value) -> Vec<String> {
    let names =
        |key: &str| package.get(key).and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone());
    let is_optional = |name: &String| {
        let meta = package.get("peerDependenciesMeta").and_then(|meta| meta.get(name));
        meta.and_then(|meta| meta.get("optional")) == Some(&Value::Bool(true))
    };
    names("dependencies").chain(names("peerDependencies").filter(|name| !is_optional(name))).collect()
}

fn versions(map: &Map<String, Value>) -> BTreeMap<String, String> {
    map.iter().map(|(name, package)| (name.clone(), version_of(package))).collect()
}

fn version_of(package: &Value) -> String {
    package.get("version").and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// `a` for `node_modules/b/node_modules/a`; the root and workspaces by their path.
fn name_of(path: &str) -> String {
    path.rsplit_once("node_modules/").map_or(path, |(_, name)| name).to_owned()
}

fn kinds(root: &Map<String, Value>) -> BTreeMap<String, BTreeMap<String, String>> {
    let read = |value: &Value| -> Option<BTreeMap<String, String>> {
        value.as_object()?.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
    };
    root.iter()
        .filter(|(kind, _)| kind.ends_with("ependencies"))
        .filter_map(|(kind, value)| Some((kind.clone(), read(value)?)))
        .collect()
}

impl PackageLock {
    /// Checks that the lock file holds whatever its packages need: one that was made without the peers of packages does not.
    ///
    /// # Errors
    /// What is missing.
    pub fn is_whole(&self) -> Result<(), String> {
        if let Some(link) = self.links.first() {
            return Err(format!("`{link}` is linked"));
        }
        for (path, names) in &self.needed {
            if let Some(name) = names.iter().find(|name| !self.resolves(path, name)) {
                return Err(format!("`{name}`, which `{path}` needs, is not in the lock file"));
            }
        }
        Ok(())
    }

    /// Whether a package finds another one, beside it or in a directory above.
    fn resolves(&self, path: &str, name: &str) -> bool {
        let mut directory = path;
        loop {
            let inside = if directory.is_empty() {
                format!("node_modules/{name}")
            } else {
                format!("{directory}/node_modules/{name}")
            };
            if self.needed.contains_key(&inside) {
                return true;
            }
            if directory.is_empty() {
                return false;
            }
            directory = directory.rfind("node_modules/").map_or("", |at| directory[..at].trim_end_matches('/'));
        }
    }

    /// Checks that `npm ci` takes the lock file for this manifest: it asks for the same as when the lock was written.
    ///
    /// # Errors
    /// What differs.
    pub fn agrees_with(&self, package: &PackageJson) -> Result<(), String> {
        let Some(root) = &self.root else {
            return Err("the lock file is of version 1, which does not say what it was made for".to_owned());
        };
        let empty = BTreeMap::new();
        for kind in package.dependencies.keys().chain(root.keys()) {
            let wanted = package.dependencies.get(kind).unwrap_or(&empty);
            let locked = root.get(kind).unwrap_or(&empty);
            // npm moves what is optional too from the one list to the other.
            let optional = package.dependencies.get("optionalDependencies").unwrap_or(&empty);
            for name in wanted.keys().chain(locked.keys()) {
                let is_moved = kind == "dependencies" && optional.contains_key(name);
                if !is_moved && wanted.get(name) != locked.get(name) {
                    return Err(format!("`{name}` in `{kind}` is not what the lock file was made for"));
                }
            }
        }
        let required = ["dependencies", "devDependencies"].iter().filter_map(|kind| package.dependencies.get(*kind));
        match required.flat_map(BTreeMap::keys).find(|name| !self.installed.contains_key(*name)) {
            Some(name) => Err(format!("`{name}` is not in the lock file")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::package_json;
    use super::*;

    const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {
        "": {"dependencies": {"a": "^1"}, "devDependencies": {"b": "~2"}},
        "node_modules/a": {"version": "1.2.0", "hasInstallScript": true},
        "node_modules/b": {"version": "2.0.1"},
        "node_modules/b/node_modules/c": {"version": "1.0.0", "hasInstallScript": true}}}"#;

    #[track_caller]
    fn check(manifest: &str, expected: Option<&str>) {
        let package = package_json::read(manifest).expect("a manifest");
        let found = read(LOCK).expect("a lock file").agrees_with(&package);
        assert_eq!(found.err().as_deref(), expected);
    }

    #[test]
    fn agreement() {
        check(r#"{"dependencies": {"a": "^1"}, "devDependencies": {"b": "~2"}}"#, None);
        let other = "`b` in `devDependencies` is not what the lock file was made for";
        check(r#"{"dependencies": {"a": "^1"}, "devDependencies": {"b": "~3"}}"#, Some(other));
        check(r#"{"dependencies": {"a": "^1"}}"#, Some(other));
        let new = r#"{"dependencies": {"a": "^1", "x": "1"}, "devDependencies": {"b": "~2"}}"#;
        check(new, Some("`x` in `dependencies` is not what the lock file was made for"));
    }

    #[test]
    fn what_packages_need_is_there() {
        let whole = |packages: &str| {
            let text = format!(r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, {packages}}}}}"#);
            read(&text).expect("a lock file").is_whole()
        };
        assert_eq!(whole(r#""node_modules/a": {"dependencies": {"b": "1"}}, "node_modules/b": {}"#), Ok(()));
        assert_eq!(
            whole(r#""node_modules/a": {"dependencies": {"b": "1"}}, "node_modules/a/node_modules/b": {}"#),
            Ok(())
        );
        assert!(
            whole(r#""node_modules/a": {"peerDependencies": {"b": "1"}}, "node_modules/c/node_modules/b": {}"#)
                .is_err()
        );
        let optional =
            r#""node_modules/a": {"peerDependencies": {"b": "1"}, "peerDependenciesMeta": {"b": {"optional": true}}}"#;
        assert_eq!(whole(optional), Ok(()));
        assert!(whole(r#""node_modules/a": {"link": true, "resolved": "a"}"#).is_err());
    }

    #[test]
    fn scripts_and_versions() {
        assert_eq!(read(LOCK).expect("a lock file").with_scripts, Some(vec!["a".to_owned(), "c".to_owned()]));
        let old = read(r#"{"lockfileVersion": 1, "dependencies": {"a": {"version": "1.0.0"}}}"#).expect("a lock file");
        assert_eq!(old.with_scripts, None);
        assert!(old.agrees_with(&PackageJson::default()).is_err());
        for text in ["", "{}", "[]", r#"{"lockfileVersion": "x"}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
