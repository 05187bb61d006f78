//! Which shell reads a script: what the argv of a SHELL instruction, or of an exec form that starts a shell, says.

use super::Dialect;

/// A program that reads a script from its argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ShellKind {
    /// `sh`, dash or busybox ash.
    Posix,
    /// bash.
    Bash,
    /// PowerShell, of Windows or not.
    PowerShell,
    /// `cmd` of Windows.
    Cmd,
    /// Anything else, or a shell whose arguments do not make it read a script.
    Other,
}

impl ShellKind {
    /// The dialect in which [`super::parse`] reads its scripts.
    #[must_use]
    pub const fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Posix => Some(Dialect::Posix),
            Self::Bash => Some(Dialect::Bash),
            Self::PowerShell | Self::Cmd | Self::Other => None,
        }
    }
}

impl Dialect {
    /// The shell of an argv without the script: `/bin/sh -c`, `/bin/bash -o pipefail -c`, `cmd /S /C`.
    #[must_use]
    pub fn of(argv: &[String]) -> ShellKind {
        let [program, arguments @ ..] = argv else { return ShellKind::Other };
        let name = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
        match name.strip_suffix(".exe").unwrap_or(&name) {
            "sh" | "dash" | "ash" if reads_script(arguments) => ShellKind::Posix,
            "bash" if reads_script(arguments) => ShellKind::Bash,
            "busybox" if matches!(arguments.first().map(String::as_str), Some("sh" | "ash")) => Self::of(arguments),
            "env" => Self::of(arguments),
            "powershell" | "pwsh" => ShellKind::PowerShell,
            "cmd" => ShellKind::Cmd,
            _ => ShellKind::Other,
        }
    }
}

/// Whether a shell with these arguments runs the script that follows: they are options, `-c` among them.
fn reads_script(arguments: &[String]) -> bool {
    let mut reads = false;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if matches!(argument.as_str(), "--login" | "--noprofile" | "--norc") {
            continue;
        }
        let Some(letters) = argument.strip_prefix('-').or_else(|| argument.strip_prefix('+')) else { return false };
        // `-n` reads without running, `-s` reads standard input.
        if letters.is_empty() || letters.contains(|c: char| !c.is_ascii_alphabetic() || matches!(c, 'n' | 's')) {
            return false;
        }
        reads |= argument.starts_with('-') && letters.contains('c');
        if letters.contains(['o', 'O']) && arguments.next().is_none() {
            return false;
        }
    }
    reads
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(argv: &str, kind: ShellKind) {
        let argv: Vec<String> = argv.split(' ').map(str::to_owned).collect();
        assert_eq!(Dialect::of(&argv), kind);
    }

    #[test]
    fn shells_of_public_files() {
        check("/bin/sh -c", ShellKind::Posix);
        check("/bin/ash -eo pipefail -c", ShellKind::Posix);
        check("/bin/busybox sh -c", ShellKind::Posix);
        check("sh -exc", ShellKind::Posix);
        check("/bin/bash -o pipefail -c", ShellKind::Bash);
        check("/usr/bin/env bash -euxo pipefail -c", ShellKind::Bash);
        check("bash --login -c", ShellKind::Bash);
        check("powershell -Command $ErrorActionPreference='Stop';", ShellKind::PowerShell);
        check("C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\PowerShell.exe -Command", ShellKind::PowerShell);
        check("cmd /S /C", ShellKind::Cmd);
    }

    #[test]
    fn what_reads_no_script() {
        for argv in ["/bin/bash", "/bin/sh script.sh", "/bin/bash -n -c", "bash -o", "/bin/zsh -c", "python -c", ""] {
            check(argv, ShellKind::Other);
        }
    }
}
