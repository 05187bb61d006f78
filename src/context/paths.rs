//! Slash-separated paths as text.

/// The shortest equal path, as Go's `path.Clean`: no `.`, no `//`, `..` taken together with what it follows.
pub(super) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

/// A COPY source relative to the context root: a leading `/` and a way out are dropped, the root is the empty text.
pub(super) fn in_context(source: &str) -> String {
    clean(&format!("/{source}"))[1..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_follows_go() {
        for (path, cleaned) in
            [("a//b/./c", "a/b/c"), ("a/../..", ".."), ("/..", "/"), ("", "."), ("./", "."), ("../x/..", "..")]
        {
            assert_eq!(clean(path), cleaned);
        }
    }

    #[test]
    fn sources_stay_in_the_context() {
        for (source, path) in [("/a/b/", "a/b"), ("../../x", "x"), (".", ""), ("a/../..", ""), ("./app", "app")] {
            assert_eq!(in_context(source), path);
        }
    }
}
