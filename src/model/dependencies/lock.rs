//! Installs that take exactly what the lock file says.
//!
//! A lock file that was made for the manifest says which versions an install brings. A command that also writes lock files
//! does the same then as one that only reads them, until somebody forgets the lock file: the one installs other versions and
//! the other one fails.

use super::view::{Provided, View, in_directory};
use super::{Install, in_directories, is_broad, needs, node};
use crate::model::call::Call;
use crate::model::manifest::{gemfile, package_json, package_lock, pyproject, uv_lock};
use crate::model::{Model, Refusal};
use crate::tables::{self, InstallRow, Locked, Reader};

/// How a command takes exactly what the lock file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Another subcommand, in place of the word of that number.
    Subcommand {
        /// Number of the word.
        at: usize,
        /// The subcommand.
        name: String,
    },
    /// An option in front of the word of that number.
    Option {
        /// Number of the word.
        at: usize,
        /// The option.
        option: String,
    },
    /// A variable for the command alone.
    Variable {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// An install that can be held to its lock file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The change.
    pub change: Change,
    /// The lock file, by its path in the build context.
    pub lock: String,
}

/// How the install takes exactly what the lock file says. `None` when it is no such install, or does so.
#[must_use]
pub fn held(model: &Model<'_>, run: usize, call: &Call<'_>) -> Option<Result<Held, Refusal>> {
    let row = super::row_of(call)?;
    let locked = row.locked.as_ref()?;
    let opts_out = ["--no-package-lock", "--no-lockfile", "--pure-lockfile", "--no-frozen-lockfile", "--skip-lock"];
    if call.option(&opts_out).is_some() || needs::is_frozen(row, call, model, run) || !call.operands().is_empty() {
        return None;
    }
    if !model.context.is_known() {
        let stage = model.stage_of(run)?;
        let copies = (stage.instructions.start..run).any(|index| is_broad(model, index));
        let refusal = (
            "the build context is not known: the lock file is not seen".to_owned(),
            "the build context, as `--context`",
        );
        return copies.then_some(Err(refusal));
    }
    let view = View::before(model, run);
    if !view.copies.iter().any(|copy| copy.is_of_context) {
        return None;
    }
    Some(checked(model, run, call, row, locked, &view))
}

fn checked(
    model: &Model<'_>,
    run: usize,
    call: &Call<'_>,
    row: &'static InstallRow,
    locked: &Locked,
    view: &View<'_>,
) -> Result<Held, Refusal> {
    if !call.is_plain() {
        return Err(call.why_not_plain());
    }
    let installs = in_directories(model, run, &[(call, row)])?;
    let install = installs.first().ok_or_else(|| ("the install is not found".to_owned(), "nothing"))?;
    let path = |name: &String| in_directory(&install.directory, name);
    let found = row.lock.iter().find(|name| view.provided(&path(name)) != Provided::No);
    let name = found.ok_or_else(|| {
        (
            format!("no `{}` is copied", row.lock.join("` or `")),
            "a lock file that the build context holds and a COPY brings",
        )
    })?;
    let text = view.text(&path(name))?;
    let Provided::File(origin) = view.provided(&path(name)) else {
        return Err((format!("`{name}` is no file"), "nothing"));
    };
    agrees(view, install, name, &text).map_err(|reason| {
        (format!("`{}` and the manifest do not agree: {reason}", origin.path), "a lock file that is up to date")
    })?;
    let is_npm = matches!(locked, Locked::Subcommand { .. });
    if is_npm {
        stands_alone(model, view, run, install)?;
    }
    Ok(Held { change: change(call, locked, &text)?, lock: origin.path })
}

fn change(call: &Call<'_>, locked: &Locked, lock: &str) -> Result<Change, Refusal> {
    let unwritten = || ("the command has no place for it".to_owned(), "nothing");
    let with_option = |option: &String| {
        // A program without subcommand takes options behind its name.
        let at = call.option_place().or_else(|| call.subcommand().is_none().then(|| call.program_at() + 1));
        Ok(Change::Option { at: at.ok_or_else(unwritten)?, option: option.clone() })
    };
    match locked {
        Locked::Subcommand { subcommand } => {
            let at = call.subcommand_word().ok_or_else(unwritten)?;
            Ok(Change::Subcommand { at, name: subcommand.clone() })
        }
        Locked::Option { option } => with_option(option),
        Locked::Options { berry, classic } => {
            let is_berry = crate::model::manifest::yarn::read(lock).is_some_and(|lock| lock.is_berry);
            with_option(if is_berry { berry } else { classic })
        }
        Locked::Variable { name, value } => {
            if call.program_at() > 0 {
                return Err(("the command is run through another one".to_owned(), "the command without it"));
            }
            Ok(Change::Variable { name: name.clone(), value: value.clone() })
        }
    }
}

/// Whether the lock file was made for the manifest.
fn agrees(view: &View<'_>, install: &Install<'_>, name: &str, lock: &str) -> Result<(), String> {
    let unread = || "it is not read".to_owned();
    let manifest = &install.row.needs[0];
    let text = view.text(&in_directory(&install.directory, manifest)).map_err(|(reason, _)| reason)?;
    match install.row.reader {
        Reader::Node => {
            let package = package_json::read(&text).ok_or_else(unread)?;
            if !package.workspaces.is_empty() {
                return Err("the project has workspaces".to_owned());
            }
            node::agreement(name, lock, &package).unwrap_or_else(|| Err(unread()))?;
            package_lock::read(lock).map_or(Ok(()), |lock| lock.is_whole())
        }
        Reader::Uv => {
            let project = pyproject::read(&text).ok_or_else(unread)?;
            let lock = uv_lock::read(lock).ok_or_else(unread)?;
            if !project.is_plain() || lock.local.len() != 1 {
                return Err("the project has more than plain dependencies".to_owned());
            }
            if lock.requires_python != project.requires_python {
                return Err("it is for other versions of Python".to_owned());
            }
            lock.agrees_with(&project)
        }
        Reader::Bundler => {
            let gems = gemfile::read(&text)?;
            let lock = gemfile::read_lock(lock).ok_or_else(unread)?;
            if lock.has_local || !lock.is_for_any_platform() {
                return Err("it is for single platforms".to_owned());
            }
            lock.agrees_with(&gems)
        }
        _ => Err(unread()),
    }
}

/// Checks that nothing is installed in the project before: `npm ci` begins with an empty directory.
fn stands_alone(model: &Model<'_>, view: &View<'_>, run: usize, install: &Install<'_>) -> Result<(), Refusal> {
    let line = |index: usize| model.lines.line(model.instruction(index).span.start);
    for name in &install.row.writes {
        if view.provided(&in_directory(&install.directory, name)) != Provided::No {
            return Err((
                format!("a COPY brings `{name}`, which would be removed"),
                "an ignore file that leaves it out",
            ));
        }
    }
    let is_of_project = |call: &Call<'_>| {
        let row = tables::dependencies().install(call.program(), call.subcommand());
        row.is_some_and(|row| row.reader == Reader::Node) && call.option(&["--global"]).is_none()
    };
    let start = model.stage_of(run).map_or(run, |stage| stage.instructions.start);
    let earlier = (start..run).find(|index| model.is_run(*index) && model.calls(*index).iter().any(is_of_project));
    if let Some(earlier) = earlier {
        return Err((format!("line {} installs packages before", line(earlier)), "nothing"));
    }
    let in_one =
        model.calls(run).into_iter().filter(|call| call.id != install.call.id).any(|call| is_of_project(&call));
    if in_one {
        return Err(("the RUN installs packages twice".to_owned(), "nothing"));
    }
    if model.stage_of(run).is_some_and(|stage| matches!(stage.base, crate::model::Base::Stage(_))) {
        return Err(("the stage it is built from may have installed packages".to_owned(), "nothing"));
    }
    Ok(())
}
