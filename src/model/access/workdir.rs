//! WORKDIR and a COPY above it that makes the same directory: either of them can be the first.

use super::super::transfer::{Plain, plain_add};
use super::super::walk::clean;
use super::Model;
use crate::syntax::ast::InstructionKind;

/// Whether a WORKDIR can stand in front of a COPY to the directory that it names. Whichever comes first makes the directory,
/// for root and with the mode 0755; the mode that a COPY gives it may be that of its source, which is an assumption.
///
/// # Errors
/// Why not.
pub fn workdir_before_copy(model: &Model<'_>, copy: usize, workdir: usize) -> Result<(), String> {
    let refused = |reason: &str| Err(reason.to_owned());
    let instruction = model.instruction(copy);
    let transfer = match &instruction.kind {
        InstructionKind::Copy(transfer) => transfer,
        InstructionKind::Add(transfer) => match plain_add(model, copy) {
            Some(Plain::Proved(_) | Plain::ByName(_)) => transfer,
            _ => return refused("what ADD unpacks is not known"),
        },
        _ => return refused("it copies nothing"),
    };
    let InstructionKind::Workdir(path) = &model.instruction(workdir).kind else {
        return refused("it sets no working directory");
    };
    if instruction.flags.iter().any(|flag| flag.name != "exclude") || !instruction.heredocs.is_empty() {
        return refused("the COPY has flags that may make the directory another one");
    }
    let accesses = model.accesses();
    if let Some(reason) = accesses[copy].why_opaque().or(accesses[workdir].why_opaque()) {
        return Err(reason.to_owned());
    }
    let written = model.state(copy).variables.expand(&transfer.destination.text, model.dockerfile.escape);
    if !written.fixed().is_some_and(|path| path.starts_with('/')) {
        return refused("the COPY goes to a place below the working directory");
    }
    let is_whole = |source: &str| matches!(source, "." | "./" | "/") || source.ends_with('/');
    let makes_directory = transfer.destination.text.ends_with('/')
        || matches!(transfer.sources.as_slice(), [source] if is_whole(&source.text));
    let destination = model.destination(copy, transfer);
    let named = model.state(workdir).variables.expand(&path.text, model.dockerfile.escape);
    let named = named.fixed().filter(|path| path.starts_with('/')).map(clean);
    if !makes_directory || destination.is_none() || destination != named {
        return refused("the COPY makes another directory than the WORKDIR");
    }
    if !(model.user(copy).is_root() && model.user(workdir).is_root()) {
        return refused("the directory would belong to another user");
    }
    Ok(())
}
