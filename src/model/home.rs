//! What lies below the home directory of root, which no other user can enter.

use super::{Model, Stage};
use crate::shell::Dialect;
use crate::shell::ast::Word;
use crate::syntax::ast::InstructionKind;
use crate::tables;

impl Model<'_> {
    /// Checks that nothing that the program needs lies below the home directory of root, which other users cannot enter.
    pub(super) fn nothing_lies_at_home(&self, stage: &Stage) -> Result<(), String> {
        let table = tables::users();
        let family = self.family(stage);
        let environment = &stage.end.variables.environment;
        let lies_elsewhere = environment.keys().any(|name| table.lies_elsewhere(name));
        if let Some((name, _)) = environment.iter().find(|(_, value)| value.text.as_deref().is_some_and(names_home)) {
            return Err(format!("the variable `{name}` leads below `/root`"));
        }
        for index in family.iter().flat_map(|stage| stage.instructions.clone()) {
            let instruction = self.instruction(index);
            let line = self.lines.line(instruction.span.start);
            let home = |what: &str| Err(format!("line {line} {what} below `/root`, which only root can enter"));
            match &instruction.kind {
                InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => {
                    let destination = self.destination(index, transfer);
                    if destination.is_none_or(|path| names_home(&path)) {
                        return home("may put files");
                    }
                }
                InstructionKind::Run(_) => {
                    let Some(body) = self.body(index) else { continue };
                    let text = &body.text.text;
                    if names_home(text) && !self.only_removes(index) {
                        return home("has files");
                    }
                    if runs_installer(text) {
                        return home("runs an installer from the network, which may put files");
                    }
                    if let Some(command) = table.home_command(text)
                        && !lies_elsewhere
                        && !table.lies_elsewhere(text)
                    {
                        return home(&format!("runs `{command}`, which puts files"));
                    }
                }
                InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_) | InstructionKind::Healthcheck(_)
                    if names_home(instruction.span.of(self.source)) =>
                {
                    return home("names files");
                }
                _ => {}
            }
        }
        if stage.end.workdir.text.as_deref().is_some_and(names_home) {
            return Err("the working directory lies below `/root`".to_owned());
        }
        Ok(())
    }

    /// Checks that neither code nor manifests of the build context say that files lie below the home directory of root.
    pub(super) fn sources_name_no_home(&self, stage: &Stage) -> Result<(), String> {
        let table = tables::users();
        let lies_elsewhere = stage.end.variables.environment.keys().any(|name| table.lies_elsewhere(name));
        for source in self.context.sources().unwrap_or_default() {
            let name = source.path.rsplit('/').next().unwrap_or_default();
            let is_code = table.writers(&source.path).is_some() && !table.is_aside(&source.path);
            if is_code && source.known().contains("/root/") {
                return Err(format!("`{}` names `/root/`", source.path));
            }
            if name.ends_with(".json")
                && !name.contains("lock")
                && !lies_elsewhere
                && let Some(package) = table.home_dependency(source.known())
            {
                return Err(format!(
                    "`{}` has the package {package}, which puts files below the home directory",
                    source.path
                ));
            }
        }
        Ok(())
    }

    /// Whether every command of the RUN that names the home directory removes files.
    fn only_removes(&self, run: usize) -> bool {
        let (Some(calls), Some(body)) = (self.every_call(run), self.body(run)) else { return false };
        let names = |word: &Word| names_home(word.span.of(&body.text.text));
        calls.iter().all(|call| {
            let mentions = call.command.words.iter().any(names)
                || call.command.assignments.iter().any(|assignment| names_home(assignment.span.of(&body.text.text)))
                || call.command.redirects.iter().any(|redirect| names(&redirect.target));
            !mentions || call.program() == "rm" || call.command.name().as_deref() == Some("rm")
        })
    }
}

/// Whether the text runs what it fetches: an installer that may put files anywhere, unless the table knows it.
fn runs_installer(text: &str) -> bool {
    if ["-c \"$(curl", "-c \"$(wget", "<(curl", "<(wget"].iter().any(|installer| text.contains(installer)) {
        return true;
    }
    text.match_indices('|').any(|(at, _)| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        if before.ends_with('|') || after.starts_with('|') {
            return false;
        }
        let mut words = after.split_whitespace().skip_while(|word| *word == "sudo" || word.starts_with('-'));
        let Some(program) = words.next() else { return false };
        let program = program.trim_end_matches([';', ')', '&']).rsplit('/').next().unwrap_or_default();
        let is_shell = Dialect::of(&[program.to_owned(), "-c".to_owned()]).dialect().is_some();
        let start = ["&&", ";", "\n"].iter().filter_map(|end| Some(before.rfind(end)? + end.len())).max().unwrap_or(0);
        is_shell && !tables::users().installs_for_system(&before[start..])
    })
}

/// Whether the text names the home directory of root.
pub(super) fn names_home(text: &str) -> bool {
    let word = |at: usize, len: usize| {
        let before = text[..at].chars().next_back();
        let after = text[at + len..].chars().next();
        before.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '/' | '_' | '-' | '.'))
            && after.is_none_or(|c| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-'))
    };
    text.match_indices("/root").any(|(at, known)| word(at, known.len()))
        || ["~/", "$HOME", "${HOME"].iter().any(|home| text.contains(home))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_installer_is_a_shell_behind_a_pipe() {
        for text in [
            "curl -sSf https://x.example/i | sh",
            "wget -qO- u |bash -s -- -y",
            "curl u | sudo -E bash -",
            "cat a | /bin/sh",
        ] {
            assert!(runs_installer(text), "{text}");
        }
        for text in [
            "echo \"0123  a.tgz\" | sha256sum -c -",
            "cat a | shuf",
            "true || sh",
            "curl -sL https://deb.nodesource.com/setup_18.x | bash -",
        ] {
            assert!(!runs_installer(text), "{text}");
        }
        assert!(runs_installer("curl https://deb.nodesource.com/setup_18.x | bash - && curl u | sh"));
    }

    #[test]
    fn the_home_of_root_has_several_names() {
        for text in ["cp a /root/b", "~/a", "$HOME/a", "\"/root\""] {
            assert!(names_home(text), "{text}");
        }
        for text in ["/rootfs", "/srv/root", "a/root-b"] {
            assert!(!names_home(text), "{text}");
        }
    }
}
