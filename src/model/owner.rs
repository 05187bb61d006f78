//! Who owns what a split takes over, and how the new stage gets it with the same owners.
//!
//! A COPY from another stage keeps the owners and modes of files, and of directories below the one that it copies (BuildKit,
//! solver/llbsolver/file/backend.go: without `--chown`, a copy asks for no owner; moby#38599 for the classic builder). The directory
//! itself is made anew and belongs to root, unless the stage has it already: then it stays as it is. With `--chown` all that is
//! new belongs to one owner.

use super::cache::is_below;
use super::call::Call;
use super::deed::{Deed, deeds, joined};
use super::identity::MadeAccount;
use super::replay::{self, Part};
use super::split::{self, Kind};
use super::{Model, Stage};
use crate::context::Builder;
use crate::shell::ast::Word;
use crate::shell::command::CommandOption;
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, ImageFacts, Operands};

/// Where a new stage takes over what was built.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a> {
    /// The last instruction of the build.
    pub cut: usize,
    /// What both stages have.
    pub repeated: &'a [usize],
    /// What is taken over.
    pub copies: &'a [String],
    /// The repeated instruction above which it is taken over, or else behind all of them.
    pub above: Option<usize>,
    /// Another image of the new stage.
    pub base: Option<&'a ImageFacts>,
}

/// How a path is taken over with its owners.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// What `--chown` says, when all belongs to one owner other than root.
    pub flag: Option<String>,
    /// The owner that the directory has to be given, because the new stage has it already.
    pub directory: Option<String>,
    /// Whether the builder has to keep owners.
    pub kept: bool,
}

/// User and group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Owner {
    user: Id,
    group: Id,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Id {
    Number(u32),
    /// Of an account or a group that the file makes.
    Name(String),
}

const ROOT: Owner = Owner { user: Id::Number(0), group: Id::Number(0) };

/// Where accounts have their homes, unless they say another place.
const HOMES: &str = "/home";

/// The numbers that ordinary accounts get, in order.
const ORDINARY: std::ops::Range<u32> = 1000..60000;

/// How the path is taken over with its owners.
///
/// # Errors
/// Why that is not known, or cannot be done.
pub fn owners(model: &Model<'_>, stage: &Stage, taken: &Taken<'_>, path: &str) -> Result<Owners, String> {
    let mut found = Found { model, stage, taken, path, below: Vec::new(), own: None, given: false };
    for index in stage.instructions.start..=taken.cut {
        match split::kind(model, index) {
            Kind::Run => found.run(index)?,
            Kind::Transfer => found.transfer(index)?,
            _ => {}
        }
    }
    found.result()
}

/// What is known so far of the path.
struct Found<'m> {
    model: &'m Model<'m>,
    stage: &'m Stage,
    taken: &'m Taken<'m>,
    path: &'m str,
    /// The owners of what stands there, and below it.
    below: Vec<Owner>,
    /// The owner of the path itself.
    own: Option<Owner>,
    /// Whether the path was given to it by a RUN that the new stage has not.
    given: bool,
}

impl Found<'_> {
    fn unknown(&self) -> String {
        format!("who owns `{}` is not known", self.path)
    }

    fn add(&mut self, owner: Owner) {
        if self.own.is_none() {
            self.own = Some(owner.clone());
        }
        if !self.below.contains(&owner) {
            self.below.push(owner);
        }
    }

    fn run(&mut self, index: usize) -> Result<(), String> {
        let (model, path) = (self.model, self.path);
        let deeds = deeds(model, index)?;
        let is_repeated = self.taken.repeated.contains(&index);
        if split::calls_chown(model, index) && !deeds.iter().any(|deed| matches!(deed, Deed::Owner { .. })) {
            return Err("a RUN changes owners".to_owned());
        }
        if !is_repeated && loses_mode(model, index, path) {
            return Err(format!("the mode that line {} gives `{path}` is lost", self.line(index)));
        }
        for account in accounts(model, index) {
            if account.home == path {
                let owner = self.of_user(index, &account.name).ok_or_else(|| self.unknown())?;
                self.add(owner);
            }
        }
        for deed in &deeds {
            if let Deed::Owner { path: given, owner, recursive } = deed {
                let holds = is_below(path, given) && *recursive;
                if !holds && !is_below(given, path) {
                    continue;
                }
                let owner = self.of_chown(index, owner).ok_or_else(|| self.unknown())?;
                if holds {
                    self.below.clear();
                }
                if holds || given == path {
                    self.own = Some(owner.clone());
                    self.given |= !is_repeated;
                }
                if holds || given != path {
                    self.add(owner);
                }
            } else if deed.path().is_some_and(|place| is_below(place, path) || is_below(path, place)) {
                let user = model.state(index).user.fixed();
                let owner = user.and_then(|user| self.of_user(index, user)).ok_or_else(|| self.unknown())?;
                self.add(owner);
            }
        }
        Ok(())
    }

    fn transfer(&mut self, index: usize) -> Result<(), String> {
        let meets = |other: &str| is_below(other, self.path) || is_below(self.path, other);
        let is_touched = match split::targets(self.model, index) {
            Some(targets) => targets.iter().any(|(_, target)| meets(target)),
            None => split::destination(self.model, index).is_none_or(|target| meets(&target)),
        };
        if !is_touched {
            return Ok(());
        }
        let flag = self.model.instruction(index).flag("chown").map(|flag| flag.value.as_deref().unwrap_or_default());
        let owner = flag.map_or(Some(ROOT), |name| self.of_user(index, name)).ok_or_else(|| self.unknown())?;
        self.add(owner);
        Ok(())
    }

    fn line(&self, index: usize) -> usize {
        self.model.lines.line(self.model.instruction(index).span.start)
    }

    /// `user:group`, or the user with the group that it has by itself.
    fn of_user(&self, index: usize, text: &str) -> Option<Owner> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let id = self.user(index, user)?;
        let group = match group {
            Some(group) => self.group(index, group)?,
            None => self.own_group(index, user)?,
        };
        Some(Owner { user: id, group })
    }

    /// The owner that `chown` gives: it leaves the group alone that it does not name.
    fn of_chown(&self, index: usize, text: &str) -> Option<Owner> {
        let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
        let kept = || match self.below.iter().chain(&self.own).map(|owner| &owner.group).collect::<Vec<_>>().as_slice()
        {
            [] => None,
            [first, rest @ ..] => rest.iter().all(|group| group == first).then(|| (*first).clone()),
        };
        let group = match group {
            Some("") => self.own_group(index, user)?,
            Some(group) => self.group(index, group)?,
            None => kept().unwrap_or(Id::Number(0)),
        };
        Some(Owner { user: self.user(index, user)?, group })
    }

    fn image(&self) -> Option<&ImageFacts> {
        self.stage.image.as_deref()
    }

    fn user(&self, index: usize, name: &str) -> Option<Id> {
        if matches!(name, "" | "root") {
            return Some(Id::Number(0));
        }
        let known = self.image()?.users.iter().find(|known| known.name == name).map(|known| known.uid);
        if let Some(uid) = known.or_else(|| name.parse().ok()) {
            return Some(Id::Number(uid));
        }
        self.account(index, name).map(|account| Id::Name(account.name))
    }

    fn group(&self, index: usize, name: &str) -> Option<Id> {
        if name == "root" {
            return Some(Id::Number(0));
        }
        let known = self.image()?.users.iter().find(|known| known.name == name && known.uid == known.gid);
        if let Some(gid) = known.map(|known| known.gid).or_else(|| name.parse().ok()) {
            return Some(Id::Number(gid));
        }
        let runs = (self.stage.instructions.start..=index).filter(|run| self.model.is_run(*run));
        let is_made = runs.into_iter().any(|run| groups(self.model, run).iter().any(|group| group == name));
        let is_of_user = || self.own_group(index, name) == Some(Id::Name(name.to_owned()));
        (is_made || is_of_user()).then(|| Id::Name(name.to_owned()))
    }

    /// The group that an account has by itself.
    fn own_group(&self, index: usize, name: &str) -> Option<Id> {
        if matches!(name, "" | "root" | "0") {
            return Some(Id::Number(0));
        }
        let users = &self.image()?.users;
        if let Some(known) = users.iter().find(|known| known.name == name || name.parse() == Ok(known.uid)) {
            return Some(Id::Number(known.gid));
        }
        let account = self.account(index, name)?;
        match account.group {
            Some(group) if group == name => Some(Id::Name(group)),
            Some(group) => self.group(index, &group),
            None => None,
        }
    }

    /// The account of that name that a RUN up to the instruction makes.
    fn account(&self, index: usize, name: &str) -> Option<Account> {
        let runs = (self.stage.instructions.start..=index).filter(|run| self.model.is_run(*run));
        runs.into_iter().flat_map(|run| accounts(self.model, run)).find(|account| account.name == name)
    }

    fn result(&self) -> Result<Owners, String> {
        let Some(own) = &self.own else { return Ok(Owners::default()) };
        let exists = self.exists();
        let mut owners = Owners::default();
        let is_given = match self.below.as_slice() {
            [] => exists,
            [one] => {
                owners.flag = if *one == ROOT { None } else { Some(self.written(one)?) };
                exists || one == own
            }
            several => {
                self.are_the_same(several)?;
                owners.kept = true;
                exists || *own == ROOT
            }
        };
        if exists && self.given {
            self.may_be_given()?;
            owners.directory = Some(self.written(own)?);
        } else if !is_given {
            return Err(format!("`{}` and what stands below it belong to several users", self.path));
        }
        Ok(owners)
    }

    /// Whether the new stage has the directory before anything is taken over: WORKDIR makes it, or it is a home.
    fn exists(&self) -> bool {
        let makes = |index: usize, made: &[String]| {
            accounts(self.model, index).iter().any(|account| account.home == self.path)
                || made.iter().any(|made| is_below(made, self.path))
        };
        (self.stage.instructions.start..self.place()).any(|index| match &self.model.instruction(index).kind {
            InstructionKind::Workdir(_) => {
                let made = self.model.state(index + 1).workdir.fixed();
                made.is_some_and(|made| is_below(made, self.path))
            }
            InstructionKind::Run(_) if self.taken.repeated.contains(&index) => {
                makes(index, &made_directories(self.model, index))
            }
            InstructionKind::Run(_) => self.part(index).is_some_and(|part| makes(index, &part.directories)),
            _ => false,
        })
    }

    /// Checks that root runs what gives the directory to its owner in the new stage.
    fn may_be_given(&self) -> Result<(), String> {
        match self.model.state(self.place()).user.fixed() {
            Some("" | "root" | "0") => Ok(()),
            _ => Err(format!("who owns `{}` changes, and the new stage has another user then", self.path)),
        }
    }

    /// Checks that the accounts have the same numbers in both stages.
    fn are_the_same(&self, owners: &[Owner]) -> Result<(), String> {
        let several = || format!("what stands below `{}` belongs to several users", self.path);
        if matches!(self.model.context.builder(), Builder::Other { .. }) {
            return Err(several());
        }
        let ordinary = |image: &ImageFacts| -> Vec<(String, u32)> {
            let users = image.users.iter().filter(|user| ORDINARY.contains(&user.uid));
            users.map(|user| (user.name.clone(), user.uid)).collect()
        };
        let image = self.image().ok_or_else(several)?;
        let is_like = self.taken.base.is_none_or(|base| ordinary(base) == ordinary(image));
        let last = self.taken.cut;
        let is_firm = |id: &Id| match id {
            Id::Number(_) => true,
            Id::Name(name) => {
                self.account(last, name).is_some_and(|account| account.is_firm)
                    || firm_groups(self.model, self.stage, last).contains(name)
            }
        };
        let are_firm = owners.iter().all(|owner| is_firm(&owner.user) && is_firm(&owner.group));
        if is_like && are_firm { Ok(()) } else { Err(several()) }
    }

    /// The owner in words that the new stage understands.
    fn written(&self, owner: &Owner) -> Result<String, String> {
        let users = self.image().map(|image| image.users.as_slice()).unwrap_or_default();
        let name = |id: &Id| match id {
            Id::Number(0) => Ok("root".to_owned()),
            Id::Number(number) => {
                let known = users.iter().find(|known| known.uid == *number && known.gid == *number);
                Ok(known.map_or_else(|| number.to_string(), |known| known.name.clone()))
            }
            Id::Name(name) if self.has_name(name) => Ok(name.clone()),
            Id::Name(name) => Err(format!("`{name}` is not made where `{}` is taken over", self.path)),
        };
        Ok(format!("{}:{}", name(&owner.user)?, name(&owner.group)?))
    }

    /// Where the new stage takes over what was built: the instruction above which that is.
    fn place(&self) -> usize {
        self.taken.above.unwrap_or(self.taken.cut + 1).min(self.taken.cut + 1)
    }

    /// Whether a repeated RUN above that place makes an account or a group of that name.
    fn has_name(&self, name: &str) -> bool {
        let is_there = |run: &usize| self.taken.repeated.contains(run) || self.part(*run).is_some();
        let runs = (self.stage.instructions.start..self.place()).filter(|run| self.model.is_run(*run));
        runs.filter(is_there).any(|run| {
            accounts(self.model, run).iter().any(|account| account.name == name)
                || groups(self.model, run).iter().any(|group| group == name)
        })
    }

    /// The commands of the RUN that the new stage repeats.
    fn part(&self, run: usize) -> Option<Part> {
        replay::part(self.model, self.stage, run, self.taken.copies).filter(|part| !part.line.is_empty())
    }
}

/// An account that a RUN makes.
struct Account {
    name: String,
    home: String,
    /// The name of its group, if that is known.
    group: Option<String>,
    /// Whether it has the same number wherever the file's commands make it.
    is_firm: bool,
}

/// The accounts that the RUN makes.
fn accounts(model: &Model<'_>, run: usize) -> Vec<Account> {
    let Some(made) = model.made_accounts(run, 0) else { return Vec::new() };
    let calls = model.every_call(run).unwrap_or_default();
    let of = |made: MadeAccount| {
        let call = calls.iter().find(|call| {
            let is_user = tables::users().makes_account(&call.command.name().unwrap_or_default()) && !makes_group(call);
            is_user && call.operands().iter().any(|operand| operand.text.as_deref() == Some(made.name.as_str()))
        })?;
        let value = |names: &[&str]| {
            let option = call.options().iter().find(|option| names.contains(&option.name.as_str()))?;
            Some(text_of(option))
        };
        let home = value(&["--home-dir", "--home"]).unwrap_or_else(|| Some(format!("{HOMES}/{}", made.name)))?;
        let is_system = call.option(&["--system"]).is_some();
        let group = match value(&["--gid", "--ingroup"]) {
            Some(group) => group,
            None if call.option(&["--no-user-group"]).is_some() => None,
            None if call.program() == "adduser" && is_system && call.option(&["--group"]).is_none() => None,
            None => Some(made.name.clone()),
        };
        Some(Account { name: made.name.clone(), home, group, is_firm: made.uid.is_some() || !is_system })
    };
    made.into_iter().filter_map(of).collect()
}

/// The homes of the accounts that the RUN makes.
pub(super) fn homes(model: &Model<'_>, run: usize) -> Vec<String> {
    accounts(model, run).into_iter().map(|account| account.home).collect()
}

/// The home of the account that a RUN in front of the instruction makes.
pub(super) fn home_of(model: &Model<'_>, before: usize, name: &str) -> Option<String> {
    let stage = model.stage_of(before)?;
    let runs = (stage.instructions.start..before).filter(|run| model.is_run(*run));
    runs.into_iter()
        .flat_map(|run| accounts(model, run))
        .find(|account| account.name == name)
        .map(|account| account.home)
}

fn text_of(option: &CommandOption) -> Option<String> {
    option.value.as_ref()?.text.clone()
}

fn makes_group(call: &Call<'_>) -> bool {
    matches!(call.program(), "groupadd" | "addgroup")
}

/// The groups that the RUN makes.
fn groups(model: &Model<'_>, run: usize) -> Vec<String> {
    let calls = model.every_call(run).unwrap_or_default();
    let made = calls.iter().filter(|call| makes_group(call) && call.is_plain());
    made.filter_map(|call| match call.operands() {
        [name] => name.text.clone(),
        _ => None,
    })
    .collect()
}

/// The groups up to the instruction that have the same number wherever the file's commands make them.
fn firm_groups(model: &Model<'_>, stage: &Stage, last: usize) -> Vec<String> {
    let runs = (stage.instructions.start..=last).filter(|run| model.is_run(*run));
    let of = |run: usize| {
        let calls = model.every_call(run).unwrap_or_default();
        let firm = calls.iter().filter(|call| {
            makes_group(call) && (call.option(&["--gid"]).is_some() || call.option(&["--system"]).is_none())
        });
        firm.filter_map(|call| call.operands().first()?.text.clone()).collect::<Vec<_>>()
    };
    runs.flat_map(of).collect()
}

/// The directories that the RUN makes by name.
pub(super) fn made_directories(model: &Model<'_>, run: usize) -> Vec<String> {
    let workdir = model.state(run).workdir.fixed().unwrap_or("/");
    let calls = model.calls(run);
    let makes = calls.iter().filter(|call| has_operands(call, Operands::Directories));
    makes.flat_map(|call| model.paths(run, call)).flatten().map(|path| joined(workdir, &path)).collect()
}

fn has_operands(call: &Call<'_>, operands: Operands) -> bool {
    let row = tables::effects().command(&call.command.name().unwrap_or_default(), None);
    row.is_some_and(|row| row.operands == operands)
}

/// Modes that directories have anyway when a COPY makes them.
const PLAIN_MODES: [&str; 2] = ["755", "0755"];

/// Whether the RUN gives the path a mode, or as it makes it an owner, that a directory which a COPY makes has not. The mode of a file is
/// kept.
fn loses_mode(model: &Model<'_>, run: usize, path: &str) -> bool {
    if model.stage_of(run).is_some_and(|stage| model.context_file(stage, run, path).is_some()) {
        return false;
    }
    let workdir = model.state(run).workdir.fixed().unwrap_or("/");
    model.calls(run).iter().any(|call| {
        let words: Vec<String> = call.command.words.iter().filter_map(Word::literal).collect();
        let holds = |word: &String| {
            let named = joined(workdir, word);
            named == path || call.option(&["--recursive"]).is_some() && is_below(path, &named)
        };
        if call.program() == "chmod" {
            let mode = call.operands().first().and_then(|operand| operand.text.as_deref());
            return words.iter().skip(2).any(holds) && !mode.is_some_and(is_plain_mode);
        }
        let makes = has_operands(call, Operands::Directories) || words.iter().any(|word| word == "-d");
        let set = |option: &str| words.iter().skip(1).any(|word| word.starts_with(option));
        let mode = words.windows(2).find(|pair| pair[0] == "-m").map(|pair| pair[1].as_str());
        let is_plain = if mode.is_some() { mode.is_some_and(is_plain_mode) } else { !set("-m") && !set("--mode") };
        let is_set = !is_plain || ["-o", "-g", "--owner", "--group"].into_iter().any(set);
        makes && is_set && words.iter().skip(1).any(holds)
    })
}

/// Whether a directory that everybody may read and its owner may write has the mode already.
fn is_plain_mode(mode: &str) -> bool {
    let adds = mode
        .split_once('+')
        .is_some_and(|(who, bits)| who.chars().all(|c| "ugoa".contains(c)) && bits.chars().all(|c| "rxX".contains(c)));
    adds || PLAIN_MODES.contains(&mode)
}
