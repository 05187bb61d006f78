//! Why nothing is split where no kind of program was found.

use crate::model::split::{self, Kind};
use crate::model::{Base, Model, Stage};
use crate::syntax::ast::InstructionKind;
use crate::tables;

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
    if image.family == ruby.family && image.programs.contains(&ruby.with_headers) {
        return Some((
            "it is not worth it: the full image has compilers all the same".to_owned(),
            "the slim image of the same version, with the packages that the gems are compiled with",
        ));
    }
    let language = image.interpreter.as_ref().map(|interpreter| interpreter.name.as_str());
    let only = match language {
        Some(name)
            if name == tables::stages().environment.interpreter || image.family == tables::stages().node.family =>
        {
            "it is not worth it: no compiler, no headers, no full image, no tool and no development dependency would be left out"
        }
        _ => "it is not worth it: no step is known to compile anything, and no package is for builds only",
    };
    Some((only.to_owned(), "nothing, unless a step builds something that the tables do not know"))
}
