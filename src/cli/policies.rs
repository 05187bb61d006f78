//! What holds for the base images of each Dockerfile: its configuration, and the `imgopt.lock` that is nearest to it.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::Purpose;
use super::discover::is_stdin;
use crate::config::Settings;
use crate::lock::{self, Lock};
use crate::policy::Policy;

/// The policies of a run. Each directory is looked at once.
#[derive(Default)]
pub(super) struct Policies {
    locks: HashMap<PathBuf, Lock>,
}

impl Policies {
    /// What holds for a file.
    pub(super) fn of(&mut self, path: &Path, settings: &Settings, purpose: Purpose) -> Result<Policy> {
        Ok(Policy {
            pins: self.lock(path)?,
            bases: settings.bases.clone(),
            tables: settings.tables.clone(),
            today: Some(today()),
            enforced: purpose == Purpose::Check,
            user: settings.user,
        })
    }

    /// The lock in the directory of the file or the nearest one above it, up to the root of the repository.
    fn lock(&mut self, path: &Path) -> Result<Lock> {
        let parent = if is_stdin(path) { None } else { path.parent() };
        let directory = parent.filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let Ok(directory) = directory.canonicalize() else { return Ok(Lock::default()) };
        if let Some(known) = self.locks.get(&directory) {
            return Ok(known.clone());
        }
        let mut lock = Lock::default();
        for ancestor in directory.ancestors() {
            let path = ancestor.join(lock::NAME);
            if path.is_file() {
                lock = Lock::read(&path).with_context(|| path.display().to_string())?;
                break;
            }
            if ancestor.join(".git").exists() {
                break;
            }
        }
        self.locks.insert(directory, lock.clone());
        Ok(lock)
    }
}

/// The day in UTC, `YYYY-MM-DD`: today, or that of `SOURCE_DATE_EPOCH`, by which builds are reproduced.
pub(super) fn today() -> String {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|seconds| seconds.parse::<u64>().ok());
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // No calendar has use for a day beyond the year 9999.
    date(given.unwrap_or_else(now).min(253_402_300_799) / (24 * 60 * 60))
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
