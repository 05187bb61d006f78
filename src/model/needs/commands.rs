//! What commands and scripts need.

use super::python::Wheels;
use super::{Reader, Use, What, When};
use crate::model::outputs;
use crate::shell::ast::{Child, NodeKind, Script, SimpleCommand, Word, WordPart};
use crate::shell::command::{Invocation, recognize};
use crate::shell::{self, Dialect};
use crate::source::Span;
use crate::tables::{self, CommandKind, CommandNeeds};

/// Scripts in scripts are read to this depth.
const MAX_DEPTH: usize = 8;

impl Reader<'_> {
    /// The commands of a script, those in functions and substitutions too.
    pub(super) fn script(&mut self, script: &Script) {
        let functions = functions(script);
        for command in script.all_simple_commands() {
            let is_function = command.name().is_some_and(|name| functions.contains(&name));
            if !is_function {
                self.command(command, 0);
            }
        }
    }

    /// A command in exec form.
    pub(super) fn argv(&mut self, argv: &[String]) {
        self.command(&command_of(argv), 0);
    }

    fn command(&mut self, command: &SimpleCommand, depth: usize) {
        if command.words.is_empty() {
            return;
        }
        if depth > MAX_DEPTH {
            return self.gap("commands start one another too deeply", "a plain command");
        }
        // What is deleted need not be there.
        if command.name().as_deref() != Some("rm") {
            command.words.iter().for_each(|word| self.word(word));
        }
        let is_builtin = command.name().is_some_and(|name| tables::programs().is_shell_word(&name));
        if is_builtin && command.words.iter().any(|word| word.parts.iter().any(names_https)) {
            // What a script writes may be an address of packages.
            self.need(What::Certificates);
        }
        let Some(name) = command.name() else {
            if !passes_arguments(&command.words[0]) {
                self.gap("a command is known only when it runs", "the name of the program");
            }
            return;
        };
        self.used(command, &name);
        let invocation = recognize(command);
        if let Some(invocation) = &invocation {
            for wrapper in &invocation.wrappers {
                self.wrapper(&wrapper.program);
            }
            if self.is_of_image(invocation.directory.as_deref()) {
                return self.known(command, invocation, depth);
            }
        }
        self.other(command, &name, depth);
    }

    /// Keeps what the command is.
    fn used(&mut self, command: &SimpleCommand, name: &str) {
        let program = name.rsplit('/').next().unwrap_or(name).to_owned();
        let words = command.words[1..].iter().map(Word::pattern).collect();
        let (when, place) = (self.when, self.place.clone());
        self.needs.uses.push(Use { program, words, when, place });
    }

    /// A program that runs the rest of the command: builtins of the shell need nothing.
    fn wrapper(&mut self, name: &str) {
        if !tables::programs().is_shell_word(name) {
            self.program(name);
        }
    }

    fn is_of_image(&self, directory: Option<&str>) -> bool {
        directory.is_none_or(|directory| directory.ends_with("bin"))
    }

    /// A command with a row in the command table.
    fn known(&mut self, command: &SimpleCommand, invocation: &Invocation, depth: usize) {
        let name = invocation.program.as_str();
        if name == "cd"
            && let Some(path) = invocation.known_arguments().and_then(|words| words.first().copied().map(str::to_owned))
        {
            self.enters(&path);
        }
        if let Some(path) = tables::stages().project_tool(name).and_then(|_| outputs::directory_option(invocation)) {
            self.enters(&path);
        }
        if tables::programs().is_shell_word(name) && !matches!(name, "." | "source" | "eval") {
            return;
        }
        self.program(name);
        match tables::needs().command(name, invocation.subcommand()) {
            Some(row) => self.row(row, command, invocation.word, Some(invocation), depth),
            None if self.is_node_script(invocation) => self.node_script(Some(invocation)),
            None => self.unknown(name, invocation.subcommand()),
        }
    }

    /// A command by its first word.
    fn other(&mut self, command: &SimpleCommand, name: &str, depth: usize) {
        let words = &command.words;
        match name {
            "command" | "type" | "hash" => {
                // What a script asks for, it also does without; but it then does another thing.
                words[1..].iter().filter_map(Word::literal).filter(|word| !word.starts_with('-')).for_each(|word| {
                    self.program(&word);
                });
                return;
            }
            "." | "source" => return self.file_of_word(words.get(1), depth),
            "eval" => return self.gap("`eval` runs what is known only when it runs", "the command itself"),
            "exec" if words.len() > 1 => {
                return self
                    .command(&SimpleCommand { words: words[1..].to_vec(), ..SimpleCommand::default() }, depth + 1);
            }
            _ if tables::programs().is_shell_word(name) => return,
            _ => {}
        }
        if let Some((directory, base)) = name.rsplit_once('/') {
            if matches!(directory, "/bin" | "/usr/bin" | "/sbin" | "/usr/sbin") {
                self.need(What::Path(name.to_owned()));
            } else if self.context_file(name).is_some() {
                return self.file_of_word(words.first(), depth);
            } else if tables::needs().command(base, "").is_none() {
                return self.gap(format!("what `{name}` starts is not known"), "the file in the build context");
            }
        }
        let base = name.rsplit('/').next().unwrap_or(name);
        self.program(base);
        match tables::needs().command(base, "") {
            Some(row) => self.row(row, command, 0, None, depth),
            None if self.needs.scripts.iter().any(|script| script == base) => {}
            None => self.unknown(base, ""),
        }
    }

    fn unknown(&mut self, program: &str, subcommand: &str) {
        let called = format!("{program} {subcommand}");
        self.gap(
            format!("what `{}` needs is not known", called.trim_end()),
            "a row for the command in the table of needs",
        );
    }

    fn row(
        &mut self,
        row: &CommandNeeds,
        command: &SimpleCommand,
        program: usize,
        invocation: Option<&Invocation>,
        depth: usize,
    ) {
        let words = &command.words[program..];
        let texts: Vec<Option<String>> = words.iter().map(Word::literal).collect();
        for program in &row.needs {
            self.program(program);
        }
        if row.https && words.iter().any(is_https) {
            self.need(What::Certificates);
        }
        for text in texts.iter().flatten() {
            let started =
                row.remote.iter().filter(|(start, _)| text.starts_with(start.as_str())).map(|(_, program)| program);
            started.for_each(|program| self.program(program));
        }
        self.packed(row, &texts);
        self.started(row, &texts);
        if !row.archives.is_empty() {
            self.archive(row, words, &texts);
        }
        if !row.options.is_empty() && !texts.iter().flatten().any(|text| row.options.contains(text)) {
            return self.unknown(&texts[0].clone().unwrap_or_default(), "");
        }
        match row.kind {
            CommandKind::Nothing | CommandKind::Packages => {}
            CommandKind::Arguments => self.arguments(words, depth),
            CommandKind::Shell => self.shell(words, &texts, depth),
            CommandKind::Application => self.application(words, &texts),
            CommandKind::PythonPackages => match invocation {
                Some(invocation) => self.python_packages(invocation, command),
                None => self.unknown(&texts[0].clone().unwrap_or_default(), ""),
            },
            CommandKind::NodePackages => self.node_packages(invocation),
            CommandKind::NodeScript => self.node_script(invocation),
            CommandKind::NodeRunner => self.node_runner(invocation),
        }
    }

    /// Programs that unpack what the command reads.
    fn packed(&mut self, row: &CommandNeeds, texts: &[Option<String>]) {
        for (at, text) in texts.iter().enumerate().skip(1) {
            let Some(text) = text else { continue };
            for (sign, program) in &row.packed {
                let is_letter = sign.len() == 1;
                let is_options =
                    at == 1 && !text.contains(['/', '.']) || text.starts_with('-') && !text.starts_with("--");
                if is_letter && is_options && text.contains(sign.as_str())
                    || !is_letter && text.ends_with(sign.as_str())
                {
                    self.program(program);
                }
            }
        }
    }

    /// Programs that options and arguments ask for.
    fn started(&mut self, row: &CommandNeeds, texts: &[Option<String>]) {
        let name = texts[0].as_deref().unwrap_or_default();
        for text in texts.iter().skip(1).flatten() {
            for (option, program) in &row.starts {
                let is_it = match option.strip_prefix('-').filter(|letter| letter.len() == 1) {
                    Some(letter) => text.starts_with('-') && !text.starts_with("--") && text.contains(letter),
                    None => text.split_once('=').map_or(text.as_str(), |(option, _)| option) == option,
                };
                match program.as_str() {
                    _ if !is_it => {}
                    "*" => self.gap(
                        format!("`{name}` starts the program that `{option}` names"),
                        "that program as a command of its own",
                    ),
                    program => self.program(program),
                }
            }
            if row.calls.iter().any(|call| text.contains(call.as_str())) {
                self.gap(format!("the script of `{name}` starts programs"), "those programs in the shell");
            }
        }
    }

    /// What unpacking takes shows in the name of the archive or in an option; the program looks at the content otherwise.
    fn archive(&mut self, row: &CommandNeeds, words: &[Word], texts: &[Option<String>]) {
        let is_letters = |at: usize, text: &str| {
            at == 1 && !text.contains(['/', '.', '=']) || text.starts_with('-') && !text.starts_with("--")
        };
        let letters = |texts: &[Option<String>]| -> String {
            let flags = texts.iter().enumerate().skip(1).filter_map(|(at, text)| Some((at, text.as_deref()?)));
            flags.filter(|(at, text)| is_letters(*at, text)).map(|(_, text)| text).collect()
        };
        let asked = letters(texts);
        let names_program =
            |option: &str| row.packed.keys().chain(row.starts.keys()).any(|key| key == option) || option == "--gzip";
        let is_told = asked.contains('z')
            || row.packed.keys().any(|key| key.len() == 1 && asked.contains(key.as_str()))
            || texts.iter().flatten().any(|text| names_program(text));
        let reads = asked.contains(['x', 't'])
            || texts.iter().flatten().any(|text| matches!(text.as_str(), "--extract" | "--get" | "--list"));
        let file = (1..words.len()).find_map(|at| match texts[at].as_deref() {
            Some("--file") => words.get(at + 1),
            Some(text) if text.starts_with("--file=") => words.get(at),
            Some(text) if is_letters(at, text) && text.contains('f') => words.get(at + 1),
            None if words[at].pattern().is_none() && starts_with(&words[at], "--file=") => words.get(at),
            _ => None,
        });
        let Some(file) = file.filter(|_| reads) else { return };
        let end = match file.parts.last() {
            Some(WordPart::Literal { text, .. }) => text.as_str(),
            _ => "",
        };
        if let Some(program) = row
            .packed
            .iter()
            .find_map(|(sign, program)| (sign.len() > 1 && end.ends_with(sign.as_str())).then_some(program))
        {
            return self.program(program);
        }
        let is_plain =
            end == "-" && file.parts.len() == 1 || row.archives.iter().any(|ending| end.ends_with(ending.as_str()));
        if !is_plain && !is_told {
            let name = texts[0].as_deref().unwrap_or_default();
            self.gap(
                format!("what `{name}` takes to unpack the archive shows only when it runs"),
                "the option for the compression, such as `-z` or `-J`",
            );
        }
    }

    /// The command that the arguments name: behind options and their values, which are no programs.
    fn arguments(&mut self, words: &[Word], depth: usize) {
        let known = |word: &Word| {
            let text = word.literal()?;
            let base = text.rsplit('/').next()?.to_owned();
            let is_known = tables::needs().command(&base, "").is_some()
                || tables::programs().is_program(&base)
                || text.starts_with('/');
            (is_known && !text.starts_with('-')).then_some(())
        };
        let start = (1..words.len()).find(|at| known(&words[*at]).is_some());
        if let Some(start) = start {
            let rest = words[start..].to_vec();
            return self.command(&SimpleCommand { words: rest, ..SimpleCommand::default() }, depth + 1);
        }
        // `find` without `-exec`, an entry script with `"$@"`.
        let runs = words[1..]
            .iter()
            .any(|word| word.literal().is_some_and(|text| text.starts_with("-exec") || text.starts_with("-ok")));
        if runs || words.len() > 1 && words[1..].iter().all(|word| word.literal().is_none() && !passes_arguments(word))
        {
            self.gap("a program is started whose name is known only when it runs", "the name of the program");
        }
    }

    fn shell(&mut self, words: &[Word], texts: &[Option<String>], depth: usize) {
        let is_bash = texts[0].as_deref().is_some_and(|name| name.ends_with("bash"));
        let has_text = |text: &Option<String>| {
            text.as_deref().is_some_and(|text| text.starts_with('-') && !text.starts_with("--") && text.contains('c'))
        };
        if let Some(at) = texts.iter().position(has_text) {
            let Some(Some(text)) = texts.get(at + 1) else {
                return self.gap("the script of a shell is known only when it runs", "the command itself");
            };
            return self.text(text, if is_bash { Dialect::Bash } else { Dialect::Posix });
        }
        match (1..words.len()).find(|at| !texts[*at].as_deref().is_some_and(|text| text.starts_with(['-', '+']))) {
            Some(at) => self.file_of_word(words.get(at), depth),
            None if self.when == When::Run && words.len() == 1 => {}
            None => self.gap("a shell reads its script from somewhere else", "the script in the build context"),
        }
    }

    fn text(&mut self, text: &str, dialect: Dialect) {
        match shell::parse(text, dialect) {
            Ok(script) => self.script(&script),
            Err(reason) => self.gap(reason.to_string(), "plain POSIX shell"),
        }
    }

    /// A script of the build context.
    fn file_of_word(&mut self, word: Option<&Word>, _depth: usize) {
        let Some(path) = word.and_then(Word::literal) else {
            return self.gap("a script is known only when it runs", "the path of the script");
        };
        let Some(file) = self.context_file(&path) else {
            return self.gap(format!("what `{path}` does is not known"), "the file in the build context");
        };
        self.in_file(&file, |reader, text| reader.file(&file, text));
    }

    /// The text of a file that is started.
    pub(super) fn file(&mut self, path: &str, text: &str) {
        let line = text.lines().next().unwrap_or_default();
        let Some(interpreter) = line.strip_prefix("#!") else {
            return self.text(text, Dialect::Posix);
        };
        let words: Vec<&str> = interpreter.split_whitespace().filter(|word| *word != "-S").collect();
        let name = |word: &&str| word.rsplit('/').next().unwrap_or(word).to_owned();
        let program = match words.as_slice() {
            [env, program, ..] if name(env) == "env" => name(program),
            [program, ..] => name(program),
            [] => return self.gap(format!("`{path}` names no interpreter"), "the interpreter behind `#!`"),
        };
        self.program(&program);
        if let Some(path) = words.first().filter(|word| word.starts_with('/')) {
            self.path(path);
        }
        match tables::needs().command(&program, "").map(|row| row.kind) {
            Some(CommandKind::Shell) => {
                let dialect = if program == "bash" { Dialect::Bash } else { Dialect::Posix };
                self.text(text, dialect);
            }
            Some(CommandKind::Application) => self.code_text(path.to_owned(), Some(text.to_owned())),
            _ => self.unknown(&program, ""),
        }
    }

    /// Code that is named on the command line is a part of the application.
    fn application(&mut self, words: &[Word], texts: &[Option<String>]) {
        let inline = texts.iter().position(|text| matches!(text.as_deref(), Some("-c" | "-e" | "--eval" | "-p")));
        if let Some(at) = inline {
            match texts.get(at + 1) {
                Some(Some(text)) => self.code_text(String::new(), Some(text.clone())),
                _ => self.gap("the code of a command is known only when it runs", "the code itself"),
            }
            return;
        }
        for (word, text) in words.iter().zip(texts).skip(1) {
            let Some(text) = text else { continue };
            let name = text.rsplit('/').next().unwrap_or(text);
            if text == "setup.py" && texts.last() == Some(&Some("install".to_owned())) && texts.len() == 3 {
                self.needs.has_packages = true;
                return self.project(".", &[], &Wheels::default());
            }
            if name == "setup.py" && self.when == When::Build {
                return self.gap("what `setup.py` compiles is not known", "`pip install` of packages with wheels");
            }
            let is_known = || self.context_file(text).is_some() || self.is_built(text);
            if tables::needs().is_code(name) && !word.span.is_empty() && !is_known() {
                return self.gap(format!("what `{text}` does is not known"), "the file in the build context");
            }
        }
    }

    fn word(&mut self, word: &Word) {
        if let Some(text) = word.pattern() {
            let text = text.split_once('=').map_or(text.as_str(), |(_, value)| value);
            if text.starts_with('/') {
                self.path(text);
            }
        }
    }
}

fn is_https(word: &Word) -> bool {
    // What a variable holds may be such an address.
    word.parts.iter().any(|part| names_https(part) || !matches!(part, WordPart::Literal { .. }))
}

fn names_https(part: &WordPart) -> bool {
    matches!(part, WordPart::Literal { text, .. } if text.contains("https:"))
}

/// `"$@"`: the arguments of the script, which CMD names.
fn passes_arguments(word: &Word) -> bool {
    matches!(word.parts.as_slice(), [WordPart::Expansion { text, .. }] if matches!(text.as_str(), "$@" | "${@}" | "$*"))
}

/// A command of words that are known.
fn command_of(argv: &[String]) -> SimpleCommand {
    let word = |text: &String| Word {
        span: Span::new(0, text.len()),
        parts: vec![WordPart::Literal { text: text.clone(), quoted: true }],
    };
    SimpleCommand { words: argv.iter().map(word).collect(), ..SimpleCommand::default() }
}

/// The names of the functions that a script defines.
fn functions(script: &Script) -> Vec<String> {
    let mut names = Vec::new();
    let mut todo = vec![Child::List(&script.list)];
    while let Some(child) = todo.pop() {
        match child {
            Child::List(list) => todo.extend(list.statements.iter().map(|statement| Child::Node(&statement.node))),
            Child::Word(word) => todo.extend(word.substitutions().map(Child::List)),
            Child::Node(node) => {
                if let NodeKind::Function { name, .. } = &node.kind {
                    names.push(name.clone());
                }
                todo.extend(node.children());
            }
        }
    }
    names
}

/// Whether the word begins with the text.
fn starts_with(word: &Word, start: &str) -> bool {
    matches!(word.parts.first(), Some(WordPart::Literal { text, .. }) if text.starts_with(start))
}
