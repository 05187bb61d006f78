//! The runtime configuration of the image that each stage makes, as a value.
//!
//! It is what `docker inspect` shows: the argv, the environment, user, working directory, ports, volumes, labels, health
//! check, stop signal, shell and triggers, by the rules of BuildKit (`frontend/dockerfile/dockerfile2llb/convert.go`), with
//! what the base contributes. What is not known is a symbol that equals only itself ([`Term`]): the environment of one
//! base image is that of the same base image, whatever it is, and of no other one.

mod base;
mod stage;
mod term;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Model;

pub use term::Term;

/// What a container of a stage gets.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Configuration {
    /// ENTRYPOINT, a shell form with its shell; empty when there is none.
    pub entrypoint: Argv,
    /// CMD, likewise. It is gone with an ENTRYPOINT of the stage unless the stage sets it too.
    pub cmd: Argv,
    /// ENV.
    pub environment: Entries,
    /// USER; `root` where a known base image has none, empty for `scratch`.
    pub user: Term,
    /// WORKDIR, absolute.
    pub working_directory: Term,
    /// EXPOSE: `80/tcp`.
    pub ports: Members,
    /// VOLUME.
    pub volumes: Members,
    /// LABEL.
    pub labels: Entries,
    /// HEALTHCHECK.
    pub health_check: HealthCheck,
    /// STOPSIGNAL.
    pub stop_signal: Term,
    /// SHELL, which shell forms here and in images built from this one use, and health checks in shell form.
    pub shell: Argv,
    /// ONBUILD: the instructions as written, in order.
    pub triggers: Vec<String>,
    /// MAINTAINER.
    pub author: Term,
}

/// The arguments of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Argv {
    /// They are these.
    Known(Vec<String>),
    /// They are not known.
    Unknown(Term),
}

impl Argv {
    /// The arguments, if they are known.
    #[must_use]
    pub fn known(&self) -> Option<&[String]> {
        match self {
            Self::Known(argv) => Some(argv),
            Self::Unknown(_) => None,
        }
    }
}

/// Names with values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entries {
    /// The names that are known to be set.
    pub known: BTreeMap<String, Term>,
    /// What else the base sets; nothing when everything is listed.
    pub rest: Option<Term>,
}

/// A set.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Members {
    /// The members that are known.
    pub known: BTreeSet<Term>,
    /// What else the base contributes; nothing when everything is listed.
    pub rest: Option<Term>,
}

/// A health check.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HealthCheck {
    /// There is none.
    None,
    /// `HEALTHCHECK NONE`.
    Disabled,
    /// That of the base, if it has one.
    Unknown(Term),
    /// A command.
    Command {
        /// The flags by name.
        flags: BTreeMap<String, Option<String>>,
        /// `CMD` and the argv, or `CMD-SHELL` and the text.
        test: Vec<String>,
    },
}

/// A field of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// ENTRYPOINT and CMD.
    Argv,
    /// ENV.
    Environment,
    /// USER.
    User,
    /// WORKDIR.
    WorkingDirectory,
    /// EXPOSE.
    Ports,
    /// VOLUME.
    Volumes,
    /// LABEL.
    Labels,
    /// HEALTHCHECK.
    HealthCheck,
    /// STOPSIGNAL.
    StopSignal,
    /// SHELL.
    Shell,
    /// ONBUILD.
    Triggers,
    /// MAINTAINER.
    Author,
}

impl Field {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Argv,
        Self::Environment,
        Self::User,
        Self::WorkingDirectory,
        Self::Ports,
        Self::Volumes,
        Self::Labels,
        Self::HealthCheck,
        Self::StopSignal,
        Self::Shell,
        Self::Triggers,
        Self::Author,
    ];
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argv => "argv",
            Self::Environment => "environment",
            Self::User => "user",
            Self::WorkingDirectory => "working directory",
            Self::Ports => "ports",
            Self::Volumes => "volumes",
            Self::Labels => "labels",
            Self::HealthCheck => "health check",
            Self::StopSignal => "stop signal",
            Self::Shell => "shell",
            Self::Triggers => "triggers",
            Self::Author => "author",
        })
    }
}

impl Configuration {
    /// The fields in which both differ, or may differ: what is not known equals only itself.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<Field> {
        Field::ALL.into_iter().filter(|field| !self.agrees(other, *field)).collect()
    }

    /// Whether both are surely equal in a field.
    #[must_use]
    pub fn agrees(&self, other: &Self, field: Field) -> bool {
        match field {
            Field::Argv => self.entrypoint == other.entrypoint && self.cmd == other.cmd,
            Field::Environment => self.environment == other.environment,
            Field::User => self.user == other.user,
            Field::WorkingDirectory => self.working_directory == other.working_directory,
            Field::Ports => self.ports == other.ports,
            Field::Volumes => self.volumes == other.volumes,
            Field::Labels => self.labels == other.labels,
            Field::HealthCheck => self.health_check == other.health_check,
            Field::StopSignal => self.stop_signal == other.stop_signal,
            Field::Shell => self.shell == other.shell,
            Field::Triggers => self.triggers == other.triggers,
            Field::Author => self.author == other.author,
        }
    }

    /// What a container executes when it is started without arguments: ENTRYPOINT with CMD behind it. Nothing when one of
    /// them is not known.
    #[must_use]
    pub fn argv(&self) -> Option<Vec<&str>> {
        let both = self.entrypoint.known()?.iter().chain(self.cmd.known()?);
        Some(both.map(String::as_str).collect())
    }
}

impl Model<'_> {
    /// The configurations of the images that the stages make, in the order of the stages; computed once.
    #[must_use]
    pub fn configurations(&self) -> &[Configuration] {
        self.configurations.get_or_init(|| stage::configurations(self))
    }
}
