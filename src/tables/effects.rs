//! What commands read and write: `effects.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::own::{self, OwnTables};
use super::{TableError, decode_file, invalid, shipped};

/// The table of effects, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EffectTable {
    /// Links that resolve the same way in every image.
    pub symlinks: Vec<Symlink>,
    /// Directories that images have.
    pub directories: Directories,
    /// Variables whose values are paths.
    pub environment: EnvironmentPaths,
    /// Paths that every command reads; `~` is the home directory.
    pub programs: Vec<String>,
    /// Directories that no command touches unless it names them.
    pub except: Exceptions,
    /// Directories in which no command whose row is an assumption puts links.
    pub stable: Exceptions,
    rows: Vec<CommandEffects>,
    /// The number of its row for each command.
    #[serde(skip)]
    by_command: BTreeMap<String, usize>,
}

/// A symbolic link.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symlink {
    /// Its path.
    pub link: String,
    /// Where it leads.
    pub target: String,
}

/// Directories that images have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Directories {
    source: String,
    /// In every image.
    pub every: Vec<String>,
    /// In those of Debian and Ubuntu.
    pub debian: Vec<String>,
}

/// Variables whose values are paths.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentPaths {
    source: String,
    read: Vec<String>,
    other: Vec<String>,
    written: Vec<String>,
}

impl EnvironmentPaths {
    /// Whether programs look for code or settings where the variable says.
    #[must_use]
    pub fn is_read(&self, name: &str) -> bool {
        matches(&self.read, name) || self.is_written(name)
    }

    /// Whether programs write where the variable says.
    #[must_use]
    pub fn is_written(&self, name: &str) -> bool {
        matches(&self.written, name) && !matches(&self.other, name)
    }
}

fn matches(patterns: &[String], name: &str) -> bool {
    patterns.iter().any(|pattern| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => pattern == name,
    })
}

/// Directories left out of what rows say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exceptions {
    source: String,
    /// The directories.
    pub paths: Vec<String>,
}

/// What a kind of command reads and writes. The heading of the table says what the columns mean.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the heading of the table says it")]
pub struct CommandEffects {
    commands: Vec<String>,
    source: String,
    #[serde(default)]
    pub bound: bool,
    #[serde(default)]
    pub touches: Vec<String>,
    pub operands: Operands,
    #[serde(default)]
    pub first: Option<OptionValue>,
    #[serde(default)]
    pub flags: Vec<String>,
    #[serde(default)]
    pub values: BTreeMap<String, OptionValue>,
    #[serde(default)]
    pub requires: Vec<String>,
    #[serde(default)]
    pub cwd_with: Vec<String>,
    #[serde(default)]
    pub cwd_without: Vec<String>,
    #[serde(default)]
    pub links_with: Vec<String>,
    #[serde(default)]
    pub prefix: bool,
}

/// What the operands of a command are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Operands {
    /// Not looked up.
    Text,
    /// Names of packages or users.
    Names,
    /// URLs of servers.
    Urls,
    /// The expression of `test`: files, or other texts.
    Test,
    /// Files that are read.
    Read,
    /// Anything is written there.
    Write,
    /// Regular files that are written.
    Files,
    /// What is removed.
    Remove,
    /// Files whose owner or mode changes.
    Attributes,
    /// The URL of a repository, and the directory that it is put into.
    Clone,
    /// Directories that are created.
    Directories,
    /// The last is written, the others are read, and written as `mv` does.
    Transfer,
    /// The last is written, the others are read.
    Copy,
}

impl Operands {
    /// Whether each operand is a path that may be written, created or removed.
    #[must_use]
    pub const fn writes(self) -> bool {
        match self {
            Self::Write
            | Self::Files
            | Self::Remove
            | Self::Attributes
            | Self::Directories
            | Self::Transfer
            | Self::Copy => true,
            Self::Text | Self::Names | Self::Urls | Self::Test | Self::Read | Self::Clone => false,
        }
    }
}

/// What the value of an option or the first operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum OptionValue {
    /// Not looked up, and no path.
    Text,
    /// Not looked up, even where it looks like a path.
    Free,
    /// A file that is read.
    Read,
    /// A regular file that is written.
    File,
    /// Anything is written there.
    Write,
    /// A file that names packages, and perhaps more files.
    Requirements,
    /// A script of `sed`.
    Script,
}

impl EffectTable {
    /// The row of a program with its subcommand, or of the program.
    #[must_use]
    pub fn command(&self, program: &str, subcommand: Option<&str>) -> Option<&CommandEffects> {
        let name = subcommand.map_or_else(|| program.to_owned(), |subcommand| format!("{program} {subcommand}"));
        self.by_command.get(&name).map(|row| &self.rows[*row])
    }
}

impl EffectTable {
    /// The table with the rows of a project: for the commands that they name, they count.
    fn with(&self, own: &OwnTables) -> Self {
        let mut table = self.clone();
        for row in &own.effects {
            table.by_command.extend(row.commands.iter().map(|command| (command.clone(), table.rows.len())));
            table.rows.push(row.clone());
        }
        table
    }

    /// The number of its row for each command, when every row can be used.
    fn checked_commands(&self) -> Result<BTreeMap<String, usize>, TableError> {
        let shared = [&self.directories.source, &self.environment.source, &self.except.source, &self.stable.source];
        let mut sources = shared.into_iter().chain(self.rows.iter().map(|row| &row.source));
        if sources.any(|source| source.trim().is_empty()) {
            return Err(invalid(FILE, "the file", "source", "it is empty"));
        }
        let links = self.symlinks.iter().flat_map(|symlink| [&symlink.link, &symlink.target]);
        let directories = self
            .directories
            .every
            .iter()
            .chain(&self.directories.debian)
            .chain(&self.except.paths)
            .chain(&self.stable.paths);
        let touched = self.programs.iter().chain(self.rows.iter().flat_map(|row| &row.touches));
        let mut paths = links.chain(directories).chain(touched);
        if let Some(path) = paths.find(|path| !path.starts_with('/') && *path != "~") {
            return Err(invalid(FILE, "the file", "touches", format!("`{path}` is not absolute")));
        }
        let mut by_command = BTreeMap::new();
        for (number, row) in self.rows.iter().enumerate() {
            for command in &row.commands {
                if by_command.insert(command.clone(), number).is_some() {
                    return Err(invalid(FILE, command, "commands", "it stands in two rows"));
                }
            }
        }
        Ok(by_command)
    }
}

const FILE: &str = "effects.yaml";

/// The table in force.
pub fn effects() -> &'static EffectTable {
    own::table(shipped_effects, |merged| &merged.effects, EffectTable::with)
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
fn shipped_effects() -> &'static EffectTable {
    static TABLE: OnceLock<EffectTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_effects(shipped("effects.yaml")).expect("the shipped table of effects decodes"))
}

/// Decodes a table of effects.
///
/// # Errors
/// If it cannot be used: a row without source, a command in two rows, a path that is not absolute.
pub fn decode_effects(text: &str) -> Result<EffectTable, TableError> {
    let table: EffectTable = decode_file(FILE, text)?;
    let by_command = table.checked_commands()?;
    Ok(EffectTable { by_command, ..table })
}

/// What a row of a project must hold beyond its types.
pub(super) fn check_row(row: &CommandEffects) -> Result<(), TableError> {
    let name = row.commands.first().map_or("", String::as_str);
    match row.touches.iter().find(|path| !path.starts_with('/') && *path != "~") {
        Some(path) => Err(invalid(FILE, name, "touches", format!("`{path}` is not absolute"))),
        None => Ok(()),
    }
}
