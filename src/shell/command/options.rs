//! The reader of options: the same for all programs, driven by the table.

use super::table::{Arity, KnownOption, Program};
use super::{Argument, CommandOption, Subcommand, Variable};
use crate::shell::ast::{Word, WordPart};
use crate::source::Span;

/// The words of a program, sorted.
#[derive(Default)]
pub(super) struct Read {
    pub(super) subcommand: Option<Subcommand>,
    pub(super) options: Vec<CommandOption>,
    pub(super) arguments: Vec<Argument>,
    pub(super) environment: Vec<Variable>,
    pub(super) unknown_option: Option<Span>,
    /// Index of the word at which the command starts that this one runs.
    pub(super) inner: Option<usize>,
}

impl Read {
    fn is_empty(&self) -> bool {
        self.options.is_empty() && self.arguments.is_empty() && self.unknown_option.is_none()
    }
}

/// Reads the words from `start` on as options and arguments of `program`.
pub(super) fn read(program: &Program, words: &[Word], start: usize) -> Read {
    let mut reader = OptionReader { program, words, next: start, options_end: false, read: Read::default() };
    while reader.read.inner.is_none() && reader.next < words.len() {
        reader.word();
    }
    reader.read
}

struct OptionReader<'a> {
    program: &'a Program,
    words: &'a [Word],
    next: usize,
    /// Whether what follows are arguments only.
    options_end: bool,
    read: Read,
}

impl OptionReader<'_> {
    fn word(&mut self) {
        let idx = self.next;
        let word = &self.words[idx];
        self.next += 1;
        let (prefix, complete) = known_prefix(word);
        if self.program.old_style && self.read.is_empty() && complete && !prefix.starts_with('-') {
            self.old_style(idx, &prefix);
        } else if self.options_end || !prefix.starts_with('-') || prefix == "-" {
            self.argument(idx, &prefix, complete);
        } else if prefix == "--" && complete {
            self.options_end = true;
        } else if prefix.starts_with("--") || self.program.single_dash {
            self.long_option(idx, &prefix, complete);
        } else {
            self.short_options(idx, &prefix, complete);
        }
    }

    fn argument(&mut self, idx: usize, prefix: &str, complete: bool) {
        let word = &self.words[idx];
        if self.program.wraps == Some(self.read.arguments.len()) {
            match prefix.split_once('=') {
                Some((name, _)) if self.takes_assignments() => self.read.environment.push(Variable {
                    name: name.to_owned(),
                    value: word.literal().and_then(|text| text.split_once('=').map(|(_, value)| value.to_owned())),
                    span: word.span,
                }),
                _ => self.read.inner = Some(idx),
            }
            return;
        }
        if self.program.has_subcommands() && !self.options_end {
            if !complete && self.read.subcommand.is_none() {
                self.unknown(word.span);
            }
            if complete && self.subcommand(idx, prefix) {
                return;
            }
        }
        self.read.arguments.push(Argument::new(idx, word));
        self.options_end |= self.program.rest_of(self.read.subcommand.as_ref().map(|subcommand| &*subcommand.name));
    }

    /// Takes the word as the subcommand, or as its second word.
    fn subcommand(&mut self, idx: usize, text: &str) -> bool {
        match &mut self.read.subcommand {
            None => {
                let name = self.program.subcommand(text).to_owned();
                self.read.subcommand = Some(Subcommand { name, words: vec![idx] });
                true
            }
            Some(subcommand) if subcommand.words.len() == 1 && self.read.arguments.is_empty() => {
                let Some(name) = self.program.nested_subcommand(&subcommand.name, text) else { return false };
                subcommand.name = name.to_owned();
                subcommand.words.push(idx);
                true
            }
            Some(_) => false,
        }
    }

    /// `env` and `sudo` take assignments before the command.
    fn takes_assignments(&self) -> bool {
        matches!(self.program.name, "env" | "sudo")
    }

    fn long_option(&mut self, idx: usize, prefix: &str, complete: bool) {
        let word = &self.words[idx];
        let (name, has_value) = prefix.split_once('=').map_or((prefix, false), |(name, _)| (name, true));
        // `go` takes one dash for two.
        let single = if self.program.single_dash { name.replacen("--", "-", 1) } else { name.to_owned() };
        let Some(option) = self.known(&single) else { return self.unknown(word.span) };
        if has_value {
            let value = value_behind_equals(idx, word);
            self.push(option, idx, Some(value));
        } else if !complete {
            self.unknown(word.span);
        } else if option.arity == Arity::Value {
            self.push_with_next(option, idx);
        } else {
            self.push(option, idx, None);
        }
    }

    /// `-y`, a cluster `-yq`, or letters and a value `-j4`.
    fn short_options(&mut self, idx: usize, prefix: &str, complete: bool) {
        let word = &self.words[idx];
        // Some programs have options like `-qq` and `-nv`, which are no clusters.
        if complete && let Some(option) = self.known(prefix) {
            if option.arity == Arity::Value {
                return self.push_with_next(option, idx);
            }
            return self.push(option, idx, None);
        }
        for (offset, letter) in prefix.char_indices().skip(1) {
            let Some(option) = self.known(&format!("-{letter}")) else { return self.unknown(word.span) };
            let rest = &prefix[offset + letter.len_utf8()..];
            let attached = !rest.is_empty() || !complete;
            // `-q2`, `-q=2`; but `-qy` is a cluster.
            let has_value = match option.arity {
                Arity::Flag => false,
                Arity::Value => attached,
                Arity::Optional => rest.starts_with(|c: char| c == '=' || c.is_ascii_digit()),
            };
            if has_value {
                let text = complete.then(|| rest.strip_prefix('=').unwrap_or(rest).to_owned());
                let value = Argument { word: idx, span: word.span, pattern: text.clone(), text };
                return self.push(option, idx, Some(value));
            }
            if option.arity == Arity::Value {
                return self.push_with_next(option, idx);
            }
            self.push(option, idx, None);
        }
        if !complete {
            self.unknown(word.span);
        }
    }

    /// `xzf`: letters without a dash, of which the last one may have a value in the next word.
    fn old_style(&mut self, idx: usize, letters: &str) {
        let takes_value =
            |letter: char| self.known(&format!("-{letter}")).is_none_or(|option| option.arity != Arity::Flag);
        let mut before = letters.chars();
        before.next_back();
        if before.any(takes_value) {
            return self.unknown(self.words[idx].span);
        }
        self.short_options(idx, &format!("-{letters}"), true);
    }

    fn known(&self, name: &str) -> Option<KnownOption> {
        let subcommand = self.read.subcommand.as_ref().map(|subcommand| &*subcommand.name);
        self.program.option(subcommand, name).cloned()
    }

    fn unknown(&mut self, span: Span) {
        self.read.unknown_option.get_or_insert(span);
    }

    /// Adds an option whose value is the next word.
    fn push_with_next(&mut self, option: KnownOption, idx: usize) {
        let Some(value) = self.words.get(self.next) else { return self.unknown(self.words[idx].span) };
        let value = Argument::new(self.next, value);
        self.next += 1;
        if self.program.module == Some(option.name) {
            self.options_end = true;
            self.read.inner = known_module(&value).then_some(value.word);
        }
        self.push(option, idx, Some(value));
    }

    fn push(&mut self, option: KnownOption, idx: usize, value: Option<Argument>) {
        let last = value.as_ref().map_or(idx, |value| value.word);
        let span = self.words[idx].span.to(self.words[last].span);
        self.read.options.push(CommandOption { name: option.name.to_owned(), value, span, words: idx..last + 1 });
    }
}

fn known_module(value: &Argument) -> bool {
    value.text.as_deref().is_some_and(|name| super::table::program(name).is_some())
}

/// The text that a word starts with for sure, and whether that is all of it but for globs.
fn known_prefix(word: &Word) -> (String, bool) {
    let mut prefix = String::new();
    for part in &word.parts {
        let WordPart::Literal { text, .. } = part else { return (prefix, false) };
        prefix.push_str(text);
    }
    (prefix, true)
}

/// The value in `--option=value`.
fn value_behind_equals(idx: usize, word: &Word) -> Argument {
    let mut value = Word { span: word.span, parts: word.parts.clone() };
    let mut n_before = 0;
    for (part_idx, part) in word.parts.iter().enumerate() {
        let WordPart::Literal { text, quoted } = part else { break };
        if let Some((name, rest)) = text.split_once('=') {
            n_before += name.len() + 1;
            value.parts.drain(..part_idx);
            value.parts[0] = WordPart::Literal { text: rest.to_owned(), quoted: *quoted };
            break;
        }
        n_before += text.len();
    }
    // With quotes or escapes in the name, the place of the value within the word is not looked for.
    if n_before <= word.span.len()
        && matches!(word.parts.first(), Some(WordPart::Literal { text, quoted: false }) if text.contains('='))
    {
        value.span.start += n_before;
    }
    Argument::new(idx, &value)
}
