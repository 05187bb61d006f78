//! Programs by name: `programs.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Sh, TableError, decode_file, invalid, shipped};

/// The table of programs, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramTable {
    /// Whether each program installs packages of the distribution.
    programs: BTreeMap<String, Installs>,
    /// Those whose names are common words: a file of such a name may be another program.
    common: BTreeSet<String>,
    /// Options of programs that start their arguments.
    inits: BTreeMap<String, Vec<String>>,
    /// Whether each word of the shell changes nothing outside it.
    shell_words: BTreeMap<String, bool>,
    /// What programs do with a directory that they are given.
    trees: BTreeMap<String, TreeEffect>,
    /// Programs that fetch the files which their arguments name.
    fetchers: Vec<String>,
    /// Whether shells stay beside the last command of `-c`.
    shells: Vec<ShellRow>,
    /// Programs that run a script of a manifest.
    runners: Vec<Runner>,
    /// Ends of the names of files that hold code.
    code: Vec<String>,
    /// The end of the names of scripts for a shell.
    script: String,
    /// Programs that write nothing, or only to what they are given.
    readers: Vec<String>,
    /// Programs that handle no SIGTERM.
    deaf: Vec<Deaf>,
    /// How health checks ask servers.
    askers: Askers,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Askers {
    source: String,
    programs: Vec<String>,
    /// Options that change nothing about the question.
    plain: Vec<String>,
    /// Programs that succeed whatever the answer is, without the option.
    fails: Vec<Fails>,
    lacks: Vec<Lacks>,
    questions: Vec<Question>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fails {
    program: String,
    option: String,
}

/// Images that surely lack programs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lacks {
    families: Vec<String>,
    /// A word of the tag; its start when it ends in `*`.
    word: String,
    programs: Vec<String>,
    source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    program: String,
    /// Whether it asks the first address of a name only.
    #[serde(default)]
    first_address: bool,
    text: String,
}

/// Programs that handle no SIGTERM unless what they run does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deaf {
    programs: Vec<String>,
    /// Words of the argv with which another program is run.
    not_with: Vec<String>,
    /// How sources say that they handle it.
    pub handlers: Vec<String>,
    /// What else helps.
    pub otherwise: Option<String>,
    source: String,
}

/// Whether a shell stays beside the last command of `-c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stays {
    /// It always does.
    Always,
    /// It starts the command in its own place.
    Never,
    /// It does when the command has a redirect.
    Redirected,
}

/// A shell and what was measured of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShellRow {
    shell: Sh,
    /// The name to show.
    name: String,
    programs: Vec<String>,
    /// Whether it stays.
    pub stays: Stays,
    /// The version with which that was measured, to show.
    pub measured: String,
    source: String,
}

/// A program that runs a script of a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Runner {
    /// Its name.
    pub program: String,
    /// Scripts that are also subcommands.
    scripts: Vec<String>,
    /// The subcommands that run any script.
    run: Vec<String>,
    /// The file that has the scripts, a JSON object `scripts`.
    pub manifest: String,
    /// What is put before the name of a script to name another one that runs with it.
    pub around: Vec<String>,
    /// What the names of the variables that it sets start with.
    pub variables: Vec<String>,
    /// Files beside the manifest that may change how scripts run.
    pub settings: Vec<String>,
    source: String,
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
        self.programs.contains_key(name) && !self.common.contains(name)
    }

    /// Whether the program, or builtin, neither installs packages of the distribution nor reads their lists.
    #[must_use]
    pub fn never_installs(&self, name: &str) -> bool {
        match self.programs.get(name) {
            Some(installs) => *installs == Installs::Never,
            None => self.shell_words.get(name).copied().unwrap_or(false),
        }
    }

    /// Whether the program builds what others wrote, which installs no packages of the distribution as a rule.
    #[must_use]
    pub fn hardly_installs(&self, name: &str) -> bool {
        self.programs.get(name) == Some(&Installs::Hardly)
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

    /// The options of a program that starts its arguments as they are, if it is one.
    #[must_use]
    pub fn init_options(&self, program: &str) -> Option<&[String]> {
        self.inits.get(program.rsplit('/').next().unwrap_or(program)).map(Vec::as_slice)
    }

    /// Whether the program writes nothing, or only to what it is given.
    #[must_use]
    pub fn only_reads(&self, name: &str) -> bool {
        self.readers.iter().any(|known| known == name)
    }

    /// What is known of a program that handles no SIGTERM as PID 1, when it is started like that.
    #[must_use]
    pub fn ignores_sigterm(&self, argv: &[String]) -> Option<&Deaf> {
        let program = argv.first()?.rsplit('/').next()?;
        let row = self.deaf.iter().find(|row| row.programs.iter().any(|known| known == program))?;
        (!row.not_with.iter().any(|word| argv.contains(word))).then_some(row)
    }

    /// Whether health checks ask a server with the program.
    #[must_use]
    pub fn is_asker(&self, word: &str) -> bool {
        self.askers.programs.iter().any(|known| known == word)
    }

    /// Whether the program with these options asks a server, does nothing else, and fails with the answer.
    #[must_use]
    pub fn asks_plainly(&self, program: &str, options: &[&str]) -> bool {
        let fails = self.askers.fails.iter().find(|row| row.program == program);
        fails.is_none_or(|row| options.contains(&row.option.as_str()))
            && options.iter().all(|option| self.askers.plain.iter().any(|plain| plain == option))
    }

    /// Whether images of the family with such a tag surely lack the program.
    #[must_use]
    pub fn lacks(&self, family: &str, tag: &str, program: &str) -> bool {
        let fits = |word: &str| match word.strip_suffix('*') {
            Some(start) => tag.split('-').any(|part| part.starts_with(start)),
            None => tag.split('-').any(|part| part == word),
        };
        let is_in = |list: &[String], name: &str| list.iter().any(|known| known == name);
        self.askers
            .lacks
            .iter()
            .any(|row| is_in(&row.families, family) && fits(&row.word) && is_in(&row.programs, program))
    }

    /// How to ask a server with a program that the image has.
    pub fn question(&self, has: impl Fn(&str) -> bool, url: &str) -> Option<String> {
        let row = self.askers.questions.iter().find(|row| has(&row.program))?;
        // Some look at the first address of the name only, which may be the one of IPv6.
        let url = if row.first_address { url.replacen("//localhost", "//127.0.0.1", 1) } else { url.to_owned() };
        // Where the text has no quotes around it, the shell may read it.
        let is_word = url.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/:=%+,".contains(&byte));
        let url = if is_word || row.text.contains("'{url}'") { url } else { format!("'{url}'") };
        Some(row.text.replace("{url}", &url))
    }

    /// What is known of a shell, with its name to show.
    #[must_use]
    pub fn stays(&self, shell: Sh) -> Option<(&ShellRow, &str)> {
        self.shells.iter().find(|row| row.shell == shell).map(|row| (row, row.name.as_str()))
    }

    /// Which shell the program is by its name.
    #[must_use]
    pub fn shell(&self, program: &str) -> Option<Sh> {
        let name = program.rsplit('/').next().unwrap_or(program);
        self.shells.iter().find(|row| row.programs.iter().any(|known| known == name)).map(|row| row.shell)
    }

    /// The program that runs a script of a manifest and does nothing else with these arguments, with the script's name.
    #[must_use]
    pub fn runner<'a>(&self, argv: &'a [String]) -> Option<(&Runner, &'a str)> {
        let (program, arguments) = argv.split_first()?;
        let runner = self.runners.iter().find(|runner| runner.program == *program)?;
        let script = match arguments {
            [script] if runner.scripts.contains(script) => script,
            [run, script] if runner.run.contains(run) && !script.starts_with('-') => script,
            _ => return None,
        };
        Some((runner, script))
    }

    /// Whether a file of that name is a script for a shell.
    #[must_use]
    pub fn is_script(&self, name: &str) -> bool {
        name.ends_with(&self.script)
    }

    /// Whether a file of that name holds code or settings.
    #[must_use]
    pub fn is_code(&self, name: &str) -> bool {
        self.code.iter().any(|end| name.ends_with(end.as_str()))
    }

    /// Whether the program fetches files.
    #[must_use]
    pub fn is_fetcher(&self, name: &str) -> bool {
        self.fetchers.iter().any(|fetcher| fetcher == name)
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
    shells: Vec<ShellRow>,
    runners: Vec<Runner>,
    code: Code,
    deaf: Vec<Deaf>,
    askers: Askers,
    fetchers: Fetchers,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fetchers {
    source: String,
    programs: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    source: String,
    ends: Vec<String>,
    script: String,
    readers: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    group: String,
    installs: Installs,
    #[serde(default)]
    common: bool,
    source: String,
    programs: Vec<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Installs {
    Never,
    Hardly,
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
        common: BTreeSet::new(),
        inits: BTreeMap::new(),
        shell_words: BTreeMap::new(),
        trees: BTreeMap::new(),
        shells: file.shells,
        runners: file.runners,
        code: file.code.ends,
        script: file.code.script,
        readers: file.code.readers,
        deaf: file.deaf,
        askers: file.askers,
        fetchers: file.fetchers.programs,
    };
    sourced("fetchers", &file.fetchers.source)?;
    sourced("code", &file.code.source)?;
    sourced("askers", &table.askers.source)?;
    for row in &table.askers.lacks {
        sourced("askers", &row.source)?;
    }
    for row in &table.shells {
        sourced(&row.name, &row.source)?;
    }
    for row in &table.runners {
        sourced(&row.program, &row.source)?;
    }
    for group in file.groups {
        sourced(&group.group, &group.source)?;
        for name in group.programs {
            if group.common {
                table.common.insert(name.clone());
            }
            if table.programs.insert(name.clone(), group.installs).is_some() {
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
