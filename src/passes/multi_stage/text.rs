//! The text of a split, in the style of the file.

use crate::edit::Edit;
use crate::model::split::{self, Kind, RuntimePackages};
use crate::model::{Model, Stage};
use crate::source::Span;
use crate::syntax::ast::{InstructionKind, ItemKind};
use crate::validate::{Carried, Split};

/// A line that an install makes longer than this names each package on a line of its own.
const LINE_WIDTH: usize = 100;

/// The edits of the split.
pub(super) fn edits(
    model: &Model<'_>,
    stage: &Stage,
    split: &Split,
    packages: &RuntimePackages,
) -> Result<Vec<Edit>, String> {
    let style = Style::of(model, stage);
    let mut edits = from_edits(model, stage, split, &style)?;
    if let Some(index) = split.environment {
        let lines: String =
            split::environment_lines(model, stage, split.cut).iter().map(|line| style.line(line)).collect();
        let at = block(model, index).start;
        let is_apart = model.source[..at].lines().next_back().is_some_and(|line| line.trim().is_empty());
        let blank_line = if is_apart { style.line_end } else { "" };
        edits.push(Edit::insert(at, format!("{lines}{blank_line}")));
        let runs = (index..=split.cut).filter(|run| split::kind(model, *run) == Kind::Run);
        edits.extend(runs.flat_map(|run| split::system_options(model, run)).map(Edit::delete));
    }
    let above = stage.instructions.start..=split.cut;
    let moved: Vec<usize> = above.filter(|index| split::kind(model, *index) == Kind::Configuration).collect();
    edits.extend(moved.iter().map(|index| Edit::delete(block(model, *index))));
    let end = lines(model, split.cut).end;
    let mut header = String::new();
    if !model.source[..end].ends_with('\n') {
        header.push_str(style.line_end);
    }
    if let Some(prune) = &split.prune {
        header.push_str(&style.line(&format!("RUN {prune}")));
    }
    header.push_str(style.line_end);
    header.push_str(&new_stage(model, stage, split, packages, &style)?);
    edits.push(Edit::insert(end, header));
    if let Some(index) = split.carried_below(model) {
        let at = lines(model, index - 1).end;
        let line_end = if model.source[..at].ends_with('\n') { "" } else { style.line_end };
        edits.push(Edit::insert(at, format!("{line_end}{}", carried(model, stage, split, &style, Carried::Above)?)));
    }
    Ok(edits)
}

/// How the file is written.
struct Style {
    line_end: &'static str,
    is_lower: bool,
    escape: char,
}

impl Style {
    fn of(model: &Model<'_>, stage: &Stage) -> Self {
        let keyword = model.instruction(stage.from).keyword.of(model.source);
        Self {
            line_end: if model.source.contains("\r\n") { "\r\n" } else { "\n" },
            is_lower: keyword.chars().all(|c| c.is_ascii_lowercase()),
            escape: model.dockerfile.escape,
        }
    }

    /// An instruction with its keyword as the file writes them.
    fn line(&self, line: &str) -> String {
        let (keyword, rest) = line.split_once(' ').unwrap_or((line, ""));
        let keyword = if self.is_lower { keyword.to_lowercase() } else { keyword.to_owned() };
        format!("{keyword} {rest}{}", self.line_end)
    }

    fn alias(&self) -> &'static str {
        if self.is_lower { "as" } else { "AS" }
    }
}

/// FROM gains the name of the build stage.
fn from_edits(model: &Model<'_>, stage: &Stage, split: &Split, style: &Style) -> Result<Vec<Edit>, String> {
    let InstructionKind::From(from) = &model.instruction(stage.from).kind else {
        return Err("the stage has no FROM".to_owned());
    };
    Ok(vec![match &from.alias {
        Some(alias) => Edit::replace(alias.name.span, split.name.as_str()),
        None => Edit::insert(from.image.span.end, format!(" {} {}", style.alias(), split.name)),
    }])
}

/// The new stage up to the instructions that stay where they are.
fn new_stage(
    model: &Model<'_>,
    stage: &Stage,
    split: &Split,
    packages: &RuntimePackages,
    style: &Style,
) -> Result<String, String> {
    let from = model.instruction(stage.from);
    let InstructionKind::From(parts) = &from.kind else { return Err("the stage has no FROM".to_owned()) };
    let flags: String = from.flags.iter().map(|flag| format!("{} ", flag.span.of(model.source))).collect();
    let alias = parts.alias.as_ref().map(|alias| Span::new(alias.keyword.start, alias.name.span.end).of(model.source));
    let alias = alias.map(|alias| format!(" {alias}")).unwrap_or_default();
    let mut text = style.line(&format!("FROM {flags}{}{alias}", split.base));
    let mut install = install(stage, packages, style)?;
    if split.installs_first(model) {
        text.push_str(&install.take().unwrap_or_default());
    }
    let above = carried(model, stage, split, style, Carried::Above)?;
    let carried_above = split.carried_above(model);
    for index in stage.instructions.start..=split.cut {
        if carried_above == Some(index) {
            text.push_str(&above);
        }
        let is_repeated = split.repeated.contains(&index);
        if !is_repeated && split::installs_packages(model, index) {
            text.push_str(&install.take().unwrap_or_default());
        }
        let part = match split::kind(model, index) {
            Kind::Configuration => block(model, index),
            _ if is_repeated => lines(model, index),
            _ => {
                text.extend(split.part_line(model, stage, index).map(|line| style.line(&line)));
                continue;
            }
        };
        text.push_str(part.of(model.source));
        if !text.ends_with('\n') {
            text.push_str(style.line_end);
        }
    }
    if carried_above.is_none() && split.carried_below(model).is_none() {
        text.push_str(&above);
    }
    text.push_str(&carried(model, stage, split, style, Carried::Behind)?);
    Ok(text)
}

/// What takes over what was built.
fn carried(model: &Model<'_>, stage: &Stage, split: &Split, style: &Style, place: Carried) -> Result<String, String> {
    Ok(split.carried_lines(model, stage, place)?.iter().map(|line| style.line(line)).collect())
}

/// The install of the packages that the new stage needs.
fn install(stage: &Stage, packages: &RuntimePackages, style: &Style) -> Result<Option<String>, String> {
    if packages.install.is_empty() && packages.upgrade.is_none() {
        return Ok(None);
    }
    let manager = stage.image.as_deref().and_then(|image| image.package_manager.known());
    let line = manager.and_then(|manager| split::install_line(*manager, packages));
    let line = line.ok_or("the package manager of the base image is not written")?;
    if line.len() <= LINE_WIDTH || packages.install.is_empty() {
        return Ok(Some(style.line(&line)));
    }
    let names = packages.install.join(" ");
    let (before, behind) = line.split_once(&names).unwrap_or((&line, ""));
    let continued = format!(" {}{}    ", style.escape, style.line_end);
    let names: String = packages.install.iter().map(|name| format!("{continued}{name}")).collect();
    let behind = behind.trim_start();
    let behind = if behind.is_empty() { String::new() } else { format!("{continued}{behind}") };
    Ok(Some(style.line(&format!("{}{names}{behind}", before.trim_end()))))
}

/// The lines of an instruction, with heredoc bodies and the line end.
fn lines(model: &Model<'_>, index: usize) -> Span {
    let items = &model.dockerfile.items;
    let start = model.instruction(index).keyword.start;
    let at = items
        .iter()
        .position(|item| item.kind == ItemKind::Instruction && item.span.start <= start && start < item.span.end);
    let Some(at) = at else { return model.instruction(index).full_span() };
    let bodies = items[at + 1..].iter().take_while(|item| item.kind == ItemKind::HeredocBody).count();
    items[at].span.to(items[at + bodies].span)
}

/// The lines of an instruction with the comments right above it.
fn block(model: &Model<'_>, index: usize) -> Span {
    let own = lines(model, index);
    let above = model.dockerfile.items.iter().rev().skip_while(|item| item.span.start >= own.start);
    let first = above.take_while(|item| item.kind == ItemKind::Comment).last();
    first.map_or(own, |item| item.span.to(own))
}
