//! Texts made to hurt a parser: a megabyte of one thing. They are read to the end, and their items still tile them.
//!
//! Without optimisation the texts are smaller, so that the tests stay quick.

use imgopt::syntax::expand::{self, ExpandError};
use imgopt::syntax::reading::Reading;
use imgopt::syntax::{make, parse};

const SIZE: usize = if cfg!(debug_assertions) { 1 << 15 } else { 1 << 20 };

/// `start`, then `unit` up to [`SIZE`], then `end`.
fn filled(start: &str, unit: &str, end: &str) -> String {
    format!("{start}{}{end}", unit.repeat(SIZE / unit.len()))
}

#[track_caller]
fn check(source: &str) {
    let parsed = parse(source);
    let mut end = 0;
    for item in &parsed.dockerfile.items {
        assert_eq!(item.span.start, end);
        end = item.span.end;
    }
    assert_eq!(end, source.len());
    let _ = Reading::new("Dockerfile", source);
}

/// Much of `unit` as the argument of every instruction, on one line and on many continued ones.
#[track_caller]
fn check_everywhere(unit: &str) {
    for keyword in ["RUN", "COPY", "ENV A=", "ENV A", "ARG", "CMD [", "HEALTHCHECK CMD", "ONBUILD RUN", "RUN <<E", "X"]
    {
        check(&filled(&format!("FROM a\n{keyword} "), unit, "\n"));
        check(&filled(&format!("FROM a\n{keyword} "), &format!("{}\\\n", unit.repeat(100 / unit.len() + 1)), "\n"));
    }
}

#[test]
fn nested_expansions() {
    check_everywhere("${a:-");
    check_everywhere("${a:-x");
    check_everywhere("\"${a:-");
    let depth = SIZE / 7;
    let nested = format!("{}x{}", "${a:-".repeat(depth), "}".repeat(depth));
    check(&format!("FROM a\nRUN cat <<EOF {nested}\nEOF\nENV A={nested}\n"));
    assert_eq!(expand::process_word(&nested, '\\', |_| None).as_deref(), Ok("x"));
}

#[test]
fn quotes() {
    check_everywhere("\"");
    check_everywhere("'");
    check_everywhere("\"'");
    check_everywhere("a\" '");
}

#[test]
fn brackets() {
    check_everywhere("[");
    check_everywhere("[{\"a\":");
    check_everywhere("\"a\",");
    check_everywhere("\\u0041");
}

#[test]
fn flags() {
    check_everywhere("--a ");
    check_everywhere("--mount=\"a ");
    check_everywhere("--mount=\",\",");
    check_everywhere("-");
}

#[test]
fn continuations() {
    check(&filled("FROM a\nRUN ", "\\\n", ""));
    check(&filled("FROM a\nRUN a ", "\\\n\n", "b\n"));
    check(&filled("FROM a\nENV ", "A=b\\\n# c\n ", "\n"));
    check(&filled("FROM a\nCOPY ", " a\\\n", " b\n"));
    check(&filled("", "R\\\n", "UN a\n"));
    check(&filled("FROM a\nRUN ", "\\", "\n"));
    check(&filled("FROM a\nRUN a", " ", "\n"));
    check(&filled("FROM a\nRUN a\\", " ", "\n"));
}

#[test]
fn heredocs() {
    check(&filled("FROM a\n", "RUN <<EOF\n", ""));
    check(&filled("FROM a\nRUN ", "<<a ", "\n"));
    check(&filled("FROM a\nRUN ", "<", "\n"));
    check(&filled("FROM a\nCOPY ", "<<- ", "/b\n"));
    check(&filled("FROM a\n", "RUN <<E\nE\n", ""));
    check(&filled("FROM a\nRUN <<E\n", "\t", "E\n"));
    check(&filled("FROM a\nRUN cat <<", "a\\\n", "\n"));
    check(&filled("FROM a\nRUN cat <<", "${a:-\\\n", "\n"));
}

#[test]
fn instructions() {
    check(&filled("", "ONBUILD ", "RUN a\n"));
    check(&filled("", "FROM a\n", ""));
    check(&filled("FROM a\n", "X\n", ""));
    check(&filled("FROM ", "a", "\n"));
    check(&filled("", "X", "\n"));
    check(&filled("FROM a\n", "#\n", ""));
    check(&filled("FROM a\n", "\n", ""));
    check(&filled("", "\u{A0}", "\n"));
    check(&filled("FROM a\nENV ", "A=b ", "\n"));
}

#[test]
fn expansions() {
    let grow = |name: &str| (name == "A").then_some("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    for word in [filled("", "$A", ""), filled("", "${A//a/$A}", ""), filled("", "${B:-x$A", "")] {
        match expand::process_word(&word, '\\', grow) {
            Ok(value) => assert!(value.len() <= 4 << 20, "{} bytes", value.len()),
            Err(error) => assert!(matches!(error, ExpandError::TooLong | ExpandError::MissingBrace), "{error}"),
        }
    }
    for unit in ["${A#*", "${A/", "*?", "\\", "$", "<", "<<"] {
        let _ = expand::process_word(&filled("", unit, ""), '\\', grow);
        let _ = make::legacy_value(&filled("a ", unit, ""), '\\');
    }
    let long = "a".repeat(SIZE);
    let pattern = "*a".repeat(50);
    let _ = expand::process_word(&format!("${{L#{pattern}b}}${{L//{pattern}b/c}}"), '\\', |_| Some(long.as_str()));
}
