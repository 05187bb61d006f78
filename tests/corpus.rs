//! Every file of `$IMGOPT_SHARED/corpus/files`, or of `IMGOPT_CORPUS`, goes through all passes.
//!
//! Items tile the file, the output is accepted, a second run changes nothing, no pass is refused by validation, nothing
//! panics. `cargo test --release --test corpus -- --nocapture` prints rewrites and declines by pass.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are the point")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use imgopt::context::{BuildContext, Surroundings};
use imgopt::model::Model;
use imgopt::model::body::BodyCache;
use imgopt::model::named;
use imgopt::rewrite::Level;
use imgopt::{Options, optimize, syntax};
use rayon::prelude::*;

fn files() -> Option<Vec<PathBuf>> {
    let folder = match (std::env::var_os("IMGOPT_CORPUS"), std::env::var_os("IMGOPT_SHARED")) {
        (Some(corpus), _) => PathBuf::from(corpus),
        (None, Some(shared)) => PathBuf::from(shared).join("corpus/files"),
        (None, None) => {
            eprintln!("skipped: neither IMGOPT_CORPUS nor IMGOPT_SHARED names a folder of Dockerfiles");
            return None;
        }
    };
    let mut files = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the corpus can be read") {
            let entry = entry.expect("the corpus can be read");
            if entry.file_type().expect("the corpus can be read").is_dir() {
                folders.push(entry.path());
            } else if entry.file_name().to_string_lossy().contains("ockerfile") {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Some(files)
}

#[derive(Default)]
struct Tally {
    files: usize,
    rewritten: usize,
    /// Rewrites, files with one, declines by pass.
    passes: BTreeMap<&'static str, [usize; 3]>,
    reasons: BTreeMap<(&'static str, String), usize>,
    failures: Vec<String>,
}

impl Tally {
    fn merge(mut self, other: Self) -> Self {
        self.files += other.files;
        self.rewritten += other.rewritten;
        for (pass, counts) in other.passes {
            let mine = self.passes.entry(pass).or_default();
            mine.iter_mut().zip(counts).for_each(|(mine, other)| *mine += other);
        }
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self.failures.extend(other.failures);
        self
    }
}

fn examine(path: &PathBuf) -> Tally {
    let mut tally = Tally::default();
    let Ok(source) = String::from_utf8(std::fs::read(path).expect("the corpus can be read")) else { return tally };
    tally.files = 1;
    let mut fail = |what: String| tally.failures.push(format!("{}: {what}", path.display()));
    let tiled: String = syntax::parse(&source).dockerfile.items.iter().map(|item| item.span.of(&source)).collect();
    if tiled != source {
        fail("the items do not tile the file".to_owned());
    }
    let outcome = optimize(&source, &BuildContext::unknown(), &Options::default());
    for violation in &outcome.violations {
        fail(format!("{}: {}", violation.pass, violation.message));
    }
    if outcome.changed() {
        if syntax::parse(&outcome.optimized).has_errors() {
            fail("the output is not accepted".to_owned());
        }
        let second = optimize(&outcome.optimized, &BuildContext::unknown(), &Options::default());
        if second.changed() {
            let first = second.applied.first().map_or("", |applied| applied.message.as_str());
            fail(format!("a second run changes it again: {first}"));
        }
        tally.rewritten = 1;
    }
    for applied in &outcome.applied {
        tally.passes.entry(applied.pass).or_default()[0] += 1;
    }
    for pass in outcome.applied.iter().map(|applied| applied.pass).collect::<std::collections::BTreeSet<_>>() {
        tally.passes.entry(pass).or_default()[1] += 1;
    }
    for declined in &outcome.declined {
        tally.passes.entry(declined.pass).or_default()[2] += 1;
        *tally.reasons.entry((declined.pass, general(&declined.reason))).or_default() += 1;
    }
    tally
}

/// The reason without what is special to the place.
fn general(reason: &str) -> String {
    reason.split('`').enumerate().map(|(at, part)| if at % 2 == 0 { part } else { "…" }).collect()
}

#[test]
fn every_file_comes_out_right() {
    let Some(files) = files() else { return };
    let tally = files.par_iter().map(examine).reduce(Tally::default, Tally::merge);
    println!("{} files, {} rewritten", tally.files, tally.rewritten);
    println!("{:18} {:>9} {:>7} {:>9}", "pass", "rewrites", "files", "declines");
    for (pass, [rewrites, files, declines]) in &tally.passes {
        println!("{pass:18} {rewrites:>9} {files:>7} {declines:>9}");
    }
    let mut reasons: Vec<_> = tally.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for ((pass, reason), count) in reasons.iter().take(40) {
        println!("{count:>6} {pass}: {reason}");
    }
    for failure in tally.failures.iter().take(60) {
        println!("{failure}");
    }
    assert!(tally.failures.is_empty(), "{} failures", tally.failures.len());
}

/// Whom the images of a folder run as, and what holds `non-root-user` back.
#[derive(Default)]
struct Users {
    images: usize,
    unknown: usize,
    root_before: usize,
    /// Images that run as root afterwards, by level.
    root_after: [usize; LEVELS.len()],
    /// Why it is left alone at the highest level.
    reasons: BTreeMap<String, usize>,
}

const LEVELS: [Level; 3] = [Level::Safe, Level::Guarded, Level::Breaking];

impl Users {
    fn merge(mut self, other: Self) -> Self {
        self.images += other.images;
        self.unknown += other.unknown;
        self.root_before += other.root_before;
        self.root_after.iter_mut().zip(other.root_after).for_each(|(mine, other)| *mine += other);
        for (reason, count) in other.reasons {
            *self.reasons.entry(reason).or_default() += count;
        }
        self
    }
}

/// The reason without numbers of lines and ports.
fn without_numbers(reason: &str) -> String {
    let mut text = String::new();
    for c in reason.chars() {
        match c.is_ascii_digit() {
            true if text.ends_with('#') => {}
            true => text.push('#'),
            false => text.push(c),
        }
    }
    text
}

/// Whether the image of the last stage runs as root; `None` when that is not known or there is no such stage.
fn runs_as_root(source: &str, context: &BuildContext) -> Option<bool> {
    let parsed = syntax::parse(source);
    let cache = BodyCache::default();
    let model = Model::build(source, &parsed.dockerfile, context, &cache);
    let user = model.final_user(model.final_stage()?)?.split(':').next()?;
    Some(matches!(user, "" | "0" | "root"))
}

fn users_of(path: &PathBuf) -> Users {
    let mut users = Users::default();
    let Ok(source) = String::from_utf8(std::fs::read(path).expect("the corpus can be read")) else { return users };
    let parsed = syntax::parse(&source);
    if parsed.has_errors() {
        return users;
    }
    let context = match std::env::var_os("IMGOPT_CONTEXTS") {
        Some(_) => named::context(path, &source, None, &Surroundings::default()),
        None => BuildContext::unknown(),
    };
    users.images = 1;
    let Some(is_root) = runs_as_root(&source, &context) else {
        users.unknown = 1;
        return users;
    };
    if !is_root {
        return users;
    }
    users.root_before = 1;
    for (level, after) in LEVELS.into_iter().zip(&mut users.root_after) {
        let only = ["non-root-user".to_owned()].into();
        let outcome = optimize(&source, &context, &Options { level, only, ..Options::default() });
        *after = usize::from(runs_as_root(&outcome.optimized, &context) != Some(false));
        if level == Level::Breaking {
            for declined in &outcome.declined {
                *users.reasons.entry(without_numbers(&general(&declined.reason))).or_default() += 1;
            }
        }
    }
    users
}

/// Prints, as Markdown, how many images run as root before and after, and why they still do. `IMGOPT_CONTEXTS=1` looks for build
/// contexts around the files.
#[test]
fn images_run_as_root_less_often() {
    let Some(files) = files() else { return };
    let users = files.par_iter().map(users_of).reduce(Users::default, Users::merge);
    let known = (users.images - users.unknown).max(1);
    let share = |count: usize| format!("{count} ({:.1} %)", 100.0 * count as f64 / known as f64);
    println!("{} images, of {} of them the user is known.\n", users.images, users.images - users.unknown);
    println!("| | images that run as root |\n|---|--:|");
    println!("| before | {} |", share(users.root_before));
    for (level, count) in LEVELS.into_iter().zip(users.root_after) {
        println!("| after, {level} | {} |", share(count));
        assert!(count <= users.root_before, "{level}");
    }
    println!("\n`non-root-user` at level breaking leaves an image alone because:\n");
    let mut reasons: Vec<_> = users.reasons.iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (reason, count) in reasons.iter().take(20) {
        println!("- {count}: {reason}");
    }
}
