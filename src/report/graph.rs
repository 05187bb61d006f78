//! The stages of a Dockerfile as a drawing: one box a stage, in order, and at the side what each takes from those before.

use std::fmt::Write;

use super::html::escape;
use crate::context::BuildContext;
use crate::model::body::BodyCache;
use crate::model::{Base, Model, Stage};
use crate::syntax;

/// Files with more stages are not drawn.
const MAX_STAGES: usize = 40;

/// Longest text in a box, in characters.
const MAX_TEXT: usize = 38;

const WIDTH: usize = 300;
const HEIGHT: usize = 58;
const GAP: usize = 18;

/// What a stage takes from an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Use {
    /// It is built from it.
    From,
    /// It copies or mounts files of it.
    Copy,
}

/// The drawing, as SVG to stand in a page that says what its classes look like.
#[must_use]
pub(super) fn svg(source: &str) -> String {
    let dockerfile = syntax::parse(source).dockerfile;
    let context = BuildContext::unknown();
    let bodies = BodyCache::default();
    let model = Model::build(source, &dockerfile, &context, &bodies);
    let stages = &model.stages;
    if stages.is_empty() || stages.len() > MAX_STAGES {
        return format!("<p class=\"note\">{} stages are not drawn.</p>\n", stages.len());
    }
    let edges = edges(&model);
    let reach = edges.iter().map(|(from, to, _)| bulge(*from, *to)).max().unwrap_or(0);
    let (width, height) = (WIDTH + reach + 4, stages.len() * (HEIGHT + GAP) - GAP + 4);
    let names: Vec<String> = stages.iter().map(name).collect();
    let mut svg = format!(
        "<svg role=\"img\" aria-label=\"Stages: {}\" viewBox=\"-2 -2 {width} {height}\" width=\"{width}\" \
         height=\"{height}\">\n",
        escape(&names.join(", ")),
    );
    for (from, to, kind) in &edges {
        svg += &edge(*from, *to, *kind);
    }
    for stage in stages {
        svg += &node(&model, stage, &names[stage.index]);
    }
    svg + "</svg>\n"
}

/// Who takes what from whom, each pair once.
fn edges(model: &Model<'_>) -> Vec<(usize, usize, Use)> {
    let mut edges = Vec::new();
    for stage in &model.stages {
        if let Base::Stage(parent) = stage.base {
            edges.push((parent, stage.index, Use::From));
        }
        let read = stage.instructions.clone().flat_map(|index| model.stages_read_by(index));
        edges.extend(read.map(|from| (from, stage.index, Use::Copy)));
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

fn name(stage: &Stage) -> String {
    stage.name.clone().unwrap_or_else(|| format!("stage {}", stage.index))
}

fn top(stage: usize) -> usize {
    stage * (HEIGHT + GAP)
}

/// How far an edge reaches to the side.
const fn bulge(from: usize, to: usize) -> usize {
    let distance = 16 + 12 * to.saturating_sub(from);
    if distance < 120 { distance } else { 120 }
}

/// A curve from the side of one box to that of a later one, with an arrow head.
fn edge(from: usize, to: usize, kind: Use) -> String {
    let (start, end) = (top(from) + HEIGHT / 2 + 8, top(to) + HEIGHT / 2 - 8);
    // The control points of a cubic curve pull it three quarters of their distance.
    let side = WIDTH + bulge(from, to) * 4 / 3;
    let (class, title) = match kind {
        Use::From => ("from", "is built from"),
        Use::Copy => ("copy", "takes files of"),
    };
    format!(
        "<g class=\"edge {class}\"><title>stage {to} {title} stage {from}</title>\
         <path class=\"line\" d=\"M{WIDTH} {start} C{side} {start} {side} {end} {} {end}\"/>\
         <path class=\"head\" d=\"M{WIDTH} {end} l9 -5 v10 z\"/></g>\n",
        WIDTH + 7,
    )
}

fn node(model: &Model<'_>, stage: &Stage, name: &str) -> String {
    let is_final = model.final_stage().is_some_and(|last| last.index == stage.index);
    let base = match &stage.base {
        Base::Scratch => "scratch".to_owned(),
        Base::Stage(parent) => format!("from stage {parent}"),
        Base::Image(image) => image.to_string(),
        Base::Unknown => "an image that a build argument names".to_owned(),
    };
    let steps = stage.instructions.len();
    let ending = if steps == 1 { "" } else { "s" };
    let top = top(stage.index);
    let mut text = String::new();
    let class = if is_final { "stage final" } else { "stage" };
    let _ =
        write!(text, "<g class=\"{class}\"><rect x=\"0\" y=\"{top}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>");
    let title = if is_final { format!("{name} (final)") } else { name.to_owned() };
    let _ = write!(text, "<text class=\"name\" x=\"12\" y=\"{}\">{}</text>", top + 23, escape(&shortened(&title)));
    let detail = format!("{} · {steps} step{ending}", shortened(&base));
    let _ = writeln!(text, "<text class=\"detail\" x=\"12\" y=\"{}\">{}</text></g>", top + 43, escape(&detail));
    text
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= MAX_TEXT {
        return text.to_owned();
    }
    text.chars().take(MAX_TEXT - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_and_what_they_take_are_drawn() {
        let svg = svg("FROM alpine AS a\nFROM a AS b\nRUN x\nFROM scratch\nCOPY --from=a /x /x\nCOPY --from=a /y /y\n");
        assert_eq!(svg.matches("<rect").count(), 3);
        assert_eq!(svg.matches("edge from").count(), 1);
        assert_eq!(svg.matches("edge copy").count(), 1);
        assert!(svg.contains(">stage 2 (final)</text>") && svg.contains("scratch · 2 steps"), "{svg}");
    }

    #[test]
    fn what_cannot_be_drawn_is_not() {
        assert!(svg("# nothing\n").starts_with("<p"));
        assert!(svg(&"FROM scratch\n".repeat(41)).starts_with("<p"));
    }
}
