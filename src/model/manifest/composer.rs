//! `composer.json` and `composer.lock` (Composer, "The composer.json schema").

use serde_json::Value;

/// What a `composer.json` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ComposerJson {
    /// Names of scripts.
    pub scripts: Vec<String>,
    /// Whether a repository is a path beside it.
    pub has_path_repository: bool,
    /// Whether autoloading looks into files: `classmap`, `files` or `psr-0`.
    pub scans_sources: bool,
    /// Whether the configuration asks for an optimised class map, which is made from the sources.
    pub is_optimized: bool,
    /// `config.vendor-dir`.
    pub vendor_dir: Option<String>,
    /// Names that `config` sets.
    pub config: Vec<String>,
    /// What is asked for, by name.
    pub requires: Vec<String>,
}

/// Reads a `composer.json`; `None` when it is none.
#[must_use]
pub fn read(text: &str) -> Option<ComposerJson> {
    let value: Value = serde_json::from_str(text).ok()?;
    let object = value.as_object()?;
    let names = |key: &str| -> Vec<String> {
        object.get(key).and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()).collect()
    };
    let repositories: Vec<&Value> = match object.get("repositories") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(Value::Object(map)) => map.values().collect(),
        _ => Vec::new(),
    };
    let is_local = |repository: &&Value| {
        matches!(repository.get("type").and_then(Value::as_str), Some("path" | "artifact"))
            || repository.get("url").and_then(Value::as_str).is_some_and(|url| url.starts_with(['.', '/']))
    };
    let autoload = ["autoload", "autoload-dev"].into_iter().filter_map(|key| object.get(key)?.as_object());
    let mut kinds = autoload.flatten().map(|(kind, _)| kind.as_str());
    let config = |key: &str| value.get("config").and_then(|config| config.get(key));
    let is_set = |key: &str| config(key).is_some_and(|value| value != &Value::Bool(false));
    Some(ComposerJson {
        scripts: names("scripts"),
        has_path_repository: repositories.iter().any(is_local),
        scans_sources: kinds.any(|kind| matches!(kind, "classmap" | "files" | "psr-0")),
        is_optimized: is_set("optimize-autoloader") || is_set("classmap-authoritative"),
        vendor_dir: config("vendor-dir").and_then(Value::as_str).map(str::to_owned),
        config: names("config"),
        requires: [names("require"), names("require-dev")].concat(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read() {
        let text = r#"{"require": {"php": "^8", "a/b": "1"}, "scripts": {"post-install-cmd": "x"},
            "repositories": [{"type": "path", "url": "../a"}], "autoload": {"psr-4": {"A\\": "src/"}},
            "config": {"optimize-autoloader": true, "vendor-dir": "v"}}"#;
        let found = read(text).expect("it is read");
        assert!(found.has_path_repository && found.is_optimized && !found.scans_sources);
        assert_eq!((found.scripts, found.vendor_dir.as_deref()), (vec!["post-install-cmd".to_owned()], Some("v")));
        assert_eq!(found.requires, ["php", "a/b"]);
        assert!(read(r#"{"autoload": {"classmap": ["x"]}}"#).expect("it is read").scans_sources);
        assert_eq!(read("[]"), None);
    }
}
