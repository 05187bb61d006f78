//! `check --baseline` and `--update-baseline`.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;

use super::run::Optimized;
use crate::baseline::Baseline;
use crate::emit;
use crate::report::Finding;

#[derive(Args)]
pub(super) struct Flags {
    /// Report only what the baseline in FILE does not know
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Write all that is found now to the baseline
    #[arg(long, requires = "baseline", conflicts_with = "outputs")]
    update_baseline: bool,
}

impl Flags {
    /// The file to be written, if one is.
    pub(super) fn updated(&self) -> Option<&Path> {
        self.baseline.as_deref().filter(|_| self.update_baseline)
    }

    /// Leaves out what the baseline knows, after taking down what is found if that is asked for.
    pub(super) fn apply(&self, files: &mut [Optimized]) -> Result<()> {
        let Some(path) = &self.baseline else { return Ok(()) };
        let mut baseline = read(path, self.update_baseline)?;
        if self.update_baseline {
            let root = root(path);
            for file in files.iter() {
                if let (Some(source), Some(outcome)) = (&file.source.path, file.report.outcome()) {
                    baseline.record(&key(path, source), outcome);
                }
            }
            baseline.retain(|file| root.join(file).exists());
            emit::replace(path, &baseline.render()?)?;
        }
        for file in files {
            let (Some(source), Finding::Read(outcome)) = (&file.source.path, &mut file.report.finding) else {
                continue;
            };
            baseline.leave_out_known(&key(path, source), outcome);
        }
        Ok(())
    }
}

fn read(path: &Path, may_be_missing: bool) -> Result<Baseline> {
    let text = match fs::read_to_string(path) {
        Err(error) if may_be_missing && error.kind() == io::ErrorKind::NotFound => return Ok(Baseline::default()),
        result => result
            .with_context(|| format!("cannot read the baseline {}, which --update-baseline writes", path.display()))?,
    };
    Baseline::parse(&text).with_context(|| format!("{}", path.display()))
}

/// The directory that paths in the baseline start from.
fn root(baseline: &Path) -> PathBuf {
    let directory = baseline.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    normal(&std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned()))
}

/// The path of a file in the baseline.
fn key(baseline: &Path, file: &Path) -> String {
    let file = normal(&std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
    let root = root(baseline);
    let mut up = 0;
    let below = root.ancestors().find_map(|ancestor| {
        up += 1;
        file.strip_prefix(ancestor).ok()
    });
    let Some(below) = below else { return file.display().to_string() };
    let names = below.components().map(|component| component.as_os_str().to_string_lossy().into_owned());
    std::iter::repeat_n("..".to_owned(), up - 1).chain(names).collect::<Vec<_>>().join("/")
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(normal.pop()),
            component => normal.push(component),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_from_the_baseline() {
        assert_eq!(key(Path::new("/r/a/b.json"), Path::new("/r/a/c/Dockerfile")), "c/Dockerfile");
        assert_eq!(key(Path::new("/r/a/b.json"), Path::new("/r/x/./y/../Dockerfile")), "../x/Dockerfile");
        assert_eq!(key(Path::new("b.json"), Path::new("./Dockerfile")), "Dockerfile");
    }
}
