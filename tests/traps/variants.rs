//! Variants of a Dockerfile: the same program on another base, for another user, or written by another hand.
//!
//! Everything here is deterministic: the same file gives the same variants in the same order.

/// A file with the ways in which it differs from the fixture.
pub(crate) struct Variant {
    pub(crate) name: String,
    pub(crate) text: String,
    /// Whether two changes were made.
    pub(crate) is_combined: bool,
}

/// A way to write a file differently. It may make no difference.
type Change = (&'static str, fn(&str) -> String);

const CHANGES: &[Change] = &[
    ("CRLF line ends", |text| text.replace('\n', "\r\n")),
    ("lower-case keywords", |text| keywords(text, str::to_lowercase)),
    ("capitalised keywords", |text| keywords(text, capitalised)),
    ("operators at the start of lines", |text| lists(text, " \\\n    && ")),
    ("operators at the end of lines", |text| lists(text, " && \\\n\t")),
    ("comments in lists", |text| lists(text, " \\\n    # why the next one\n    && ")),
    ("comments behind operators", |text| lists(text, " && \\\n  # why the next one\n  ")),
    ("blank lines in lists", |text| lists(text, " \\\n\n    && ")),
    ("blanks behind continuations", |text| lists(text, " \\  \n      && ")),
    ("bare continuation lines", |text| lists(text, " \\\n  \\\n  && ")),
    ("sequences under errexit", |text| {
        outside_heredocs(text, |line| match line.strip_prefix("RUN ") {
            Some(rest) if is_list(rest) => format!("RUN set -eux; \\\n    {}", rest.replace(" && ", "; \\\n    ")),
            _ => line.to_owned(),
        })
    }),
    ("heredoc scripts", |text| {
        outside_heredocs(text, |line| match line.strip_prefix("RUN ") {
            Some(rest) if is_list(rest) => format!("RUN <<SCRIPT\nset -e\n{}\nSCRIPT", rest.replace(" && ", "\n")),
            _ => line.to_owned(),
        })
    }),
    ("comments above", |text| {
        outside_heredocs(text, |line| match line.split_once(' ') {
            Some((keyword, _)) if is_keyword(keyword) => format!("# about {keyword}\n{line}"),
            _ => line.to_owned(),
        })
    }),
    ("tabs behind keywords", |text| {
        outside_heredocs(text, |line| match line.split_once(' ') {
            Some((keyword, rest)) if is_keyword(keyword) => format!("{keyword}\t {rest}"),
            _ => line.to_owned(),
        })
    }),
    ("indented instructions", |text| {
        outside_heredocs(text, |line| match line.split_once(' ') {
            Some((keyword, _)) if is_keyword(keyword) => format!("  {line}"),
            _ => line.to_owned(),
        })
    }),
    ("no line end at the end", |text| text.trim_end().to_owned()),
    ("byte order mark", |text| format!("\u{feff}{text}")),
    ("syntax directive", |text| {
        if text.contains("syntax=") { text.to_owned() } else { format!("# syntax=docker/dockerfile:1\n{text}") }
    }),
    ("argument before the first stage", |text| behind_directives(text, "ARG UNUSED=1\n")),
    ("releases of another year", |text| {
        images(
            text,
            &[
                ("debian:bookworm-slim", "debian:trixie"),
                ("ubuntu:24.04", "ubuntu:22.04"),
                ("alpine:3.22", "alpine:3.20"),
                ("python:3.13-slim", "python:3.12-slim-bullseye"),
                ("python:3.13", "python:3.12-bookworm"),
                ("node:22-slim", "node:20-bookworm"),
                ("node:22-bookworm-slim", "node:20-alpine"),
                ("golang:1.25-alpine", "golang:1.24-bookworm"),
                ("golang:1.25", "golang:1.24-alpine3.21"),
                ("rust:1.90-bookworm", "rust:1-alpine"),
                ("servercore:ltsc2022", "nanoserver:1809"),
            ],
        )
    }),
    ("images of another registry", |text| {
        images(
            text,
            &[
                ("debian:", "registry.example.com/mirror/debian:"),
                ("ubuntu:", "registry.example.com/mirror/ubuntu:"),
                ("alpine:", "registry.example.com/mirror/alpine:"),
                ("python:", "registry.example.com/team/python:"),
                ("node:", "registry.example.com/team/node:"),
                ("golang:", "docker.io/library/golang:"),
                ("rust:", "docker.io/library/rust:"),
            ],
        )
    }),
    ("pinned images", |text| {
        let digest = format!("@sha256:{}", "0123456789abcdef".repeat(4));
        outside_heredocs(text, |line| match line.split_once(' ') {
            Some(("FROM", rest)) if rest.contains(':') => {
                let (image, alias) =
                    rest.split_once(" AS ").map_or((rest, None), |(image, alias)| (image, Some(alias)));
                let alias = alias.map(|alias| format!(" AS {alias}")).unwrap_or_default();
                format!("FROM {image}{digest}{alias}")
            }
            _ => line.to_owned(),
        })
    }),
    ("user by number", |text| behind_from(text, "USER 1000:1000")),
    ("user by name", |text| behind_from(text, "USER nobody")),
    ("user in a variable", |text| behind_from(text, "ARG WHO=app\nUSER $WHO")),
    ("HOME elsewhere", |text| behind_from(text, "ENV HOME=/srv/home")),
    ("bash as the shell", |text| behind_from(text, "SHELL [\"/bin/bash\", \"-c\"]")),
    ("other paths", |text| {
        text.replace("/src", "/build/tree").replace("/opt/", "/var/opt/").replace("/out/", "/result/")
    }),
    ("copied from by a later stage", |text| {
        format!("{}\n\nFROM scratch\nCOPY --from=0 /etc/hostname /etc/hostname\n", text.trim_end())
    }),
    ("root copied by a later stage", |text| format!("{}\n\nFROM scratch AS all\nCOPY --from=0 / /\n", text.trim_end())),
    ("built from by a later stage", |text| {
        let last = text.rfind("\nFROM ").map_or(0, |at| at + 1);
        let (before, stage) = text.split_at(last);
        let (from, rest) = stage.split_once('\n').unwrap_or((stage, ""));
        if before.is_empty() && !from.starts_with("FROM ") || from.contains(" AS ") {
            return text.to_owned();
        }
        format!("{before}{from} AS bottom\n{}\nFROM bottom\nRUN echo more\n", rest)
    }),
];

/// Changes that are combined with all others.
const WIDE: &[&str] = &["CRLF line ends", "lower-case keywords", "user by number", "copied from by a later stage"];

/// The file itself, each change, and each of the wide changes on top of each other change.
pub(crate) fn variants(text: &str) -> Vec<Variant> {
    let mut variants = vec![Variant { name: "as it is".to_owned(), text: text.to_owned(), is_combined: false }];
    for (name, change) in CHANGES {
        let changed = change(text);
        if changed != text {
            variants.push(Variant { name: (*name).to_owned(), text: changed, is_combined: false });
        }
    }
    let n_single = variants.len();
    for (wide, change) in CHANGES.iter().filter(|(name, _)| WIDE.contains(name)) {
        for at in 1..n_single {
            let changed = change(&variants[at].text);
            // What changes the whole file is changed last.
            if !matches!(&*variants[at].name, "CRLF line ends" | "lower-case keywords" | "capitalised keywords")
                && variants[at].name != *wide
                && changed != variants[at].text
            {
                variants.push(Variant {
                    name: format!("{}, {wide}", variants[at].name),
                    text: changed,
                    is_combined: true,
                });
            }
        }
    }
    variants
}

fn capitalised(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..].to_lowercase()
}

fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 18] = [
        "ADD",
        "ARG",
        "CMD",
        "COPY",
        "ENTRYPOINT",
        "ENV",
        "EXPOSE",
        "FROM",
        "HEALTHCHECK",
        "LABEL",
        "MAINTAINER",
        "ONBUILD",
        "RUN",
        "SHELL",
        "STOPSIGNAL",
        "USER",
        "VOLUME",
        "WORKDIR",
    ];
    KEYWORDS.contains(&word)
}

/// Whether a shell-form RUN of one line is a plain `&&` list that may be laid out otherwise.
fn is_list(script: &str) -> bool {
    script.contains(" && ") && !script.contains(['|', ';', '<', '`', '\\'])
}

/// Changes each line that is no part of a heredoc.
fn outside_heredocs(text: &str, change: impl Fn(&str) -> String) -> String {
    let mut changed = String::new();
    let mut terminator: Option<String> = None;
    for line in text.split_inclusive('\n') {
        let body = line.trim_end_matches('\n');
        let end = &line[body.len()..];
        if let Some(name) = &terminator {
            changed.push_str(line);
            if body.trim_start_matches('\t') == name {
                terminator = None;
            }
            continue;
        }
        changed.push_str(&change(body));
        changed.push_str(end);
        terminator = body.split_once("<<").map(|(_, rest)| {
            rest.split(' ').next().unwrap_or_default().trim_start_matches('-').replace(['\'', '"'], "")
        });
    }
    changed
}

fn keywords(text: &str, change: impl Fn(&str) -> String) -> String {
    outside_heredocs(text, |line| {
        let words: Vec<String> = line
            .split(' ')
            .enumerate()
            .map(|(at, word)| {
                let behind_onbuild = at == 1 && line.starts_with("ONBUILD ");
                let is_as = word == "AS" && line.starts_with("FROM ");
                if (at == 0 || behind_onbuild) && is_keyword(word) || is_as { change(word) } else { word.to_owned() }
            })
            .collect();
        words.join(" ")
    })
}

/// Lays out `&&` lists; `joint` stands between the commands.
fn lists(text: &str, joint: &str) -> String {
    outside_heredocs(text, |line| match line.strip_prefix("RUN ") {
        Some(rest) if is_list(rest) => format!("RUN {}", rest.replace(" && ", joint)),
        _ => line.to_owned(),
    })
}

fn images(text: &str, swaps: &[(&str, &str)]) -> String {
    outside_heredocs(text, |line| {
        let swap = swaps.iter().find(|(from, _)| line.starts_with("FROM ") && line.contains(from));
        swap.map_or_else(|| line.to_owned(), |(from, to)| line.replace(from, to))
    })
}

/// Puts lines behind each FROM of an image.
fn behind_from(text: &str, lines: &str) -> String {
    outside_heredocs(text, |line| match line.strip_prefix("FROM ") {
        Some(image) if image != "scratch" && !image.contains("windows") => format!("{line}\n{lines}"),
        _ => line.to_owned(),
    })
}

fn behind_directives(text: &str, line: &str) -> String {
    let is_directive = |line: &&str| line.starts_with("# syntax=") || line.starts_with("# escape=");
    let end: usize = text.split_inclusive('\n').take_while(is_directive).map(str::len).sum();
    format!("{}{line}{}", &text[..end], &text[end..])
}
