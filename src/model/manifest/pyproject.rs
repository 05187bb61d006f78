//! `pyproject.toml`, read for pip, uv and poetry, and `Pipfile` (PyPA specifications; uv, "Projects"; Poetry, "The
//! pyproject.toml file"; Pipenv, "Pipfile").

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::requirements::{self, Requirement};

/// What a `pyproject.toml` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pyproject {
    /// `project.name`, as indexes compare it.
    pub name: Option<String>,
    /// Whether there is a `[project]` table.
    pub has_project: bool,
    /// `project.dependencies`.
    pub dependencies: Vec<String>,
    /// `project.requires-python` without blanks.
    pub requires_python: Option<String>,
    /// Whether there are extras or groups of dependencies.
    pub has_groups: bool,
    /// `project.optional-dependencies`, by names as indexes compare them.
    pub extras: BTreeMap<String, Vec<String>>,
    /// The names of `project.scripts`.
    pub scripts: Vec<String>,
    /// `project.dynamic`.
    pub dynamic: Vec<String>,
    /// `build-system.build-backend`; without one, setuptools builds the project.
    pub build_backend: Option<String>,
    /// Whether there is a `[build-system]` table.
    pub has_build_system: bool,
    /// Files that the metadata names: readme and licences.
    pub named_files: Vec<String>,
    /// Dependencies that lie beside the project, by name.
    pub local: Vec<String>,
    /// What `tool.uv` says.
    pub uv: Uv,
    /// What `tool.poetry` says; `None` without one.
    pub poetry: Option<Poetry>,
}

/// What `tool.uv` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uv {
    /// `package`.
    pub package: Option<bool>,
    /// Whether there is a workspace.
    pub has_workspace: bool,
    /// The names at the top level of the table.
    pub keys: Vec<String>,
}

/// What `tool.poetry` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Poetry {
    /// `package-mode`; poetry's default is true.
    pub package_mode: bool,
}

/// Reads a `pyproject.toml`; `None` when it is no TOML.
#[must_use]
pub fn read(text: &str) -> Option<Pyproject> {
    let table: Table = text.parse().ok()?;
    let mut found = Pyproject::default();
    if let Some(project) = table.get("project") {
        let project = project.as_table()?;
        found.has_project = true;
        found.name = project.get("name").and_then(Value::as_str).map(requirements::normalized);
        found.dependencies = strings(project.get("dependencies"))?;
        let python = project.get("requires-python").and_then(Value::as_str);
        found.requires_python = python.map(|versions| versions.split_whitespace().collect());
        found.has_groups = project.contains_key("optional-dependencies");
        let scripts = project.get("scripts").and_then(Value::as_table);
        found.scripts = scripts.into_iter().flatten().map(|(name, _)| name.clone()).collect();
        found.dynamic = strings(project.get("dynamic"))?;
        for key in ["readme", "license"] {
            let value = project.get(key);
            let file = value.and_then(|value| value.get("file")).or(value.filter(|_| key == "readme"));
            found.named_files.extend(file.and_then(Value::as_str).map(str::to_owned));
        }
        let groups = project.get("optional-dependencies").and_then(Value::as_table);
        let named = |(name, list): (&String, &Value)| Some((requirements::normalized(name), strings(Some(list))?));
        found.extras = groups.into_iter().flatten().map(named).collect::<Option<_>>()?;
        for wanted in found.dependencies.iter().chain(found.extras.values().flatten()) {
            found.local.extend(local_requirement(wanted));
        }
    }
    found.has_groups |= table.contains_key("dependency-groups");
    if let Some(system) = table.get("build-system") {
        found.has_build_system = true;
        found.build_backend = system.get("build-backend").and_then(Value::as_str).map(str::to_owned);
    }
    let tool = |name: &str| table.get("tool").and_then(|tool| tool.get(name)).and_then(Value::as_table);
    if let Some(uv) = tool("uv") {
        found.uv = Uv {
            package: uv.get("package").and_then(Value::as_bool),
            has_workspace: uv.contains_key("workspace"),
            keys: uv.keys().cloned().collect(),
        };
        for (name, source) in uv.get("sources").and_then(Value::as_table).into_iter().flatten() {
            found.local.extend(is_local(source).then(|| name.clone()));
        }
    }
    if let Some(poetry) = tool("poetry") {
        let package_mode = poetry.get("package-mode").and_then(Value::as_bool).unwrap_or(true);
        found.poetry = Some(Poetry { package_mode });
        let groups = poetry.get("group").and_then(Value::as_table).into_iter().flatten();
        let groups = groups.filter_map(|(_, group)| group.get("dependencies"));
        let lists = ["dependencies", "dev-dependencies"].iter().filter_map(|list| poetry.get(*list)).chain(groups);
        for (name, wanted) in lists.filter_map(Value::as_table).flatten() {
            found.local.extend(is_local(wanted).then(|| name.clone()));
        }
    }
    Some(found)
}

impl Pyproject {
    /// Whether only its own list of dependencies decides on what is locked.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let decides = |key: &String| !matches!(key.as_str(), "package" | "cache-keys" | "pip");
        self.has_project && !self.has_groups && self.dynamic.is_empty() && !self.uv.keys.iter().any(decides)
    }
}

/// Reads the local dependencies of a `Pipfile`; `None` when it is no TOML.
#[must_use]
pub fn read_pipfile(text: &str) -> Option<Vec<String>> {
    let table: Table = text.parse().ok()?;
    let lists = table.iter().filter(|(name, _)| !matches!(name.as_str(), "source" | "requires" | "scripts" | "pipenv"));
    let packages = lists.filter_map(|(_, list)| list.as_table()).flatten();
    Some(packages.filter(|(_, wanted)| is_local(wanted)).map(|(name, _)| name.clone()).collect())
}

fn strings(value: Option<&Value>) -> Option<Vec<String>> {
    let Some(value) = value else { return Some(Vec::new()) };
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The requirement when it is no package of an index or server.
fn local_requirement(wanted: &str) -> Option<String> {
    let is_remote =
        |requirement: &Requirement| matches!(requirement, Requirement::Package { .. } | Requirement::Remote(_));
    (!requirements::read(wanted).iter().all(is_remote)).then(|| wanted.to_owned())
}

/// Whether a dependency, or one of its alternatives, is a path or a workspace.
fn is_local(wanted: &Value) -> bool {
    match wanted {
        Value::Table(table) => ["path", "workspace", "file", "editable"].iter().any(|key| table.contains_key(*key)),
        Value::Array(alternatives) => alternatives.iter().any(is_local),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn project() {
        let text = "[project]\nname = \"A_b\"\nreadme = \"README.md\"\ndependencies = [\"flask>=2\", \"c @ file:///c\"]\n\
                    [tool.uv]\npackage = false\n[tool.uv.sources]\nd = { path = \"../d\" }\ne = { git = \"https://x\" }\n";
        let found = read(text).expect("it is read");
        assert_eq!(found.name.as_deref(), Some("a-b"));
        assert_eq!(found.local, ["c @ file:///c", "d"]);
        assert_eq!(found.named_files, ["README.md"]);
        assert_eq!((found.has_build_system, found.uv.package), (false, Some(false)));
    }

    #[test]
    fn poetry() {
        let text = "[tool.poetry]\nname = \"a\"\npackage-mode = false\n[tool.poetry.dependencies]\nb = \"^1\"\nc = {path = \"c\"}\n\
                    [tool.poetry.group.dev.dependencies]\nd = [{path = \"d\"}]\n[build-system]\nbuild-backend = \"x\"\n";
        let found = read(text).expect("it is read");
        assert_eq!(found.local, ["c", "d"]);
        assert_eq!(found.poetry, Some(Poetry { package_mode: false }));
        assert_eq!(found.build_backend.as_deref(), Some("x"));
    }

    #[test]
    fn pipfile() {
        let text = "[[source]]\nurl = \"https://x\"\n[packages]\na = \"*\"\nb = {path = \".\", editable = true}\n";
        assert_eq!(read_pipfile(text), Some(vec!["b".to_owned()]));
        assert_eq!(read_pipfile("{"), None);
        assert_eq!(read("[project]\ndependencies = 1\n"), None);
    }
}
