//! The trees of small Dockerfiles: each folder of `tests/syntax` holds a `Dockerfile` and the dump of its tree,
//! `tree.txt`. `SNAPSHOTS=overwrite cargo test --test syntax` accepts what is read today.

use std::fmt::Write as _;
use std::path::Path;

use imgopt::source::{LineIndex, Span};
use imgopt::syntax::ast::{Command, Healthcheck, Instruction, InstructionKind, JoinedText, KeyValues, Transfer, Word};
use imgopt::syntax::parse;
use snapbox::Data;

#[test]
fn trees_of_small_dockerfiles() {
    let mut folders: Vec<_> = std::fs::read_dir("tests/syntax")
        .expect("the cases are there")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(!folders.is_empty());
    for folder in folders {
        check(&folder);
    }
}

#[track_caller]
fn check(folder: &Path) {
    let source = std::fs::read_to_string(folder.join("Dockerfile")).expect("a case has a Dockerfile");
    let expected = Data::read_from(&folder.join("tree.txt"), None).raw();
    snapbox::Assert::new().action_env("SNAPSHOTS").eq(Data::text(dump(&source)).raw(), expected);
}

struct Dump<'a> {
    source: &'a str,
    index: LineIndex,
    text: String,
}

fn dump(source: &str) -> String {
    let parsed = parse(source);
    let mut dump = Dump { source, index: LineIndex::new(source), text: String::new() };
    for item in &parsed.dockerfile.items {
        let (first, last) = dump.index.lines(item.span);
        dump.line(0, &format!("lines {first}-{last}: {:?}", item.kind));
    }
    for directive in &parsed.dockerfile.directives {
        dump.line(0, &format!("directive {} = {:?}", directive.name, directive.value));
    }
    for instruction in &parsed.dockerfile.instructions {
        dump.instruction(0, instruction);
    }
    for diagnostic in &parsed.diagnostics {
        let place = dump.place(diagnostic.span);
        let hint = diagnostic.hint.as_ref().map_or(String::new(), |hint| format!(" ({hint})"));
        dump.line(0, &format!("{:?} {place}: {}{hint}", diagnostic.severity, diagnostic.message));
    }
    dump.text
}

impl Dump<'_> {
    fn line(&mut self, depth: usize, text: &str) {
        writeln!(self.text, "{:1$}{text}", "", 2 * depth).expect("a string takes it");
    }

    /// Line and column of the start and of the end.
    fn place(&self, span: Span) -> String {
        let position = |offset| format!("{}:{}", self.index.line(offset), self.index.column(offset));
        format!("{}-{}", position(span.start), position(span.end))
    }

    fn instruction(&mut self, depth: usize, instruction: &Instruction) {
        let keyword = instruction.keyword_upper(self.source);
        self.line(depth, &format!("{keyword} {}", self.place(instruction.span)));
        let depth = depth + 1;
        for comment in &instruction.comments {
            self.line(depth, &format!("comment {:?}", comment.of(self.source)));
        }
        for flag in &instruction.flags {
            let value = flag.value.as_ref().map_or(String::new(), |value| format!(" = {value:?}"));
            self.line(depth, &format!("flag {}{value} {}", flag.name, self.place(flag.span)));
        }
        self.kind(depth, &instruction.kind);
        for heredoc in &instruction.heredocs {
            let switches = format!("fd {} expand {} chomp {}", heredoc.fd, heredoc.expand, heredoc.chomp);
            let body = heredoc.body.of(self.source);
            self.line(depth, &format!("heredoc {} {switches} {body:?}", heredoc.name));
        }
    }

    fn kind(&mut self, depth: usize, kind: &InstructionKind) {
        match kind {
            InstructionKind::From(from) => {
                self.word(depth, "image", &from.image);
                if let Some(alias) = &from.alias {
                    self.word(depth, "name", &alias.name);
                }
            }
            InstructionKind::Run(command) | InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => {
                self.command(depth, command);
            }
            InstructionKind::Shell(words) | InstructionKind::Expose(words) | InstructionKind::Volume(words) => {
                self.words(depth, "word", words);
            }
            InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => self.transfer(depth, transfer),
            InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => self.pairs(depth, pairs),
            InstructionKind::Arg(declarations) => {
                for declaration in declarations {
                    self.word(depth, "argument", &declaration.name);
                    if let Some(default) = &declaration.default {
                        self.word(depth + 1, "default", default);
                    }
                }
            }
            InstructionKind::User(word)
            | InstructionKind::Workdir(word)
            | InstructionKind::Stopsignal(word)
            | InstructionKind::Maintainer(word) => self.word(depth, "word", word),
            InstructionKind::Healthcheck(Healthcheck::None) => self.line(depth, "none"),
            InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => self.command(depth, command),
            InstructionKind::Onbuild(trigger) => self.instruction(depth, trigger),
            InstructionKind::Unknown => self.line(depth, "unknown"),
        }
    }

    fn command(&mut self, depth: usize, command: &Command) {
        match command {
            Command::Exec(words) => {
                self.line(depth, "exec form");
                self.words(depth + 1, "string", words);
            }
            Command::Shell(JoinedText { text, pieces }) => {
                self.line(depth, &format!("shell form {text:?} in {} pieces", pieces.len()));
            }
        }
    }

    fn transfer(&mut self, depth: usize, transfer: &Transfer) {
        if transfer.json {
            self.line(depth, "json");
        }
        self.words(depth, "source", &transfer.sources);
        self.word(depth, "destination", &transfer.destination);
    }

    fn pairs(&mut self, depth: usize, pairs: &KeyValues) {
        if pairs.legacy {
            self.line(depth, "legacy");
        }
        for pair in &pairs.pairs {
            self.word(depth, "key", &pair.key);
            self.word(depth + 1, "value", &pair.value);
        }
    }

    fn words(&mut self, depth: usize, name: &str, words: &[Word]) {
        for word in words {
            self.word(depth, name, word);
        }
    }

    fn word(&mut self, depth: usize, name: &str, word: &Word) {
        self.line(depth, &format!("{name} {:?} {}", word.text, self.place(word.span)));
    }
}
