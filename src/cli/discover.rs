//! Discovery: from the paths of the command line to Dockerfiles.
//!
//! A file that was named is read, whatever its name; one that was found on the way through a directory is read if it
//! looks like a Dockerfile that people write. Outputs, ignore files and editor backups are never read.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use ignore::{Walk, WalkBuilder};

use crate::emit;
use crate::report::Failure;

/// The path that stands for standard input.
pub(super) const STDIN: &str = "-";

/// Directories with the work of others.
const VENDORED: &[&str] =
    &["vendor", "node_modules", "third_party", "third-party", "bower_components", "site-packages", "Godeps", ".venv"];

/// Endings of editor backups and leftovers of patches.
const BACKUPS: &[&str] = &["~", ".swp", ".swo", ".orig", ".rej", ".bak"];

/// Endings of files from which Dockerfiles are made.
const TEMPLATES: &[&str] =
    &[".tpl", ".tmpl", ".gotmpl", ".j2", ".jinja", ".jinja2", ".template", ".erb", ".mustache", ".hbs", ".in", ".m4"];

/// A path to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The path as the user would write it.
    pub(super) path: PathBuf,
    /// Where it lies below a directory that mirrors the tree.
    pub(super) mirrored: PathBuf,
    /// Whether the user named it.
    pub(super) named: bool,
    /// What to do with it.
    pub(super) verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Read,
    /// Leave it out, for this reason.
    Skip(String),
    Fail(Failure),
}

impl Found {
    /// Whether it stands for standard input.
    pub(super) fn is_stdin(&self) -> bool {
        self.named && is_stdin(&self.path)
    }
}

/// Whether the path of an argument stands for standard input.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new(STDIN)
}

/// The Dockerfiles of all paths, each once: in the order of the paths, sorted below a directory. With `force`, files
/// that are named are read whatever they are.
pub(super) fn discover(paths: &[PathBuf], force: bool) -> Vec<Found> {
    let mut seen = HashSet::new();
    let found = paths.iter().flat_map(|path| match path {
        path if is_stdin(path) => vec![named(path, force)],
        path if path.is_dir() => below(path),
        path => vec![named(path, force)],
    });
    found.filter(|found| seen.insert(identity(&found.path))).collect()
}

/// Dockerfiles that are gone while their output, written by imgopt, is still there.
pub(super) fn orphans(paths: &[PathBuf]) -> Vec<PathBuf> {
    let directories = paths.iter().filter(|path| path.is_dir());
    let entries = directories.flat_map(|root| walk(root).flatten());
    let outputs =
        entries.filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file())).map(|entry| entry.into_path());
    let mut orphans: Vec<PathBuf> = outputs
        .filter_map(|output| {
            let original = emit::original_of(&output)?;
            (original.symlink_metadata().is_err() && emit::is_own_file(&output)).then(|| tidy(&original))
        })
        .collect();
    orphans.sort();
    orphans.dedup();
    orphans
}

/// Why a text that was found on the way is left out: nobody would keep a change of it.
pub(super) fn skip_content(text: &str) -> Option<&'static str> {
    if is_generated(text) {
        return Some("generated (name it to rewrite it)");
    }
    is_template(text).then_some("a template, it holds `{{` (name it to rewrite it)")
}

/// The path with its directory resolved: one file has one identity, and a link another one than its target.
pub(super) fn identity(path: &Path) -> PathBuf {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    match (fs::canonicalize(directory), path.file_name()) {
        (Ok(directory), Some(name)) => directory.join(name),
        _ => path.to_owned(),
    }
}

fn named(path: &Path, force: bool) -> Found {
    let verdict = match path.file_name().and_then(passed_over) {
        Some(reason) if !force && path.exists() => Verdict::Skip(format!("{reason} (--force reads it)")),
        _ => Verdict::Read,
    };
    let is_below = path.components().all(|component| matches!(component, Component::Normal(_) | Component::CurDir));
    let mirrored = match path.file_name() {
        Some(name) if !is_below => name.into(),
        _ => tidy(path),
    };
    Found { path: path.to_owned(), mirrored, named: true, verdict }
}

/// The Dockerfiles below a directory.
fn below(root: &Path) -> Vec<Found> {
    let mut files = Vec::new();
    let mut links = Vec::new();
    let mut failed = Vec::new();
    for entry in walk(root) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                let failure = Failure::new(error.to_string(), "check that you may read it, or name another path");
                failed.push(found(root, root, Verdict::Fail(failure)));
                continue;
            }
        };
        if !is_dockerfile_name(entry.file_name()) || passed_over(entry.file_name()).is_some() {
            continue;
        }
        match entry.file_type() {
            Some(kind) if kind.is_file() => files.push(entry.into_path()),
            Some(kind) if kind.is_symlink() => links.push(entry.into_path()),
            _ => {}
        }
    }
    files.extend(links_worth_reading(root, links, &files));
    files.sort();
    if files.is_empty() && failed.is_empty() {
        let help = "name the file if it has another name than Dockerfile, *.Dockerfile or Containerfile";
        return vec![found(root, root, Verdict::Fail(Failure::new("there is no Dockerfile in this directory", help)))];
    }
    failed.into_iter().chain(files.iter().map(|path| found(root, path, verdict(root, path)))).collect()
}

/// What lies below a directory and is not ignored.
fn walk(root: &Path) -> Walk {
    let mut walk = WalkBuilder::new(root);
    // Hidden directories such as `.devcontainer` hold Dockerfiles; an ignore file counts outside a repository, too.
    walk.hidden(false).require_git(false).filter_entry(|entry| entry.file_name() != ".git");
    walk.build()
}

/// Links to files in the same tree that are not found under their own name. A link that leads out is not followed.
fn links_worth_reading(root: &Path, links: Vec<PathBuf>, files: &[PathBuf]) -> Vec<PathBuf> {
    if links.is_empty() {
        return links;
    }
    let Ok(root) = fs::canonicalize(root) else { return Vec::new() };
    let mut known: HashSet<PathBuf> = files.iter().filter_map(|file| fs::canonicalize(file).ok()).collect();
    let mut links = links;
    links.sort();
    links.retain(|link| {
        let target = fs::canonicalize(link).ok().filter(|target| target.starts_with(&root) && target.is_file());
        target.is_some_and(|target| known.insert(target))
    });
    links
}

fn found(root: &Path, path: &Path, verdict: Verdict) -> Found {
    let mirrored = path.strip_prefix(root).unwrap_or(path).to_owned();
    Found { path: tidy(path), mirrored, named: false, verdict }
}

/// The path without `./`.
fn tidy(path: &Path) -> PathBuf {
    let tidy: PathBuf = path.components().filter(|component| *component != Component::CurDir).collect();
    if tidy.as_os_str().is_empty() { path.to_owned() } else { tidy }
}

/// What the path says of a file found below `root`.
fn verdict(root: &Path, path: &Path) -> Verdict {
    let below = path.strip_prefix(root).unwrap_or(path);
    let is_vendored = |component: &Component<'_>| VENDORED.iter().any(|name| component.as_os_str() == *name);
    if below.components().any(|component| is_vendored(&component)) {
        return Verdict::Skip("vendored (name it to rewrite it)".to_owned());
    }
    if ends_with(path.as_os_str(), TEMPLATES) {
        return Verdict::Skip("a template (name it to rewrite it)".to_owned());
    }
    Verdict::Read
}

/// Whether a file of that name is a Dockerfile.
fn is_dockerfile_name(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == "Dockerfile"
        || name.starts_with("Dockerfile.")
        || name.ends_with(".Dockerfile")
        || name.ends_with(".dockerfile")
        || name.starts_with("Containerfile")
}

/// Why a file of that name is never read unless forced.
fn passed_over(name: &OsStr) -> Option<&'static str> {
    if ends_with(name, &[".dockerignore"]) {
        return Some("an ignore file");
    }
    if ends_with(name, &[emit::SUFFIX]) {
        return Some("an output of imgopt");
    }
    let name_text = name.to_string_lossy();
    let is_backup = ends_with(name, BACKUPS) || name_text.starts_with('#') || name_text.starts_with(".#");
    is_backup.then_some("an editor backup")
}

fn ends_with(name: &OsStr, endings: &[&str]) -> bool {
    let name = name.to_string_lossy();
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether the comments before the first instruction say that a program wrote the file.
fn is_generated(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let comments = text.lines().map(str::trim).take_while(|line| line.is_empty() || line.starts_with('#'));
    comments.map(str::to_ascii_lowercase).any(|comment| {
        let words = comment.trim_start_matches(['#', ' ', '\t']);
        [
            "do not edit",
            "don't edit",
            "do not modify",
            "@generated",
            "auto-generated",
            "autogenerated",
            "automatically generated",
        ]
        .iter()
        .any(|mark| words.contains(mark))
            || ["generated by", "generated from", "this file is generated", "this file was generated"]
                .iter()
                .any(|mark| words.starts_with(mark))
    })
}

/// Whether the text holds `{{` outside single quotes and comments. In single quotes it is an argument of a program that
/// reads Go templates, such as `go list -f '{{.Dir}}'`.
fn is_template(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| line.contains("{{") && !line.trim_start().starts_with('#'));
    lines.any(|line| line.split('\'').step_by(2).any(|unquoted| unquoted.contains("{{")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_dockerfiles() {
        for name in
            ["Dockerfile", "Dockerfile.dev", "api.Dockerfile", "api.dockerfile", "Containerfile", "Containerfile.x"]
        {
            assert!(is_dockerfile_name(OsStr::new(name)), "{name}");
        }
        for name in ["dockerfile", "Dockerfiles", "MyDockerfile", "Dockerfile-dev", "docker-compose.yml"] {
            assert!(!is_dockerfile_name(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn names_that_are_passed_over() {
        for name in [
            "Dockerfile.dockerignore",
            ".dockerignore",
            "Dockerfile.optimized",
            "Dockerfile~",
            "Dockerfile.swp",
            ".Dockerfile.swp",
            "Dockerfile.orig",
            "Dockerfile.bak",
            "Dockerfile.rej",
            "#Dockerfile#",
            ".#Dockerfile",
        ] {
            assert!(passed_over(OsStr::new(name)).is_some(), "{name}");
        }
        assert_eq!(passed_over(OsStr::new("Dockerfile.dev")), None);
    }

    #[test]
    fn generated_files() {
        for text in [
            "#\n# NOTE: THIS DOCKERFILE IS GENERATED VIA \"x\"\n#\n# PLEASE DO NOT EDIT IT DIRECTLY.\n\nFROM a\n",
            "\u{feff}# syntax=docker/dockerfile:1\n# @generated\nFROM a\n",
            "# Generated by x\nFROM a\n",
        ] {
            assert!(is_generated(text), "{text}");
        }
        for text in
            ["FROM a\n# DO NOT EDIT\n", "# needs the code generated by protoc\nFROM a\n", "RUN echo do not edit"]
        {
            assert!(!is_generated(text), "{text}");
        }
    }

    #[test]
    fn templates() {
        assert!(is_template("FROM {{ base }}\n"));
        assert!(is_template("RUN echo 'a' {{ b }} 'c'\n"));
        assert!(!is_template("# {{ x }}\nRUN go list -f '{{.Dir}}' \\\n  && docker inspect -f '{{.Id}}' x\n"));
    }
}
