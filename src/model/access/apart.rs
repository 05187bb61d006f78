//! What stays apart from a copy of the build context, when more is known of both than their directories.

use super::{Access, History, How, Reader, Tree, commands, histories, is_within, through_links};
use crate::model::Model;
use crate::shell::ast::SimpleCommand;
use crate::syntax::ast::{Command, InstructionKind};

/// A path that an instruction reads or writes, with what lies below it.
#[derive(Clone, Debug)]
pub struct Place {
    tree: Tree,
}

impl Place {
    /// The path with all below it.
    #[must_use]
    pub fn at(path: &str) -> Self {
        Self { tree: Tree::at(path.to_owned()) }
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.tree.path
    }

    /// Whether the place means that path, or what lies above it.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        self.tree.covers(path)
    }
}

impl Access {
    /// Whether it may change the file.
    #[must_use]
    pub fn may_write(&self, path: &str) -> bool {
        // What a table row names is a directory of the system, in which the command leaves files of others alone.
        self.writes.trees.iter().any(|tree| !tree.by_table && tree.covers(path))
    }

    /// Adds paths that it writes, with all below them.
    pub fn also_writes(&mut self, paths: &[String]) {
        for path in paths {
            self.write_tree(Tree::at(path.clone()), How::Anything);
        }
    }

    /// Whether it writes files, and all of them lie at or below the directory.
    #[must_use]
    pub fn writes_only_below(&self, directory: &str) -> bool {
        let trees = &self.writes.trees;
        self.opaque.is_none() && !trees.is_empty() && trees.iter().all(|tree| is_within(&tree.path, directory))
    }

    /// Whether it may write at or below the directory.
    #[must_use]
    pub fn may_write_below(&self, directory: &str) -> bool {
        let tree = Tree::at(directory.to_owned());
        self.writes.trees.iter().any(|written| written.overlaps(&tree))
    }

    /// Whether it may create users or groups.
    #[must_use]
    pub fn may_change_users(&self) -> bool {
        ["/etc/passwd", "/etc/group"].iter().any(|file| self.writes.trees.iter().any(|tree| tree.covers(file)))
    }

    /// A directory strictly below the given one that it makes on the way to another one.
    #[must_use]
    pub fn makes_below(&self, directory: &str) -> Option<&str> {
        let made = self.makes.iter().filter(|(_, by)| **by == self.index).map(|(path, _)| path.as_str());
        made.into_iter().find(|path| *path != directory && is_within(path, directory))
    }
}

/// What each instruction of the file reads and writes when no directory is a link but those that every image has.
///
/// A file copied to `/app` lands in `/app` then, whatever an earlier command did that is not understood.
#[must_use]
pub fn trusting(model: &Model<'_>) -> Vec<Rest> {
    histories(model, true).into_iter().map(|(access, history)| Rest { access, history }).collect()
}

/// What an instruction reads and writes, and what stood before it.
#[derive(Clone, Debug)]
pub struct Rest {
    /// What it reads and writes.
    pub access: Access,
    history: History,
}

/// What a RUN reads and writes beside the commands that are left out, whose own places are added.
///
/// # Errors
/// Why it may read and write everything.
pub fn rest(
    model: &Model<'_>,
    run: usize,
    before: &Rest,
    leaves_out: &dyn Fn(&SimpleCommand) -> bool,
    touches: &[String],
) -> Result<Access, String> {
    let InstructionKind::Run(Command::Shell(_)) = &model.instruction(run).kind else {
        return Err("what a RUN in exec form does is not followed".to_owned());
    };
    let reader = Reader { model, index: run, history: &before.history, before: &[] };
    let (mut access, script) = reader.shell_run()?;
    let others = script.all_simple_commands().into_iter().filter(|command| !leaves_out(command));
    if others.count() > 0 {
        commands::read(&reader, script, &mut access, leaves_out)?;
    } else if crate::shell::state::is_opaque(script) {
        return Err("what it runs is known only when it runs".to_owned());
    }
    // What a variable of the image holds that differs from build to build leads to directories of the image.
    let image = model.stage_of(run).and_then(|stage| stage.image.as_deref());
    let of_image = |name: &str| {
        let is_set = image.and_then(|image| image.env.known()).is_some_and(|env| env.contains_key(name));
        is_set && !model.state(run).variables.arguments.contains_key(name)
    };
    for (path, _) in commands::environment_paths(model, run, &of_image)? {
        access.read_tree(Tree::at(through_links(&path)));
    }
    for path in touches {
        access.write_tree(Tree::of_table(through_links(path)), How::Led);
    }
    access.assumed = true;
    Ok(access)
}

/// Checks that a copy of the build context and another instruction can change places, when `brings` says whether the copy
/// brings anything to a place.
///
/// # Errors
/// What they have in common.
pub fn apart(copy: &Access, other: &Access, brings: &dyn Fn(&Place) -> bool) -> Result<(), String> {
    if let Some(reason) = copy.opaque.as_ref().or(other.opaque.as_ref()) {
        return Err(reason.clone());
    }
    let shared =
        other.reads.trees.iter().chain(&other.writes.trees).find(|tree| brings(&Place { tree: (*tree).clone() }));
    let common = shared.map(|tree| format!("`{}`", tree.path));
    let common = common
        .or_else(|| copy.writes.common_name(&other.reads))
        .or_else(|| copy.writes.common_name(&other.writes))
        .or_else(|| other.writes.meets(&copy.reads));
    match common {
        None => Ok(()),
        Some(common) => Err(format!("both use {common}, and one of them writes it")),
    }
}
