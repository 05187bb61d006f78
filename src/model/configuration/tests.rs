use super::{Configuration, Field};
use crate::context::BuildContext;
use crate::model::Model;
use crate::model::body::BodyCache;
use crate::syntax;

fn configurations(text: &str) -> Vec<Configuration> {
    let parsed = syntax::parse(text);
    let (context, cache) = (BuildContext::unknown(), BodyCache::default());
    Model::build(text, &parsed.dockerfile, &context, &cache).configurations().to_vec()
}

fn last(text: &str) -> Configuration {
    configurations(text).pop().expect("there is a stage")
}

#[track_caller]
fn argv(text: &str, expected: Option<&[&str]>) {
    assert_eq!(last(text).argv().as_deref(), expected, "{text}");
}

/// The fields in which the last stages of two texts differ.
#[track_caller]
fn differ(before: &str, after: &str, fields: &[Field]) {
    assert_eq!(last(before).differences(&last(after)), fields, "{before}{after}");
}

#[test]
fn entrypoint_and_cmd() {
    argv("FROM python:3.12\n", Some(&["python3"]));
    argv("FROM python:3.12\nCMD [\"a\", \"$B\"]\n", Some(&["a", "$B"]));
    argv("FROM python:3.12\nENTRYPOINT [\"a\"]\n", Some(&["a"]));
    argv("FROM python:3.12\nCMD [\"b\"]\nENTRYPOINT [\"a\"]\n", Some(&["a", "b"]));
    argv("FROM python:3.12\nENTRYPOINT [\"a\"]\nCMD b c\n", Some(&["a", "/bin/sh", "-c", "b c"]));
    argv("FROM python:3.12\nSHELL [\"/bin/bash\", \"-c\"]\nENTRYPOINT a\n", Some(&["/bin/bash", "-c", "a"]));
    argv("FROM scratch\n", Some(&[]));
    argv("FROM x\nCMD [\"a\"]\n", None);
    argv("FROM x\nENTRYPOINT [\"a\"]\n", Some(&["a"]));
    argv("FROM x\nENTRYPOINT a\n", None);
}

#[test]
fn a_stage_inherits_from_a_stage() {
    let base =
        "FROM python:3.12 AS a\nENV A=1\nUSER u\nWORKDIR /w\nCMD [\"c\"]\nSHELL [\"/bin/bash\", \"-c\"]\nFROM a\n";
    let inherited = last(base);
    assert_eq!(inherited.environment.known["A"].constant(), Some("1"));
    assert_eq!(inherited.user.constant(), Some("u"));
    assert_eq!(inherited.working_directory.constant(), Some("/w"));
    argv(base, Some(&["c"]));
    argv(&format!("{base}CMD d\n"), Some(&["/bin/bash", "-c", "d"]));
    // The CMD of the parent is that of a base: an ENTRYPOINT takes it away.
    argv(&format!("{base}ENTRYPOINT [\"e\"]\n"), Some(&["e"]));
    let with_triggers = |user: &str| format!("FROM scratch AS a\nUSER {user}\nONBUILD USER b\nFROM a\n");
    assert_eq!(last(&with_triggers("x")).user.constant(), None);
    differ(&with_triggers("x"), &with_triggers("x"), &[]);
    assert!(last(&with_triggers("x")).differences(&last(&with_triggers("y"))).contains(&Field::User));
    assert_eq!(last(&with_triggers("x")).triggers, [] as [&str; 0]);
}

#[test]
fn what_is_not_known_equals_only_itself() {
    differ("FROM x:1\nUSER a\n", "FROM x:1\nUSER a\n", &[]);
    let unlike = last("FROM x:1\n").differences(&last("FROM x:2\n"));
    assert_eq!(unlike.len(), Field::ALL.len() - 1, "{unlike:?}");
    differ("ARG V=1\nFROM x:$V\n", "ARG V=1\nFROM x:${V}\n", &[]);
    assert_eq!(last("ARG V=3.12\nFROM python:$V\n").argv(), None);
    differ("FROM x\nENV A=$B\n", "FROM x\nENV A=${B}\n", &[]);
    differ("FROM x\nENV A=$B\n", "FROM x\nENV A=$C\n", &[Field::Environment]);
    differ("FROM x\nARG B=1\nENV A=$B\n", "FROM x\nARG B=2\nENV A=$B\n", &[Field::Environment]);
    differ("FROM x\nARG B=1\nENV A=$B\n", "FROM x\nENV A=1\n", &[Field::Environment]);
    differ("FROM x\nENV B=1 A=2\n", "FROM x\nENV A=2\nENV B=\"1\"\n", &[]);
    differ("FROM x\nWORKDIR a\nWORKDIR b\n", "FROM x\nWORKDIR a/b\n", &[]);
}

#[test]
fn values_are_expanded() {
    let found = last(
        "FROM debian:12\nENV P=8 Q=\"1 2\"\nENV R=$P$P\nEXPOSE $P $Q 53/UDP\nWORKDIR /a\nWORKDIR b/../$P\nVOLUME $P\nLABEL \"k\"=$R\nSTOPSIGNAL $P\nUSER $P:$P\n",
    );
    assert_eq!(found.environment.known["R"].constant(), Some("88"));
    let ports: Vec<_> = found.ports.known.iter().map(ToString::to_string).collect();
    assert_eq!(ports, ["1/tcp", "2/tcp", "53/udp", "8/tcp"]);
    assert_eq!(found.working_directory.constant(), Some("/a/8"));
    assert_eq!(found.labels.known["k"].constant(), Some("88"));
    assert_eq!(found.volumes.known.iter().next().and_then(super::Term::constant), Some("8"));
    assert_eq!(found.stop_signal.constant(), Some("8"));
    assert_eq!(found.user.constant(), Some("8:8"));
}

#[test]
fn a_change_names_its_field() {
    let base = "FROM debian:12\nENV A=1\nUSER u\nWORKDIR /w\nEXPOSE 1\nVOLUME /v\nLABEL l=1\nHEALTHCHECK CMD [\"h\"]\nSTOPSIGNAL SIGINT\nSHELL [\"/bin/bash\", \"-c\"]\nONBUILD USER root\nCMD [\"c\"]\nMAINTAINER m\n";
    for (line, field) in [
        ("CMD [\"d\"]", Field::Argv),
        ("CMD c", Field::Argv),
        ("ENTRYPOINT [\"d\"]", Field::Argv),
        ("ENV A=2", Field::Environment),
        ("ENV B=1", Field::Environment),
        ("USER root", Field::User),
        ("WORKDIR x", Field::WorkingDirectory),
        ("EXPOSE 2", Field::Ports),
        ("VOLUME /x", Field::Volumes),
        ("LABEL l=2", Field::Labels),
        ("LABEL m=1", Field::Labels),
        ("HEALTHCHECK NONE", Field::HealthCheck),
        ("HEALTHCHECK CMD h", Field::HealthCheck),
        ("HEALTHCHECK --interval=3s CMD [\"h\"]", Field::HealthCheck),
        ("STOPSIGNAL SIGQUIT", Field::StopSignal),
        ("SHELL [\"/bin/sh\", \"-c\"]", Field::Shell),
        ("ONBUILD USER x", Field::Triggers),
        ("MAINTAINER n", Field::Author),
    ] {
        differ(base, &format!("{base}{line}\n"), &[field]);
    }
    for line in ["ENV A=1", "USER u", "EXPOSE 1/tcp", "RUN true", "COPY a b", "ARG X=1", "WORKDIR /w/"] {
        differ(base, &format!("{base}{line}\n"), &[]);
    }
}
