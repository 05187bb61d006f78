//! Reading one file, and the places of what is wrong in it.

use std::collections::HashSet;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::error::{ConfigError, Position, Problem};
use super::file::File;
use crate::policy::{self, Bases, User};
use crate::syntax::suggest;

/// The longest file that is read, in bytes.
pub(super) const SIZE_LIMIT: u64 = 256 << 10;

/// Brackets that are open at once. The time to read them grows with the square of their number.
const MAX_NESTING: usize = 128;

/// A file and its text.
pub(super) struct Document<'a> {
    /// How errors name it.
    name: &'a Path,
    text: String,
}

impl<'a> Document<'a> {
    pub(super) fn read(path: &Path, name: &'a Path) -> Result<Self, ConfigError> {
        let problem = |position, problem| ConfigError::new(name, position, problem);
        let mut bytes = Vec::new();
        let read = regular(path).and_then(|file| file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes));
        read.map_err(|error| problem(None, Problem::Unreadable(reason(&error))))?;
        if bytes.len() as u64 > SIZE_LIMIT {
            return Err(problem(None, Problem::TooLarge(SIZE_LIMIT)));
        }
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
            problem(Some(end(&valid)), Problem::Value("this is not UTF-8".to_owned()))
        })?;
        if let Some(at) = too_deep(&text) {
            let message = format!("more than {MAX_NESTING} brackets are open");
            return Err(problem(Some(end(&text[..at])), Problem::Value(message)));
        }
        Ok(Self { name, text })
    }

    /// What the file says. A file of comments says nothing.
    pub(super) fn decode(&self) -> Result<File, ConfigError> {
        let error = |error: serde_yaml::Error| ConfigError::new(self.name, position(&error), problem(&error));
        let mut documents = serde_yaml::Deserializer::from_str(&self.text);
        if let Some(first) = documents.next() {
            Unique.deserialize(first).map_err(error)?;
        }
        if let Some(second) = documents.next() {
            let position = Probe(&[]).deserialize(second).err().as_ref().and_then(position);
            let problem = Problem::Value("a second document begins".to_owned());
            return Err(ConfigError::new(self.name, position, problem));
        }
        let file: Option<File> = serde_yaml::from_str(&self.text).map_err(error)?;
        let file = file.unwrap_or_default();
        match mistake(&file) {
            Some((path, message)) => Err(self.problem(&path, Problem::Value(message))),
            None => Ok(file),
        }
    }

    /// A problem at the value to which the steps lead.
    pub(super) fn problem(&self, path: &[Step<'_>], problem: Problem) -> ConfigError {
        let probed = Probe(path).deserialize(serde_yaml::Deserializer::from_str(&self.text));
        let position = probed.err().as_ref().and_then(position);
        ConfigError::new(self.name, position, problem)
    }
}

/// What the types let pass and has no meaning, with the steps that lead to it.
fn mistake(file: &File) -> Option<(Vec<Step<'_>>, String)> {
    of_settings(&file.bases, &file.user).or_else(|| {
        file.overrides.iter().enumerate().find_map(|(at, entry)| {
            let mut path = vec![Step::Key("overrides"), Step::Index(at)];
            if entry.files.is_empty() {
                return Some((path, "the override names no `files`".to_owned()));
            }
            let (rest, message) = of_settings(&entry.bases, &entry.user)?;
            path.extend(rest);
            Some((path, message))
        })
    })
}

fn of_settings<'a>(bases: &'a Bases, user: &User) -> Option<(Vec<Step<'a>>, String)> {
    if user.uid == Some(0) {
        return Some((vec![Step::Key("user"), Step::Key("uid")], "0 is root".to_owned()));
    }
    bases.mirrors.iter().find_map(|(from, to)| {
        let wrong = [from, to].into_iter().find(|text| !policy::is_place(text))?;
        let path = vec![Step::Key("bases"), Step::Key("mirrors"), Step::Key(from)];
        Some((path, format!("`{wrong}` is no registry, nor a path of one: `docker.io`, `registry.example.com/hub`")))
    })
}

fn regular(path: &Path) -> io::Result<fs::File> {
    // A pipe or a device may have no end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    fs::File::open(path)
}

/// Why a file cannot be read, on every system in the same words if it is a common reason.
pub(super) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".to_owned(),
        _ => error.to_string(),
    }
}

/// The place after the text.
fn end(text: &str) -> Position {
    let last = text.rsplit('\n').next().unwrap_or_default();
    Position { line: 1 + text.matches('\n').count(), column: 1 + last.chars().count() }
}

/// Where too many brackets are open.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    text.bytes().position(|byte| {
        match byte {
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_NESTING
    })
}

fn position(error: &serde_yaml::Error) -> Option<Position> {
    error.location().map(|location| Position { line: location.line(), column: location.column() })
}

/// What a person reads in place of what serde says.
fn problem(error: &serde_yaml::Error) -> Problem {
    let mut message = error.to_string();
    if let Some(Position { line, column }) = position(error) {
        message = message.replacen(&format!(" at line {line} column {column}"), "", 1);
    }
    unknown(&message).unwrap_or_else(|| {
        let words = [("expected u32", "expected a number"), ("expected a sequence", "expected a list")];
        Problem::Value(words.iter().fold(message, |message, (serde, ours)| message.replace(serde, ours)))
    })
}

/// The parts of ``unknown field `a`, expected one of `b`, `c` ``, which follow the path of the mapping.
fn unknown(message: &str) -> Option<Problem> {
    let message = message.get(message.find("unknown ")?..)?;
    let (name, options) = message.split_once("`, expected ")?;
    let (what, name) = name.strip_prefix("unknown ")?.split_once(" `")?;
    let what = match what {
        "field" => "key",
        "variant" => "value",
        other => other,
    };
    let options: Vec<String> = options.split('`').skip(1).step_by(2).map(str::to_owned).collect();
    let nearest = suggest::nearest(name, options.iter().map(String::as_str), false);
    Some(Problem::Unknown { what: what.to_owned(), name: name.to_owned(), nearest, options })
}

/// A step into a document.
#[derive(Clone, Copy)]
pub(super) enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

/// Fails at the end of its path: the error has the place, which no value has.
struct Probe<'a>(&'a [Step<'a>]);

impl<'de> DeserializeSeed<'de> for Probe<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Probe<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the way to go on")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            match self.0.split_first() {
                Some((Step::Key(wanted), rest)) if key == *wanted => map.next_value_seed(Probe(rest))?,
                Some(_) => drop(map.next_value::<IgnoredAny>()?),
                None => return Err(de::Error::custom("the end")),
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Some((Step::Index(wanted), rest)) = self.0.split_first() else {
            return Err(de::Error::custom("the end"));
        };
        for _ in 0..*wanted {
            if sequence.next_element::<IgnoredAny>()?.is_none() {
                return Ok(());
            }
        }
        sequence.next_element_seed(Probe(rest))?;
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

/// Fails where a mapping has a key for the second time.
#[derive(Clone, Copy)]
struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key_seed(NewKey(&seen))? {
            seen.insert(key);
            map.next_value_seed(self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element_seed(self)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_none<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key that was not seen yet.
struct NewKey<'a>(&'a HashSet<String>);

impl<'de> DeserializeSeed<'de> for NewKey<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for NewKey<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<String, E> {
        if self.0.contains(key) {
            return Err(E::custom(format!("`{key}` is here for the second time")));
        }
        Ok(key.to_owned())
    }
}
