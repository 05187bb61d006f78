//! A second opinion on every rewritten file: BuildKit's own parser reads it as imgopt does.
//!
//! BuildKit's parser comes as the PyPI package `dockerfile`; it is used when `python3` has it:
//!
//! ```text
//! python3 -m venv venv && venv/bin/pip install dockerfile==3.4.0
//! PATH=$PWD/venv/bin:$PATH IMGOPT_SHARED=… cargo test --release --test second_opinion -- --nocapture
//! ```
//!
//! The files are those of `$IMGOPT_SHARED/corpus/files`. Without them, or without the package, the test says so and passes.

#![allow(clippy::print_stdout, reason = "a test says what it compared, and why it did not")]

use std::path::{Path, PathBuf};
use std::process::Command;

use imgopt::context::BuildContext;
use imgopt::syntax::reading::{NodeReading, Reading};
use imgopt::{Options, optimize};
use rayon::prelude::*;
use serde_json::{Value, json};

/// The version whose BuildKit knows all that the reader knows.
const VERSION: &str = "3.4.0";

/// Reads a JSON array of texts from the file named, writes one line of JSON for each.
const PROGRAM: &str = r#"
import dockerfile, json, sys

def heredoc(part):
    return [part.name, part.file_descriptor, part.content]

def command(part):
    heredocs = [heredoc(inner) for inner in part.heredocs]
    return [part.cmd, part.sub_cmd, part.json, list(part.flags), list(part.value), heredocs, part.start_line, part.end_line]

for text in json.load(open(sys.argv[1], encoding="utf-8")):
    try:
        print(json.dumps([command(part) for part in dockerfile.parse_string(text)]))
    except Exception as error:
        print(json.dumps(str(error)))
"#;

fn has_parser() -> bool {
    let version = "import dockerfile, importlib.metadata; print(importlib.metadata.version('dockerfile'))";
    let found = Command::new("python3").args(["-c", version]).output();
    found.is_ok_and(|found| found.status.success() && String::from_utf8_lossy(&found.stdout).trim() == VERSION)
}

/// The texts that imgopt makes of the files of the folder, where they differ from the files.
fn rewritten(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = std::fs::read_dir(folder).expect("the folder can be read");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.sort();
    let rewrite = |path: PathBuf| {
        let source = String::from_utf8(std::fs::read(&path).expect("the files can be read")).ok()?;
        let outcome = optimize(&source, &BuildContext::unknown(), &Options::default());
        outcome.changed().then_some((path, outcome.optimized))
    };
    paths.into_par_iter().filter_map(rewrite).collect()
}

/// BuildKit's reading of each text: a list of commands, or an error.
fn readings(texts: &[(PathBuf, String)]) -> Vec<Value> {
    let input = tempfile::NamedTempFile::new().expect("there is room for a file");
    let list: Vec<_> = texts.iter().map(|(_, text)| text).collect();
    std::fs::write(input.path(), serde_json::to_string(&list).expect("texts are JSON")).expect("it can be written");
    let output = Command::new("python3").args(["-c", PROGRAM]).arg(input.path()).output().expect("python3 was there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines = String::from_utf8(output.stdout).expect("JSON is text");
    lines.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

/// Our reading in the form in which the package hands over BuildKit's.
fn ours(text: &str) -> Value {
    let reading = Reading::new("", text);
    reading.error.map_or_else(|| reading.nodes.iter().map(command).collect(), Value::from)
}

fn command(node: &NodeReading) -> Value {
    // An ONBUILD is handed over with the arguments of its trigger.
    let inner = node.sub.as_deref().unwrap_or(node);
    let has_pairs = matches!(inner.cmd.as_str(), "ENV" | "LABEL") && !inner.json;
    let arguments: Vec<&String> = if has_pairs {
        // What stands between a name and its value is left out.
        inner.args.iter().enumerate().filter(|(at, _)| at % 3 != 2).map(|(_, argument)| argument).collect()
    } else {
        inner.args.iter().collect()
    };
    let heredocs: Vec<_> =
        node.heredocs.iter().map(|heredoc| json!([heredoc.name, heredoc.fd, heredoc.content])).collect();
    json!([
        node.cmd,
        node.sub.as_ref().map(|sub| &sub.cmd),
        inner.json,
        node.flags,
        arguments,
        heredocs,
        node.start,
        node.end
    ])
}

/// Keywords are compared in upper case.
fn with_upper_case(mut reading: Value) -> Value {
    for command in reading.as_array_mut().into_iter().flatten() {
        for at in [0, 1] {
            if let Some(keyword) = command[at].as_str() {
                command[at] = keyword.to_uppercase().into();
            }
        }
    }
    reading
}

/// Whether both read the files alike, but for what newer versions of BuildKit read in another way.
fn agree(ours: &Value, theirs: &Value) -> bool {
    let (Some(our_commands), Some(their_commands)) = (ours.as_array(), theirs.as_array()) else {
        return ours == theirs;
    };
    our_commands.len() == their_commands.len()
        && our_commands
            .iter()
            .zip(their_commands)
            .all(|(ours, theirs)| ours == theirs || is_json_with_a_tail(ours, theirs))
}

/// A JSON array with text behind it was one to the BuildKit of the package; to later ones, as to imgopt, it is a shell form.
fn is_json_with_a_tail(ours: &Value, theirs: &Value) -> bool {
    let text = ours[4][0].as_str().unwrap_or_default();
    let is_it = ours[2] == json!(false) && theirs[2] == json!(true) && text.starts_with('[') && !text.ends_with(']');
    is_it && [0, 1, 3, 5, 6, 7].into_iter().all(|at| ours[at] == theirs[at])
}

#[test]
fn buildkit_reads_every_rewritten_file_alike() {
    let Some(shared) = std::env::var_os("IMGOPT_SHARED").map(PathBuf::from) else {
        println!("IMGOPT_SHARED is not set: nothing is compared");
        return;
    };
    if !has_parser() {
        println!("python3 has no package `dockerfile` {VERSION}: nothing is compared");
        return;
    }
    let files = rewritten(&shared.join("corpus/files"));
    let theirs = readings(&files);
    assert_eq!(theirs.len(), files.len());
    let mut n_different = 0;
    for ((path, text), theirs) in files.iter().zip(theirs) {
        let (ours, theirs) = (ours(text), with_upper_case(theirs));
        if !agree(&ours, &theirs) {
            n_different += 1;
            println!("{}:\n  ours   {ours}\n  theirs {theirs}", path.display());
        }
    }
    println!("{} rewritten files are compared", files.len());
    assert_eq!(n_different, 0, "files are read differently");
}
