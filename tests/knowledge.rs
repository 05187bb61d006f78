//! What the passes know stands in `rewrites/`, not between their lines.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use imgopt::tables;
use regex::Regex;
use serde_yaml::Value;

/// Words that tables have as keys and code may write, because it says what they mean and no row could.
const WORDS: [(&str, &[&str]); 11] = [
    ("commands that create accounts, of which code reads the numbers", &["addgroup", "adduser", "groupadd", "useradd"]),
    (
        "commands whose arguments and effects code understands, each in its own way",
        &[
            "add-apt-repository",
            "apk",
            "apt",
            "apt-cache",
            "apt-get",
            "apt-key",
            "apt-mark",
            "aptitude",
            "cargo",
            "dnf",
            "dnf5",
            "dpkg",
            "go",
            "microdnf",
            "pacman",
            "pip",
            "pipenv",
            "poetry",
            "python",
            "tdnf",
            "uv",
            "yum",
            "zypper",
        ],
    ),
    (
        "subcommands of these, and what a RUN is searched for when its script cannot be read",
        &[
            "apk add",
            "apk del",
            "apt install",
            "apt-get install",
            "apt-get update",
            "install",
            "patch",
            "pip install",
            "sync",
            "wheel",
        ],
    ),
    (
        "options and variables that passes write or ask for by name",
        &[
            "--cache-dir",
            "--no-cache",
            "--no-cache-dir",
            "--root",
            "PIP_NO_CACHE_DIR",
            "UV_NO_CACHE",
            "rm -rf /var/lib/apt/lists/*",
        ],
    ),
    ("directories that the removals of package-install are about", &["/var/cache/apk", "/var/lib/apt/lists"]),
    ("the name of a pass, which is a program too", &["init"]),
    ("the build backend of projects of Python that name none (PEP 517)", &["setuptools"]),
    ("the option of commands that create accounts, which other commands have, too", &["--system"]),
    ("an ending of lock files, which is the name of a library too", &["yaml"]),
    ("the one package whose name has other letters than package names have elsewhere", &["g++"]),
    (
        "the language of shells and of Dockerfiles",
        &[
            "as", "ash", "bash", "busybox", "cd", "chmod", "chown", "command", "dash", "debian", "env", "exec", "exit",
            "export", "false", "make", "mount", "printf", "readonly", "rm", "scratch", "set", "sh", "source", "sudo",
            "true", "ubuntu", "yes",
        ],
    ),
];

#[test]
fn knowledge_stands_in_tables() {
    let keys = keys();
    assert!(keys.len() > 500, "{}", keys.len());
    let allowed: BTreeSet<&str> = WORDS.iter().flat_map(|(_, words)| words.iter().copied()).collect();
    let literal = Regex::new(r#""((?:[^"\\]|\\.)*)""#).expect("valid");
    let (mut found, mut used) = (Vec::new(), BTreeSet::new());
    for folder in ["src/passes", "src/model", "src/shell"] {
        for path in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let text = fs::read_to_string(&path).expect("the sources can be read");
            for (number, line) in code(&text) {
                let words = literal.captures_iter(line).map(|capture| capture.get(1).map_or("", |word| word.as_str()));
                for (word, table) in words.filter_map(|word| Some((word, keys.get(word)?))) {
                    if let Some(word) = allowed.get(word) {
                        used.insert(*word);
                    } else {
                        found.push(format!("{}:{number}: `{word}` is a key of {table}", path.display()));
                    }
                }
            }
        }
    }
    let found = found.join("\n");
    assert!(found.is_empty(), "ask the table instead, or say in WORDS why the code names it:\n{found}");
    let unused: Vec<_> = allowed.difference(&used).collect();
    assert!(unused.is_empty(), "no code names these any more, take them out of WORDS: {unused:?}");
}

/// The lines of a file that are no comments and no tests, with their numbers.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().take_while(|(_, line)| !line.starts_with("#[cfg(test)]"));
    lines.filter(|(_, line)| !line.trim_start().starts_with("//")).map(|(index, line)| (index + 1, line))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("the sources can be read") {
        let path = entry.expect("the sources can be read").path();
        if path.ends_with("model/manifest") {
            // The readers of manifests name the words of their formats.
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

/// The keys of all tables, each with the name of a table that has it.
fn keys() -> BTreeMap<String, String> {
    let mut keys = BTreeMap::new();
    let commands = ("commands.yaml", include_str!("../rewrites/commands.yaml"));
    for (file, text) in tables::files().into_iter().chain([commands]) {
        let value: Value = serde_yaml::from_str(text).expect("YAML");
        let columns: &[&str] = match file {
            "alpine.yaml" => &["packages", "translated", "settled", "alone", "gnu", "https"],
            "bases.yaml" => &["programs", "jdk"],
            "builders.yaml" => &["builder"],
            "dependencies.yaml" | "effects.yaml" | "needs.yaml" => &["commands"],
            "lean.yaml" => &["package"],
            "packages/node.yaml" => &["compiled", "nothing", "needs", "outside"],
            "stages.yaml" => &["commands", "programs", "packages", "fetchers"],
            "users.yaml" => &["programs", "servers"],
            "caches.yaml" => &[
                "tool",
                "commands",
                "root",
                "home",
                "environment",
                "options",
                "defeating_flags",
                "defeating_commands",
                "defeating_environment",
                "writes_outside",
                "outside",
            ],
            "commands.yaml" | "programs.yaml" => &["programs"],
            "distributions.yaml" => &["name"],
            "distroless.yaml" => &["image", "registry", "packages"],
            "eol.yaml" => &["family", "names"],
            "musl.yaml" => &["python", "node"],
            "packages/build-only.yaml" => &["toolchain", "vcs", "keyring", "interactive"],
            "packages/names.yaml" => &["alpine"],
            "packages/recommends.yaml" => &["packages", "ornaments"],
            "packages/runtime-libs.yaml" => &["packages"],
            "packages/sizes.yaml" => &["packages"],
            "sizes.yaml" => &["image"],
            "releases.yaml" | "suites.yaml" | "tags.yaml" => continue,
            _ => &["family", "repositories"],
        };
        collect(&value, None, columns, &mut |key| {
            // Numbers of releases say nothing by themselves.
            if key.contains(|c: char| c.is_ascii_alphabetic()) {
                keys.insert(key.to_owned(), file.to_owned());
            }
        });
    }
    keys
}

/// The texts in these columns: the value, the values of a list, or the keys of a mapping.
fn collect(value: &Value, column: Option<&str>, columns: &[&str], add: &mut dyn FnMut(&str)) {
    let is_wanted = column.is_some_and(|column| columns.contains(&column));
    match value {
        Value::String(text) if is_wanted => add(text),
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, column, columns, add)),
        Value::Mapping(mapping) => {
            for (key, value) in mapping {
                let Some(key) = key.as_str().filter(|key| *key != "users") else { continue };
                if is_wanted {
                    add(key);
                }
                collect(value, Some(key), columns, add);
            }
        }
        _ => {}
    }
}
