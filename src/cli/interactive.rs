//! `rewrite --interactive`: shows one rewrite after the other and asks what to do with it.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};

use crate::edit::EditSet;
use crate::pipeline::Choice;
use crate::report::{diff, printable};
use crate::rewrite::Rewrite;

const HELP: &str = "\
y - apply it
n - skip it
p - skip it and all that the pass still finds
a - apply it and all that follows
q - skip it and all that follows; what was applied stays
";

/// Asks a person about each rewrite.
pub(super) struct Walk<'a> {
    input: &'a mut dyn BufRead,
    output: &'a mut dyn Write,
    styled: bool,
    skipped_passes: BTreeSet<&'static str>,
    /// The answer to all further questions.
    settled: Option<bool>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(input: &'a mut dyn BufRead, output: &'a mut dyn Write, styled: bool) -> Self {
        Self { input, output, styled, skipped_passes: BTreeSet::new(), settled: None }
    }

    /// Whether the rewrites are to be applied. Without anybody to answer, they are not.
    pub(super) fn decide(&mut self, path: &str, choice: &Choice<'_>) -> bool {
        if let Some(settled) = self.settled {
            return settled;
        }
        if self.skipped_passes.contains(choice.pass) {
            return false;
        }
        self.ask(path, choice).unwrap_or_else(|_| {
            self.settled = Some(false);
            false
        })
    }

    fn ask(&mut self, path: &str, choice: &Choice<'_>) -> io::Result<bool> {
        let page = page(path, choice, self.styled);
        self.output.write_all(page.as_bytes())?;
        loop {
            write!(self.output, "{}: apply this rewrite [y,n,p,a,q,?]? ", choice.pass)?;
            self.output.flush()?;
            let mut answer = String::new();
            if self.input.read_line(&mut answer)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match answer.trim() {
                "y" => return Ok(true),
                "n" => return Ok(false),
                "p" => {
                    self.skipped_passes.insert(choice.pass);
                    return Ok(false);
                }
                "a" => {
                    self.settled = Some(true);
                    return Ok(true);
                }
                "q" => {
                    self.settled = Some(false);
                    return Ok(false);
                }
                _ => self.output.write_all(HELP.as_bytes())?,
            }
        }
    }
}

/// What the rewrites are, why, and the lines that they change in the text in hand.
fn page(path: &str, choice: &Choice<'_>, styled: bool) -> String {
    let explained: String = choice.rewrites.iter().map(|rewrite| explanation(choice.pass, rewrite)).collect();
    let mut edits = EditSet::default();
    for rewrite in choice.rewrites {
        // Rewrites that are offered together fit together.
        let _ = edits.try_add(&rewrite.edits);
    }
    format!("\n{explained}{}", diff::unified(path, choice.text, &edits.apply(choice.text), styled))
}

fn explanation(pass: &str, rewrite: &Rewrite) -> String {
    let assumptions = rewrite.assumptions.iter().map(|assumption| {
        let evidence = assumption.evidence.as_deref().map_or("not proved".to_owned(), |it| format!("proved: {it}"));
        printable(&format!("  assumes: {} ({evidence})", assumption.kind.text())) + "\n"
    });
    let head = printable(&format!("{pass}: {}", rewrite.message)) + "\n";
    let reason = printable(&format!("  reason: {}", rewrite.reason)) + "\n";
    head + &reason + &assumptions.collect::<String>() + &format!("  level: {}\n", rewrite.level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::BuildContext;
    use crate::pipeline::{Options, optimize_with};

    const FILE: &str = "FROM alpine:3.20\nENV A b\nADD a.txt /a.txt\nADD b.txt /b.txt\nENV C d\n";

    /// The text after a walk with these answers, and what was shown.
    fn walk(answers: &str) -> (String, String) {
        let (mut input, mut output) = (answers.as_bytes(), Vec::new());
        let mut walk = Walk::new(&mut input, &mut output, false);
        let options = Options::default();
        let choose = &mut |choice: &Choice<'_>| walk.decide("Dockerfile", choice);
        let outcome = optimize_with(FILE, &BuildContext::unknown(), &options, choose);
        (outcome.optimized, String::from_utf8(output).expect("text"))
    }

    #[test]
    fn what_is_accepted_is_applied() {
        let (text, shown) = walk("y\nn\nwhat?\ny\nn\n");
        assert_eq!(text, FILE.replace("A b", "A=b").replace("ADD a", "COPY a"));
        assert_eq!(shown.matches("apply this rewrite").count(), 5, "{shown}");
        assert!(shown.contains("-ENV A b\n+ENV A=b\n") && shown.contains(HELP), "{shown}");
    }

    #[test]
    fn a_pass_can_be_skipped() {
        let (text, shown) = walk("p\ny\nn\n");
        assert_eq!(text, FILE.replace("ADD a", "COPY a"));
        assert_eq!(shown.matches("apply this rewrite").count(), 3, "{shown}");
    }

    #[test]
    fn all_the_rest_is_taken_or_left() {
        assert_eq!(walk("y\nq\n").0, FILE.replace("A b", "A=b"));
        assert_eq!(walk("n\na\n").0, FILE.replace("C d", "C=d").replace("ADD", "COPY"));
    }

    #[test]
    fn without_an_answer_nothing_is_applied() {
        assert_eq!(walk("").0, FILE);
        assert_eq!(walk("y\n").0, FILE.replace("A b", "A=b"));
    }
}
