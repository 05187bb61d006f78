//! Image references, `[registry/]repository[:tag][@digest]`, read and normalised as Docker does.
//!
//! ```
//! use imgopt::syntax::image::ImageReference;
//!
//! let image: ImageReference = "python:3.12-slim".parse().expect("a reference");
//! assert_eq!(image.name(), "docker.io/library/python");
//! assert_eq!(image.official(), Some("python"));
//! assert_eq!(image.tag.as_deref(), Some("3.12-slim"));
//! ```
//!
//! The rules are those of `github.com/distribution/reference`, which BuildKit uses.

use std::fmt;
use std::str::FromStr;

use pest::Parser as _;

use self::grammar::{Grammar, Rule};
use crate::source::Span;

/// The registry of images without one.
pub const DOCKER_HUB: &str = "docker.io";

const OFFICIAL: &str = "library/";

/// Repository names are no longer than this.
const MAX_REPOSITORY: usize = 255;

const MAX_TAG: usize = 128;

/// A reference to an image.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageReference {
    /// Host and port: `docker.io` when none is written.
    pub registry: String,
    /// The path on the registry: `library/python` for the official image `python`.
    pub repository: String,
    /// The tag, if one is written; without tag and digest, Docker takes `latest`.
    pub tag: Option<String>,
    /// The digest, `sha256:…`, which wins over the tag.
    pub digest: Option<String>,
    /// Where the registry and the repository stand in the text.
    pub name_span: Span,
    /// Where the tag stands in the text, without its colon.
    pub tag_span: Option<Span>,
    /// Where the digest stands in the text, without its `@`.
    pub digest_span: Option<Span>,
}

/// Why a text is no image reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// It has not the form of one.
    #[error("invalid reference format")]
    Format,
    /// Names of repositories are lower case.
    #[error("invalid reference format: repository name ({repository}) must be lowercase")]
    UpperCase {
        /// The repository as written.
        repository: String,
    },
    /// The repository has more than 255 bytes.
    #[error("repository name must not be more than {MAX_REPOSITORY} characters")]
    TooLong,
    /// 64 hexadecimal digits name an image by its identifier, which no registry knows.
    #[error("invalid repository name ({name}), cannot specify 64-byte hexadecimal strings")]
    Identifier {
        /// The text as written.
        name: String,
    },
    /// The digest has an algorithm or a length that nobody computes.
    #[error("unsupported or invalid digest ({digest})")]
    Digest {
        /// The digest as written.
        digest: String,
    },
}

mod grammar {
    #[derive(pest_derive::Parser)]
    #[grammar = "grammar/image.pest"]
    pub(super) struct Grammar;
}

impl ImageReference {
    /// Registry and repository: `docker.io/library/python`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The shortest name that means the same: `python`, `bitnami/redis`, `ghcr.io/owner/name`.
    #[must_use]
    pub fn familiar_name(&self) -> String {
        match self.official() {
            Some(name) => name.to_owned(),
            None if self.registry == DOCKER_HUB => self.repository.clone(),
            None => self.name(),
        }
    }

    /// The name of an official image of Docker Hub: `python`.
    #[must_use]
    pub fn official(&self) -> Option<&str> {
        if self.registry != DOCKER_HUB {
            return None;
        }
        self.repository.strip_prefix(OFFICIAL)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.familiar_name())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

impl FromStr for ImageReference {
    type Err = ImageError;

    fn from_str(text: &str) -> Result<Self, ImageError> {
        if text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(ImageError::Identifier { name: text.to_owned() });
        }
        let rule = if has_registry(text) { Rule::qualified } else { Rule::familiar };
        let parsed = Grammar::parse(rule, text).ok().and_then(|mut pairs| pairs.next());
        let reference = parsed.ok_or_else(|| refusal(text))?;
        let mut registry = DOCKER_HUB.to_owned();
        let mut repository = Span::default();
        let mut tag_span = None;
        let mut digest_span = None;
        for pair in reference.into_inner() {
            let span = Span::new(pair.as_span().start(), pair.as_span().end());
            match pair.as_rule() {
                Rule::domain if pair.as_str() != "index.docker.io" => pair.as_str().clone_into(&mut registry),
                Rule::path => repository = span,
                Rule::tag => tag_span = Some(span),
                Rule::digest => digest_span = Some(span),
                _ => {}
            }
        }
        let path = repository.of(text);
        let is_official = registry == DOCKER_HUB && !path.contains('/');
        let name = if is_official { format!("{OFFICIAL}{path}") } else { path.to_owned() };
        if name.len() > MAX_REPOSITORY {
            return Err(ImageError::TooLong);
        }
        if tag_span.is_some_and(|tag| tag.len() > MAX_TAG) {
            return Err(ImageError::Format);
        }
        let digest = digest_span.map(|span| span.of(text));
        if let Some(digest) = digest.filter(|digest| !is_digest(digest)) {
            return Err(ImageError::Digest { digest: digest.to_owned() });
        }
        Ok(Self {
            registry,
            repository: name,
            tag: tag_span.map(|span| span.of(text).to_owned()),
            digest: digest.map(str::to_owned),
            name_span: Span::new(0, repository.end),
            tag_span,
            digest_span,
        })
    }
}

/// Whether the first component of the name is a host: it looks like one, or it cannot be part of a path.
fn has_registry(text: &str) -> bool {
    let Some((first, _)) = text.split_once('/') else { return false };
    first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// What is wrong with a text that the grammar refuses.
fn refusal(text: &str) -> ImageError {
    let path = if has_registry(text) { text.split_once('/').map_or(text, |(_, path)| path) } else { text };
    let end = path.find([':', '@']).unwrap_or(path.len());
    let repository = &path[..end];
    if repository.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return ImageError::UpperCase { repository: repository.to_owned() };
    }
    ImageError::Format
}

/// Whether a digest is one of those that go-digest computes.
fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && !hex.bytes().any(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, registry: &str, repository: &str, tag: Option<&str>, digest: Option<&str>) {
        let image: ImageReference = text.parse().expect(text);
        assert_eq!((image.registry.as_str(), image.repository.as_str()), (registry, repository), "{text}");
        assert_eq!((image.tag.as_deref(), image.digest.as_deref()), (tag, digest), "{text}");
        assert_eq!(image.tag_span.map(|span| span.of(text)), tag, "{text}");
        assert_eq!(image.digest_span.map(|span| span.of(text)), digest, "{text}");
    }

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn names_are_normalised() {
        check("python", "docker.io", "library/python", None, None);
        check("python:3.12-slim", "docker.io", "library/python", Some("3.12-slim"), None);
        check("library/python", "docker.io", "library/python", None, None);
        check("docker.io/python", "docker.io", "library/python", None, None);
        check("index.docker.io/library/python:3", "docker.io", "library/python", Some("3"), None);
        check("bitnami/redis:7", "docker.io", "bitnami/redis", Some("7"), None);
        check("ghcr.io/owner/name/deep:v1.0", "ghcr.io", "owner/name/deep", Some("v1.0"), None);
        check("gcr.io/distroless/base-debian12:nonroot", "gcr.io", "distroless/base-debian12", Some("nonroot"), None);
        check("mcr.microsoft.com/dotnet/sdk:8.0", "mcr.microsoft.com", "dotnet/sdk", Some("8.0"), None);
        check("cgr.dev/chainguard/python:latest-dev", "cgr.dev", "chainguard/python", Some("latest-dev"), None);
    }

    #[test]
    fn hosts_are_told_from_owners() {
        check("localhost/app", "localhost", "app", None, None);
        check("localhost:5000/app:x", "localhost:5000", "app", Some("x"), None);
        check("registry:5000/app", "registry:5000", "app", None, None);
        check("Registry/app", "Registry", "app", None, None);
        check("[::1]:5000/app", "[::1]:5000", "app", None, None);
        check("a-b.example/x__y/z-z.w_v", "a-b.example", "x__y/z-z.w_v", None, None);
        check("localhost5000/app", "docker.io", "localhost5000/app", None, None);
    }

    #[test]
    fn digests_follow_the_tag() {
        check(&format!("alpine@{DIGEST}"), "docker.io", "library/alpine", None, Some(DIGEST));
        check(&format!("alpine:3.20@{DIGEST}"), "docker.io", "library/alpine", Some("3.20"), Some(DIGEST));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        let long_tag = format!("a:{}", "x".repeat(129));
        let long_name = "a".repeat(256);
        let identifier = "0123456789abcdef".repeat(4);
        for (text, error) in [
            ("", ImageError::Format),
            ("a b", ImageError::Format),
            ("a:", ImageError::Format),
            ("a:-x", ImageError::Format),
            ("a@b", ImageError::Format),
            ("-a", ImageError::Format),
            ("a//b", ImageError::Format),
            ("a___b", ImageError::Format),
            ("a/", ImageError::Format),
            ("$image:1", ImageError::Format),
            ("a:b:c", ImageError::Format),
            (&long_tag, ImageError::Format),
            ("Python:3", ImageError::UpperCase { repository: "Python".to_owned() }),
            ("ghcr.io/Owner/name", ImageError::UpperCase { repository: "Owner/name".to_owned() }),
            (&long_name, ImageError::TooLong),
            (&identifier, ImageError::Identifier { name: identifier.clone() }),
            (&format!("a@md5:{}", "0".repeat(32)), ImageError::Digest { digest: format!("md5:{}", "0".repeat(32)) }),
            (
                &format!("a@sha256:{}", "0".repeat(63)),
                ImageError::Digest { digest: format!("sha256:{}", "0".repeat(63)) },
            ),
        ] {
            assert_eq!(text.parse::<ImageReference>(), Err(error), "{text}");
        }
    }

    #[test]
    fn familiar_names_are_short() {
        for (text, familiar) in [
            ("docker.io/library/python:3", "python:3"),
            ("docker.io/bitnami/redis", "bitnami/redis"),
            ("ghcr.io/a/b:1", "ghcr.io/a/b:1"),
        ] {
            assert_eq!(text.parse::<ImageReference>().map(|image| image.to_string()).as_deref(), Ok(familiar));
        }
    }
}
