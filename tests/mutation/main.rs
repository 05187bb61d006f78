//! What the validator would let pass: rewritten texts with one mistake in each.
//!
//! A mutant is the text after one round of rewrites with one mutation. The validator is asked whether the steps of that
//! round justify it. A mutant that it accepts is either equivalent, by a rule of [`equivalent`], or a hole in the
//! validator; there is none of the second kind.
//!
//! Some mutants are wrong in what the passes say of them as well: the steps claim the mistake.
//!
//! The files are `everything.Dockerfile` and those that imgopt rewrites of the applications in `$IMGOPT_SHARED/apps` and
//! `seeds`, with their build contexts, and of `$IMGOPT_SHARED/corpus/files`, of which nothing more is known; or the
//! project's own cases without the variable. By default the test takes a sample of files and mutants;
//! `IMGOPT_MUTANTS=N` takes all mutants of N files, `N/M` at most M of each round, and `all` those of all files. The sample
//! and the mutations come from a fixed seed.
//!
//! ```text
//! IMGOPT_MUTANTS=600/100 cargo test --release --test mutation -- --nocapture
//! ```

#![allow(clippy::print_stdout, reason = "the figures are the point")]

mod claims;
mod configuration;
mod equivalent;
mod instructions;
mod scripts;
mod stages;
mod subject;
mod timing;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use imgopt::context::{BuildContext, Surroundings};
use imgopt::diagnostic::Severity;
use imgopt::model::Model;
use imgopt::model::body::BodyCache;
use imgopt::model::named;
use imgopt::pipeline::{Round, optimize_observed};
use imgopt::rewrite::{Level, Rewrite};
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
    // A text is counted for the first operator that makes it.
    let all =
        [claims::OPERATORS, stages::OPERATORS, instructions::OPERATORS, scripts::OPERATORS, configuration::OPERATORS];
    all.into_iter().flatten()
}

/// A file that has a bit of everything, then applications and other files by turns, in an order that the seed decides: those of
/// the shared folder, or else the project's own cases.
fn files() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let everything = own.join("mutation/everything.Dockerfile");
    let mut random = Random::new(SEED);
    let (applications, others) = match std::env::var_os("IMGOPT_SHARED").map(PathBuf::from) {
        Some(shared) => {
            // The project's own cases have what few applications show.
            let cases = ["alpine-base", "distroless-base", "multi-stage", "slim-base"];
            let cases = cases.iter().map(|pass| own.join("passes").join(pass));
            let folders: Vec<PathBuf> = [shared.join("apps"), shared.join("seeds")].into_iter().chain(cases).collect();
            let applications = below(&folders, &mut random);
            (applications, below(&[shared.join("corpus/files")], &mut random))
        }
        None => {
            println!("IMGOPT_SHARED is not set: only the project's own files are mutated");
            (below(&[own.join("passes")], &mut random), below(&[own.join("pipeline"), own.join("traps")], &mut random))
        }
    };
    let (mut applications, mut others) = (applications.into_iter(), others.into_iter());
    let mut files = vec![everything];
    loop {
        let next: Vec<PathBuf> = applications.next().into_iter().chain(others.next()).collect();
        if next.is_empty() {
            return files;
        }
        files.extend(next);
    }
}

/// The Dockerfiles in the folders, shuffled. Earlier states of a file are left out: they hardly differ.
fn below(folders: &[PathBuf], random: &mut Random) -> Vec<PathBuf> {
    let mut folders = folders.to_vec();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry.expect("the folder can be read");
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type().expect("the folder can be read").is_dir() {
                if name != "history" {
                    folders.push(entry.path());
                }
            } else if name.ends_with("ockerfile") {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    for last in (1..files.len()).rev() {
        files.swap(last, random.below(last + 1));
    }
    files
}

/// The build context of a file: that of the case that it is, or what its folder shows.
fn context(path: &Path, source: &str) -> BuildContext {
    let folder = path.parent().expect("it lies in a folder");
    let of_case = folder.join("context");
    if of_case.is_dir() {
        return BuildContext::from_dir(&of_case);
    }
    let is_application = path.components().any(|part| ["apps", "seeds"].iter().any(|name| part.as_os_str() == *name));
    if !is_application {
        return BuildContext::unknown();
    }
    named::context(path, source, None, &Surroundings::default())
}

/// A file that is rewritten.
struct Rewritten {
    path: PathBuf,
    context: BuildContext,
    rounds: Vec<Kept>,
}

/// The file with its rounds; `None` when it is no text, left alone as a whole, or fine as it is.
fn read(path: &Path) -> Option<Rewritten> {
    let source = String::from_utf8(std::fs::read(path).expect("the files can be read")).ok()?;
    let context = context(path, &source);
    let rounds = rounds(&source, &context)?;
    (!rounds.is_empty()).then(|| Rewritten { path: path.to_owned(), context, rounds })
}

/// A round with its texts and rewrites kept.
struct Kept {
    pass: &'static str,
    before: String,
    rewrites: Vec<Rewrite>,
    after: String,
}

/// All that may be written, so that every step is taken somewhere.
fn options() -> Options {
    Options { level: Level::Breaking, ..Options::default() }
}

/// The rounds of a file; `None` for one that is left alone as a whole.
fn rounds(source: &str, context: &BuildContext) -> Option<Vec<Kept>> {
    let mut kept = Vec::new();
    let mut keep = |round: &Round<'_>| {
        kept.push(Kept {
            pass: round.pass,
            before: round.before.to_owned(),
            rewrites: round.rewrites.to_vec(),
            after: round.after.to_owned(),
        });
    };
    let outcome = optimize_observed(source, context, &options(), &mut keep);
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
    survivors: usize,
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
        self.survivors += other.survivors;
        self
    }
}

fn examine(file: &Rewritten, seed: u64, most: usize) -> Tally {
    let Rewritten { path, context, rounds } = file;
    let mut tally = Tally { files: 1, rounds: rounds.len(), ..Tally::default() };
    let bodies = BodyCache::default();
    for (number, round) in rounds.iter().enumerate() {
        let before_tree = syntax::parse(&round.before).dockerfile;
        let before = Model::build(&round.before, &before_tree, context, &bodies);
        let after_tree = syntax::parse(&round.after).dockerfile;
        let after = Model::build(&round.after, &after_tree, context, &bodies);
        validate::check(&before, &after, &round.rewrites).expect("the driver validated the round");
        let subject = Subject { text: &round.after, model: after, before: &before, rewrites: &round.rewrites };
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
            let model = Model::build(&mutant.text, &parsed.dockerfile, context, &bodies);
            if let Some(field) = configuration::field(mutant.operator) {
                assert!(configuration::is_seen(field, &subject.model, &model), "{}: {field}", path.display());
            }
            let rewrites = mutant.claim.as_deref().unwrap_or(&round.rewrites);
            if validate::check(&before, &model, rewrites).is_err() {
                fate.killed += 1;
            } else if let (Some(rule), None) = (equivalent::rule(&round.after, &mutant.text), &mutant.claim) {
                fate.equivalent += 1;
                *tally.rules.entry((mutant.operator, rule)).or_default() += 1;
            } else {
                fate.survived += 1;
                tally.survivors += 1;
                let diff = imgopt::report::diff::unified("Dockerfile", &round.after, &mutant.text, false);
                let (path, pass, operator) = (path.display(), round.pass, mutant.operator);
                // At once: a long run may be cut off.
                println!("\nsurvivor: {path}, round {number} ({pass}), {operator}:\n{diff}");
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
        Ok(text) => {
            let number = |text: &str| match text {
                "all" => usize::MAX,
                number => number.parse().expect("IMGOPT_MUTANTS is `N`, `N/M` or `all`"),
            };
            let (wanted, most) = text.split_once('/').unwrap_or((text, "all"));
            (number(wanted), number(most))
        }
        Err(_) => SAMPLE,
    };
    let mut rewritten = Vec::new();
    // Files are read in portions: the sample needs few of them.
    for portion in files.chunks(100) {
        rewritten.extend(portion.par_iter().filter_map(|path| read(path)).collect::<Vec<_>>());
        if rewritten.len() >= wanted {
            rewritten.truncate(wanted);
            break;
        }
    }
    let tally = rewritten
        .par_iter()
        .enumerate()
        .map(|(number, file)| {
            let most = if number == 0 { most.saturating_mul(10) } else { most };
            examine(file, SEED.wrapping_add(1000 * number as u64), most)
        })
        .reduce(Tally::default, Tally::merge);
    print(&tally);
    assert!(operators().map(|(name, _)| name).collect::<HashSet<_>>().len() >= 25);
    assert_eq!(tally.survivors, 0, "mutants are accepted by mistake");
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
        let context = context(path, &source);
        Some(timing::measure(&source, &context, &rounds(&source, &context)?))
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
}
