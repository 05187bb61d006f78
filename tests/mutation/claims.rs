//! Operators that change what a pass says and the text alike: the validator has to find out by itself that it is wrong.

use imgopt::edit::Edit;
use imgopt::rewrite::{Level, Rewrite};
use imgopt::source::Span;
use imgopt::validate::{Split, Step};

use crate::Operator;
use crate::subject::{Mutants, Subject};

pub(crate) static OPERATORS: &[Operator] = &[
    ("claim: a stage hands over less", hands_over_less),
    ("claim: a stage hands over something else", hands_over_something_else),
    ("claim: a stage installs less", installs_less),
    ("claim: a stage installs more", installs_more),
    ("claim: a stage repeats less", repeats_less),
    ("claim: a stage is built from another image", built_from_another),
    ("claim: a stage has another name", has_another_name),
    ("claim: another image is the same", another_image),
    ("claim: another directory is a cache", another_cache),
    ("claim: another path is left over", another_left_over),
    ("claim: another option changes nothing", another_option),
    ("claim: a lower level", lower_level),
];

/// Visits the steps with the number of their rewrite and their own.
fn steps(s: &Subject<'_>, mut visit: impl FnMut((usize, usize), &Step)) {
    for (number, rewrite) in s.rewrites.iter().enumerate() {
        for (at, step) in rewrite.steps.iter().enumerate() {
            visit((number, at), step);
        }
    }
}

/// The rewrites with another step.
fn with(s: &Subject<'_>, (rewrite, step): (usize, usize), new: Step) -> Vec<Rewrite> {
    let mut rewrites = s.rewrites.to_vec();
    rewrites[rewrite].steps[step] = new;
    rewrites
}

fn splits(s: &Subject<'_>, mut visit: impl FnMut((usize, usize), &Split)) {
    steps(s, |place, step| {
        if let Step::SplitStage(split) = step {
            visit(place, split);
        }
    });
}

/// Adds the mutant with another split.
fn split(s: &Subject<'_>, m: &mut Mutants, place: (usize, usize), edits: &[Edit], new: Split) {
    m.claim(s, edits, with(s, place, Step::SplitStage(Box::new(new))));
}

/// The whole lines in which all of the texts stand.
fn lines_with(s: &Subject<'_>, texts: &[&str]) -> Vec<Span> {
    let mut start = 0;
    let mut found = Vec::new();
    for line in s.text.split_inclusive('\n') {
        if texts.iter().all(|text| line.contains(text)) {
            found.push(Span::new(start, start + line.len()));
        }
        start += line.len();
    }
    found
}

/// The places of a word, blanks around it, in the lines with all of the texts.
fn words_in(s: &Subject<'_>, texts: &[&str], word: &str) -> Vec<Span> {
    let is_end = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let mut found = Vec::new();
    for line in lines_with(s, texts) {
        for (at, _) in line.of(s.text).match_indices(word) {
            let span = Span::new(line.start + at, line.start + at + word.len());
            if is_end(s.text[..span.start].chars().next_back()) && is_end(s.text[span.end..].chars().next()) {
                found.push(span);
            }
        }
    }
    found
}

fn hands_over_less(s: &Subject<'_>, m: &mut Mutants) {
    splits(s, |place, old| {
        let from = format!("--from={}", old.name);
        for (at, path) in old.copies.iter().enumerate() {
            let mut new = old.clone();
            new.copies.remove(at);
            let lines: Vec<Edit> =
                lines_with(s, &[&from, &format!(" {path} ")]).into_iter().map(Edit::delete).collect();
            split(s, m, place, &lines, new);
        }
    });
}

fn hands_over_something_else(s: &Subject<'_>, m: &mut Mutants) {
    splits(s, |place, old| {
        let from = format!("--from={}", old.name);
        for (at, path) in old.copies.iter().enumerate() {
            // All of a working directory would do as well as a part of it.
            for other in &[format!("{path}/bin"), format!("{path}2"), "/etc".to_owned(), "/usr".to_owned()] {
                let mut new = old.clone();
                new.copies[at].clone_from(other);
                let words = words_in(s, &[&from], path);
                let edits: Vec<Edit> = words.into_iter().map(|span| Edit::replace(span, other.as_str())).collect();
                split(s, m, place, &edits, new);
            }
        }
    });
}

fn installs_less(s: &Subject<'_>, m: &mut Mutants) {
    splits(s, |place, old| {
        for (at, package) in old.packages.iter().enumerate() {
            let mut new = old.clone();
            new.packages.remove(at);
            // The new stage stands behind the old one.
            if let Some(last) = words_in(s, &[], package).pop() {
                split(s, m, place, &[Edit::delete(Span::new(last.start - 1, last.end))], new);
            }
        }
    });
}

fn installs_more(s: &Subject<'_>, m: &mut Mutants) {
    splits(s, |place, old| {
        for more in ["gcc", "mutant", "zlib1g"] {
            let mut new = old.clone();
            new.packages.push(more.to_owned());
            let last = old.packages.last().and_then(|package| words_in(s, &[], package).pop());
            if let Some(last) = last {
                split(s, m, place, &[Edit::insert(last.end, format!(" {more}"))], new);
            }
        }
    });
}

fn repeats_less(s: &Subject<'_>, m: &mut Mutants) {
    splits(s, |place, old| {
        let Some(stage) = s.model.stages.last() else { return };
        for (at, index) in old.repeated.iter().enumerate() {
            let mut new = old.clone();
            new.repeated.remove(at);
            // What is repeated stands in both stages with the same text.
            let original = s.before.instruction(*index).span.of(s.before.source);
            for repeated in stage.instructions.clone() {
                let instruction = s.model.instruction(repeated);
                if instruction.span.of(s.text) == original {
                    split(s, m, place, &[Edit::delete(s.lines(instruction))], new.clone());
                }
            }
        }
    });
}

fn built_from_another(s: &Subject<'_>, m: &mut Mutants) {
    splits(s, |place, old| {
        let others = ["debian:bookworm-slim", "alpine:3.20", "scratch", "ubuntu:24.04"].map(str::to_owned);
        let own = [format!("{}-slim", old.base), format!("{}-alpine", old.base), old.base.replace("slim", "alpine")];
        for other in others.into_iter().chain(own).filter(|other| *other != old.base) {
            let mut new = old.clone();
            new.base.clone_from(&other);
            if let Some(last) = words_in(s, &["FROM"], &old.base).pop() {
                split(s, m, place, &[Edit::replace(last, other)], new);
            }
        }
    });
}

fn has_another_name(s: &Subject<'_>, m: &mut Mutants) {
    splits(s, |place, old| {
        for other in ["scratch", "Mutant", "1", "a b"] {
            let mut new = old.clone();
            other.clone_into(&mut new.name);
            let mut edits: Vec<Edit> =
                words_in(s, &[" AS "], &old.name).into_iter().map(|span| Edit::replace(span, other)).collect();
            let flag = format!("--from={}", old.name);
            edits
                .extend(words_in(s, &[], &flag).into_iter().map(|span| Edit::replace(span, format!("--from={other}"))));
            split(s, m, place, &edits, new);
        }
    });
}

fn another_image(s: &Subject<'_>, m: &mut Mutants) {
    steps(s, |place, step| {
        let (Step::PinBase { from, image } | Step::ApprovedBase { from, image }) = step else { return };
        let (from, is_pin) = (*from, matches!(step, Step::PinBase { .. }));
        let claimed = |image: String| match is_pin {
            true => Step::PinBase { from, image },
            false => Step::ApprovedBase { from, image },
        };
        let others = [
            image.replace("bookworm", "trixie"),
            image.replace("bookworm", "bullseye"),
            image.replace("trixie", "bookworm"),
            image.replace("noble", "jammy"),
            format!("{image}-slim"),
            format!("registry.example.com/{image}"),
            format!("{image}@sha256:{}", "0123456789abcdef".repeat(4)),
        ];
        for other in others.iter().filter(|other| *other != image) {
            for span in words_in(s, &["FROM"], image) {
                m.claim(s, &[Edit::replace(span, other.as_str())], with(s, place, claimed(other.clone())));
            }
        }
    });
}

fn another_cache(s: &Subject<'_>, m: &mut Mutants) {
    steps(s, |place, step| {
        let Step::AddCacheMount { run, mount } = step else { return };
        let Some(target) = &mount.target else { return };
        let upper = target.rsplit_once('/').map_or("/", |(upper, _)| upper);
        for other in [upper, "/usr", "/app", "/root", "/etc/ssl"].iter().filter(|other| !other.is_empty()) {
            let mut new = mount.clone();
            new.target = Some((*other).to_owned());
            let written = format!("target={target}");
            for span in lines_with(s, &[&written]) {
                for (at, _) in span.of(s.text).match_indices(&written) {
                    let start = span.start + at + "target=".len();
                    let edit = Edit::replace(Span::new(start, start + target.len()), *other);
                    let step = Step::AddCacheMount { run: *run, mount: new.clone() };
                    m.claim(s, &[edit], with(s, place, step));
                }
            }
        }
    });
}

fn another_left_over(s: &Subject<'_>, m: &mut Mutants) {
    steps(s, |place, step| {
        let Step::AddCleanup { run, after, text } = step else { return };
        let others = [
            format!("{text} /usr/lib"),
            text.replace("/var/lib", "/usr/lib"),
            text.replace("/*", ""),
            format!("{text}x"),
        ];
        for other in others.iter().filter(|other| *other != text) {
            for (at, _) in s.text.match_indices(text.as_str()) {
                let edit = Edit::replace(Span::new(at, at + text.len()), other.as_str());
                let step = Step::AddCleanup { run: *run, after: *after, text: other.clone() };
                m.claim(s, &[edit], with(s, place, step));
            }
        }
    });
}

fn another_option(s: &Subject<'_>, m: &mut Mutants) {
    steps(s, |place, step| {
        let Step::AddOption { run, command, at, option } = step else { return };
        for other in ["--reinstall", "--download-only", "--force-yes", "-x", "--target=/mutant"] {
            for span in words_in(s, &[], option) {
                let (run, command, at) = (*run, *command, *at);
                let step = Step::AddOption { run, command, at, option: other.to_owned() };
                m.claim(s, &[Edit::replace(span, other)], with(s, place, step));
            }
        }
    });
}

/// The text stays, and a rewrite claims to be safe though it assumes something.
fn lower_level(s: &Subject<'_>, m: &mut Mutants) {
    for (number, rewrite) in s.rewrites.iter().enumerate() {
        let is_assumed = rewrite.assumptions.iter().any(|assumption| assumption.evidence.is_none());
        if is_assumed && rewrite.level != Level::Safe {
            let mut rewrites = s.rewrites.to_vec();
            rewrites[number].level = Level::Safe;
            m.claim(s, &[], rewrites);
        }
    }
}
