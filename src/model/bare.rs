//! Whether a stage holds one static program and files, so that it needs no distribution below it.

use super::base::Refusal;
use super::call::Call;
use super::chain::Chain;
use super::{Base, Model, Stage};
use crate::context::Entry;
use crate::shell::ast::Word;
use crate::shell::command::recognize;
use crate::syntax::ast::{Command, Healthcheck, InstructionKind};
use crate::syntax::image::ImageReference;
use crate::tables::{self, DistributionName, Distroless, ImageFacts};

/// Less than this, in MB, is no reason to change an image.
const LEAST_SAVED: f64 = 8.0;

/// How a stage is built from a distroless image.
#[derive(Clone, Debug, PartialEq)]
pub struct Bare {
    /// The reference.
    pub reference: String,
    /// What shows that the program is static.
    pub evidence: String,
    /// What a pull of the image that goes transfers, in MB.
    pub megabytes: f64,
    /// Whether there is code that is not seen.
    pub is_unseen: bool,
    /// How many files of code were looked through.
    pub code: usize,
    /// RUNs that only install what the distroless image has anyway.
    pub gone: Vec<usize>,
}

/// Whether all that the stage takes from others is one program that runs without any library.
#[must_use]
pub fn ships_static(model: &Model<'_>, stage: &Stage) -> bool {
    let is_shown = || {
        let (program, index) = program(model, stage)?;
        let (builder, path) = copied_from(model, stage, index, &program)?;
        let made = &model.stages[builder];
        is_static(model, made, &path).or_else(|| is_static_rust(model, made, &path))
    };
    let taken = stage.instructions.clone().filter(|index| !model.stages_read_by(*index).is_empty()).count();
    taken == 1 && is_shown().is_some()
}

/// The distroless image for a stage that ships one static program, if it is such a stage.
///
/// # Errors
/// Why the stage keeps its image although its program is static.
pub fn bare(model: &Model<'_>, stage: &Stage) -> Result<Option<Bare>, Refusal> {
    let Some(image) = distribution(model, stage) else { return Ok(None) };
    let Some((program, index)) = program(model, stage) else { return Ok(None) };
    let Some((builder, path)) = copied_from(model, stage, index, &program) else { return Ok(None) };
    let made = &model.stages[builder];
    let Some(evidence) = is_static(model, made, &path).or_else(|| is_static_rust(model, made, &path)) else {
        return Ok(None);
    };
    let Some(megabytes) = size(stage).filter(|megabytes| *megabytes >= LEAST_SAVED) else { return Ok(None) };
    let target = tables::distroless().static_image();
    let gone = only_files(model, stage, image, target)?;
    let needs = super::needs::needs(model, &model.stages[builder]);
    let refusal = |reason: String, unlock: &str| Refusal {
        span: model.instruction(stage.from).span,
        reason,
        unlock: unlock.to_owned(),
    };
    if let Some(gap) = needs.gaps.iter().find(|gap| gap.place.file.is_none() && gap.reason.contains("context")) {
        return Err(refusal(format!("whether the program starts others is not known: {}", gap.reason), gap.unlock));
    }
    if let Some(code) = needs.code.iter().find(|code| code.text.as_deref().is_some_and(starts_programs)) {
        let reason = format!("`{}` starts other programs, of which a distroless image has none", code.path);
        return Err(refusal(reason, "nothing: the program needs them"));
    }
    if !model.context.started().is_empty()
        && model.context.started().iter().any(|started| !started.text.starts_with(&program))
    {
        let file = &model.context.started()[0].file;
        return Err(refusal(
            format!("`{file}` starts another program in the container"),
            "the program of the image there",
        ));
    }
    let code = needs.code.iter().filter(|code| code.text.is_some()).count();
    Ok(Some(Bare {
        reference: reference()?
            .ok_or_else(|| refusal("no static image is in the table".to_owned(), "a row for one"))?,
        evidence,
        megabytes,
        is_unseen: code < needs.code.len() || code == 0,
        code,
        gone,
    }))
}

fn reference() -> Result<Option<String>, Refusal> {
    let table = tables::distroless();
    let newest = table.static_image();
    Ok(newest.map(|image| format!("{}/{}", table.registry, image.image)))
}

/// What is known of the image, when it is one of a distribution that brings nothing but its packages.
fn distribution<'m>(model: &'m Model<'_>, stage: &'m Stage) -> Option<&'m ImageFacts> {
    let Base::Image(reference) = &stage.base else { return None };
    let image = stage.image.as_deref()?;
    let is_own = matches!(image.distribution.known()?.name, DistributionName::Debian | DistributionName::Ubuntu);
    let is_plain = image.interpreter.is_none() && image.entrypoint.known().is_some_and(Vec::is_empty);
    let is_last = model.is_shipped(stage) && model.descendants(stage).is_empty() && !model.has_triggers();
    (is_own && is_plain && is_last && !stage.image_by_argument && reference.digest.is_none()).then_some(image)
}

/// The program that a container starts, by its absolute path, and the instruction that says so.
fn program(model: &Model<'_>, stage: &Stage) -> Option<(String, usize)> {
    let last = |is_wanted: fn(&InstructionKind) -> bool| {
        stage.instructions.clone().rev().find(|index| is_wanted(&model.instruction(*index).kind))
    };
    let entrypoint = last(|kind| matches!(kind, InstructionKind::Entrypoint(_)));
    let index = entrypoint.or_else(|| last(|kind| matches!(kind, InstructionKind::Cmd(_))))?;
    let (InstructionKind::Entrypoint(command) | InstructionKind::Cmd(command)) = &model.instruction(index).kind else {
        return None;
    };
    let Command::Exec(argv) = command else { return None };
    let name = argv.first()?.text.as_str();
    let path = match name.contains('/') {
        true if name.starts_with('/') => name.to_owned(),
        true => {
            format!("{}/{}", model.state(index).workdir.fixed()?.trim_end_matches('/'), name.trim_start_matches("./"))
        }
        false => format!("/usr/local/bin/{name}"),
    };
    Some((super::walk::clean(&path), index))
}

/// The stage that the program is copied from, and its path there.
pub(super) fn copied_from(model: &Model<'_>, stage: &Stage, before: usize, program: &str) -> Option<(usize, String)> {
    let (directory, name) = program.rsplit_once('/')?;
    for index in (stage.instructions.start..before).rev() {
        let InstructionKind::Copy(transfer) = &model.instruction(index).kind else { continue };
        let [from] = model.stages_read_by(index)[..] else { continue };
        let destination = model.destination(index, transfer)?;
        let is_directory = transfer.destination.text.ends_with('/') || transfer.sources.len() > 1;
        let is_here = destination.trim_end_matches('/') == program || super::walk::clean(&destination) == directory;
        for source in &transfer.sources {
            let path =
                source.text.strip_prefix('/').map_or_else(|| format!("/{}", source.text), |rest| format!("/{rest}"));
            let is_it =
                path.rsplit('/').next() == Some(name) || destination.trim_end_matches('/') == program && !is_directory;
            if is_here && is_it && !path.contains(['*', '?', '$']) {
                return Some((from, path));
            }
        }
    }
    None
}

/// What shows that a stage builds a static program at the path: Go without C.
fn is_static(model: &Model<'_>, stage: &Stage, path: &str) -> Option<String> {
    for run in stage.instructions.clone().filter(|index| model.is_run(*index)) {
        let Some(script) = model.body(run).and_then(|body| body.understood()) else { continue };
        let exports: Vec<String> = script
            .simple_commands()
            .iter()
            .filter(|command| command.name().as_deref() == Some("export"))
            .flat_map(|command| command.words.iter().filter_map(Word::literal))
            .collect();
        for command in script.simple_commands() {
            let Some(invocation) =
                recognize(command).filter(|call| call.program == "go" && call.subcommand() == "build")
            else {
                continue;
            };
            let output = invocation.values("-o").last().and_then(|value| value.text.clone())?;
            let workdir = model.state(run).workdir.fixed()?;
            let output = if output.starts_with('/') { output } else { format!("{workdir}/{output}") };
            let is_plain = invocation.wrappers.is_empty()
                && !invocation.has("-race")
                && invocation.values("-buildmode").next().is_none();
            if super::walk::clean(&output) != super::walk::clean(path) || !is_plain {
                continue;
            }
            let here = invocation.variable("CGO_ENABLED").map(|variable| variable.value.as_deref() == Some("0"));
            let exported = exports.iter().any(|word| word == "CGO_ENABLED=0");
            let set = match model.state(run).variables.get("CGO_ENABLED") {
                super::scope::Variable::Set(value) => value.fixed() == Some("0"),
                _ => false,
            };
            let is_external = command.words.iter().filter_map(Word::pattern).any(|word| word.contains("linkmode"));
            if here.unwrap_or(exported || set) && !is_external {
                let line = model.lines.line(model.instruction(run).span.start);
                return Some(format!("line {line} builds it with CGO_ENABLED=0"));
            }
        }
    }
    None
}

/// What shows that a stage builds a static program at the path: Rust for musl.
///
/// Programs for these targets are static unless told otherwise (The rustc book, `crt-static`).
fn is_static_rust(model: &Model<'_>, stage: &Stage, path: &str) -> Option<String> {
    /// Options that leave the program where it is and what it is.
    const KNOWN: [&str; 13] = [
        "--release",
        "--target",
        "--locked",
        "--frozen",
        "--offline",
        "--bin",
        "--bins",
        "--package",
        "--features",
        "--all-features",
        "--no-default-features",
        "--workspace",
        "--jobs",
    ];
    let is_told = |text: &str| {
        ["crt-static", "target-dir", "CARGO_TARGET_DIR", "CARGO_BUILD_"].iter().any(|word| text.contains(word))
    };
    let configured = [".cargo/config.toml", ".cargo/config"].into_iter().any(|file| match model.context.entry(file) {
        Entry::File => model.context.read(file).is_none_or(|text| is_told(&text)),
        Entry::Missing | Entry::Ignored => false,
        Entry::Directory | Entry::Unknown => true,
    });
    if is_told(model.source) || configured {
        return None;
    }
    for run in stage.instructions.clone().filter(|index| model.is_run(*index)) {
        let Some(script) = model.body(run).and_then(|body| body.understood()) else { continue };
        let builds = script.simple_commands().into_iter().filter_map(recognize).find_map(|call| {
            let is_build = call.program == "cargo" && call.subcommand() == "build" && call.wrappers.is_empty();
            let is_known = call.options.iter().all(|option| KNOWN.contains(&option.name.as_str()));
            let is_here = call.has("--release") && is_known && call.unknown_option.is_none();
            let target = call.values("--target").last()?.text.clone()?;
            (is_build && is_here && target.contains("-unknown-linux-musl")).then_some(target)
        });
        let Some(target) = builds else { continue };
        let workdir = model.state(run).workdir.fixed()?;
        let directory = super::walk::clean(&format!("{workdir}/target/{target}/release"));
        let name = super::walk::clean(path).strip_prefix(&format!("{directory}/")).map(str::to_owned);
        if name.is_some_and(|name| !name.contains('/')) {
            let line = model.lines.line(model.instruction(run).span.start);
            return Some(format!("line {line} builds it for {target}"));
        }
    }
    None
}

/// Whether a RUN only installs packages of Debian that the distroless image has, too.
fn is_covered(model: &Model<'_>, run: usize, target: &Distroless) -> bool {
    let packages = tables::distroless().packages(target);
    let Some(chain) = model.body(run).and_then(|body| body.understood()).and_then(Chain::of) else { return false };
    let calls = model.calls(run);
    let is_part = |call: &Call<'_>| {
        let has_only = |text: Option<&str>| text.is_some_and(|text| packages.contains(&text));
        let is_apt = call.is_apt() && call.is_plain();
        match call.subcommand() {
            Some("update" | "clean") if is_apt => true,
            Some("install") if is_apt => call.operands().iter().all(|operand| has_only(operand.text.as_deref())),
            _ => {
                call.program() == "rm"
                    && model.paths(run, call).iter().flatten().all(|path| path.starts_with("/var/lib/apt/"))
            }
        }
    };
    !calls.is_empty() && calls.len() == chain.elements.len() && calls.iter().all(is_part)
}

/// Checks that the stage copies and sets, and does nothing that needs more than files; the RUNs that bring nothing that the
/// distroless image lacks.
pub(super) fn only_files(
    model: &Model<'_>,
    stage: &Stage,
    image: &ImageFacts,
    target: Option<&Distroless>,
) -> Result<Vec<usize>, Refusal> {
    let mut gone = Vec::new();
    for index in stage.instructions.clone() {
        let instruction = model.instruction(index);
        let reason = match &instruction.kind {
            InstructionKind::Run(_) if target.is_some_and(|target| is_covered(model, index, target)) => {
                gone.push(index);
                None
            }
            InstructionKind::Run(_) => Some("a RUN needs a shell, and distroless images have none"),
            InstructionKind::Volume(_) => Some("a volume belongs to the user that the image had"),
            InstructionKind::Shell(_) => Some("a shell is set, and distroless images have none"),
            InstructionKind::Cmd(Command::Shell(_))
            | InstructionKind::Entrypoint(Command::Shell(_))
            | InstructionKind::Healthcheck(Healthcheck::Cmd { .. }) => {
                Some("a command needs a shell or a program of the image")
            }
            InstructionKind::Add(_) => Some("what ADD brings is not known"),
            InstructionKind::User(user) if !is_known_user(&user.text, image) => {
                Some("the user is not in distroless images")
            }
            InstructionKind::Copy(transfer) => {
                let is_named = |flag: &crate::syntax::ast::Flag| {
                    flag.name == "chown"
                        && flag
                            .value
                            .as_deref()
                            .is_none_or(|value| !value.bytes().all(|c| c.is_ascii_digit() || c == b':'))
                };
                let destination = model.destination(index, transfer);
                let is_system = destination.is_none_or(|path| {
                    ["/bin", "/lib", "/sbin", "/usr/bin", "/usr/lib", "/usr/sbin"]
                        .iter()
                        .any(|root| path.starts_with(root))
                });
                if instruction.flags.iter().any(is_named) {
                    Some("a user by name is not in distroless images")
                } else if is_system {
                    Some("a file goes where distroless images have none of their own")
                } else {
                    None
                }
            }
            InstructionKind::Onbuild(_) | InstructionKind::Unknown => Some("an instruction is not understood"),
            _ => None,
        };
        if let Some(reason) = reason {
            let unlock = "files made in the build stage, and the exec form";
            return Err(Refusal { span: instruction.span, reason: reason.to_owned(), unlock: unlock.to_owned() });
        }
    }
    Ok(gone)
}

/// Whether both images have the user with the same number.
fn is_known_user(user: &str, image: &ImageFacts) -> bool {
    let is_number = user.bytes().all(|byte| byte.is_ascii_digit() || byte == b':');
    let (name, has_group) = user.split_once(':').map_or((user, false), |(name, _)| (name, true));
    let ids =
        |facts: &ImageFacts| facts.users.iter().find(|known| known.name == name).map(|known| (known.uid, known.gid));
    let bare = reference().ok().flatten().and_then(|name| tables::image(&name, None, None));
    is_number || !has_group && ids(image).is_some() && bare.is_some_and(|bare| ids(&bare) == ids(image))
}

/// Whether code of Go or Rust starts programs.
fn starts_programs(text: &str) -> bool {
    [
        "os/exec",
        "syscall.Exec",
        "syscall.ForkExec",
        "os.StartProcess",
        "plugin.Open",
        "process::Command",
        "Command::new(",
    ]
    .iter()
    .any(|word| text.contains(word))
}

fn size(stage: &Stage) -> Option<f64> {
    let Base::Image(reference) = &stage.base else { return None };
    let tag = reference.tag.clone().or_else(|| Some("latest".to_owned()));
    Some(tables::size_of(&ImageReference { tag, ..reference.clone() })?.megabytes)
}
