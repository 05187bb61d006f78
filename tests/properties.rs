//! What holds for every text, Dockerfile or not.

use std::path::PathBuf;

use imgopt::source::Span;
use imgopt::syntax::ast::{Command, Instruction, InstructionKind, ItemKind, JoinedText};
use imgopt::syntax::reading::Reading;
use imgopt::syntax::{Parsed, expand, make, parse};
use proptest::prelude::*;

fn one_of(options: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(options).prop_map(str::to_owned)
}

/// Pieces that Dockerfiles are made of, and that go wrong together.
fn fragment() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => one_of(&[
            "FROM ", "RUN ", "COPY ", "ADD ", "ENV ", "ARG ", "LABEL ", "CMD ", "ENTRYPOINT ", "SHELL ", "VOLUME ",
            "EXPOSE ", "USER ", "WORKDIR ", "STOPSIGNAL ", "MAINTAINER ", "HEALTHCHECK ", "ONBUILD ", "from ", "rUn\t",
            "NONE", " CMD ", " AS ", "UNKNOWN ",
        ]),
        8 => one_of(&[
            "\n", "\r\n", "\\\n", "\\ \t\r\n", "`\n", "\\", "`", " ", "\t", "\u{A0}", "\u{85}", "\u{3000}", "\u{FEFF}",
            "\r", "\u{B}", "\0", "\n\n", "\\\n\n", "\\\n# inner\n", "\\\n\\\n",
        ]),
        4 => one_of(&[
            "# escape=`\n", "# syntax=a\n", "#check=skip=all\n", "# comment\n", "#\n", "  # indented\n", "#", "# escape=x",
        ]),
        6 => one_of(&[
            "<<EOF", "<<-'EOF'", "3<<\"E\"", "<<<", "<< ", "<", "EOF\n", "\tEOF\n", "E\n", "\nEOF\n",
        ]),
        8 => one_of(&[
            "\"", "'", "$", "${", "}", "${A:-", "${A/b/c}", "${A#", "$A", "\\$", "[", "]", "[\"a\", \"b\"]", ",", ":",
            "=", "A=b", "A=\"b c\"", "A='b", "\\u00e9", "\\n", "{", "1e999", "null",
        ]),
        4 => one_of(&[
            "--", "--from=a ", "--mount=type=cache,target=/a ", "--chown=\"a b\" ", "--link ", "--mount=\"", "-- ", "-",
            "--ü=é ",
        ]),
        2 => "[a-z./:é😀]{1,12}",
        1 => any::<String>(),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 0..40).prop_map(|fragments| fragments.concat())
}

/// Joined, the items are the file; and everything in the tree lies where it says.
fn check_tree(source: &str) -> Parsed {
    let parsed = parse(source);
    let mut end = 0;
    for item in &parsed.dockerfile.items {
        assert_eq!(item.span.start, end, "items tile {source:?}");
        assert!(!item.span.is_empty(), "no item is empty in {source:?}");
        end = item.span.end;
    }
    assert_eq!(end, source.len(), "items reach the end of {source:?}");
    let items = parsed.dockerfile.items.iter().filter(|item| item.kind == ItemKind::Instruction);
    assert_eq!(items.clone().count(), parsed.dockerfile.instructions.len());
    for (item, instruction) in items.zip(&parsed.dockerfile.instructions) {
        assert!(item.span.contains(instruction.span), "{source:?}");
        check_instruction(source, instruction);
    }
    for diagnostic in &parsed.diagnostics {
        assert!(source.get(diagnostic.span.range()).is_some(), "{diagnostic:?} in {source:?}");
    }
    parsed
}

fn check_instruction(source: &str, instruction: &Instruction) {
    let inner = |span: Span| assert!(instruction.span.contains(span), "{span:?} of {instruction:?} in {source:?}");
    inner(instruction.keyword);
    inner(instruction.arguments);
    for flag in &instruction.flags {
        inner(flag.span);
        assert!(flag.span.of(source).starts_with('-'));
    }
    for heredoc in &instruction.heredocs {
        assert!(heredoc.span.contains(heredoc.body));
    }
    match &instruction.kind {
        InstructionKind::Run(command) | InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => {
            if let Command::Shell(text) = command {
                check_joined(source, text);
            }
        }
        InstructionKind::Onbuild(trigger) => check_instruction(source, trigger),
        InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => {
            for pair in &pairs.pairs {
                inner(pair.key.span);
                inner(pair.value.span);
            }
        }
        InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => {
            for word in transfer.sources.iter().chain([&transfer.destination]) {
                inner(word.span);
                assert!(transfer.json || !word.text.is_empty());
            }
        }
        _ => {}
    }
}

/// The pieces of a text are the text.
fn check_joined(source: &str, joined: &JoinedText) {
    let pieces: String = joined.pieces.iter().map(|piece| piece.of(source)).collect();
    assert_eq!(pieces, joined.text);
    for (at, c) in joined.text.char_indices() {
        let span = joined.to_source(Span::new(at, at + c.len_utf8()));
        assert_eq!(span.of(source), c.to_string(), "{source:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn items_tile_any_text(source in text()) {
        check_tree(&source);
        let _ = Reading::new("Dockerfile", &source);
    }

    #[test]
    fn parsing_again_gives_the_same_tree(source in text()) {
        let parsed = check_tree(&source);
        let joined: String = parsed.dockerfile.items.iter().map(|item| item.span.of(&source)).collect();
        prop_assert_eq!(parse(&joined).dockerfile, parsed.dockerfile);
    }

    #[test]
    fn exec_forms_are_read_back(arguments in prop::collection::vec(any::<String>(), 0..6)) {
        let source = format!("FROM a\nCMD {}\n", make::exec(&arguments));
        let parsed = parse(&source);
        let InstructionKind::Cmd(Command::Exec(words)) = &parsed.dockerfile.instructions[1].kind else {
            panic!("no exec form: {source:?}");
        };
        let read: Vec<&String> = words.iter().map(|word| &word.text).collect();
        prop_assert_eq!(read, arguments.iter().collect::<Vec<_>>());
    }

    #[test]
    fn literal_values_are_read_back(value in any::<String>(), backtick in any::<bool>()) {
        let escape = if backtick { '`' } else { '\\' };
        let Some(pair) = make::pair("KEY", &value, escape) else {
            prop_assert!(value.contains(['\n', '\r']));
            return Ok(());
        };
        let source = format!("# escape={escape}\nFROM a\nENV {pair}\n");
        let parsed = parse(&source);
        let InstructionKind::Env(env) = &parsed.dockerfile.instructions[1].kind else { panic!("{source:?}") };
        let read = expand::process_word(&env.pairs[0].value.text, escape, |_| Some("no"));
        prop_assert_eq!(read, Ok(value));
    }

    #[test]
    fn legacy_values_mean_the_same_with_an_equals_sign(
        raw in "[a-z $\"'\\\\`{}:#%/<>.-]{1,24}",
        backtick in any::<bool>(),
        set in prop::option::of("[a-z \"'\\\\$*?/]{0,8}"),
    ) {
        let escape = if backtick { '`' } else { '\\' };
        let raw = raw.trim();
        let Some(value) = make::legacy_value(raw, escape) else { return Ok(()) };
        let source = format!("# escape={escape}\nFROM a\nENV KEY={value}\n");
        let parsed = parse(&source);
        let InstructionKind::Env(env) = &parsed.dockerfile.instructions[1].kind else { panic!("{source:?}") };
        prop_assert_eq!(env.pairs.len(), 1);
        let expanded = |word: &str| expand::process_word(word, escape, |_| set.as_deref());
        prop_assert_eq!(expanded(&env.pairs[0].value.text), expanded(raw), "{} as {}", raw, value);
    }
}

/// A small generator of numbers, so that a failing run can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or(0) % limit.max(1)
    }
}

#[test]
fn items_tile_mutated_dockerfiles() {
    let Some(shared) = std::env::var_os("IMGOPT_SHARED").map(PathBuf::from) else {
        println!("IMGOPT_SHARED is not set: no files to mutate");
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(shared.join("corpus/files"))
        .expect("the corpus is there")
        .map(|file| file.expect("a file").path())
        .collect();
    files.sort();
    let mut random = Random(1);
    let splices =
        ["\n", "\\\n", "\"", "'", "<<EOF", "\r\n", "$", "${A:-", "[", "# x\n", " ", "`", "\\", "\u{A0}", "--"];
    for file in files.iter().step_by(4) {
        let mut text: Vec<char> = std::fs::read_to_string(file).expect("text").chars().collect();
        for _ in 0..8 {
            let at = random.below(text.len());
            match random.below(4) {
                0 => drop(text.drain(at..(at + random.below(40)).min(text.len()))),
                1 => text.truncate(at),
                2 => {
                    let end = (at + random.below(200)).min(text.len());
                    let copied = text[at..end].to_vec();
                    let target = random.below(text.len());
                    text.splice(target..target, copied);
                }
                _ => drop(text.splice(at..at, splices[random.below(splices.len())].chars())),
            }
        }
        check_tree(&text.into_iter().collect::<String>());
    }
}
