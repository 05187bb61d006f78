//! The rows of `rewrites/commands.yaml`, made fit for looking up.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::tables::{self, OwnTables};

/// One row of the table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandRow {
    /// Names of the program.
    programs: Vec<String>,
    /// The manual page that the row is taken from: required, so that no row goes without.
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
    /// Whether the first word may be letters of options without their dash.
    #[serde(default)]
    old_style: bool,
    /// Whether digits and dots behind the name belong to it: `pip3.11`.
    #[serde(default)]
    versioned: bool,
    /// Number of arguments before the command that the program runs.
    wraps: Option<usize>,
    /// The option whose value is a program that reads the words behind it: `python -m`.
    module: Option<String>,
    /// The first argument ends the options.
    #[serde(default)]
    rest: bool,
    /// Options of each subcommand; the name may have two words.
    #[serde(default)]
    subcommands: BTreeMap<String, SubcommandRow>,
    /// Other names of subcommands.
    #[serde(default)]
    aliases: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct SubcommandRow {
    #[serde(default)]
    flags: Vec<String>,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    optional: Vec<String>,
    #[serde(default)]
    rest: bool,
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
    pub(super) name: String,
    pub(super) arity: Arity,
}

/// What the table says of a program.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) name: String,
    pub(super) single_dash: bool,
    pub(super) old_style: bool,
    pub(super) wraps: Option<usize>,
    pub(super) module: Option<String>,
    pub(super) rest: bool,
    options: HashMap<String, KnownOption>,
    subcommands: HashMap<String, KnownSubcommand>,
    aliases: HashMap<String, String>,
}

#[derive(Clone, Debug)]
struct KnownSubcommand {
    options: HashMap<String, KnownOption>,
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
        let name = self.aliases.get(&name).unwrap_or(&name);
        self.subcommands.get_key_value(name).map(|(name, _)| name.as_str())
    }

    /// Whether the first argument of the subcommand ends the options.
    pub(super) fn rest_of(&self, subcommand: Option<&str>) -> bool {
        self.rest || subcommand.and_then(|name| self.subcommands.get(name)).is_some_and(|subcommand| subcommand.rest)
    }
}

/// The row of the program `name`, written without directory.
pub(super) fn program(name: &str) -> Option<&'static Program> {
    let unversioned = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let table = tables::table(shipped, |merged| &merged.commands, CommandTable::with);
    table.programs.get(name).or_else(|| table.versioned.get(unversioned))
}

fn shipped() -> &'static CommandTable {
    static TABLE: LazyLock<CommandTable> = LazyLock::new(|| {
        let rows: Vec<CommandRow> = serde_json::from_str(tables::shipped("commands.yaml"))
            .expect("rewrites/commands.yaml is part of the program and read by its tests");
        CommandTable::default().and(&rows)
    });
    &TABLE
}

/// Programs by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommandTable {
    programs: HashMap<String, Program>,
    versioned: HashMap<String, Program>,
}

impl CommandTable {
    /// The table with the rows of a project in the place of those of the same programs.
    fn with(&self, own: &OwnTables) -> Self {
        self.clone().and(&own.commands)
    }

    fn and(mut self, rows: &[CommandRow]) -> Self {
        for row in rows {
            for name in &row.programs {
                let subcommand = |(name, row): (&String, &SubcommandRow)| {
                    (
                        name.clone(),
                        KnownSubcommand { options: by_name(&row.flags, &row.values, &row.optional), rest: row.rest },
                    )
                };
                let program = Program {
                    name: name.clone(),
                    single_dash: row.single_dash,
                    old_style: row.old_style,
                    wraps: row.wraps,
                    module: row.module.clone(),
                    rest: row.rest,
                    options: by_name(&row.flags, &row.values, &row.optional),
                    subcommands: row.subcommands.iter().map(subcommand).collect(),
                    aliases: row.aliases.clone().into_iter().collect(),
                };
                let programs = if row.versioned { &mut self.versioned } else { &mut self.programs };
                programs.insert(name.clone(), program);
            }
        }
        self
    }
}

fn by_name(flags: &[String], values: &[String], optional: &[String]) -> HashMap<String, KnownOption> {
    let kinds = [(flags, Arity::Flag), (values, Arity::Value), (optional, Arity::Optional)];
    let mut options = HashMap::new();
    for (rows, arity) in kinds {
        for row in rows {
            let mut names = row.split_ascii_whitespace();
            let Some(main) = names.next() else { continue };
            for name in std::iter::once(main).chain(names) {
                options.insert(name.to_owned(), KnownOption { name: main.to_owned(), arity });
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
    fn names(rows: [&Vec<String>; 3]) -> Vec<&str> {
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
        let rows: Vec<CommandRow> = serde_json::from_str(tables::shipped("commands.yaml")).expect("valid");
        let mut programs = HashSet::new();
        for row in &rows {
            let place = row.programs.join(", ");
            assert!(!row.source.is_empty() && !row.programs.is_empty());
            assert!(row.programs.iter().all(|program| programs.insert(program)), "{place} twice");
            check_unique(&names([&row.flags, &row.values, &row.optional]), &place);
            for (name, row) in &row.subcommands {
                check_unique(&names([&row.flags, &row.values, &row.optional]), &format!("{place} {name}"));
            }
            let known = |name: &String| row.subcommands.contains_key(name);
            assert!(row.aliases.iter().all(|(alias, name)| !known(alias) && known(name)), "{place}: {:?}", row.aliases);
        }
    }
}
