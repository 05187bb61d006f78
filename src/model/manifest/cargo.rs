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
    /// `package.version`.
    pub version: Option<String>,
    /// What it asks for of packages of a registry: names and requirements.
    pub wanted: Vec<(String, String)>,
    /// Whether it asks for something that is in no registry, or for what a workspace says.
    pub has_others: bool,
    /// `package.workspace`: where the workspace is.
    pub root: Option<String>,
    /// The targets that it lists; `None` when it is no package.
    pub targets: Option<Targets>,
}

/// The targets that a manifest lists (The Cargo Book, "Cargo Targets").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Whether it names the source of one.
    pub has_paths: bool,
    /// Those of which it does not: cargo looks for a file when it reads the manifest.
    pub without_path: Vec<Target>,
}

/// A target without a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// `lib`, `bin`, `example`, `test` or `bench`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
}

impl Target {
    /// Where cargo looks for its source, from the directory of the manifest.
    #[must_use]
    pub fn candidates(&self, package: Option<&str>) -> Vec<String> {
        let name = &self.name;
        let in_folder = |folder: &str| vec![format!("{folder}/{name}.rs"), format!("{folder}/{name}/main.rs")];
        match self.kind {
            "lib" => vec!["src/lib.rs".to_owned()],
            "bin" => {
                let mut found = in_folder("src/bin");
                found.extend((package == Some(name.as_str())).then(|| "src/main.rs".to_owned()));
                found
            }
            "example" => in_folder("examples"),
            "test" => in_folder("tests"),
            _ => in_folder("benches"),
        }
    }
}

/// Reads a `Cargo.toml`; `None` when it is no TOML.
#[must_use]
pub fn read(text: &str) -> Option<CargoToml> {
    let table: Table = text.parse().ok()?;
    let mut found = CargoToml::default();
    if let Some(package) = table.get("package").and_then(Value::as_table) {
        found.name = package.get("name").and_then(Value::as_str).map(str::to_owned);
        found.version = package.get("version").and_then(Value::as_str).map(str::to_owned);
        found.build_script = package.get("build").and_then(Value::as_str).map(str::to_owned);
        found.root = package.get("workspace").and_then(Value::as_str).map(str::to_owned);
        found.targets = Some(targets(&table));
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

fn targets(table: &Table) -> Targets {
    let mut found = Targets::default();
    for kind in ["lib", "bin", "example", "test", "bench"] {
        let listed = match table.get(kind) {
            Some(Value::Array(list)) => list.iter().collect(),
            Some(one) => vec![one],
            None => Vec::new(),
        };
        for target in listed {
            if target.get("path").is_some() {
                found.has_paths = true;
            } else {
                let name = target.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
                found.without_path.push(Target { kind, name });
            }
        }
    }
    found
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
        let requirement = wanted.as_str().or_else(|| text("version"));
        match requirement
            .filter(|_| ["path", "git", "workspace", "registry"].iter().all(|key| wanted.get(key).is_none()))
        {
            Some(requirement) => {
                found.wanted.push((text("package").unwrap_or(name).to_owned(), requirement.to_owned()));
            }
            None => found.has_others = true,
        }
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

/// A package of a `Cargo.lock`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedPackage {
    name: String,
    version: String,
    /// What it depends on: a name, with the version when there are several.
    dependencies: BTreeSet<String>,
}

/// The packages of a `Cargo.lock`; `None` when it is none.
#[must_use]
pub fn read_whole_lock(text: &str) -> Option<Vec<LockedPackage>> {
    let table: Table = text.parse().ok()?;
    let read = |package: &Value| {
        let text = |key: &str| package.get(key)?.as_str().map(str::to_owned);
        let dependencies = package.get("dependencies").and_then(Value::as_array).into_iter().flatten();
        let names: Option<BTreeSet<String>> =
            dependencies.map(|entry| Some(entry.as_str()?.split(' ').next()?.to_owned())).collect();
        Some(LockedPackage { name: text("name")?, version: text("version")?, dependencies: names? })
    };
    table.get("package")?.as_array()?.iter().map(read).collect()
}

/// Checks that the lock file was made for the manifest of a single package: cargo would not write it anew.
///
/// # Errors
/// What differs, or cannot be compared.
pub fn is_made_for(lock: &[LockedPackage], manifest: &CargoToml) -> Result<(), String> {
    if manifest.is_workspace || manifest.has_others || !manifest.paths.is_empty() {
        return Err("the manifest asks for more than packages of the registry".to_owned());
    }
    let own = |package: &&LockedPackage| {
        Some(&package.name) == manifest.name.as_ref() && Some(&package.version) == manifest.version.as_ref()
    };
    let own = lock.iter().find(own).ok_or("it does not hold the package itself in this version")?;
    let wanted: BTreeSet<String> = manifest.wanted.iter().map(|(name, _)| name.clone()).collect();
    if own.dependencies != wanted {
        return Err("it lists other dependencies".to_owned());
    }
    for (name, requirement) in &manifest.wanted {
        let mut versions = lock.iter().filter(|package| package.name == *name).map(|package| package.version.as_str());
        if !versions.any(|version| satisfies(version, requirement)) {
            return Err(format!("no `{name}` in it is known to be one of `{requirement}`"));
        }
    }
    Ok(())
}

/// Whether a version is one that a plain requirement asks for: `1.2`, `^1.2`, `=1.2.3` (The Cargo Book, "Version requirement
/// syntax"). What else there is answers no.
fn satisfies(version: &str, requirement: &str) -> bool {
    let requirement = requirement.trim();
    let (is_exact, plain) = match requirement.strip_prefix('=') {
        Some(rest) => (true, rest.trim()),
        None => (false, requirement.strip_prefix('^').unwrap_or(requirement).trim()),
    };
    let numbers = |text: &str| text.split('.').map(|part| part.parse::<u64>().ok()).collect::<Option<Vec<_>>>();
    let (Some(found), Some(wanted)) = (numbers(version.split('+').next().unwrap_or(version)), numbers(plain)) else {
        return false;
    };
    if found.len() != 3 || wanted.is_empty() || wanted.len() > 3 {
        return false;
    }
    if is_exact {
        return found[..wanted.len()] == wanted;
    }
    // Up to the first number that is not zero nothing may differ.
    let fixed = wanted.iter().position(|number| *number > 0).map_or(wanted.len(), |at| at + 1);
    found[..fixed] == wanted[..fixed] && found[..wanted.len()] >= wanted[..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_files_are_made_for_manifests() {
        #[track_caller]
        fn check(dependencies: &str, locked: &str, is_made_for_it: bool) {
            let manifest = format!("[package]\nname = \"a\"\nversion = \"0.1.0\"\n[dependencies]\n{dependencies}\n");
            let manifest = read(&manifest).expect("it is read");
            let lock = format!(
                "version = 4\n[[package]]\nname = \"a\"\nversion = \"0.1.0\"\ndependencies = [\"b\"]\n\
                 [[package]]\nname = \"b\"\nversion = \"{locked}\"\n"
            );
            let lock = read_whole_lock(&lock).expect("a lock file");
            assert_eq!(is_made_for(&lock, &manifest).is_ok(), is_made_for_it, "{dependencies} {locked}");
        }
        check("b = \"1\"", "1.9.3", true);
        check("b = \"1.4\"", "1.3.9", false);
        check("b = \"1\"", "2.0.0", false);
        check("b = \"0.3\"", "0.4.0", false);
        check("b = { version = \"=1.2\", features = [\"x\"] }", "1.2.7", true);
        check("b = \"~1.2\"", "1.2.7", false);
        check("b = \"*\"", "1.2.7", false);
        check("b = \"1\"\nc = \"1\"", "1.9.3", false);
        check("", "1.9.3", false);
        check("b = { git = \"https://b\", version = \"1\" }", "1.9.3", false);
    }

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
