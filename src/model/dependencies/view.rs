//! Which files of the build context lie where in the image when a RUN starts.

use crate::context::{BuildContext, Entry};
use crate::model::access::{Place, through_links};
use crate::model::transfer::{Plain, plain_add};
use crate::model::{Model, Refusal};
use crate::syntax::ast::{Instruction, InstructionKind, Transfer, Word};
use crate::tables;

/// What the COPY and ADD instructions before a RUN bring.
pub(super) struct View<'m> {
    context: &'m BuildContext,
    /// In the order of the file.
    pub(super) copies: Vec<Copied>,
}

/// What one COPY or ADD brings.
pub(super) struct Copied {
    /// Its number.
    pub(super) index: usize,
    /// Whether it reads the build context alone.
    pub(super) is_of_context: bool,
    /// Flags in order.
    pub(super) flags: Vec<(String, Option<String>)>,
    pieces: Vec<Piece>,
    /// Where something arrives of which nothing is known.
    blind: Vec<String>,
}

/// A file, or a directory with all below it.
struct Piece {
    /// Its path in the build context.
    from: String,
    /// Its path in the image.
    to: String,
    is_directory: bool,
    /// The source as written, and the destination.
    source: String,
    destination: String,
}

/// What a path of the image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Provided {
    /// No COPY brings it.
    No,
    /// Not known, and why.
    Unknown(String),
    /// A file of the build context.
    File(Origin),
    /// A directory of the build context.
    Directory(Origin),
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Number of the COPY.
    pub(super) copy: usize,
    /// The path in the build context.
    pub(super) path: String,
}

/// What is left of a path below a directory.
pub(super) fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    if directory.is_empty() {
        return Some(path);
    }
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?;
    if rest.is_empty() { Some("") } else { rest.strip_prefix('/') }
}

/// The path of a file in a directory.
pub(in crate::model) fn in_directory(directory: &str, name: &str) -> String {
    match (directory, name) {
        (_, "") => directory.to_owned(),
        ("", _) => name.to_owned(),
        _ => format!("{}/{name}", directory.trim_end_matches('/')),
    }
}

impl<'m> View<'m> {
    /// What stands in the image before the RUN.
    pub(super) fn before(model: &'m Model<'m>, run: usize) -> Self {
        let stage = model.stage_of(run);
        let earlier = stage.map_or(0..0, |stage| stage.instructions.start..run);
        let copies = earlier.filter_map(|index| match &model.instruction(index).kind {
            InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => Some(copied(model, index, transfer)),
            _ => None,
        });
        Self { context: model.context, copies: copies.collect() }
    }

    /// What the path is, as far as the copies that are asked for say.
    pub(super) fn provided_by(&self, path: &str, counts: impl Fn(usize) -> bool) -> Provided {
        for copy in self.copies.iter().rev().filter(|copy| counts(copy.index)) {
            match copy.lookup(self.context, path) {
                Provided::No => {}
                found => return found,
            }
        }
        Provided::No
    }

    /// What the path is.
    pub(super) fn provided(&self, path: &str) -> Provided {
        self.provided_by(path, |_| true)
    }

    /// The text of a file.
    pub(super) fn text(&self, path: &str) -> Result<String, Refusal> {
        let name = path.rsplit('/').next().unwrap_or(path);
        match self.provided(path) {
            Provided::File(origin) => self.context.read(&origin.path).ok_or_else(|| {
                (format!("`{}` has no content that can be read", origin.path), "the build context with its files")
            }),
            Provided::Directory(_) => Err((format!("`{name}` is a directory"), "nothing")),
            Provided::Unknown(reason) => Err((reason, "the build context with its files")),
            Provided::No => Err((format!("no COPY brings `{name}`"), "a COPY that brings it")),
        }
    }

    /// Whether a file that is there has no content that can be read.
    pub(super) fn is_hollow(&self, origin: &Origin) -> bool {
        self.context.head(&origin.path, 1).is_none()
    }

    /// Whether a link of the build context stands on the way to the path.
    pub(super) fn is_behind_link(&self, path: &str) -> bool {
        self.context.is_behind_link(path)
    }

    /// The directories below one of the image that match a pattern of plain segments and `*`; `None` when that is not known.
    pub(super) fn matching(&self, directory: &str, pattern: &str) -> Option<Vec<String>> {
        let Provided::Directory(origin) = self.provided(directory) else { return None };
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        if pattern.contains(['!', '{', '[', '?', '\\']) || pattern.contains("**") || pattern.contains("..") {
            return None;
        }
        let found = self.context.glob(&in_directory(&origin.path, pattern))?;
        let directories = found.iter().filter(|path| self.context.entry(path) == Entry::Directory);
        directories.map(|path| below(path, &origin.path).map(|rest| in_directory(directory, rest))).collect()
    }
}

impl Copied {
    /// Whether it brings whole directories of the build context, or what is not known.
    pub(super) fn is_broad(&self) -> bool {
        self.is_of_context && (!self.blind.is_empty() || self.pieces.iter().any(|piece| piece.is_directory))
    }

    /// Whether its destination is the same wherever it stands.
    pub(super) fn is_absolute(&self) -> bool {
        self.pieces.iter().all(|piece| piece.destination.starts_with('/'))
    }

    /// Whether it brings files and directories that are listed, and nothing else.
    pub(super) fn brings_only(&self, paths: &[String]) -> bool {
        let is_listed = |piece: &Piece| paths.contains(&piece.to);
        self.blind.is_empty() && self.pieces.iter().all(is_listed)
    }

    fn lookup(&self, context: &BuildContext, path: &str) -> Provided {
        if self.blind.iter().any(|blind| below(path, blind).is_some() || below(blind, path).is_some()) {
            return Provided::Unknown(format!("what is copied to `{path}` is not known"));
        }
        for piece in self.pieces.iter().rev() {
            let Some(rest) = below(path, &piece.to) else { continue };
            let from = if piece.is_directory { in_directory(&piece.from, rest) } else { piece.from.clone() };
            if !piece.is_directory && !rest.is_empty() {
                continue;
            }
            let origin = Origin { copy: self.index, path: from };
            match context.entry(&origin.path) {
                Entry::File => return Provided::File(origin),
                Entry::Directory => return Provided::Directory(origin),
                Entry::Missing | Entry::Ignored => {}
                Entry::Unknown => return Provided::Unknown(format!("whether `{}` is there is not known", origin.path)),
            }
        }
        Provided::No
    }

    /// Whether it brings anything to a place.
    pub(super) fn brings(&self, context: &BuildContext, place: &Place) -> bool {
        let is_inside = |path: &str| place.covers(path);
        let overlaps = |to: &str| is_inside(to) || below(place.path(), to).is_some();
        if self.blind.iter().any(|blind| overlaps(blind)) {
            return true;
        }
        self.pieces.iter().any(|piece| {
            if is_inside(&piece.to) {
                return true;
            }
            let Some(rest) = below(place.path(), &piece.to).filter(|_| place.covers(place.path())) else {
                return false;
            };
            piece.is_directory
                && !matches!(context.entry(&in_directory(&piece.from, rest)), Entry::Missing | Entry::Ignored)
        })
    }

    /// Whether it and the other one bring the same file wherever both bring one, so that their order does not matter.
    pub(super) fn agrees_with(&self, context: &BuildContext, other: &Self) -> bool {
        self.blind.is_empty()
            && self.pieces.iter().all(|piece| {
                let same = Origin { copy: other.index, path: piece.from.clone() };
                !piece.is_directory
                    && match other.lookup(context, &piece.to) {
                        Provided::No => true,
                        Provided::File(origin) => origin == same && self.flags == other.flags,
                        Provided::Directory(_) | Provided::Unknown(_) => false,
                    }
            })
    }

    /// How a COPY of one of its files or directories is written: the source, and the directory it goes to.
    pub(super) fn written(&self, path: &str, is_directory: bool) -> Option<(String, String)> {
        let piece = self
            .pieces
            .iter()
            .rev()
            .find(|piece| below(path, &piece.to).is_some_and(|rest| piece.is_directory || rest.is_empty()))?;
        let rest = below(path, &piece.to)?;
        let words = if piece.is_directory {
            let source = match piece.source.trim_end_matches('/') {
                "." | "" => rest.to_owned(),
                source => format!("{source}/{rest}"),
            };
            let directory = match (is_directory, rest.rsplit_once('/')) {
                (true, _) => format!("{rest}/"),
                (false, Some((directory, _))) => format!("{directory}/"),
                (false, None) => String::new(),
            };
            (source, format!("{}/{directory}", piece.destination.trim_end_matches('/')))
        } else {
            (piece.from.clone(), piece.destination.clone())
        };
        let is_plain = |word: &str| word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/@+${}".contains(c));
        (is_plain(&words.0) && is_plain(&words.1)).then_some(words)
    }
}

fn copied(model: &Model<'_>, index: usize, transfer: &Transfer) -> Copied {
    let instruction = model.instruction(index);
    let flags = instruction.flags.iter().map(|flag| (flag.name.clone(), flag.value.clone())).collect();
    let is_of_context = instruction.flag("from").is_none();
    let mut found = Copied { index, is_of_context, flags, pieces: Vec::new(), blind: Vec::new() };
    let Some(to) = destination(model, index, &transfer.destination) else {
        found.blind.push("/".to_owned());
        return found;
    };
    if !is_of_context || !is_plain(model, index, instruction) {
        found.blind.push(to);
        return found;
    }
    let mut files: Vec<(String, bool, &Word)> = Vec::new();
    for source in &transfer.sources {
        match sources(model, index, source) {
            Some(paths) => files.extend(paths.into_iter().map(|(path, is_directory)| (path, is_directory, source))),
            None => found.blind.push(to.clone()),
        }
    }
    let is_directory = is_directory(model, index, transfer, &to) || files.len() > 1;
    for (from, is_tree, source) in files {
        let name = from.rsplit('/').next().unwrap_or(&from);
        let inside = in_directory(&to, name);
        let is_renamed = to.rsplit('/').next() != Some(name);
        if !is_tree && !is_directory && is_renamed {
            // A directory may stand there already.
            found.blind.push(inside.clone());
        }
        let to = if is_tree || !is_directory { to.clone() } else { inside };
        let (source, destination) = (source.text.clone(), transfer.destination.text.clone());
        found.pieces.push(Piece { from, to, is_directory: is_tree, source, destination });
    }
    found
}

/// Whether the instruction copies files as they are.
fn is_plain(model: &Model<'_>, index: usize, instruction: &Instruction) -> bool {
    let is_known = |name: &str| matches!(name, "chown" | "chmod" | "link");
    let is_copy = matches!(instruction.kind, InstructionKind::Copy(_))
        || matches!(plain_add(model, index), Some(Plain::Proved(_) | Plain::ByName(_)));
    is_copy && instruction.heredocs.is_empty() && instruction.flags.iter().all(|flag| is_known(&flag.name))
}

fn destination(model: &Model<'_>, index: usize, word: &Word) -> Option<String> {
    let state = model.state(index);
    let value = state.variables.expand(&word.text, model.dockerfile.escape);
    let path = value.fixed()?;
    if path.starts_with('/') {
        return Some(through_links(path));
    }
    Some(through_links(&format!("{}/{path}", state.workdir.fixed()?)))
}

/// Whether the destination is surely a directory.
fn is_directory(model: &Model<'_>, index: usize, transfer: &Transfer, to: &str) -> bool {
    let written = transfer.destination.text.as_str();
    let made = (0..index).filter_map(|earlier| match &model.instruction(earlier).kind {
        InstructionKind::Workdir(_) => model.state(earlier + 1).workdir.fixed(),
        _ => None,
    });
    written.ends_with('/')
        || matches!(written.rsplit('/').next(), Some("." | ".."))
        || tables::effects().directories.every.iter().any(|directory| directory == to)
        || made.chain(model.state(index).workdir.fixed()).any(|directory| directory == to)
}

/// The paths that a source takes, each with whether it is a directory; `None` when that is not known.
fn sources(model: &Model<'_>, index: usize, source: &Word) -> Option<Vec<(String, bool)>> {
    let value = model.state(index).variables.expand(&source.text, model.dockerfile.escape);
    let paths = model.context.glob(value.fixed()?)?;
    let classified = paths.into_iter().map(|path| match model.context.entry(&path) {
        Entry::Directory => Some((path, true)),
        Entry::File => Some((path, false)),
        Entry::Unknown | Entry::Missing | Entry::Ignored => None,
    });
    classified.collect()
}
