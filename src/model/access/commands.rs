//! What the commands of a script read and write, by their rows in `effects.yaml`.

use super::{Access, Reader, Tree, through_links};
use crate::model::Model;
use crate::model::scope::Variable;
use crate::shell::ast::{Child, Script, SimpleCommand, Word, WordPart};
use crate::shell::command::{Argument, Invocation, recognize};
use crate::shell::state::is_opaque;
use crate::tables::{self, CommandEffects, Operands, OptionValue};

/// The files that package managers read when an operand names one.
const LOCAL_FILES: [&str; 12] =
    [".apk", ".bz2", ".changes", ".deb", ".dsc", ".gz", ".rpm", ".tar", ".tgz", ".whl", ".xz", ".zip"];

/// Directories of the programs that rows speak of.
const PROGRAM_DIRECTORIES: [&str; 6] = ["/bin", "/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/usr/sbin"];

/// Adds what the script reads and writes, but for the commands that are left out.
pub(super) fn read(
    reader: &Reader<'_, '_>,
    script: &Script,
    access: &mut Access,
    leaves_out: &dyn Fn(&SimpleCommand) -> bool,
) -> Result<(), String> {
    if is_opaque(script) {
        return Err("what it runs is known only when it runs".to_owned());
    }
    let mut run = Run { reader, access, directories: Vec::new(), home: String::new() };
    run.surroundings()?;
    run.working_directories(script)?;
    run.redirects(script)?;
    for command in script.all_simple_commands().into_iter().filter(|command| !leaves_out(command)) {
        run.command(command)?;
    }
    Ok(())
}

/// The paths that variables name, each with whether programs write there. A value that is not known is skipped where it may be.
pub(super) fn environment_paths(
    model: &Model<'_>,
    index: usize,
    may_skip: &dyn Fn(&str) -> bool,
) -> Result<Vec<(String, bool)>, String> {
    let variables = &model.state(index).variables;
    if variables.open {
        return Err("the variables of the base image are not known".to_owned());
    }
    let paths = &tables::effects().environment;
    let mut found = Vec::new();
    for name in variables.environment.keys().chain(variables.arguments.keys()).filter(|name| paths.is_read(name)) {
        let value = match variables.get(name) {
            Variable::Set(value) => value.fixed(),
            Variable::Unset => continue,
            Variable::Unknown => None,
        };
        if value.is_none() && may_skip(name) {
            continue;
        }
        let value = value.ok_or_else(|| format!("the value of `{name}` is not known"))?;
        for part in value.split([':', '=', ',', ';', ' ']) {
            let is_relative = !part.starts_with('/') && (name == "PATH" || part.starts_with('.'));
            if is_relative {
                return Err(format!("`{name}` leads to the working directory"));
            }
            if part.starts_with('/') && !part.starts_with("//") {
                found.push((part.to_owned(), paths.is_written(name)));
            }
        }
    }
    Ok(found)
}

struct Run<'r, 'm, 'h> {
    reader: &'r Reader<'m, 'h>,
    access: &'r mut Access,
    /// The directories that commands may run in.
    directories: Vec<String>,
    home: String,
}

impl Run<'_, '_, '_> {
    /// What every command reads: programs, settings, and the paths that variables name.
    fn surroundings(&mut self) -> Result<(), String> {
        let model = self.reader.model;
        let home = model.user(self.reader.index).home.ok_or("the home directory of the user is not known")?;
        let is_of_system = tables::effects().directories.every.contains(&home);
        self.home = if is_of_system { home } else { self.reader.history.resolve(&home)? };
        for path in &tables::effects().programs {
            self.touch(path, false);
        }
        for (part, written) in environment_paths(model, self.reader.index, &|_| false)? {
            let is_program = self.access.reads.trees.iter().any(|tree| tree.covers(&through_links(&part)));
            if !is_program || written {
                self.path(&part, written)?;
            }
        }
        Ok(())
    }

    /// A path of the table. `~` is the home directory.
    fn touch(&mut self, path: &str, write: bool) {
        let tree = if path == "~" { Tree::at(self.home.clone()) } else { Tree::of_table(path.to_owned()) };
        self.add(tree, write);
    }

    fn add(&mut self, tree: Tree, write: bool) {
        if write {
            self.access.write_tree(tree.clone());
        }
        self.access.read_tree(tree);
    }

    fn path(&mut self, path: &str, write: bool) -> Result<(), String> {
        let path = self.reader.history.resolve(path)?;
        self.add(Tree::at(path), write);
        Ok(())
    }

    /// The working directory, and those that a `cd` anywhere in the script leads to.
    fn working_directories(&mut self, script: &Script) -> Result<(), String> {
        self.directories.extend(self.reader.model.state(self.reader.index).workdir.fixed().map(str::to_owned));
        for command in script.all_simple_commands() {
            let Some(invocation) = recognize(command).filter(|invocation| invocation.program == "cd") else { continue };
            match invocation.known_arguments().as_deref() {
                Some([path]) if path.starts_with('/') => self.directories.push((*path).to_owned()),
                _ => return Err("where `cd` leads is not known".to_owned()),
            }
        }
        Ok(())
    }

    /// A word as a path, in every directory that the command may run in. A glob stands for what lies in its directory.
    fn word(&mut self, word: Option<&str>, write: bool) -> Result<(), String> {
        for path in self.paths(word)? {
            self.path(&path, write)?;
        }
        Ok(())
    }

    fn paths(&self, word: Option<&str>) -> Result<Vec<String>, String> {
        let word = word.ok_or("a path is known only when it runs")?;
        let word = match word.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", self.home),
            Some(_) => return Err(format!("what `{word}` stands for is not known")),
            None => word.to_owned(),
        };
        let glob = word.find(['*', '?', '[']);
        let word = glob.map_or(word.as_str(), |at| word[..at].rfind('/').map_or("", |slash| &word[..=slash]));
        if word.starts_with('/') {
            return Ok(vec![word.to_owned()]);
        }
        if self.reader.model.state(self.reader.index).workdir.fixed().is_none() {
            return Err("the working directory is not known".to_owned());
        }
        Ok(self.directories.iter().map(|directory| format!("{directory}/{word}")).collect())
    }

    /// A glob reads the directory that it stands for.
    fn globs(&mut self, word: &Word) -> Result<(), String> {
        let is_glob = |part: &WordPart| matches!(part, WordPart::Literal { text, quoted: false } if text.contains(['*', '?', '[']));
        if word.literal().is_some() || !word.parts.iter().any(is_glob) {
            return Ok(());
        }
        self.word(word.pattern().as_deref(), false)
    }

    /// Redirects and globs, wherever they stand.
    fn redirects(&mut self, script: &Script) -> Result<(), String> {
        let mut todo = vec![Child::List(&script.list)];
        while let Some(child) = todo.pop() {
            match child {
                Child::List(list) => todo.extend(list.statements.iter().map(|statement| Child::Node(&statement.node))),
                Child::Word(word) => {
                    self.globs(word)?;
                    todo.extend(word.substitutions().map(Child::List));
                }
                Child::Node(node) => {
                    for redirect in node.redirects() {
                        if redirect.heredoc.is_some() {
                            continue;
                        }
                        let target = redirect.target.pattern();
                        let is_descriptor = redirect.operator.ends_with('&')
                            && target
                                .as_deref()
                                .is_some_and(|text| text.bytes().all(|c| c.is_ascii_digit() || c == b'-'));
                        let is_device = target.as_deref().is_some_and(|text| text.starts_with("/dev/"));
                        if !is_descriptor && !is_device {
                            self.word(target.as_deref(), redirect.operator != "<")?;
                        }
                    }
                    todo.extend(node.children());
                }
            }
        }
        Ok(())
    }

    fn command(&mut self, command: &SimpleCommand) -> Result<(), String> {
        let paths = &tables::effects().environment;
        for assignment in &command.assignments {
            if paths.is_read(&assignment.name) {
                return Err(format!("it sets `{}`", assignment.name));
            }
        }
        if command.words.is_empty() {
            return Ok(());
        }
        let Some(invocation) = recognize(command) else { return self.other(command) };
        if !invocation.wrappers.is_empty() {
            return Err(format!("`{}` is run through another program", invocation.program));
        }
        match invocation.program.as_str() {
            "cd" => return Ok(()),
            "export" | "readonly" => return exports(command),
            _ => {}
        }
        let subcommand = Some(invocation.subcommand()).filter(|name| !name.is_empty());
        let called =
            subcommand.map_or_else(|| invocation.program.clone(), |name| format!("{} {name}", invocation.program));
        let row = tables::effects()
            .command(&invocation.program, subcommand)
            .ok_or_else(|| format!("what `{called}` reads and writes is not known"))?;
        if invocation.directory.as_deref().is_some_and(|directory| !PROGRAM_DIRECTORIES.contains(&directory)) {
            return Err(format!("`{}` is another one than that of the table", invocation.program));
        }
        if invocation.unknown_option.is_some() {
            return Err(format!("not all options of `{called}` are known"));
        }
        self.row(row, &called)?;
        for option in &invocation.options {
            let Some(value) = &option.value else { continue };
            self.value(row, &called, &option.name, value.pattern.as_deref())?;
        }
        let has = |names: &[String]| names.iter().any(|name| invocation.options(name).next().is_some());
        if !row.requires.is_empty() && !has(&row.requires) {
            return Err(format!(
                "what `{called}` reads and writes without `{}` is not known",
                row.requires.join("` or `")
            ));
        }
        if has(&row.cwd_with) || !row.cwd_without.is_empty() && !has(&row.cwd_without) {
            self.word(Some("."), true)?;
        }
        self.operands(row, &called, command, &invocation)
    }

    /// What the row says of the command whatever its words are.
    fn row(&mut self, row: &CommandEffects, called: &str) -> Result<(), String> {
        self.access.assumed |= row.bound;
        for path in &row.touches {
            self.touch(path, true);
        }
        if row.prefix && !self.has_path_of_the_image() {
            return Err(format!("`{called}` installs where the PATH leads, and the file sets it"));
        }
        Ok(())
    }

    fn has_path_of_the_image(&self) -> bool {
        let model = self.reader.model;
        let Variable::Set(path) = model.state(self.reader.index).variables.get("PATH") else { return true };
        let image = model.stage_of(self.reader.index).and_then(|stage| stage.image.as_deref());
        let of_image = image.and_then(|image| image.env.known()?.get("PATH")?.known());
        path.fixed().is_some_and(|path| of_image.is_some_and(|of_image| of_image == path))
    }

    fn value(&mut self, row: &CommandEffects, called: &str, option: &str, value: Option<&str>) -> Result<(), String> {
        match row.values.get(option) {
            None => Err(format!("what `{called}` does with `{option}` is not known")),
            Some(OptionValue::Text) if value.is_none_or(|value| value.contains('/') && !value.contains("://")) => {
                Err(format!("what `{called}` does with `{option}` is not known"))
            }
            Some(OptionValue::Text) => Ok(()),
            Some(OptionValue::Read) => self.word(value, false),
            // The standard output.
            Some(OptionValue::Write) if value == Some("-") => Ok(()),
            Some(OptionValue::Write) => self.word(value, true),
        }
    }

    fn operands(
        &mut self,
        row: &CommandEffects,
        called: &str,
        command: &SimpleCommand,
        invocation: &Invocation,
    ) -> Result<(), String> {
        let skipped = usize::from(row.first.is_some());
        let operands = invocation.arguments.get(skipped..).unwrap_or_default();
        if row.operands == Operands::Transfer && operands.len() < 2 {
            return Err(format!("where `{called}` writes to is not known"));
        }
        for operand in operands {
            let word = command.words.get(operand.word).ok_or("a word is missing")?;
            self.operand(row, called, operand, word)?;
        }
        Ok(())
    }

    fn operand(&mut self, row: &CommandEffects, called: &str, operand: &Argument, word: &Word) -> Result<(), String> {
        match row.operands {
            Operands::Text => Ok(()),
            Operands::Names => {
                let name = operand.text.as_deref();
                let name = name.ok_or_else(|| format!("an operand of `{called}` is known only when it runs"))?;
                if is_local(name) { Err(format!("`{called}` reads `{name}`")) } else { Ok(()) }
            }
            Operands::Urls => {
                let url = match word.parts.first() {
                    Some(WordPart::Literal { text, .. }) => text.as_str(),
                    _ => "",
                };
                let is_remote = ["http://", "https://", "ftp://"].iter().any(|scheme| url.starts_with(scheme));
                if is_remote { Ok(()) } else { Err(format!("what `{called}` fetches is not known")) }
            }
            Operands::Read => self.word(operand.pattern.as_deref(), false),
            Operands::Write | Operands::Transfer => self.word(operand.pattern.as_deref(), true),
            Operands::Directories => {
                let Some(path) = operand.text.as_deref() else {
                    return Err(format!("an operand of `{called}` is known only when it runs"));
                };
                for path in self.paths(Some(path))? {
                    let path = self.reader.history.resolve(&path)?;
                    self.access.make_directory(&path, self.reader.history);
                }
                Ok(())
            }
        }
    }

    /// A command that the command table does not know: its options stand in the row.
    fn other(&mut self, command: &SimpleCommand) -> Result<(), String> {
        let name = command.name().ok_or("the name of a command is known only when it runs")?;
        let row = tables::effects()
            .command(&name, None)
            .ok_or_else(|| format!("what `{name}` reads and writes is not known"))?;
        self.row(row, &name)?;
        let mut seen = Vec::new();
        for (at, word) in command.words.iter().enumerate().skip(1) {
            let argument = Argument { word: at, span: word.span, text: word.literal(), pattern: word.pattern() };
            match argument.text.as_deref() {
                Some(option) if option.starts_with('-') && option.len() > 1 && row.operands != Operands::Text => {
                    if !row.flags.iter().any(|flag| flag == option) {
                        return Err(format!("not all options of `{name}` are known"));
                    }
                    seen.push(option.to_owned());
                }
                _ => self.operand(row, &name, &argument, word)?,
            }
        }
        if row.requires.iter().all(|option| !seen.contains(option)) && !row.requires.is_empty() {
            return Err(format!("what `{name}` reads and writes is not known"));
        }
        Ok(())
    }
}

/// Whether a package manager takes the name for a file.
fn is_local(name: &str) -> bool {
    let scoped = name.starts_with('@') && name.matches('/').count() == 1;
    (name.contains('/') && !scoped) || matches!(name, "." | "..") || {
        let lower = name.to_lowercase();
        LOCAL_FILES.iter().any(|end| lower.ends_with(end))
    }
}

/// An `export` that sets no variable in which programs look for paths.
fn exports(command: &SimpleCommand) -> Result<(), String> {
    for word in &command.words[1..] {
        let Some(WordPart::Literal { text, .. }) = word.parts.first() else {
            return Err("what is exported is known only when it runs".to_owned());
        };
        let name = text.split('=').next().unwrap_or_default();
        if tables::effects().environment.is_read(name) {
            return Err(format!("it sets `{name}`"));
        }
    }
    Ok(())
}
