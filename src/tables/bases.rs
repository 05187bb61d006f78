//! Full images and their slim variants: `bases.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, invalid, shipped};

const FILE: &str = "bases.yaml";

/// The table of slim variants, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseTable {
    /// Where the rows are from.
    pub sources: Vec<Source>,
    documentation: Vec<String>,
    developer: Vec<String>,
    spared: Vec<String>,
    not_alone: BTreeSet<String>,
    also: BTreeSet<String>,
    links_manuals: BTreeSet<String>,
    families: Vec<SlimFamily>,
    sets: BTreeMap<String, PackageSet>,
}

/// Images of a family that have a slim variant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlimFamily {
    family: String,
    not: String,
    #[serde(default)]
    before_release: bool,
    #[serde(default)]
    latest: bool,
    #[serde(default)]
    set: bool,
    /// Whether the slim image has the certificates of authorities; where both images have the same packages, it says
    /// nothing.
    #[serde(default)]
    certificates: bool,
    #[serde(default)]
    adds: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    adds_libraries: BTreeSet<String>,
    /// The word of a tag that the slim one stands in the place of.
    #[serde(default)]
    swaps: Option<String>,
    /// Whether what the image runs is the same wherever it was built.
    #[serde(default)]
    pub portable: bool,
    /// What code says that uses what the slim image lacks.
    #[serde(default)]
    pub marks: Vec<String>,
    #[serde(default)]
    keeps: BTreeSet<String>,
    #[serde(default)]
    keeps_libraries: BTreeMap<String, BTreeSet<String>>,
}

/// Packages with their programs and libraries.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PackageSet {
    programs: BTreeMap<String, BTreeSet<String>>,
    libraries: BTreeMap<String, BTreeSet<String>>,
}

/// What of an image its slim variant lacks.
#[derive(Clone, Copy, Debug)]
pub struct Lost<'t> {
    table: &'t BaseTable,
    family: &'t SlimFamily,
    /// What the packages of the release bring; `None` where both images have the same packages.
    set: Option<&'t PackageSet>,
    release: &'t str,
}

/// What becomes of something that the full image may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<'t> {
    /// The slim image has it as the full one has it or not.
    Kept,
    /// It is lost, and an install of this package brings it back.
    In(&'t str),
    /// It is lost, and no package is known that brings it back.
    Gone,
}

impl BaseTable {
    /// The row of a family, for the words of a tag of a full image.
    #[must_use]
    pub fn slim_family(&self, family: &str, tag: &str) -> Option<&SlimFamily> {
        let row = self.families.iter().find(|row| row.family == family)?;
        let is_other = |word: &str| {
            row.not.split(' ').any(|not| match not.strip_suffix('*') {
                Some(start) => word.starts_with(start),
                None => word == not,
            })
        };
        (!tag.split(['-', '_']).any(|word| word != "latest" && is_other(word)) && (tag != "latest" || row.latest))
            .then_some(row)
    }

    /// What the slim variant lacks, if that is known for the release.
    #[must_use]
    pub fn lost<'t>(&'t self, family: &'t SlimFamily, release: &str) -> Option<Lost<'t>> {
        if family.is_swap() {
            return Some(Lost { table: self, family, set: None, release: "" });
        }
        if !family.set {
            // What installs make of the lack of manuals is known for the releases of the sets alone.
            return self.sets.contains_key(release).then_some(Lost { table: self, family, set: None, release: "" });
        }
        let (release, set) = self.sets.get_key_value(release)?;
        Some(Lost { table: self, family, set: Some(set), release })
    }
}

impl BaseTable {
    /// Whether the install of a package links manuals into a directory that slim images may lack, and fails.
    #[must_use]
    pub fn links_manuals(&self, package: &str) -> bool {
        self.links_manuals.iter().any(|start| package.starts_with(start.as_str()))
    }
}

impl SlimFamily {
    /// The tag of the slim variant; `release` is the word of the tag that names one.
    #[must_use]
    pub fn slim_tag(&self, tag: &str, release: Option<&str>) -> String {
        let slim = self.word();
        if tag == "latest" {
            return slim.to_owned();
        }
        if let Some(full) = &self.swaps {
            let mut words: Vec<&str> = tag.split('-').collect();
            match words.iter().position(|word| word == full) {
                Some(at) => words[at] = slim,
                None => words.insert(1, slim),
            }
            return words.join("-");
        }
        match release.filter(|_| self.before_release) {
            Some(release) => match tag.strip_suffix(release) {
                Some(start) => format!("{start}{slim}-{release}"),
                None => format!("{tag}-{slim}"),
            },
            None => format!("{tag}-{slim}"),
        }
    }

    /// Whether both tags differ in one word, so that they are built alike whatever the release is.
    #[must_use]
    pub const fn is_swap(&self) -> bool {
        self.swaps.is_some()
    }

    /// What slim tags hold and full ones do not: the first word that excludes a tag.
    fn word(&self) -> &str {
        self.not.split(' ').next().unwrap_or_default()
    }
}

impl<'t> Lost<'t> {
    /// Whether both images have the same packages, so that only documentation is lost.
    #[must_use]
    pub fn is_documentation(&self) -> bool {
        self.set.is_none() && self.family.adds.is_empty()
    }

    /// Whether the slim image lacks documentation.
    fn lacks_documentation(&self) -> bool {
        self.set.is_some() || self.is_documentation()
    }

    /// Whether the full image has a package that the slim one lacks.
    #[must_use]
    pub fn has(&self, package: &str) -> bool {
        self.set.is_some_and(|set| {
            set.programs.contains_key(package)
                || set.libraries.contains_key(package)
                || self.table.also.contains(package)
        })
    }

    /// Whether the text names a directory of documentation.
    #[must_use]
    pub fn names_documentation(&self, text: &str) -> bool {
        self.lacks_documentation() && self.table.documentation.iter().any(|directory| text.contains(directory.as_str()))
    }

    /// What becomes of a program.
    #[must_use]
    pub fn program(&self, name: &str) -> Fate<'t> {
        let of_family = self.family.adds.iter().find(|(_, programs)| programs.iter().any(|program| program == name));
        if let Some((package, _)) = of_family {
            return self.fate(package);
        }
        let Some(set) = self.set.filter(|_| !self.family.keeps.contains(name)) else { return Fate::Kept };
        let holder = set.programs.iter().find(|(_, programs)| programs.contains(name));
        holder.map_or(Fate::Kept, |(package, _)| self.fate(package))
    }

    /// Whether an install of a package brings back what it did.
    fn fate(&self, package: &'t str) -> Fate<'t> {
        let is_part = self.table.not_alone.contains(package) || package.ends_with("-dev");
        if is_part { Fate::Gone } else { Fate::In(package) }
    }

    /// What becomes of a library, by the name under which it is loaded.
    #[must_use]
    pub fn library(&self, name: &str) -> Fate<'t> {
        let keeps = || self.family.keeps_libraries.get(self.release).is_some_and(|kept| kept.contains(name));
        let Some(set) = self.set.filter(|_| !keeps()) else { return Fate::Kept };
        if self.family.adds_libraries.contains(name) {
            return Fate::Gone;
        }
        let holder = set.libraries.iter().find(|(_, libraries)| libraries.contains(name));
        holder.map_or(Fate::Kept, |(package, _)| Fate::In(package))
    }

    /// What becomes of the certificates of authorities.
    #[must_use]
    pub fn certificates(&self) -> Fate<'t> {
        if self.set.is_none() || self.family.certificates { Fate::Kept } else { Fate::In("ca-certificates") }
    }

    /// What becomes of a file, by its absolute path.
    #[must_use]
    pub fn path(&self, path: &str) -> Fate<'t> {
        let below = |roots: &[String]| {
            roots.iter().any(|root| {
                path.strip_prefix(root.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            })
        };
        if let Some((directory, name)) = path.rsplit_once('/')
            && directory.ends_with("bin")
        {
            return self.program(name);
        }
        let is_lost = self.lacks_documentation() && below(&self.table.documentation)
            || self.set.is_some() && below(&self.table.developer) && !below(&self.table.spared);
        if is_lost { Fate::Gone } else { Fate::Kept }
    }
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn bases() -> &'static BaseTable {
    static TABLE: OnceLock<BaseTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_bases(shipped(FILE)).expect("the shipped table of slim images decodes"))
}

/// Decodes a table of slim variants.
///
/// # Errors
/// If it cannot be used.
pub fn decode_bases(text: &str) -> Result<BaseTable, TableError> {
    let table: BaseTable = decode_file(FILE, text)?;
    for set in table.sets.values() {
        let mut seen = BTreeSet::new();
        let mut programs = set.programs.values().flatten();
        if let Some(twice) = programs.find(|program| !seen.insert(program.as_str())) {
            return Err(invalid(FILE, "sets", "programs", format!("`{twice}` is in two packages")));
        }
    }
    Ok(table)
}
