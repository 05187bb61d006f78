//! Package lines: `apt-get install` with its flags and cleanups becomes `apk add --no-cache`.

use super::accounts::{self, Accounts};
use super::ground::Names;
use super::{CommandChange, RunChange};
use crate::model::Model;
use crate::model::cache::Refusal;
use crate::model::call::Call;
use crate::model::chain::Chain;
use crate::shell::ast::Word;
use crate::syntax::mount::MountKind;
use crate::tables::{self, Counterpart};

/// The command that installs packages of Alpine.
#[must_use]
pub fn install_command(packages: &[String]) -> String {
    format!("apk add --no-cache {}", packages.join(" "))
}

/// What knows the names of packages on Alpine.
pub(super) struct Counterparts<'a> {
    /// The release of Debian; `None` for another distribution, whose packages no table knows.
    pub(super) release: Option<&'a str>,
    /// Names that the project gives.
    pub(super) names: &'a Names,
}

/// What becomes of a RUN, if it changes.
pub(super) fn change(
    model: &Model<'_>,
    run: usize,
    known: &Counterparts<'_>,
    accounts: &mut Accounts,
) -> Result<Option<RunChange>, Refusal> {
    let is_ours = |call: &Call<'_>| tables::alpine().is_translated(call.program());
    let calls = model.calls(run);
    let count = calls.iter().filter(|call| is_ours(call)).count();
    if model.every_call(run).is_some_and(|every| every.iter().filter(|call| is_ours(call)).count() != count) {
        return Err((
            "a command of Debian stands in a function or a substitution".to_owned(),
            "a plain list of commands",
        ));
    }
    if count == 0 {
        return Ok(None);
    }
    let chain = model.body(run).and_then(|body| body.understood()).and_then(Chain::of);
    let Some(chain) = chain else {
        return Err((
            "the commands do not stand in one list that ends at the first failure".to_owned(),
            "`&&` between them",
        ));
    };
    let mut commands = Vec::new();
    for call in &calls {
        let is_element = chain
            .elements
            .iter()
            .any(|element| element.simple().is_some_and(|simple| std::ptr::eq(simple, call.command)));
        let change = match call.program() {
            _ if is_ours(call) && !call.is_plain() => return Err(call.why_not_plain()),
            _ if is_ours(call) && !is_element => {
                let reason = format!("`{}` stands within another command", call.program());
                return Err((reason, "a plain list of commands"));
            }
            _ if call.is_apt() => Some(apt(model, run, call, known)?),
            _ if is_ours(call) => Some(CommandChange::Become(accounts::translate(call, accounts)?)),
            "rm" if is_element => removal(call),
            _ => None,
        };
        commands.extend(change.map(|change| (call.id, change)));
    }
    let is_gone = commands.len() == chain.elements.len()
        && commands.iter().all(|(_, change)| matches!(change, CommandChange::Out));
    Ok(Some(RunChange { run, commands, is_gone }))
}

fn apt(model: &Model<'_>, run: usize, call: &Call<'_>, known: &Counterparts<'_>) -> Result<CommandChange, Refusal> {
    let has_operands = !call.operands().is_empty();
    match call.subcommand() {
        Some("update" | "clean" | "autoclean") => Ok(CommandChange::Out),
        Some("autoremove") if !has_operands => Ok(CommandChange::Out),
        Some("upgrade" | "dist-upgrade" | "full-upgrade") if !has_operands && call.command.redirects.is_empty() => {
            Ok(CommandChange::Become(vec!["apk upgrade --no-cache".to_owned()]))
        }
        Some("install") if has_operands => install(model, run, call, known),
        other => {
            let reason = format!("`{} {}` has no counterpart that is known", call.program(), other.unwrap_or_default());
            Err((reason, "`apt-get update`, `install` and `clean` only"))
        }
    }
}

/// Checks that no cache of apt is mounted.
pub(super) fn keeps_mounts(model: &Model<'_>, run: usize) -> Result<(), Refusal> {
    let mut caches = model.mounts(run).into_iter().filter(|mount| mount.kind == MountKind::Cache);
    match caches.any(|mount| mount.target.is_some_and(|target| tables::alpine().serves_apt(&target))) {
        true => Err(("a cache of apt is mounted".to_owned(), "the RUN without the mount")),
        false => Ok(()),
    }
}

/// The packages with their names on Alpine.
fn install(model: &Model<'_>, run: usize, call: &Call<'_>, known: &Counterparts<'_>) -> Result<CommandChange, Refusal> {
    let installs_more = ["--install-recommends", "--install-suggests", "--target-release"];
    if call.option(&installs_more).is_some() {
        return Err(("the options of the install have no counterpart".to_owned(), "`apt-get install -y`"));
    }
    let mut names: Vec<String> = Vec::new();
    let mut words = Vec::new();
    for operand in call.operands() {
        let Some(package) = operand.text.as_deref() else {
            return Err(("a package is known only when the command runs".to_owned(), "the name of the package"));
        };
        let counterpart = counterpart(package, known)?;
        let new: Vec<String> = counterpart.into_iter().filter(|name| !names.contains(name)).collect();
        names.extend(new.iter().cloned());
        words.push((operand.word, new));
    }
    if model.body(run).is_some_and(|body| body.heredoc) && !call.command.assignments.is_empty() {
        return Err(("a variable is set for the install in a heredoc".to_owned(), "the install without it"));
    }
    Ok(if names.is_empty() { CommandChange::Out } else { CommandChange::Install(words) })
}

/// What stands in for a package of Debian.
fn counterpart(package: &str, known: &Counterparts<'_>) -> Result<Vec<String>, Refusal> {
    if let Some(names) = known.names.get(package) {
        return Ok(names.clone());
    }
    let unlock = "a row in the table of package names";
    let unknown = || (format!("what `{package}` is called on Alpine is not known"), unlock);
    let release = known.release.ok_or_else(unknown)?;
    if tables::alpine().is_settled(package) {
        return Err((
            format!("`{package}` of Alpine has other versions, paths or programs"),
            "that package in a stage on Debian",
        ));
    }
    match tables::alpine_name(package) {
        Some(Counterpart::Package(name)) => return Ok(vec![name.to_owned()]),
        Some(Counterpart::Nothing) => return Ok(Vec::new()),
        None => {}
    }
    let libraries = tables::runtime_libs();
    if let Some(headers) = libraries.alpine_headers(package) {
        return Ok(vec![headers.to_owned()]);
    }
    match libraries.alpine_library(release, package) {
        Some(names) => Ok(names.to_vec()),
        None => Err(unknown()),
    }
}

/// `rm` of what only apt keeps.
fn removal(call: &Call<'_>) -> Option<CommandChange> {
    let serves = |word: &Word| word.pattern().is_some_and(|path| tables::alpine().serves_apt(&path));
    let words: Vec<usize> = call
        .operands()
        .iter()
        .map(|operand| operand.word)
        .filter(|word| call.command.words.get(*word).is_some_and(serves))
        .collect();
    if words.is_empty() || !call.is_plain() {
        return None;
    }
    Some(if words.len() == call.operands().len() { CommandChange::Out } else { CommandChange::Without(words) })
}
