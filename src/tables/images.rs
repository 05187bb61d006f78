//! What is known of base images: `images/*.yaml`, `distributions.yaml` and `tags.yaml`.
//!
//! A family file has rows from the general to the special. Each row that fits the tag adds to what the rows before and
//! the distribution say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde::Deserialize;

use super::own::{self, OwnTables};
use super::{Fact, Source, TableError, decode_file, invalid, shipped, shipped_in};
use crate::syntax::image::ImageReference;

/// What is known of an image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// Name of the family file.
    pub family: String,
    /// What the floating tag means today, when it was resolved.
    pub floating: Option<Floating>,
    /// Which distribution it is.
    pub distribution: Fact<Distribution>,
    /// Its C library.
    pub libc: Fact<LibC>,
    /// Its package manager.
    pub package_manager: Fact<PackageManager>,
    /// What `/bin/sh` is.
    pub sh: Fact<Sh>,
    /// Whether bash is there.
    pub has_bash: Fact<bool>,
    /// ENTRYPOINT; empty when there is none.
    pub entrypoint: Fact<Vec<String>>,
    /// Whether the entrypoint prepares something and then executes the arguments it was given. With an entrypoint that is not
    /// known: whether there is none or one that does so.
    pub entrypoint_passes_through: bool,
    /// CMD; empty when there is none. Shell form has `/bin/sh -c` in front.
    pub cmd: Fact<Vec<String>>,
    /// USER; `root` when there is none.
    pub user: Fact<String>,
    /// Home directory of that user.
    pub home: Fact<String>,
    /// WORKDIR.
    pub workdir: Fact<String>,
    /// ENV: every variable that the image sets.
    pub env: Fact<BTreeMap<String, Fact<String>>>,
    /// Whether it has ONBUILD triggers.
    pub onbuild: Fact<bool>,
    /// VOLUME.
    pub volumes: Fact<Vec<String>>,
    /// STOPSIGNAL.
    pub stop_signal: Fact<String>,
    /// Accounts known to exist; there may be others.
    pub users: Vec<ImageUser>,
    /// Commands known to be on the `PATH`; there may be others.
    pub programs: BTreeSet<String>,
    /// Whether `/etc/apt/apt.conf.d/docker-clean` deletes downloaded packages.
    pub docker_clean: Fact<bool>,
    /// The language interpreter or toolchain that the image is for.
    pub interpreter: Option<Interpreter>,
    /// Whether it is a Windows image: nothing that holds for Linux holds for it.
    pub windows: bool,
}

/// What a floating tag meant when the table was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floating {
    /// A tag of the same image that says more.
    pub tag: String,
    /// The day, `YYYY-MM-DD`.
    pub date: String,
}

/// A language and its version, as far as the tag says it: `("python", "3.12")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The language.
    pub name: String,
    /// Its version; empty when the tag does not say.
    pub version: String,
}

/// A distribution with its release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Which one.
    pub name: DistributionName,
    /// `bookworm`, `noble`, `3.20`, `9`, if known.
    pub release: Option<String>,
}

/// A distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum DistributionName {
    AlmaLinux,
    Alpine,
    AmazonLinux,
    Arch,
    AzureLinux,
    Busybox,
    CentOs,
    Debian,
    /// GoogleContainerTools distroless: Debian packages without package manager and shell.
    Distroless,
    Fedora,
    OpenSuse,
    OracleLinux,
    /// Red Hat Enterprise Linux, and its universal base images.
    Rhel,
    RockyLinux,
    Scratch,
    Ubuntu,
    Wolfi,
}

/// A C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LibC {
    Glibc,
    Musl,
    /// There is none.
    None,
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum PackageManager {
    Apk,
    Apt,
    Dnf,
    Microdnf,
    Pacman,
    Tdnf,
    Yum,
    Zypper,
    /// There is none.
    None,
}

/// What `/bin/sh` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Sh {
    /// ash of busybox.
    Ash,
    Bash,
    Dash,
    /// There is none.
    None,
}

/// An account of an image.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ImageUser {
    /// Its name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Id of the primary group.
    pub gid: u32,
    /// Home directory.
    pub home: String,
}

/// The image tables, decoded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageTable {
    families: Vec<Family>,
    /// Index into `families` by repository.
    repositories: BTreeMap<String, usize>,
    distributions: Vec<DistributionRow>,
    distribution_sources: Vec<Source>,
    program_sets: BTreeMap<String, Vec<String>>,
    floating: BTreeMap<String, FloatingTags>,
}

/// The facts of an image.
///
/// `name` is what stands before the tag, such as `docker.io/library/python`; `tag` is `latest` when there is none.
/// With a digest, a tag that floats is not resolved: the digest may be of any day.
#[must_use]
pub fn image(name: &str, tag: Option<&str>, digest: Option<&str>) -> Option<ImageFacts> {
    images().image(name, tag, digest)
}

/// The facts of the image that a reference names.
#[must_use]
pub fn image_of(reference: &ImageReference) -> Option<ImageFacts> {
    image(&reference.familiar_name(), reference.tag.as_deref(), reference.digest.as_deref())
}

/// The tables in force.
pub fn images() -> &'static ImageTable {
    own::table(shipped_images, |merged| &merged.images, ImageTable::with)
}

/// The shipped tables.
///
/// # Panics
/// Never: `tests/tables.rs` decodes the same text.
pub(super) fn shipped_images() -> &'static ImageTable {
    static TABLE: OnceLock<ImageTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        decode_images(&shipped_in("images/"), shipped("distributions.yaml"), shipped("tags.yaml"))
            .expect("the shipped image tables decode")
    })
}

/// Decodes the image tables: family files by path, the distributions, and what floating tags mean.
///
/// # Errors
/// If one cannot be used.
pub fn decode_images(families: &[(&str, &str)], distributions: &str, floating: &str) -> Result<ImageTable, TableError> {
    let distributions: DistributionsFile = decode_file("distributions.yaml", distributions)?;
    let mut table = ImageTable {
        distributions: distributions.distributions,
        distribution_sources: distributions.sources,
        program_sets: distributions.program_sets,
        floating: decode_file::<BTreeMap<String, FloatingTags>>("tags.yaml", floating)?,
        ..ImageTable::default()
    };
    for (file, text) in families {
        let decoded: ImageFamily = decode_file(file, text)?;
        for repository in &decoded.repositories {
            if table.repositories.insert(repository.clone(), table.families.len()).is_some() {
                return Err(invalid(file, "the file", "repositories", format!("`{repository}` is in two families")));
            }
        }
        for (index, row) in decoded.rows.iter().enumerate() {
            table.check_row(file, index, row)?;
        }
        let ImageFamily { family: name, tag_is_release, name_words, sources, rows, .. } = decoded;
        table.families.push(Family { name, tag_is_release, name_words, sources, rows });
    }
    Ok(table)
}

impl ImageTable {
    /// As [`image`].
    #[must_use]
    pub fn image(&self, name: &str, tag: Option<&str>, digest: Option<&str>) -> Option<ImageFacts> {
        let family = &self.families[*self.repositories.get(repository(name))?];
        if tag.is_none() && digest.is_some() {
            return None;
        }
        let asked = tag.unwrap_or("latest").to_ascii_lowercase();
        let floating = self.floating.get(&family.name).filter(|_| digest.is_none());
        let resolved = floating.and_then(|floating| Some((floating.tags.get(&asked)?, &floating.source.date)));
        let mut tag = Tag::new(resolved.map_or(asked.as_str(), |(tag, _)| tag), digest.is_some());
        if let (None, None) = (resolved, digest)
            && let Some(release) = super::releases().release(repository(name), &asked)
        {
            tag.words.retain(|word| *word != "alpine");
            tag.words.push(release);
        }
        if family.name_words {
            tag.words.extend(name.rsplit('/').next().into_iter().flat_map(|last| last.split('-')));
        }
        let mut facts = self.facts(family, &tag);
        facts.floating = resolved.map(|(tag, date)| Floating { tag: tag.clone(), date: date.clone() });
        Some(facts)
    }

    /// The tables with the families of a project: those of a known name gain repositories and rows.
    fn with(&self, own: &OwnTables) -> Self {
        let mut table = self.clone();
        for own in &own.images {
            let index = table.families.iter().position(|family| family.name == own.family).unwrap_or_else(|| {
                let ImageFamily { family: name, tag_is_release, name_words, .. } = own.clone();
                let (sources, rows) = (Vec::new(), Vec::new());
                table.families.push(Family { name, tag_is_release, name_words, sources, rows });
                table.families.len() - 1
            });
            table.families[index].sources.extend(own.sources.iter().cloned());
            table.families[index].rows.extend(own.rows.iter().cloned());
            let names = own.repositories.iter().map(|name| (repository(name).to_owned(), index));
            table.repositories.extend(names);
        }
        table
    }

    /// What a family of a project must hold beyond its types.
    pub(super) fn check_family(&self, family: &ImageFamily) -> Result<(), TableError> {
        let mut rows = family.rows.iter().enumerate();
        rows.try_for_each(|(index, row)| self.check_row(&family.family, index, row))
    }

    /// Where the tables come from: for each family file, for the distributions, and for the floating tags.
    pub fn sources(&self) -> impl Iterator<Item = (&str, &[Source])> {
        let families = self.families.iter().map(|family| (family.name.as_str(), family.sources.as_slice()));
        let floating = self.floating.iter().map(|(name, tags)| (name.as_str(), std::slice::from_ref(&tags.source)));
        families.chain([("distributions", self.distribution_sources.as_slice())]).chain(floating)
    }

    fn facts(&self, family: &Family, tag: &Tag<'_>) -> ImageFacts {
        if tag.words.iter().any(|word| word.starts_with("windowsservercore") || word.starts_with("nanoserver")) {
            return ImageFacts { family: family.name.clone(), windows: true, ..ImageFacts::default() };
        }
        let fitting: Vec<(Fit, &ImageRow)> =
            family.rows.iter().map(|row| (row.fits(tag), row)).filter(|(fit, _)| *fit != Fit::No).collect();
        let mut facts = ImageFacts { family: family.name.clone(), ..ImageFacts::default() };
        let named = fitting.iter().rev().find_map(|(fit, row)| Some((*fit, row.distribution.as_ref()?)));
        if let Some((Fit::Yes, Fact::Known(name))) = named {
            self.add_distribution(&mut facts, family, *name, tag);
        }
        for (fit, row) in fitting {
            self.add_row(&mut facts, row, fit, tag);
        }
        facts
    }

    fn add_distribution(&self, facts: &mut ImageFacts, family: &Family, name: DistributionName, tag: &Tag<'_>) {
        let Some(row) = self.distributions.iter().find(|row| row.name == name) else { return };
        let release = row.release(tag, family.tag_is_release);
        facts.libc = row.libc.clone();
        facts.package_manager = row.package_manager.clone();
        facts.sh = row.sh.clone();
        facts.has_bash = row.has_bash.clone();
        facts.docker_clean = row.docker_clean.clone();
        facts.users.clone_from(&row.users);
        self.add_programs(facts, &row.programs);
        if let Some(release) = &release {
            facts.users.extend(release.users.iter().cloned());
            self.add_programs(facts, &release.programs);
        }
        facts.distribution = Fact::Known(Distribution { name, release: release.map(|release| release.name) });
    }

    /// Adds what a row says; when only its version is open, what it speaks of becomes unknown.
    fn add_row(&self, facts: &mut ImageFacts, row: &ImageRow, fit: Fit, tag: &Tag<'_>) {
        let sure = fit == Fit::Yes;
        if row.plain && sure {
            facts.entrypoint = Fact::Known(Vec::new());
            facts.user = Fact::Known("root".to_owned());
            facts.home = Fact::Known("/root".to_owned());
            facts.workdir = Fact::Known("/".to_owned());
            facts.onbuild = Fact::Known(false);
            facts.volumes = Fact::Known(Vec::new());
            facts.stop_signal = Fact::Known("SIGTERM".to_owned());
        }
        set(&mut facts.libc, row.libc.as_ref(), sure);
        set(&mut facts.package_manager, row.package_manager.as_ref(), sure);
        set(&mut facts.sh, row.sh.as_ref(), sure);
        set(&mut facts.has_bash, row.has_bash.as_ref(), sure);
        set(&mut facts.entrypoint, row.entrypoint.as_ref(), sure);
        set(&mut facts.cmd, row.cmd.as_ref(), sure);
        set(&mut facts.user, row.user.as_ref(), sure);
        set(&mut facts.home, row.home.as_ref(), sure);
        set(&mut facts.workdir, row.workdir.as_ref(), sure);
        set(&mut facts.onbuild, row.onbuild.as_ref(), sure);
        set(&mut facts.volumes, row.volumes.as_ref(), sure);
        set(&mut facts.stop_signal, row.stop_signal.as_ref(), sure);
        set(&mut facts.docker_clean, row.docker_clean.as_ref(), sure);
        match &row.env {
            Some(Fact::Known(variables)) if sure => {
                let mut all = facts.env.known().cloned().unwrap_or_default();
                all.extend(variables.clone());
                facts.env = Fact::Known(all);
            }
            Some(_) => facts.env = Fact::Unknown,
            None => {}
        }
        if !sure {
            let is_none = |argv: &Fact<Vec<String>>| matches!(argv, Fact::Known(argv) if argv.is_empty());
            facts.entrypoint_passes_through &=
                row.entrypoint.as_ref().is_none_or(|argv| is_none(argv) || row.entrypoint_passes_through);
            facts.interpreter = facts.interpreter.take().filter(|_| row.interpreter.is_none());
            return;
        }
        if row.entrypoint.is_some() || row.plain {
            facts.entrypoint_passes_through = row.entrypoint_passes_through;
        }
        if let Some(name) = &row.interpreter {
            facts.interpreter = Some(Interpreter { name: name.clone(), version: tag.version_text().to_owned() });
        }
        facts.windows |= row.windows;
        if row.no_programs {
            facts.programs.clear();
        }
        facts.users.retain(|user| !row.removed_users.contains(&user.name));
        facts.users.extend(row.users.iter().cloned());
        self.add_programs(facts, &row.programs);
    }

    fn add_programs(&self, facts: &mut ImageFacts, programs: &[String]) {
        for program in programs {
            match program.strip_prefix('@').and_then(|set| self.program_sets.get(set)) {
                Some(set) => facts.programs.extend(set.iter().cloned()),
                None => _ = facts.programs.insert(program.clone()),
            }
        }
    }

    /// What a decoded row must hold beyond its types.
    fn check_row(&self, file: &str, index: usize, row: &ImageRow) -> Result<(), TableError> {
        let row_name = format!("row {}", index + 1);
        let unknown_set = row.programs.iter().filter_map(|program| program.strip_prefix('@'));
        let mut unknown_set = unknown_set.filter(|set| !self.program_sets.contains_key(*set));
        if let Some(set) = unknown_set.next() {
            return Err(invalid(file, row_name, "programs", format!("there is no program set `{set}`")));
        }
        if let Some(Fact::Known(name)) = row.distribution
            && !self.distributions.iter().any(|row| row.name == name)
        {
            return Err(invalid(file, row_name, "distribution", format!("distributions.yaml has no row for {name:?}")));
        }
        if let Some(range) = &row.version
            && range.split_whitespace().any(|bound| parse_bound(bound).is_none())
        {
            return Err(invalid(file, row_name, "version", format!("`{range}` is no range")));
        }
        Ok(())
    }
}

fn set<T: Clone>(fact: &mut Fact<T>, value: Option<&Fact<T>>, sure: bool) {
    if let Some(value) = value {
        *fact = if sure { value.clone() } else { Fact::Unknown };
    }
}

/// The name under which the families list a repository: without Docker Hub and its mirrors of the official images, and
/// without the architecture that the official images are also published under.
fn repository(name: &str) -> &str {
    let hosts =
        ["docker.io/", "index.docker.io/", "registry-1.docker.io/", "registry.hub.docker.com/", "mirror.gcr.io/"];
    let name = hosts.iter().find_map(|host| name.strip_prefix(host)).unwrap_or(name);
    let name = name.strip_prefix("public.ecr.aws/docker/").unwrap_or(name);
    let namespaces = [
        "library/", "amd64/", "arm32v5/", "arm32v6/", "arm32v7/", "arm64v8/", "i386/", "ppc64le/", "riscv64/", "s390x/",
    ];
    namespaces.iter().find_map(|namespace| name.strip_prefix(namespace)).unwrap_or(name)
}

/// A tag in its words: `3.12-slim-bookworm`.
struct Tag<'a> {
    words: Vec<&'a str>,
    /// Numbers at the start of the first word.
    version: Vec<u32>,
    /// Whether there is a digest, which may be of any build that the tag once named.
    pinned: bool,
}

impl<'a> Tag<'a> {
    fn new(text: &'a str, pinned: bool) -> Self {
        let words: Vec<&str> = text.split(['-', '_']).collect();
        let version = parse_version(words[0]);
        Self { words, version, pinned }
    }

    /// The version as written, without what follows the numbers.
    fn version_text(&self) -> &'a str {
        let word = self.words[0];
        let end = word.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(word.len());
        word[..end].trim_end_matches('.')
    }
}

fn parse_version(text: &str) -> Vec<u32> {
    let end = text.find(|next: char| !next.is_ascii_digit() && next != '.').unwrap_or(text.len());
    text[..end].split('.').map_while(|number| number.parse().ok()).collect()
}

/// A bound of a version range: `>=12` or `<3.8`.
fn parse_bound(bound: &str) -> Option<(bool, Vec<u32>)> {
    let (at_least, text) = match bound.strip_prefix(">=") {
        Some(text) => (true, text),
        None => (false, bound.strip_prefix('<')?),
    };
    let version = parse_version(text);
    (!version.is_empty()).then_some((at_least, version))
}

/// Whether a row speaks of a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    Yes,
    /// It depends on the version, which the tag does not say.
    Perhaps,
    No,
}

/// A family of images.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Family {
    name: String,
    tag_is_release: bool,
    name_words: bool,
    sources: Vec<Source>,
    rows: Vec<ImageRow>,
}

/// A family of images as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ImageFamily {
    /// Its name.
    family: String,
    /// Names of repositories: without Docker Hub's host and `library/`.
    repositories: Vec<String>,
    /// Whether the tag is a release of the distribution, as for `debian:12`.
    #[serde(default)]
    tag_is_release: bool,
    /// Whether the words of the repository's last part count as words of the tag, as for `nodejs22-debian12`.
    #[serde(default)]
    name_words: bool,
    /// Where the rows are from.
    sources: Vec<Source>,
    /// What is known of the images, from the general to the special.
    #[serde(default)]
    rows: Vec<ImageRow>,
}

/// What a family says of the tags with certain words and versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct ImageRow {
    /// Words that the tag must all have; a word may end in `*`.
    words: String,
    /// Words of which it must have none.
    not: String,
    /// Bounds of the version, `>=12 <18`.
    version: Option<String>,
    /// The image has root, no entrypoint, no volumes, no triggers, `/` as its directory, and the default stop signal.
    plain: bool,
    distribution: Option<Fact<DistributionName>>,
    libc: Option<Fact<LibC>>,
    package_manager: Option<Fact<PackageManager>>,
    sh: Option<Fact<Sh>>,
    has_bash: Option<Fact<bool>>,
    entrypoint: Option<Fact<Vec<String>>>,
    entrypoint_passes_through: bool,
    cmd: Option<Fact<Vec<String>>>,
    user: Option<Fact<String>>,
    home: Option<Fact<String>>,
    workdir: Option<Fact<String>>,
    env: Option<Fact<BTreeMap<String, Fact<String>>>>,
    onbuild: Option<Fact<bool>>,
    volumes: Option<Fact<Vec<String>>>,
    stop_signal: Option<Fact<String>>,
    users: Vec<ImageUser>,
    /// Accounts that the image takes out again.
    removed_users: Vec<String>,
    programs: Vec<String>,
    /// The image has none of the programs of its distribution.
    no_programs: bool,
    docker_clean: Option<Fact<bool>>,
    interpreter: Option<String>,
    windows: bool,
}

impl ImageRow {
    fn fits(&self, tag: &Tag<'_>) -> Fit {
        let has = |wanted: &str| match wanted.strip_suffix('*') {
            Some(start) => tag.words.iter().any(|word| word.starts_with(start)),
            None => tag.words.contains(&wanted),
        };
        if !self.words.split_whitespace().all(has) || self.not.split_whitespace().any(has) {
            return Fit::No;
        }
        let Some(range) = &self.version else { return Fit::Yes };
        let fits = range.split_whitespace().filter_map(parse_bound).map(|(at_least, bound)| {
            // `3` is the newest 3.x of its day: at least 3.8, if there is a 3.8, unless a digest takes it back.
            let open = tag.version.len() < bound.len() && bound.starts_with(&tag.version);
            if tag.version.is_empty() || (open && tag.pinned) {
                Fit::Perhaps
            } else if (open || tag.version >= bound) == at_least {
                Fit::Yes
            } else {
                Fit::No
            }
        });
        let fits: Vec<Fit> = fits.collect();
        [Fit::No, Fit::Perhaps].into_iter().find(|fit| fits.contains(fit)).unwrap_or(Fit::Yes)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DistributionsFile {
    sources: Vec<Source>,
    program_sets: BTreeMap<String, Vec<String>>,
    distributions: Vec<DistributionRow>,
}

/// What holds for every image of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct DistributionRow {
    name: DistributionName,
    #[serde(default)]
    libc: Fact<LibC>,
    #[serde(default)]
    package_manager: Fact<PackageManager>,
    #[serde(default)]
    sh: Fact<Sh>,
    #[serde(default)]
    has_bash: Fact<bool>,
    #[serde(default)]
    docker_clean: Fact<bool>,
    #[serde(default)]
    users: Vec<ImageUser>,
    #[serde(default)]
    programs: Vec<String>,
    /// Releases with names: the name, and numbers that mean it in the tags of the distribution's own images.
    #[serde(default)]
    releases: Vec<Release>,
}

/// A release of a distribution, with what is in its images beside what is in all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Release {
    name: String,
    #[serde(default)]
    also: Vec<String>,
    #[serde(default)]
    users: Vec<ImageUser>,
    #[serde(default)]
    programs: Vec<String>,
}

impl DistributionRow {
    /// The release that a tag names. In the tags of other images a release has a word of its own, `bookworm` or
    /// `alpine3.20`; in those of the distribution itself the version is it.
    fn release(&self, tag: &Tag<'_>, tag_is_release: bool) -> Option<Release> {
        let find = |word: &str| {
            self.releases.iter().find(|release| release.name == word || release.also.iter().any(|also| also == word))
        };
        let by_word = tag.words.iter().enumerate().find_map(|(index, word)| match word.strip_prefix("alpine") {
            Some("") => find(tag.words.get(index + 1)?),
            Some(version) => find(version),
            None if word.starts_with(|first: char| first.is_ascii_digit()) => None,
            None => find(word).or_else(|| find(word.strip_prefix("ubuntu")?)),
        });
        if by_word.is_some() || !tag_is_release {
            return by_word.cloned();
        }
        let version = tag.version_text();
        let ends = version.match_indices('.').map(|(end, _)| end).chain([version.len()]);
        let mut prefixes = ends.map(|end| &version[..end]).filter(|prefix| !prefix.is_empty());
        if self.releases.is_empty() {
            return prefixes.next().map(|name| Release { name: name.to_owned(), ..Release::default() });
        }
        prefixes.find_map(find).cloned()
    }
}

/// What the floating tags of a family meant on a day.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct FloatingTags {
    source: Source,
    tags: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_ranges() {
        let fits = |range: &str, tag: &str| {
            ImageRow { version: Some(range.to_owned()), ..ImageRow::default() }.fits(&Tag::new(tag, false))
        };
        assert_eq!(fits(">=12 <18", "14.2-slim"), Fit::Yes);
        assert_eq!(fits(">=12 <18", "18"), Fit::No);
        assert_eq!(fits(">=3.8", "3"), Fit::Yes);
        assert_eq!(fits("<3.8", "3"), Fit::No);
        assert_eq!(fits(">=3.8", "3.10"), Fit::Yes);
        assert_eq!(fits(">=3.8", "latest"), Fit::Perhaps);
        assert_eq!(fits("<9", "8u212-jdk"), Fit::Yes);
    }

    #[test]
    fn names_of_official_images() {
        for name in [
            "python",
            "docker.io/library/python",
            "library/python",
            "public.ecr.aws/docker/library/python",
            "arm64v8/python",
        ] {
            assert_eq!(repository(name), "python");
        }
        assert_eq!(repository("mcr.microsoft.com/dotnet/sdk"), "mcr.microsoft.com/dotnet/sdk");
    }
}
