//! Which builder builds the image: traces in CI files, scripts and compose files of the repository.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{evidence, small_file};

/// The program that builds the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Builder {
    /// BuildKit.
    BuildKit {
        /// What shows it, such as `.github/workflows/ci.yml uses docker/build-push-action`.
        evidence: String,
    },
    /// Another one, which may not know all that BuildKit knows.
    Other {
        /// Its name.
        name: String,
        /// What shows it.
        evidence: String,
    },
    /// Nothing was found.
    #[default]
    Unknown,
}

/// The search for the builder, made when the answer is first asked for.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The Dockerfile's directory and its ancestors up to the repository root.
    directories: Vec<PathBuf>,
    result: OnceLock<Builder>,
}

/// Texts that only another builder has, with its name. A file that shows both counts for the other one: what it does
/// not know would break its build.
const OTHERS: [(&str, &str); 8] = [
    ("kaniko", "kaniko"),
    ("buildah bud", "buildah"),
    ("buildah build", "buildah"),
    ("buildah-build", "buildah"),
    ("podman build", "podman"),
    ("podman-compose", "podman"),
    ("DOCKER_BUILDKIT=0", "the legacy builder"),
    ("DOCKER_BUILDKIT: 0", "the legacy builder"),
];

/// Texts that only a build with BuildKit has.
const BUILDKIT: [&str; 9] = [
    "docker/build-push-action",
    "docker/bake-action",
    "docker/setup-buildx-action",
    "docker buildx build",
    "docker buildx bake",
    "docker buildx create",
    "DOCKER_BUILDKIT=1",
    "DOCKER_BUILDKIT: 1",
    "buildctl",
];

/// CI files and scripts at the root of a repository.
const FILES: [&str; 14] = [
    ".gitlab-ci.yml",
    ".circleci/config.yml",
    ".travis.yml",
    ".drone.yml",
    ".woodpecker.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    "appveyor.yml",
    "cloudbuild.yaml",
    "cloudbuild.yml",
    "Makefile",
    "Taskfile.yml",
    "justfile",
];

/// Files of one directory that are read.
const MAX_FILES: usize = 200;

impl Search {
    pub(super) fn new(directories: Vec<PathBuf>) -> Self {
        Self { directories, result: OnceLock::new() }
    }

    /// Nothing is left to search.
    pub(super) fn known(builder: Builder) -> Self {
        Self { directories: Vec::new(), result: OnceLock::from(builder) }
    }

    pub(super) fn result(&self) -> &Builder {
        self.result.get_or_init(|| self.search())
    }

    fn search(&self) -> Builder {
        let Some(root) = self.directories.last() else { return Builder::Unknown };
        let mut found = Builder::Unknown;
        for path in self.files(root) {
            let Ok(text) = small_file(&path) else { continue };
            let shown = path.strip_prefix(root).unwrap_or(&path).display().to_string();
            match judge(&text, &shown) {
                Builder::Unknown => {}
                other @ Builder::Other { .. } => return other,
                buildkit @ Builder::BuildKit { .. } if found == Builder::Unknown => found = buildkit,
                Builder::BuildKit { .. } => {}
            }
        }
        if found == Builder::Unknown { self.bake_file(root) } else { found }
    }

    /// The files to read, in a fixed order.
    fn files(&self, root: &Path) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = FILES.iter().map(|name| root.join(name)).collect();
        files.extend(names(&root.join(".github/workflows"), |name| name.ends_with(".yml") || name.ends_with(".yaml")));
        for directory in &self.directories {
            files.extend(names(directory, |name| name.starts_with("build") && name.ends_with(".sh")));
            files.extend(names(directory, evidence::is_compose_file));
        }
        files
    }

    /// A bake file is read by `docker buildx bake` alone.
    fn bake_file(&self, root: &Path) -> Builder {
        let bake = self.directories.iter().flat_map(|directory| names(directory, evidence::is_bake_file)).next();
        bake.map_or(Builder::Unknown, |path| Builder::BuildKit {
            evidence: format!("{} is a bake file", path.strip_prefix(root).unwrap_or(&path).display()),
        })
    }
}

/// Judges one file, without its comment lines.
fn judge(text: &str, shown: &str) -> Builder {
    let lines = || text.lines().map(str::trim_start).filter(|line| !line.starts_with('#') && !line.starts_with("//"));
    let plain = |line: &str| line.replace(['"', '\''], "");
    for line in lines().map(plain) {
        if let Some((word, name)) = OTHERS.iter().find(|(word, _)| line.contains(word)) {
            return Builder::Other { name: (*name).to_owned(), evidence: format!("{shown} has `{word}`") };
        }
    }
    for line in lines().map(plain) {
        if let Some(word) = BUILDKIT.iter().find(|word| line.contains(**word)) {
            return Builder::BuildKit { evidence: format!("{shown} has `{word}`") };
        }
    }
    Builder::Unknown
}

/// The files of a directory with such a name, sorted.
fn names(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    evidence::files(directory, wanted).into_iter().take(MAX_FILES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_builder_wins() {
        let other = Builder::Other { name: "kaniko".into(), evidence: "ci has `kaniko`".into() };
        assert_eq!(judge("uses: docker/build-push-action@v6\nimage: gcr.io/kaniko-project/executor", "ci"), other);
    }

    #[test]
    fn comments_do_not_count() {
        assert_eq!(judge("# podman build .\n  # DOCKER_BUILDKIT=1", "ci"), Builder::Unknown);
    }

    #[test]
    fn quotes_do_not_matter() {
        let buildkit = Builder::BuildKit { evidence: "ci has `DOCKER_BUILDKIT: 1`".into() };
        assert_eq!(judge("  DOCKER_BUILDKIT: \"1\"", "ci"), buildkit);
    }
}
