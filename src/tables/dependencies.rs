//! How package managers install what manifests name: `dependencies.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{TableError, decode_file, invalid, shipped};

/// The table of installs, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DependencyTable {
    projects: Projects,
    installs: Vec<InstallRow>,
    /// What all of them read in the home directory.
    pub everywhere: Vec<String>,
    scripts: Scripts,
    /// What is known of build scripts of Gradle.
    pub gradle: GradleWords,
    packages: Vec<PackageRow>,
    /// The number of its row for each command.
    #[serde(skip)]
    by_command: BTreeMap<String, usize>,
}

/// Programs that build what lies in their directory.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Projects {
    source: String,
    rows: Vec<ProjectRow>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectRow {
    programs: Vec<String>,
    files: Vec<String>,
}

/// A kind of install. The heading of the table says what the columns mean.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the heading of the table says it")]
pub struct InstallRow {
    commands: Vec<String>,
    source: String,
    pub reader: Reader,
    pub needs: Vec<String>,
    pub reads: Vec<String>,
    #[serde(default)]
    pub above: Vec<String>,
    pub refuses: Vec<String>,
    pub writes: Vec<String>,
    pub lock: Vec<String>,
    #[serde(default)]
    pub frozen: Vec<String>,
    #[serde(default)]
    pub locked: Option<Locked>,
    #[serde(default)]
    pub without: Vec<String>,
    #[serde(default)]
    pub goals: Vec<String>,
    pub system: Vec<String>,
    pub flags: Vec<String>,
    pub values: Vec<String>,
}

/// What makes an install take exactly what the lock file says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Locked {
    /// Another subcommand.
    Subcommand {
        /// Its name.
        subcommand: String,
    },
    /// An option.
    Option {
        /// Its name.
        option: String,
    },
    /// An option that depends on which yarn wrote the lock file.
    Options {
        /// Of yarn 2 and later.
        berry: String,
        /// Of yarn 1.
        classic: String,
    },
    /// A variable for the command alone.
    Variable {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    },
}

/// How the manifests of an install are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are those of the package managers")]
pub enum Reader {
    Bundler,
    Cargo,
    Composer,
    Dotnet,
    Go,
    Gradle,
    Maven,
    Mix,
    Node,
    Pip,
    Pipenv,
    Poetry,
    Uv,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scripts {
    source: String,
    commands: Vec<String>,
}

/// Words and plugins of Gradle's build scripts that read nothing of the project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GradleWords {
    source: String,
    /// The words.
    pub words: BTreeSet<String>,
    /// The plugins.
    pub plugins: BTreeSet<String>,
}

/// Packages whose install scripts look into the project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the heading of the table says it")]
pub struct PackageRow {
    pub names: Vec<String>,
    source: String,
    #[serde(default)]
    pub reads: Vec<String>,
    #[serde(default)]
    pub refuses: Vec<String>,
    pub manifest: Vec<String>,
}

impl DependencyTable {
    /// The row of a program with its subcommand, or of the program alone.
    #[must_use]
    pub fn install(&self, program: &str, subcommand: Option<&str>) -> Option<&InstallRow> {
        let name = subcommand.map_or_else(|| program.to_owned(), |subcommand| format!("{program} {subcommand}"));
        self.by_command.get(&name).map(|row| &self.installs[*row])
    }

    /// The files of a project of which one has to be in the directory where the program runs.
    #[must_use]
    pub fn project_files(&self, program: &str) -> &[String] {
        let is_it = |row: &&ProjectRow| row.programs.iter().any(|name| name == program);
        self.projects.rows.iter().find(is_it).map_or(&[], |row| &row.files)
    }

    /// The commands of all rows.
    pub fn commands(&self) -> impl Iterator<Item = &str> {
        self.by_command.keys().map(String::as_str)
    }

    /// Whether the command of a lifecycle script reads nothing but the manifest.
    #[must_use]
    pub fn is_harmless(&self, script: &str) -> bool {
        let has_others = script.contains(['|', '&', ';', '>', '<', '$', '`']);
        let is_listed = |command: &String| {
            script.strip_prefix(command.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
        };
        !has_others && self.scripts.commands.iter().any(is_listed)
    }

    /// The packages whose install scripts look into the project.
    #[must_use]
    pub fn packages(&self) -> &[PackageRow] {
        &self.packages
    }

    fn checked(mut self) -> Result<Self, TableError> {
        let sources = self.installs.iter().map(|row| &row.source).chain(self.packages.iter().map(|row| &row.source));
        if sources.chain([&self.projects.source]).any(|source| source.trim().is_empty())
            || self.scripts.source.trim().is_empty()
            || self.gradle.source.trim().is_empty()
        {
            return Err(invalid(FILE, "the file", "source", "it is empty"));
        }
        for (number, row) in self.installs.iter().enumerate() {
            for command in &row.commands {
                if self.by_command.insert(command.clone(), number).is_some() {
                    return Err(invalid(FILE, command, "commands", "it stands in two rows"));
                }
            }
        }
        Ok(self)
    }
}

const FILE: &str = "dependencies.yaml";

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn dependencies() -> &'static DependencyTable {
    static TABLE: OnceLock<DependencyTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_dependencies(shipped(FILE)).expect("the shipped table of installs decodes"))
}

/// Decodes a table of installs.
///
/// # Errors
/// If it cannot be used: a row without source, a command in two rows.
pub fn decode_dependencies(text: &str) -> Result<DependencyTable, TableError> {
    decode_file::<DependencyTable>(FILE, text)?.checked()
}
