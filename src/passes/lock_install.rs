//! Installs take exactly what the lock file says.
//!
//! ## What it does
//! `npm install` becomes `npm ci`; yarn and pnpm gain `--frozen-lockfile` (yarn 2 and later `--immutable`), uv gains `--locked`,
//! and bundler runs with `BUNDLE_FROZEN=1`, where a lock file is there and was made for the manifest.
//!
//! ## Why
//! Without, an install that finds the lock file out of date brings other versions without a word. Now the build stops.
//!
//! ## Level
//! Guarded. The lock file is in the build context, is copied, and asks for what the manifest asks for; otherwise the rewrite
//! is declined. `npm ci` removes `node_modules` first, so nothing may have been put there before.
//!
//! ## Assumptions
//! The package manager's command reads and writes what its row says.
//!
//! ## References
//! npm-ci; yarn install; pnpm install; uv, "Locking and syncing"; bundle-config(1).

use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::Model;
use crate::model::call::Call;
use crate::model::dependencies::{Change, Held, held};
use crate::rewrite::{Assumption, AssumptionKind, Findings, Level, Rewrite};
use crate::validate::Step;

/// See the module documentation.
#[derive(Debug)]
pub struct LockInstall;

static INFO: PassInfo = PassInfo {
    name: "lock-install",
    summary: "installs take exactly what the lock file says",
    docs: include_str!("lock_install.rs"),
    max_level: Level::Guarded,
};

impl Pass for LockInstall {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        for run in (0..model.dockerfile.instructions.len()).filter(|index| model.is_run(*index)) {
            for call in model.calls(run) {
                match held(model, run, &call) {
                    None => {}
                    Some(Ok(held)) => found.push(rewrite(model, run, &call, &held)),
                    Some(Err((reason, unlock))) => {
                        found.decline(model.script_span(run, call.span()), reason, unlock);
                    }
                }
            }
        }
    }
}

fn rewrite(model: &Model<'_>, run: usize, call: &Call<'_>, held: &Held) -> Rewrite {
    let word = |at: usize| model.script_span(run, call.command.words[at].span);
    let (edit, message) = match &held.change {
        Change::Subcommand { at, name } => {
            (Edit::replace(word(*at), name.clone()), format!("becomes `{} {name}`", call.program()))
        }
        Change::Option { at, option } => {
            (Edit::insert(word(at - 1).end, format!(" {option}")), format!("gains `{option}`"))
        }
        Change::Variable { name, value } => {
            let setting = format!("{name}={value}");
            (Edit::insert(word(0).start, format!("{setting} ")), format!("runs with `{setting}`"))
        }
    };
    let reason = format!("`{}` says what is installed; a build that would bring something else stops", held.lock);
    Rewrite::new(Level::Guarded, model.script_span(run, call.span()), message, reason)
        .assume(Assumption::assumed(AssumptionKind::TableBounds))
        .edit(edit)
        .step(Step::LockInstall { run, command: call.id })
}
