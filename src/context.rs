//! The build context: the files beside a Dockerfile that COPY and ADD can reach, as far as they are known.
//!
//! Nothing is read before it is asked for, nothing outside the root is ever read, and what lies behind a limit is
//! [`Entry::Unknown`]. No fact follows from an unknown context, nor from a file without content.

mod builder;
mod evidence;
mod ignore;
mod paths;
mod pattern;
mod services;
mod sources;

use std::collections::{BTreeMap, VecDeque};
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::policy::Policy;
use crate::syntax::ast::Dockerfile;
pub use builder::Builder;
pub use evidence::{Started, Surroundings};
use ignore::IgnoreRules;
use pattern::Pattern;
pub use services::Service;
pub use sources::SourceFile;

/// Files over this size, in bytes, have a name and no content.
pub const MAX_FILE_SIZE: u64 = 1 << 20;
/// Directory entries that one question looks at.
pub const MAX_ENTRIES: usize = 100_000;
/// Segments of a path.
pub const MAX_DEPTH: usize = 64;
/// Symbolic links followed on the way to one file.
const MAX_LINKS: usize = 40;
/// How a Git LFS pointer starts (git-lfs, `docs/spec.md`): the content is elsewhere.
const GIT_LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// What a path of the context is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// The context is unknown, a limit was hit, or the path leads out of the context.
    Unknown,
    /// There is no such file.
    Missing,
    /// The file exists and the ignore file leaves it out.
    Ignored,
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

/// The build context of one Dockerfile.
#[derive(Clone, Debug, Default)]
pub struct BuildContext {
    known: Option<Arc<Known>>,
    /// Where to look for traces of the builder, and what was found.
    builder: Arc<builder::Search>,
    /// What compose files say of the services that run the image.
    services: Arc<[Service]>,
    policy: Arc<Policy>,
    /// What compose files start in containers of the image.
    started: Arc<[Started]>,
}

#[derive(Debug)]
struct Known {
    /// Canonical directory.
    root: PathBuf,
    because: String,
    ignore: IgnoreRules,
    /// Whether a directory holds a link, by its path.
    links: Mutex<BTreeMap<String, bool>>,
    /// Its text files, read when they are first asked for.
    sources: OnceLock<Option<Vec<SourceFile>>>,
}

/// Where a path of the context leads.
enum Resolved {
    Unknown,
    Missing,
    Found { path: String, metadata: Metadata },
}

/// What the search for a build context gave.
#[derive(Debug)]
pub enum Discovery {
    /// The context, or one of which nothing is known.
    Found(BuildContext),
    /// Every COPY source is in each of these, which does not yet say that it is the context.
    Among {
        /// Where the sources are.
        candidates: Vec<BuildContext>,
        /// The context if nothing tells them apart.
        otherwise: BuildContext,
    },
}

impl BuildContext {
    /// A context of which nothing is known: no fact follows from it.
    #[must_use]
    pub fn unknown() -> Self {
        Self::default()
    }

    /// The context of a build of `<root>/Dockerfile` in that directory.
    #[must_use]
    pub fn from_dir(root: &Path) -> Self {
        let dockerfile = root.join("Dockerfile");
        let context = Self::at(root, &dockerfile, "named by the caller".to_owned()).unwrap_or_default();
        let started = Surroundings::default().started(&dockerfile, &[root.to_owned()]);
        Self { started: started.into(), ..context }
    }

    /// Looks for the context of a Dockerfile.
    ///
    /// It is known when `named` is given, when a compose or bake file of the Dockerfile's directory or an ancestor up to
    /// the repository root names it, or when every local COPY and ADD source resolves in exactly one of these
    /// directories. Where they resolve in several, `COPY . .` in all of them, what the commands name tells them apart:
    /// [`crate::model::named::context`] asks for it. Otherwise, and when its ignore file cannot be understood, it is unknown.
    #[must_use]
    pub fn discover(
        dockerfile_path: &Path,
        dockerfile: &Dockerfile,
        named: Option<&Path>,
        surroundings: &Surroundings,
    ) -> Discovery {
        let directories = evidence::directories(dockerfile_path);
        let around = Self {
            builder: surroundings.builder(&directories),
            services: evidence::services(dockerfile_path, &directories, surroundings).into(),
            started: surroundings.started(dockerfile_path, &directories).into(),
            ..Self::default()
        };
        let at = |root: &Path, because: String| {
            let found = Self::at(root, dockerfile_path, because).unwrap_or_default();
            Self { known: found.known, ..around.clone() }
        };
        if let Some(root) = named {
            return Discovery::Found(at(root, "named by --context".to_owned()));
        }
        match evidence::find(dockerfile_path, dockerfile, &directories, surroundings) {
            evidence::Found::Nowhere => Discovery::Found(around),
            evidence::Found::At(root, because) => Discovery::Found(at(&root, because)),
            evidence::Found::Among(roots) => Discovery::Among {
                candidates: roots.iter().map(|root| at(root, "it holds what the commands name".to_owned())).collect(),
                otherwise: around,
            },
        }
    }

    /// The context at `root`; `None` when it cannot be read or its ignore file not understood.
    fn at(root: &Path, dockerfile_path: &Path, because: String) -> Option<Self> {
        let root = root.canonicalize().ok().filter(|root| root.is_dir())?;
        let ignore = ignore_rules(&root, dockerfile_path)?;
        Some(Self {
            known: Some(Arc::new(Known { root, because, ignore, links: Mutex::default(), sources: OnceLock::new() })),
            builder: Arc::default(),
            services: Arc::default(),
            policy: Arc::default(),
            started: Arc::default(),
        })
    }

    /// The same context, where the builder is known.
    #[must_use]
    pub fn with_builder(self, builder: Builder) -> Self {
        Self { builder: Arc::new(builder::Search::known(builder)), ..self }
    }

    /// The same context, with what its project says of base images.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        Self { policy: Arc::new(policy), ..self }
    }

    /// What the project says of base images.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The same context, with other evidence for it.
    #[must_use]
    pub fn because(self, because: impl Into<String>) -> Self {
        let known = self.known.map(|known| {
            let (root, ignore, sources) = (known.root.clone(), known.ignore.clone(), known.sources.clone());
            Arc::new(Known { root, because: because.into(), ignore, links: Mutex::default(), sources })
        });
        Self { known, ..self }
    }

    /// Whether facts follow from the context.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.known.is_some()
    }

    /// The directory of the context.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        Some(&self.known.as_ref()?.root)
    }

    /// The evidence for the context, such as `compose.yaml names it`.
    #[must_use]
    pub fn known_because(&self) -> Option<&str> {
        Some(&self.known.as_ref()?.because)
    }

    /// What the path is; `path` is written as in a COPY source, relative to the root.
    #[must_use]
    pub fn entry(&self, path: &str) -> Entry {
        self.known.as_ref().map_or(Entry::Unknown, |known| known.entry(path))
    }

    /// Whether a symbolic link stands on the way to the path, or is the path.
    #[must_use]
    pub fn is_behind_link(&self, path: &str) -> bool {
        let Some(known) = &self.known else { return false };
        match known.resolve(path) {
            Resolved::Found { path: real, .. } => real != paths::in_context(path),
            Resolved::Unknown | Resolved::Missing => false,
        }
    }

    /// The first `n` bytes of a file, fewer when it is shorter.
    ///
    /// `None` when there is no such file in the context, and when nothing follows from its content: empty, a pointer of
    /// Git LFS, unknown.
    #[must_use]
    pub fn head(&self, path: &str, n: usize) -> Option<Vec<u8>> {
        let (file, _) = self.open(path)?;
        let mut bytes = Vec::new();
        file.take(n.max(GIT_LFS.len()) as u64).read_to_end(&mut bytes).ok()?;
        let has_content = !bytes.is_empty() && !bytes.starts_with(GIT_LFS);
        bytes.truncate(n);
        has_content.then_some(bytes)
    }

    /// The text of a file; `None` as for [`Self::head`], when it is over [`MAX_FILE_SIZE`] and when it is not UTF-8.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        let (file, size) = self.open(path)?;
        if size > MAX_FILE_SIZE {
            return None;
        }
        // The file may have grown since.
        let mut bytes = Vec::new();
        file.take(MAX_FILE_SIZE + 1).read_to_end(&mut bytes).ok()?;
        if bytes.is_empty() || bytes.len() as u64 > MAX_FILE_SIZE || bytes.starts_with(GIT_LFS) {
            return None;
        }
        String::from_utf8(bytes).ok()
    }

    /// The names in a directory, sorted, with what they are; `None` when it is no directory of the context or not known
    /// whole.
    #[must_use]
    pub fn list(&self, directory: &str) -> Option<Vec<(String, Entry)>> {
        let known = self.known.as_ref()?;
        let directory = paths::in_context(directory);
        let names = known.list(&directory, &mut { MAX_ENTRIES })?;
        let entries: Vec<Entry> = names.iter().map(|name| known.entry(&join(&directory, name))).collect();
        Some(names.into_iter().zip(entries).collect())
    }

    /// The paths that a COPY source with wildcards takes, sorted: each segment is matched as by Go's `filepath.Match`.
    ///
    /// A source without wildcards takes itself, if it is there. `None` when that is not known.
    #[must_use]
    pub fn glob(&self, pattern: &str) -> Option<Vec<String>> {
        let known = self.known.as_ref()?;
        let mut budget = MAX_ENTRIES;
        let mut found = vec![String::new()];
        for segment in paths::in_context(pattern).split('/').filter(|segment| !segment.is_empty()) {
            found = if has_wildcard(segment) {
                known.step_matching(&found, segment, &mut budget)?
            } else {
                known.step_to(&found, segment)?
            };
        }
        Some(found)
    }

    /// Whether the file is known to be no link, or the directory to hold none.
    #[must_use]
    pub fn has_no_link(&self, path: &str) -> bool {
        let Some(known) = self.known.as_ref() else { return false };
        let mut links = known.links.lock().unwrap_or_else(PoisonError::into_inner);
        !*links.entry(path.to_owned()).or_insert_with(|| known.may_have_links(path))
    }

    /// The files of the context with their text, without what package managers and version control put there, by path. `None`
    /// when they are not all known: nothing follows then from what is not found.
    #[must_use]
    pub fn sources(&self) -> Option<&[SourceFile]> {
        self.known.as_ref()?.sources.get_or_init(|| sources::read(self)).as_deref()
    }

    /// What compose files of the repository say of the services that run the image.
    #[must_use]
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// What compose files of the Dockerfile's directory and its ancestors start in containers of the image: commands,
    /// entrypoints and health checks of services that build it, or that do not say what image they have.
    #[must_use]
    pub fn started(&self) -> &[Started] {
        &self.started
    }

    /// Which builder builds the image, as far as files of the repository show it.
    #[must_use]
    pub fn builder(&self) -> &Builder {
        self.builder.result()
    }

    fn open(&self, path: &str) -> Option<(File, u64)> {
        let known = self.known.as_ref()?;
        let Resolved::Found { path: real, metadata } = known.resolve(path) else { return None };
        if known.classify(path, &real, &metadata) != Entry::File {
            return None;
        }
        Some((File::open(known.root.join(real)).ok()?, metadata.len()))
    }
}

impl Known {
    fn entry(&self, path: &str) -> Entry {
        match self.resolve(path) {
            Resolved::Unknown => Entry::Unknown,
            Resolved::Missing => Entry::Missing,
            Resolved::Found { path: real, metadata } => self.classify(path, &real, &metadata),
        }
    }

    /// What a path that leads to the existing file `real` is.
    fn classify(&self, path: &str, real: &str, metadata: &Metadata) -> Entry {
        let path = paths::in_context(path);
        let ignored = self.ignore.ignores(&path) || self.ignore.ignores(real);
        match (ignored, metadata.is_dir(), metadata.is_file()) {
            (false, true, _) => Entry::Directory,
            (false, _, true) => Entry::File,
            // A device or a socket: BuildKit has its own ideas about them.
            (false, false, false) => Entry::Unknown,
            (true, true, _) if self.ignore.has_exceptions() => self.ignored_directory(real),
            (true, ..) => Entry::Ignored,
        }
    }

    /// An ignored directory is in the context when something below it is taken back by an exception.
    fn ignored_directory(&self, directory: &str) -> Entry {
        let mut budget = MAX_ENTRIES;
        let mut waiting = vec![directory.to_owned()];
        while let Some(directory) = waiting.pop() {
            let Some(names) = self.names(&directory, &mut budget) else { return Entry::Unknown };
            for name in names {
                let path = join(&directory, &name);
                if !self.ignore.ignores(&path) {
                    return Entry::Directory;
                }
                if fs::symlink_metadata(self.root.join(&path)).is_ok_and(|metadata| metadata.is_dir()) {
                    waiting.push(path);
                }
            }
        }
        Entry::Ignored
    }

    /// Whether there may be a link in what the path brings along.
    fn may_have_links(&self, path: &str) -> bool {
        let Resolved::Found { path, metadata } = self.resolve(path) else { return true };
        if !metadata.is_dir() {
            return !metadata.is_file();
        }
        let mut budget = MAX_ENTRIES / 4;
        let mut waiting = vec![path];
        while let Some(directory) = waiting.pop() {
            let Some(names) = self.names(&directory, &mut budget) else { return true };
            for path in names.iter().map(|name| join(&directory, name)) {
                let Ok(metadata) = fs::symlink_metadata(self.root.join(&path)) else { return true };
                let is_ignored = self.ignore.ignores(&path);
                if metadata.is_dir() && (!is_ignored || self.ignore.has_exceptions()) {
                    waiting.push(path);
                } else if !metadata.is_file() && !metadata.is_dir() && !is_ignored {
                    return true;
                }
            }
        }
        false
    }

    /// Follows the path and the symbolic links on it, within the root.
    fn resolve(&self, path: &str) -> Resolved {
        let path = paths::in_context(path);
        let mut left: VecDeque<String> = path.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let mut done: Vec<String> = Vec::new();
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            match part.as_str() {
                "" | "." => continue,
                ".." if done.pop().is_none() => return Resolved::Unknown,
                ".." => continue,
                _ => done.push(part),
            }
            if done.len() + left.len() > MAX_DEPTH {
                return Resolved::Unknown;
            }
            let real = self.root.join(done.join("/"));
            let metadata = match fs::symlink_metadata(&real) {
                Ok(metadata) => metadata,
                Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                    return Resolved::Missing;
                }
                Err(_) => return Resolved::Unknown,
            };
            if !metadata.is_symlink() {
                continue;
            }
            links += 1;
            let target = fs::read_link(&real).ok().and_then(|target| target.into_os_string().into_string().ok());
            let Some(target) = target.filter(|target| links <= MAX_LINKS && !target.starts_with('/')) else {
                return Resolved::Unknown;
            };
            done.pop();
            for part in target.split('/').rev() {
                left.push_front(part.to_owned());
            }
        }
        let path = done.join("/");
        fs::symlink_metadata(self.root.join(&path))
            .map_or(Resolved::Unknown, |metadata| Resolved::Found { path, metadata })
    }

    /// The names in a real directory, sorted; `None` when they are too many or not all text.
    fn names(&self, directory: &str, budget: &mut usize) -> Option<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(self.root.join(directory)).ok()? {
            *budget = budget.checked_sub(1)?;
            names.push(entry.ok()?.file_name().into_string().ok()?);
        }
        names.sort_unstable();
        Some(names)
    }

    /// The names in a directory of the context, sorted.
    fn list(&self, directory: &str, budget: &mut usize) -> Option<Vec<String>> {
        let Resolved::Found { path: real, metadata } = self.resolve(directory) else { return None };
        let is_directory = self.classify(directory, &real, &metadata) == Entry::Directory;
        is_directory.then(|| self.names(&real, budget)).flatten()
    }

    /// The paths one segment further.
    fn step_to(&self, directories: &[String], segment: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        for path in directories.iter().map(|directory| join(directory, segment)) {
            match self.entry(&path) {
                Entry::Unknown => return None,
                Entry::Missing | Entry::Ignored => {}
                Entry::Directory | Entry::File => found.push(path),
            }
        }
        Some(found)
    }

    /// The paths one segment with wildcards further.
    fn step_matching(&self, directories: &[String], segment: &str, budget: &mut usize) -> Option<Vec<String>> {
        let pattern = Pattern::segment(segment).ok()?;
        let mut found = Vec::new();
        for directory in directories {
            match self.entry(directory) {
                Entry::Unknown => return None,
                Entry::Directory => {}
                Entry::Missing | Entry::Ignored | Entry::File => continue,
            }
            let names = self.list(directory, budget)?;
            for name in names.iter().filter(|name| pattern.matches(name)) {
                found.extend(self.step_to(std::slice::from_ref(directory), name)?);
            }
        }
        Some(found)
    }
}

/// Whether a segment of a COPY source holds what Go's `filepath.Match` reads.
fn has_wildcard(segment: &str) -> bool {
    segment.contains(['*', '?', '[', '\\'])
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") }
}

/// The rules for a build of that Dockerfile: BuildKit looks for `<Dockerfile name>.dockerignore` beside it first
/// (`frontend/dockerui/config.go`). `None` when they cannot be read or understood.
fn ignore_rules(root: &Path, dockerfile_path: &Path) -> Option<IgnoreRules> {
    let mut own = dockerfile_path.as_os_str().to_owned();
    own.push(".dockerignore");
    for path in [PathBuf::from(own), root.join(".dockerignore")] {
        match small_file(&path) {
            Ok(text) => return IgnoreRules::parse(&text).ok(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(_) => return None,
        }
    }
    Some(IgnoreRules::default())
}

/// The text of a regular file of at most [`MAX_FILE_SIZE`].
fn small_file(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() || metadata.len() > MAX_FILE_SIZE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    fs::read_to_string(path)
}
