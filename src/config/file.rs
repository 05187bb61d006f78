//! `imgopt.yaml` as it is written. The documentation of these types is what editors show: the JSON Schema is made of it.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use crate::context::Builder;
use crate::passes::PIPELINE;
use crate::pipeline::BaseChoice;
use crate::policy::{Bases, User};
use crate::rewrite::{AssumptionKind, Level, Stance};
use crate::tables::OwnTables;

/// A struct with the keys that hold for a whole file and for single paths alike.
macro_rules! with_settings {
    ($(#[$outer:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$outer])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[serde(default, deny_unknown_fields, expecting = "a mapping")]
        pub struct $name {
            $($own)*
            /// `rewrite` applies rewrites up to this level; guarded when nothing is said.
            pub level: Option<LevelName>,
            /// `check` reports rewrites up to this level; safe when nothing is said.
            pub check_level: Option<LevelName>,
            /// `rewrite --in-place` applies rewrites up to this level; safe when nothing is said.
            pub in_place_level: Option<LevelName>,
            /// Passes by name: off, on (at the level that the pass needs), or options.
            #[cfg_attr(test, schemars(schema_with = "schema::passes"))]
            pub passes: BTreeMap<PassName, PassSetting>,
            /// The program that builds the images: what it does not know is not written.
            pub builder: Option<BuilderName>,
            /// The base images that may be chosen; auto when nothing is said.
            pub base: Option<BaseName>,
            /// What is known of the assumptions that rewrites rely on: an affirmed one counts as proved, a rewrite that
            /// relies on a denied one is declined.
            #[cfg_attr(test, schemars(schema_with = "schema::assume"))]
            pub assume: BTreeMap<Assumed, StanceName>,
            /// The build context, a directory relative to this file.
            pub context: Option<String>,
            /// Which base images are approved: others are errors for `check`, and replaced by `rewrite`.
            pub bases: Bases,
            /// Rows beside those of the built-in tables, in their schema: a named row takes the place of the built-in one.
            pub tables: OwnTables,
            /// Which user images run as that ran as root before.
            pub user: User,
        }

        impl $name {
            /// The keys that hold for paths.
            #[must_use]
            pub fn settings(&self) -> super::Settings {
                super::Settings {
                    level: self.level.map(Level::from),
                    check_level: self.check_level.map(Level::from),
                    in_place_level: self.in_place_level.map(Level::from),
                    passes: self.passes.iter().map(|(pass, setting)| (pass.0, *setting)).collect(),
                    builder: self.builder,
                    base: self.base.map(BaseChoice::from),
                    assume: self.assume.iter().map(|(kind, stance)| (kind.0, Stance::from(*stance))).collect(),
                    context: self.context.as_ref().map(std::path::PathBuf::from),
                    bases: self.bases.clone(),
                    tables: self.tables.clone(),
                    user: self.user,
                }
            }
        }
    };
}

with_settings! {
    /// Configuration of imgopt. Paths and patterns are relative to the directory of this file.
    File {
        /// Whether the search for files that hold for the same Dockerfiles ends here.
        pub root: bool,
        /// Files whose settings this one builds on: a path or a list of paths, relative to this file.
        #[serde(deserialize_with = "one_or_many")]
        #[cfg_attr(test, schemars(schema_with = "schema::one_or_many"))]
        pub extends: Vec<String>,
        /// Keys that files which build on this one cannot change, such as `level` or `passes.cache-mounts`.
        #[cfg_attr(test, schemars(schema_with = "schema::locked"))]
        pub locked: Vec<Key>,
        /// Which files are read.
        pub discovery: Discovery,
        /// Settings for some paths; later ones win.
        pub overrides: Vec<Override>,
    }
}

with_settings! {
    /// Settings for the Dockerfiles that one of the patterns matches.
    Override {
        /// Patterns as in `.gitignore`.
        #[serde(deserialize_with = "one_or_many")]
        #[cfg_attr(test, schemars(schema_with = "schema::one_or_many"))]
        pub files: Vec<Pattern>,
    }
}

/// Which files are read when a directory is searched.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct Discovery {
    /// Patterns, as in `.gitignore`, of Dockerfiles that are passed over.
    #[serde(deserialize_with = "one_or_many")]
    #[cfg_attr(test, schemars(schema_with = "schema::one_or_many"))]
    pub exclude: Vec<Pattern>,
    /// Patterns, as in `.gitignore`, of files that are Dockerfiles although they are not named like one.
    #[serde(deserialize_with = "one_or_many")]
    #[cfg_attr(test, schemars(schema_with = "schema::one_or_many"))]
    pub include: Vec<Pattern>,
}

/// A level that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum LevelName {
    /// The image runs the same program in the same way; every assumption is proved.
    Safe,
    /// The image is leaner or harder and still does its job, under named assumptions.
    Guarded,
    /// Visible at run time by design.
    Breaking,
}

impl From<LevelName> for Level {
    fn from(level: LevelName) -> Self {
        match level {
            LevelName::Safe => Self::Safe,
            LevelName::Guarded => Self::Guarded,
            LevelName::Breaking => Self::Breaking,
        }
    }
}

/// Which base images may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum BaseName {
    /// Variants on Alpine, which is the consent to another C library.
    Alpine,
    /// The leanest one of the same C library that has a shell; none of a distribution below a static program.
    Auto,
    /// Distroless images only.
    Distroless,
    /// Base images stay.
    Keep,
    /// Slim variants only.
    Slim,
}

impl From<BaseName> for BaseChoice {
    fn from(base: BaseName) -> Self {
        match base {
            BaseName::Alpine => Self::Alpine,
            BaseName::Auto => Self::Auto,
            BaseName::Distroless => Self::Distroless,
            BaseName::Keep => Self::Keep,
            BaseName::Slim => Self::Slim,
        }
    }
}

/// A program that builds images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum BuilderName {
    /// BuildKit: docker buildx, Docker since version 23.0.
    Buildkit,
    /// Buildah, also as `podman build`.
    Buildah,
    /// kaniko.
    Kaniko,
    /// Docker's builder before BuildKit.
    Legacy,
}

impl BuilderName {
    /// What follows for a build.
    #[must_use]
    pub fn builder(self) -> Builder {
        let evidence = "imgopt.yaml names it".to_owned();
        let name = match self {
            Self::Buildkit => return Builder::BuildKit { evidence },
            Self::Buildah => "buildah",
            Self::Kaniko => "kaniko",
            Self::Legacy => "the legacy builder",
        };
        Builder::Other { name: name.to_owned(), evidence }
    }
}

/// What is said of an assumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StanceName {
    /// It holds.
    Affirm,
    /// It does not hold.
    Deny,
}

impl From<StanceName> for Stance {
    fn from(stance: StanceName) -> Self {
        match stance {
            StanceName::Affirm => Self::Affirmed,
            StanceName::Deny => Self::Denied,
        }
    }
}

/// What is said of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassSetting {
    /// It does not run.
    Off,
    /// Its rewrites are applied at the level that they need.
    On,
    /// Its rewrites are applied up to this level.
    UpTo(Level),
}

/// The options of a pass.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct PassOptions {
    level: LevelName,
}

impl<'de> Deserialize<'de> for PassSetting {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Setting;
        impl<'de> Visitor<'de> for Setting {
            type Value = PassSetting;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`on`, `off` or options such as `{level: safe}`")
            }

            fn visit_bool<E>(self, on: bool) -> Result<PassSetting, E> {
                Ok(if on { PassSetting::On } else { PassSetting::Off })
            }

            // YAML 1.2 knows `true` and `false` only: `on` is a text.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<PassSetting, E> {
                match text {
                    "on" => Ok(PassSetting::On),
                    "off" => Ok(PassSetting::Off),
                    _ => Err(E::unknown_variant(text, &["on", "off"])),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PassSetting, A::Error> {
                let options = PassOptions::deserialize(MapAccessDeserializer::new(map))?;
                Ok(PassSetting::UpTo(options.level.into()))
            }
        }
        deserializer.deserialize_any(Setting)
    }
}

/// The name of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PassName(pub &'static str);

impl FromStr for PassName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let mut names = PIPELINE.iter().map(|pass| pass.info().name);
        names.find(|known| *known == name).map(Self).ok_or_else(|| unknown("pass", name, pass_names()))
    }
}

/// An assumption.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assumed(pub AssumptionKind);

impl FromStr for Assumed {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = AssumptionKind::ALL.into_iter().find(|kind| kind.name() == name);
        found.map(Self).ok_or_else(|| unknown("assumption", name, assumption_names()))
    }
}

/// A key that can be locked, such as `level` or `passes.cache-mounts`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub String);

/// The keys that can be locked, apart from those of single passes and assumptions.
pub const KEYS: [&str; 20] = [
    "assume",
    "base",
    "bases",
    "bases.allowed",
    "bases.mirrors",
    "bases.replace",
    "bases.variants",
    "builder",
    "check_level",
    "context",
    "discovery.exclude",
    "discovery.include",
    "in_place_level",
    "level",
    "overrides",
    "passes",
    "tables",
    "user",
    "user.numeric",
    "user.uid",
];

impl FromStr for Key {
    type Err = String;

    fn from_str(key: &str) -> Result<Self, String> {
        match key.split_once('.') {
            Some(("passes", pass)) => pass.parse::<PassName>().map(drop)?,
            Some(("assume", assumption)) => assumption.parse::<Assumed>().map(drop)?,
            _ if KEYS.contains(&key) => {}
            _ => return Err(unknown("key", key, KEYS)),
        }
        Ok(Self(key.to_owned()))
    }
}

/// A pattern as in `.gitignore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(pub String);

impl FromStr for Pattern {
    type Err = String;

    fn from_str(pattern: &str) -> Result<Self, String> {
        let mut builder = ignore::gitignore::GitignoreBuilder::new("");
        match builder.add_line(None, pattern) {
            Ok(_) => Ok(Self(pattern.to_owned())),
            Err(error) => Err(format!("`{pattern}` is no pattern: {error}")),
        }
    }
}

fn pass_names() -> impl Iterator<Item = &'static str> {
    PIPELINE.iter().map(|pass| pass.info().name)
}

fn assumption_names() -> impl Iterator<Item = &'static str> {
    AssumptionKind::ALL.into_iter().map(AssumptionKind::name)
}

/// What serde says of an unknown variant, for a list that is not known at compile time.
fn unknown(what: &str, name: &str, options: impl IntoIterator<Item = &'static str>) -> String {
    let options: Vec<String> = options.into_iter().map(|option| format!("`{option}`")).collect();
    format!("unknown {what} `{name}`, expected one of {}", options.join(", "))
}

/// Types that are written as a text.
macro_rules! written_as_text {
    ($($name:ident: $expected:literal),*) => {
        $(impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text { expected: $expected, value: PhantomData })
            }
        })*
    };
}

written_as_text!(
    PassName: "the name of a pass",
    Assumed: "the name of an assumption",
    Key: "the name of a key",
    Pattern: "a pattern"
);

struct Text<T> {
    expected: &'static str,
    value: PhantomData<T>,
}

impl<T: FromStr<Err = String>> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// One value, or a list of them.
fn one_or_many<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    struct OneOrMany<T>(PhantomData<T>);
    impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMany<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a text or a list of texts")
        }

        fn visit_unit<E>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
            Ok(vec![T::deserialize(text.into_deserializer())?])
        }

        fn visit_seq<A: SeqAccess<'de>>(self, sequence: A) -> Result<Vec<T>, A::Error> {
            Vec::deserialize(SeqAccessDeserializer::new(sequence))
        }
    }
    deserializer.deserialize_any(OneOrMany(PhantomData))
}

#[cfg(test)]
mod schema;
