//! `ADD` of plain files and directories becomes `COPY`.
//!
//! ## What it does
//! Writes COPY where ADD neither fetches nor unpacks anything.
//!
//! ## Why
//! COPY does one thing. With ADD, a file that turns into an archive one day is unpacked without a word.
//!
//! ## Level
//! Safe when every source is a directory, or a file of the build context whose first bytes are no archive. Guarded when
//! only the name says so: by its extension, or because it has none and none of the words that archives are named with (`rootfs`,
//! `layer`, `backup`). URLs, git repositories and archives keep ADD; globs and variables are declined.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! Dockerfile reference, `ADD`, "Adding local tar archives"; Docker's build best practices, "ADD or COPY".

use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::transfer::{Plain, plain_add};
use crate::rewrite::{Findings, Level, Rewrite};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct AddToCopy;

static INFO: PassInfo = PassInfo {
    name: "add-to-copy",
    summary: "`ADD` of plain files and directories becomes `COPY`",
    docs: include_str!("add_to_copy.rs"),
    max_level: Level::Guarded,
};

impl Pass for AddToCopy {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        for (index, instruction) in cx.model.dockerfile.instructions.iter().enumerate() {
            let (level, evidence) = match plain_add(cx.model, index) {
                None | Some(Plain::NeedsAdd) => continue,
                Some(Plain::Proved(evidence)) => (Level::Safe, evidence),
                Some(Plain::ByName(evidence)) => (Level::Guarded, evidence),
                Some(Plain::Unclear(reason)) => {
                    found.decline(
                        instruction.span,
                        reason,
                        "name the build context, or write COPY if nothing is to be unpacked",
                    );
                    continue;
                }
            };
            let copy = match instruction.keyword.of(cx.model.source) {
                "ADD" => "COPY",
                "add" => "copy",
                "Add" => "Copy",
                _ => continue,
            };
            let rewrite = Rewrite::new(
                level,
                instruction.span,
                format!("becomes `{copy}`: {evidence}"),
                "COPY only copies; ADD would unpack or fetch what a source may become",
            );
            found.push(
                rewrite.edit(Edit::replace(instruction.keyword, copy)).step(Step::CopyForAdd { instruction: index }),
            );
        }
    }
}
