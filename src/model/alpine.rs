//! Whether a file can be built on Alpine instead of Debian, and what changes for it: images, package lines, accounts.
//!
//! All of it or none: an image with another C library, another package manager and another shell takes its place in every stage
//! that the last one has files from. Everything follows from the model and the tables, so that a pass and the validator come
//! to the same answer.

mod accounts;
mod packages;

use self::accounts::Accounts;
use super::base::Refusal;
use super::needs::{self, Need, Needs, Use, What, When};
use super::{Base, Model, Stage};
use crate::source::Span;
use crate::syntax::ast::{InstructionKind, Word};
use crate::syntax::image::ImageReference;
use crate::tables::{self, AlpineFamily, CommandKind, DistributionName, Fact, Fate, ImageFacts, LibC};

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
    model: &'m Model<'m>,
    stage: &'m Stage,
    family: Vec<&'m Stage>,
    full: &'m ImageFacts,
    row: &'static AlpineFamily,
    word: &'m Word,
    reference: &'m ImageReference,
    tag: String,
}

impl<'m> Swap<'m> {
    fn of(model: &'m Model<'m>, stage: &'m Stage) -> Option<Self> {
        let Base::Image(reference) = &stage.base else { return None };
        let InstructionKind::From(from) = &model.instruction(stage.from).kind else { return None };
        let (row, tag) = variant(stage)?;
        let mut family = vec![stage];
        family.extend(model.descendants(stage));
        Some(Self { model, stage, family, full: stage.image.as_deref()?, row, word: &from.image, reference, tag })
    }

    /// Adds to the plan what the stage takes.
    fn judge(&self, plan: &mut Alpine, is_last: bool) -> Result<(), Refusal> {
        let new_reference = self.new_reference()?;
        let new = self.new_image(false)?;
        let release = self.full.distribution.known().and_then(|known| known.release.as_deref());
        let release = release.unwrap_or_default();
        let mut accounts = Accounts::default();
        let runs = self.package_lines(release, &mut accounts)?;
        let installed: Vec<String> = runs.iter().flat_map(RunChange::packages).map(str::to_owned).collect();
        let mut packages = Vec::new();
        for stage in &self.family {
            let found = needs::needs_on_musl(self.model, stage);
            if let Some(gap) = found.gaps.first() {
                let span = self.model.instruction(gap.place.instruction).span;
                let reason = match &gap.place.file {
                    Some(file) => format!("whether it runs on Alpine is not known: {} (`{file}`)", gap.reason),
                    None => format!("whether it runs on Alpine is not known: {}", gap.reason),
                };
                return Err(refusal(span, reason, gap.unlock));
            }
            let applies = Target { swap: self, new: &new, installed: &installed, needs: &found };
            packages.extend(applies.packages()?);
            let seen = found.code.iter().filter(|code| !code.path.is_empty() && code.text.is_some()).count();
            plan.code += seen;
            plan.is_unseen |= found.has_packages || found.code.iter().any(|code| code.text.is_none());
        }
        // Last: cache-mounts may have put the mount there, and there is more to say of the rest.
        for change in &runs {
            packages::keeps_mounts(self.model, change.run)
                .map_err(|(reason, unlock)| refusal(self.model.instruction(change.run).span, reason, unlock))?;
        }
        let new = self.new_image(!runs.is_empty() || !packages.is_empty())?;
        self.keeps_accounts(&accounts, &new)?;
        packages.sort();
        packages.dedup();
        packages.retain(|package| !installed.contains(package));
        if is_last {
            let has_zones =
                |name: &str| self.row.has(name) || installed.iter().chain(&packages).any(|known| known == name);
            plan.lacks_time_zones = !has_zones(tables::alpine().time_zones());
            let old = ImageReference { tag: Some(self.old_tag().to_owned()), ..self.reference.clone() };
            plan.sizes = tables::size_of(&old)
                .zip(tables::size_of(&self.new_image_reference()))
                .map(|(old, new)| (old.megabytes, new.megabytes));
        }
        plan.by_argument |= self.stage.image_by_argument;
        plan.makes_accounts |= !accounts.is_empty();
        plan.stages.push(Swapped { from: self.stage.from, reference: new_reference, packages });
        plan.runs.extend(runs);
        Ok(())
    }

    fn refusal(&self, reason: impl Into<String>, unlock: &str) -> Refusal {
        refusal(self.model.instruction(self.stage.from).span, reason, unlock)
    }

    fn old_tag(&self) -> &str {
        self.reference.tag.as_deref().unwrap_or("latest")
    }

    fn new_image_reference(&self) -> ImageReference {
        match &self.row.image {
            Some(image) => format!("{image}:{}", self.tag).parse().unwrap_or_else(|_| self.reference.clone()),
            None => ImageReference { tag: Some(self.tag.clone()), ..self.reference.clone() },
        }
    }

    /// The reference as FROM names it. With a build argument in it, its last words only can change.
    fn new_reference(&self) -> Result<String, Refusal> {
        if self.reference.digest.is_some() {
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
        Ok(match self.reference.tag_span {
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
        if language(&new) != language(self.full) {
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
        let full = self.full;
        let starts = |index: usize| {
            matches!(self.model.instruction(index).kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_))
        };
        let is_started = !self.model.is_shipped(self.stage)
            || self.family.iter().flat_map(|stage| stage.instructions.clone()).any(starts);
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

    /// What becomes of the package lines and of the commands that make accounts.
    fn package_lines(&self, release: &str, accounts: &mut Accounts) -> Result<Vec<RunChange>, Refusal> {
        let mut changes = Vec::new();
        for run in self.family.iter().flat_map(|stage| stage.instructions.clone()).filter(|run| self.model.is_run(*run))
        {
            let change = packages::change(self.model, run, release, accounts)
                .map_err(|(reason, unlock)| refusal(self.model.instruction(run).span, reason, unlock))?;
            changes.extend(change);
        }
        Ok(changes)
    }

    /// Checks that every account that is named is there, with the same numbers.
    fn keeps_accounts(&self, accounts: &Accounts, new: &ImageFacts) -> Result<(), Refusal> {
        for index in self.family.iter().flat_map(|stage| stage.instructions.clone()) {
            let instruction = self.model.instruction(index);
            let mut named = Vec::new();
            if let InstructionKind::User(user) = &instruction.kind {
                named.push(user.text.clone());
            }
            named.extend(instruction.flag("chown").and_then(|flag| flag.value.clone()));
            for call in self.model.calls(index).iter().filter(|call| tables::alpine().gives_away(call.program())) {
                let owner = call.operands().first().and_then(|operand| operand.text.clone());
                named.push(owner.unwrap_or_else(|| "$".to_owned()));
            }
            let is_same = |name: &str| {
                let ids = |facts: &ImageFacts| {
                    facts.users.iter().find(|user| user.name == name).map(|user| (user.uid, user.gid))
                };
                name.is_empty()
                    || name.bytes().all(|byte| byte.is_ascii_digit())
                    || accounts.has(name)
                    || ids(self.full).is_some() && ids(self.full) == ids(new)
            };
            let lost = named.iter().flat_map(|text| text.split(':')).find(|name| !is_same(name.trim_matches('"')));
            if let Some(lost) = lost {
                let reason = format!("Alpine is not known to have the account `{lost}` with the same number");
                return Err(refusal(instruction.span, reason, "an account that the file makes, or a number"));
            }
        }
        Ok(())
    }
}

/// What one stage needs, seen from the variant on Alpine.
struct Target<'a, 'm> {
    swap: &'a Swap<'m>,
    new: &'a ImageFacts,
    /// Packages of Alpine that the file installs then.
    installed: &'a [String],
    needs: &'a Needs,
}

impl Target<'_, '_> {
    /// The packages that have to be installed beside those of the file.
    fn packages(&self) -> Result<Vec<String>, Refusal> {
        let mut packages = Vec::new();
        for need in &self.needs.known {
            packages.extend(self.package(need)?);
        }
        for used in &self.needs.uses {
            packages.extend(self.applet(used)?);
        }
        let place = |file: &str| needs::Place { instruction: self.swap.stage.from, file: Some(file.to_owned()) };
        let is_library = |name: &str| name.contains(".so");
        for mention in self.needs.mentions(|name| is_library(name) || self.is_of_debian(name)) {
            let what =
                if is_library(&mention.name) { What::Library(mention.name) } else { What::Program(mention.name) };
            packages.extend(self.package(&Need { what, when: When::Run, place: place(&mention.path) })?);
        }
        for started in self.swap.model.context.started() {
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '/');
            let words = started.text.split(|c: char| !is_name(c)).map(|word| word.rsplit('/').next().unwrap_or(word));
            for word in words.filter(|word| self.is_of_debian(word)) {
                let need = Need { what: What::Program(word.to_owned()), when: When::Run, place: place(&started.file) };
                packages.extend(self.package(&need)?);
            }
        }
        Ok(packages)
    }

    /// Whether the image on Debian is known to have a program that Alpine is not known to have.
    fn is_of_debian(&self, name: &str) -> bool {
        let swap = self.swap;
        let table = tables::bases();
        let release = swap.full.distribution.known().and_then(|known| known.release.as_deref()).unwrap_or_default();
        let lost = table.slim_family(&swap.full.family, swap.old_tag()).and_then(|family| table.lost(family, release));
        let is_there = swap.full.programs.contains(name) || lost.is_some_and(|lost| lost.program(name) != Fate::Kept);
        is_there && !self.new.programs.contains(name)
    }

    fn refusal(&self, need: &Need, reason: impl Into<String>, unlock: &str) -> Refusal {
        refusal(self.swap.model.instruction(need.place.instruction).span, reason, unlock)
    }

    /// The package that has to be installed for a need, if one has to.
    fn package(&self, need: &Need) -> Result<Option<String>, Refusal> {
        let debian = "the image on Debian";
        match &need.what {
            What::Program(name) => self.program(need, name),
            What::Certificates => Ok(None),
            What::TimeZones if self.swap.row.has(tables::alpine().time_zones()) => Ok(None),
            What::TimeZones => Ok(Some(tables::alpine().time_zones().to_owned())),
            What::Path(path) if tables::alpine().has_path(path) => {
                self.program(need, path.rsplit('/').next().unwrap_or(path))
            }
            What::Path(path) => Err(self.refusal(
                need,
                format!("whether Alpine has `{path}` is not known"),
                "a path of the application",
            )),
            What::Library(name) => Err(self.refusal(
                need,
                format!("which package of Alpine brings the library `{name}` is not known"),
                debian,
            )),
            What::Locale(name) if matches!(name.as_str(), "" | "C" | "POSIX") || name.starts_with("C.") => Ok(None),
            What::Locale(name) => {
                Err(self.refusal(need, format!("musl has no formats and no sorting of the locale `{name}`"), "C.UTF-8"))
            }
            What::Glibc => Err(self.refusal(need, "a program of the build context is built for glibc", debian)),
        }
    }

    fn program(&self, need: &Need, name: &str) -> Result<Option<String>, Refusal> {
        let table = tables::alpine();
        let is_ours = table.is_translated(name) && need.place.file.is_none() && need.when == When::Build;
        let is_of_alpine = tables::alpine().is_applet(name)
            && tables::needs().command(name, "").is_some_and(|row| row.kind == CommandKind::Packages);
        if is_of_alpine {
            let reason = format!("`{name}` is called although the image is one of Debian");
            return Err(self.refusal(need, reason, "the packages of one distribution only"));
        }
        if is_ours || self.new.programs.contains(name) || self.installed.iter().any(|package| package == name) {
            return Ok(None);
        }
        if let Some(package) = table.package_of(name) {
            return Ok(Some(package.to_owned()));
        }
        if self.is_of_debian(name) {
            let reason = format!("Alpine is not known to have the program `{name}`");
            return Err(self.refusal(need, reason, "a command that both have, or a row in the table of Alpine"));
        }
        // A program of the application comes with its packages.
        if self.needs.has_packages || self.new.interpreter.is_some() && self.installed.is_empty() {
            return Ok(None);
        }
        let reason = format!("which package of Alpine brings the program `{name}` is not known");
        Err(self.refusal(need, reason, "a program that the tables know"))
    }

    /// Checks that a command does the same with busybox; the package that has to be installed for it, if one has to.
    fn applet(&self, used: &Use) -> Result<Option<String>, Refusal> {
        let table = tables::alpine();
        let name = used.program.as_str();
        let span = self.swap.model.instruction(used.place.instruction).span;
        let is_ours = table.is_translated(name) && used.place.file.is_none() && used.when == When::Build;
        let has = |text: &str| used.words.iter().flatten().any(|word| word.contains(text));
        let is_fetch = tables::needs().command(name, "").is_some_and(|row| row.https);
        let is_local = has("//localhost") || has("//127.0.0.1") || has("//[::1]") || has("//0.0.0.0");
        if is_fetch && used.when == When::Build && !is_local {
            let reason = format!("what `{name}` downloads may be built for glibc");
            return Err(refusal(span, reason, "the file in the build context, or a package"));
        }
        if table.trusts_all(name) && has("https:") && !is_local {
            return Ok(table.package_of(name).map(str::to_owned));
        }
        let installed = self.installed.iter().map(String::as_str);
        let is_builtin = tables::programs().is_shell_word(name);
        if is_ours || is_builtin || !table.is_applet(name) || table.is_replaced(name, installed) {
            return Ok(None);
        }
        let words: Vec<Option<&str>> = used.words.iter().map(Option::as_deref).collect();
        match table.applet(name).map(|applet| applet.differs(&words)) {
            Some(None) => Ok(None),
            None if words.is_empty() => Ok(None),
            Some(Some(option)) => {
                let reason = format!("`{name} {option}` is not known to mean the same with busybox");
                Err(refusal(span, reason, "options that both know, or the package of the GNU program"))
            }
            None => {
                let reason = format!("`{name}` of busybox is not known to do the same");
                Err(refusal(span, reason, "a row in the table of Alpine, or the package of the GNU program"))
            }
        }
    }
}
