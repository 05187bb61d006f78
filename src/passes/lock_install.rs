//! Installs take exactly what the lock file says.
//!
//! ## What it does
//! `npm install` becomes `npm ci`; yarn and pnpm gain `--frozen-lockfile` (yarn 2 and later `--immutable`), uv gains `--locked`,
//! and bundler runs with `BUNDLE_FROZEN=1`, where a lock file is there and was made for the manifest. In the last stage an install of npm or
//! yarn 1 leaves development dependencies out (`--omit=dev`, `--production`) where the stage builds nothing and the program loads none of them.
//!
//! ## Why
//! Without, an install that finds the lock file out of date brings other versions without a word. Now the build stops. Compilers and test
//! runners of a project are often most of its packages.
//!
//! ## Level
//! Guarded. The lock file is in the build context, is copied, and asks for what the manifest asks for; otherwise the rewrite
//! is declined. `npm ci` removes `node_modules` first, so nothing may have been put there before. Development dependencies stay
//! where a script runs with the install, where another command of the stage may use them, or where a source or a container names one.
//!
//! ## Assumptions
//! The package manager's command reads and writes what its row says. Code that is not seen loads no development dependency.
//!
//! ## References
//! npm-ci; yarn install; pnpm install; uv, "Locking and syncing"; bundle-config(1).

use super::{Pass, PassContext, PassInfo};
use crate::edit::Edit;
use crate::model::Model;
use crate::model::call::Call;
use crate::model::dependencies::{Change, Held, held};
use crate::model::development::{Omitted, omitted};
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
                    // One after the other: the next walk sees the new command.
                    Some(Ok(held)) => {
                        found.push(rewrite(model, run, &call, &held));
                        continue;
                    }
                    Some(Err((reason, unlock))) => {
                        found.decline(model.script_span(run, call.span()), reason, unlock);
                    }
                    None => {}
                }
                match omitted(model, run, &call) {
                    Some(Ok(omitted)) => found.push(without_development(model, run, &call, &omitted)),
                    Some(Err((reason, unlock))) => {
                        found.decline(model.script_span(run, call.span()), reason, unlock);
                    }
                    None => {}
                }
            }
        }
    }
}

/// The install leaves development dependencies out.
fn without_development(model: &Model<'_>, run: usize, call: &Call<'_>, omitted: &Omitted) -> Rewrite {
    let before = model.script_span(run, call.command.words[omitted.at - 1].span).end;
    let what = if omitted.packages == 1 { "package" } else { "packages" };
    Rewrite::new(
        Level::Guarded,
        model.script_span(run, call.span()),
        format!("gains `{}`", omitted.option),
        format!(
            "the {} {what} that package.json names for development stay out of the image: nothing is built in it, and no source of the program \
             loads them",
            omitted.packages
        ),
    )
    .assume(Assumption::assumed(AssumptionKind::NoUnseenNeeds))
    .edit(Edit::insert(before, format!(" {}", omitted.option)))
    .step(Step::OmitDevelopment { run, command: call.id })
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
