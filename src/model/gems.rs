//! Ruby: where Bundler and RubyGems install.

use super::deed::{Deed, joined, source_at};
use super::manifest::gemfile;
use super::scope::Variable;
use super::{Model, Stage};
use crate::shell::command::{Invocation, recognize};
use crate::tables;

/// What a command of Bundler or RubyGems leaves behind that runs in the directory.
///
/// # Errors
/// Why that is not known.
pub(super) fn installed(
    model: &Model<'_>,
    run: usize,
    directory: &str,
    invocation: &Invocation,
) -> Result<Vec<Deed>, String> {
    let table = &tables::stages().ruby;
    let subcommand = invocation.subcommand();
    let is_bundler = table.bundlers.contains(&invocation.program);
    let called = format!("{} {subcommand}", invocation.program);
    let unknown = || format!("what `{called}` leaves behind is not known");
    let is_known = |options: &std::collections::BTreeSet<String>| {
        invocation.unknown_option.is_none() && invocation.options.iter().all(|option| options.contains(&option.name))
    };
    match (is_bundler, subcommand) {
        (true, "check" | "list" | "info" | "show") => Ok(Vec::new()),
        (true, "config" | "config set") if is_known(&table.config_options) => {
            settings(model, run, directory).map(|path| vec![Deed::Output(path)]).ok_or_else(unknown)
        }
        (true, "install") if is_known(&table.bundle_options) => bundled(model, run, directory, invocation),
        (false, "install") if is_known(&table.gem_options) => {
            home(model, run).map(|path| vec![Deed::Output(path)]).ok_or_else(unknown)
        }
        _ => Err(unknown()),
    }
}

/// What `bundle install` makes.
fn bundled(model: &Model<'_>, run: usize, directory: &str, invocation: &Invocation) -> Result<Vec<Deed>, String> {
    let table = &tables::stages().ruby;
    let variables = &model.state(run).variables;
    let stage = model.stage_of(run).ok_or("the stage is not known")?;
    let configured = configured(model, stage, run).ok_or("what `bundle config` sets is not known")?;
    let value = |name: &str| configured.iter().rev().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let is_deployment = invocation.has(&table.deployment_option)
        || value(&table.deployment_key).is_some_and(|value| value == "true")
        || !matches!(variables.get(&table.deployment), Variable::Unset);
    let option = invocation.values(&table.path_option).last().map(|value| value.text.clone());
    let gems = match (option, value(&table.path_key), variables.get(&table.path)) {
        (Some(path), ..) => {
            joined(directory, &path.ok_or("where `bundle install` writes to is known only when it runs")?)
        }
        (None, Some(path), _) => joined(directory, path),
        (None, None, Variable::Set(path)) => {
            joined(directory, path.fixed().ok_or("where `bundle install` writes to is not known")?)
        }
        (None, None, Variable::Unknown) => return Err("where `bundle install` writes to is not known".to_owned()),
        (None, None, Variable::Unset) if is_deployment => joined(directory, &table.vendor),
        (None, None, Variable::Unset) => home(model, run).ok_or("where `bundle install` writes to is not known")?,
    };
    let mut made = vec![Deed::Output(gems)];
    if invocation.has(&table.path_option) || invocation.has(&table.deployment_option) {
        let path = settings(model, run, directory).ok_or("where `bundle install` keeps its settings is not known")?;
        made.push(Deed::Output(path));
    }
    let lock = joined(directory, &table.lock);
    match source_at(model, run, &lock).and_then(|path| model.context.read(&path)) {
        Some(text) => {
            let is_for = gemfile::read_lock(&text).is_some_and(|lock| lock.is_for_any_platform());
            if !is_for && !table.platforms.iter().any(|platform| text.contains(platform.as_str())) {
                return Err(format!("`{}` names no platform of Linux, and `bundle install` changes it", table.lock));
            }
        }
        None => made.push(Deed::Output(lock)),
    }
    Ok(made)
}

/// The directory of gems, as the base image sets it.
fn home(model: &Model<'_>, run: usize) -> Option<String> {
    let Variable::Set(home) = model.state(run).variables.get(&tables::stages().ruby.home) else { return None };
    home.fixed().filter(|home| home.starts_with('/')).map(str::to_owned)
}

/// The file of settings of a project.
fn settings(model: &Model<'_>, run: usize, directory: &str) -> Option<String> {
    let table = &tables::stages().ruby;
    match model.state(run).variables.get(&table.settings) {
        Variable::Set(path) => path.fixed().map(|path| joined(path, &table.settings_file)),
        Variable::Unset => Some(joined(directory, &format!("{}/{}", table.settings_directory, table.settings_file))),
        Variable::Unknown => None,
    }
}

/// The settings that commands up to the RUN make, in order.
fn configured(model: &Model<'_>, stage: &Stage, run: usize) -> Option<Vec<(String, String)>> {
    let table = &tables::stages().ruby;
    let mut found = Vec::new();
    for index in (stage.instructions.start..=run).filter(|index| model.is_run(*index)) {
        for command in model.body(index)?.understood()?.all_simple_commands() {
            let Some(invocation) = recognize(command).filter(|it| table.bundlers.contains(&it.program)) else {
                continue;
            };
            if !invocation.subcommand().starts_with(&table.config) {
                continue;
            }
            let arguments = invocation.known_arguments()?;
            if let [name, values @ ..] = arguments.as_slice() {
                found.push(((*name).to_owned(), values.join(" ")));
            }
        }
    }
    Some(found)
}
