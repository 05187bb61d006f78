//! Operators on instructions, their flags, and what stands between them.

use imgopt::edit::Edit;
use imgopt::source::Span;
use imgopt::syntax::ast::{Command, Instruction, InstructionKind, ItemKind, Transfer, Word};

use crate::Operator;
use crate::subject::{Mutants, Subject, command_of};

pub(crate) static OPERATORS: &[Operator] = &[
    ("drop ENV", |s, m| drop(s, m, &["ENV"])),
    ("drop ARG", |s, m| drop(s, m, &["ARG"])),
    ("drop LABEL", |s, m| drop(s, m, &["LABEL", "MAINTAINER"])),
    ("drop USER", |s, m| drop(s, m, &["USER"])),
    ("drop WORKDIR", |s, m| drop(s, m, &["WORKDIR"])),
    ("drop EXPOSE", |s, m| drop(s, m, &["EXPOSE"])),
    ("drop VOLUME", |s, m| drop(s, m, &["VOLUME"])),
    ("drop HEALTHCHECK", |s, m| drop(s, m, &["HEALTHCHECK"])),
    ("drop STOPSIGNAL", |s, m| drop(s, m, &["STOPSIGNAL"])),
    ("drop SHELL", |s, m| drop(s, m, &["SHELL"])),
    ("drop COPY or ADD", |s, m| drop(s, m, &["COPY", "ADD"])),
    ("drop RUN", |s, m| drop(s, m, &["RUN"])),
    ("drop CMD or ENTRYPOINT", |s, m| drop(s, m, &["CMD", "ENTRYPOINT"])),
    ("drop ONBUILD", |s, m| drop(s, m, &["ONBUILD"])),
    ("drop FROM", |s, m| drop(s, m, &["FROM"])),
    ("write an instruction twice", twice),
    ("swap two instructions", swap),
    ("move an instruction to the end of its stage", to_the_end),
    ("move a COPY over a RUN", copy_over_run),
    ("join two RUNs", |s, m| join(s, m, 1)),
    ("join RUNs across an instruction", |s, m| join(s, m, 2)),
    ("split a RUN", split),
    ("change a value of ENV", |s, m| change_pairs(s, m, "ENV")),
    ("change a name of ENV", |s, m| change_names(s, m, "ENV")),
    ("change a LABEL", |s, m| change_pairs(s, m, "LABEL")),
    ("change a name of LABEL", |s, m| change_names(s, m, "LABEL")),
    ("drop a pair of ENV or LABEL", drop_pair),
    ("change an ARG", change_arg),
    ("change USER", |s, m| change_words(s, m, &["USER"])),
    ("change WORKDIR", |s, m| change_words(s, m, &["WORKDIR"])),
    ("change EXPOSE", |s, m| change_words(s, m, &["EXPOSE"])),
    ("change VOLUME", |s, m| change_words(s, m, &["VOLUME"])),
    ("change STOPSIGNAL", |s, m| change_words(s, m, &["STOPSIGNAL"])),
    ("change SHELL", |s, m| change_words(s, m, &["SHELL"])),
    ("change MAINTAINER", |s, m| change_words(s, m, &["MAINTAINER"])),
    ("change ONBUILD", change_onbuild),
    ("change a base image", |s, m| change_words(s, m, &["FROM"])),
    ("rename a stage", rename_stage),
    ("drop the name of a stage", unname_stage),
    ("change a stage reference", change_reference),
    ("change an owner", |s, m| change_flag(s, m, &["chown", "chmod"])),
    ("add an owner", add_owner),
    ("change a flag", |s, m| change_flag(s, m, &[])),
    ("drop a flag", drop_flag),
    ("add a flag", add_flag),
    ("copy less", copy_less),
    ("drop a source", drop_source),
    ("change a destination", change_destination),
    ("ADD for COPY", add_for_copy),
    ("drop an argument of the process", drop_argument),
    ("change an argument of the process", change_argument),
    ("add an argument to the process", add_argument),
    ("exec form to shell form", to_shell_form),
    ("shell form to exec form", to_exec_form),
    ("mount over an output", mount_over),
    ("change a mount", change_mount),
    ("change a byte of a heredoc", change_heredoc),
    ("quote the name of a heredoc", quote_heredoc),
    ("change an expansion", change_expansion),
    ("change quotes of a word", change_quotes),
    ("drop a directive", drop_directive),
    ("change a directive", change_directive),
    ("add a directive", add_directive),
    ("lose a comment", lose_comment),
    ("change a comment", change_comment),
    ("swap two comments", swap_comments),
    ("move a comment to another instruction", move_comment),
    ("add a comment", add_comment),
    ("add a blank line", add_blank_line),
    ("write a keyword in another case", other_case),
];

fn of_keyword<'a>(s: &Subject<'a>, keywords: &[&str]) -> Vec<&'a Instruction> {
    let instructions = s.instructions().map(|(_, instruction)| instruction);
    instructions.filter(|instruction| keywords.contains(&s.keyword(instruction).as_str())).collect()
}

fn drop(s: &Subject<'_>, m: &mut Mutants, keywords: &[&str]) {
    for instruction in of_keyword(s, keywords) {
        m.delete(s, s.lines(instruction));
    }
}

fn twice(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        let lines = s.lines(instruction);
        m.insert(s, lines.start, terminated(lines.of(s.text)));
    }
}

fn terminated(lines: &str) -> String {
    format!("{}\n", lines.strip_suffix('\n').unwrap_or(lines))
}

fn swap(s: &Subject<'_>, m: &mut Mutants) {
    for pair in s.model.dockerfile.instructions.windows(2) {
        swap_lines(s, m, &pair[0], &pair[1]);
    }
}

fn swap_lines(s: &Subject<'_>, m: &mut Mutants, first: &Instruction, second: &Instruction) {
    let (a, b) = (s.lines(first), s.lines(second));
    m.edit(s, &[Edit::replace(a, terminated(b.of(s.text))), Edit::replace(b, terminated(a.of(s.text)))]);
}

fn to_the_end(s: &Subject<'_>, m: &mut Mutants) {
    for stage in &s.model.stages {
        let Some(last) = stage.instructions.clone().last() else { continue };
        let end = s.lines(s.model.instruction(last)).end;
        let is_ended = s.text[..end].ends_with('\n');
        for index in stage.instructions.clone().filter(|index| *index + 1 < last) {
            let lines = s.lines(s.model.instruction(index));
            let moved = format!("{}{}", if is_ended { "" } else { "\n" }, lines.of(s.text));
            m.edit(s, &[Edit::delete(lines), Edit::insert(end, moved)]);
        }
    }
}

fn copy_over_run(s: &Subject<'_>, m: &mut Mutants) {
    let is_transfer =
        |instruction: &Instruction| matches!(instruction.kind, InstructionKind::Copy(_) | InstructionKind::Add(_));
    let is_run = |instruction: &Instruction| matches!(instruction.kind, InstructionKind::Run(_));
    let instructions = &s.model.dockerfile.instructions;
    for distance in 1..=3 {
        for (first, second) in instructions.iter().zip(instructions.iter().skip(distance)) {
            if is_transfer(first) && is_run(second) || is_run(first) && is_transfer(second) {
                let (a, b) = (s.lines(first), s.lines(second));
                m.edit(s, &[Edit::delete(a), Edit::insert(b.end, format!("\n{}", a.of(s.text)))]);
                m.edit(s, &[Edit::delete(b), Edit::insert(a.start, terminated(b.of(s.text)))]);
            }
        }
    }
}

/// The text of a RUN that is one shell line.
fn shell_line<'a>(s: &Subject<'a>, instruction: &'a Instruction) -> Option<&'a str> {
    let is_line = instruction.heredocs.is_empty()
        && matches!(&instruction.kind, InstructionKind::Run(Command::Shell(_)))
        && instruction.flags.is_empty();
    is_line.then(|| instruction.arguments.of(s.text))
}

fn join(s: &Subject<'_>, m: &mut Mutants, distance: usize) {
    let instructions = &s.model.dockerfile.instructions;
    for (first, second) in instructions.iter().zip(instructions.iter().skip(distance)) {
        let (Some(a), Some(b)) = (shell_line(s, first), shell_line(s, second)) else { continue };
        for joint in ["&&", ";"] {
            let joined = format!("{a} {joint} {b}");
            m.edit(s, &[Edit::replace(first.arguments, joined.clone()), Edit::delete(s.lines(second))]);
            m.edit(s, &[Edit::replace(second.arguments, joined), Edit::delete(s.lines(first))]);
        }
    }
}

fn split(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        let instruction = s.model.instruction(place.index);
        if shell_line(s, instruction).is_none() {
            continue;
        }
        for (_, rest) in place.and_or() {
            for part in rest.iter().filter(|part| part.and) {
                m.replace(s, s.source_span(place, part.operator), "\nRUN");
            }
        }
    }
}

/// Changes one character of the span to another one of its kind.
fn change_character(s: &Subject<'_>, m: &mut Mutants, span: Span) {
    let text = span.of(s.text);
    let places: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()).collect();
    if places.is_empty() {
        return m.insert(s, span.end, "x");
    }
    let (at, old) = *m.random.choose(&places);
    let choices = match old {
        '0'..='9' => "0123456789",
        'A'..='Z' => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        _ => "abcdefghijklmnopqrstuvwxyz",
    };
    let choices: Vec<char> = choices.chars().filter(|c| *c != old).collect();
    let new = *m.random.choose(&choices);
    m.replace(s, Span::new(span.start + at, span.start + at + 1), new);
}

fn change_pairs(s: &Subject<'_>, m: &mut Mutants, keyword: &str) {
    for instruction in of_keyword(s, &[keyword]) {
        let (InstructionKind::Env(values) | InstructionKind::Label(values)) = &instruction.kind else { continue };
        for pair in &values.pairs {
            change_character(s, m, pair.value.span);
            m.insert(s, pair.value.span.end, "x");
        }
    }
}

fn change_names(s: &Subject<'_>, m: &mut Mutants, keyword: &str) {
    for instruction in of_keyword(s, &[keyword]) {
        let (InstructionKind::Env(values) | InstructionKind::Label(values)) = &instruction.kind else { continue };
        for pair in &values.pairs {
            change_character(s, m, pair.key.span);
            let name = pair.key.span.of(s.text);
            m.replace(s, pair.key.span, name.to_lowercase());
            m.replace(s, pair.key.span, name.to_uppercase());
        }
    }
}

fn drop_pair(s: &Subject<'_>, m: &mut Mutants) {
    for instruction in of_keyword(s, &["ENV", "LABEL"]) {
        let (InstructionKind::Env(values) | InstructionKind::Label(values)) = &instruction.kind else { continue };
        for pair in values.pairs.iter().filter(|_| values.pairs.len() > 1) {
            m.delete(s, pair.key.span.to(pair.value.span));
        }
    }
}

fn change_arg(s: &Subject<'_>, m: &mut Mutants) {
    for instruction in of_keyword(s, &["ARG"]) {
        let InstructionKind::Arg(declarations) = &instruction.kind else { continue };
        for declaration in declarations {
            change_character(s, m, declaration.name.span);
            match &declaration.default {
                Some(default) => {
                    change_character(s, m, default.span);
                    m.delete(s, Span::new(declaration.name.span.end, default.span.end));
                }
                None => m.insert(s, declaration.name.span.end, "=x"),
            }
        }
    }
}

/// The words of an instruction that hold values.
fn words(instruction: &Instruction) -> Vec<&Word> {
    match &instruction.kind {
        InstructionKind::From(from) => vec![&from.image],
        InstructionKind::User(word)
        | InstructionKind::Workdir(word)
        | InstructionKind::Stopsignal(word)
        | InstructionKind::Maintainer(word) => vec![word],
        InstructionKind::Expose(words) | InstructionKind::Volume(words) | InstructionKind::Shell(words) => {
            words.iter().collect()
        }
        InstructionKind::Env(values) | InstructionKind::Label(values) => {
            values.pairs.iter().map(|pair| &pair.value).collect()
        }
        InstructionKind::Arg(declarations) => {
            declarations.iter().filter_map(|declaration| declaration.default.as_ref()).collect()
        }
        InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => {
            transfer.sources.iter().chain([&transfer.destination]).collect()
        }
        _ => Vec::new(),
    }
}

fn change_words(s: &Subject<'_>, m: &mut Mutants, keywords: &[&str]) {
    for instruction in of_keyword(s, keywords) {
        for word in words(instruction) {
            change_character(s, m, word.span);
            if word.span.of(s.text).starts_with('"') {
                m.insert(s, word.span.start + 1, "x");
            } else {
                m.insert(s, word.span.end, "x");
            }
        }
    }
}

fn change_onbuild(s: &Subject<'_>, m: &mut Mutants) {
    for instruction in of_keyword(s, &["ONBUILD"]) {
        change_character(s, m, instruction.arguments);
        m.insert(s, instruction.span.end, " x");
    }
}

fn rename_stage(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        let InstructionKind::From(from) = &instruction.kind else { continue };
        match &from.alias {
            Some(alias) => change_character(s, m, alias.name.span),
            None => m.insert(s, instruction.span.end, " AS mutant"),
        }
    }
}

fn unname_stage(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        let InstructionKind::From(from) = &instruction.kind else { continue };
        let Some(alias) = &from.alias else { continue };
        m.delete(s, Span::new(from.image.span.end, alias.name.span.end));
    }
}

fn change_reference(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        for flag in &instruction.flags {
            let Some(value) = flag.value_span else { continue };
            if flag.name == "from" {
                change_character(s, m, value);
                m.replace(s, value, "0");
            } else if let Some(at) = value.of(s.text).find("from=") {
                m.insert(s, value.start + at + "from=".len(), "x");
            }
        }
    }
}

fn change_flag(s: &Subject<'_>, m: &mut Mutants, names: &[&str]) {
    for (_, instruction) in s.instructions() {
        for flag in &instruction.flags {
            if !names.is_empty() && !names.contains(&flag.name.as_str()) {
                continue;
            }
            let Some(value) = flag.value_span else { continue };
            change_character(s, m, value);
            m.insert(s, value.start, "1");
        }
    }
}

fn drop_flag(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        for flag in &instruction.flags {
            m.delete(s, flag.span);
        }
    }
}

fn add_owner(s: &Subject<'_>, m: &mut Mutants) {
    for instruction in of_keyword(s, &["COPY", "ADD"]) {
        for flag in ["--chown=1000:1000", "--chmod=755"] {
            m.insert(s, instruction.keyword.end, format!(" {flag}"));
        }
    }
}

fn add_flag(s: &Subject<'_>, m: &mut Mutants) {
    let flags: [(&str, &[&str]); 5] = [
        ("COPY", &["--link", "--from=0", "--parents", "--exclude=*.md"]),
        ("ADD", &["--link", "--unpack=false"]),
        ("RUN", &["--network=none", "--security=sandbox", "--mount=type=ssh"]),
        ("FROM", &["--platform=linux/arm64"]),
        ("HEALTHCHECK", &["--retries=7"]),
    ];
    for (keyword, flags) in flags {
        for instruction in of_keyword(s, &[keyword]) {
            for flag in flags {
                m.insert(s, instruction.keyword.end, format!(" {flag}"));
            }
        }
    }
}

fn transfers<'a>(s: &Subject<'a>) -> impl Iterator<Item = (&'a Instruction, &'a Transfer)> + use<'a> {
    s.instructions().filter_map(|(_, instruction)| match &instruction.kind {
        InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => Some((instruction, transfer)),
        _ => None,
    })
}

/// Puts text into a word, before the quote that may end it.
fn insert_at_end(s: &Subject<'_>, m: &mut Mutants, span: Span, text: &str) {
    let quoted = span.of(s.text).ends_with(['"', '\'']);
    m.insert(s, span.end - usize::from(quoted), text);
}

fn copy_less(s: &Subject<'_>, m: &mut Mutants) {
    for (_, transfer) in transfers(s) {
        for source in &transfer.sources {
            insert_at_end(s, m, source.span, "/part");
            insert_at_end(s, m, source.span, "/*");
            insert_at_end(s, m, source.span, "/");
        }
    }
}

fn drop_source(s: &Subject<'_>, m: &mut Mutants) {
    for (_, transfer) in transfers(s) {
        for source in transfer.sources.iter().filter(|_| transfer.sources.len() > 1 && !transfer.json) {
            m.delete(s, source.span);
        }
    }
}

fn change_destination(s: &Subject<'_>, m: &mut Mutants) {
    for (_, transfer) in transfers(s) {
        let span = transfer.destination.span;
        change_character(s, m, span);
        insert_at_end(s, m, span, "/");
        insert_at_end(s, m, span, "x");
    }
}

fn add_for_copy(s: &Subject<'_>, m: &mut Mutants) {
    for (instruction, _) in transfers(s) {
        let other = if s.keyword(instruction) == "ADD" { "COPY" } else { "ADD" };
        m.replace(s, instruction.keyword, other);
    }
}

/// The argv of exec forms.
fn exec_forms<'a>(s: &Subject<'a>) -> impl Iterator<Item = (&'a Instruction, &'a [Word])> + use<'a> {
    s.instructions().filter_map(|(_, instruction)| match command_of(instruction)? {
        Command::Exec(argv) => Some((instruction, argv.as_slice())),
        Command::Shell(_) => None,
    })
}

fn drop_argument(s: &Subject<'_>, m: &mut Mutants) {
    for (_, argv) in exec_forms(s) {
        for (at, word) in argv.iter().enumerate() {
            let span = match (at.checked_sub(1), argv.get(at + 1)) {
                (Some(before), _) => Span::new(argv[before].span.end, word.span.end),
                (None, Some(next)) => Span::new(word.span.start, next.span.start),
                (None, None) => word.span,
            };
            m.delete(s, span);
        }
    }
}

fn change_argument(s: &Subject<'_>, m: &mut Mutants) {
    for (_, argv) in exec_forms(s) {
        for word in argv {
            change_character(s, m, word.span);
            insert_at_end(s, m, word.span, " ");
        }
    }
}

fn add_argument(s: &Subject<'_>, m: &mut Mutants) {
    for (_, argv) in exec_forms(s) {
        for word in argv {
            m.insert(s, word.span.end, ", \"x\"");
        }
    }
}

fn to_shell_form(s: &Subject<'_>, m: &mut Mutants) {
    for (instruction, argv) in exec_forms(s) {
        let (Some(first), Some(last)) = (argv.first(), argv.last()) else { continue };
        let line = argv.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let end = instruction.arguments.end.max(last.span.end);
        let start = s.text[..first.span.start].rfind('[').unwrap_or(first.span.start);
        m.replace(s, Span::new(start, end), line);
    }
}

fn to_exec_form(s: &Subject<'_>, m: &mut Mutants) {
    for place in s.places() {
        let instruction = s.model.instruction(place.index);
        let Some(body) = s.model.body(place.index).filter(|_| instruction.heredocs.is_empty()) else { continue };
        let span = body.text.to_source(Span::new(0, body.text.text.len()));
        let words: Vec<_> = body.text.text.split_whitespace().map(|word| format!("{word:?}")).collect();
        m.replace(s, span, format!("[{}]", words.join(", ")));
        m.replace(s, span, format!("[\"/bin/sh\", \"-c\", {:?}]", body.text.text));
    }
}

fn mount_over(s: &Subject<'_>, m: &mut Mutants) {
    for (_, run) in s.runs() {
        for mount in
            ["type=cache,target=/usr", "type=tmpfs,target=/app", "type=cache,target=/root/.cache", "target=/src"]
        {
            m.insert(s, run.keyword.end, format!(" --mount={mount}"));
        }
    }
}

fn change_mount(s: &Subject<'_>, m: &mut Mutants) {
    let changes = [
        ("target=", "target=/x"),
        ("sharing=locked", "sharing=shared"),
        ("sharing=locked", "sharing=private"),
        ("type=cache", "type=tmpfs"),
        ("type=cache", "type=cache,readonly"),
        ("type=cache", "type=cache,uid=7"),
        ("type=cache", "type=cache,gid=7"),
        ("type=cache", "type=cache,mode=0700"),
        ("type=cache", "type=cache,id=mutant"),
        ("type=cache", "type=cache,from=scratch"),
        ("type=cache", "type=cache,sharing=private"),
        ("id=", "id=x"),
        ("uid=", "uid=1"),
        ("gid=", "gid=1"),
        ("type=secret", "type=secret,required"),
        ("type=secret", "type=secret,env=MUTANT"),
        ("type=bind", "type=bind,rw"),
        ("type=bind", "type=bind,source=x"),
        ("source=", "source=x"),
        ("src=", "src=x"),
        ("dst=", "dst=/x"),
    ];
    for (_, run) in s.runs() {
        for flag in run.flags.iter().filter(|flag| flag.name == "mount") {
            let Some(value) = flag.value_span else { continue };
            for (old, new) in changes {
                // A key that is there twice has its last value.
                let key = new.rsplit(',').next().and_then(|field| field.split('=').next()).unwrap_or_default();
                let has_key = value.of(s.text).split(',').any(|field| field.split('=').next() == Some(key));
                if new.contains(',') && has_key {
                    continue;
                }
                if let Some(at) = value.of(s.text).find(old) {
                    m.replace(s, Span::new(value.start + at, value.start + at + old.len()), new);
                }
            }
        }
    }
}

fn change_heredoc(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        for heredoc in &instruction.heredocs {
            for line in heredoc.body.of(s.text).split('\n') {
                if line.trim().is_empty() {
                    continue;
                }
                let start = line.as_ptr() as usize - s.text.as_ptr() as usize;
                change_character(s, m, Span::new(start, start + line.len()));
            }
            m.insert(s, heredoc.body.start, " ");
            m.insert(s, heredoc.body.end, "\n");
        }
    }
}

fn quote_heredoc(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        for heredoc in &instruction.heredocs {
            let line = instruction.span.of(s.text);
            let plain = format!("<<{}", heredoc.name);
            let quoted = format!("<<'{}'", heredoc.name);
            let dashed = format!("<<-{}", heredoc.name);
            if let Some(at) = line.find(&plain) {
                let span = Span::new(instruction.span.start + at, instruction.span.start + at + plain.len());
                m.replace(s, span, quoted);
                m.replace(s, span, dashed);
            } else if let Some(at) = line.find(&quoted) {
                let span = Span::new(instruction.span.start + at, instruction.span.start + at + quoted.len());
                m.replace(s, span, plain);
            }
        }
    }
}

fn change_expansion(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        for word in words(instruction) {
            for (at, _) in word.span.of(s.text).match_indices('$') {
                change_one_expansion(s, m, word.span.start + at, word.span.end);
            }
        }
    }
}

/// Changes the expansion whose `$` stands at `start`.
fn change_one_expansion(s: &Subject<'_>, m: &mut Mutants, start: usize, end: usize) {
    let text = &s.text[start + 1..end];
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let (name, span, operator) = if let Some(inner) = text.strip_prefix('{') {
        let Some(close) = inner.find('}') else { return };
        let length = inner.find(|c| !is_name(c)).unwrap_or(inner.len());
        (&inner[..length], Span::new(start, start + 3 + close), &inner[length..close])
    } else {
        let length = text.find(|c| !is_name(c)).unwrap_or(text.len());
        (&text[..length], Span::new(start, start + 1 + length), "")
    };
    if name.is_empty() {
        return;
    }
    m.insert(s, start, "\\");
    m.replace(s, span, "");
    let others = [
        format!("${{{name}}}"),
        format!("${{{name}:-x}}"),
        format!("${{{name}-x}}"),
        format!("${{{name}:+x}}"),
        format!("${{{name}:+${{{name}}}}}"),
        format!("${{MUTANT:-${{{name}}}}}"),
        format!("${{MUTANT:+${{{name}}}}}"),
        format!("${{{name}:?x}}"),
        format!("${{{name}%/}}"),
        format!("${{{name}#/}}"),
        format!("${{{name}##*/}}"),
        format!("${{{name}/a/b}}"),
        format!("${{{name}//./_}}"),
        format!("${{X{name}}}"),
    ];
    for other in others {
        m.replace(s, span, other);
    }
    if let Some(rest) = operator.strip_prefix(':') {
        m.replace(s, span, format!("${{{name}{rest}}}"));
    }
}

fn change_quotes(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        if matches!(instruction.kind, InstructionKind::Shell(_) | InstructionKind::From(_)) {
            continue;
        }
        for word in words(instruction) {
            let text = word.span.of(s.text);
            match text.chars().next() {
                Some(quote @ ('"' | '\'')) if text.len() > 1 && text.ends_with(quote) => {
                    let inner = &text[1..text.len() - 1];
                    let other = if quote == '"' { '\'' } else { '"' };
                    m.replace(s, word.span, inner);
                    m.replace(s, word.span, format!("{other}{inner}{other}"));
                }
                _ => {
                    m.replace(s, word.span, format!("\"{text}\""));
                    m.replace(s, word.span, format!("'{text}'"));
                }
            }
        }
    }
}

fn drop_directive(s: &Subject<'_>, m: &mut Mutants) {
    for directive in &s.model.dockerfile.directives {
        m.delete(s, Span::new(directive.span.start, (directive.span.end + 1).min(s.text.len())));
        m.insert(s, directive.span.start, "\n");
    }
}

fn change_directive(s: &Subject<'_>, m: &mut Mutants) {
    for directive in &s.model.dockerfile.directives {
        m.insert(s, directive.span.end, "x");
        change_character(s, m, directive.span);
    }
}

fn add_directive(s: &Subject<'_>, m: &mut Mutants) {
    for directive in ["# syntax=docker/dockerfile:1.4", "# escape=`", "# check=skip=all"] {
        let at = if s.text.starts_with('\u{FEFF}') { '\u{FEFF}'.len_utf8() } else { 0 };
        m.insert(s, at, format!("{directive}\n"));
    }
}

/// The comment lines of the file outside heredocs.
fn comments(s: &Subject<'_>) -> Vec<Span> {
    let mut found = Vec::new();
    for item in &s.model.dockerfile.items {
        let mut start = item.span.start;
        for (number, line) in item.span.of(s.text).split_inclusive('\n').enumerate() {
            let is_comment = match item.kind {
                ItemKind::Comment => true,
                ItemKind::Instruction => number > 0 && line.trim_start().starts_with('#'),
                _ => false,
            };
            if is_comment {
                found.push(Span::new(start, start + line.len()));
            }
            start += line.len();
        }
    }
    found
}

fn lose_comment(s: &Subject<'_>, m: &mut Mutants) {
    for comment in comments(s) {
        m.delete(s, comment);
    }
}

fn change_comment(s: &Subject<'_>, m: &mut Mutants) {
    for comment in comments(s) {
        change_character(s, m, comment);
    }
}

fn swap_comments(s: &Subject<'_>, m: &mut Mutants) {
    for pair in comments(s).windows(2) {
        let (a, b) = (pair[0], pair[1]);
        m.edit(s, &[Edit::replace(a, terminated(b.of(s.text))), Edit::replace(b, terminated(a.of(s.text)))]);
    }
}

fn move_comment(s: &Subject<'_>, m: &mut Mutants) {
    for item in s.model.dockerfile.items.iter().filter(|item| item.kind == ItemKind::Comment) {
        let text = terminated(item.span.of(s.text));
        let next = s.instructions().find(|(_, instruction)| instruction.span.start >= item.span.end);
        let Some((_, next)) = next else { continue };
        m.edit(s, &[Edit::delete(item.span), Edit::insert(s.lines(next).end, text)]);
    }
}

fn add_comment(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        m.insert(s, s.lines(instruction).start, "# mutant\n");
    }
}

fn add_blank_line(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions().skip(1) {
        m.insert(s, s.lines(instruction).start, "\n");
    }
}

fn other_case(s: &Subject<'_>, m: &mut Mutants) {
    for (_, instruction) in s.instructions() {
        m.replace(s, instruction.keyword, instruction.keyword.of(s.text).to_lowercase());
    }
}
