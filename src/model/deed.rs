//! What the commands of a RUN leave behind in the image, as far as a split into two stages has to know it.
//!
//! A command of which that is not known makes the whole RUN unknown. What is found is an upper bound: loops, conditions and
//! the order of commands do not matter to it.

mod programs;
mod python;

use std::collections::BTreeSet;

pub use python::with_any_extras;

use super::cache::is_below;
use super::walk::clean;
use super::{Model, front_end, gems, installs, java, outputs, php, split};
use crate::shell::ast::{Child, Node, Script, SimpleCommand, Word};
use crate::shell::command::packages::{Action, Manager, PackageCommand};
use crate::shell::command::{Argument, Invocation, recognize};
use crate::shell::state::is_opaque;
use crate::syntax::ast::{Command, InstructionKind};
use crate::syntax::mount::MountKind;
use crate::tables::{self, CommandEffects, Operands, OptionValue, ProjectTool};

/// What a command leaves behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Packages of the distribution.
    Packages {
        /// Their names as written.
        names: Vec<String>,
        /// Whether what they merely recommend comes with them.
        recommends: bool,
        /// Whether the RUN itself refreshes the lists that it reads.
        refreshed: bool,
    },
    /// Python packages for the interpreter that the PATH leads to.
    PythonPackages,
    /// As `PythonPackages`, of use only to who starts one of these programs.
    PythonTools(Vec<String>),
    /// Tools for all users, of use only to who starts one of these programs.
    Tools(Vec<String>),
    /// Stand-ins for programs, which fetch them when they are first called.
    Shims(Vec<String>),
    /// Files at the absolute path or below it, or none.
    Below(String),
    /// As `Below`; the path is there afterwards.
    Output(String),
    /// A source of packages, of use to who installs some of it.
    Source,
    /// A user or a group.
    Account,
    /// Newer versions of packages of the base image.
    Upgraded {
        /// The subcommand.
        command: String,
        /// Whether the RUN itself refreshes the lists that it reads.
        refreshed: bool,
    },
    /// Settings of the distribution, from its packages.
    Settings,
    /// What the linker knows of libraries.
    Linked,
    /// The owner of what stands at the absolute path.
    Owner {
        /// The path.
        path: String,
        /// The owner as written.
        owner: String,
        /// Whether it is that of what stands below it, too.
        recursive: bool,
    },
    /// Programs of a registry for all users, the same wherever they are installed.
    Programs,
    /// Nothing new: what the program needs of the path, or of what stands below it, is put where the program has it.
    Taken(String),
}

impl Deed {
    /// The programs without which the deed is of no use.
    #[must_use]
    pub fn tools(&self) -> Option<&[String]> {
        match self {
            Self::PythonTools(programs) | Self::Tools(programs) | Self::Shims(programs) => Some(programs),
            _ => None,
        }
    }

    /// The path at or below which files are left.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Below(path) | Self::Output(path) => Some(path),
            _ => None,
        }
    }
}

/// The file of the context that stands at the absolute path when the instruction runs.
#[must_use]
pub fn source_at(model: &Model<'_>, index: usize, path: &str) -> Option<String> {
    let stage = model.stage_of(index)?;
    model.context_file(stage, index, path)
}

/// What the RUN leaves behind.
///
/// # Errors
/// Why that is not known.
pub fn deeds(model: &Model<'_>, run: usize) -> Result<Vec<Deed>, String> {
    deeds_without(model, run, &BTreeSet::new())
}

/// What the RUN leaves behind without the commands that start at these places of its script.
///
/// # Errors
/// Why that is not known.
pub(super) fn deeds_without(model: &Model<'_>, run: usize, left_out: &BTreeSet<usize>) -> Result<Vec<Deed>, String> {
    let InstructionKind::Run(command) = &model.instruction(run).kind else { return Err("it is no RUN".to_owned()) };
    if matches!(command, Command::Exec(_)) {
        return Err("what a RUN in exec form leaves behind is not followed".to_owned());
    }
    let body = model.body(run).ok_or("its script is not known")?;
    let script = body.script.as_ref().as_ref().map_err(ToString::to_string)?;
    if is_opaque(script) {
        return Err("what it runs is known only when it runs".to_owned());
    }
    let workdir = model.state(run).workdir.fixed().ok_or("the working directory is not known")?;
    let directories = vec![workdir.to_owned()];
    let setups = front_end::setups(script);
    let mut reader = Reader { model, run, left_out, directories, is_chain: false, refreshed: false, deeds: Vec::new() };
    if !setups.is_empty() {
        reader.deeds.push(Deed::Source);
    }
    let is_setup = |command: &SimpleCommand| {
        command.words.first().is_some_and(|word| setups.iter().any(|pipe| pipe.contains(word.span)))
    };
    match script.and_chain().filter(|nodes| nodes.iter().all(|node| node.as_simple().is_some())) {
        Some(nodes) => reader.chain(&nodes)?,
        None => {
            reader.directories(script)?;
            reader.redirects(Child::List(&script.list))?;
            for command in script.all_simple_commands().into_iter().filter(|command| !is_setup(command)) {
                reader.command(command)?;
            }
        }
    }
    let mut deeds = reader.deeds;
    deeds.dedup();
    check_mounts(model, run, &deeds)?;
    Ok(deeds)
}

/// What a mount hides is not left behind.
fn check_mounts(model: &Model<'_>, run: usize, deeds: &[Deed]) -> Result<(), String> {
    for mount in model.mounts(run).iter().filter(|mount| matches!(mount.kind, MountKind::Cache | MountKind::Tmpfs)) {
        let target = mount.target.as_deref().unwrap_or_default();
        let is_output = |deed: &Deed| deed.path().is_some_and(|path| is_below(target, path) || is_below(path, target));
        if deeds.iter().any(is_output) && !tables::stages().is_scratch(target) {
            return Err(format!("a mount stands over `{target}`, where it writes"));
        }
    }
    Ok(())
}

struct Reader<'m> {
    model: &'m Model<'m>,
    run: usize,
    /// Where commands start that are passed over.
    left_out: &'m BTreeSet<usize>,
    /// Where the commands may run.
    directories: Vec<String>,
    /// Whether the commands follow one another, each if the one before succeeds: `directories` is where the next one runs.
    is_chain: bool,
    /// Whether package lists were refreshed.
    refreshed: bool,
    deeds: Vec<Deed>,
}

impl Reader<'_> {
    /// Reads commands that follow one another.
    fn chain(&mut self, nodes: &[&Node]) -> Result<(), String> {
        self.is_chain = true;
        for node in nodes {
            self.redirects(Child::Node(node))?;
            for command in node.all_simple_commands() {
                self.command(command)?;
            }
            let Some(command) = node.as_simple().filter(|command| command.name().as_deref() == Some("cd")) else {
                continue;
            };
            let path = match command.words.as_slice() {
                [_, word] => installs::text_of(self.model, self.run, word),
                _ => None,
            };
            let path = path.filter(|path| path != "-").ok_or("where `cd` leads is not known")?;
            self.directories = self.directories.iter().map(|directory| joined(directory, &path)).collect();
        }
        Ok(())
    }

    /// Follows `cd`, one after the other.
    fn directories(&mut self, script: &Script) -> Result<(), String> {
        for command in script.all_simple_commands() {
            let Some(invocation) = recognize(command).filter(|invocation| invocation.program == "cd") else { continue };
            let arguments = invocation.known_arguments().ok_or("where `cd` leads is not known")?;
            let [path] = arguments.as_slice() else { return Err("where `cd` leads is not known".to_owned()) };
            let absolute: Vec<String> = self.directories.iter().map(|directory| joined(directory, path)).collect();
            self.directories.extend(absolute);
            self.directories.dedup();
        }
        Ok(())
    }

    fn redirects(&mut self, child: Child<'_>) -> Result<(), String> {
        let mut todo = vec![child];
        while let Some(child) = todo.pop() {
            match child {
                Child::List(list) => todo.extend(list.statements.iter().map(|statement| Child::Node(&statement.node))),
                Child::Word(word) => todo.extend(word.substitutions().map(Child::List)),
                Child::Node(node) => {
                    for redirect in node.redirects().iter().filter(|redirect| redirect.operator.contains('>')) {
                        let target =
                            redirect.target.literal().ok_or("where it writes to is known only when it runs")?;
                        let is_descriptor = redirect.operator.ends_with('&');
                        if !is_descriptor && !target.starts_with("/dev/") {
                            self.writes(Some(&target))?;
                            self.is_there_now(&target);
                        }
                    }
                    todo.extend(node.children());
                }
            }
        }
        Ok(())
    }

    /// Notes a path that is written.
    fn writes(&mut self, path: Option<&str>) -> Result<(), String> {
        let path = path.ok_or("where it writes to is known only when it runs")?;
        let fixed = fixed_part(path);
        let paths: Vec<String> = self.directories.iter().map(|directory| joined(directory, fixed)).collect();
        for path in paths {
            if tables::stages().is_setting(&path) {
                self.deeds.push(Deed::Settings);
            } else if !tables::stages().is_scratch(&path) {
                self.deeds.push(Deed::Below(path));
            }
        }
        Ok(())
    }

    /// Notes that a path that a redirection writes is there afterwards.
    fn is_there_now(&mut self, target: &str) {
        if let [directory] = self.directories.as_slice()
            && self.is_chain
        {
            let path = joined(directory, target);
            if !tables::stages().is_scratch(&path) && !tables::stages().is_setting(&path) {
                self.deeds.push(Deed::Output(path));
            }
        }
    }

    /// Notes a path that is made.
    fn makes(&mut self, path: &str) -> Result<(), String> {
        let paths: Vec<Deed> = self.directories.iter().map(|directory| Deed::Output(joined(directory, path))).collect();
        self.deeds.extend(paths);
        Ok(())
    }

    /// Notes files that are edited in place, which are there as the command fails otherwise; whether they are known.
    fn edits(&mut self, paths: &[Option<String>]) -> bool {
        let [directory] = self.directories.as_slice() else { return false };
        let Some(paths) = paths.iter().map(Option::as_deref).collect::<Option<Vec<&str>>>() else { return false };
        let made = paths.iter().map(|path| joined(directory, fixed_part(path)));
        let deed = |path: String| if tables::stages().is_setting(&path) { Deed::Settings } else { Deed::Output(path) };
        let made: Vec<Deed> = made.filter(|path| !tables::stages().is_scratch(path)).map(deed).collect();
        self.deeds.extend(made);
        true
    }

    /// What a command leaves behind that fetches files or unpacks them; `None` when that is not known.
    fn fetched(&mut self, invocation: &Invocation, row: &CommandEffects) -> Option<Result<(), String>> {
        let is_of_user = row.touches.iter().all(|path| path == "~") && !row.prefix;
        let is_asked = row.requires.is_empty() || row.requires.iter().any(|option| invocation.has(option));
        let is_known = matches!(row.operands, Operands::Urls | Operands::Clone | Operands::Text);
        if !is_of_user || !is_asked || !is_known || invocation.unknown_option.is_some() {
            return None;
        }
        for option in &invocation.options {
            let Some(value) = &option.value else { continue };
            match row.values.get(&option.name)? {
                OptionValue::File | OptionValue::Write => {
                    let text = value.text.as_deref().filter(|text| *text != "-")?;
                    match self.directories.as_slice() {
                        [directory] if self.is_chain && row.values[&option.name] == OptionValue::File => {
                            let path = joined(directory, text);
                            self.deeds.extend((!tables::stages().is_scratch(&path)).then_some(Deed::Output(path)));
                        }
                        _ => self.writes(Some(text)).ok()?,
                    }
                }
                _ => {}
            }
        }
        let is_here = row.cwd_with.iter().any(|option| invocation.has(option))
            || !row.cwd_without.is_empty() && !row.cwd_without.iter().any(|option| invocation.has(option));
        if is_here {
            self.writes(Some(".")).ok()?;
        }
        if row.operands == Operands::Clone {
            let arguments = invocation.known_arguments()?;
            let name = match arguments.as_slice() {
                [url] => url.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next()?,
                [_, directory] => *directory,
                _ => return None,
            };
            self.makes(name).ok()?;
        }
        Some(Ok(()))
    }

    /// Whether a path lies below the working directory, and that is none of the base image: nothing is there in another stage that
    /// would have to be removed.
    fn is_of_program(&self, path: Option<&str>) -> bool {
        let workdir = self.model.state(self.run).workdir.fixed().unwrap_or("/");
        let table = tables::effects();
        let is_below_any = |paths: &[String]| paths.iter().any(|path| is_below(workdir, path));
        let is_of_image = is_below_any(&table.programs) && !is_below_any(&table.except.paths);
        let is_own = !is_of_image && !table.directories.every.iter().any(|directory| directory == workdir);
        let is_there =
            |directory: &String| path.is_some_and(|path| is_below(&joined(directory, fixed_part(path)), workdir));
        is_own && self.directories.iter().all(is_there)
    }

    /// Forgets what is removed again; whether the RUN itself made all of it.
    fn removes(&mut self, path: Option<&str>) -> bool {
        let ([directory], Some(path)) = (self.directories.as_slice(), path) else { return false };
        if !self.is_chain || path.contains(['*', '?', '[', '{', '~']) {
            return false;
        }
        let path = joined(directory, path);
        let is_own = self.deeds.contains(&Deed::Output(path.clone())) && !self.is_brought_above(&path);
        self.deeds.retain(|deed| !deed.path().is_some_and(|made| is_below(made, &path)));
        is_own
    }

    /// Whether a COPY above the RUN may have brought something to the path or below it.
    fn is_brought_above(&self, path: &str) -> bool {
        let Some(stage) = self.model.stage_of(self.run) else { return true };
        let meets = |other: &str| is_below(other, path) || is_below(path, other);
        let mut above = (stage.instructions.start..self.run)
            .filter(|index| split::kind(self.model, *index) == split::Kind::Transfer);
        above.any(|index| match split::targets(self.model, index) {
            Some(targets) => targets.iter().any(|(_, target)| meets(target)),
            None => split::destination(self.model, index).is_none_or(|target| meets(&target)),
        })
    }

    /// Notes directories that are made; whether they are known.
    fn makes_all(&mut self, paths: &[Option<String>]) -> bool {
        let [directory] = self.directories.as_slice() else { return false };
        let is_known = |path: &&String| !path.contains(['*', '?', '[', '{', '~']);
        let known: Vec<String> = paths.iter().flatten().filter(is_known).map(|path| joined(directory, path)).collect();
        if known.len() != paths.len() {
            return false;
        }
        self.deeds.extend(known.into_iter().filter(|path| !tables::stages().is_scratch(path)).map(Deed::Output));
        true
    }

    /// Notes what a command puts at its last path; whether that is known.
    fn places(&mut self, paths: &[Option<String>], operands: Operands) -> bool {
        let Some((last, sources)) = paths.split_last().filter(|(_, sources)| !sources.is_empty()) else { return false };
        let Some(last) = last.as_ref().filter(|last| !last.contains(['*', '?', '['])) else { return false };
        let [directory] = self.directories.as_slice() else { return false };
        let target = joined(directory, last);
        if tables::stages().is_setting(&target) {
            self.deeds.push(Deed::Settings);
            return true;
        }
        let Some(sources) = sources.iter().cloned().collect::<Option<Vec<String>>>() else { return false };
        let sources: Vec<String> = sources.iter().map(|source| joined(directory, fixed_part(source))).collect();
        let every = &tables::effects().directories.every;
        match sources.as_slice() {
            // The name of what is copied into a directory that every image has.
            [source] if every.contains(&target) => {
                let name = source.rsplit('/').next().unwrap_or_default();
                self.deeds.push(Deed::Output(joined(&target, name)));
            }
            _ if every.contains(&target) => return false,
            _ if tables::stages().is_scratch(&target) => {}
            _ => self.deeds.push(Deed::Output(target)),
        }
        for source in sources {
            if operands == Operands::Transfer && !tables::stages().is_scratch(&source) {
                self.deeds.push(Deed::Below(source.clone()));
            }
            self.deeds.push(Deed::Taken(source));
        }
        true
    }

    fn command(&mut self, command: &SimpleCommand) -> Result<(), String> {
        if command.words.first().is_none_or(|word| self.left_out.contains(&word.span.start)) {
            return Ok(());
        }
        if self.only_looks(command) {
            return Ok(());
        }
        let words: Vec<String> = command.words.iter().map(|word| word.literal().unwrap_or_default()).collect();
        for directory in self.directories.clone() {
            if let Some(deeds) = php::left(self.model, self.run, &directory, &words) {
                self.deeds.extend(deeds?);
                if directory == *self.directories.last().unwrap_or(&directory) {
                    return Ok(());
                }
            }
        }
        if let Some(read) = self.of_project(command) {
            return read;
        }
        let Some(invocation) = recognize(command) else { return self.unlisted(command) };
        let program = invocation.program.as_str();
        let subcommand = invocation.subcommand();
        let called = if subcommand.is_empty() { program.to_owned() } else { format!("{program} {subcommand}") };
        let unknown = || Err(format!("what `{called}` leaves behind is not known"));
        if invocation.wrappers.iter().any(|wrapper| wrapper.program != "python") {
            return Err(format!("`{called}` is run through another program"));
        }
        if let Some(packages) = PackageCommand::of(&invocation) {
            return self.packages(&packages, &invocation, &called);
        }
        if let Some(directory) = self.made_environment(command) {
            return self.makes(&directory);
        }
        match program {
            "cd" | "export" => return Ok(()),
            "pip" => return self.pip(&invocation, command),
            "pipenv" if matches!(subcommand, "install" | "sync") => return self.pipenv(&invocation),
            "poetry" if matches!(subcommand, "install" | "sync") => return self.poetry(&invocation),
            "uv" if matches!(subcommand, "pip install") => return self.uv_pip(&invocation),
            "uv" if matches!(subcommand, "sync") => return self.uv_sync(&invocation),
            _ => {}
        }
        if tables::stages().ruby.is_tool(program) {
            for directory in self.directories.clone() {
                self.deeds.extend(gems::installed(self.model, self.run, &directory, &invocation)?);
            }
            return Ok(());
        }
        if let Some(deeds) = self.owned(&invocation, command) {
            self.deeds.extend(deeds);
            return Ok(());
        }
        if let Some(deed) = setting(program) {
            self.deeds.push(deed);
            return Ok(());
        }
        if tables::stages().makes_accounts(program) {
            self.deeds.push(Deed::Account);
            return Ok(());
        }
        if program == tables::stages().node.shims.program && matches!(subcommand, "enable" | "prepare") {
            let is_fetch =
                |call: &super::call::Call<'_>| call.program() == program && call.subcommand() == Some("prepare");
            let fetches = self.model.calls(self.run).iter().any(is_fetch);
            let programs = tables::stages().node.shims.brings.clone();
            self.deeds.push(if fetches { Deed::Tools(programs) } else { Deed::Shims(programs) });
            return Ok(());
        }
        if subcommand == "global add" && tables::stages().project_tool(program).is_some() {
            return self.globals(&invocation, &called);
        }
        if tables::stages().is_quiet(program, subcommand) {
            return Ok(());
        }
        if tables::stages().writes_below(program, subcommand) || self.runs_script(&invocation) {
            return self.builds(&invocation, &called);
        }
        let row = tables::effects().command(program, Some(subcommand).filter(|name| !name.is_empty()));
        if let Some(row) = row.filter(|row| row.bound) {
            return self.fetched(&invocation, row).unwrap_or_else(unknown);
        }
        let in_place = invocation.has("--in-place");
        let row = row.filter(|row| !row.bound && (row.first != Some(OptionValue::Script) || in_place));
        match row.map(|row| row.operands) {
            Some(Operands::Text | Operands::Read | Operands::Test) => Ok(()),
            Some(operands) if operands.writes() => {
                // Where an option has the script, all operands are files.
                let is_script_given = invocation.has("--expression") || invocation.has("--file");
                let skipped = usize::from(row.is_some_and(|row| row.first.is_some()) && !is_script_given);
                let mut paths = Vec::new();
                for argument in invocation.arguments.iter().skip(skipped) {
                    let word = command.words.get(argument.word).ok_or("a word is missing")?;
                    let path = self.model.path(self.run, word);
                    paths.push(path.or_else(|| self.model.text_of(self.run, word)));
                }
                if let Operands::Copy | Operands::Transfer = operands
                    && self.is_chain
                    && invocation.options.iter().all(|option| option.value.is_none())
                    && self.places(&paths, operands)
                {
                    return Ok(());
                }
                if in_place && self.is_chain && self.edits(&paths) {
                    return Ok(());
                }
                if operands == Operands::Remove {
                    let kept: Vec<Option<String>> = paths
                        .into_iter()
                        .filter(|path| !self.removes(path.as_deref()) && !self.is_of_program(path.as_deref()))
                        .collect();
                    return kept.iter().try_for_each(|path| self.writes(path.as_deref()));
                }
                if operands == Operands::Directories && self.is_chain && self.makes_all(&paths) {
                    return Ok(());
                }
                paths.iter().try_for_each(|path| self.writes(path.as_deref()))
            }
            _ => unknown(),
        }
    }

    /// Whether the command only looks at files.
    fn only_looks(&self, command: &SimpleCommand) -> bool {
        let words: Vec<Option<String>> = command.words.iter().map(Word::pattern).collect();
        command.name().is_some_and(|name| tables::stages().only_looks(&name, &words))
    }

    /// A command without a row that says how its options are read.
    fn unlisted(&mut self, command: &SimpleCommand) -> Result<(), String> {
        let name = command.name().ok_or("the name of a command is known only when it runs")?;
        if tables::stages().writes_below(&name, "") {
            // What a variable or a substitution stands for, such as `-j$(nproc)`, is no path by convention.
            let text = |word: &Word| installs::text_of(self.model, self.run, word).or_else(|| word.pattern());
            let words: Vec<String> =
                command.words.iter().map(|word| text(word).unwrap_or_else(|| "-".to_owned())).collect();
            for directory in self.directories.clone() {
                let mut made = outputs::of_build_system(&directory, &words);
                if installs::is_install(&words) {
                    let installed = installs::of(self.model, self.run, &directory, &words);
                    made.extend(
                        installed
                            .ok_or_else(|| format!("where `{}` puts what it installs is not known", words.join(" ")))?,
                    );
                }
                made.retain(|deed| deed.path().is_none_or(|path| !tables::stages().is_scratch(path)));
                self.deeds.extend(made);
            }
            return Ok(());
        }
        if name == "install"
            && self.is_chain
            && let [directory] = self.directories.as_slice()
        {
            let words: Option<Vec<String>> =
                command.words[1..].iter().map(|word| installs::text_of(self.model, self.run, word)).collect();
            let made = words.and_then(|words| installs::of_install_program(directory, &words));
            self.deeds.extend(made.ok_or("where `install` writes to is not known")?);
            return Ok(());
        }
        if let Some(directory) = self.made_environment(command) {
            return self.makes(&directory);
        }
        if let Some(deed) = setting(&name) {
            self.deeds.push(deed);
            return Ok(());
        }
        let words: Vec<String> = command.words.iter().map(|word| word.literal().unwrap_or_default()).collect();
        if tables::stages().configures(&words) {
            self.deeds.extend(self.directories.iter().cloned().map(Deed::Below));
            return Ok(());
        }
        let row = tables::effects().command(&name, None).filter(|row| !row.bound && row.touches.is_empty());
        match row.map(|row| row.operands) {
            Some(Operands::Text | Operands::Read | Operands::Test) => Ok(()),
            _ => Err(format!("what `{name}` leaves behind is not known")),
        }
    }

    fn packages(&mut self, packages: &PackageCommand<'_>, invocation: &Invocation, called: &str) -> Result<(), String> {
        match packages.action {
            Action::Refresh => {
                self.refreshed = true;
                return Ok(());
            }
            Action::Clean => return Ok(()),
            Action::Upgrade if matches!(packages.manager, Manager::Apt | Manager::Apk) => {
                let table = &tables::stages().install;
                let is_plain = invocation.options.iter().all(|option| table.options.contains(&option.name))
                    && invocation.unknown_option.is_none()
                    && invocation.arguments.is_empty();
                let command = invocation.subcommand().to_owned();
                let refreshed = self.refreshed || packages.manager == Manager::Apk;
                self.deeds.push(Deed::Upgraded { command, refreshed });
                return if is_plain { Ok(()) } else { Err(format!("what `{called}` leaves behind is not known")) };
            }
            Action::Install => {}
            _ => return Err(format!("what `{called}` leaves behind is not known")),
        }
        let plain = packages.packages.iter().all(|package| {
            package.version.is_none()
                && package.release.is_none()
                && package.architecture.is_none()
                && package.argument.text.as_deref() == Some(package.name)
        });
        if !plain
            || !packages.dynamic.is_empty()
            || invocation.unknown_option.is_some()
            || packages.virtual_name.is_some()
        {
            return Err(format!("not all words of `{called}` are names of packages"));
        }
        let table = &tables::stages().install;
        if let Some(option) = invocation.options.iter().find(|option| !table.options.contains(&option.name)) {
            return Err(format!("what `{called}` does with `{}` is not known", option.name));
        }
        if let Some(variable) = invocation.environment.iter().find(|variable| variable.name != table.variable) {
            return Err(format!("what `{called}` does with `{}` is not known", variable.name));
        }
        let names = packages.packages.iter().map(|package| package.name.to_owned()).collect();
        let refreshed = self.refreshed || packages.manager != Manager::Apt && invocation.has("--no-cache");
        self.deeds.push(Deed::Packages { names, recommends: !packages.no_recommends, refreshed });
        Ok(())
    }

    /// The directory of the virtual environment that the command makes.
    fn made_environment(&self, command: &SimpleCommand) -> Option<String> {
        let (directory, make) = command.words.split_last()?;
        let make: Option<Vec<String>> = make.iter().map(crate::shell::ast::Word::literal).collect();
        let is_made = tables::stages().environment.also.contains(&make?.join(" "));
        is_made.then(|| self.model.text_of(self.run, directory)).flatten().filter(|path| !path.starts_with(['-', '~']))
    }

    /// The paths of `chown`, when it stands in a list of commands that follow one another.
    fn owned(&self, invocation: &Invocation, command: &SimpleCommand) -> Option<Vec<Deed>> {
        let is_recursive = invocation.has("--recursive");
        let is_plain = invocation.program == "chown"
            && self.is_chain
            && invocation.options.iter().all(|option| option.name == "--recursive")
            && invocation.unknown_option.is_none();
        let (owner, paths) = invocation.arguments.split_first().filter(|_| is_plain)?;
        let owner = owner.text.clone().filter(|owner| !owner.contains(['.', '$']))?;
        let [directory] = self.directories.as_slice() else { return None };
        let of = |path: &Argument| {
            let path = self.model.text_of(self.run, command.words.get(path.word)?)?;
            let deed = || Deed::Owner { path: joined(directory, &path), owner: owner.clone(), recursive: is_recursive };
            (!path.contains(['*', '?', '[', '~'])).then(deed)
        };
        paths.iter().map(of).collect()
    }

    /// Whether the command runs a script of the manifest of the project.
    fn runs_script(&self, invocation: &Invocation) -> bool {
        let directory = self.directories.last().map_or("/", String::as_str);
        outputs::has_script(self.model, self.run, directory, invocation)
    }

    /// An install of programs for all users, or what fetches them when they are called.
    fn globals(&mut self, invocation: &Invocation, called: &str) -> Result<(), String> {
        let options = &tables::stages().node.global;
        let is_plain = invocation.options.iter().all(|option| options.contains(&option.name));
        let is_plain = is_plain && invocation.unknown_option.is_none();
        let programs = outputs::of_globals(invocation).ok().filter(|_| is_plain).unwrap_or_default();
        if programs.is_empty() && !installs_programs(invocation) {
            return Err(format!("`{called}` installs for all users"));
        }
        self.deeds.push(if programs.is_empty() { Deed::Programs } else { Deed::Tools(programs) });
        Ok(())
    }

    /// A command of a row of `below`, which names its outputs by options at most.
    fn builds(&mut self, invocation: &Invocation, called: &str) -> Result<(), String> {
        if invocation.has("--global") || invocation.has("--location") {
            return self.globals(invocation, called);
        }
        if tables::stages().project_tool(&invocation.program).is_some() {
            let directories = match outputs::directory_option(invocation) {
                Some(below) => self.directories.iter().map(|directory| joined(directory, &below)).collect(),
                None => self.directories.clone(),
            };
            for directory in directories {
                if let Some(package) = outputs::writes_outside(self.model, self.run, &directory, invocation) {
                    return Err(format!("the install script of `{package}` writes to other places than the packages"));
                }
                let made = outputs::of_command(self.model, self.run, &directory, invocation);
                self.deeds
                    .extend(made.unwrap_or_else(|| outputs::of_unknown(self.model, self.run, &directory, invocation)));
            }
            return Ok(());
        }
        if let Some(builder) = tables::stages().java_builder(&invocation.program) {
            for directory in self.directories.clone() {
                self.deeds.extend(java::built(self.model, self.run, &directory, builder, invocation)?);
            }
            return Ok(());
        }
        if let Some(directory) = outputs::program_directory(self.model, self.run, invocation) {
            let directory = directory?;
            for from in self.directories.clone() {
                let names = outputs::installed_programs(self.model, self.run, &from, invocation);
                let names = names.ok_or_else(|| format!("which programs `{called}` makes is not known"))?;
                self.deeds.extend(names.iter().map(|name| Deed::Output(joined(&directory, name))));
            }
            return Ok(());
        }
        if invocation.program == "cargo" {
            for directory in self.directories.clone() {
                let made = outputs::of_cargo_build(self.model, self.run, &directory, invocation);
                self.deeds.extend(made.ok_or("which programs `cargo build` makes is not known")?);
            }
            return Ok(());
        }
        let named = tables::stages().output_option(&invocation.program);
        let outputs: Vec<Option<String>> = invocation.values(named).map(|value| value.text.clone()).collect();
        for output in &outputs {
            let output = output.as_deref().ok_or("where it writes to is known only when it runs")?;
            let directories = self.directories.iter();
            self.deeds.extend(directories.map(|directory| Deed::Output(joined(directory, output))).collect::<Vec<_>>());
        }
        if outputs.is_empty() {
            for directory in self.directories.clone() {
                let is_go = invocation.program == "go" && invocation.subcommand() == "build";
                let made = is_go.then(|| outputs::of_go_build(self.model, self.run, &directory, invocation)).flatten();
                self.deeds.push(made.unwrap_or(Deed::Below(directory)));
            }
        }
        Ok(())
    }
}

/// What a command of settings does.
fn setting(program: &str) -> Option<Deed> {
    match program {
        _ if tables::stages().changes_settings(program) => Some(Deed::Settings),
        _ if tables::stages().tells_the_linker(program) => Some(Deed::Linked),
        _ => None,
    }
}

/// Whether a command of a row of `below` does nothing but to install programs for all users, by their names.
fn installs_programs(invocation: &Invocation) -> bool {
    let is_name = |text: &str| {
        let name = text.strip_prefix('@').unwrap_or(text);
        !text.starts_with(['.', '/']) && !text.contains(':') && name.matches('/').count() == usize::from(name != text)
    };
    tables::stages().project_tool(&invocation.program) == Some(ProjectTool::Packages)
        && invocation.subcommand() == "install"
        && invocation.has("--global")
        && invocation.options.iter().all(|option| tables::stages().node.global.contains(&option.name))
        && invocation.unknown_option.is_none()
        && !invocation.arguments.is_empty()
        && invocation.arguments.iter().all(|argument| argument.text.as_deref().is_some_and(is_name))
}

/// The part of a path in front of the first name with a glob.
fn fixed_part(path: &str) -> &str {
    path.find(['*', '?', '[']).map_or(path, |glob| path[..glob].rfind('/').map_or("", |at| &path[..=at]))
}

/// `path` below `base` unless it is absolute, cleaned.
#[must_use]
pub fn joined(base: &str, path: &str) -> String {
    if path.starts_with('/') { clean(path) } else { clean(&format!("{base}/{path}")) }
}
