//! What a split into a build stage and a runtime stage knows of commands and files: `stages.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::{DistributionName, PackageManager, TableError, decode_file, invalid, shipped};

/// The table, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageTable {
    below: Vec<Below>,
    quiet: Vec<Below>,
    accounts: Accounts,
    manifests: Manifests,
    never_read: NeverRead,
    scratch: BTreeSet<String>,
    /// How packages of the distribution are installed.
    pub install: Installs,
    /// What starts programs with another PATH.
    pub login: Login,
    /// What goes with compilers.
    pub toolchain: Toolchain,
    /// Projects of Node.
    #[serde(rename = "projects")]
    pub node: NodeProjects,
    /// What builds front ends in images of other languages.
    pub front_ends: FrontEnds,
    sources: Sources,
    /// What takes the place of images with a toolchain.
    pub runtimes: Vec<RuntimeImage>,
    /// What programs of Rust are linked with.
    pub crates: Crates,
    program_directories: Vec<ProgramDirectory>,
    /// What is known of Java.
    pub java: JavaTable,
    outputs: Vec<NamedOutput>,
    configures: Vec<Configures>,
    /// What is known of modules of Perl.
    pub perl: PerlTable,
    /// What is known of PHP.
    pub php: PhpTable,
    /// What is known of Ruby.
    pub ruby: RubyTable,
    servers: Vec<FileServer>,
    generators: Accounts,
    lookers: Lookers,
    settings: Settings,
    asks: Vec<Starts>,
    helpers: Accounts,
    starts: Vec<Starts>,
    /// What asks for time zones.
    pub zones: TimeZones,
    /// Where Python packages go.
    pub environment: PythonEnvironment,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Below {
    commands: Vec<String>,
    source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accounts {
    source: String,
    programs: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifests {
    source: String,
    names: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct NeverRead {
    source: String,
    names: BTreeSet<String>,
    starts: BTreeSet<String>,
    ends: BTreeSet<String>,
    texts: BTreeSet<String>,
}

/// How packages of the distribution are installed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Installs {
    source: String,
    /// Options, by their main names, that another install goes without or has itself.
    pub options: BTreeSet<String>,
    /// The variable that keeps it from asking.
    pub variable: String,
    /// How another install is told not to ask.
    pub assignment: String,
}

/// What starts programs with another PATH than that of the image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    source: String,
    /// Words of commands.
    pub words: BTreeSet<String>,
    /// Packages of the distribution.
    pub schedulers: BTreeSet<String>,
    /// Programs without which those of such packages do not run.
    pub started_by: BTreeSet<String>,
}

/// What is known of projects of Node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeProjects {
    source: String,
    /// The family of images.
    pub family: String,
    /// The name of the manifest.
    pub manifest: String,
    /// The directory of the packages, below the project.
    pub packages: String,
    tools: BTreeMap<String, ProjectTool>,
    wrappers: BTreeSet<String>,
    /// Options of an install of programs for all users.
    pub global: BTreeSet<String>,
    /// What node-gyp needs.
    pub compilers: NodeCompilers,
    /// Packages that are installed for all users, with their programs.
    pub globals: BTreeMap<String, Vec<String>>,
    /// What fetches package managers when they are called.
    pub shims: Shims,
    programs: BTreeSet<String>,
    checks: BTreeSet<String>,
    removers: BTreeSet<String>,
    builders: Vec<ProjectBuilder>,
    pruners: Vec<Pruner>,
    /// What leaves development dependencies out of an install.
    pub production: Production,
    runs_sources: BTreeSet<String>,
    code: BTreeSet<String>,
    development: DevelopmentFiles,
}

/// What builds the part of a program that browsers load.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontEnds {
    source: String,
    /// Packages of distributions, with the programs of Node that they bring.
    pub packages: BTreeMap<String, BTreeSet<String>>,
    /// How the addresses of scripts begin that add a source of packages.
    pub setups: BTreeSet<String>,
    /// Packages that such a source has.
    pub brings: BTreeSet<String>,
    /// Programs that fetch such a script.
    pub fetchers: BTreeSet<String>,
    /// Endings of files whose lines may be commands, as those of `Procfile`, which has none.
    pub settings: BTreeSet<String>,
    /// Packages of Python that start Node.
    pub callers: BTreeSet<String>,
}

/// A program that puts others on the PATH.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shims {
    /// Its name.
    pub program: String,
    /// The others.
    pub brings: Vec<String>,
}

/// What node-gyp needs beside a toolchain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeCompilers {
    /// Packages of the distribution.
    pub packages: BTreeSet<String>,
    /// Their programs.
    pub programs: BTreeSet<String>,
}

/// What a tool of Node does with a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProjectTool {
    /// It installs packages and runs scripts of the manifest.
    Packages,
    /// It runs programs of packages.
    Runner,
}

/// A program that builds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectBuilder {
    program: String,
    /// The argument with which it builds; none when it always does.
    #[serde(default)]
    first: Option<String>,
    /// Where it puts what it makes, below the project.
    #[serde(default)]
    pub output: Option<String>,
    /// Options whose value says that.
    #[serde(default)]
    pub output_options: Vec<String>,
    /// Options whose value names the configuration.
    #[serde(default)]
    pub project_options: Vec<String>,
    /// Its configuration.
    #[serde(default)]
    pub files: Vec<String>,
    /// Words in its configuration that put it elsewhere.
    #[serde(default)]
    pub elsewhere: Vec<String>,
    /// The one of them behind which a string names the directory.
    #[serde(default)]
    pub named: Option<String>,
}

/// What removes development dependencies behind a build.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pruner {
    program: String,
    /// The command.
    pub command: String,
    /// The option by which an install leaves development dependencies out.
    pub omits: String,
    /// The major version of Node that has them.
    pub since: u32,
    /// Options of the install that it needs too.
    #[serde(default)]
    pub keeps: Vec<String>,
    /// What has to stand in files of the context.
    #[serde(default)]
    pub lock: Vec<LockFile>,
}

/// A file that has to hold a text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LockFile {
    /// Its name.
    pub file: String,
    /// The text.
    pub text: String,
}

/// What leaves development dependencies out of an install.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Production {
    /// A variable, set to anything but `development`.
    pub variable: String,
    /// The value with which it leaves none out.
    pub development: String,
    /// Options.
    pub options: BTreeSet<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct DevelopmentFiles {
    directories: BTreeSet<String>,
    contains: BTreeSet<String>,
}

/// What takes the place of an image with a toolchain.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuntimeImage {
    /// The family of the image.
    pub family: String,
    /// Its distribution.
    pub distribution: DistributionName,
    /// The image, with `{release}` for the release of the distribution, or `{tag}` for the tag that FROM has.
    pub image: String,
    /// Packages that programs of the image rely on.
    pub packages: Vec<String>,
    /// Variables that the file has to set, because the images differ in them.
    #[serde(default)]
    pub sets: Vec<String>,
    source: String,
}

/// What programs of Rust are linked with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crates {
    source: String,
    /// The package with headers of the library of a crate.
    pub linked: BTreeMap<String, String>,
    /// Crates that need no library.
    pub alone: BTreeSet<String>,
    /// The variable that puts the output elsewhere.
    pub variable: String,
    /// Options of `cargo build` that do so.
    pub options: BTreeSet<String>,
    /// The family of images.
    pub family: String,
    /// A program of those images of the family that have headers of many libraries.
    pub with_headers: String,
}

/// Where a command puts the programs that it installs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramDirectory {
    command: String,
    /// The variable with the directory.
    pub variable: String,
    /// The directory of programs below it.
    pub below: String,
    /// Variables that say otherwise.
    pub unless: Vec<String>,
    /// Options that say otherwise.
    pub options: Vec<String>,
    /// The option that names the directory of the package.
    #[serde(default)]
    pub package: Option<String>,
    source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Starts {
    language: String,
    words: BTreeSet<String>,
    source: String,
}

/// What asks for time zones.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeZones {
    /// Words of code.
    pub words: BTreeSet<String>,
    /// Variables.
    pub variables: BTreeSet<String>,
    /// The package that has them.
    pub package: String,
    source: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sources {
    source: String,
    languages: Vec<LanguageSources>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageSources {
    language: String,
    extensions: BTreeSet<String>,
    names: BTreeSet<String>,
    #[serde(default)]
    directories: BTreeSet<String>,
}

/// What is known of Java.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JavaTable {
    source: String,
    /// Images with a JDK.
    pub images: Vec<JavaImage>,
    /// The image with a JRE that takes the place of those of other families.
    pub runtime: String,
    /// The words of tags with a JDK and with a JRE.
    pub jdk: String,
    /// See `jdk`.
    pub jre: String,
    /// The word of tags of Alpine.
    pub alpine: String,
    /// Versions of which there is an image with a JRE.
    pub versions: BTreeSet<String>,
    /// Words for the releases of which there is one.
    pub releases: BTreeSet<String>,
    /// Build tools.
    pub builders: Vec<JavaBuilder>,
    /// The option that starts an archive.
    pub starter: String,
    /// Plugins that pack everything that a program needs into one archive.
    pub packers: BTreeSet<String>,
}

/// What is known of Ruby.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RubyTable {
    source: String,
    /// The family of images.
    pub family: String,
    /// A program of those images of the family that have compilers.
    pub with_headers: String,
    /// Names of Bundler.
    pub bundlers: BTreeSet<String>,
    /// The program that installs gems by their names.
    pub installer: String,
    /// The subcommand that sets something.
    pub config: String,
    /// The variable with the directory of gems.
    pub home: String,
    /// The variable with the directory of a project's gems.
    pub path: String,
    /// The option and the setting with it.
    pub path_option: String,
    /// See `path_option`.
    pub path_key: String,
    /// The variable by which a project's gems go to `vendor`.
    pub deployment: String,
    /// The option and the setting that do so.
    pub deployment_option: String,
    /// See `deployment_option`.
    pub deployment_key: String,
    /// That directory, below the project.
    pub vendor: String,
    /// The variable with the directory of settings, the directory without it, and the file there.
    pub settings: String,
    /// See `settings`.
    pub settings_directory: String,
    /// See `settings`.
    pub settings_file: String,
    /// The lock file.
    pub lock: String,
    /// Words of a lock file for Linux.
    pub platforms: BTreeSet<String>,
    /// Options of `bundle install` that leave the rest as it is.
    pub bundle_options: BTreeSet<String>,
    /// The same of `bundle config`.
    pub config_options: BTreeSet<String>,
    /// The same of `gem install`.
    pub gem_options: BTreeSet<String>,
}

impl RubyTable {
    /// Whether the program installs gems.
    #[must_use]
    pub fn is_tool(&self, program: &str) -> bool {
        self.bundlers.contains(program) || self.installer == program
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Configures {
    command: Vec<String>,
    source: String,
}

/// Images of PHP, and Composer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhpTable {
    source: String,
    /// The family of images.
    pub family: String,
    /// Where extensions are.
    pub extensions: String,
    /// Where their settings are.
    pub settings: String,
    /// Commands that make extensions and their settings.
    pub installers: BTreeSet<String>,
    /// Commands that make extensions.
    pub compilers: BTreeSet<String>,
    /// Commands that make settings of extensions.
    pub enablers: BTreeSet<String>,
    /// Commands that leave nothing of use behind.
    pub quiet: BTreeSet<String>,
    /// Names of Composer.
    pub composers: BTreeSet<String>,
    /// Its subcommands that change what the project says, and the directory of packages.
    pub changes: BTreeSet<String>,
    /// Its subcommands that make the directory of packages.
    pub makes: BTreeSet<String>,
    /// That directory.
    pub vendor: String,
    /// What a project says of itself.
    pub manifest: String,
    /// Words of it that put packages elsewhere.
    pub elsewhere: Vec<String>,
    /// What stands in it when it has scripts.
    pub scripts: String,
    /// The option that runs none of them.
    pub without_scripts: String,
    /// Options that leave the rest alone.
    pub options: BTreeSet<String>,
    /// What installs Composer.
    pub setup: PhpSetup,
}

/// What installs Composer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhpSetup {
    /// The program that runs the script.
    pub program: String,
    /// The option that names the directory.
    pub directory: String,
    /// The option that names the program.
    pub name: String,
    /// Its name without it.
    pub default: String,
}

/// Modules of Perl with a script that makes a Makefile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PerlTable {
    source: String,
    /// The script.
    pub script: String,
    /// The ending of modules.
    pub module: String,
    /// Where modules are installed.
    pub modules: String,
    /// Where modules are installed that were compiled, and others with them.
    pub compiled: String,
    /// Where programs are installed.
    pub bin: String,
    /// The word of the script that lists programs.
    pub listed: String,
    /// Words that put what is installed to other places.
    pub elsewhere: Vec<String>,
    /// Endings of files that are compiled.
    pub native: Vec<String>,
}

/// A family of images with a JDK.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JavaImage {
    /// The family.
    pub family: String,
    /// How the word of the tag starts that has the version, or the word before it; without it the tag is that of the JDK itself.
    #[serde(default)]
    pub version: Option<String>,
}

/// A build tool of Java.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JavaBuilder {
    programs: BTreeSet<String>,
    /// The directory below the project that it writes to.
    pub output: String,
    /// Its files.
    pub manifests: Vec<String>,
    /// Goals that write there.
    pub makes: BTreeSet<String>,
    /// Goals that leave nothing behind.
    pub quiet: BTreeSet<String>,
    /// Options that put it elsewhere.
    pub elsewhere: BTreeSet<String>,
    /// Words of its files that do so, or that name further projects.
    pub words: BTreeSet<String>,
}

/// Options of a program that name what it makes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct NamedOutput {
    program: String,
    options: BTreeSet<String>,
    /// A letter among those of the first word behind which the output is named.
    #[serde(default)]
    letter: Option<char>,
    source: String,
}

/// A program that serves files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileServer {
    /// The program, with the words that make it serve.
    command: Vec<String>,
    /// Options without a value.
    #[serde(default)]
    flags: BTreeSet<String>,
    /// Options with one.
    #[serde(default)]
    values: BTreeSet<String>,
    /// Options whose value is the directory; without them, the argument is.
    #[serde(default)]
    directory: BTreeSet<String>,
    source: String,
}

/// Programs that only look at files.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lookers {
    programs: BTreeSet<String>,
    /// Options with which they do more.
    unless: BTreeSet<String>,
    /// Options with which other programs only look.
    options: BTreeMap<String, BTreeSet<String>>,
    /// The only word with which any program does.
    any: BTreeSet<String>,
    source: String,
}

/// What changes settings of the distribution.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    source: String,
    commands: BTreeSet<String>,
    files: BTreeSet<String>,
    reads: BTreeSet<String>,
    linkers: BTreeSet<String>,
}

impl FileServer {
    /// The directory that the words serve; `.` when they name none.
    fn served(&self, words: &[String]) -> Option<String> {
        let mut rest = words.strip_prefix(self.command.as_slice())?.iter();
        let mut arguments = Vec::new();
        let mut directory = None;
        while let Some(word) = rest.next() {
            let (name, value) = word.split_once('=').map_or((word.as_str(), None), |(name, value)| (name, Some(value)));
            if self.directory.contains(name) {
                directory = Some(value.or_else(|| rest.next().map(String::as_str))?.to_owned());
            } else if self.values.contains(name) {
                value.or_else(|| rest.next().map(String::as_str))?;
            } else if word.starts_with('-') && !self.flags.contains(word) {
                return None;
            } else if !word.starts_with('-') {
                arguments.push(word);
            }
        }
        let directory = match (self.directory.is_empty(), arguments.as_slice()) {
            (true, [argument]) => (*argument).clone(),
            (true, []) => ".".to_owned(),
            (true, _) => return None,
            (false, _) => directory.unwrap_or_else(|| ".".to_owned()),
        };
        (!directory.contains('$') && !directory.contains("://")).then_some(directory)
    }
}

/// What goes with compilers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Toolchain {
    source: String,
    /// Programs of packages that only builds need.
    pub programs: BTreeSet<String>,
    /// Programs that fetch sources.
    pub fetchers: BTreeSet<String>,
    libraries: Vec<ToolchainLibraries>,
    /// Packages that others recommend, of use to programs.
    pub recommended: BTreeSet<String>,
    carried: Vec<Carried>,
    defines: BTreeSet<String>,
    roots: BTreeSet<String>,
    brings: Vec<Brings>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Brings {
    packages: BTreeSet<String>,
    programs: BTreeSet<String>,
    #[serde(default)]
    language: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carried {
    words: BTreeSet<String>,
    apt: String,
    apk: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToolchainLibraries {
    manager: PackageManager,
    packages: BTreeSet<String>,
    libraries: BTreeSet<String>,
}

impl Toolchain {
    /// The packages of libraries that come with compilers, for which a word stands in a text.
    pub fn carried(&self, manager: PackageManager, mentions: impl Fn(&str) -> bool) -> impl Iterator<Item = &str> {
        let rows = self.carried.iter().filter(move |row| row.words.iter().any(|word| mentions(word)));
        rows.filter_map(move |row| match manager {
            PackageManager::Apt => Some(row.apt.as_str()),
            PackageManager::Apk => Some(row.apk.as_str()),
            _ => None,
        })
    }

    /// The programs that are lost with a package that only builds need, beside those that go with all of them.
    pub fn brought(&self, package: &str) -> impl Iterator<Item = &String> {
        self.brings.iter().filter(move |row| row.packages.contains(package)).flat_map(|row| &row.programs)
    }

    /// The language whose code may ask for what the package brings.
    #[must_use]
    pub fn language_of(&self, package: &str) -> Option<&str> {
        self.brings.iter().find(|row| row.packages.contains(package))?.language.as_deref()
    }

    /// The packages of libraries that programs load which were compiled with the package.
    pub fn libraries(&self, manager: PackageManager, package: &str) -> impl Iterator<Item = &str> {
        let rows = self.libraries.iter().filter(move |row| row.manager == manager && row.packages.contains(package));
        rows.flat_map(|row| row.libraries.iter().map(String::as_str))
    }
}

/// A virtual environment for Python packages.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonEnvironment {
    source: String,
    /// Its directory, absolute.
    pub directory: String,
    /// The language of the images.
    pub interpreter: String,
    /// Commands that install what a project names.
    pub projects: BTreeSet<String>,
    /// The command that makes it, without the directory.
    pub make: String,
    /// Commands that make one, without the directory.
    pub also: BTreeSet<String>,
    /// The directory of its programs, below it.
    pub bin: String,
    /// Variables that put packages elsewhere.
    pub variables: BTreeSet<String>,
    /// Options of `pip install`, by their main names, that put packages elsewhere.
    pub options: BTreeSet<String>,
    /// The variable that names the active one.
    pub active: String,
    /// Programs that read it.
    pub activated: BTreeSet<String>,
    /// What makes a command pass over it.
    pub system: PassesOver,
    /// Where packages of a user go.
    pub user: UserBase,
    /// Packages that only install and build, with their programs.
    pub tools: BTreeMap<String, Vec<String>>,
    /// Other packages, with their programs.
    pub scripts: BTreeMap<String, Vec<String>>,
    /// Words of code that starts other programs.
    pub starts: BTreeSet<String>,
    /// Options of `uv sync` that leave nothing to be installed when the same project is run, but for what `--no-dev` and
    /// `--no-install-project` say.
    pub plain_syncs: BTreeSet<String>,
    /// What starts programs in the environment of a project.
    pub starters: Vec<Starter>,
    /// Texts that name the directories of the interpreter itself.
    pub fixed: BTreeSet<String>,
}

/// A program that starts others in the environment of a project.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Starter {
    /// Its name.
    pub program: String,
    /// The subcommand.
    pub subcommand: String,
    /// Options without value that do not change what is started.
    pub flags: BTreeSet<String>,
    /// Subcommands that install the project.
    pub installs: Vec<String>,
    /// The manifest of the project.
    pub manifest: String,
    /// Files that it reads beside it.
    pub files: Vec<String>,
    /// Variables that it sets.
    pub variables: Vec<String>,
    /// Variables of the image that change what it does.
    pub unless: Vec<String>,
    /// Whether it stays beside the program.
    pub stays: bool,
    /// Whether it installs what is missing before.
    pub syncs: bool,
    /// Whether it gives files of Python to the interpreter.
    pub runs_scripts: bool,
    /// Whether names may be scripts of the manifest.
    pub scripts: bool,
    /// Whether the project may be installed into the interpreter's own directories.
    pub of_interpreter: bool,
    source: String,
}

/// Where packages of a user go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserBase {
    /// The directory below the home.
    pub directory: String,
    /// The command, and the option by which it puts them there.
    pub command: String,
    /// See `command`.
    pub option: String,
    /// Variables that say otherwise.
    pub unless: Vec<String>,
}

/// What makes a command pass over virtual environments.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PassesOver {
    /// The command.
    pub command: String,
    /// Options, by their main names.
    pub options: BTreeSet<String>,
    /// A variable.
    pub variable: String,
}

impl StageTable {
    /// Whether the command writes below the directory it runs in only. `subcommand` is empty when there is none.
    #[must_use]
    pub fn writes_below(&self, program: &str, subcommand: &str) -> bool {
        let called = if subcommand.is_empty() { program.to_owned() } else { format!("{program} {subcommand}") };
        self.below.iter().any(|row| row.commands.contains(&called))
    }

    /// Whether the command leaves nothing behind but downloads and manifests.
    #[must_use]
    pub fn is_quiet(&self, program: &str, subcommand: &str) -> bool {
        let called = if subcommand.is_empty() { program.to_owned() } else { format!("{program} {subcommand}") };
        self.quiet.iter().any(|row| row.commands.contains(&called))
    }

    /// Where the command puts the programs that it installs, if it does.
    #[must_use]
    pub fn program_directory(&self, program: &str, subcommand: &str) -> Option<&ProgramDirectory> {
        let called = format!("{program} {subcommand}");
        self.program_directories.iter().find(|row| row.command == called)
    }

    /// Whether the program compiles programs, which it names itself.
    #[must_use]
    pub fn compiles(&self, program: &str) -> bool {
        self.program_directories.iter().any(|row| row.command.split(' ').next() == Some(program))
    }

    /// Whether images of the family have a toolchain that programs do not need.
    #[must_use]
    pub fn has_toolchain(&self, family: &str) -> bool {
        self.runtimes.iter().any(|row| row.family == family) || self.java.images.iter().any(|row| row.family == family)
    }

    /// The row of a build tool of Java.
    #[must_use]
    pub fn java_builder(&self, program: &str) -> Option<&JavaBuilder> {
        self.java.builders.iter().find(|row| row.programs.contains(program))
    }

    /// The paths that the words of a command name as what it makes.
    #[must_use]
    pub fn named_outputs(&self, words: &[String]) -> Vec<String> {
        let Some((program, rest)) = words.split_first() else { return Vec::new() };
        let Some(row) = self.outputs.iter().find(|row| row.program == *program) else { return Vec::new() };
        if let Some((first, second)) = rest.first().zip(rest.get(1))
            && row.letter.is_some_and(|letter| !first.starts_with("--") && first.contains(letter))
        {
            return vec![second.clone()];
        }
        let pairs = rest.windows(2).filter(|pair| row.options.contains(&pair[0])).map(|pair| pair[1].clone());
        let joined =
            rest.iter().filter_map(|word| word.split_once('=')).filter(|(name, _)| row.options.contains(*name));
        pairs.chain(joined.map(|(_, value)| value.to_owned())).collect()
    }

    /// The main name of the option with which a program says what it makes.
    #[must_use]
    pub fn output_option(&self, program: &str) -> &str {
        let row = self.outputs.iter().find(|row| row.program == program);
        row.and_then(|row| row.options.first()).map_or("-o", String::as_str)
    }

    /// The directory that a command serves which is a server of files.
    #[must_use]
    pub fn served(&self, words: &[String]) -> Option<String> {
        self.servers.iter().find_map(|row| row.served(words))
    }

    /// Whether a command only looks at files; a word is `None` when it is known only when it runs.
    #[must_use]
    pub fn only_looks(&self, program: &str, words: &[Option<String>]) -> bool {
        let is_known = |word: &Option<String>| {
            word.as_ref()
                .is_some_and(|word| !self.lookers.unless.iter().any(|option| word.starts_with(option.as_str())))
        };
        let looks = |word: &Option<String>| {
            let options = self.lookers.options.get(program);
            word.as_ref().is_some_and(|word| options.is_some_and(|options| options.contains(word)))
        };
        if let [_, Some(word)] = words
            && self.lookers.any.contains(word)
        {
            return true;
        }
        self.lookers.programs.contains(program) && words.iter().all(is_known) || words.get(1).is_some_and(looks)
    }

    /// Whether the words make the files of a build below the directory that they run in.
    #[must_use]
    pub fn configures(&self, words: &[String]) -> bool {
        self.configures.iter().any(|row| words.starts_with(&row.command))
    }

    /// Whether the command only changes settings of the distribution.
    #[must_use]
    pub fn changes_settings(&self, program: &str) -> bool {
        self.settings.commands.contains(program)
    }

    /// Whether the file holds settings of the distribution.
    #[must_use]
    pub fn is_setting(&self, path: &str) -> bool {
        self.settings.files.contains(path)
    }

    /// Whether settings of the distribution are taken from the path.
    #[must_use]
    pub fn gives_settings(&self, path: &str) -> bool {
        let is_within = |directory: &String| {
            path.strip_prefix(directory.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.settings.reads.iter().any(is_within)
    }

    /// Whether a line of a build tells the compiler where the sources stand.
    #[must_use]
    pub fn tells_the_sources(&self, line: &str) -> bool {
        let has = |words: &BTreeSet<String>| words.iter().any(|word| line.contains(word.as_str()));
        has(&self.toolchain.defines) && has(&self.toolchain.roots)
    }

    /// Whether the command tells the linker of libraries.
    #[must_use]
    pub fn tells_the_linker(&self, program: &str) -> bool {
        self.settings.linkers.contains(program)
    }

    /// The word of a text in code of the language that asks for what only its toolchain has.
    #[must_use]
    pub fn asks_for_toolchain(&self, language: &str, text: &str) -> Option<&str> {
        let row = self.asks.iter().find(|row| row.language == language)?;
        row.words.iter().find(|word| text.contains(word.as_str())).map(String::as_str)
    }

    /// Whether a directory of that name has sources of the language.
    #[must_use]
    pub fn is_source_directory(&self, language: &str, name: &str) -> bool {
        self.sources.languages.iter().any(|row| row.language == language && row.directories.contains(name))
    }

    /// Whether the program comes with a package of its own name.
    #[must_use]
    pub fn is_helper(&self, program: &str) -> bool {
        self.helpers.programs.contains(program)
    }

    /// Whether a text in code of the language starts other programs.
    #[must_use]
    pub fn starts_programs(&self, language: &str, text: &str) -> bool {
        let row = self.starts.iter().find(|row| row.language == language);
        row.is_none_or(|row| row.words.iter().any(|word| text.contains(word.as_str())))
    }

    /// What the program does with a project of Node.
    #[must_use]
    pub fn project_tool(&self, program: &str) -> Option<ProjectTool> {
        self.node.tools.get(program).copied()
    }

    /// Whether a program of that name comes with packages of Node and builds a project.
    #[must_use]
    pub fn is_project_program(&self, program: &str) -> bool {
        self.node.programs.contains(program)
    }

    /// What starts the rest of the argv in the environment of a project, its options, and that rest.
    #[must_use]
    pub fn starter<'a>(&self, argv: &'a [String]) -> Option<(&Starter, &'a [String], &'a [String])> {
        let [program, subcommand, rest @ ..] = argv else { return None };
        let row =
            self.environment.starters.iter().find(|row| row.program == *program && row.subcommand == *subcommand)?;
        let at = rest.iter().position(|word| !row.flags.contains(word)).unwrap_or(rest.len());
        let (flags, rest) = rest.split_at(at);
        let rest = rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest);
        rest.first().filter(|word| !word.starts_with('-')).is_some().then_some((row, flags, rest))
    }

    /// Whether the program makes a site.
    #[must_use]
    pub fn makes_sites(&self, program: &str) -> bool {
        self.generators.programs.contains(program)
    }

    /// Whether the program starts its arguments.
    #[must_use]
    pub fn starts_others(&self, program: &str) -> bool {
        self.node.wrappers.contains(program)
    }

    /// Whether the program makes nothing that an image needs.
    #[must_use]
    pub fn only_checks(&self, program: &str) -> bool {
        self.node.checks.contains(program)
    }

    /// Whether the program removes its arguments.
    #[must_use]
    pub fn removes(&self, program: &str) -> bool {
        self.node.removers.contains(program)
    }

    /// The row of a program that builds with these arguments.
    #[must_use]
    pub fn builder(&self, program: &str, arguments: &[String]) -> Option<&ProjectBuilder> {
        self.node.builders.iter().find(|row| {
            row.program == program && row.first.as_ref().is_none_or(|first| arguments.first() == Some(first))
        })
    }

    /// What removes development dependencies that the program installed.
    #[must_use]
    pub fn pruner(&self, program: &str) -> Option<&Pruner> {
        self.node.pruners.iter().find(|row| row.program == program)
    }

    /// Whether the program compiles sources when it runs them.
    #[must_use]
    pub fn runs_sources(&self, program: &str) -> bool {
        self.node.runs_sources.contains(program)
    }

    /// Whether a file of that path has code of a project of Node.
    #[must_use]
    pub fn is_code(&self, path: &str) -> bool {
        path.rsplit_once('.').is_some_and(|(_, extension)| self.node.code.contains(extension))
    }

    /// Whether a file of that path serves development only.
    #[must_use]
    pub fn is_of_development(&self, path: &str) -> bool {
        let table = &self.node.development;
        let name = path.rsplit('/').next().unwrap_or(path);
        path.split('/').any(|part| table.directories.contains(part))
            || table.contains.iter().any(|part| name.contains(part.as_str()))
    }

    /// Whether only the compiler of the language reads a file of that name.
    #[must_use]
    pub fn is_source(&self, language: &str, name: &str) -> bool {
        let row = self.sources.languages.iter().find(|row| row.language == language);
        row.is_some_and(|row| {
            row.names.contains(name)
                || name.rsplit_once('.').is_some_and(|(_, extension)| row.extensions.contains(extension))
        })
    }

    /// Whether a file of that name says how something is built, in any language.
    #[must_use]
    pub fn is_build_file(&self, name: &str) -> bool {
        self.sources.languages.iter().any(|row| row.names.contains(name))
    }

    /// Whether the program makes accounts.
    #[must_use]
    pub fn makes_accounts(&self, program: &str) -> bool {
        self.accounts.programs.contains(program)
    }

    /// Whether a file of that name only says what to install.
    #[must_use]
    pub fn is_manifest(&self, name: &str) -> bool {
        self.manifests.names.contains(name)
    }

    /// Whether a file or directory of that name holds nothing that a program runs.
    #[must_use]
    pub fn is_never_read(&self, name: &str) -> bool {
        let table = &self.never_read;
        table.names.contains(name)
            || table.starts.iter().any(|start| name.starts_with(start.as_str()))
            || table.ends.iter().chain(&table.texts).any(|end| name.ends_with(end.as_str()))
    }

    /// Whether a file or directory at that path of the build context holds nothing that a program runs or reads: of texts only those
    /// beside the manifests, for others may be pages.
    #[must_use]
    pub fn is_never_read_at(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_text = self.never_read.texts.iter().any(|end| name.ends_with(end.as_str()));
        self.is_never_read(name) && !(is_text && path.contains('/'))
    }

    /// Whether no program relies on what stands at the absolute path.
    #[must_use]
    pub fn is_scratch(&self, path: &str) -> bool {
        self.scratch.iter().any(|directory| {
            path.strip_prefix(directory.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }
}

/// The shipped table.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub fn stages() -> &'static StageTable {
    static TABLE: OnceLock<StageTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_stages(shipped(FILE)).expect("the shipped table of stages decodes"))
}

const FILE: &str = "stages.yaml";

/// Decodes a table of stages.
///
/// # Errors
/// If it cannot be used: a row without source, a path that is not absolute.
pub fn decode_stages(text: &str) -> Result<StageTable, TableError> {
    let table: StageTable = decode_file(FILE, text)?;
    let others = [
        &table.accounts.source,
        &table.environment.source,
        &table.front_ends.source,
        &table.install.source,
        &table.login.source,
        &table.manifests.source,
        &table.never_read.source,
        &table.node.source,
        &table.sources.source,
        &table.crates.source,
        &table.generators.source,
        &table.helpers.source,
        &table.java.source,
        &table.ruby.source,
        &table.lookers.source,
        &table.settings.source,
        &table.perl.source,
        &table.php.source,
        &table.zones.source,
        &table.toolchain.source,
    ];
    let has_sources = table
        .below
        .iter()
        .chain(&table.quiet)
        .map(|row| &row.source)
        .chain(table.runtimes.iter().map(|row| &row.source))
        .chain(table.starts.iter().chain(&table.asks).map(|row| &row.source))
        .chain(table.outputs.iter().map(|row| &row.source))
        .chain(table.configures.iter().map(|row| &row.source))
        .chain(table.environment.starters.iter().map(|row| &row.source))
        .chain(table.servers.iter().map(|row| &row.source))
        .chain(table.program_directories.iter().map(|row| &row.source))
        .chain(others)
        .all(|source| !source.trim().is_empty());
    if !has_sources {
        return Err(invalid(FILE, "the file", "source", "it is empty"));
    }
    if !table.scratch.iter().chain([&table.environment.directory]).all(|path| path.starts_with('/')) {
        return Err(invalid(FILE, "the file", "scratch", "a path is not absolute"));
    }
    Ok(table)
}
