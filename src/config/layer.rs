//! From files to layers: what a file builds on comes before it, and what is locked there stays.

use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::Settings;
use super::error::{ConfigError, Problem};
use super::file::{File, Key, Pattern};
use super::read::{Document, Step, reason};

/// Most files that build on each other.
const MAX_LAYERS: usize = 64;

/// What one file says.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    /// How errors name the file.
    name: PathBuf,
    /// The directory to which patterns are relative, canonical.
    base: PathBuf,
    pub(super) settings: Settings,
    overrides: Vec<(Gitignore, Settings)>,
    exclude: Gitignore,
    include: Gitignore,
    locked: Vec<Key>,
}

impl Layer {
    /// What the file says of a path below its base.
    pub(super) fn apply(&self, path: &Path, settings: &mut Settings) {
        settings.extend(&self.settings);
        for (_, special) in self.overrides.iter().filter(|(files, _)| self.matches(files, path)) {
            settings.extend(special);
        }
    }

    pub(super) fn excludes(&self, path: &Path) -> bool {
        self.matches(&self.exclude, path)
    }

    pub(super) fn includes(&self, path: &Path) -> bool {
        self.matches(&self.include, path)
    }

    fn matches(&self, patterns: &Gitignore, path: &Path) -> bool {
        let below = path.strip_prefix(&self.base);
        below.is_ok_and(|below| patterns.matched_path_or_any_parents(below, false).is_ignore())
    }
}

/// The layers of one file, added to those of the files above it.
pub(super) struct Stack {
    /// The directory of the file that was found: patterns and contexts are relative to it, also in files on which it builds.
    base: PathBuf,
    pub(super) layers: Vec<Layer>,
    /// What the layers say together of any path.
    merged: Settings,
    /// The files being read: each is built on by the one before it.
    open: Vec<PathBuf>,
}

impl Stack {
    /// On top of the layers of the directories above.
    pub(super) fn new(base: PathBuf, outer: &[Layer]) -> Self {
        let mut merged = Settings::default();
        for layer in outer {
            merged.extend(&layer.settings);
        }
        Self { base, layers: outer.to_vec(), merged, open: Vec::new() }
    }

    /// Reads a file and what it builds on.
    pub(super) fn push(
        &mut self,
        path: &Path,
        name: &Path,
        document: &Document<'_>,
        file: &File,
    ) -> Result<(), ConfigError> {
        if self.open.len() + self.layers.len() >= MAX_LAYERS {
            return Err(document.problem(&[], Problem::TooMany(MAX_LAYERS)));
        }
        self.open.push(path.to_owned());
        for (index, extended) in file.extends.iter().enumerate() {
            let place = [Step::Key("extends"), Step::Index(index)];
            self.extend(path, name, extended).map_err(|failure| match failure {
                Failure::Here(problem) => match document.problem(&place, problem.clone()) {
                    // A single path is not in a list.
                    ConfigError { position: None, .. } => document.problem(&place[..1], problem),
                    error => error,
                },
                Failure::There(error) => error,
            })?;
        }
        self.open.pop();
        let layer = self.layer(name, document, file)?;
        self.merged.extend(&layer.settings);
        self.layers.push(layer);
        Ok(())
    }

    /// Reads a file on which `path` builds.
    fn extend(&mut self, path: &Path, name: &Path, written: &str) -> Result<(), Failure> {
        let problem = |message: String| Failure::Here(Problem::Extends { path: written.to_owned(), message });
        if written.contains("://") {
            return Err(problem("it is not a local file".to_owned()));
        }
        let beside = |file: &Path| file.parent().unwrap_or(Path::new("")).join(written);
        let extended = beside(path).canonicalize().map_err(|error| problem(reason(&error)))?;
        if self.open.contains(&extended) {
            return Err(Failure::Here(Problem::Cycle(written.to_owned())));
        }
        let name = beside(name);
        let document = Document::read(&extended, &name).map_err(|error| match &*error.problem {
            Problem::Unreadable(message) => problem(message.clone()),
            _ => Failure::There(error),
        })?;
        let file = document.decode().map_err(Failure::There)?;
        self.push(&extended, &name, &document, &file).map_err(Failure::There)
    }

    fn layer(&self, name: &Path, document: &Document<'_>, file: &File) -> Result<Layer, ConfigError> {
        let mut settings = file.settings();
        self.check(document, &[], &settings)?;
        check_tables(document, &[], &settings)?;
        self.anchor(document, &[], &mut settings)?;
        let mut overrides = Vec::new();
        for (index, special) in file.overrides.iter().enumerate() {
            let place = [Step::Key("overrides"), Step::Index(index)];
            let mut settings = special.settings();
            self.check(document, &place, &settings)?;
            check_tables(document, &place, &settings)?;
            self.anchor(document, &place, &mut settings)?;
            overrides.push((self.patterns(&special.files), settings));
        }
        let lists = [
            ("overrides", file.overrides.is_empty()),
            ("discovery.exclude", file.discovery.exclude.is_empty()),
            ("discovery.include", file.discovery.include.is_empty()),
        ];
        for (key, _) in lists.into_iter().filter(|(_, is_empty)| !is_empty) {
            self.check_key(document, &[], key)?;
        }
        Ok(Layer {
            name: name.to_owned(),
            base: self.base.clone(),
            settings,
            overrides,
            exclude: self.patterns(&file.discovery.exclude),
            include: self.patterns(&file.discovery.include),
            locked: file.locked.clone(),
        })
    }

    /// That the settings, which stand at `place`, change nothing that is locked.
    fn check(&self, document: &Document<'_>, place: &[Step<'_>], settings: &Settings) -> Result<(), ConfigError> {
        self.merged.changed_by(settings).iter().try_for_each(|key| self.check_key(document, place, key))
    }

    fn check_key(&self, document: &Document<'_>, place: &[Step<'_>], key: &str) -> Result<(), ConfigError> {
        let covers =
            |locked: &Key| key.strip_prefix(&locked.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
        let Some(layer) = self.layers.iter().find(|layer| layer.locked.iter().any(covers)) else { return Ok(()) };
        let path: Vec<Step<'_>> = place.iter().copied().chain(key.split('.').map(Step::Key)).collect();
        let by = layer.name.display().to_string();
        Err(document.problem(&path, Problem::Locked { key: key.to_owned(), by }))
    }

    /// Makes the context a path that does not depend on where it was written.
    fn anchor(&self, document: &Document<'_>, place: &[Step<'_>], settings: &mut Settings) -> Result<(), ConfigError> {
        let Some(context) = &mut settings.context else { return Ok(()) };
        let anchored = self.base.join(&*context);
        if !anchored.is_dir() {
            let path: Vec<Step<'_>> = place.iter().copied().chain([Step::Key("context")]).collect();
            return Err(document.problem(&path, Problem::Context(context.display().to_string())));
        }
        *context = anchored;
        Ok(())
    }

    fn patterns(&self, patterns: &[Pattern]) -> Gitignore {
        let mut builder = GitignoreBuilder::new(&self.base);
        for pattern in patterns {
            // Each was tried when it was read.
            let _ = builder.add_line(None, &pattern.0);
        }
        builder.build().unwrap_or_else(|_| Gitignore::empty())
    }
}

/// That the rows of the project can be used; the settings stand at `place`.
fn check_tables(document: &Document<'_>, place: &[Step<'_>], settings: &Settings) -> Result<(), ConfigError> {
    settings.tables.check().map_err(|(key, row, message)| {
        let below = [Step::Key("tables"), Step::Key(key), Step::Index(row)];
        document.problem(&[place, &below].concat(), Problem::Value(message))
    })
}

/// What went wrong with a file that another one builds on.
enum Failure {
    /// About the path in the other file.
    Here(Problem),
    /// In the file itself.
    There(ConfigError),
}
