//! Whether a stage ships files for an interpreter that a distroless image has in the same version.

use super::bare::only_files;
use super::base::Refusal;
use super::needs::{self, What};
use super::{Base, Model, Stage};
use crate::syntax::ast::{Command, InstructionKind};
use crate::tables::{self, DistributionName, Distroless, ImageFacts};

/// How a stage is built from a distroless image with an interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hosted {
    /// The reference.
    pub reference: String,
    /// The instruction that starts the program, and what it then has.
    pub process: (usize, Vec<String>),
    /// RUNs that only install what the distroless image has anyway.
    pub gone: Vec<usize>,
    /// Whether there is code that is not seen.
    pub is_unseen: bool,
    /// How many files of code were looked through.
    pub code: usize,
}

/// The distroless image for a stage whose image is for an interpreter, if it is such a stage.
///
/// # Errors
/// Why the stage keeps its image.
pub fn hosted(model: &Model<'_>, stage: &Stage) -> Result<Option<Hosted>, Refusal> {
    let Base::Image(reference) = &stage.base else { return Ok(None) };
    let Some(image) = stage.image.as_deref() else { return Ok(None) };
    let Some(interpreter) = image.interpreter.as_ref() else { return Ok(None) };
    let distribution = image.distribution.known().map(|distribution| distribution.name);
    let is_shipped = model.is_shipped(stage) && model.descendants(stage).is_empty();
    if !is_shipped || !matches!(distribution, Some(DistributionName::Debian | DistributionName::Ubuntu)) {
        return Ok(None);
    }
    let refuse = |reason: String, unlock: &str| Refusal {
        span: model.instruction(stage.from).span,
        reason,
        unlock: unlock.to_owned(),
    };
    let table = tables::distroless();
    let versions = table.versions(&interpreter.name);
    if versions.is_empty() {
        return Ok(None);
    }
    let row = table.for_language(&interpreter.name, &interpreter.version).filter(|row| !table.is_withdrawn(&row.image));
    let Some(row) = row else {
        let reason = format!("no distroless image has this version of {}", interpreter.name);
        return Err(refuse(reason, &format!("{}: {}", interpreter.name, versions.join(" or "))));
    };
    if reference.digest.is_some() || stage.image_by_argument || model.has_triggers() {
        return Err(refuse(
            "a digest, a build argument or ONBUILD holds on to the image".to_owned(),
            "a plain reference",
        ));
    }
    let gone = only_files(model, stage, image, Some(row))?;
    let process = process(model, stage, image, row)?;
    let (code, is_unseen) = needs_only(model, stage, row, &gone)?;
    let reference = format!("{}/{}", table.registry, row.image);
    Ok(Some(Hosted { reference, process, gone, is_unseen, code }))
}

/// The instruction that starts the program, in the words that the distroless image needs.
fn process(
    model: &Model<'_>,
    stage: &Stage,
    image: &ImageFacts,
    row: &Distroless,
) -> Result<(usize, Vec<String>), Refusal> {
    let last = |is_wanted: fn(&InstructionKind) -> bool| {
        stage.instructions.clone().rev().find(|index| is_wanted(&model.instruction(*index).kind))
    };
    let entrypoint = last(|kind| matches!(kind, InstructionKind::Entrypoint(_)));
    let index = entrypoint.or_else(|| last(|kind| matches!(kind, InstructionKind::Cmd(_))));
    let refuse = |at: usize, reason: &str, unlock: &str| Refusal {
        span: model.instruction(at).span,
        reason: reason.to_owned(),
        unlock: unlock.to_owned(),
    };
    let unlock = "`ENTRYPOINT` in exec form, with the interpreter as its first word";
    let Some(index) = index else {
        return Err(refuse(stage.from, "the stage does not say what a container starts", unlock));
    };
    let (InstructionKind::Entrypoint(Command::Exec(words)) | InstructionKind::Cmd(Command::Exec(words))) =
        &model.instruction(index).kind
    else {
        return Err(refuse(index, "a command needs a shell, and distroless images have none", unlock));
    };
    let argv: Vec<String> = words.iter().map(|word| word.text.clone()).collect();
    let name = argv.first().map(String::as_str).unwrap_or_default();
    let plain = name.strip_prefix("/usr/local/bin/").or_else(|| name.strip_prefix("/usr/bin/")).unwrap_or(name);
    let is_interpreter =
        row.interpreter.as_ref().is_some_and(|language| language.programs.iter().any(|known| known == plain));
    if !is_interpreter {
        return Err(refuse(index, &format!("what starts is `{name}`, which distroless images do not have"), unlock));
    }
    let target = tables::image(&format!("{}/{}", tables::distroless().registry, row.image), None, None);
    let Some(starts) = target.as_ref().and_then(|target| target.entrypoint.known()).filter(|starts| !starts.is_empty())
    else {
        return Err(refuse(index, "what the distroless image starts is not known", "a row in the image tables"));
    };
    if entrypoint.is_some() {
        let mut argv = argv;
        argv[0].clone_from(&starts[0]);
        return Ok((index, argv));
    }
    let has_none = image.entrypoint.known().is_some_and(Vec::is_empty) || image.entrypoint_passes_through;
    if !has_none || argv.len() <= starts.len() || argv[1..starts.len()] != starts[1..] {
        let reason = format!("the distroless image starts `{}` with the words of CMD", starts.join(" "));
        return Err(refuse(index, &reason, unlock));
    }
    Ok((index, argv[starts.len()..].to_vec()))
}

/// Checks that the stage needs nothing but the interpreter. How many files of code were looked through, and whether there is
/// more that is not seen.
fn needs_only(model: &Model<'_>, stage: &Stage, row: &Distroless, gone: &[usize]) -> Result<(usize, bool), Refusal> {
    let needs = needs::needs(model, stage);
    let is_gone = |place: &needs::Place| gone.contains(&place.instruction);
    let refuse = |place: &needs::Place, reason: String, unlock: &str| Refusal {
        span: model.instruction(place.instruction).span,
        reason,
        unlock: unlock.to_owned(),
    };
    let language = row.interpreter.as_ref();
    // What a virtual machine runs is the same wherever it was built; what a stage compiled for an interpreter is not.
    let is_portable = language.is_some_and(|language| language.portable);
    let is_foreign = |place: &needs::Place| is_portable && !stage.instructions.contains(&place.instruction);
    let gap = needs.gaps.iter().find(|gap| !is_gone(&gap.place) && !is_foreign(&gap.place));
    if let Some(gap) = gap {
        return Err(refuse(&gap.place, format!("what the image has to have is not known: {}", gap.reason), gap.unlock));
    }
    for need in needs.known.iter().filter(|need| !is_gone(&need.place) && !is_foreign(&need.place)) {
        let lacks = match &need.what {
            What::Program(name) if language.is_some_and(|language| language.programs.contains(name)) => continue,
            What::Certificates | What::TimeZones => continue,
            What::Locale(name) if matches!(name.as_str(), "" | "C" | "POSIX") || name.starts_with("C.") => continue,
            What::Program(name) => format!("the program `{name}`"),
            What::Path(path) => format!("`{path}`"),
            What::Library(name) => format!("the library `{name}`"),
            What::Locale(name) => format!("the locale `{name}`"),
            What::Glibc => "the libraries of a program that is copied".to_owned(),
        };
        return Err(refuse(&need.place, format!("distroless images lack {lacks}"), "a slim image: `--base slim`"));
    }
    let starts = |text: &str| tables::needs().starts.iter().any(|word| text.contains(word.as_str()));
    if let Some(code) = needs.code.iter().find(|code| code.text.as_deref().is_some_and(starts)) {
        let place = needs::Place { instruction: stage.from, file: None };
        return Err(refuse(
            &place,
            format!("`{}` starts other programs, of which a distroless image has none", code.path),
            "a slim image: `--base slim`",
        ));
    }
    if let Some(started) = model.context.started().first() {
        let place = needs::Place { instruction: stage.from, file: None };
        return Err(refuse(
            &place,
            format!("`{}` starts something else in the container", started.file),
            "the program of the image there",
        ));
    }
    // The interpreter of Debian looks elsewhere for packages than the one of the official images.
    let moved = stage.instructions.clone().find(|index| match &model.instruction(*index).kind {
        InstructionKind::Copy(transfer) => {
            let destination = model.destination(*index, transfer);
            let is_local = destination.as_deref().is_none_or(|path| path.starts_with("/usr/local/"));
            let is_of_stage = !model.stages_read_by(*index).is_empty();
            is_local || is_of_stage && language.is_some_and(|language| language.elsewhere)
        }
        _ => false,
    });
    if let Some(index) = moved {
        let place = needs::Place { instruction: index, file: None };
        return Err(refuse(
            &place,
            "the interpreter of the distroless image looks for packages elsewhere".to_owned(),
            "a slim image: `--base slim`",
        ));
    }
    let seen = needs.code.iter().filter(|code| code.text.is_some()).count();
    let is_unseen = is_portable || seen == 0 || needs.has_packages || seen < needs.code.len() || !needs.gaps.is_empty();
    Ok((seen, is_unseen))
}
