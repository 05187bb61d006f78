//! `go.mod` and `go.work` (Go Modules Reference).

/// What a `go.mod` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoMod {
    /// The module path.
    pub module: Option<String>,
    /// The `go` directive.
    pub version: Option<String>,
    /// Paths of the modules that are required.
    pub requires: Vec<String>,
    /// Directories that replace modules, relative to the file or absolute.
    pub local: Vec<String>,
}

/// Reads a `go.mod`; `None` when a line is none of it.
#[must_use]
pub fn read(text: &str) -> Option<GoMod> {
    let mut found = GoMod::default();
    for (verb, words) in directives(text)? {
        match (verb.as_str(), words.as_slice()) {
            ("module", [path]) => found.module = Some(path.clone()),
            ("go", [version]) => found.version = Some(version.clone()),
            ("require", [path, _version]) => found.requires.push(path.clone()),
            ("replace", words) => {
                let arrow = words.iter().position(|word| word == "=>")?;
                let target = words.get(arrow + 1)?;
                // A target without version is a directory (`./a`, `../a`, `/a`).
                if words.len() == arrow + 2 {
                    found.local.push(target.clone());
                }
            }
            ("toolchain" | "exclude" | "retract" | "godebug" | "tool" | "ignore", _) => {}
            _ => return None,
        }
    }
    Some(found)
}

/// The directories that a `go.work` uses or replaces modules by; `None` when a line is none of it.
#[must_use]
pub fn read_work(text: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for (verb, words) in directives(text)? {
        match (verb.as_str(), words.as_slice()) {
            ("use", [directory]) => found.push(directory.clone()),
            ("replace", [.., arrow, target]) if arrow == "=>" => found.push(target.clone()),
            ("go" | "toolchain" | "godebug" | "replace", _) => {}
            _ => return None,
        }
    }
    Some(found)
}

/// Verbs with their words; the lines of a block get its verb.
fn directives(text: &str) -> Option<Vec<(String, Vec<String>)>> {
    let mut found = Vec::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default();
        let mut words: Vec<String> =
            line.split_whitespace().map(|word| word.trim_matches(['"', '`']).to_owned()).collect();
        match (words.as_slice(), &block) {
            ([], _) => {}
            ([close], Some(_)) if close == ")" => block = None,
            ([verb, open], None) if open == "(" => block = Some(verb.clone()),
            (_, Some(verb)) => found.push((verb.clone(), words)),
            (_, None) => {
                let verb = words.remove(0);
                found.push((verb, words));
            }
        }
    }
    block.is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules() {
        let text = "module example.com/a // why\n\ngo 1.22\n\nrequire (\n\tb.c/d v1.2.3\n\te.f/g v0.1.0 // indirect\n)\n\
                    require h.i/j v1.0.0\nreplace b.c/d => ../d\nreplace e.f/g v0.1.0 => k.l/m v1.0.0\n";
        let found = read(text).expect("it is read");
        assert_eq!(found.requires, ["b.c/d", "e.f/g", "h.i/j"]);
        assert_eq!(found.local, ["../d"]);
        assert_eq!((found.module.as_deref(), found.version.as_deref()), (Some("example.com/a"), Some("1.22")));
        assert_eq!(read("what is this\n"), None);
        assert_eq!(read("require (\n"), None);
    }

    #[test]
    fn workspaces() {
        assert_eq!(read_work("go 1.22\nuse (\n\t./a\n\t./b\n)\n"), Some(vec!["./a".to_owned(), "./b".to_owned()]));
        assert_eq!(read_work("module a\n"), None);
    }
}
