//! `Makefile`: variables, and the recipe of a target (POSIX.1-2024 XCU `make`; GNU make manual, 6 and 10.3).

use std::collections::BTreeMap;

/// Names under which `make` looks for it, in order.
pub const NAMES: [&str; 3] = ["GNUmakefile", "makefile", "Makefile"];
/// The file that `automake` makes one of.
pub const AUTOMAKE: &str = "Makefile.am";

/// Variables of variables are followed so far.
const MAX_NESTING: usize = 8;

/// What a `Makefile` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Makefile {
    variables: BTreeMap<String, Assignment>,
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Assignment {
    value: String,
    /// Whether a variable of the environment goes before it.
    is_default: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    targets: Vec<String>,
    prerequisites: Vec<String>,
    recipe: Vec<String>,
}

/// Reads a `Makefile`; `None` for one with conditions or parts in other files.
#[must_use]
pub fn read(text: &str) -> Option<Makefile> {
    let text = text.replace("\\\r\n", " ").replace("\\\n", " ");
    let mut found = Makefile::default();
    let mut is_recipe = false;
    for line in text.lines() {
        if let Some(command) = line.strip_prefix('\t') {
            if is_recipe && let Some(rule) = found.rules.last_mut() {
                rule.recipe.push(command.trim().to_owned());
            }
            continue;
        }
        let line = line.split('#').next().unwrap_or_default().trim();
        let first = line.split([' ', '(']).next().unwrap_or_default();
        if line.is_empty() {
            continue;
        }
        is_recipe = false;
        if matches!(
            first,
            "include"
                | "-include"
                | "sinclude"
                | "define"
                | "ifeq"
                | "ifneq"
                | "ifdef"
                | "ifndef"
                | "export"
                | "override"
                | "vpath"
        ) {
            return None;
        }
        let equals = line.find('=');
        match line.find(':').filter(|colon| equals.is_none_or(|equals| *colon < equals && equals != colon + 1)) {
            Some(colon) if !line[colon..].starts_with("::=") => {
                let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
                let (names, command) = line[colon + 1..].split_once(';').unwrap_or((&line[colon + 1..], ""));
                let prerequisites = words(names.trim_start_matches(':'));
                let recipe = if command.trim().is_empty() { Vec::new() } else { vec![command.trim().to_owned()] };
                found.rules.push(Rule { targets: words(&line[..colon]), prerequisites, recipe });
                is_recipe = true;
            }
            _ => found.assign(line, equals?)?,
        }
    }
    Some(found)
}

impl Makefile {
    fn assign(&mut self, line: &str, equals: usize) -> Option<()> {
        let (name, value) = (&line[..equals], line[equals + 1..].trim().to_owned());
        let is_default = name.ends_with('?');
        let is_added = name.ends_with('+');
        let name = name.trim_end_matches(['?', '+', ':']).trim();
        if name.contains(char::is_whitespace) || name.contains('$') || name.ends_with('!') {
            return None;
        }
        let old = self.variables.get(name).map(|old| old.value.clone());
        match old {
            Some(_) if is_default => {}
            Some(old) if is_added => {
                self.variables
                    .insert(name.to_owned(), Assignment { value: format!("{old} {value}"), is_default: false });
            }
            _ => drop(self.variables.insert(name.to_owned(), Assignment { value, is_default })),
        }
        Some(())
    }

    /// The commands of a target, with those of what it needs whose name begins with that of the target, their variables replaced.
    /// `given` are the assignments of the command line, `outside` says what a variable of the environment is: `None` when that is not
    /// known.
    ///
    /// `None` when the commands are not known.
    #[must_use]
    pub fn commands(
        &self,
        target: &str,
        given: &BTreeMap<String, String>,
        outside: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Vec<String>> {
        let scope = Scope { makefile: self, given, outside };
        let mut found = Vec::new();
        let mut waiting = vec![target.to_owned()];
        let mut seen: Vec<String> = Vec::new();
        while let Some(name) = waiting.pop() {
            if seen.contains(&name) {
                continue;
            }
            let rules = self.rules.iter().filter(|rule| rule.targets.contains(&name));
            let mut has_recipe = false;
            for rule in rules {
                let names = scope.expand(&rule.prerequisites.join(" "), None, 0)?;
                let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
                waiting.extend(names.iter().filter(|other| other.starts_with(target)).cloned());
                has_recipe |= !rule.recipe.is_empty() || !names.is_empty();
                for command in &rule.recipe {
                    found.push(scope.expand(command, Some((&name, &names)), 0)?);
                }
            }
            if !has_recipe {
                return None;
            }
            seen.push(name);
        }
        Some(found)
    }
}

struct Scope<'a> {
    makefile: &'a Makefile,
    given: &'a BTreeMap<String, String>,
    outside: &'a dyn Fn(&str) -> Option<String>,
}

impl Scope<'_> {
    /// The text with its variables replaced; `rule` is the target and what it needs.
    fn expand(&self, text: &str, rule: Option<(&str, &[String])>, depth: usize) -> Option<String> {
        if depth > MAX_NESTING {
            return None;
        }
        let mut found = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('$') {
            found.push_str(before);
            let sign = behind.chars().next()?;
            let (name, after) = match sign {
                '(' => behind[1..].split_once(')')?,
                '{' => behind[1..].split_once('}')?,
                _ => behind.split_at(sign.len_utf8()),
            };
            match (name, rule) {
                ("$", _) => found.push('$'),
                ("@", Some((target, _))) => found.push_str(target),
                ("<", Some((_, needed))) => found.push_str(needed.first()?),
                ("^", Some((_, needed))) => found.push_str(&needed.join(" ")),
                _ => found.push_str(&self.value(name, rule, depth)?),
            }
            rest = after;
        }
        found.push_str(rest);
        Some(found)
    }

    fn value(&self, name: &str, rule: Option<(&str, &[String])>, depth: usize) -> Option<String> {
        if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return None;
        }
        if let Some(value) = self.given.get(name) {
            return Some(value.clone());
        }
        let assigned = self.makefile.variables.get(name);
        let outside = || (self.outside)(name);
        match assigned {
            Some(assignment) if !assignment.is_default => self.expand(&assignment.value, rule, depth + 1),
            Some(assignment) => match outside()? {
                value if value.is_empty() => self.expand(&assignment.value, rule, depth + 1),
                value => Some(value),
            },
            // Variables that make itself sets.
            None if name == "RM" => Some("rm -f".to_owned()),
            None if matches!(name, "MAKE" | "CURDIR" | "SHELL" | "MAKECMDGOALS") => None,
            None => outside(),
        }
    }
}

/// The programs that a `Makefile.am` installs into the directory of programs; `None` when it installs anything else (GNU Automake
/// manual, 3.3).
#[must_use]
pub fn automake_programs(text: &str) -> Option<Vec<String>> {
    let file = read(text)?;
    let mut found = Vec::new();
    for (name, assignment) in &file.variables {
        let Some((place, kind)) = name.split_once('_') else {
            if name == "SUBDIRS" {
                return None;
            }
            continue;
        };
        let is_kind = matches!(
            kind,
            "PROGRAMS"
                | "SCRIPTS"
                | "LIBRARIES"
                | "LTLIBRARIES"
                | "DATA"
                | "HEADERS"
                | "MANS"
                | "TEXINFOS"
                | "PYTHON"
                | "JAVA"
        );
        let place = place.trim_start_matches("nobase_").trim_start_matches("dist_");
        match place {
            _ if !is_kind => {}
            "noinst" | "check" | "EXTRA" => {}
            "bin" if matches!(kind, "PROGRAMS" | "SCRIPTS") && !assignment.value.contains(['$', '@']) => {
                found.extend(assignment.value.split_whitespace().map(str::to_owned));
            }
            _ => return None,
        }
    }
    let has_hook = file.rules.iter().any(|rule| rule.targets.iter().any(|target| target.starts_with("install")));
    (!has_hook && !found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commands(text: &str) -> Option<Vec<String>> {
        read(text)?.commands("install", &BTreeMap::new(), &|_| Some(String::new()))
    }

    #[test]
    fn recipes_are_read_with_their_variables() {
        let text = "PREFIX ?= /usr/local\nBIN = $(PREFIX)/bin\napp: app.o\n\tcc -o $@ $^\n\ninstall: app install-data\n\tinstall -D $< $(DESTDIR)$(BIN)/app\n\ninstall-data:\n\t@echo $$HOME\n";
        assert_eq!(commands(text).expect("known"), ["install -D app /usr/local/bin/app", "@echo $HOME"]);
        let given = BTreeMap::from([("PREFIX".to_owned(), "/opt/x".to_owned())]);
        let made = read(text).expect("read").commands("install", &given, &|_| Some(String::new()));
        assert_eq!(made.expect("known")[0], "install -D app /opt/x/bin/app");
        assert_eq!(read(text).expect("read").commands("install", &BTreeMap::new(), &|_| None), None);
    }

    #[test]
    fn what_is_not_known_is_none() {
        for text in [
            "install:\n",
            "all:\n\techo\n",
            "install: x\n\t$(MAKE) -C sub install\n",
            "install:\n\tcp $(shell ls) /x\n",
        ] {
            assert_eq!(commands(text).filter(|commands| !commands.is_empty()), None, "{text}");
        }
        assert_eq!(read("include x.mk\n"), None);
    }

    #[test]
    fn programs_of_automake() {
        assert_eq!(automake_programs("bin_PROGRAMS = a b\na_SOURCES = a.c\n").expect("known"), ["a", "b"]);
        for text in [
            "bin_PROGRAMS = a\npkgdata_DATA = x\n",
            "SUBDIRS = src\nbin_PROGRAMS = a\n",
            "lib_LTLIBRARIES = x.la\n",
            "bin_PROGRAMS = a\ninstall-data-hook:\n\tx\n",
        ] {
            assert_eq!(automake_programs(text), None, "{text}");
        }
    }
}
