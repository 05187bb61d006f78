//! Whether a file can be built on Alpine instead of Debian, and what changes for it: images, package lines, accounts.
//!
//! All of it or none: an image with another C library, another package manager and another shell takes its place in every stage
//! that the last one has files from. Everything follows from the model and the tables, so that a pass and the validator come
//! to the same answer.

mod accounts;
mod ground;
mod packages;

use std::collections::BTreeMap;

use super::base::Refusal;
use super::{Base, Model, Stage};
use crate::source::Span;
use crate::syntax::ast::{InstructionKind, Word};
use crate::syntax::image::ImageReference;
use crate::tables::{self, AlpineFamily, DistributionName, Fact, ImageFacts, LibC};

pub(super) use ground::Ground;
pub use packages::install_command;

/// What changes for a file to be built on Alpine.
#[derive(Clone, Debug, PartialEq)]
pub struct Alpine {
    /// The stages with another image, in order.
    pub stages: Vec<Swapped>,
    /// The RUNs that change, in order.
    pub runs: Vec<RunChange>,
    /// Whether a reference holds for the defaults of build arguments only.
    pub by_argument: bool,
    /// What a pull of the last stage's old and new image transfers, in MB, if both are known.
    pub sizes: Option<(f64, f64)>,
    /// Code that was looked through.
    pub code: usize,
    /// Whether there is code that is not seen.
    pub is_unseen: bool,
    /// Whether the new image has no time zones.
    pub lacks_time_zones: bool,
    /// Whether the file makes accounts.
    pub makes_accounts: bool,
}

/// A stage with another image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swapped {
    /// Its FROM.
    pub from: usize,
    /// The reference, as FROM names it.
    pub reference: String,
    /// Packages that a new RUN right behind FROM installs, sorted.
    pub packages: Vec<String>,
}

/// A RUN that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunChange {
    /// The RUN.
    pub run: usize,
    /// What becomes of its commands, in order; a command without an entry stays.
    pub commands: Vec<(usize, CommandChange)>,
    /// Whether nothing of it is left.
    pub is_gone: bool,
}

/// What becomes of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandChange {
    /// It goes.
    Out,
    /// It installs packages: the words that name them, each with the names that take its place.
    Install(Vec<(usize, Vec<String>)>),
    /// These words of it go.
    Without(Vec<usize>),
    /// These commands take its place.
    Become(Vec<String>),
}

impl RunChange {
    /// The packages that it installs.
    fn packages(&self) -> impl Iterator<Item = &str> {
        self.commands.iter().flat_map(|(_, change)| match change {
            CommandChange::Install(words) => words.iter().flat_map(|(_, names)| names).map(String::as_str).collect(),
            _ => Vec::new(),
        })
    }
}

/// What it takes to build the file on Alpine, if its last stage is built on an image that has a variant there.
///
/// # Errors
/// Why the file stays on Debian.
pub fn alpine(model: &Model<'_>) -> Result<Option<Alpine>, Refusal> {
    let Some(last) = model.final_stage().map(|stage| root(model, stage)) else { return Ok(None) };
    if variant(last).is_none() {
        return Ok(None);
    }
    if model.has_triggers() {
        let span = model.instruction(last.from).span;
        return Err(refusal(span, "the file has ONBUILD: other builds depend on the image", "no ONBUILD"));
    }
    let mut plan = Alpine {
        stages: Vec::new(),
        runs: Vec::new(),
        by_argument: false,
        sizes: None,
        code: 0,
        is_unseen: false,
        lacks_time_zones: false,
        makes_accounts: false,
    };
    for stage in &model.stages {
        let span = model.instruction(stage.from).span;
        match &stage.base {
            Base::Stage(_) | Base::Scratch => continue,
            Base::Unknown => {
                return Err(refusal(span, "which image the stage is built on is not known", "a plain reference"));
            }
            Base::Image(_) => {}
        }
        if stage.image.as_deref().is_some_and(|image| image.libc.is(&LibC::Musl)) {
            continue;
        }
        let Some(swap) = Swap::of(model, stage) else {
            let reason =
                "what the stage makes is built for glibc, and the tables know no variant of its image on Alpine";
            return Err(refusal(span, reason, "a row in the table of Alpine"));
        };
        swap.judge(&mut plan, stage.from == last.from)?;
    }
    Ok((!plan.stages.is_empty()).then_some(plan))
}

fn refusal(span: Span, reason: impl Into<String>, unlock: &str) -> Refusal {
    Refusal { span, reason: reason.into(), unlock: unlock.to_owned() }
}

/// The stage with an image that a stage is built from.
fn root<'m>(model: &'m Model<'_>, stage: &'m Stage) -> &'m Stage {
    match stage.base {
        Base::Stage(parent) => root(model, &model.stages[parent]),
        _ => stage,
    }
}

/// The row and the tag of the variant on Alpine of the image of a stage.
fn variant(stage: &Stage) -> Option<(&'static AlpineFamily, String)> {
    let Base::Image(reference) = &stage.base else { return None };
    let image = stage.image.as_deref()?;
    let is_debian = image.distribution.known()?.name == DistributionName::Debian;
    let row = tables::alpine().family(&image.family).filter(|_| is_debian)?;
    let tag = row.tag(reference.tag.as_deref().unwrap_or("latest"), &tables::alpine().release)?;
    Some((row, tag))
}

/// A stage whose image gives way to the variant on Alpine, with the stages that are built from it.
struct Swap<'m> {
    ground: Ground<'m>,
    row: &'static AlpineFamily,
    word: &'m Word,
    tag: String,
}

impl<'m> Swap<'m> {
    fn of(model: &'m Model<'m>, stage: &'m Stage) -> Option<Self> {
        let InstructionKind::From(from) = &model.instruction(stage.from).kind else { return None };
        let (row, tag) = variant(stage)?;
        Some(Self { ground: Ground::of(model, stage)?, row, word: &from.image, tag })
    }

    /// Adds to the plan what the stage takes.
    fn judge(&self, plan: &mut Alpine, is_last: bool) -> Result<(), Refusal> {
        let new_reference = self.new_reference()?;
        let new = self.new_image(false)?;
        let changes = self.ground.changes(&new, &BTreeMap::new(), &|package| self.row.has(package))?;
        let new = self.new_image(!changes.runs.is_empty() || !changes.packages.is_empty())?;
        self.ground.keeps_accounts(&changes.accounts, &new, "Alpine", &|_| false)?;
        if is_last {
            plan.lacks_time_zones = !changes.has_time_zones;
            let old = ImageReference { tag: Some(self.old_tag().to_owned()), ..self.ground.reference.clone() };
            plan.sizes = tables::size_of(&old)
                .zip(tables::size_of(&self.new_image_reference()))
                .map(|(old, new)| (old.megabytes, new.megabytes));
        }
        plan.by_argument |= self.ground.stage.image_by_argument;
        plan.makes_accounts |= !changes.accounts.is_empty();
        plan.code += changes.code;
        plan.is_unseen |= changes.is_unseen;
        plan.stages.push(Swapped {
            from: self.ground.stage.from,
            reference: new_reference,
            packages: changes.packages,
        });
        plan.runs.extend(changes.runs);
        Ok(())
    }

    fn refusal(&self, reason: impl Into<String>, unlock: &str) -> Refusal {
        refusal(self.ground.model.instruction(self.ground.stage.from).span, reason, unlock)
    }

    fn old_tag(&self) -> &str {
        self.ground.old_tag()
    }

    fn new_image_reference(&self) -> ImageReference {
        match &self.row.image {
            Some(image) => format!("{image}:{}", self.tag).parse().unwrap_or_else(|_| self.ground.reference.clone()),
            None => ImageReference { tag: Some(self.tag.clone()), ..self.ground.reference.clone() },
        }
    }

    /// The reference as FROM names it. With a build argument in it, its last words only can change.
    fn new_reference(&self) -> Result<String, Refusal> {
        if self.ground.reference.digest.is_some() {
            return Err(self.refusal("the digest pins this very image", "the digest of the variant on Alpine"));
        }
        let text = self.word.text.as_str();
        if let Some(image) = &self.row.image {
            let is_plain = !text.contains(['$', '/']);
            return is_plain.then(|| format!("{image}:{}", self.tag)).ok_or_else(|| {
                self.refusal("the image is not named by a plain word", "the image without build argument and registry")
            });
        }
        if let Some(variable) = text.find('$') {
            let names_image = text[..variable].contains(':');
            let new = self.row.replace_end(text, self.old_tag(), &self.tag).filter(|_| names_image);
            return new
                .ok_or_else(|| self.refusal("a build argument names the image", "the image without a build argument"));
        }
        Ok(match self.ground.reference.tag_span {
            Some(span) => format!("{}{}", &text[..span.start], self.tag),
            None => format!("{text}:{}", self.tag),
        })
    }

    /// The facts of the variant: of the same version and configuration. Where packages are named, it has to be on the release
    /// that the tables are about; a full version is known by its line.
    fn new_image(&self, names_packages: bool) -> Result<ImageFacts, Refusal> {
        let reference = self.new_image_reference();
        let table = tables::alpine();
        let unlock = "a tag of today, or a row in the tables";
        let end = format!("alpine{}", table.release);
        let is_listed = |tag: &str| {
            let reference = ImageReference { tag: Some(tag.to_owned()), ..reference.clone() };
            tables::suite_tag(&reference).is_some_and(|tag| tag.ends_with(&end))
        };
        // `3.14.2-alpine` is of the line `3.14-alpine`.
        let (version, words) = self.tag.split_once('-').unwrap_or((self.tag.as_str(), ""));
        let line = version.match_indices('.').nth(1).map(|(at, _)| format!("{}-{words}", &version[..at]));
        let is_current = self.row.image.is_some()
            || is_listed(&self.tag)
            || !names_packages && line.is_some_and(|line| is_listed(&line));
        let new = tables::image_of(&reference).filter(|_| is_current);
        let Some(new) = new else {
            let reason = format!(
                "`{}` is not in the table of current tags on Alpine {}",
                reference.familiar_name(),
                table.release
            );
            return Err(self.refusal(format!("{reason} as `{}`", self.tag), unlock));
        };
        // Both tags have the same words for the version; what a table resolved them to may be of two days.
        let language = |facts: &ImageFacts| facts.interpreter.as_ref().map(|interpreter| interpreter.name.clone());
        if language(&new) != language(self.ground.full) {
            return Err(self.refusal(format!("`{}` is for another language", self.tag), unlock));
        }
        match self.differs(&new) {
            Some(what) => Err(self.refusal(
                format!("whether `{}` has the same {what} is not known", self.tag),
                "a row in the image tables",
            )),
            None => Ok(new),
        }
    }

    /// The first part of the configuration that is not known to be the same.
    fn differs(&self, new: &ImageFacts) -> Option<&'static str> {
        fn same<T: PartialEq>(old: &Fact<T>, new: &Fact<T>) -> bool {
            old.known().is_some() && old == new
        }
        let full = self.ground.full;
        let starts = |index: usize| {
            matches!(
                self.ground.model.instruction(index).kind,
                InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_)
            )
        };
        let is_started = !self.ground.model.is_shipped(self.ground.stage)
            || self.ground.family.iter().flat_map(|stage| stage.instructions.clone()).any(starts);
        let parts = [
            (same(&full.entrypoint, &new.entrypoint), "ENTRYPOINT"),
            (full.entrypoint_passes_through == new.entrypoint_passes_through, "ENTRYPOINT"),
            (is_started || same(&full.cmd, &new.cmd), "CMD"),
            (same(&full.user, &new.user) && same(&full.home, &new.home) && new.user.is("root"), "users"),
            (same(&full.workdir, &new.workdir), "WORKDIR"),
            (same(&full.env, &new.env), "ENV"),
            (same(&full.onbuild, &new.onbuild) && full.onbuild.is(&false), "triggers"),
            (same(&full.volumes, &new.volumes), "VOLUME"),
            (same(&full.stop_signal, &new.stop_signal), "STOPSIGNAL"),
        ];
        parts.iter().find(|(same, _)| !same).map(|(_, what)| *what)
    }
}
