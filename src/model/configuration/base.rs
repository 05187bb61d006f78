//! What a base contributes to the configuration.

use std::collections::BTreeMap;

use super::{Argv, Configuration, Entries, HealthCheck, Members, Term};
use crate::tables::{Fact, ImageFacts};

/// What BuildKit sets where the base has no `PATH` (`util/system/path.go`, for Linux).
const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The shell of shell forms where nothing names one (`frontend/dockerfile/dockerfile2llb/defaultshell.go`).
fn default_shell() -> Argv {
    Argv::Known(vec!["/bin/sh".to_owned(), "-c".to_owned()])
}

/// The configuration of `scratch`.
pub(super) fn scratch() -> Configuration {
    Configuration {
        entrypoint: Argv::Known(Vec::new()),
        cmd: Argv::Known(Vec::new()),
        environment: Entries { known: with_path(BTreeMap::new()), rest: None },
        user: Term::text(""),
        working_directory: Term::text("/"),
        ports: Members { known: [].into(), rest: None },
        volumes: Members { known: [].into(), rest: None },
        labels: Entries { known: BTreeMap::new(), rest: None },
        health_check: HealthCheck::None,
        stop_signal: Term::text("SIGTERM"),
        shell: default_shell(),
        triggers: Vec::new(),
        author: Term::text(""),
    }
}

/// The configuration of a base of which nothing is known but its name.
pub(super) fn unknown(name: &str) -> Configuration {
    let of_base = |field: &str| Term::unknown(format_args!("{field} of {name}"));
    Configuration {
        entrypoint: Argv::Unknown(of_base("ENTRYPOINT")),
        cmd: Argv::Unknown(of_base("CMD")),
        environment: Entries { known: BTreeMap::new(), rest: Some(of_base("ENV")) },
        user: of_base("USER"),
        working_directory: of_base("WORKDIR"),
        ports: Members { known: [].into(), rest: Some(of_base("EXPOSE")) },
        volumes: Members { known: [].into(), rest: Some(of_base("VOLUME")) },
        labels: Entries { known: BTreeMap::new(), rest: Some(of_base("LABEL")) },
        health_check: HealthCheck::Unknown(of_base("HEALTHCHECK")),
        stop_signal: of_base("STOPSIGNAL"),
        shell: Argv::Unknown(of_base("SHELL")),
        triggers: Vec::new(),
        author: of_base("MAINTAINER"),
    }
}

/// The configuration of an image, as far as the tables know it. Triggers of an image may set anything, so one that may
/// have some is not known.
pub(super) fn image(name: &str, facts: &ImageFacts) -> Configuration {
    let unknown = unknown(name);
    if !facts.onbuild.is(&false) || facts.windows {
        return unknown;
    }
    let text = |fact: &Fact<String>, otherwise: Term| fact.known().map_or(otherwise, |value| Term::text(value.clone()));
    let argv = |fact: &Fact<Vec<String>>, otherwise: Argv| fact.known().cloned().map_or(otherwise, Argv::Known);
    let environment = match facts.env.known() {
        None => unknown.environment,
        Some(set) => {
            let value = |name_of: &str, fact: &Fact<String>| text(fact, variable(name_of, name));
            let known = set.iter().map(|(name, fact)| (name.clone(), value(name, fact))).collect();
            Entries { known: with_path(known), rest: None }
        }
    };
    let volumes = match facts.volumes.known() {
        None => unknown.volumes,
        Some(paths) => Members { known: paths.iter().cloned().map(Term::text).collect(), rest: None },
    };
    Configuration {
        entrypoint: argv(&facts.entrypoint, unknown.entrypoint),
        cmd: argv(&facts.cmd, unknown.cmd),
        environment,
        user: text(&facts.user, unknown.user),
        working_directory: text(&facts.workdir, unknown.working_directory),
        volumes,
        stop_signal: text(&facts.stop_signal, unknown.stop_signal),
        // No image of the tables sets SHELL: a family that does has a row that says it is for Windows.
        shell: default_shell(),
        ..unknown
    }
}

/// A variable of a base whose value is not known.
pub(super) fn variable(name: &str, base: &str) -> Term {
    Term::unknown(format_args!("${name} of {base}"))
}

fn with_path(mut variables: BTreeMap<String, Term>) -> BTreeMap<String, Term> {
    variables.entry("PATH".to_owned()).or_insert_with(|| Term::text(DEFAULT_PATH));
    variables
}
