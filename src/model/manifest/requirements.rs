//! pip's requirements and constraints files (pip, "Requirements File Format").

/// A line of the file, continuations joined and comments taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A package of an index, by its name in lower case with `-` for `_` and `.`, and what follows the name.
    Package {
        /// The name.
        name: String,
        /// Extras, versions and markers as written.
        rest: String,
    },
    /// Something fetched by its URL.
    Remote(String),
    /// A file or directory, relative to the working directory.
    Local(String),
    /// `-e`, with the path or URL behind it. A checkout lands in a directory of the project.
    Editable(String),
    /// `-r`, relative to this file.
    Requirements(String),
    /// `-c`, relative to this file.
    Constraints(String),
    /// `--find-links` with a directory or a file.
    FindLinks(String),
    /// An option that names no file.
    Option(String),
    /// A line of which nothing is known.
    Unknown(String),
}

/// Options without a file.
const OPTIONS: [&str; 13] = [
    "--extra-index-url",
    "--index-url",
    "--no-binary",
    "--no-index",
    "--only-binary",
    "--pre",
    "--prefer-binary",
    "--pypi-url",
    "--require-hashes",
    "--trusted-host",
    "--use-feature",
    "-i",
    "--process-dependency-links",
];

/// Reads the lines of a requirements file.
#[must_use]
pub fn read(text: &str) -> Vec<Requirement> {
    let mut lines: Vec<String> = Vec::new();
    let mut open = String::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let is_comment = line.trim_start().starts_with('#');
        if let Some(start) = line.strip_suffix('\\').filter(|_| !is_comment) {
            open.push_str(start);
            continue;
        }
        if !is_comment {
            open.push_str(line);
        }
        lines.push(std::mem::take(&mut open));
    }
    lines.push(open);
    lines.iter().filter_map(|line| one(without_comment(line).trim())).collect()
}

/// A `#` after white space starts a comment.
fn without_comment(line: &str) -> &str {
    let starts = line.match_indices('#').find(|(at, _)| *at == 0 || line[..*at].ends_with([' ', '\t']));
    starts.map_or(line, |(at, _)| &line[..at])
}

fn one(line: &str) -> Option<Requirement> {
    if line.is_empty() {
        return None;
    }
    if line.starts_with('-') {
        return Some(option(line));
    }
    Some(operand(line))
}

fn option(line: &str) -> Requirement {
    let (name, value) = match line.find([' ', '\t', '=']) {
        Some(at) => (&line[..at], line[at + 1..].trim()),
        // A single letter may stand right before its value.
        None if !line.starts_with("--") && line.len() > 2 && line.is_char_boundary(2) => (&line[..2], &line[2..]),
        None => (line, ""),
    };
    let value = value.trim_matches(['"', '\'']).to_owned();
    match name {
        "-r" | "--requirement" => Requirement::Requirements(value),
        "-c" | "--constraint" => Requirement::Constraints(value),
        "-e" | "--editable" => Requirement::Editable(value),
        "-f" | "--find-links" if is_url(&value) => Requirement::Option(line.to_owned()),
        "-f" | "--find-links" => Requirement::FindLinks(value),
        _ if OPTIONS.contains(&name) => Requirement::Option(line.to_owned()),
        _ => Requirement::Unknown(line.to_owned()),
    }
}

fn operand(line: &str) -> Requirement {
    let end = line.find([' ', '\t', ';']).unwrap_or(line.len());
    let first = &line[..end];
    if first.starts_with("file:") {
        return Requirement::Local(first.to_owned());
    }
    if is_url(first) {
        return Requirement::Remote(first.to_owned());
    }
    let name_end =
        line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let rest = rest.trim();
    if let Some(url) = rest[rest.starts_with('[').then(|| rest.find(']')).flatten().map_or(0, |at| at + 1)..]
        .trim_start()
        .strip_prefix('@')
    {
        let url = url.trim().split([' ', '\t']).next().unwrap_or_default();
        return if is_url(url) { Requirement::Remote(url.to_owned()) } else { Requirement::Local(url.to_owned()) };
    }
    if is_path(first) {
        return Requirement::Local(first.to_owned());
    }
    let is_name = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_specifier = rest.is_empty() || rest.starts_with(['[', '=', '<', '>', '!', '~', ';', '(', '-']);
    if is_name && is_specifier {
        return Requirement::Package { name: normalized(name), rest: rest.to_owned() };
    }
    Requirement::Unknown(line.to_owned())
}

/// The name of a package as indexes compare it: lower case, `-` for runs of `-`, `_` and `.` (PEP 503).
#[must_use]
pub fn normalized(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Whether the text is the URL of a server or of a repository.
#[must_use]
pub fn is_url(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, _)| scheme != "file" && !scheme.ends_with("+file"))
        || text.starts_with("git+ssh@")
}

/// Whether pip takes the word for a path: it holds a slash, starts with a dot, or is an archive by its name.
fn is_path(word: &str) -> bool {
    let lower = word.to_lowercase();
    word.starts_with('.')
        || word.contains(['/', '\\'])
        || [".whl", ".zip", ".tar.gz", ".tgz", ".tar.bz2", ".tbz", ".tar.xz", ".txz", ".tar"]
            .iter()
            .any(|end| lower.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, rest: &str) -> Requirement {
        Requirement::Package { name: name.to_owned(), rest: rest.to_owned() }
    }

    #[track_caller]
    fn check(text: &str, expected: &[Requirement]) {
        assert_eq!(read(text), expected, "{text:?}");
    }

    #[test]
    fn packages() {
        check(
            "Flask_Login==1.0 # why\n\n# a\nuvicorn[standard] >= 1 ; python_version < '3'\n",
            &[package("flask-login", "==1.0"), package("uvicorn", "[standard] >= 1 ; python_version < '3'")],
        );
        check(
            "a==1 \\\n  --hash=sha256:0 \\\n  --hash=sha256:1\nb",
            &[package("a", "==1   --hash=sha256:0   --hash=sha256:1"), package("b", "")],
        );
    }

    #[test]
    fn other_files() {
        check(
            "-r base.txt\n--constraint=c.txt\n-rmore.txt\n-f wheels\n-f https://a.b/\n",
            &[
                Requirement::Requirements("base.txt".to_owned()),
                Requirement::Constraints("c.txt".to_owned()),
                Requirement::Requirements("more.txt".to_owned()),
                Requirement::FindLinks("wheels".to_owned()),
                Requirement::Option("-f https://a.b/".to_owned()),
            ],
        );
    }

    #[test]
    fn paths_and_urls() {
        for (line, expected) in [
            ("./lib", Requirement::Local("./lib".to_owned())),
            ("-e .", Requirement::Editable(".".to_owned())),
            ("a @ file:///x", Requirement::Local("file:///x".to_owned())),
            ("a[b] @ ./x", Requirement::Local("./x".to_owned())),
            ("a-1.whl", Requirement::Local("a-1.whl".to_owned())),
            ("git+https://a.b/c.git@1#egg=c", Requirement::Remote("git+https://a.b/c.git@1#egg=c".to_owned())),
            ("a @ https://b/c.zip ; x", Requirement::Remote("https://b/c.zip".to_owned())),
            ("git+file:///x", Requirement::Local("git+file:///x".to_owned())),
            ("--log x", Requirement::Unknown("--log x".to_owned())),
            ("a b c", Requirement::Unknown("a b c".to_owned())),
            ("-é", Requirement::Unknown("-é".to_owned())),
        ] {
            check(line, &[expected]);
        }
    }
}
