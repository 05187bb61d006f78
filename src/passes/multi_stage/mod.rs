//! A last stage that builds and runs becomes two: one with the compilers, and a lean one that runs.
//!
//! ## What it does
//! Cuts a stage behind the last instruction that builds something. What stands above stays as a build stage; a new stage repeats
//! the settings, accounts and packages that the program needs, copies what was built, and goes on with the instructions
//! below. Python packages go to a virtual environment, which is what is copied.
//!
//! Of a site that a server of files serves, only the files are copied.
//!
//! Projects of Node are built with the packages of development, which are removed behind the build, and so are packages of projects that
//! the program is not: of a client beside its server. Node.js that builds a front end in an image of Python stays in the build stage, with its
//! packages, where nothing that runs names one of its programs. Programs of Go and Rust
//! run on an image of the same release without the toolchain, those of C and C++ without the compilers, those of Java on the image of the
//! same version with a JRE, those of .NET on the one of ASP.NET. Gems of Ruby are copied to an image without compilers, extensions
//! and packages of PHP to one without headers and Composer.
//!
//! ## Why
//! Compilers, headers and build systems are larger than most programs, and of use to whoever breaks into one.
//!
//! ## Level
//! Guarded. A split is a partition: for each instruction it has to be known what it leaves behind. Declined are files with
//! ONBUILD, commands that write to places that are not known, packages with headers whose library is not known, programs that
//! call a compiler or that need a development dependency, what is copied and belongs to several users, and splits that leave
//! nothing out.
//!
//! ## Assumptions
//! No build-only file is read at run time through a computed path; commands write where their table row says; nobody starts a
//! shell in the container to build something there; no image is built from this one.
//!
//! ## References
//! Docker's documentation, "Multi-stage builds"; Python documentation, `venv`.

mod compiled;
mod node;
mod php;
mod plan;
mod python;
mod ruby;
mod silent;
mod site;
mod text;
mod unlock;
mod worth;

use self::plan::Draft;
use super::{Pass, PassContext, PassInfo};
use crate::model::{Model, Stage};
use crate::pipeline::BaseChoice;
use crate::rewrite::{Findings, Level};

/// See the module documentation.
#[derive(Debug)]
pub struct MultiStage;

static INFO: PassInfo = PassInfo {
    name: "multi-stage",
    summary: "a stage that builds and runs becomes a build stage and a lean runtime stage",
    docs: include_str!("mod.rs"),
    max_level: Level::Guarded,
};

/// What reads the stage of each kind of program; `None` when it is none of that kind.
const ECOSYSTEMS: &[fn(&Model<'_>, &Stage) -> Option<Draft>] =
    &[site::find, python::find_with_front_end, python::find, node::find, ruby::find, php::find, compiled::find];

impl Pass for MultiStage {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let model = cx.model;
        let Some(stage) = model.stages.last() else { return };
        let span = model.instruction(stage.from).span;
        let slims = matches!(cx.options.base, BaseChoice::Auto | BaseChoice::Slim) && cx.options.runs("slim-base");
        let mut first_reason = None;
        for draft in ECOSYSTEMS.iter().filter_map(|find| find(model, stage)) {
            match plan::rewrite(model, stage, &draft, slims) {
                Ok(rewrite) => return found.push(rewrite),
                Err(reason) => first_reason = first_reason.or(Some(reason)),
            }
        }
        match first_reason {
            Some(reason) => {
                let unlock = unlock::unlock(&reason);
                found.decline(span, format!("it is not split: {reason}"), unlock);
            }
            None if model.stages.len() == 1 => {
                if let Some((reason, unlock)) = silent::why(model, stage) {
                    found.decline(span, format!("it is not split: {reason}"), unlock);
                }
            }
            None => {}
        }
    }
}
