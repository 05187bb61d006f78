//! Standard output and standard error: colours, quiet and verbose runs.

use std::io::{self, Write};

use anstream::{AutoStream, ColorChoice};
use anyhow::Result;
use clap::{Args, ValueEnum};

use super::Reporting;
use crate::report::text::Detail;
use crate::report::{FileReport, Summary, text};

/// Flags of all commands.
#[derive(Args)]
#[command(next_help_heading = "General options")]
pub(crate) struct Flags {
    /// Print errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    quiet: bool,
    /// List the places that were left alone, too
    #[arg(short, long, global = true)]
    verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

#[derive(Clone, Copy, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

/// Where a text goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// How to print.
pub(crate) struct Terminal {
    quiet: bool,
    verbose: bool,
    explain: bool,
}

impl Terminal {
    pub(crate) fn new(flags: &Flags) -> Self {
        match flags.color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        }
        .write_global();
        Self { quiet: flags.quiet, verbose: flags.verbose, explain: false }
    }

    /// The same, for reports that say of every place why a pass acted there or did not, if `explain`.
    pub(crate) const fn explaining(&self, explain: bool) -> Self {
        Self { quiet: self.quiet, verbose: self.verbose || explain, explain }
    }

    /// How texts for the stream look.
    pub(crate) fn style(&self, stream: Stream) -> text::Style {
        let choice = match stream {
            Stream::Stdout => AutoStream::choice(&io::stdout()),
            Stream::Stderr => AutoStream::choice(&io::stderr()),
        };
        text::Style {
            styled: choice != ColorChoice::Never,
            verbose: self.verbose,
            explain: self.explain,
            ..text::Style::default()
        }
    }

    /// Prints what was asked for, also in a quiet run. Without colours, every byte goes out as it is.
    pub(crate) fn print(&self, stream: Stream, text: &str) -> io::Result<()> {
        let mut out: Box<dyn Write> = match (stream, self.style(stream).styled) {
            (Stream::Stdout, true) => Box::new(anstream::stdout().lock()),
            (Stream::Stdout, false) => Box::new(io::stdout().lock()),
            (Stream::Stderr, true) => Box::new(anstream::stderr().lock()),
            (Stream::Stderr, false) => Box::new(io::stderr().lock()),
        };
        out.write_all(text.as_bytes())?;
        out.flush()
    }

    /// Prints what is good to know.
    pub(crate) fn note(&self, stream: Stream, text: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.print(stream, text) }
    }

    /// Prints an error that ends the program.
    pub(crate) fn error(&self, error: &anyhow::Error) {
        let text = text::error(&format!("{error:#}"), None, self.style(Stream::Stderr));
        // Nobody is left to tell when standard error is closed.
        let _ = self.print(Stream::Stderr, &text);
    }

    /// Prints a report: errors to standard error, all the rest to `stream`.
    pub(crate) fn report(
        &self,
        files: &[FileReport],
        reporting: Reporting,
        stream: Stream,
        detail: Detail,
    ) -> Result<()> {
        if let Some(text) = reporting.render(files)? {
            self.print(stream, &text)?;
            return Ok(self.failures(files)?);
        }
        Ok(self.text_report(files, stream, detail, |_| Ok(()))?)
    }

    /// Prints the text report of all files; `then` is called after each. Reports of several lines stand apart.
    pub(crate) fn text_report(
        &self,
        files: &[FileReport],
        stream: Stream,
        detail: Detail,
        then: impl Fn(&FileReport) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut after_block = false;
        for (index, file) in files.iter().enumerate() {
            let text = text::file(file, text::Style { detail, ..self.style(stream) });
            let is_block = text.lines().nth(1).is_some();
            if index > 0 && (is_block || after_block) {
                self.note(stream, "\n")?;
            }
            after_block = is_block;
            self.note(stream, &text)?;
            self.failures(std::slice::from_ref(file))?;
            then(file)?;
        }
        match files {
            [] => self.note(stream, "no Dockerfile changed\n"),
            [_] => Ok(()),
            _ if after_block => self.note(stream, &format!("\n{}", text::summary(&Summary::of(files)))),
            _ => self.note(stream, &text::summary(&Summary::of(files))),
        }
    }

    /// Prints the errors of a report.
    pub(crate) fn failures(&self, files: &[FileReport]) -> io::Result<()> {
        let style = self.style(Stream::Stderr);
        files
            .iter()
            .filter_map(|file| text::failure(file, style))
            .try_for_each(|text| self.print(Stream::Stderr, &text))
    }
}
