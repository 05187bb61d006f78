//! Scripts of the build context that a RUN calls: what they read and write is what their commands do.
//!
//! The file has to come from a known context by a COPY of the stage, and nothing between the COPY and the end of the RUN may
//! change it but in owner and mode. A file without content, as a placeholder has none, says nothing.

use super::commands::{PROGRAM_DIRECTORIES, Run, is_local};
use super::{Reader, Tree};
use crate::shell::ast::SimpleCommand;
use crate::shell::state::is_opaque;
use crate::shell::{self, Dialect};

/// Scripts that one RUN may call, those called by scripts among them.
const MAX_SCRIPTS: usize = 16;

/// A longer script is not read, in bytes.
const MAX_LENGTH: usize = 64 << 10;

/// A file that a command runs as a script.
pub(super) struct Called {
    /// The path as written.
    path: String,
    /// The shell, when the command names it; else the first line of the file does.
    shell: Option<String>,
}

/// The script that the command runs: by its path, or as the argument of a shell.
pub(super) fn called(command: &SimpleCommand) -> Option<Called> {
    let name = command.name()?;
    if let Some((directory, _)) = name.rsplit_once('/') {
        return (!PROGRAM_DIRECTORIES.contains(&directory)).then_some(Called { path: name, shell: None });
    }
    if !matches!(name.as_str(), "sh" | "bash" | "dash" | "ash") {
        return None;
    }
    for word in &command.words[1..] {
        let text = word.literal()?;
        match text.strip_prefix('-') {
            // `-c` brings its script along, `-s` reads it from the standard input, `-o` has a value.
            Some(letters) if letters.is_empty() || letters.contains(['c', 's', 'o', 'O', '-']) => return None,
            Some(_) => {}
            None => return Some(Called { path: text, shell: Some(name) }),
        }
    }
    None
}

/// Adds what the script reads and writes.
pub(super) fn run(run: &mut Run<'_, '_, '_>, called: &Called) -> Result<(), String> {
    let mut is_found = false;
    for path in run.paths(Some(&called.path))? {
        let Some((path, text)) = file(run.reader, &path)? else { continue };
        is_found = true;
        run.access.read_tree(Tree::at(path.clone()));
        // A script that runs again in other directories is read again.
        let called_here = (path, run.directories.clone());
        if run.scripts.contains(&called_here) {
            continue;
        }
        if run.scripts.len() == MAX_SCRIPTS {
            return Err("it calls too many scripts".to_owned());
        }
        let directories = called_here.1.clone();
        run.scripts.push(called_here);
        let dialect =
            dialect(called, &text).ok_or_else(|| format!("which shell reads `{}` is not known", called.path))?;
        let script = shell::parse(&text, dialect).map_err(|error| format!("`{}`: {error}", called.path))?;
        if is_opaque(&script) {
            return Err(format!("what `{}` runs is known only when it runs", called.path));
        }
        run.script(&script).map_err(|reason| format!("`{}`: {reason}", called.path))?;
        run.directories = directories;
    }
    if is_found { Ok(()) } else { Err(format!("what `{}` reads and writes is not known", called.path)) }
}

/// Checks that the RUN changes none of the files that were read for it.
pub(super) fn are_as_copied(run: &Run<'_, '_, '_>) -> Result<(), String> {
    let read = run.scripts.iter().map(|(path, _)| path).chain(&run.requirements);
    match read.into_iter().find(|path| run.access.changes(path)) {
        None => Ok(()),
        Some(path) => Err(format!("it may change `{path}`")),
    }
}

/// Whether the file of requirements is known to name packages of an index, and nothing else.
pub(super) fn names_packages_only(run: &mut Run<'_, '_, '_>, file_name: Option<&str>) -> bool {
    let paths = run.paths(file_name).unwrap_or_default();
    let mut found = Vec::new();
    for path in paths {
        match file(run.reader, &path) {
            Ok(Some((path, text))) if text.lines().all(is_package) => found.push(path),
            _ => return false,
        }
    }
    run.requirements.extend(found);
    true
}

/// Whether a line of a file of requirements names a package at most.
fn is_package(line: &str) -> bool {
    let line = line.trim();
    let line = line.split(" #").next().unwrap_or(line).trim().trim_end_matches('\\').trim();
    if line.is_empty() || line.starts_with('#') || line.starts_with("--hash=") {
        return true;
    }
    let name = line.split([';', ' ', '=', '<', '>', '~', '!', '[']).next().unwrap_or(line);
    !line.starts_with('-') && !line.contains(['/', '$', '@']) && !is_local(name) && !is_local(line)
}

/// The file of the build context that lies at a path of the image, with the path that links lead to.
///
/// # Errors
/// Why its content is not known.
fn file(reader: &Reader<'_, '_>, path: &str) -> Result<Option<(String, String)>, String> {
    let Ok(resolved) = reader.history.resolve(path) else { return Ok(None) };
    let path = resolved.path;
    if !resolved.elsewhere.is_empty() {
        return Ok(None);
    }
    let first = reader.index - reader.before.len();
    for (at, (access, _)) in reader.before.iter().enumerate().rev() {
        let instruction = reader.model.instruction(first + at);
        let source = reader.model.copied_file(first + at, &path);
        let keeps = |flag: &crate::syntax::ast::Flag| matches!(flag.name.as_str(), "chown" | "chmod" | "link");
        if let Some(source) = source.filter(|_| instruction.flags.iter().all(keeps)) {
            let text = reader.model.context.read(&source);
            let text = text.filter(|text| text.len() <= MAX_LENGTH && !text.contains('\r'));
            return text
                .map(|text| Some((path, text)))
                .ok_or_else(|| format!("the content of `{source}` is not known"));
        }
        if access.changes(&path) {
            return Ok(None);
        }
    }
    Ok(None)
}

/// The language of a script: that of the shell that the command names, or the one of its first line.
fn dialect(called: &Called, text: &str) -> Option<Dialect> {
    let first = text.lines().next().unwrap_or_default();
    let argv = match (&called.shell, first.strip_prefix("#!")) {
        (Some(shell), _) => vec![shell.clone()],
        (None, Some(interpreter)) => interpreter.split_whitespace().map(str::to_owned).collect(),
        // The calling shell reads what the kernel does not start.
        (None, None) => vec!["sh".to_owned()],
    };
    let argv: Vec<String> = argv.into_iter().chain(["-c".to_owned()]).collect();
    Dialect::of(&argv).dialect()
}
