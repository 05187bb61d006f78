//! `pnpm-lock.yaml` and `pnpm-workspace.yaml` (pnpm, "pnpm-workspace.yaml", and the lock file's own schema).

use std::collections::BTreeMap;

use serde_yaml::Value;

use super::package_json::PackageJson;

/// What a `pnpm-lock.yaml` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PnpmLock {
    /// `lockfileVersion`, such as `9.0`.
    pub version: String,
    /// What each project asks for, by its directory (`.` for the root), kind and name.
    importers: BTreeMap<String, BTreeMap<String, String>>,
    /// The packages that run scripts when they are installed, when the lock file says so.
    pub with_scripts: Vec<String>,
}

const KINDS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// Reads a lock file; `None` when it is none.
#[must_use]
pub fn read_lock(text: &str) -> Option<PnpmLock> {
    let value: Value = serde_yaml::from_str(text).ok()?;
    let version = match value.get("lockfileVersion")? {
        Value::String(version) => version.clone(),
        Value::Number(version) => version.to_string(),
        _ => return None,
    };
    let mut importers = BTreeMap::new();
    match value.get("importers").and_then(Value::as_mapping) {
        Some(projects) => {
            for (directory, project) in projects {
                importers.insert(directory.as_str()?.to_owned(), asked_for(project)?);
            }
        }
        None => drop(importers.insert(".".to_owned(), asked_for(&value)?)),
    }
    let packages = value.get("packages").and_then(Value::as_mapping);
    let with_scripts = packages
        .into_iter()
        .flatten()
        .filter(|(_, package)| package.get("requiresBuild").and_then(Value::as_bool) == Some(true));
    let with_scripts = with_scripts.filter_map(|(name, _)| name.as_str().map(package_name)).collect();
    Some(PnpmLock { version, importers, with_scripts })
}

/// `@a/b` for `/@a/b@1.0.0`, `/@a/b/1.0.0` and `@a/b@1.0.0`.
fn package_name(entry: &str) -> String {
    let entry = entry.trim_start_matches('/');
    let from = usize::from(entry.starts_with('@'));
    let end = entry[from..].find('@').map(|at| at + from);
    let slashes = if from == 1 { 2 } else { 1 };
    let old = entry.match_indices('/').nth(slashes - 1).map(|(at, _)| at);
    entry[..end.or(old).unwrap_or(entry.len())].to_owned()
}

/// What one project asks for: beside the dependencies, or in a list of its own (versions 5 and 6).
fn asked_for(project: &Value) -> Option<BTreeMap<String, String>> {
    if let Some(specifiers) = project.get("specifiers").and_then(Value::as_mapping) {
        return specifiers
            .iter()
            .map(|(name, wanted)| Some((name.as_str()?.to_owned(), wanted.as_str()?.to_owned())))
            .collect();
    }
    let mut found = BTreeMap::new();
    for dependencies in KINDS.iter().filter_map(|kind| project.get(*kind)?.as_mapping()) {
        for (name, entry) in dependencies {
            found.insert(name.as_str()?.to_owned(), entry.get("specifier")?.as_str()?.to_owned());
        }
    }
    Some(found)
}

impl PnpmLock {
    /// Checks that `pnpm install --frozen-lockfile` takes the lock file for this manifest of a project without workspaces.
    ///
    /// # Errors
    /// What differs.
    pub fn agrees_with(&self, package: &PackageJson) -> Result<(), String> {
        let [(directory, locked)] = self.importers.iter().collect::<Vec<_>>()[..] else {
            return Err("the lock file is for several projects".to_owned());
        };
        if directory != "." {
            return Err("the lock file is for another project".to_owned());
        }
        if !package.overrides.is_empty() || !package.patches.is_empty() || package.keys.iter().any(|key| key == "pnpm")
        {
            return Err("the manifest changes what its dependencies ask for".to_owned());
        }
        let kinds = KINDS.iter().filter_map(|kind| package.dependencies.get(*kind));
        let wanted: BTreeMap<String, String> =
            kinds.flatten().map(|(name, wanted)| (name.clone(), wanted.clone())).collect();
        let differs = wanted.keys().chain(locked.keys()).find(|name| wanted.get(*name) != locked.get(*name));
        differs.map_or(Ok(()), |name| Err(format!("`{name}` is not what the lock file was made for")))
    }
}

/// What a `pnpm-workspace.yaml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PnpmWorkspace {
    /// Patterns of the directories of projects.
    pub packages: Vec<String>,
    /// Files of patches.
    pub patches: Vec<String>,
    /// The names at the top level.
    pub keys: Vec<String>,
}

/// Reads a `pnpm-workspace.yaml`.
#[must_use]
pub fn read_workspace(text: &str) -> Option<PnpmWorkspace> {
    let value: Value = serde_yaml::from_str(text).ok()?;
    let mapping = value.as_mapping()?;
    let packages = value.get("packages").and_then(Value::as_sequence);
    let patches = value.get("patchedDependencies").and_then(Value::as_mapping);
    Some(PnpmWorkspace {
        packages: packages.into_iter().flatten().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?,
        patches: patches
            .into_iter()
            .flatten()
            .map(|(_, file)| file.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        keys: mapping.keys().filter_map(|key| key.as_str().map(str::to_owned)).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::package_json;
    use super::*;

    #[test]
    fn agreement() {
        let locks = [
            "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      a:\n        specifier: ^1\n        version: 1.0.0\n",
            "lockfileVersion: '6.0'\ndependencies:\n  a:\n    specifier: ^1\n    version: 1.0.0\n",
            "lockfileVersion: 5.4\nspecifiers:\n  a: ^1\n",
        ];
        for lock in locks {
            let lock = read_lock(lock).expect("a lock file");
            let agrees = |manifest: &str| lock.agrees_with(&package_json::read(manifest).expect("a manifest"));
            assert_eq!(agrees(r#"{"dependencies": {"a": "^1"}}"#), Ok(()));
            assert!(agrees(r#"{"dependencies": {"a": "^2"}}"#).is_err());
            assert!(agrees(r#"{"dependencies": {"a": "^1", "b": "1"}}"#).is_err());
        }
        let several = read_lock("lockfileVersion: '9.0'\nimporters:\n  .: {}\n  b: {}\n").expect("a lock file");
        assert!(several.agrees_with(&PackageJson::default()).is_err());
        assert_eq!(read_lock("a: b"), None);
    }

    #[test]
    fn scripts_and_workspaces() {
        let lock = "lockfileVersion: '6.0'\npackages:\n  /@a/b@1.0.0:\n    requiresBuild: true\n  /c/2.0.0:\n    requiresBuild: true\n";
        assert_eq!(read_lock(lock).expect("a lock file").with_scripts, ["@a/b", "c"]);
        let workspace =
            read_workspace("packages:\n  - 'p/*'\npatchedDependencies:\n  a@1: patches/a.patch\n").expect("it is read");
        assert_eq!(
            (workspace.packages, workspace.patches),
            (vec!["p/*".to_owned()], vec!["patches/a.patch".to_owned()])
        );
    }
}
