//! `mix.exs` of Elixir (mix, "Mix.Project"). It is a program: only whether it plainly reads nothing beside it is told.

/// Words that may read files of the project, or name a dependency beside it.
const OPAQUE: [&str; 14] = [
    "File.",
    "Path.",
    "System.cmd",
    "Code.",
    ":file",
    "path:",
    ":path",
    "in_umbrella",
    "apps_path",
    "__DIR__",
    "~x",
    "IO.",
    "Mix.Tasks",
    "import_file",
];

/// Checks that the file reads no other file and has no dependency beside it.
///
/// # Errors
/// The line that may.
pub fn reads_nothing(text: &str) -> Result<(), String> {
    for line in text.lines() {
        let code = line.split('#').next().unwrap_or_default();
        if OPAQUE.iter().any(|word| code.contains(word)) {
            return Err(format!("its line `{}` may read other files", line.trim()));
        }
    }
    if text.contains("defmodule") { Ok(()) } else { Err("it defines no project".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::reads_nothing;

    #[test]
    fn what_may_read() {
        assert_eq!(reads_nothing("defmodule A.MixProject do\n  {:a, \"~> 1.0\"} # File.read\nend\n"), Ok(()));
        for text in ["version: File.read!(\"VERSION\")", "{:a, path: \"../a\"}", "{:b, in_umbrella: true}", ""] {
            assert!(reads_nothing(text).is_err(), "{text}");
        }
    }
}
