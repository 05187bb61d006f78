//! What programs leave behind that a project brings, or that its packages bring: scripts of an interpreter, setuptools, and what makes sites.

use super::{Deed, Reader, joined};
use crate::model::outputs;
use crate::model::served;
use crate::shell::ast::{SimpleCommand, Word};
use crate::tables;

/// The file by which setuptools installs a project (setuptools, "Deprecated: `setup.py install`").
const SETUP: &str = "setup.py";

impl Reader<'_> {
    /// Reads a command that starts such a program; `None` for another one.
    pub(super) fn of_project(&mut self, command: &SimpleCommand) -> Option<Result<(), String>> {
        let words: Vec<String> = command.words.iter().map(Word::pattern).collect::<Option<_>>()?;
        let (name, rest) = words.split_first()?;
        if is_python(name) {
            if let Some((file, rest)) = rest.split_first().filter(|(file, _)| base_name(file) == SETUP) {
                if let [subcommand] = rest
                    && subcommand == "install"
                    && file == SETUP
                {
                    return Some(self.installs_into_interpreter());
                }
                return Some(Err(format!("what `{SETUP} {}` leaves behind is not known", rest.join(" "))));
            }
            if let Some((flag, rest)) = rest.split_first()
                && let Some((module, _)) = rest.split_first().filter(|_| flag == "-m")
            {
                let called = format!("-m {module}");
                if tables::stages().is_quiet("python", &called) {
                    return Some(Ok(()));
                }
                if tables::stages().writes_below("python", &called) {
                    let made = self.directories.iter().flat_map(|from| outputs::of_build_system(from, &words));
                    let made: Vec<Deed> = made.filter(is_kept).collect();
                    self.deeds.extend(made);
                    return Some(Ok(()));
                }
            }
        }
        if tables::stages().is_project_program(name) {
            for directory in self.directories.clone() {
                self.deeds.extend(outputs::of_program(self.model, self.run, &directory, &words));
            }
            return Some(Ok(()));
        }
        let makes_sites = is_python(name) || tables::stages().makes_sites(name);
        if makes_sites && self.serves_files() {
            let mut made = Vec::new();
            for directory in &self.directories {
                made.push(Deed::Below(directory.clone()));
                let paths = rest.iter().filter(|word| word.starts_with('/') || word.starts_with(".."));
                made.extend(paths.map(|path| Deed::Below(joined(directory, path))));
            }
            self.deeds.extend(made.into_iter().filter(is_kept));
            return Some(Ok(()));
        }
        None
    }

    /// Whether the containers' program reads one directory only. What a build writes to other places is of no use to it.
    fn serves_files(&self) -> bool {
        self.model.stage_of(self.run).is_some_and(|stage| served::directory(self.model, stage).is_some())
    }
}

fn is_kept(deed: &Deed) -> bool {
    deed.path().is_none_or(|path| !tables::stages().is_scratch(path))
}

fn is_python(name: &str) -> bool {
    let interpreter = &tables::stages().environment.interpreter;
    base_name(name)
        .strip_prefix(interpreter.as_str())
        .is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
