//! `gradle dependencies`: one project whose build scripts are made of words that read nothing.

use super::Install;
use super::needs::Needs;
use super::view::{View, in_directory};
use crate::model::Refusal;
use crate::model::access::through_links;
use crate::model::manifest::gradle;
use crate::tables;

/// What Gradle needs to resolve dependencies: its build scripts, and the wrapper when that is what runs.
pub(super) fn read(needs: &mut Needs, view: &View<'_>, install: &Install<'_>) -> Result<(), Refusal> {
    const UNLOCK: &str = "a cache mount for its downloads (see cache-mounts), which a change of the sources keeps";
    if let Some(wrapper) = install.call.program_word().filter(|word| word.contains('/')) {
        let path = through_links(&in_directory(&install.directory, &wrapper));
        needs.read(view, &path)?;
    }
    // Settings are those scripts that are looked for further up, too.
    for name in install.row.needs.iter().chain(&install.row.above) {
        let Some(text) = needs.text_if_there(view, install, name)? else { continue };
        gradle::reads_nothing(&text, &tables::dependencies().gradle)
            .map_err(|reason| (format!("`{name}` is a program: {reason}"), UNLOCK))?;
    }
    needs.evidence.push("the build scripts are made of words that read nothing of the project".to_owned());
    Ok(())
}
