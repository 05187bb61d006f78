//! `Cargo.toml` and `Cargo.lock` (The Cargo Book, "The Manifest Format").

use std::collections::BTreeSet;

use toml::{Table, Value};

/// What a `Cargo.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CargoToml {
    /// `package.name`.
    pub name: Option<String>,
    /// Whether it is a workspace.
    pub is_workspace: bool,
    /// `workspace.members`: directories or patterns.
    pub members: Vec<String>,
    /// Paths of dependencies, patches and replacements, relative to the file.
    pub paths: Vec<String>,
    /// The packages that it asks for from a registry, by the names they have there.
    pub packages: BTreeSet<String>,
    /// Whether a build script is named.
    pub build_script: Option<String>,
    /// Names of binary targets that are listed.
    pub programs: Vec<String>,
    /// `profile.release` as written, by key.
    pub release_profile: Vec<String>,
}

/// Reads a `Cargo.toml`; `None` when it is no TOML.
#[must_use]
pub fn read(text: &str) -> Option<CargoToml> {
    let table: Table = text.parse().ok()?;
    let mut found = CargoToml::default();
    if let Some(package) = table.get("package").and_then(Value::as_table) {
        found.name = package.get("name").and_then(Value::as_str).map(str::to_owned);
        found.build_script = package.get("build").and_then(Value::as_str).map(str::to_owned);
    }
    if let Some(workspace) = table.get("workspace").and_then(Value::as_table) {
        found.is_workspace = true;
        let members = workspace.get("members").and_then(Value::as_array).into_iter().flatten();
        found.members = members.map(|member| member.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        dependencies(workspace, &mut found);
    }
    dependencies(&table, &mut found);
    for (_, target) in table.get("target").and_then(Value::as_table).into_iter().flatten() {
        dependencies(target.as_table()?, &mut found);
    }
    for (_, source) in table.get("patch").and_then(Value::as_table).into_iter().flatten() {
        add(source.as_table()?, &mut found);
    }
    if let Some(replaced) = table.get("replace").and_then(Value::as_table) {
        add(replaced, &mut found);
    }
    for program in table.get("bin").and_then(Value::as_array).into_iter().flatten() {
        found.programs.extend(program.get("name").and_then(Value::as_str).map(str::to_owned));
    }
    let release = table.get("profile").and_then(|profile| profile.get("release")).and_then(Value::as_table);
    found.release_profile = release.into_iter().flatten().map(|(key, _)| key.clone()).collect();
    Some(found)
}

fn dependencies(table: &Table, found: &mut CargoToml) {
    for kind in ["dependencies", "dev-dependencies", "build-dependencies", "dev_dependencies", "build_dependencies"] {
        if let Some(list) = table.get(kind).and_then(Value::as_table) {
            add(list, found);
        }
    }
}

fn add(list: &Table, found: &mut CargoToml) {
    for (name, wanted) in list {
        let text = |key: &str| wanted.get(key).and_then(Value::as_str);
        if let Some(path) = text("path") {
            found.paths.push(path.to_owned());
        } else if wanted.get("workspace").is_none() {
            found.packages.insert(text("package").unwrap_or(name).to_owned());
        }
    }
}

/// The names of the packages in a `Cargo.lock`; `None` when it is none.
#[must_use]
pub fn read_lock(text: &str) -> Option<BTreeSet<String>> {
    let table: Table = text.parse().ok()?;
    let packages = table.get("package")?.as_array()?;
    packages.iter().map(|package| package.get("name")?.as_str().map(str::to_owned)).collect()
}

/// The packages that the manifest asks for and that the lock file does not hold: with one, `--locked` fails.
#[must_use]
pub fn missing_in_lock(manifest: &CargoToml, locked: &BTreeSet<String>) -> Vec<String> {
    manifest.packages.iter().chain(&manifest.name).filter(|name| !locked.contains(*name)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests() {
        let text = "[package]\nname = \"a\"\nbuild = \"build.rs\"\n[dependencies]\nb = \"1\"\nc = { path = \"../c\" }\n\
                    d = { package = \"e\", version = \"1\" }\nf = { workspace = true }\n\
                    [target.'cfg(unix)'.dependencies]\ng = \"1\"\n[patch.crates-io]\nb = { path = \"b\" }\n\
                    [profile.release]\nstrip = true\n[[bin]]\nname = \"x\"\n";
        let found = read(text).expect("it is read");
        assert_eq!(found.paths, ["../c", "b"]);
        assert_eq!(found.packages.iter().map(String::as_str).collect::<Vec<_>>(), ["b", "e", "g"]);
        assert_eq!((found.programs, found.release_profile), (vec!["x".to_owned()], vec!["strip".to_owned()]));
        assert_eq!(found.build_script.as_deref(), Some("build.rs"));
    }

    #[test]
    fn locks() {
        let manifest = read("[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\nc = \"1\"\n").expect("it is read");
        let lock =
            read_lock("version = 3\n[[package]]\nname = \"a\"\n[[package]]\nname = \"b\"\n").expect("a lock file");
        assert_eq!(missing_in_lock(&manifest, &lock), ["c"]);
        assert_eq!(read_lock("a = 1\n"), None);
        let workspace = read("[workspace]\nmembers = [\"a\", \"b/*\"]\n").expect("it is read");
        assert!(workspace.is_workspace && workspace.name.is_none());
        assert_eq!(workspace.members, ["a", "b/*"]);
    }
}
