//! `package.json` of npm, yarn, pnpm and bun (npm, "package.json").

use std::collections::BTreeMap;

use serde_json::Value;

/// What a `package.json` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PackageJson {
    /// The name.
    pub name: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// `packageManager`, such as `pnpm@9.1.0`.
    pub package_manager: Option<String>,
    /// Scripts by name.
    pub scripts: BTreeMap<String, String>,
    /// Dependencies by kind (`dependencies`, `devDependencies`, …) and name: what is asked for.
    pub dependencies: BTreeMap<String, BTreeMap<String, String>>,
    /// Patterns of the workspaces' directories.
    pub workspaces: Vec<String>,
    /// Whether it has programs of its own, which a workspace links.
    pub has_programs: bool,
    /// Files of patches, relative to the project: `patchedDependencies` of pnpm and bun.
    pub patches: Vec<String>,
    /// What `overrides` and `resolutions` ask for.
    pub overrides: Vec<String>,
    /// The names at the top level.
    pub keys: Vec<String>,
}

/// The fields with dependencies that an install brings.
const KINDS: [&str; 4] = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// Reads a `package.json`; `None` when it is not JSON, or not of the shape that package managers take.
#[must_use]
pub fn read(text: &str) -> Option<PackageJson> {
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}')).ok()?;
    let object = value.as_object()?;
    let string = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let mut package = PackageJson {
        name: string("name"),
        version: string("version"),
        package_manager: string("packageManager"),
        has_programs: object.contains_key("bin") || value.pointer("/directories/bin").is_some(),
        keys: object.keys().cloned().collect(),
        ..PackageJson::default()
    };
    if let Some(scripts) = object.get("scripts") {
        package.scripts = strings(scripts)?;
    }
    for kind in KINDS {
        if let Some(dependencies) = object.get(kind) {
            package.dependencies.insert(kind.to_owned(), strings(dependencies)?);
        }
    }
    if let Some(workspaces) = object.get("workspaces") {
        let list = workspaces.get("packages").unwrap_or(workspaces).as_array()?;
        package.workspaces = list.iter().map(|item| item.as_str().map(str::to_owned)).collect::<Option<_>>()?;
    }
    for patches in ["/pnpm/patchedDependencies", "/patchedDependencies"] {
        if let Some(patches) = value.pointer(patches) {
            package.patches.extend(strings(patches)?.into_values());
        }
    }
    for overrides in ["/overrides", "/resolutions", "/pnpm/overrides"] {
        leaves(value.pointer(overrides), &mut package.overrides);
    }
    Some(package)
}

fn strings(value: &Value) -> Option<BTreeMap<String, String>> {
    value.as_object()?.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

/// All texts of a value, however deep; JSON of serde has a limit of its own.
fn leaves(value: Option<&Value>, found: &mut Vec<String>) {
    match value {
        Some(Value::String(text)) => found.push(text.clone()),
        Some(Value::Object(map)) => map.values().for_each(|value| leaves(Some(value), found)),
        _ => {}
    }
}

/// Where a dependency comes from, by what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A registry or a server.
    Remote,
    /// A file or directory beside the manifest.
    Local,
    /// A workspace of the project.
    Workspace,
    /// A package with a patch of the project.
    Patched,
}

/// Where a dependency comes from.
#[must_use]
pub fn origin(wanted: &str) -> Origin {
    let wanted = wanted.trim();
    let local = ["file:", "link:", "portal:", "./", "../", "/", "~/", ".\\"];
    if local.iter().any(|start| wanted.starts_with(start)) || matches!(wanted, "." | "..") {
        return Origin::Local;
    }
    match wanted.split_once(':').map(|(scheme, _)| scheme) {
        Some("workspace") => Origin::Workspace,
        Some("patch") => Origin::Patched,
        // pnpm's catalogs stand in its workspace file.
        _ => Origin::Remote,
    }
}

impl PackageJson {
    /// Every dependency with what is asked for, overrides with an empty name.
    pub fn wanted(&self) -> impl Iterator<Item = (&str, &str)> {
        let named = self.dependencies.values().flatten().map(|(name, wanted)| (name.as_str(), wanted.as_str()));
        named.chain(self.overrides.iter().map(|wanted| ("", wanted.as_str())))
    }

    /// Whether it asks for the package in any way.
    #[must_use]
    pub fn has(&self, package: &str) -> bool {
        self.dependencies.values().any(|dependencies| dependencies.contains_key(package))
    }

    /// The scripts, by their names, that an install of the project runs.
    #[must_use]
    pub fn install_scripts(&self) -> Vec<&str> {
        // npm, "Life Cycle Operation Order"; yarn and pnpm run a part of them.
        let run = ["preinstall", "install", "postinstall", "prepublish", "preprepare", "prepare", "postprepare"];
        let more = ["dependencies", "predependencies", "postdependencies", "pnpm:devPreinstall"];
        run.into_iter().chain(more).filter(|name| self.scripts.contains_key(*name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read() {
        let package = read(
            r#"{"name": "a", "bin": "x.js", "scripts": {"build": "tsc", "postinstall": "x"},
                "dependencies": {"b": "^1"}, "devDependencies": {"c": "file:../c"},
                "workspaces": {"packages": ["p/*"]}, "pnpm": {"patchedDependencies": {"b@1": "patches/b.patch"}},
                "overrides": {"d": {".": "npm:e@1", "f": "link:./f"}}}"#,
        )
        .expect("it is read");
        assert_eq!((package.name.as_deref(), package.has_programs), (Some("a"), true));
        assert_eq!(package.install_scripts(), ["postinstall"]);
        assert_eq!(package.workspaces, ["p/*"]);
        assert_eq!(package.patches, ["patches/b.patch"]);
        assert_eq!(package.overrides, ["npm:e@1", "link:./f"]);
        assert!(package.has("c") && !package.has("d"));
        let local: Vec<&str> =
            package.wanted().filter(|(_, wanted)| origin(wanted) == Origin::Local).map(|(name, _)| name).collect();
        assert_eq!(local, ["c", ""]);
    }

    #[test]
    fn other_shapes_are_not_read() {
        for text in ["", "[]", "{", r#"{"scripts": []}"#, r#"{"dependencies": {"a": 1}}"#, r#"{"workspaces": "a"}"#] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn origins() {
        for (wanted, expected) in [
            ("^1.0.0", Origin::Remote),
            ("github:a/b", Origin::Remote),
            ("git+ssh://git@a/b", Origin::Remote),
            ("../a", Origin::Local),
            ("workspace:*", Origin::Workspace),
            ("patch:a@npm%3A1#~/.yarn/patches/a.patch", Origin::Patched),
        ] {
            assert_eq!(origin(wanted), expected, "{wanted}");
        }
    }
}
