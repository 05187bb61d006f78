//! When versions of languages, servers and distributions stop getting fixes: `eol.yaml`.

use std::sync::OnceLock;

use serde::{Deserialize, Deserializer};

use super::{Source, TableError, decode_file, image_of, invalid, shipped};
use crate::syntax::image::ImageReference;

const FILE: &str = "eol.yaml";

/// The table of ends of life, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EolTable {
    /// Where it is from.
    pub source: Source,
    families: Vec<Family>,
}

/// Until when something gets fixes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// No end was set on the day of the source.
    Supported,
    /// The last day, `YYYY-MM-DD`.
    Until(String),
    /// It ended before the day of the source.
    Ended,
}

impl Support {
    /// Whether it is over on that day, `YYYY-MM-DD`.
    #[must_use]
    pub fn is_over(&self, day: &str) -> bool {
        match self {
            Self::Supported => false,
            Self::Until(last) => last.as_str() < day,
            Self::Ended => true,
        }
    }
}

impl<'de> Deserialize<'de> for Support {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "supported" => Ok(Self::Supported),
            "ended" => Ok(Self::Ended),
            _ if is_day(&text) => Ok(Self::Until(text)),
            _ => Err(serde::de::Error::custom(format!("`{text}` is no day"))),
        }
    }
}

/// A line of versions that are supported together, such as `3.12`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cycle {
    /// Its version.
    pub cycle: String,
    /// Until when it gets security fixes.
    pub end: Support,
    /// Until when it gets fixes by volunteers or for money, if it does.
    #[serde(default)]
    pub extended: Option<Support>,
    /// Words of tags that mean it, `bookworm`.
    #[serde(default)]
    pub names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Family {
    family: String,
    #[serde(default)]
    also: Vec<String>,
    /// Whether everybody gets the fixes of the extended time.
    #[serde(default)]
    extended_for_all: bool,
    /// From the oldest to the newest.
    cycles: Vec<Cycle>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EolFile {
    source: Source,
    families: Vec<Family>,
}

/// The end of life of what an image is for, or of the distribution below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndOfLife<'a> {
    /// The language, server or distribution: `python`, `debian`.
    pub family: &'a str,
    /// Its line of versions.
    pub cycle: &'a Cycle,
    /// Whether everybody gets the fixes of the extended time.
    extended_for_all: bool,
}

impl EndOfLife<'_> {
    /// The last of the days on which everybody gets fixes.
    #[must_use]
    pub fn last_day(&self) -> &Support {
        self.cycle.extended.as_ref().filter(|_| self.extended_for_all).unwrap_or(&self.cycle.end)
    }

    /// Whether nobody gets fixes for nothing on that day, `YYYY-MM-DD`.
    #[must_use]
    pub fn is_over(&self, day: &str) -> bool {
        self.last_day().is_over(day)
    }
}

impl EolTable {
    /// The cycle of a version, `3.12.4`, or of a name, `bookworm`.
    #[must_use]
    pub fn end_of_life(&self, family: &str, version: &str) -> Option<EndOfLife<'_>> {
        let family = self.family(family)?;
        let fits = |cycle: &&Cycle| {
            let rest = version.strip_prefix(cycle.cycle.as_str());
            rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_digit()))
                || cycle.names.iter().any(|name| name == version)
        };
        let cycle = family.cycles.iter().filter(fits).max_by_key(|cycle| cycle.cycle.len())?;
        Some(EndOfLife { family: &family.family, cycle, extended_for_all: family.extended_for_all })
    }

    /// The oldest later cycle of the family that gets fixes on that day.
    #[must_use]
    pub fn next_supported(&self, family: &str, cycle: &str, day: &str) -> Option<&Cycle> {
        let cycles = &self.family(family)?.cycles;
        let at = cycles.iter().position(|row| row.cycle == cycle)?;
        cycles[at + 1..].iter().find(|later| !later.end.is_over(day))
    }

    fn family(&self, name: &str) -> Option<&Family> {
        self.families.iter().find(|row| row.family == name || row.also.iter().any(|also| also == name))
    }
}

/// Ends of life of an image: of the language or server that it is for, and of its distribution, as far as its tag says
/// which versions they are.
#[must_use]
pub fn end_of_life(image: &ImageReference) -> Vec<EndOfLife<'static>> {
    let Some(facts) = image_of(image) else { return Vec::new() };
    let floating = facts.floating.as_ref().map(|floating| floating.tag.as_str());
    let tag = floating.or(image.tag.as_deref()).unwrap_or_default();
    let end = tag.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(tag.len());
    let own = eol().end_of_life(&facts.family, &tag[..end]).filter(|_| end > 0);
    let distribution = facts.distribution.known().and_then(|distribution| {
        eol().end_of_life(&format!("{:?}", distribution.name).to_lowercase(), distribution.release.as_deref()?)
    });
    let is_own = |below: &EndOfLife<'_>| own.is_some_and(|own| own.family == below.family);
    own.into_iter().chain(distribution.filter(|below| !is_own(below))).collect()
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn eol() -> &'static EolTable {
    static TABLE: OnceLock<EolTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_eol(shipped(FILE)).expect("the shipped table of ends of life decodes"))
}

/// Decodes a table of ends of life.
///
/// # Errors
/// If it cannot be used.
pub fn decode_eol(text: &str) -> Result<EolTable, TableError> {
    let file: EolFile = decode_file(FILE, text)?;
    for family in &file.families {
        let numbers = |cycle: &Cycle| -> Vec<u32> { cycle.cycle.split('.').flat_map(str::parse).collect() };
        if !family.cycles.is_sorted_by(|before, after| numbers(before) < numbers(after)) {
            return Err(invalid(FILE, &family.family, "cycles", "they do not go from the oldest to the newest"));
        }
    }
    Ok(EolTable { source: file.source, families: file.families })
}

fn is_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
}
