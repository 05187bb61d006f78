//! Which paths of a build context BuildKit leaves out: `.dockerignore` files.
//!
//! The reader follows `ignorefile.ReadAll` and the matcher `MatchesUsingParentResults` of moby/patternmatcher.

use super::paths;
use super::pattern::{Pattern, PatternError};

/// More rules than this are not followed: each path is matched against each rule.
const MAX_RULES: usize = 2_000;

/// The rules of an ignore file in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    /// `!pattern`: takes back what the rules before left out.
    exception: bool,
    pattern: Pattern,
}

impl IgnoreRules {
    /// Reads an ignore file.
    ///
    /// # Errors
    /// If BuildKit would reject a pattern, or it is one whose meaning this reader does not claim to know.
    pub(super) fn parse(text: &str) -> Result<Self, PatternError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rules = Vec::new();
        for line in text.split('\n') {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let line = line.trim();
            let (exception, pattern) = match line.strip_prefix('!') {
                Some(rest) => (true, rest.trim()),
                None => (false, line),
            };
            if pattern.is_empty() || rules.len() == MAX_RULES {
                return Err(PatternError { pattern: line.to_owned() });
            }
            let cleaned = paths::clean(pattern);
            let anchored = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty()).unwrap_or(&cleaned);
            rules.push(Rule { exception, pattern: Pattern::ignore(anchored)? });
        }
        Ok(Self { rules })
    }

    /// Whether the path, relative to the context root and clean, is left out of the context.
    ///
    /// A pattern that takes a directory takes what is below it, unless a later exception takes that back.
    pub(super) fn ignores(&self, path: &str) -> bool {
        let mut taken = vec![false; self.rules.len()];
        let mut ignored = false;
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        for prefix in ends.map(|end| &path[..end]).filter(|prefix| !prefix.is_empty()) {
            ignored = false;
            for (rule, taken) in self.rules.iter().zip(&mut taken) {
                // A rule that cannot change the verdict is not asked, and then counts as not taking the path.
                *taken = *taken || (rule.exception == ignored && rule.pattern.matches(prefix));
                if *taken {
                    ignored = !rule.exception;
                }
            }
        }
        ignored
    }

    /// Whether something below an ignored directory may be in the context all the same.
    pub(super) fn has_exceptions(&self) -> bool {
        self.rules.iter().any(|rule| rule.exception)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rules: &str, ignored: &[&str], kept: &[&str]) {
        let rules = IgnoreRules::parse(rules).expect("rules");
        for path in ignored {
            assert!(rules.ignores(path), "`{path}` is ignored");
        }
        for path in kept {
            assert!(!rules.ignores(path), "`{path}` is kept");
        }
    }

    #[test]
    fn comments_blank_lines_and_slashes() {
        check(
            "\u{feff}# note\r\n\r\n/dist/\r\n  build  \n # hash\n./out\n",
            &["dist", "dist/a", "build/x/y", "# hash", "out"],
            &["a/dist", "note", "hash"],
        );
    }

    #[test]
    fn exceptions_take_back_what_came_before() {
        check("*\n!src\n!package.json", &["README.md", "lib/a"], &["src", "src/a/b", "package.json"]);
        check("!keep\n*", &["keep"], &[]);
        check("*.md\n!README*.md\nREADME-secret.md", &["a.md", "README-secret.md"], &["README.md", "README-x.md"]);
        check("docs\n!docs/keep", &["docs", "docs/a"], &["docs/keep", "docs/keep/a"]);
    }

    #[test]
    fn parents_above_the_root_are_dropped() {
        check("/../a\n../b", &["a"], &["b"]);
    }

    #[test]
    fn bad_patterns_are_errors() {
        assert!(IgnoreRules::parse("!").is_err());
        assert!(IgnoreRules::parse("a[").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[a-c*?!/.\\\\\\[\\]^\n -]{0,40}", path in "[a-c./]{0,20}") {
            if let Ok(rules) = IgnoreRules::parse(&text) {
                rules.ignores(&super::paths::in_context(&path));
            }
        }
    }
}
