//! The rows of `rewrites/commands.yaml`, made fit for looking up.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

use crate::tables::{self, OwnTables};

/// One row of the table.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row<'a> {
    #[serde(borrow)]
    programs: Vec<&'a str>,
    /// The manual page that the row is taken from.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader of the table; required, so that no row goes without")
    )]
    source: &'a str,
    /// Options without value. Here and below, each entry has all names of an option, the main name first.
    #[serde(borrow, default)]
    flags: Vec<&'a str>,
    /// Options with a value.
    #[serde(borrow, default)]
    values: Vec<&'a str>,
    /// Options with a value only behind `=`, or, for one letter, right behind it.
    #[serde(borrow, default)]
    optional: Vec<&'a str>,
    /// Whether long options have one dash.
    #[serde(default)]
    single_dash: bool,
    /// Whether the first word may be letters of options without their dash.
    #[serde(default)]
    old_style: bool,
    /// Whether digits and dots behind the name belong to it: `pip3.11`.
    #[serde(default)]
    versioned: bool,
    /// Number of arguments before the command that the program runs.
    wraps: Option<usize>,
    /// The option whose value is a program that reads the words behind it: `python -m`.
    #[serde(borrow)]
    module: Option<&'a str>,
    /// The first argument ends the options.
    #[serde(default)]
    rest: bool,
    /// Options of each subcommand; the name may have two words.
    #[serde(borrow, default)]
    subcommands: BTreeMap<&'a str, SubcommandRow<'a>>,
    /// Other names of subcommands.
    #[serde(borrow, default)]
    aliases: BTreeMap<&'a str, &'a str>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubcommandRow<'a> {
    #[serde(borrow, default)]
    flags: Vec<&'a str>,
    #[serde(borrow, default)]
    values: Vec<&'a str>,
    #[serde(borrow, default)]
    optional: Vec<&'a str>,
    #[serde(default)]
    rest: bool,
}

/// A row that a project adds, in the schema of the table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandRow {
    /// Names of the program.
    programs: Vec<String>,
    /// What the row is taken from.
    source: String,
    /// Options without value. Here and below, each entry has all names of an option, the main name first.
    #[serde(default)]
    flags: Vec<String>,
    /// Options with a value.
    #[serde(default)]
    values: Vec<String>,
    /// Options with a value only behind `=`, or, for one letter, right behind it.
    #[serde(default)]
    optional: Vec<String>,
    /// Whether long options have one dash.
    #[serde(default)]
    single_dash: bool,
    /// Number of arguments before the command that the program runs.
    wraps: Option<usize>,
    /// The first argument ends the options.
    #[serde(default)]
    rest: bool,
    /// Options of each subcommand; the name may have two words.
    #[serde(default)]
    subcommands: BTreeMap<String, OwnSubcommand>,
    /// Other names of subcommands.
    #[serde(default)]
    aliases: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct OwnSubcommand {
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(default)]
    rest: bool,
}

impl Row<'static> {
    /// The row of a project.
    fn of(own: &'static CommandRow) -> Self {
        let texts = |texts: &'static [String]| texts.iter().map(String::as_str).collect::<Vec<_>>();
        let subcommand = |row: &'static OwnSubcommand| SubcommandRow {
            flags: texts(&row.flags),
            values: texts(&row.values),
            optional: texts(&row.optional),
            rest: row.rest,
        };
        Self {
            programs: texts(&own.programs),
            source: &own.source,
            flags: texts(&own.flags),
            values: texts(&own.values),
            optional: texts(&own.optional),
            single_dash: own.single_dash,
            old_style: false,
            versioned: false,
            wraps: own.wraps,
            module: None,
            rest: own.rest,
            subcommands: own.subcommands.iter().map(|(name, row)| (name.as_str(), subcommand(row))).collect(),
            aliases: own.aliases.iter().map(|(name, main)| (name.as_str(), main.as_str())).collect(),
        }
    }
}

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arity {
    Flag,
    Value,
    Optional,
}

/// An option of a program.
#[derive(Clone, Debug)]
pub(super) struct KnownOption {
    pub(super) name: &'static str,
    pub(super) arity: Arity,
}

/// What the table says of a program.
pub(super) struct Program {
    pub(super) name: &'static str,
    pub(super) single_dash: bool,
    pub(super) old_style: bool,
    pub(super) wraps: Option<usize>,
    pub(super) module: Option<&'static str>,
    pub(super) rest: bool,
    options: HashMap<&'static str, KnownOption>,
    subcommands: HashMap<&'static str, KnownSubcommand>,
    aliases: BTreeMap<&'static str, &'static str>,
}

struct KnownSubcommand {
    options: HashMap<&'static str, KnownOption>,
    rest: bool,
}

impl Program {
    /// The option written `name`, after `subcommand`.
    pub(super) fn option(&self, subcommand: Option<&str>, name: &str) -> Option<&KnownOption> {
        let subcommand = subcommand.and_then(|subcommand| self.subcommands.get(subcommand));
        subcommand.and_then(|subcommand| subcommand.options.get(name)).or_else(|| self.options.get(name))
    }

    /// Whether the first argument is a subcommand.
    pub(super) fn has_subcommands(&self) -> bool {
        !self.subcommands.is_empty()
    }

    /// The main name of the subcommand `name`.
    pub(super) fn subcommand<'a>(&'a self, name: &'a str) -> &'a str {
        self.aliases.get(name).map_or(name, |name| name)
    }

    /// The main name of the subcommand `first second`, if there is one.
    pub(super) fn nested_subcommand(&self, first: &str, second: &str) -> Option<&str> {
        let name = format!("{first} {second}");
        let name = self.aliases.get(name.as_str()).copied().unwrap_or(&name);
        self.subcommands.get_key_value(name).map(|(name, _)| *name)
    }

    /// Whether the first argument of the subcommand ends the options.
    pub(super) fn rest_of(&self, subcommand: Option<&str>) -> bool {
        self.rest || subcommand.and_then(|name| self.subcommands.get(name)).is_some_and(|subcommand| subcommand.rest)
    }
}

impl Row<'static> {
    /// The row for one of its programs.
    fn program(&self, name: &'static str) -> Program {
        let subcommand = |(name, row): (&&'static str, &SubcommandRow<'static>)| {
            (*name, KnownSubcommand { options: by_name(&row.flags, &row.values, &row.optional), rest: row.rest })
        };
        Program {
            name,
            single_dash: self.single_dash,
            old_style: self.old_style,
            wraps: self.wraps,
            module: self.module,
            rest: self.rest,
            options: by_name(&self.flags, &self.values, &self.optional),
            subcommands: self.subcommands.iter().map(subcommand).collect(),
            aliases: self.aliases.clone(),
        }
    }
}

/// The row of the program `name`, written without directory.
pub(super) fn program(name: &str) -> Option<&'static Program> {
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let table = tables::table(shipped, |merged| &merged.commands, CommandTable::with);
    let place = table.programs.get(name).or_else(|| table.versioned.get(unversioned))?;
    Some(place.program.get_or_init(|| table.rows[place.row].program(place.name)))
}

fn shipped() -> &'static CommandTable {
    static TABLE: LazyLock<CommandTable> = LazyLock::new(|| {
        let rows: Vec<Row<'static>> = serde_json::from_str(tables::shipped("commands.yaml"))
            .expect("rewrites/commands.yaml is part of the program and read by its tests");
        CommandTable::new(rows)
    });
    &TABLE
}

/// Where the row of each program stands.
#[derive(Default)]
pub(crate) struct CommandTable {
    rows: Vec<Row<'static>>,
    programs: HashMap<&'static str, Place>,
    versioned: HashMap<&'static str, Place>,
}

/// Where the row of a program stands. It is made fit for looking up when it is first asked for: there are many, and a
/// Dockerfile names few.
struct Place {
    name: &'static str,
    row: usize,
    program: OnceLock<Program>,
}

impl CommandTable {
    /// The table with the rows of a project in the place of those of the same programs.
    fn with(&self, own: &'static OwnTables) -> Self {
        Self::new(self.rows.iter().cloned().chain(own.commands.iter().map(Row::of)).collect())
    }

    fn new(rows: Vec<Row<'static>>) -> Self {
        let mut table = Self::default();
        for (index, row) in rows.iter().enumerate() {
            let programs = if row.versioned { &mut table.versioned } else { &mut table.programs };
            for name in &row.programs {
                programs.insert(name, Place { name, row: index, program: OnceLock::new() });
            }
        }
        table.rows = rows;
        table
    }
}

fn by_name(
    flags: &[&'static str],
    values: &[&'static str],
    optional: &[&'static str],
) -> HashMap<&'static str, KnownOption> {
    let kinds = [(flags, Arity::Flag), (values, Arity::Value), (optional, Arity::Optional)];
    let mut options = HashMap::new();
    for (rows, arity) in kinds {
        for row in rows {
            let mut names = row.split_ascii_whitespace();
            let Some(main) = names.next() else { continue };
            for name in std::iter::once(main).chain(names) {
                options.insert(name, KnownOption { name: main, arity });
            }
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The names of all options of a list, main and other.
    fn names<'a>(rows: [&Vec<&'a str>; 3]) -> Vec<&'a str> {
        rows.into_iter().flatten().flat_map(|row| row.split_ascii_whitespace()).collect()
    }

    #[track_caller]
    fn check_unique(names: &[&str], place: &str) {
        let mut seen = HashSet::new();
        let twice: Vec<_> = names.iter().filter(|name| !seen.insert(**name)).collect();
        assert!(twice.is_empty(), "{place}: {twice:?} twice");
        assert!(names.iter().all(|name| name.starts_with('-')), "{place}: {names:?}");
    }

    #[test]
    fn rows_are_unique_and_name_a_source() {
        let rows: Vec<Row<'_>> = serde_json::from_str(tables::shipped("commands.yaml")).expect("valid");
        let mut programs = HashSet::new();
        for row in &rows {
            let place = row.programs.join(", ");
            assert!(!row.source.is_empty() && !row.programs.is_empty());
            assert!(row.programs.iter().all(|program| programs.insert(program)), "{place} twice");
            check_unique(&names([&row.flags, &row.values, &row.optional]), &place);
            for (name, row) in &row.subcommands {
                check_unique(&names([&row.flags, &row.values, &row.optional]), &format!("{place} {name}"));
            }
            let known = |name: &str| row.subcommands.contains_key(name);
            assert!(row.aliases.iter().all(|(alias, name)| !known(alias) && known(name)), "{place}: {:?}", row.aliases);
        }
    }
}
