//! Rows that a project adds to the tables: `tables:` in `imgopt.yaml`.
//!
//! They have the schema of `rewrites/`. A named row (a tool, a command, a package) takes the place of the shipped one of its
//! name; lists of names are added to. A family of images adds its repositories and rows to the shipped family of its name, or
//! is a new one.
//!
//! The rows belong to the build context, as everything that a project says does. The driver puts them in [force](with) for
//! the time of a run: passes, model and validator ask for the same tables and get the same answers. Without own rows, nothing
//! is done; the tables with them are made once for each set of rows, and kept.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use serde::Deserialize;

use super::{
    BuildOnlyTable, CacheTable, CommandEffects, CommandNeeds, EffectTable, ImageFamily, ImageTable, NeedsTable,
    NodeTable, OwnBuildOnly, PackageNeeds, PythonTable, RuntimeLibsRow, RuntimeLibsTable, TableError, Tool,
};
use crate::shell::command::{CommandRow, CommandTable};

/// Rows of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct OwnTables {
    /// Base images, as in `rewrites/images`: a family of a known name gains repositories and rows.
    pub images: Vec<ImageFamily>,
    /// Options and subcommands of commands, as in `rewrites/commands.yaml`.
    pub commands: Vec<CommandRow>,
    /// What commands read and write, as the rows of `rewrites/effects.yaml`.
    pub effects: Vec<CommandEffects>,
    /// What commands need of an image, as the rows of `rewrites/needs.yaml`.
    pub needs: Vec<CommandNeeds>,
    /// Where tools keep downloads, as the tools of `rewrites/caches.yaml`.
    pub caches: Vec<Tool>,
    /// Packages.
    pub packages: OwnPackages,
}

/// Packages of a project.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct OwnPackages {
    /// Packages that only builds need, by package manager, as in `rewrites/packages/build-only.yaml`.
    pub build_only: Vec<OwnBuildOnly>,
    /// Run-time packages of packages with headers, as in `rewrites/packages/runtime-libs.yaml`.
    pub runtime_libs: BTreeMap<String, RuntimeLibsRow>,
    /// Packages of Python.
    pub python: OwnPython,
    /// Packages of npm.
    pub node: OwnNode,
}

/// Packages of Python, as in `rewrites/packages/python.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct OwnPython {
    /// Packages that install without a compiler in every version.
    pub pure: Vec<String>,
    /// Extras whose packages are known.
    pub extras: BTreeMap<String, Vec<String>>,
    /// What packages look for in the image when they run.
    pub needs: BTreeMap<String, PackageNeeds>,
}

/// Packages of npm, as in `rewrites/packages/node.yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct OwnNode {
    /// Packages whose install scripts need nothing beside Node.js.
    pub nothing: Vec<String>,
    /// What packages look for in the image when they run.
    pub needs: BTreeMap<String, PackageNeeds>,
}

impl OwnTables {
    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let OwnPackages { build_only, runtime_libs, python, node } = &self.packages;
        self.images.is_empty()
            && self.commands.is_empty()
            && self.effects.is_empty()
            && self.needs.is_empty()
            && self.caches.is_empty()
            && build_only.is_empty()
            && runtime_libs.is_empty()
            && *python == OwnPython::default()
            && *node == OwnNode::default()
    }

    /// Takes over what a nearer file says: its rows stand behind, so that they win.
    pub fn extend(&mut self, nearer: &Self) {
        self.images.extend(nearer.images.iter().cloned());
        self.commands.extend(nearer.commands.iter().cloned());
        self.effects.extend(nearer.effects.iter().cloned());
        self.needs.extend(nearer.needs.iter().cloned());
        self.caches.extend(nearer.caches.iter().cloned());
        let (packages, other) = (&mut self.packages, nearer.packages.clone());
        packages.build_only.extend(other.build_only);
        packages.runtime_libs.extend(other.runtime_libs);
        packages.python.pure.extend(other.python.pure);
        packages.python.extras.extend(other.python.extras);
        packages.python.needs.extend(other.python.needs);
        packages.node.nothing.extend(other.node.nothing);
        packages.node.needs.extend(other.node.needs);
    }

    /// Checks what the types do not: gives the key below `tables`, the number of the row, and what is wrong with it.
    ///
    /// # Errors
    /// If a row cannot be used.
    pub fn check(&self) -> Result<(), (&'static str, usize, String)> {
        let each = |key, count: usize, check: &dyn Fn(usize) -> Result<(), TableError>| {
            (0..count).try_for_each(|row| check(row).map_err(|error| (key, row, error.message)))
        };
        let images = super::images::shipped_images();
        each("images", self.images.len(), &|row| images.check_family(&self.images[row]))?;
        each("effects", self.effects.len(), &|row| super::effects::check_row(&self.effects[row]))?;
        each("caches", self.caches.len(), &|row| super::caches::check_row(&self.caches[row]))
    }
}

/// The tables with the rows of a project; each is made when it is first asked for.
#[derive(Default)]
pub(crate) struct Merged {
    own: OwnTables,
    pub(super) images: OnceLock<ImageTable>,
    pub(super) caches: OnceLock<CacheTable>,
    pub(super) effects: OnceLock<EffectTable>,
    pub(super) needs: OnceLock<NeedsTable>,
    pub(super) build_only: OnceLock<BuildOnlyTable>,
    pub(super) runtime_libs: OnceLock<RuntimeLibsTable>,
    pub(super) python: OnceLock<PythonTable>,
    pub(super) node: OnceLock<NodeTable>,
    pub(crate) commands: OnceLock<CommandTable>,
}

thread_local! {
    static IN_FORCE: Cell<Option<&'static Merged>> = const { Cell::new(None) };
}

/// Does the work with the rows of a project in force.
pub fn with<T>(own: &OwnTables, work: impl FnOnce() -> T) -> T {
    /// Puts back what was in force, also when the work panics.
    struct Restore(Option<&'static Merged>);
    impl Drop for Restore {
        fn drop(&mut self) {
            IN_FORCE.set(self.0);
        }
    }
    let _restore = Restore(IN_FORCE.replace((!own.is_empty()).then(|| merged(own))));
    work()
}

/// The table in force: the shipped one, or the one that is made of it and the rows of the project.
pub(crate) fn table<T>(
    shipped: fn() -> &'static T,
    place: fn(&Merged) -> &OnceLock<T>,
    merge: fn(&T, &'static OwnTables) -> T,
) -> &'static T {
    match IN_FORCE.get() {
        None => shipped(),
        Some(merged) => place(merged).get_or_init(|| merge(shipped(), &merged.own)),
    }
}

/// The tables with these rows. A program meets few sets of rows, and each for many files: they are kept to its end.
fn merged(own: &OwnTables) -> &'static Merged {
    static KNOWN: Mutex<Vec<&'static Merged>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(merged) = known.iter().find(|merged| merged.own == *own) {
        return merged;
    }
    let merged: &'static Merged = Box::leak(Box::new(Merged { own: own.clone(), ..Merged::default() }));
    known.push(merged);
    merged
}
