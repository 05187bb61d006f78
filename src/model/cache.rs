//! Cache mounts: which directories of a RUN hold only what its commands download again, and who else reads them.

use super::call::Call;
use super::scope::Variable;
use super::{Model, Stage};
use crate::shell::ast::Word;
use crate::syntax::ast::{Command, InstructionKind};
use crate::syntax::mount::{Mount, MountKind, Sharing};
use crate::tables::{self, CacheDirectory, Distribution, Fact, Interpreter, Tool, TreeEffect};

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
    elsewhere(model, run, tool)?;
    let mut planned = Vec::new();
    let subcommands: Vec<String> = model
        .calls(run)
        .iter()
        .filter(|call| uses(call, tool))
        .filter_map(|call| Some(call.subcommand()?.to_owned()))
        .collect();
    let is_used = |directory: &&CacheDirectory| {
        !directory.optional && !subcommands.iter().all(|subcommand| directory.not_for.contains(subcommand))
    };
    for directory in tool.directories.iter().filter(is_used) {
        let (target, uid, gid) = target(model, run, directory)?;
        touches_tree_above(model, run, tool, &target)?;
        is_read_elsewhere(model, stage, run, tool, directory, &target)?;
        let id = id(stage, directory, uid)?;
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
    tool.commands.iter().any(|command| match command.split_once(' ') {
        None => call.program() == command,
        Some((program, subcommand)) => call.program() == program && call.subcommand() == Some(subcommand),
    })
}

/// Checks that nobody but the tool reads its caches, so that they may be emptied in the RUN that fills them.
///
/// # Errors
/// Who reads them.
pub fn unread(model: &Model<'_>, run: usize, tool: &Tool) -> Result<(), Refusal> {
    let stage = model.stage_of(run).ok_or_else(|| ("it stands in no stage".to_owned(), "nothing"))?;
    for directory in tool.directories.iter().filter(|directory| !directory.optional) {
        let target = target(model, run, directory).map_or_else(|_| directory.root.clone(), |(target, ..)| target);
        is_read_elsewhere(model, stage, run, tool, directory, &target)?;
    }
    Ok(())
}

/// Checks that nothing puts the cache elsewhere or switches it off.
fn elsewhere(model: &Model<'_>, run: usize, tool: &Tool) -> Result<(), Refusal> {
    let variables = &model.state(run).variables;
    for name in tool.environment.iter().chain(&tool.defeating_environment) {
        match variables.get(name) {
            Variable::Unset => {}
            // `GOPATH=/go` is what the row's directories are made for.
            Variable::Set(value) if value.fixed().is_some_and(|value| is_home_of(tool, value)) => {}
            Variable::Set(_) => return Err((format!("`{name}` is set"), "the tool's default")),
            Variable::Unknown => {
                let reason = format!("whether the base image sets `{name}` is not known");
                return Err((reason, "a row for the base image in the image tables"));
            }
        }
    }
    let has_own_home = |directory: &CacheDirectory| {
        tool.environment.iter().any(|name| match variables.get(name) {
            Variable::Set(value) => value.fixed().is_some_and(|value| is_below(&directory.root, value)),
            Variable::Unset | Variable::Unknown => false,
        })
    };
    if !tool.environment.is_empty()
        && tool.directories.iter().any(|directory| directory.home.is_none() && !has_own_home(directory))
    {
        let reason = format!("the base image does not keep what {} downloads where its own images do", tool.tool);
        return Err((reason, "the tool's official image, or its variables set as there"));
    }
    for call in model.calls(run) {
        let is_about_cache = |name: &String| {
            name == "HOME"
                || tool
                    .environment
                    .iter()
                    .chain(&tool.defeating_environment)
                    .any(|known| known.eq_ignore_ascii_case(name))
        };
        if let Some(name) = call.variables_set().into_iter().find(is_about_cache) {
            return Err((format!("the RUN sets `{name}` itself"), "ENV, or the default cache directory"));
        }
    }
    for call in model.calls(run).iter().filter(|call| uses(call, tool)) {
        if !call.is_plain() {
            return Err(call.why_not_plain());
        }
        let options: Vec<&str> = tool.options.iter().map(String::as_str).collect();
        if call.option(&options).is_some() {
            return Err(("the command names its cache itself".to_owned(), "the default cache directory"));
        }
    }
    configured(model, run, tool)
}

/// Whether a variable of the tool with this value is what the directories of its row are made for.
fn is_home_of(tool: &Tool, value: &str) -> bool {
    tool.directories.iter().any(|directory| directory.home.is_none() && is_below(&directory.root, value))
}

/// Checks that no command and no file of the context configures the tool's cache.
fn configured(model: &Model<'_>, run: usize, tool: &Tool) -> Result<(), Refusal> {
    let unlock = "the default cache directory";
    let Some(stage) = model.stage_of(run) else { return Ok(()) };
    for index in stage.instructions.start..=run {
        let configures = |call: &Call<'_>| {
            tool.commands.iter().any(|command| command.split(' ').next() == Some(call.program()))
                && call.subcommand().is_some_and(|name| name.starts_with("config") || name.starts_with("set"))
                && call.has_word_with("cache")
        };
        let needs_earlier = |call: &Call<'_>| {
            tool.commands.iter().any(|command| command.split(' ').next() == Some(call.program()))
                && (call.has_word_with("offline") || call.subcommand() == Some("cache add"))
        };
        if model.calls(index).iter().any(needs_earlier) {
            let line = model.lines.line(model.instruction(index).span.start);
            return Err((format!("line {line} relies on what {} downloaded before", tool.tool), "nothing"));
        }
        if model.calls(index).iter().any(configures) {
            let line = model.lines.line(model.instruction(index).span.start);
            return Err((format!("line {line} configures the cache of {}", tool.tool), unlock));
        }
    }
    for file in &tool.configuration {
        let sets_cache = |text: String| {
            text.lines().any(|line| line.trim_start().starts_with("cache") || line.contains("no-cache-dir"))
        };
        if model.context.read(file).is_some_and(sets_cache) {
            return Err((format!("`{file}` configures the cache of {}", tool.tool), unlock));
        }
    }
    Ok(())
}

/// The directory for the effective user of the RUN, with the user's numbers.
fn target(
    model: &Model<'_>,
    run: usize,
    directory: &CacheDirectory,
) -> Result<(String, Option<u32>, Option<u32>), Refusal> {
    let user = model.user(run);
    let Some(uid) = user.uid else {
        return Err((
            "the number of the effective user is not known".to_owned(),
            "a numeric USER, or a user of the base image",
        ));
    };
    match (&directory.home, &user.home) {
        (Some(_), Some(home)) if home == "/nonexistent" => {
            Err(("the effective user has no home".to_owned(), "a user with a home"))
        }
        (Some(suffix), Some(home)) => Ok((format!("{}/{suffix}", home.trim_end_matches('/')), Some(uid), user.gid)),
        (Some(_), None) => {
            Err(("HOME of the effective user is not known".to_owned(), "a user of the base image, or ENV HOME"))
        }
        (None, _) if user.is_root() => Ok((directory.root.clone(), Some(0), Some(0))),
        (None, _) => Err((format!("`{}` belongs to root and the user is another one", directory.root), "nothing")),
    }
}

/// The id of the cache: tool, release and interpreter where what it holds fits one of them only, and uid.
fn id(stage: &Stage, directory: &CacheDirectory, uid: Option<u32>) -> Result<String, Refusal> {
    let mut id = directory.id.clone();
    if directory.of_release {
        let image = stage.image.as_deref();
        let release = image.and_then(|image| match &image.distribution {
            Fact::Known(distribution) => release_label(distribution),
            Fact::Varies | Fact::Unknown => None,
        });
        let Some(release) = release else {
            return Err((
                "the release of the base image is not known, and what the cache holds fits one release only".to_owned(),
                "a row for the base image in the image tables",
            ));
        };
        id = format!("{id}-{release}");
        if let Some(interpreter) = image
            .and_then(|image| image.interpreter.as_ref())
            .filter(|interpreter| directory.of_interpreter && !interpreter.version.is_empty())
        {
            id = format!("{id}-{}", interpreter_label(interpreter));
        }
    }
    if let Some(uid) = uid.filter(|uid| *uid != 0) {
        id = format!("{id}-{uid}");
    }
    Ok(id)
}

/// A name of the release that no other distribution has: `bookworm`, `alpine3.20`.
fn release_label(distribution: &Distribution) -> Option<String> {
    let release = distribution.release.as_deref()?;
    if release.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Some(release.to_owned());
    }
    Some(format!("{:?}{release}", distribution.name).to_lowercase())
}

/// The interpreter as wheels name it, `cp312`; others by their major version, `node22`.
fn interpreter_label(interpreter: &Interpreter) -> String {
    let mut parts = interpreter.version.split('.');
    let major = parts.next().unwrap_or_default();
    match (interpreter.name.as_str(), parts.next()) {
        ("python", Some(minor)) => format!("cp{major}{minor}"),
        // A language that never leaves its first major version.
        (name, Some(minor)) if major == "1" => format!("{name}1.{minor}"),
        (name, _) => format!("{name}{major}"),
    }
}

/// Checks that nobody but the tool reads the directory: no other stage copies from it, no other command names it.
fn is_read_elsewhere(
    model: &Model<'_>,
    stage: &Stage,
    run: usize,
    tool: &Tool,
    directory: &CacheDirectory,
    target: &str,
) -> Result<(), Refusal> {
    let family: Vec<usize> = std::iter::once(stage).chain(model.descendants(stage)).map(|stage| stage.index).collect();
    let needles = needles(directory, target);
    for index in 0..model.dockerfile.instructions.len() {
        let in_family = model.stage_of(index).is_some_and(|stage| family.contains(&stage.index));
        let reads_family = model.stages_read_by(index).iter().any(|read| family.contains(read));
        if !in_family && !reads_family {
            continue;
        }
        let line = model.lines.line(model.instruction(index).span.start);
        if let InstructionKind::Copy(transfer) = &model.instruction(index).kind
            && reads_family
        {
            let overlaps = |source: &str| {
                is_below(source, target) || is_below(target, source) || source.contains(['*', '?', '$', '['])
            };
            if transfer.sources.iter().any(|source| overlaps(&source.text)) {
                return Err((format!("line {line} copies from `{target}` or above it"), "nothing"));
            }
        }
        if index != run && copies_tree_above(model, index, target) {
            return Err((format!("line {line} copies a directory that holds `{target}`"), "nothing"));
        }
        if names(model, index, tool, &needles) {
            let this = if index == run { " itself" } else { "" };
            return Err((format!("line {line}{this} names `{target}`, or something above it"), "nothing"));
        }
    }
    Ok(())
}

/// Checks that no other command of the RUN handles a tree that holds the directory, and that none is unknown: it would
/// see what other builds left in the mount, or remove the mount itself and fail.
fn touches_tree_above(model: &Model<'_>, run: usize, tool: &Tool, target: &str) -> Result<(), Refusal> {
    for call in model.calls(run).iter().filter(|call| !uses(call, tool)) {
        let name = call.command.words.first().and_then(Word::literal).unwrap_or_default();
        if !super::packages::is_bounded(call) {
            let reason = format!("the RUN also runs `{name}`, which may read or remove the cache");
            return Err((reason, "a RUN of its own for the install"));
        }
        let is_kept = tables::programs().tree_effect(&name) == Some(TreeEffect::Kept);
        if !is_kept && names_tree_above(model, run, call, target) {
            let reason = format!("the RUN also runs `{name}` on a directory that holds the cache");
            return Err((reason, "a RUN of its own for the install"));
        }
    }
    Ok(())
}

/// Whether a word of the call is a directory that holds the target.
fn names_tree_above(model: &Model<'_>, run: usize, call: &Call<'_>, target: &str) -> bool {
    let home = model.user(run).home;
    let workdir = model.state(run).workdir.text.as_deref();
    let enters = call.command.words.first().and_then(Word::literal).as_deref() == Some("cd");
    let paths = call.command.words.iter().skip(1).filter_map(|word| super::call::path(word, home.as_deref()));
    paths.into_iter().any(|path| {
        if path == "/" {
            // `cd /` leads nowhere near; a command on `/` is one on everything.
            return !enters;
        }
        let absolute = match workdir {
            Some(workdir) if !path.starts_with('/') => {
                let below = path.trim_start_matches("./").trim_end_matches('.');
                format!("{}/{below}", workdir.trim_end_matches('/'))
            }
            _ => path,
        };
        let fixed = absolute.split(['*', '?', '[']).next().unwrap_or_default().trim_end_matches('/');
        absolute.starts_with('/') && !fixed.is_empty() && is_below(target, fixed)
    })
}

/// Whether a later RUN copies a tree that would hold the directory if it were not mounted.
fn copies_tree_above(model: &Model<'_>, run: usize, target: &str) -> bool {
    model.calls(run).iter().any(|call| {
        let name = call.command.words.first().and_then(Word::literal).unwrap_or_default();
        let is_copied = tables::programs().tree_effect(&name) == Some(TreeEffect::Copied);
        is_copied && names_tree_above(model, run, call, target)
    })
}

/// Texts by which a command may name the directory: its path, its path below HOME and the first part of that, or its last two parts.
fn needles(directory: &CacheDirectory, target: &str) -> Vec<String> {
    let mut needles = vec![target.to_owned()];
    if let Some(home) = &directory.home {
        needles.push(home.clone());
        needles.extend(home.split('/').next().map(str::to_owned));
    } else {
        let mut parts = target.rsplit('/');
        if let (Some(last), Some(above)) = (parts.next(), parts.next()) {
            needles.push(format!("{above}/{last}"));
        }
    }
    needles
}

/// Whether the instruction names the directory otherwise than to empty it, or as the target of a mount.
fn names(model: &Model<'_>, index: usize, tool: &Tool, needles: &[String]) -> bool {
    let instruction = model.instruction(index);
    if matches!(instruction.kind, InstructionKind::Env(_) | InstructionKind::Label(_) | InstructionKind::Arg(_)) {
        // A variable by itself reads nothing; one that the tool looks at is checked elsewhere.
        return false;
    }
    let has_needle = |text: &str| needles.iter().any(|needle| has_path(text, needle));
    let Some(body) = model.body(index) else {
        let heredocs = instruction.heredocs.iter().map(|heredoc| heredoc.body);
        return std::iter::once(instruction.arguments).chain(heredocs).any(|span| has_needle(span.of(model.source)));
    };
    if !has_needle(&body.text.text) {
        return false;
    }
    let Some(calls) = model.every_call(index) else { return true };
    let mut rest = body.text.text.clone().into_bytes();
    for call in calls {
        let empties = tool.defeating_commands.iter().any(|command| call.reads_as(command));
        if call.program() == "rm" || empties {
            rest[call.span().range()].fill(b' ');
        }
    }
    has_needle(&String::from_utf8_lossy(&rest))
}

/// Whether the text holds the path as whole parts.
fn has_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let behind = text[at + path.len()..].chars().next();
        let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        !before.is_some_and(is_part) && !behind.is_some_and(is_part)
    })
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
        let paths = call.paths(model.user(run).home.as_deref());
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
        Command::Exec(argv) => argv.first().is_some_and(|program| is_own_program(&program.text, &programs)),
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
