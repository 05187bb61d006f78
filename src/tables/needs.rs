//! What commands and packages need of an image: `needs.yaml`, `packages/python.yaml`, `packages/node.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::own::{self, OwnTables};
use super::{Source, TableError, decode_file, invalid, shipped};

/// What a command does with the image beside itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum CommandKind {
    /// It starts no other program than those of its row.
    Nothing,
    /// It starts the program that its arguments name.
    Arguments,
    /// It reads a script.
    Shell,
    /// It runs code of the application and of its dependencies.
    Application,
    /// It installs packages of PyPI.
    PythonPackages,
    /// It installs packages of npm.
    NodePackages,
    /// It runs a script of package.json.
    NodeScript,
    /// It runs a program of the packages of npm.
    NodeRunner,
    /// It installs packages of the distribution.
    Packages,
}

/// The row of a command.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CommandNeeds {
    /// What it does.
    pub kind: CommandKind,
    source: String,
    commands: Vec<String>,
    /// Whether it needs certificates for an address with `https:`.
    #[serde(default)]
    pub https: bool,
    /// Programs that it starts.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Programs that it starts for an address with one of these beginnings.
    #[serde(default)]
    pub remote: BTreeMap<String, String>,
    /// Programs that it starts for files with these endings, and for these letters of options.
    #[serde(default)]
    pub packed: BTreeMap<String, String>,
    /// Options without one of which it may do more.
    #[serde(default)]
    pub options: Vec<String>,
    /// Options with which it starts a program; `*` is one that their value names.
    #[serde(default)]
    pub starts: BTreeMap<String, String>,
    /// What stands in an argument that makes it start programs.
    #[serde(default)]
    pub calls: Vec<String>,
    /// Endings of the archives that it unpacks by itself; what another one takes shows when it runs.
    #[serde(default)]
    pub archives: Vec<String>,
}

/// A module that loads a library of the system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportNeeds {
    /// Its name.
    pub module: String,
    /// Programs that it starts.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Libraries that it loads.
    #[serde(default)]
    pub libraries: Vec<String>,
    source: String,
}

/// What code in files with some endings says that starts programs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlsoStarts {
    endings: BTreeSet<String>,
    words: Vec<String>,
    source: String,
}

/// What is known of projects of Python that are installed themselves.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProjectNeeds {
    source: String,
    /// How the names of build backends begin that compile nothing by themselves.
    pub backends: Vec<String>,
    /// Words of a `setup.py` that compiles something.
    pub compiles: Vec<String>,
    /// Words of a `setup.py` that may link it with libraries of the system.
    pub links: Vec<String>,
}

/// `needs.yaml`, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedsTable {
    /// Where the rows are from.
    pub sources: Vec<Source>,
    rows: Vec<CommandNeeds>,
    code: BTreeSet<String>,
    empty: BTreeSet<String>,
    /// What code says that starts programs, or loads libraries by name.
    pub starts: Vec<String>,
    also_starts: Vec<AlsoStarts>,
    /// Projects of Python that are installed themselves.
    pub projects: ProjectNeeds,
    /// Modules that load a library of the system.
    pub imports: Vec<ImportNeeds>,
    contained: BTreeSet<String>,
    unpacked: BTreeSet<String>,
}

impl NeedsTable {
    /// Whether the code of a file says that it starts programs, or loads libraries by name.
    #[must_use]
    pub fn starts_others(&self, path: &str, text: &str) -> bool {
        let ending = path.rsplit('.').next().unwrap_or_default();
        let rows = self.also_starts.iter().filter(|row| row.endings.contains(ending));
        self.starts.iter().chain(rows.flat_map(|row| &row.words)).any(|word| text.contains(word.as_str()))
    }

    /// The table with the rows of a project, which count before the others; the last one of a command first.
    fn with(&self, own: &OwnTables) -> Self {
        Self { rows: own.needs.iter().rev().chain(&self.rows).cloned().collect(), ..self.clone() }
    }

    /// The row of a command; one of the program alone speaks of every subcommand without a row of its own.
    #[must_use]
    pub fn command(&self, program: &str, subcommand: &str) -> Option<&CommandNeeds> {
        let find = |name: &str| self.rows.iter().find(|row| row.commands.iter().any(|command| command == name));
        let whole = (!subcommand.is_empty()).then(|| find(&format!("{program} {subcommand}"))).flatten();
        whole.or_else(|| find(program).filter(|row| subcommand.is_empty() || row.kind != CommandKind::NodePackages))
    }

    /// What a program may need whose arguments are not known: whether the certificates of authorities, and the programs that
    /// it starts for some addresses.
    #[must_use]
    pub fn at_most(&self, program: &str) -> (bool, Vec<&str>) {
        let is_of = |row: &&CommandNeeds| row.commands.iter().any(|name| name.split(' ').next() == Some(program));
        let rows: Vec<&CommandNeeds> = self.rows.iter().filter(is_of).collect();
        let started = rows.iter().flat_map(|row| row.remote.values().map(String::as_str)).collect();
        (rows.iter().any(|row| row.https), started)
    }

    /// Whether a file of that name holds code.
    #[must_use]
    pub fn is_code(&self, name: &str) -> bool {
        name.rsplit_once('.').is_some_and(|(_, ending)| self.code.contains(ending))
    }

    /// Whether a code file of that name is empty by convention.
    #[must_use]
    pub fn is_empty_by_convention(&self, name: &str) -> bool {
        self.empty.contains(name)
    }

    /// Whether the programs of an image are static.
    #[must_use]
    pub fn is_contained(&self, image: &str) -> bool {
        self.contained.contains(image)
    }

    /// Whether a directory of that name holds what others wrote.
    #[must_use]
    pub fn is_unpacked(&self, name: &str) -> bool {
        self.unpacked.contains(name)
    }
}

/// What a package needs when it runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PackageNeeds {
    /// Programs.
    #[serde(default)]
    pub programs: Vec<String>,
    /// Libraries, by the names under which they are loaded.
    #[serde(default)]
    pub libraries: Vec<String>,
    /// Extras with which it needs neither.
    #[serde(default)]
    pub unless: Vec<String>,
}

/// `packages/python.yaml`, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PythonTable {
    /// Where the rows are from.
    pub sources: Vec<Source>,
    pure: BTreeSet<String>,
    universal: String,
    wheels: String,
    with_extras: String,
    extras: BTreeMap<String, Vec<String>>,
    compiled: BTreeMap<String, Vec<String>>,
    needs: BTreeMap<String, PackageNeeds>,
}

/// How a package of PyPI is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wheel<'a> {
    /// Every version without a compiler.
    Any,
    /// From this version on.
    From(&'a str),
    /// The table does not know.
    Unknown,
}

impl PythonTable {
    /// The table with the packages of a project.
    fn with(&self, own: &OwnTables) -> Self {
        let (mut table, own) = (self.clone(), own.packages.python.clone());
        table.pure.extend(own.pure);
        table.extras.extend(own.extras);
        table.needs.extend(own.needs);
        table
    }

    /// How the package, by its normalised name, is installed for a minor version of Python such as `3.12`.
    #[must_use]
    pub fn wheel(&self, package: &str, python: &str) -> Wheel<'_> {
        if self.pure.contains(package) {
            return Wheel::Any;
        }
        let of_minor = || of_minor(row(&self.wheels, package)?, python);
        row(&self.universal, package).or_else(of_minor).map_or(Wheel::Unknown, Wheel::From)
    }

    /// How the package is installed where no wheel for one platform fits.
    #[must_use]
    pub fn universal(&self, package: &str) -> Wheel<'_> {
        if self.pure.contains(package) {
            return Wheel::Any;
        }
        row(&self.universal, package).map_or(Wheel::Unknown, Wheel::From)
    }

    /// How the package is installed with one of its extras.
    #[must_use]
    pub fn extra(&self, package: &str, extra: &str, python: &str) -> Wheel<'_> {
        if self.extras.get(package).is_some_and(|extras| extras.iter().any(|known| known == extra)) {
            return Wheel::Any;
        }
        row(&self.with_extras, &format!("{package}[{extra}]"))
            .and_then(|versions| of_minor(versions, python))
            .map_or(Wheel::Unknown, Wheel::From)
    }

    /// The libraries that the package may load when it was compiled where full images have headers; `None` when that is not known.
    #[must_use]
    pub fn compiled(&self, package: &str) -> Option<&[String]> {
        self.compiled.get(package).map(Vec::as_slice)
    }

    /// What the package needs when it runs.
    #[must_use]
    pub fn needs(&self, package: &str) -> Option<&PackageNeeds> {
        self.needs.get(package)
    }
}

/// What stands behind the name in a list of lines: thousands of rows cost nothing before one is looked for.
fn row<'a>(lines: &'a str, name: &str) -> Option<&'a str> {
    lines.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
}

/// The version of `1.0`, or of `3.11:1.0 3.12:2.0`, for a minor version of Python.
fn of_minor<'a>(versions: &'a str, python: &str) -> Option<&'a str> {
    if !versions.contains(':') {
        return Some(versions);
    }
    versions.split(' ').find_map(|pair| pair.strip_prefix(python)?.strip_prefix(':'))
}

/// `packages/node.yaml`, decoded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeTable {
    /// Where the rows are from.
    pub sources: Vec<Source>,
    nothing: BTreeSet<String>,
    compiled: BTreeSet<String>,
    helpers: BTreeSet<String>,
    outside: BTreeSet<String>,
    needs: BTreeMap<String, PackageNeeds>,
}

impl NodeTable {
    /// The table with the packages of a project.
    fn with(&self, own: &OwnTables) -> Self {
        let (mut table, own) = (self.clone(), own.packages.node.clone());
        table.nothing.extend(own.nothing);
        table.needs.extend(own.needs);
        table
    }

    /// Whether the install scripts of the package need nothing beside Node.js.
    #[must_use]
    pub fn installs_alone(&self, package: &str) -> bool {
        self.nothing.contains(package)
    }

    /// Whether packages that compile something, or fetch it, depend on the package.
    #[must_use]
    pub fn is_helper(&self, package: &str) -> bool {
        self.helpers.contains(package)
    }

    /// Whether the install script of the package writes to other places than those of the packages.
    #[must_use]
    pub fn writes_outside(&self, package: &str) -> bool {
        self.outside.contains(package)
    }

    /// Whether the install scripts of the package may compile it, and what they make loads nothing that an image may lack.
    #[must_use]
    pub fn compiles_alone(&self, package: &str) -> bool {
        self.compiled.contains(package)
    }

    /// What the package needs when it runs.
    #[must_use]
    pub fn needs(&self, package: &str) -> Option<&PackageNeeds> {
        self.needs.get(package)
    }
}

/// The table of commands in force.
pub fn needs() -> &'static NeedsTable {
    own::table(shipped_needs, |merged| &merged.needs, NeedsTable::with)
}

/// The table of packages of PyPI in force.
pub fn python_packages() -> &'static PythonTable {
    own::table(shipped_python, |merged| &merged.python, PythonTable::with)
}

/// The table of packages of npm in force.
pub fn node_packages() -> &'static NodeTable {
    own::table(shipped_node, |merged| &merged.node, NodeTable::with)
}

fn shipped_needs() -> &'static NeedsTable {
    static TABLE: OnceLock<NeedsTable> = OnceLock::new();
    TABLE.get_or_init(|| decode_needs(shipped("needs.yaml")).expect("the shipped table of needs decodes"))
}

fn shipped_python() -> &'static PythonTable {
    static TABLE: OnceLock<PythonTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        decode_file("packages/python.yaml", shipped("packages/python.yaml")).expect("the shipped table decodes")
    })
}

fn shipped_node() -> &'static NodeTable {
    static TABLE: OnceLock<NodeTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        decode_file("packages/node.yaml", shipped("packages/node.yaml")).expect("the shipped table decodes")
    })
}

/// Decodes a table of commands.
///
/// # Errors
/// If it cannot be used: a row without source, a command in two rows.
pub fn decode_needs(text: &str) -> Result<NeedsTable, TableError> {
    let file = "needs.yaml";
    let table: NeedsTable = decode_file(file, text)?;
    let mut seen = BTreeSet::new();
    for (row, needs) in table.rows.iter().enumerate() {
        let row = format!("row {}", row + 1);
        if needs.source.trim().is_empty() {
            return Err(invalid(file, row, "source", "it is empty"));
        }
        if let Some(twice) = needs.commands.iter().find(|command| !seen.insert(command.as_str())) {
            return Err(invalid(file, row, "commands", format!("`{twice}` stands in two rows")));
        }
    }
    if table.projects.source.is_empty() {
        return Err(invalid(file, "projects", "source", "it is empty"));
    }
    if table.also_starts.iter().any(|row| row.source.is_empty()) {
        return Err(invalid(file, "also_starts", "source", "it is empty"));
    }
    if let Some(import) = table.imports.iter().find(|import| import.source.is_empty()) {
        return Err(invalid(file, &import.module, "source", "it is empty"));
    }
    Ok(table)
}

/// Decodes the shipped tables of packages.
pub(super) fn check_packages() -> Result<(), TableError> {
    let file = "packages/python.yaml";
    let python: PythonTable = decode_file(file, shipped(file))?;
    let parts = [("universal", &python.universal), ("wheels", &python.wheels), ("with_extras", &python.with_extras)];
    for (field, lines) in parts {
        let names: Vec<&str> = lines.lines().filter_map(|line| line.split(' ').next()).collect();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(invalid(file, pair[1], field, "it stands in the wrong place, or twice"));
        }
        let is_version = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
        let is_row = |line: &&str| line.split(' ').skip(1).all(|word| word.split(':').all(is_version));
        if let Some(line) = lines.lines().find(|line| !line.contains(' ') || !is_row(line)) {
            return Err(invalid(file, line, field, "it is no name with versions"));
        }
    }
    decode_file::<NodeTable>("packages/node.yaml", shipped("packages/node.yaml"))?;
    Ok(())
}
