//! Accounts: `useradd`, `groupadd` and Debian's `adduser` and `addgroup` in the form of busybox.
//!
//! busybox has single letters, takes groups by name only, makes the home directory unless told not to, and asks for a password
//! unless told not to. Names and numbers that accounts of Alpine have are declined.

use std::collections::BTreeMap;

use crate::model::cache::Refusal;
use crate::model::call::Call;
use crate::tables;

/// The accounts that the file has made so far.
#[derive(Debug, Default)]
pub(in crate::model) struct Accounts {
    /// Groups with their numbers, if these are given.
    groups: BTreeMap<String, Option<u32>>,
    users: BTreeMap<String, Option<u32>>,
}

impl Accounts {
    /// Whether none was made.
    pub(in crate::model) fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.users.is_empty()
    }

    /// Whether an account of that name was made.
    pub(in crate::model) fn has(&self, name: &str) -> bool {
        self.groups.contains_key(name) || self.users.contains_key(name)
    }
}

const UNLOCK: &str = "plain `groupadd` and `useradd`, with names and numbers that Alpine does not have";

/// The commands of busybox that take the place of one of Debian.
pub(super) fn translate(call: &Call<'_>, accounts: &mut Accounts) -> Result<Vec<String>, Refusal> {
    let refuse = |reason: String| (reason, UNLOCK);
    if !call.command.redirects.is_empty() || !call.command.assignments.is_empty() {
        return Err(refuse(format!("`{}` is called in a way that is not understood", call.program())));
    }
    let commands = match call.program() {
        "groupadd" | "addgroup" => group(call, accounts),
        "useradd" => user(call, accounts),
        "adduser" => debian_user(call, accounts),
        _ => join(call, accounts),
    };
    commands.map_err(refuse)
}

/// The options of a call, each of which has to be taken.
struct Options<'a> {
    call: &'a Call<'a>,
    taken: Vec<&'static str>,
}

impl<'a> Options<'a> {
    fn new(call: &'a Call<'a>) -> Self {
        Self { call, taken: Vec::new() }
    }

    fn flag(&mut self, name: &'static str) -> bool {
        self.taken.push(name);
        self.call.option(&[name]).is_some()
    }

    /// The value of an option; an error when it is known only when the command runs.
    fn value(&mut self, name: &'static str) -> Result<Option<&'a str>, String> {
        self.taken.push(name);
        let option = self.call.options().iter().rev().find(|option| option.name == name);
        let Some(option) = option else { return Ok(None) };
        let text = option.value.as_ref().and_then(|value| value.text.as_deref());
        text.map(Some).ok_or_else(|| format!("the value of `{name}` is known only when the command runs"))
    }

    fn number(&mut self, name: &'static str) -> Result<Option<u32>, String> {
        let value = self.value(name)?;
        value.map(|text| text.parse().map_err(|_| format!("`{name} {text}` is no number"))).transpose()
    }

    /// Checks that no other option is there.
    fn done(self) -> Result<(), String> {
        let other = self.call.options().iter().find(|option| !self.taken.contains(&option.name.as_str()));
        other.map_or(Ok(()), |other| Err(format!("`{}` has no counterpart in busybox", other.name)))
    }
}

/// The operands, which have to be plain names.
fn names<'a>(call: &'a Call<'_>) -> Result<Vec<&'a str>, String> {
    let is_plain = |text: &&str| {
        text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
            && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'_' | b'-'))
    };
    let name =
        |text: Option<&'a str>| text.filter(is_plain).ok_or_else(|| "the name of an account is not plain".to_owned());
    call.operands().iter().map(|operand| name(operand.text.as_deref())).collect()
}

fn new_group(accounts: &mut Accounts, name: &str, id: Option<u32>, system: bool) -> Result<String, String> {
    if tables::alpine().has_group(name, id) {
        let number = id.map_or_else(String::new, |id| format!(" or its number {id}"));
        return Err(format!("Alpine has a group `{name}`{number} already"));
    }
    accounts.groups.insert(name.to_owned(), id);
    let id = id.map_or_else(String::new, |id| format!("-g {id} "));
    Ok(format!("addgroup {}{id}{name}", if system { "-S " } else { "" }))
}

fn group(call: &Call<'_>, accounts: &mut Accounts) -> Result<Vec<String>, String> {
    let mut options = Options::new(call);
    options.flag("--quiet");
    let system = options.flag("--system");
    let id = options.number("--gid")?;
    options.done()?;
    match names(call)?.as_slice() {
        [name] => Ok(vec![new_group(accounts, name, id, system)?]),
        [user, group] if id.is_none() && !system => Ok(vec![member(accounts, user, group)?]),
        _ => Err("the names of the accounts are not understood".to_owned()),
    }
}

fn member(accounts: &Accounts, user: &str, group: &str) -> Result<String, String> {
    match accounts.groups.contains_key(group) || tables::alpine().has_group(group, None) {
        true => Ok(format!("addgroup {user} {group}")),
        false => Err(format!("Alpine has no group `{group}`")),
    }
}

/// `usermod -aG group user`.
fn join(call: &Call<'_>, accounts: &Accounts) -> Result<Vec<String>, String> {
    let mut options = Options::new(call);
    let appends = options.flag("--append");
    let groups = options.value("--groups")?.filter(|_| appends);
    options.done()?;
    match (groups, names(call)?.as_slice()) {
        (Some(groups), [user]) => groups.split(',').map(|group| member(accounts, user, group)).collect(),
        _ => Err("`usermod` has no counterpart in busybox".to_owned()),
    }
}

/// An account as busybox makes it.
#[derive(Default)]
struct User<'a> {
    name: &'a str,
    system: bool,
    id: Option<u32>,
    /// Whether the home directory is made.
    has_home: bool,
    home: Option<&'a str>,
    shell: Option<&'a str>,
    comment: Option<&'a str>,
    /// The primary group.
    group: String,
}

impl User<'_> {
    fn command(&self, accounts: &mut Accounts) -> Result<String, String> {
        if tables::alpine().has_user(self.name, self.id) {
            return Err(format!("Alpine has an account `{}`, or one with its number, already", self.name));
        }
        accounts.users.insert(self.name.to_owned(), self.id);
        let mut words = vec!["adduser".to_owned()];
        if self.system {
            words.push("-S".to_owned());
        }
        words.push("-D".to_owned());
        if !self.has_home {
            words.push("-H".to_owned());
        }
        words.extend(self.id.map(|id| format!("-u {id}")));
        words.extend(self.home.map(|home| format!("-h {home}")));
        words.extend(self.shell.map(|shell| format!("-s {shell}")));
        words.extend(self.comment.map(|comment| format!("-g \"{comment}\"")));
        words.push(format!("-G {} {}", self.group, self.name));
        Ok(words.join(" "))
    }
}

fn plain_path(path: Option<&str>) -> Result<Option<&str>, String> {
    let is_plain =
        |path: &str| path.starts_with('/') && path.bytes().all(|c| c.is_ascii_alphanumeric() || b"/._-".contains(&c));
    match path {
        Some(path) if !is_plain(path) => Err(format!("`{path}` is no plain path")),
        path => Ok(path),
    }
}

fn plain_comment(comment: Option<&str>) -> Result<Option<&str>, String> {
    let is_plain = |text: &str| text.bytes().all(|c| c.is_ascii_alphanumeric() || b" ._-,".contains(&c));
    match comment {
        Some(comment) if !is_plain(comment) => Err("the comment of the account is not plain".to_owned()),
        comment => Ok(comment),
    }
}

/// The shell of an account. Without bash, what asks for it gets `/bin/sh`.
fn shell(path: Option<&str>) -> Result<Option<&'static str>, String> {
    let Some(path) = path else { return Ok(None) };
    tables::alpine().shell(path).map(Some).ok_or_else(|| format!("whether Alpine has the shell `{path}` is not known"))
}

/// The name of a group that is given by name or number.
fn group_name(accounts: &Accounts, group: &str) -> Result<String, String> {
    let by_number = || {
        let id: u32 = group.parse().ok()?;
        accounts.groups.iter().find_map(|(name, known)| (*known == Some(id)).then(|| name.clone()))
    };
    if accounts.groups.contains_key(group) {
        return Ok(group.to_owned());
    }
    let root = || matches!(group, "0" | "root").then(|| "root".to_owned());
    by_number().or_else(root).ok_or_else(|| format!("which group `{group}` is on Alpine is not known"))
}

fn user(call: &Call<'_>, accounts: &mut Accounts) -> Result<Vec<String>, String> {
    let mut options = Options::new(call);
    options.flag("--no-log-init");
    options.flag("--user-group");
    options.flag("--no-create-home");
    let system = options.flag("--system");
    let has_home = options.flag("--create-home");
    let id = options.number("--uid")?;
    let group = options.value("--gid")?;
    let groups = options.value("--groups")?;
    let home = plain_path(options.value("--home-dir")?)?;
    let named_shell = shell(options.value("--shell")?)?;
    let comment = plain_comment(options.value("--comment")?)?;
    options.done()?;
    let [name] = names(call)?[..] else { return Err("the name of the account is not understood".to_owned()) };
    let mut commands = Vec::new();
    let group = match group {
        Some(group) => group_name(accounts, group)?,
        None => {
            commands.push(new_group(accounts, name, id, system)?);
            name.to_owned()
        }
    };
    // A system account of busybox has no shell, one of useradd has.
    let shell = named_shell.or(system.then_some("/bin/sh"));
    commands.push(User { name, system, id, has_home, home, shell, comment, group }.command(accounts)?);
    for group in groups.into_iter().flat_map(|groups| groups.split(',')) {
        commands.push(member(accounts, name, group)?);
    }
    Ok(commands)
}

/// `adduser` of Debian.
fn debian_user(call: &Call<'_>, accounts: &mut Accounts) -> Result<Vec<String>, String> {
    let mut options = Options::new(call);
    options.flag("--quiet");
    options.flag("--disabled-password");
    options.flag("--disabled-login");
    let system = options.flag("--system");
    let own_group = options.flag("--group");
    let no_home = options.flag("--no-create-home");
    let id = options.number("--uid")?;
    let number = options.value("--gid")?;
    let group = options.value("--ingroup")?.or(number);
    let home = plain_path(options.value("--home")?)?;
    let named_shell = shell(options.value("--shell")?)?;
    let gecos = plain_comment(options.value("--gecos")?)?;
    let comment = gecos.or(plain_comment(options.value("--comment")?)?);
    options.done()?;
    let name = match names(call)?[..] {
        [name] => name,
        [user, group] if call.options().is_empty() => return Ok(vec![member(accounts, user, group)?]),
        _ => return Err("the names of the accounts are not understood".to_owned()),
    };
    let mut commands = Vec::new();
    let group = match group {
        Some(group) => group_name(accounts, group)?,
        // Without a group of its own, a system account is in the one that nobody owns files of.
        None if system && !own_group => "nogroup".to_owned(),
        None => {
            commands.push(new_group(accounts, name, id, system)?);
            name.to_owned()
        }
    };
    let user = User {
        name,
        system,
        id,
        has_home: !no_home && (!system || home.is_some()),
        home: home.or(system.then_some("/nonexistent")),
        shell: named_shell.or(system.then_some("/sbin/nologin")),
        comment,
        group,
    };
    commands.push(user.command(accounts)?);
    Ok(commands)
}
