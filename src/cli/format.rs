//! Formats of reports.

use anyhow::Result;
use clap::{Args, ValueEnum};

use crate::report::{FileReport, github, gitlab, html, json, markdown, rdjson, sarif};

/// How to report.
#[derive(Clone, Copy, Args)]
pub(crate) struct Reporting {
    /// How to report
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
    /// With --format github: print a review with suggestions, the body of a request to GitHub, instead of annotations
    #[arg(long)]
    suggestions: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
    /// For code scanning, SARIF 2.1.0
    Sarif,
    /// A comment on a pull request
    Markdown,
    /// Annotations of a GitHub workflow
    Github,
    /// GitLab's code quality report
    Gitlab,
    /// For reviewdog
    Rdjson,
    /// A page to look at
    Html,
}

impl Reporting {
    /// The whole report; `None` for text, which is printed file by file.
    pub(super) fn render(self, files: &[FileReport]) -> Result<Option<String>> {
        Ok(Some(match self.format {
            Format::Text => return Ok(None),
            Format::Json => json::render(files)?,
            Format::Sarif => sarif::render(files)?,
            Format::Markdown => markdown::render(files),
            Format::Github if self.suggestions => github::suggestions(files)?,
            Format::Github => github::annotations(files),
            Format::Gitlab => gitlab::render(files)?,
            Format::Rdjson => rdjson::render(files)?,
            Format::Html => html::render(files),
        }))
    }

    /// Checks that the flags fit together.
    pub(super) fn check(self) -> Result<Self> {
        if self.suggestions && self.format != Format::Github {
            anyhow::bail!("--suggestions needs --format github");
        }
        Ok(self)
    }
}
