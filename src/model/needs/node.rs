//! What packages of npm need: install scripts that compile, programs and libraries when they run; and what the scripts of
//! package.json start.

use serde_json::Value;

use super::{Reader, What, When};
use crate::shell::command::Invocation;
use crate::shell::{self, Dialect};
use crate::tables::{self, Ecosystem, LibC, OnMusl};

const UNLOCK: &str = "package-lock.json of npm 7 or newer in the build context, or `--ignore-scripts`";

/// The scripts of package.json that an install runs.
const OF_INSTALL: [&str; 5] = ["preinstall", "install", "postinstall", "preprepare", "prepare"];

impl Reader<'_> {
    pub(super) fn node_packages(&mut self, invocation: Option<&Invocation>) {
        self.needs.has_packages = true;
        let ignores_scripts = invocation.is_some_and(|invocation| invocation.has("--ignore-scripts"));
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

    /// The packages that package-lock.json names. Since npm 7 it says which have install scripts.
    fn lock(&mut self, ignores_scripts: bool) {
        let Some(file) = self.context_file("package-lock.json") else {
            return self.gap("which packages are installed is not known", UNLOCK);
        };
        self.in_file(&file, |reader, text| {
            let lock: Value = serde_json::from_str(text).unwrap_or_default();
            let Some(packages) = lock.get("packages").and_then(Value::as_object) else {
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
            self.gap(format!("what the install script of `{name}` needs is not known"), UNLOCK);
        }
        let resolved = package.get("resolved").and_then(Value::as_str).unwrap_or_default();
        if resolved.starts_with("git+") {
            self.gap(format!("`{name}` comes from a Git repository and is built there"), "a package of the registry");
        }
        if let Some(needs) = tables::node_packages().needs(name) {
            let before = std::mem::replace(&mut self.when, When::Run);
            needs.programs.iter().for_each(|program| self.program(program));
            needs.libraries.iter().for_each(|library| self.need(What::Library(library.clone())));
            self.when = before;
        }
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
        let subcommand = invocation.subcommand();
        let named = invocation.arguments.first().map(|argument| argument.text.clone());
        let name = match (subcommand.starts_with("run"), named) {
            (true, Some(Some(name))) => name,
            (true, _) => return self.gap("which script runs is not known", "the name of the script"),
            (false, _) => subcommand.to_owned(),
        };
        for name in [format!("pre{name}"), name.clone(), format!("post{name}")] {
            self.package_script(&name);
        }
    }

    /// One script of package.json, if it has such. Its programs are those of its packages, where the image has none.
    fn package_script(&mut self, name: &str) {
        let Some(file) = self.context_file("package.json") else {
            return self.gap("the scripts of package.json are not known", "package.json in the build context");
        };
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
