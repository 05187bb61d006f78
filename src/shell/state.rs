//! What a script leaves behind in the shell that runs it, for what runs later in the same shell.

use super::ast::{Child, List, Node, NodeKind, Script, SimpleCommand, Terminator, Word, WordPart};
use crate::source::Span;

/// A kind of lasting change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Change {
    /// Of the working directory.
    Directory,
    /// Of a variable, or of the positional parameters.
    Variable,
    /// Of an option or a limit: `set -e`, `umask`, `ulimit`, `shopt`.
    Option,
    /// Of what runs on a signal or at the end.
    Trap,
    /// Of what a command name means: a function or an alias.
    Command,
    /// The shell ends, or another program takes its place.
    Exit,
    /// A job goes on in the background.
    Background,
    /// Cannot be told: `eval`, `.`, a name that is known only when it runs, a construct that only bash has.
    Unknown,
}

/// Whether the script changes anything that a later command in the same shell would see.
///
/// What happens in a subshell or a substitution stays there. Whether a part of a pipeline runs in a subshell is left to
/// the shell, so it counts as if it did not.
#[must_use]
pub fn changes_state(script: &Script) -> bool {
    !changes(&script.list).is_empty()
}

/// The lasting changes of a list with the span of the command, in order of occurrence.
#[must_use]
pub fn changes(list: &List) -> Vec<(Span, Change)> {
    let mut changes = Vec::new();
    let mut todo = Vec::new();
    push_list(&mut todo, &mut changes, list);
    while let Some(node) = todo.pop() {
        changes.extend(node_changes(node).into_iter().map(|change| (node.span, change)));
        if matches!(node.kind, NodeKind::Subshell(..) | NodeKind::Function { .. }) {
            continue;
        }
        for child in node.children().into_iter().rev() {
            match child {
                Child::Node(node) => todo.push(node),
                Child::List(list) => push_list(&mut todo, &mut changes, list),
                Child::Word(_) => {}
            }
        }
    }
    changes.sort_unstable_by_key(|(span, change)| (span.start, *change));
    changes
}

/// The lasting changes of the command itself, without those of commands within it.
fn node_changes(node: &Node) -> Vec<Change> {
    let mut changes = Vec::new();
    match &node.kind {
        NodeKind::Simple(command) => changes.extend(command_change(command)),
        NodeKind::For { .. } => changes.push(Change::Variable),
        NodeKind::Function { .. } => changes.push(Change::Command),
        NodeKind::Other(_) => changes.push(Change::Unknown),
        _ => {}
    }
    let assigns = |child: &Child<'_>| matches!(child, Child::Word(word) if assigns(word));
    if node.children().iter().any(assigns) {
        changes.push(Change::Variable);
    }
    changes
}

fn push_list<'a>(todo: &mut Vec<&'a Node>, changes: &mut Vec<(Span, Change)>, list: &'a List) {
    for statement in list.statements.iter().rev() {
        if statement.terminator == Terminator::Background {
            changes.push((statement.node.span, Change::Background));
        } else {
            todo.push(&statement.node);
        }
    }
}

/// The lasting change of a simple command, if it makes one.
#[must_use]
pub fn command_change(command: &SimpleCommand) -> Option<Change> {
    let mut words = command.words.iter();
    let name = loop {
        let Some(word) = words.next() else {
            return (!command.assignments.is_empty()).then_some(Change::Variable);
        };
        let Some(name) = word.literal() else { return Some(Change::Unknown) };
        if !matches!(name.as_str(), "command" | "builtin") {
            break name;
        }
    };
    match name.as_str() {
        "cd" | "chdir" | "pushd" | "popd" => Some(Change::Directory),
        "export" | "readonly" | "unset" | "declare" | "typeset" | "local" | "read" | "readarray" | "mapfile"
        | "getopts" | "let" | "shift" => Some(Change::Variable),
        "printf" if words.any(|word| word.literal().is_some_and(|text| text == "-v")) => Some(Change::Variable),
        "set" | "shopt" | "umask" | "ulimit" | "enable" => Some(Change::Option),
        "trap" => Some(Change::Trap),
        "alias" | "unalias" | "hash" => Some(Change::Command),
        "exit" | "exec" | "return" | "logout" => Some(Change::Exit),
        "eval" | "." | "source" | "fc" => Some(Change::Unknown),
        // An assignment before a special builtin stays.
        ":" | "times" | "break" | "continue" if !command.assignments.is_empty() => Some(Change::Variable),
        // Options before a name, as in `command -p cd`.
        _ if name.starts_with('-') => Some(Change::Unknown),
        _ => None,
    }
}

/// Whether expanding the word assigns: `${name:=word}`, `$((name = 1))`.
fn assigns(word: &Word) -> bool {
    word.parts.iter().any(|part| match part {
        WordPart::Literal { .. } => false,
        WordPart::Expansion { text, .. } | WordPart::Substitution { text, .. } => expansion_assigns(text),
    })
}

fn expansion_assigns(text: &str) -> bool {
    if let Some(parameter) = text.strip_prefix("${") {
        // An assignment may be nested in the word of another operator.
        let operator = parameter.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
        return operator.starts_with(":=") || operator.starts_with('=') || operator.contains("${");
    }
    text.strip_prefix("$((")
        .is_some_and(|expression| expression.contains(['=']) || expression.contains("++") || expression.contains("--"))
}

/// Whether the script, in its own shell or a subshell, turns errexit on or off with `set`.
#[must_use]
pub fn sets_errexit(script: &Script) -> bool {
    script
        .all_simple_commands()
        .into_iter()
        .any(|command| set_options(command).is_some_and(|options| options.touches("errexit")))
}

/// Whether the script has `exit` anywhere, in functions and substitutions too.
#[must_use]
pub fn has_exit(script: &Script) -> bool {
    script.all_simple_commands().into_iter().any(|command| command_change(command) == Some(Change::Exit))
}

/// Whether what the script runs cannot be told from its text: `eval`, `.`, command names that are known only when it
/// runs, functions, background jobs, constructs that only bash has.
#[must_use]
pub fn is_opaque(script: &Script) -> bool {
    let opaque = |change: Change| matches!(change, Change::Unknown | Change::Command | Change::Background);
    changes(&script.list).into_iter().any(|(_, change)| opaque(change))
        || script.all_simple_commands().into_iter().filter_map(command_change).any(opaque)
}

/// What a `set` command does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetOptions {
    /// Options by their long name, in order, and whether each is turned on.
    pub options: Vec<(String, bool)>,
    /// Whether it sets the positional parameters, or has arguments that are known only when it runs.
    pub positional: bool,
}

impl SetOptions {
    /// Whether the option is turned on or off.
    #[must_use]
    pub fn touches(&self, name: &str) -> bool {
        self.positional || self.options.iter().any(|(option, _)| option == name)
    }

    /// Whether the option is on after the command, if it turns it on or off.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<bool> {
        self.options.iter().rev().find(|(option, _)| option == name).map(|(_, on)| *on)
    }
}

/// The options that a `set` command turns on and off.
#[must_use]
pub fn set_options(command: &SimpleCommand) -> Option<SetOptions> {
    if command.name()? != "set" {
        return None;
    }
    let mut set = SetOptions::default();
    let mut arguments = command.words[1..].iter();
    while let Some(argument) = arguments.next() {
        let text = argument.literal();
        let on = text.as_ref().is_some_and(|text| text.starts_with('-'));
        let letters = text.as_deref().and_then(|text| text.strip_prefix(['-', '+']));
        let Some(letters) = letters.filter(|letters| !letters.is_empty() && !letters.starts_with('-')) else {
            set.positional = true;
            break;
        };
        for letter in letters.chars() {
            let name = match letter {
                'e' => Some("errexit".to_owned()),
                'u' => Some("nounset".to_owned()),
                'x' => Some("xtrace".to_owned()),
                'o' => arguments.next().and_then(Word::literal),
                other => Some(other.to_string()),
            };
            set.positional |= name.is_none();
            set.options.extend(name.map(|name| (name, on)));
        }
    }
    Some(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::{Dialect, parse};

    #[track_caller]
    fn check(text: &str, expected: &[Change]) {
        let script = parse(text, Dialect::Bash).expect("understood");
        let found: Vec<Change> = changes(&script.list).into_iter().map(|(_, change)| change).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(changes_state(&script), !expected.is_empty());
    }

    #[test]
    fn what_stays_in_its_own_process() {
        check("A=1 b && (cd c; D=2) && $(e) | echo f", &[Change::Unknown]);
        check("apt-get update && echo \"$(cd b && pwd)\" | tee \"${c:-d}\" $((1 + 2))", &[]);
        check("{ a; } && if b; then c; fi", &[]);
    }

    #[test]
    fn what_a_later_command_sees() {
        check("cd a && export B=c; umask 022", &[Change::Directory, Change::Variable, Change::Option]);
        check("A=1; read b; unset c", &[Change::Variable; 3]);
        check("if a; then command cd b; fi", &[Change::Directory]);
        check("for i in a; do b; done", &[Change::Variable]);
        check("a | while read b; do c; done", &[Change::Variable]);
        check(": ${A:=b}; c $((d += 1)) ${e:-${f:=g}}", &[Change::Variable; 2]);
        check("a & cd b &", &[Change::Background; 2]);
        check("f() { cd a; }; trap b EXIT; alias c=d", &[Change::Command, Change::Trap, Change::Command]);
        check("$a; eval b; . c; [[ d ]]", &[Change::Unknown; 4]);
        check("set -e; exec a; exit 1", &[Change::Option, Change::Exit, Change::Exit]);
        check("A=1 :; printf -v a b", &[Change::Variable; 2]);
    }

    #[test]
    fn facts_of_whole_scripts() {
        let facts = |text: &str| {
            let script = parse(text, Dialect::Bash).expect("understood");
            (sets_errexit(&script), has_exit(&script), is_opaque(&script))
        };
        assert_eq!(facts("set -eux; a || exit 1"), (true, true, false));
        assert_eq!(facts("(set +o errexit); $(eval a)"), (true, false, true));
        assert_eq!(facts("set -x -o pipefail && a"), (false, false, false));
        assert_eq!(facts("f() { a; }"), (false, false, true));
    }

    #[test]
    fn options_of_set() {
        let options = |text: &str| {
            let script = parse(text, Dialect::Bash).expect("understood");
            set_options(script.simple_commands()[0]).expect("set")
        };
        let set = options("set -euxo pipefail +e");
        assert_eq!((set.value("errexit"), set.value("pipefail"), set.value("noglob")), (Some(false), Some(true), None));
        assert!(options("set -- a").positional && options("set $a").positional && !set.positional);
    }
}
