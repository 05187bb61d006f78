//! PHP: what its images' commands and Composer leave behind.

use super::Model;
use super::deed::{Deed, joined, source_at};
use crate::tables;

/// What a command leaves behind that runs in the directory; `None` when it is none of PHP. A word that is known only when it runs is empty.
pub(super) fn left(
    model: &Model<'_>,
    run: usize,
    directory: &str,
    words: &[String],
) -> Option<Result<Vec<Deed>, String>> {
    let table = &tables::stages().php;
    let (program, rest) = words.split_first()?;
    let program = program.rsplit('/').next().unwrap_or(program);
    let with = rest.first().map_or_else(String::new, |word| format!("{program} {word}"));
    let is = |commands: &std::collections::BTreeSet<String>| commands.contains(program) || commands.contains(&with);
    let extensions = || Deed::Output(table.extensions.clone());
    let settings = || Deed::Output(table.settings.clone());
    if is(&table.quiet) {
        return Some(Ok(Vec::new()));
    }
    if is(&table.installers) {
        return Some(Ok(vec![extensions(), settings()]));
    }
    if is(&table.compilers) {
        return Some(Ok(vec![extensions()]));
    }
    if is(&table.enablers) {
        return Some(Ok(vec![settings()]));
    }
    if program == table.setup.program {
        return installed(rest).map(|name| Ok(vec![Deed::Tools(vec![name])]));
    }
    table.composers.contains(program).then(|| composed(model, run, directory, rest))
}

/// The name under which Composer is installed.
fn installed(words: &[String]) -> Option<String> {
    let setup = &tables::stages().php.setup;
    let value = |option: &str| {
        let at = words.iter().position(|word| word.split('=').next() == Some(option))?;
        words[at].split_once('=').map(|(_, value)| value.to_owned()).or_else(|| words.get(at + 1).cloned())
    };
    value(&setup.directory).filter(|directory| !directory.is_empty())?;
    Some(value(&setup.name).filter(|name| !name.is_empty()).unwrap_or_else(|| setup.default.clone()))
}

/// What Composer makes.
fn composed(model: &Model<'_>, run: usize, directory: &str, words: &[String]) -> Result<Vec<Deed>, String> {
    let table = &tables::stages().php;
    let (options, subcommands): (Vec<&String>, Vec<&String>) = words.iter().partition(|word| word.starts_with('-'));
    let Some((subcommand, arguments)) = subcommands.split_first() else {
        return Err("what `composer` leaves behind is not known".to_owned());
    };
    if table.changes.contains(*subcommand) {
        return Ok(vec![Deed::Below(directory.to_owned())]);
    }
    if !arguments.is_empty() || !table.makes.contains(*subcommand) {
        return Err(format!("what `composer {subcommand}` leaves behind is not known"));
    }
    if let Some(option) = options.iter().find(|option| !table.options.contains(**option)) {
        return Err(format!("what `composer {subcommand}` does with `{option}` is not known"));
    }
    let manifest = source_at(model, run, &joined(directory, &table.manifest));
    let text = manifest.and_then(|path| model.context.read(&path));
    let runs_scripts = !options.iter().any(|option| **option == table.without_scripts);
    let is_plain = text.is_some_and(|text| {
        let is_elsewhere = table.elsewhere.iter().any(|word| text.contains(word.as_str()));
        !is_elsewhere && (!runs_scripts || !text.contains(table.scripts.as_str()))
    });
    let vendor = joined(directory, &table.vendor);
    Ok(vec![if is_plain { Deed::Output(vendor) } else { Deed::Below(directory.to_owned()) }])
}
