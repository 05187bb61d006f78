//! What build commands make, where the files of a project say it.
//!
//! Where they do not, a build may have written anything below the directory that it ran in.

use serde_json::Value;

use super::cache::is_below;
use super::deed::{Deed, joined, source_at};
use super::manifest::package_json::{self, PackageJson};
use super::manifest::{cargo, go_mod};
use super::scope::Variable;
use super::{Model, reach};
use crate::context::Entry;
use crate::shell::ast::{SimpleCommand, Word};
use crate::shell::command::{Invocation, recognize};
use crate::shell::state::is_opaque;
use crate::shell::{self, Dialect};
use crate::tables::{self, Operands, ProjectTool};

/// Scripts that call one another are followed so far.
const MAX_NESTING: usize = 5;

/// What a command of a tool makes in a directory; `None` when the files of the project do not say it.
#[must_use]
pub fn of_command(model: &Model<'_>, run: usize, directory: &str, invocation: &Invocation) -> Option<Vec<Deed>> {
    let project = Project::read(model, run, directory)?;
    match tables::stages().project_tool(&invocation.program)? {
        ProjectTool::Packages if is_install(invocation) => project.install(),
        ProjectTool::Packages => project.script(&script_name(invocation)?, 0),
        ProjectTool::Runner => {
            let words: Option<Vec<String>> = invocation.arguments.iter().map(|word| word.text.clone()).collect();
            project.words(&words?)
        }
    }
}

/// What a program of the packages of a project makes that is called by its name, in a directory.
#[must_use]
pub fn of_program(model: &Model<'_>, run: usize, directory: &str, words: &[String]) -> Vec<Deed> {
    let made = Project::read(model, run, directory).and_then(|project| project.words(words));
    made.unwrap_or_else(|| {
        let named = words[1..].iter().map(|word| word.split_once('=').map_or(word.as_str(), |(_, value)| value));
        let named = named.filter(|path| path.starts_with('/')).map(|path| Deed::Below(joined("/", path)));
        std::iter::once(Deed::Below(reach::of_build(model, run, directory))).chain(named).collect()
    })
}

/// Whether the command names a script of the manifest of the project.
#[must_use]
pub fn has_script(model: &Model<'_>, run: usize, directory: &str, invocation: &Invocation) -> bool {
    tables::stages().project_tool(&invocation.program) == Some(ProjectTool::Packages)
        && script_name(invocation).is_some_and(|name| {
            Project::read(model, run, directory).is_some_and(|project| project.manifest.scripts.contains_key(&name))
        })
}

/// The package of the project whose install script writes to other places than those of the packages, if it is installed.
#[must_use]
pub fn writes_outside(model: &Model<'_>, run: usize, directory: &str, invocation: &Invocation) -> Option<String> {
    if !is_install(invocation) || invocation.has("--ignore-scripts") {
        return None;
    }
    let project = Project::read(model, run, directory)?;
    let mut packages = project.manifest.dependencies.values().flat_map(|packages| packages.keys());
    packages.find(|name| tables::node_packages().writes_outside(name)).cloned()
}

/// What `go build` without `-o` makes in a directory: a program with the name of the package (`go help build`); `None` when the
/// files of the project do not say it.
#[must_use]
pub fn of_go_build(model: &Model<'_>, run: usize, directory: &str, invocation: &Invocation) -> Option<Deed> {
    let name = go_program(model, run, directory, invocation)?;
    Some(Deed::Output(joined(directory, &name)))
}

/// The name of the program that `go build` or `go install` makes of a package.
fn go_program(model: &Model<'_>, run: usize, directory: &str, invocation: &Invocation) -> Option<String> {
    let arguments = invocation.known_arguments()?;
    let package = match arguments.as_slice() {
        [] => ".",
        [package] => *package,
        _ => return None,
    };
    let name = match package {
        "." | "./" => {
            let source = source_at(model, run, &joined(directory, "go.mod"))?;
            let module = go_mod::read(&model.context.read(&source)?)?.module?;
            let mut parts = module.rsplit('/');
            let last = parts.next()?;
            let is_version = last.strip_prefix('v').is_some_and(|digits| digits.parse::<u32>().is_ok());
            if is_version { parts.next()?.to_owned() } else { last.to_owned() }
        }
        file if file.ends_with(".go") => file.rsplit('/').next()?.trim_end_matches(".go").to_owned(),
        path if path.starts_with("./") && !path.contains("...") => {
            path.trim_end_matches('/').rsplit('/').next()?.to_owned()
        }
        _ => return None,
    };
    Some(name)
}

/// The directory that a command puts the programs into that it installs (`go help install`; The Cargo Book, `cargo install`), or why it
/// is not known; `None` for a command that installs none.
#[must_use]
pub fn program_directory(model: &Model<'_>, run: usize, invocation: &Invocation) -> Option<Result<String, String>> {
    let row = tables::stages().program_directory(&invocation.program, invocation.subcommand())?;
    let unknown = || format!("where `{} {}` puts programs is not known", invocation.program, invocation.subcommand());
    let variables = &model.state(run).variables;
    let is_elsewhere = row
        .unless
        .iter()
        .any(|name| !matches!(variables.get(name), Variable::Unset) || invocation.variable(name).is_some())
        || row.options.iter().any(|name| invocation.options(name).next().is_some())
        || invocation.variable(&row.variable).is_some();
    let Variable::Set(root) = variables.get(&row.variable) else { return Some(Err(unknown())) };
    let root = root.fixed().filter(|root| !is_elsewhere && root.starts_with('/') && !root.contains(':'));
    Some(root.map(|root| joined(root, &row.below)).ok_or_else(unknown))
}

/// The names of the programs that the command installs; `None` when the files of the project do not say it.
#[must_use]
pub fn installed_programs(
    model: &Model<'_>,
    run: usize,
    directory: &str,
    invocation: &Invocation,
) -> Option<Vec<String>> {
    if invocation.program == "go" {
        return go_program(model, run, directory, invocation).map(|name| vec![name]);
    }
    let row = tables::stages().program_directory(&invocation.program, invocation.subcommand())?;
    let path = invocation.values(row.package.as_deref()?).last()?.text.clone()?;
    if !invocation.arguments.is_empty() {
        return None;
    }
    let package = CargoPackage::read(model, run, &joined(directory, &path)).filter(|it| !it.manifest.is_workspace)?;
    let named: Vec<String> = invocation.values("--bin").map(|value| value.text.clone()).collect::<Option<_>>()?;
    if named.is_empty() { package.programs() } else { Some(named) }
}

/// A package of Cargo in a directory of the image.
struct CargoPackage {
    manifest: cargo::CargoToml,
    /// The context has the file from which the program is built that has the name of the package.
    has_main: bool,
}

impl CargoPackage {
    fn read(model: &Model<'_>, run: usize, directory: &str) -> Option<Self> {
        let load = |name: &str| source_at(model, run, &joined(directory, name));
        let manifest = cargo::read(&model.context.read(&load("Cargo.toml")?)?)?;
        let has_main = load("src/main.rs").is_some_and(|path| model.context.entry(&path) == Entry::File);
        Some(Self { manifest, has_main })
    }

    /// The programs that it makes; none of a library.
    fn programs(&self) -> Option<Vec<String>> {
        match self.manifest.programs.as_slice() {
            [] if self.has_main => Some(vec![self.manifest.name.clone()?]),
            [] => Some(Vec::new()),
            names => Some(names.to_vec()),
        }
    }
}

/// The programs of the members of a workspace, or of those that the command names.
fn of_members(
    model: &Model<'_>,
    run: usize,
    directory: &str,
    workspace: &cargo::CargoToml,
    invocation: &Invocation,
) -> Option<Vec<String>> {
    let wanted: Vec<String> = invocation.values("--package").map(|value| value.text.clone()).collect::<Option<_>>()?;
    let mut found = Vec::new();
    for member in &workspace.members {
        if member.contains(['*', '?', '[']) {
            return None;
        }
        let package = CargoPackage::read(model, run, &joined(directory, member))?;
        let is_wanted = package.manifest.name.as_ref().is_some_and(|name| wanted.contains(name));
        if wanted.is_empty() || is_wanted {
            found.extend(package.programs()?);
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The programs that `cargo build` makes in a directory (The Cargo Book, "Cargo Targets"); `None` when the files of the project do
/// not say it.
#[must_use]
pub fn of_cargo_build(model: &Model<'_>, run: usize, directory: &str, invocation: &Invocation) -> Option<Vec<Deed>> {
    let elsewhere = &tables::stages().crates.options;
    let variable = &tables::stages().crates.variable;
    if elsewhere.iter().any(|name| invocation.options(name).next().is_some())
        || !matches!(model.state(run).variables.get(variable), Variable::Unset)
        || invocation.variable(variable).is_some()
    {
        return None;
    }
    let source = source_at(model, run, &joined(directory, "Cargo.toml"))?;
    let manifest = cargo::read(&model.context.read(&source)?)?;
    let profile = if invocation.has("--release") { "release" } else { "debug" };
    let named: Vec<String> = invocation.values("--bin").filter_map(|value| value.text.clone()).collect();
    let is_named = invocation.options("--package").next().is_some() || invocation.has("--workspace");
    let of_package = manifest.name.is_some() && !is_named || !manifest.is_workspace;
    let programs = match (named.is_empty(), manifest.programs.is_empty()) {
        (false, _) => named,
        (true, _) if !of_package => of_members(model, run, directory, &manifest, invocation)?,
        (true, false) => manifest.programs,
        (true, true) => vec![manifest.name?],
    };
    Some(programs.iter().map(|name| Deed::Output(joined(directory, &format!("target/{profile}/{name}")))).collect())
}

/// What a compiler or build system makes that no row of options describes: what stands behind `-o`, or anything below where it
/// runs and below the absolute paths that it names.
#[must_use]
pub fn of_build_system(directory: &str, words: &[String]) -> Vec<Deed> {
    let named = tables::stages().named_outputs(words);
    if !named.is_empty() {
        return named.iter().map(|path| Deed::Output(joined(directory, path))).collect();
    }
    let outputs = words.windows(2).filter(|pair| pair[0] == "-o").map(|pair| pair[1].as_str());
    let made: Vec<Deed> = outputs.map(|output| Deed::Output(joined(directory, output))).collect();
    if !made.is_empty() {
        return made;
    }
    let named = words[1..].iter().filter(|word| word.starts_with('/')).map(|word| Deed::Below(joined("/", word)));
    std::iter::once(Deed::Below(directory.to_owned())).chain(named).collect()
}

/// The programs that an install for all users brings.
///
/// # Errors
/// The first package of which they are not known.
pub fn of_globals(invocation: &Invocation) -> Result<Vec<String>, String> {
    let table = &tables::stages().node.globals;
    let mut programs = Vec::new();
    for argument in &invocation.arguments {
        let text = argument.text.as_deref().unwrap_or_default();
        let name = text.get(1..).and_then(|rest| rest.find('@')).map_or(text, |at| &text[..=at]);
        programs.extend_from_slice(table.get(name).ok_or_else(|| name.to_owned())?);
    }
    Ok(programs)
}

/// The directory that an option of a package manager names in place of the one that it runs in.
#[must_use]
pub fn directory_option(invocation: &Invocation) -> Option<String> {
    let named = ["--prefix", "--cwd", "--dir"].into_iter().flat_map(|name| invocation.values(name));
    named.filter(|_| !invocation.has("--global")).find_map(|value| value.text.clone())
}

/// What a program of a project may make of which nothing else is known: anything below the directory or the one above it that the
/// project names, and below the absolute paths among its words.
#[must_use]
pub fn of_unknown(model: &Model<'_>, run: usize, directory: &str, invocation: &Invocation) -> Vec<Deed> {
    let values = invocation.options.iter().filter_map(|option| option.value.as_ref());
    let words = invocation.arguments.iter().chain(values).filter_map(|word| word.pattern.as_deref());
    let path = |word: &str| word.split_once('=').map_or(word, |(_, value)| value).to_owned();
    let named = words.map(path).filter(|path| path.starts_with('/')).map(|path| Deed::Below(joined("/", &path)));
    let reach = if is_install(invocation) { directory.to_owned() } else { reach::of_build(model, run, directory) };
    std::iter::once(Deed::Below(reach)).chain(named).collect()
}

/// Whether the command installs what the manifest names, and nothing else.
#[must_use]
pub fn is_install(invocation: &Invocation) -> bool {
    matches!(invocation.subcommand(), "install" | "ci" | "") && invocation.arguments.is_empty()
}

/// The name of the script of package.json that the command runs.
#[must_use]
pub fn script_name(invocation: &Invocation) -> Option<String> {
    match invocation.subcommand() {
        "run" => invocation.arguments.first()?.text.clone(),
        "" => invocation.arguments.first()?.text.clone(),
        name => Some(name.to_owned()),
    }
}

/// A project of Node in a directory of the image, as far as a RUN sees it.
pub(super) struct Project<'m> {
    model: &'m Model<'m>,
    run: usize,
    directory: String,
    pub(super) manifest: PackageJson,
}

impl<'m> Project<'m> {
    pub(super) fn read(model: &'m Model<'_>, run: usize, directory: &str) -> Option<Self> {
        let source = source_at(model, run, &joined(directory, &tables::stages().node.manifest))?;
        let manifest = package_json::read(&model.context.read(&source)?)?;
        Some(Self { model, run, directory: directory.to_owned(), manifest })
    }

    fn install(&self) -> Option<Vec<Deed>> {
        let has_packages = self.manifest.dependencies.values().any(|packages| !packages.is_empty());
        let is_plain = self.manifest.install_scripts().is_empty() && self.manifest.workspaces.is_empty();
        let packages = joined(&self.directory, &tables::stages().node.packages);
        (has_packages && is_plain).then(|| vec![Deed::Output(packages)])
    }

    /// What a script of the manifest makes, with those that run before and behind it.
    fn script(&self, name: &str, depth: usize) -> Option<Vec<Deed>> {
        if depth > MAX_NESTING {
            return None;
        }
        self.manifest.scripts.get(name)?;
        let mut made = Vec::new();
        for name in [format!("pre{name}"), name.to_owned(), format!("post{name}")] {
            let Some(text) = self.manifest.scripts.get(&name) else { continue };
            let script = shell::parse(text, Dialect::Posix).ok().filter(|script| !is_opaque(script))?;
            for command in script.all_simple_commands() {
                made.extend(self.command(command, depth)?);
            }
        }
        Some(made)
    }

    fn command(&self, command: &SimpleCommand, depth: usize) -> Option<Vec<Deed>> {
        if !command.redirects.is_empty() {
            return None;
        }
        let words: Option<Vec<String>> = command.words.iter().map(Word::literal).collect();
        if let Some(invocation) = recognize(command)
            && let Some(ProjectTool::Packages) = tables::stages().project_tool(&invocation.program)
        {
            return self.script(&script_name(&invocation)?, depth + 1);
        }
        self.words(&words?)
    }

    fn words(&self, words: &[String]) -> Option<Vec<Deed>> {
        let (program, rest) = words.split_first()?;
        let table = tables::stages();
        if table.starts_others(program) {
            let at = rest.iter().position(|word| !word.contains('=') && !word.starts_with('-'))?;
            return self.words(&rest[at..]);
        }
        if table.only_checks(program) {
            return Some(Vec::new());
        }
        if table.removes(program) {
            let paths = rest.iter().filter(|word| !word.starts_with('-'));
            return Some(paths.map(|path| Deed::Below(joined(&self.directory, path))).collect());
        }
        if let Some(builder) = table.builder(program, rest) {
            return self.builder(builder, rest);
        }
        let row = tables::effects().command(program, None).filter(|row| !row.bound)?;
        match row.operands {
            Operands::Text => Some(Vec::new()),
            Operands::Write | Operands::Directories | Operands::Transfer => {
                let paths = rest.iter().filter(|word| !word.starts_with('-'));
                Some(paths.map(|path| Deed::Below(joined(&self.directory, path))).collect())
            }
            _ => None,
        }
    }

    fn builder(&self, builder: &tables::ProjectBuilder, rest: &[String]) -> Option<Vec<Deed>> {
        let value = |names: &[String]| {
            rest.iter().enumerate().find_map(|(at, word)| {
                let (name, value) =
                    word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
                names
                    .iter()
                    .any(|known| known == name)
                    .then(|| value.map(str::to_owned).or_else(|| rest.get(at + 1).cloned()))?
            })
        };
        if let Some(output) = value(&builder.output_options) {
            return Some(vec![Deed::Output(self.below(&output)?)]);
        }
        if let Some(output) = &builder.output {
            let mut written = vec![output.clone()];
            for text in builder.files.iter().filter_map(|name| self.text(name)) {
                for word in builder.elsewhere.iter().filter(|word| text.contains(word.as_str())) {
                    let named = builder.named.as_ref().filter(|named| *named == word)?;
                    written = vec![named_output(&text, named)?];
                }
            }
            return written.iter().map(|output| Some(Deed::Output(self.below(output)?))).collect();
        }
        let file =
            value(&builder.project_options).unwrap_or_else(|| builder.files.first().cloned().unwrap_or_default());
        self.compiled(&file)
    }

    /// The output directory that a configuration of TypeScript names.
    fn compiled(&self, file: &str) -> Option<Vec<Deed>> {
        let settings: Value = serde_json::from_str(&without_comments(&self.text(file)?)).ok()?;
        let options = settings.get("compilerOptions");
        if options.and_then(|options| options.get("noEmit")).and_then(Value::as_bool) == Some(true) {
            return Some(Vec::new());
        }
        let output = options.and_then(|options| options.get("outDir")).and_then(Value::as_str);
        match (output, settings.get("extends").and_then(Value::as_str)) {
            (Some(output), _) => Some(vec![Deed::Output(self.below(output)?)]),
            (None, Some(parent)) if parent.starts_with("./") && parent != file => {
                self.compiled(parent.trim_start_matches("./"))
            }
            (None, _) => None,
        }
    }

    /// A directory of its own, below the project or beside it.
    fn below(&self, path: &str) -> Option<String> {
        let path = joined(&self.directory, path);
        (!is_below(&self.directory, &path)).then_some(path)
    }

    fn text(&self, name: &str) -> Option<String> {
        let source = source_at(self.model, self.run, &joined(&self.directory, name))?;
        self.model.context.read(&source)
    }
}

/// The directory that a configuration names as its output, when it says it once, as a string, and nothing moves what it is relative to.
fn named_output(text: &str, name: &str) -> Option<String> {
    let mut places = text.match_indices(name);
    let (at, _) = places.next().filter(|_| places.next().is_none())?;
    let value = text[at + name.len()..].trim_start().strip_prefix(':')?.trim_start();
    let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (path, _) = value[1..].split_once(quote)?;
    (!text.contains("root") && !path.is_empty()).then(|| path.to_owned())
}

/// JSON with comments and commas before a closing bracket, without them.
fn without_comments(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut in_string = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_string => {
                plain.push(c);
                plain.extend(chars.next());
            }
            '"' => {
                in_string = !in_string;
                plain.push(c);
            }
            '/' if !in_string && chars.peek() == Some(&'/') => while chars.next_if(|c| *c != '\n').is_some() {},
            '/' if !in_string && chars.peek() == Some(&'*') => {
                let mut last = ' ';
                for c in chars.by_ref() {
                    if last == '*' && c == '/' {
                        break;
                    }
                    last = c;
                }
            }
            '}' | ']' if !in_string => {
                let kept = plain.trim_end().trim_end_matches(',').len();
                plain.truncate(kept);
                plain.push(c);
            }
            c => plain.push(c),
        }
    }
    plain
}
