//! What a split into a build stage and a runtime stage knows of commands and files: `stages.yaml`.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{PackageManager, TableError, decode_file, invalid, shipped};

/// The table, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageTable {
    below: Vec<Below>,
    accounts: Accounts,
    manifests: Manifests,
    never_read: NeverRead,
    scratch: BTreeSet<String>,
    /// What starts programs with another PATH.
    pub login: Login,
    /// What goes with compilers.
    pub toolchain: Toolchain,
    /// Where Python packages go.
    pub environment: PythonEnvironment,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Below {
    commands: Vec<String>,
    source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accounts {
    source: String,
    programs: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifests {
    source: String,
    names: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct NeverRead {
    source: String,
    names: BTreeSet<String>,
    starts: BTreeSet<String>,
    ends: BTreeSet<String>,
}

/// What starts programs with another PATH than that of the image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    source: String,
    /// Words of commands.
    pub words: BTreeSet<String>,
    /// Packages of the distribution.
    pub schedulers: BTreeSet<String>,
}

/// What goes with compilers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    source: String,
    /// Programs of packages that only builds need.
    pub programs: BTreeSet<String>,
    /// Programs that fetch sources.
    pub fetchers: BTreeSet<String>,
    libraries: Vec<ToolchainLibraries>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolchainLibraries {
    manager: PackageManager,
    packages: BTreeSet<String>,
    libraries: BTreeSet<String>,
}

impl Toolchain {
    /// The packages of libraries that programs load which were compiled with the package.
    pub fn libraries(&self, manager: PackageManager, package: &str) -> impl Iterator<Item = &str> {
        let rows = self.libraries.iter().filter(move |row| row.manager == manager && row.packages.contains(package));
        rows.flat_map(|row| row.libraries.iter().map(String::as_str))
    }
}

/// A virtual environment for Python packages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonEnvironment {
    source: String,
    /// Its directory, absolute.
    pub directory: String,
    /// The command that makes it, without the directory.
    pub make: String,
    /// Commands that make one, without the directory.
    pub also: BTreeSet<String>,
    /// The directory of its programs, below it.
    pub bin: String,
    /// Variables that put packages elsewhere.
    pub variables: BTreeSet<String>,
    /// Options of `pip install`, by their main names, that put packages elsewhere.
    pub options: BTreeSet<String>,
    /// Texts that name the directories of the interpreter itself.
    pub fixed: BTreeSet<String>,
}

impl StageTable {
    /// Whether the command writes below the directory it runs in only. `subcommand` is empty when there is none.
    #[must_use]
    pub fn writes_below(&self, program: &str, subcommand: &str) -> bool {
        let called = if subcommand.is_empty() { program.to_owned() } else { format!("{program} {subcommand}") };
        self.below.iter().any(|row| row.commands.contains(&called))
    }

    /// Whether the program makes accounts.
    #[must_use]
    pub fn makes_accounts(&self, program: &str) -> bool {
        self.accounts.programs.contains(program)
    }

    /// Whether a file of that name only says what to install.
    #[must_use]
    pub fn is_manifest(&self, name: &str) -> bool {
        self.manifests.names.contains(name)
    }

    /// Whether a file or directory of that name holds nothing that a program runs.
    #[must_use]
    pub fn is_never_read(&self, name: &str) -> bool {
        let table = &self.never_read;
        table.names.contains(name)
            || table.starts.iter().any(|start| name.starts_with(start.as_str()))
            || table.ends.iter().any(|end| name.ends_with(end.as_str()))
    }

    /// Whether no program relies on what stands at the absolute path.
    #[must_use]
    pub fn is_scratch(&self, path: &str) -> bool {
        self.scratch.iter().any(|directory| {
            path.strip_prefix(directory.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn stages() -> &'static StageTable {
    static TABLE: OnceLock<StageTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_stages(shipped(FILE)).expect("the shipped table of stages decodes"))
}

const FILE: &str = "stages.yaml";

/// Decodes a table of stages.
///
/// # Errors
/// If it cannot be used: a row without source, a path that is not absolute.
pub fn decode_stages(text: &str) -> Result<StageTable, TableError> {
    let table: StageTable = decode_file(FILE, text)?;
    let others = [
        &table.accounts.source,
        &table.environment.source,
        &table.login.source,
        &table.manifests.source,
        &table.never_read.source,
        &table.toolchain.source,
    ];
    let has_sources = table.below.iter().map(|row| &row.source).chain(others).all(|source| !source.trim().is_empty());
    if !has_sources {
        return Err(invalid(FILE, "the file", "source", "it is empty"));
    }
    if !table.scratch.iter().chain([&table.environment.directory]).all(|path| path.starts_with('/')) {
        return Err(invalid(FILE, "the file", "scratch", "a path is not absolute"));
    }
    Ok(table)
}
