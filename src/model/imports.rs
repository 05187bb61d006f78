//! Which files of a project a program of Node loads: those that its entry file imports, and so on (Node.js, "Modules: ECMAScript modules" and
//! "CommonJS modules").

use std::collections::BTreeSet;

use super::walk::clean;

/// What a specifier may lack at its end.
const ENDINGS: [&str; 8] = ["", ".js", ".mjs", ".cjs", ".json", "/index.js", "/index.mjs", "/index.cjs"];
/// Endings of files that the interpreter loads.
const CODE: [&str; 4] = [".js", ".mjs", ".cjs", ".json"];
/// Calls and names that load what is known only when the program runs.
const LOADERS: [&str; 3] = ["createRequire", "import.meta.glob", "require.context"];

/// The files among `files`, paths with their texts, that are loaded from those in `entries`; `None` when that is not known. It may hold
/// more than is loaded: each path in a text counts that leads to one of the files.
pub(super) fn loaded<'f>(files: &'f [(String, String)], entries: &[String]) -> Option<BTreeSet<&'f str>> {
    let find = |path: &str| files.iter().find(|(other, _)| other == path);
    let mut found: BTreeSet<&str> = BTreeSet::new();
    let mut waiting = Vec::new();
    for entry in entries {
        let (path, text) = resolve(entry, find)?;
        found.insert(path);
        waiting.push((path.as_str(), text.as_str()));
    }
    while let Some((path, text)) = waiting.pop() {
        if path.ends_with(".json") {
            continue;
        }
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        for (literal, is_loaded) in literals(text)? {
            let is_relative = literal.starts_with("./") || literal.starts_with("../") || matches!(literal, "." | "..");
            if is_loaded && literal.starts_with(['#', '/']) {
                return None;
            }
            if literal.len() > 200 || is_loaded && !is_relative {
                continue;
            }
            let beside = resolve(&format!("{directory}/{literal}"), find);
            if is_loaded && beside.is_none() {
                return None;
            }
            let target = beside.or_else(|| resolve(literal, find));
            let is_code = |path: &str| CODE.iter().any(|ending| path.ends_with(ending));
            if let Some((path, text)) = target.filter(|(path, _)| is_code(path) && found.insert(path)) {
                waiting.push((path, text));
            }
        }
    }
    Some(found)
}

fn resolve<'f>(path: &str, find: impl Fn(&str) -> Option<&'f (String, String)>) -> Option<&'f (String, String)> {
    let path = clean(&format!("/{path}"));
    ENDINGS.iter().find_map(|ending| find(&format!("{}{ending}", path.trim_start_matches('/'))))
}

/// The string literals of a text, and whether each is what is imported or required; `None` when something is loaded that is no literal.
fn literals(text: &str) -> Option<Vec<(&str, bool)>> {
    if LOADERS.iter().any(|loader| text.contains(loader)) {
        return None;
    }
    for call in ["require(", "import("] {
        for (at, _) in text.match_indices(call) {
            let is_name =
                text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.'));
            let argument = text[at + call.len()..].trim_start();
            if !is_name && !argument.starts_with(['"', '\'']) {
                return None;
            }
        }
    }
    let mut found = Vec::new();
    let mut rest = 0;
    while let Some(open) = text[rest..].find(['"', '\'']).map(|at| rest + at) {
        let quote = &text[open..=open];
        let Some(close) = text[open + 1..].find([quote.chars().next()?, '\n']).map(|at| open + 1 + at) else { break };
        // An apostrophe, or what goes on behind an escape, is not closed on its line: what follows is read anew.
        if &text[close..=close] != quote {
            rest = open + 1;
            continue;
        }
        let before = text[..open].trim_end();
        let is_loaded = ["from", "import", "import(", "require("].iter().any(|word| before.ends_with(word));
        found.push((&text[open + 1..close], is_loaded));
        // The closing quote of an apostrophe may open a literal.
        rest = if is_loaded { close + 1 } else { open + 1 };
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: Option<&[&str]>) {
        let files: Vec<(String, String)> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let found = loaded(&files, &["server.js".to_owned()]);
        assert_eq!(found.map(|found| found.into_iter().collect::<Vec<_>>()).as_deref(), expected);
    }

    #[test]
    fn files_that_import_each_other() {
        let files = [
            ("server.js", "import a from './lib/a.js'\nimport 'express'\nconst b = require(\"./lib/b\")\n"),
            ("lib/a.js", "export * from '../c.mjs'; // don't\nnew Worker('worker.js')\n"),
            ("lib/b.js", "require('.')\n"),
            ("lib/index.js", "x = './data'\n"),
            ("lib/data.json", "{}"),
            ("c.mjs", "import './server.js'\n"),
            ("worker.js", "send('index.html')"),
            ("index.html", "<script src='/src/main.js'></script>"),
            ("src/main.js", "import App from './App.svelte'\n"),
        ];
        check(
            &files,
            Some(&["c.mjs", "lib/a.js", "lib/b.js", "lib/data.json", "lib/index.js", "server.js", "worker.js"]),
        );
    }

    #[test]
    fn what_is_known_only_when_it_runs() {
        for text in [
            "require(name)",
            "await import(`./routes/${name}.js`)",
            "import x from './dist/made.js'",
            "import x from '#lib'",
            "import x from '/abs.js'",
            "const require = createRequire(import.meta.url)",
        ] {
            check(&[("server.js", text)], None);
        }
        check(&[("other.js", "")], None);
        check(&[("server.js", "obj.require(name); $import(name); 'it' + \"'s\"")], Some(&["server.js"]));
    }
}
