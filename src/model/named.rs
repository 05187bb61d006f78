//! Files of the build context that commands name: what they install from, run and read.

use std::collections::BTreeSet;
use std::path::Path;

use super::Model;
use super::body::BodyCache;
use super::deed::joined;
use crate::context::{BuildContext, Discovery, Surroundings};
use crate::shell::command::recognize;
use crate::syntax;
use crate::syntax::ast::{Command, Healthcheck, InstructionKind};
use crate::tables;

/// Finds the context of a Dockerfile, as [`BuildContext::discover`] says, and by what its commands name: of several directories in which
/// all COPY sources are, the one that holds more of it than each of the others, and all that they hold.
#[must_use]
pub fn context(path: &Path, text: &str, named: Option<&Path>, surroundings: &Surroundings) -> BuildContext {
    let dockerfile = syntax::parse(text).dockerfile;
    let (candidates, otherwise) = match BuildContext::discover(path, &dockerfile, named, surroundings) {
        Discovery::Found(context) => return context,
        Discovery::Among { candidates, otherwise } => (candidates, otherwise),
    };
    let cache = BodyCache::default();
    let files = |context: &BuildContext| files(&Model::build(text, &dockerfile, context, &cache));
    let mut held: Vec<(BTreeSet<String>, BuildContext)> =
        candidates.into_iter().map(|context| (files(&context), context)).collect();
    held.sort_by_key(|(files, _)| files.len());
    let Some((most, context)) = held.pop() else { return otherwise };
    let tells = |less: &BTreeSet<String>| less.len() < most.len() && less.is_subset(&most);
    if !most.is_empty() && held.iter().all(|(less, _)| tells(less)) { context } else { otherwise }
}

/// Files of the model's build context that commands name where a COPY has put them: words of RUN, CMD, ENTRYPOINT and
/// HEALTHCHECK, and the manifests that installs read in their directory.
///
/// It tells contexts apart in which all COPY sources are there: `COPY . .` is at home everywhere, `pip install -r requirements.txt` is not.
#[must_use]
pub fn files(model: &Model<'_>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for stage in &model.stages {
        for index in stage.instructions.clone() {
            let paths = paths(model, index);
            found.extend(paths.iter().filter_map(|path| model.context_file(stage, index, path)));
        }
    }
    found
}

/// Words of an instruction as paths, each in the directory that the last `cd` in front of it enters.
fn paths(model: &Model<'_>, index: usize) -> Vec<String> {
    let Some(workdir) = model.state(index).workdir.fixed() else { return Vec::new() };
    let mut directory = workdir.to_owned();
    let mut paths = Vec::new();
    if let Some(script) = model.body(index).and_then(|body| body.understood()) {
        for command in script.all_simple_commands() {
            let words: Vec<String> = command.words.iter().filter_map(|word| word.literal()).collect();
            if let [cd, to] = words.as_slice()
                && cd == "cd"
            {
                directory = joined(&directory, to);
            }
            let program = recognize(command).map(|invocation| invocation.program).or_else(|| command.name());
            let program = program.as_deref().map_or("", |name| name.rsplit('/').next().unwrap_or(name));
            let names = words.iter().chain(tables::dependencies().project_files(program));
            paths.extend(names.filter(|name| !name.is_empty()).map(|name| joined(&directory, name)));
        }
    }
    if let Some(Command::Exec(words)) = command(&model.instruction(index).kind) {
        let names = words.iter().flat_map(|word| word.text.split_whitespace());
        paths.extend(names.map(|name| joined(workdir, name)));
    }
    paths
}

fn command(kind: &InstructionKind) -> Option<&Command> {
    match kind {
        InstructionKind::Run(command)
        | InstructionKind::Cmd(command)
        | InstructionKind::Entrypoint(command)
        | InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => Some(command),
        _ => None,
    }
}
