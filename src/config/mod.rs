//! `imgopt.yaml`: what holds for which Dockerfile.
//!
//! [`Configs`] searches from the directory of a Dockerfile upwards. Every file that is found becomes a layer on top of
//! those above it, after the files on which it builds; [`Settings`] are what the layers say of one path.

mod error;
pub mod file;
mod layer;
mod read;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub use error::{ConfigError, Position, Problem};
use file::{BuilderName, PassSetting};
use layer::{Layer, Stack};
use read::Document;

use crate::pipeline::BaseChoice;
use crate::policy::{Bases, User};
use crate::rewrite::{AssumptionKind, Level, Stance};
use crate::tables::OwnTables;

/// The names of configuration files.
pub const NAMES: [&str; 2] = ["imgopt.yaml", ".imgopt.yaml"];

/// Directories that are searched upwards from one file.
const MAX_DEPTH: usize = 256;

/// What is said of one Dockerfile; what is not said is `None` or has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The level of `rewrite`.
    pub level: Option<Level>,
    /// The level of `check`.
    pub check_level: Option<Level>,
    /// The level of `rewrite --in-place`.
    pub in_place_level: Option<Level>,
    /// Passes by name.
    pub passes: BTreeMap<&'static str, PassSetting>,
    /// The program that builds the image.
    pub builder: Option<BuilderName>,
    /// The base images that may be chosen.
    pub base: Option<BaseChoice>,
    /// Assumptions that are known to hold or not to hold.
    pub assume: BTreeMap<AssumptionKind, Stance>,
    /// The build context.
    pub context: Option<PathBuf>,
    /// Which base images are approved.
    pub bases: Bases,
    /// Rows beside those of the built-in tables.
    pub tables: OwnTables,
    /// Which user images run as.
    pub user: User,
}

impl Settings {
    /// Takes over what `nearer` says, key by key.
    fn extend(&mut self, nearer: &Self) {
        self.level = nearer.level.or(self.level);
        self.check_level = nearer.check_level.or(self.check_level);
        self.in_place_level = nearer.in_place_level.or(self.in_place_level);
        self.passes.extend(&nearer.passes);
        self.builder = nearer.builder.or(self.builder);
        self.base = nearer.base.or(self.base);
        self.assume.extend(&nearer.assume);
        if let Some(context) = &nearer.context {
            self.context = Some(context.clone());
        }
        self.bases.extend(&nearer.bases);
        self.tables.extend(&nearer.tables);
        self.user.extend(&nearer.user);
    }

    /// The keys of which `nearer` says something else.
    fn changed_by(&self, nearer: &Self) -> Vec<String> {
        let scalars = [
            ("level", nearer.level.is_some() && nearer.level != self.level),
            ("check_level", nearer.check_level.is_some() && nearer.check_level != self.check_level),
            ("in_place_level", nearer.in_place_level.is_some() && nearer.in_place_level != self.in_place_level),
            ("builder", nearer.builder.is_some() && nearer.builder != self.builder),
            ("base", nearer.base.is_some() && nearer.base != self.base),
            ("context", nearer.context.is_some()),
            ("tables", !nearer.tables.is_empty() && nearer.tables != self.tables),
            ("user.uid", nearer.user.uid.is_some() && nearer.user.uid != self.user.uid),
            ("user.numeric", nearer.user.numeric.is_some() && nearer.user.numeric != self.user.numeric),
        ];
        let scalars = scalars.into_iter().filter(|(_, is_changed)| *is_changed).map(|(key, _)| key.to_owned());
        let passes = nearer.passes.iter().filter(|(pass, setting)| self.passes.get(*pass) != Some(setting));
        let assume = nearer.assume.iter().filter(|(kind, stance)| self.assume.get(kind) != Some(stance));
        scalars
            .chain(passes.map(|(pass, _)| format!("passes.{pass}")))
            .chain(assume.map(|(kind, _)| format!("assume.{}", kind.name())))
            .chain(self.bases.changed_by(&nearer.bases).map(|key| format!("bases.{key}")))
            .collect()
    }
}

/// What holds in one directory.
#[derive(Debug, Default)]
pub struct Config {
    /// From the farthest to the nearest.
    layers: Vec<Layer>,
}

impl Config {
    /// What is said of a file; the path is canonical up to its last name.
    #[must_use]
    pub fn settings(&self, path: &Path) -> Settings {
        let mut settings = Settings::default();
        for layer in &self.layers {
            layer.apply(path, &mut settings);
        }
        settings
    }

    /// Whether a search passes over the file.
    #[must_use]
    pub fn excludes(&self, path: &Path) -> bool {
        self.layers.iter().any(|layer| layer.excludes(path))
    }

    /// Whether a search takes the file for a Dockerfile although it has another name.
    #[must_use]
    pub fn includes(&self, path: &Path) -> bool {
        self.layers.iter().any(|layer| layer.includes(path))
    }
}

/// The configurations of a run. Each directory is looked at once.
#[derive(Debug, Default)]
pub struct Configs {
    found: Mutex<HashMap<PathBuf, Arc<Config>>>,
}

impl Configs {
    /// What holds in a directory; its path is canonical.
    ///
    /// The search ends at a file with `root: true`, at the root of the repository and at that of the file system.
    ///
    /// # Errors
    /// If a file that is found cannot be used.
    pub fn of(&self, directory: &Path) -> Result<Arc<Config>, ConfigError> {
        let mut missing: Vec<&Path> = Vec::new();
        let mut config = Arc::default();
        for ancestor in directory.ancestors().take(MAX_DEPTH) {
            if let Some(known) = self.known(ancestor) {
                config = known;
                break;
            }
            missing.push(ancestor);
            if ancestor.join(".git").exists() {
                break;
            }
        }
        while let Some(directory) = missing.pop() {
            if let Some(path) = file_in(directory)? {
                config = Arc::new(load(&path, directory, &config)?);
            }
            self.lock().insert(directory.to_owned(), Arc::clone(&config));
        }
        Ok(config)
    }

    fn known(&self, directory: &Path) -> Option<Arc<Config>> {
        self.lock().get(directory).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<PathBuf, Arc<Config>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The configuration file of a directory.
fn file_in(directory: &Path) -> Result<Option<PathBuf>, ConfigError> {
    let mut found = NAMES.iter().map(|name| directory.join(name)).filter(|path| path.symlink_metadata().is_ok());
    let first = found.next();
    match (&first, found.next()) {
        (Some(first), Some(second)) => {
            let other = second.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Err(ConfigError::new(&shown(first), None, Problem::TwoFiles(other)))
        }
        _ => Ok(first),
    }
}

/// The configuration of the file, on top of that of the directories above.
fn load(path: &Path, directory: &Path, outer: &Config) -> Result<Config, ConfigError> {
    let name = shown(path);
    let document = Document::read(path, &name)?;
    let file = document.decode()?;
    let outer = if file.root { &[] } else { outer.layers.as_slice() };
    let mut stack = Stack::new(directory.to_owned(), outer);
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    stack.push(&path, &name, &document, &file)?;
    Ok(Config { layers: stack.layers })
}

/// The path as the user would write it.
fn shown(path: &Path) -> PathBuf {
    let current = std::env::current_dir().ok().and_then(|current| current.canonicalize().ok());
    let below = current.as_deref().and_then(|current| path.strip_prefix(current).ok());
    below.unwrap_or(path).to_owned()
}
