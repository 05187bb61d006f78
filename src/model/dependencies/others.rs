//! go, bundler, composer and mix.

use super::Install;
use super::needs::{Needs, may_write_lock};
use super::view::{View, in_directory};
use crate::model::manifest::{composer, gemfile, go_mod, mix};
use crate::model::scope::Variable;
use crate::model::{Model, Refusal};

fn manifest<'a>(install: &'a Install<'_>) -> &'a str {
    &install.row.needs[0]
}

fn text(needs: &Needs, view: &View<'_>, install: &Install<'_>) -> Result<String, Refusal> {
    Ok(needs.text_if_there(view, install, manifest(install))?.unwrap_or_default())
}

/// What `go mod download` needs.
pub(super) fn go(needs: &mut Needs, view: &View<'_>, install: &Install<'_>) -> Result<(), Refusal> {
    let name = manifest(install);
    let module = go_mod::read(&text(needs, view, install)?);
    let module = module.ok_or_else(|| (format!("not all of `{name}` is read"), "nothing"))?;
    if let Some(local) = module.local.first() {
        return Err((format!("`{name}` replaces a module by files of the project: `{local}`"), "published modules"));
    }
    needs.evidence.push(format!("`{name}` replaces no module by a directory"));
    Ok(())
}

/// What `bundle install` needs.
pub(super) fn bundler(
    needs: &mut Needs,
    view: &View<'_>,
    install: &Install<'_>,
    is_frozen: bool,
) -> Result<(), Refusal> {
    let name = manifest(install);
    let gems = gemfile::read(&text(needs, view, install)?);
    let gems = gems.map_err(|reason| (format!("what `{name}` reads is not known: {reason}"), "nothing"))?;
    if let Some(file) = &gems.version_file {
        needs.read(view, &in_directory(&install.directory, file))?;
    }
    let name = &install.row.lock[0];
    if let Some(text) = needs.text_if_there(view, install, name)? {
        let lock = gemfile::read_lock(&text).ok_or_else(|| (format!("`{name}` is not read"), "nothing"))?;
        if lock.has_local {
            return Err((format!("`{name}` names files of the project"), "published gems"));
        }
        if !is_frozen {
            lock.agrees_with(&gems).map_err(|reason| may_write_lock(install, name, &reason))?;
            // Bundler adds the platform it runs on.
            if !lock.is_for_any_platform() {
                return Err(may_write_lock(install, name, "it is for single platforms"));
            }
        }
    }
    needs.evidence.push("the Gemfile reads no other file".to_owned());
    Ok(())
}

/// What `composer install` needs.
pub(super) fn composer(
    needs: &mut Needs,
    view: &View<'_>,
    install: &Install<'_>,
    model: &Model<'_>,
    run: usize,
) -> Result<(), Refusal> {
    let name = manifest(install);
    let project = composer::read(&text(needs, view, install)?);
    let project = project.ok_or_else(|| (format!("`{name}` is not read"), "valid JSON"))?;
    let has = |option: &str| install.call.option(&[option]).is_some();
    let state = model.state(run);
    let mut set = state.variables.environment.keys().filter(|name| name.starts_with("COMPOSER"));
    let harmless =
        ["COMPOSER_ALLOW_SUPERUSER", "COMPOSER_NO_INTERACTION", "COMPOSER_MEMORY_LIMIT", "COMPOSER_PROCESS_TIMEOUT"];
    let reason = if project.has_path_repository {
        Some("names files of the project")
    } else if !has("--no-scripts") && !project.scripts.is_empty() {
        Some("has scripts that may read the sources")
    } else if !has("--no-plugins") && project.config.iter().any(|key| key == "allow-plugins") {
        Some("has plugins that may read the sources")
    } else if !has("--no-autoloader") && (project.scans_sources || project.is_optimized) {
        Some("makes a class map of the sources")
    } else if project.config.iter().any(|key| key.ends_with("-dir")) {
        Some("says where things are installed")
    } else {
        None
    };
    if let Some(reason) = reason {
        return Err((
            format!("`{name}` {reason}"),
            "`--no-scripts --no-plugins --no-autoloader`, and the rest behind the COPY",
        ));
    }
    if let Some(variable) = set.find(|name| !harmless.contains(&name.as_str())) {
        return Err((format!("`{variable}` changes what `composer` does"), "nothing"));
    }
    if matches!(state.variables.get("COMPOSER_VENDOR_DIR"), Variable::Set(_)) {
        return Err(("`COMPOSER_VENDOR_DIR` says where things are installed".to_owned(), "nothing"));
    }
    needs.evidence.push(format!("`{name}` runs no script and reads no sources"));
    Ok(())
}

/// What `mix deps.get` needs.
pub(super) fn mix(needs: &mut Needs, view: &View<'_>, install: &Install<'_>, is_frozen: bool) -> Result<(), Refusal> {
    let name = manifest(install);
    mix::reads_nothing(&text(needs, view, install)?).map_err(|reason| (format!("`{name}`: {reason}"), "nothing"))?;
    let name = &install.row.lock[0];
    if !is_frozen && needs.text_if_there(view, install, name)?.is_some() {
        return Err(may_write_lock(install, name, "whether it is up to date is not seen"));
    }
    needs.evidence.push("the project reads no other file".to_owned());
    Ok(())
}
