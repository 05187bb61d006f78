//! Programs by name: `programs.yaml`.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{TableError, decode_file, invalid, shipped};

/// The table of programs, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramTable {
    /// Whether each program never installs packages of the distribution.
    programs: BTreeMap<String, bool>,
    /// Options of programs that start their arguments.
    inits: BTreeMap<String, Vec<String>>,
    /// Whether each word of the shell changes nothing outside it.
    shell_words: BTreeMap<String, bool>,
    /// What programs do with a directory that they are given.
    trees: BTreeMap<String, TreeEffect>,
}

/// What a program does with a directory that it is given, and with all below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TreeEffect {
    /// It copies or moves them.
    Copied,
    /// It reads nothing below it and leaves it where it is.
    Kept,
}

impl ProgramTable {
    /// Whether the kernel can start a file of that name without a shell.
    #[must_use]
    pub fn is_program(&self, name: &str) -> bool {
        self.programs.contains_key(name)
    }

    /// Whether the program, or builtin, neither installs packages of the distribution nor reads their lists.
    #[must_use]
    pub fn never_installs(&self, name: &str) -> bool {
        self.programs.get(name).or_else(|| self.shell_words.get(name)).copied().unwrap_or(false)
    }

    /// Whether the program, with these arguments, starts the rest of its arguments as they are.
    #[must_use]
    pub fn is_init(&self, program: &str, arguments: &[&str]) -> bool {
        let name = program.rsplit('/').next().unwrap_or(program);
        self.inits
            .get(name)
            .is_some_and(|options| arguments.iter().all(|argument| options.iter().any(|option| option == argument)))
    }

    /// What the program does with a directory that it is given, if that is known.
    #[must_use]
    pub fn tree_effect(&self, name: &str) -> Option<TreeEffect> {
        self.trees.get(name).copied()
    }

    /// Whether the name is a builtin or keyword that a shell takes before it looks for a program.
    #[must_use]
    pub fn is_shell_word(&self, name: &str) -> bool {
        self.shell_words.contains_key(name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramsFile {
    groups: Vec<Group>,
    inits: Vec<Init>,
    shell_words: Vec<ShellWords>,
    trees: Vec<Trees>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    group: String,
    installs: Installs,
    source: String,
    programs: Vec<String>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Installs {
    Never,
    Perhaps,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Init {
    init: String,
    /// Options that leave the arguments as they are.
    options: Vec<String>,
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Trees {
    effect: TreeEffect,
    source: String,
    programs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShellWords {
    /// Whether the builtins change nothing outside the shell.
    harmless: bool,
    source: String,
    words: Vec<String>,
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn programs() -> &'static ProgramTable {
    static TABLE: OnceLock<ProgramTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_programs(shipped("programs.yaml")).expect("the shipped program table decodes"))
}

/// Decodes a program table.
///
/// # Errors
/// If it cannot be used: a row without source, a name in two rows.
pub fn decode_programs(text: &str) -> Result<ProgramTable, TableError> {
    let file: ProgramsFile = decode_file("programs.yaml", text)?;
    let sourced = |row: &str, source: &str| {
        if source.trim().is_empty() {
            Err(invalid("programs.yaml", row, "source", "it is empty".to_owned()))
        } else {
            Ok(())
        }
    };
    let mut table = ProgramTable {
        programs: BTreeMap::new(),
        inits: BTreeMap::new(),
        shell_words: BTreeMap::new(),
        trees: BTreeMap::new(),
    };
    for group in file.groups {
        sourced(&group.group, &group.source)?;
        for name in group.programs {
            if table.programs.insert(name.clone(), group.installs == Installs::Never).is_some() {
                return Err(invalid("programs.yaml", &group.group, "programs", format!("`{name}` stands in two rows")));
            }
        }
    }
    for init in file.inits {
        sourced(&init.init, &init.source)?;
        table.inits.insert(init.init, init.options);
    }
    for row in file.shell_words {
        sourced("shell_words", &row.source)?;
        table.shell_words.extend(row.words.into_iter().map(|word| (word, row.harmless)));
    }
    for row in file.trees {
        sourced("trees", &row.source)?;
        for name in row.programs {
            if table.trees.insert(name.clone(), row.effect).is_some() {
                return Err(invalid("programs.yaml", "trees", "programs", format!("`{name}` stands in two rows")));
            }
        }
    }
    Ok(table)
}
