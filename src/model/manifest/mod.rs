//! Manifests and lock files of package managers, read from their text.
//!
//! These are pure functions: text in, facts out. They say what a manifest names, above all which other files: a dependency
//! by a local path, a script of the project, a patch. What cannot be read gives `None` or an `Unknown` entry, and then
//! nothing follows.

pub mod cargo;
pub mod cmake;
pub mod composer;
pub mod gemfile;
pub mod go_mod;
pub mod gradle;
pub mod makefile;
pub mod mix;
pub mod msbuild;
pub mod npmrc;
pub mod package_json;
pub mod package_lock;
pub mod pnpm;
pub mod pom;
pub mod pyproject;
pub mod requirements;
pub mod uv_lock;
pub mod yarn;

/// Joins a directory and a path relative to it, both with slashes, without `.` and `..`.
///
/// `None` when the path leads out of the root that the directory is relative to.
#[must_use]
pub fn join(directory: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in directory.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            other => parts.push(other),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn paths_stay_below_the_root() {
        for (directory, path, joined) in
            [("", "a", Some("a")), ("a/b", "../c", Some("a/c")), ("a", "./b/.", Some("a/b")), ("a", "../../b", None)]
        {
            assert_eq!(join(directory, path).as_deref(), joined);
        }
    }
}
