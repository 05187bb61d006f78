//! `imgopt init`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::Exit;
use super::terminal::{Stream, Terminal};
use crate::config::NAMES;
use crate::emit;
use crate::passes::PIPELINE;
use crate::report::printable;
use crate::rewrite::AssumptionKind;

pub(super) const AFTER_HELP: &str = "\
With --hook or --ci, the lines are printed and nothing is written: put them where they belong. An imgopt.yaml that is \
there is left alone, unless --force is given.";

#[derive(Args)]
pub(super) struct Command {
    /// The directory for imgopt.yaml
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Replace the imgopt.yaml that is there
    #[arg(long, conflicts_with_all = ["hook", "ci"])]
    force: bool,
    /// Print the lines for .pre-commit-config.yaml instead
    #[arg(long, conflicts_with = "ci")]
    hook: bool,
    /// Print a CI job instead
    #[arg(long, value_name = "SERVICE")]
    ci: Option<Ci>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Ci {
    /// A workflow for .github/workflows/imgopt.yml
    Github,
    /// A job for .gitlab-ci.yml
    Gitlab,
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let lines = match (command.hook, command.ci) {
        (true, _) => hook(),
        (_, Some(Ci::Github)) => GITHUB.to_owned(),
        (_, Some(Ci::Gitlab)) => GITLAB.to_owned(),
        (false, None) => {
            write(command, terminal)?;
            return Ok(Exit::Done);
        }
    };
    terminal.print(Stream::Stdout, &lines)?;
    Ok(Exit::Done)
}

/// Writes the file, as a whole or not at all.
fn write(command: &Command, terminal: &Terminal) -> Result<()> {
    let here = command.directory == Path::new(".");
    let [name, hidden] = NAMES.map(|name| if here { name.into() } else { command.directory.join(name) });
    if hidden.symlink_metadata().is_ok() {
        bail!("{} is there already: edit it, or remove it first", hidden.display());
    }
    match create(&name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && command.force => {
            emit::replace(&name, &commented())?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            bail!("{} is there already: edit it, or use --force to replace it", name.display());
        }
        created => created.with_context(|| format!("cannot write {}", name.display()))?,
    }
    let text = printable(&format!("wrote {}: every line is a comment until you need it", name.display()));
    terminal.note(Stream::Stdout, &(text + "\n")).context("cannot print")
}

fn create(path: &Path) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(commented().as_bytes())
}

/// A configuration of comments, with the passes and assumptions of this version.
fn commented() -> String {
    let passes: String = PIPELINE
        .iter()
        .map(|pass| pass.info())
        .map(|pass| {
            let setting = format!("{}: off", pass.name);
            format!("#   {setting:<23} # {} ({})\n", pass.summary, pass.max_level)
        })
        .collect();
    let assume: String = AssumptionKind::ALL
        .into_iter()
        .map(|kind| {
            let setting = format!("{}: affirm", kind.name());
            format!("#   {setting:<31} # {}\n", kind.text())
        })
        .collect();
    CONFIG.replace("@passes@\n", &passes).replace("@assume@\n", &assume)
}

/// The hooks that imgopt offers, for a program that is installed already.
fn hook() -> String {
    let hooks = include_str!("../../.pre-commit-hooks.yaml").lines().skip_while(|line| line.starts_with('#'));
    let hooks = hooks.map(|line| line.replace("language: rust", "language: system"));
    let hooks: String = hooks.map(|line| format!("      {line}").trim_end().to_owned() + "\n").collect();
    format!("# Below `repos:` in .pre-commit-config.yaml:\n  - repo: local\n    hooks:\n{hooks}")
}

const CONFIG: &str = "\
# What holds for the Dockerfiles here and below. Flags go before this file. docs/configuration.md explains every key.

# No file in a directory above counts.
# root: true

# Files to build on, relative to this one; what is said here goes before what they say.
# extends: ../shared/imgopt.yaml

# Up to which level rewrites are applied: safe, guarded or breaking.
# level: guarded           # imgopt rewrite
# check_level: safe        # imgopt check
# in_place_level: safe     # imgopt rewrite --in-place

# off: the pass does not run. on: at the level that it needs. {level: safe}: up to that level.
# passes:
@passes@

# What builds the images: buildkit, buildah, kaniko or legacy. Only syntax that it reads is written.
# builder: buildkit

# affirm: it holds and counts as proved. deny: rewrites that rely on it are declined.
# assume:
@assume@

# The build context, if it is not found by itself.
# context: .

# Base images: what may be used, what takes the place of others, and where images are found as well. Others are errors for check.
# bases:
#   allowed: [\"registry.example.com/**\"]
#   replace:
#     - {image: \"python:*\", by: \"registry.example.com/python:*\"}
#     - {image: \"node:*\", by: \"registry.example.com/node:*\", users: {node: app}, from: 2027-01-01}
#   mirrors: {docker.io: registry.example.com/hub}
#   variants: {python: [slim, alpine]}

# What imgopt does not know of images, commands and packages of your own; `imgopt tables` lists what it knows.
# tables:
#   images:
#     - family: python
#       repositories: [registry.example.com/base/python]
#       sources: [{name: the platform team, date: 2026-01-31}]

# Which user images run as that ran as root: the number of an account that is made, and numbers in place of names.
# user: {uid: 10001, numeric: true}

# Patterns as in .gitignore.
# discovery:
#   exclude: [legacy/]
#   include: [\"*.docker\"]

# Other settings for some paths; later entries win.
# overrides:
#   - files: [test/, \"*.dev\"]
#     level: safe
#     passes: {cache-mounts: off}

# What files that build on this one cannot change.
# locked: [level, passes.cache-mounts]
";

const GITHUB: &str = "\
# .github/workflows/imgopt.yml
name: imgopt
on: [push, pull_request]
permissions:
  contents: read
jobs:
  imgopt:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with:
          persist-credentials: false
      - run: cargo install --locked imgopt
      - run: imgopt check
      - run: imgopt check --outputs
";

const GITLAB: &str = "\
# In .gitlab-ci.yml:
imgopt:
  image: rust:1
  script:
    - cargo install --locked imgopt
    - imgopt check
    - imgopt check --outputs
";

#[cfg(test)]
mod tests {
    use super::*;

    /// The text without the first `#` of each line that is an example.
    fn uncommented(text: &str) -> String {
        let is_example = |line: &&str| {
            let bare = line.trim_start_matches(['#', ' ']);
            let key = bare.split(':').next().unwrap_or_default();
            bare.starts_with("- files")
                || bare.starts_with("- family")
                || (bare.contains(':')
                    && !key.contains(' ')
                    && !line.starts_with("# off:")
                    && !line.starts_with("# affirm:"))
        };
        text.lines().filter(is_example).map(|line| format!("{}\n", line.strip_prefix("# ").unwrap_or(line))).collect()
    }

    #[test]
    fn every_example_is_valid() {
        let place = tempfile::tempdir().expect("a temporary directory");
        let write = |name: &str, text: &str| std::fs::write(place.path().join(name), text).expect("written");
        std::fs::create_dir_all(place.path().join("shared")).expect("a directory");
        std::fs::create_dir_all(place.path().join("a")).expect("a directory");
        write("shared/imgopt.yaml", "level: breaking\n");
        let text = uncommented(&commented());
        write("a/imgopt.yaml", &text);
        let directory = place.path().join("a").canonicalize().expect("it is there");
        let config = crate::config::Configs::default().of(&directory).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let settings = config.settings(&directory.join("Dockerfile"));
        assert_eq!(
            (settings.passes.len(), settings.assume.len()),
            (PIPELINE.len(), AssumptionKind::ALL.len()),
            "{text}"
        );
        assert_eq!(settings.level, Some(crate::rewrite::Level::Guarded));
        assert!(!settings.tables.is_empty(), "{text}");
    }

    #[test]
    fn the_file_says_nothing_by_itself() {
        assert!(commented().lines().all(|line| line.is_empty() || line.starts_with('#')));
    }
}
