//! What an install needs of the project: the part that its row in `dependencies.yaml` says.

use super::view::{Provided, View, in_directory};
use super::{Install, cargo, dotnet, gradle, maven, node, others, python};
use crate::model::call::Call;
use crate::model::scope::Variable;
use crate::model::{Model, Refusal};
use crate::tables::{InstallRow, Reader};

/// What installs read and write of the project, by paths of the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    /// Files, and directories that are read whole; all of them are there.
    pub(super) reads: Vec<String>,
    /// What is written, with what lies below.
    pub(super) writes: Vec<String>,
    /// What was seen, for people.
    pub(super) evidence: Vec<String>,
}

/// Whether the call installs what the manifests of a project name, and not what its words name.
pub(super) fn is_of_project(call: &Call<'_>, row: &InstallRow) -> bool {
    match row.reader {
        Reader::Pip => {
            call.option(&["--requirement", "--constraint", "--editable"]).is_some()
                || call.operands().iter().any(|operand| operand.text.as_deref().is_some_and(python::is_path))
        }
        Reader::Node => call.option(&["--global"]).is_none() && call.operands().is_empty(),
        Reader::Maven | Reader::Gradle => {
            let goals: Option<Vec<&str>> = call.operands().iter().map(|operand| operand.text.as_deref()).collect();
            goals.is_some_and(|goals| {
                !goals.is_empty() && goals.iter().all(|goal| row.goals.iter().any(|known| known == goal))
            })
        }
        _ => true,
    }
}

impl Needs {
    /// Adds what an install needs.
    pub(super) fn add(
        &mut self,
        view: &View<'_>,
        install: &Install<'_>,
        model: &Model<'_>,
        run: usize,
    ) -> Result<(), Refusal> {
        let row = install.row;
        let called = called(install);
        if !install.call.is_plain() {
            return Err(install.call.why_not_plain());
        }
        for option in install.call.options() {
            let is_text = |value: &str| !value.contains('/') || value.contains("://");
            let is_known = match &option.value {
                None => row.flags.contains(&option.name),
                Some(value) => row.values.contains(&option.name) && value.text.as_deref().is_some_and(is_text),
            };
            let is_file = row.reader == Reader::Pip && python::FILES.contains(&option.name.as_str());
            if !is_known && !is_file {
                let reason = format!("what `{called}` does with `{}` is not known", option.name);
                return Err((reason, "the install without it"));
            }
        }
        let names_others = matches!(row.reader, Reader::Pip | Reader::Dotnet | Reader::Maven | Reader::Gradle);
        if !names_others && !install.call.operands().is_empty() {
            return Err((format!("`{called}` installs what it names itself"), "an install of its own"));
        }
        if !row.needs.is_empty() {
            let provided: Vec<bool> =
                row.needs.iter().map(|name| self.read_if_there(view, install, name)).collect::<Result<_, _>>()?;
            if !provided.contains(&true) {
                let reason = format!("no `{}` is copied to `{}`", row.needs.join("` or `"), install.directory);
                return Err((reason, "a COPY that brings it"));
            }
        }
        for name in &row.reads {
            self.read_if_there(view, install, name)?;
        }
        for name in &row.refuses {
            if view.provided(&in_directory(&install.directory, name)) != Provided::No {
                return Err((format!("`{called}` may read more because of `{name}`"), "nothing"));
            }
        }
        for directory in above(&install.directory) {
            let path = |name: &String| in_directory(directory, name);
            if let Some(name) = row.above.iter().find(|name| view.provided(&path(name)) != Provided::No) {
                return Err((format!("`{called}` may read `{}` too", path(name)), "nothing"));
            }
        }
        self.writes.extend(row.writes.iter().map(|name| in_directory(&install.directory, name)));
        let is_frozen = is_frozen(install.row, install.call, model, run);
        match row.reader {
            Reader::Node => node::read(self, view, install, is_frozen),
            Reader::Pip => python::pip(self, view, install),
            Reader::Uv => python::uv(self, view, install, is_frozen),
            Reader::Poetry => python::poetry(self, view, install),
            Reader::Pipenv => python::pipenv(self, view, install, is_frozen),
            Reader::Go => others::go(self, view, install),
            Reader::Maven => maven::read(self, view, install),
            Reader::Gradle => gradle::read(self, view, install),
            Reader::Cargo => cargo::read(self, view, install, model, run, is_frozen),
            Reader::Bundler => others::bundler(self, view, install, is_frozen),
            Reader::Composer => others::composer(self, view, install, model, run),
            Reader::Mix => others::mix(self, view, install, is_frozen),
            Reader::Dotnet => dotnet::read(self, view, install),
        }
    }

    /// Adds a file that is read; it has to be there and to have content.
    pub(super) fn read(&mut self, view: &View<'_>, path: &str) -> Result<String, Refusal> {
        let text = view.text(path)?;
        self.note(path);
        Ok(text)
    }

    /// Adds a path that is read.
    pub(super) fn note(&mut self, path: &str) {
        if !self.reads.iter().any(|known| known == path) {
            self.reads.push(path.to_owned());
        }
    }

    /// Adds a file or directory that is read when it is there; says whether it is.
    pub(super) fn read_if_there(
        &mut self,
        view: &View<'_>,
        install: &Install<'_>,
        name: &str,
    ) -> Result<bool, Refusal> {
        let path = in_directory(&install.directory, name);
        match view.provided(&path) {
            Provided::No => Ok(false),
            Provided::Unknown(reason) => Err((reason, "the build context with its files")),
            Provided::File(origin) if view.is_hollow(&origin) => {
                Err((format!("`{}` has no content that can be read", origin.path), "the build context with its files"))
            }
            Provided::File(_) | Provided::Directory(_) => {
                self.note(&path);
                Ok(true)
            }
        }
    }

    /// The text of a file of the project that is read when it is there.
    pub(super) fn text_if_there(
        &self,
        view: &View<'_>,
        install: &Install<'_>,
        name: &str,
    ) -> Result<Option<String>, Refusal> {
        let path = in_directory(&install.directory, name);
        if view.provided(&path) == Provided::No { Ok(None) } else { view.text(&path).map(Some) }
    }
}

/// The command as people call it.
pub(super) fn called(install: &Install<'_>) -> String {
    let program = install.call.program();
    install.call.subcommand().map_or_else(|| program.to_owned(), |subcommand| format!("{program} {subcommand}"))
}

/// The directories above one.
fn above(directory: &str) -> impl Iterator<Item = &str> {
    let parents = directory.match_indices('/').map(|(at, _)| if at == 0 { "/" } else { &directory[..at] });
    parents.filter(move |parent| *parent != directory)
}

/// Whether an option or a variable keeps the install from writing the lock file.
pub(super) fn is_frozen(row: &InstallRow, call: &Call<'_>, model: &Model<'_>, run: usize) -> bool {
    row.lock.is_empty()
        || row.frozen.iter().any(|name| {
            if name.starts_with('-') {
                return call.option(&[name]).is_some();
            }
            if call.sets(name) {
                return true;
            }
            let value = match model.state(run).variables.get(name) {
                Variable::Set(value) => value.fixed(),
                Variable::Unset | Variable::Unknown => None,
            };
            matches!(value, Some("1" | "true"))
        })
}

/// The refusal of an install that may write a lock file which the sources bring again as it was.
pub(super) fn may_write_lock(install: &Install<'_>, name: &str, reason: &str) -> Refusal {
    (format!("`{}` may write `{name}`: {reason}", called(install)), "a lock file that is up to date")
}
