//! What it takes to put the image in place of a base that the project's configuration asks for: package lines, accounts.
//!
//! The line of the configuration is the consent to the image. What it cannot consent to is a build that fails: a RUN that asks a package
//! manager which is not there, an account or a shell that the image lacks, an ENTRYPOINT that takes the file's CMD for its arguments. Everything
//! follows from the model, the configuration and the tables, so that a pass and the validator come to the same answer.

use super::alpine::{Ground, RunChange};
use super::base::Refusal;
use super::needs::{self, Use};
use super::{Base, Model, Stage, bare};
use crate::policy::{Names, Wanted};
use crate::rewrite::Level;
use crate::syntax::ast::{Command, Healthcheck, Instruction, InstructionKind};
use crate::tables::{self, CommandKind, DistributionName, Fact, ImageFacts, LibC, PackageManager, Sh};

/// What changes for a stage to be built on the image that the project asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Approved {
    /// The reference, as FROM names it then.
    pub reference: String,
    /// Whether it is the same image at another place.
    pub mirrored: bool,
    /// The lowest level of the change.
    pub level: Level,
    /// Packages that a new RUN right behind FROM installs, sorted.
    pub packages: Vec<String>,
    /// The RUNs that change for another package manager, in order.
    pub runs: Vec<RunChange>,
    /// Accounts and packages that are called otherwise, in order.
    pub renames: Vec<Rename>,
    /// Whether accounts are called otherwise.
    pub renames_accounts: bool,
    /// What is to be looked at before the image is used.
    pub migrations: Vec<String>,
}

/// A name that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// The instruction.
    pub instruction: usize,
    /// Where in it.
    pub place: Place,
    /// What stands there then: one text for an account, any number of names for a package.
    pub names: Vec<String>,
}

/// Where in an instruction a name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The word of USER.
    User,
    /// The value of `--chown`.
    Chown,
    /// A word of a command of a RUN.
    Word {
        /// Number of the command.
        command: usize,
        /// Number of the word.
        word: usize,
    },
}

/// What the project asks for in place of the base of the stage.
///
/// # Errors
/// Why the stage keeps its base.
pub fn approved(model: &Model<'_>, stage: &Stage) -> Result<Option<Approved>, Refusal> {
    let plan = alone(model, stage)?;
    if plan.is_some()
        && libc_then(model, stage).is_some_and(|then| Some(then) != libc(stage.image.as_deref()))
        && let Some((index, reason)) = parted(model)
    {
        let unlock = "a row of `replace` for the images of both stages".to_owned();
        return Err(Refusal { span: model.instruction(index).span, reason, unlock });
    }
    Ok(plan)
}

fn libc(image: Option<&ImageFacts>) -> Option<LibC> {
    image.and_then(|image| image.libc.known().copied())
}

/// The C library of a stage when all images are replaced that can be.
fn libc_then(model: &Model<'_>, stage: &Stage) -> Option<LibC> {
    let policy = model.context.policy();
    let wanted = model.base_image(stage).and_then(|image| policy.wanted(&image));
    match (alone(model, stage), wanted) {
        (Ok(Some(_)), Some(wanted)) => libc(tables::image_of(&policy.known_as(&wanted.image)).as_ref()),
        _ => libc(stage.image.as_deref()),
    }
}

/// The first instruction that would take what a stage makes for one C library into a stage with another one, and had not before.
fn parted(model: &Model<'_>) -> Option<(usize, String)> {
    let then: Vec<_> = model.stages.iter().map(|stage| libc_then(model, stage)).collect();
    for stage in &model.stages {
        let to = root(model, stage);
        for index in stage.instructions.clone() {
            for from in model.stages_read_by(index) {
                let (name, from) = (&model.stages[from].name, root(model, &model.stages[from]));
                let old = libc(from.image.as_deref()).zip(libc(to.image.as_deref()));
                let new = then[from.index].zip(then[to.index]);
                let is_parted = new.is_some_and(|(from, to)| from != to) && old.is_none_or(|(from, to)| from == to);
                if is_parted && !bare::ships_static(model, stage) {
                    let name = name.clone().unwrap_or_else(|| from.index.to_string());
                    return Some((index, format!("what the stage `{name}` makes would be for another C library")));
                }
            }
        }
    }
    None
}

/// The stage with an image that a stage is built from.
fn root<'m>(model: &'m Model<'_>, stage: &'m Stage) -> &'m Stage {
    match stage.base {
        Base::Stage(parent) => root(model, &model.stages[parent]),
        _ => stage,
    }
}

/// As [`approved`], whatever becomes of the other stages.
fn alone(model: &Model<'_>, stage: &Stage) -> Result<Option<Approved>, Refusal> {
    let Some(image) = model.base_image(stage) else { return Ok(None) };
    let policy = model.context.policy();
    let Some(wanted) = policy.wanted(&image) else { return Ok(None) };
    let reference = wanted.image.to_string();
    let refuse = |instruction: usize, reason: String, unlock: &str| Refusal {
        span: model.instruction(instruction).span,
        reason,
        unlock: unlock.to_owned(),
    };
    if model.has_variables_in_base(stage) {
        let unlock = format!("`{reference}` in its place");
        return Err(refuse(stage.from, "the image is made of variables or quotes".to_owned(), &unlock));
    }
    let new = tables::image_of(&policy.known_as(&wanted.image));
    let mut plan = Approved {
        reference,
        mirrored: wanted.mirrored,
        level: Level::Guarded,
        packages: Vec::new(),
        runs: Vec::new(),
        renames: Vec::new(),
        renames_accounts: wanted.names.users.iter().any(|(old, new)| old != new),
        migrations: Vec::new(),
    };
    if wanted.mirrored {
        return Ok(Some(plan));
    }
    let family: Vec<&Stage> = std::iter::once(stage).chain(model.descendants(stage)).collect();
    let swap = Swap { model, stage, family, wanted: &wanted };
    let cannot = |(instruction, reason, unlock): Objection| {
        refuse(instruction, format!("`{}` cannot take its place: {reason}", wanted.image), &unlock)
    };
    if let (Some(old), Some(new)) = (stage.image.as_deref(), &new) {
        swap.starts_as_before(old, new).map_err(cannot)?;
        plan.level = swap.level(old, new, &mut plan.migrations);
        if swap.has_runs() && differ(&old.package_manager, &new.package_manager) {
            swap.translate(&mut plan, old, new)?;
            return Ok(Some(plan));
        }
        swap.keeps_accounts(old, new).map_err(cannot)?;
    }
    swap.renames(&mut plan, stage.image.as_deref(), new.as_ref()).map_err(cannot)?;
    Ok(Some(plan))
}

/// Number of an instruction, why the image cannot stand there, and what would change it.
type Objection = (usize, String, String);

struct Swap<'m> {
    model: &'m Model<'m>,
    stage: &'m Stage,
    family: Vec<&'m Stage>,
    wanted: &'m Wanted,
}

impl Swap<'_> {
    fn names(&self) -> &Names {
        &self.wanted.names
    }

    /// The instructions of the stage and of those that are built from it.
    fn instructions(&self) -> impl Iterator<Item = usize> {
        self.family.iter().flat_map(|stage| stage.instructions.clone())
    }

    fn has_runs(&self) -> bool {
        self.instructions().any(|index| self.model.is_run(index))
    }

    /// Checks that nothing asks for a shell, a directory, an account or an entrypoint that is known to be another one.
    fn starts_as_before(&self, old: &ImageFacts, new: &ImageFacts) -> Result<(), Objection> {
        let shell = |index: &usize| uses_shell(self.model.instruction(*index));
        if new.sh.is(&Sh::None)
            && !old.sh.is(&Sh::None)
            && let Some(index) = self.instructions().find(shell)
        {
            return Err((index, "it has no shell".to_owned(), "a stage of its own for what needs one".to_owned()));
        }
        let is_user = |index: usize| matches!(self.model.instruction(index).kind, InstructionKind::User(_));
        let first_run = self.stage.instructions.clone().find(|index| self.model.is_run(*index));
        if differ(&old.user, &new.user)
            && old.user.is("root")
            && let (Some(user), Some(run)) = (new.user.known(), first_run)
            && !(self.stage.from..run).any(is_user)
        {
            return Err((run, format!("it runs as `{user}`, not as root"), "`USER root` before the RUN".to_owned()));
        }
        if differ(&old.workdir, &new.workdir)
            && let Some(index) = self
                .stage
                .instructions
                .clone()
                .find(|index| *index != self.stage.from && acts(self.model.instruction(*index)))
            && !matches!(&self.model.instruction(index).kind, InstructionKind::Workdir(word) if word.text.starts_with('/'))
        {
            let directory = new.workdir.known().map(String::as_str).unwrap_or_default();
            return Err((
                index,
                format!("its WORKDIR is `{directory}`"),
                "WORKDIR with an absolute path before it".to_owned(),
            ));
        }
        let starts =
            |new: &ImageFacts| new.entrypoint_passes_through || new.entrypoint.known().is_some_and(Vec::is_empty);
        let sets = |index: usize| matches!(self.model.instruction(index).kind, InstructionKind::Entrypoint(_));
        let shipped = |stage: &&&Stage| self.model.is_shipped(stage) && !stage.instructions.clone().any(sets);
        if starts(old)
            && new.entrypoint.known().is_some()
            && !starts(new)
            && let Some(bare) = self.family.iter().find(shipped)
            && let Some(cmd) = bare
                .instructions
                .clone()
                .find(|index| matches!(self.model.instruction(*index).kind, InstructionKind::Cmd(_)))
        {
            let words = new.entrypoint.known().map(|words| words.join(" ")).unwrap_or_default();
            let reason = format!("its ENTRYPOINT `{words}` would take the CMD for its arguments");
            return Err((cmd, reason, "an ENTRYPOINT in the file".to_owned()));
        }
        Ok(())
    }

    fn level(&self, old: &ImageFacts, new: &ImageFacts, migrations: &mut Vec<String>) -> Level {
        let has_user =
            self.instructions().any(|index| matches!(self.model.instruction(index).kind, InstructionKind::User(_)));
        if differ(&old.user, &new.user) && !has_user {
            let user = new.user.known().map(String::as_str).unwrap_or_default();
            migrations.push(format!("containers run as `{user}` then: it has to be able to write what they write"));
        }
        let is_visible = differ(&old.libc, &new.libc) || differ(&old.sh, &new.sh) || !migrations.is_empty();
        if is_visible { Level::Breaking } else { Level::Guarded }
    }

    /// What the file needs for the package manager of the new image.
    fn translate(&self, plan: &mut Approved, old: &ImageFacts, new: &ImageFacts) -> Result<(), Refusal> {
        let cannot = |refusal: Refusal| Refusal {
            reason: format!("`{}` cannot take its place: {}", self.wanted.image, refusal.reason),
            ..refusal
        };
        let refuse = |reason: &str, unlock: &str| Refusal {
            span: self.model.instruction(self.stage.from).span,
            reason: reason.to_owned(),
            unlock: unlock.to_owned(),
        };
        let is_alpine = new.distribution.known().is_some_and(|known| known.name == DistributionName::Alpine);
        if !old.package_manager.is(&PackageManager::Apt) || !is_alpine {
            let unlock = "a replacement with the same package manager; from apt, one on Alpine as well";
            return Err(cannot(refuse("it has another package manager", unlock)));
        }
        if self.model.has_triggers() {
            return Err(cannot(refuse("the file has ONBUILD: other builds depend on the image", "no ONBUILD")));
        }
        let Some(ground) = Ground::of(self.model, self.stage) else { return Ok(()) };
        let changes = ground.changes(new, &self.names().packages, &|_| false).map_err(cannot)?;
        let place = format!("`{}`", self.wanted.image);
        let mapped = |name: &str| self.names().users.contains_key(name);
        ground.keeps_accounts(&changes.accounts, new, &place, &mapped).map_err(cannot)?;
        plan.level = Level::Breaking;
        plan.migrations.push(
            "names are resolved by musl, which asks all servers at once and knows no nsswitch.conf; threads have a stack of 128 KiB"
                .to_owned(),
        );
        plan.packages = changes.packages;
        plan.runs = changes.runs;
        let mut accounts = Vec::new();
        self.accounts(&mut accounts, Some(old), Some(new)).map_err(|(instruction, reason, unlock)| {
            cannot(Refusal { span: self.model.instruction(instruction).span, reason, unlock })
        })?;
        // A RUN is changed by one of both.
        let is_both = |rename: &&Rename| plan.runs.iter().any(|change| change.run == rename.instruction);
        if let Some(both) = accounts.iter().find(is_both) {
            let span = self.model.instruction(both.instruction).span;
            let reason = "the RUN names an account and packages".to_owned();
            return Err(cannot(Refusal { span, reason, unlock: "a RUN for each".to_owned() }));
        }
        plan.renames = accounts;
        Ok(())
    }

    /// Checks that no account is named that the old image has and the new one is not known to have.
    fn keeps_accounts(&self, old: &ImageFacts, new: &ImageFacts) -> Result<(), Objection> {
        let Some(ground) = Ground::of(self.model, self.stage) else { return Ok(()) };
        let ids = |facts: &ImageFacts, name: &str| {
            facts.users.iter().find(|user| user.name == name).map(|user| (user.uid, user.gid))
        };
        let is_lost = |name: &String| {
            let known = ids(old, name);
            known.is_some() && known != ids(new, name) && !self.names().users.contains_key(name)
        };
        for index in self.instructions() {
            if let Some(lost) = ground.accounts(index).into_iter().find(is_lost) {
                let reason = format!("it is not known to have the account `{lost}` with the same number");
                return Err((index, reason, format!("`users: {{{lost}: …}}` in the row of `replace`")));
            }
        }
        Ok(())
    }

    fn renames(
        &self,
        plan: &mut Approved,
        old: Option<&ImageFacts>,
        new: Option<&ImageFacts>,
    ) -> Result<(), Objection> {
        let mut found = Vec::new();
        self.accounts(&mut found, old, new)?;
        for index in self.instructions().filter(|index| self.model.is_run(*index)) {
            self.packages(index, &mut found)?;
        }
        plan.renames = found;
        Ok(())
    }

    /// Accounts that are called otherwise, wherever the file names them.
    fn accounts(
        &self,
        found: &mut Vec<Rename>,
        old: Option<&ImageFacts>,
        new: Option<&ImageFacts>,
    ) -> Result<(), Objection> {
        let users = &self.names().users;
        if users.iter().all(|(old, new)| old == new) {
            return Ok(());
        }
        let renamed = |text: &str| {
            let parts = text.split(':').map(|part| users.get(part).map_or(part, String::as_str));
            let new = parts.collect::<Vec<_>>().join(":");
            (new != text).then_some(new)
        };
        self.names_only_where_it_can_change()?;
        self.keeps_homes(old, new)?;
        let unclear = |index: usize| {
            (index, "an account is known only when the image is built".to_owned(), "its name, or its number".to_owned())
        };
        let rename = |instruction, place, name| Rename { instruction, place, names: vec![name] };
        for index in self.instructions() {
            let instruction = self.model.instruction(index);
            let is_plain = |text: &str| !text.contains(['$', '"', '\'', self.model.dockerfile.escape]);
            if let InstructionKind::User(word) = &instruction.kind {
                if !is_plain(&word.text) {
                    return Err(unclear(index));
                }
                found.extend(renamed(&word.text).map(|name| rename(index, Place::User, name)));
            }
            if let Some(value) = instruction.flag("chown").and_then(|flag| flag.value.as_deref()) {
                if !is_plain(value) {
                    return Err(unclear(index));
                }
                found.extend(renamed(value).map(|name| rename(index, Place::Chown, name)));
            }
            for call in self.model.calls(index).iter().filter(|call| tables::alpine().gives_away(call.program())) {
                let Some(owner) = call.operands().first() else { return Err(unclear(index)) };
                let Some(text) = owner.text.as_deref() else { return Err(unclear(index)) };
                let place = Place::Word { command: call.id, word: owner.word };
                found.extend(renamed(text).map(|name| rename(index, place, name)));
            }
        }
        Ok(())
    }

    /// Checks that accounts with another name are named by USER, `--chown` and what gives files away alone.
    fn names_only_where_it_can_change(&self) -> Result<(), Objection> {
        let users = &self.names().users;
        let renamed = |part: &str| users.get(part).is_some_and(|new| new != part);
        let unlock = || "its number, or a script that asks for the account".to_owned();
        for index in self.instructions().filter(|index| self.model.is_run(*index)) {
            let instruction = self.model.instruction(index);
            let is_read =
                self.model.every_call(index).is_some_and(|every| every.len() == self.model.calls(index).len());
            let text = instruction.full_span().of(self.model.source);
            let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
            if !is_read && let Some(name) = text.split(|c| !is_letter(c)).find(|word| renamed(word)) {
                return Err((
                    index,
                    format!("the RUN may name the account `{name}`"),
                    "a plain list of commands".to_owned(),
                ));
            }
        }
        for stage in &self.family {
            let names = |used: &Use| {
                let is_changed = self.model.is_run(used.place.instruction)
                    && used.place.file.is_none()
                    && tables::alpine().gives_away(&used.program);
                let kind = tables::needs().command(&used.program, "").map(|row| row.kind);
                let words = used.words.iter().flatten().flat_map(|word| word.split([':', '=']));
                let mut words = words.filter(|_| !is_changed && kind != Some(CommandKind::Packages));
                words.find(|word| renamed(word)).map(str::to_owned)
            };
            let found = needs::needs(self.model, stage);
            if let Some((used, name)) = found.uses.iter().find_map(|used| Some((used, names(used)?))) {
                let by = used.place.file.as_deref().map_or_else(String::new, |file| format!(" (`{file}`)"));
                let reason = format!("`{}` names the account `{name}`{by}", used.program);
                return Err((used.place.instruction, reason, unlock()));
            }
        }
        Ok(())
    }

    /// Checks that no path below the home of an account with another name is written out.
    fn keeps_homes(&self, old: Option<&ImageFacts>, new: Option<&ImageFacts>) -> Result<(), Objection> {
        let home = |facts: Option<&ImageFacts>, name: &str| {
            facts.and_then(|facts| facts.users.iter().find(|user| user.name == name)).map(|user| user.home.clone())
        };
        for (name, other) in self.names().users.iter().filter(|(name, other)| name != other) {
            let Some(path) = home(old, name).filter(|path| path.len() > 1) else { continue };
            if home(new, other).as_ref() == Some(&path) {
                continue;
            }
            let names =
                |index: &usize| self.model.instruction(*index).full_span().of(self.model.source).contains(&path);
            if let Some(index) = self.instructions().find(names) {
                let reason =
                    format!("`{path}` is the home of `{name}`, and that of `{other}` is not known to be the same");
                return Err((index, reason, "a directory of the application, such as `/app`".to_owned()));
            }
        }
        Ok(())
    }

    /// Packages that are called otherwise, in an install of the RUN.
    fn packages(&self, run: usize, found: &mut Vec<Rename>) -> Result<(), Objection> {
        let packages = &self.names().packages;
        if packages.is_empty() {
            return Ok(());
        }
        let calls = self.model.calls(run);
        let is_read = self.model.every_call(run).is_some_and(|every| every.len() == calls.len());
        let text = self.model.instruction(run).full_span().of(self.model.source);
        let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-');
        if !is_read && let Some(name) = text.split(|c| !is_letter(c)).find(|word| packages.contains_key(*word)) {
            return Err((run, format!("the RUN may install `{name}`"), "a plain list of commands".to_owned()));
        }
        for call in calls.iter().filter(|call| call.is_package_manager() && call.is_plain()) {
            let new = |text: Option<&str>| text.and_then(|text| packages.get(text));
            let renames = call.operands().iter().filter_map(|word| Some((word.word, new(word.text.as_deref())?)));
            let renames: Vec<_> = renames.collect();
            if !renames.is_empty()
                && renames.len() == call.operands().len()
                && renames.iter().all(|(_, new)| new.is_empty())
            {
                let reason = "the install would have no package left".to_owned();
                return Err((run, reason, "the RUN without it".to_owned()));
            }
            let rename = |(word, names): (usize, &Vec<String>)| Rename {
                instruction: run,
                place: Place::Word { command: call.id, word },
                names: names.clone(),
            };
            found.extend(renames.into_iter().map(rename));
        }
        Ok(())
    }
}

/// Whether the instruction starts a shell.
fn uses_shell(instruction: &Instruction) -> bool {
    match &instruction.kind {
        InstructionKind::Run(command)
        | InstructionKind::Cmd(command)
        | InstructionKind::Entrypoint(command)
        | InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => matches!(command, Command::Shell(_)),
        _ => false,
    }
}

/// Whether the instruction depends on the working directory, or sets it.
fn acts(instruction: &Instruction) -> bool {
    match &instruction.kind {
        InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => !transfer.destination.text.starts_with('/'),
        kind => matches!(
            kind,
            InstructionKind::Run(_)
                | InstructionKind::Workdir(_)
                | InstructionKind::Cmd(_)
                | InstructionKind::Entrypoint(_)
                | InstructionKind::Healthcheck(_)
        ),
    }
}

/// Whether both are known, and are not the same.
fn differ<T: PartialEq>(old: &Fact<T>, new: &Fact<T>) -> bool {
    matches!((old, new), (Fact::Known(old), Fact::Known(new)) if old != new)
}
