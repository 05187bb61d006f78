//! `imgopt tables`.

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
    /// An image, a package or a tool with caches; without one, the tables are listed
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
            let sections: String = [image(name), package(name), tool(name)].into_iter().flatten().collect();
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
    for ended in tables::end_of_life(&reference) {
        let end = match &ended.cycle.end {
            Support::Supported => "no end is set".to_owned(),
            Support::Until(day) => format!("security fixes until {day}"),
            Support::Ended => "ended".to_owned(),
        };
        section.line(&format!("{} {}", ended.family, ended.cycle.cycle), end);
    }
    section.some("with the release", tables::suite_tag(&reference));
    section.some(
        "pull",
        tables::size_of(&reference).map(|size| format!("{} MB, measured of {}", size.megabytes, size.image)),
    );
    if let Some(row) = tables::distroless().image(&reference.name()) {
        section.line("packages", tables::distroless().packages(row).join(" "));
    }
    let families = tables::images().sources().filter(|(family, _)| *family == facts.family);
    section.sources(families.flat_map(|(_, sources)| sources));
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
        section.some(&format!("builds only ({of})"), what.map(|what| format!("{what:?}").to_lowercase()));
    }
    for release in RELEASES {
        match tables::recommends(name, release) {
            Recommended::Packages(packages) => section.line(&format!("recommends ({release})"), packages.join(" ")),
            Recommended::Nothing => section.line(&format!("recommends ({release})"), "nothing"),
            Recommended::Unknown => {}
        }
    }
    for release in RELEASES.into_iter().chain(["alpine"]) {
        if let Fact::Known(libraries) = tables::runtime_libraries(release, name) {
            section.line(&format!("at run time ({release})"), libraries.join(" "));
        }
        if let Some(size) = tables::package_size(release, name) {
            let text = format!("{} KiB, {} KiB with recommended packages", size.added, size.with_recommends);
            section.line(&format!("adds ({release})"), text);
        }
    }
    section.some(
        "on Alpine",
        tables::alpine_name(name).map(|counterpart| match counterpart {
            Counterpart::Package(package) => package,
            Counterpart::Nothing => "nothing",
        }),
    );
    section.some("on Alpine", tables::runtime_libs().alpine_headers(name));
    for (ecosystem, of) in [(Ecosystem::Python, "PyPI"), (Ecosystem::Node, "npm")] {
        section.some(
            &format!("on musl ({of})"),
            tables::on_musl(ecosystem, name).map(|row| format!("{:?}", row.musl).to_lowercase()),
        );
    }
    if section.0.len() == empty {
        return None;
    }
    section.line("source", "the headings of rewrites/packages/*.yaml and rewrites/musl.yaml");
    Some(section.0)
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
