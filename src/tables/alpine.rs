//! What it takes to build an image on Alpine instead of Debian: `alpine.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, shipped};

const FILE: &str = "alpine.yaml";

/// The table of Alpine, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlpineTable {
    /// Where the rows are from.
    pub sources: Vec<Source>,
    /// The release that they are about.
    pub release: String,
    families: Vec<AlpineFamily>,
    translated: BTreeSet<String>,
    owners: BTreeSet<String>,
    serves_apt: Vec<String>,
    settled: BTreeSet<String>,
    alone: BTreeSet<String>,
    packages: BTreeMap<String, String>,
    time_zones: String,
    paths: BTreeSet<String>,
    shells: BTreeMap<String, String>,
    users: BTreeMap<String, u32>,
    groups: BTreeMap<String, u32>,
    https: BTreeSet<String>,
    gnu: BTreeMap<String, BTreeSet<String>>,
    rows: Vec<Applet>,
}

/// Images of a family that have a variant on Alpine.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlpineFamily {
    family: String,
    /// Another image that takes its place; its tag is the release.
    #[serde(default)]
    pub image: Option<String>,
    drop: BTreeSet<String>,
    #[serde(default)]
    keep: BTreeSet<String>,
    #[serde(default)]
    has: BTreeSet<String>,
}

/// An applet of busybox, with the options that mean the same on Debian.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Applet {
    programs: BTreeSet<String>,
    #[serde(default)]
    short: String,
    #[serde(default)]
    long: BTreeSet<String>,
    #[serde(default)]
    words: BTreeSet<String>,
    #[serde(default)]
    digits: bool,
    #[serde(default)]
    leading: bool,
    #[serde(default)]
    bundled: bool,
}

impl AlpineTable {
    /// The row of a family of images.
    #[must_use]
    pub fn family(&self, family: &str) -> Option<&AlpineFamily> {
        self.families.iter().find(|row| row.family == family)
    }

    /// Whether the command becomes another one.
    #[must_use]
    pub fn is_translated(&self, program: &str) -> bool {
        self.translated.contains(program)
    }

    /// Whether the command gives files to the account that its first operand names.
    #[must_use]
    pub fn gives_away(&self, program: &str) -> bool {
        self.owners.contains(program)
    }

    /// Whether only apt keeps what lies at the path.
    #[must_use]
    pub fn serves_apt(&self, path: &str) -> bool {
        self.serves_apt.iter().any(|root| {
            path.strip_prefix(root.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '*']))
        })
    }

    /// Whether more than the name of the package differs.
    #[must_use]
    pub fn is_settled(&self, package: &str) -> bool {
        self.settled.contains(package)
    }

    /// Whether the package of PyPI depends on no other one.
    #[must_use]
    pub fn is_alone(&self, package: &str) -> bool {
        self.alone.contains(package)
    }

    /// The package that brings a program.
    #[must_use]
    pub fn package_of(&self, program: &str) -> Option<&str> {
        self.packages.get(program).map(String::as_str)
    }

    /// Whether a program has the same absolute path as on Debian.
    #[must_use]
    pub fn has_path(&self, path: &str) -> bool {
        self.paths.contains(path)
    }

    /// The shell of an account, by its path on Debian.
    #[must_use]
    pub fn shell(&self, path: &str) -> Option<&str> {
        self.shells.get(path).map(String::as_str)
    }

    /// Whether an account of the distribution has the name or the number.
    #[must_use]
    pub fn has_user(&self, name: &str, id: Option<u32>) -> bool {
        self.users.contains_key(name) || id.is_some_and(|id| self.users.values().any(|known| *known == id))
    }

    /// Whether a group of the distribution has the name or the number.
    #[must_use]
    pub fn has_group(&self, name: &str, id: Option<u32>) -> bool {
        self.groups.contains_key(name) || id.is_some_and(|id| self.groups.values().any(|known| *known == id))
    }

    /// Whether the applet of that name does not check certificates.
    #[must_use]
    pub fn trusts_all(&self, program: &str) -> bool {
        self.https.contains(program)
    }

    /// The package with the time zone database.
    #[must_use]
    pub fn time_zones(&self) -> &str {
        &self.time_zones
    }

    /// Whether every image of the distribution has the program as a part of busybox.
    #[must_use]
    pub fn is_applet(&self, program: &str) -> bool {
        super::image("alpine", Some(&self.release), None).is_some_and(|facts| facts.programs.contains(program))
    }

    /// Whether one of the packages takes the place of an applet.
    pub fn is_replaced<'a>(&self, program: &str, mut packages: impl Iterator<Item = &'a str>) -> bool {
        packages.any(|package| self.gnu.get(package).is_some_and(|programs| programs.contains(program)))
    }

    /// The row of an applet.
    #[must_use]
    pub fn applet(&self, program: &str) -> Option<&Applet> {
        self.rows.iter().find(|row| row.programs.contains(program))
    }
}

impl AlpineFamily {
    /// The tag of the variant on Alpine. `None` when the tag has a word that the table does not know.
    #[must_use]
    pub fn tag(&self, tag: &str, release: &str) -> Option<String> {
        let words = || tag.split('-').filter(|word| !self.drop.contains(*word));
        let is_known = |word: &str| {
            word == "latest" || self.keep.contains(word) || word.bytes().all(|c| c.is_ascii_digit() || c == b'.')
        };
        if self.image.is_some() {
            return Some(release.to_owned());
        }
        if !words().all(is_known) {
            return None;
        }
        let kept: Vec<&str> = words().filter(|word| *word != "latest").chain(["alpine"]).collect();
        Some(kept.join("-"))
    }

    /// Whether the variant has a package beside those of the distribution.
    #[must_use]
    pub fn has(&self, package: &str) -> bool {
        self.has.contains(package)
    }

    /// The text of FROM for the tag, where its last words are literal: `python:${VERSION}-slim`.
    #[must_use]
    pub fn replace_end(&self, text: &str, tag: &str, new: &str) -> Option<String> {
        let dropped = self.drop.iter().map(|word| format!("-{word}")).chain([String::new()]);
        dropped.into_iter().find_map(|end| {
            let head = tag.strip_suffix(end.as_str())?;
            let added = new.strip_prefix(head)?;
            text.strip_suffix(end.as_str()).map(|text| format!("{text}{added}"))
        })
    }
}

impl Applet {
    /// The first option that does not mean the same, if there is one. The words are those of a command, without its name;
    /// `None` is a word that is known only when it runs.
    #[must_use]
    pub fn differs<'a>(&self, words: &[Option<&'a str>]) -> Option<&'a str> {
        let mut words = words.iter().enumerate();
        while let Some((at, word)) = words.next() {
            let Some(word) = *word else { continue };
            if word == "--" {
                return None;
            }
            let is_bundle = self.bundled && at == 0 && !word.starts_with('-');
            if !is_bundle && (!word.starts_with('-') || word == "-") {
                if self.leading {
                    return None;
                }
                continue;
            }
            if self.words.contains(word) {
                if word == "-exec" {
                    let is_end = |word: &Option<&str>| matches!(word, Some(";" | "\\;" | "+"));
                    let _ = words.by_ref().find(|(_, word)| is_end(word));
                }
                continue;
            }
            let takes_next = if let Some(long) = word.strip_prefix("--") {
                let name = long.split('=').next().unwrap_or(long);
                if !self.long.contains(&format!("--{name}")) {
                    return Some(word);
                }
                false
            } else {
                let letters = word.trim_start_matches('-');
                if self.digits && letters.bytes().all(|c| c.is_ascii_digit()) {
                    continue;
                }
                match self.cluster(letters) {
                    Some(takes_next) => takes_next,
                    None => return Some(word),
                }
            };
            if takes_next {
                words.next();
            }
        }
        None
    }

    /// Whether the last letter takes the next word for its value; `None` when a letter is not known.
    fn cluster(&self, letters: &str) -> Option<bool> {
        for (at, letter) in letters.char_indices() {
            let known = self.short.find(letter)?;
            match self.short[known + letter.len_utf8()..].chars().next() {
                Some(':') => return Some(at + letter.len_utf8() == letters.len()),
                Some('?') => return Some(false),
                _ => {}
            }
        }
        Some(false)
    }
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn alpine() -> &'static AlpineTable {
    static TABLE: OnceLock<AlpineTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_alpine(shipped(FILE)).expect("the shipped table of Alpine decodes"))
}

/// Decodes a table of Alpine.
///
/// # Errors
/// If it cannot be used.
pub fn decode_alpine(text: &str) -> Result<AlpineTable, TableError> {
    decode_file(FILE, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_variants() {
        let table = alpine();
        let tag = |family: &str, tag: &str| table.family(family).and_then(|row| row.tag(tag, &table.release));
        assert_eq!(tag("python", "3.12-slim-bookworm").as_deref(), Some("3.12-alpine"));
        assert_eq!(tag("python", "latest").as_deref(), Some("alpine"));
        assert_eq!(tag("node", "lts-slim").as_deref(), Some("lts-alpine"));
        assert_eq!(tag("node", "22-windowsservercore"), None);
        assert_eq!(tag("debian", "bookworm-slim").as_deref(), Some("3.24"));
        assert_eq!(tag("mysql", "8"), None);
    }

    #[test]
    fn options_of_applets() {
        let differs = |program: &str, words: &[&'static str]| {
            let words: Vec<Option<&'static str>> = words.iter().map(|word| Some(*word)).collect();
            alpine().applet(program).map(|applet| applet.differs(&words).map(str::to_owned))
        };
        let same = Some(None);
        let other = |word: &str| Some(Some(word.to_owned()));
        assert_eq!(differs("tar", &["xzf", "a.tgz", "-C", "/srv", "--strip-components=1"]), same);
        assert_eq!(differs("tar", &["--zstd", "-xf", "a"]), other("--zstd"));
        assert_eq!(differs("sed", &["-i.bak", "-e", "-x", "f"]), same);
        assert_eq!(differs("grep", &["-P", "a"]), other("-P"));
        assert_eq!(
            differs("find", &[".", "-name", "a", "-exec", "rm", "--force", "{}", ";", "-printf", "a"]),
            other("-printf")
        );
        assert_eq!(differs("timeout", &["-s", "KILL", "5", "ls", "--color"]), same);
        assert_eq!(differs("head", &["-1", "f"]), same);
        assert_eq!(differs("date", &["-d", "tomorrow"]), other("-d"));
        assert_eq!(differs("rm", &["--", "-x"]), same);
        assert_eq!(differs("ps", &["aux"]), None);
    }
}
