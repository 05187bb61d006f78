//! Where tools keep what they download and compile: `caches.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::own::{self, OwnTables};
use super::{Source, TableError, decode_file, invalid, shipped};

/// The cache table, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheTable {
    tools: BTreeMap<String, Tool>,
}

impl CacheTable {
    /// The row of a tool, such as `pip`.
    #[must_use]
    pub fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.get(name)
    }

    /// The table with the rows of a project in the place of those of the same name.
    fn with(&self, own: &OwnTables) -> Self {
        let mut tools = self.tools.clone();
        tools.extend(own.caches.iter().map(|tool| (tool.tool.clone(), tool.clone())));
        Self { tools }
    }

    /// All rows, by name.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.tools.values()
    }
}

/// The caches of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Tool {
    /// Name of the row.
    pub tool: String,
    /// The commands that use these caches: a program with its subcommand, `npm ci`, or the program alone.
    pub commands: Vec<String>,
    /// Whether `cache-mounts` adds mounts for the tool: what its commands do with them is understood.
    #[serde(default)]
    pub mounted: bool,
    /// Whether a later command reads what an earlier one put into the cache, so that it has to be mounted in both.
    #[serde(default)]
    pub needed_later: bool,
    /// The directories, in the order in which mounts are written.
    pub directories: Vec<CacheDirectory>,
    /// What shows that the row is about the tool at hand, where one program stands for several; all of it has to be seen.
    #[serde(default)]
    pub when: Vec<Evidence>,
    /// Environment variables that put the cache elsewhere, or change what is done with it.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Environment variables that say how the tool uses its cache, with the values that do no harm.
    #[serde(default)]
    pub harmless_environment: BTreeMap<String, Vec<String>>,
    /// Options of the commands that put the cache elsewhere.
    #[serde(default)]
    pub options: Vec<String>,
    /// Files of the build context that may configure the cache.
    #[serde(default)]
    pub configuration: Vec<String>,
    /// Words of a command that configures the tool, one of which says that the cache is meant.
    #[serde(default = "cache_word")]
    pub settings: Vec<String>,
    /// Options with which a command takes all it needs from what an earlier one downloaded, so that it fails when the
    /// cache has been emptied in between.
    #[serde(default)]
    pub offline: Vec<String>,
    /// Environment variables that do the same, with the values by which they do it.
    #[serde(default)]
    pub offline_environment: BTreeMap<String, Vec<String>>,
    /// Words of a command by which what it installs is linked to the cache, and needs it later.
    #[serde(default)]
    pub links: Vec<String>,
    /// Programs that run without what was downloaded, when the container starts them by themselves.
    #[serde(default)]
    pub independent: Vec<String>,
    /// Flags that bypass the cache: to be removed with a mount, and only then.
    #[serde(default)]
    pub defeating_flags: Vec<String>,
    /// Commands that empty the cache: to be removed with a mount, and only then.
    #[serde(default)]
    pub defeating_commands: Vec<String>,
    /// Environment variables that switch the cache off.
    #[serde(default)]
    pub defeating_environment: Vec<String>,
    /// What empties the cache behind the commands, where no mount keeps it out of the layer.
    #[serde(default)]
    pub cleanup: Option<Cleanup>,
    /// The option by which a command keeps nothing in the cache.
    #[serde(default)]
    pub skip: Option<Gain>,
    /// The option by which a command asks no questions.
    #[serde(default)]
    pub yes: Option<Gain>,
    /// The option by which a command installs no documentation.
    #[serde(default)]
    pub documentation: Option<Gain>,
    /// The option by which a command leaves out packages that are only recommended.
    #[serde(default)]
    pub weak: Option<Gain>,
    /// What must be set for the cache to work in a mount, `UV_LINK_MODE=copy`.
    #[serde(default)]
    pub needs_environment: BTreeMap<String, String>,
    /// Where the tool also writes, outside its caches: what the image keeps.
    #[serde(default)]
    pub writes_outside: Vec<String>,
    /// Where the tool also keeps downloads, which no mount of this row covers.
    #[serde(default)]
    pub outside: Vec<String>,
    /// What breaks when the mount is added without thought.
    #[serde(default)]
    pub trap: Option<String>,
    /// Where the row is from.
    pub source: Source,
}

impl Tool {
    /// The variables that say where the cache is or how it is used.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        let moved = self.directories.iter().flat_map(|directory| &directory.variables).map(|place| &place.name);
        let named = self.environment.iter().chain(&self.defeating_environment);
        named.chain(self.harmless_environment.keys()).chain(moved).map(String::as_str)
    }
}

fn cache_word() -> Vec<String> {
    vec!["cache".to_owned()]
}

/// What empties a cache.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(with = "String"))]
#[serde(from = "String")]
pub enum Cleanup {
    /// `rm -rf` of what lies in its directories.
    Remove,
    /// A command; a `*` stands for the program that filled it.
    Command(String),
}

impl From<String> for Cleanup {
    fn from(text: String) -> Self {
        if text == "rm" { Self::Remove } else { Self::Command(text) }
    }
}

/// An option that commands may gain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Gain {
    /// The option.
    pub option: String,
    /// The main names of options that say the same, or the contrary.
    #[serde(default)]
    pub also: Vec<String>,
    /// The commands that may gain it.
    pub commands: Vec<String>,
}

/// A file of the build context that shows which tool a program is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Its name.
    pub file: String,
    /// A text that it holds.
    pub holds: String,
}

/// A variable that says where a cache is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Path of the cache below its value; empty when the value is the cache.
    #[serde(default)]
    pub below: String,
}

/// A directory that a cache mount may cover.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CacheDirectory {
    /// Absolute path when the command runs as root with `HOME=/root`.
    pub root: String,
    /// Path below `$HOME` for any other user; absent when the path does not depend on the user.
    #[serde(default)]
    pub home: Option<String>,
    /// Variables that put it elsewhere; the first that is set decides. A directory that has them and neither a path below
    /// `$HOME` nor one for the base image is nowhere without one of them.
    #[serde(default)]
    pub variables: Vec<Place>,
    /// The path in the images of a family.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// The value of `id=`, without what tells users and C libraries apart.
    pub id: String,
    /// The value of `sharing=`.
    pub sharing: Sharing,
    /// Whether what is downloaded is checked against hashes before use, so that a damaged or foreign cache cannot change
    /// the result.
    pub hash_verified: bool,
    /// Whether what it holds fits images of one release only, because it was compiled there or names its packages: unlike
    /// stages need unlike ids.
    pub of_release: bool,
    /// Whether it fits one version of the image's interpreter or compiler only.
    #[serde(default)]
    pub of_interpreter: bool,
    /// Subcommands that leave the directory as it is.
    #[serde(default)]
    pub not_for: Vec<String>,
    /// Whether the directory is worth a mount only beside the others.
    #[serde(default)]
    pub optional: bool,
}

/// How builds that run at the same time share a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// Several write at once.
    Shared,
    /// One after the other.
    Locked,
    /// Each has its own.
    Private,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CachesFile {
    tools: Vec<Tool>,
}

/// The table in force.
pub fn caches() -> &'static CacheTable {
    own::table(shipped_caches, |merged| &merged.caches, CacheTable::with)
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
fn shipped_caches() -> &'static CacheTable {
    static TABLE: OnceLock<CacheTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_caches(shipped("caches.yaml")).expect("the shipped cache table decodes"))
}

/// Decodes a cache table.
///
/// # Errors
/// If it cannot be used.
pub fn decode_caches(text: &str) -> Result<CacheTable, TableError> {
    let file: CachesFile = decode_file("caches.yaml", text)?;
    let mut tools = BTreeMap::new();
    for tool in file.tools {
        check_row(&tool)?;
        let name = tool.tool.clone();
        if tools.insert(name.clone(), tool).is_some() {
            return Err(invalid("caches.yaml", &name, "tool", "there are two rows"));
        }
    }
    Ok(CacheTable { tools })
}

/// What a decoded row must hold beyond its types.
pub(super) fn check_row(tool: &Tool) -> Result<(), TableError> {
    for directory in &tool.directories {
        let below = directory.variables.iter().map(|place| &place.below).chain(&directory.home);
        let is_relative = below.into_iter().all(|path| !path.starts_with('/'));
        let is_absolute = directory.images.values().chain([&directory.root]).all(|path| path.starts_with('/'));
        if !is_absolute || !is_relative {
            let message = format!("`{}` is not absolute, or a path below it is", directory.root);
            return Err(invalid("caches.yaml", &tool.tool, "directories", message));
        }
    }
    Ok(())
}
