//! Package installs: what may be added to them and what may be cleaned up behind them.

use super::cache::Refusal;
use super::call::Call;
use super::{Base, Model, Stage, cache, leftovers};
use crate::context::SourceFile;
use crate::rewrite::Level;
use crate::shell::ast::Word;
use crate::shell::state::changes_state;
use crate::syntax::ast::InstructionKind;
use crate::syntax::mount::MountKind;
use crate::tables::{self, Fact, Recommended};

/// The option that keeps apt from installing what packages recommend.
pub const NO_RECOMMENDS: &str = "--no-install-recommends";

/// The program for people.
pub const APT: &str = "apt";

/// The program for scripts.
pub const APT_GET: &str = "apt-get";

/// Number of the word that names `apt` in a call which `apt-get` does in the same way: what both share but for progress
/// bars and for keeping what was downloaded, which the images of Debian and Ubuntu do not do anyway.
///
/// # Errors
/// Why it stays.
pub fn may_be_apt_get(model: &Model<'_>, run: usize, call: &Call<'_>) -> Result<usize, Refusal> {
    if !call.is_plain() {
        return Err(call.why_not_plain());
    }
    let is_same = matches!(
        call.subcommand(),
        Some("update" | "install" | "remove" | "purge" | "autoremove" | "clean" | "autoclean")
    );
    if !is_same {
        let subcommand = call.subcommand().unwrap_or_default();
        return Err((format!("`apt {subcommand}` and `apt-get {subcommand}` differ"), "nothing"));
    }
    let image = model.stage_of(run).and_then(|stage| stage.image.as_deref());
    if !image.is_some_and(|image| matches!(image.docker_clean, Fact::Known(true))) {
        let reason = "whether apt-get would keep what it downloads is not known".to_owned();
        return Err((reason, "a row for the base image in the image tables"));
    }
    let is_it = |word: &Word| word.literal().as_deref() == Some(APT);
    let at = call.command.words.iter().position(is_it);
    at.ok_or_else(|| ("the program is no plain word".to_owned(), "nothing"))
}

/// The command that removes apt's package lists.
pub const REMOVE_LISTS: &str = "rm -rf /var/lib/apt/lists/*";

/// Whether the call installs packages of the distribution with apt.
#[must_use]
pub fn is_apt_install(call: &Call<'_>) -> bool {
    call.is_apt()
        && matches!(
            call.subcommand(),
            Some("install" | "reinstall" | "upgrade" | "dist-upgrade" | "full-upgrade" | "build-dep" | "satisfy")
        )
}

/// Whether the call only refreshes package lists: `apt-get update`, `apk update`.
#[must_use]
pub fn is_update(call: &Call<'_>) -> bool {
    (call.is_apt() || call.program() == "apk") && call.subcommand() == Some("update") && call.is_plain()
}

/// Whether `text` refreshes the lists that the install reads, in the words the call itself uses.
#[must_use]
pub fn is_update_for(call: &Call<'_>, text: &str) -> bool {
    is_apt_install(call) && update_command(call).as_deref() == Some(text)
}

/// What refreshes the lists that the install reads: the program as written, with `sudo` where it is run by that, and `update`.
/// The install's own variables may only say how it asks.
#[must_use]
pub fn update_command(call: &Call<'_>) -> Option<String> {
    let words: Option<Vec<String>> = call.command.words.iter().take(call.program_at() + 1).map(Word::literal).collect();
    let words = words?;
    let (program, before) = words.split_last()?;
    let is_run_plainly = matches!(before, []) || matches!(before, [sudo] if sudo == "sudo");
    let only_asks =
        call.command.assignments.iter().all(|assignment| assignment.name == tables::stages().install.variable);
    (is_run_plainly && only_asks && matches!(program.as_str(), "apt-get" | "apt" | "/usr/bin/apt-get"))
        .then(|| format!("{} update", words.join(" ")))
}

/// Whether `apt-get update` stands before the call in its script.
#[must_use]
pub fn updates_first(calls: &[Call<'_>], install: &Call<'_>) -> bool {
    calls
        .iter()
        .take_while(|call| call.id < install.id)
        .any(|call| call.is_apt() && call.subcommand() == Some("update"))
}

/// The lowest level at which an install command may gain an option.
///
/// # Errors
/// Why it may not.
pub fn may_gain_option(model: &Model<'_>, run: usize, call: &Call<'_>, option: &str) -> Result<Level, String> {
    if !call.is_plain() {
        return Err("the options of the command are not all known".to_owned());
    }
    match (call.program(), call.subcommand(), option) {
        ("apt-get" | "apt" | "aptitude", Some("install"), "-y") | ("apk", Some("add"), "--no-cache") => Ok(Level::Safe),
        _ => leftovers::may_gain(model, run, call, option),
    }
}

/// Whether the word is `apk add`'s option that refreshes the index, which `--no-cache` does too.
#[must_use]
pub fn is_apk_update_option(call: &Call<'_>, word: &str) -> bool {
    call.program() == "apk" && call.subcommand() == Some("add") && matches!(word, "--update" | "-U" | "--update-cache")
}

/// Why recommended packages are kept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeepRecommends {
    /// A package is not in the table, or not for the release.
    #[error("what `{package}` recommends on {release} is not known")]
    UnknownPackage {
        /// The package.
        package: String,
        /// The release by its codename.
        release: String,
    },
    /// The release of the base image is not known.
    #[error("the release of the base image is not known")]
    UnknownRelease,
    /// The table is made for slim images; this one holds more, perhaps what would have to be named.
    #[error("what the base image already holds is not known")]
    FullImage,
    /// The file adds package sources of which the table knows nothing.
    #[error("the file adds package sources, and what is recommended there is not known")]
    OtherSources,
    /// An operand is a variable or a file.
    #[error("not all packages are plain words")]
    Operands,
    /// More packages would have to be named than a reader wants to see.
    #[error("{} recommended packages may be used and would have to be named: {}", .0.len(), .0.join(" "))]
    TooMany(Vec<String>),
    /// Nothing is recommended, so nothing is gained.
    #[error("nothing more is installed, because the packages recommend nothing")]
    Nothing,
    /// All that is recommended may be used.
    #[error("nothing would stay out, because all that is recommended may be used: {}", .0.join(" "))]
    AllUsed(Vec<String>),
    /// No package is named.
    #[error("which packages are installed only apt knows")]
    NoPackages,
}

impl KeepRecommends {
    /// What would change it.
    #[must_use]
    pub const fn unlock(&self) -> &'static str {
        match self {
            Self::UnknownPackage { .. } => "name the recommended packages that are needed, and add the option by hand",
            Self::UnknownRelease => "a tag of the base image that names the release, such as `ubuntu:24.04`",
            Self::FullImage => "a slim base image, of which the tables know the packages",
            Self::OtherSources => "the packages of the distribution in an install before the sources are added",
            Self::Operands => "the packages as plain words",
            Self::TooMany(_) => {
                "the build context (`--context`), which shows what is used; or the option and the packages by hand"
            }
            Self::Nothing | Self::AllUsed(_) | Self::NoPackages => "nothing",
        }
    }
}

/// More recommended packages than this are not named.
const MAX_NAMED: usize = 3;

/// What becomes of recommended packages with `--no-install-recommends`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommends {
    /// Those that something may use: they have to be named.
    pub used: Vec<String>,
    /// Those that are lost.
    pub lost: Vec<String>,
    /// Those of the lost ones that programs may use, though nothing in the file and the build context names what they are for.
    pub unneeded: Vec<String>,
    /// Whether the base image may have some of those that are lost already: it is no slim one.
    pub is_full: bool,
}

/// What becomes of the packages that an apt install brings only because they are recommended.
///
/// # Errors
/// Why the option is not to be added.
pub fn recommends(model: &Model<'_>, run: usize, call: &Call<'_>) -> Result<Recommends, KeepRecommends> {
    let image = model.stage_of(run).and_then(|stage| stage.image.as_deref()).ok_or(KeepRecommends::UnknownRelease)?;
    let Fact::Known(distribution) = &image.distribution else { return Err(KeepRecommends::UnknownRelease) };
    let release = distribution.release.as_deref().ok_or(KeepRecommends::UnknownRelease)?;
    if call.operands().is_empty() {
        return Err(KeepRecommends::NoPackages);
    }
    let mut recommended = Vec::new();
    let mut named = Vec::new();
    let mut unknown = None;
    for operand in call.operands() {
        let package = operand
            .text
            .as_deref()
            .filter(|text| is_package_name(text) || *text == "g++")
            .ok_or(KeepRecommends::Operands)?;
        named.push(package.to_owned());
        match tables::recommends(package, release) {
            Recommended::Nothing => {}
            Recommended::Packages(packages) => recommended.extend(packages),
            Recommended::Unknown => unknown = unknown.or(Some(package)),
        }
    }
    if unknown.is_none() && recommended.is_empty() {
        return Err(KeepRecommends::Nothing);
    }
    if adds_sources(model, run, call) {
        return Err(KeepRecommends::OtherSources);
    }
    if let Some(package) = unknown {
        return Err(KeepRecommends::UnknownPackage { package: package.to_owned(), release: release.to_owned() });
    }
    named.extend(installed_before(model, run, call));
    recommended.sort();
    recommended.dedup();
    recommended.retain(|package| !named.contains(package));
    let table = tables::recommends_table();
    let (ornaments, useful): (Vec<_>, Vec<_>) = recommended.into_iter().partition(|package| table.is_ornament(package));
    let said = if useful.iter().any(|package| table.has_traces(package)) { said(model) } else { None };
    let is_unneeded =
        |package: &String| said.as_ref().is_some_and(|said| table.leaves_no_trace(package, said.as_str()));
    let (unneeded, used): (Vec<_>, Vec<_>) = useful.into_iter().partition(is_unneeded);
    let is_full = !model.stage_of(run).is_some_and(|stage| is_slim(model, stage));
    if is_full && !used.is_empty() {
        return Err(KeepRecommends::FullImage);
    }
    if used.len() > MAX_NAMED {
        return Err(KeepRecommends::TooMany(used));
    }
    let mut lost = [ornaments, unneeded.clone()].concat();
    lost.sort();
    match (lost.is_empty(), used.is_empty()) {
        (true, true) => Err(KeepRecommends::Nothing),
        (true, false) => Err(KeepRecommends::AllUsed(used)),
        (false, _) => Ok(Recommends { used, lost, unneeded, is_full }),
    }
}

/// The packages that earlier commands of the RUN install by their names.
fn installed_before(model: &Model<'_>, run: usize, call: &Call<'_>) -> Vec<String> {
    let calls = model.calls(run);
    let earlier =
        calls.iter().filter(|other| other.id < call.id && other.is_apt() && other.subcommand() == Some("install"));
    earlier.flat_map(|other| other.operands().iter().filter_map(|operand| operand.text.clone())).collect()
}

/// Everything that the file and its build context say, in lower case; `None` when that is not known.
fn said(model: &Model<'_>) -> Option<String> {
    let sources = model.context.sources()?;
    let is_hidden = |source: &SourceFile| source.text.is_none() && tables::programs().is_code(&source.path);
    if sources.iter().any(is_hidden) {
        return None;
    }
    let texts = sources.iter().map(SourceFile::known).chain([model.source]);
    Some(texts.map(str::to_lowercase).collect::<Vec<_>>().join("\n"))
}

/// Whether package sources are added before the call, or a script from elsewhere runs that may add some: in its stage, in those it
/// is built from, or by its own RUN.
fn adds_sources(model: &Model<'_>, run: usize, call: &Call<'_>) -> bool {
    const TRACES: [&str; 6] = ["sources.list", "-repository", "| bash", "| sh", "|bash", "| sudo"];
    let adds = |text: &str| TRACES.iter().any(|trace| text.contains(trace));
    let script = model.body(run).map_or("", |body| body.text.text.as_str());
    let Some(mut stage) = model.stage_of(run).filter(|_| !adds(&script[..call.span().start.min(script.len())])) else {
        return true;
    };
    let mut end = run;
    loop {
        if (stage.instructions.start..end).any(|index| adds(model.instruction(index).full_span().of(model.source))) {
            return true;
        }
        let Base::Stage(parent) = stage.base else { return false };
        stage = &model.stages[parent];
        end = stage.instructions.end;
    }
}

/// Whether the stage is built from an image that holds what the table takes for granted, and no more: a distribution's own
/// image, or a slim variant.
pub(super) fn is_slim(model: &Model<'_>, stage: &Stage) -> bool {
    match &stage.base {
        Base::Stage(parent) => is_slim(model, &model.stages[*parent]),
        Base::Image(image) => {
            let is_distribution =
                stage.image.as_deref().is_some_and(|facts| matches!(facts.family.as_str(), "debian" | "ubuntu"));
            is_distribution || image.tag.as_deref().is_some_and(|tag| tag.contains("slim"))
        }
        Base::Scratch | Base::Unknown => false,
    }
}

fn is_package_name(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.'))
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && !text.ends_with(['+', '-'])
}

/// The lowest level at which a cleanup may be added at the end of the RUN.
///
/// # Errors
/// What would miss what is removed.
pub fn may_clean(model: &Model<'_>, run: usize, text: &str) -> Result<Level, String> {
    match text {
        REMOVE_LISTS => lists_are_not_read_after(model, run),
        _ => leftovers::may_clean(model, run, text).map(|()| Level::Safe),
    }
}

/// Checks that nothing behind the RUN, in its stage and those built from it, reads package lists that it did not refresh
/// itself; guarded where that rests on rows that are assumptions: that no build with `make` installs packages of the
/// distribution.
///
/// # Errors
/// What reads them, or may.
pub fn lists_are_not_read_after(model: &Model<'_>, run: usize) -> Result<Level, String> {
    lists_are_not_read_after_but(model, run, |_| false)
}

/// As [`lists_are_not_read_after`], when the installs of some RUNs are taken to refresh the lists.
///
/// # Errors
/// What reads them, or may.
pub fn lists_are_not_read_after_but(
    model: &Model<'_>,
    run: usize,
    refreshes: impl Fn(usize) -> bool,
) -> Result<Level, String> {
    let stage = model.stage_of(run).ok_or("the instruction stands in no stage")?;
    let mut level = Level::Safe;
    let behind = (run + 1..stage.instructions.end)
        .chain(model.descendants(stage).into_iter().flat_map(|stage: &Stage| stage.instructions.clone()));
    for index in behind {
        let line = model.lines.line(model.instruction(index).span.start);
        if matches!(model.instruction(index).kind, InstructionKind::Onbuild(_)) {
            return Err(format!("line {line} runs in images built from this one, and may install packages there"));
        }
        if installs_at_run_time(model, index) {
            return Err(format!("line {line} installs packages when the container starts"));
        }
        if !model.is_run(index) {
            continue;
        }
        let Some(calls) = model.every_call(index) else {
            return Err(format!(
                "what line {line} runs is not known: it may install packages without refreshing the lists"
            ));
        };
        for call in &calls {
            if is_apt_install(call)
                || (call.program() == "apk"
                    && call.subcommand() == Some("add")
                    && call.option(&["--no-cache", "--update", "-U", "--update-cache"]).is_none())
            {
                if !refreshes(index) && !calls.iter().take_while(|before| before.id < call.id).any(is_update) {
                    return Err(format!("line {line} installs packages without refreshing the lists"));
                }
                continue;
            }
            match installing(call) {
                Installing::Never => {}
                Installing::Hardly => level = Level::Guarded,
                // A script of the build context is read with all that it runs.
                Installing::Perhaps if model.accesses()[index].leaves_alone(super::lists::LISTS) => {
                    level = Level::Guarded;
                }
                Installing::Perhaps => {
                    let program = written_name(call).unwrap_or_else(|| "a variable".to_owned());
                    return Err(format!(
                        "line {line} runs `{program}`, which may install packages without refreshing the lists"
                    ));
                }
            }
        }
    }
    Ok(level)
}

/// The program of a call as it is written.
pub(super) fn written_name(call: &Call<'_>) -> Option<String> {
    call.program_word().or_else(|| call.command.words.first().and_then(Word::literal))
}

/// Whether a CMD, ENTRYPOINT or HEALTHCHECK installs packages.
fn installs_at_run_time(model: &Model<'_>, index: usize) -> bool {
    let instruction = model.instruction(index);
    let is_process = matches!(
        instruction.kind,
        InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_) | InstructionKind::Healthcheck(_)
    );
    let text = instruction.arguments.of(model.source);
    is_process && text.contains("install") && text.contains("apt")
        || is_process && text.contains("apk") && text.contains("add")
}

/// Whether the call is a query of the package lists, which answers nothing without them.
pub(super) fn reads_lists(call: &Call<'_>) -> bool {
    call.program() == "apt-cache"
        || call.program() == "apk"
            && matches!(call.subcommand(), Some("search" | "fetch" | "list" | "policy" | "dot" | "stats"))
        || call.is_apt()
            && matches!(
                call.subcommand(),
                Some(
                    "download"
                        | "source"
                        | "list"
                        | "show"
                        | "search"
                        | "policy"
                        | "changelog"
                        | "depends"
                        | "rdepends"
                        | "showsrc"
                        | "indextargets"
                )
            )
}

/// Whether a call installs packages of the distribution, or reads their lists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Installing {
    /// It does not, as the tables say.
    Never,
    /// It builds what others wrote, which does not do so as a rule.
    Hardly,
    /// It may.
    Perhaps,
}

fn installing(call: &Call<'_>) -> Installing {
    if call.command.words.is_empty() || call.is_package_manager() && !reads_lists(call) {
        return Installing::Never;
    }
    let Some(written) = written_name(call) else { return Installing::Perhaps };
    let table = tables::programs();
    let (directory, name) = written.rsplit_once('/').unwrap_or(("bin", written.as_str()));
    // `pip2` and `python3.6` are names of what the command table knows.
    let is_known =
        |name: &str| table.never_installs(name) || !call.program().is_empty() && table.never_installs(call.program());
    if directory.ends_with("bin") && is_known(name) {
        Installing::Never
    } else if table.hardly_installs(name) {
        Installing::Hardly
    } else {
        Installing::Perhaps
    }
}

/// Whether the call neither installs packages of the distribution nor reads their lists, as far as the tables say.
#[must_use]
pub fn is_bounded(call: &Call<'_>) -> bool {
    installing(call) == Installing::Never
}

/// Whether the call may install packages of the distribution, or read their lists.
pub(super) fn may_install(call: &Call<'_>) -> bool {
    installing(call) == Installing::Perhaps
}

/// Whether two RUNs, one right below the other, may become one `&&` list.
///
/// # Errors
/// Why not.
pub fn may_merge(model: &Model<'_>, first: usize, second: usize) -> Result<(), String> {
    if first + 1 != second {
        return Err("another instruction lies between them".to_owned());
    }
    may_join(model, first, second)
}

/// Whether the commands of a RUN may follow those of another one in one `&&` list: both are such lists, their flags are the
/// same, and the first leaves nothing behind in its shell that the second would see.
///
/// # Errors
/// Why not.
pub fn may_join(model: &Model<'_>, first: usize, second: usize) -> Result<(), String> {
    let script = |run: usize| {
        let body = model.body(run).filter(|body| model.is_run(run) && !body.heredoc)?;
        body.understood().filter(|script| script.comments.is_empty() && script.and_chain().is_some())
    };
    let (Some(above), Some(_)) = (script(first), script(second)) else {
        return Err("one of them is no plain `&&` list".to_owned());
    };
    let flags = |run: usize| -> Vec<_> {
        model.instruction(run).flags.iter().map(|flag| (flag.name.clone(), flag.value.clone())).collect()
    };
    if flags(first) != flags(second) {
        return Err("their flags differ".to_owned());
    }
    if changes_state(above) {
        return Err("the first changes the state of its shell".to_owned());
    }
    Ok(())
}

/// Whether a cache mount of the RUN covers the directory.
#[must_use]
pub fn has_cache_mount(model: &Model<'_>, run: usize, directory: &str) -> bool {
    model.mounts(run).iter().any(|mount| {
        mount.kind == MountKind::Cache
            && mount.target.as_deref().is_some_and(|target| cache::is_below(directory, target))
    })
}
