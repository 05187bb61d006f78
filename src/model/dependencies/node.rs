//! npm, yarn, pnpm and bun: `package.json` with its lifecycle scripts, workspaces, patches and settings.

use super::Install;
use super::needs::{Needs, may_write_lock};
use super::view::{Provided, View, in_directory};
use crate::model::Refusal;
use crate::model::manifest::package_json::{self, Origin, PackageJson};
use crate::model::manifest::{npmrc, package_lock, pnpm, yarn};
use crate::tables;

/// Settings of yarn 2 and later that name no file.
const YARN_SETTINGS: [&str; 18] = [
    "checksumBehavior",
    "compressionLevel",
    "defaultSemverRangePrefix",
    "enableGlobalCache",
    "enableImmutableInstalls",
    "enableMessageNames",
    "enableNetwork",
    "enableProgressBars",
    "enableScripts",
    "enableTelemetry",
    "httpTimeout",
    "logFilters",
    "networkConcurrency",
    "nmHoistingLimits",
    "nmMode",
    "nodeLinker",
    "npmRegistryServer",
    "supportedArchitectures",
];

/// What an install of a JavaScript project needs.
pub(super) fn read(needs: &mut Needs, view: &View<'_>, install: &Install<'_>, is_frozen: bool) -> Result<(), Refusal> {
    let manifest = &install.row.needs[0];
    let path = in_directory(&install.directory, manifest);
    let package = package(view, &path)?;
    let runs_scripts = install.call.option(&["--ignore-scripts"]).is_none();
    scripts(&package, manifest, runs_scripts)?;
    let members = workspaces(needs, view, install, &package)?;
    for (path, package) in std::iter::once((&path, &package)).chain(members.iter().map(|(path, member)| (path, member)))
    {
        dependencies(package, path, !members.is_empty())?;
        scripts(package, path, runs_scripts)?;
    }
    for (path, member) in &members {
        if member.has_programs {
            return Err((format!("`{path}` has programs that the install links"), "nothing"));
        }
        let directory = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
        needs.writes.extend(install.row.writes.iter().map(|name| in_directory(directory, name)));
    }
    for patch in &package.patches {
        needs.read(view, &in_directory(&install.directory, patch))?;
    }
    settings(needs, view, install)?;
    if runs_scripts {
        for package in std::iter::once(&package).chain(members.iter().map(|(_, member)| member)) {
            packages(needs, view, install, package)?;
        }
    }
    lock(needs, view, install, &package, is_frozen)?;
    let local = if members.is_empty() { "no path" } else { "workspaces only" };
    needs.evidence.push(format!("`{manifest}` has no script that an install runs and names {local}"));
    Ok(())
}

fn package(view: &View<'_>, path: &str) -> Result<PackageJson, Refusal> {
    let text = view.text(path)?;
    package_json::read(&text).ok_or_else(|| (format!("`{path}` is not read"), "valid JSON"))
}

fn scripts(package: &PackageJson, name: &str, runs: bool) -> Result<(), Refusal> {
    let is_harmful = |script: &&str| !tables::dependencies().is_harmless(package.scripts[*script].trim());
    match package.install_scripts().into_iter().find(is_harmful).filter(|_| runs) {
        Some(script) => {
            let reason =
                format!("the `{script}` script of `{name}` may read the sources: `{}`", package.scripts[script]);
            Err((reason, "`--ignore-scripts`, with the script in a RUN of its own"))
        }
        None => Ok(()),
    }
}

/// The manifests of the workspaces, by their paths.
fn workspaces(
    needs: &mut Needs,
    view: &View<'_>,
    install: &Install<'_>,
    package: &PackageJson,
) -> Result<Vec<(String, PackageJson)>, Refusal> {
    let mut patterns = package.workspaces.clone();
    let file = "pnpm-workspace.yaml";
    if install.row.reads.iter().any(|name| name == file)
        && let Some(text) = needs.text_if_there(view, install, file)?
    {
        let known = ["packages", "onlyBuiltDependencies", "ignoredBuiltDependencies", "patchedDependencies"];
        let workspace = pnpm::read_workspace(&text)
            .filter(|workspace| workspace.keys.iter().all(|key| known.contains(&key.as_str())));
        let workspace = workspace.ok_or_else(|| (format!("not all of `{file}` is read"), "nothing"))?;
        patterns.extend(workspace.packages);
        for patch in workspace.patches {
            needs.read(view, &in_directory(&install.directory, &patch))?;
        }
    }
    let mut found = Vec::new();
    for pattern in patterns {
        let directories = view.matching(&install.directory, &pattern);
        let directories =
            directories.ok_or_else(|| (format!("which workspaces `{pattern}` means is not known"), "nothing"))?;
        for directory in directories {
            let path = in_directory(&directory, &install.row.needs[0]);
            match view.provided(&path) {
                Provided::No => {}
                _ => {
                    needs.read(view, &path)?;
                    found.push((path.clone(), self::package(view, &path)?));
                }
            }
        }
    }
    Ok(found)
}

/// Checks that no dependency lies beside the manifest but workspaces that are known.
fn dependencies(package: &PackageJson, path: &str, has_workspaces: bool) -> Result<(), Refusal> {
    for (name, wanted) in package.wanted() {
        let is_seen = match package_json::origin(wanted) {
            Origin::Remote => true,
            Origin::Workspace => has_workspaces,
            Origin::Local | Origin::Patched => false,
        };
        if !is_seen {
            let reason = format!("`{path}` asks for files beside it: `{name}` is `{wanted}`");
            return Err((reason, "dependencies of a registry"));
        }
    }
    Ok(())
}

/// Settings that lie in the project.
fn settings(needs: &mut Needs, view: &View<'_>, install: &Install<'_>) -> Result<(), Refusal> {
    let refusal = |name: &str, key: &str| (format!("`{name}` sets `{key}`"), "settings that name no file");
    let reads = |name: &str| install.row.reads.iter().any(|read| read == name);
    for name in [".npmrc", ".yarnrc"].into_iter().filter(|name| reads(name)) {
        let Some(text) = needs.text_if_there(view, install, name)? else { continue };
        // yarn 1 writes `key "value"`.
        let text = if name == ".npmrc" { text } else { text.replace(' ', "=") };
        let settings = npmrc::read(&text).ok_or_else(|| refusal(name, "what is not read"))?;
        for (key, value) in settings {
            if npmrc::names_a_file(&key, &value) || key.contains("path") || key.contains("folder") {
                return Err(refusal(name, &key));
            }
        }
    }
    let name = ".yarnrc.yml";
    let Some(text) = needs.text_if_there(view, install, name)?.filter(|_| reads(name)) else { return Ok(()) };
    let value: serde_yaml::Value = serde_yaml::from_str(&text).map_err(|_| refusal(name, "what is not read"))?;
    for (key, value) in value.as_mapping().into_iter().flatten() {
        let key = key.as_str().unwrap_or_default();
        let in_releases =
            |value: &serde_yaml::Value| value.as_str().is_some_and(|path| path.starts_with(".yarn/releases/"));
        let is_seen = YARN_SETTINGS.contains(&key) || key == "yarnPath" && in_releases(value);
        if !is_seen {
            return Err(refusal(name, key));
        }
    }
    Ok(())
}

/// Packages whose install scripts look into the project.
fn packages(needs: &mut Needs, view: &View<'_>, install: &Install<'_>, package: &PackageJson) -> Result<(), Refusal> {
    for row in tables::dependencies().packages() {
        let Some(name) = row.names.iter().find(|name| package.has(name)) else { continue };
        let at_manifest = row.manifest.iter().find(|key| package.keys.contains(key));
        let at_file =
            row.refuses.iter().find(|file| view.provided(&in_directory(&install.directory, file)) != Provided::No);
        if let Some(setting) = at_manifest.or(at_file) {
            let reason = format!("the install script of `{name}` looks into the project, as `{setting}` says");
            return Err((reason, "nothing"));
        }
        for file in &row.reads {
            let path = in_directory(&install.directory, file);
            match view.provided(&path) {
                Provided::No => {}
                Provided::Unknown(reason) => return Err((reason, "the build context with its files")),
                Provided::File(_) | Provided::Directory(_) => needs.note(&path),
            }
        }
    }
    Ok(())
}

/// Checks that no lock file is written that the sources bring again as it was.
fn lock(
    needs: &Needs,
    view: &View<'_>,
    install: &Install<'_>,
    package: &PackageJson,
    is_frozen: bool,
) -> Result<(), Refusal> {
    if is_frozen {
        return Ok(());
    }
    for name in &install.row.lock {
        if view.provided(&in_directory(&install.directory, name)) == Provided::No {
            continue;
        }
        if !package.workspaces.is_empty() {
            return Err(may_write_lock(install, name, "it is for workspaces"));
        }
        let text = needs.text_if_there(view, install, name)?.unwrap_or_default();
        let verdict = agreement(name, &text, package).unwrap_or_else(|| Err("it is not read".to_owned()));
        verdict.map_err(|reason| may_write_lock(install, name, &reason))?;
    }
    Ok(())
}

/// Whether the lock file was made for the manifest; `None` when it is not read.
pub(super) fn agreement(name: &str, text: &str, package: &PackageJson) -> Option<Result<(), String>> {
    match name.rsplit('.').next() {
        Some("json") => package_lock::read(text).map(|lock| lock.agrees_with(package)),
        Some("yaml") => pnpm::read_lock(text).map(|lock| lock.agrees_with(package)),
        Some("lock") => yarn::read(text).map(|lock| lock.agrees_with(package)),
        _ => None,
    }
}
