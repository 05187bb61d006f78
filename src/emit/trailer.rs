//! The last line of an output: it names imgopt and the original, and holds hashes of both texts, so that imgopt knows
//! its own work again, and sees whether the original changed since.
//!
//! ```text
//! # Written by imgopt 0.1 from Dockerfile (8f1ac40e2b67d935); sha256 0123456789abcdef
//! ```
//!
//! A comment at the start of a line is a comment wherever a Dockerfile may end: behind an instruction, and also behind
//! an unfinished continuation, which it neither joins nor ends. Inside a heredoc it would be text, but a file that ends
//! inside a heredoc is rejected by BuildKit and never written.

use sha2::{Digest, Sha256};

const OPENING: &str = "# Written by imgopt ";
/// Major and minor version: a patch release does not touch the outputs in a repository.
const VERSION: &str = concat!(env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

/// A text that ends with a trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// The text before the trailer.
    pub body: &'a str,
    /// Hash of the original that the body was made from.
    pub source_hash: &'a str,
    /// Whether the body is as imgopt wrote it.
    pub intact: bool,
}

/// `body` with a trailer that names `source_name` and the hash of `source`. Line ends are those of the body; without a
/// final newline in the body, there is none behind the trailer, so that [`open`] gives the body back byte for byte.
#[must_use]
pub fn seal(body: &str, source_name: &str, source: &str) -> String {
    let body = bare(body);
    let (newline, ended) = newline_of(body);
    let name: String = source_name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    let line = format!("{OPENING}{VERSION} from {name} ({}); sha256 {}", hash(source), hash(body));
    if ended || body.is_empty() { format!("{body}{line}{newline}") } else { format!("{body}{newline}{line}") }
}

/// Splits a text at its trailer, if it has one.
#[must_use]
pub fn open(text: &str) -> Option<Sealed<'_>> {
    let content = text.trim_end();
    let start = content.rfind('\n').map_or(0, |newline| newline + 1);
    let line = content[start..].strip_prefix(OPENING)?;
    let (line, body_hash) = line.rsplit_once("; sha256 ")?;
    let (_, source_hash) = line.strip_suffix(')')?.rsplit_once(" (")?;
    let body = if content.len() == text.len() { without_newline(&text[..start]) } else { &text[..start] };
    Some(Sealed { body, source_hash, intact: hash(body) == body_hash })
}

/// The text without its trailer, if it has one.
#[must_use]
pub fn bare(text: &str) -> &str {
    open(text).map_or(text, |sealed| sealed.body)
}

/// The first 16 hexadecimal digits of the SHA-256 of `text`. Line ends count as `\n` and those at the end do not count:
/// git may convert the former on checkout, and editors add the latter.
#[must_use]
pub fn hash(text: &str) -> String {
    let mut hasher = Sha256::new();
    for (index, line) in text.trim_end_matches(['\r', '\n']).split('\n').enumerate() {
        if index > 0 {
            hasher.update(b"\n");
        }
        hasher.update(line.strip_suffix('\r').unwrap_or(line));
    }
    hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The line end to use at the end of `text`, and whether it ends with one.
fn newline_of(text: &str) -> (&'static str, bool) {
    if text.ends_with('\r') {
        // With a bare `\n`, that `\r` would become a part of the line end.
        return ("\r\n", false);
    }
    let Some(last) = text.rfind('\n') else { return ("\n", false) };
    let newline = if text[..last].ends_with('\r') { "\r\n" } else { "\n" };
    (newline, last + 1 == text.len())
}

fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_keeps_the_body_byte_for_byte() {
        let bodies =
            ["FROM a\n", "FROM a", "FROM a\r\nRUN b\r\n", "FROM a\r\nRUN b", "FROM a\nRUN b \\", "\u{feff}FROM a\n\n"];
        for body in bodies {
            let text = seal(body, "Dockerfile", "FROM a\n");
            let sealed = open(&text).expect("a trailer");
            assert_eq!((sealed.body, sealed.intact), (body, true), "{text:?}");
            assert_eq!(text.contains("\r\n# Written"), body.contains('\r'), "{text:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn sealing_keeps_any_body(body in "[ a#\\\\\r\n\u{feff}\u{85}]{0,12}", source in ".{0,4}") {
            let text = seal(&body, "Dockerfile", &source);
            let sealed = open(&text).expect("a trailer");
            assert_eq!((sealed.body, sealed.intact, sealed.source_hash), (body.as_str(), true, hash(&source).as_str()));
        }
    }

    #[test]
    fn a_text_is_sealed_once() {
        let text = seal("FROM a\n", "Dockerfile", "FROM b\n");
        assert_eq!(seal(&text, "Dockerfile", "FROM b\n"), text);
    }

    #[test]
    fn changes_show_and_line_ends_do_not() {
        let text = seal("FROM a\nRUN b\n", "Dockerfile", "");
        let intact = |text: &str| open(text).map(|sealed| sealed.intact);
        assert_eq!(intact(&text.replace("RUN b", "RUN c")), Some(false));
        assert_eq!(intact(&text.replace('\n', "\r\n")), Some(true));
        assert_eq!(intact(&format!("{text}\n")), Some(true));
        assert_eq!(intact(text.trim_end()), Some(true));
        assert_eq!(intact(&format!("{text}RUN d\n")), None);
        assert_eq!(intact("FROM a\n# Written by somebody\n"), None);
    }

    #[test]
    fn a_name_cannot_break_the_line() {
        let text = seal("FROM a\n", "Docker\nfile); sha256 (x", "");
        assert_eq!(open(&text).map(|sealed| (sealed.body, sealed.intact)), Some(("FROM a\n", true)));
    }
}
