//! What apt installs beside a package because the package recommends it: `packages/recommends.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, invalid, shipped};

/// The releases that the table knows, by codename.
pub const RELEASES: [&str; 9] =
    ["bionic", "bookworm", "bullseye", "focal", "jammy", "noble", "resolute", "trixie", "xenial"];

/// The table of recommended packages, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecommendsTable {
    /// Where the rows are from.
    pub sources: Vec<Source>,
    /// Recommended packages that no program of an image uses: manuals, translations, icons.
    ornaments: BTreeSet<String>,
    /// What other recommended packages are for.
    uses: BTreeMap<String, String>,
    /// Words of which one stands wherever a recommended package is used, in lower case.
    #[serde(default)]
    traces: BTreeMap<String, Vec<String>>,
    packages: BTreeMap<String, Row>,
}

/// What comes with a package, by release; `all` holds for every release that has no entry of its own.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
struct Row {
    releases: BTreeMap<String, Vec<String>>,
}

/// What comes with a package only because it, or a package that it depends on, recommends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recommended {
    /// Nothing: `--no-install-recommends` changes nothing.
    Nothing,
    /// These packages, sorted, and what they depend on.
    Packages(Vec<String>),
    /// The table does not know the package in that release.
    Unknown,
}

impl RecommendsTable {
    /// As [`recommends`].
    #[must_use]
    pub fn recommends(&self, package: &str, release: &str) -> Recommended {
        let Some(row) = self.packages.get(package) else { return Recommended::Unknown };
        if !RELEASES.contains(&release) {
            return Recommended::Unknown;
        }
        match row.releases.get(release).or_else(|| row.releases.get("all")) {
            None => Recommended::Unknown,
            Some(packages) if packages.is_empty() => Recommended::Nothing,
            Some(packages) => Recommended::Packages(packages.clone()),
        }
    }

    /// Whether a recommended package is of no use to the programs of an image.
    #[must_use]
    pub fn is_ornament(&self, package: &str) -> bool {
        self.ornaments.contains(package)
    }

    /// Whether the use of a recommended package shows.
    #[must_use]
    pub fn has_traces(&self, package: &str) -> bool {
        self.traces.contains_key(package)
    }

    /// Whether the use of a recommended package would show in a text, in lower case, and does not.
    #[must_use]
    pub fn leaves_no_trace(&self, package: &str, text: &str) -> bool {
        self.traces.get(package).is_some_and(|words| !words.iter().any(|word| text.contains(word.as_str())))
    }

    /// What a recommended package is for, when a Dockerfile may rely on it.
    #[must_use]
    pub fn use_of(&self, package: &str) -> Option<&str> {
        self.uses.get(package).map(String::as_str)
    }
}

/// What comes with a package of Debian or Ubuntu only because something recommends it; `release` is a codename such as
/// `bookworm`.
#[must_use]
pub fn recommends(package: &str, release: &str) -> Recommended {
    recommends_table().recommends(package, release)
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn recommends_table() -> &'static RecommendsTable {
    static TABLE: OnceLock<RecommendsTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        decode_recommends(shipped("packages/recommends.yaml"))
            .expect("the shipped table of recommended packages decodes")
    })
}

/// Decodes a table of recommended packages.
///
/// # Errors
/// If it cannot be used.
pub fn decode_recommends(text: &str) -> Result<RecommendsTable, TableError> {
    let file = "packages/recommends.yaml";
    let table: RecommendsTable = decode_file(file, text)?;
    for (package, row) in &table.packages {
        let known = |release: &String| release == "all" || RELEASES.contains(&release.as_str());
        if let Some(release) = row.releases.keys().find(|release| !known(release)) {
            return Err(invalid(file, package, release, "there is no such release"));
        }
    }
    Ok(table)
}
