//! The user that a stage can run as in place of root, and what has to be done for it.

use super::runtime::Refusal;
use super::writes::Writes;
use super::{Base, Model, Stage};
use crate::context::Entry;
use crate::rewrite::{Assumption, AssumptionKind, Level};
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, Fact, ImageFacts, Sh};

/// The name of an account that is made.
const NAME: &str = "app";
/// Its number, beyond those that distributions and their packages hand out.
const ID: u32 = 10001;
/// The user of distroless images, for images without accounts.
const NUMBER: u32 = 65532;

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
}

/// The account a plan uses.
struct Account {
    user: String,
    owner: String,
    ids: String,
    origin: String,
    make: Option<String>,
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
        self.author_has_not_decided(stage)?;
        self.nothing_lies_at_home(stage)
            .map_err(|reason| (reason, "the files below a directory that every user can read"))?;
        self.files_are_readable(stage).map_err(|reason| (reason, "a mode that lets other users read the file"))?;
        let started = self.started(stage).map_err(|reason| (reason, "an ENTRYPOINT or CMD that starts one program"))?;
        self.needs_no_root(stage, &started)
            .map_err(|reason| (reason, "a program that works without root, or USER by hand"))?;
        let writes = self
            .writes(stage, &started)
            .map_err(|reason| (reason, "a directory of its own for what the program writes"))?;
        let account = self.account(stage, image);
        let after = self.last_that_makes_files(stage);
        let commands = self.commands(stage, &account, &writes)?;
        let mount = self.context.services().iter().find_map(|service| {
            Some(format!("{}: `{}` of the service `{}`", service.file, service.volume.as_ref()?, service.name))
        });
        let is_breaking = writes.unknown.is_some() || !writes.volumes.is_empty() || mount.is_some();
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
        }))
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

    /// Checks that neither the file nor a compose file says who runs the program.
    fn author_has_not_decided(&self, stage: &Stage) -> Result<(), Refusal> {
        for stage in self.family(stage) {
            for index in stage.instructions.clone() {
                let line = self.lines.line(self.instruction(index).span.start);
                if matches!(self.instruction(index).kind, InstructionKind::User(_)) {
                    return Err((format!("line {line} says USER: root is meant"), "no USER root"));
                }
                let Some(body) = self.body(index).filter(|_| self.is_run(index)) else { continue };
                if body.text.text.split_whitespace().any(|word| tables::users().makes_account(word)) {
                    return Err((
                        format!("line {line} makes an account: which is for the program is not known"),
                        "USER with it",
                    ));
                }
            }
        }
        if let Some(service) = self.context.services().iter().find(|service| service.user.is_some()) {
            let user = service.user.as_deref().unwrap_or_default();
            let reason = format!("{}: the service `{}` says `user: {user}`", service.file, service.name);
            return Err((reason, "no `user` in the compose file"));
        }
        Ok(())
    }

    /// The stage and those that it is built from.
    fn family<'s>(&'s self, stage: &'s Stage) -> Vec<&'s Stage> {
        let mut family = vec![stage];
        while let Base::Stage(parent) = family[family.len() - 1].base {
            family.push(&self.stages[parent]);
        }
        family
    }

    /// Checks that nothing that the program needs lies below the home directory of root, which other users cannot enter.
    fn nothing_lies_at_home(&self, stage: &Stage) -> Result<(), String> {
        let table = tables::users();
        let family = self.family(stage);
        let environment = &stage.end.variables.environment;
        let lies_elsewhere = environment.keys().any(|name| table.lies_elsewhere(name));
        if let Some((name, _)) = environment.iter().find(|(_, value)| value.text.as_deref().is_some_and(names_home)) {
            return Err(format!("the variable `{name}` leads below `/root`"));
        }
        for index in family.iter().flat_map(|stage| stage.instructions.clone()) {
            let instruction = self.instruction(index);
            let line = self.lines.line(instruction.span.start);
            let home = |what: &str| Err(format!("line {line} {what} below `/root`, which only root can enter"));
            match &instruction.kind {
                InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => {
                    let destination = self.destination(index, transfer);
                    if destination.is_none_or(|path| names_home(&path)) {
                        return home("may put files");
                    }
                }
                InstructionKind::Run(_) => {
                    let Some(body) = self.body(index) else { continue };
                    let text = &body.text.text;
                    if names_home(text) && !self.only_removes(index) {
                        return home("has files");
                    }
                    let fetched = ["| sh", "|sh", "| bash", "|bash", "-c \"$(curl", "-c \"$(wget"];
                    if fetched.iter().any(|installer| text.contains(installer)) {
                        return home("runs an installer from the network, which may put files");
                    }
                    if let Some(command) = table.home_command(text)
                        && !lies_elsewhere
                        && !table.lies_elsewhere(text)
                    {
                        return home(&format!("runs `{command}`, which puts files"));
                    }
                }
                InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_) | InstructionKind::Healthcheck(_)
                    if names_home(instruction.span.of(self.source)) =>
                {
                    return home("names files");
                }
                _ => {}
            }
        }
        if stage.end.workdir.text.as_deref().is_some_and(names_home) {
            return Err("the working directory lies below `/root`".to_owned());
        }
        for source in self.context.sources().unwrap_or_default() {
            let name = source.path.rsplit('/').next().unwrap_or_default();
            let is_code = table.writers(&source.path).is_some() && !table.is_aside(&source.path);
            if is_code && source.known().contains("/root/") {
                return Err(format!("`{}` names `/root/`", source.path));
            }
            if name.ends_with(".json")
                && !name.contains("lock")
                && !lies_elsewhere
                && let Some(package) = table.home_dependency(source.known())
            {
                return Err(format!(
                    "`{}` has the package {package}, which puts files below the home directory",
                    source.path
                ));
            }
        }
        Ok(())
    }

    /// Whether every command of the RUN that names the home directory removes files.
    fn only_removes(&self, run: usize) -> bool {
        let Some(calls) = self.every_call(run) else { return false };
        let names = |text: &str| names_home(text);
        calls.iter().all(|call| {
            let mentions = call.command.words.iter().any(|word| word.pattern().is_none_or(|text| names(&text)));
            !mentions || call.program() == "rm" || call.command.name().as_deref() == Some("rm")
        })
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

    /// The account: the base's own, one that is made, or a number.
    fn account(&self, stage: &Stage, image: Option<&ImageFacts>) -> Account {
        let number = |id: u32| Account {
            user: format!("{id}:{id}"),
            owner: id.to_string(),
            ids: format!("{id}:{id}"),
            origin: "a number, because the image has no command that makes accounts".to_owned(),
            make: None,
        };
        let Some(image) = image else { return number(NUMBER) };
        let own = tables::users().own(&image.family);
        if let Some(user) = own.and_then(|own| image.users.iter().find(|user| user.name == own)) {
            return Account {
                user: user.name.clone(),
                owner: user.name.clone(),
                ids: format!("{}:{}", user.uid, user.gid),
                origin: "the user that the base image has for programs".to_owned(),
                make: None,
            };
        }
        let is_default =
            stage.end.shell.as_deref().is_some_and(|shell| shell == ["/bin/sh".to_owned(), "-c".to_owned()]);
        let has_shell = is_default && !image.sh.is(&Sh::None) && matches!(image.sh, Fact::Known(_));
        let distribution = image.distribution.known().map(|distribution| distribution.name);
        let make = distribution.and_then(|distribution| tables::users().create(distribution, NAME, ID));
        match make.filter(|_| has_shell && !image.users.iter().any(|user| user.name == NAME || user.uid == ID)) {
            Some(make) => Account {
                user: NAME.to_owned(),
                owner: NAME.to_owned(),
                ids: format!("{ID}:{ID}"),
                origin: "a user of its own".to_owned(),
                make: Some(make),
            },
            None => number(ID),
        }
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
            commands.push(format!("install -d -o {0} -g {0} {1}", account.owner, directories.join(" ")));
        }
        let exists = |path: &&String| self.context_file(stage, stage.instructions.end, path).is_some();
        let files: Vec<&str> = writes.files.iter().filter(exists).map(String::as_str).collect();
        if !files.is_empty() {
            commands.push(format!("chown {0}:{0} {1}", account.owner, files.join(" ")));
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

/// Whether the text names the home directory of root.
fn names_home(text: &str) -> bool {
    let word = |at: usize, len: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + len..].chars().next();
        before.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '/' | '_' | '-' | '.'))
            && after.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'))
    };
    text.match_indices("/root").any(|(at, known)| word(at, known.len()))
        || ["~/", "$HOME", "${HOME"].iter().any(|home| text.contains(home))
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
