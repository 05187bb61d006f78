//! `cargo fetch`: packages with the sources of the targets that make a manifest valid.

use super::Install;
use super::needs::{Needs, may_write_lock};
use super::view::{Provided, View, in_directory};
use crate::model::access::through_links;
use crate::model::manifest::cargo::{self, CargoToml};
use crate::model::scope::Variable;
use crate::model::{Model, Refusal};

/// Packages that name each other.
const MAX_PACKAGES: usize = 50;

/// What cargo needs to fetch: the manifests of the workspace and of dependencies by path, and of each package one source file, without
/// which a manifest that lists no target by its path is not valid.
pub(super) fn read(
    needs: &mut Needs,
    view: &View<'_>,
    install: &Install<'_>,
    model: &Model<'_>,
    run: usize,
    is_frozen: bool,
) -> Result<(), Refusal> {
    let name = &install.row.needs[0];
    if !is_frozen {
        return Err(may_write_lock(
            install,
            &install.row.lock[0],
            "without `--locked` it does what the manifest asks for",
        ));
    }
    if let Variable::Set(home) = model.state(run).variables.get("CARGO_HOME")
        && !home.fixed().is_some_and(|home| install.row.system.iter().any(|known| known == home))
    {
        return Err(("`CARGO_HOME` says where packages are kept".to_owned(), "nothing"));
    }
    let mut todo = vec![install.directory.clone()];
    let mut seen: Vec<String> = Vec::new();
    while let Some(directory) = todo.pop() {
        if seen.contains(&directory) {
            continue;
        }
        if seen.len() >= MAX_PACKAGES {
            return Err(("the project has too many packages".to_owned(), "nothing"));
        }
        let path = in_directory(&directory, name);
        let text = needs.read(view, &path)?;
        let manifest = cargo::read(&text).ok_or_else(|| (format!("`{path}` is not read"), "valid TOML"))?;
        if manifest.root.is_some() {
            return Err((format!("`{path}` says where its workspace is"), "nothing"));
        }
        targets(needs, view, &directory, &path, &manifest)?;
        for member in &manifest.members {
            let found = view.matching(&directory, member);
            let found = found.ok_or_else(|| (format!("which packages `{member}` means is not known"), "nothing"))?;
            todo.extend(found.into_iter().filter(|member| view.provided(&in_directory(member, name)) != Provided::No));
        }
        todo.extend(manifest.paths.iter().map(|below| through_links(&in_directory(&directory, below))));
        seen.push(directory);
    }
    needs.evidence.push("`cargo fetch` reads manifests, the lock file and whether there are sources".to_owned());
    Ok(())
}

/// Notes a source file of a package where its manifest names none by its path.
fn targets(
    needs: &mut Needs,
    view: &View<'_>,
    directory: &str,
    path: &str,
    manifest: &CargoToml,
) -> Result<(), Refusal> {
    const UNLOCK: &str =
        "a cache mount for its downloads (see cache-mounts), or cargo-chef, which compiles dependencies apart";
    let Some(targets) = &manifest.targets else { return Ok(()) };
    let refusal = |what: &str| (format!("where the sources of {what} in `{path}` are is not known"), UNLOCK);
    let is_there = |file: &str| matches!(view.provided(&in_directory(directory, file)), Provided::File(_));
    let note = |needs: &mut Needs, candidates: &[String], what: &str| {
        let file = candidates.iter().find(|file| is_there(file)).ok_or_else(|| refusal(what))?;
        needs.note(&in_directory(directory, file));
        Ok::<(), Refusal>(())
    };
    for target in &targets.without_path {
        note(needs, &target.candidates(manifest.name.as_deref()), &format!("`{}`", target.name))?;
    }
    if targets.without_path.is_empty() && !targets.has_paths {
        note(needs, &["src/lib.rs".to_owned(), "src/main.rs".to_owned()], "the package")?;
    }
    Ok(())
}
