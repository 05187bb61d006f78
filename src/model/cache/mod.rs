//! Cache mounts: which directories of a RUN hold only what its commands download again, and who else reads them.

mod place;
mod readers;

pub use place::{is_the_tool, names_option};
pub use readers::{mentions, relies_on_earlier_downloads};

use super::call::Call;
use super::{Base, Model, Stage};
use crate::syntax::ast::{Command, InstructionKind};
use crate::syntax::mount::{Mount, MountKind, Sharing};
use crate::tables::{self, CacheDirectory, Tool};

/// The commands that make apt keep what it downloads on Debian's and Ubuntu's images (Dockerfile reference, "Example: cache apt
/// packages").
pub const KEEP_DOWNLOADS: [&str; 2] = [
    "rm -f /etc/apt/apt.conf.d/docker-clean",
    "echo 'Binary::apt::APT::Keep-Downloaded-Packages \"true\";' > /etc/apt/apt.conf.d/keep-cache",
];

/// A mount that a RUN may gain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The mount.
    pub mount: Mount,
    /// Whether what it holds is checked against hashes before use.
    pub hash_verified: bool,
}

/// Why a RUN gains no mount, and what would change that.
pub type Refusal = (String, &'static str);

/// The mounts that the RUN may gain for a tool.
///
/// # Errors
/// Why it may gain none.
pub fn planned(model: &Model<'_>, run: usize, tool: &Tool) -> Result<Vec<Planned>, Refusal> {
    let stage = model.stage_of(run).ok_or_else(|| ("it stands in no stage".to_owned(), "nothing"))?;
    if stage.image.is_none() && stage.base != Base::Scratch {
        let reason = "what the base image holds already is not known".to_owned();
        return Err((reason, "a row for the base image in the image tables"));
    }
    place::is_the_tool(model, stage, tool)?;
    place::is_default(model, run, tool)?;
    readers::relies_on_earlier_downloads(model, stage, tool)?;
    let mut planned = Vec::new();
    let subcommands: Vec<String> = model
        .calls(run)
        .iter()
        .filter(|call| uses(call, tool))
        .filter_map(|call| Some(call.subcommand()?.to_owned()))
        .collect();
    let is_used = |directory: &&CacheDirectory| {
        let is_left_alone = |subcommand: &String| directory.not_for.contains(subcommand);
        !directory.optional && (subcommands.is_empty() || !subcommands.iter().all(is_left_alone))
    };
    for directory in tool.directories.iter().filter(is_used) {
        let (target, uid, gid) = place::target(model, run, directory)?;
        readers::touches_tree_above(model, run, tool, &target)?;
        readers::is_read_elsewhere(model, stage, run, tool, directory, &target)?;
        let id = place::id(stage, directory, uid)?;
        // Shared is what BuildKit does without the key.
        let sharing = match directory.sharing {
            tables::Sharing::Shared => None,
            tables::Sharing::Locked => Some(Sharing::Locked),
            tables::Sharing::Private => Some(Sharing::Private),
        };
        let other_user = uid.filter(|uid| *uid != 0);
        let mount = Mount { id: Some(id), sharing, uid: other_user, gid: other_user.and(gid), ..Mount::cache(target) };
        planned.push(Planned { mount, hash_verified: directory.hash_verified });
    }
    Ok(planned)
}

/// Checks that the RUN may gain the mount: one of those planned for a tool that it uses.
///
/// # Errors
/// Why it may not.
pub fn may_mount(model: &Model<'_>, run: usize, mount: &Mount) -> Result<(), String> {
    let calls = model.calls(run);
    for tool in tables::caches().tools().filter(|tool| calls.iter().any(|call| uses(call, tool))) {
        if planned(model, run, tool).is_ok_and(|planned| planned.iter().any(|planned| planned.mount == *mount)) {
            return Ok(());
        }
    }
    Err("no command of the RUN has a cache that this mount would cover".to_owned())
}

/// Whether the call fills the caches of the tool.
#[must_use]
pub fn uses(call: &Call<'_>, tool: &Tool) -> bool {
    tool.commands.iter().any(|command| call.is_command(command))
        && !tool.defeating_commands.iter().any(|command| call.reads_as(command))
}

/// The directories that the tool fills in the RUN, for the effective user.
///
/// # Errors
/// Why that is not known.
pub fn directories(model: &Model<'_>, run: usize, tool: &Tool) -> Result<Vec<String>, Refusal> {
    place::is_default(model, run, tool)?;
    let directories = tool.directories.iter().filter(|directory| !directory.optional);
    directories.map(|directory| place::target(model, run, directory).map(|(target, ..)| target)).collect()
}

/// Checks that nobody but the tool reads its caches, so that they may be emptied in the RUN that fills them.
///
/// # Errors
/// Who reads them.
pub fn unread(model: &Model<'_>, run: usize, tool: &Tool) -> Result<(), Refusal> {
    let stage = model.stage_of(run).ok_or_else(|| ("it stands in no stage".to_owned(), "nothing"))?;
    for directory in tool.directories.iter().filter(|directory| !directory.optional) {
        let target =
            place::target(model, run, directory).map_or_else(|_| directory.root.clone(), |(target, ..)| target);
        readers::is_read_elsewhere(model, stage, run, tool, directory, &target)?;
    }
    Ok(())
}

/// Whether the path, possibly with a `*` for its last part, lies at or below the directory.
fn covers(path: &str, target: &str) -> bool {
    let fixed = path.strip_suffix("/*").unwrap_or(path);
    !fixed.contains(['*', '?', '[']) && is_below(fixed.trim_end_matches('/'), target)
}

/// Whether the operand of an `rm` lies within what the mounts cover.
#[must_use]
pub fn is_covered(path: Option<&str>, mounts: &[Mount]) -> bool {
    let caches = mounts.iter().filter(|mount| mount.kind == MountKind::Cache);
    let mut targets = caches.filter_map(|mount| mount.target.as_deref());
    path.is_some_and(|path| targets.any(|target| covers(path, target)))
}

/// Whether `path` is `directory` or lies below it.
#[must_use]
pub fn is_below(path: &str, directory: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a word of the call is an option that keeps downloads out of a cache that the mounts cover.
#[must_use]
pub fn defeating_option(model: &Model<'_>, run: usize, call: &Call<'_>, word: &str, mounts: &[Mount]) -> bool {
    tables::caches().tools().any(|tool| {
        uses(call, tool)
            && tool.defeating_flags.iter().any(|flag| flag == word)
            && planned(model, run, tool)
                .is_ok_and(|planned| planned.iter().all(|planned| is_mounted(mounts, &planned.mount)))
    })
}

fn is_mounted(mounts: &[Mount], wanted: &Mount) -> bool {
    let Some(target) = &wanted.target else { return false };
    mounts.iter().any(|mount| {
        mount.kind == MountKind::Cache && mount.target.as_deref().is_some_and(|mounted| is_below(target, mounted))
    })
}

/// Whether the call does nothing but empty caches that the mounts cover.
///
/// `rm -rf` of a mounted directory empties the cache for all builds, and then fails because the directory is busy.
#[must_use]
pub fn only_cleans(model: &Model<'_>, run: usize, call: &Call<'_>, mounts: &[Mount]) -> bool {
    if !call.command.redirects.is_empty() || !call.command.assignments.is_empty() {
        return false;
    }
    if call.program() == "rm" {
        let paths = model.paths(run, call);
        return !paths.is_empty() && paths.iter().all(|path| is_covered(path.as_deref(), mounts));
    }
    tables::caches().tools().any(|tool| {
        tool.defeating_commands.iter().any(|command| call.reads_as(command))
            && planned(model, run, tool)
                .is_ok_and(|planned| planned.iter().all(|planned| is_mounted(mounts, &planned.mount)))
    })
}

/// Checks that nobody copies apt's configuration out of the stage.
///
/// # Errors
/// Who does.
pub fn may_write_apt_configuration(model: &Model<'_>, stage: &Stage) -> Result<(), String> {
    for index in 0..model.dockerfile.instructions.len() {
        let InstructionKind::Copy(transfer) = &model.instruction(index).kind else { continue };
        if model.stages_read_by(index).contains(&stage.index) {
            let overlaps = |source: &str| {
                is_below("/etc/apt", source) || is_below(source, "/etc/apt") || source.contains(['*', '$', '?', '['])
            };
            if transfer.sources.iter().any(|source| overlaps(source.text.trim_end_matches('/'))) {
                let line = model.lines.line(model.instruction(index).span.start);
                return Err(format!("line {line} copies apt's configuration out of the stage"));
            }
        }
    }
    Ok(())
}

/// Whether what the stage's container starts may use the tool's directories at run time.
#[must_use]
pub fn may_be_used_at_run_time(model: &Model<'_>, stage: &Stage, tool: &Tool) -> bool {
    let programs: Vec<&str> = tool.commands.iter().filter_map(|command| command.split(' ').next()).collect();
    let harmless = |command: &Command| match command {
        Command::Exec(argv) => argv.first().is_some_and(|program| {
            is_own_program(&program.text, &programs) || tool.independent.contains(&program.text)
        }),
        Command::Shell(_) => false,
    };
    let mut starts = stage.instructions.clone().filter_map(|index| match &model.instruction(index).kind {
        InstructionKind::Cmd(command) | InstructionKind::Entrypoint(command) => Some(command),
        _ => None,
    });
    let first = starts.next();
    first.is_none_or(|first| !harmless(first))
        || starts.any(|command| {
            !harmless(command)
                && !matches!(command, Command::Exec(argv) if argv.iter().all(|word| word.text.starts_with('-')))
        })
}

/// Whether a program is one that was built, not a shell, script or tool that may call the tool.
fn is_own_program(program: &str, tools: &[&str]) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    !tools.contains(&name)
        && !tables::programs().is_program(name)
        && !tables::programs().is_shell_word(name)
        && !name.ends_with(".sh")
        && !matches!(name, "sh" | "bash" | "make" | "air")
}
