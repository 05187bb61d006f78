//! `go build`: no paths of the build machine, no symbols, no C where nothing needs it.

use super::{Gain, Leaner, code, named};
use crate::context::SourceFile;
use crate::model::call::Call;
use crate::model::manifest::go_mod;
use crate::model::scope::Variable;
use crate::model::{Base, Model, Refusal};
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, BuildOnly, DistributionName, GoBuilds};

pub(super) fn leaner(model: &Model<'_>, run: usize, call: &Call<'_>) -> Option<Result<Leaner, Refusal>> {
    let table = &tables::builds().go;
    let is_no_plain_program = table.without_c.options.iter().any(|option| call.option(&[option]).is_some());
    if is_no_plain_program || model.stage_of(run).is_none_or(|stage| stage.image.is_none()) {
        return None;
    }
    let files = code(model, ".go");
    let mut found =
        Leaner { is_unseen: files.is_none() || requires(model).is_none_or(|all| !all.is_empty()), ..Leaner::default() };
    let stripped = match strip(model, run, call, table, files.as_deref()) {
        Ok(stripped) => stripped,
        Err(refusal) => return Some(Err(refusal)),
    };
    let at = call.option_place()?;
    let mut words = Vec::new();
    if stripped {
        let trims = call.option(&[&table.trim.option]).is_none()
            && super::is_version(model, run, &table.interpreter, table.trim.since)
            && files.as_deref().is_some_and(|files| first_with(files, &table.trim.words).is_none());
        if trims {
            words.push(table.trim.option.clone());
            found.loses_paths = found.is_unseen;
        }
        words.push(format!("{}={}", table.strip.option, table.strip.flags.join(" ")));
        found
            .reasons
            .push("the program has no symbols and no debug information, which stack traces do without".to_owned());
        found.migration.push("a debugger finds no symbols in the program".to_owned());
    }
    if let Some(without) = without_c(model, run, call, table, files.as_deref()) {
        found.gains.push(without);
        found
            .reasons
            .push("nothing in the module uses C, so that the program is static and runs on any image".to_owned());
        found.migration.push("the program resolves names by itself, without nsswitch and mDNS".to_owned());
    }
    if !words.is_empty() {
        found.gains.push(Gain::Words { at, words });
    }
    (!found.gains.is_empty()).then_some(Ok(found))
}

/// Whether the command gains flags of the linker.
fn strip(
    model: &Model<'_>,
    run: usize,
    call: &Call<'_>,
    table: &GoBuilds,
    files: Option<&[&SourceFile]>,
) -> Result<bool, Refusal> {
    if call.option(&[&table.strip.option]).is_some() {
        return Ok(false);
    }
    if !call.is_plain() {
        return Err(call.why_not_plain());
    }
    if let Some(tool) = named(model, &table.tools) {
        return Err((
            format!("the file names `{tool}`, which is for debugging"),
            "a build for debugging in a stage of its own",
        ));
    }
    let is_set = !matches!(model.state(run).variables.get(&table.variable), Variable::Unset)
        || call.variables_set().contains(&table.variable);
    if is_set {
        return Err((format!("`{}` may hold options already", table.variable), "the options in the command"));
    }
    if let Some((file, word)) = files.and_then(|files| first_with(files, &table.strip.words)) {
        return Err((format!("`{file}` uses `{word}`, which may read the program's own symbols"), "nothing"));
    }
    Ok(true)
}

/// The file that has one of the words, and the word.
fn first_with<'f>(files: &[&'f SourceFile], words: &'f [String]) -> Option<(&'f str, &'f str)> {
    files.iter().find_map(|file| {
        let word = words.iter().find(|word| file.known().contains(word.as_str()))?;
        Some((file.path.as_str(), word.as_str()))
    })
}

/// The modules that those of the context require; `None` when that is not known.
fn requires(model: &Model<'_>) -> Option<Vec<String>> {
    let sources = model.context.sources()?;
    let manifests: Vec<_> = sources.iter().filter(|source| source.path.rsplit('/').next() == Some("go.mod")).collect();
    let read = |source: &&SourceFile| Some(go_mod::read(source.text.as_deref()?)?.requires);
    let all: Option<Vec<Vec<String>>> = manifests.iter().map(read).collect();
    all.filter(|all| !all.is_empty()).map(|all| all.concat())
}

/// The variable that keeps C out, where nothing uses C and the program goes to another stage.
fn without_c(
    model: &Model<'_>,
    run: usize,
    call: &Call<'_>,
    table: &GoBuilds,
    files: Option<&[&SourceFile]>,
) -> Option<Gain> {
    let without = &table.without_c;
    let stage = model.stage_of(run)?;
    let image = stage.image.as_deref()?;
    // Images of Alpine have no compiler of C: Go does without by itself.
    let has_compiler = image.distribution.known().is_some_and(|known| known.name == DistributionName::Debian)
        && matches!(stage.base, Base::Image(_))
        && !stage.image_by_argument;
    let is_copied = model.stages[stage.index + 1..]
        .iter()
        .any(|later| later.instructions.clone().any(|index| model.stages_read_by(index).contains(&stage.index)));
    let script = model.body(run)?.text.text.as_str();
    let is_said = |name: &String| {
        script.contains(name.as_str()) || !matches!(model.state(run).variables.get(name), Variable::Unset)
    };
    let flags = call.command.words.iter().filter_map(crate::shell::ast::Word::pattern);
    let links_c = flags.into_iter().any(|word| without.linker.iter().any(|flag| word.contains(flag.as_str())));
    if !has_compiler || !is_copied || without.settings.iter().any(is_said) || links_c || call.program_at() > 0 {
        return None;
    }
    let installs_headers = |index: usize| {
        model.calls(index).iter().filter(|call| call.is_apt()).flat_map(|call| call.operands().to_vec()).any(
            |operand| {
                let what =
                    tables::is_build_only(tables::PackageManager::Apt, operand.text.as_deref().unwrap_or_default());
                operand.text.is_none() || matches!(what, Some(BuildOnly::Headers | BuildOnly::Toolchain))
            },
        )
    };
    let is_plain_stage = stage.instructions.clone().all(|index| {
        !installs_headers(index)
            && (!model.is_run(index) || model.every_call(index).is_some())
            && !matches!(model.instruction(index).kind, InstructionKind::Onbuild(_))
    });
    let modules = requires(model)?;
    let needs_c =
        modules.iter().any(|module| without.is_needed_by(module)) || first_with(files?, &without.words).is_some();
    (is_plain_stage && !needs_c)
        .then(|| Gain::Variable { name: without.variable.clone(), value: without.value.clone() })
}
