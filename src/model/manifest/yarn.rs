//! `yarn.lock` of both yarns (yarn 1, "yarn.lock"; yarn 4, "Lockfile").

use std::collections::BTreeSet;

use super::package_json::{Origin, PackageJson, origin};

/// What a `yarn.lock` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YarnLock {
    /// Whether yarn 2 or later wrote it.
    pub is_berry: bool,
    /// `name@range`, as asked for.
    wanted: BTreeSet<String>,
}

/// Reads a lock file; `None` when it is none.
#[must_use]
pub fn read(text: &str) -> Option<YarnLock> {
    let is_berry = text.lines().any(|line| line.starts_with("__metadata:"));
    if !is_berry && !text.lines().take(5).any(|line| line.trim() == "# yarn lockfile v1") {
        return None;
    }
    let heads = text.lines().filter(|line| !line.starts_with([' ', '\t', '#']) && line.ends_with(':'));
    let names = heads.flat_map(|line| line.trim_end_matches(':').split(','));
    let wanted = names.map(|name| name.trim().trim_matches('"').to_owned()).filter(|name| name.contains('@'));
    Some(YarnLock { is_berry, wanted: wanted.collect() })
}

impl YarnLock {
    /// Checks that the lock file has an entry for everything that the manifest asks for, so that yarn takes it as it is.
    ///
    /// # Errors
    /// What differs.
    pub fn agrees_with(&self, package: &PackageJson) -> Result<(), String> {
        if !package.workspaces.is_empty() {
            return Err("the lock file is for workspaces too".to_owned());
        }
        if !package.overrides.is_empty() {
            return Err("the manifest has `resolutions`".to_owned());
        }
        let installed = package.dependencies.iter().filter(|(kind, _)| *kind != "peerDependencies");
        for (name, wanted) in installed.flat_map(|(_, dependencies)| dependencies) {
            if origin(wanted) != Origin::Remote {
                return Err(format!("`{name}` is not of a registry"));
            }
            let is_there = |entry: String| self.wanted.contains(&entry);
            let found = if self.is_berry {
                is_there(format!("{name}@npm:{wanted}")) || is_there(format!("{name}@{wanted}"))
            } else {
                is_there(format!("{name}@{wanted}"))
            };
            if !found {
                return Err(format!("`{name}@{wanted}` is not in the lock file"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::package_json;
    use super::*;

    #[test]
    fn agreement() {
        let classic = read("# THIS\n# yarn lockfile v1\n\n\"@a/b@^1\", \"@a/b@^1.2\":\n  version \"1.3.0\"\n\nc@~2:\n")
            .expect("a lock file");
        let berry =
            read("__metadata:\n  version: 8\n\n\"@a/b@npm:^1, @a/b@npm:^1.2\":\n  version: 1.3.0\n\n\"c@npm:~2\":\n")
                .expect("a lock file");
        assert!(!classic.is_berry && berry.is_berry);
        for lock in [classic, berry] {
            let agrees = |manifest: &str| lock.agrees_with(&package_json::read(manifest).expect("a manifest"));
            assert_eq!(agrees(r#"{"dependencies": {"@a/b": "^1.2"}, "devDependencies": {"c": "~2"}}"#), Ok(()));
            assert_eq!(agrees(r#"{"dependencies": {"c": "~3"}}"#), Err("`c@~3` is not in the lock file".to_owned()));
            assert!(agrees(r#"{"dependencies": {"d": "file:d"}}"#).is_err());
        }
        assert_eq!(read("a: 1\n"), None);
    }
}
