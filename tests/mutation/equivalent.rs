//! Rules by which a mutant is no mutant at all: it means what the original means.
//!
//! They are written anew here, on BuildKit's reading of both texts, and share nothing with the validator's canonical forms.

use imgopt::syntax::ast::Directive;
use imgopt::syntax::expand::process_word;
use imgopt::syntax::parse;
use imgopt::syntax::reading::{NodeReading, Reading};

use crate::subject::Random;

/// The rule by which both texts mean the same, if there is one.
pub(crate) fn rule(original: &str, mutant: &str) -> Option<&'static str> {
    let directives = |text: &str| parse(text).dockerfile.directives.into_iter().map(name_and_value).collect::<Vec<_>>();
    if directives(original) != directives(mutant) || comments(original) != comments(mutant) {
        return None;
    }
    let (a, b) = (Reading::new("", original), Reading::new("", mutant));
    if a.nodes.len() != b.nodes.len() {
        return None;
    }
    let mut strongest = "BuildKit reads the same instructions";
    for (a, b) in a.nodes.iter().zip(&b.nodes) {
        let mut b = b.clone();
        (b.start, b.end) = (a.start, a.end);
        if *a == b {
            continue;
        }
        let args = std::mem::replace(&mut b.args, a.args.clone());
        b.json = a.json;
        if *a != b {
            return None;
        }
        strongest = same_arguments(a, &args)?;
    }
    Some(strongest)
}

fn name_and_value(directive: Directive) -> (String, String) {
    (directive.name, directive.value)
}

/// The texts of all comment lines, wherever they stand.
fn comments(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| line.starts_with('#')).collect()
}

fn same_arguments(a: &NodeReading, b: &[String]) -> Option<&'static str> {
    match a.cmd.as_str() {
        "FROM" if same_with(&a.args, b, |a, b| a.eq_ignore_ascii_case(b)) => Some("AS and stage names have no case"),
        "ENV" | "LABEL" | "ARG" | "COPY" | "ADD" | "USER" | "WORKDIR" | "EXPOSE" | "VOLUME" | "STOPSIGNAL" | "FROM" => {
            same_with(&a.args, b, same_value).then_some("the words have the same value in every environment tried")
        }
        "RUN" if !a.json && a.heredocs.is_empty() => {
            same_with(&a.args, b, |a, b| shell_words(a).is_some_and(|words| Some(words) == shell_words(b)))
                .then_some("the shell reads the same words")
        }
        _ => None,
    }
}

fn same_with(a: &[String], b: &[String], same: impl Fn(&str, &str) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a == b || same(a, b))
}

/// Values that tell modifiers apart.
const VALUES: [Option<&str>; 9] =
    [None, Some(""), Some("a"), Some("/a/b.c/"), Some("1.2.3-a/a"), Some("a b"), Some("*"), Some("x/"), Some("${X}")];

/// Whether two words of BuildKit have the same value in many environments.
fn same_value(a: &str, b: &str) -> bool {
    (0..200).all(|seed| {
        let value = |word: &str| {
            process_word(word, '\\', |name| {
                let seed = name.bytes().fold(seed, |hash: u64, byte| hash.wrapping_mul(31).wrapping_add(byte.into()));
                *Random::new(seed).choose(&VALUES)
            })
        };
        value(a) == value(b)
    })
}

/// The words of a script, quotes around characters that mean nothing to a shell taken away. `None` when blanks and quotes
/// may matter in another way: heredocs and comments.
fn shell_words(text: &str) -> Option<Vec<String>> {
    if text.contains("<<") || text.contains('#') || text.contains('`') {
        return None;
    }
    let has_brackets = text.contains(['{', '[']);
    let is_inert = |c: char| c.is_ascii_alphanumeric() || "_/:@%+".contains(c) || (".-".contains(c) && !has_brackets);
    let mut words = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let word = words.last_mut()?;
        match c {
            ' ' | '\t' => words.push(String::new()),
            '\\' => match chars.next() {
                Some(next) if is_inert(next) && !next.is_ascii_digit() => word.push(next),
                next => {
                    word.push('\\');
                    word.extend(next);
                }
            },
            '\'' | '"' => {
                let mut inner = String::new();
                loop {
                    match chars.next()? {
                        end if end == c => break,
                        '\\' if c == '"' => {
                            inner.push('\\');
                            inner.push(chars.next()?);
                        }
                        other => inner.push(other),
                    }
                }
                let before_redirect = chars.peek().is_some_and(|next| matches!(next, '<' | '>'));
                if !inner.is_empty() && inner.chars().all(is_inert) && !before_redirect {
                    word.push_str(&inner);
                } else {
                    let is_literal = !inner.contains(['$', '\\', '"', '\'', '!']);
                    let quote = if is_literal { '\'' } else { c };
                    word.push(quote);
                    word.push_str(&inner);
                    word.push(quote);
                }
            }
            other => word.push(other),
        }
    }
    words.retain(|word| !word.is_empty());
    Some(words)
}
