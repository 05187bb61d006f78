//! Packages of npm in the lock files of yarn and pnpm, which do not say which of them have install scripts: those that compile
//! depend on one of few helpers.

use serde_json::Value;

use super::Reader;
use crate::tables::{self, LibC};

const UNLOCK: &str = "package-lock.json of npm 7 or newer in the build context, or `--ignore-scripts`";

/// Packages with packages of their own are followed so far.
const MAX_NESTING: usize = 64;

/// A package of a lock file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Locked {
    name: String,
    /// Whether it depends on something that compiles or fetches a binary, or the lock file says so.
    is_built: bool,
}

impl Reader<'_> {
    /// The packages of `yarn.lock` or `pnpm-lock.yaml`, line by line.
    pub(super) fn helped(&mut self, text: &str, ignores_scripts: bool) {
        self.says_nothing_of_scripts(ignores_scripts);
        for package in packages(text) {
            self.locked_by_name(&package, ignores_scripts);
        }
    }

    /// The packages of a `package-lock.json` of npm 6, each with those that it has for itself.
    pub(super) fn nested(&mut self, dependencies: &Value, ignores_scripts: bool, depth: usize) {
        if depth > MAX_NESTING {
            return self.gap("the lock file is nested too deeply", UNLOCK);
        }
        if depth == 0 {
            self.says_nothing_of_scripts(ignores_scripts);
        }
        for (name, package) in dependencies.as_object().into_iter().flatten() {
            let requires = package.get("requires").and_then(Value::as_object).into_iter().flatten();
            let is_built = requires.into_iter().any(|(name, _)| tables::node_packages().is_helper(name));
            self.locked_by_name(&Locked { name: name.clone(), is_built }, ignores_scripts);
            if let Some(own) = package.get("dependencies") {
                self.nested(own, ignores_scripts, depth + 1);
            }
        }
    }

    /// An install may need a compiler; what it leaves behind is known by the helpers.
    fn says_nothing_of_scripts(&mut self, ignores_scripts: bool) {
        if !ignores_scripts {
            let reason = "the lock file does not say which packages have install scripts".to_owned();
            self.add_gap(reason, UNLOCK, self.libc != LibC::Musl);
        }
    }

    fn locked_by_name(&mut self, package: &Locked, ignores_scripts: bool) {
        self.runs_with_package(&package.name);
        let table = tables::node_packages();
        if package.is_built && !ignores_scripts && !table.installs_alone(&package.name) {
            let reason = format!("what the install script of `{}` needs is not known", package.name);
            self.add_gap(reason, UNLOCK, self.libc != LibC::Musl && table.compiles_alone(&package.name));
        }
    }
}

/// The packages of a lock file, with those that are built. Both formats have a line with the name of each package, less indented
/// than those of what it depends on.
fn packages(text: &str) -> Vec<Locked> {
    let mut found: Vec<Locked> = Vec::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let word = line.trim().trim_end_matches(':').trim_matches(['"', '\'']);
        if let Some(name) = line.trim_end().ends_with(':').then(|| name_of(word)).flatten().filter(|_| indent <= 2) {
            found.push(Locked { name: name.to_owned(), is_built: false });
        } else if let Some(package) = found.last_mut().filter(|_| indent >= 4) {
            let mut parts = word.splitn(2, [' ', ':']);
            let first = parts.next().unwrap_or_default().trim_matches(['"', '\'']);
            let says_so = first == "requiresBuild" && parts.next().is_some_and(|rest| rest.trim() == "true");
            package.is_built |= says_so || tables::node_packages().is_helper(first);
        }
    }
    found
}

/// `@a/b` of `@a/b@^1.0.0`, `/@a/b@1.0.0` and `@a/b@npm:1`; `None` for what is no package.
fn name_of(entry: &str) -> Option<&str> {
    let entry = entry.split(", ").next()?.trim_start_matches('/').trim_matches(['"', '\'']);
    let at = entry.get(1..)?.find('@')? + 1;
    Some(&entry[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, bool)]) {
        let found = packages(text);
        let found: Vec<(&str, bool)> = found.iter().map(|package| (package.name.as_str(), package.is_built)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn those_that_are_built() {
        let yarn = "# yarn lockfile v1\n\n\"@a/b@^1\", \"@a/b@^2\":\n  version \"2.0.0\"\n  dependencies:\n    nan \"^2\"\n\nc@~2:\n  version \"2.1.0\"\n";
        check(yarn, &[("@a/b", true), ("c", false)]);
        let berry = "__metadata:\n  version: 8\n\n\"c@npm:^1\":\n  version: 1.0.0\n  dependencies:\n    \"node-addon-api\": \"npm:^8\"\n";
        check(berry, &[("c", true)]);
        let pnpm = "lockfileVersion: '9.0'\n\npackages:\n\n  '@a/b@1.0.0':\n    resolution: {integrity: x}\n\n  c@2.0.0:\n    resolution: {integrity: y}\n\nsnapshots:\n\n  '@a/b@1.0.0':\n    dependencies:\n      node-gyp-build: 4.8.0\n\n  c@2.0.0: {}\n";
        check(pnpm, &[("@a/b", false), ("c", false), ("@a/b", true)]);
        let older = "packages:\n\n  /c@2.0.0:\n    resolution: {integrity: y}\n    requiresBuild: true\n";
        check(older, &[("c", true)]);
    }
}
