//! What the instructions of a stage read and write, and which of them commute.
//!
//! Paths are absolute, with the links resolved that every image has. An instruction of which that cannot be told is
//! *opaque*: it may read and write everything. Opaque are a RUN in exec form, one with another shell than the default one,
//! one whose script is not understood, and one with a command that has no row in `effects.yaml` or whose operands are known
//! only when it runs. A script of a known build context is read ([`scripts`]). A path below a place that an earlier
//! instruction may have made a link of is not resolved; behind an opaque instruction none is, but for those that rows name.
//! Links that commands of rows make lead to where such commands write.
//!
//! Two instructions commute when neither writes what the other one reads or writes. The network is constant during a build,
//! the build context is never written, and the position among the instructions is no input.

mod apart;
mod commands;
mod scripts;
mod workdir;

pub use apart::{Place, Rest, apart, rest, trusting};
pub use workdir::workdir_before_copy;

use std::collections::{BTreeMap, BTreeSet};

use super::origin::is_within;
use super::walk::clean;
use super::{Base, Model, Stage};
use crate::shell::ast::Script;
use crate::syntax::ast::{Command, Healthcheck, InstructionKind, Transfer};
use crate::syntax::expand;
use crate::syntax::mount::MountKind;
use crate::tables::{self, DistributionName, Fact};

/// The name that stands for the working directory among the names read and written; variables have no such names.
const WORKDIR: &str = "WORKDIR=";
const USER: &str = "USER=";
const SHELL: &str = "SHELL=";
/// The order of variables in the configuration of the image.
const VARIABLES: &str = "ENV=";
/// Everything in the configuration that no build step reads.
const CONFIGURATION: &str = "CONFIG=";

/// More places than this that may hold links are not followed.
const MAX_LINKS: usize = 200;

/// What an instruction reads and writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Why it may read and write everything.
    opaque: Option<String>,
    reads: Places,
    writes: Places,
    /// Its number.
    index: usize,
    /// Directories above its paths that no image need have, with the number of the instruction that creates them first.
    makes: BTreeMap<String, usize>,
    /// Directories that it creates.
    directories: Vec<String>,
    /// What of its writes may be other files or other bytes afterwards, not only new directories, owners and modes.
    changes: Vec<Tree>,
    /// Where it may put links to anywhere.
    links: Vec<Tree>,
    /// Where it may put links that lead to where commands of table rows write.
    led: Vec<Tree>,
    /// What it may remove.
    removes: Vec<Tree>,
    /// Whether a row that is an assumption takes part.
    assumed: bool,
    /// Whether it reads the build context.
    reads_context: bool,
}

/// Paths and names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Places {
    trees: Vec<Tree>,
    /// Variables, and parts of the state of the build.
    names: BTreeSet<String>,
    /// Whether all variables are meant.
    all_names: bool,
}

/// A path with what lies below it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tree {
    path: String,
    /// Whether the table speaks of it: without the exceptions of the table.
    by_table: bool,
    /// Whether only what lies below it is meant.
    strictly_below: bool,
}

impl Tree {
    const fn at(path: String) -> Self {
        Self { path, by_table: false, strictly_below: false }
    }

    const fn of_table(path: String) -> Self {
        Self { path, by_table: true, strictly_below: false }
    }

    fn covers(&self, path: &str) -> bool {
        is_within(path, &self.path)
            && !(self.strictly_below && path == self.path)
            && !(self.by_table && is_excepted(path))
    }

    /// Whether both may mean the same file: one path is a prefix of the other.
    fn overlaps(&self, other: &Self) -> bool {
        self.covers(&other.path) || other.covers(&self.path)
    }
}

fn is_excepted(path: &str) -> bool {
    tables::effects().except.paths.iter().any(|except| is_within(path, except))
}

impl Places {
    /// What both hold, in words.
    fn meets(&self, other: &Self) -> Option<String> {
        for tree in &self.trees {
            if let Some(other) = other.trees.iter().find(|other| tree.overlaps(other)) {
                let longer = if tree.path.len() > other.path.len() { tree } else { other };
                return Some(format!("`{}`", longer.path));
            }
        }
        self.common_name(other)
    }

    /// A name that both hold, in words.
    fn common_name(&self, other: &Self) -> Option<String> {
        let is_variable = |name: &&String| !name.ends_with('=');
        let common = self.names.iter().find(|name| other.all_names && is_variable(name) || other.names.contains(*name));
        let common = common.or_else(|| other.names.iter().find(|name| self.all_names && is_variable(name)));
        common.map(|name| format!("`{}`", name.trim_end_matches('=')))
    }
}

impl Access {
    fn opaque(reason: impl Into<String>) -> Self {
        Self { opaque: Some(reason.into()), ..Self::default() }
    }

    /// Why it may read and write everything, if it may.
    #[must_use]
    pub fn why_opaque(&self) -> Option<&str> {
        self.opaque.as_deref()
    }

    /// Whether what it touches follows from a row that is an assumption.
    #[must_use]
    pub const fn is_assumed(&self) -> bool {
        self.assumed
    }

    /// Whether it reads the build context.
    #[must_use]
    pub const fn reads_context(&self) -> bool {
        self.reads_context
    }

    fn read_tree(&mut self, tree: Tree) {
        if !self.reads.trees.contains(&tree) {
            self.reads.trees.push(tree);
        }
    }

    fn write_tree(&mut self, tree: Tree, how: How) {
        self.read_tree(tree.clone());
        let kinds = match how {
            How::Read => return,
            How::Attributes => [None, None],
            How::File => [Some(&mut self.changes), None],
            How::Remove => [Some(&mut self.changes), Some(&mut self.removes)],
            How::Led => [Some(&mut self.changes), Some(&mut self.led)],
            How::Anything => [Some(&mut self.changes), Some(&mut self.links)],
        };
        for trees in kinds.into_iter().flatten().chain([&mut self.writes.trees]) {
            if !trees.contains(&tree) {
                trees.push(tree.clone());
            }
        }
    }

    /// A path with what a link on it may lead to.
    fn write_path(&mut self, resolved: Resolved, how: How) {
        self.elsewhere(resolved.elsewhere, how);
        self.write_tree(Tree::at(resolved.path), how);
    }

    /// Where a link may lead that a command of a row made.
    fn elsewhere(&mut self, trees: Vec<Tree>, how: How) {
        self.assumed |= !trees.is_empty();
        let how = if how == How::Read { How::Read } else { How::Led };
        for tree in trees {
            self.write_tree(tree, how);
        }
    }

    /// Creates the path, with those above it, as a directory.
    fn make_directory(&mut self, resolved: Resolved, history: &History) {
        let path = resolved.path;
        self.elsewhere(resolved.elsewhere, How::Led);
        self.writes.trees.push(Tree::at(path.clone()));
        let path = path.as_str();
        for above in ancestors(path).filter(|above| !history.directories.contains(*above)) {
            self.makes.insert(above.to_owned(), history.made.get(above).copied().unwrap_or(self.index));
        }
        self.directories.push(path.to_owned());
    }

    /// Whether the file at the path may be another one afterwards.
    fn changes(&self, path: &str) -> bool {
        self.opaque.is_some() || self.changes.iter().any(|tree| tree.covers(path) || is_within(&tree.path, path))
    }

    /// Whether it neither reads nor writes anything at or below the path, or the path as a whole.
    #[must_use]
    pub fn leaves_alone(&self, path: &str) -> bool {
        let tree = Tree::at(path.to_owned());
        let touches = |places: &Places| places.trees.iter().any(|other| tree.overlaps(other));
        self.opaque.is_none() && !touches(&self.reads) && !touches(&self.writes)
    }

    fn read_names<'n>(&mut self, names: impl IntoIterator<Item = &'n str>) {
        self.reads.names.extend(names.into_iter().map(str::to_owned));
    }
}

/// What is done with a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    /// It is read.
    Read,
    /// Owner and mode change.
    Attributes,
    /// A regular file is written.
    File,
    /// It is removed.
    Remove,
    /// Anything is made, with links to where commands of table rows write.
    Led,
    /// Anything is made, with links to anywhere.
    Anything,
}

/// An absolute path.
struct Resolved {
    /// The path, with the links resolved that every image has.
    path: String,
    /// What is meant besides when a link of a command of a row lies on it.
    elsewhere: Vec<Tree>,
}

impl Resolved {
    /// A path of which nothing is known.
    fn anywhere() -> Self {
        Self { path: "/".to_owned(), elsewhere: Vec::new() }
    }
}

/// The paths above a path, from the root.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| if at == 0 { "/" } else { &path[..at] }).filter(move |above| *above != path)
}

/// Checks that two instructions of a stage can change places: neither writes what the other reads or writes.
///
/// # Errors
/// What they have in common.
pub fn commute(a: &Access, b: &Access) -> Result<(), String> {
    if let Some(reason) = a.opaque.as_ref().or(b.opaque.as_ref()) {
        return Err(reason.clone());
    }
    let meets = |writes: &Access, other: &Access| {
        let made = |(path, by): &(&String, &usize)| {
            let is_made_here = **by == a.index || **by == b.index;
            is_made_here
                && (writes.makes.contains_key(*path) || writes.writes.trees.iter().any(|tree| tree.covers(path)))
        };
        writes
            .writes
            .meets(&other.reads)
            .or_else(|| writes.writes.meets(&other.writes))
            .or_else(|| other.makes.iter().find(made).map(|(path, _)| format!("`{path}`")))
    };
    match meets(a, b).or_else(|| meets(b, a)) {
        None => Ok(()),
        Some(common) => Err(format!("both use {common}, and one of them writes it")),
    }
}

/// What stood before an instruction of the stage.
#[derive(Clone, Debug, Default)]
struct History {
    /// Why no path is known any more.
    lost: Option<String>,
    /// Whether no path is taken for a link but those that every image has.
    trusts: bool,
    links: Vec<Tree>,
    /// Where links may be that lead to one of these trees.
    led: Vec<Tree>,
    /// Directories of the image.
    directories: BTreeSet<String>,
    /// Other directories, with the number of the instruction that creates them first.
    made: BTreeMap<String, usize>,
}

impl History {
    fn add(&mut self, access: &Access) {
        if let Some(reason) = &access.opaque {
            if !self.trusts {
                self.lost.get_or_insert_with(|| reason.clone());
            }
            return;
        }
        // What a table row names keeps the directories of the system.
        for gone in access.links.iter().chain(&access.removes).filter(|tree| !tree.strictly_below) {
            self.directories.retain(|directory| !gone.covers(directory));
            self.made.retain(|directory, _| !gone.covers(directory));
        }
        for (known, new) in [(&mut self.links, &access.links), (&mut self.led, &access.led)] {
            for tree in new {
                if !known.contains(tree) {
                    known.push(tree.clone());
                }
            }
        }
        for directory in access.makes.keys().chain(&access.directories) {
            self.made.entry(directory.clone()).or_insert(access.index);
        }
        if self.links.len() + self.led.len() > MAX_LINKS && !self.trusts {
            self.lost = Some("too many files are written before it".to_owned());
        }
    }

    /// The absolute path with links resolved.
    fn resolve(&self, path: &str) -> Result<Resolved, String> {
        if self.trusts {
            return Ok(Resolved { path: through_links(path), elsewhere: Vec::new() });
        }
        if let Some(reason) = &self.lost {
            return Err(format!("whether `{path}` is a link is not known: {reason}"));
        }
        let path = through_links(path);
        if self.links.iter().any(|link| link.covers(&path)) {
            return Err(format!("an earlier instruction may have made a link of `{path}`"));
        }
        let is_stable = tables::effects().stable.paths.iter().any(|stable| is_within(&path, stable));
        let may_lead = !is_stable && self.led.iter().any(|link| link.covers(&path));
        Ok(Resolved { path, elsewhere: if may_lead { self.led.clone() } else { Vec::new() } })
    }
}

impl History {
    /// The absolute path of an entry of a directory, which may be a link itself.
    fn resolve_entry(&self, path: &str) -> Result<Resolved, String> {
        let path = clean(path);
        let Some((directory, name)) = path.rsplit_once('/').filter(|(directory, _)| !directory.is_empty()) else {
            return self.resolve(&path);
        };
        let directory = self.resolve(directory)?;
        Ok(Resolved { path: format!("{}/{name}", directory.path.trim_end_matches('/')), ..directory })
    }
}

/// The absolute path with the links resolved that every image has.
pub(crate) fn through_links(path: &str) -> String {
    let path = clean(path);
    let symlink = tables::effects().symlinks.iter().find(|symlink| is_within(&path, &symlink.link));
    match symlink {
        Some(symlink) => format!("{}{}", symlink.target, &path[symlink.link.len()..]),
        None => path,
    }
}

impl Model<'_> {
    /// What each instruction of the file reads and writes, in order; computed once.
    #[must_use]
    pub fn accesses(&self) -> &[Access] {
        self.accesses.get_or_init(|| accesses(self))
    }
}

/// What each instruction of the file reads and writes, in order.
#[must_use]
pub fn accesses(model: &Model<'_>) -> Vec<Access> {
    histories(model, false).into_iter().map(|(access, _)| access).collect()
}

/// What each instruction reads and writes, with what stood before it.
fn histories(model: &Model<'_>, trusts: bool) -> Vec<(Access, History)> {
    let outside = (Access::opaque("it stands before the first stage"), History::default());
    let mut found = vec![outside; model.dockerfile.instructions.len()];
    let mut ends: Vec<History> = Vec::with_capacity(model.stages.len());
    for stage in &model.stages {
        let mut history = start(model, stage, &ends);
        if trusts {
            history = History { lost: None, trusts, ..history };
        }
        found[stage.from].0 = Access::opaque("a stage begins here");
        for index in stage.instructions.clone() {
            let access = Reader { model, index, history: &history, before: &found[stage.instructions.start..index] }
                .access()
                .unwrap_or_else(|reason| Access::opaque(format!("line {}: {reason}", line(model, index))));
            let before = if trusts { history.clone() } else { History::default() };
            history.add(&access);
            found[index] = (access, before);
        }
        ends.push(history);
    }
    found
}

fn line(model: &Model<'_>, index: usize) -> usize {
    model.lines.line(model.instruction(index).span.start)
}

/// What is known when the stage begins.
fn start(model: &Model<'_>, stage: &Stage, ends: &[History]) -> History {
    let lost = |reason: &str| History { lost: Some(reason.to_owned()), ..History::default() };
    let image = match stage.base {
        Base::Stage(parent) => return ends[parent].clone(),
        Base::Scratch => return History { directories: ["/".to_owned()].into(), ..History::default() },
        Base::Image(_) | Base::Unknown => stage.image.as_deref(),
    };
    let Some(image) = image else { return lost("nothing is known of the base image") };
    if model.dockerfile.instructions[stage.from].flag("platform").is_none() && image.windows {
        return lost("it is a Windows image");
    }
    if !image.onbuild.is(&false) {
        return lost("the base image may have triggers");
    }
    let table = &tables::effects().directories;
    let mut directories: BTreeSet<String> = table.every.iter().cloned().collect();
    if let Fact::Known(distribution) = &image.distribution
        && matches!(distribution.name, DistributionName::Debian | DistributionName::Ubuntu)
    {
        directories.extend(table.debian.iter().cloned());
    }
    History { directories, ..History::default() }
}

/// Reads one instruction.
struct Reader<'m, 'h> {
    model: &'m Model<'m>,
    index: usize,
    history: &'h History,
    /// The instructions of the stage before it.
    before: &'h [(Access, History)],
}

impl Reader<'_, '_> {
    /// Whether the script of the RUN may set the variable: its name stands there otherwise than to be expanded.
    fn sets_variable(&self, name: &str) -> bool {
        let text = self.model.body(self.index).map_or("", |body| body.text.text.as_str());
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        text.match_indices(name).any(|(at, _)| {
            let (before, behind) = (&text[..at], &text[at + name.len()..]);
            let is_part = before.ends_with(is_name) || behind.starts_with(is_name);
            let is_expanded = before.ends_with('$') || before.ends_with("${") && behind.starts_with('}');
            !is_part && !is_expanded
        })
    }

    fn nothing(&self) -> Access {
        Access { index: self.index, ..Access::default() }
    }

    fn access(&self) -> Result<Access, String> {
        let instruction = self.model.instruction(self.index);
        let mut access = self.nothing();
        match &instruction.kind {
            InstructionKind::Run(command) => return self.run(command),
            InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => return self.transfer(transfer),
            InstructionKind::Env(pairs) => {
                for pair in &pairs.pairs {
                    self.mention(&mut access, &pair.value.text)?;
                    access.writes.names.insert(pair.key.text.clone());
                }
                access.writes.names.insert(VARIABLES.to_owned());
            }
            InstructionKind::Arg(declarations) => {
                for declaration in declarations {
                    if let Some(default) = &declaration.default {
                        self.mention(&mut access, &default.text)?;
                    }
                    access.writes.names.insert(declaration.name.text.clone());
                }
                access.writes.names.insert(VARIABLES.to_owned());
            }
            InstructionKind::User(user) => {
                self.mention(&mut access, &user.text)?;
                access.read_tree(Tree::at("/etc/passwd".to_owned()));
                access.read_tree(Tree::at("/etc/group".to_owned()));
                access.writes.names.insert(USER.to_owned());
            }
            InstructionKind::Workdir(path) => {
                self.mention(&mut access, &path.text)?;
                access.read_names([WORKDIR, USER]);
                access.writes.names.insert(WORKDIR.to_owned());
                let path = self.absolute(&path.text)?;
                access.make_directory(self.history.resolve(&path)?, self.history);
            }
            InstructionKind::Shell(_) => {
                access.writes.names.insert(SHELL.to_owned());
            }
            InstructionKind::Label(pairs) => {
                for pair in &pairs.pairs {
                    self.mention(&mut access, &pair.key.text)?;
                    self.mention(&mut access, &pair.value.text)?;
                }
                access.writes.names.insert(CONFIGURATION.to_owned());
            }
            InstructionKind::Expose(words) => {
                for word in words {
                    self.mention(&mut access, &word.text)?;
                }
                access.writes.names.insert(CONFIGURATION.to_owned());
            }
            InstructionKind::Stopsignal(word) => {
                self.mention(&mut access, &word.text)?;
                access.writes.names.insert(CONFIGURATION.to_owned());
            }
            InstructionKind::Cmd(_)
            | InstructionKind::Entrypoint(_)
            | InstructionKind::Maintainer(_)
            | InstructionKind::Healthcheck(Healthcheck::None | Healthcheck::Cmd { .. }) => {
                access.read_names([SHELL]);
                access.writes.names.insert(CONFIGURATION.to_owned());
            }
            InstructionKind::Volume(words) => {
                // Builders other than BuildKit throw away what later instructions write there.
                for word in words {
                    self.mention(&mut access, &word.text)?;
                    let path = self.history.resolve(&self.absolute(&word.text)?)?;
                    access.write_path(path, How::Attributes);
                }
                access.writes.names.insert(CONFIGURATION.to_owned());
            }
            InstructionKind::From(_) | InstructionKind::Onbuild(_) | InstructionKind::Unknown => {
                return Err("what it does to files is not followed".to_owned());
            }
        }
        Ok(access)
    }

    /// Reads the variables that a word mentions.
    fn mention(&self, access: &mut Access, word: &str) -> Result<(), String> {
        let names = expand::variables(word, self.model.dockerfile.escape)
            .map_err(|_| format!("`{word}` cannot be expanded"))?;
        access.reads.names.extend(names);
        Ok(())
    }

    /// A word of the Dockerfile as an absolute path.
    fn absolute(&self, word: &str) -> Result<String, String> {
        let state = self.model.state(self.index);
        let unknown = || format!("what `{word}` stands for is not known");
        let value = state.variables.expand(word, self.model.dockerfile.escape);
        let path = value.fixed().ok_or_else(unknown)?;
        if path.starts_with('/') {
            return Ok(path.to_owned());
        }
        let workdir = state.workdir.fixed().ok_or("the working directory is not known")?;
        Ok(format!("{workdir}/{path}"))
    }

    fn transfer(&self, transfer: &Transfer) -> Result<Access, String> {
        let instruction = self.model.instruction(self.index);
        let mut access = Access { reads_context: instruction.flag("from").is_none(), ..self.nothing() };
        for word in transfer.sources.iter().chain([&transfer.destination]) {
            self.mention(&mut access, &word.text)?;
        }
        for flag in &instruction.flags {
            let Some(value) = &flag.value else { continue };
            self.mention(&mut access, value)?;
            let is_number = value.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
            if flag.name == "chown" && !is_number {
                access.read_tree(Tree::at("/etc/passwd".to_owned()));
                access.read_tree(Tree::at("/etc/group".to_owned()));
            }
        }
        if instruction.heredocs.iter().any(|heredoc| heredoc.expand) {
            access.reads.all_names = true;
        }
        access.read_names([WORKDIR]);
        let resolved = self.history.resolve(&self.absolute(&transfer.destination.text)?)?;
        let destination = Tree::at(resolved.path.clone());
        access.make_directory(resolved, self.history);
        access.changes.push(destination.clone());
        // What is copied may hold links; where it is copied to is a directory or a file.
        match self.brings_no_link(transfer) {
            Some(is_assumed) => access.assumed |= is_assumed,
            None => access.links.push(Tree { strictly_below: true, ..destination }),
        }
        Ok(access)
    }

    /// Whether no link comes with the sources, and then whether that is an assumption: they are files of the build context,
    /// which COPY reads through links, by the names that they have there or by their endings; or directories without a link.
    fn brings_no_link(&self, transfer: &Transfer) -> Option<bool> {
        let instruction = self.model.instruction(self.index);
        let is_local = instruction.flag("from").is_none() && matches!(instruction.kind, InstructionKind::Copy(_));
        if !is_local || !instruction.heredocs.is_empty() {
            return None;
        }
        let context = &self.model.context;
        let is_known = |source: &str| {
            let found = context.glob(source.trim_end_matches('/'));
            found.is_some_and(|paths| paths.iter().all(|path| context.has_no_link(path)))
        };
        let mut is_assumed = false;
        for source in &transfer.sources {
            if !is_known(&source.text) {
                is_assumed = true;
                has_ending(&source.text).then_some(())?;
            }
        }
        Some(is_assumed)
    }

    fn run(&self, command: &Command) -> Result<Access, String> {
        if matches!(command, Command::Exec(_)) {
            return Err("what a RUN in exec form does is not followed".to_owned());
        }
        let (mut access, script) = self.shell_run()?;
        commands::read(self, script, &mut access, &|_| false)?;
        Ok(access)
    }

    /// The script of a RUN in shell form, with what it reads and writes whatever its commands are.
    fn shell_run(&self) -> Result<(Access, &Script), String> {
        let state = self.model.state(self.index);
        if state.shell.is_none() {
            return Err("the shell of the base image is not known".to_owned());
        }
        let is_default =
            state.shell.as_deref().is_some_and(|shell| matches!(shell, [sh, c] if sh == "/bin/sh" && c == "-c"));
        let is_plain = self.history.trusts && state.shell.as_deref().is_some_and(is_plain_shell);
        if !is_default && !is_plain {
            return Err("the shell is not the default one".to_owned());
        }
        let body = self.model.body(self.index).ok_or("its script is not known")?;
        let script = body.script.as_ref().as_ref().map_err(ToString::to_string)?;
        let mut access = self.nothing();
        access.reads.all_names = true;
        access.read_names([WORKDIR, USER, SHELL]);
        for flag in &self.model.instruction(self.index).flags {
            if flag.name == "mount" {
                self.mount(&mut access, flag.value.as_deref().unwrap_or_default())?;
            }
        }
        Ok((access, script))
    }

    fn mount(&self, access: &mut Access, value: &str) -> Result<(), String> {
        let mount =
            crate::syntax::mount::Mount::parse(value).map_err(|_| format!("the mount `{value}` is not read"))?;
        access.reads_context |= mount.kind == MountKind::Bind && mount.from.is_none();
        let Some(target) = &mount.target else {
            // Secrets and sockets lie in `/run` when nothing else is said.
            access.write_tree(Tree::at("/run".to_owned()), How::File);
            return Ok(());
        };
        let target = self.history.resolve(&self.absolute(target)?)?;
        access.make_directory(target, self.history);
        Ok(())
    }
}

/// Whether the name of a source is that of a file: `requirements.txt`, `package*.json`.
fn has_ending(source: &str) -> bool {
    let name = source.rsplit('/').next().unwrap_or_default();
    let ending =
        name.rsplit_once('.').filter(|(before, _)| !before.trim_matches('.').is_empty()).map(|(_, ending)| ending);
    ending.is_some_and(|ending| {
        ending.starts_with(|c: char| c.is_ascii_alphabetic()) && ending.bytes().all(|c| c.is_ascii_alphanumeric())
    })
}

/// Whether the shell reads the script and no other file.
fn is_plain_shell(argv: &[String]) -> bool {
    let [shell, options @ .., command] = argv else { return false };
    let is_option = |option: &String| option == "pipefail" || option.strip_prefix('-').is_some_and(is_set);
    let is_known = matches!(shell.rsplit('/').next(), Some("sh" | "ash" | "dash" | "bash"));
    is_known
        && options.iter().all(is_option)
        && command.strip_prefix('-').is_some_and(|flags| flags.ends_with('c') && is_set(flags))
}

/// Whether all letters are options of `set`, or `-c`.
fn is_set(letters: &str) -> bool {
    !letters.is_empty() && letters.bytes().all(|letter| b"ceuxo".contains(&letter))
}

#[cfg(test)]
mod tests;
