//! Java: what Maven, Gradle and the compiler make, and the image with a JRE that takes the place of one with a JDK.

use super::cache::is_below;
use super::deed::{Deed, joined, source_at};
use super::split::RuntimeBase;
use super::{Model, Stage};
use crate::shell::command::Invocation;
use crate::syntax::ast::{Command, InstructionKind};
use crate::tables::{self, JavaBuilder};

/// What a build tool of Java leaves in the directory.
///
/// # Errors
/// Why that is not known.
pub(super) fn built(
    model: &Model<'_>,
    run: usize,
    directory: &str,
    builder: &JavaBuilder,
    invocation: &Invocation,
) -> Result<Vec<Deed>, String> {
    let program = &invocation.program;
    let goals = invocation
        .known_arguments()
        .ok_or_else(|| format!("which goals `{program}` has is known only when it runs"))?;
    let known = |goal: &str| builder.makes.contains(goal) || builder.quiet.contains(goal);
    if let Some(goal) = goals.iter().find(|goal| !known(goal)) {
        return Err(format!("what `{program} {goal}` leaves behind is not known"));
    }
    let values = || invocation.options.iter().filter_map(|option| option.value.as_ref());
    let is_elsewhere = invocation.unknown_option.is_some()
        || invocation.options.iter().any(|option| builder.elsewhere.contains(&option.name))
        || values().any(|value| value.text.as_deref().is_none_or(|text| text.contains('/')));
    if is_elsewhere {
        return Err(format!("where `{program}` writes to is not known"));
    }
    let texts: Vec<String> = builder
        .manifests
        .iter()
        .filter_map(|name| model.context.read(&source_at(model, run, &joined(directory, name))?))
        .collect();
    if texts.is_empty() {
        return Err(format!("what `{program}` builds is not known without the build context"));
    }
    if !goals.iter().any(|goal| builder.makes.contains(*goal)) {
        return Ok(Vec::new());
    }
    // Parts of a project, or an output directory by another name.
    let is_other = texts.iter().any(|text| builder.words.iter().any(|word| text.contains(word.as_str())));
    let output = joined(directory, &builder.output);
    Ok(vec![if is_other { Deed::Below(directory.to_owned()) } else { Deed::Output(output) }])
}

/// The one file below the path that the program is, with all that it needs in it: `java -jar` starts it, and the build packs everything
/// into it.
#[must_use]
pub fn packed(model: &Model<'_>, stage: &Stage, path: &str) -> Option<String> {
    let table = &tables::stages().java;
    let argv = stage.instructions.clone().rev().find_map(|index| match &model.instruction(index).kind {
        InstructionKind::Entrypoint(Command::Exec(argv)) | InstructionKind::Cmd(Command::Exec(argv)) => Some(argv),
        _ => None,
    })?;
    let at = argv.iter().position(|word| word.text == table.starter)?;
    let jar = joined(model.state(stage.instructions.end - 1).workdir.fixed()?, &argv.get(at + 1)?.text);
    if !is_below(&jar, path) || jar.contains('$') {
        return None;
    }
    let is_packed = |name: &str| {
        let text = model.context.read(name).unwrap_or_default();
        table.packers.iter().any(|word| text.contains(word.as_str()))
    };
    let manifests = table.builders.iter().flat_map(|builder| &builder.manifests);
    manifests.into_iter().any(|name| is_packed(name)).then_some(jar)
}

/// The image with a JRE of the same version and release that takes the place of one with a JDK.
#[must_use]
pub fn runtime_base(stage: &Stage, written: &str) -> Option<RuntimeBase> {
    let table = &tables::stages().java;
    let image = stage.image.as_deref()?;
    let row = table.images.iter().find(|row| row.family == image.family)?;
    let (name, tag) = written.rsplit_once(':').unwrap_or((written, ""));
    if tag.contains('/') || written.contains(['@', '$']) {
        return None;
    }
    let words: Vec<&str> = tag.split('-').collect();
    if words.contains(&table.jre.as_str()) {
        return None;
    }
    let text = match &row.version {
        None => {
            let version = words.first().filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
            let rest = words[1..].iter().copied().filter(|word| *word != table.jdk);
            let tag: Vec<&str> = [*version, table.jre.as_str()].into_iter().chain(rest).collect();
            format!("{name}:{}", tag.join("-"))
        }
        Some(start) => {
            let at = words.iter().position(|word| word.strip_prefix(start.as_str()).is_some())?;
            let own = words[at].strip_prefix(start.as_str())?;
            let version = if own.is_empty() { *words.get(at + 1)? } else { own };
            let distribution = image.distribution.known()?;
            let variant = match (distribution.release.as_deref(), words.contains(&table.alpine.as_str())) {
                (_, true) => table.alpine.as_str(),
                (Some(release), false) => release,
                (None, false) => return None,
            };
            format!("{}:{version}-{}-{variant}", table.runtime, table.jre)
        }
    };
    let (version, release) = text.rsplit_once(':')?.1.split_once('-')?;
    let major = version.split(['.', '_', 'u']).next()?;
    if !table.versions.contains(major) {
        return None;
    }
    let suite = release.rsplit('-').next().filter(|word| *word != table.jre);
    if suite.is_some_and(|suite| !table.releases.contains(suite)) {
        return None;
    }
    let facts = tables::image_of(&text.parse().ok()?)?;
    let is_same = facts.libc.known() == image.libc.known()
        && facts.distribution.known().map(|it| it.name) == image.distribution.known().map(|it| it.name);
    is_same.then_some(RuntimeBase { text, image: facts, packages: Vec::new() })
}
