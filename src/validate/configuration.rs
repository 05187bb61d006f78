//! The runtime configuration of every stage: equal before and after, but for the fields that the steps declare.
//!
//! Any stage can be a `--target`, so all are compared, also those that only serve others. That the effects are equal element by
//! element says much of this already; here it is said of the images that come of them.

use std::collections::BTreeSet;

use super::Step;
use crate::model::configuration::{Entries, Field};
use crate::model::{Base, Model, Stage};
use crate::rewrite::Rewrite;

/// Compares the configurations of the stages. `place` leads from the number of an instruction before to the one after:
/// a stage is the one whose FROM came of its FROM.
pub(super) fn compare(
    before: &Model<'_>,
    after: &Model<'_>,
    rewrites: &[Rewrite],
    place: impl Fn(usize) -> usize,
) -> Result<(), String> {
    let (old, new) = (before.configurations(), after.configurations());
    let declared = declared(before, rewrites);
    for (stage, old) in before.stages.iter().zip(old) {
        let from = place(stage.from);
        let counterpart = after.stages.iter().position(|stage| stage.from == from);
        let name = stage.name.clone().unwrap_or_else(|| stage.index.to_string());
        let new = counterpart.and_then(|index| new.get(index)).ok_or_else(|| format!("stage `{name}` is gone"))?;
        let successor = counterpart.and_then(|index| after.stages.get(index));
        let names = lost_names(stage).into_iter().chain(successor.map(lost_names).unwrap_or_default()).collect();
        if !agree_but_for(&names, &old.environment, &new.environment) && splits(rewrites) {
            return Err(format!("the image of stage `{name}` has another environment"));
        }
        let fields = old.differences(new).into_iter().filter(|field| !declared[stage.index].contains(field));
        let fields: Vec<String> = fields.map(|field| field.to_string()).collect();
        if !fields.is_empty() {
            return Err(format!("the image of stage `{name}` has another {}", fields.join(" and another ")));
        }
    }
    Ok(())
}

fn splits(rewrites: &[Rewrite]) -> bool {
    rewrites.iter().flat_map(|rewrite| &rewrite.steps).any(|step| matches!(step, Step::SplitStage(_)))
}

/// The variables that a split may change: PATH, and those of an image with a toolchain.
fn lost_names(stage: &Stage) -> BTreeSet<String> {
    let of_image = stage.image.as_deref().and_then(|image| image.env.known());
    of_image.into_iter().flat_map(|env| env.keys().cloned()).chain(["PATH".to_owned()]).collect()
}

/// Whether the variables are the same but for these names.
fn agree_but_for(names: &BTreeSet<String>, old: &Entries, new: &Entries) -> bool {
    let without = |entries: &Entries| {
        let mut entries = entries.clone();
        entries.known.retain(|name, _| !names.contains(name));
        entries
    };
    without(old) == without(new)
}

/// For each stage, the fields that a step changes in it or in a stage that it is built from.
fn declared(before: &Model<'_>, rewrites: &[Rewrite]) -> Vec<BTreeSet<Field>> {
    let mut declared = vec![BTreeSet::new(); before.stages.len()];
    for step in rewrites.iter().flat_map(|rewrite| &rewrite.steps) {
        if *step == Step::SwapForAlpine {
            // That both images of a stage have the same configuration is a side condition of the step.
            declared.iter_mut().for_each(|fields| fields.extend(Field::ALL));
        }
        let Some((instruction, fields)) = step.declares(before) else { continue };
        if let Some(stage) = before.stage_of(instruction) {
            declared[stage.index].extend(fields);
        }
    }
    for stage in &before.stages {
        if let Base::Stage(parent) = stage.base {
            let inherited = declared[parent].clone();
            declared[stage.index].extend(inherited);
        }
    }
    declared
}

impl Step {
    /// The fields of the runtime configuration that the step changes in the stage of an instruction, and in those that
    /// are built from it. All others have to stay.
    fn declares(&self, before: &Model<'_>) -> Option<(usize, &'static [Field])> {
        match self {
            Self::ExecForm { instruction } if before.is_health_check(*instruction) => {
                Some((*instruction, &[Field::HealthCheck]))
            }
            Self::AskOtherwise { instruction } => Some((*instruction, &[Field::HealthCheck])),
            Self::LabelForMaintainer { instruction } => Some((*instruction, &[Field::Author, Field::Labels])),
            Self::ExecForm { instruction } => Some((*instruction, &[Field::Argv])),
            // The image is the same by the table or the lock, or the project's word stands for it; what is known of it is not.
            Self::PinBase { from, .. } | Self::ApprovedBase { from, .. } => Some((*from, &Field::ALL)),
            // That both images have the same configuration is a side condition of the step.
            Self::SwapBase { from } | Self::SwapForStatic { from } | Self::SwapForInterpreter { from } => {
                Some((*from, &Field::ALL))
            }
            // Some variables alone, see `lost_names`; and what no table says of any image with a toolchain.
            Self::SplitStage(split) if split.changes_base(before) => Some((
                split.cut,
                &[
                    // Another ENTRYPOINT of the base that starts its arguments is a side condition of the step.
                    Field::Argv,
                    Field::Environment,
                    Field::Labels,
                    Field::HealthCheck,
                    Field::Author,
                    Field::Volumes,
                    Field::Ports,
                ],
            )),
            Self::SplitStage(split) if split.environment.is_some() => Some((split.cut, &[Field::Environment])),
            Self::DropSetting { instruction, .. } => Some((*instruction, &[Field::Environment])),
            // The other image has the same server, which listens on another port.
            Self::SetUser { from } if before.runs_unprivileged_instead(*from) => Some((*from, &Field::ALL)),
            Self::SetUser { from } => Some((*from, &[Field::User])),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::BuildContext;
    use crate::model::body::BodyCache;
    use crate::rewrite::Level;
    use crate::source::Span;
    use crate::syntax;

    #[track_caller]
    fn check(before: &str, after: &str, steps: &[Step], reason: Option<&str>) {
        let (old, new) = (syntax::parse(before), syntax::parse(after));
        let (context, cache) = (BuildContext::unknown(), BodyCache::default());
        let before = Model::build(before, &old.dockerfile, &context, &cache);
        let after = Model::build(after, &new.dockerfile, &context, &cache);
        let rewrite = Rewrite { steps: steps.to_vec(), ..Rewrite::new(Level::Guarded, Span::new(0, 0), "", "") };
        let found = compare(&before, &after, &[rewrite], |instruction| instruction);
        assert_eq!(found.err().as_deref(), reason);
    }

    const BEFORE: &str = "FROM debian:12 AS a\nCMD b\nFROM a\nHEALTHCHECK CMD c\nFROM x\nCMD d\n";

    #[test]
    fn only_declared_fields_change() {
        let argv = BEFORE.replace("CMD b", "CMD [\"b\"]");
        check(BEFORE, BEFORE, &[], None);
        check(BEFORE, &argv, &[], Some("the image of stage `a` has another argv"));
        // The stage that is built from it has the argv too.
        check(BEFORE, &argv, &[Step::ExecForm { instruction: 1 }], None);
        check(BEFORE, &argv, &[Step::ExecForm { instruction: 3 }], Some("the image of stage `a` has another argv"));
        check(BEFORE, &argv, &[Step::ExecForm { instruction: 5 }], Some("the image of stage `a` has another argv"));
        let health = BEFORE.replace("CMD c", "CMD [\"c\"]");
        check(BEFORE, &health, &[Step::ExecForm { instruction: 3 }], None);
        check(
            BEFORE,
            &health,
            &[Step::ExecForm { instruction: 1 }],
            Some("the image of stage `1` has another health check"),
        );
        let both = argv.replace("CMD d", "CMD e\nUSER u");
        let reason = "the image of stage `2` has another argv and another user";
        check(BEFORE, &both, &[Step::ExecForm { instruction: 1 }], Some(reason));
        check(BEFORE, "FROM debian:12 AS a\nCMD b\n", &[], Some("stage `1` is gone"));
    }
}
