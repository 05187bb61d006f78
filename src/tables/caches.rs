//! Where tools keep what they download and compile: `caches.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, decode_rows, invalid, shipped};

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

    /// All rows, by name.
    pub fn tools(&self) -> impl Iterator<Item = &Tool> {
        self.tools.values()
    }
}

/// The caches of a tool.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
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
    /// Environment variables that put the cache elsewhere.
    #[serde(default)]
    pub environment: Vec<String>,
    /// Options of the commands that put the cache elsewhere.
    #[serde(default)]
    pub options: Vec<String>,
    /// Files of the build context that may configure the cache.
    #[serde(default)]
    pub configuration: Vec<String>,
    /// Flags that bypass the cache: to be removed with a mount, and only then.
    #[serde(default)]
    pub defeating_flags: Vec<String>,
    /// Commands that empty the cache: to be removed with a mount, and only then.
    #[serde(default)]
    pub defeating_commands: Vec<String>,
    /// Environment variables that switch the cache off.
    #[serde(default)]
    pub defeating_environment: Vec<String>,
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

/// A directory that a cache mount may cover.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheDirectory {
    /// Absolute path when the command runs as root with `HOME=/root`.
    pub root: String,
    /// Path below `$HOME` for any other user; absent when the path does not depend on the user.
    #[serde(default)]
    pub home: Option<String>,
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
    tools: Vec<serde_yaml::Value>,
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn caches() -> &'static CacheTable {
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
    for tool in decode_rows::<Tool>("caches.yaml", file.tools)? {
        for directory in &tool.directories {
            let home_is_relative = directory.home.as_ref().is_none_or(|home| !home.starts_with('/'));
            if !directory.root.starts_with('/') || !home_is_relative {
                return Err(invalid(
                    "caches.yaml",
                    &tool.tool,
                    "directories",
                    format!("`{}` is not as it should be", directory.root),
                ));
            }
        }
        let name = tool.tool.clone();
        if tools.insert(name.clone(), tool).is_some() {
            return Err(invalid("caches.yaml", &name, "tool", "there are two rows"));
        }
    }
    Ok(CacheTable { tools })
}
