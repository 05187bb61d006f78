//! One view of the package managers of distributions.

use super::{Argument, Invocation};

/// A family of package managers that read their arguments alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Manager {
    /// apt-get, apt, aptitude.
    Apt,
    /// apk of Alpine.
    Apk,
    /// dnf, yum, microdnf, tdnf.
    Dnf,
    /// zypper of SUSE.
    Zypper,
    /// pacman of Arch.
    Pacman,
}

/// What a command of a package manager does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Downloads the lists of packages.
    Refresh,
    /// Installs the packages.
    Install,
    /// Replaces installed packages by newer ones.
    Upgrade,
    /// Removes packages.
    Remove,
    /// Deletes downloaded files.
    Clean,
    /// Anything else.
    Other,
}

/// A command of a package manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageCommand<'a> {
    /// The family of the program.
    pub manager: Manager,
    /// What it does.
    pub action: Action,
    /// The packages whose names are known.
    pub packages: Vec<Package<'a>>,
    /// Arguments that are known only when the command runs, and patterns.
    pub dynamic: Vec<&'a Argument>,
    /// Whether it asks no questions.
    pub assume_yes: bool,
    /// Whether packages that are merely recommended stay out. For apk and pacman, which have no such thing, false.
    pub no_recommends: bool,
    /// The name that `apk add --virtual` gives to the packages.
    pub virtual_name: Option<&'a Argument>,
}

/// A package in the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package<'a> {
    /// Its word.
    pub argument: &'a Argument,
    /// The name without version, release and architecture.
    pub name: &'a str,
    /// What follows `=`, or apk's `<`, `>` and `~` with the operator.
    pub version: Option<&'a str>,
    /// apt's release in `name/release`.
    pub release: Option<&'a str>,
    /// apt's architecture in `name:architecture`.
    pub architecture: Option<&'a str>,
    /// What the word stands for.
    pub kind: PackageKind,
}

/// What the word of a package stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PackageKind {
    /// A package of a repository.
    Named,
    /// A package file.
    File,
    /// The address of a package file.
    Url,
    /// A group or pattern of packages: `@group` of dnf and pacman.
    Group,
    /// The opposite of the command: `name-` of apt, which removes when it installs, and `!name` of apk.
    Opposite,
}

impl<'a> PackageCommand<'a> {
    /// The view of `invocation`, if its program is a package manager and says what it does.
    #[must_use]
    pub fn of(invocation: &'a Invocation) -> Option<Self> {
        let manager = match invocation.program.as_str() {
            "apt-get" | "apt" | "aptitude" => Manager::Apt,
            "apk" => Manager::Apk,
            "dnf" | "yum" | "microdnf" | "tdnf" | "dnf5" => Manager::Dnf,
            "zypper" => Manager::Zypper,
            "pacman" => Manager::Pacman,
            _ => return None,
        };
        let action = action(manager, invocation)?;
        let mut packages = Vec::new();
        let mut dynamic = Vec::new();
        for argument in &invocation.arguments {
            match argument.text.as_deref().and_then(|text| package(manager, argument, text)) {
                Some(package) => packages.push(package),
                None => dynamic.push(argument),
            }
        }
        Some(Self {
            manager,
            action,
            packages,
            dynamic,
            assume_yes: assumes_yes(manager, invocation),
            no_recommends: leaves_recommends(manager, invocation),
            virtual_name: invocation.values("--virtual").last(),
        })
    }

    /// Whether every package is known, and no option is unknown that might own one.
    #[must_use]
    pub fn is_known(&self, invocation: &Invocation) -> bool {
        self.dynamic.is_empty() && invocation.unknown_option.is_none()
    }
}

fn action(manager: Manager, invocation: &Invocation) -> Option<Action> {
    if manager == Manager::Pacman {
        return Some(pacman_action(invocation));
    }
    let name = &invocation.subcommand.as_ref()?.name;
    Some(match (manager, name.as_str()) {
        (Manager::Apt | Manager::Apk, "update") | (Manager::Dnf, "makecache" | "check-update") => Action::Refresh,
        (Manager::Zypper, "refresh") => Action::Refresh,
        (Manager::Apk, "add") => Action::Install,
        (Manager::Apk, "del") => Action::Remove,
        (Manager::Apt | Manager::Dnf | Manager::Zypper, "install") | (Manager::Apt | Manager::Dnf, "reinstall") => {
            Action::Install
        }
        (Manager::Apt, "upgrade" | "dist-upgrade" | "full-upgrade") | (Manager::Apk, "upgrade") => Action::Upgrade,
        (Manager::Dnf, "update" | "update-minimal" | "distro-sync") => Action::Upgrade,
        (Manager::Zypper, "update" | "dist-upgrade" | "patch") => Action::Upgrade,
        (Manager::Apt, "remove" | "purge" | "autoremove" | "autopurge") => Action::Remove,
        (Manager::Dnf, "remove" | "autoremove") | (Manager::Zypper, "remove") => Action::Remove,
        (Manager::Apt, "clean" | "autoclean" | "distclean") | (Manager::Apk, "cache clean") => Action::Clean,
        (Manager::Dnf | Manager::Zypper, "clean") => Action::Clean,
        _ => Action::Other,
    })
}

fn pacman_action(invocation: &Invocation) -> Action {
    if invocation.has("--remove") {
        return Action::Remove;
    }
    if invocation.has("--upgrade") {
        return Action::Install;
    }
    let quiet = ["--search", "--info", "--list", "--groups", "--print"];
    if !invocation.has("--sync") || quiet.iter().any(|option| invocation.has(option)) {
        return Action::Other;
    }
    match () {
        () if invocation.has("--clean") => Action::Clean,
        () if !invocation.arguments.is_empty() => Action::Install,
        () if invocation.has("--sysupgrade") => Action::Upgrade,
        () if invocation.has("--refresh") => Action::Refresh,
        () => Action::Other,
    }
}

fn assumes_yes(manager: Manager, invocation: &Invocation) -> bool {
    match manager {
        Manager::Apk => !invocation.has("--interactive"),
        // `-qq` implies `-y`, as does `APT::Get::Assume-Yes`.
        Manager::Apt => {
            let n_quiet = invocation.options("--quiet").count();
            let level =
                invocation.values("--quiet").last().and_then(|value| value.text.as_deref()?.parse::<usize>().ok());
            let quiet = level.unwrap_or(n_quiet) >= 2 || invocation.has("-qq");
            quiet || invocation.has("--yes") || has_apt_setting(invocation, "apt::get::assume-yes", true)
        }
        Manager::Dnf => invocation.has("--assumeyes"),
        Manager::Zypper => invocation.has("--non-interactive") || invocation.has("--yes"),
        Manager::Pacman => invocation.has("--noconfirm"),
    }
}

fn leaves_recommends(manager: Manager, invocation: &Invocation) -> bool {
    match manager {
        Manager::Apt => {
            invocation.has("--no-install-recommends")
                || has_apt_setting(invocation, "apt::install-recommends", false)
                || invocation.values("--install-recommends").any(|value| value.text.as_deref() == Some("false"))
        }
        Manager::Dnf => invocation.values("--setopt").any(|value| {
            matches!(
                value.text.as_deref(),
                Some("install_weak_deps=False" | "install_weak_deps=false" | "install_weak_deps=0")
            )
        }),
        Manager::Zypper => invocation.has("--no-recommends"),
        Manager::Apk | Manager::Pacman => false,
    }
}

/// Whether `-o name=value` turns the setting of apt on or off.
fn has_apt_setting(invocation: &Invocation, name: &str, on: bool) -> bool {
    let value = invocation.values("--option").rev().find_map(|option| {
        let (key, value) = option.text.as_deref()?.split_once('=')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"').to_ascii_lowercase())
    });
    value.is_some_and(|value| {
        if on { matches!(&*value, "true" | "1" | "yes") } else { matches!(&*value, "false" | "0" | "no") }
    })
}

/// Reads the word of a package; `None` for a pattern.
fn package<'a>(manager: Manager, argument: &'a Argument, text: &'a str) -> Option<Package<'a>> {
    let plain =
        Package { argument, name: text, version: None, release: None, architecture: None, kind: PackageKind::Named };
    if text.contains("://") {
        return Some(Package { kind: PackageKind::Url, ..plain });
    }
    if text.starts_with(['/', '.', '~']) && !(manager == Manager::Apk && is_virtual(text)) {
        return Some(Package { kind: PackageKind::File, ..plain });
    }
    if let Some(name) = text.strip_prefix('@') {
        return Some(Package { kind: PackageKind::Group, name, ..plain });
    }
    if text.is_empty() || text.contains(['*', '?', '[', '(', '^', '$', '|', ' ']) {
        return None;
    }
    Some(match manager {
        Manager::Apt => apt_package(plain),
        Manager::Apk => apk_package(plain),
        Manager::Zypper => match text.split_once(['=', '<', '>']) {
            Some((name, version)) => Package { name, version: Some(version), ..plain },
            None => plain,
        },
        Manager::Dnf | Manager::Pacman => plain,
    })
}

/// Whether the name is that of a virtual package of apk: `.build-deps`.
fn is_virtual(text: &str) -> bool {
    text.starts_with('.') && !text.contains('/')
}

fn apt_package(package: Package<'_>) -> Package<'_> {
    let text = package.name;
    let (text, version) = text.split_once('=').map_or((text, None), |(name, version)| (name, Some(version)));
    let (text, release) = text.split_once('/').map_or((text, None), |(name, release)| (name, Some(release)));
    let (kind, text) = match text.strip_suffix('-') {
        Some(name) if version.is_none() => (PackageKind::Opposite, name),
        // `g++` is a package; `name+` installs, which only counts where the command removes.
        _ => (PackageKind::Named, text.strip_suffix('+').filter(|name| !name.ends_with('+')).unwrap_or(text)),
    };
    let (name, architecture) = text.split_once(':').map_or((text, None), |(name, arch)| (name, Some(arch)));
    Package { name, version, release, architecture, kind, ..package }
}

fn apk_package(package: Package<'_>) -> Package<'_> {
    let (kind, text) = match package.name.strip_prefix('!') {
        Some(name) => (PackageKind::Opposite, name),
        None => (PackageKind::Named, package.name),
    };
    let (name, version) = match text.find(['=', '<', '>', '~']) {
        // `=1.2` pins; the other operators stay with the version.
        Some(idx) if text[idx..].starts_with('=') => (&text[..idx], Some(&text[idx + 1..])),
        Some(idx) => (&text[..idx], Some(&text[idx..])),
        None => (text, None),
    };
    // `name@tag` takes the package from a tagged repository.
    let (name, release) = name.split_once('@').map_or((name, None), |(name, tag)| (name, Some(tag)));
    Package { name, version, release, kind, ..package }
}
