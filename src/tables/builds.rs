//! What builds are told, and what of installed packages no program loads: `builds.yaml`.

use std::sync::OnceLock;

use serde::Deserialize;

use super::{TableError, decode_file, invalid, shipped};

/// The table, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuildTable {
    /// Programs of Go.
    pub go: GoBuilds,
    /// Programs of Rust.
    pub rust: RustBuilds,
    /// Variables of interpreters.
    pub variables: VariableRows,
    /// Python packages.
    pub slimming: Slimming,
    /// Words, in lower case, of sources and manifests whose program may call a compiler when it runs.
    pub compile_at_run_time: Vec<String>,
    /// What scripts say that install packages of a language when they run.
    pub install_at_run_time: Vec<String>,
}

/// How programs of Go get smaller.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoBuilds {
    source: String,
    /// The language of the images that have the compiler.
    pub interpreter: String,
    /// Paths of the build machine stay out of the program.
    pub trim: Told,
    /// Symbols and debug information stay out of it.
    pub strip: Linked,
    /// Words of a Dockerfile that show a debugger, or flags for one.
    pub tools: Vec<String>,
    /// The variable that holds options of all builds.
    pub variable: String,
    /// It is built without C.
    pub without_c: WithoutC,
}

/// An option.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The option.
    pub option: String,
    /// The first minor version of Go 1 that knows it.
    pub since: u32,
    /// Words of code that speak against it.
    pub words: Vec<String>,
}

/// An option whose value is flags of the linker.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Linked {
    /// The option.
    pub option: String,
    /// The flags.
    pub flags: Vec<String>,
    /// Words of code that speak against it.
    pub words: Vec<String>,
}

/// How programs of Go are built without C, and what needs it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithoutC {
    /// The variable.
    pub variable: String,
    /// Its value.
    pub value: String,
    /// Words of code that needs C.
    pub words: Vec<String>,
    /// Variables that say how C is built.
    pub settings: Vec<String>,
    /// Options that need C, or that make no plain program.
    pub options: Vec<String>,
    /// Flags of the linker that speak of C, as they start behind their dashes.
    pub linker: Vec<String>,
    modules: Vec<String>,
}

impl WithoutC {
    /// Whether a module is known to need C.
    #[must_use]
    pub fn is_needed_by(&self, module: &str) -> bool {
        self.modules.iter().any(|known| {
            module.strip_prefix(known.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
        })
    }
}

/// How programs of Rust get smaller.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RustBuilds {
    source: String,
    /// The language of the images that have the compiler.
    pub interpreter: String,
    /// The option that keeps to the lock file.
    pub locked: String,
    /// The manifest.
    pub manifest: String,
    /// The lock file.
    pub lock: String,
    /// Files of the project that may say something else.
    pub settings: Vec<String>,
    /// Symbols stay out of the program.
    pub strip: Stripped,
    /// The option that makes what is shipped.
    pub release: String,
    /// Keys of the profile in the manifest that say what becomes of symbols.
    pub keys: Vec<String>,
    /// Options that lead to another manifest, profile or configuration.
    pub elsewhere: Vec<String>,
    /// Words of a Dockerfile that show that somebody looks at symbols.
    pub tools: Vec<String>,
}

/// A variable that strips programs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stripped {
    /// The variable.
    pub variable: String,
    /// Its value.
    pub value: String,
    /// The first minor version of Rust 1 that reads it.
    pub since: u32,
}

/// Variables of interpreters.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableRows {
    /// Settings without effect.
    pub idle: Vec<IdleSetting>,
    /// Settings that change what programs do.
    pub proposed: Vec<ProposedSetting>,
}

/// A setting without effect.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdleSetting {
    /// The interpreter that reads it.
    pub interpreter: String,
    /// The variable.
    pub name: String,
    /// The value that is the default.
    pub value: String,
    /// The first major version of which that holds.
    pub since: u32,
    source: String,
}

/// A setting that images of an interpreter often want.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposedSetting {
    /// The interpreter that reads it, or whose packages do.
    pub interpreter: String,
    /// The variable.
    pub name: String,
    /// The value.
    pub value: String,
    /// What it does.
    pub reason: String,
    source: String,
}

/// What of installed Python packages programs do without.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slimming {
    source: String,
    /// Names of directories.
    pub directories: Vec<String>,
    /// Patterns of files.
    pub files: Vec<String>,
    /// Packages that load such files when they run.
    pub packages: Vec<String>,
}

const FILE: &str = "builds.yaml";

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn builds() -> &'static BuildTable {
    static TABLE: OnceLock<BuildTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_builds(shipped(FILE)).expect("the shipped table of builds decodes"))
}

/// Decodes a table of builds.
///
/// # Errors
/// If it cannot be used: a row without source.
pub fn decode_builds(text: &str) -> Result<BuildTable, TableError> {
    let table: BuildTable = decode_file(FILE, text)?;
    let idle = table.variables.idle.iter().map(|row| (row.name.as_str(), &row.source));
    let proposed = table.variables.proposed.iter().map(|row| (row.name.as_str(), &row.source));
    let others = [("go", &table.go.source), ("rust", &table.rust.source), ("slimming", &table.slimming.source)];
    let unsourced = others.into_iter().chain(idle).chain(proposed).find(|(_, source)| source.trim().is_empty());
    match unsourced.map(|(row, _)| row.to_owned()) {
        Some(row) => Err(invalid(FILE, row, "source", "it is empty")),
        None => Ok(table),
    }
}
