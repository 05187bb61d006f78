//! Why nothing is split where no kind of program was found.

use super::unlock;
use crate::model::deed::{Deed, deeds};
use crate::model::split::{self, Kind};
use crate::model::{Base, Model, Stage, base, dependencies, front_end};
use crate::syntax::ast::InstructionKind;
use crate::tables::{self, BuildOnly, ImageFacts};

/// The reason, and what would change it; `None` for a file that makes no image of an application.
pub(super) fn why(model: &Model<'_>, stage: &Stage) -> Option<(String, &'static str)> {
    let has = |wanted: fn(&InstructionKind) -> bool| {
        stage.instructions.clone().any(|index| wanted(&model.instruction(index).kind))
    };
    let starts = has(|kind| matches!(kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_)));
    let brings = has(|kind| matches!(kind, InstructionKind::Copy(_) | InstructionKind::Add(_)));
    if !starts && !brings {
        return None;
    }
    let Base::Image(reference) = &stage.base else { return None };
    let Some(image) = stage.image.as_deref() else {
        let reason = format!("what `{}` has is not known", reference.name());
        return Some((reason, "an image that the tables know, such as the official one of the language"));
    };
    if !(stage.instructions.clone()).any(|index| split::kind(model, index) == Kind::Run) {
        return Some((
            "it is not worth it: no RUN builds anything".to_owned(),
            "nothing: there is no build to leave out",
        ));
    }
    let unread = stage.instructions.clone().find(|index| {
        split::kind(model, *index) == Kind::Run
            && model.body(*index).is_some_and(|body| body.understood().is_none())
            && !matches!(&model.instruction(*index).kind, InstructionKind::Run(crate::syntax::ast::Command::Exec(_)))
    });
    if let Some(index) = unread {
        let line = model.lines.line(model.instruction(index).span.start);
        return Some((format!("line {line}: the script is not understood"), "plain POSIX shell"));
    }
    let ruby = &tables::stages().ruby;
    if image.family == ruby.family && base::has_slim_variant(model, stage) {
        return Some((
            "it is not worth it: no RUN installs gems or compiles anything".to_owned(),
            "nothing: there is no build to leave out",
        ));
    }
    if image.family == ruby.family && image.programs.contains(&ruby.with_headers) {
        return Some((
            "it is not worth it: the full image has compilers all the same".to_owned(),
            "the slim image of the same version, with the packages that the gems are compiled with",
        ));
    }
    let runs = || stage.instructions.clone().filter(|index| split::kind(model, *index) == Kind::Run);
    if runs().any(|run| installs_for_builds(model, image, run))
        && let Some((run, reason)) = runs().find_map(|run| Some((run, deeds(model, run).err()?)))
    {
        let line = model.lines.line(model.instruction(run).span.start);
        return Some((format!("line {line}: {reason}"), unlock::unlock(&reason)));
    }
    let has_node = |run: usize| {
        deeds(model, run).is_ok_and(|deeds| {
            let brings = |deed: &Deed| matches!(deed, Deed::Packages { names, .. } if names.iter().any(|name| front_end::programs_of(name).is_some()));
            deeds.iter().any(brings)
        })
    };
    let is_python = image.interpreter.as_ref().is_some_and(|own| own.name == tables::stages().environment.interpreter);
    if is_python
        && runs().any(has_node)
        && let Some(reason) = front_end::why_needed(model, stage)
    {
        return Some((format!("Node stays: {reason}"), "a program that does without Node"));
    }
    let table = tables::stages();
    let language = image.interpreter.as_ref().map(|interpreter| interpreter.name.as_str());
    let is_read = language == Some(table.environment.interpreter.as_str())
        || image.family == table.node.family
        || table.runtimes.iter().any(|row| row.family == image.family);
    if is_read && let Err(refusal) = base::slim(model, stage) {
        return Some((format!("the full image stays: {}", refusal.reason), "what `slim-base` says to the same place"));
    }
    if is_read {
        let reason = "no compiler, no headers, no full image, no tool and no development dependency would be left out";
        return Some((format!("it is not worth it: {reason}"), "nothing: there is no build to leave out"));
    }
    let installs = |run: usize| model.calls(run).iter().any(dependencies::installs);
    match language {
        Some(name) if runs().any(installs) => {
            let unlock = "a stage that installs the packages, and a COPY of the directory that has them";
            Some((format!("what a program of `{name}` needs beside its packages is not known"), unlock))
        }
        None if runs().any(|run| model.calls(run).iter().any(|call| call.program() == "pip")) => {
            let unlock = "the official image of Python in place of the Python of the distribution";
            Some(("packages go among those of the distribution's own Python".to_owned(), unlock))
        }
        _ => Some((
            "it is not worth it: no step is known to compile anything, and no package is for builds only".to_owned(),
            "nothing, unless a step builds something that the tables do not know",
        )),
    }
}

/// Whether the RUN installs packages that only builds need.
fn installs_for_builds(model: &Model<'_>, image: &ImageFacts, run: usize) -> bool {
    let Some(manager) = image.package_manager.known() else { return false };
    let is_for_builds = |name: &str| {
        tables::is_build_only(*manager, name) == Some(BuildOnly::Toolchain)
            || image.family != tables::stages().node.family && front_end::programs_of(name).is_some()
    };
    model.calls(run).iter().any(|call| {
        call.subcommand().is_some_and(|name| matches!(name, "install" | "add"))
            && call.operands().iter().any(|word| word.text.as_deref().is_some_and(is_for_builds))
    })
}
