//! Suppressions: `# imgopt: skip=PASS[,PASS] reason` above an instruction, `# imgopt: skip-file reason` anywhere.

use crate::source::Span;
use crate::syntax::ast::{Dockerfile, ItemKind};

/// The places that passes have to leave alone.
#[derive(Debug)]
pub struct Suppressions<'a> {
    places: Vec<(Span, Vec<&'a str>)>,
}

impl<'a> Suppressions<'a> {
    /// Reads the comments above the instructions.
    #[must_use]
    pub fn read(source: &'a str, dockerfile: &Dockerfile) -> Self {
        if !source.contains("imgopt:") {
            return Self { places: Vec::new() };
        }
        let mut places = Vec::new();
        for instruction in &dockerfile.instructions {
            let passes: Vec<_> =
                instruction.comments.iter().flat_map(|comment| skipped_passes(comment.of(source))).collect();
            if !passes.is_empty() {
                places.push((instruction.full_span(), passes));
            }
        }
        Self { places }
    }

    /// Whether the pass has to leave one of the spans alone.
    pub fn cover(&self, pass: &str, spans: impl IntoIterator<Item = Span>) -> bool {
        let spans: Vec<_> = if self.places.is_empty() { return false } else { spans.into_iter().collect() };
        self.places.iter().any(|(place, passes)| {
            passes.contains(&pass) && spans.iter().any(|span| span.start < place.end && place.start <= span.end)
        })
    }
}

/// Why the whole file is left alone, if a comment says so.
#[must_use]
pub fn file_reason(source: &str, dockerfile: &Dockerfile) -> Option<String> {
    let comments = dockerfile.items.iter().filter(|item| item.kind == ItemKind::Comment);
    for comment in comments {
        let Some(rest) = order(comment.span.of(source)).and_then(|order| order.strip_prefix("skip-file")) else {
            continue;
        };
        let reason = rest.trim();
        let because = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        return Some(format!("`# imgopt: skip-file` asks for it{because}"));
    }
    None
}

fn skipped_passes(comment: &str) -> Vec<&str> {
    let Some(list) = order(comment).and_then(|order| order.strip_prefix("skip=")) else { return Vec::new() };
    list.split_whitespace().next().unwrap_or_default().split(',').collect()
}

/// What a `# imgopt:` comment says.
fn order(comment: &str) -> Option<&str> {
    comment.trim().trim_start_matches('#').trim_start().strip_prefix("imgopt:").map(str::trim)
}
