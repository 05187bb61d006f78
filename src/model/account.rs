//! The user that a stage can run as in place of root, and what has to be done for it.

use super::identity::{Account, MadeAccount};
use super::privilege::Started;
use super::runtime::Refusal;
use super::server::Swap;
use super::writes::Writes;
use super::{Base, Model, Stage};
use crate::context::Entry;
use crate::rewrite::{Assumption, AssumptionKind, Level};
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, ImageFacts};

/// How a stage comes to run as a user other than root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The instruction that the new ones stand behind: the last one that makes or changes files.
    pub after: usize,
    /// The commands of the RUN that makes the account and the directories; none when there is nothing to make.
    pub commands: Vec<String>,
    /// What USER says.
    pub user: String,
    /// Whose it is, in words.
    pub origin: String,
    /// The numbers of user and group, for those who run the image.
    pub ids: String,
    /// The lowest level that the change can have.
    pub level: Level,
    /// What it relies on.
    pub assumptions: Vec<Assumption>,
    /// What the program writes.
    pub writes: Writes,
    /// A volume or bind mount that compose files name.
    pub mount: Option<String>,
    /// Another base image, in which the server does not start as root.
    pub swap: Option<Swap>,
}

impl Model<'_> {
    /// How the stage can run as a user other than root; `None` when it does already, or is not the image that the file makes.
    ///
    /// # Errors
    /// Why it cannot, and what would change that.
    pub fn user_plan(&self, stage: &Stage) -> Result<Option<Plan>, Refusal> {
        if stage.index + 1 != self.stages.len() {
            return Ok(None);
        }
        let user = stage.end.user.fixed().ok_or_else(|| {
            ("which user the image runs as is not known".to_owned(), "a row for the base image in the image tables")
        })?;
        if !matches!(user.split(':').next(), Some("" | "0" | "root")) {
            return Ok(None);
        }
        let image = self.base_is_plain(stage)?;
        let own = image.and_then(|image| tables::users().own(&image.family));
        let made = self.author_has_not_decided(stage)?;
        self.nothing_lies_at_home(stage)
            .map_err(|reason| (reason, "the files below a directory that every user can read"))?;
        self.files_are_readable(stage).map_err(|reason| (reason, "a mode that lets other users read the file"))?;
        let started =
            self.started(stage, own).map_err(|reason| (reason, "an ENTRYPOINT or CMD that starts one program"))?;
        if let Some(made) = &made {
            self.starts_nothing_unread(stage, &started, &made.name)?;
        }
        self.services_need_no_root()
            .map_err(|reason| (reason, "a program that works without root, or USER by hand"))?;
        let server = own.and_then(|own| Some((own, own.settings.as_ref()?)));
        if server.is_none() {
            self.sources_name_no_home(stage)
                .map_err(|reason| (reason, "the files below a directory that every user can read"))?;
        }
        let mut swap = None;
        let writes = match server {
            Some((own, settings)) => {
                self.starts_only(&started, own)?;
                let found = self.server_settings(stage, settings)?;
                if let Some(made) = made.as_ref().filter(|_| found.is_default) {
                    let reason = format!("line {} makes an account beside that of the server", made.line);
                    return Err((reason, "FROM with the unprivileged image, by hand"));
                }
                if found.is_default {
                    swap = Some(self.unprivileged(stage, settings)?);
                } else {
                    self.listens_high(stage, &found, settings)?;
                }
                if swap.is_some() { Writes::default() } else { found.writes }
            }
            None => {
                self.needs_no_root(stage, &started, own)
                    .map_err(|reason| (reason, "a program that works without root, or USER by hand"))?;
                self.writes(stage, &started, own)
                    .map_err(|reason| (reason, "a directory of its own for what the program writes"))?
            }
        };
        let mut account = self.account(stage, image, made)?;
        if let Some(swap) = &swap {
            // The user of that image has a number.
            account.user = account.ids.split(':').next().unwrap_or_default().to_owned();
            account.origin = format!("as `{}` does", swap.reference);
        }
        let after = self.last_that_makes_files(stage);
        let last = self.instruction(after).full_span().of(self.source);
        if last.trim_end().ends_with(self.dockerfile.escape) {
            let reason = "the last instruction that makes files ends with a continuation, which would take USER in";
            return Err((reason.to_owned(), "the line without it"));
        }
        let commands = if swap.is_some() {
            Vec::new()
        } else {
            let mut commands = self.commands(stage, &account, &writes)?;
            if server.is_some() && !writes.files.is_empty() {
                let files = writes.files.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
                commands.push(format!("touch {files}"));
                commands.push(format!("chown {} {files}", account.owner));
            }
            commands
        };
        let mount = self.context.services().iter().find_map(|service| {
            Some(format!("{}: `{}` of the service `{}`", service.file, service.volume.as_ref()?, service.name))
        });
        if let (Some((_, settings)), Some(mount)) = (server, &mount)
            && mount.contains(settings.directory.as_str())
        {
            return Err((format!("{mount} covers the settings of the server"), "settings that are in the image"));
        }
        let is_breaking = swap.is_some() || writes.unknown.is_some() || !writes.volumes.is_empty() || mount.is_some();
        let mut assumptions = vec![
            Assumption::assumed(AssumptionKind::NoRootNeeded),
            Assumption::assumed(AssumptionKind::WritesSeen),
            Assumption::assumed(AssumptionKind::NoOtherVolumes),
            Assumption::assumed(AssumptionKind::NoChildImages),
        ];
        if stage.image_by_argument {
            assumptions.push(Assumption::assumed(AssumptionKind::DefaultBuildArguments));
        }
        Ok(Some(Plan {
            after,
            commands,
            user: account.user,
            origin: account.origin,
            ids: account.ids,
            level: if is_breaking { Level::Breaking } else { Level::Guarded },
            assumptions,
            writes,
            mount,
            swap,
        }))
    }

    /// Checks that no file of the build context is started of which the text is not known: it may come to the account by itself.
    fn starts_nothing_unread(&self, stage: &Stage, started: &Started, account: &str) -> Result<(), Refusal> {
        for program in started.commands.iter().filter_map(|argv| argv.first()) {
            let Some(path) = self.absolute(stage, program).filter(|_| program.contains('/')) else { continue };
            let source = self.context_file(stage, stage.instructions.end, &path);
            if source.and_then(|source| self.context.read(&source)).is_some() {
                continue;
            }
            let brings = |index: usize| {
                let (InstructionKind::Copy(transfer) | InstructionKind::Add(transfer)) = &self.instruction(index).kind
                else {
                    return false;
                };
                let destination = self.destination(index, transfer);
                self.instruction(index).flag("from").is_none()
                    && destination.is_none_or(|destination| super::origin::is_within(&path, &destination))
            };
            if self.family(stage).iter().any(|stage| stage.instructions.clone().any(brings)) {
                let reason =
                    format!("the text of `{program}` is not known: it may change to the account `{account}` itself");
                return Err((reason, "a known build context, or USER by hand"));
            }
        }
        Ok(())
    }

    /// Whether the stage comes to be built from another image, in which the server does not start as root.
    #[must_use]
    pub fn runs_unprivileged_instead(&self, from: usize) -> bool {
        let stage = self.stages.iter().find(|stage| stage.from == from);
        stage.is_some_and(|stage| matches!(self.user_plan(stage), Ok(Some(Plan { swap: Some(_), .. }))))
    }

    /// What the tables know of the base image, when it starts nothing by itself.
    fn base_is_plain<'s>(&self, stage: &'s Stage) -> Result<Option<&'s ImageFacts>, Refusal> {
        if self.has_triggers() {
            return Err(("the file has ONBUILD: the image is one to build others from".to_owned(), "none"));
        }
        let mut bottom = stage;
        while let Base::Stage(parent) = bottom.base {
            bottom = &self.stages[parent];
        }
        let Some(image) = stage.image.as_deref() else {
            return match bottom.base {
                Base::Scratch => Ok(None),
                _ => Err(("nothing is known of the base image".to_owned(), "a row for it in the image tables")),
            };
        };
        if !image.onbuild.is(&false) {
            return Err(("the base image may have triggers".to_owned(), "a base image without ONBUILD"));
        }
        if !tables::users().is_plain(&image.family) {
            let reason =
                format!("images of `{}` start a server that starts as root or has a user of its own", image.family);
            return Err((reason, "USER by hand, or the unprivileged variant of the image"));
        }
        Ok(Some(image))
    }

    /// Checks that neither the file nor a compose file says who runs the program. The account that the file makes for it, if it
    /// makes one.
    fn author_has_not_decided(&self, stage: &Stage) -> Result<Option<MadeAccount>, Refusal> {
        let mut made: Vec<MadeAccount> = Vec::new();
        for stage in self.family(stage) {
            for index in stage.instructions.clone() {
                let line = self.lines.line(self.instruction(index).span.start);
                if matches!(self.instruction(index).kind, InstructionKind::User(_)) {
                    return Err((format!("line {line} says USER: root is meant"), "no USER root"));
                }
                let Some(body) = self.body(index).filter(|_| self.is_run(index)) else { continue };
                if let Some(word) = body.text.text.split_whitespace().find(|word| tables::users().changes_user(word)) {
                    return Err((format!("line {line} names `{word}`: something changes user itself"), "USER by hand"));
                }
                if !body.text.text.split_whitespace().any(|word| tables::users().makes_account(word)) {
                    continue;
                }
                let refusal =
                    || (format!("line {line} makes an account: which is for the program is not known"), "USER with it");
                made.extend(self.made_accounts(index, line).ok_or_else(refusal)?);
            }
        }
        if let Some(service) = self.context.services().iter().find(|service| service.user.is_some()) {
            let user = service.user.as_deref().unwrap_or_default();
            let reason = format!("{}: the service `{}` says `user: {user}`", service.file, service.name);
            return Err((reason, "no `user` in the compose file"));
        }
        match made.as_slice() {
            [] => Ok(None),
            [account] if self.is_for_the_program(stage, &account.name) => Ok(made.pop()),
            [account] => {
                let MadeAccount { name, line, .. } = account;
                Err((
                    format!(
                        "line {line} makes the account `{name}` and gives it no file: whether it is for the program is not known"
                    ),
                    "USER with it",
                ))
            }
            [first, ..] => Err((
                format!(
                    "line {} makes an account, and not the only one: which is for the program is not known",
                    first.line
                ),
                "USER with one of them",
            )),
        }
    }

    /// The stage and those that it is built from.
    pub(super) fn family<'s>(&'s self, stage: &'s Stage) -> Vec<&'s Stage> {
        let mut family = vec![stage];
        while let Base::Stage(parent) = family[family.len() - 1].base {
            family.push(&self.stages[parent]);
        }
        family
    }

    /// Checks that no mode keeps files from other users.
    fn files_are_readable(&self, stage: &Stage) -> Result<(), String> {
        for index in self.family(stage).into_iter().flat_map(|stage| stage.instructions.clone()) {
            let instruction = self.instruction(index);
            let line = self.lines.line(instruction.span.start);
            let mode = instruction.flag("chmod").and_then(|flag| flag.value.as_deref());
            if mode.is_some_and(keeps_out) {
                return Err(format!("line {line} makes files that only root can read"));
            }
            let Some(body) = self.body(index).filter(|_| self.is_run(index)) else { continue };
            let mut words = body.text.text.split_whitespace().peekable();
            while let Some(word) = words.next() {
                let word = word.rsplit('/').next().unwrap_or(word);
                if word == "umask" {
                    return Err(format!("line {line} sets a umask"));
                }
                if word == "chmod" || word == "-m" || word == "--mode" {
                    while words.peek().is_some_and(|next| next.starts_with('-')) {
                        words.next();
                    }
                    if words.peek().is_some_and(|mode| keeps_out(mode)) {
                        return Err(format!("line {line} makes files that only their owner can use"));
                    }
                }
            }
        }
        Ok(())
    }

    /// The last instruction of the stage that makes or changes files, or its FROM.
    fn last_that_makes_files(&self, stage: &Stage) -> usize {
        let makes = |index: &usize| {
            matches!(
                self.instruction(*index).kind,
                InstructionKind::Run(_)
                    | InstructionKind::Copy(_)
                    | InstructionKind::Add(_)
                    | InstructionKind::Workdir(_)
                    | InstructionKind::Unknown
            )
        };
        stage.instructions.clone().rev().find(makes).unwrap_or(stage.from)
    }

    /// What the RUN does: makes the account, and the directories that the program writes to.
    fn commands(&self, stage: &Stage, account: &Account, writes: &Writes) -> Result<Vec<String>, Refusal> {
        let mut commands: Vec<String> =
            account.make.iter().flat_map(|make| make.split(" && ")).map(str::to_owned).collect();
        let mut directories: Vec<&str> = writes.directories.iter().map(String::as_str).collect();
        directories
            .extend(writes.volumes.iter().map(String::as_str).filter(|path| !writes.directories.contains(*path)));
        if directories.iter().any(|path| !is_plain_path(path)) {
            return Err((
                "a directory that the program writes to has a name of other characters".to_owned(),
                "a plain name",
            ));
        }
        for directory in &directories {
            if let Some(holds) = self.holds_files_of_context(stage, directory) {
                let reason = format!("the program writes to `{directory}`, which holds `{holds}` of the build context");
                return Err((reason, "a directory of its own for what is written, or `COPY --chown`"));
            }
        }
        if !directories.is_empty() {
            commands.push(format!("install -d {} {}", account.options, directories.join(" ")));
        }
        let exists = |path: &&String| self.context_file(stage, stage.instructions.end, path).is_some();
        let files: Vec<&str> = writes.files.iter().filter(exists).map(String::as_str).collect();
        if !files.is_empty() {
            commands.push(format!("chown {} {}", account.owner, files.join(" ")));
        }
        let has = |program: &str| stage.image.as_deref().is_some_and(|image| image.programs.contains(program));
        let makes_directories = commands.iter().any(|command| command.starts_with("install"));
        if stage.end.shell.is_none() && !commands.is_empty() || makes_directories && !has("install") {
            let reason = "the image has no shell, or no command that makes directories for a user";
            return Err((reason.to_owned(), "a directory with `COPY --chown`"));
        }
        Ok(commands)
    }

    /// A file of the context that a COPY puts into a directory which the program writes to, other than a marker.
    fn holds_files_of_context(&self, stage: &Stage, directory: &str) -> Option<String> {
        let below = directory.strip_prefix(self.final_workdir(stage)?.as_str())?.trim_start_matches('/');
        if below.is_empty() {
            return None;
        }
        let entries = self.context.list(below)?;
        let name = entries.into_iter().find(|(name, entry)| {
            matches!(entry, Entry::File | Entry::Directory)
                && !matches!(name.as_str(), ".gitkeep" | ".keep" | ".gitignore")
        })?;
        Some(format!("{below}/{}", name.0))
    }
}

/// Whether a mode keeps other users from reading.
fn keeps_out(mode: &str) -> bool {
    let mode = mode.trim_matches(|c| matches!(c, '"' | '\''));
    if !mode.is_empty() && mode.bytes().all(|byte| byte.is_ascii_digit()) {
        return mode.len() >= 3 && mode.ends_with(['0', '1', '2', '3']);
    }
    mode.contains("o-") || mode.contains("o=,") || mode.ends_with("o=") || mode.contains("a-")
}

fn is_plain_path(path: &str) -> bool {
    path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'_' | b'-'))
}
