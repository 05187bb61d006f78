//! Operators on the runtime configuration: one a field, at the end of each stage.

use imgopt::model::Model;
use imgopt::model::configuration::Field;

use crate::Operator;
use crate::subject::{Mutants, Subject};

pub(crate) static OPERATORS: &[Operator] = &[
    ("another argv", |s, m| append(s, m, &["CMD [\"mutant\"]", "ENTRYPOINT [\"mutant\"]", "CMD mutant"])),
    ("another environment", |s, m| append(s, m, &["ENV MUTANT=1", "ENV PATH=/mutant:$PATH"])),
    ("another user", |s, m| append(s, m, &["USER mutant", "USER 31415:27182"])),
    ("another working directory", |s, m| append(s, m, &["WORKDIR mutant", "WORKDIR /mutant"])),
    ("another port", |s, m| append(s, m, &["EXPOSE 31415", "EXPOSE 31415/udp"])),
    ("another volume", |s, m| append(s, m, &["VOLUME /mutant", "VOLUME [\"/mutant\"]"])),
    ("another label", |s, m| append(s, m, &["LABEL mutant=1"])),
    ("another health check", |s, m| append(s, m, &["HEALTHCHECK CMD [\"mutant\"]", "HEALTHCHECK CMD mutant"])),
    ("another stop signal", |s, m| append(s, m, &["STOPSIGNAL SIGXCPU"])),
    ("another shell", |s, m| append(s, m, &["SHELL [\"/mutant\", \"-c\"]"])),
    ("another trigger", |s, m| append(s, m, &["ONBUILD RUN mutant"])),
    ("another author", |s, m| append(s, m, &["MAINTAINER mutant"])),
];

/// The field that an operator of this list changes.
pub(crate) fn field(operator: &str) -> Option<Field> {
    OPERATORS.iter().zip(Field::ALL).find_map(|((name, _), field)| (*name == operator).then_some(field))
}

/// Whether a stage of the mutant differs in the field, by the configurations alone.
pub(crate) fn is_seen(field: Field, original: &Model<'_>, mutant: &Model<'_>) -> bool {
    let (old, new) = (original.configurations(), mutant.configurations());
    old.len() == new.len() && old.iter().zip(new).any(|(old, new)| old.differences(new).contains(&field))
}

fn append(s: &Subject<'_>, m: &mut Mutants, lines: &[&str]) {
    for stage in &s.model.stages {
        let last = s.model.instruction(stage.instructions.end - 1);
        let end = s.lines(last).end;
        let written =
            s.text[..end].lines().rev().find(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
        if written.is_some_and(|line| line.trim_end().ends_with('\\')) {
            // The file ends in the middle of it: what is put behind becomes a part of it.
            continue;
        }
        for line in lines {
            let separator = if s.text[..end].ends_with('\n') { "" } else { "\n" };
            m.insert(s, end, format!("{separator}{line}\n"));
        }
    }
}
