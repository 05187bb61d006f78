//! What holds before an instruction: variables, user, working directory and shell.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::syntax::expand::{self, Lookup};

/// A value at build time, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The text; `None` when it is not known.
    pub text: Option<String>,
    /// Whether it went through a build argument, so that it holds for the argument's default only.
    pub by_argument: bool,
}

impl Value {
    /// A value that holds whatever the build arguments are.
    pub fn known(text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), by_argument: false }
    }

    /// A value of which nothing is known.
    pub const UNKNOWN: Self = Self { text: None, by_argument: false };

    /// The text when it holds for every build.
    #[must_use]
    pub fn fixed(&self) -> Option<&str> {
        if self.by_argument { None } else { self.text.as_deref() }
    }
}

/// The names that BuildKit lets every RUN see without an ARG (`frontend/dockerfile/dockerfile2llb/defaultshell.go`,
/// `proxyEnv`).
pub(super) const PROXY_ARGUMENTS: [&str; 10] = [
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
    "FTP_PROXY",
    "ftp_proxy",
    "NO_PROXY",
    "no_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Variables in effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// Set by ENV or by the base image. They hide build arguments of the same name.
    pub environment: BTreeMap<String, Value>,
    /// Declared by ARG; `None` without a default.
    pub arguments: BTreeMap<String, Option<Value>>,
    /// Whether the base image may set names that are not listed.
    pub open: bool,
}

impl Variables {
    /// What is known of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Variable<'_> {
        if let Some(value) = self.environment.get(name) {
            return Variable::Set(value);
        }
        match self.arguments.get(name) {
            Some(Some(value)) => Variable::Set(value),
            Some(None) => Variable::Unknown,
            None if self.open || PROXY_ARGUMENTS.contains(&name) => Variable::Unknown,
            None => Variable::Unset,
        }
    }

    /// Whether a RUN surely does not see the name: neither ENV nor ARG nor the base image sets it.
    #[must_use]
    pub fn is_unset(&self, name: &str) -> bool {
        matches!(self.get(name), Variable::Unset)
    }

    /// Expands a word as BuildKit does.
    #[must_use]
    pub fn expand(&self, word: &str, escape: char) -> Value {
        let mut by_argument = false;
        let expanded = expand::process_known(word, escape, |name| match self.get(name) {
            Variable::Unset => Lookup::Unset,
            Variable::Unknown => {
                by_argument |= self.arguments.contains_key(name);
                Lookup::Unknown
            }
            Variable::Set(value) => {
                by_argument |= value.by_argument || !self.environment.contains_key(name);
                value.text.as_deref().map_or(Lookup::Unknown, Lookup::Value)
            }
        });
        Value { text: expanded.ok().flatten(), by_argument }
    }
}

/// What is known of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variable<'a> {
    /// It is set.
    Set(&'a Value),
    /// It is surely not set.
    Unset,
    /// Nothing is known.
    Unknown,
}

/// What holds before an instruction of a stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Variables that expansion and RUN see.
    pub variables: Rc<Variables>,
    /// The user, as USER names it: `name`, `uid`, `name:group`. Empty means the default, root.
    pub user: Value,
    /// The working directory, absolute.
    pub workdir: Value,
    /// The shell of shell forms: its argv. `None` when it is not known.
    pub shell: Option<Rc<[String]>>,
}
