//! `imgopt pin`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;

use super::discover::{self, Verdict};
use super::policies::today;
use super::terminal::{Stream, Terminal};
use super::{Exit, run};
use crate::config::Configs;
use crate::context::BuildContext;
use crate::lock::{self, Lock, Pin};
use crate::model::body::BodyCache;
use crate::model::{Base, Model};
use crate::policy::{self, Policy};
use crate::registry::{Client, Credentials};
use crate::report::printable;
use crate::syntax;
use crate::syntax::image::ImageReference;

pub(super) const AFTER_HELP: &str = "\
Asks the registries of the base images, with the credentials of `docker login`. The lock is written when every image has \
an answer, and stays as it is otherwise.";

#[derive(Args)]
pub(super) struct Command {
    /// Dockerfiles, directories to search, or `-` for standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// The lock
    #[arg(long, value_name = "FILE", default_value = lock::NAME)]
    lock: PathBuf,
    /// Ask for the images that the lock has, too
    #[arg(long)]
    update: bool,
    /// Ask TO for the images of the registry or path FROM, such as docker.io=registry.example.com/hub
    #[arg(long, value_name = "FROM=TO", value_parser = mirror)]
    mirror: Vec<(String, String)>,
    /// Seconds that a registry may take for an answer
    #[arg(long, value_name = "SECONDS", default_value = "30", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

pub(super) fn run(command: &Command, terminal: &Terminal) -> Result<Exit> {
    let mut lock = Lock::read(&command.lock).with_context(|| command.lock.display().to_string())?;
    let credentials = Credentials::of_docker().context("cannot read the credentials of docker")?;
    let client = Client::new(credentials, Duration::from_secs(command.timeout));
    let images = images(&command.paths)?;
    let wanted: Vec<&(ImageReference, Policy)> =
        images.values().filter(|(image, _)| command.update || lock.pin(image).is_none()).collect();
    let mirrors = || command.mirror.iter().map(|(from, to)| (from.as_str(), to.as_str()));
    let answers = run::in_parallel(&wanted, |(image, policy)| {
        let place = policy::moved(image, mirrors()).or_else(|| policy.bases.mirrored(image));
        client.index_digest(place.as_ref().unwrap_or(image))
    })?;
    let mut failed = false;
    for ((image, _), answer) in wanted.iter().zip(answers) {
        match answer {
            Ok(digest) => lock.set(image, Pin { digest, date: today() }),
            Err(error) => {
                failed = true;
                terminal.error(&anyhow::anyhow!("{image}: {error}"));
            }
        }
    }
    if failed {
        return Ok(Exit::Failed);
    }
    if !wanted.is_empty() {
        lock.write(&command.lock)?;
    }
    let text = format!("{}: {} of {} images asked for", command.lock.display(), wanted.len(), images.len());
    terminal.note(Stream::Stdout, &(printable(&text) + "\n"))?;
    Ok(Exit::Done)
}

fn mirror(text: &str) -> Result<(String, String), String> {
    let (from, to) = text.split_once('=').ok_or("write FROM=TO")?;
    match [from, to].into_iter().find(|text| !policy::is_place(text)) {
        Some(wrong) => Err(format!("`{wrong}` is no registry, nor a path of one")),
        None => Ok((from.to_owned(), to.to_owned())),
    }
}

/// The base images of the Dockerfiles that have no digest yet, each once, with what their project says of images. Where that
/// puts another one in its place, it is that.
fn images(paths: &[PathBuf]) -> Result<BTreeMap<String, (ImageReference, Policy)>> {
    let mut images = BTreeMap::new();
    let configs = Configs::default();
    for found in discover::discover(paths, false, &configs)? {
        let bases = discover::settings(&found.path, &configs)?.bases;
        let policy = Policy { bases, ..Policy::default() };
        let name = found.path.display().to_string();
        let read = match &found.verdict {
            Verdict::Read => run::read((!found.is_stdin()).then_some(&found.path)),
            Verdict::Skip(_) => continue,
            Verdict::Fail(failure) => Err(failure.clone()),
        };
        let text = read.map_err(|failure| anyhow::anyhow!("{name}: {}", failure.message))?;
        let parsed = syntax::parse(&text);
        let context = BuildContext::unknown();
        let bodies = BodyCache::default();
        let model = Model::build(&text, &parsed.dockerfile, &context, &bodies);
        for stage in &model.stages {
            if let Base::Image(image) = &stage.base
                && image.digest.is_none()
            {
                let wanted = policy.wanted(image).filter(|wanted| !wanted.mirrored).map(|wanted| wanted.image);
                let image = wanted.unwrap_or_else(|| image.clone());
                images.insert(image.to_string(), (image, policy.clone()));
            }
        }
    }
    Ok(images)
}
