//! A view of `pip install`, `pip download` and `pip wheel`, and of `uv pip install`.

use super::{Argument, Invocation};

/// The directory of packages that are named by their files: `dist/*.whl`.
#[must_use]
pub fn built_package(requirement: &Argument) -> Option<&str> {
    let (directory, name) = requirement.pattern.as_deref()?.rsplit_once('/')?;
    let is_file = name == "*" || [".whl", ".tar.gz"].iter().any(|end| name.ends_with(end));
    (is_file && !directory.contains("://")).then_some(directory)
}

/// What pip reads and where it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PipInstall<'a> {
    /// Requirements on the command line: names with version specifiers, paths, addresses.
    pub requirements: Vec<&'a Argument>,
    /// Requirement files, `-r`.
    pub requirement_files: Vec<&'a Argument>,
    /// Constraint files, `-c`.
    pub constraint_files: Vec<&'a Argument>,
    /// Projects installed in place, `-e`.
    pub editables: Vec<&'a Argument>,
    /// Whether nothing is kept in pip's cache, by option or environment.
    pub no_cache: bool,
    /// The cache directory, by option.
    pub cache_dir: Option<&'a Argument>,
    /// Whether the packages go to the user's home.
    pub user: bool,
    /// Where the packages go, if not to the environment: `--target`, `--prefix` or `--root`.
    pub destination: Option<&'a Argument>,
}

impl<'a> PipInstall<'a> {
    /// The view of `invocation`, if it is one of pip's.
    #[must_use]
    pub fn of(invocation: &'a Invocation) -> Option<Self> {
        let install = match (invocation.program.as_str(), invocation.subcommand()) {
            ("pip", name) => matches!(name, "install" | "download" | "wheel"),
            ("uv", name) => name == "pip install",
            _ => false,
        };
        if !install {
            return None;
        }
        let named = |name: &'static str| invocation.values(name).collect();
        let off = |value: &str| matches!(value.to_ascii_lowercase().as_str(), "" | "0" | "false" | "no" | "off");
        let variable = |name: &str| invocation.variable(name).and_then(|variable| variable.value.as_deref());
        let no_cache_variable =
            ["PIP_NO_CACHE_DIR", "UV_NO_CACHE"].into_iter().filter_map(variable).any(|value| !off(value));
        let destination =
            ["--target", "--prefix", "--root"].into_iter().find_map(|name| invocation.values(name).last());
        Some(Self {
            requirements: invocation.arguments.iter().collect(),
            requirement_files: named("--requirement"),
            constraint_files: named("--constraint"),
            editables: named("--editable"),
            no_cache: invocation.has("--no-cache-dir") || invocation.has("--no-cache") || no_cache_variable,
            cache_dir: invocation.values("--cache-dir").last(),
            user: invocation.has("--user"),
            destination,
        })
    }
}
