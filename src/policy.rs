//! What a project and its organisation say of base images: the digests that are pinned, and the images that are approved;
//! and the rows that they add to the tables.
//!
//! It belongs to the build context of a Dockerfile, so that passes and validator read the same.

mod pattern;

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::lock::{Lock, Pin};
use crate::syntax::image::ImageReference;
use crate::tables::OwnTables;
pub use pattern::{Day, ImagePattern};

/// What is said of the base images of a Dockerfile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Which index each tag named: `imgopt.lock`.
    pub pins: Lock,
    /// Which images are approved: `bases:` in `imgopt.yaml`.
    pub bases: Bases,
    /// Rows beside those of the built-in tables: `tables:` in `imgopt.yaml`.
    pub tables: OwnTables,
    /// The day of the run, `YYYY-MM-DD`. Without one, no image is past its end of life, and what has a date is not in force.
    pub today: Option<String>,
    /// Whether an image that is not approved is an error.
    pub enforced: bool,
    /// Which user images run as: `user:` in `imgopt.yaml`.
    pub user: User,
}

/// Which user images run as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct User {
    /// The number of an account that is made, and of its group; 10001 when nothing is said.
    pub uid: Option<u32>,
    /// Whether USER has numbers in place of names, as `runAsNonRoot` of Kubernetes needs it; no when nothing is said.
    pub numeric: Option<bool>,
}

impl User {
    /// Takes over what `nearer` says.
    pub fn extend(&mut self, nearer: &Self) {
        self.uid = nearer.uid.or(self.uid);
        self.numeric = nearer.numeric.or(self.numeric);
    }
}

/// Which base images are approved.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, expecting = "a mapping")]
pub struct Bases {
    /// Patterns of images that may be used, such as `python:3.*-slim` or `registry.example.com/**`; all when nothing is
    /// said. `*` is any text without `/`, `**` any text; without a tag, every tag is meant.
    pub allowed: Vec<ImagePattern>,
    /// Images that take the place of others; the first that fits counts.
    pub replace: Vec<Replacement>,
    /// Where images of a registry, or below a path of one, are found as well: `docker.io: registry.example.com/hub`.
    pub mirrors: BTreeMap<String, String>,
    /// Words of which the tag of an image has to have one, such as `python: [slim, alpine]`.
    pub variants: BTreeMap<ImagePattern, Vec<String>>,
}

/// An image that takes the place of another one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(try_from = "Written")]
#[cfg_attr(test, schemars(with = "Written"))]
pub struct Replacement {
    /// What is replaced.
    pub image: ImagePattern,
    /// What takes its place.
    by: String,
    /// The first day on which the old image is an error for `check`; without one, it is an error now.
    pub from: Option<Day>,
    /// What differs between the two.
    pub names: Names,
}

/// What accounts and packages of one image are called in the one that takes its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Accounts and groups.
    pub users: BTreeMap<String, String>,
    /// Packages of the distribution; none where there is nothing to install.
    pub packages: BTreeMap<String, Vec<String>>,
}

/// A replacement as it is written.
#[derive(Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, expecting = "a mapping with `image` and `by`")]
struct Written {
    /// Pattern of the images that are replaced, such as `python:*`.
    image: ImagePattern,
    /// What takes their place; each `*` or `**` is what the one at its place in `image` stands for. Without a tag, the tag stays.
    by: String,
    /// The first day, `YYYY-MM-DD`, on which the old image is an error for `check`; without one, it is an error now.
    #[serde(default)]
    from: Option<Day>,
    /// What accounts and groups of the old image are called in the new one: `node: app`.
    #[serde(default)]
    users: BTreeMap<String, String>,
    /// What packages are called for the package manager of the new image: a name, several with spaces between, or `none` where
    /// there is nothing to install.
    #[serde(default)]
    packages: BTreeMap<String, String>,
}

impl TryFrom<Written> for Replacement {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let Written { image, by, from, users, packages } = written;
        let is_name = |text: &str| {
            text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"._+-".contains(&c))
        };
        if let Some(name) = users.iter().flat_map(|(old, new)| [old, new]).find(|name| !is_name(name)) {
            return Err(format!("`{name}` is no name of an account"));
        }
        let names = |text: &str| -> Vec<String> {
            if text == "none" { Vec::new() } else { text.split_whitespace().map(str::to_owned).collect() }
        };
        let packages: BTreeMap<String, Vec<String>> =
            packages.iter().map(|(old, new)| (old.clone(), names(new))).collect();
        if let Some(name) = packages.iter().flat_map(|(old, new)| new.iter().chain([old])).find(|name| !is_name(name)) {
            return Err(format!("`{name}` is no name of a package"));
        }
        let replacement = Self { image, by, from, names: Names { users, packages } };
        let example = replacement.filled(&vec!["x"; replacement.image.stars()], Some("x"));
        match example.map(|text| text.parse::<ImageReference>()) {
            Some(Ok(_)) => Ok(replacement),
            Some(Err(error)) => Err(format!("`{}` is no image: {error}", replacement.by)),
            None => Err(format!("`{}` has more `*` than `{}`", replacement.by, replacement.image)),
        }
    }
}

impl Replacement {
    fn of(&self, image: &ImageReference) -> Option<ImageReference> {
        let captures = self.image.captures(image)?;
        let captures: Vec<&str> = captures.iter().map(String::as_str).collect();
        self.filled(&captures, image.tag.as_deref())?.parse().ok()
    }

    /// The replacement with each star filled; `None` when there are too few.
    fn filled(&self, captures: &[&str], tag: Option<&str>) -> Option<String> {
        let mut captures = captures.iter();
        let mut text = String::new();
        for part in pattern::parts(&self.by) {
            match part {
                pattern::Part::Text(part) => text.push_str(part),
                pattern::Part::Star { .. } => text.push_str(captures.next()?),
            }
        }
        if pattern::split(&text).1.is_none()
            && let Some(tag) = tag
        {
            text.push(':');
            text.push_str(tag);
        }
        Some(text)
    }
}

/// An image that is to stand in place of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// It.
    pub image: ImageReference,
    /// Whether it is the same image at another place.
    pub mirrored: bool,
    /// The first day on which the old one is an error.
    pub from: Option<Day>,
    /// What differs between the two.
    pub names: Names,
}

/// An image that is not approved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Why.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Whether it is in force.
    pub in_force: bool,
}

impl Policy {
    /// What is to stand in place of the image.
    #[must_use]
    pub fn wanted(&self, image: &ImageReference) -> Option<Wanted> {
        let wanted = self.next(image)?;
        // A replacement that would be replaced again has no end.
        self.next(&wanted.image).is_none().then_some(wanted)
    }

    fn next(&self, image: &ImageReference) -> Option<Wanted> {
        let replacement = self.bases.replace.iter().find_map(|row| Some((row.of(image)?, row)));
        let wanted = match replacement {
            Some((image, row)) => Wanted { image, mirrored: false, from: row.from.clone(), names: row.names.clone() },
            None => Wanted { image: self.bases.mirrored(image)?, mirrored: true, from: None, names: Names::default() },
        };
        (wanted.image.to_string() != image.to_string()).then_some(wanted)
    }

    /// Why the image is not approved.
    #[must_use]
    pub fn objection(&self, image: &ImageReference) -> Option<Objection> {
        let name = image.to_string();
        if let Some(wanted) = self.wanted(image) {
            let since = wanted.from.as_ref().map(|day| format!(" from {day} on")).unwrap_or_default();
            return Some(Objection {
                message: format!("`{name}` is to be replaced by `{}`{since}", wanted.image),
                hint: "`imgopt rewrite` does it, or says what it takes".to_owned(),
                in_force: wanted
                    .from
                    .is_none_or(|day| self.today.as_deref().is_some_and(|today| day.0.as_str() <= today)),
            });
        }
        let objection = |message, hint| Some(Objection { message, hint, in_force: true });
        let allowed = &self.bases.allowed;
        if !allowed.is_empty() && !allowed.iter().any(|pattern| pattern.captures(image).is_some()) {
            let list: Vec<String> = allowed.iter().map(|pattern| format!("`{pattern}`")).collect();
            return objection(format!("`{name}` is no approved base image"), format!("use one of {}", list.join(", ")));
        }
        let tag = image.tag.as_deref().unwrap_or("latest");
        let has = |word: &String| {
            tag.split(['-', '_'])
                .any(|part| part.trim_end_matches(|last: char| last.is_ascii_digit() || last == '.') == word)
        };
        let rule = self
            .bases
            .variants
            .iter()
            .find(|(pattern, words)| pattern.captures(image).is_some() && !words.iter().any(has));
        let (_, words) = rule?;
        let list: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        objection(format!("`{name}` is no approved variant"), format!("use a tag with {}", list.join(" or ")))
    }

    /// The image that the tables know it as: a mirror has the same images, and the index that a tag is pinned to is what the
    /// tag named on the day of the pin.
    #[must_use]
    pub fn known_as(&self, image: &ImageReference) -> ImageReference {
        self.bases.unmirrored(image).unwrap_or_else(|| image.clone())
    }

    /// The index that the tag of the image named, also where a mirror has it.
    #[must_use]
    pub fn pin(&self, image: &ImageReference) -> Option<&Pin> {
        self.pins.pin(image).or_else(|| self.pins.pin(&self.known_as(image)))
    }

    /// The day on which the digest was pinned, if the lock has it for the tag.
    #[must_use]
    pub fn pinned_on(&self, image: &ImageReference) -> Option<&str> {
        let pin = self.pin(image)?;
        (image.digest.as_deref() == Some(pin.digest.as_str())).then_some(pin.date.as_str())
    }
}

impl Bases {
    /// Takes over what a nearer file says: its lists in place of others, its mirrors and variants one by one.
    pub fn extend(&mut self, nearer: &Self) {
        if !nearer.allowed.is_empty() {
            self.allowed.clone_from(&nearer.allowed);
        }
        if !nearer.replace.is_empty() {
            self.replace.clone_from(&nearer.replace);
        }
        self.mirrors.extend(nearer.mirrors.clone());
        self.variants.extend(nearer.variants.clone());
    }

    /// The keys of which `nearer` says something else.
    pub fn changed_by(&self, nearer: &Self) -> impl Iterator<Item = &'static str> {
        let mirrors = nearer.mirrors.iter().any(|(from, to)| self.mirrors.get(from) != Some(to));
        let variants = nearer.variants.iter().any(|(image, words)| self.variants.get(image) != Some(words));
        let keys = [
            ("allowed", !nearer.allowed.is_empty() && nearer.allowed != self.allowed),
            ("mirrors", mirrors),
            ("replace", !nearer.replace.is_empty() && nearer.replace != self.replace),
            ("variants", variants),
        ];
        keys.into_iter().filter_map(|(key, is_changed)| is_changed.then_some(key))
    }

    /// The image where its mirror has it.
    #[must_use]
    pub fn mirrored(&self, image: &ImageReference) -> Option<ImageReference> {
        moved(image, self.mirrors.iter().map(|(from, to)| (from.as_str(), to.as_str())))
    }

    /// The image that a mirror has.
    fn unmirrored(&self, image: &ImageReference) -> Option<ImageReference> {
        moved(image, self.mirrors.iter().map(|(from, to)| (to.as_str(), from.as_str())))
    }
}

/// Whether the text is a registry, or a path of one: `docker.io`, `registry.example.com/hub`.
#[must_use]
pub fn is_place(text: &str) -> bool {
    let image = format!("{}/image", text.trim_end_matches('/')).parse::<ImageReference>();
    image.is_ok() && !text.contains(|c: char| c.is_ascii_uppercase())
}

/// The image with its longest prefix in the list replaced.
#[must_use]
pub fn moved<'a>(image: &ImageReference, prefixes: impl Iterator<Item = (&'a str, &'a str)>) -> Option<ImageReference> {
    let name = image.name();
    let rest = |from: &str| name.strip_prefix(from.trim_end_matches('/'))?.strip_prefix('/').map(str::to_owned);
    let (_, rest, to) =
        prefixes.filter_map(|(from, to)| Some((from.len(), rest(from)?, to))).max_by_key(|(length, ..)| *length)?;
    let tag = image.tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
    let digest = image.digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
    format!("{}/{rest}{tag}{digest}", to.trim_end_matches('/')).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> ImageReference {
        text.parse().expect("a reference")
    }

    fn policy(bases: &str) -> Policy {
        Policy { bases: serde_yaml::from_str(bases).expect("it decodes"), ..Policy::default() }
    }

    #[track_caller]
    fn check_wanted(bases: &str, from: &str, expected: Option<&str>) {
        let wanted = policy(bases).wanted(&image(from)).map(|wanted| wanted.image.to_string());
        assert_eq!(wanted.as_deref(), expected, "{from}");
    }

    #[test]
    fn replacements() {
        let bases =
            "replace: [{image: 'python:*', by: 'registry.example.com/python:*'}, {image: node, by: example/node}]";
        check_wanted(bases, "python:3.12-slim", Some("registry.example.com/python:3.12-slim"));
        check_wanted(bases, "docker.io/library/python", Some("registry.example.com/python:latest"));
        check_wanted(bases, "node:22", Some("example/node:22"));
        check_wanted(bases, "example/python:3.12", None);
        check_wanted("replace: [{image: '**:*', by: 'example.com/**:*'}]", "ghcr.io/a/b:1", None);
        check_wanted(
            "replace: [{image: 'docker.io/**:*', by: 'example.com/**:*'}]",
            "a/b:1",
            Some("example.com/a/b:1"),
        );
    }

    #[test]
    fn names_of_replacements() {
        let read =
            |row: &str| serde_yaml::from_str::<Bases>(&format!("replace: [{{image: node, by: example/node, {row}}}]"));
        let bases = read("users: {node: app}, packages: {libpq5: libpq, gcc: 'gcc musl-dev', apt-utils: none}")
            .expect("it decodes");
        let names = &bases.replace[0].names;
        assert_eq!(names.users["node"], "app");
        assert_eq!(names.packages["gcc"], ["gcc", "musl-dev"]);
        assert!(names.packages["apt-utils"].is_empty());
        let error = |row: &str| read(row).expect_err("it cannot be used").to_string();
        assert!(error("users: {node: 'a b'}").contains("`a b` is no name of an account"));
        assert!(error("packages: {gcc: 'gcc && reboot'}").contains("`&&` is no name of a package"));
    }

    #[test]
    fn mirrors() {
        let bases = "mirrors: {docker.io: example.com/hub, docker.io/library: example.com/official}";
        check_wanted(bases, "python:3.12", Some("example.com/official/python:3.12"));
        check_wanted(bases, "a/b", Some("example.com/hub/a/b"));
        check_wanted(bases, "ghcr.io/a/b", None);
        assert_eq!(policy(bases).known_as(&image("example.com/official/python:3.12")).to_string(), "python:3.12");
    }

    #[test]
    fn objections() {
        let bases = "allowed: ['python:3.*', 'example.com/**']\nvariants: {python: [slim, alpine]}";
        let message = |name: &str| policy(bases).objection(&image(name)).map(|objection| objection.message);
        assert_eq!(message("python:3.12-slim"), None);
        assert_eq!(message("python:3.12-alpine3.20"), None);
        assert_eq!(message("example.com/a/b:1"), None);
        assert_eq!(message("python:3.12").as_deref(), Some("`python:3.12` is no approved variant"));
        assert_eq!(message("python:2.7-slim").as_deref(), Some("`python:2.7-slim` is no approved base image"));
        assert_eq!(message("node").as_deref(), Some("`node` is no approved base image"));
    }

    #[test]
    fn dates() {
        let bases = "replace: [{image: node, by: example/node, from: 2026-12-01}]";
        let in_force = |today: Option<&str>| {
            let policy = Policy { today: today.map(str::to_owned), ..policy(bases) };
            policy.objection(&image("node:22")).expect("an objection").in_force
        };
        assert!(!in_force(None) && !in_force(Some("2026-11-30")) && in_force(Some("2026-12-01")));
    }
}
