//! What an install of the project itself needs: `pip install .`.

use super::Reader;
use super::python::Wheels;
use crate::model::manifest::pyproject;
use crate::model::manifest::requirements::normalized;
use crate::tables::{self, LibC};

const UNLOCK: &str = "a `[project]` table with the dependencies in pyproject.toml";

/// The directory and the extras of a requirement that is a directory: `.[server]`.
pub(super) fn directory(text: &str) -> Option<(&str, Vec<String>)> {
    let (path, extras) = text.split_once('[').map_or((text, ""), |(path, extras)| (path, extras));
    let is_path = matches!(path, "." | "./") || path.starts_with("./");
    let extras = extras.trim_end_matches(']').split(',').map(str::trim).filter(|extra| !extra.is_empty());
    (is_path && !path.contains("..")).then(|| (path, extras.map(normalized).collect()))
}

impl Reader<'_> {
    /// The project in a directory of the build context.
    pub(super) fn project(&mut self, directory: &str, extras: &[String], wheels: &Wheels) {
        if self.libc == LibC::Musl {
            return self.gap(
                "what the dependencies of the project depend on is not known, and whether that runs on musl",
                "uv.lock, and `uv sync --locked`",
            );
        }
        let manifest = self.context_file(&format!("{directory}/pyproject.toml"));
        let setup = self.context_file(&format!("{directory}/setup.py"));
        if manifest.is_none() && setup.is_none() {
            return self.gap(format!("what `{directory}` brings is not known"), UNLOCK);
        }
        let names_dependencies = manifest.is_some_and(|file| {
            let mut names = false;
            self.in_file(&file, |reader, text| names = reader.pyproject(text, extras, wheels));
            names
        });
        if let Some(file) = setup {
            self.in_file(&file, |reader, text| reader.setup(text, names_dependencies, wheels));
        }
    }

    /// Says whether the file names the dependencies.
    fn pyproject(&mut self, text: &str, extras: &[String], wheels: &Wheels) -> bool {
        let Some(project) = pyproject::read(text) else {
            self.gap("pyproject.toml is not read", UNLOCK);
            return true;
        };
        self.needs.scripts.extend(project.scripts.iter().cloned());
        let backend = project.build_backend.as_deref().unwrap_or("setuptools");
        if !tables::needs().projects.backends.iter().any(|pure| backend.starts_with(pure.as_str())) {
            self.gap(format!("what `{backend}` compiles is not known"), UNLOCK);
        }
        if project.poetry.is_some() && !project.has_project
            || project.dynamic.iter().any(|name| name.contains("dependencies"))
        {
            self.gap("the dependencies of the project are not known", UNLOCK);
            return true;
        }
        let all: Vec<String> = project.extras.keys().cloned().collect();
        let extras = if extras.iter().any(|extra| extra == "*") { &all } else { extras };
        let unknown = extras.iter().find(|extra| !project.extras.contains_key(*extra));
        if let Some(extra) = unknown {
            self.gap(format!("what the extra `{extra}` brings is not known"), UNLOCK);
        }
        let optional = extras.iter().filter_map(|extra| project.extras.get(extra)).flatten();
        for requirement in project.dependencies.iter().chain(optional) {
            self.requirement(requirement, wheels);
        }
        project.has_project
    }

    fn setup(&mut self, text: &str, names_dependencies: bool, wheels: &Wheels) {
        self.needs.scripts.extend(scripts_of(text));
        if !names_dependencies && text.contains("_requires") {
            match requirements_of(text) {
                Some(requirements) => requirements.iter().for_each(|text| self.requirement(text, wheels)),
                None => self.gap("the dependencies of the project are not known", UNLOCK),
            }
        }
        let has = |words: &[String]| words.iter().any(|word| text.contains(word.as_str()));
        let table = &tables::needs().projects;
        if has(&table.compiles) {
            let links = has(&table.links);
            self.add_gap(
                "the project is compiled".to_owned(),
                "a wheel of the project",
                !links && self.libc != LibC::Musl,
            );
        }
    }
}

/// The names of the programs that `entry_points` of a `setup.py` says: `name = module:function` behind `console_scripts`.
fn scripts_of(text: &str) -> Vec<String> {
    let Some((_, list)) = text.split_once("console_scripts") else { return Vec::new() };
    let list = list.split_once(['[', '(']).map_or("", |(_, list)| list);
    let list = list.split_once([']', ')']).map_or(list, |(list, _)| list);
    let pairs = list.split([',', '\n']).filter_map(|pair| pair.split_once('='));
    let named =
        pairs.filter(|(_, function)| function.contains(':')).map(|(name, _)| name.trim_matches([' ', '"', '\'', '\t']));
    named.filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The strings of `install_requires=[…]` in a `setup.py`, when the list has nothing else and no other list names dependencies.
fn requirements_of(text: &str) -> Option<Vec<String>> {
    const NAME: &str = "install_requires";
    let mut lists = text.match_indices("_requires");
    let (_, None) = (lists.next()?, lists.next()) else { return None };
    let list = text.split_once(NAME)?.1.trim_start().strip_prefix('=')?.trim_start().strip_prefix('[')?;
    let mut rest = list.trim_start();
    let mut found = Vec::new();
    while !rest.starts_with(']') {
        let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (word, behind) = rest[1..].split_once(quote)?;
        found.push(word.to_owned());
        let behind = behind.trim_start();
        rest = behind.strip_prefix(',').unwrap_or(behind).trim_start();
        if !behind.starts_with([',', ']']) {
            return None;
        }
    }
    let behind = rest.trim_start_matches(']').trim_start();
    behind.starts_with([',', ')']).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::{requirements_of, scripts_of};

    #[test]
    fn programs_are_named() {
        let text = "entry_points={\"console_scripts\": [\n 'a-b = x.y:main',\n \"c=z:run\"]}";
        assert_eq!(scripts_of(text), ["a-b", "c"]);
        assert_eq!(scripts_of("setup()"), [""; 0]);
    }

    #[test]
    fn a_plain_list_is_read() {
        let found = requirements_of("setup(name='a', install_requires=[\n  'flask>=2',\n  \"redis\",\n], x=1)");
        assert_eq!(found, Some(vec!["flask>=2".to_owned(), "redis".to_owned()]));
        assert_eq!(requirements_of("setup(install_requires=[])"), Some(Vec::new()));
        for text in [
            "setup(install_requires=read())",
            "setup(install_requires=['a'] + more)",
            "setup(install_requires=['a' 'b'])",
            "setup(setup_requires=['a'], install_requires=['b'])",
            "",
        ] {
            assert_eq!(requirements_of(text), None, "{text}");
        }
    }
}
