//! PHP: extensions are compiled and packages installed where headers and tools are, and copied to the same image without them.

use super::plan::{self, Draft};
use crate::model::deed::{Deed, deeds};
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage};
use crate::tables;

/// A stage of an image of PHP that makes something, with packages or tools of which the program needs none.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let image = stage.image.as_deref()?;
    if image.family != tables::stages().php.family {
        return None;
    }
    let makes = |index: &usize| {
        let is_made = |deed: &Deed| matches!(deed, Deed::Output(_) | Deed::Below(_));
        split::kind(model, *index) == Kind::Run
            && model.every_call(*index).unwrap_or_default().iter().any(|call| builds(call))
            && deeds(model, *index).map_or(true, |deeds| deeds.iter().any(is_made))
    };
    let cut = stage.instructions.clone().rfind(makes)?;
    let is_for_the_build = |index: usize| {
        let brings = |deed: &Deed| plan::installs_toolchain(model, deed) || matches!(deed, Deed::Tools(_));
        split::tools_of_copy(model, index).is_some()
            || split::kind(model, index) == Kind::Run && deeds(model, index).is_ok_and(|deeds| deeds.iter().any(brings))
    };
    (stage.instructions.start..=cut).any(is_for_the_build).then(|| Draft {
        cut,
        environment: None,
        copies: plan::artefacts(model, stage, cut),
        base: None,
        prune: Err("nothing would be left out".to_owned()),
    })
}

/// Whether the command makes extensions, or what Composer makes.
fn builds(call: &crate::model::call::Call<'_>) -> bool {
    let table = &tables::stages().php;
    let words: Vec<String> = call.command.words.iter().filter_map(crate::shell::ast::Word::literal).collect();
    let name = words.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    let with = words.get(1).map_or_else(String::new, |word| format!("{name} {word}"));
    let is = |commands: &std::collections::BTreeSet<String>| commands.contains(name) || commands.contains(&with);
    is(&table.installers)
        || is(&table.compilers)
        || table.composers.contains(name)
            && words.iter().any(|word| table.makes.contains(word) || table.changes.contains(word))
}
