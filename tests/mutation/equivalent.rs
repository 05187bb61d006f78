//! Rules by which a mutant is no mutant at all: it means what the original means.
//!
//! They are written anew here, on BuildKit's reading of both texts, and share nothing with the validator's canonical forms.

use imgopt::syntax::ast::Directive;
use imgopt::syntax::expand::process_word;
use imgopt::syntax::parse;
use imgopt::syntax::reading::{NodeReading, Reading};
use regex::Regex;

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
        if is_script(a) && is_script(&b) {
            strongest = same_script(a, &b)?;
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
        "ENV" | "LABEL" | "ARG" | "COPY" | "ADD" | "USER" | "WORKDIR" | "VOLUME" | "STOPSIGNAL" | "FROM" => {
            same_with(&a.args, b, same_value).then_some("the words have the same value in every environment tried")
        }
        // A variable without quotes may stand for several ports.
        "EXPOSE" => None,
        // The shell takes the text as it is for either kind of quotes around the name.
        "RUN" if !a.json && !a.heredocs.is_empty() => {
            let quotes = Regex::new(r#"<<(-?)"(\w+)""#).expect("valid");
            same_with(&a.args, b, |a, b| quotes.replace_all(a, "<<$1'$2'") == quotes.replace_all(b, "<<$1'$2'"))
                .then_some("the name of a heredoc is quoted either way")
        }
        "RUN" if !a.json => {
            same_with(&a.args, b, |a, b| shell_words(a).is_some_and(|words| Some(words) == shell_words(b)))
                .then_some("the shell reads the same words")
        }
        _ => None,
    }
}

/// Whether the node is `RUN <<NAME`, whose heredoc is the script.
fn is_script(node: &NodeReading) -> bool {
    node.cmd == "RUN" && node.heredocs.len() == 1 && matches!(node.args.as_slice(), [word] if !word.contains(' '))
}

/// Whether two `RUN <<NAME` run the same: BuildKit does not expand the heredoc of a RUN, so quotes of its name do not matter.
fn same_script(a: &NodeReading, b: &NodeReading) -> Option<&'static str> {
    let text = |node: &NodeReading| {
        let heredoc = &node.heredocs[0];
        let without_tabs = |line: &str| format!("{}\n", line.trim_start_matches('\t'));
        if heredoc.chomp { heredoc.content.lines().map(without_tabs).collect() } else { heredoc.content.clone() }
    };
    let same_name = a.heredocs[0].name == b.heredocs[0].name && a.heredocs[0].fd == b.heredocs[0].fd;
    if a.flags != b.flags || !same_name {
        return None;
    }
    let (a, b) = (text(a), text(b));
    if a == b {
        return Some("BuildKit hands the heredoc of a RUN on as it is");
    }
    if a.trim_end_matches('\n') == b.trim_end_matches('\n') {
        return Some("blank lines at the end of a script do nothing");
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (a.lines().collect(), b.lines().collect());
    let same_start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a_rest, b_rest) = (&a[same_start..], &b[same_start..]);
    let same_end = a_rest.iter().rev().zip(b_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let changed = |rest: &[&str]| {
        let mut lines = rest[..rest.len() - same_end].to_vec();
        // A line of blanks that goes on is the indentation of the next one.
        while lines.pop_if(|line| line.trim() == "\\").is_some() {}
        line_words(&lines.join("\n").replace("\\\n", ""))
    };
    let is_outside =
        shell_words(&a[..same_start].join("\n")).is_some() && !a[..same_start].iter().any(|line| line.ends_with('\\'));
    (is_outside && changed(a_rest).is_some_and(|words| Some(words) == changed(b_rest)))
        .then_some("the shell reads the same words")
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
/// may matter in another way: heredocs.
fn shell_words(text: &str) -> Option<Vec<String>> {
    if text.contains("<<") { None } else { line_words(text) }
}

/// As [`shell_words`], with the names of heredocs as they are written.
fn line_words(text: &str) -> Option<Vec<String>> {
    let (text, substitutions) = without_substitutions(text)?;
    let words = raw_words(&text)?;
    if words.iter().any(|word| word.ends_with("<<") || word.ends_with("<<-")) {
        return None;
    }
    let mut starts_command = true;
    let plain = |word: &String| {
        let plain = without_idle_quotes(word, starts_command)?;
        let is_assignment = starts_command && word.contains('=');
        starts_command = is_assignment || word.ends_with(|c| "&|;(){}!".contains(c)) || is_reserved(word);
        Some(plain)
    };
    words.iter().map(plain).chain(substitutions.into_iter().map(Some)).collect()
}

/// The text with a character that stands for nothing else in the place of each substitution in backticks, and those.
fn without_substitutions(text: &str) -> Option<(String, Vec<String>)> {
    let (mut outside, mut inside) = (String::new(), Vec::new());
    let mut chars = text.chars();
    let mut is_single = false;
    let mut is_double = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if !is_single => {
                outside.push(c);
                outside.extend(chars.next());
                continue;
            }
            '`' if !is_single => {
                let mut substitution = String::new();
                loop {
                    match chars.next()? {
                        '`' => break,
                        // The next one may be a backtick of a substitution within this one.
                        '\\' => substitution.extend(['\\', chars.next()?]),
                        other => substitution.push(other),
                    }
                }
                outside.push('\u{1}');
                inside.push(substitution);
                continue;
            }
            '\'' if !is_double => is_single = !is_single,
            '"' if !is_single => is_double = !is_double,
            _ => {}
        }
        outside.push(c);
    }
    Some((outside, inside))
}

/// Whether a command stands behind the word.
fn is_reserved(word: &str) -> bool {
    matches!(word, "if" | "then" | "elif" | "else" | "while" | "until" | "do" | "time")
}

/// Splits at blanks outside quotes.
fn raw_words(text: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut chars = text.chars();
    let mut quote = None;
    while let Some(c) = chars.next() {
        if quote.is_none() && matches!(c, ' ' | '\t') {
            let opens_subshell = words.last().is_some_and(|word| word.ends_with('('));
            let opens_another = chars.as_str().trim_start().starts_with('(');
            if opens_subshell && !opens_another {
                continue;
            }
            words.push(String::new());
            continue;
        }
        let word = words.last_mut()?;
        if quote.is_none() && word.is_empty() && c == '#' {
            // The rest is a comment.
            word.push(c);
            word.push_str(chars.as_str());
            break;
        }
        word.push(c);
        match (c, quote) {
            // `a;b` is `a; b`; `;;` ends a branch.
            (';', None) if !word.ends_with(";;") && !chars.as_str().starts_with(';') => words.push(String::new()),
            ('\\', None | Some('"')) => word.push(chars.next()?),
            ('\'' | '"', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    words.retain(|word| !word.is_empty());
    quote.is_none().then_some(words)
}

/// The word without its `${name}`s.
fn without_plain_expansions(word: &str) -> String {
    let mut rest = String::new();
    for (number, part) in word.split("${").enumerate() {
        match part.split_once('}') {
            Some((name, behind)) if number > 0 && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') => {
                rest.push_str(behind);
            }
            _ if number > 0 => rest.extend(["${", part]),
            _ => rest.push_str(part),
        }
    }
    rest
}

fn without_idle_quotes(word: &str, starts_command: bool) -> Option<String> {
    if word.contains("<<") || word.starts_with('#') {
        return Some(word.to_owned());
    }
    // In a glob or a brace expansion, quoted `-`, `.` and `,` are other characters than plain ones.
    let has_brackets = without_plain_expansions(word).contains(['{', '[']);
    let is_idle = |c: char| c.is_ascii_alphanumeric() || "_/:@%+".contains(c) || (".-,=".contains(c) && !has_brackets);
    let mut plain = String::new();
    let mut chars = word.chars().peekable();
    while let Some(c) = chars.next() {
        let mut inner = String::new();
        match c {
            '\\' => inner.push(chars.next()?),
            '\'' | '"' => loop {
                match chars.next()? {
                    end if end == c => break,
                    '\\' if c == '"' => inner.extend(['\\', chars.next()?]),
                    other => inner.push(other),
                }
            },
            other => {
                plain.push(other);
                continue;
            }
        }
        // A digit before a redirect is the number of its descriptor, and `=` makes an assignment.
        let is_descriptor = inner.ends_with(|c: char| c.is_ascii_digit()) && matches!(chars.peek(), Some('<' | '>'));
        // Within a word, `#` begins no comment.
        let is_idle =
            |c: char| is_idle(c) || c == '#' && !has_brackets && !(plain.is_empty() && inner.starts_with('#'));
        let makes_assignment = starts_command && inner.contains('=') && !plain.contains('=');
        if !inner.is_empty() && inner.chars().all(is_idle) && !is_descriptor && !makes_assignment {
            plain.push_str(&inner);
            continue;
        }
        let (quote, inner) = match c {
            '"' => double_quoted(&inner).map_or((c, inner), |value| ('\'', value)),
            _ => ('\'', inner),
        };
        plain.push(quote);
        plain.push_str(&inner);
        plain.push(quote);
    }
    Some(plain)
}

/// The text between double quotes as it would stand between single ones; `None` when the shell expands something in it.
fn double_quoted(text: &str) -> Option<String> {
    let mut value = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            // Before any other character, the backslash means itself.
            '\\' => value.push(chars.next_if(|next| matches!(next, '$' | '"' | '\\')).unwrap_or(c)),
            '$' if chars.peek().is_some_and(|next| next.is_ascii_alphanumeric() || "_{(@*#?$!-".contains(*next)) => {
                return None;
            }
            other => value.push(other),
        }
    }
    Some(value)
}
