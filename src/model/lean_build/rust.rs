//! `cargo build --release`: exactly what the lock file says, and no symbols.

use super::{Gain, Leaner, named};
use crate::context::Entry;
use crate::model::call::Call;
use crate::model::deed::{joined, source_at};
use crate::model::manifest::cargo::{self, CargoToml};
use crate::model::scope::Variable;
use crate::model::{Model, Refusal};
use crate::tables::{self, RustBuilds};

pub(super) fn leaner(model: &Model<'_>, run: usize, call: &Call<'_>) -> Option<Result<Leaner, Refusal>> {
    let table = &tables::builds().rust;
    let is_elsewhere = table.elsewhere.iter().any(|option| call.option(&[option]).is_some());
    if call.option(&[&table.release]).is_none() || is_elsewhere || !model.context.is_known() {
        return None;
    }
    if !call.is_plain() {
        return Some(Err(call.why_not_plain()));
    }
    // Behind `cd` it is another project.
    let workdir = model.state(run).workdir.fixed()?;
    if model.calls(run).iter().any(|other| other.id < call.id && other.command.name().as_deref() == Some("cd")) {
        return None;
    }
    let source = source_at(model, run, &joined(workdir, &table.manifest))?;
    let manifest = cargo::read(&model.context.read(&source)?)?;
    let directory = source.rsplit_once('/').map_or("", |(directory, _)| directory);
    let mut found = Leaner::default();
    let mut refused = None;
    match strips(model, run, call, table, &manifest, directory) {
        Ok(true) => {
            let name = table.strip.variable.clone();
            found.gains.push(Gain::Variable { name, value: table.strip.value.clone() });
            found.reasons.push("the program has no symbols, which only backtraces and debuggers read".to_owned());
            found.migration.push("a backtrace shows addresses where it showed names of functions".to_owned());
        }
        Ok(false) => {}
        Err(refusal) => refused = Some(refusal),
    }
    match is_locked(model, run, call, table, &manifest, workdir) {
        Ok(true) => {
            let words = vec![table.locked.clone()];
            found.gains.push(Gain::Words { at: call.option_place()?, words });
            found.reasons.push(format!("a build stops that `{}` does not describe", table.lock));
        }
        Ok(false) => {}
        Err(refusal) => refused = refused.or(Some(refusal)),
    }
    match (found.gains.is_empty(), refused) {
        (false, _) => Some(Ok(found)),
        (true, refused) => refused.map(Err),
    }
}

/// Whether the program loses its symbols.
fn strips(
    model: &Model<'_>,
    run: usize,
    call: &Call<'_>,
    table: &RustBuilds,
    manifest: &CargoToml,
    directory: &str,
) -> Result<bool, Refusal> {
    let variable = &table.strip.variable;
    if call.variables_set().contains(variable) || !matches!(model.state(run).variables.get(variable), Variable::Unset) {
        return Ok(false);
    }
    if manifest.release_profile.iter().any(|key| table.keys.contains(key)) {
        return Ok(false);
    }
    if call.program_at() > 0 {
        return Err(("the command is run through another one".to_owned(), "the command without it"));
    }
    if let Some(tool) = named(model, &table.tools) {
        return Err((
            format!("the file names `{tool}`: somebody may look at symbols"),
            "`strip` in the profile of Cargo.toml",
        ));
    }
    let settings = table.settings.iter().map(|name| joined(&format!("/{directory}"), name));
    let mut settings = settings.filter(|path| model.context.entry(path.trim_start_matches('/')) != Entry::Missing);
    if let Some(path) = settings.next() {
        let path = path.trim_start_matches('/').to_owned();
        return Err((format!("`{path}` may say what becomes of symbols"), "`strip` in the profile of Cargo.toml"));
    }
    if !super::is_version(model, run, &table.interpreter, table.strip.since) {
        return Err((
            "the version of Rust is not known to read the profile from variables".to_owned(),
            "`strip = true` below `[profile.release]` in Cargo.toml",
        ));
    }
    Ok(true)
}

/// Whether the build keeps to a lock file that was made for the manifest.
fn is_locked(
    model: &Model<'_>,
    run: usize,
    call: &Call<'_>,
    table: &RustBuilds,
    manifest: &CargoToml,
    workdir: &str,
) -> Result<bool, Refusal> {
    if call.option(&[&table.locked, "--frozen", "--offline"]).is_some() {
        return Ok(false);
    }
    let Some(source) = source_at(model, run, &joined(workdir, &table.lock)) else {
        return Err((
            format!("no `{}` is copied", table.lock),
            "`cargo generate-lockfile`, and the file in the build context",
        ));
    };
    let lock = model.context.read(&source).and_then(|text| cargo::read_whole_lock(&text));
    let lock = lock.ok_or_else(|| (format!("`{source}` is not read"), "a lock file with content"))?;
    cargo::is_made_for(&lock, manifest).map(|()| true).map_err(|reason| {
        (
            format!("`{source}` and the manifest do not agree: {reason}"),
            "`cargo build --locked`, which shows what differs",
        )
    })
}
