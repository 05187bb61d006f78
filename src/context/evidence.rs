//! Where the context of a Dockerfile is: what compose and bake files say, else where its COPY sources are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde_yaml::Value;

use super::{BuildContext, Entry, MAX_DEPTH, MAX_ENTRIES, Service, builder, has_wildcard, paths, services, small_file};
use crate::syntax::ast::{Dockerfile, Instruction, InstructionKind, KeyValue};
use crate::syntax::expand::{Lookup, process_known};

/// Compose and bake files of one directory that are read.
const MAX_FILES: usize = 50;

/// The Dockerfile's directory and its ancestors up to the repository root, canonical; only the first when there is no
/// repository.
pub(super) fn directories(dockerfile_path: &Path) -> Vec<PathBuf> {
    let parent = match dockerfile_path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Ok(first) = parent.canonicalize() else { return Vec::new() };
    let ancestors: Vec<PathBuf> = first.ancestors().take(MAX_DEPTH).map(Path::to_owned).collect();
    let root = ancestors.iter().position(|directory| directory.join(".git").exists());
    ancestors.into_iter().take(root.unwrap_or(0) + 1).collect()
}

/// Where the context is.
pub(super) enum Found {
    Nowhere,
    /// There, and the evidence for it.
    At(PathBuf, String),
    /// In one of these directories, perhaps.
    Among(Vec<PathBuf>),
}

pub(super) fn find(
    path: &Path,
    dockerfile: &Dockerfile,
    directories: &[PathBuf],
    surroundings: &Surroundings,
) -> Found {
    match named_by_file(path, directories, surroundings) {
        Named::Once(root, file) => Found::At(root, format!("{file} names it")),
        Named::Differently => Found::Nowhere,
        Named::Never => where_sources_are(path, dockerfile, directories),
    }
}

/// What the compose and bake files say together.
enum Named {
    Never,
    Once(PathBuf, String),
    Differently,
}

/// What was read beside the Dockerfiles of a run. Files of one directory share it, so that nothing is read twice.
#[derive(Debug, Default)]
pub struct Surroundings {
    builds: Mutex<HashMap<PathBuf, Arc<[BuildFile]>>>,
    builders: Mutex<HashMap<Vec<PathBuf>, Arc<builder::Search>>>,
}

impl Surroundings {
    /// The compose and bake files of a directory.
    fn builds(&self, directory: &Path) -> Arc<[BuildFile]> {
        let mut known = self.builds.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(directory.to_owned()).or_insert_with(|| build_files(directory)))
    }

    /// What compose files start in containers of the image of a Dockerfile.
    pub(super) fn started(&self, dockerfile: &Path, directories: &[PathBuf]) -> Vec<Started> {
        let mut found = Vec::new();
        let own = dockerfile.canonicalize().ok();
        for directory in directories {
            for file in self.builds(directory).iter() {
                let is_own = |build: &Build| {
                    let named = directory.join(&build.context).join(&build.dockerfile).canonicalize();
                    named.is_err() || named.ok() == own
                };
                let starts = file.starts.iter().filter(|(build, _)| build.as_ref().is_none_or(is_own));
                let name = file.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                found.extend(starts.map(|(_, text)| Started { file: name.clone(), text: text.clone() }));
            }
        }
        found
    }

    /// The search for the builder of the images of a directory.
    pub(super) fn builder(&self, directories: &[PathBuf]) -> Arc<builder::Search> {
        let mut known = self.builders.lock().unwrap_or_else(PoisonError::into_inner);
        let search = known.entry(directories.to_owned());
        Arc::clone(search.or_insert_with(|| Arc::new(builder::Search::new(directories.to_owned()))))
    }
}

/// A command, entrypoint or health check of a compose service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The name of the compose file.
    pub file: String,
    /// Its words.
    pub text: String,
}

/// A compose or bake file with what it builds.
#[derive(Debug)]
struct BuildFile {
    path: PathBuf,
    builds: Vec<Build>,
    /// What its services start, with what they build.
    starts: Vec<(Option<Build>, String)>,
}

fn build_files(directory: &Path) -> Arc<[BuildFile]> {
    let files = files(directory, |name| is_compose_file(name) || is_bake_file(name));
    let read = |path: PathBuf| {
        let text = small_file(&path).ok()?;
        let (builds, starts) = (builds(&path, &text), starts(&text));
        Some(BuildFile { path, builds, starts })
    };
    files.into_iter().take(MAX_FILES).filter_map(read).collect()
}

/// One build of a compose or bake file.
#[derive(Debug)]
struct Build {
    context: String,
    dockerfile: String,
    /// The service of a compose file.
    service: Option<Service>,
}

fn named_by_file(path: &Path, directories: &[PathBuf], surroundings: &Surroundings) -> Named {
    let Ok(path) = path.canonicalize() else { return Named::Never };
    let Some(top) = directories.last() else { return Named::Never };
    let mut contexts: BTreeMap<PathBuf, String> = BTreeMap::new();
    for directory in directories {
        for file in surroundings.builds(directory).iter() {
            for build in &file.builds {
                let Ok(context) = directory.join(&build.context).canonicalize() else { continue };
                if context.join(&build.dockerfile).canonicalize().is_ok_and(|named| named == path) {
                    let shown = file.path.strip_prefix(top).unwrap_or(&file.path).display().to_string();
                    contexts.entry(context).or_insert(shown);
                }
            }
        }
    }
    let mut contexts = contexts.into_iter();
    match (contexts.next(), contexts.next()) {
        (None, _) => Named::Never,
        (Some((context, file)), None) => Named::Once(context, file),
        (Some(_), Some(_)) => Named::Differently,
    }
}

/// The services of compose files that run the image of the Dockerfile.
pub(super) fn services(path: &Path, directories: &[PathBuf], surroundings: &Surroundings) -> Vec<Service> {
    let (Some(path), Some(top)) = (in_real_directory(path), directories.last()) else { return Vec::new() };
    let mut found = Vec::new();
    for directory in directories {
        for file in surroundings.builds(directory).iter() {
            let shown = file.path.strip_prefix(top).unwrap_or(&file.path).display().to_string();
            for build in &file.builds {
                let dockerfile = in_real_directory(&directory.join(&build.context).join(&build.dockerfile));
                if let Some(service) = build.service.as_ref().filter(|_| dockerfile.is_some_and(|named| named == path))
                {
                    found.push(Service { file: shown.clone(), ..service.clone() });
                }
            }
        }
    }
    found
}

/// The path in its directory as that is without links; the file itself need not be there.
fn in_real_directory(path: &Path) -> Option<PathBuf> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(directory.canonicalize().ok()?.join(path.file_name()?))
}

/// `compose.yaml`, `docker-compose.dev.yml` and the like.
pub(super) fn is_compose_file(name: &str) -> bool {
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| stem.starts_with("compose") || stem.starts_with("docker-compose"))
}

/// The names that `docker buildx bake` looks for.
pub(super) fn is_bake_file(name: &str) -> bool {
    matches!(name, "docker-bake.json" | "docker-bake.override.json" | "docker-bake.hcl" | "docker-bake.override.hcl")
}

/// The files of a directory with such a name, sorted; none when there are too many.
pub(super) fn files(directory: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<_> = entries
        .take(MAX_ENTRIES)
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| wanted(name))
        .collect();
    names.sort_unstable();
    names.into_iter().map(|name| directory.join(name)).collect()
}

fn builds(file: &Path, text: &str) -> Vec<Build> {
    if file.extension().is_some_and(|extension| extension == "hcl") {
        return bake_hcl(text);
    }
    // JSON is YAML.
    let Ok(mut value) = serde_yaml::from_str::<Value>(text) else { return Vec::new() };
    if value.apply_merge().is_err() {
        return Vec::new();
    }
    let is_json = file.extension().is_some_and(|extension| extension == "json");
    let parts = value.get(if is_json { "target" } else { "services" }).and_then(Value::as_mapping);
    parts
        .into_iter()
        .flatten()
        .filter_map(|(name, part)| if is_json { bake_target(part) } else { service(name.as_str()?, part) })
        .collect()
}

/// The build of a compose service. What holds a variable is not known, and not a build that names the file.
fn service(name: &str, service: &Value) -> Option<Build> {
    let found = service_build(service)?;
    Some(Build { service: Some(services::read(name, service)), ..found })
}

fn service_build(service: &Value) -> Option<Build> {
    let build = service.get("build")?;
    if let Some(context) = build.as_str() {
        return plain(context, "Dockerfile");
    }
    if build.get("dockerfile_inline").is_some() {
        return None;
    }
    plain(text(build, "context", ".")?, text(build, "dockerfile", "Dockerfile")?)
}

/// What the services of a compose file start that build an image, or that say nothing of their image, as those of
/// overriding files do.
fn starts(text: &str) -> Vec<(Option<Build>, String)> {
    let Ok(mut value) = serde_yaml::from_str::<Value>(text) else { return Vec::new() };
    if value.apply_merge().is_err() {
        return Vec::new();
    }
    let services = value.get("services").and_then(Value::as_mapping);
    let mut found = Vec::new();
    for (_, part) in services.into_iter().flatten() {
        if part.get("build").is_none() && part.get("image").is_some() {
            continue;
        }
        let check = part.get("healthcheck").and_then(|check| check.get("test"));
        for process in [part.get("command"), part.get("entrypoint"), check].into_iter().flatten() {
            let words: Vec<&str> = match process {
                Value::String(text) => vec![text],
                Value::Sequence(words) => words.iter().filter_map(Value::as_str).collect(),
                _ => Vec::new(),
            };
            found.push((service_build(part), words.join(" ")));
        }
    }
    found
}

fn bake_target(target: &Value) -> Option<Build> {
    // What a target inherits is not followed.
    let inherits = target.get("inherits").is_some();
    if inherits && (target.get("context").is_none() || target.get("dockerfile").is_none()) {
        return None;
    }
    plain(text(target, "context", ".")?, text(target, "dockerfile", "Dockerfile")?)
}

fn text<'a>(value: &'a Value, key: &str, default: &'a str) -> Option<&'a str> {
    value.get(key).map_or(Some(default), Value::as_str)
}

fn plain(context: &str, dockerfile: &str) -> Option<Build> {
    let known = !context.contains(['$', ':']) && !dockerfile.contains('$');
    known.then(|| Build { context: context.to_owned(), dockerfile: dockerfile.to_owned(), service: None })
}

/// Reads the plain texts of `context` and `dockerfile` from the blocks `target "name" { … }` of a bake file, one
/// attribute a line as `buildx bake` writes them; a block that says more about them is passed over.
fn bake_hcl(text: &str) -> Vec<Build> {
    let mut builds = Vec::new();
    let mut lines = text.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if !(line.starts_with("target ") && line.ends_with('{')) {
            continue;
        }
        let mut depth = 1_usize;
        let (mut context, mut dockerfile) = (None, None);
        let mut understood = true;
        for line in lines.by_ref() {
            if depth == 1
                && let Some((key, value)) = line.split_once('=')
            {
                let value = value.trim().strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                match key.trim() {
                    "context" => context = Some(value),
                    "dockerfile" => dockerfile = Some(value),
                    "inherits" => understood = false,
                    _ => {}
                }
            }
            depth += line.matches(['{', '[']).count();
            depth = depth.saturating_sub(line.matches(['}', ']']).count());
            if depth == 0 {
                break;
            }
        }
        understood |= context.is_some() && dockerfile.is_some();
        if let (true, Some(context), Some(dockerfile)) =
            (understood, context.unwrap_or(Some(".")), dockerfile.unwrap_or(Some("Dockerfile")))
        {
            builds.extend(plain(context, dockerfile));
        }
    }
    builds
}

/// The directories in which every local source is.
fn where_sources_are(path: &Path, dockerfile: &Dockerfile, directories: &[PathBuf]) -> Found {
    let Some(instructions) = local_sources(dockerfile) else { return Found::Nowhere };
    let holds_them = |directory: &&PathBuf| {
        BuildContext::at(directory, path, String::new())
            .is_some_and(|context| instructions.iter().all(|sources| resolve(&context, sources)))
    };
    let mut fitting: Vec<PathBuf> = directories.iter().filter(holds_them).cloned().collect();
    // Without a repository nothing bounds the search, and a file that copies nothing by name could stand anywhere.
    let in_repository = directories.last().is_some_and(|root| root.join(".git").exists());
    let names_something = instructions.iter().flatten().any(|source| !paths::in_context(source).is_empty());
    match fitting.len() {
        0 => Found::Nowhere,
        1 if in_repository || names_something || has_default_name(path) => {
            Found::At(fitting.remove(0), "every COPY source resolves there".to_owned())
        }
        _ => Found::Among(fitting),
    }
}

fn has_default_name(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "Dockerfile" || name == "Containerfile")
}

/// The sources of each instruction that copies from the context, with variables replaced by their defaults; `None` when
/// one of them is not known.
fn local_sources(dockerfile: &Dockerfile) -> Option<Vec<Vec<String>>> {
    let mut instructions = Vec::new();
    let mut variables = Variables::default();
    for instruction in &dockerfile.instructions {
        variables.see(instruction, dockerfile.escape);
        let expanded = sources(instruction).map(|source| variables.expand(source, dockerfile.escape));
        let mut sources = expanded.collect::<Option<Vec<String>>>()?;
        if matches!(instruction.kind, InstructionKind::Add(_)) {
            sources.retain(|source| !is_remote(source));
        }
        instructions.push(sources);
    }
    instructions.retain(|sources| !sources.is_empty());
    Some(instructions)
}

/// Build arguments and variables with their values at one instruction.
#[derive(Default)]
struct Variables {
    /// Build arguments before the first FROM.
    global: BTreeMap<String, Option<String>>,
    /// Those of the stage, once there is one.
    stage: Option<BTreeMap<String, Option<String>>>,
    /// Those of the stage that ENV sets: no build argument changes them.
    fixed: BTreeSet<String>,
}

impl Variables {
    fn see(&mut self, instruction: &Instruction, escape: char) {
        match &instruction.kind {
            // What the stage inherits is not known.
            InstructionKind::From(_) => {
                self.stage = Some(BTreeMap::new());
                self.fixed.clear();
            }
            InstructionKind::Arg(arguments) => {
                for argument in arguments {
                    let name = argument.name.text.clone();
                    if self.fixed.contains(&name) {
                        continue;
                    }
                    let value = match &argument.default {
                        Some(default) => self.expand(&default.text, escape),
                        None => self.global.get(&name).cloned().flatten(),
                    };
                    self.stage.as_mut().unwrap_or(&mut self.global).insert(name, value);
                }
            }
            InstructionKind::Env(variables) => {
                let expand = |pair: &KeyValue| (pair.key.text.clone(), self.expand(&pair.value.text, escape));
                let values: Vec<_> = variables.pairs.iter().map(expand).collect();
                self.fixed.extend(values.iter().map(|(name, _)| name.clone()));
                self.stage.get_or_insert_default().extend(values);
            }
            _ => {}
        }
    }

    /// The value of a word, if it is known.
    fn expand(&self, word: &str, escape: char) -> Option<String> {
        let values = self.stage.as_ref().unwrap_or(&self.global);
        let lookup = |name: &str| values.get(name).and_then(Option::as_deref).map_or(Lookup::Unknown, Lookup::Value);
        process_known(word, escape, lookup).ok().flatten()
    }
}

/// The local sources of COPY and ADD as written.
fn sources(instruction: &Instruction) -> impl Iterator<Item = &str> {
    let (transfer, is_add) = match &instruction.kind {
        InstructionKind::Copy(transfer) => (Some(transfer), false),
        InstructionKind::Add(transfer) => (Some(transfer), true),
        _ => (None, false),
    };
    let local = transfer.filter(|_| instruction.flag("from").is_none());
    let texts = local.into_iter().flat_map(|transfer| &transfer.sources).map(|source| source.text.as_str());
    texts.filter(move |source| !source.starts_with("<<")).filter(move |source| !is_add || !is_remote(source))
}

/// Whether ADD fetches the source: a URL or a Git repository.
fn is_remote(source: &str) -> bool {
    source.contains("://") || source.starts_with("git@") || source.starts_with("github.com/")
}

/// Whether the sources of one instruction are there. BuildKit lets a wildcard take nothing as long as another source
/// takes something.
fn resolve(context: &BuildContext, sources: &[String]) -> bool {
    let (wild, plain): (Vec<&str>, Vec<&str>) =
        sources.iter().map(String::as_str).partition(|source| has_wildcard(source));
    let there = |source: &&str| matches!(context.entry(source), Entry::Directory | Entry::File);
    let takes_some = |source: &&str| context.glob(source).is_some_and(|found| !found.is_empty());
    plain.iter().all(there) && (!plain.is_empty() || wild.iter().any(takes_some))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(file: &str, text: &str, expected: &[(&str, &str)]) {
        let builds = builds(Path::new(file), text);
        let found: Vec<_> = builds.iter().map(|build| (build.context.as_str(), build.dockerfile.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn compose_services() {
        check(
            "compose.yaml",
            "x-b: &b {context: app}\nservices:\n a: {build: ./web}\n b: {build: {<<: *b, dockerfile: D}}\n c: {image: x}\n",
            &[("./web", "Dockerfile"), ("app", "D")],
        );
        check("compose.yaml", "services: {a: {build: '${DIR}'}, b: {build: 'https://host/x.git'}}", &[]);
        check("compose.yaml", "services: [", &[]);
    }

    #[test]
    fn bake_targets() {
        check("docker-bake.json", r#"{"target": {"a": {"dockerfile": "D"}, "b": {"inherits": ["a"]}}}"#, &[(".", "D")]);
        let hcl = "target \"a\" {\n  context = \"app\"\n  args = {\n    context = \"no\"\n  }\n}\ntarget \"b\" {\n  context = dir\n}\n";
        check("docker-bake.hcl", hcl, &[("app", "Dockerfile")]);
    }

    #[test]
    fn file_names() {
        assert!(is_compose_file("docker-compose.dev.yml") && is_compose_file("compose.yaml"));
        assert!(!is_compose_file("composer.json") && !is_compose_file("my-compose.yml"));
    }
}
