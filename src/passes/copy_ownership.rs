//! COPY sets the owner and the mode of what it copies.
//!
//! ## What it does
//! Where a RUN gives a directory that COPYs fill to a user (`chown -R`), or sets the mode of all in it (`chmod -R 755`), the
//! COPYs gain `--chown` or `--chmod`, and the command looks at the directory itself only.
//!
//! ## Why
//! A change of owner or mode in a later layer stores every file a second time.
//!
//! ## Level
//! Guarded. The COPYs bring everything that lies below the directory: the base image has nothing there, and no RUN, WORKDIR or
//! implied directory adds to it. The user exists when the COPY runs: nothing between creates users. Owners without a group, and
//! modes that depend on the file (`+x`), are declined.
//!
//! ## Assumptions
//! For `--chmod`: the image is built with BuildKit. The package manager's command writes where its table row says, when one
//! stands between.
//!
//! ## References
//! Dockerfile reference, `COPY --chown --chmod`.

use super::{Pass, PassContext, PassInfo, text};
use crate::edit::Edit;
use crate::model::Model;
use crate::model::access;
use crate::model::call::Call;
use crate::model::ownership::{IntoCopy, into_copy};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::syntax::make;
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct CopyOwnership;

static INFO: PassInfo = PassInfo {
    name: "copy-ownership",
    summary: "COPY sets the owner and the mode of what it copies",
    docs: include_str!("copy_ownership.rs"),
    max_level: Level::Guarded,
};

impl Pass for CopyOwnership {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        let mut before = None;
        for run in (0..model.dockerfile.instructions.len()).filter(|index| model.is_run(*index)) {
            for call in model.calls(run) {
                if call.option(&["--recursive"]).is_none() {
                    continue;
                }
                let before = before.get_or_insert_with(|| access::trusting(model));
                let span = || model.script_span(run, call.span());
                match into_copy(model, before, run, &call) {
                    None => {}
                    Some(Err((reason, unlock))) => found.decline(span(), reason, unlock),
                    Some(Ok(into_copy)) => match rewrite(model, run, &call, &into_copy) {
                        Some(rewrite) => found.push(rewrite),
                        None => found.decline(span(), "the flag or the option cannot be written", "plain words"),
                    },
                }
            }
        }
    }
}

fn rewrite(model: &Model<'_>, run: usize, call: &Call<'_>, into_copy: &IntoCopy) -> Option<Rewrite> {
    let flag = make::flag(into_copy.flag, &into_copy.value, model.dockerfile.escape)?;
    let words = &call.command.words;
    let removed = text::remove_word(model, run, words[into_copy.word - 1].span, words[into_copy.word].span)?;
    let mut rewrite = Rewrite::new(
        Level::Guarded,
        model.script_span(run, call.span()),
        format!("loses `-R`: the COPYs that fill `{}` gain `{flag}`", into_copy.directory),
        "every file is stored once",
    )
    .assume(Assumption::assumed(AssumptionKind::TableBounds))
    .edit(removed)
    .step(Step::ChownIntoCopy { run, command: call.id });
    if into_copy.flag == "chmod" {
        rewrite = rewrite.assume(model.build_kit());
    }
    for copy in &into_copy.copies {
        rewrite = rewrite.edit(Edit::insert(model.instruction(*copy).keyword.end, format!(" {flag}")));
    }
    Some(rewrite)
}
