//! The commands of a script as the passes ask for them.

use std::rc::Rc;

use super::Model;
use super::scope::Variable;
use crate::shell::ast::{SimpleCommand, Word, WordPart};
use crate::shell::command::{Argument, CommandOption, Invocation, recognize};
use crate::source::Span;
use crate::syntax::mount::Mount;

/// A simple command of a script.
#[derive(Clone, Debug)]
pub struct Call<'a> {
    /// Its number in [`crate::shell::ast::Script::simple_commands`].
    pub id: usize,
    /// The command.
    pub command: &'a SimpleCommand,
    /// What it calls, if the command table has a row for it.
    invocation: Option<Rc<Invocation>>,
}

impl Call<'_> {
    /// The program by its name in the command table, or the empty string.
    #[must_use]
    pub fn program(&self) -> &str {
        self.invocation.as_ref().map_or("", |invocation| &invocation.program)
    }

    /// The word that names the program, as it is written: with its directory.
    #[must_use]
    pub fn program_word(&self) -> Option<String> {
        self.command.words.get(self.invocation.as_ref()?.word)?.literal()
    }

    /// The main name of the subcommand: `install` for `npm i`, `mod download` for go.
    #[must_use]
    pub fn subcommand(&self) -> Option<&str> {
        self.invocation.as_deref().map(Invocation::subcommand).filter(|name| !name.is_empty())
    }

    /// Whether it is apt in one of its forms.
    #[must_use]
    pub fn is_apt(&self) -> bool {
        matches!(self.program(), "apt-get" | "apt" | "aptitude")
    }

    /// Whether it is a program that installs packages, so that the passes know what it reads.
    #[must_use]
    pub fn is_package_manager(&self) -> bool {
        self.is_apt()
            || matches!(self.program(), "apk" | "dpkg" | "apt-key" | "apt-cache" | "apt-mark" | "add-apt-repository")
    }

    /// Whether it is a subcommand that empties the program's own cache.
    #[must_use]
    pub fn empties_cache(&self) -> bool {
        self.subcommand().is_some_and(|name| name.split(' ').next() == Some("cache"))
    }

    /// Whether all options are known and no other program runs it, so that its words can be changed. `python -m` changes
    /// neither user nor environment.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.invocation.as_ref().is_some_and(|invocation| {
            invocation.unknown_option.is_none() && invocation.wrappers.iter().all(|wrapper| wrapper.program == "python")
        })
    }

    /// Why the command is not plain, and what would change that.
    #[must_use]
    pub fn why_not_plain(&self) -> (String, &'static str) {
        let wrappers = self.invocation.as_ref().map(|invocation| invocation.wrappers.as_slice()).unwrap_or_default();
        match wrappers.iter().find(|wrapper| wrapper.program != "python") {
            Some(wrapper) => {
                (format!("`{}` is run through `{}`", self.program(), wrapper.program), "the command without it")
            }
            None => (
                format!("not all options of `{}` are known", self.program()),
                "a row for the option in the command table",
            ),
        }
    }

    /// Number of the first word of an option, by one of its main names.
    #[must_use]
    pub fn option(&self, names: &[&str]) -> Option<usize> {
        let options = &self.invocation.as_ref()?.options;
        options.iter().find(|option| names.contains(&option.name.as_str())).map(|option| option.words.start)
    }

    /// The options in order.
    #[must_use]
    pub fn options(&self) -> &[CommandOption] {
        self.invocation.as_ref().map_or(&[], |invocation| &invocation.options)
    }

    /// What is neither an option nor the value of one.
    #[must_use]
    pub fn operands(&self) -> &[Argument] {
        self.invocation.as_ref().map_or(&[], |invocation| &invocation.arguments)
    }

    /// Whether a word put in front of word `at` is read as an option of the subcommand, or of a program without such.
    #[must_use]
    pub fn reads_options_at(&self, at: usize) -> bool {
        let Some(invocation) = &self.invocation else { return false };
        let name = invocation.subcommand.as_ref().map_or(Some(invocation.word), |name| name.words.last().copied());
        let cuts_an_option = invocation.options.iter().any(|option| option.words.start < at && at < option.words.end);
        let behind_dashes = self.command.words.iter().take(at).any(|word| word.literal().as_deref() == Some("--"));
        name.is_some_and(|name| name < at) && at <= self.command.words.len() && !cuts_an_option && !behind_dashes
    }

    /// Number of the word that names the program.
    #[must_use]
    pub fn program_at(&self) -> usize {
        self.invocation.as_ref().map_or(0, |invocation| invocation.word)
    }

    /// Number of the word that names the subcommand, when it is a single one.
    #[must_use]
    pub fn subcommand_word(&self) -> Option<usize> {
        match self.invocation.as_ref()?.subcommand.as_ref()?.words.as_slice() {
            [word] => Some(*word),
            _ => None,
        }
    }

    /// Whether the variable is set to `1` or `true` for the command alone.
    #[must_use]
    pub fn sets(&self, name: &str) -> bool {
        let variable = self.invocation.as_ref().and_then(|invocation| invocation.variable(name));
        variable.is_some_and(|variable| matches!(variable.value.as_deref(), Some("1" | "true")))
    }

    /// Number of the word that a new option goes in front of: behind the options without value that follow the subcommand.
    #[must_use]
    pub fn option_place(&self) -> Option<usize> {
        let invocation = self.invocation.as_ref()?;
        let name = invocation.subcommand.as_ref().map_or(Some(invocation.word), |name| name.words.last().copied());
        let mut at = name? + 1;
        while invocation.options.iter().any(|option| option.words == (at..at + 1) && option.value.is_none()) {
            at += 1;
        }
        self.reads_options_at(at).then_some(at)
    }

    /// Whether the call is a command of a table: a program, a program with its subcommand or option, or `program .` for
    /// what it does without a subcommand.
    #[must_use]
    pub fn is_command(&self, command: &str) -> bool {
        let only_tells = || self.option(&["--version", "--help", "--info"]).is_some();
        match command.split_once(' ') {
            None => self.program() == command && !only_tells(),
            Some((program, ".")) => self.program() == program && self.subcommand().is_none() && !only_tells(),
            Some((program, option)) if option.starts_with('-') => {
                self.program() == program && self.option(&[option]).is_some()
            }
            Some((program, subcommand)) => self.program() == program && self.subcommand() == Some(subcommand),
        }
    }

    /// Whether another program runs it, `python -m` aside: perhaps as another user.
    #[must_use]
    pub fn is_wrapped(&self) -> bool {
        self.invocation
            .as_ref()
            .is_some_and(|invocation| invocation.wrappers.iter().any(|wrapper| wrapper.program != "python"))
    }

    /// Whether a word of the command holds the text.
    #[must_use]
    pub fn has_word_with(&self, text: &str) -> bool {
        self.command.words.iter().any(|word| word.pattern().is_some_and(|word| word.contains(text)))
    }

    /// How often the text stands in the words of the command.
    #[must_use]
    pub fn words_with(&self, text: &str) -> usize {
        self.command.words.iter().filter_map(Word::pattern).map(|word| word.matches(text).count()).sum()
    }

    /// Whether the call is the command of a table, whatever options either has. A command without subcommand is told by its
    /// options: `pacman -Scc`.
    #[must_use]
    pub fn reads_as(&self, command: &str) -> bool {
        let words: Option<Vec<String>> = self.command.words.iter().map(Word::literal).collect();
        let Some(words) = words else { return false };
        let start = self.invocation.as_ref().map_or(0, |invocation| invocation.word);
        let is_option = |word: &&str| word.starts_with('-');
        let words: Vec<&str> = words[start..].iter().map(String::as_str).collect();
        let mut wanted = command.split(' ');
        if wanted.next() != Some(self.program()) || self.program().is_empty() {
            return false;
        }
        let (options, names): (Vec<&str>, Vec<&str>) = wanted.partition(is_option);
        let names_match = words.iter().skip(1).copied().filter(|word| !is_option(word)).eq(names.iter().copied());
        names_match && (!names.is_empty() || options.iter().all(|option| words.contains(option)))
    }

    /// The variables that the call sets, for itself or by `export`.
    #[must_use]
    pub fn variables_set(&self) -> Vec<String> {
        let prefixed = self.command.assignments.iter().map(|assignment| assignment.name.clone());
        let of_env = self
            .invocation
            .iter()
            .flat_map(|invocation| invocation.environment.iter().map(|variable| variable.name.clone()));
        let name = |word: &Word| match word.parts.first() {
            Some(WordPart::Literal { text, .. }) => text.split_once('=').map(|(name, _)| name.to_owned()),
            _ => None,
        };
        prefixed.chain(of_env).chain(self.command.words.iter().filter_map(name)).collect()
    }

    /// From its first to its last word.
    #[must_use]
    pub fn span(&self) -> Span {
        let words = &self.command.words;
        match (words.first(), words.last()) {
            (Some(first), Some(last)) => first.span.to(last.span),
            _ => Span::at(0),
        }
    }
}

impl Model<'_> {
    /// The commands that the RUN's own shell runs; none when its script is not understood.
    #[must_use]
    pub fn calls(&self, run: usize) -> Vec<Call<'_>> {
        let Some(body) = self.body(run).filter(|_| self.is_run(run)) else { return Vec::new() };
        let Some(script) = body.understood() else { return Vec::new() };
        let commands = script.simple_commands();
        let invocations =
            body.invocations.get_or_init(|| commands.iter().map(|command| recognize(command).map(Rc::new)).collect());
        let call = |(id, (command, invocation)): (usize, (_, &Option<Rc<Invocation>>))| Call {
            id,
            command,
            invocation: invocation.clone(),
        };
        commands.into_iter().zip(invocations).enumerate().map(call).collect()
    }

    /// All commands of the RUN with those in substitutions and functions, by another numbering; `None` when its script is not understood.
    #[must_use]
    pub fn every_call(&self, run: usize) -> Option<Vec<Call<'_>>> {
        let script = self.body(run)?.understood()?;
        let call = |(id, command)| Call { id, command, invocation: recognize(command).map(Rc::new) };
        Some(script.all_simple_commands().into_iter().enumerate().map(call).collect())
    }

    /// The operands of a call as paths, as by [`Self::path`].
    #[must_use]
    pub fn paths(&self, run: usize, call: &Call<'_>) -> Vec<Option<String>> {
        call.operands().iter().map(|operand| self.path(run, call.command.words.get(operand.word)?)).collect()
    }

    /// A word of the RUN's script as a path: unquoted globs as they are, `~`, `$HOME` and the variables of ENV replaced.
    /// `None` when it is not known.
    #[must_use]
    pub fn path(&self, run: usize, word: &Word) -> Option<String> {
        if let [WordPart::Expansion { variable: Some(name), .. }, rest @ ..] = word.parts.as_slice() {
            let value = if name == "HOME" { self.user(run).home? } else { self.plain_path_of(run, name)? };
            let rest = Word { span: word.span, parts: rest.to_vec() }.pattern()?;
            return (rest.is_empty() || rest.starts_with('/')).then(|| format!("{value}{rest}"));
        }
        let path = word.pattern()?;
        match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Some(format!("{}{rest}", self.user(run).home?)),
            Some(_) => None,
            None => Some(path),
        }
    }

    /// The text of a word, with the values of variables that ENV sets and the script leaves alone.
    #[must_use]
    pub fn text_of(&self, run: usize, word: &Word) -> Option<String> {
        let mut text = String::new();
        for part in &word.parts {
            match part {
                WordPart::Literal { text: literal, .. } => text.push_str(literal),
                WordPart::Expansion { variable: Some(name), text: written, .. }
                    if *written == format!("${name}") || *written == format!("${{{name}}}") =>
                {
                    text.push_str(&self.untouched(run, name)?);
                }
                _ => return None,
            }
        }
        Some(text)
    }

    /// The value of a variable that ENV sets and the script leaves alone, if it is one path.
    pub(super) fn plain_path_of(&self, run: usize, name: &str) -> Option<String> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+');
        self.untouched(run, name).filter(|value| value.starts_with('/') && value.chars().all(is_plain))
    }

    /// The value of a variable that ENV sets and the script leaves alone.
    fn untouched(&self, run: usize, name: &str) -> Option<String> {
        let Variable::Set(value) = self.state(run).variables.get(name) else { return None };
        let value = value.fixed()?;
        // `read NAME`, `for NAME in`, `NAME=`: anything but an expansion of it may set it.
        let text = &self.body(run)?.text.text;
        let is_expansion = |(at, _): (usize, &str)| {
            let before = &text[..at];
            let is_longer = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            is_longer || before.ends_with('$') || before.ends_with("${")
        };
        text.match_indices(name).all(is_expansion).then(|| value.to_owned())
    }

    /// The mounts of a RUN that can be read.
    #[must_use]
    pub fn mounts(&self, run: usize) -> Vec<Mount> {
        let flags = self.instruction(run).flags.iter().filter(|flag| flag.name == "mount");
        flags.filter_map(|flag| Mount::parse(flag.value.as_deref()?).ok()).collect()
    }
}
