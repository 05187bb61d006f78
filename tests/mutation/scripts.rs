//! Operators on shell scripts.

use imgopt::edit::Edit;
use imgopt::shell::ast::{Node, NodeKind, SimpleCommand, Terminator, Word, WordPart};
use imgopt::source::Span;

use crate::Operator;
use crate::subject::{Mutants, Place, Subject};

pub(crate) static OPERATORS: &[Operator] = &[
    ("drop an option", drop_option),
    ("add an option", add_option),
    ("drop a package", drop_package),
    ("add a package", add_package),
    ("move a package to another command", move_package),
    ("remove `set -e`", |s, m| remove_command(s, m, &["set"])),
    ("remove a deletion", |s, m| remove_command(s, m, &["rm"])),
    ("lose a comment of a script", lose_comment),
    ("change a word of a command", change_word),
    ("drop a word of a command", drop_word),
    ("write a word twice", word_twice),
    ("swap two words", swap_words),
    ("drop a command", drop_command),
    ("write a command twice", command_twice),
    ("swap two commands", swap_commands),
    ("`||` becomes `&&`", |s, m| change_operator(s, m, false, "&&")),
    ("`&&` becomes `||`", |s, m| change_operator(s, m, true, "||")),
    ("`&&` becomes `;`", |s, m| change_operator(s, m, true, ";")),
    ("`;` becomes `&&`", sequence_to_and),
    ("insert `|| true`", |s, m| append(s, m, " || true")),
    ("negate a command", |s, m| prepend(s, m, "! ")),
    ("run in the background", |s, m| append(s, m, " &")),
    ("leak `cd`", |s, m| prepend(s, m, "cd /tmp && ")),
    ("leak `export`", |s, m| prepend(s, m, "export MUTANT=1 && ")),
    ("leak `umask`", |s, m| prepend(s, m, "umask 077 && ")),
    ("leak `set +e`", |s, m| prepend(s, m, "set +e; ")),
    ("add a cleanup", |s, m| append(s, m, " && rm -rf /var/lib/apt/lists/*")),
    ("assign before a command", |s, m| prepend(s, m, "MUTANT=1 ")),
    ("run under another program", |s, m| prepend(s, m, "nice ")),
    ("subshell becomes group", subshell_to_group),
    ("group becomes subshell", group_to_subshell),
    ("wrap in a subshell", wrap_in_subshell),
    ("change an assignment", change_assignment),
    ("drop an assignment", drop_assignment),
    ("drop a redirect", drop_redirect),
    ("change a redirect", change_redirect),
    ("add a redirect", |s, m| append(s, m, " > /dev/null")),
    ("pipe becomes `&&`", pipe_to_and),
    ("add a pipe", |s, m| append(s, m, " | cat")),
    ("take quotes away", unquote),
    ("put a word in quotes", quote),
    ("change an expansion of a script", change_expansion),
    ("change a keyword of a compound command", change_keyword),
    ("change a shell heredoc", change_heredoc),
    ("break a line", break_line),
];

fn each_command(s: &Subject<'_>, mut visit: impl FnMut(Place<'_>, &SimpleCommand)) {
    for place in s.places() {
        for command in place.commands() {
            visit(place, command);
        }
    }
}

fn change_word(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        for word in &command.words {
            let span = s.source_span(place, word.span);
            m.insert(s, span.end, "x");
            let letters: Vec<_> =
                span.of(s.text).char_indices().filter(|(_, c)| c.is_ascii_lowercase() && *c != 'q').collect();
            if letters.is_empty() {
                continue;
            }
            let (at, _) = *m.random.choose(&letters);
            m.replace(s, Span::new(span.start + at, span.start + at + 1), "q");
        }
    });
}

fn drop_word(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        for word in &command.words {
            m.delete(s, s.source_span(place, word.span));
        }
    });
}

fn word_twice(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        for word in &command.words {
            let span = s.source_span(place, word.span);
            m.insert(s, span.end, format!(" {}", span.of(s.text)));
        }
    });
}

fn swap_words(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        for pair in command.words.windows(2) {
            let (a, b) = (s.source_span(place, pair[0].span), s.source_span(place, pair[1].span));
            m.edit(s, &[Edit::replace(a, b.of(s.text)), Edit::replace(b, a.of(s.text))]);
        }
    });
}

fn drop_option(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        for word in &command.words {
            let span = s.source_span(place, word.span);
            let text = span.of(s.text);
            if text.starts_with('-') {
                m.delete(s, span);
                if text.len() > 2 && !text.starts_with("--") {
                    m.replace(s, span, &text[..text.len() - 1]);
                }
            }
        }
    });
}

fn add_option(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        let Some(last) = command.words.last() else { return };
        let end = s.source_span(place, last.span).end;
        for option in ["-y", "--no-install-recommends", "--no-cache-dir", "--no-cache", "--mutant"] {
            if option == "--mutant" || is_install(command) {
                m.insert(s, end, format!(" {option}"));
            }
        }
        if let Some(first) = command.words.first() {
            m.insert(s, s.source_span(place, first.span).end, " -y");
        }
    });
}

/// The words behind `install` or `add` that are no options, if the command installs packages.
fn packages(command: &SimpleCommand) -> Vec<&Word> {
    let literal = |word: &Word| word.literal().unwrap_or_default();
    let at = command.words.iter().position(|word| matches!(literal(word).as_str(), "install" | "add"));
    let Some(at) = at.filter(|at| *at > 0) else { return Vec::new() };
    command.words[at + 1..].iter().filter(|word| !literal(word).starts_with('-')).collect()
}

fn is_install(command: &SimpleCommand) -> bool {
    !packages(command).is_empty()
}

fn drop_package(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        for package in packages(command) {
            m.delete(s, s.source_span(place, package.span));
        }
    });
}

fn add_package(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        for package in packages(command) {
            let end = s.source_span(place, package.span).end;
            for addition in [" mutant", "=1.0", "-dev"] {
                m.insert(s, end, addition);
            }
        }
    });
}

fn move_package(s: &Subject<'_>, m: &mut Mutants) {
    let mut installs = Vec::new();
    each_command(s, |place, command| {
        let spans: Vec<_> = packages(command).into_iter().map(|word| s.source_span(place, word.span)).collect();
        installs.extend((!spans.is_empty()).then_some(spans));
    });
    for (at, from) in installs.iter().enumerate() {
        for to in installs.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, to)| to) {
            let package = *m.random.choose(from);
            let target = *m.random.choose(to);
            let moved = format!(" {}", package.of(s.text));
            m.edit(s, &[Edit::delete(package), Edit::insert(target.end, moved)]);
            m.edit(s, &[Edit::replace(package, target.of(s.text)), Edit::replace(target, package.of(s.text))]);
        }
    }
}

/// The commands of each list in order, and of each and-or list, as neighbours.
fn sequences(place: Place<'_>) -> Vec<Vec<&Node>> {
    let lists = place.lists().into_iter().map(|list| list.statements.iter().map(|part| &part.node).collect());
    let chains =
        place.and_or().into_iter().map(|(first, rest)| std::iter::once(first).chain(rest.iter().map(|p| &p.node)));
    lists.chain(chains.map(Iterator::collect)).collect()
}

fn drop_command(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for sequence in sequences(place) {
            for (at, node) in sequence.iter().enumerate() {
                m.delete(s, with_joint(s, place, &sequence, at, node));
            }
        }
    }
}

/// The command with what joins it to its neighbour.
fn with_joint(s: &Subject<'_>, place: Place<'_>, sequence: &[&Node], at: usize, node: &Node) -> Span {
    let span = match (at.checked_sub(1), sequence.get(at + 1)) {
        (Some(before), _) => Span::new(sequence[before].span.end, node.span.end),
        (None, Some(next)) => Span::new(node.span.start, next.span.start),
        (None, None) => node.span,
    };
    s.source_span(place, span)
}

fn remove_command(s: &Subject<'_>, m: &mut Mutants, names: &[&str]) {
    for place in s.places() {
        for sequence in sequences(place) {
            for (at, node) in sequence.iter().enumerate() {
                let name = node.as_simple().and_then(SimpleCommand::name);
                if name.is_some_and(|name| names.contains(&name.as_str())) {
                    m.delete(s, with_joint(s, place, &sequence, at, node));
                }
            }
        }
    }
    each_command(s, |place, command| {
        let name = command.name();
        for word in command.words.iter().skip(1).filter(|_| name.as_deref().is_some_and(|name| names.contains(&name))) {
            let span = s.source_span(place, word.span);
            m.replace(s, span, span.of(s.text).replace('e', ""));
            m.replace(s, span, span.of(s.text).replace(['f', '*'], ""));
        }
    });
}

fn command_twice(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for node in sequences(place).into_iter().flatten() {
            let span = s.source_span(place, node.span);
            m.insert(s, span.end, format!(" && {}", span.of(s.text)));
        }
    }
}

fn swap_commands(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for sequence in sequences(place) {
            for pair in sequence.windows(2) {
                let (a, b) = (s.source_span(place, pair[0].span), s.source_span(place, pair[1].span));
                m.edit(s, &[Edit::replace(a, b.of(s.text)), Edit::replace(b, a.of(s.text))]);
            }
        }
    }
}

fn change_operator(s: &Subject<'_>, m: &mut Mutants, and: bool, new: &str) {
    for place in s.places() {
        for (_, rest) in place.and_or() {
            for part in rest.iter().filter(|part| part.and == and) {
                m.replace(s, s.source_span(place, part.operator), new);
            }
        }
    }
}

fn sequence_to_and(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for list in place.lists() {
            for pair in list.statements.windows(2) {
                let between = s.source_span(place, Span::new(pair[0].node.span.end, pair[1].node.span.start));
                m.replace(s, between, " && ");
                m.replace(s, between, " & ");
            }
        }
    }
}

fn append(s: &Subject<'_>, m: &mut Mutants, text: &str) {
    for place in s.places() {
        for node in place.nodes().into_iter().filter(|node| !matches!(node.kind, NodeKind::AndOr { .. })) {
            m.insert(s, s.source_span(place, node.span).end, text);
        }
    }
}

fn prepend(s: &Subject<'_>, m: &mut Mutants, text: &str) {
    for place in s.places() {
        for node in place.nodes().into_iter().filter(|node| !matches!(node.kind, NodeKind::AndOr { .. })) {
            m.insert(s, s.source_span(place, node.span).start, text);
        }
    }
}

/// The place of the bracket that closes a group, which redirects may follow.
fn closing(s: &Subject<'_>, span: Span, bracket: char) -> Option<Span> {
    let at = span.start + span.of(s.text).rfind(bracket)?;
    Some(Span::new(at, at + 1))
}

fn subshell_to_group(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for node in place.nodes().into_iter().filter(|node| matches!(node.kind, NodeKind::Subshell(..))) {
            let span = s.source_span(place, node.span);
            let Some(close) = closing(s, span, ')') else { continue };
            let open = Span::new(span.start, span.start + 1);
            m.edit(s, &[Edit::replace(open, "{ "), Edit::replace(close, "; }")]);
            m.edit(s, &[Edit::delete(open), Edit::delete(close)]);
        }
    }
}

fn group_to_subshell(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for node in place.nodes().into_iter().filter(|node| matches!(node.kind, NodeKind::Group(..))) {
            let span = s.source_span(place, node.span);
            let Some(close) = closing(s, span, '}') else { continue };
            let open = Span::new(span.start, span.start + 1);
            m.edit(s, &[Edit::replace(open, "("), Edit::replace(close, ")")]);
        }
    }
}

fn wrap_in_subshell(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for node in place.nodes() {
            let span = s.source_span(place, node.span);
            m.edit(s, &[Edit::insert(span.start, "("), Edit::insert(span.end, ")")]);
            m.edit(s, &[Edit::insert(span.start, "{ "), Edit::insert(span.end, "; }")]);
        }
    }
}

fn change_assignment(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        for assignment in &command.assignments {
            let span = s.source_span(place, assignment.span);
            m.insert(s, span.end, "x");
            m.insert(s, span.start, "X");
            let name_end = span.start + assignment.name.len();
            m.insert(s, name_end, "+");
        }
    });
}

fn drop_assignment(s: &Subject<'_>, m: &mut Mutants) {
    each_command(s, |place, command| {
        for assignment in &command.assignments {
            m.delete(s, s.source_span(place, assignment.span));
        }
    });
}

fn drop_redirect(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for redirect in place.nodes().into_iter().flat_map(Node::redirects) {
            m.delete(s, s.source_span(place, redirect.span));
        }
    }
}

fn change_redirect(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for redirect in place.nodes().into_iter().flat_map(Node::redirects) {
            let span = s.source_span(place, redirect.span);
            let text = span.of(s.text);
            m.insert(s, span.end, "x");
            m.replace(s, span, text.replacen(">>", ">", 1));
            m.replace(s, span, text.replacen('>', ">>", 1));
            m.replace(s, span, text.replacen('>', "<", 1));
            m.replace(s, span, text.replacen('>', ">|", 1));
            m.replace(s, span, format!("3{}", text.trim_start_matches(|c: char| c.is_ascii_digit())));
            m.replace(s, span, text.trim_start_matches(|c: char| c.is_ascii_digit()));
        }
    }
}

fn pipe_to_and(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for node in place.nodes() {
            let NodeKind::Pipeline { parts, .. } = &node.kind else { continue };
            for (at, pair) in parts.windows(2).enumerate() {
                let between = s.source_span(place, Span::new(pair[0].span.end, pair[1].span.start));
                for other in [" && ", " ; ", " || "] {
                    m.replace(s, between, other);
                }
                let all: Vec<&Node> = parts.iter().collect();
                m.delete(s, with_joint(s, place, &all, at + 1, &parts[at + 1]));
            }
        }
    }
}

fn unquote(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for word in place.words() {
            let span = s.source_span(place, word.span);
            let text = span.of(s.text);
            for quote in ['"', '\''] {
                if !text.contains(quote) {
                    continue;
                }
                m.replace(s, span, text.replace(quote, ""));
                m.replace(s, span, text.replace(quote, if quote == '"' { "'" } else { "\"" }));
            }
            if text.contains('\\') {
                m.replace(s, span, text.replacen('\\', "", 1));
            }
        }
    }
}

fn quote(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        // Most of these change nothing: a few of them are enough.
        let words = place.words();
        for _ in 0..words.len().min(4) {
            let word = *m.random.choose(&words);
            let span = s.source_span(place, word.span);
            let text = span.of(s.text);
            if text.is_empty() || text.contains(['"', '\'', '\n']) {
                continue;
            }
            m.replace(s, span, format!("'{text}'"));
            m.replace(s, span, format!("\"{text}\""));
            m.insert(s, span.start, "\\");
        }
    }
}

fn change_expansion(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for part in place.words().into_iter().flat_map(|word| word.parts.iter().map(move |part| (word, part))) {
            let (word, WordPart::Expansion { text, variable: Some(name), .. }) = part else { continue };
            let span = s.source_span(place, word.span);
            let Some(at) = span.of(s.text).find(text.as_str()) else { continue };
            let span = Span::new(span.start + at, span.start + at + text.len());
            for other in ["", ":-x", "%/", "#/", ":+x"] {
                m.replace(s, span, format!("${{{name}{other}}}"));
            }
            m.replace(s, span, format!("${{X{name}}}"));
            m.insert(s, span.start, "\\");
        }
    }
}

fn change_keyword(s: &Subject<'_>, m: &mut Mutants) {
    let pairs: [(&str, &str); 8] = [
        ("while", "until"),
        ("until", "while"),
        ("elif", "else if"),
        ("if", "if !"),
        ("case", "case x"),
        (";;", ";&"),
        (";;", ";;&"),
        ("for", "for x"),
    ];
    for place in s.places() {
        for node in place.nodes() {
            let is_compound = matches!(
                node.kind,
                NodeKind::If { .. }
                    | NodeKind::For { .. }
                    | NodeKind::While { .. }
                    | NodeKind::Case { .. }
                    | NodeKind::Other(_)
            );
            let span = s.source_span(place, node.span);
            for (old, new) in pairs.iter().filter(|_| is_compound) {
                for (at, _) in span.of(s.text).match_indices(old) {
                    m.replace(s, Span::new(span.start + at, span.start + at + old.len()), *new);
                }
            }
            if let NodeKind::For { variable, .. } = &node.kind
                && let Some(at) = span.of(s.text).find(variable.as_str())
            {
                m.insert(s, span.start + at, "x");
            }
        }
    }
}

fn change_heredoc(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for redirect in place.nodes().into_iter().flat_map(Node::redirects) {
            let Some((body, text)) = &redirect.heredoc else { continue };
            let span = s.source_span(place, *body);
            if !text.is_empty() {
                m.insert(s, span.start, "x");
                m.insert(s, span.end, "\n");
            }
            let name = s.source_span(place, redirect.target.span);
            let written = name.of(s.text);
            let plain = written.replace(['\'', '"', '\\'], "");
            let other = if written == plain { format!("'{plain}'") } else { plain };
            m.replace(s, name, other);
            m.insert(s, name.start, "-");
        }
    }
}

fn lose_comment(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        for comment in &place.script.comments {
            let span = s.source_span(place, *comment);
            m.delete(s, span);
            m.replace(s, span, "#");
        }
    }
}

fn break_line(s: &Subject<'_>, m: &mut Mutants) {
    let escape = s.model.dockerfile.escape;
    for place in s.places() {
        for list in place.lists() {
            for statement in list.statements.iter().filter(|statement| statement.terminator != Terminator::Background) {
                m.insert(s, s.source_span(place, statement.node.span).start, format!("{escape}\n  "));
            }
        }
    }
}
