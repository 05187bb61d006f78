//! Code of the application: which files there are, and which names they mention.

use std::collections::BTreeSet;

use super::{Needs, Reader, What, When};
use crate::context::Entry;
use crate::model::cache::is_below;
use crate::model::{Base, Stage, served, split};
use crate::syntax::ast::{InstructionKind, Transfer};
use crate::tables;

/// A file of code, or code on a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// Its path in the build context; empty on a command line.
    pub path: String,
    /// Its text; `None` when nothing follows from it.
    pub text: Option<String>,
}

/// A name that code mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// The name.
    pub name: String,
    /// The file.
    pub path: String,
}

/// More files than this are not looked through.
const MAX_FILES: usize = 4000;

/// More code than this, in bytes, is not looked through.
const MAX_CODE: usize = 16 << 20;

/// How deep directories are walked.
const MAX_DEPTH: usize = 24;

impl Needs {
    /// The names of programs, or of libraries that are loaded by name, that code mentions: in files that start programs or
    /// load libraries, each literal that begins with such a name.
    #[must_use]
    pub fn mentions(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<Mention> {
        let table = tables::needs();
        let mut found = Vec::new();
        for code in &self.code {
            let Some(text) = code.text.as_deref() else { continue };
            let starts = code.path.is_empty() || table.starts_others(&code.path, text);
            if !starts {
                continue;
            }
            let names: BTreeSet<&str> = literals(text).filter(|name| is_wanted(name)).collect();
            found.extend(names.into_iter().map(|name| Mention { name: name.to_owned(), path: code.path.clone() }));
        }
        found
    }

    /// The files whose code is not seen.
    pub fn unseen(&self) -> impl Iterator<Item = &str> {
        self.code.iter().filter(|code| code.text.is_none()).map(|code| code.path.as_str())
    }
}

/// What stands behind a quote, up to a blank or another quote, without its directory.
fn literals(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(['"', '\'', '`']).filter_map(|(at, _)| {
        let rest = &text[at + 1..];
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '/')))?;
        rest[..end].rsplit('/').next().filter(|name| !name.is_empty())
    })
}

impl Reader<'_> {
    /// What COPY and ADD bring: code, and programs that were built elsewhere.
    pub(super) fn transfer(&mut self, index: usize) {
        let instruction = self.model.instruction(index);
        let (InstructionKind::Copy(transfer) | InstructionKind::Add(transfer)) = &instruction.kind else { return };
        match instruction.flag("from").and_then(|flag| flag.value.as_deref()) {
            Some(from) => self.copy_of_others(index, from),
            None => self.copy_of_context(transfer),
        }
    }

    /// Files of another stage were copied or made there; those of an image are not known.
    fn copy_of_others(&mut self, index: usize, from: &str) {
        let served = served::directory(self.model, self.stage);
        if served
            .is_some_and(|directory| split::destination(self.model, index).is_some_and(|to| is_below(&to, &directory)))
        {
            // A server of files runs none of them.
            return;
        }
        let stages = self.model.stages_read_by(index);
        if stages.is_empty() {
            let name = from.split(['@']).next().unwrap_or(from);
            let name = name.rsplit_once(':').map_or(name, |(name, _)| name);
            if !tables::needs().is_contained(name) {
                self.gap(format!("what the files of `{from}` need is not known"), "files of a stage");
            }
            return;
        }
        for stage in stages {
            self.of_stage(stage);
        }
    }

    /// What was built in another stage may need, when it runs, whatever that stage could find; the programs that built it, it
    /// does not.
    fn of_stage(&mut self, stage: usize) {
        let mut stage = &self.model.stages[stage];
        self.built_in(stage);
        while let Base::Stage(parent) = stage.base {
            stage = &self.model.stages[parent];
            self.built_in(stage);
        }
    }

    fn built_in(&mut self, stage: &Stage) {
        let found = super::read(Reader::new(self.model, stage, self.libc));
        for need in
            found.known.into_iter().filter(|need| matches!(need.what, What::Library(_)) || need.when == When::Run)
        {
            if !self.needs.known.contains(&need) {
                self.needs.known.push(need);
            }
        }
        self.needs.gaps.extend(found.gaps.into_iter().filter(|gap| !gap.is_of_command));
        self.needs.code.extend(found.code);
        self.needs.has_packages |= found.has_packages;
        self.needs.scripts.extend(found.scripts);
    }

    fn copy_of_context(&mut self, transfer: &Transfer) {
        for source in &transfer.sources {
            if source.text.starts_with("<<") {
                continue;
            }
            if source.text.contains("://") || source.text.starts_with("git@") {
                self.gap(format!("what `{}` holds is not known", source.text), "the file in the build context");
                continue;
            }
            let Some(paths) = self.model.context.glob(&source.text) else {
                self.gap("the build context is not known", "`--context` with the directory of the build context");
                return;
            };
            for path in paths {
                self.tree(path);
            }
        }
    }

    fn tree(&mut self, root: String) {
        let mut todo = vec![(root, 0)];
        let mut left = MAX_FILES;
        let mut size: usize = self.needs.code.iter().filter_map(|code| code.text.as_ref()).map(String::len).sum();
        while let Some((path, depth)) = todo.pop() {
            if left == 0 || size > MAX_CODE || depth > MAX_DEPTH {
                return self.gap("the build context has more files than are read", "fewer files");
            }
            left -= 1;
            match self.model.context.entry(&path) {
                Entry::Directory => {
                    let Some(entries) = self.model.context.list(&path) else {
                        return self.gap("a directory of the build context cannot be read", "the build context");
                    };
                    let below = entries.into_iter().filter(|(name, _)| !tables::needs().is_unpacked(name));
                    let join = |name: String| if path.is_empty() { name } else { format!("{path}/{name}") };
                    todo.extend(below.map(|(name, _)| (join(name), depth + 1)));
                }
                Entry::File => size += self.file_of_context(&path),
                Entry::Unknown => return self.gap(format!("what `{path}` is, is not known"), "the build context"),
                Entry::Missing | Entry::Ignored => {}
            }
        }
    }

    /// One file; says how much of it is kept.
    fn file_of_context(&mut self, path: &str) -> usize {
        let name = path.rsplit('/').next().unwrap_or(path);
        let table = tables::needs();
        if !table.is_code(name) {
            if self.model.context.head(path, 4).is_some_and(|head| head == b"\x7fELF") {
                self.when = When::Run;
                self.need(What::Glibc);
                self.gap(
                    format!("which libraries the program `{path}` loads is not known"),
                    "a program built in the file",
                );
            }
            return 0;
        }
        if table.is_empty_by_convention(name) {
            return 0;
        }
        let text = self.model.context.read(path);
        let size = text.as_ref().map_or(0, String::len);
        self.code_text(path.to_owned(), text);
        size
    }

    pub(super) fn code_text(&mut self, path: String, text: Option<String>) {
        let code = Code { path, text };
        if self.needs.code.contains(&code) {
            return;
        }
        let imports = |module: &str, text: &str| {
            text.lines().map(str::trim_start).any(|line| {
                let rest = line.strip_prefix("import ").or_else(|| line.strip_prefix("from "));
                rest.and_then(|rest| rest.strip_prefix(module))
                    .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
            })
        };
        if let Some(text) = &code.text {
            for import in &tables::needs().imports {
                if imports(&import.module, text) {
                    import.programs.iter().for_each(|program| self.program(program));
                    import.libraries.iter().for_each(|library| self.need(What::Library(library.clone())));
                }
            }
        }
        self.needs.code.push(code);
    }
}
