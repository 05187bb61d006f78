//! The reader agrees with BuildKit: on what thousands of Dockerfiles say, and on which of them it refuses.
//!
//! BuildKit's reading of each file was recorded; the files and the records lie outside the project, at `IMGOPT_SHARED`.
//! Without that variable, these tests say so and pass.

#![allow(clippy::print_stdout, reason = "a test says what it compared, and why it did not")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use dockerfile_parser::Instruction as TheirInstruction;
use flate2::read::GzDecoder;
use imgopt::syntax::ast::{Dockerfile, InstructionKind};
use imgopt::syntax::reading::{NodeReading, Reading};
use imgopt::syntax::{detect_frontend, expand, parse};
use serde_json::Value;

/// Files that are read differently, with the reason.
const DIFFERENCES: [(&str, &str); 0] = [];

/// Where the shared files are.
fn shared() -> Option<PathBuf> {
    let shared = std::env::var_os("IMGOPT_SHARED").map(PathBuf::from);
    if shared.is_none() {
        println!("IMGOPT_SHARED is not set: nothing is compared");
    }
    shared
}

/// The records of a folder with the texts of their files.
fn records(folder: &Path) -> Vec<(Value, String)> {
    let packed = fs::File::open(folder.join("reference.jsonl.gz")).expect("the records are there");
    let mut lines = String::new();
    GzDecoder::new(packed).read_to_string(&mut lines).expect("the records are text");
    let record = |line: &str| {
        let record: Value = serde_json::from_str(line).expect("a record is JSON");
        let file = folder.join(record["file"].as_str().expect("a record names its file"));
        let bytes = fs::read(&file).expect("the file of a record is there");
        (record, String::from_utf8(bytes).expect("the files are UTF-8"))
    };
    lines.lines().map(record).collect()
}

/// Compares our reading of each file of a folder with its record. So many records are expected, so that none is missed.
fn compare(folder: &str, expected_count: usize) {
    let Some(shared) = shared() else { return };
    let records = records(&shared.join(folder));
    assert_eq!(records.len(), expected_count);
    let mut differences = BTreeMap::new();
    for (record, source) in &records {
        let file = record["file"].as_str().expect("a record names its file");
        if let Some(difference) = difference(record, file, source) {
            differences.insert(file, difference);
        }
    }
    let unexpected: Vec<_> =
        differences.iter().filter(|(file, _)| !DIFFERENCES.iter().any(|(known, _)| known == *file)).collect();
    assert!(unexpected.is_empty(), "{} files are read differently: {unexpected:#?}", unexpected.len());
    println!("{folder}: {} files are read alike", records.len() - differences.len());
}

/// The first thing that is read differently.
fn difference(record: &Value, file: &str, source: &str) -> Option<String> {
    let reading = serde_json::to_value(Reading::new(file, source)).expect("a reading is JSON");
    for field in ["error", "escape"] {
        if reading[field] != record[field] {
            return Some(format!("{field}: {} instead of {}", reading[field], record[field]));
        }
    }
    // BuildKit walks over a Go map for its suggestions, so they are not the same in every run.
    let error = |value: &Value| {
        let error = value["instr_error"].as_str()?;
        Some(error.split(" (did you mean").next().unwrap_or(error).to_owned())
    };
    if error(&reading) != error(record) {
        return Some(format!("instr_error: {:?} instead of {:?}", error(&reading), error(record)));
    }
    let nodes = |value: &Value| value["nodes"].as_array().cloned().unwrap_or_default();
    let (ours, mut theirs) = (nodes(&reading), nodes(record));
    theirs.iter_mut().for_each(upper_case_keywords);
    let different = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
    if let Some((ours, theirs)) = different {
        return Some(format!("{ours} instead of {theirs}"));
    }
    if ours.len() != theirs.len() {
        return Some(format!("{} instructions instead of {}", ours.len(), theirs.len()));
    }
    let frontend = detect_frontend(source).map(|frontend| frontend.command_line);
    if frontend.as_deref() != record["syntax"].as_str() {
        return Some(format!("syntax: {frontend:?} instead of {}", record["syntax"]));
    }
    None
}

/// The records hold keywords as written, our readings in upper case.
fn upper_case_keywords(node: &mut Value) {
    let keyword = node["cmd"].as_str().unwrap_or_default().to_uppercase();
    node["cmd"] = keyword.into();
    if let Some(sub) = node.get_mut("sub") {
        upper_case_keywords(sub);
    }
}

#[test]
fn real_dockerfiles_are_read_as_by_buildkit() {
    compare("corpus", 6_122);
}

#[test]
fn test_files_and_probes_are_read_as_by_buildkit() {
    compare("parser-conformance", 668);
}

/// The folders below `path`, with their names.
fn folders(path: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(path).expect("the folder is there");
    let folder = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.expect("the folder can be read");
        (entry.file_name().to_string_lossy().into_owned(), entry.path())
    };
    let mut folders: Vec<_> = entries.map(folder).collect();
    folders.sort();
    folders
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const BUILDKIT: &str = "parser-conformance/buildkit/frontend/dockerfile";

#[test]
fn trees_are_dumped_as_by_buildkit() {
    let Some(shared) = shared() else { return };
    let folders = folders(&shared.join(BUILDKIT).join("parser/testfiles"));
    assert!(folders.len() >= 30, "only {} test files", folders.len());
    for (name, folder) in folders {
        let reading = Reading::new(&name, &read(&folder.join("Dockerfile")));
        let dump: String = reading.nodes.iter().map(|node| format!("({})\n", dump(node))).collect();
        assert_eq!(dump.trim(), read(&folder.join("result")).trim(), "{name}");
    }
}

/// BuildKit's `Node.Dump`.
fn dump(node: &NodeReading) -> String {
    let mut dump = node.cmd.to_lowercase();
    if !node.flags.is_empty() {
        let flags: Vec<_> = node.flags.iter().map(|flag| go_quote(flag)).collect();
        dump.push_str(&format!(" [{}]", flags.join(" ")));
    }
    if let Some(trigger) = &node.sub {
        dump.push_str(&format!(" ({})", self::dump(trigger)));
    }
    for argument in &node.args {
        dump.push_str(&format!(" {}", go_quote(argument)));
    }
    dump
}

/// Go's `strconv.Quote`, for the characters that occur.
fn go_quote(text: &str) -> String {
    let character = |c: char| match c {
        '\\' => "\\\\".to_owned(),
        '"' => "\\\"".to_owned(),
        '\u{8}' => "\\b".to_owned(),
        '\u{C}' => "\\f".to_owned(),
        '\n' => "\\n".to_owned(),
        '\r' => "\\r".to_owned(),
        '\t' => "\\t".to_owned(),
        '\0' => "\\x00".to_owned(),
        c => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(character).collect::<String>())
}

#[test]
fn what_the_parser_of_buildkit_refuses_is_refused() {
    let Some(shared) = shared() else { return };
    for (name, folder) in folders(&shared.join(BUILDKIT).join("parser/testfiles-negative")) {
        assert!(parse(&read(&folder.join("Dockerfile"))).has_errors(), "{name}");
    }
}

#[test]
fn words_are_expanded_as_by_buildkit() {
    let Some(shared) = shared() else { return };
    let cases = read(&shared.join(BUILDKIT).join("shell/envVarTest"));
    let variables = |name: &str| match name {
        "PWD" => Some("/home"),
        "SHELL" => Some("bash"),
        "KOREAN" => Some("한국어"),
        "NULL" => Some(""),
        _ => None,
    };
    let mut n_cases = 0;
    for line in cases.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [platform, word, expected] = fields[..] else { panic!("{line}") };
        if platform == "W" {
            continue;
        }
        let expanded = expand::process_word(word, '\\', variables);
        assert_eq!(expanded.as_deref().unwrap_or("error"), expected, "{line}");
        n_cases += 1;
    }
    assert!(n_cases > 150, "only {n_cases} cases");
}

#[test]
fn words_are_split_as_by_buildkit() {
    let Some(shared) = shared() else { return };
    let cases = read(&shared.join(BUILDKIT).join("shell/wordsTest"));
    let mut variables: BTreeMap<&str, &str> = BTreeMap::new();
    for line in cases.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(variable) = line.strip_prefix("ENV ") {
            let (name, value) = variable.trim_start_matches(' ').split_once('=').expect("name and value");
            variables.insert(name, value);
            continue;
        }
        let (text, expected) = line.split_once('|').expect("text and words");
        let expected: Vec<&str> = expected.trim_start_matches(' ').split(',').collect();
        let words = expand::process_words(text.trim(), '\\', |name| variables.get(name).copied());
        assert_eq!(words.unwrap_or_else(|_| vec!["error".to_owned()]), expected, "{line}");
    }
}

/// A second reader, `dockerfile-parser`, on what both accept. It is no judge, BuildKit is; so this only prints.
#[test]
fn a_second_reader_is_compared() {
    let Some(shared) = shared() else { return };
    let (mut both, mut only_ours, mut only_theirs, mut alike) = (0, 0, 0, 0);
    let mut different = BTreeSet::new();
    // Every fifth file is enough to see, and the other reader is slow.
    let records = records(&shared.join("corpus"));
    for (record, source) in records.iter().step_by(5) {
        let parsed = parse(source);
        match (!parsed.has_errors(), dockerfile_parser::Dockerfile::parse(source)) {
            (true, Ok(theirs)) => {
                both += 1;
                if our_outline(source, &parsed.dockerfile) == their_outline(&theirs) {
                    alike += 1;
                } else {
                    different.insert(record["file"].as_str().unwrap_or_default());
                }
            }
            (true, Err(_)) => only_ours += 1,
            (false, Ok(_)) => only_theirs += 1,
            (false, Err(_)) => {}
        }
    }
    println!("both accept {both}, only imgopt {only_ours}, only dockerfile-parser {only_theirs}; {alike} read alike");
    println!("read differently: {different:?}");
}

/// Keywords, and what FROM and COPY say.
fn our_outline(source: &str, dockerfile: &Dockerfile) -> Vec<Vec<String>> {
    let outline = |instruction: &imgopt::syntax::ast::Instruction| {
        let mut words = vec![instruction.keyword_upper(source)];
        match &instruction.kind {
            InstructionKind::From(from) => {
                words.push(from.image.text.clone());
                words.extend(from.alias.iter().map(|alias| alias.name.text.clone()));
            }
            InstructionKind::Copy(copy) => {
                words.extend(copy.sources.iter().chain([&copy.destination]).map(|word| word.text.clone()));
            }
            _ => {}
        }
        words
    };
    dockerfile.instructions.iter().map(outline).collect()
}

fn their_outline(dockerfile: &dockerfile_parser::Dockerfile) -> Vec<Vec<String>> {
    let outline = |instruction: &TheirInstruction| match instruction {
        TheirInstruction::From(from) => {
            let words = [&from.image].into_iter().chain(&from.alias).map(|word| word.content.clone());
            std::iter::once("FROM".to_owned()).chain(words).collect()
        }
        TheirInstruction::Copy(copy) => {
            let words = copy.sources.iter().chain([&copy.destination]).map(|word| word.content.clone());
            std::iter::once("COPY".to_owned()).chain(words).collect()
        }
        TheirInstruction::Arg(_) => vec!["ARG".to_owned()],
        TheirInstruction::Label(_) => vec!["LABEL".to_owned()],
        TheirInstruction::Run(_) => vec!["RUN".to_owned()],
        TheirInstruction::Entrypoint(_) => vec!["ENTRYPOINT".to_owned()],
        TheirInstruction::Cmd(_) => vec!["CMD".to_owned()],
        TheirInstruction::Env(_) => vec!["ENV".to_owned()],
        TheirInstruction::Misc(other) => vec![other.instruction.content.to_uppercase()],
    };
    dockerfile.instructions.iter().map(outline).collect()
}
