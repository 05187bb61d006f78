//! A server of the base image, as its settings say: where it listens and what it writes; and the image of it that does not start as root.

use std::collections::{BTreeMap, BTreeSet};

use super::privilege::{Started, low_port_reason};
use super::runtime::Refusal;
use super::settings::{self, Directive};
use super::writes::{Writes, is_of_system};
use super::{Base, Model, Stage, origin, split};
use crate::context::Entry;
use crate::edit::Edit;
use crate::syntax::ast::InstructionKind;
use crate::syntax::image::ImageReference;
use crate::tables::{Own, Settings};

/// Directories within directories of settings that are read.
const MAX_DEPTH: usize = 6;

/// What the settings of a server say.
#[derive(Clone, Debug, Default)]
pub(super) struct Configured {
    /// What it writes.
    pub writes: Writes,
    /// Where it listens: the file and the argument.
    listens: Vec<(String, String)>,
    /// Whether the settings are those of the base image.
    pub is_default: bool,
}

/// A change to an image of the same server that does not start as root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Swap {
    /// The image as it is written then.
    pub reference: String,
    /// The text changes: FROM and the ports of EXPOSE.
    pub edits: Vec<Edit>,
    /// The EXPOSE instructions with the number of the word that changes and what it becomes.
    pub ports: Vec<(usize, usize, String)>,
    /// Whether RUNs need USER around them, because the image has a user of its own.
    pub needs_root: bool,
    /// The ports before and after.
    pub moved: (u32, u32),
}

impl Model<'_> {
    /// Checks that the container starts the server and nothing else.
    pub(super) fn starts_only(&self, started: &Started, own: &Own) -> Result<(), Refusal> {
        for argv in &started.commands {
            let program = argv.first().map_or("", |word| word.rsplit('/').next().unwrap_or(word));
            let is_shell = program == "sh" && argv.len() == 3;
            let is_plain = own.programs.iter().any(|known| known == program)
                && argv.iter().skip(1).all(|word| own.arguments.contains(word));
            if !is_shell && !is_plain {
                let reason = format!("`{}` is started, which may change the settings of the server", argv.join(" "));
                return Err((reason, "a CMD that starts the server only"));
            }
        }
        Ok(())
    }

    /// What the settings of the server say: those of the base image, and those that the file puts in their place.
    pub(super) fn server_settings(&self, stage: &Stage, settings: &Settings) -> Result<Configured, Refusal> {
        let mut files: BTreeMap<String, String> = BTreeMap::new();
        let mut has_default = true;
        let mut is_default = true;
        let mut indices: Vec<usize> =
            self.family(stage).into_iter().rev().flat_map(|stage| stage.instructions.clone()).collect();
        indices.sort_unstable();
        for index in indices {
            let line = self.lines.line(self.instruction(index).span.start);
            let lost = |what: &str| {
                let reason = format!("line {line} {what}: what the server is told is not known");
                (reason, "plain files of a known build context as settings")
            };
            match &self.instruction(index).kind {
                InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => {
                    let Some(destination) = self.destination(index, transfer) else {
                        return Err(lost("copies to a place that is not known"));
                    };
                    let touches = settings.touches(&destination);
                    if !touches {
                        continue;
                    }
                    is_default = false;
                    let targets =
                        split::targets(self, index).filter(|_| self.instruction(index).flag("from").is_none());
                    for (source, target) in targets.ok_or_else(|| lost("brings settings"))? {
                        self.collect(settings, &source, &target, &mut files, 0)
                            .ok_or_else(|| lost("brings settings"))?;
                    }
                }
                InstructionKind::Run(_) => {
                    let text = self.body(index).map_or("", |body| body.text.text.as_str());
                    let in_settings = self
                        .state(index)
                        .workdir
                        .fixed()
                        .is_none_or(|workdir| settings.touches(workdir) && workdir != "/");
                    if !text.contains(settings.directory.as_str()) && !in_settings {
                        continue;
                    }
                    let removed = self.only_removed(index, settings).filter(|_| !in_settings);
                    for path in removed.ok_or_else(|| lost("may change the settings"))? {
                        is_default = false;
                        let stem = path.trim_end_matches('*');
                        let takes =
                            |file: &str| origin::is_within(file, &path) || stem != path && file.starts_with(stem);
                        has_default &= !takes(&settings.default);
                        files.retain(|file, _| !takes(file));
                    }
                }
                _ => {}
            }
        }
        let main = files.get(&settings.main);
        // It may be named from the directory of the settings on.
        let included = settings.included.rsplit('/').next().unwrap_or_default();
        let reads_included = main.is_none_or(|text| text.contains(included));
        has_default &= !files.contains_key(&settings.default) && reads_included;
        let mut found = Configured { is_default: is_default && has_default, ..Configured::default() };
        found.writes.directories.extend(settings.directories.iter().cloned());
        if has_default {
            found.listens.push((settings.default.clone(), settings.port.to_string()));
        }
        for (file, text) in &files {
            let included = origin::is_within(file, &settings.included);
            if settings.is_data(file) || included && !reads_included {
                continue;
            }
            if settings.is_special(file) {
                let reason = format!("`{file}` takes part in the start of the server, which then writes its settings");
                return Err((reason, "settings without templates and scripts"));
            }
            read(file, text, settings, &mut found)?;
        }
        if found.writes.files.is_empty() {
            found.writes.files.extend(settings.files.iter().cloned());
        }
        found.writes.files.retain(|file| !settings.is_open(file));
        found.writes.evidence = format!("{} files of settings", files.len());
        Ok(found)
    }

    /// Adds the file of the context, or all below the directory, by the paths that they have in the image.
    fn collect(
        &self,
        settings: &Settings,
        source: &str,
        target: &str,
        files: &mut BTreeMap<String, String>,
        depth: usize,
    ) -> Option<()> {
        if !settings.touches(target) {
            return Some(());
        }
        match self.context.entry(source) {
            Entry::File if settings.holds(target) => {
                let text = if settings.is_data(target) { String::new() } else { self.context.read(source)? };
                files.insert(target.to_owned(), text);
            }
            Entry::File => {}
            Entry::Directory if depth < MAX_DEPTH => {
                for (name, _) in self.context.list(source)? {
                    let below = origin::in_directory(source, &name);
                    self.collect(settings, &below, &origin::in_directory(target, &name), files, depth + 1)?;
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// The paths of settings that a RUN removes; `None` when it may do something else with them.
    fn only_removed(&self, run: usize, settings: &Settings) -> Option<Vec<String>> {
        let text = &self.body(run)?.text.text;
        let names = |span: crate::source::Span| span.of(text).contains(settings.directory.as_str());
        let mut removed = Vec::new();
        for call in self.every_call(run)? {
            let command = call.command;
            if command.redirects.iter().any(|redirect| names(redirect.span)) {
                return None;
            }
            let name = command.name().unwrap_or_default();
            let words = command.words.iter().skip(1).filter(|word| names(word.span));
            for word in words {
                match name.as_str() {
                    "rm" => removed.push(word.pattern().filter(|path| path.starts_with(settings.directory.as_str()))?),
                    "chown" | "chmod" => {}
                    _ => return None,
                }
            }
        }
        Some(removed)
    }

    /// Checks that the server listens on ports that every user may bind only.
    pub(super) fn listens_high(&self, stage: &Stage, found: &Configured, settings: &Settings) -> Result<(), Refusal> {
        for (file, listen) in &found.listens {
            let Some(port) = settings::port(listen) else {
                return Err((
                    format!("`{file}` has `listen {listen}`: the port is not known"),
                    "a plain number as port",
                ));
            };
            if port < 1024 {
                let reason = low_port_reason(&format!("`listen {listen}` in `{file}`"));
                return Err((reason, "a `listen` above 1023 in the settings and in EXPOSE"));
            }
        }
        if found.listens.is_empty() {
            return Err((
                format!("no `listen` is seen, and the default is {}", settings.port),
                "a `listen` above 1023",
            ));
        }
        self.ports_are_high(stage).map_err(|reason| (reason, "EXPOSE with the port that the server listens on"))
    }

    /// The image of the same server that does not start as root, for settings of the base image alone.
    pub(super) fn unprivileged(&self, stage: &Stage, settings: &Settings) -> Result<Swap, Refusal> {
        let refuse = |reason: &str| (reason.to_owned(), "FROM with the unprivileged image, by hand");
        let (span, text) = self
            .written_base(stage)
            .filter(|_| matches!(stage.base, Base::Image(_)))
            .ok_or_else(|| refuse("the base image is made of variables or is another stage"))?;
        let image: ImageReference = text.parse().map_err(|_| refuse("the base image is not understood"))?;
        let tag = image.tag.clone().unwrap_or_else(|| "latest".to_owned());
        let same = settings.unprivileged_tag(&tag).filter(|_| image.digest.is_none());
        let same = same.ok_or_else(|| refuse("whether the unprivileged image has the same tag is not known"))?;
        let reference = match &image.tag {
            Some(_) => format!("{}:{same}", settings.unprivileged),
            None => settings.unprivileged.clone(),
        };
        let (low, high) = (settings.port.to_string(), settings.unprivileged_port.to_string());
        let mut swap = Swap {
            edits: vec![Edit::replace(span, reference.clone())],
            reference,
            ports: Vec::new(),
            needs_root: false,
            moved: (settings.port, settings.unprivileged_port),
        };
        for index in stage.instructions.clone() {
            let line = self.lines.line(self.instruction(index).span.start);
            match &self.instruction(index).kind {
                InstructionKind::Expose(ports) => {
                    for (at, word) in ports.iter().enumerate() {
                        let (number, rest) = word.text.split_at(word.text.find('/').unwrap_or(word.text.len()));
                        if number == low && word.span.of(self.source) == word.text {
                            let new = format!("{high}{rest}");
                            swap.edits.push(Edit::replace(word.span, new.clone()));
                            swap.ports.push((index, at, new));
                        } else if number != high {
                            return Err(refuse(&format!("line {line} names the port `{}`", word.text)));
                        }
                    }
                }
                InstructionKind::Healthcheck(_) => {
                    return Err(refuse(&format!("line {line} asks the server on a port that changes")));
                }
                InstructionKind::Run(_) | InstructionKind::Workdir(_) => swap.needs_root = true,
                _ => {}
            }
        }
        Ok(swap)
    }
}

/// Reads a file of settings.
fn read(file: &str, text: &str, settings: &Settings, found: &mut Configured) -> Result<(), Refusal> {
    let refuse = |reason: String| (reason, "settings of which all is known");
    let directives = settings::parse(text).ok_or_else(|| refuse(format!("`{file}` is not understood")))?;
    let mut trouble = None;
    let mut directories = BTreeSet::new();
    let mut files = BTreeSet::new();
    settings::walk(&directives, &mut |directive: &Directive| {
        let first = directive.arguments.first().map_or("", String::as_str);
        if directive.name == "server"
            && let Some(block) = &directive.block
        {
            let listens = block.iter().filter(|inner| inner.name == "listen");
            let mut ports: Vec<String> = listens.filter_map(|inner| inner.arguments.first().cloned()).collect();
            if ports.is_empty() {
                ports.push(settings.port.to_string());
            }
            found.listens.extend(ports.into_iter().map(|port| (file.to_owned(), port)));
        }
        let written = if settings.writes_directory(&directive.name) {
            directories.insert(first.to_owned());
            true
        } else if settings.pid == directive.name {
            found.writes.files.insert(first.to_owned());
            true
        } else if settings.logs.contains(&directive.name) && !settings.is_open(first) {
            files.insert(first.to_owned());
            true
        } else {
            false
        };
        if written && (first.contains('$') || !first.starts_with('/')) {
            trouble.get_or_insert(format!("`{file}` writes to `{first}`, a path that only the server knows"));
        }
        if settings.unsure.contains(&directive.name) {
            trouble.get_or_insert(format!("`{file}` has `{}`, which may need root or write elsewhere", directive.name));
        }
        let is_elsewhere = first.starts_with('/') && !origin::is_within(first, &settings.directory);
        if directive.name == "include" && is_elsewhere {
            trouble.get_or_insert(format!("`{file}` includes `{first}`, which is not read"));
        }
    });
    if let Some(reason) = trouble {
        return Err(refuse(reason));
    }
    let above = |path: &String| path.rsplit_once('/').map_or_else(String::new, |(above, _)| above.to_owned());
    directories.extend(files.iter().map(above));
    directories.retain(|path| !settings.is_open(path));
    if let Some((path, why)) = directories.iter().find_map(|path| Some((path, is_of_system(path)?))) {
        return Err(refuse(format!("it writes to `{path}`, {why}")));
    }
    found.writes.directories.extend(directories);
    Ok(())
}
