//! RUN bodies of public Dockerfiles: each is read without a panic, what is read covers its text, and `dash -n` and
//! `bash -n` accept what was understood.
#![allow(clippy::print_stdout, reason = "tests say what they measured, and why they skipped")]

use std::collections::HashSet;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use flate2::read::GzDecoder;
use imgopt::shell::ast::{Child, Node, NodeKind, Redirect, Script, WordPart};
use imgopt::shell::command::recognize;
use imgopt::shell::state::changes;
use imgopt::shell::{Dialect, parse};
use imgopt::source::Span;

/// The bodies of shell-form RUN instructions; none, with a message, when the shared data is not there.
fn bodies() -> Vec<String> {
    let Some(shared) = std::env::var_os("IMGOPT_SHARED") else {
        println!("skipped: IMGOPT_SHARED is not set");
        return Vec::new();
    };
    let file = std::fs::File::open(Path::new(&shared).join("corpus/reference.jsonl.gz")).expect("the corpus");
    let mut text = String::new();
    GzDecoder::new(file).read_to_string(&mut text).expect("UTF-8");
    let files = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    files.flat_map(|file| file["nodes"].as_array().into_iter().flatten().filter_map(body).collect::<Vec<_>>()).collect()
}

/// What the shell gets of a RUN: a heredoc that is the only argument is the script, other heredocs follow the line.
fn body(node: &serde_json::Value) -> Option<String> {
    let line = node["args"][0].as_str()?;
    if node["cmd"] != "RUN" || node["json"] == true {
        return None;
    }
    let heredocs: Vec<(&str, &str)> = node["heredocs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|heredoc| Some((heredoc["name"].as_str()?, heredoc["content"].as_str().unwrap_or_default())))
        .collect();
    if let [(_, content)] = heredocs.as_slice()
        && line.split_whitespace().count() == 1
    {
        return Some((*content).to_owned());
    }
    Some(heredocs.iter().fold(line.to_owned(), |text, (name, content)| format!("{text}\n{content}{name}")))
}

#[test]
fn most_bodies_are_understood() {
    let bodies = bodies();
    if bodies.is_empty() {
        return;
    }
    for (dialect, least) in [(Dialect::Posix, 0.98), (Dialect::Bash, 0.99)] {
        let n_understood = bodies.iter().filter(|body| parse(body, dialect).is_ok()).count();
        println!("{dialect:?}: {n_understood} of {} bodies are understood", bodies.len());
        assert!(n_understood as f64 > least * bodies.len() as f64);
    }
}

#[test]
fn what_is_read_covers_the_text() {
    for body in bodies() {
        for dialect in [Dialect::Posix, Dialect::Bash] {
            let Ok(script) = parse(&body, dialect) else { continue };
            assert_eq!(uncovered(&body, &script), Vec::<String>::new(), "{body}");
        }
    }
}

/// What stands outside of words, redirects and comments and is no operator or reserved word.
fn uncovered(text: &str, script: &Script) -> Vec<String> {
    let mut covered = script.comments.clone();
    let mut known: HashSet<String> = HashSet::new();
    let mut todo: Vec<Child<'_>> = vec![Child::List(&script.list)];
    while let Some(child) = todo.pop() {
        match child {
            Child::List(list) => todo.extend(list.statements.iter().map(|statement| Child::Node(&statement.node))),
            Child::Node(node) => {
                cover(node, &mut covered, &mut known);
                todo.extend(node.children());
            }
            Child::Word(word) => {
                assert!(!word.span.is_empty() || word.parts.is_empty());
                assert!(
                    word.parts.iter().all(|part| word.span.of(text).contains(written(part))),
                    "{}",
                    word.span.of(text)
                );
                covered.push(word.span);
                todo.extend(word.substitutions().map(Child::List));
            }
        }
    }
    let mut rest = text.as_bytes().to_vec();
    for span in covered {
        rest[span.range()].fill(b' ');
    }
    let rest = String::from_utf8_lossy(&rest).replace("\\\n", " ");
    let words = rest.split(|c: char| c.is_whitespace() || "&|;()".contains(c)).filter(|word| !word.is_empty());
    let reserved = "! { } case do done elif else esac fi for if in then until while function select";
    words
        .filter(|word| !reserved.split(' ').any(|known| known == *word) && !known.contains(*word))
        .map(str::to_owned)
        .collect()
}

fn written(part: &WordPart) -> &str {
    match part {
        WordPart::Literal { .. } => "",
        WordPart::Expansion { text, .. } | WordPart::Substitution { text, .. } => text,
    }
}

fn cover(node: &Node, covered: &mut Vec<Span>, known: &mut HashSet<String>) {
    covered.extend(node.redirects().iter().map(|redirect| redirect.span));
    for Redirect { heredoc, target, .. } in node.redirects() {
        covered.extend(heredoc.as_ref().map(|(span, _)| *span));
        known.extend(heredoc.as_ref().and_then(|_| target.literal()));
    }
    match &node.kind {
        NodeKind::Simple(command) => covered.extend(command.assignments.iter().map(|assignment| assignment.span)),
        NodeKind::For { variable: name, .. } | NodeKind::Function { name, .. } => drop(known.insert(name.clone())),
        NodeKind::Other(_) => covered.push(node.span),
        _ => {}
    }
}

#[test]
fn every_word_of_a_command_has_one_role() {
    let (mut n_commands, mut n_recognized, mut n_unknown) = (0, 0, 0);
    for body in bodies() {
        let Ok(script) = parse(&body, Dialect::Posix) else { continue };
        assert!(changes(&script.list).iter().all(|(span, _)| span.end <= body.len()));
        for command in script.all_simple_commands() {
            n_commands += 1;
            let Some(invocation) = recognize(command) else { continue };
            n_recognized += 1;
            n_unknown += usize::from(invocation.unknown_option.is_some());
            let mut roles = vec![0; command.words.len()];
            let arguments = invocation.arguments.iter().map(|argument| argument.word);
            let subcommand = invocation.subcommand.iter().flat_map(|subcommand| subcommand.words.iter().copied());
            arguments.chain(subcommand).for_each(|word| roles[word] += 1);
            // Options of a cluster share words.
            let options: HashSet<usize> = invocation.options.iter().flat_map(|option| option.words.clone()).collect();
            options.into_iter().for_each(|word| roles[word] += 1);
            for (word, n_roles) in roles.into_iter().enumerate().skip(invocation.word + 1) {
                let separator = command.words[word].literal().as_deref() == Some("--");
                let unknown = invocation.unknown_option.is_some();
                assert!(n_roles == 1 || (n_roles == 0 && (separator || unknown)), "{body}: word {word}");
            }
        }
    }
    println!("{n_commands} commands, {n_recognized} recognized, {n_unknown} of them with an option that is not known");
    assert!(n_unknown * 100 <= n_recognized);
}

#[test]
fn shells_accept_what_is_understood() {
    for (shell, dialect) in [("dash", Dialect::Posix), ("bash", Dialect::Bash)] {
        if Command::new(shell).args(["-c", ":"]).status().is_err() {
            println!("skipped: there is no {shell}");
            continue;
        }
        let bodies = bodies();
        // A process for each is slow; `IMGOPT_ALL` takes them all.
        let step = if std::env::var_os("IMGOPT_ALL").is_some() { 1 } else { 20 };
        let understood = bodies.iter().filter(|body| parse(body, dialect).is_ok()).step_by(step);
        let refused: Vec<&String> = understood.filter(|body| !accepts(shell, body)).collect();
        assert!(refused.is_empty(), "{shell} refuses: {refused:#?}");
    }
}

fn accepts(shell: &str, script: &str) -> bool {
    let mut child = Command::new(shell)
        .arg("-n")
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the shell was there a moment ago");
    let written = child.stdin.take().is_some_and(|mut stdin| stdin.write_all(script.as_bytes()).is_ok());
    child.wait().is_ok_and(|status| written && status.success())
}
