//! What packages of npm need: install scripts that compile, programs and libraries when they run; and what the scripts of
//! package.json start.

use serde_json::Value;

use super::{Reader, What, When};
use crate::model::outputs;
use crate::shell::command::Invocation;
use crate::shell::{self, Dialect};
use crate::tables::{self, Ecosystem, LibC, OnMusl, ProjectTool};

const UNLOCK: &str = "package-lock.json of npm 7 or newer in the build context, or `--ignore-scripts`";

/// The scripts of package.json that an install runs.
const OF_INSTALL: [&str; 5] = ["preinstall", "install", "postinstall", "preprepare", "prepare"];

impl Reader<'_> {
    pub(super) fn node_packages(&mut self, invocation: Option<&Invocation>) {
        if invocation.is_some_and(|invocation| invocation.subcommand().is_empty() && !invocation.arguments.is_empty()) {
            return self.node_script(invocation);
        }
        self.needs.has_packages = true;
        let ignores_scripts = invocation.is_some_and(|invocation| invocation.has("--ignore-scripts"));
        let is_global =
            |invocation: &&Invocation| invocation.has("--global") || invocation.subcommand() == "global add";
        if invocation
            .filter(is_global)
            .filter(|_| self.libc != LibC::Musl)
            .is_some_and(|invocation| outputs::of_globals(invocation).is_ok_and(|names| !names.is_empty()))
        {
            return;
        }
        if invocation.is_some_and(|invocation| !invocation.arguments.is_empty() || invocation.has("--global")) {
            return self.gap("what the install scripts of the packages need is not known", UNLOCK);
        }
        self.lock(ignores_scripts);
        if !ignores_scripts {
            for script in OF_INSTALL {
                self.package_script(script);
            }
        }
    }

    /// The packages that the lock file names. Since npm 7 package-lock.json says which have install scripts.
    fn lock(&mut self, ignores_scripts: bool) {
        let files = self.context_files("package-lock.json");
        if files.is_empty() {
            let others = ["yarn.lock", "pnpm-lock.yaml"].map(|name| self.context_files(name)).concat();
            if others.is_empty() || self.libc == LibC::Musl {
                self.gap("which packages are installed is not known", UNLOCK);
            }
            for file in others {
                self.in_file(&file, |reader, text| reader.helped(text, ignores_scripts));
            }
        }
        for file in files {
            self.package_lock(&file, ignores_scripts);
        }
    }

    fn package_lock(&mut self, file: &str, ignores_scripts: bool) {
        self.in_file(file, |reader, text| {
            let lock: Value = serde_json::from_str(text).unwrap_or_default();
            let Some(packages) = lock.get("packages").and_then(Value::as_object) else {
                if let Some(dependencies) = lock.get("dependencies").filter(|_| reader.libc != LibC::Musl) {
                    return reader.nested(dependencies, ignores_scripts, 0);
                }
                return reader.gap("the lock file does not say which packages have install scripts", UNLOCK);
            };
            for (path, package) in packages {
                let name = path.rsplit("node_modules/").next().unwrap_or(path);
                reader.locked(name, package, ignores_scripts || path.is_empty());
                if reader.libc == LibC::Musl {
                    reader.on_musl(name, package, &|name: &str| packages.contains_key(&format!("node_modules/{name}")));
                }
            }
        });
    }

    fn locked(&mut self, name: &str, package: &Value, ignores_scripts: bool) {
        let has_script = package.get("hasInstallScript").and_then(Value::as_bool) == Some(true);
        if has_script && !ignores_scripts && !tables::node_packages().installs_alone(name) {
            let reason = format!("what the install script of `{name}` needs is not known");
            self.add_gap(reason, UNLOCK, self.libc != LibC::Musl && tables::node_packages().compiles_alone(name));
        }
        let resolved = package.get("resolved").and_then(Value::as_str).unwrap_or_default();
        if resolved.starts_with("git+") {
            self.gap(format!("`{name}` comes from a Git repository and is built there"), "a package of the registry");
        }
        self.runs_with_package(name);
    }

    /// What a package looks for when it runs.
    pub(super) fn runs_with_package(&mut self, name: &str) {
        if let Some(needs) = tables::node_packages().needs(name) {
            let before = std::mem::replace(&mut self.when, When::Run);
            needs.programs.iter().for_each(|program| self.program(program));
            needs.libraries.iter().for_each(|library| self.need(What::Library(library.clone())));
            self.when = before;
        }
    }

    /// `npx tsc`: a program of the packages, where the image has none of that name.
    pub(super) fn node_runner(&mut self, invocation: Option<&Invocation>) {
        let words: Option<Vec<String>> =
            invocation.map(|invocation| invocation.arguments.iter().filter_map(|word| word.text.clone()).collect());
        match words.as_deref() {
            Some([program, ..]) => {
                self.program(program);
                self.code_text(
                    String::new(),
                    words.map(|words| words.iter().map(|word| format!("\"{word}\" ")).collect()),
                );
            }
            _ => self.gap("which program of the packages runs is not known", "the name of the program"),
        }
    }

    /// Whether the command runs a script of package.json by its name alone: `yarn css`.
    pub(super) fn is_node_script(&self, invocation: &Invocation) -> bool {
        let is_tool = tables::stages().project_tool(&invocation.program) == Some(ProjectTool::Packages);
        let manifest = || self.model.context.read(&self.context_file("package.json")?);
        let has = |name: &str| {
            let manifest: Value = serde_json::from_str(&manifest().unwrap_or_default()).unwrap_or_default();
            manifest.get("scripts").is_some_and(|scripts| scripts.get(name).is_some())
        };
        is_tool && outputs::script_name(invocation).is_some_and(|name| has(&name))
    }

    /// Whether a locked package has what it takes to run on musl: the table says so of it, it is not for Linux, or its twin
    /// for musl is in the lock file too.
    fn on_musl(&mut self, name: &str, package: &Value, is_locked: &dyn Fn(&str) -> bool) {
        const NATIVE: &str = "a package with a binary for musl";
        if let Some(row) = tables::on_musl(Ecosystem::Node, name)
            && !matches!(row.musl, OnMusl::Same | OnMusl::Prebuilt)
        {
            return self.gap(format!("`{name}` is not known to run on musl"), NATIVE);
        }
        let systems = package.get("os").and_then(Value::as_array);
        let is_binary = package.get("cpu").is_some();
        let is_for_linux = systems.is_some_and(|systems| systems.iter().any(|system| system == "linux"));
        if !is_binary || !is_for_linux || name.contains("musl") {
            return;
        }
        let has_twin = is_locked(&name.replace("-gnu", "-musl")) && name.contains("-gnu")
            || is_locked(&name.replace("linux-", "linuxmusl-"));
        let parent = name.strip_prefix('@').and_then(|name| name.split('/').next()).unwrap_or(name);
        let is_static = tables::on_musl(Ecosystem::Node, parent).is_some_and(|row| row.musl == OnMusl::Same);
        if !has_twin && !is_static {
            self.gap(format!("`{name}` has no counterpart for musl in the lock file"), NATIVE);
        }
    }

    /// `npm run build`: the script of that name, with those before and behind it.
    pub(super) fn node_script(&mut self, invocation: Option<&Invocation>) {
        let Some(invocation) = invocation else {
            return self.gap("which script runs is not known", "the name of the script");
        };
        let Some(name) = outputs::script_name(invocation) else {
            return self.gap("which script runs is not known", "the name of the script");
        };
        for name in [format!("pre{name}"), name.clone(), format!("post{name}")] {
            self.package_script(&name);
        }
    }

    /// One script of package.json, if it has such. Its programs are those of its packages, where the image has none.
    fn package_script(&mut self, name: &str) {
        let files = self.context_files("package.json");
        if files.is_empty() {
            return self.gap("the scripts of package.json are not known", "package.json in the build context");
        }
        for file in files {
            self.script_of(file, name);
        }
    }

    fn script_of(&mut self, file: String, name: &str) {
        let Some(text) = self.model.context.read(&file) else {
            return self.gap(format!("the content of `{file}` is not known"), "the file in the build context");
        };
        let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
        let Some(script) = manifest.get("scripts").and_then(|scripts| scripts.get(name)).and_then(Value::as_str) else {
            return;
        };
        let outside = self.place.file.replace(file);
        match shell::parse(script, Dialect::Posix) {
            Ok(script) => {
                for command in script.all_simple_commands() {
                    match command.name() {
                        Some(program) => self.program(&program),
                        None if command.words.is_empty() => {}
                        None => self.gap(format!("what the script `{name}` starts is not known"), "a plain command"),
                    }
                }
                self.code_text(String::new(), Some(quoted(&script)));
            }
            Err(reason) => self.gap(format!("the script `{name}` cannot be read: {reason}"), "plain POSIX shell"),
        }
        self.place.file = outside;
    }
}

/// The words of a script as literals of code: a program may be named as the argument of another one.
fn quoted(script: &crate::shell::ast::Script) -> String {
    let commands = script.all_simple_commands();
    let words = commands.iter().flat_map(|command| &command.words).filter_map(crate::shell::ast::Word::literal);
    words.map(|word| format!("\"{word}\" ")).collect()
}
