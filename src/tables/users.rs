//! Users of programs, what needs root and what shows that a program writes: `users.yaml`.

use std::sync::OnceLock;

use serde::Deserialize;

use super::{DistributionName, TableError, decode_file, invalid, shipped};

/// The table, decoded. The heading of the file says what its parts mean.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserTable {
    create: Vec<Create>,
    makes: Vec<String>,
    own: Vec<Own>,
    gives: Texts,
    changers: Texts,
    listens: Vec<Listens>,
    families: Names,
    servers: Servers,
    root: Programs,
    privileged: Texts,
    home: Home,
    asides: Asides,
    shell: Shell,
    low_ports: Texts,
    writers: Vec<Writers>,
    relatives: Vec<Relatives>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    distributions: Vec<DistributionName>,
    command: String,
    source: String,
}

/// What images of a family have for programs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    families: Vec<String>,
    /// The account.
    #[serde(default)]
    pub user: Option<String>,
    /// Servers of the image that it can run.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Words behind such a server that change nothing.
    #[serde(default)]
    pub arguments: Vec<String>,
    /// The entrypoint, which only prepares the server.
    #[serde(default)]
    pub entrypoint: Option<String>,
    /// Directories that the servers write to.
    #[serde(default)]
    pub directories: Vec<String>,
    /// The settings of the server, when they say where it listens and what it writes.
    #[serde(default)]
    pub settings: Option<Settings>,
    source: String,
}

/// Where the settings of a server lie, and what they say.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Their directory.
    pub directory: String,
    /// The file that the server reads.
    pub main: String,
    /// The directory that the base image's main file includes.
    pub included: String,
    /// The file in it that the base image has.
    pub default: String,
    /// The port of that file, and the one without a word.
    pub port: u32,
    /// Directories and files with parts in how the server starts.
    special: Vec<String>,
    /// Ends of names of files that say nothing of ports and paths.
    data: Vec<String>,
    /// Directories that it writes to by default.
    pub directories: Vec<String>,
    /// Files that it writes by default.
    pub files: Vec<String>,
    /// The directive for these.
    pub pid: String,
    /// Directives that name files of logs.
    pub logs: Vec<String>,
    /// Ends of directives that name directories.
    written: Vec<String>,
    /// Starts of paths, and words in place of one, that need no owner.
    open: Vec<String>,
    /// Directives that may need root or write elsewhere.
    pub unsure: Vec<String>,
    /// The image of the same server that does not start as root.
    pub unprivileged: String,
    /// The port of that image.
    pub unprivileged_port: u32,
    /// Words that its tags are made of, beside versions.
    tags: Vec<String>,
    /// Words of tags that name a release of a distribution.
    releases: Vec<String>,
    /// The first version with these tags.
    since: (u32, u32),
}

impl Settings {
    /// Whether files below the path, or at it, may be settings.
    #[must_use]
    pub fn touches(&self, path: &str) -> bool {
        self.holds(path) || [&self.directory].into_iter().chain(&self.special).any(|own| is_below(own, path))
    }

    /// Whether the file is one of the settings.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        [&self.directory].into_iter().chain(&self.special).any(|own| is_below(path, own))
    }

    /// Whether the file takes part in how the server starts.
    #[must_use]
    pub fn is_special(&self, path: &str) -> bool {
        self.special.iter().any(|special| is_below(path, special))
    }

    /// Whether the file says nothing of ports and paths.
    #[must_use]
    pub fn is_data(&self, path: &str) -> bool {
        self.data.iter().any(|end| path.ends_with(end.as_str()))
    }

    /// Whether the directive names a directory that is written to.
    #[must_use]
    pub fn writes_directory(&self, directive: &str) -> bool {
        self.written.iter().any(|end| directive.ends_with(end.as_str()))
    }

    /// Whether everybody may write there.
    #[must_use]
    pub fn is_open(&self, path: &str) -> bool {
        self.open.iter().any(|open| path == open || open.ends_with(['/', ':']) && path.starts_with(open.as_str()))
    }

    /// The tag of the unprivileged image for the same version and distribution, if it is known to have one. Its tags do not name
    /// releases of distributions.
    #[must_use]
    pub fn unprivileged_tag(&self, tag: &str) -> Option<String> {
        let mut parts = Vec::new();
        for part in tag.split('-').filter(|part| !holds(&self.releases, part)) {
            let name = part.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
            let part = if holds(&self.tags, name) { name } else { part };
            parts.push((holds(&self.tags, part) || self.is_version(part)).then_some(part)?);
        }
        (!parts.is_empty()).then(|| parts.join("-"))
    }

    fn is_version(&self, part: &str) -> bool {
        let numbers: Option<Vec<u32>> = part.split('.').map(|number| number.parse().ok()).collect();
        let numbers = numbers.unwrap_or_default();
        matches!(numbers.as_slice(), [major, minor] | [major, minor, _] if (*major, *minor) >= self.since)
    }
}

/// A default port of images of some families.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Listens {
    families: Vec<String>,
    variable: String,
    port: u32,
    source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Names {
    source: String,
    names: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Servers {
    source: String,
    programs: Vec<String>,
    options: Vec<String>,
    development: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Programs {
    source: String,
    programs: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Texts {
    source: String,
    texts: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Home {
    source: String,
    commands: Vec<String>,
    elsewhere: Vec<String>,
    dependencies: Vec<String>,
    system: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asides {
    source: String,
    directories: Vec<String>,
    starts: Vec<String>,
    marks: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shell {
    source: String,
    directories: Vec<String>,
    files: Vec<String>,
    changes: Vec<String>,
}

/// What a command of a script does with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// It makes directories of them.
    Directory,
    /// It writes them.
    File,
    /// It changes files in other ways.
    Other,
}

/// What code says where it writes a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Writers {
    ends: Vec<String>,
    /// Whether these are sources of programs, not their settings.
    pub code: bool,
    source: String,
    /// Text in front of the path.
    pub paths: Vec<String>,
    /// Text that does not stand beside the path.
    pub other: Vec<String>,
    /// Second arguments of `open(` that write.
    pub opens: Vec<String>,
}

/// Directories that a framework writes to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relatives {
    /// The file that shows it.
    pub file: String,
    /// The package of `package.json` that shows it too.
    #[serde(default)]
    pub dependency: Option<String>,
    /// Below the working directory.
    pub directories: Vec<String>,
    source: String,
}

fn base_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}

fn is_below(path: &str, root: &str) -> bool {
    root == "/" || path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn holds(list: &[String], name: &str) -> bool {
    list.iter().any(|known| known == name)
}

fn found<'a>(list: &'a [String], text: &str) -> Option<&'a str> {
    list.iter().find(|known| text.contains(known.as_str())).map(String::as_str)
}

impl UserTable {
    /// The command that makes an account on the distribution.
    #[must_use]
    pub fn create(&self, distribution: DistributionName, name: &str, id: u32) -> Option<String> {
        let row = self.create.iter().find(|row| row.distributions.contains(&distribution))?;
        Some(row.command.replace("{name}", name).replace("{id}", &id.to_string()))
    }

    /// Whether the word is a command that makes accounts, perhaps with its path.
    #[must_use]
    pub fn makes_account(&self, word: &str) -> bool {
        self.makes.iter().any(|command| word.ends_with(command.as_str()))
    }

    /// Whether the word names a program, or a file of it, by which an entry script changes user.
    #[must_use]
    pub fn changes_user(&self, word: &str) -> bool {
        let name = base_name(word.trim_matches(|c: char| !c.is_ascii_alphanumeric()));
        self.changers.texts.iter().any(|known| name.starts_with(known.as_str()))
    }

    /// What images of the family have for programs.
    #[must_use]
    pub fn own(&self, family: &str) -> Option<&Own> {
        self.own.iter().find(|row| holds(&row.families, family))
    }

    /// Whether the command gives files to the user that it names.
    #[must_use]
    pub fn gives_files(&self, command: &str) -> bool {
        holds(&self.gives.texts, base_name(command))
    }

    /// The port below 1024 at which programs in images of the family listen, without the variable.
    #[must_use]
    pub fn listens_low(&self, family: &str) -> Option<(&str, u32)> {
        let row = self.listens.iter().find(|row| holds(&row.families, family))?;
        Some((&row.variable, row.port))
    }

    /// Whether the text fetches an installer that puts nothing below a home directory.
    #[must_use]
    pub fn installs_for_system(&self, text: &str) -> bool {
        found(&self.home.system, text).is_some()
    }

    /// Whether images of the family start nothing but what the file says.
    #[must_use]
    pub fn is_plain(&self, family: &str) -> bool {
        holds(&self.families.names, family)
    }

    /// Whether the program is one of which the table knows how it runs what it is given.
    #[must_use]
    pub fn is_server(&self, program: &str) -> bool {
        let name = base_name(program);
        holds(&self.servers.programs, name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.'))
            || holds(&self.servers.programs, name)
    }

    /// The word of an argv by which a server changes user, writes elsewhere or is one for development.
    #[must_use]
    pub fn unlike_server<'a>(&self, argv: &[&'a str]) -> Option<&'a str> {
        let is_it = |word: &&&str| {
            let option = word.split('=').next().unwrap_or(word);
            holds(&self.servers.options, option) || holds(&self.servers.development, base_name(word))
        };
        argv.iter().find(is_it).copied()
    }

    /// Whether the program has to start as root.
    #[must_use]
    pub fn needs_root(&self, program: &str) -> bool {
        holds(&self.root.programs, base_name(program))
    }

    /// What the text says where a program does what only root may do.
    #[must_use]
    pub fn privileged(&self, text: &str) -> Option<&str> {
        found(&self.privileged.texts, text)
    }

    /// What the text of a RUN says where it puts files below the home directory.
    #[must_use]
    pub fn home_command(&self, text: &str) -> Option<&str> {
        found(&self.home.commands, text)
    }

    /// Whether the text says that such files lie elsewhere.
    #[must_use]
    pub fn lies_elsewhere(&self, text: &str) -> bool {
        found(&self.home.elsewhere, text).is_some()
    }

    /// The dependency in a manifest that downloads below the home directory when it is installed.
    #[must_use]
    pub fn home_dependency(&self, manifest: &str) -> Option<&str> {
        found(&self.home.dependencies, manifest)
    }

    /// Whether the file takes no part in the program: tests, settings of builds, documentation.
    #[must_use]
    pub fn is_aside(&self, path: &str) -> bool {
        let name = base_name(path);
        path.split('/').any(|part| holds(&self.asides.directories, part))
            || self.asides.starts.iter().any(|start| name.starts_with(start.as_str()))
            || self.asides.marks.iter().any(|mark| name.contains(mark.as_str()))
    }

    /// What a command of a script writes, if it writes files.
    #[must_use]
    pub fn shell_writer(&self, command: &str, words: &[String]) -> Option<Operand> {
        let in_place = words.iter().any(|word| word.starts_with("-i"));
        if holds(&self.shell.directories, command) {
            return Some(Operand::Directory);
        }
        if holds(&self.shell.files, command) {
            return Some(Operand::File);
        }
        (holds(&self.shell.changes, command) || command == "sed" && in_place).then_some(Operand::Other)
    }

    /// How the text says that the program listens on a port below 1024. The digits have to end there.
    #[must_use]
    pub fn low_port(&self, text: &str) -> Option<&str> {
        let stands = |known: &&String| {
            text.match_indices(known.as_str()).any(|(at, _)| {
                let next = text[at + known.len()..].chars().next();
                !(known.ends_with(|c: char| c.is_ascii_digit()) && next.is_some_and(|c| c.is_ascii_alphanumeric()))
            })
        };
        self.low_ports.texts.iter().find(stands).map(String::as_str)
    }

    /// How code in a file of that name says that it writes.
    #[must_use]
    pub fn writers(&self, file: &str) -> Option<&Writers> {
        let end = file.rfind('.').map_or("", |at| &file[at..]);
        self.writers.iter().find(|row| holds(&row.ends, end))
    }

    /// Directories that frameworks write to.
    pub fn relatives(&self) -> impl Iterator<Item = &Relatives> {
        self.relatives.iter()
    }

    fn check(&self) -> Result<(), TableError> {
        let shared = [&self.families.source, &self.servers.source, &self.root.source, &self.privileged.source];
        let mut sources = shared
            .into_iter()
            .chain([&self.home.source, &self.low_ports.source, &self.shell.source, &self.asides.source])
            .chain(self.create.iter().map(|row| &row.source))
            .chain([&self.gives.source, &self.changers.source])
            .chain(self.own.iter().map(|row| &row.source))
            .chain(self.listens.iter().map(|row| &row.source))
            .chain(self.writers.iter().map(|row| &row.source))
            .chain(self.relatives.iter().map(|row| &row.source));
        match sources.any(|source| source.trim().is_empty()) {
            true => Err(invalid(FILE, "the file", "source", "it is empty")),
            false => Ok(()),
        }
    }
}

const FILE: &str = "users.yaml";

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn users() -> &'static UserTable {
    static TABLE: OnceLock<UserTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_users(shipped(FILE)).expect("the shipped table of users decodes"))
}

/// Decodes a table of users.
///
/// # Errors
/// If it cannot be used: a row without source.
pub fn decode_users(text: &str) -> Result<UserTable, TableError> {
    let table: UserTable = decode_file(FILE, text)?;
    table.check()?;
    Ok(table)
}
