//! Which syntax a Dockerfile uses that not every builder reads.

use std::collections::BTreeMap;

use crate::syntax::ast::{Dockerfile, Flag, Instruction};
use crate::syntax::mount::{Mount, MountKind};
use crate::tables::Syntax;

/// How often the Dockerfile uses each syntax.
#[must_use]
pub fn uses(dockerfile: &Dockerfile) -> BTreeMap<Syntax, usize> {
    let mut uses = BTreeMap::new();
    for syntax in dockerfile.instructions.iter().flat_map(of_instruction) {
        *uses.entry(syntax).or_default() += 1;
    }
    uses
}

fn of_instruction(instruction: &Instruction) -> impl Iterator<Item = Syntax> {
    let heredocs = instruction.heredocs.iter().map(|_| Syntax::Heredoc);
    instruction.flags.iter().filter_map(of_flag).chain(heredocs)
}

fn of_flag(flag: &Flag) -> Option<Syntax> {
    Some(match flag.name.as_str() {
        "mount" => {
            match Mount::parse(flag.value.as_deref().unwrap_or_default()).map_or(MountKind::Bind, |mount| mount.kind) {
                MountKind::Bind => Syntax::MountBind,
                MountKind::Cache => Syntax::MountCache,
                MountKind::Secret => Syntax::MountSecret,
                MountKind::Ssh => Syntax::MountSsh,
                MountKind::Tmpfs => Syntax::MountTmpfs,
            }
        }
        "network" => Syntax::Network,
        "security" => Syntax::Security,
        "chmod" => Syntax::Chmod,
        "link" => Syntax::Link,
        "parents" => Syntax::Parents,
        "exclude" => Syntax::Exclude,
        "checksum" => Syntax::Checksum,
        "keep-git-dir" => Syntax::KeepGitDir,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax;

    #[test]
    fn flags_and_heredocs_are_counted() {
        let text = "FROM a\nRUN --mount=type=cache,target=/c --mount=target=/b x\nCOPY --link --chmod=1 --from=a b c\n\
                    COPY <<A <<B /\nA\nB\nRUN echo --mount=type=ssh\n";
        let expected = [
            (Syntax::Heredoc, 2),
            (Syntax::MountBind, 1),
            (Syntax::MountCache, 1),
            (Syntax::Chmod, 1),
            (Syntax::Link, 1),
        ];
        assert_eq!(uses(&syntax::parse(text).dockerfile), expected.into());
    }
}
