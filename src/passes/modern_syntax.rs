//! Legacy `ENV K V` becomes `K=V`, keywords agree in case, blank lines leave continuations.
//!
//! ## What it does
//! Mends what `docker build --check` warns about without changing any effect: `LegacyKeyValueFormat` (ENV and LABEL
//! without `=`), `FromAsCasing`, `ConsistentInstructionCasing` and `NoEmptyContinuation`. Stage names are never touched.
//!
//! ## Why
//! A build without warnings shows the next warning. BuildKit has announced to reject blank lines in continuations.
//!
//! ## Level
//! Safe: the evaluated names and values before and after are compared. A value whose quotes would mean something else
//! behind `=` is declined.
//!
//! ## Assumptions
//! None.
//!
//! ## References
//! `docker build --check`, rules LegacyKeyValueFormat, FromAsCasing, ConsistentInstructionCasing, NoEmptyContinuation
//! (BuildKit, `frontend/dockerfile/linter/ruleset.go`).

use super::{Pass, PassContext, PassInfo, text};
use crate::edit::Edit;
use crate::rewrite::{Findings, Level, Rewrite};
use crate::source::Span;
use crate::syntax::ast::{Instruction, InstructionKind, ItemKind, KeyValues};
use crate::syntax::expand;

/// See the module documentation.
#[derive(Debug)]
pub struct ModernSyntax;

static INFO: PassInfo = PassInfo {
    name: "modern-syntax",
    summary: "legacy `ENV K V`, keyword casing and blank lines in continuations are written as BuildKit wants them",
    docs: include_str!("modern_syntax.rs"),
    max_level: Level::Safe,
};

impl Pass for ModernSyntax {
    fn info(&self) -> &'static PassInfo {
        &INFO
    }

    fn run(&self, cx: &PassContext<'_>, found: &mut Findings) {
        let instructions = &cx.model.dockerfile.instructions;
        let lower = majority_is_lower(cx.model.source, instructions);
        for instruction in instructions {
            found.rewrites.extend(keyword_case(cx, instruction, lower));
            match &instruction.kind {
                InstructionKind::Env(pairs) | InstructionKind::Label(pairs) if pairs.legacy => {
                    legacy_pair(cx, instruction, pairs, found);
                }
                InstructionKind::From(from) => {
                    let is_lower = is_lower_after(cx, instruction, lower);
                    found.rewrites.extend(from.alias.as_ref().and_then(|alias| as_case(cx, alias.keyword, is_lower)));
                }
                _ => {}
            }
        }
        for item in &cx.model.dockerfile.items {
            if item.kind == ItemKind::Instruction {
                found.rewrites.extend(empty_continuation(cx, item.span));
            }
        }
    }
}

/// The case that most keywords have; `None` when they agree or when a keyword is cut by a continuation.
fn majority_is_lower(source: &str, instructions: &[Instruction]) -> Option<bool> {
    let keywords: Vec<_> = instructions.iter().map(|instruction| instruction.keyword.of(source)).collect();
    let count = |is: fn(&char) -> bool| keywords.iter().filter(|keyword| keyword.chars().all(|c| is(&c))).count();
    let (lower, upper) = (count(char::is_ascii_lowercase), count(char::is_ascii_uppercase));
    (lower != keywords.len() && upper != keywords.len()).then_some(lower > upper)
}

fn keyword_case(cx: &PassContext<'_>, instruction: &Instruction, lower: Option<bool>) -> Option<Rewrite> {
    let keyword = instruction.keyword.of(cx.model.source);
    let wanted = in_case(keyword, lower?);
    // ONBUILD lines are for other images' builds and stay as they are.
    let is_frozen = matches!(instruction.kind, InstructionKind::Unknown | InstructionKind::Onbuild(_));
    if keyword == wanted || is_frozen || !is_word(keyword) {
        return None;
    }
    let rewrite = Rewrite::new(
        Level::Safe,
        instruction.keyword,
        format!("`{keyword}` becomes `{wanted}`, as most keywords of the file are written"),
        "`docker build --check` stops warning (ConsistentInstructionCasing)",
    );
    Some(rewrite.edit(Edit::replace(instruction.keyword, wanted)))
}

fn is_lower_after(cx: &PassContext<'_>, from: &Instruction, majority: Option<bool>) -> bool {
    majority.unwrap_or_else(|| from.keyword.of(cx.model.source).chars().all(|c| c.is_ascii_lowercase()))
}

fn as_case(cx: &PassContext<'_>, keyword: Span, lower: bool) -> Option<Rewrite> {
    let written = keyword.of(cx.model.source);
    let wanted = in_case("AS", lower);
    if written == wanted || !is_word(written) {
        return None;
    }
    let rewrite = Rewrite::new(
        Level::Safe,
        keyword,
        format!("`{written}` becomes `{wanted}`, as FROM is written"),
        "`docker build --check` stops warning (FromAsCasing)",
    );
    Some(rewrite.edit(Edit::replace(keyword, wanted)))
}

fn in_case(keyword: &str, lower: bool) -> String {
    if lower { keyword.to_ascii_lowercase() } else { keyword.to_ascii_uppercase() }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn legacy_pair(cx: &PassContext<'_>, instruction: &Instruction, pairs: &KeyValues, found: &mut Findings) {
    let [pair] = pairs.pairs.as_slice() else { return };
    let keyword = instruction.keyword.of(cx.model.source);
    let (key, value) = (&pair.key, &pair.value);
    let between = Span::new(key.span.end, value.span.start);
    if !is_simple_key(&key.text) {
        found.decline(
            instruction.span,
            format!("the key of this {keyword} holds quotes or variables"),
            "write `KEY=value` by hand",
        );
        return;
    }
    if text::has_comment_line(cx.model.source, instruction.span) {
        found.decline(instruction.span, "a comment stands within the value", "move the comment above the instruction");
        return;
    }
    if value.text.contains(|c: char| c.is_control() && c != '\t') {
        found.decline(instruction.span, "the value holds control characters", "write `KEY=\"value\"` by hand");
        return;
    }
    if expand::variables(&value.text, cx.model.dockerfile.escape).is_err() {
        found.decline(instruction.span, "BuildKit cannot expand the value", "close its quotes and braces");
        return;
    }
    let Some(quoted) = needs_quotes(&value.text) else {
        found.decline(
            instruction.span,
            "quotes or escapes of the value would mean something else behind `=`",
            "write `KEY=\"value\"` by hand",
        );
        return;
    };
    let mut rewrite = Rewrite::new(
        Level::Safe,
        instruction.span,
        format!("`{} …` becomes `{}=…`", key.text, key.text),
        "`docker build --check` stops warning (LegacyKeyValueFormat); the value stays the same",
    );
    // The blanks between key and value may hold a continuation, which goes with them.
    rewrite = rewrite.edit(Edit::replace(between, if quoted { "=\"" } else { "=" }));
    if quoted {
        rewrite = rewrite.edit(Edit::insert(value.span.end, "\""));
    }
    found.push(rewrite);
}

fn is_simple_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/'))
}

/// Whether the value has to be put in double quotes to be one word behind `=`, or `None` when that would change it.
///
/// The legacy form takes the rest of the line and removes quotes and escapes from it as the other form does; only blanks
/// end the value there and not here.
fn needs_quotes(value: &str) -> Option<bool> {
    let is_blank = |c: char| c.is_whitespace();
    if !value.contains(is_blank) {
        return Some(false);
    }
    if !value.contains(['"', '\'', '\\', '`']) {
        return Some(true);
    }
    // One pair of double or single quotes around all of it.
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let inner = value.strip_prefix(quote)?.strip_suffix(quote)?;
    (!inner.contains(quote) && !inner.contains('\\')).then_some(false)
}

/// Whether the line looks like an instruction that was swallowed by the continuation above a blank line: the warning is
/// the author's only hint, and stays.
fn starts_like_an_instruction(line: &str) -> bool {
    const KEYWORDS: [&str; 17] = [
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
        "USER",
        "VOLUME",
        "WORKDIR",
    ];
    line.split_whitespace().next().is_some_and(|word| KEYWORDS.contains(&word))
}

/// Blank lines between the lines of one instruction.
fn empty_continuation(cx: &PassContext<'_>, item: Span) -> Option<Rewrite> {
    let mut blank = Vec::new();
    let mut pending = Vec::new();
    let mut start = item.start;
    for (number, line) in item.of(cx.model.source).split_inclusive('\n').enumerate() {
        let span = Span::new(start, start + line.len());
        start = span.end;
        if number > 0 && line.trim().is_empty() {
            pending.push(span);
        } else if !line.trim_start().starts_with('#') {
            if !pending.is_empty() && starts_like_an_instruction(line) {
                return None;
            }
            // Only what has more of the instruction behind it lies within a continuation.
            blank.append(&mut pending);
        }
    }
    let first = *blank.first()?;
    let many = blank.len() > 1;
    let rewrite = Rewrite::new(
        Level::Safe,
        first,
        if many {
            format!("{} blank lines leave the continued instruction", blank.len())
        } else {
            "a blank line leaves the continued instruction".to_owned()
        },
        "BuildKit warns that blank lines in continuations will become an error (NoEmptyContinuation)",
    );
    Some(blank.into_iter().fold(rewrite, |rewrite, line| rewrite.edit(Edit::delete(line))))
}
