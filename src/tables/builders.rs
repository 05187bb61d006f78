//! What builders other than BuildKit read: `builders.yaml`.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde::Deserialize;

use super::{Source, TableError, decode_file, shipped};

/// Syntax that not every builder reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Syntax {
    /// A heredoc.
    Heredoc,
    /// `RUN --mount=type=bind`.
    MountBind,
    /// `RUN --mount=type=cache`.
    MountCache,
    /// `RUN --mount=type=secret`.
    MountSecret,
    /// `RUN --mount=type=ssh`.
    MountSsh,
    /// `RUN --mount=type=tmpfs`.
    MountTmpfs,
    /// `RUN --network`.
    Network,
    /// `RUN --security`.
    Security,
    /// `COPY --chmod`.
    Chmod,
    /// `COPY --link`.
    Link,
    /// `COPY --parents`.
    Parents,
    /// `COPY --exclude`.
    Exclude,
    /// `ADD --checksum`.
    Checksum,
    /// `ADD --keep-git-dir`.
    KeepGitDir,
}

impl Syntax {
    /// How it is written.
    #[must_use]
    pub const fn written(self) -> &'static str {
        match self {
            Self::Heredoc => "a heredoc",
            Self::MountBind => "`--mount=type=bind`",
            Self::MountCache => "`--mount=type=cache`",
            Self::MountSecret => "`--mount=type=secret`",
            Self::MountSsh => "`--mount=type=ssh`",
            Self::MountTmpfs => "`--mount=type=tmpfs`",
            Self::Network => "`--network`",
            Self::Security => "`--security`",
            Self::Chmod => "`--chmod`",
            Self::Link => "`--link`",
            Self::Parents => "`--parents`",
            Self::Exclude => "`--exclude`",
            Self::Checksum => "`--checksum`",
            Self::KeepGitDir => "`--keep-git-dir`",
        }
    }
}

/// A builder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuilderRow {
    /// Its name.
    pub builder: String,
    /// Its other names.
    pub also: Vec<String>,
    /// What it reads.
    pub knows: BTreeSet<Syntax>,
    /// Where that is from.
    pub source: Source,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BuildersFile {
    builders: Vec<BuilderRow>,
}

/// Decodes the table.
///
/// # Errors
/// If it cannot be used.
pub fn decode_builders(text: &str) -> Result<Vec<BuilderRow>, TableError> {
    decode_file("builders.yaml", text).map(|file: BuildersFile| file.builders)
}

/// Whether a builder, which is not BuildKit, is known to read the syntax.
#[must_use]
pub fn builder_knows(builder: &str, syntax: Syntax) -> bool {
    static TABLE: OnceLock<Vec<BuilderRow>> = OnceLock::new();
    let table = TABLE.get_or_init(|| decode_builders(shipped("builders.yaml")).unwrap_or_default());
    let row = table.iter().find(|row| row.builder == builder || row.also.iter().any(|name| name == builder));
    row.is_some_and(|row| row.knows.contains(&syntax))
}
