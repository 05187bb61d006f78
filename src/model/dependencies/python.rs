//! pip, uv, poetry and pipenv.

use super::Install;
use super::needs::{Needs, called, may_write_lock};
use super::view::{Provided, View, in_directory};
use crate::model::Refusal;
use crate::model::manifest::requirements::{self, Requirement};
use crate::model::manifest::{pyproject, uv_lock};

/// Options of pip whose values are files that are read here.
pub(super) const FILES: [&str; 3] = ["--requirement", "--constraint", "--editable"];

/// Files that name others, one behind the other.
const MAX_FILES: usize = 30;

/// Whether pip takes an operand for a file or directory.
pub(super) fn is_path(operand: &str) -> bool {
    matches!(requirements::read(operand).as_slice(), [Requirement::Local(_)] | [])
}

/// What pip needs: the files of `-r` and `-c`, and those that they name.
pub(super) fn pip(needs: &mut Needs, view: &View<'_>, install: &Install<'_>) -> Result<(), Refusal> {
    let own = |what: &str| {
        (format!("`{}` installs `{what}`, which is built of the sources", called(install)), "a requirements file")
    };
    for operand in install.call.operands() {
        let text = operand.text.as_deref().ok_or_else(|| own("what is known only when it runs"))?;
        if is_path(text) {
            return Err(own(text));
        }
    }
    let mut todo = Vec::new();
    for option in install.call.options().iter().filter(|option| FILES.contains(&option.name.as_str())) {
        let file = option.value.as_ref().and_then(|value| value.text.clone());
        let file = file.ok_or_else(|| own("what is known only when it runs"))?;
        if option.name == "--editable" {
            return Err(own(&file));
        }
        if !requirements::is_url(&file) {
            todo.push(absolute(&install.directory, &file));
        }
    }
    let mut read = 0;
    while let Some(path) = todo.pop() {
        read += 1;
        if read > MAX_FILES {
            return Err(("too many requirements files name each other".to_owned(), "nothing"));
        }
        if needs.reads.contains(&path) {
            continue;
        }
        let text = needs.read(view, &path)?;
        let name = path.rsplit('/').next().unwrap_or(&path);
        let directory = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
        for requirement in requirements::read(&text) {
            match requirement {
                Requirement::Package { .. } | Requirement::Remote(_) | Requirement::Option(_) => {}
                Requirement::Requirements(file) | Requirement::Constraints(file) if requirements::is_url(&file) => {}
                Requirement::Requirements(file) | Requirement::Constraints(file) => {
                    todo.push(absolute(directory, &file))
                }
                // The checkout lies in the project.
                Requirement::Editable(url) if requirements::is_url(&url) => {
                    needs.writes.push(in_directory(&install.directory, "src"));
                }
                Requirement::Editable(path) | Requirement::Local(path) | Requirement::FindLinks(path) => {
                    let reason = format!("`{name}` names files of the project: `{path}`");
                    return Err((reason, "requirements of an index"));
                }
                Requirement::Unknown(line) => {
                    return Err((format!("a line of `{name}` is not understood: `{line}`"), "nothing"));
                }
            }
        }
        needs.evidence.push(format!("`{name}` names no path"));
    }
    Ok(())
}

fn absolute(directory: &str, path: &str) -> String {
    let joined = if path.starts_with('/') { path.to_owned() } else { in_directory(directory, path) };
    crate::model::access::through_links(&joined)
}

fn project(needs: &Needs, view: &View<'_>, install: &Install<'_>) -> Result<pyproject::Pyproject, Refusal> {
    let name = &install.row.needs[0];
    let text = needs.text_if_there(view, install, name)?.unwrap_or_default();
    let project = pyproject::read(&text).ok_or_else(|| (format!("`{name}` is not read"), "valid TOML"))?;
    match project.local.first() {
        Some(local) => Err((format!("`{name}` names files of the project: `{local}`"), "dependencies of an index")),
        None => Ok(project),
    }
}

fn leaves_project_out(install: &Install<'_>) -> bool {
    install.row.without.iter().any(|option| install.call.option(&[option]).is_some())
}

/// What `uv sync` needs.
pub(super) fn uv(needs: &mut Needs, view: &View<'_>, install: &Install<'_>, is_frozen: bool) -> Result<(), Refusal> {
    let project = project(needs, view, install)?;
    if project.uv.has_workspace {
        return Err(("the project is a workspace".to_owned(), "nothing"));
    }
    // Without a build system, uv installs only what the project asks for.
    let is_virtual = project.uv.package == Some(false) || project.uv.package.is_none() && !project.has_build_system;
    if !is_virtual && !leaves_project_out(install) {
        let reason = "`uv sync` installs the project itself, which is built of the sources".to_owned();
        return Err((reason, "`--no-install-project` in a RUN before"));
    }
    let name = "uv.lock";
    if let Some(text) = needs.text_if_there(view, install, name)? {
        let lock = uv_lock::read(&text).ok_or_else(|| (format!("`{name}` is not read"), "nothing"))?;
        if let Some((local, _)) = lock.local.iter().find(|(_, path)| path != ".") {
            return Err((format!("`{name}` names files of the project: `{local}`"), "dependencies of an index"));
        }
        if !is_frozen {
            lock.agrees_with(&project).map_err(|reason| may_write_lock(install, name, &reason))?;
        }
    }
    if !is_frozen && !project.dynamic.is_empty() {
        return Err(("the metadata of the project is made from its sources".to_owned(), "`--frozen`"));
    }
    needs.evidence.push("the project itself is not installed, and its manifest names no path".to_owned());
    Ok(())
}

/// What `poetry install` needs.
pub(super) fn poetry(needs: &mut Needs, view: &View<'_>, install: &Install<'_>) -> Result<(), Refusal> {
    let project = project(needs, view, install)?;
    let is_package = project.poetry.as_ref().is_none_or(|poetry| poetry.package_mode);
    if is_package && !leaves_project_out(install) {
        let reason = "`poetry install` installs the project itself, which is built of the sources".to_owned();
        return Err((reason, "`--no-root` in a RUN before"));
    }
    if needs.text_if_there(view, install, "poetry.toml")?.is_some_and(|text| text.contains("path")) {
        return Err(("`poetry.toml` sets a path".to_owned(), "settings that name no file"));
    }
    needs.evidence.push("the project itself is not installed, and its manifest names no path".to_owned());
    Ok(())
}

/// What `pipenv install` needs.
pub(super) fn pipenv(
    needs: &mut Needs,
    view: &View<'_>,
    install: &Install<'_>,
    is_frozen: bool,
) -> Result<(), Refusal> {
    let name = &install.row.needs[0];
    let text = needs.text_if_there(view, install, name)?.unwrap_or_default();
    let local = pyproject::read_pipfile(&text).ok_or_else(|| (format!("`{name}` is not read"), "valid TOML"))?;
    if let Some(local) = local.first() {
        return Err((format!("`{name}` names files of the project: `{local}`"), "dependencies of an index"));
    }
    let lock = &install.row.lock[0];
    let writes = install.call.subcommand() == Some("install") && !is_frozen;
    if writes && view.provided(&in_directory(&install.directory, lock)) != Provided::No {
        return Err(may_write_lock(install, lock, "whether it is up to date is not seen"));
    }
    needs.evidence.push(format!("`{name}` names no path"));
    Ok(())
}
