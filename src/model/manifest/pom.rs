//! `pom.xml` of Maven (Maven, "POM Reference").

/// What a `pom.xml` says of other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pom {
    /// Directories of modules.
    pub modules: Vec<String>,
    /// Whether it has a parent that may lie beside it: one with a `relativePath` that is not empty, or without one.
    pub parent: Option<Parent>,
    /// Whether a repository or dependency is a file of the project.
    pub has_local: bool,
}

/// The parent of a `pom.xml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its `artifactId`.
    pub artifact: String,
    /// Its `relativePath` as written; without one Maven looks at `../pom.xml`.
    pub relative_path: Option<String>,
}

/// Reads a `pom.xml`; `None` when it is none.
#[must_use]
pub fn read(text: &str) -> Option<Pom> {
    let text = without_comments(text);
    if !text.contains("<project") {
        return None;
    }
    let parent = between(&text, "parent").next().map(|parent| Parent {
        artifact: between(parent, "artifactId").next().unwrap_or_default().trim().to_owned(),
        relative_path: between(parent, "relativePath")
            .next()
            .or_else(|| parent.contains("<relativePath/>").then_some(""))
            .map(|path| path.trim().to_owned()),
    });
    let modules = between(&text, "module").map(|module| module.trim().to_owned()).collect();
    let has_local = text.contains("<systemPath>") || text.contains("file://") || text.contains("${basedir}/lib");
    Some(Pom { modules, parent, has_local })
}

/// The texts between `<name>` and `</name>`.
fn between<'a>(text: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{name}>"), format!("</{name}>"));
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(&open)? + open.len();
        let end = start + rest[start..].find(&close)?;
        let found = &rest[start..end];
        rest = &rest[end..];
        Some(found)
    })
}

fn without_comments(text: &str) -> String {
    let mut found = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, comment)) = rest.split_once("<!--") {
        found.push_str(before);
        rest = comment.split_once("-->").map_or("", |(_, behind)| behind);
    }
    found.push_str(rest);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read() {
        let text = "<project><!-- <module>x</module> -->\n<parent><artifactId>boot</artifactId><relativePath/></parent>\n\
                    <modules><module>a</module><module> b </module></modules></project>";
        let found = read(text).expect("it is read");
        assert_eq!(found.modules, ["a", "b"]);
        assert_eq!(found.parent, Some(Parent { artifact: "boot".to_owned(), relative_path: Some(String::new()) }));
        assert!(!found.has_local);
        assert!(read("<project><systemPath>x</systemPath></project>").expect("it is read").has_local);
        assert_eq!(read("x"), None);
    }
}
