//! What packages of PyPI need: a compiler where they have no wheel, libraries and programs when they run.

use super::{Reader, What, When, project};
use crate::model::deed::with_any_extras;
use crate::model::scope::Variable;
use crate::shell::ast::SimpleCommand;
use crate::shell::command::Invocation;
use crate::shell::command::pip::{PipInstall, built_package};
use crate::tables::{self, Ecosystem, LibC, OnMusl, Wheel};

/// What would make a package readable.
const UNLOCK: &str = "a lock file that names wheels, `--only-binary :all:`, or a row in the table of Python packages";

/// What would show which packages are installed.
const COMPILED: &str =
    "a requirements file with all packages and their hashes (`uv pip compile --generate-hashes`), or uv.lock";

/// What would make a package fit for musl.
const ON_MUSL: &str = "a version with a wheel for musl, named by uv.lock";

/// A requirement as pip reads it: `name[extras]specifiers`.
#[derive(Debug, PartialEq, Eq)]
struct Requirement {
    /// The normalised name.
    name: String,
    extras: Vec<String>,
    /// Operators with their versions.
    bounds: Vec<(String, String)>,
}

/// What an install says of wheels.
#[derive(Default)]
pub(super) struct Wheels {
    /// Whether nothing is compiled.
    only: bool,
    /// The packages that are compiled whatever wheels there are, or `:all:`.
    never: Vec<String>,
}

/// The values of `--no-binary`, up to the last `:none:`; one that is not known is all of them.
fn without_wheels(invocation: &Invocation) -> Vec<String> {
    let mut names = Vec::new();
    for value in invocation.values("--no-binary") {
        for name in value.text.as_deref().unwrap_or(":all:").split(',') {
            match name {
                ":none:" => names.clear(),
                name => names.push(name.to_owned()),
            }
        }
    }
    names
}

impl Reader<'_> {
    pub(super) fn python_packages(&mut self, invocation: &Invocation, command: &SimpleCommand) {
        self.needs.has_packages = true;
        let Some(install) = PipInstall::of(invocation) else { return self.locked_packages(invocation) };
        if invocation.unknown_option.is_some() {
            return self.gap("not all options of the install are known", "the options of the command table");
        }
        let only_wheels = invocation.values("--only-binary").any(|value| value.text.as_deref() == Some(":all:"));
        let wheels = Wheels { only: only_wheels, never: without_wheels(invocation) };
        let is_set =
            |name: &str| !matches!(self.model.state(self.place.instruction).variables.get(name), Variable::Unset);
        if wheels.never.iter().any(|name| name == ":all:") || is_set("PIP_NO_BINARY") {
            return self.gap("packages are compiled although they have wheels", "wheels where there are some");
        }
        for project in &install.editables {
            match project.text.as_deref().and_then(project::directory) {
                Some((directory, extras)) => self.project(directory, &extras, &wheels),
                None => self.gap("what is installed in place is not known", "a directory of the build context"),
            }
        }
        for requirement in &install.requirements {
            if let Some(directory) = built_package(requirement) {
                self.built(directory, &wheels);
                continue;
            }
            let word = command.words.get(requirement.word);
            let text = word
                .and_then(|word| self.model.text_of(self.place.instruction, word).or_else(|| with_any_extras(word)));
            match text {
                Some(text) => self.requirement(&text, &wheels),
                None => self.gap("a package is known only when it runs", "the name of the package"),
            }
        }
        for file in &install.requirement_files {
            let file = file.text.as_deref().and_then(|path| self.context_file(path));
            match file {
                Some(file) => self.in_file(&file, |reader, text| reader.requirements(&file, text, &wheels)),
                None => self.gap("the requirements are not known", "the file in the build context"),
            }
        }
    }

    /// Packages that an earlier command put into the directory: `pip wheel`, whose requirements are looked at there, or a build of
    /// the project above it.
    fn built(&mut self, directory: &str, wheels: &Wheels) {
        let makes_wheels = |index: usize| {
            self.model.is_run(index)
                && self
                    .model
                    .calls(index)
                    .iter()
                    .any(|call| call.program() == "pip" && call.subcommand() == Some("wheel"))
        };
        if !self.stage.instructions.clone().any(makes_wheels) {
            let project = directory.rsplit_once('/').map_or(".", |(project, _)| project).to_owned();
            self.project(&project, &[], wheels);
        }
    }

    /// The lines of a requirements file.
    fn requirements(&mut self, file: &str, text: &str, wheels: &Wheels) {
        if self.libc == LibC::Musl && !is_compiled(text) {
            self.gap("what the requirements depend on is not known, and whether that runs on musl", COMPILED);
        }
        for line in text.replace("\\\n", " ").lines() {
            let line = line.split(" #").next().unwrap_or(line).trim().trim_start_matches('\u{feff}');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let option = line.split([' ', '=']).next().unwrap_or_default();
            let value = line[option.len()..].trim_start_matches([' ', '=']).trim();
            match option {
                "-r" | "--requirement" => {
                    let directory = file.rsplit_once('/').map_or("", |(directory, _)| directory);
                    let path = if directory.is_empty() { value.to_owned() } else { format!("{directory}/{value}") };
                    self.in_file(&path, |reader, text| reader.requirements(&path, text, wheels));
                }
                "-c" | "--constraint" | "-i" | "--index-url" | "--extra-index-url" | "--trusted-host"
                | "--prefer-binary" | "-f" | "--find-links" => {}
                "--only-binary" if value == ":all:" => {}
                option if option.starts_with('-') => {
                    self.gap(format!("what `{option}` brings is not known"), UNLOCK);
                }
                _ => self.requirement(line, wheels),
            }
        }
    }

    pub(super) fn requirement(&mut self, text: &str, wheels: &Wheels) {
        let text = text.split(" --").next().unwrap_or(text);
        if let Some((directory, extras)) = project::directory(text.trim()) {
            return self.project(directory, &extras, wheels);
        }
        let (text, marker) = text.split_once(';').map_or((text, ""), |(text, marker)| (text, marker));
        if is_for_another_system(marker) {
            return;
        }
        let Some(requirement) = Requirement::parse(text) else {
            return self.gap(format!("what `{}` brings is not known", text.trim()), UNLOCK);
        };
        self.runs_with(&requirement.name, &requirement.extras);
        if self.libc == LibC::Musl {
            return self.requirement_on_musl(&requirement);
        }
        if wheels.only {
            return;
        }
        let table = tables::python_packages();
        let python = self.python().unwrap_or_default();
        let unknown_extra = requirement
            .extras
            .iter()
            .find(|extra| !requirement.is_met(&table.extra(&requirement.name, extra, &python)));
        if let Some(extra) = unknown_extra {
            return self.gap(format!("what `{}[{extra}]` brings is not known", requirement.name), UNLOCK);
        }
        let is_refused = wheels.never.iter().any(|name| normalised(name) == requirement.name);
        let has_wheel = !is_refused && requirement.is_met(&table.wheel(&requirement.name, &python));
        if !has_wheel {
            let reason = format!("whether `{}` has to be compiled is not known", text.trim());
            self.compiled(&requirement.name, reason);
        }
    }

    /// A package that may be compiled. The compiler is needed by the install alone; the libraries that it may then load, where they
    /// are known, by containers.
    fn compiled(&mut self, name: &str, reason: String) {
        let libraries = tables::python_packages().compiled(name).filter(|_| self.libc != LibC::Musl);
        let before = std::mem::replace(&mut self.when, When::Run);
        libraries.unwrap_or_default().iter().for_each(|library| self.need(What::Library(library.clone())));
        self.when = before;
        self.add_gap(reason, UNLOCK, libraries.is_some());
    }

    /// A package has a wheel for any system, or one for musl.
    fn requirement_on_musl(&mut self, requirement: &Requirement) {
        let name = requirement.name.as_str();
        if self.place.file.is_none() && !tables::alpine().is_alone(name) {
            return self.gap(format!("what `{name}` depends on is not known, and whether that runs on musl"), COMPILED);
        }
        let has_wheel = match tables::python_packages().universal(name) {
            found @ (Wheel::Any | Wheel::From(_)) => requirement.is_met(&found),
            Wheel::Unknown => tables::on_musl(Ecosystem::Python, name)
                .filter(|row| row.musl == OnMusl::Same)
                .and_then(|row| row.musl_version.as_deref())
                .is_some_and(|version| requirement.is_at_least(version)),
        };
        if !has_wheel {
            self.gap(format!("whether `{name}` in that version has a wheel for musl is not known"), ON_MUSL);
        }
    }

    /// What a package looks for when it runs.
    fn runs_with(&mut self, name: &str, extras: &[String]) {
        let Some(needs) = tables::python_packages().needs(name) else { return };
        if extras.iter().any(|extra| needs.unless.contains(extra)) {
            return;
        }
        let before = std::mem::replace(&mut self.when, When::Run);
        needs.programs.iter().for_each(|program| self.program(program));
        needs.libraries.iter().for_each(|library| self.need(What::Library(library.clone())));
        self.when = before;
    }

    /// The minor version of Python: `3.12`.
    fn python(&self) -> Option<String> {
        let interpreter = self.stage.image.as_deref()?.interpreter.as_ref()?;
        let mut parts = interpreter.version.split('.');
        Some(format!("{}.{}", parts.next()?, parts.next()?))
    }

    /// `uv sync`, `poetry install`, `pipenv sync`: the lock file names the packages, most with their wheels.
    fn locked_packages(&mut self, invocation: &Invocation) {
        let (name, is_locked) = match invocation.program.as_str() {
            "poetry" => ("poetry.lock", true),
            "pipenv" => (
                "Pipfile.lock",
                invocation.subcommand() == "sync" || invocation.has("--deploy") || invocation.has("--ignore-pipfile"),
            ),
            _ => ("uv.lock", invocation.has("--frozen") || invocation.has("--locked")),
        };
        let (Some(lock), true, Some(python)) = (self.context_file(name), is_locked, self.python()) else {
            return self.gap(
                "what the lock file says is not known",
                "the lock file in the build context, and the option that keeps to it",
            );
        };
        if invocation.program == "pipenv" {
            return self.in_file(&lock, Self::pipfile_lock);
        }
        let libc = self.libc;
        self.in_file(&lock, |reader, text| {
            for package in packages_of_lock(text) {
                reader.runs_with(&package.name, &[]);
                let is_pure = tables::python_packages().wheel(&package.name, &python) == Wheel::Any;
                if !package.is_local
                    && !is_pure
                    && !package.wheels.iter().any(|wheel| fits(wheel, &python, libc))
                    && !package.is_for_others()
                {
                    let reason =
                        format!("`{}` has no wheel in the lock file, and may have to be compiled", package.name);
                    reader.compiled(&package.name, reason);
                }
            }
        });
    }
}

impl Reader<'_> {
    /// The packages of a `Pipfile.lock`, which names no wheels.
    fn pipfile_lock(&mut self, text: &str) {
        let lock: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
        let Some(groups) = lock.as_object() else { return self.gap("the lock file is not read", UNLOCK) };
        for (name, package) in
            groups.iter().filter(|(group, _)| *group != "_meta").filter_map(|(_, group)| group.as_object()).flatten()
        {
            let version = package.get("version").and_then(serde_json::Value::as_str).unwrap_or_default();
            if version.is_empty() {
                self.gap(format!("`{name}` comes from no index"), "a package of an index");
            }
            self.requirement(&format!("{name}{version}"), &Wheels { only: false, never: Vec::new() });
        }
    }
}

impl Requirement {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let end =
            text.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        let is_file =
            matches!(name, "" | "." | "..") || [".whl", ".zip", ".gz"].iter().any(|ending| name.ends_with(ending));
        let mut rest = rest.trim_start();
        let mut extras = Vec::new();
        if let Some(list) = rest.strip_prefix('[') {
            let (list, behind) = list.split_once(']')?;
            extras = list.split(',').map(|extra| normalised(extra.trim())).collect();
            rest = behind.trim_start();
        }
        let mut bounds = Vec::new();
        for bound in rest.trim_matches(['(', ')']).split(',').map(str::trim).filter(|bound| !bound.is_empty()) {
            let version = bound.trim_start_matches(['=', '<', '>', '~', '!']);
            let operator = &bound[..bound.len() - version.len()];
            if operator.is_empty() {
                return None;
            }
            bounds.push((operator.to_owned(), version.trim().to_owned()));
        }
        (!is_file).then(|| Self { name: normalised(name), extras, bounds })
    }

    /// Whether every version that pip may take is one that the table knows.
    fn is_met(&self, wheel: &Wheel) -> bool {
        match wheel {
            Wheel::Any => true,
            Wheel::From(first) => self.is_at_least(first),
            Wheel::Unknown => false,
        }
    }

    /// Whether every version that pip may take, the newest one that fits, is at least `first`. A bound that names a prerelease lets pip
    /// take some; the table knows those of packages that have no other releases, which is what a row with one says.
    fn is_at_least(&self, first: &str) -> bool {
        if !is_prerelease(first) && self.bounds.iter().any(|(_, version)| is_prerelease(version)) {
            return false;
        }
        let first = numbers(first);
        self.bounds.iter().all(|(operator, version)| match operator.as_str() {
            ">=" | ">" | "!=" => true,
            "==" | "===" if version.ends_with(".*") => {
                numbers(version.trim_end_matches(".*"))
                    >= first[..first.len().min(version.matches('.').count())].to_vec()
            }
            "==" | "===" => numbers(version) >= first,
            // The newest version below the bound: one with a wheel lies below it too.
            "<" => numbers(version) > first,
            "<=" => numbers(version) >= first,
            "~=" => {
                let mut upper = numbers(version);
                upper.pop();
                upper.last_mut().is_some_and(|last| {
                    *last += 1;
                    true
                }) && upper > first
            }
            _ => false,
        })
    }
}

/// A package of a lock file.
#[derive(Debug, Default, PartialEq, Eq)]
struct LockedPackage {
    name: String,
    wheels: Vec<String>,
    /// Whether it is the project itself.
    is_local: bool,
}

impl LockedPackage {
    /// Whether all its wheels are for other systems: then something in it depends on the system, and it is left out.
    fn is_for_others(&self) -> bool {
        let is_for_others = |wheel: &String| wheel.contains("-win") || wheel.contains("-macosx");
        !self.wheels.is_empty() && self.wheels.iter().all(is_for_others)
    }
}

/// The packages of a `uv.lock`, line by line: each begins with `[[package]]`, and wheels are the only strings that end in `.whl`.
fn packages_of_lock(text: &str) -> Vec<LockedPackage> {
    let mut packages: Vec<LockedPackage> = Vec::new();
    for line in text.lines() {
        if line == "[[package]]" {
            packages.push(LockedPackage::default());
            continue;
        }
        let Some(package) = packages.last_mut() else { continue };
        if let Some(name) = line.strip_prefix("name = \"") {
            package.name = normalised(name.trim_end_matches('"'));
        }
        package.is_local |= line.starts_with("source = { editable") || line.starts_with("source = { virtual");
        let wheels = line.split('"').filter(|part| part.ends_with(".whl"));
        package.wheels.extend(wheels.map(|wheel| wheel.rsplit('/').next().unwrap_or(wheel).to_owned()));
    }
    packages
}

/// Whether a requirements file was made by a resolver, so that all packages stand in it: each with its version, and with its
/// hashes or what it is there for.
fn is_compiled(text: &str) -> bool {
    let is_requirement = |line: &&str| line.starts_with(|c: char| c.is_ascii_alphanumeric());
    text.lines().filter(is_requirement).all(|line| line.contains("=="))
        && (text.contains("# via") || text.contains("--hash="))
}

/// Whether a wheel is one for the C library and the minor version of Python, by PEP 425, 600 and 656.
fn fits(wheel: &str, python: &str, libc: LibC) -> bool {
    let mut parts = wheel.trim_end_matches(".whl").rsplit('-');
    let (Some(platform), Some(abi), Some(tags)) = (parts.next(), parts.next(), parts.next()) else { return false };
    let minor: u32 = python.rsplit('.').next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
    let system = if libc == LibC::Musl { "musllinux" } else { "manylinux" };
    let is_platform = platform == "any" || platform.contains(system) && platform.contains("x86_64");
    let is_python = |tag: &str| {
        let of = tag.strip_prefix("cp3").and_then(|minor| minor.parse::<u32>().ok());
        matches!(tag, "py3") || of.is_some_and(|of| of == minor && !abi.ends_with('t') || of <= minor && abi == "abi3")
    };
    is_platform && tags.split('.').any(is_python)
}

/// Whether a marker is for Windows or macOS only.
fn is_for_another_system(marker: &str) -> bool {
    let marker: String = marker.chars().filter(|c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
    [
        "sys_platform==win32",
        "platform_system==Windows",
        "sys_platform==darwin",
        "platform_system==Darwin",
        "os_name==nt",
    ]
    .contains(&marker.as_str())
}

/// A name by PEP 503.
fn normalised(name: &str) -> String {
    let mut normalised = String::with_capacity(name.len());
    for c in name.chars() {
        let is_separator = matches!(c, '-' | '_' | '.');
        match (is_separator, normalised.ends_with('-')) {
            (true, true) => {}
            (true, false) => normalised.push('-'),
            (false, _) => normalised.extend(c.to_lowercase()),
        }
    }
    normalised
}

/// Whether a version is a prerelease or one of development, by PEP 440: `2.0rc1`, `1.0.dev2`. Post-releases are none, and what stands
/// behind a `+` does not count.
fn is_prerelease(version: &str) -> bool {
    let release = version.split('+').next().unwrap_or_default().to_ascii_lowercase();
    release.replace("post", "").trim_start_matches('v').contains(|c: char| c.is_ascii_alphabetic())
}

/// The numbers of a release: those before `a`, `b`, `rc` and the like.
fn numbers(version: &str) -> Vec<u64> {
    let release = version.split(['a', 'b', 'c', 'r', '+', '*']).next().unwrap_or_default();
    release.split('.').filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(requirement: &str, first: &str, expected: bool) {
        let parsed = Requirement::parse(requirement).expect("a requirement");
        assert_eq!(parsed.is_at_least(first), expected, "{requirement}");
    }

    #[test]
    fn the_newest_version_that_fits_is_taken() {
        check("numpy", "2.2.6", true);
        check("numpy>=1.20", "2.2.6", true);
        check("numpy==1.26.4", "2.2.6", false);
        check("numpy==2.3.0", "2.2.6", true);
        check("numpy<2", "2.2.6", false);
        check("numpy<3", "2.2.6", true);
        check("numpy~=2.1", "2.2.6", true);
        check("numpy~=1.26", "2.2.6", false);
        check("numpy==2.*", "2.2.6", true);
        check("numpy==1.*", "2.2.6", false);
        check("Foo_Bar[x, y] (>=1)", "1", true);
        check("numpy==2.3.0rc1", "2.2.6", false);
        check("numpy>=2.3.0.dev1", "2.2.6", false);
        check("numpy==2.3.0.post1", "2.2.6", true);
        check("torch==2.7.0+cpu", "2.2.6", true);
        check("otel==0.50b0", "0.41b0", true);
        check("otel==0.40b0", "0.41b0", false);
    }

    #[test]
    fn what_is_no_name_is_not_read() {
        for text in [".", "./pkg", "git+https://e.com/a.git", "a @ https://e.com/a.whl", "a.whl"] {
            assert_eq!(Requirement::parse(text), None, "{text}");
        }
    }

    #[test]
    fn wheels_by_their_names() {
        let fitting = [
            "a-1-py3-none-any.whl",
            "a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
            "a-1-cp39-abi3-manylinux_2_28_x86_64.whl",
            "a-1-py2.py3-none-any.whl",
        ];
        let others = [
            "a-1-cp311-cp311-manylinux_2_17_x86_64.whl",
            "a-1-cp312-cp312t-manylinux_2_17_x86_64.whl",
            "a-1-cp312-cp312-musllinux_1_2_x86_64.whl",
            "a-1-cp313-abi3-manylinux_2_28_x86_64.whl",
            "a-1-cp312-cp312-win_amd64.whl",
            "a.whl",
        ];
        assert!(fitting.iter().all(|wheel| fits(wheel, "3.12", LibC::Glibc)));
        assert!(!others.iter().any(|wheel| fits(wheel, "3.12", LibC::Glibc)));
        assert!(fits("a-1-cp312-cp312-musllinux_1_2_x86_64.whl", "3.12", LibC::Musl));
        assert!(!fits("a-1-cp312-cp312-manylinux_2_17_x86_64.whl", "3.12", LibC::Musl));
    }
}
