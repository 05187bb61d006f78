//! The axioms: the closed list of changes that can be justified, each with its side conditions.

use super::builds;
use super::cleanup;
use super::commute;
use super::dependencies;
use super::health;
use super::labels;
use super::ownership;
use super::pin;
use super::replay::{self, Replay};
use super::split::{self, Split};
use super::user;
use crate::model::canonical::{self, Canonical, CanonicalWord};
use crate::model::chain::Chain;
use crate::model::effect::Effect;
use crate::model::slimming::slimming;
use crate::model::transfer::{Plain, plain_add};
use crate::model::{Model, cache, call::Call, packages};
use crate::rewrite::Level;
use crate::shell::ast::Script;
use crate::shell::{self, Dialect};
use crate::syntax::mount::Mount;

/// An axiom that justifies a change. Instructions are named by their number in the text before, commands by their number in
/// [`Script::simple_commands`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// ADD becomes COPY.
    ///
    /// Sources are directories, files whose first bytes are no archive, or (guarded) files whose names say so; no flag
    /// that only ADD has.
    CopyForAdd {
        /// The ADD.
        instruction: usize,
    },
    /// A CMD or ENTRYPOINT starts the same process in a better way ([`crate::model::process`]).
    ///
    /// Without a shell: the script, of a shell form or of `sh -c`, is one command of plain words, the shell the default one,
    /// the ENTRYPOINT in effect does not look at CMD, no CMD becomes arguments, and the program needs no shell to start. With `exec`
    /// before the last command of the script: only simple commands stand before it, none in the background, none that sets a
    /// trap; it is a program; and the shell is known to stay. Without the program that runs a script of a manifest: the script is one plain command
    /// of a program of the base image, none runs before or after it, and no source reads what that program sets.
    ExecForm {
        /// The CMD or ENTRYPOINT.
        instruction: usize,
    },
    /// An install command gains an option.
    ///
    /// The option is one that changes no installed file (`-y`, `--no-cache`, `--no-cache-dir`), or guarded one that leaves
    /// documentation out, and stands where the command reads options.
    AddOption {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
        /// Number of the word that the option is put in front of.
        at: usize,
        /// The option.
        option: String,
    },
    /// An apt install gains `--no-install-recommends`, and behind its last word the recommended packages that something may
    /// use. Always guarded.
    ///
    /// The tables know what each package recommends in the release, and the packages lost are of no use to programs.
    NoRecommends {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
        /// Number of the word that the option is put in front of.
        at: usize,
    },
    /// An install command loses an option that keeps its downloads out of the cache, because the cache is mounted; or
    /// `apk add` loses `--update`, because it has `--no-cache`.
    RemoveOption {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
        /// Number of the word.
        at: usize,
    },
    /// A RUN gains a cache mount over a directory that only holds what one of its commands downloads again.
    ///
    /// The directory is that of the table for the effective user; nothing reads it but the tool, in this stage or from
    /// another one.
    AddCacheMount {
        /// The RUN.
        run: usize,
        /// The mount.
        mount: Mount,
    },
    /// A chain loses a command that only empties caches which are mounted, or which nothing fills any more.
    DropCleanup {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
    },
    /// `rm` loses an operand that lies within a mounted cache.
    DropOperand {
        /// The RUN.
        run: usize,
        /// The `rm`.
        command: usize,
        /// Number of the word.
        at: usize,
    },
    /// A chain gains a command at its end that removes package lists or caches.
    ///
    /// Nothing that comes later in the stage, or in a stage built from it, reads what is removed.
    AddCleanup {
        /// The RUN.
        run: usize,
        /// The last command of the chain.
        after: usize,
        /// The command.
        text: String,
    },
    /// `apt-get` takes the place of `apt`.
    ///
    /// The subcommand is one that both do in the same way, and the base image keeps no downloads of either.
    AptGetForApt {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
    },
    /// A chain gains `apt-get update` in front of an install that has none before it.
    ///
    /// The lists stood there from an earlier RUN; the network does not change during a build.
    AddUpdate {
        /// The RUN.
        run: usize,
        /// The install.
        command: usize,
        /// The command.
        text: String,
    },
    /// As [`Self::AddUpdate`] in front of the first install of a RUN, which gains a mount that hides apt's lists and forgets those
    /// that it fetches. Always guarded.
    ///
    /// Whoever needs lists behind it finds those of an earlier RUN of the stage: nothing between may remove them, or change where
    /// packages come from ([`crate::model::lists::may_be_scratch`]).
    AddScratchUpdate {
        /// The RUN.
        run: usize,
        /// The install.
        command: usize,
        /// The command.
        text: String,
    },
    /// Two RUNs become one `&&` list.
    ///
    /// No other instruction lies between them. They and all RUNs between them, which join the first before this one does, are such lists
    /// with the same flags, and none leaves anything behind in its shell for the next.
    MergeAnd {
        /// The first RUN.
        first: usize,
        /// The one that joins it.
        second: usize,
    },
    /// A RUN that only refreshes package lists goes, because every later install refreshes them itself.
    DropUpdate {
        /// The RUN.
        run: usize,
    },
    /// A chain loses a command that only refreshes package lists, because every later install refreshes them itself.
    DropUpdateCommand {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
    },
    /// A RUN that only deletes goes, because what it deletes is gone already.
    ///
    /// An earlier RUN of the stage deletes the same package lists or caches, and nothing that may fill them comes behind it;
    /// the base image has apt delete packages by itself.
    DropIdle {
        /// The RUN.
        run: usize,
    },
    /// A RUN that only removes files moves to the end of an earlier one of its stage. Guarded where what one of them touches
    /// is an assumption.
    ///
    /// It commutes with everything between them; both are `&&` lists with the same flags, and the earlier one leaves
    /// nothing behind in its shell.
    MoveDeleteToMaker {
        /// The earlier RUN.
        maker: usize,
        /// The RUN that moves.
        run: usize,
    },
    /// Two neighbours change places: `second`, which stands behind `first`, then stands before it.
    ///
    /// Neither writes what the other one reads or writes: files and directories by absolute paths, variables, user, working
    /// directory, shell and configuration ([`crate::model::access`]). Guarded where a row of the table bounds what a
    /// command writes, or a build argument's default says what the base image is. No file with ONBUILD.
    ///
    /// Guarded also a WORKDIR behind a COPY that makes the same directory ([`crate::model::access::workdir_before_copy`]).
    Commute {
        /// The instruction that stands first.
        first: usize,
        /// The instruction behind it.
        second: usize,
    },
    /// The base image of a stage gets a tag that says more, or its digest. Guarded when the tag changes.
    ///
    /// No build argument takes part. The tag named the same build on the day of the table (`suites.yaml`); the digest is the one
    /// that the lock has for the tag.
    PinBase {
        /// The FROM.
        from: usize,
        /// The image as it is written then.
        image: String,
    },
    /// The base image of a stage gives way to the one that the project's configuration puts in its place. Always guarded.
    ///
    /// No build argument takes part. Package lines become those of the other package manager, accounts and packages get the names that
    /// the configuration gives them, and no instruction is known to need what the other image lacks ([`crate::model::approved`]).
    ApprovedBase {
        /// The FROM.
        from: usize,
        /// The image as it is written then.
        image: String,
    },
    /// A COPY of the manifests that a RUN installs takes the place of the COPYs of the sources, which then stand behind the RUN.
    /// Always guarded.
    ///
    /// The RUN reads nothing else of what the COPYs bring, and they bring nothing to what it writes; every manifest is read
    /// from the build context, and what it names with it ([`crate::model::dependencies`]). What stands between commutes with
    /// the COPYs. The first COPY brings the same files to the same places with the same flags as those that it stands for.
    CopyManifestsFirst {
        /// The RUN.
        run: usize,
    },
    /// The commands of an `&&` list from one on become a RUN of their own, with the same flags. Always guarded.
    ///
    /// The commands before it leave nothing behind in their shell, and the ones behind it remove nothing; the first RUN can stand above the sources
    /// then ([`crate::model::dependencies::split`]).
    SplitAnd {
        /// The RUN.
        run: usize,
        /// Number of the element of the list with which the second RUN begins.
        at: usize,
    },
    /// An install command becomes one that takes exactly what the lock file says. Always guarded.
    ///
    /// The lock file is copied and was made for the manifest; both are read from the build context
    /// ([`crate::model::dependencies::held`]).
    LockInstall {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
    },
    /// A build command gains what makes its program smaller: options, and variables for itself alone. Always guarded.
    ///
    /// What it gains is what the model says ([`crate::model::lean_build`]): no source that is seen reads symbols or asks for its own path; no module
    /// that is required, and no source, needs C; the lock file is copied and was made for the manifest.
    LeanBuild {
        /// The RUN.
        run: usize,
        /// The build command.
        command: usize,
    },
    /// An ENV loses a variable that has the value which its interpreter takes for the default. Always guarded.
    ///
    /// Neither the base image nor an earlier instruction sets it, and nothing else in the file names it.
    DropSetting {
        /// The ENV.
        instruction: usize,
        /// Number of the pair.
        at: usize,
    },
    /// A command runs without a variable that keeps a cache empty which its RUN mounts. Always guarded.
    UnsetForCommand {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
    },
    /// An install leaves development dependencies out. Always guarded.
    ///
    /// It is the one install of the last stage; no script runs with it, no other command of the stage runs the project's tools, and the
    /// program needs none of these packages, as far as its sources say ([`crate::model::development`]).
    OmitDevelopment {
        /// The RUN.
        run: usize,
        /// The install.
        command: usize,
    },
    /// Packages that only the build of the last stage needs are removed at the end of the RUN that needs them; the RUN that installs
    /// them joins it. Always guarded.
    ///
    /// One RUN installs them and one needs them; both are `&&` lists, and what stands between commutes with the install. Nothing behind them, and
    /// nothing that a container starts, compiles. What programs need of the packages is named in the install
    /// ([`crate::model::build_packages`]).
    RemoveBuildPackages {
        /// The RUN that installs them.
        install: usize,
    },
    /// A chain that installs Python packages gains a command at its end that removes their tests and sources for compilers. Always
    /// breaking.
    SlimPackages {
        /// The RUN.
        run: usize,
        /// The last command of the chain.
        after: usize,
    },
    /// A stage is built from the slim variant of its image, and packages that bring back what it lacks are installed: by the
    /// first install of the stage, or by a new RUN right behind FROM. Always guarded.
    ///
    /// Both images are of one version, release and configuration by the tables; every need of the stage, and of those that
    /// are built from it, is known and met ([`crate::model::base`]). Reference and packages are what the model says.
    SwapBase {
        /// The FROM.
        from: usize,
    },
    /// A stage becomes two: its list up to an instruction, which builds, and a new one, which runs. Always guarded.
    ///
    /// - It is the only stage of a file without ONBUILD, and what the tables know of its base image holds for the new one.
    /// - Every instruction up to the cut is labelled by what it does: build, run or both. Both lists are the one before, filtered, in
    ///   order. The first is whole but for what only configures the image; every setting (ENV, WORKDIR, USER, SHELL, and
    ///   each ARG that something reads) stands in both, so that equal effects have equal inputs.
    /// - A RUN up to the cut of which it is not known what its commands leave behind is no part of a split. What it is known to write
    ///   lies below a path that is copied, at the same absolute path; packages that programs need, and the libraries of
    ///   those with headers, are installed anew. What is repeated does not overlap with what is copied.
    /// - What is copied belongs to root, and is no directory of the system.
    /// - What a container, a health check, the scripts of the context and a RUN behind the cut start is not among the programs
    ///   that are left out. A RUN behind the cut of which no more is known counts as a part of the program.
    /// - Python packages go to a virtual environment that is first on the PATH of both: nothing names the directories of the
    ///   interpreter, starts programs with another PATH or puts packages elsewhere. PATH is the one declared change of the
    ///   configuration; all its other fields are equal.
    SplitStage(Box<Split>),
    /// A stage that ships one static program and files is built from the distroless image for such. Always guarded.
    ///
    /// Another stage builds the program without C; nothing in the stage, and nothing that a compose file starts in the
    /// container, needs a shell, a program or a user of the image that goes ([`crate::model::bare`]).
    SwapForStatic {
        /// The FROM.
        from: usize,
    },
    /// A stage that ships files for an interpreter is built from the distroless image with that interpreter, and starts it in
    /// the words that the image needs. Always breaking.
    ///
    /// Both have one version by the tables; what starts is the interpreter, in exec form; the stage only copies and sets, but for
    /// RUNs that install what the distroless image has; no other program, library, path or user is needed, and no code starts
    /// programs ([`crate::model::hosted`]).
    SwapForInterpreter {
        /// The FROM.
        from: usize,
    },
    /// The file is built on Alpine instead of Debian: every stage that the last one has files from gets the variant of its image
    /// there, package lines and commands that make accounts become those of Alpine, and what it lacks is installed. Always
    /// breaking.
    ///
    /// Old and new image are of one version and configuration by the tables; every package, account, path, command and option has
    /// a counterpart there; every binary of the lock files has one for musl; nothing is downloaded or copied that was built for
    /// glibc ([`crate::model::alpine`]). All changes are what the model says.
    SwapForAlpine,
    /// `chown -R` or `chmod -R` of a directory loses its `-R`, and the COPYs that fill the directory gain `--chown` or `--chmod`.
    /// Always guarded.
    ///
    /// The COPYs bring everything that lies below the directory when the command runs. The owner has a group, the mode digits
    /// only. Nothing between the COPYs and the command creates users ([`crate::model::ownership`]).
    ChownIntoCopy {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
    },
    /// A HEALTHCHECK asks the same URL with a program that the image has. Always guarded.
    ///
    /// The image surely lacks the one that it asks with, and no instruction brings it; the check is that question and nothing
    /// else, of a plain URL of the container, and fails with the answer ([`crate::model::health`]).
    AskOtherwise {
        /// The HEALTHCHECK.
        instruction: usize,
    },
    /// The image runs as a user other than root: USER stands behind the last instruction that makes files, with a RUN before it that makes the
    /// account and the directories which the program writes to ([`crate::model::account`]).
    ///
    /// The stage is the last one and starts a program of its own as root; the base image starts nothing by itself. Nothing that is started or said in the sources
    /// needs root, no file that is needed lies below the home directory of root or is for its owner only, and nobody has said who
    /// runs the program. What is written is found, or the change is breaking; with volumes it is.
    ///
    /// A server of the base image listens and writes where its settings say, all of which are read; with those of the base image alone,
    /// the change is breaking and to the image of the same server that does not start as root: its reference, its port in EXPOSE,
    /// and root for the RUNs in between ([`crate::model::server`]).
    SetUser {
        /// The FROM of the stage.
        from: usize,
    },
    /// MAINTAINER becomes the label for the authors of an image. Always guarded.
    ///
    /// The value is the text to the letter, without quotes around it; nothing else in the stage names the authors
    /// ([`crate::model::authors`]).
    LabelForMaintainer {
        /// The MAINTAINER.
        instruction: usize,
    },
    /// A chain starts with the commands that make apt keep what it downloads, in a stage that is not shipped.
    KeepDownloads {
        /// The RUN.
        run: usize,
    },
}

impl Step {
    /// The lowest level that a rewrite with the step can have.
    pub(super) fn floor(&self) -> Level {
        match self {
            Self::SwapForAlpine | Self::SwapForInterpreter { .. } => Level::Breaking,
            Self::ApprovedBase { .. }
            | Self::AddScratchUpdate { .. }
            | Self::AskOtherwise { .. }
            | Self::ExecForm { .. }
            | Self::NoRecommends { .. }
            | Self::CopyManifestsFirst { .. }
            | Self::LockInstall { .. }
            | Self::ChownIntoCopy { .. }
            | Self::LabelForMaintainer { .. }
            | Self::SplitStage(_)
            | Self::SwapBase { .. }
            | Self::SetUser { .. }
            | Self::LeanBuild { .. }
            | Self::SplitAnd { .. }
            | Self::RemoveBuildPackages { .. }
            | Self::DropSetting { .. }
            | Self::UnsetForCommand { .. }
            | Self::OmitDevelopment { .. }
            | Self::SwapForStatic { .. } => Level::Guarded,
            Self::SlimPackages { .. } => Level::Breaking,
            _ => Level::Safe,
        }
    }
}

/// Checks the side conditions of a step and replays it.
pub(super) fn apply(step: &Step, before: &Model<'_>, replay: &mut Replay, level: Level) -> Result<(), String> {
    let moves = matches!(step, Step::Commute { .. } | Step::CopyManifestsFirst { .. });
    replay.begin(moves, matches!(step, Step::SplitStage(_)))?;
    match step {
        Step::CopyForAdd { instruction } => copy_for_add(before, replay, *instruction, level),
        Step::AskOtherwise { instruction } => health::ask_otherwise(before, replay, *instruction),
        Step::ExecForm { instruction } => exec_form(before, replay, *instruction),
        Step::AddOption { run, command, at, option } => {
            add_option(before, replay, (*run, *command), *at, option, level)
        }
        Step::NoRecommends { run, command, at } => no_recommends(before, replay, *run, *command, *at),
        Step::RemoveOption { run, command, at } => remove_option(before, replay, *run, *command, *at),
        Step::AddCacheMount { run, mount } => add_cache_mount(before, replay, *run, mount),
        Step::DropOperand { run, command, at } => drop_operand(before, replay, *run, *command, *at),
        Step::DropCleanup { run, command } => drop_cleanup(before, replay, *run, *command),
        Step::AddCleanup { run, after, text } => add_cleanup(before, replay, (*run, *after), text, level),
        Step::AptGetForApt { run, command } => apt_get_for_apt(before, replay, *run, *command),
        Step::AddUpdate { run, command, text } => add_update(before, replay, *run, *command, text),
        Step::AddScratchUpdate { run, command, text } => {
            cleanup::add_scratch_update(before, replay, *run)?;
            add_update(before, replay, *run, *command, text)
        }
        Step::MergeAnd { first, second } => merge_and(before, replay, *first, *second),
        Step::DropUpdate { run } => drop_update(before, replay, *run, level),
        Step::DropUpdateCommand { run, command } => drop_update_command(before, replay, *run, *command, level),
        Step::DropIdle { run } => cleanup::drop_idle(before, replay, *run),
        Step::MoveDeleteToMaker { maker, run } => cleanup::move_delete(before, replay, *maker, *run, level),
        Step::Commute { first, second } => commute::commute(before, replay, *first, *second, level),
        Step::PinBase { from, image } => pin::pin_base(before, replay, *from, image, level),
        Step::ApprovedBase { from, image } => pin::approved_base(before, replay, *from, image, level),
        Step::SwapForInterpreter { from } => super::base::swap_for_interpreter(before, replay, *from, level),
        Step::SwapForAlpine => super::alpine::swap_for_alpine(before, replay, level),
        Step::SwapForStatic { from } => super::base::swap_for_static(before, replay, *from, level),
        Step::CopyManifestsFirst { run } => dependencies::copy_manifests_first(before, replay, *run),
        Step::SplitAnd { run, at } => dependencies::split_and(before, replay, *run, *at),
        Step::LockInstall { run, command } => dependencies::lock_install(before, replay, *run, *command),
        Step::SwapBase { from } => super::base::swap_base(before, replay, *from, level),
        Step::SplitStage(split) => split::split(before, replay, split),
        Step::ChownIntoCopy { run, command } => ownership::chown_into_copy(before, replay, *run, *command),
        Step::SetUser { from } => user::set_user(before, replay, *from, level),
        Step::LabelForMaintainer { instruction } => labels::label_for_maintainer(before, replay, *instruction),
        Step::KeepDownloads { run } => keep_downloads(before, replay, *run),
        Step::LeanBuild { run, command } => builds::lean_build(before, replay, *run, *command),
        Step::DropSetting { instruction, at } => builds::drop_setting(before, replay, *instruction, *at),
        Step::UnsetForCommand { run, command } => builds::unset(before, replay, *run, *command),
        Step::OmitDevelopment { run, command } => builds::omit_development(before, replay, *run, *command),
        Step::RemoveBuildPackages { install } => builds::remove_packages(before, replay, *install),
        Step::SlimPackages { run, after } => slim_packages(before, replay, *run, *after),
    }
}

fn copy_for_add(before: &Model<'_>, replay: &mut Replay, instruction: usize, level: Level) -> Result<(), String> {
    match plain_add(before, instruction) {
        Some(Plain::Proved(_)) => {}
        Some(Plain::ByName(_)) if level >= Level::Guarded => {}
        _ => return Err("the ADD may unpack or fetch something".to_owned()),
    }
    let Effect::Transfer(transfer) = replay.effect(instruction)? else { return Err("it is no ADD".to_owned()) };
    transfer.add = false;
    Ok(())
}

fn exec_form(before: &Model<'_>, replay: &mut Replay, instruction: usize) -> Result<(), String> {
    let stage = before.stage_of(instruction).ok_or("it stands in no stage")?;
    let better = before.better_process(stage, instruction).map_err(|(reason, _)| reason)?;
    let better = better.ok_or("it is fine as it is")?;
    let Effect::Process { command, .. } = replay.effect(instruction)? else {
        return Err("it starts no process".to_owned());
    };
    *command = better.command;
    Ok(())
}

fn add_option(
    before: &Model<'_>,
    replay: &mut Replay,
    (run, command): (usize, usize),
    at: usize,
    option: &str,
    level: Level,
) -> Result<(), String> {
    let call = call(before, run, command)?;
    if !call.reads_options_at(at) {
        return Err(format!("no option is read at word {at}"));
    }
    if level < packages::may_gain_option(before, run, &call, option)? {
        return Err(format!("`{option}` leaves files out"));
    }
    let words = &mut command_mut(replay, run, command)?.words;
    words.insert(at, CanonicalWord::plain(option));
    Ok(())
}

fn no_recommends(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize, at: usize) -> Result<(), String> {
    let call = call(before, run, command)?;
    if !call.reads_options_at(at) || !call.is_plain() {
        return Err(format!("no option is read at word {at}"));
    }
    let recommends = packages::recommends(before, run, &call).map_err(|refusal| refusal.to_string())?;
    let words = &mut command_mut(replay, run, command)?.words;
    words.insert(at, CanonicalWord::plain(packages::NO_RECOMMENDS));
    words.extend(recommends.used.iter().map(|package| CanonicalWord::plain(package)));
    Ok(())
}

fn remove_option(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize, at: usize) -> Result<(), String> {
    let call = call(before, run, command)?;
    let word = call.command.words.get(at).and_then(crate::shell::ast::Word::literal).unwrap_or_default();
    let mounts = &replay.run(run)?.mounts;
    let defeats_a_mount = cache::defeating_option(before, run, &call, &word, mounts);
    let words = &mut command_mut(replay, run, command)?.words;
    let has_no_cache = words.contains(&CanonicalWord::plain("--no-cache"));
    if !(defeats_a_mount || packages::is_apk_update_option(&call, &word) && has_no_cache) {
        return Err(format!("`{word}` is no option that a mount or `--no-cache` replaces"));
    }
    // Options are removed from the last to the first, so the number holds.
    words.remove(at);
    Ok(())
}

fn add_cache_mount(before: &Model<'_>, replay: &mut Replay, run: usize, mount: &Mount) -> Result<(), String> {
    cache::may_mount(before, run, mount)?;
    replay.run(run)?.mounts.push(mount.clone());
    Ok(())
}

fn drop_operand(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize, at: usize) -> Result<(), String> {
    let call = call(before, run, command)?;
    let mounts = &replay.run(run)?.mounts;
    let paths = before.paths(run, &call);
    let operand = call.operands().iter().position(|operand| operand.word == at);
    let is_covered = operand.is_some_and(|operand| cache::is_covered(paths[operand].as_deref(), mounts));
    if call.program() != "rm" || !is_covered {
        return Err(format!("word {at} is no path within a mounted cache"));
    }
    // Operands go from the last to the first, so the number holds.
    command_mut(replay, run, command)?.words.remove(at);
    Ok(())
}

fn drop_cleanup(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize) -> Result<(), String> {
    let call = call(before, run, command)?;
    let mounts = &replay.run(run)?.mounts;
    if !cache::only_cleans(before, run, &call, mounts) {
        return Err("the command does more than empty mounted caches".to_owned());
    }
    take_out(before, replay, run, command)
}

fn add_cleanup(
    before: &Model<'_>,
    replay: &mut Replay,
    (run, after): (usize, usize),
    text: &str,
    level: Level,
) -> Result<(), String> {
    at_least(packages::may_clean(before, run, text)?, level)?;
    append(before, replay, (run, after), text)
}

fn slim_packages(before: &Model<'_>, replay: &mut Replay, run: usize, after: usize) -> Result<(), String> {
    let text = slimming(before, run).ok_or("the RUN installs no packages")?.map_err(|(reason, _)| reason)?;
    append(before, replay, (run, after), &text)
}

/// Puts a command behind the last one of a chain.
fn append(before: &Model<'_>, replay: &mut Replay, (run, after): (usize, usize), text: &str) -> Result<(), String> {
    let chain = chain(before, run)?;
    let last = chain.elements.last().and_then(|element| element.simple());
    let after_command = call(before, run, after)?.command;
    if !last.is_some_and(|last| std::ptr::eq(last, after_command)) {
        return Err("the cleanup does not stand at the end of the chain".to_owned());
    }
    let joint = chain.joint;
    replay::insert(replay.script(run)?, joint, Some(after), canonical_command(text)?)
}

fn add_update(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize, text: &str) -> Result<(), String> {
    let call = call(before, run, command)?;
    if !packages::is_update_for(&call, text) {
        return Err(format!("`{text}` is not what refreshes the lists of this install"));
    }
    let chain = chain(before, run)?;
    let at = chain
        .elements
        .iter()
        .position(|element| element.simple().is_some_and(|simple| std::ptr::eq(simple, call.command)))
        .ok_or("the install is no part of the chain")?;
    let previous = at.checked_sub(1).map(|at| chain.elements[at].simple().ok_or("the command before is no simple one"));
    let previous = match previous.transpose()? {
        None => None,
        Some(previous) => {
            before.calls(run).into_iter().find(|call| std::ptr::eq(call.command, previous)).map(|call| call.id)
        }
    };
    replay::insert(replay.script(run)?, chain.joint, previous, canonical_command(text)?)
}

fn apt_get_for_apt(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize) -> Result<(), String> {
    let call = call(before, run, command)?;
    let at = packages::may_be_apt_get(before, run, &call).map_err(|(reason, _)| reason)?;
    // Words are added behind the name only, so the number holds.
    let word = command_mut(replay, run, command)?.words.get_mut(at).ok_or("there is no such word")?;
    *word = CanonicalWord::plain(packages::APT_GET);
    Ok(())
}

fn merge_and(before: &Model<'_>, replay: &mut Replay, first: usize, second: usize) -> Result<(), String> {
    for second in first + 1..=second {
        packages::may_merge(before, second - 1, second)?;
    }
    replay.merge(first, second)
}

/// Checks that the level is the lowest one at least at which a condition holds.
fn at_least(lowest: Level, level: Level) -> Result<(), String> {
    if level < lowest { Err(format!("it rests on an assumption and cannot be {level}")) } else { Ok(()) }
}

fn drop_update(before: &Model<'_>, replay: &mut Replay, run: usize, level: Level) -> Result<(), String> {
    let calls = before.calls(run);
    let only_updates = chain(before, run)?.elements.len() == calls.len() && calls.iter().all(packages::is_update);
    if !only_updates || !replay.run(run)?.mounts.is_empty() {
        return Err("the RUN does more than refresh package lists".to_owned());
    }
    at_least(packages::lists_are_not_read_after(before, run)?, level)?;
    replay.remove(run).map(drop)
}

fn drop_update_command(
    before: &Model<'_>,
    replay: &mut Replay,
    run: usize,
    command: usize,
    level: Level,
) -> Result<(), String> {
    let call = call(before, run, command)?;
    if !packages::is_update(&call) {
        return Err("the command does more than refresh package lists".to_owned());
    }
    at_least(packages::lists_are_not_read_after(before, run)?, level)?;
    take_out(before, replay, run, command)
}

fn keep_downloads(before: &Model<'_>, replay: &mut Replay, run: usize) -> Result<(), String> {
    let stage = before.stage_of(run).ok_or("it stands in no stage")?;
    if before.is_shipped(stage) {
        return Err("the stage is shipped: what is written to `/etc/apt` would stay in the image".to_owned());
    }
    cache::may_write_apt_configuration(before, stage)?;
    let joint = chain(before, run)?.joint;
    let list = replay.script(run)?;
    for command in cache::KEEP_DOWNLOADS.iter().rev() {
        replay::insert(list, joint, None, canonical_command(command)?)?;
    }
    Ok(())
}

fn chain<'a>(before: &'a Model<'_>, run: usize) -> Result<Chain<'a>, String> {
    script(before, run).and_then(|script| Chain::of(script).ok_or_else(|| "the script is no chain".to_owned()))
}

fn script<'a>(before: &'a Model<'_>, run: usize) -> Result<&'a Script, String> {
    before.body(run).and_then(|body| body.understood()).ok_or_else(|| "the script is not understood".to_owned())
}

pub(super) fn call<'a>(before: &'a Model<'_>, run: usize, command: usize) -> Result<Call<'a>, String> {
    before
        .calls(run)
        .into_iter()
        .find(|call| call.id == command)
        .ok_or_else(|| format!("there is no command {command}"))
}

pub(super) fn command_mut(
    replay: &mut Replay,
    run: usize,
    command: usize,
) -> Result<&mut canonical::CanonicalCommand, String> {
    replay::command_mut(replay.script(run)?, command).ok_or_else(|| format!("there is no command {command}"))
}

fn take_out(before: &Model<'_>, replay: &mut Replay, run: usize, command: usize) -> Result<(), String> {
    let joint = chain(before, run)?.joint;
    replay::take_out(replay.script(run)?, joint, command)
}

/// The canonical form of one simple command that a step puts in.
pub(super) fn canonical_command(text: &str) -> Result<Canonical, String> {
    let script = shell::parse(text, Dialect::Posix).map_err(|error| error.to_string())?;
    match script.list.statements.as_slice() {
        [statement] => Ok(canonical::node(&statement.node)),
        _ => Err(format!("`{text}` is not one command")),
    }
}
