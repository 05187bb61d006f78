//! `CMakeLists.txt` and `meson.build`: what their install steps write below the prefix (cmake-commands(7), `install`; Meson reference
//! manual, `executable`).

use std::collections::BTreeMap;

/// The file of CMake.
pub const NAME: &str = "CMakeLists.txt";
/// The file of Meson.
pub const MESON: &str = "meson.build";

/// Directories of projects are followed so far.
const MAX_NESTING: usize = 4;

/// Commands of CMake that bring in projects with install steps of their own.
const PROJECTS: [&str; 4] =
    ["externalproject_add", "fetchcontent_makeavailable", "fetchcontent_populate", "cpmaddpackage"];

/// The files and directories that the install step writes, relative to the prefix; `None` when they are not known. `load` gives the text
/// of a file by its path below the project.
#[must_use]
pub fn installed(load: &dyn Fn(&str) -> Option<String>) -> Option<Vec<String>> {
    let mut project = Project::default();
    project.read(load, "", 0)?;
    (!project.installed.is_empty()).then_some(project.installed)
}

#[derive(Default)]
struct Project {
    /// Executables by name.
    programs: Vec<String>,
    variables: BTreeMap<String, String>,
    installed: Vec<String>,
}

impl Project {
    fn read(&mut self, load: &dyn Fn(&str) -> Option<String>, directory: &str, depth: usize) -> Option<()> {
        let text = load(&below(directory, NAME))?;
        let mut conditions = 0;
        for (name, arguments) in commands(&text)? {
            let arguments: Vec<String> = arguments.iter().map(|argument| self.expand(argument)).collect();
            match name.as_str() {
                "if" | "foreach" | "while" | "function" | "macro" => conditions += 1,
                "endif" | "endforeach" | "endwhile" | "endfunction" | "endmacro" => conditions -= 1,
                "install" | "add_subdirectory" | "add_executable" if conditions > 0 => return None,
                "project" => drop(self.variables.insert("PROJECT_NAME".to_owned(), arguments.first()?.clone())),
                "set" if arguments.len() == 2 => {
                    self.variables.insert(arguments[0].clone(), arguments[1].clone());
                }
                "add_executable" => self.programs.push(arguments.first()?.clone()),
                "add_subdirectory" if depth < MAX_NESTING => {
                    self.read(load, &below(directory, arguments.first()?), depth + 1)?
                }
                "add_subdirectory" => return None,
                "include" if arguments.first()?.contains(['/', '.', '$']) => return None,
                "install" => self.install(&arguments)?,
                name if PROJECTS.contains(&name) => return None,
                _ => {}
            }
        }
        Some(())
    }

    fn install(&mut self, arguments: &[String]) -> Option<()> {
        let (kind, rest) = arguments.split_first()?;
        let is_keyword = |word: &&String| word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let names: Vec<&String> = rest.iter().take_while(|word| !is_keyword(word)).collect();
        let options = &rest[names.len()..];
        let mut destinations = options.iter().skip_while(|word| *word != "DESTINATION").skip(1);
        let destination = destinations.next().map(String::as_str);
        if options.iter().filter(|word| *word == "DESTINATION").count() > 1
            || options
                .iter()
                .any(|word| ["PATTERN", "REGEX", "RENAME", "EXPORT", "FILES_MATCHING"].contains(&word.as_str()))
        {
            return None;
        }
        let to = match (kind.as_str(), destination) {
            ("TARGETS", None) => "bin",
            (_, Some(path)) => path,
            _ => return None,
        };
        if to.starts_with(['/', '.']) || to.contains('$') || names.iter().any(|name| name.contains(['$', '*', '<'])) {
            return None;
        }
        for name in names {
            let file = match kind.as_str() {
                "TARGETS" if self.programs.contains(name) => name.as_str(),
                "FILES" | "PROGRAMS" => name.rsplit('/').next()?,
                // With a slash at its end, what stands in it.
                "DIRECTORY" if name.ends_with('/') => "",
                "DIRECTORY" => name.rsplit('/').next()?,
                _ => return None,
            };
            self.installed.push(below(to, file).trim_end_matches('/').to_owned());
        }
        Some(())
    }

    /// The text with variables replaced that are known.
    fn expand(&self, text: &str) -> String {
        let mut found = text.to_owned();
        for (name, value) in DIRECTORIES {
            found = found.replace(&format!("${{{name}}}"), value);
        }
        for (name, value) in &self.variables {
            found = found.replace(&format!("${{{name}}}"), value);
        }
        found
    }
}

/// Directories of the module `GNUInstallDirs`, with their defaults.
const DIRECTORIES: [(&str, &str); 4] = [
    ("CMAKE_INSTALL_BINDIR", "bin"),
    ("CMAKE_INSTALL_DATADIR", "share"),
    ("CMAKE_INSTALL_DATAROOTDIR", "share"),
    ("CMAKE_INSTALL_SBINDIR", "sbin"),
];

fn below(directory: &str, path: &str) -> String {
    if directory.is_empty() { path.to_owned() } else { format!("{}/{path}", directory.trim_end_matches('/')) }
}

/// The commands with their arguments, names in lower case.
fn commands(text: &str) -> Option<Vec<(String, Vec<String>)>> {
    let mut plain = String::with_capacity(text.len());
    for line in text.lines() {
        if line.contains("#[") || line.contains("[[") {
            return None;
        }
        plain.push_str(line.split('#').next().unwrap_or_default());
        plain.push('\n');
    }
    let mut found = Vec::new();
    let mut rest = plain.as_str();
    while let Some((name, behind)) = rest.split_once('(') {
        let mut arguments = Vec::new();
        let mut word = String::new();
        let (mut depth, mut is_quoted, mut end) = (1, false, None);
        for (at, c) in behind.char_indices() {
            match c {
                '"' => is_quoted = !is_quoted,
                '(' if !is_quoted => depth += 1,
                ')' if !is_quoted => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                end = Some(at + 1);
            }
            if depth == 0 || c.is_whitespace() && !is_quoted {
                if !word.is_empty() {
                    arguments.push(std::mem::take(&mut word));
                }
            } else if c != '"' {
                word.push(c);
            }
            if end.is_some() {
                break;
            }
        }
        found.push((name.trim().to_ascii_lowercase(), arguments));
        rest = &behind[end?..];
    }
    Some(found)
}

/// The programs that a `meson.build` installs, relative to the prefix; `None` when it installs anything else.
#[must_use]
pub fn meson_installed(text: &str) -> Option<Vec<String>> {
    let plain: String = text.lines().map(|line| format!("{}\n", line.split('#').next().unwrap_or_default())).collect();
    let others =
        ["install_", "subdir", "subproject", "add_install_script", "custom_target", "configure_file", "library("];
    if others.iter().any(|word| plain.contains(word)) {
        return None;
    }
    let mut found = Vec::new();
    for (at, word) in plain.match_indices("executable(") {
        let call = &plain[at + word.len()..];
        let call = &call[..end_of(call)?];
        let name = call.trim_start().strip_prefix('\'')?.split('\'').next()?;
        let is_installed = call.replace(' ', "").contains("install:true");
        if is_installed {
            found.push(format!("bin/{name}"));
        }
    }
    (!found.is_empty()).then_some(found)
}

/// Where the bracket closes that is open at the start of the text.
fn end_of(text: &str) -> Option<usize> {
    let mut depth = 1;
    text.char_indices().find_map(|(at, c)| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        (depth == 0).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Option<Vec<String>> {
        installed(&|path| (path == NAME).then(|| text.to_owned()))
    }

    #[test]
    fn install_steps_of_cmake() {
        let text = "project(report CXX) # x\nadd_executable(${PROJECT_NAME} a.cpp)\ninclude(GNUInstallDirs)\ninstall(TARGETS report RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})\ninstall(FILES data/a.json DESTINATION share/report)\ninstall(DIRECTORY themes/ DESTINATION share/themes)\n";
        assert_eq!(of(text).expect("known"), ["bin/report", "share/report/a.json", "share/themes"]);
        for text in [
            "add_library(x x.cpp)\ninstall(TARGETS x)\n",
            "add_executable(x x.cpp)\ninstall(TARGETS x DESTINATION /opt/x)\n",
            "add_executable(x x.cpp)\ninstall(TARGETS x)\ninstall(CODE \"y\")\n",
            "add_executable(x x.cpp)\ninstall(TARGETS x)\nFetchContent_MakeAvailable(fmt)\n",
            "add_executable(x x.cpp)\ninstall(TARGETS x)\nadd_subdirectory(y)\n",
            "add_executable(x x.cpp)\n",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn install_steps_of_meson() {
        let text = "project('a', 'c')\nexecutable('a', 'a.c', install: true)\nexecutable('t', 't.c')\n";
        assert_eq!(meson_installed("executable('a', 'a.c',\n  install : true)\n").expect("known"), ["bin/a"]);
        assert_eq!(meson_installed(&format!("{text}install_data('x')\n")), None);
        assert_eq!(meson_installed("executable('t', 't.c')\n"), None);
    }
}
