//! A second opinion on changed scripts: `dash -n` and `bash -n` accept them after a rewrite exactly when they did before.
//!
//! The files are those of `$IMGOPT_SHARED/corpus/files`: all of them in a build with optimisation, else one in eight.

#![allow(clippy::print_stderr, reason = "says why it is skipped")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use imgopt::context::BuildContext;
use imgopt::model::{Model, body::BodyCache};
use imgopt::{Options, optimize, syntax};
use rayon::prelude::*;

const SHELLS: [&str; 2] = ["dash", "bash"];

/// What is asked of the shells about one file: the scripts that went and those that came.
struct Change {
    path: PathBuf,
    gone: Vec<String>,
    new: Vec<String>,
}

fn files() -> Option<Vec<PathBuf>> {
    let Some(shared) = std::env::var_os("IMGOPT_SHARED") else {
        eprintln!("skipped: IMGOPT_SHARED does not name the folder with `corpus`");
        return None;
    };
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(shared).join("corpus/files")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("the corpus can be read") {
            let entry = entry.expect("the corpus can be read");
            let is_folder = entry.file_type().expect("the corpus can be read").is_dir();
            if is_folder { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files.sort();
    let step = if cfg!(debug_assertions) { 8 } else { 1 };
    Some(files.into_iter().step_by(step).collect())
}

/// The texts that shells get: RUN and the shell forms of CMD, ENTRYPOINT and HEALTHCHECK.
fn scripts(source: &str) -> BTreeSet<String> {
    let dockerfile = syntax::parse(source).dockerfile;
    let context = BuildContext::unknown();
    let model = Model::build(source, &dockerfile, &context, &BodyCache::default());
    let bodies = (0..dockerfile.instructions.len()).filter_map(|index| model.body(index));
    bodies.map(|body| body.text.text.clone()).collect()
}

fn change(path: &PathBuf) -> Option<Change> {
    let source = String::from_utf8(std::fs::read(path).expect("the corpus can be read")).ok()?;
    let outcome = optimize(&source, &BuildContext::unknown(), &Options::default());
    if !outcome.changed() {
        return None;
    }
    let (before, after) = (scripts(&source), scripts(&outcome.optimized));
    let gone = before.difference(&after).cloned().collect();
    let new: Vec<_> = after.difference(&before).cloned().collect();
    (!new.is_empty()).then(|| Change { path: path.clone(), gone, new })
}

/// Whether the shell can read the script; it runs nothing.
fn accepts(shell: &str, script: &str) -> bool {
    let mut child = Command::new(shell)
        .arg("-n")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the shell was found above");
    let mut input = child.stdin.take().expect("it is piped");
    // A shell that found an error does not read on.
    let _ = input.write_all(script.as_bytes());
    drop(input);
    child.wait().expect("the shell ends").success()
}

fn is_there(shell: &str) -> bool {
    let found = Command::new(shell).args(["-c", "true"]).status().is_ok_and(|status| status.success());
    if !found {
        eprintln!("skipped: there is no {shell}");
    }
    found
}

#[test]
fn shells_read_changed_scripts_as_before() {
    let Some(files) = files() else { return };
    let changes: Vec<Change> = files.par_iter().filter_map(change).collect();
    for shell in SHELLS.into_iter().filter(|shell| is_there(shell)) {
        let all = |scripts: &[String]| scripts.iter().all(|script| accepts(shell, script));
        let differ = |change: &&Change| all(&change.gone) != all(&change.new);
        let wrong: Vec<_> = changes.par_iter().filter(differ).collect();
        let n_scripts: usize = changes.iter().map(|change| change.new.len()).sum();
        eprintln!("{shell}: {n_scripts} changed scripts of {} files", changes.len());
        for change in &wrong {
            eprintln!("{}\nbefore: {:#?}\nafter: {:#?}", change.path.display(), change.gone, change.new);
        }
        assert!(wrong.is_empty(), "{shell} judges the scripts of {} files differently", wrong.len());
    }
}

/// The question itself: shells do find what a broken rewrite leaves behind.
#[test]
fn broken_scripts_are_refused() {
    for shell in SHELLS.into_iter().filter(|shell| is_there(shell)) {
        for script in ["apt-get update &&", "a && ; b", "if a; then b", "(a && b", "a ; && b", "echo 'x"] {
            assert!(!accepts(shell, script), "{shell} reads {script}");
        }
        assert!(accepts(shell, "set -e; a && { b || c; } # d"), "{shell}");
    }
}
