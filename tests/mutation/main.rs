//! What the validator would let pass: rewritten texts with one mistake in each.
//!
//! A mutant is the text after one round of rewrites with one mutation. The validator is asked whether the steps of that
//! round justify it. A mutant that it accepts is either equivalent, by a rule of [`equivalent`], or a hole in the
//! validator; there is none of the second kind.
//!
//! The files are `everything.Dockerfile` and those of `$IMGOPT_SHARED/corpus/files` and `$IMGOPT_SHARED/apps` that imgopt
//! rewrites, or the project's own cases without the variable. By default the test takes a sample of files and mutants;
//! `IMGOPT_MUTANTS=N` takes all mutants of N files, and `IMGOPT_MUTANTS=all` those of all files. The sample and the
//! mutations come from a fixed seed.
//!
//! ```text
//! IMGOPT_MUTANTS=600 cargo test --release --test mutation -- --nocapture
//! ```

#![allow(clippy::print_stdout, reason = "the figures are the point")]

mod configuration;
mod equivalent;
mod instructions;
mod scripts;
mod subject;
mod timing;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use imgopt::context::BuildContext;
use imgopt::diagnostic::Severity;
use imgopt::model::Model;
use imgopt::model::body::BodyCache;
use imgopt::pipeline::{Round, optimize_observed};
use imgopt::rewrite::Rewrite;
use imgopt::{Options, syntax, validate};
use rayon::prelude::*;

use subject::{Mutant, Mutants, Random, Subject};
use timing::Times;

/// The name of an operator, and what makes its mutants.
type Operator = (&'static str, fn(&Subject<'_>, &mut Mutants));

const SEED: u64 = 20_250_301;

/// Files of the sample that every run looks at, and how many mutants of each round.
const SAMPLE: (usize, usize) = (60, 30);

fn operators() -> impl Iterator<Item = &'static Operator> {
    instructions::OPERATORS.iter().chain(scripts::OPERATORS).chain(configuration::OPERATORS)
}

/// A file that has a bit of everything, and the others in an order that the seed decides: those of the shared folder, or
/// else the project's own cases.
fn files() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let everything = own.join("mutation/everything.Dockerfile");
    let mut folders = match std::env::var_os("IMGOPT_SHARED").map(PathBuf::from) {
        Some(shared) => vec![shared.join("corpus/files"), shared.join("apps")],
        None => {
            println!("IMGOPT_SHARED is not set: only the project's own files are mutated");
            vec![own]
        }
    };
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.expect("the folder can be read");
            if entry.file_type().expect("the folder can be read").is_dir() {
                folders.push(entry.path());
            } else if entry.file_name().to_string_lossy().ends_with("ockerfile") && entry.path() != everything {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    let mut random = Random::new(SEED);
    for last in (1..files.len()).rev() {
        files.swap(last, random.below(last + 1));
    }
    files.insert(0, everything);
    files
}

/// A round with its texts and rewrites kept.
struct Kept {
    pass: &'static str,
    before: String,
    rewrites: Vec<Rewrite>,
    after: String,
}

/// The rounds of a file; `None` for one that is left alone as a whole.
fn rounds(source: &str) -> Option<Vec<Kept>> {
    let mut kept = Vec::new();
    let mut keep = |round: &Round<'_>| {
        kept.push(Kept {
            pass: round.pass,
            before: round.before.to_owned(),
            rewrites: round.rewrites.to_vec(),
            after: round.after.to_owned(),
        });
    };
    let outcome = optimize_observed(source, &BuildContext::unknown(), &Options::default(), &mut keep);
    outcome.skipped.is_none().then_some(kept)
}

/// What became of the mutants of an operator.
#[derive(Clone, Copy, Default)]
struct Fate {
    /// BuildKit would not accept the text, and nor does the reader.
    unreadable: usize,
    /// The validator refused.
    killed: usize,
    /// Accepted, and right so.
    equivalent: usize,
    /// Accepted by mistake.
    survived: usize,
}

impl Fate {
    const fn mutants(self) -> usize {
        self.killed + self.equivalent + self.survived
    }

    const fn add(&mut self, other: Self) {
        self.unreadable += other.unreadable;
        self.killed += other.killed;
        self.equivalent += other.equivalent;
        self.survived += other.survived;
    }
}

#[derive(Default)]
struct Tally {
    files: usize,
    rounds: usize,
    operators: BTreeMap<&'static str, Fate>,
    rules: BTreeMap<(&'static str, &'static str), usize>,
    survivors: Vec<String>,
}

impl Tally {
    fn merge(mut self, other: Self) -> Self {
        self.files += other.files;
        self.rounds += other.rounds;
        for (operator, fate) in other.operators {
            self.operators.entry(operator).or_default().add(fate);
        }
        for (rule, count) in other.rules {
            *self.rules.entry(rule).or_default() += count;
        }
        self.survivors.extend(other.survivors);
        self
    }
}

fn examine(path: &Path, kept: &[Kept], seed: u64, most: usize) -> Tally {
    let mut tally = Tally { files: 1, rounds: kept.len(), ..Tally::default() };
    let context = BuildContext::unknown();
    let bodies = BodyCache::default();
    for (number, round) in kept.iter().enumerate() {
        let before_tree = syntax::parse(&round.before).dockerfile;
        let before = Model::build(&round.before, &before_tree, &context, &bodies);
        let after_tree = syntax::parse(&round.after).dockerfile;
        let after = Model::build(&round.after, &after_tree, &context, &bodies);
        validate::check(&before, &after, &round.rewrites).expect("the driver validated the round");
        let subject = Subject { text: &round.after, model: after };
        let mut mutants = Mutants::of(&round.after, seed.wrapping_add(number as u64));
        for (operator, make) in operators() {
            mutants.set_operator(operator);
            make(&subject, &mut mutants);
        }
        for mutant in sample(mutants, most) {
            let fate = tally.operators.entry(mutant.operator).or_default();
            let parsed = syntax::parse(&mutant.text);
            if parsed.diagnostics.iter().any(|diagnostic| diagnostic.severity > Severity::Warning) {
                fate.unreadable += 1;
                continue;
            }
            let model = Model::build(&mutant.text, &parsed.dockerfile, &context, &bodies);
            if let Some(field) = configuration::field(mutant.operator) {
                assert!(configuration::is_seen(field, &subject.model, &model), "{}: {field}", path.display());
            }
            if validate::check(&before, &model, &round.rewrites).is_err() {
                fate.killed += 1;
            } else if let Some(rule) = equivalent::rule(&round.after, &mutant.text) {
                fate.equivalent += 1;
                *tally.rules.entry((mutant.operator, rule)).or_default() += 1;
            } else {
                fate.survived += 1;
                let diff = imgopt::report::diff::unified("Dockerfile", &round.after, &mutant.text, false);
                tally.survivors.push(format!(
                    "{}, round {number} ({}), {}:\n{diff}",
                    path.display(),
                    round.pass,
                    mutant.operator
                ));
            }
        }
    }
    tally
}

/// At most so many of the mutants, those of rare operators first.
fn sample(mutants: Mutants, most: usize) -> Vec<Mutant> {
    let Mutants { mut found, mut random, .. } = mutants;
    if found.len() <= most {
        return found;
    }
    let mut counts: HashMap<&str, usize> = HashMap::new();
    found.iter().for_each(|mutant| *counts.entry(mutant.operator).or_default() += 1);
    // The lowest of as many numbers as there are chances is low for rare operators.
    found.sort_by_cached_key(|mutant| random.next() / (1 + 100 / counts[mutant.operator] as u64));
    found.truncate(most);
    found
}

#[test]
fn no_mistake_is_justified() {
    let files = files();
    let (wanted, most) = match std::env::var("IMGOPT_MUTANTS").as_deref() {
        Ok("all") => (usize::MAX, usize::MAX),
        Ok(number) => (number.parse().expect("IMGOPT_MUTANTS is a number of files, or `all`"), usize::MAX),
        Err(_) => SAMPLE,
    };
    let mut rewritten = Vec::new();
    // Files are read in portions: the sample needs few of them.
    for portion in files.chunks(100) {
        let read = |path: &PathBuf| {
            let source = String::from_utf8(std::fs::read(path).expect("the files can be read")).ok()?;
            let kept = rounds(&source)?;
            (!kept.is_empty()).then(|| (path.clone(), kept))
        };
        rewritten.extend(portion.par_iter().filter_map(read).collect::<Vec<_>>());
        if rewritten.len() >= wanted {
            rewritten.truncate(wanted);
            break;
        }
    }
    let tally = rewritten
        .par_iter()
        .enumerate()
        .map(|(number, (path, kept))| {
            let most = if number == 0 { most.saturating_mul(10) } else { most };
            examine(path, kept, SEED.wrapping_add(1000 * number as u64), most)
        })
        .reduce(Tally::default, Tally::merge);
    print(&tally);
    assert!(operators().map(|(name, _)| name).collect::<HashSet<_>>().len() >= 25);
    assert!(tally.survivors.is_empty(), "{} mutants are accepted by mistake", tally.survivors.len());
}

#[test]
fn validation_takes_no_longer_than_the_passes() {
    let mut files = files();
    let is_full = std::env::var_os("IMGOPT_MUTANTS").is_some();
    if !is_full {
        files.truncate(SAMPLE.0);
    }
    let measure = |path: &PathBuf| {
        let source = String::from_utf8(std::fs::read(path).expect("the files can be read")).ok()?;
        Some(timing::measure(&source, &rounds(&source)?))
    };
    // One after the other, so that the threads do not wait for one another.
    let times = files.iter().filter_map(measure).fold(Times::default(), Times::add);
    let Times { passes, check, reading } = times;
    println!(
        "{} files: passes {passes:.1?}, validation {check:.1?}, reading what it validates {reading:.1?}",
        files.len()
    );
    // Without optimisation, and with a small sample, the figures say little.
    assert!(!is_full || cfg!(debug_assertions) || check <= passes, "validation {check:?}, passes {passes:?}");
}

fn print(tally: &Tally) {
    println!("{:48} {:>8} {:>8} {:>10} {:>8}", "operator", "mutants", "killed", "equivalent", "survived");
    let mut total = Fate::default();
    for (name, _) in operators() {
        let fate = tally.operators.get(name).copied().unwrap_or_default();
        total.add(fate);
        let (mutants, Fate { killed, equivalent, survived, .. }) = (fate.mutants(), fate);
        println!("{name:48} {mutants:>8} {killed:>8} {equivalent:>10} {survived:>8}");
    }
    let (mutants, Fate { unreadable, killed, equivalent, survived }) = (total.mutants(), total);
    println!("{:48} {mutants:>8} {killed:>8} {equivalent:>10} {survived:>8}", "all");
    println!("{} files, {} rounds; {unreadable} more texts are not accepted by the reader", tally.files, tally.rounds);
    println!("\nequivalent mutants by rule:");
    for ((operator, rule), count) in &tally.rules {
        println!("{count:>8} {operator}: {rule}");
    }
    for survivor in tally.survivors.iter().take(200) {
        println!("\nsurvivor: {survivor}");
    }
}
