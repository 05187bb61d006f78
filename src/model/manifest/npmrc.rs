//! `.npmrc`, `.yarnrc` of yarn 1 and `pip.conf`-like files: `key=value` lines (npm, "npmrc").

/// The settings in order; `None` when a line is none.
#[must_use]
pub fn read(text: &str) -> Option<Vec<(String, String)>> {
    let mut settings = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, "true"));
        let key = key.trim().trim_end_matches("[]");
        if key.is_empty() || key.starts_with('[') {
            return None;
        }
        settings.push((key.to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()));
    }
    Some(settings)
}

/// Whether a setting says where something lies in the project, or what runs: its value is a path, or its key names a file.
#[must_use]
pub fn names_a_file(key: &str, value: &str) -> bool {
    let is_address = key.starts_with("//") || key.ends_with("registry") || value.contains("://");
    let names = ["cafile", "globalconfig", "userconfig", "script-shell", "cache", "prefix", "store-dir", "patches-dir"];
    let is_path = value.starts_with(['.', '~']) || value.contains('/') || value.contains("${PWD");
    !is_address && (names.contains(&key) || key.ends_with("-dir") || key.ends_with("file") || is_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings() {
        let read = read("; a\nlegacy-peer-deps = true\n//r.example/:_authToken=${T}\nx[]=y\nflag\n").expect("settings");
        let pairs: Vec<(&str, &str)> = read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [("legacy-peer-deps", "true"), ("//r.example/:_authToken", "${T}"), ("x", "y"), ("flag", "true")]
        );
        assert_eq!(super::read("[section]\n"), None);
    }

    #[test]
    fn files() {
        for (key, value, expected) in [
            ("registry", "https://a.b/", false),
            ("//a.b/:_authToken", "x/y", false),
            ("engine-strict", "true", false),
            ("cafile", "ca.pem", true),
            ("cache", "./x", true),
            ("virtual-store-dir", "x", true),
            ("node-linker", "hoisted", false),
        ] {
            assert_eq!(names_a_file(key, value), expected, "{key}");
        }
    }
}
