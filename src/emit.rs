//! Emission: what becomes of an optimised text on disk.
//!
//! Outputs (`<name>.optimized` beside the Dockerfile by default) belong to imgopt as long as their [`trailer`] fits;
//! such a file is replaced or removed at will. What was edited by hand or written by something else is left alone
//! unless forced. BuildKit reads `<name>.dockerignore` in place of `.dockerignore`, so a Dockerfile that has one has an output
//! that has one, under the same rule: patterns and, at the end, a comment with the trailer.
//!
//! [`plan`] decides, [`Action::execute`] does; `imgopt check --outputs` only looks at the plan.

mod atomic;
pub mod trailer;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The ending of outputs.
pub const SUFFIX: &str = ".optimized";

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub enum EmitError {
    /// The output carries a trailer that does not fit it any more.
    #[error("{} was edited by hand", .0.display())]
    Edited(PathBuf),
    /// The output carries no trailer.
    #[error("{} was not written by imgopt", .0.display())]
    Foreign(PathBuf),
    /// The original changed after the output was written.
    #[error("{} is stale: the original changed after it was written", .0.display())]
    Stale(PathBuf),
    /// A file could not be read.
    #[error("cannot read {}: {error}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file could not be written; it is as it was.
    #[error("cannot write {}: {error}", .path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A file could not be removed.
    #[error("cannot remove {}: {error}", .path.display())]
    Remove {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl EmitError {
    /// The next step.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::Edited(_) => "keep your changes under another name, or use --force to lose them",
            Self::Foreign(_) => "move it away, choose another place with --output, or use --force to lose it",
            Self::Stale(_) => "run `imgopt rewrite` and review the new output",
            Self::Read { .. } => "check that it is a text file which you may read",
            Self::Write { error, .. } if error.kind() == io::ErrorKind::StorageFull => "free some space on the disk",
            Self::Write { .. } => "make the place writable, or choose another one with --output or --out-dir",
            Self::Remove { .. } => "remove it by hand",
        }
    }
}

/// One thing to do so that the outputs of a Dockerfile are what they should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write a file that is not there.
    Create {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
    },
    /// Write a file that is there.
    Replace {
        /// The file.
        path: PathBuf,
        /// Its text.
        text: String,
    },
    /// The file is as it should be.
    Keep {
        /// The file.
        path: PathBuf,
    },
    /// Remove a file of imgopt's that serves no purpose any more.
    Remove {
        /// The file.
        path: PathBuf,
    },
}

impl Action {
    /// The file that it is about.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Create { path, .. } | Self::Replace { path, .. } | Self::Keep { path } | Self::Remove { path } => {
                path
            }
        }
    }

    /// Does it. New files take mode and owner of `like`.
    ///
    /// # Errors
    /// [`EmitError::Write`] and [`EmitError::Remove`]; the file is as it was then.
    pub fn execute(&self, like: Option<&Path>) -> Result<(), EmitError> {
        match self {
            Self::Create { path, text } | Self::Replace { path, text } => write(path, text, like),
            Self::Keep { .. } => Ok(()),
            Self::Remove { path } => remove(path),
        }
    }
}

/// The texts of one Dockerfile, and where the original lies.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'a> {
    /// The Dockerfile; `None` for standard input.
    pub path: Option<&'a Path>,
    /// Its text.
    pub original: &'a str,
    /// What imgopt makes of it.
    pub optimized: &'a str,
}

/// `<name>.optimized` beside the file.
#[must_use]
pub fn beside(path: &Path) -> PathBuf {
    with_suffix(path, SUFFIX)
}

/// The Dockerfile whose output has this path by default: [`beside`] the other way round.
#[must_use]
pub fn original_of(output: &Path) -> Option<PathBuf> {
    let name = output.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
    (!name.is_empty()).then(|| output.with_file_name(name))
}

/// Whether the file is as imgopt wrote it.
#[must_use]
pub fn is_own_file(path: &Path) -> bool {
    fs::read_to_string(path).is_ok_and(|text| is_own(&text))
}

/// `<name>.dockerignore` beside the file: the name that BuildKit looks for before `.dockerignore`, see `initContext` in
/// BuildKit's `frontend/dockerui/config.go`.
#[must_use]
pub fn ignore_file(path: &Path) -> PathBuf {
    with_suffix(path, ".dockerignore")
}

/// What has to be done so that `output` and its ignore file fit the texts, in order: nothing is to be done when one of
/// the files is not imgopt's to change. With `force`, every file is.
///
/// # Errors
/// [`EmitError::Edited`], [`EmitError::Foreign`] and [`EmitError::Read`].
pub fn plan(texts: Texts<'_>, output: &Path, force: bool) -> Result<Vec<Action>, EmitError> {
    let name = texts.path.and_then(Path::file_name).map_or("standard input".into(), |name| name.to_string_lossy());
    let wanted = (texts.original != texts.optimized).then(|| trailer::seal(texts.optimized, &name, texts.original));
    let patterns = match (texts.path.map(ignore_file), &wanted) {
        (Some(path), Some(_)) => read_if_there(&path)?,
        _ => None,
    };
    // The ignore file comes first: an output must not stand there without it.
    let ignore = ignore_action(&ignore_file(output), patterns.as_deref(), &name, force)?;
    let output = action(output, wanted, force)?;
    Ok(ignore.into_iter().chain(output).collect())
}

/// Replaces a Dockerfile by another text, at once.
///
/// # Errors
/// [`EmitError::Write`]; the file is as it was then.
pub fn replace(path: &Path, text: &str) -> Result<(), EmitError> {
    write(path, text, None)
}

/// Replaces `path` by the text of its reviewed `output`, without the trailer, and removes the output and its ignore
/// file. With `force`, an output that was edited by hand is taken as it stands.
///
/// # Errors
/// Any [`EmitError`]. The original is replaced as a whole or not at all; an output that cannot be removed is reported
/// after the original was replaced.
pub fn apply(path: &Path, output: &Path, force: bool) -> Result<(), EmitError> {
    let text = read(output)?;
    let original = read(path)?;
    let Some(sealed) = trailer::open(&text) else { return Err(EmitError::Foreign(output.to_owned())) };
    if sealed.source_hash != trailer::hash(&original) {
        return Err(EmitError::Stale(output.to_owned()));
    }
    if !sealed.intact && !force {
        return Err(EmitError::Edited(output.to_owned()));
    }
    replace(path, sealed.body)?;
    remove(output)?;
    let ignore = ignore_file(output);
    if is_own_file(&ignore) { remove(&ignore) } else { Ok(()) }
}

/// What to do with the ignore file of an output. A plain copy of the patterns serves as well.
fn ignore_action(path: &Path, patterns: Option<&str>, name: &str, force: bool) -> Result<Option<Action>, EmitError> {
    let is_copy = |patterns: &str| fs::read_to_string(path).is_ok_and(|existing| existing == patterns);
    match patterns {
        Some(patterns) if is_copy(patterns) => Ok(Some(Action::Keep { path: path.to_owned() })),
        Some(patterns) => {
            let text = trailer::seal(patterns, &format!("{name}.dockerignore"), patterns);
            action(path, Some(text), force)
        }
        None => action(path, None, force),
    }
}

/// What to do with the file at `path`, which should hold `wanted`, or not be there.
fn action(path: &Path, wanted: Option<String>, force: bool) -> Result<Option<Action>, EmitError> {
    let path = path.to_owned();
    let existing = match read_if_there(&path) {
        // What is no text is not ours.
        Err(EmitError::Read { error, .. }) if error.kind() == io::ErrorKind::InvalidData => Some(String::new()),
        result => result?,
    };
    let Some(existing) = existing else { return Ok(wanted.map(|text| Action::Create { path, text })) };
    let Some(text) = wanted else { return Ok(is_own(&existing).then_some(Action::Remove { path })) };
    if is_same(&existing, &text) {
        return Ok(Some(Action::Keep { path }));
    }
    match trailer::open(&existing) {
        Some(sealed) if sealed.intact => {}
        _ if force => {}
        Some(_) => return Err(EmitError::Edited(path)),
        None => return Err(EmitError::Foreign(path)),
    }
    Ok(Some(Action::Replace { path, text }))
}

/// Whether two sealed texts differ in nothing but the version of imgopt.
fn is_same(existing: &str, wanted: &str) -> bool {
    match (trailer::open(existing), trailer::open(wanted)) {
        (Some(existing), Some(wanted)) => existing == wanted,
        _ => false,
    }
}

fn is_own(text: &str) -> bool {
    trailer::open(text).is_some_and(|sealed| sealed.intact)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    PathBuf::from(name)
}

fn read(path: &Path) -> Result<String, EmitError> {
    fs::read_to_string(path).map_err(|error| EmitError::Read { path: path.to_owned(), error })
}

fn read_if_there(path: &Path) -> Result<Option<String>, EmitError> {
    match read(path) {
        Err(EmitError::Read { error, .. }) if is_absence(&error) => Ok(None),
        result => result.map(Some),
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn write(path: &Path, text: &str, like: Option<&Path>) -> Result<(), EmitError> {
    atomic::write(path, text, like).map_err(|error| EmitError::Write { path: path.to_owned(), error })
}

fn remove(path: &Path) -> Result<(), EmitError> {
    fs::remove_file(path).map_err(|error| EmitError::Remove { path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGINAL: &str = "FROM a\nRUN b\n";
    const OPTIMIZED: &str = "FROM a\nRUN c\n";

    /// A directory with a Dockerfile.
    struct Place(tempfile::TempDir);

    impl Place {
        fn new() -> Self {
            let place = Self(tempfile::tempdir().expect("a temporary directory"));
            place.put("Dockerfile", ORIGINAL);
            place
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn put(&self, name: &str, text: &str) {
            fs::write(self.path(name), text).expect("written");
        }

        fn get(&self, name: &str) -> String {
            fs::read_to_string(self.path(name)).expect("a file")
        }

        /// Names of the files other than the Dockerfile, sorted.
        fn others(&self) -> Vec<String> {
            let entries = fs::read_dir(self.0.path()).expect("a directory");
            let mut names: Vec<String> =
                entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
            names.retain(|name| name != "Dockerfile");
            names.sort();
            names
        }

        fn rewrite(&self, optimized: &str, force: bool) -> Result<Vec<Action>, EmitError> {
            let path = self.path("Dockerfile");
            let original = self.get("Dockerfile");
            let texts = Texts { path: Some(&path), original: &original, optimized };
            let actions = plan(texts, &beside(&path), force)?;
            actions.iter().try_for_each(|action| action.execute(Some(&path)))?;
            Ok(actions)
        }

        fn apply(&self, force: bool) -> Result<(), EmitError> {
            apply(&self.path("Dockerfile"), &self.path("Dockerfile.optimized"), force)
        }
    }

    #[test]
    fn an_output_is_written_kept_replaced_and_removed() {
        let place = Place::new();
        assert!(matches!(place.rewrite(OPTIMIZED, false).as_deref(), Ok([Action::Create { .. }])));
        assert_eq!(trailer::bare(&place.get("Dockerfile.optimized")), OPTIMIZED);
        assert!(matches!(place.rewrite(OPTIMIZED, false).as_deref(), Ok([Action::Keep { .. }])));
        assert!(matches!(place.rewrite("FROM d\n", false).as_deref(), Ok([Action::Replace { .. }])));
        assert_eq!(trailer::bare(&place.get("Dockerfile.optimized")), "FROM d\n");
        assert!(matches!(place.rewrite(ORIGINAL, false).as_deref(), Ok([Action::Remove { .. }])));
        assert!(matches!(place.rewrite(ORIGINAL, false).as_deref(), Ok([])));
        assert!(place.others().is_empty());
    }

    #[test]
    fn an_output_of_another_version_stays() {
        let place = Place::new();
        place.rewrite(OPTIMIZED, false).expect("written");
        let other = place.get("Dockerfile.optimized").replace("imgopt 0.", "imgopt 9.");
        place.put("Dockerfile.optimized", &other);
        assert!(matches!(place.rewrite(OPTIMIZED, false).as_deref(), Ok([Action::Keep { .. }])));
    }

    #[test]
    fn an_output_follows_its_original_even_when_the_text_stays() {
        let place = Place::new();
        place.rewrite(OPTIMIZED, false).expect("written");
        place.put("Dockerfile", "FROM a\nRUN x\n");
        assert!(matches!(place.rewrite(OPTIMIZED, false).as_deref(), Ok([Action::Replace { .. }])));
    }

    #[test]
    fn what_is_not_ours_stays_unless_forced() {
        let place = Place::new();
        place.rewrite(OPTIMIZED, false).expect("written");
        let edited = place.get("Dockerfile.optimized").replace("RUN c", "RUN c && d");
        for text in [edited.as_str(), "FROM mine\n", ""] {
            place.put("Dockerfile.optimized", text);
            place.rewrite("FROM d\n", false).expect_err("not ours");
            place.rewrite(ORIGINAL, false).expect("nothing to do");
            assert_eq!(place.get("Dockerfile.optimized"), text);
            place.rewrite(OPTIMIZED, true).expect("forced");
            assert_eq!(trailer::bare(&place.get("Dockerfile.optimized")), OPTIMIZED);
        }
        fs::write(place.path("Dockerfile.optimized"), b"\xff").expect("written");
        assert!(matches!(place.rewrite(OPTIMIZED, false), Err(EmitError::Foreign(_))));
    }

    #[test]
    fn an_ignore_file_comes_along() {
        let place = Place::new();
        place.put("Dockerfile.dockerignore", "*.md\n!README.md");
        place.rewrite(OPTIMIZED, false).expect("written");
        assert_eq!(trailer::bare(&place.get("Dockerfile.optimized.dockerignore")), "*.md\n!README.md");
        place.put("Dockerfile.dockerignore", "*.txt\n");
        place.rewrite(OPTIMIZED, false).expect("written");
        assert_eq!(trailer::bare(&place.get("Dockerfile.optimized.dockerignore")), "*.txt\n");
        place.rewrite(ORIGINAL, false).expect("removed");
        assert_eq!(place.others(), ["Dockerfile.dockerignore"]);
    }

    #[test]
    fn an_ignore_file_of_others_stops_the_output() {
        let place = Place::new();
        place.put("Dockerfile.dockerignore", "*.md\n");
        place.put("Dockerfile.optimized.dockerignore", "*.mine\n");
        assert!(matches!(place.rewrite(OPTIMIZED, false), Err(EmitError::Foreign(_))));
        assert_eq!(place.others(), ["Dockerfile.dockerignore", "Dockerfile.optimized.dockerignore"]);
        place.put("Dockerfile.optimized.dockerignore", "*.md\n");
        place.rewrite(OPTIMIZED, false).expect("a plain copy serves as well");
        assert_eq!(place.get("Dockerfile.optimized.dockerignore"), "*.md\n");
    }

    #[test]
    fn applying_replaces_the_original() {
        let place = Place::new();
        place.put("Dockerfile.dockerignore", "*.md\n");
        place.rewrite(OPTIMIZED, false).expect("written");
        place.apply(false).expect("applied");
        assert_eq!(place.get("Dockerfile"), OPTIMIZED);
        assert_eq!(place.others(), ["Dockerfile.dockerignore"]);
    }

    #[test]
    fn applying_refuses_what_is_stale_edited_or_foreign() {
        let place = Place::new();
        place.rewrite(OPTIMIZED, false).expect("written");
        let output = place.get("Dockerfile.optimized");
        place.put("Dockerfile", "FROM new\n");
        assert!(matches!(place.apply(true), Err(EmitError::Stale(_))));
        place.put("Dockerfile", ORIGINAL);
        place.put("Dockerfile.optimized", "FROM a\n");
        assert!(matches!(place.apply(true), Err(EmitError::Foreign(_))));
        place.put("Dockerfile.optimized", &output.replace("RUN c", "RUN e"));
        assert!(matches!(place.apply(false), Err(EmitError::Edited(_))));
        assert_eq!(place.get("Dockerfile"), ORIGINAL);
        place.apply(true).expect("forced");
        assert_eq!(place.get("Dockerfile"), "FROM a\nRUN e\n");
    }

    #[test]
    fn a_place_that_cannot_be_written_is_named() {
        let place = Place::new();
        let path = place.path("Dockerfile");
        for output in ["missing/Dockerfile.optimized", "Dockerfile/x"] {
            let error = write(&place.path(output), "x", Some(&path)).expect_err("no directory");
            assert!(error.to_string().contains(output), "{error}");
        }
        fs::create_dir(place.path("Dockerfile.optimized")).expect("a directory");
        place.rewrite(OPTIMIZED, true).expect_err("a directory");
        assert_eq!(place.others(), ["Dockerfile.optimized"]);
    }

    #[cfg(unix)]
    #[test]
    fn mode_and_link_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};

        let place = Place::new();
        let set_mode = |name: &str, mode| {
            fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).expect("a mode");
        };
        let mode = |name: &str| fs::metadata(place.path(name)).expect("a file").permissions().mode() & 0o777;
        set_mode("Dockerfile", 0o640);
        place.rewrite(OPTIMIZED, false).expect("written");
        assert_eq!(mode("Dockerfile.optimized"), 0o640);
        set_mode("Dockerfile.optimized", 0o664);
        place.rewrite("FROM d\n", false).expect("written");
        assert_eq!(mode("Dockerfile.optimized"), 0o664);

        fs::create_dir(place.path("below")).expect("a directory");
        symlink("../Dockerfile", place.path("below/link")).expect("a link");
        replace(&place.path("below/link"), "FROM linked\n").expect("written");
        assert!(place.path("below/link").is_symlink());
        assert_eq!((place.get("Dockerfile"), mode("Dockerfile")), ("FROM linked\n".to_owned(), 0o640));

        set_mode("Dockerfile", 0o444);
        replace(&place.path("Dockerfile"), "FROM x\n").expect_err("read-only");
        assert_eq!(place.get("Dockerfile"), "FROM linked\n");
    }
}
