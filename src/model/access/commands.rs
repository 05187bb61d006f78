//! What the commands of a script read and write, by their rows in `effects.yaml`.

use super::{Access, How, Reader, Resolved, Tree, scripts, through_links};
use crate::model::Model;
use crate::model::scope::Variable;
use crate::model::walk::clean;
use crate::shell::ast::{Child, Node, NodeKind, Script, SimpleCommand, Word, WordPart};
use crate::shell::command::{Argument, Invocation, recognize};
use crate::shell::state::is_opaque;
use crate::tables::{self, CommandEffects, Operands, OptionValue};

/// The files that package managers read when an operand names one.
const LOCAL_FILES: [&str; 12] =
    [".apk", ".bz2", ".changes", ".deb", ".dsc", ".gz", ".rpm", ".tar", ".tgz", ".whl", ".xz", ".zip"];

/// Directories of the programs that rows speak of.
pub(super) const PROGRAM_DIRECTORIES: [&str; 6] =
    ["/bin", "/sbin", "/usr/bin", "/usr/local/bin", "/usr/local/sbin", "/usr/sbin"];

/// A script that may lead to more directories than these has no bound.
const MAX_DIRECTORIES: usize = 16;

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
    let mut run = Run {
        reader,
        access,
        directories: Vec::new(),
        home: String::new(),
        home_elsewhere: Vec::new(),
        scripts: Vec::new(),
        requirements: Vec::new(),
        leaves_out,
    };
    run.surroundings()?;
    run.directories.extend(reader.model.state(reader.index).workdir.fixed().map(str::to_owned));
    run.script(script)?;
    scripts::are_as_copied(&run)
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

pub(super) struct Run<'r, 'm, 'h> {
    pub(super) reader: &'r Reader<'m, 'h>,
    pub(super) access: &'r mut Access,
    /// The directories that commands may run in.
    pub(super) directories: Vec<String>,
    home: String,
    /// What is meant besides when the home directory is a link.
    home_elsewhere: Vec<Tree>,
    /// The scripts of the build context that run, by their path in the image, with the directories that they may
    /// run in.
    pub(super) scripts: Vec<(String, Vec<String>)>,
    /// Other files of the build context that were read, by their path in the image.
    pub(super) requirements: Vec<String>,
    /// Commands of the RUN itself that are not looked at.
    leaves_out: &'r dyn Fn(&SimpleCommand) -> bool,
}

impl Run<'_, '_, '_> {
    /// What the commands of a script do.
    pub(super) fn script(&mut self, script: &Script) -> Result<(), String> {
        let chain =
            script.and_chain().filter(|chain| chain.iter().all(|node| node.as_simple().is_some() || !has_cd(node)));
        let Some(chain) = chain else {
            // Which command runs where is not followed.
            self.working_directories(script)?;
            return self.commands(Child::List(&script.list), script.all_simple_commands());
        };
        for node in chain {
            match node.as_simple().filter(|command| is_cd(command)) {
                Some(command) => self.directories = self.entered(command)?,
                None => self.commands(Child::Node(node), node.all_simple_commands())?,
            }
        }
        Ok(())
    }

    fn commands(&mut self, part: Child<'_>, commands: Vec<&SimpleCommand>) -> Result<(), String> {
        self.redirects(part)?;
        for command in commands {
            // Those of a script are none of the RUN itself.
            if !self.scripts.is_empty() || !(self.leaves_out)(command) {
                self.command(command)?;
            }
        }
        Ok(())
    }

    /// What every command reads: programs, settings, and the paths that variables name.
    fn surroundings(&mut self) -> Result<(), String> {
        let model = self.reader.model;
        let home = model.user(self.reader.index).home.ok_or("the home directory of the user is not known")?;
        let is_of_system = tables::effects().directories.every.contains(&home);
        if is_of_system {
            self.home = home;
        } else {
            let resolved = self.reader.history.resolve(&home)?;
            self.home = resolved.path;
            self.home_elsewhere = resolved.elsewhere;
        }
        for path in &tables::effects().programs {
            self.touch(path, How::Read);
        }
        for (part, written) in environment_paths(model, self.reader.index, &|_| false)? {
            let is_program = self.access.reads.trees.iter().any(|tree| tree.covers(&through_links(&part)));
            if !is_program || written {
                self.path(&part, if written { How::Led } else { How::Read })?;
            }
        }
        Ok(())
    }

    /// A path of the table. `~` is the home directory.
    fn touch(&mut self, path: &str, how: How) {
        if path == "~" {
            self.access.elsewhere(self.home_elsewhere.clone(), how);
            self.access.write_tree(Tree::at(self.home.clone()), how);
        } else {
            self.access.write_tree(Tree::of_table(path.to_owned()), how);
        }
    }

    fn path(&mut self, path: &str, how: How) -> Result<(), String> {
        let resolved = match how {
            // Behind a link it may be any file.
            How::Read => self.reader.history.resolve(path).unwrap_or_else(|_| Resolved::anywhere()),
            How::Remove if !path.ends_with('/') => self.reader.history.resolve_entry(path)?,
            _ => self.reader.history.resolve(path)?,
        };
        self.access.write_path(resolved, how);
        Ok(())
    }

    /// The directories that a `cd` anywhere in the script leads to, beside those known.
    fn working_directories(&mut self, script: &Script) -> Result<(), String> {
        for command in script.all_simple_commands().into_iter().filter(|command| is_cd(command)) {
            let entered = self.entered(command)?;
            // What runs again may go further.
            let is_fixed = is_absolute(command) || !has_loop(script);
            if !is_fixed || self.directories.len() + entered.len() > MAX_DIRECTORIES {
                return Err("where `cd` leads is not known".to_owned());
            }
            self.directories.extend(entered);
        }
        Ok(())
    }

    /// The directories that a `cd` leads to.
    fn entered(&self, command: &SimpleCommand) -> Result<Vec<String>, String> {
        let operand = recognize(command).and_then(|invocation| match invocation.arguments.as_slice() {
            [operand] => command.words.get(operand.word).and_then(|word| self.pattern(word)),
            _ => None,
        });
        let operand = operand.filter(|path| !is_glob(path) && path != "-");
        self.paths(Some(&operand.ok_or("where `cd` leads is not known")?))
    }

    /// The working directory as a command of a row writes to it: it stays itself, and what is made in it is led.
    fn write_directory(&mut self) -> Result<(), String> {
        for path in self.paths(Some("."))? {
            let resolved = self.reader.history.resolve(&path)?;
            let below = Tree { strictly_below: true, ..Tree::at(resolved.path.clone()) };
            self.access.write_path(resolved, How::File);
            self.access.write_tree(below, How::Led);
        }
        Ok(())
    }

    /// The text of a word with unquoted globs as they are, and with variables of the Dockerfile that the script leaves as
    /// they are.
    fn pattern(&self, word: &Word) -> Option<String> {
        let mut text = String::new();
        for part in &word.parts {
            match part {
                WordPart::Expansion { variable: Some(name), quoted, .. } => {
                    let value = self.variable(name)?;
                    if value.contains(['*', '?', '[', '~', '\\']) || !quoted && value.contains(char::is_whitespace) {
                        return None;
                    }
                    text.push_str(&value);
                }
                part => text.push_str(&Word { span: word.span, parts: vec![part.clone()] }.pattern()?),
            }
        }
        Some(text)
    }

    /// The value of a variable that no command of the RUN sets.
    fn variable(&self, name: &str) -> Option<String> {
        if self.reader.sets_variable(name) || !self.scripts.is_empty() {
            return None;
        }
        match self.reader.model.state(self.reader.index).variables.get(name) {
            Variable::Set(value) => value.fixed().map(str::to_owned),
            Variable::Unset if name == "HOME" => Some(self.home.clone()),
            Variable::Unset | Variable::Unknown => None,
        }
    }

    /// A word as a path, in every directory that the command may run in. A glob stands for what lies in its directory.
    fn word(&mut self, word: Option<&str>, how: How) -> Result<(), String> {
        for path in self.paths(word)? {
            self.path(&path, how)?;
        }
        Ok(())
    }

    pub(super) fn paths(&self, word: Option<&str>) -> Result<Vec<String>, String> {
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
        Ok(self.directories.iter().map(|directory| clean(&format!("{directory}/{word}"))).collect())
    }

    /// A glob reads the directory that it stands for.
    fn globs(&mut self, word: &Word) -> Result<(), String> {
        let is_glob = |part: &WordPart| matches!(part, WordPart::Literal { text, quoted: false } if text.contains(['*', '?', '[']));
        if word.literal().is_some() || !word.parts.iter().any(is_glob) {
            return Ok(());
        }
        self.word(self.pattern(word).as_deref(), How::Read)
    }

    /// Redirects and globs, wherever they stand.
    fn redirects(&mut self, part: Child<'_>) -> Result<(), String> {
        let mut todo = vec![part];
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
                        let target = self.pattern(&redirect.target);
                        let is_descriptor = redirect.operator.ends_with('&')
                            && target
                                .as_deref()
                                .is_some_and(|text| text.bytes().all(|c| c.is_ascii_digit() || c == b'-'));
                        let is_device = target.as_deref().is_some_and(|text| text.starts_with("/dev/"));
                        if !is_descriptor && !is_device {
                            let how = if redirect.operator == "<" { How::Read } else { How::File };
                            self.word(target.as_deref(), how)?;
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
        if let Some(script) = scripts::called(command) {
            return scripts::run(self, &script);
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
            let pattern = command.words.get(value.word).filter(|word| word.span == value.span);
            let pattern = pattern.and_then(|word| self.pattern(word)).or_else(|| value.pattern.clone());
            self.value(row, &called, &option.name, pattern.as_deref())?;
        }
        let has = |names: &[String]| names.iter().any(|name| invocation.options(name).next().is_some());
        if !row.requires.is_empty() && !has(&row.requires) {
            return Err(format!(
                "what `{called}` reads and writes without `{}` is not known",
                row.requires.join("` or `")
            ));
        }
        if has(&row.cwd_with) || !row.cwd_without.is_empty() && !has(&row.cwd_without) {
            self.write_directory()?;
        }
        self.operands(row, &called, command, &invocation)
    }

    /// What the row says of the command whatever its words are.
    fn row(&mut self, row: &CommandEffects, called: &str) -> Result<(), String> {
        self.access.assumed |= row.bound;
        for path in &row.touches {
            self.touch(path, How::Led);
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
            Some(OptionValue::Text | OptionValue::Free) => Ok(()),
            // The standard input or output.
            Some(OptionValue::Read | OptionValue::File) if value == Some("-") => Ok(()),
            Some(OptionValue::Read) => self.word(value, How::Read),
            Some(OptionValue::File) => self.word(value, How::File),
            Some(OptionValue::Write) => self.word(value, if row.bound { How::Led } else { How::Anything }),
            Some(OptionValue::Requirements) => self.requirements(value),
            Some(OptionValue::Script) => Err(format!("what `{called}` does is not known")),
        }
    }

    fn operands(
        &mut self,
        row: &CommandEffects,
        called: &str,
        command: &SimpleCommand,
        invocation: &Invocation,
    ) -> Result<(), String> {
        let mut operands = invocation.arguments.as_slice();
        if row.first.is_some() {
            let (first, rest) = operands.split_first().ok_or_else(|| format!("an operand of `{called}` is missing"))?;
            let text = command.words.get(first.word).and_then(|word| self.pattern(word));
            match row.first {
                Some(OptionValue::Read) => self.word(text.as_deref(), How::Read)?,
                Some(OptionValue::Script) if !text.as_deref().is_some_and(is_substitution) => {
                    return Err(format!("what `{called}` does is not known"));
                }
                _ => {}
            }
            operands = rest;
        }
        if matches!(row.operands, Operands::Transfer | Operands::Copy) && operands.len() < 2 {
            return Err(format!("where `{called}` writes to is not known"));
        }
        for (at, operand) in operands.iter().enumerate() {
            let word = command.words.get(operand.word).ok_or("a word is missing")?;
            let is_last = at + 1 == operands.len();
            match row.operands {
                Operands::Copy if is_last => {
                    let makes_links = row.links_with.is_empty()
                        || row.links_with.iter().any(|option| invocation.options(option).next().is_some());
                    self.word(self.pattern(word).as_deref(), if makes_links { How::Anything } else { How::File })?;
                }
                Operands::Clone if at == 1 => self.word(self.pattern(word).as_deref(), How::Led)?,
                _ => self.operand(row, called, operand, word)?,
            }
        }
        if row.operands == Operands::Clone && operands.len() < 2 {
            self.write_directory()?;
        }
        Ok(())
    }

    fn operand(&mut self, row: &CommandEffects, called: &str, operand: &Argument, word: &Word) -> Result<(), String> {
        let how = match row.operands {
            Operands::Text => return Ok(()),
            // Only a file test has a path behind it; any other text is taken for one, which does no harm.
            Operands::Test => {
                let path = self.pattern(word);
                return path.map_or(Ok(()), |path| self.word(Some(&path), How::Read));
            }
            Operands::Names => {
                let name = operand.text.clone().or_else(|| self.pattern(word));
                let name = name.ok_or_else(|| format!("an operand of `{called}` is known only when it runs"))?;
                return if is_local(&name) { Err(format!("`{called}` reads `{name}`")) } else { Ok(()) };
            }
            Operands::Urls | Operands::Clone => {
                let url = match word.parts.first() {
                    Some(WordPart::Literal { text, .. }) => text.as_str(),
                    _ => "",
                };
                let is_remote =
                    ["http://", "https://", "ftp://", "git://"].iter().any(|scheme| url.starts_with(scheme));
                return if is_remote { Ok(()) } else { Err(format!("what `{called}` fetches is not known")) };
            }
            Operands::Directories => {
                let path = self.pattern(word).filter(|path| !is_glob(path));
                let path = path.ok_or_else(|| format!("an operand of `{called}` is known only when it runs"))?;
                for path in self.paths(Some(&path))? {
                    let path = self.reader.history.resolve(&path)?;
                    self.access.make_directory(path, self.reader.history);
                }
                return Ok(());
            }
            Operands::Read | Operands::Copy => How::Read,
            Operands::Attributes => How::Attributes,
            Operands::Files => How::File,
            Operands::Remove => How::Remove,
            Operands::Write | Operands::Transfer => {
                if row.bound {
                    How::Led
                } else {
                    How::Anything
                }
            }
        };
        self.word(self.pattern(word).as_deref(), how)
    }

    /// A file of requirements: what it names besides packages lies below the working directory, unless its text says that
    /// there is no such thing.
    fn requirements(&mut self, file: Option<&str>) -> Result<(), String> {
        self.word(file, How::Read)?;
        if !scripts::names_packages_only(self, file) {
            self.write_directory()?;
        }
        Ok(())
    }

    /// A command that the command table does not know: its options stand in the row.
    fn other(&mut self, command: &SimpleCommand) -> Result<(), String> {
        let name = command.name().ok_or("the name of a command is known only when it runs")?;
        let row = tables::effects()
            .command(&name, None)
            .ok_or_else(|| format!("what `{name}` reads and writes is not known"))?;
        self.row(row, &name)?;
        let is_text = matches!(row.operands, Operands::Text | Operands::Test);
        let mut seen = Vec::new();
        for (at, word) in command.words.iter().enumerate().skip(1) {
            let argument = Argument { word: at, span: word.span, text: word.literal(), pattern: word.pattern() };
            match argument.text.as_deref() {
                Some(option) if option.starts_with('-') && option.len() > 1 && !is_text => {
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

fn is_cd(command: &SimpleCommand) -> bool {
    recognize(command).is_some_and(|invocation| invocation.program == "cd")
}

fn is_absolute(command: &SimpleCommand) -> bool {
    command.words.last().and_then(Word::literal).is_some_and(|path| path.starts_with('/'))
}

fn has_cd(node: &Node) -> bool {
    node.all_simple_commands().into_iter().any(is_cd)
}

/// Whether the script of `sed` is one `s` command that neither runs commands nor writes files.
fn is_substitution(script: &str) -> bool {
    let mut chars = script.chars();
    let (Some('s'), Some(delimiter)) = (chars.next(), chars.next()) else { return false };
    if delimiter == '\\' || delimiter == '\n' {
        return false;
    }
    let mut parts = vec![String::new()];
    while let Some(c) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if c == delimiter {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    let [_, _, flags] = parts.as_slice() else { return false };
    flags.chars().all(|flag| matches!(flag, 'g' | 'i' | 'I' | 'p' | '0'..='9'))
}

fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// Whether a part of the script may run several times.
fn has_loop(script: &Script) -> bool {
    let mut todo = vec![Child::List(&script.list)];
    while let Some(child) = todo.pop() {
        match child {
            Child::List(list) => todo.extend(list.statements.iter().map(|statement| Child::Node(&statement.node))),
            Child::Word(word) => todo.extend(word.substitutions().map(Child::List)),
            Child::Node(node) if matches!(node.kind, NodeKind::For { .. } | NodeKind::While { .. }) => return true,
            Child::Node(node) => todo.extend(node.children()),
        }
    }
    false
}

/// Whether a package manager takes the name for a file.
pub(super) fn is_local(name: &str) -> bool {
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
