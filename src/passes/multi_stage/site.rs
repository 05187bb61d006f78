//! Sites: files that a build makes and a server of files serves, which needs nothing else of the build.

use super::plan::Draft;
use crate::model::cache::is_below;
use crate::model::deed::{Deed, deeds};
use crate::model::split::{self, Kind};
use crate::model::{Model, Stage, served};

/// A stage whose program serves a directory that a RUN makes.
pub(super) fn find(model: &Model<'_>, stage: &Stage) -> Option<Draft> {
    let directory = served::directory(model, stage)?;
    let makes = |index: &usize| {
        split::kind(model, *index) == Kind::Run
            && deeds(model, *index).map_or(true, |deeds| {
                deeds.iter().filter_map(Deed::path).any(|path| served::is_served(&directory, path))
            })
    };
    let cut = stage.instructions.clone().rfind(makes)?;
    // Something that the server does not read has to be left out.
    let is_left = |deed: &Deed| match deed {
        Deed::PythonPackages => true,
        deed => deed.path().is_some_and(|path| !is_below(path, &directory)),
    };
    let leaves = |index: usize| {
        split::kind(model, index) == Kind::Run && deeds(model, index).is_ok_and(|deeds| deeds.iter().any(is_left))
    };
    if !(stage.instructions.start..=cut).any(leaves) {
        return None;
    }
    Some(Draft {
        cut,
        environment: None,
        copies: vec![directory],
        base: None,
        prune: Err("nothing would be left out".to_owned()),
    })
}
