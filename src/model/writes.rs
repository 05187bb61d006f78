//! What a program writes while it runs: files and directories, as its commands, the sources in the build context and the tables
//! tell. What cannot be told is said.

use std::collections::BTreeSet;

use super::privilege::Started;
use super::{Base, Model, Stage};
use crate::context::Entry;
use crate::shell::ast::{Script, SimpleCommand, Word};
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, Operand, Own, Writers};

/// What a program writes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// Directories in which it makes files, absolute, without those that everybody may write to.
    pub directories: BTreeSet<String>,
    /// Files of the image that it changes, absolute.
    pub files: BTreeSet<String>,
    /// Why there may be more, if there may: somebody has to look.
    pub unknown: Option<String>,
    /// Volumes of the image.
    pub volumes: BTreeSet<String>,
    /// What shows that nothing more is written.
    pub evidence: String,
}

/// A place that is written to.
enum Place {
    /// Everybody may write there.
    Open,
    /// A file of that path.
    File(String),
    /// It is not known.
    Unknown,
}

impl Model<'_> {
    /// What the program of the stage writes.
    ///
    /// # Errors
    /// What it writes that no user but root should.
    pub fn writes(&self, stage: &Stage, started: &Started, own: Option<&Own>) -> Result<Writes, String> {
        let mut writes = Writes::default();
        self.declared_volumes(stage, &mut writes);
        for (name, script) in &started.scripts {
            self.written_by_script(stage, name, script, &mut writes)?;
        }
        self.written_by_sources(stage, started, &mut writes);
        self.judge_programs(stage, started, own, &mut writes);
        if let Some(workdir) = self.final_workdir(stage) {
            for row in tables::users().relatives() {
                let is_dependency = |package: &String| {
                    let manifest = self.context.read("package.json").unwrap_or_default();
                    manifest.contains(&format!("\"{package}\":"))
                };
                if self.context.entry(&row.file) == Entry::File || row.dependency.as_ref().is_some_and(is_dependency) {
                    let below = row.directories.iter();
                    writes.directories.extend(below.map(|directory| super::origin::in_directory(&workdir, directory)));
                }
            }
        }
        if let Some(why) = self.filled_by_root(stage, &writes) {
            writes.unknown.get_or_insert(why);
        }
        for path in writes.directories.iter().chain(&writes.files).chain(&writes.volumes) {
            if let Some(why) = is_of_system(path) {
                return Err(format!("it writes to `{path}`, {why}"));
            }
        }
        writes.directories.extend(own.into_iter().flat_map(|own| own.directories.iter().cloned()));
        Ok(writes)
    }

    fn declared_volumes(&self, stage: &Stage, writes: &mut Writes) {
        let mut family = Some(stage);
        while let Some(stage) = family {
            for index in stage.instructions.clone() {
                let InstructionKind::Volume(paths) = &self.instruction(index).kind else { continue };
                let expand = |path: &crate::syntax::ast::Word| {
                    self.state(index).variables.expand(&path.text, self.dockerfile.escape).text
                };
                writes.volumes.extend(paths.iter().filter_map(expand));
            }
            family = match stage.base {
                Base::Stage(parent) => Some(&self.stages[parent]),
                _ => None,
            };
        }
        let base = stage.image.as_deref().and_then(|image| image.volumes.known());
        writes.volumes.extend(base.into_iter().flatten().cloned());
    }

    /// What the shell writes before the program runs.
    fn written_by_script(&self, stage: &Stage, name: &str, script: &Script, writes: &mut Writes) -> Result<(), String> {
        for command in script.all_simple_commands() {
            for redirect in &command.redirects {
                if !redirect.operator.starts_with('>') && redirect.operator != "&>" || redirect.operator == ">&" {
                    continue;
                }
                let place = redirect.target.literal().map_or(Place::Unknown, |path| self.place(stage, &path));
                self.add(place, || format!("{name} writes to a file that only the shell knows"), writes);
            }
            let Some(program) = command.name() else { continue };
            let words: Vec<String> = command.words.iter().skip(1).filter_map(Word::literal).collect();
            match tables::users().shell_writer(&program, &words) {
                Some(Operand::Other) => {
                    let unknown = format!("{name} runs `{program}`, which changes files");
                    writes.unknown.get_or_insert(unknown);
                }
                Some(operand) => {
                    for path in operands(command) {
                        let why = || format!("{name} writes with `{program}`");
                        match path.map_or(Place::Unknown, |path| self.place(stage, &path)) {
                            Place::File(path) if operand == Operand::Directory => {
                                writes.directories.insert(path);
                            }
                            place => self.add(place, why, writes),
                        }
                    }
                }
                None => {}
            }
        }
        Ok(())
    }

    fn add(&self, place: Place, why: impl Fn() -> String, writes: &mut Writes) {
        match place {
            Place::Open => {}
            Place::File(path) => {
                let directory = path.rsplit_once('/').map_or("/", |(directory, _)| directory);
                writes.directories.insert(if directory.is_empty() { "/".to_owned() } else { directory.to_owned() });
                writes.files.insert(path);
            }
            Place::Unknown => drop(writes.unknown.get_or_insert_with(why)),
        }
    }

    /// Where a path of the program leads.
    fn place(&self, stage: &Stage, path: &str) -> Place {
        if path.is_empty() || path.contains(['$', '{', '%', '*', '~', '`', '\n']) || path.contains("://") {
            return Place::Unknown;
        }
        let Some(path) = self.absolute(stage, path) else { return Place::Unknown };
        let is_open = ["/tmp", "/var/tmp", "/dev", "/proc/self/fd", "/proc/1/fd"]
            .iter()
            .any(|open| super::origin::is_within(&path, open));
        if is_open { Place::Open } else { Place::File(path) }
    }

    /// What the sources of the program say that they write.
    fn written_by_sources(&self, stage: &Stage, started: &Started, writes: &mut Writes) {
        let Some(sources) = self.context.sources() else {
            writes.unknown.get_or_insert("the sources of the program are not known".to_owned());
            return;
        };
        let mut read = 0;
        for source in sources.iter().filter(|source| !tables::users().is_aside(&source.path)) {
            let Some(row) = tables::users().writers(&source.path) else { continue };
            if !row.code && source.path.contains("lock") {
                continue;
            }
            read += usize::from(row.code);
            let Some(text) = &source.text else {
                if row.code {
                    writes.unknown.get_or_insert(format!("the text of `{}` is not known", source.path));
                }
                continue;
            };
            let given = self.given(stage, started, text);
            let mut found = Writes::default();
            self.written_by_source(stage, &source.path, text, row, &mut found);
            // A path that the code is given is one of those that the file gives.
            if found.unknown.is_some() && !given.is_empty() {
                found.unknown = None;
                found.directories.extend(given);
            }
            writes.directories.append(&mut found.directories);
            writes.files.append(&mut found.files);
            writes.unknown = writes.unknown.take().or(found.unknown);
        }
        if read == 0 {
            writes.unknown.get_or_insert("no source of the program is in the build context".to_owned());
        }
        writes.evidence = format!("{read} source files of the build context");
    }

    /// Directories that the file gives the code: by variables that the code names, and by arguments that it reads.
    fn given(&self, stage: &Stage, started: &Started, text: &str) -> Vec<String> {
        let usable = |path: &str| {
            path.starts_with('/')
                && is_of_system(path).is_none()
                && Some(path) != self.final_workdir(stage).as_deref()
                && !path.contains([':', '$', ' '])
        };
        let variables = stage.end.variables.environment.iter().filter(|(name, _)| names(text, name));
        let mut given: Vec<String> =
            variables.filter_map(|(_, value)| value.fixed()).filter(|path| usable(path)).map(str::to_owned).collect();
        if ["argv", "args()", "os.Args", "ARGV", "argparse"].iter().any(|reads| text.contains(reads)) {
            let arguments = started.commands.iter().flat_map(|argv| argv.iter().skip(1));
            for path in arguments.filter(|word| word.starts_with('/')) {
                let is_program = self.context_file(stage, stage.instructions.end, path).is_some();
                let (above, name) = path.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
                // A name without an ending is that of a directory.
                let directory = if name.contains('.') { above } else { path.as_str() };
                if !is_program && usable(directory) {
                    given.push(directory.to_owned());
                }
            }
        }
        given
    }

    /// Whether files of root may lie in the directories that the program writes to: what a RUN makes there is not the user's.
    fn filled_by_root(&self, stage: &Stage, writes: &Writes) -> Option<String> {
        let workdir = self.final_workdir(stage);
        let directories: Vec<&String> =
            writes.directories.iter().filter(|path| Some(path.as_str()) != workdir.as_deref()).collect();
        if directories.is_empty() {
            return None;
        }
        for index in stage.instructions.clone().filter(|index| self.is_run(*index)) {
            let line = self.lines.line(self.instruction(index).span.start);
            let Some(calls) = self.every_call(index) else {
                return Some(format!(
                    "line {line} is not understood: it may put files of root where the program writes"
                ));
            };
            for call in &calls {
                let name = call.command.name().unwrap_or_default();
                let words: Vec<String> = call.command.words.iter().skip(1).filter_map(|word| word.pattern()).collect();
                let below = |word: &String| {
                    directories.iter().any(|path| {
                        let absolute = self.absolute(stage, word).unwrap_or_default();
                        super::origin::is_within(&absolute, path) && absolute != **path
                    })
                };
                let runs_code =
                    tables::users().is_server(&name) && words.iter().any(|word| tables::programs().is_code(word));
                if runs_code || words.iter().any(below) {
                    return Some(format!("line {line} may put files of root where the program writes"));
                }
            }
        }
        None
    }

    fn written_by_source(&self, stage: &Stage, path: &str, text: &str, row: &Writers, writes: &mut Writes) {
        let line = |at: usize| text[..at].matches('\n').count() + 1;
        for (at, known) in row.paths.iter().flat_map(|known| text.match_indices(known.as_str())) {
            let place = literal(&text[at + known.len()..]).map_or(Place::Unknown, |path| self.place(stage, path));
            let makes = known.to_ascii_lowercase();
            match place {
                Place::File(path) if makes.contains("dir") => _ = writes.directories.insert(path),
                place => self.add(place, || format!("`{path}` line {} writes a file: `{known}`", line(at)), writes),
            }
        }
        let has_database = !writes.files.is_empty();
        let tells = |known: &&String| !(has_database && known.to_ascii_lowercase().contains("sqlite"));
        if let Some((at, known)) =
            row.other.iter().filter(tells).find_map(|known| Some((text.find(known.as_str())?, known)))
        {
            writes.unknown.get_or_insert_with(|| format!("`{path}` line {} may write a file: `{known}`", line(at)));
        }
        if row.opens.is_empty() {
            return;
        }
        for (at, _) in text.match_indices("open(") {
            let call: &str = text[at + 5..].split(['\n', ')']).next().unwrap_or_default();
            if !row.opens.iter().any(|mode| call.contains(mode.as_str())) {
                continue;
            }
            let place = literal(call).map_or(Place::Unknown, |path| self.place(stage, path));
            self.add(place, || format!("`{path}` line {} opens a file to write", line(at)), writes);
        }
    }

    /// What is started has to be something whose sources are read.
    fn judge_programs(&self, stage: &Stage, started: &Started, own: Option<&Own>, writes: &mut Writes) {
        for argv in &started.commands {
            let Some(program) = argv.first() else { continue };
            if program.is_empty() {
                writes.unknown.get_or_insert("which program is started is known only to the shell".to_owned());
                continue;
            }
            self.written_by_arguments(stage, argv, writes);
            let words: Vec<&str> = argv.iter().map(String::as_str).collect();
            if let Some(word) = tables::users().unlike_server(&words) {
                writes.unknown.get_or_insert(format!("`{}` is started with `{word}`", argv.join(" ")));
            }
            let is_harmless = tables::programs().runner(argv).is_some()
                || tables::programs().is_shell_word(program)
                || tables::programs().tree_effect(program).is_some()
                || tables::programs().only_reads(program)
                || crate::shell::Dialect::of(&[program.clone(), "-c".to_owned()]).dialect().is_some();
            let is_own = own.is_some_and(|own| own.programs.contains(program));
            if is_harmless || is_own || tables::users().is_server(program) || self.is_of_context(stage, program) {
                continue;
            }
            writes.unknown.get_or_insert(format!("what `{program}` writes is not known"));
        }
    }

    /// Files that options name: a log, a pid file, a socket.
    fn written_by_arguments(&self, stage: &Stage, argv: &[String], writes: &mut Writes) {
        for (at, word) in argv.iter().enumerate().skip(1) {
            let (option, value) = match word.split_once('=') {
                Some((option, value)) if option.starts_with('-') => (option, value),
                _ if word.starts_with("unix:") => ("sock", &word["unix:".len()..]),
                _ => (argv[at - 1].as_str(), word.as_str()),
            };
            let writes_it = ["log", "pid", "sock", "cache", "out", "upload", "store", "storage", "db"]
                .iter()
                .any(|what| option.starts_with(['-', 's']) && option.contains(what));
            if writes_it && value.contains('/') && !value.contains("://") {
                let place = self.place(stage, value);
                self.add(place, || format!("`{word}` in the command names a file that is written"), writes);
            }
        }
    }

    /// Whether the program is made of the context: a file of it, or one that another stage builds.
    fn is_of_context(&self, stage: &Stage, program: &str) -> bool {
        let name = program.rsplit('/').next().unwrap_or(program);
        let Some(path) = self.absolute(stage, program) else { return false };
        if self.context_file(stage, stage.instructions.end, &path).is_some() {
            return true;
        }
        stage.instructions.clone().any(|index| {
            let InstructionKind::Copy(transfer) = &self.instruction(index).kind else { return false };
            let Some(destination) = self.destination(index, transfer) else { return false };
            let from_stage = !self.stages_read_by(index).is_empty();
            let names_it = transfer.sources.iter().any(|source| source.text.rsplit('/').next() == Some(name));
            from_stage && (names_it || program.contains('/') && super::origin::is_within(&path, &destination))
        }) || self.is_built_here(stage, name)
    }

    /// Whether a RUN of the stage builds a program of that name from sources of the context.
    fn is_built_here(&self, stage: &Stage, name: &str) -> bool {
        let builds = |index: usize| {
            self.calls(index).iter().any(|call| {
                matches!(call.program(), "go" | "cargo")
                    && call.subcommand().is_some_and(|sub| matches!(sub, "build" | "install"))
                    && (call.has_word_with(name) || call.option(&["-o"]).is_none())
            })
        };
        stage.instructions.clone().any(builds)
    }
}

/// The operands of a simple command, as far as they are known.
fn operands(command: &SimpleCommand) -> Vec<Option<String>> {
    let words = command.words.iter().skip(1).map(Word::literal);
    words.filter(|word| !word.as_ref().is_some_and(|word| word.starts_with('-'))).collect()
}

/// The string that the text starts with.
fn literal(text: &str) -> Option<&str> {
    let text = text.trim_start_matches([' ', '\n', '\t']);
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (inside, rest) = text[1..].split_once(quote)?;
    let follows = rest.trim_start().chars().next();
    // `"a" + name` is another path.
    matches!(follows, None | Some(',' | ')')).then_some(inside)
}

/// Why no program should own the directory.
pub(super) fn is_of_system(path: &str) -> Option<&'static str> {
    let within = |roots: &[&str]| roots.iter().any(|root| super::origin::is_within(path, root));
    if path == "/"
        || matches!(
            path,
            "/home"
                | "/opt"
                | "/srv"
                | "/var"
                | "/var/lib"
                | "/var/log"
                | "/var/cache"
                | "/run"
                | "/var/run"
                | "/mnt"
                | "/data/.."
        )
    {
        return Some("which others use too");
    }
    // The directory that the documentation of Docker and of many base images has programs in.
    if path.strip_prefix("/usr/src/").is_some_and(|below| !below.is_empty()) {
        return None;
    }
    if within(&["/bin", "/boot", "/etc", "/lib", "/proc", "/sbin", "/sys", "/usr"]) {
        return Some("which is a part of the system");
    }
    within(&["/root"]).then_some("which only root can reach")
}

/// Whether the text names the variable.
fn names(text: &str, name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        !text[..at].chars().next_back().is_some_and(is_word)
            && !text[at + name.len()..].chars().next().is_some_and(is_word)
    })
}
