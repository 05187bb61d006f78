//! Operators on stages and what goes from one to another: base images, copies between stages, owners, users, manifests.

use imgopt::edit::Edit;
use imgopt::source::Span;
use imgopt::syntax::ast::{Instruction, InstructionKind, Word};

use crate::Operator;
use crate::subject::{Mutants, Subject};

pub(crate) static OPERATORS: &[Operator] = &[
    ("drop a COPY of another stage", drop_copy),
    ("copy less of another stage", copy_less),
    ("copy more of another stage", copy_more),
    ("copy from a stage to another place", copy_elsewhere),
    ("copy from another stage", copy_from_another),
    ("copy from the context for a stage", copy_from_context),
    ("drop a setting of the last stage", drop_setting),
    ("drop an install of the last stage", drop_install),
    ("move an instruction to another stage", move_to_another_stage),
    ("move the end of a stage", move_the_end),
    ("another version of the base", another_version),
    ("another release of the base", another_release),
    ("another variant of the base", another_variant),
    ("another digest of the base", another_digest),
    ("remove more", remove_more),
    ("remove another path", remove_another),
    ("another owner", another_owner),
    ("drop a command that sets an owner", drop_owner),
    ("another account runs the program", another_account),
    ("USER stands earlier", |s, m| move_user(s, m, true)),
    ("USER stands later", |s, m| move_user(s, m, false)),
    ("another id of an account", another_id),
    ("copy another manifest", another_manifest),
    ("copy one more source", one_more_source),
    ("another kind of install", another_install),
];

fn values<'a>(s: &Subject<'a>, name: &'static str) -> impl Iterator<Item = (&'a Instruction, Span)> + use<'a> {
    let flags = move |instruction: &'a Instruction| {
        let flags = instruction.flags.iter().filter(move |flag| flag.name == name);
        flags.filter_map(move |flag| Some((instruction, flag.value_span?)))
    };
    s.instructions().flat_map(move |(_, instruction)| flags(instruction))
}

/// Sources and destination of the COPYs of other stages and images.
fn copies<'a>(s: &Subject<'a>) -> impl Iterator<Item = (&'a Instruction, &'a [Word], &'a Word)> + use<'a> {
    values(s, "from").filter_map(|(instruction, _)| match &instruction.kind {
        InstructionKind::Copy(transfer) => Some((instruction, transfer.sources.as_slice(), &transfer.destination)),
        _ => None,
    })
}

fn drop_copy(s: &Subject<'_>, m: &mut Mutants) {
    for (instruction, ..) in copies(s) {
        m.delete(s, s.lines(instruction));
    }
}

fn copy_less(s: &Subject<'_>, m: &mut Mutants) {
    for (_, sources, destination) in copies(s) {
        for source in sources {
            for part in ["bin", "lib", "part"] {
                let append = |word: &Word| Edit::insert(word.span.end, format!("/{part}"));
                m.edit(s, &[append(source)]);
                m.edit(s, &[append(source), append(destination)]);
            }
        }
        for source in sources.iter().filter(|_| sources.len() > 1) {
            m.delete(s, source.span);
        }
    }
}

/// The directory that a path lies in; `None` at the top.
fn parent(path: &str) -> Option<&str> {
    let (parent, _) = path.trim_end_matches('/').rsplit_once('/')?;
    Some(if parent.is_empty() { "/" } else { parent })
}

fn copy_more(s: &Subject<'_>, m: &mut Mutants) {
    for (_, sources, destination) in copies(s) {
        for source in sources {
            let Some(upper) = parent(source.span.of(s.text)) else { continue };
            m.replace(s, source.span, upper);
            if let Some(place) = parent(destination.span.of(s.text)) {
                m.edit(s, &[Edit::replace(source.span, upper), Edit::replace(destination.span, place)]);
            }
        }
        if let Some(source) = sources.first() {
            m.insert(s, source.span.start, "/etc/passwd ");
        }
    }
}

fn copy_elsewhere(s: &Subject<'_>, m: &mut Mutants) {
    for (_, sources, destination) in copies(s) {
        let old = destination.span.of(s.text);
        for other in ["/", "/opt", "/mutant", "./", parent(old).unwrap_or("/srv")] {
            m.replace(s, destination.span, other);
        }
        if let [source] = sources {
            m.edit(s, &[Edit::insert(source.span.end, "2"), Edit::insert(destination.span.end, "2")]);
        }
    }
}

fn copy_from_another(s: &Subject<'_>, m: &mut Mutants) {
    let names: Vec<String> = (0..s.model.stages.len())
        .map(|number| number.to_string())
        .chain(s.model.stages.iter().filter_map(|stage| stage.name.clone()))
        .chain(["alpine".to_owned(), "mutant".to_owned()])
        .collect();
    for (_, value) in values(s, "from") {
        for name in &names {
            m.replace(s, value, name.as_str());
        }
    }
}

fn copy_from_context(s: &Subject<'_>, m: &mut Mutants) {
    for (instruction, _) in values(s, "from") {
        for flag in instruction.flags.iter().filter(|flag| flag.name == "from") {
            m.delete(s, flag.span);
        }
    }
}

/// The instructions of the last stage.
fn last_stage<'a>(s: &Subject<'a>) -> Vec<&'a Instruction> {
    let first = s.model.stages.last().map_or(0, |stage| stage.instructions.start);
    s.instructions().filter(|(index, _)| *index >= first).map(|(_, instruction)| instruction).collect()
}

fn drop_setting(s: &Subject<'_>, m: &mut Mutants) {
    for instruction in last_stage(s) {
        if ["ENV", "USER", "WORKDIR", "SHELL", "ARG", "EXPOSE", "VOLUME"].contains(&s.keyword(instruction).as_str()) {
            m.delete(s, s.lines(instruction));
            m.replace(s, instruction.keyword, "ARG");
        }
    }
}

fn drop_install(s: &Subject<'_>, m: &mut Mutants) {
    for instruction in last_stage(s) {
        let line = instruction.arguments.of(s.text);
        if s.keyword(instruction) == "RUN" && ["apt-get install", "apk add"].iter().any(|part| line.contains(part)) {
            m.delete(s, s.lines(instruction));
            m.replace(s, instruction.arguments, "true");
        }
    }
}

/// The lines of an instruction, ended by a line end.
fn ended(s: &Subject<'_>, instruction: &Instruction) -> String {
    let lines = s.lines(instruction).of(s.text);
    format!("{}\n", lines.strip_suffix('\n').unwrap_or(lines))
}

fn move_to_another_stage(s: &Subject<'_>, m: &mut Mutants) {
    for stage in &s.model.stages {
        for index in stage.instructions.clone() {
            let instruction = s.model.instruction(index);
            for other in s.model.stages.iter().filter(|other| other.index != stage.index) {
                let at = s.lines(s.model.instruction(other.from)).end;
                m.edit(s, &[Edit::delete(s.lines(instruction)), Edit::insert(at, ended(s, instruction))]);
                m.insert(s, at, ended(s, instruction));
            }
        }
    }
}

fn move_the_end(s: &Subject<'_>, m: &mut Mutants) {
    for stage in s.model.stages.iter().skip(1) {
        let from = s.model.instruction(stage.from);
        let delete = Edit::delete(s.lines(from));
        if let Some(before) = stage.from.checked_sub(1) {
            let at = s.lines(s.model.instruction(before)).start;
            m.edit(s, &[delete.clone(), Edit::insert(at, ended(s, from))]);
        }
        if let Some(behind) = stage.instructions.clone().next() {
            let at = s.lines(s.model.instruction(behind)).end;
            m.edit(s, &[delete, Edit::insert(at, ended(s, from))]);
        }
    }
}

/// The words of FROM.
fn bases<'a>(s: &Subject<'a>) -> impl Iterator<Item = &'a Word> + use<'a> {
    s.instructions().filter_map(|(_, instruction)| match &instruction.kind {
        InstructionKind::From(from) => Some(&from.image),
        _ => None,
    })
}

/// The tag of a reference that is written out.
fn tag_of(s: &Subject<'_>, word: &Word) -> Option<Span> {
    let text = word.span.of(s.text);
    let end = text.find('@').unwrap_or(text.len());
    let colon = text[..end].rfind(':').filter(|colon| !text[*colon..end].contains('/'))?;
    (!text.contains('$')).then(|| Span::new(word.span.start + colon + 1, word.span.start + end))
}

fn another_version(s: &Subject<'_>, m: &mut Mutants) {
    for word in bases(s) {
        let Some(tag) = tag_of(s, word) else { continue };
        for (at, digit) in tag.of(s.text).match_indices(|c: char| c.is_ascii_digit()) {
            let number: u32 = digit.parse().unwrap_or_default();
            let span = Span::new(tag.start + at, tag.start + at + 1);
            m.replace(s, span, ((number + 1) % 10).to_string());
            m.replace(s, span, ((number + 9) % 10).to_string());
        }
        m.replace(s, Span::new(tag.start - 1, tag.end), "");
        m.replace(s, tag, "latest");
    }
}

/// Changes a part of a tag, between hyphens, to each other one of the list.
fn change_part(s: &Subject<'_>, m: &mut Mutants, parts: &[&str]) {
    for word in bases(s) {
        let Some(tag) = tag_of(s, word) else { continue };
        let text = tag.of(s.text);
        for part in parts {
            let Some(at) = text.split('-').any(|found| found == *part).then(|| text.find(part)).flatten() else {
                m.insert(s, tag.end, format!("-{part}"));
                continue;
            };
            let span = Span::new(tag.start + at, tag.start + at + part.len());
            for other in parts.iter().filter(|other| *other != part) {
                m.replace(s, span, *other);
            }
            if at > 0 {
                m.replace(s, Span::new(span.start - 1, span.end), "");
            }
        }
    }
}

fn another_release(s: &Subject<'_>, m: &mut Mutants) {
    change_part(s, m, &["bullseye", "bookworm", "trixie", "jammy", "noble"]);
}

fn another_variant(s: &Subject<'_>, m: &mut Mutants) {
    change_part(s, m, &["slim", "alpine", "jre", "fpm", "nonroot"]);
}

fn another_digest(s: &Subject<'_>, m: &mut Mutants) {
    for word in bases(s).filter(|word| !word.span.of(s.text).contains('$')) {
        match word.span.of(s.text).find('@') {
            Some(at) => m.delete(s, Span::new(word.span.start + at, word.span.end)),
            None => m.insert(s, word.span.end, format!("@sha256:{}", "0123456789abcdef".repeat(4))),
        }
    }
}

/// Visits the words behind the first of all commands of these programs.
fn operands(s: &Subject<'_>, programs: &[&str], mut visit: impl FnMut(Span)) {
    for place in s.places() {
        for command in place.commands() {
            let words: Vec<Span> = command.words.iter().map(|word| s.source_span(place, word.span)).collect();
            if words.first().is_some_and(|first| programs.contains(&first.of(s.text))) {
                words[1..].iter().filter(|word| !word.of(s.text).starts_with('-')).for_each(|word| visit(*word));
            }
        }
    }
}

fn remove_more(s: &Subject<'_>, m: &mut Mutants) {
    operands(s, &["rm", "rmdir", "unlink"], |word| {
        for path in ["/usr", "/app", "/tmp/mutant", "/var/lib/dpkg", "*"] {
            m.insert(s, word.end, format!(" {path}"));
        }
    });
}

fn remove_another(s: &Subject<'_>, m: &mut Mutants) {
    operands(s, &["rm", "rmdir", "unlink"], |word| {
        let path = word.of(s.text);
        m.replace(s, word, path.trim_end_matches('*').trim_end_matches('/'));
        m.insert(s, word.end, "/mutant");
        if let Some(upper) = parent(path) {
            m.replace(s, word, upper);
        }
        m.replace(s, word, path.replacen("/var", "/usr", 1));
        m.replace(s, word, path.replacen("/root", "/home/app", 1));
    });
}

const OWNERS: [&str; 6] = ["root", "0:0", "nobody", "nobody:nogroup", "1000", "10001:10001"];

fn another_owner(s: &Subject<'_>, m: &mut Mutants) {
    for (_, value) in values(s, "chown") {
        OWNERS.iter().for_each(|owner| m.replace(s, value, *owner));
    }
    for (_, value) in values(s, "chmod") {
        ["777", "644", "0", "u+x"].iter().for_each(|mode| m.replace(s, value, *mode));
    }
    let mut previous = None;
    operands(s, &["chown", "chmod", "chgrp"], |word| {
        // The first operand of a command is the owner or the mode.
        let line = s.text[..word.start].rfind(['\n', '&', ';', '|']).map_or(0, |at| at + 1);
        if previous.replace(line) != Some(line) {
            OWNERS.iter().chain(&["777", "700", "a+w"]).for_each(|owner| m.replace(s, word, *owner));
        }
        m.insert(s, word.end, " /etc");
    });
}

fn drop_owner(s: &Subject<'_>, m: &mut Mutants) {
    const PROGRAMS: [&str; 7] = ["chown", "chmod", "chgrp", "install", "mkdir", "useradd", "adduser"];
    for place in s.places() {
        for command in place.commands() {
            let (Some(first), Some(last)) = (command.words.first(), command.words.last()) else { continue };
            let span = s.source_span(place, first.span.to(last.span));
            if PROGRAMS.iter().any(|program| span.of(s.text).starts_with(program)) {
                m.replace(s, span, "true");
            }
        }
    }
    for name in ["chown", "chmod"] {
        for (instruction, _) in values(s, name) {
            for flag in instruction.flags.iter().filter(|flag| flag.name == name) {
                m.delete(s, flag.span);
            }
        }
    }
}

fn users<'a>(s: &Subject<'a>) -> impl Iterator<Item = (usize, &'a Instruction, &'a Word)> + use<'a> {
    s.instructions().filter_map(|(index, instruction)| match &instruction.kind {
        InstructionKind::User(word) => Some((index, instruction, word)),
        _ => None,
    })
}

fn another_account(s: &Subject<'_>, m: &mut Mutants) {
    for (_, _, word) in users(s) {
        for user in ["0", "root", "nobody", "65532", "10002", "10001:0", "$USER"] {
            m.replace(s, word.span, user);
        }
        let text = word.span.of(s.text);
        match text.split_once(':') {
            Some((user, _)) => m.replace(s, word.span, user),
            None => m.insert(s, word.span.end, format!(":{text}")),
        }
    }
}

fn move_user(s: &Subject<'_>, m: &mut Mutants, up: bool) {
    for (index, instruction, _) in users(s) {
        let Some(stage) = s.model.stages.iter().find(|stage| stage.instructions.contains(&index)) else { continue };
        for other in stage.instructions.clone() {
            let lines = s.lines(s.model.instruction(other));
            let at = if up { lines.start } else { lines.end };
            let is_ended = up || s.text[..at].ends_with('\n');
            if (other < index) == up && other != index {
                let text = format!("{}{}", if is_ended { "" } else { "\n" }, ended(s, instruction));
                m.edit(s, &[Edit::delete(s.lines(instruction)), Edit::insert(at, text)]);
            }
        }
    }
}

fn another_id(s: &Subject<'_>, m: &mut Mutants) {
    operands(s, &["useradd", "groupadd", "adduser", "addgroup"], |word| {
        let text = word.of(s.text);
        let is_number = !text.is_empty() && text.bytes().all(|c| c.is_ascii_digit());
        let others: &[&str] = if is_number { &["0", "1", "10002"] } else { &["root", "mutant"] };
        others.iter().for_each(|other| m.replace(s, word, *other));
    });
}

/// The sources of the COPYs of the build context.
fn sources<'a>(s: &Subject<'a>) -> impl Iterator<Item = &'a Word> + use<'a> {
    let own = s.instructions().filter_map(|(_, instruction)| match &instruction.kind {
        InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => Some((instruction, transfer)),
        _ => None,
    });
    own.filter(|(instruction, transfer)| !transfer.json && instruction.flags.iter().all(|flag| flag.name != "from"))
        .flat_map(|(_, transfer)| &transfer.sources)
}

fn another_manifest(s: &Subject<'_>, m: &mut Mutants) {
    let all: Vec<&str> = sources(s).map(|word| word.span.of(s.text)).collect();
    let others = ["package.json", "package*.json", "package-lock.json", "requirements.txt", "requirements-dev.txt"];
    for word in sources(s) {
        for other in others.iter().chain(&all).chain(&[".", "*", "src/"]) {
            m.replace(s, word.span, *other);
        }
    }
}

fn one_more_source(s: &Subject<'_>, m: &mut Mutants) {
    for word in sources(s) {
        for more in ["mutant", ".", ".env"] {
            m.insert(s, word.span.end, format!(" {more}"));
        }
    }
}

fn another_install(s: &Subject<'_>, m: &mut Mutants) {
    const SUBCOMMANDS: [&str; 7] = ["ci", "install", "i", "update", "sync", "rebuild", "add"];
    const MANAGERS: [&str; 8] = ["npm", "yarn", "pnpm", "pip", "bundle", "uv", "poetry", "composer"];
    operands(s, &MANAGERS, |word| {
        if SUBCOMMANDS.contains(&word.of(s.text)) {
            SUBCOMMANDS.iter().for_each(|other| m.replace(s, word, *other));
            m.insert(s, word.end, " --ignore-scripts");
        }
    });
}
