//! The passes and their order.
//!
//! A pass reads the [`Model`] and hands over [`Rewrite`](crate::rewrite::Rewrite)s, or says why it left a place alone. It
//! matches completely before it makes the first edit.

pub mod add_to_copy;
pub mod alpine_base;
pub mod approved_base;
pub mod build_packages;
pub mod cache_mounts;
pub mod cleanup_layer;
pub mod copy_ownership;
pub mod dependency_layers;
pub mod distroless_base;
pub mod end_of_life;
pub mod exec_form;
pub mod go_build;
pub mod health_check;
pub mod init;
pub mod labels;
pub mod layer_order;
mod lean_builds;
pub mod lean_dependencies;
pub mod lock_install;
pub mod modern_syntax;
pub mod multi_stage;
pub mod non_root_user;
pub mod package_install;
pub mod pin_base;
pub mod python_slimming;
pub mod runtime_env;
pub mod rust_build;
pub mod secrets;
pub mod slim_base;
mod text;

use crate::model::Model;
use crate::pipeline::Options;
use crate::rewrite::{Findings, Level};

/// A pass.
pub trait Pass: Sync {
    /// Name, summary, page and highest level.
    fn info(&self) -> &'static PassInfo;
    /// Adds rewrites, or says why a place was left alone.
    fn run(&self, cx: &PassContext<'_>, found: &mut Findings);
}

/// What is said of a pass.
#[derive(Debug)]
pub struct PassInfo {
    /// The name in configuration, flags and reports.
    pub name: &'static str,
    /// One line: what the file gains.
    pub summary: &'static str,
    /// The source of the pass: the documentation of its module is its [page](Self::page).
    pub docs: &'static str,
    /// The highest level of its rewrites: what `--only` and `--enable` allow.
    pub max_level: Level,
}

impl PassInfo {
    /// The page of the pass, as Markdown without a heading: the module documentation at the top of its source.
    #[must_use]
    pub fn page(&self) -> String {
        let lines = self.docs.lines().map_while(|line| line.strip_prefix("//!"));
        lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
    }
}

/// What a pass sees.
#[derive(Debug)]
pub struct PassContext<'a> {
    /// The facts.
    pub model: &'a Model<'a>,
    /// What is asked for.
    pub options: &'a Options,
}

/// All passes, in the order in which they run.
pub static PIPELINE: &[&dyn Pass] = &[
    // The project's word on images goes before what the tables say of those in the file.
    &approved_base::ApprovedBase,
    &end_of_life::EndOfLife,
    // Changes no effect, so that all later passes see one form of ENV and of keywords.
    &modern_syntax::ModernSyntax,
    // Metadata, which no other pass looks at.
    &labels::Labels,
    &add_to_copy::AddToCopy,
    // Before multi-stage and distroless-base: what goes to another stage is built, and a static program needs no distribution.
    &go_build::GoBuild,
    &rust_build::RustBuild,
    // Looks at the final command only. Before multi-stage: what starts programs there may stay in the stage that builds.
    &exec_form::ExecForm,
    // Before all that looks at stages: what follows sees both.
    &multi_stage::MultiStage,
    // Before slim-base, which has nothing to say of what is left.
    &distroless_base::DistrolessBase,
    // After multi-stage: the stage that builds keeps its image. Before every pass that looks at packages: they judge the
    // install that it writes, and the image that is left.
    &slim_base::SlimBase,
    // After slim-base: what it proposes starts from what is left.
    &alpine_base::AlpineBase,
    // Before layer-order: what sets no owner any more may move.
    &copy_ownership::CopyOwnership,
    // Before cache-mounts, so that it reads commands as the author wrote them.
    &layer_order::LayerOrder,
    // Before dependency-layers: an install that writes no lock file can stand above the sources.
    &lock_install::LockInstall,
    // After layer-order, which moves the installs that need no manifests out of the way.
    &dependency_layers::DependencyLayers,
    // Before package-install: where a cache is mounted, nothing has to be cleaned up.
    &cache_mounts::CacheMounts,
    // After cache-mounts; merges `update` and `install`, which lets cache-mounts in on the next walk.
    &package_install::PackageInstall,
    // After multi-stage, which leaves what it cannot split, and after package-install, which puts update and install into one RUN.
    &build_packages::BuildPackages,
    // After package-install: once each RUN cleans up behind itself, a cleanup in a later layer has nothing to do.
    &cleanup_layer::CleanupLayer,
    // After cache-mounts: a variable may defeat a mount that the author wrote.
    &runtime_env::RuntimeEnv,
    // After package-install, which says what stands at the end of a RUN.
    &python_slimming::PythonSlimming,
    // After the passes that put in a base: it is pinned too.
    &pin_base::PinBase,
    // Last: USER stands behind everything that the others put in.
    &non_root_user::NonRootUser,
    // These only propose: they read what is left of the file.
    &secrets::Secrets,
    &init::Init,
    &health_check::HealthCheck,
    &lean_dependencies::LeanDependencies,
];

/// The pass of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static dyn Pass> {
    PIPELINE.iter().copied().find(|pass| pass.info().name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_the_documentation_of_the_module() {
        let docs = "//! A.\n//!\n//! ## B\n//!     c\n\nuse d;\n//! e\n";
        let info = PassInfo { name: "a", summary: "", docs, max_level: Level::Safe };
        assert_eq!(info.page(), "A.\n\n## B\n    c\n");
    }
}
