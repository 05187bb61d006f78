//! How the file at hand is written, and edits of chains in that style.

use crate::edit::Edit;
use crate::model::Model;
use crate::model::call::Call;
use crate::model::chain::{Chain, Joint};
use crate::rewrite::{Findings, Rewrite};
use crate::source::Span;
use crate::syntax::ast::{Command, InstructionKind, ItemKind};
use crate::validate::Step;

/// Whether a line within the span, other than its first, is a comment line.
pub(super) fn has_comment_line(source: &str, span: Span) -> bool {
    span.of(source).split('\n').skip(1).any(|line| line.trim_start().starts_with('#'))
}

/// Whether a comment stands in the span: a comment line of the Dockerfile, or a shell comment of a heredoc.
fn has_comment(source: &str, span: Span) -> bool {
    span.of(source).split('\n').any(|line| line.trim_start().starts_with('#'))
}

/// The source span of an element of a chain.
fn element_span(model: &Model<'_>, run: usize, chain: &Chain<'_>, at: usize) -> Span {
    model.script_span(run, chain.elements[at].node.span)
}

/// A line that an added command makes longer than this is continued on the next one.
const LINE_WIDTH: usize = 100;

/// The edit that puts `command` behind an element, in the style of the chain.
pub(super) fn append(model: &Model<'_>, run: usize, chain: &Chain<'_>, at: usize, command: &str) -> Edit {
    let end = element_span(model, run, chain, at).end;
    let mut joint = joint(model, run, chain, at);
    let column = model.lines.column(end);
    if chain.joint == Joint::And && !joint.contains('\n') && column + joint.len() + command.len() > LINE_WIDTH {
        joint = format!(" {}&& ", continuation(model, run));
    }
    Edit::insert(end, format!("{joint}{command}"))
}

/// The edit that puts `command` before an element, in the style of the chain.
pub(super) fn prepend(model: &Model<'_>, run: usize, chain: &Chain<'_>, at: usize, command: &str) -> Edit {
    let start = element_span(model, run, chain, at).start;
    Edit::insert(start, format!("{command}{}", joint(model, run, chain, at)))
}

/// Says why a RUN that names one of the commands was left alone, when its script is not understood.
pub(super) fn decline_unread(model: &Model<'_>, run: usize, commands: &[&str], found: &mut Findings) {
    if let InstructionKind::Run(Command::Exec(argv)) = &model.instruction(run).kind {
        let words: Vec<&str> = argv.iter().map(|word| word.text.as_str()).collect();
        let written = words.join(" ");
        if commands.iter().any(|command| names(&written, command)) {
            let reason = "the RUN has the exec form, in which no command can be added";
            found.decline(model.instruction(run).span, reason, format!("the shell form: `RUN {written}`"));
        }
        return;
    }
    let Some(body) = model.body(run).filter(|_| model.is_run(run)) else { return };
    let Err(opaque) = body.script.as_ref() else { return };
    if commands.iter().any(|command| names(&body.text.text, command)) {
        let unlock = "plain POSIX shell, or SHELL with the shell that reads it";
        found.decline(model.instruction(run).span, opaque.to_string(), unlock);
    }
}

/// Whether the text has the words of the command one behind the other, options aside; digits may follow the program: `pip3 install`.
fn names(text: &str, command: &str) -> bool {
    let mut wanted = command.split(' ');
    let (Some(program), rest) = (wanted.next(), wanted.collect::<Vec<_>>()) else { return false };
    if rest.is_empty() {
        return text.contains(command);
    }
    let words: Vec<&str> = text.split(|c: char| c.is_whitespace() || "\"'();&|`".contains(c)).collect();
    let is_program = |word: &str| {
        let name = word.rsplit('/').next().unwrap_or(word);
        name.strip_prefix(program).is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
    };
    (0..words.len()).filter(|at| is_program(words[*at])).any(|at| {
        let mut behind = words[at + 1..].iter().filter(|word| !word.is_empty() && !word.starts_with('-'));
        rest.iter().all(|wanted| behind.next() == Some(wanted))
    })
}

/// What joins two commands of the chain, operator and blanks, as the file writes it near the element: indentation, the
/// place of `&&` and the continuation style are its own.
pub(super) fn joint(model: &Model<'_>, run: usize, chain: &Chain<'_>, near: usize) -> String {
    let between = |pair: usize| {
        Span::new(element_span(model, run, chain, pair).end, element_span(model, run, chain, pair + 1).start)
            .of(model.source)
    };
    let pairs = 0..chain.elements.len().saturating_sub(1);
    let over_lines = pairs.clone().map(between).find(|text| text.contains('\n'));
    if let Some(text) = over_lines {
        return plain_joint(model, text);
    }
    let nearest = pairs.min_by_key(|pair| pair.abs_diff(near)).map(between);
    match chain.joint {
        // A command over several lines is followed by a line of its own.
        Joint::And if element_span(model, run, chain, near).of(model.source).contains('\n') => {
            format!(" {}&& ", continuation(model, run))
        }
        Joint::And => nearest.unwrap_or(" && ").to_owned(),
        Joint::Sequence => nearest.unwrap_or("; ").to_owned(),
    }
}

/// A joint over lines without its comments and empty continuations.
fn plain_joint(model: &Model<'_>, text: &str) -> String {
    let is_empty = |line: &str| {
        let line = line.trim();
        line.is_empty()
            || line.starts_with('#')
            || line.strip_prefix(model.dockerfile.escape).is_some_and(str::is_empty)
    };
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let [first, middle @ .., last] = lines.as_slice() else { return text.to_owned() };
    // A shell comment ends the first line of a heredoc; its line end stays.
    let first = first.find('#').map_or(*first, |at| first[at..].trim_start_matches(|c| !matches!(c, '\r' | '\n')));
    let middle: String = middle.iter().filter(|line| !is_empty(line)).copied().collect();
    format!("{first}{middle}{last}")
}

/// What stands between two RUNs that become one `&&` list. Comments between them stay, as comments of the continuation.
fn merge_joint(model: &Model<'_>, first: usize, second: usize, last: usize) -> String {
    let between = Span::new(model.instruction(second - 1).span.end, model.instruction(second).span.start);
    let comments: String =
        between.of(model.source).split_inclusive('\n').filter(|line| line.trim_start().starts_with('#')).collect();
    let is_long = (first..=second).any(|run| model.instruction(run).span.of(model.source).contains('\n'));
    // The one line that they would become, with ` && ` for the keyword of the second.
    let width: usize =
        (first..=second).map(|run| model.instruction(run).span.of(model.source).chars().count()).sum::<usize>();
    if comments.is_empty() && !is_long && width <= LINE_WIDTH && last == first + 1 {
        return " && ".to_owned();
    }
    let longest = if model.instruction(first).span.of(model.source).contains('\n') { first } else { second };
    let continuation = continuation(model, longest);
    let indent = continuation.rsplit('\n').next().unwrap_or_default();
    let line_end = &continuation[..continuation.len() - indent.len()];
    format!(" {line_end}{comments}{indent}&& ")
}

/// Makes the RUNs from `first` to `last`, which stand one behind the other, one `&&` list.
pub(super) fn merge(model: &Model<'_>, first: usize, last: usize, mut rewrite: Rewrite) -> Option<Rewrite> {
    for second in first + 1..=last {
        // A blank at the end of the line above goes with the line end.
        let above = model.body(second - 1).and_then(|body| body.understood());
        let end = above.and_then(|script| script.list.statements.last()).map(|statement| statement.node.span)?;
        let end = model.script_span(second - 1, end).end;
        let between = Span::new(end, model.instruction(second).arguments.start);
        let joint = merge_joint(model, first, second, last);
        rewrite = rewrite.edit(Edit::replace(between, joint)).step(Step::MergeAnd { first, second });
    }
    Some(rewrite)
}

/// A line continuation and the indentation of the instruction's next lines.
pub(super) fn continuation(model: &Model<'_>, index: usize) -> String {
    let text = model.instruction(index).span.of(model.source);
    let line_end = if model.source.contains("\r\n") { "\r\n" } else { "\n" };
    let indent = text
        .split('\n')
        .skip(1)
        .find(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .map_or("    ", |line| &line[..line.len() - line.trim_start().len()]);
    format!("{}{line_end}{indent}", model.dockerfile.escape)
}

/// The edit that takes the element out with the joint that belongs to it. `None` when a comment would be lost or cut off,
/// or when it is the only command.
pub(super) fn take_out(model: &Model<'_>, run: usize, chain: &Chain<'_>, at: usize) -> Option<Edit> {
    let this = element_span(model, run, chain, at);
    let removed = if at > 0 {
        Span::new(element_span(model, run, chain, at - 1).end, this.end)
    } else if chain.elements.len() > 1 {
        Span::new(this.start, element_span(model, run, chain, 1).start)
    } else {
        return None;
    };
    (!has_comment(model.source, removed)).then(|| Edit::delete(removed))
}

/// What stands between the last two words of a command, so that a further word stands as the last one does.
pub(super) fn word_separator(model: &Model<'_>, run: usize, call: &Call<'_>) -> String {
    let [.., before, last] = call.command.words.as_slice() else { return " ".to_owned() };
    let between = Span::new(model.script_span(run, before.span).end, model.script_span(run, last.span).start);
    match between.of(model.source).rsplit_once('\n') {
        Some((_, indent)) if !has_comment(model.source, between) && !is_heredoc(model, run) => {
            let line_end = if model.source.contains("\r\n") { "\r\n" } else { "\n" };
            format!(" {}{line_end}{indent}", model.dockerfile.escape)
        }
        _ => " ".to_owned(),
    }
}

/// Whether the script of the RUN is a heredoc, in which a line end needs no continuation.
pub(super) fn is_heredoc(model: &Model<'_>, run: usize) -> bool {
    model.body(run).is_some_and(|body| body.heredoc)
}

/// The edit that removes a word with the blanks before it. `None` when the blanks hold a comment.
pub(super) fn remove_word(model: &Model<'_>, run: usize, before: Span, word: Span) -> Option<Edit> {
    let removed = Span::new(model.script_span(run, before).end, model.script_span(run, word).end);
    (!has_comment(model.source, removed)).then(|| Edit::delete(removed))
}

/// The lines of an instruction with their line end, for taking it out.
pub(super) fn whole_lines(model: &Model<'_>, index: usize) -> Span {
    let span = model.instruction(index).full_span();
    let rest = &model.source[span.end..];
    let line_end = rest.find('\n').map_or(rest.len(), |at| at + 1);
    Span::new(span.start, span.end + line_end)
}

/// The lines of an instruction with the comments above it.
pub(super) struct Block {
    /// From the first comment to the line end.
    pub(super) lines: Span,
    /// The same with the blank lines before it.
    pub(super) with_blanks: Span,
}

impl Block {
    /// `None` at the end of a file without line end, and where a blank line parts the instruction from comments above it.
    pub(super) fn of(model: &Model<'_>, index: usize) -> Option<Self> {
        let instruction = model.instruction(index);
        let items = &model.dockerfile.items;
        let start = instruction.keyword.start;
        let holds = |span: Span| span.start <= start && start < span.end;
        let at = items.iter().position(|item| item.kind == ItemKind::Instruction && holds(item.span))?;
        let is_between = |kind: ItemKind| matches!(kind, ItemKind::Comment | ItemKind::Blank);
        let first = items[..at].iter().rposition(|item| !is_between(item.kind)).map_or(0, |before| before + 1);
        let bodies = items[at + 1..].iter().take_while(|item| item.kind == ItemKind::HeredocBody).count();
        let end = items[at + bodies].span.end;
        let blanks = items[first..at].iter().take_while(|item| item.kind == ItemKind::Blank).count();
        let comments = &items[first + blanks..at];
        if !model.source[..end].ends_with('\n') || comments.iter().any(|item| item.kind == ItemKind::Blank) {
            return None;
        }
        let lines = Span::new(items[first + blanks].span.start, end);
        Some(Self { lines, with_blanks: Span::new(items[first].span.start, end) })
    }
    /// What is taken out when the instruction moves away: the lines, and the blank lines before them when others follow.
    pub(super) fn removed(&self, model: &Model<'_>) -> Span {
        let behind = model.source[self.lines.end..].lines().next().unwrap_or_default();
        if behind.trim().is_empty() { self.with_blanks } else { self.lines }
    }
}

/// The line end of the file.
pub(super) fn line_end(model: &Model<'_>) -> &'static str {
    if model.source.contains("\r\n") { "\r\n" } else { "\n" }
}
