//! Whether a stage can be built from the slim variant of its image, and what has to be installed for it.
//!
//! Everything that follows here follows from the model and the tables, so that a pass and the validator come to the same
//! answer: the one to write it, the other to check it.

use super::call::Call;
use super::needs::{self, Gap, Need, What, When};
use super::{Base, Model, Stage};
use crate::source::Span;
use crate::syntax::ast::{InstructionKind, Word};
use crate::syntax::image::ImageReference;
use crate::syntax::mount::Mount;
use crate::tables::{self, Fact, Fate, ImageFacts, Lost};

/// Less than this, in MB, is no reason to change an image.
const LEAST_SAVED: f64 = 8.0;

/// More packages than this do not have to be installed for a slim image.
const MAX_PACKAGES: usize = 10;

/// How a stage is built from the slim variant of its image.
#[derive(Clone, Debug, PartialEq)]
pub struct Slim {
    /// The reference, as FROM names it.
    pub reference: String,
    /// Packages that bring back what the slim image lacks, sorted.
    pub packages: Vec<String>,
    /// Where they are installed.
    pub place: InstallPlace,
    /// Whether the reference holds for the defaults of build arguments only.
    pub by_argument: bool,
    /// What a pull of both images transfers, in MB, if both are known.
    pub sizes: Option<(f64, f64)>,
    /// Whether only documentation is lost.
    pub is_documentation: bool,
    /// Code that was looked through.
    pub code: usize,
    /// Whether there is code that is not seen: files without content, packages, programs that others wrote.
    pub is_unseen: bool,
}

/// Where packages are installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallPlace {
    /// By a RUN right behind FROM.
    NewRun,
    /// By an install that is there, behind its last word.
    Install {
        /// The RUN.
        run: usize,
        /// The command.
        command: usize,
    },
}

/// Why a stage keeps its image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The place.
    pub span: Span,
    /// The reason.
    pub reason: String,
    /// What would change it.
    pub unlock: String,
}

/// The commands of a RUN that installs packages and leaves no lists behind.
#[must_use]
pub fn install_commands(packages: &[String]) -> [String; 3] {
    [
        "apt-get update".to_owned(),
        format!("apt-get install -y {} {}", super::packages::NO_RECOMMENDS, packages.join(" ")),
        super::packages::REMOVE_LISTS.to_owned(),
    ]
}

/// The slim variant of the image that a stage is built from, if it has one, with what it takes.
///
/// # Errors
/// Why the stage keeps its image.
pub fn slim(model: &Model<'_>, stage: &Stage) -> Result<Option<Slim>, Refusal> {
    let Some(swap) = Swap::of(model, stage) else { return Ok(None) };
    swap.slim()
}

/// Whether the image of the stage has a slim variant without the packages of development.
#[must_use]
pub fn has_slim_variant(model: &Model<'_>, stage: &Stage) -> bool {
    Swap::of(model, stage).is_some_and(|swap| swap.lost().is_ok_and(|lost| !lost.is_documentation()))
}

/// Whether the full image of the stage has a package of development that its slim variant lacks.
#[must_use]
pub fn full_image_has(model: &Model<'_>, stage: &Stage, package: &str) -> bool {
    Swap::of(model, stage).is_some_and(|swap| swap.lost().is_ok_and(|lost| lost.has(package)))
}

/// A stage with an image that has a slim variant.
struct Swap<'m> {
    model: &'m Model<'m>,
    stage: &'m Stage,
    /// The stage and those that are built from it.
    family: Vec<&'m Stage>,
    full: &'m ImageFacts,
    /// The image as FROM names it.
    word: &'m Word,
    reference: &'m ImageReference,
    to: String,
    row: &'static tables::SlimFamily,
}

impl<'m> Swap<'m> {
    fn of(model: &'m Model<'m>, stage: &'m Stage) -> Option<Self> {
        let Base::Image(reference) = &stage.base else { return None };
        let full = stage.image.as_deref()?;
        let InstructionKind::From(from) = &model.instruction(stage.from).kind else { return None };
        let tag = reference.tag.as_deref().unwrap_or("latest");
        let row = tables::bases().slim_family(&full.family, tag)?;
        let release = full.distribution.known()?.release.as_deref();
        let to = row.slim_tag(tag, release.filter(|release| tag.ends_with(release)));
        let mut family = vec![stage];
        family.extend(model.descendants(stage));
        Some(Self { model, stage, family, full, word: &from.image, reference, to, row })
    }

    fn slim(&self) -> Result<Option<Slim>, Refusal> {
        if !self.model.is_shipped(self.stage) {
            return Ok(None);
        }
        let reference = self.new_reference()?;
        let lost = self.lost()?;
        if self.model.has_triggers() {
            return Err(self.refusal("the file has ONBUILD: other builds may use what the image has", "no ONBUILD"));
        }
        self.is_read_elsewhere()?;
        let found: Vec<(&Stage, needs::Needs)> =
            self.family.iter().map(|stage| (*stage, needs::needs(self.model, stage))).collect();
        let is_own =
            |stage: &Stage, gap: &&Gap| !self.row.portable || stage.instructions.contains(&gap.place.instruction);
        let gap = found.iter().find_map(|(stage, needs)| needs.gaps.iter().find(|gap| is_own(stage, gap)));
        if let Some(gap) = gap.filter(|_| !lost.is_documentation()) {
            return Err(self.of_gap(gap));
        }
        self.reads_documentation(&lost)?;
        self.links_manuals()?;
        for code in found.iter().flat_map(|(_, needs)| &needs.code) {
            let text = code.text.as_deref().unwrap_or_default();
            if let Some(mark) = self.row.marks.iter().find(|mark| text.contains(mark.as_str())) {
                let reason = format!("`{}` uses `{mark}`, which only the full image has", code.path);
                return Err(self.refusal(&reason, "nothing: the program needs it"));
            }
        }
        let mut packages = Vec::new();
        for (stage, needs) in &found {
            for need in &needs.known {
                packages.extend(self.package(stage, need, &lost)?);
            }
            let is_lost = |name: &str| lost.program(name) != Fate::Kept || lost.library(name) != Fate::Kept;
            for mention in needs.mentions(is_lost) {
                let place = needs::Place { instruction: stage.from, file: Some(mention.path) };
                for what in mentioned(mention.name, &lost) {
                    let need = Need { what, when: When::Run, place: place.clone() };
                    packages.extend(self.package(stage, &need, &lost)?);
                }
            }
        }
        for (name, file) in self.started().filter(|(name, _)| lost.program(name) != Fate::Kept) {
            let place = needs::Place { instruction: self.stage.from, file: Some(file.to_owned()) };
            let need = Need { what: What::Program(name.to_owned()), when: When::Run, place };
            packages.extend(self.package(self.stage, &need, &lost)?);
        }
        packages.sort();
        packages.dedup();
        if packages.len() > MAX_PACKAGES {
            let reason = format!("{} packages of the full image are used: {}", packages.len(), packages.join(", "));
            return Err(self.refusal(&reason, "a build stage for what only the build needs"));
        }
        let sizes = self.sizes();
        if sizes.is_some_and(|(full, slim)| full - slim < LEAST_SAVED + self.megabytes(&packages)) {
            return Ok(None);
        }
        let place = self.place(&packages)?;
        let code = found.iter().flat_map(|(_, needs)| &needs.code).filter(|code| !code.path.is_empty());
        let (seen, unseen): (Vec<_>, Vec<_>) = code.partition(|code| code.text.is_some());
        let has_packages = found.iter().any(|(_, needs)| needs.has_packages);
        Ok(Some(Slim {
            reference,
            packages,
            place,
            by_argument: self.stage.image_by_argument,
            sizes,
            is_documentation: lost.is_documentation(),
            code: seen.len(),
            is_unseen: !unseen.is_empty() || has_packages || gap.is_some() || self.row.portable,
        }))
    }

    /// The words of what compose files start, without directories, and the files.
    fn started(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '+' | '-' | '/');
        self.model.context.started().iter().flat_map(move |started| {
            let words = started.text.split(move |c: char| !is_name(c));
            words.map(|word| (word.rsplit('/').next().unwrap_or(word), started.file.as_str()))
        })
    }

    /// Checks that no script which is not understood names a directory of documentation.
    fn reads_documentation(&self, lost: &Lost<'_>) -> Result<(), Refusal> {
        for index in self.family.iter().flat_map(|stage| stage.instructions.clone()) {
            let instruction = self.model.instruction(index);
            let is_unread =
                self.model.is_run(index) && self.model.body(index).is_some_and(|body| body.understood().is_none());
            if is_unread && lost.names_documentation(instruction.full_span().of(self.model.source)) {
                let reason = "a directory of documentation is named, which slim images leave out";
                let unlock = "documentation from another place".to_owned();
                return Err(Refusal { span: instruction.span, reason: reason.to_owned(), unlock });
            }
        }
        Ok(())
    }

    /// Refuses where an install needs the directories of manuals.
    fn links_manuals(&self) -> Result<(), Refusal> {
        let Some((index, package)) = self.family.iter().find_map(|stage| links_manuals(self.model, stage)) else {
            return Ok(());
        };
        let reason = format!("the install of `{package}` may link manuals into a directory that slim images lack");
        let span = self.model.instruction(index).span;
        let unlock = "`mkdir -p /usr/share/man/man1 /usr/share/man/man7` before it, on a slim image".to_owned();
        Err(Refusal { span, reason, unlock })
    }

    fn refusal(&self, reason: &str, unlock: &str) -> Refusal {
        let span = self.model.instruction(self.stage.from).span;
        Refusal { span, reason: reason.to_owned(), unlock: unlock.to_owned() }
    }

    /// The refusal for what cannot be read. It stands where that is.
    fn of_gap(&self, gap: &Gap) -> Refusal {
        let reason = match &gap.place.file {
            Some(file) => format!("what the image has to have is not known: {} (`{file}`)", gap.reason),
            None => format!("what the image has to have is not known: {}", gap.reason),
        };
        let span = self.model.instruction(gap.place.instruction).span;
        Refusal { span, reason, unlock: gap.unlock.to_owned() }
    }

    /// The reference as FROM names it. With a build argument in it, the slim word can only stand behind it.
    fn new_reference(&self) -> Result<String, Refusal> {
        if self.reference.digest.is_some() {
            let reason = "the digest pins this very image";
            return Err(self.refusal(reason, "the digest of the slim variant, which `imgopt lock` finds"));
        }
        let text = self.word.text.as_str();
        let Some(variable) = text.find('$') else {
            return Ok(match self.reference.tag_span {
                Some(span) => format!("{}{}", &text[..span.start], self.to),
                None => format!("{text}:{}", self.to),
            });
        };
        let names_image = text[..variable].contains(':');
        let end = self.reference.tag.as_deref().and_then(|tag| self.to.strip_prefix(tag)).filter(|_| names_image);
        end.map(|end| format!("{text}{end}"))
            .ok_or_else(|| self.refusal("a build argument names the image", "the image without a build argument"))
    }

    /// What the slim variant lacks. Both images have to be of one version, release and configuration.
    fn lost(&self) -> Result<Lost<'static>, Refusal> {
        let unlock = "a tag that names the release, or a row in the image tables";
        let slim = tables::image(&self.reference.name(), Some(&self.to), None);
        let slim = slim.ok_or_else(|| self.refusal("the slim variant is not in the image tables", unlock))?;
        let release = |facts: &ImageFacts| facts.distribution.known().and_then(|known| known.release.clone());
        let (full_release, slim_release) = (release(self.full), release(&slim));
        if full_release.is_none() && !self.row.is_swap() {
            return Err(self.refusal("which release of the distribution the image is built on is not known", unlock));
        }
        if full_release != slim_release || self.full.interpreter != slim.interpreter {
            let reason = format!("`{}` is another version or built on another release", self.to);
            return Err(self.refusal(&reason, unlock));
        }
        let starts = |index: usize| {
            matches!(self.model.instruction(index).kind, InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_))
        };
        let is_started = self.stage.instructions.clone().any(starts);
        if let Some(what) = differs(self.full, &slim, is_started) {
            let reason = format!("whether `{}` has the same {what} is not known", self.to);
            return Err(self.refusal(&reason, "a row in the image tables"));
        }
        let full_release = full_release.unwrap_or_default();
        tables::bases().lost(self.row, &full_release).ok_or_else(|| {
            let reason = format!("what full images on {full_release} have beside slim ones is not known");
            self.refusal(&reason, "a release that the table of slim images knows")
        })
    }

    /// Checks that no other stage takes files of the system from here.
    fn is_read_elsewhere(&self) -> Result<(), Refusal> {
        let indexes: Vec<usize> = self.family.iter().map(|stage| stage.index).collect();
        for index in 0..self.model.dockerfile.instructions.len() {
            if !self.model.stages_read_by(index).iter().any(|stage| indexes.contains(stage)) {
                continue;
            }
            let instruction = self.model.instruction(index);
            let sources: Vec<String> = match &instruction.kind {
                InstructionKind::Copy(transfer) => transfer.sources.iter().map(|word| word.text.clone()).collect(),
                _ => {
                    let mounts = instruction.flags.iter().filter_map(|flag| Mount::parse(flag.value.as_deref()?).ok());
                    mounts.map(|mount| mount.source.unwrap_or_else(|| "/".to_owned())).collect()
                }
            };
            if let Some(path) = sources.iter().find(|path| is_of_system(path)) {
                let span = instruction.span;
                let reason =
                    format!("another stage takes `{path}` from the stage, and what lies there depends on the image");
                return Err(Refusal { span, reason, unlock: "files of the application only".to_owned() });
            }
        }
        Ok(())
    }

    /// The package that has to be installed for a need, if one has to.
    fn package(&self, stage: &Stage, need: &Need, lost: &Lost<'static>) -> Result<Option<String>, Refusal> {
        let fate = match &need.what {
            What::Program(name) => lost.program(name),
            What::Library(name) => lost.library(name),
            What::Path(path) => lost.path(path),
            What::Certificates => lost.certificates(),
            What::Locale(locale) if !is_plain_locale(locale) => {
                let reason = format!("slim images leave out translations, which `{locale}` may ask for");
                return Err(self.of_need(need, &reason, "C.UTF-8, or English"));
            }
            // Both images have them, and glibc.
            What::Locale(_) | What::TimeZones | What::Glibc => Fate::Kept,
        };
        match fate {
            Fate::Kept => Ok(None),
            Fate::In(package) if self.is_installed(stage, need, package) => Ok(None),
            Fate::In(package) => Ok(Some(package.to_owned())),
            Fate::Gone => {
                let reason = format!("the slim image lacks {}", in_words(&need.what));
                Err(self.of_need(need, &reason, "a build stage for what only the build needs"))
            }
        }
    }

    fn of_need(&self, need: &Need, reason: &str, unlock: &str) -> Refusal {
        let span = self.model.instruction(need.place.instruction).span;
        Refusal { span, reason: reason.to_owned(), unlock: unlock.to_owned() }
    }

    /// Whether the file itself installs the package before it is needed, in the stage or one that it is built from.
    fn is_installed(&self, stage: &Stage, need: &Need, package: &str) -> bool {
        let end = if need.when == When::Run { stage.instructions.end } else { need.place.instruction };
        let mut stage = stage;
        loop {
            let runs = stage.instructions.clone().filter(|run| *run < end && self.model.is_run(*run));
            if runs.into_iter().any(|run| self.model.calls(run).iter().any(|call| installs(call, package))) {
                return true;
            }
            if need.when == When::Build
                && self.model.is_run(need.place.instruction)
                && self.installs_first(need, package)
            {
                return true;
            }
            let Base::Stage(parent) = stage.base else { return false };
            stage = &self.model.stages[parent];
        }
    }

    /// Whether the RUN that needs a program installs it first.
    fn installs_first(&self, need: &Need, package: &str) -> bool {
        let What::Program(name) = &need.what else { return false };
        let calls = self.model.calls(need.place.instruction);
        let is_use =
            |call: &&Call<'_>| call.command.name().is_some_and(|word| word.rsplit('/').next() == Some(name.as_str()));
        let Some(first) = calls.iter().find(is_use) else { return false };
        calls.iter().any(|call| call.id < first.id && installs(call, package))
    }

    /// Where the packages are installed: by the first RUN of the stage if that is a plain install, else by a new one.
    fn place(&self, packages: &[String]) -> Result<InstallPlace, Refusal> {
        if packages.is_empty() {
            return Ok(InstallPlace::NewRun);
        }
        if !self.full.user.is("root") {
            return Err(
                self.refusal("packages would have to be installed, and the image's user is not root", "USER root")
            );
        }
        let first = self.stage.instructions.clone().find(|index| self.model.is_run(*index));
        let plain = first.and_then(|run| {
            let calls = self.model.calls(run);
            let install = calls.iter().find(|call| super::packages::is_apt_install(call))?;
            let is_plain = install.subcommand() == Some("install")
                && install.is_plain()
                && super::packages::updates_first(&calls, install)
                && calls.iter().take_while(|call| call.id < install.id).all(super::packages::is_update)
                && self.model.user(run).is_root()
                && install.command.words.iter().all(|word| word.literal().is_some())
                && install.command.redirects.is_empty()
                && self
                    .model
                    .body(run)
                    .is_some_and(|body| body.understood().is_some_and(|script| script.comments.is_empty()));
            is_plain.then_some(InstallPlace::Install { run, command: install.id })
        });
        Ok(plain.unwrap_or(InstallPlace::NewRun))
    }

    fn sizes(&self) -> Option<(f64, f64)> {
        let size = |tag: &str| {
            let reference = ImageReference { tag: Some(tag.to_owned()), ..self.reference.clone() };
            Some(tables::size_of(&reference)?.megabytes)
        };
        Some((size(self.reference.tag.as_deref().unwrap_or("latest"))?, size(&self.to)?))
    }

    /// What a pull of the packages transfers at most, in MB.
    fn megabytes(&self, packages: &[String]) -> f64 {
        let release = self.full.distribution.known().and_then(|known| known.release.as_deref()).unwrap_or_default();
        let sizes = packages.iter().filter_map(|package| tables::package_size(release, package));
        sizes.map(|size| f64::from(u32::try_from(size.download).unwrap_or(u32::MAX)) / 1000.0).sum()
    }
}

/// A package of the stage whose install may fail without directories for manuals, and the instruction that installs it.
#[must_use]
pub fn links_manuals(model: &Model<'_>, stage: &Stage) -> Option<(usize, String)> {
    let of_call = |call: &Call<'_>| {
        let mut names = call.operands().iter().filter_map(|operand| operand.text.clone());
        names.find(|name| super::packages::is_apt_install(call) && tables::bases().links_manuals(name))
    };
    let mut indices = stage.instructions.clone();
    indices.find_map(|index| model.calls(index).iter().find_map(of_call).map(|name| (index, name)))
}

/// What code needs that names a program or a library. The addresses that it gives to the program are not known.
fn mentioned(name: String, lost: &Lost<'_>) -> Vec<What> {
    if lost.program(&name) == Fate::Kept {
        return vec![What::Library(name)];
    }
    let (https, started) = tables::needs().at_most(&name);
    let certificates = https.then_some(What::Certificates);
    let mut needs: Vec<What> =
        certificates.into_iter().chain(started.iter().map(|name| What::Program((*name).to_owned()))).collect();
    needs.push(What::Program(name));
    needs
}

fn installs(call: &Call<'_>, package: &str) -> bool {
    super::packages::is_apt_install(call)
        && call.operands().iter().any(|operand| {
            operand.text.as_deref().is_some_and(|text| text.split([':', '=', '/']).next() == Some(package))
        })
}

/// The first part of the configuration that is not known to be the same. CMD of the image has no effect where the stage says
/// what is started.
fn differs(full: &ImageFacts, slim: &ImageFacts, is_started: bool) -> Option<&'static str> {
    fn same<T: PartialEq>(full: &Fact<T>, slim: &Fact<T>) -> bool {
        full.known().is_some() && full == slim
    }
    let parts = [
        (same(&full.libc, &slim.libc), "C library"),
        (same(&full.sh, &slim.sh) && same(&full.has_bash, &slim.has_bash), "shell"),
        (same(&full.package_manager, &slim.package_manager), "package manager"),
        (same(&full.entrypoint, &slim.entrypoint), "ENTRYPOINT"),
        (full.entrypoint_passes_through == slim.entrypoint_passes_through, "ENTRYPOINT"),
        (is_started || same(&full.cmd, &slim.cmd), "CMD"),
        (same(&full.user, &slim.user) && same(&full.home, &slim.home) && full.users == slim.users, "users"),
        (same(&full.workdir, &slim.workdir), "WORKDIR"),
        // What varies from build to build of a version is the same in the variants of one build.
        (same(&full.env, &slim.env), "ENV"),
        (same(&full.onbuild, &slim.onbuild) && full.onbuild.is(&false), "triggers"),
        (same(&full.volumes, &slim.volumes), "VOLUME"),
        (same(&full.stop_signal, &slim.stop_signal), "STOPSIGNAL"),
    ];
    parts.iter().find(|(same, _)| !same).map(|(_, what)| *what)
}

/// Whether what lies at a path of a stage comes with the image.
fn is_of_system(path: &str) -> bool {
    const OF_OTHERS: [&str; 4] = ["/usr/local/", "/usr/src/", "/usr/app/", "/usr/share/nginx/"];
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let path = format!("{}/", path.trim_end_matches('/'));
    let system = ["/usr/", "/lib", "/bin/", "/sbin/", "/etc/", "/var/"];
    path == "/"
        || path.contains('$')
        || system.iter().any(|root| path.starts_with(root)) && !OF_OTHERS.iter().any(|other| path.starts_with(other))
}

/// Locales whose messages need no translations.
fn is_plain_locale(locale: &str) -> bool {
    matches!(locale, "" | "C" | "POSIX")
        || locale.starts_with("C.")
        || locale.starts_with("en_")
        || locale.starts_with("en:")
        || locale == "en"
}

fn in_words(what: &What) -> String {
    match what {
        What::Program(name) => format!("the program `{name}`"),
        What::Path(path) => format!("`{path}`"),
        What::Library(name) => format!("the library `{name}`"),
        What::Certificates => "the certificates of authorities".to_owned(),
        What::TimeZones => "the time zone database".to_owned(),
        What::Locale(name) => format!("the locale `{name}`"),
        What::Glibc => "glibc".to_owned(),
    }
}
