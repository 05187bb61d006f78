//! Texts at build time as terms: what is known stands as it is, what is not known is a symbol that equals only itself.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::model::effect::operator_expansions;
use crate::syntax::expand::{self, Lookup};

/// Stand before and behind a symbol; they are in no Dockerfile that people write.
const MARKS: [char; 2] = ['\u{1}', '\u{2}'];

/// A longer term is replaced by its length and hash: variables that hold variables can grow without bound.
const MAX_LENGTH: usize = 16 << 10;

/// A text, with symbols for what is not known of it. Equal terms have equal values whatever the symbols hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(String);

impl Term {
    /// A text that is known.
    pub fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.contains(MARKS) { Self::unknown(format!("{text:?}")) } else { Self(text).bounded() }
    }

    /// A symbol: equal descriptions stand for equal values.
    pub fn unknown(description: impl fmt::Display) -> Self {
        let [open, close] = MARKS;
        Self(format!("{open}{description}{close}")).bounded()
    }

    /// The text, when all of it is known.
    #[must_use]
    pub fn constant(&self) -> Option<&str> {
        (!self.0.contains(MARKS)).then_some(&self.0)
    }

    /// Whether the text starts so, whatever the symbols hold.
    pub(super) fn starts_with(&self, start: char) -> bool {
        self.0.starts_with(start)
    }

    /// The text with its marks, to be a part of another symbol.
    pub(super) fn written(&self) -> &str {
        &self.0
    }

    /// A text in which symbols stand.
    pub(super) fn composed(text: String) -> Self {
        Self(text).bounded()
    }

    fn bounded(self) -> Self {
        if self.0.len() <= MAX_LENGTH {
            return self;
        }
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        Self::unknown(format_args!("{} bytes with the hash {:x}", self.0.len(), hasher.finish()))
    }
}

/// For people: symbols in angle brackets.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [open, close] = MARKS;
        f.write_str(&self.0.replace(open, "<").replace(close, ">"))
    }
}

/// The value of a word of an instruction. `lookup` gives the variables that are set.
pub(super) fn expand(word: &str, escape: char, lookup: impl Fn(&str) -> Option<Term>) -> Term {
    if !word.contains(['$', '"', '\'', escape]) {
        return Term::text(word);
    }
    if word.contains(MARKS) {
        return Term::unknown(format!("{word:?}"));
    }
    let Ok(names) = expand::variables(word, escape) else { return Term::unknown(word) };
    let values: BTreeMap<String, Term> =
        names.into_iter().filter_map(|name| lookup(&name).map(|value| (name, value))).collect();
    let known = expand::process_known(word, escape, |name| match values.get(name) {
        None => Lookup::Unset,
        Some(value) => value.constant().map_or(Lookup::Unknown, Lookup::Value),
    });
    match known {
        Ok(Some(text)) => Term::text(text),
        Ok(None) => with_symbols(word, escape, &values),
        Err(_) => Term::unknown(word),
    }
}

/// The value of a word with a variable that is not known.
fn with_symbols(word: &str, escape: char, values: &BTreeMap<String, Term>) -> Term {
    // A plain `$name` is replaced by its value; what an operator makes of a symbol is not known.
    let is_plain = operator_expansions(word, escape).is_some_and(|operators| operators.is_empty());
    let lookup = |name: &str| values.get(name).map_or(Lookup::Unset, |value| Lookup::Value(value.written()));
    if is_plain && let Ok(Some(text)) = expand::process_known(word, escape, lookup) {
        return Term::composed(text);
    }
    let inputs: Vec<String> = values.iter().map(|(name, value)| format!("{name}={}", value.written())).collect();
    Term::unknown(format_args!("{word} with {}", inputs.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<Term> {
        match name {
            "A" => Some(Term::text("a")),
            "P" => Some(Term::unknown("PATH of x")),
            _ => None,
        }
    }

    #[track_caller]
    fn check(word: &str, shown: &str) {
        assert_eq!(expand(word, '\\', lookup).to_string(), shown);
    }

    #[test]
    fn values_of_words() {
        check("/x/$A", "/x/a");
        check("\"$A b\"'$A'", "a b$A");
        check("${U:-d}", "d");
        check("/x:${P}", "/x:<PATH of x>");
        check("${P:-d}", "<${P:-d} with P=<PATH of x>>");
        check("${A:-$P}", "a");
        check("${", "<${>");
    }

    #[test]
    fn symbols_equal_only_themselves() {
        assert_eq!(Term::unknown("x"), Term::unknown("x"));
        assert_ne!(Term::unknown("x"), Term::text("x"));
        assert_ne!(Term::text("\u{1}x\u{2}"), Term::unknown("x"));
        assert_eq!(Term::unknown("x").constant(), None);
    }

    #[test]
    fn values_do_not_grow_without_bound() {
        let mut value = Term::unknown("x");
        for _ in 0..100 {
            value = expand("$V$V", '\\', |_| Some(value.clone()));
        }
        assert!(value.written().len() <= MAX_LENGTH);
        let mut text = Term::text("x");
        for _ in 0..100 {
            text = expand("$V$V", '\\', |_| Some(text.clone()));
        }
        assert!(text.written().len() <= MAX_LENGTH);
    }
}
