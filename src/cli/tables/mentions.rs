//! Rows of tables that name a program or a package: what no section has words of its own for is shown as it stands.

use serde_yaml::{Mapping, Value};

use crate::tables;

/// Tables of which other sections tell what they say.
const TOLD: [&str; 15] = [
    "caches.yaml",
    "distributions.yaml",
    "distroless.yaml",
    "eol.yaml",
    "extensions.yaml",
    "musl.yaml",
    "packages/build-only.yaml",
    "packages/names.yaml",
    "packages/recommends.yaml",
    "packages/runtime-libs.yaml",
    "packages/sizes.yaml",
    "releases.yaml",
    "sizes.yaml",
    "suites.yaml",
    "tags.yaml",
];

/// A row with more letters than this is named by its place.
const LONGEST: usize = 320;

/// Lists with more items than this are named by their number of items.
const MOST: usize = 10;

/// A row that names it.
pub(super) struct Mention {
    /// The table.
    pub(super) file: &'static str,
    /// What the row says, on one line.
    pub(super) text: String,
    /// Where it is from, with the day.
    pub(super) source: String,
}

/// The rows that name it, in the order of the tables.
pub(super) fn mentions(name: &str) -> Vec<Mention> {
    let is_told = |file: &str| TOLD.contains(&file) || file.starts_with("images/");
    let mut found = Vec::new();
    for (file, text) in tables::files().into_iter().filter(|(file, text)| !is_told(file) && text.contains(name)) {
        // Tests decode every table.
        let Ok(table) = serde_yaml::from_str::<Value>(text) else { continue };
        let mut rows = Rows { name, found: Vec::new() };
        rows.value(&table, &Place { row: None, source: None, path: String::new(), is_top: table.is_mapping() });
        let day = day(text).map(|day| format!(", {day}")).unwrap_or_default();
        for (text, source) in rows.found {
            let source = match source {
                Some(source) if day_in(&source).is_some() => source,
                Some(source) => source + &day,
                None => sources(&table).unwrap_or_else(|| format!("the heading of the table{day}")),
            };
            found.push(Mention { file, text, source });
        }
    }
    found
}

struct Rows<'a> {
    name: &'a str,
    /// What rows say, with their own sources.
    found: Vec<(String, Option<String>)>,
}

/// Where a value stands.
struct Place<'v> {
    /// The mapping around it.
    row: Option<&'v Mapping>,
    /// The nearest source.
    source: Option<&'v Value>,
    /// The keys that lead to it, with dots between.
    path: String,
    /// Whether it is the whole table.
    is_top: bool,
}

impl Rows<'_> {
    fn value(&mut self, value: &Value, place: &Place<'_>) {
        match value {
            Value::Mapping(mapping) => {
                let source = mapping.get("source").or(place.source);
                for (key, value) in mapping {
                    let Some(key) = key.as_str() else { continue };
                    let path = if place.path.is_empty() { key.to_owned() } else { format!("{}.{key}", place.path) };
                    if key == self.name {
                        self.add(format!("{path}: {}", shown(value)), source);
                    } else if !matches!(key, "source" | "sources") {
                        let row = Some(mapping).filter(|_| !place.is_top);
                        self.value(value, &Place { row, source, path, is_top: false });
                    }
                }
            }
            Value::Sequence(items) => {
                let named = items.iter().filter_map(Value::as_str).filter(|item| self.is_it(item));
                match named.collect::<Vec<_>>().as_slice() {
                    [] => items.iter().for_each(|item| self.value(item, place)),
                    named => self.add(shown_row(place, &named.join(", ")), place.source),
                }
            }
            Value::String(text) if text.contains('\n') => {
                let lines = text.lines().filter(|line| line.split_whitespace().next() == Some(self.name));
                let lines: Vec<String> = lines.map(|line| format!("{}: {line}", place.path)).collect();
                lines.into_iter().for_each(|line| self.add(line, place.source));
            }
            Value::String(text) if self.is_it(text) => self.add(shown_row(place, text), place.source),
            _ => {}
        }
    }

    /// Whether the item is it, or a command of it.
    fn is_it(&self, item: &str) -> bool {
        item.strip_prefix(self.name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }

    fn add(&mut self, text: String, source: Option<&Value>) {
        if !self.found.iter().any(|(known, _)| *known == text) {
            self.found.push((text, source.map(of_source)));
        }
    }
}

/// The keys that lead to the name, the name, and the row but for the list that has it and for its source.
fn shown_row(place: &Place<'_>, named: &str) -> String {
    let key = place.path.rsplit('.').next().unwrap_or_default();
    let columns = place.row.into_iter().flatten().filter_map(|(name, value)| Some((name.as_str()?, value)));
    let columns = columns.filter(|(name, _)| !matches!(*name, "source" | "sources") && *name != key);
    let columns: Vec<String> = columns.map(|(name, value)| format!("{name}: {}", shown(value))).collect();
    let row = columns.join("; ");
    // What stands beside one of many lists says nothing of the name.
    if row.is_empty() || row.len() > LONGEST {
        return format!("{}: {named}", place.path);
    }
    format!("{}: {named}; {row}", place.path)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.contains('\n') => format!("{} lines", text.lines().count()),
        Value::String(text) => text.clone(),
        Value::Sequence(items) if items.len() > MOST => format!("{} items", items.len()),
        Value::Sequence(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Mapping(mapping) => {
            let pair = |(key, value): (&Value, &Value)| format!("{}: {}", shown(key), shown(value));
            format!("{{{}}}", mapping.iter().map(pair).collect::<Vec<_>>().join(", "))
        }
        Value::Tagged(tagged) => shown(&tagged.value),
    }
}

/// The sources of a whole table.
fn sources(table: &Value) -> Option<String> {
    let listed = table.get("sources").and_then(Value::as_sequence).into_iter().flatten();
    let all: Vec<String> = listed.chain(table.get("source")).map(of_source).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn of_source(source: &Value) -> String {
    let part = |key: &str| source.get(key).and_then(Value::as_str);
    match (part("name"), part("date")) {
        (Some(name), Some(date)) => format!("{name}, {date}"),
        _ => shown(source),
    }
}

/// The last day that a table names as one on which a source was read.
fn day(text: &str) -> Option<&str> {
    let lines = text.lines().filter(|line| line.contains("date: ") || line.contains(" read on "));
    lines.filter_map(day_in).max()
}

/// The day, `YYYY-MM-DD`, that stands in a text.
fn day_in(text: &str) -> Option<&str> {
    let is_day = |word: &&str| {
        word.len() == 10
            && word
                .bytes()
                .enumerate()
                .all(|(at, byte)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() })
    };
    text.split(|c: char| !c.is_ascii_digit() && c != '-').find(is_day)
}
