//! What a split is worth: what the image is without afterwards.

use super::plan::Draft;
use crate::edit::{Edit, EditSet};
use crate::model::base::{self, Refusal, Slim};
use crate::model::body::BodyCache;
use crate::model::deed::deeds;
use crate::model::split::{self, Kind, RuntimePackages};
use crate::model::{Model, Stage, projects, served};
use crate::syntax;
use crate::tables;
use crate::validate::Split;

/// What the new stage is without, in words; `edits` are those of the split, where a slim image may follow on it.
///
/// # Errors
/// Why the split is not worth it.
pub(super) fn without(
    model: &Model<'_>,
    stage: &Stage,
    draft: &Draft,
    split: &Split,
    packages: &RuntimePackages,
    edits: Option<&Vec<Edit>>,
) -> Result<String, String> {
    if let Some(directory) = served::directory(model, stage) {
        return Ok(format!("that serves `{directory}` and has nothing else of the build"));
    }
    if let Some(base) = &draft.base {
        return Ok(of_packages(&packages.dropped).unwrap_or_else(|| format!("from `{}`", base.text)));
    }
    // The toolchain of the image would be in the new stage all the same.
    let family = stage.image.as_deref().map_or("", |image| &image.family);
    if let (true, Err(reason)) = (tables::stages().has_toolchain(family), &draft.prune) {
        return Err(reason.clone());
    }
    let slim = edits.and_then(|_| base::slim(model, stage).ok().flatten());
    // What the full image has is in the new stage all the same, as long as that is built from the full image.
    let is_left_out = |name: &&String| slim.is_some() || !base::full_image_has(model, stage, name);
    let dropped: Vec<String> = packages.dropped.iter().filter(is_left_out).cloned().collect();
    if let Some(words) = of_packages(&dropped) {
        return Ok(words);
    }
    if split.prune.is_some() {
        return Ok("without development dependencies".to_owned());
    }
    let is_of_node = stage.image.as_deref().is_some_and(|image| image.family == tables::stages().node.family);
    if is_of_node && !projects::of_build(model, stage, split.cut).is_empty() {
        return Ok("without the packages of what browsers load".to_owned());
    }
    if let Some(words) = of_packages(&tools(model, stage, split)) {
        return Ok(words);
    }
    let nothing = nothing_left_out(draft.prune.as_ref().err().map_or("", String::as_str));
    if let Some(slim) = slim {
        let reason = "has all that the one stage needs, and nothing else would be left out";
        return Err(format!("it is not worth it: `{}` {reason}", slim.reference));
    }
    let Some(edits) = edits.filter(|_| base::has_slim_variant(model, stage)) else {
        return Err(nothing);
    };
    match slim_after(model, edits) {
        Ok(Some(slim)) => Ok(format!("for which `{}` is enough", slim.reference)),
        Ok(None) => Err(nothing),
        Err(refusal) => Err(format!("the runtime stage would stay on the full image: {}", refusal.reason)),
    }
}

/// Why nothing is left out, as the reason of a decline: that there is nothing, or what keeps it.
fn nothing_left_out(reason: &str) -> String {
    const NOTHING: [&str; 4] = ["has no dependencies", "has no development", "leaves development", "nothing would"];
    if NOTHING.iter().any(|part| reason.contains(part)) {
        format!("it is not worth it: {reason}")
    } else {
        reason.to_owned()
    }
}

/// The tools that the new stage is without, by one program of each.
fn tools(model: &Model<'_>, stage: &Stage, split: &Split) -> Vec<String> {
    let left = (stage.instructions.start..=split.cut).filter(|index| !split.repeated.contains(index));
    let mut found: Vec<String> =
        left.clone().filter_map(|index| split::tools_of_copy(model, index)?.pop_first()).collect();
    for index in left
        .filter(|index| split::kind(model, *index) == Kind::Run)
        .filter(|index| split.environment.is_none_or(|first| *index < first))
    {
        let deeds = deeds(model, index).unwrap_or_default();
        found.extend(deeds.iter().filter_map(|deed| deed.tools()?.first().cloned()));
    }
    found
}

/// The slim image for the last stage when the edits are made.
fn slim_after(model: &Model<'_>, edits: &[Edit]) -> Result<Option<Slim>, Refusal> {
    let mut set = EditSet::default();
    if set.try_add(edits).is_err() {
        return Ok(None);
    }
    let source = set.apply(model.source);
    let parsed = syntax::parse(&source);
    let cache = BodyCache::default();
    let after = Model::build(&source, &parsed.dockerfile, model.context, &cache);
    after.final_stage().map_or(Ok(None), |last| base::slim(&after, last))
}

/// Up to three packages, in words.
fn of_packages(names: &[String]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => None,
        [one] => Some(format!("without {one}")),
        [first, second] => Some(format!("without {first} and {second}")),
        [first, second, rest @ ..] => Some(format!("without {first}, {second} and {} more", rest.len())),
    }
}
