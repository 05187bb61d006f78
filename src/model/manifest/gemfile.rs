//! `Gemfile` and `Gemfile.lock` (bundler, gemfile(5)).
//!
//! A Gemfile is a program. Only lines that are plainly calls with literal words are read; one that may look at a file, or
//! that is none of these, makes it unknown.

use std::collections::BTreeSet;

/// What a Gemfile says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gemfile {
    /// The gems that it names.
    pub gems: BTreeSet<String>,
    /// A file that says which ruby is wanted: `ruby file: ".ruby-version"`.
    pub version_file: Option<String>,
}

/// Words that may look at files or run anything.
const OPAQUE: [&str; 16] = [
    "File",
    "Dir",
    "IO",
    "Pathname",
    "eval",
    "require",
    "load",
    "gemspec",
    "path:",
    ":path",
    "__FILE__",
    "__dir__",
    "`",
    "system",
    "%x",
    "instance_eval",
];

/// Reads a Gemfile.
///
/// # Errors
/// The first line that is not understood.
pub fn read(text: &str) -> Result<Gemfile, String> {
    let mut found = Gemfile::default();
    for line in text.lines() {
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        let unknown = || format!("its line `{line}` is not understood");
        if let Some(file) = line.strip_prefix("ruby file:") {
            found.version_file = Some(quoted(file).ok_or_else(unknown)?.to_owned());
            continue;
        }
        if OPAQUE.iter().any(|word| has_word(line, word)) {
            return Err(unknown());
        }
        let first = line.split([' ', '(', ',']).next().unwrap_or_default();
        match first {
            "gem" => drop(found.gems.insert(quoted(&line[3..]).ok_or_else(unknown)?.to_owned())),
            "source" | "ruby" | "group" | "platforms" | "platform" | "git_source" | "end" | "install_if" | "if"
            | "else" | "plugin" | "git" | "github" => {}
            // The rest of a call over several lines.
            _ if first.starts_with(['"', '\'', ':', ']', '}', ')', '%', '[', '{']) || first.ends_with(':') => {}
            // The body of a block that makes URLs.
            _ if line.contains("https://") => {}
            _ => return Err(unknown()),
        }
    }
    Ok(found)
}

/// Whether the word stands in the line, as a whole name where it is one.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    line.match_indices(word).any(|(at, _)| {
        let behind = &line[at + word.len()..];
        let is_key = behind.starts_with(':') && !behind.starts_with("::");
        let goes_on = word.ends_with(is_name) && (behind.starts_with(is_name) || is_key);
        let began_before = word.starts_with(is_name) && line[..at].ends_with(is_name);
        !goes_on && !began_before
    })
}

/// A `#` outside quotes starts a comment.
fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (c, quote) {
            ('#', None) => return &line[..at],
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            _ => {}
        }
    }
    line
}

/// The first quoted word.
fn quoted(text: &str) -> Option<&str> {
    let start = text.find(['"', '\''])?;
    let quote = text[start..].chars().next()?;
    let rest = &text[start + 1..];
    Some(&rest[..rest.find(quote)?])
}

/// What a `Gemfile.lock` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GemfileLock {
    /// The gems that the Gemfile named when the lock file was written.
    pub dependencies: BTreeSet<String>,
    /// Whether a gem lies beside it.
    pub has_local: bool,
    /// The platforms.
    pub platforms: Vec<String>,
}

/// Reads a lock file; `None` when it is none.
#[must_use]
pub fn read_lock(text: &str) -> Option<GemfileLock> {
    let mut found = GemfileLock::default();
    let mut section = "";
    for line in text.lines() {
        if !line.starts_with(' ') {
            section = line.trim();
            found.has_local |= section == "PATH";
            continue;
        }
        let entry = line.trim();
        match section {
            "DEPENDENCIES" => {
                let name = entry.split([' ', '!']).next().unwrap_or_default();
                found.dependencies.insert(name.to_owned());
            }
            "PLATFORMS" => found.platforms.push(entry.to_owned()),
            _ => {}
        }
    }
    (!found.dependencies.is_empty()).then_some(found)
}

impl GemfileLock {
    /// Whether it is for gems that are compiled where they are installed.
    #[must_use]
    pub fn is_for_any_platform(&self) -> bool {
        self.platforms.iter().any(|platform| platform == "ruby")
    }

    /// Checks that the lock file was made for a Gemfile with the same gems.
    ///
    /// # Errors
    /// What differs.
    pub fn agrees_with(&self, gemfile: &Gemfile) -> Result<(), String> {
        match self.dependencies.symmetric_difference(&gemfile.gems).next() {
            Some(name) => Err(format!("`{name}` is not in both the Gemfile and the lock file")),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gems() {
        let text = "source \"https://rubygems.org\"\nruby \"3.3.0\" # a\n\ngem \"rails\", \"~> 7.1\"\n\
                    gem 'puma', '>= 5.0',\n  require: false\ngroup :development, :test do\n  gem \"debug\", platforms: %i[ mri windows ]\nend\n";
        let found = read(text).expect("it is read");
        assert_eq!(found.gems.iter().map(String::as_str).collect::<Vec<_>>(), ["debug", "puma", "rails"]);
        let lock = "GEM\n  remote: https://rubygems.org/\n  specs:\n    rails (7.1.0)\n\nPLATFORMS\n  x86_64-linux\n\nDEPENDENCIES\n  debug\n  puma (>= 5.0)\n  rails (~> 7.1)\n";
        let lock = read_lock(lock).expect("a lock file");
        assert_eq!(lock.agrees_with(&found), Ok(()));
        assert!(lock.agrees_with(&Gemfile::default()).is_err());
        assert_eq!(read_lock("x"), None);
    }

    #[test]
    fn programs_are_not_read() {
        for line in [
            "gemspec",
            "gem \"a\", path: \"../a\"",
            "gem \"a\", :path => \"a\"",
            "ruby File.read(\".ruby-version\")",
            "eval_gemfile \"other\"",
            "x = 1",
            "Dir.glob(\"*\")",
        ] {
            assert!(read(line).is_err(), "{line}");
        }
        let file = read("ruby file: \".ruby-version\"\n").expect("it is read").version_file;
        assert_eq!(file.as_deref(), Some(".ruby-version"));
        assert!(read("gem \"requirejs\", require: \"x\"\n").is_ok());
    }
}
