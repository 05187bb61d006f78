//! `imgopt lock`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args;

use super::discover::{self, Verdict};
use super::terminal::{Stream, Terminal};
use super::{Exit, run};
use crate::config::Configs;
use crate::context::BuildContext;
use crate::lock::{self, Lock, Pin};
use crate::model::body::BodyCache;
use crate::model::{Base, Model};
use crate::registry::{Client, Credentials};
use crate::report::printable;
use crate::syntax;
use crate::syntax::image::ImageReference;

pub(super) const AFTER_HELP: &str = "\
Asks the registries of the base images, with the credentials of `docker login`. The lock is written when every image has \
an answer, and stays as it is otherwise.";

#[derive(Args)]
pub(super) struct Command {
    /// Dockerfiles, directories to search, or `-` for standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// The lock
    #[arg(long, value_name = "FILE", default_value = lock::NAME)]
    lock: PathBuf,
    /// Ask for the images that the lock has, too
    #[arg(long)]
    update: bool,
    /// Seconds that a registry may take for an answer
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let mut lock = Lock::read(&command.lock).with_context(|| command.lock.display().to_string())?;
    let credentials = Credentials::of_docker().context("cannot read the credentials of docker")?;
    let client = Client::new(credentials, Duration::from_secs(command.timeout));
    let images = images(&command.paths)?;
    let wanted: Vec<&ImageReference> =
        images.values().filter(|image| command.update || lock.pin(image).is_none()).collect();
    let answers = run::in_parallel(&wanted, |image| client.index_digest(image))?;
    let mut failed = false;
    for (image, answer) in wanted.iter().zip(answers) {
        match answer {
            Ok(digest) => lock.set(image, Pin { digest, date: today() }),
            Err(error) => {
                failed = true;
                terminal.error(&anyhow::anyhow!("{image}: {error}"));
            }
        }
    }
    if failed {
        return Ok(Exit::Failed);
    }
    if !wanted.is_empty() {
        lock.write(&command.lock)?;
    }
    let text = format!("{}: {} of {} images asked for", command.lock.display(), wanted.len(), images.len());
    terminal.note(Stream::Stdout, &(printable(&text) + "\n"))?;
    Ok(Exit::Done)
}

/// The base images of the Dockerfiles that have no digest yet, each once.
fn images(paths: &[PathBuf]) -> Result<BTreeMap<String, ImageReference>> {
    let mut images = BTreeMap::new();
    for found in discover::discover(paths, false, &Configs::default())? {
        let name = found.path.display().to_string();
        let read = match &found.verdict {
            Verdict::Read => run::read((!found.is_stdin()).then_some(&found.path)),
            Verdict::Skip(_) => continue,
            Verdict::Fail(failure) => Err(failure.clone()),
        };
        let text = read.map_err(|failure| anyhow::anyhow!("{name}: {}", failure.message))?;
        let parsed = syntax::parse(&text);
        let context = BuildContext::unknown();
        let bodies = BodyCache::default();
        let model = Model::build(&text, &parsed.dockerfile, &context, &bodies);
        for stage in &model.stages {
            if let Base::Image(image) = &stage.base
                && image.digest.is_none()
            {
                images.insert(image.to_string(), image.clone());
            }
        }
    }
    Ok(images)
}

/// The day in UTC, `YYYY-MM-DD`.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    date(seconds / (24 * 60 * 60))
}

/// The date that many days after 1970-01-01, in the Gregorian calendar; years begin in March, so that leap days come last.
fn date(days: u64) -> String {
    let days = days + 719_468;
    let era = days / 146_097;
    let day_of_era = days % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates() {
        for (days, date) in [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (20_777, "2026-11-20"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(super::date(days), date);
        }
    }
}
