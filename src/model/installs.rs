//! Where the install step of a build system writes, as far as the files of the project say it.

use std::collections::{BTreeMap, BTreeSet};

use super::deed::{Deed, joined, source_at};
use super::manifest::{cmake, makefile};
use super::scope::Variable;
use super::{Model, Stage, split};
use crate::shell::ast::{SimpleCommand, Word, WordPart};
use crate::shell::{self, Dialect};
use crate::tables::{self, Operands, PackageManager};

/// Where build systems install when nothing says otherwise (GNU Coding Standards, 7.2.5; cmake-variables(7); Meson, built-in options).
const PREFIX: &str = "/usr/local";
/// Words of a configure step that name the prefix.
const PREFIXES: [&str; 3] = ["--prefix=", "-DCMAKE_INSTALL_PREFIX=", "-Dprefix="];
/// What puts an install elsewhere as a whole.
const ROOT: &str = "DESTDIR";

/// Whether the words of a command of a build system ask for its install step.
pub(super) fn is_install(words: &[String]) -> bool {
    words[1..].iter().any(|word| word == "install" || word.starts_with("install-") || word == "--install")
}

/// What the install step writes that runs in the directory; `None` when the files of the project do not say it.
pub(super) fn of(model: &Model<'_>, run: usize, directory: &str, words: &[String]) -> Option<Vec<Deed>> {
    let directory = match words.windows(2).find(|pair| matches!(pair[0].as_str(), "-C" | "--install" | "--build")) {
        Some(pair) => joined(directory, &pair[1]),
        None => directory.to_owned(),
    };
    let stage = model.stage_of(run)?;
    let given = assignments(words);
    let is_elsewhere = given.contains_key(ROOT)
        || !matches!(model.state(run).variables.get(ROOT), Variable::Unset)
        || words
            .iter()
            .any(|word| matches!(word.as_str(), "--prefix" | "--component" | "--destdir" | "--strip-all" | "-"));
    if is_elsewhere {
        return None;
    }
    let read = |path: &str| model.context.read(&source_at(model, run, path)?);
    let perl = &tables::stages().perl;
    let mut made = if let Some(text) = read(&joined(&directory, &perl.script)) {
        of_perl(model, run, &text, words)?
    } else if let Some(text) = makefile::NAMES.iter().find_map(|name| read(&joined(&directory, name))) {
        by_makefile(model, run, &directory, &text, &given)?
    } else {
        let prefix = prefix(model, stage, run)?;
        let above = joined(&directory, "..");
        let places = [directory.as_str(), above.as_str()];
        let loads = |place: &str, name: &str| read(&joined(place, name));
        let installed = if let Some(place) = places.iter().find(|place| loads(place, cmake::NAME).is_some()) {
            cmake::installed(&|path| loads(place, path))?
        } else if let Some(text) = places.iter().find_map(|place| loads(place, cmake::MESON)) {
            cmake::meson_installed(&text)?
        } else {
            let programs = makefile::automake_programs(&loads(&directory, makefile::AUTOMAKE)?)?;
            programs.iter().map(|name| format!("bin/{name}")).collect()
        };
        if tables::effects().directories.every.contains(&prefix) {
            installed.iter().map(|path| Deed::Output(joined(&prefix, path))).collect()
        } else {
            vec![Deed::Output(prefix)]
        }
    };
    made.push(Deed::Taken(directory));
    Some(made)
}

/// What the install of a module of Perl writes, with the Perl of Debian. Lists of what was installed and manuals are not read.
fn of_perl(model: &Model<'_>, run: usize, text: &str, words: &[String]) -> Option<Vec<Deed>> {
    let table = &tables::stages().perl;
    let stage = model.stage_of(run)?;
    let image = stage.image.as_deref().filter(|image| image.interpreter.is_none())?;
    let is_debian = matches!(image.package_manager.known(), Some(PackageManager::Apt));
    let body = model.body(run)?.text.text.clone();
    let is_elsewhere = |text: &str| table.elsewhere.iter().any(|word| text.contains(word.as_str()));
    if !is_debian || is_elsewhere(text) || is_elsewhere(&body) || words.iter().any(|word| is_elsewhere(word)) {
        return None;
    }
    let mut made: Vec<Deed> = listed(text, &table.listed)?
        .iter()
        .map(|program| Deed::Output(joined(&table.bin, program.rsplit('/').next().unwrap_or(program))))
        .collect();
    let files = split::context_files(model)?;
    let is_native = files.iter().any(|(path, _)| table.native.iter().any(|ending| path.ends_with(ending.as_str())));
    let has_modules = files.iter().any(|(path, _)| path.ends_with(table.module.as_str()));
    match (is_native, has_modules) {
        // With what was compiled, all of it goes to one place.
        (true, _) => made.push(Deed::Output(table.compiled.clone())),
        (false, true) => made.push(Deed::Output(table.modules.clone())),
        (false, false) => return None,
    }
    Some(made)
}

/// The strings of a list in brackets behind the word; none without the word, `None` for a list that is computed.
fn listed(text: &str, word: &str) -> Option<Vec<String>> {
    let Some((_, rest)) = text.split_once(word) else { return Some(Vec::new()) };
    let list = rest.trim_start_matches([' ', '\'', '"']).strip_prefix("=>")?.trim_start().strip_prefix('[')?;
    let (list, _) = list.split_once(']')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let name = |item: &str| {
        let name = item.strip_prefix(['\'', '"'])?.strip_suffix(['\'', '"'])?;
        name.chars().all(is_name).then(|| name.to_owned())
    };
    list.split(',').map(str::trim).filter(|item| !item.is_empty()).map(name).collect()
}

/// `NAME=value` among the words.
fn assignments(words: &[String]) -> BTreeMap<String, String> {
    let is_name = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let pairs = words.iter().filter_map(|word| word.split_once('=')).filter(|(name, _)| is_name(name));
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// The prefix that the configure steps up to the RUN name; `None` when that is not one.
fn prefix(model: &Model<'_>, stage: &Stage, run: usize) -> Option<String> {
    let mut found = BTreeSet::new();
    for index in stage.instructions.start..=run {
        if !model.is_run(index) {
            continue;
        }
        for command in model.body(index)?.understood()?.all_simple_commands() {
            for word in &command.words {
                let Some(text) = text_of(model, index, word) else {
                    // What is not known may name a directory when it stands for more than a value of its own.
                    let start = word.pattern().unwrap_or_default();
                    if PREFIXES.iter().any(|prefix| start.starts_with(prefix)) {
                        return None;
                    }
                    continue;
                };
                let is_directory = text.starts_with("--") && text.split('=').next()?.ends_with("dir");
                let is_of_cmake = text.starts_with("-DCMAKE_INSTALL_") && !text.starts_with(PREFIXES[1]);
                if is_directory && text.contains('=') || is_of_cmake || text == "--prefix" {
                    return None;
                }
                found.extend(PREFIXES.iter().filter_map(|prefix| text.strip_prefix(prefix)).map(str::to_owned));
            }
        }
    }
    let mut found = found.into_iter();
    let prefix = found.next().unwrap_or_else(|| PREFIX.to_owned());
    (found.next().is_none() && prefix.starts_with('/')).then_some(prefix)
}

/// The text of a word, with variables of ENV that hold one path replaced.
pub(super) fn text_of(model: &Model<'_>, run: usize, word: &Word) -> Option<String> {
    let mut found = String::new();
    for part in &word.parts {
        match part {
            WordPart::Literal { text, .. } => found.push_str(text),
            WordPart::Expansion { variable: Some(name), .. } => found.push_str(&model.plain_path_of(run, name)?),
            _ => return None,
        }
    }
    Some(found)
}

/// What the install target of a plain `Makefile` writes.
fn by_makefile(
    model: &Model<'_>,
    run: usize,
    directory: &str,
    text: &str,
    given: &BTreeMap<String, String>,
) -> Option<Vec<Deed>> {
    let variables = &model.state(run).variables;
    let outside = |name: &str| match variables.get(name) {
        Variable::Unset => Some(String::new()),
        Variable::Set(value) => value.fixed().map(str::to_owned),
        Variable::Unknown => None,
    };
    let mut found = Vec::new();
    for line in makefile::read(text)?.commands("install", given, &outside)? {
        let line = line.trim_start_matches(['@', '-', '+', ' ']);
        let script = shell::parse(line, Dialect::Posix).ok()?;
        let nodes = script.and_chain()?;
        for node in nodes {
            found.extend(of_recipe(directory, node.as_simple()?)?);
        }
    }
    Some(found)
}

/// What a command of a recipe writes.
fn of_recipe(directory: &str, command: &SimpleCommand) -> Option<Vec<Deed>> {
    if !command.redirects.is_empty() {
        return None;
    }
    let words: Vec<String> = command.words.iter().map(Word::literal).collect::<Option<_>>()?;
    let (program, rest) = words.split_first()?;
    if program == "install" {
        return of_install_program(directory, rest);
    }
    let row = tables::effects().command(program, None).filter(|row| !row.bound && row.touches.is_empty())?;
    let paths: Vec<&String> = rest.iter().filter(|word| !word.starts_with('-')).collect();
    match row.operands {
        Operands::Text => Some(Vec::new()),
        Operands::Copy => placed(directory, &paths),
        Operands::Directories => Some(paths.iter().map(|path| Deed::Output(joined(directory, path))).collect()),
        _ => None,
    }
}

/// What `install` writes (install(1) of coreutils).
pub(super) fn of_install_program(directory: &str, words: &[String]) -> Option<Vec<Deed>> {
    let mut paths = Vec::new();
    let mut makes_directories = false;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match word.as_str() {
            "-d" | "--directory" => makes_directories = true,
            "-m" | "-o" | "-g" => drop(rest.next()?),
            "-D" | "-c" | "-s" | "-p" | "-v" | "--strip" => {}
            word if word.starts_with("--mode=") || word.starts_with("-m") => {}
            word if word.starts_with('-') => {
                let is_known = word[1..].chars().all(|c| "Dcspvd".contains(c));
                makes_directories |= word.contains('d');
                if !is_known {
                    return None;
                }
            }
            _ => paths.push(word),
        }
    }
    match makes_directories {
        true => {
            let made = paths.iter().map(|path| joined(directory, path));
            let is_new = |path: &String| !tables::effects().directories.every.contains(path);
            Some(made.filter(is_new).map(Deed::Output).collect())
        }
        false => placed(directory, &paths),
    }
}

/// What is at the last path when the others are copied there.
fn placed(directory: &str, paths: &[&String]) -> Option<Vec<Deed>> {
    let (last, sources) = paths.split_last().filter(|(_, sources)| !sources.is_empty())?;
    if paths.iter().any(|path| path.contains(['*', '?', '['])) {
        return None;
    }
    let target = joined(directory, last);
    let is_directory =
        last.ends_with('/') || sources.len() > 1 || tables::effects().directories.every.contains(&target);
    let name = |path: &String| path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    Some(match is_directory {
        true => sources.iter().map(|source| Deed::Output(joined(&target, &name(source)))).collect(),
        false => vec![Deed::Output(target)],
    })
}
