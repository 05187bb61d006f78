//! `imgopt tables`.

mod mentions;

use std::fmt::Display;

use anyhow::{Result, bail};
use clap::Args;

use super::Exit;
use super::terminal::{Stream, Terminal};
use crate::config::Configs;
use crate::report::printable;
use crate::syntax::image::ImageReference;
use crate::tables::{
    self, Counterpart, Ecosystem, Fact, ImageFacts, PackageManager, RELEASES, Recommended, Source, Support, Tool,
};

#[derive(Args)]
pub(super) struct Command {
    /// An image, a package or a command, such as `npm ci` in quotes; without one, the tables are listed
    #[arg(value_name = "IMAGE|PACKAGE|TOOL")]
    name: Option<String>,
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    // The rows of the project count here as they do in a rewrite.
    let here = std::env::current_dir()?.canonicalize()?;
    let own = Configs::default().of(&here)?.settings(&here.join("Dockerfile")).tables;
    tables::with(&own, || show(command, terminal))
}

fn show(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let text = match &command.name {
        None => list(),
        Some(name) => {
            let sections: String =
                [image(name), package(name), tool(name), others(name)].into_iter().flatten().collect();
            if sections.is_empty() {
                bail!("nothing is known of `{name}`: what depends on it is declined");
            }
            sections
        }
    };
    // Names come from the command line.
    let text: String = text.lines().map(|line| printable(line) + "\n").collect();
    terminal.print(Stream::Stdout, &text)?;
    Ok(Exit::Done)
}

/// The tables and what they are about: the first sentence of each. Families of images are one table.
fn list() -> String {
    let of_images = |file: &str| file.strip_prefix("images/")?.strip_suffix(".yaml").map(str::to_owned);
    let families: Vec<String> = tables::files().keys().filter_map(|file| of_images(file)).collect();
    let mut text = format!("rewrites/images/*.yaml: what base images are and have: {}\n", families.join(" "));
    for (file, content) in tables::files().into_iter().filter(|(file, _)| of_images(file).is_none()) {
        let comment = content.lines().map_while(|line| line.strip_prefix("# ")).collect::<Vec<_>>().join(" ");
        let about = match comment.split_once(". ") {
            Some((first, _)) => first.to_owned(),
            None => comment.trim_end_matches('.').to_owned(),
        };
        text += &format!("rewrites/{file}: {about}\n");
    }
    text
}

/// The lines of one section.
struct Section(String);

impl Section {
    fn new(title: impl Display) -> Self {
        Self(format!("{title}\n"))
    }

    fn line(&mut self, key: &str, value: impl Display) {
        self.0 += &format!("  {key}: {value}\n");
    }

    fn some(&mut self, key: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.line(key, value);
        }
    }

    fn fact<T>(&mut self, key: &str, fact: &Fact<T>, show: impl Fn(&T) -> String) {
        let text = match fact {
            Fact::Known(value) => show(value),
            Fact::Varies => "varies".to_owned(),
            Fact::Unknown => "unknown".to_owned(),
        };
        self.line(key, text);
    }

    /// The same key with different values, for different releases: those with the same value on one line.
    fn by_release(&mut self, key: &str, values: &[(&str, String)]) {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for (release, value) in values {
            match groups.iter_mut().find(|(known, _)| known == value) {
                Some((_, releases)) => releases.push(release),
                None => groups.push((value, vec![release])),
            }
        }
        for (value, releases) in groups {
            self.line(&format!("{key} ({})", releases.join(" ")), value);
        }
    }

    fn sources<'a>(&mut self, sources: impl IntoIterator<Item = &'a Source>) {
        for source in sources {
            self.line("source", format!("{}, {}", source.name, source.date));
        }
    }
}

fn image(name: &str) -> Option<String> {
    let reference: ImageReference = name.parse().ok()?;
    let facts = tables::image_of(&reference)?;
    let mut section = Section::new(format!("image {reference}"));
    configuration(&mut section, &facts);
    let families = tables::images().sources().filter(|(family, _)| *family == facts.family);
    section.sources(families.flat_map(|(_, sources)| sources));
    let ends = tables::end_of_life(&reference);
    for ended in &ends {
        let end = match &ended.cycle.end {
            Support::Supported => "no end is set".to_owned(),
            Support::Until(day) => format!("security fixes until {day}"),
            Support::Ended => "ended".to_owned(),
        };
        section.line(&format!("{} {}", ended.family, ended.cycle.cycle), end);
    }
    section.sources((!ends.is_empty()).then(|| &tables::eol().source));
    if let Some(tag) = tables::suite_tag(&reference) {
        section.line("with the release", tag);
        section.sources([&tables::suites().source]);
    }
    if let Some(size) = tables::size_of(&reference) {
        section.line("pull", format!("{} MB, measured of {}", size.megabytes, size.image));
        section.sources([&size.source]);
    }
    if let Some(row) = tables::distroless().image(&reference.name()) {
        section.line("packages", tables::distroless().packages(row).join(" "));
        section.sources([&tables::distroless().source]);
    }
    Some(section.0)
}

fn configuration(section: &mut Section, facts: &ImageFacts) {
    let text = |text: &String| text.clone();
    let words = |words: &Vec<String>| if words.is_empty() { "none".to_owned() } else { format!("{words:?}") };
    section.line("family", &facts.family);
    section.some("means", facts.floating.as_ref().map(|floating| format!("{} on {}", floating.tag, floating.date)));
    section.fact("distribution", &facts.distribution, |distribution| {
        let release = distribution.release.as_deref().unwrap_or_default();
        format!("{:?} {release}", distribution.name).trim_end().to_owned()
    });
    section.fact("C library", &facts.libc, |libc| format!("{libc:?}").to_lowercase());
    section.fact("package manager", &facts.package_manager, |manager| format!("{manager:?}").to_lowercase());
    section.fact("sh", &facts.sh, |sh| format!("{sh:?}").to_lowercase());
    section.fact("ENTRYPOINT", &facts.entrypoint, words);
    section.fact("CMD", &facts.cmd, words);
    section.fact("USER", &facts.user, text);
    section.fact("WORKDIR", &facts.workdir, text);
    section.fact("ENV", &facts.env, |env| {
        let shown = |(name, value): (&String, &Fact<String>)| match value {
            Fact::Known(value) => format!("{name}={value}"),
            Fact::Varies | Fact::Unknown => format!("{name} (varies)"),
        };
        env.iter().map(shown).collect::<Vec<_>>().join(" ")
    });
    section.fact("VOLUME", &facts.volumes, words);
    section.fact("ONBUILD", &facts.onbuild, |has| if *has { "yes".to_owned() } else { "none".to_owned() });
    let users: Vec<String> =
        facts.users.iter().map(|user| format!("{} ({}:{})", user.name, user.uid, user.gid)).collect();
    section.line("accounts", users.join(" "));
}

fn package(name: &str) -> Option<String> {
    let mut section = Section::new(format!("package {name}"));
    let empty = section.0.len();
    for (manager, of) in [(PackageManager::Apt, "apt"), (PackageManager::Apk, "apk")] {
        let what = tables::is_build_only(manager, name).filter(|_| is_listed(name));
        if let Some(what) = what {
            section.line(&format!("builds only ({of})"), format!("{what:?}").to_lowercase());
            section.sources(tables::build_only().source_of(manager));
        }
    }
    let recommended = RELEASES.into_iter().filter_map(|release| match tables::recommends(name, release) {
        Recommended::Packages(packages) => Some((release, packages.join(" "))),
        Recommended::Nothing => Some((release, "nothing".to_owned())),
        Recommended::Unknown => None,
    });
    let recommended: Vec<(&str, String)> = recommended.collect();
    section.by_release("recommends", &recommended);
    section.sources(tables::recommends_table().sources.iter().filter(|_| !recommended.is_empty()));
    let releases = || RELEASES.into_iter().chain(["alpine"]);
    let libraries = releases().filter_map(|release| match tables::runtime_libraries(release, name) {
        Fact::Known([]) => Some((release, "nothing".to_owned())),
        Fact::Known(libraries) => Some((release, libraries.join(" "))),
        Fact::Varies | Fact::Unknown => None,
    });
    let libraries: Vec<(&str, String)> = libraries.collect();
    section.by_release("at run time", &libraries);
    let headers = tables::runtime_libs().alpine_headers(name);
    section.some("on Alpine", headers);
    let is_known = !libraries.is_empty() || headers.is_some();
    section.sources(tables::runtime_libs().sources.iter().filter(|_| is_known));
    let sizes = releases().filter_map(|release| {
        let size = tables::package_size(release, name)?;
        Some((release, format!("{} KiB, {} KiB with recommended packages", size.added, size.with_recommends)))
    });
    let sizes: Vec<(&str, String)> = sizes.collect();
    section.by_release("adds", &sizes);
    section.sources(tables::package_sizes().sources.iter().filter(|_| !sizes.is_empty()));
    if let Some(counterpart) = tables::alpine_name(name) {
        let known = match counterpart {
            Counterpart::Package(package) => package,
            Counterpart::Nothing => "nothing",
        };
        section.line("on Alpine", known);
        section.sources([&tables::package_names().source]);
    }
    for (ecosystem, of) in [(Ecosystem::Python, "PyPI"), (Ecosystem::Node, "npm")] {
        if let Some(row) = tables::on_musl(ecosystem, name) {
            section.line(&format!("on musl ({of})"), format!("{:?}", row.musl).to_lowercase());
            section.sources([&tables::musl().source]);
        }
    }
    (section.0.len() > empty).then_some(section.0)
}

/// Rows of other tables.
fn others(name: &str) -> Option<String> {
    let mentions = mentions::mentions(name);
    let mut section = Section::new(format!("rows that name {name}"));
    for mention in &mentions {
        section.line(&format!("rewrites/{}", mention.file), &mention.text);
        section.line("source", &mention.source);
    }
    (!mentions.is_empty()).then_some(section.0)
}

/// Whether a table of packages has the name; what only looks like headers is in none.
fn is_listed(name: &str) -> bool {
    tables::package_sizes().has(name) || !matches!(tables::recommends(name, "bookworm"), Recommended::Unknown)
}

fn tool(name: &str) -> Option<String> {
    let Tool { tool, commands, directories, environment, options, trap, source, .. } = tables::caches().tool(name)?;
    let mut section = Section::new(format!("tool {tool}"));
    section.line("commands", commands.join(", "));
    for directory in directories {
        let home = directory.home.as_ref().map(|home| format!(", ~/{home} for others")).unwrap_or_default();
        section.line("cache", format!("{} as root{home}", directory.root));
    }
    for (key, words) in [("put elsewhere by", environment), ("put elsewhere by", options)] {
        section.some(key, (!words.is_empty()).then(|| words.join(" ")));
    }
    section.some("trap", trap.as_ref());
    section.sources([source]);
    Some(section.0)
}
