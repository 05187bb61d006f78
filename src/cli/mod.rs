//! The command line: definitions, and the way from arguments to an exit code. One file a command; `discover` finds
//! the files, `run` reads and optimises them, `terminal` prints.

mod apply;
mod changed;
mod check;
mod discover;
mod explain;
mod format;
mod init;
mod interactive;
mod known;
mod passes;
#[cfg(feature = "registry")]
mod pin;
mod policies;
mod rewrite;
mod run;
mod syntax;
mod tables;
mod terminal;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};

use crate::config::Settings;
use crate::config::file::PassSetting;
use crate::passes::pin_base;
use crate::pipeline::{BaseChoice, Options};
use crate::policy::Policy;
use crate::rewrite::Level;
use format::{Format, Reporting};
use terminal::Terminal;

/// Rewrites Dockerfiles into leaner, safer ones, with a reason and a proof for each change.
#[derive(Parser)]
#[command(name = "imgopt", version, about, max_term_width = 100)]
#[command(after_help = "Exit codes: 0 done, 1 `check` found something (also `rewrite --exit-code`), 2 an error.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    output: terminal::Flags,
}

#[derive(Subcommand)]
enum Command {
    /// Write an optimised Dockerfile beside each Dockerfile
    #[command(after_help = rewrite::AFTER_HELP)]
    Rewrite(rewrite::Command),
    /// Report what `rewrite` would do, and write nothing
    Check(check::Command),
    /// Replace Dockerfiles by their reviewed `.optimized` files
    Apply(apply::Command),
    /// Write a commented imgopt.yaml, or print the lines for a hook or CI
    #[command(after_help = init::AFTER_HELP)]
    Init(init::Command),
    /// Ask registries for the digests of base images, and keep them in imgopt.lock
    #[cfg(feature = "registry")]
    #[command(after_help = pin::AFTER_HELP)]
    Pin(pin::Command),
    /// List the passes in the order in which they run
    Passes,
    /// Print what is known of images, packages and tools, and where that is from
    Tables(tables::Command),
    /// Show the page of a pass
    Explain(explain::Command),
    /// Print how Dockerfiles are read, to compare readings
    Syntax(syntax::Command),
}

/// Which files.
#[derive(Args)]
pub(crate) struct Files {
    /// Dockerfiles, directories to search, or `-` for standard input
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Only files that differ from the commit REF, or are new
    #[arg(long, value_name = "REF", conflicts_with = "staged")]
    since: Option<String>,
    /// Only files that are staged for the next commit, as they lie in the work tree
    #[arg(long)]
    staged: bool,
    /// Read named files that are passed over otherwise, and overwrite outputs that imgopt did not write
    #[arg(long)]
    force: bool,
}

/// Which rewrites.
#[derive(Args)]
pub(crate) struct Selection {
    /// Apply rewrites up to this level
    #[arg(long, value_parser = level(), help = "Apply rewrites up to this level: safe, guarded or breaking")]
    level: Option<Level>,
    /// Run only these passes, at the level that they need
    #[arg(long, value_name = "PASS", value_delimiter = ',', value_parser = pass_name(), hide_possible_values = true)]
    only: Vec<String>,
    /// Apply the rewrites of these passes at the level that they need
    #[arg(long, value_name = "PASS", value_delimiter = ',', value_parser = pass_name(), hide_possible_values = true)]
    enable: Vec<String>,
    /// Leave these passes out
    #[arg(long, value_name = "PASS", value_delimiter = ',', value_parser = pass_name(), hide_possible_values = true)]
    skip: Vec<String>,
    /// Base images that may be chosen: auto, keep, slim, alpine or distroless
    #[arg(long, value_name = "BASE", value_parser = base_choice(), hide_possible_values = true)]
    base: Option<BaseChoice>,
    /// The build context of all files, instead of one that their COPY instructions tell
    #[arg(long, value_name = "DIR")]
    context: Option<PathBuf>,
}

impl Selection {
    /// The build context that was named.
    fn known_context(&self) -> anyhow::Result<Option<&Path>> {
        match self.context.as_deref() {
            Some(context) if !context.is_dir() => {
                anyhow::bail!("the build context {} is not a directory", context.display())
            }
            context => Ok(context),
        }
    }

    /// The options of the core for a file: flags go before its configuration, which goes before what holds by default.
    fn options(&self, purpose: Purpose, settings: &Settings, policy: &Policy) -> Options {
        let level = self.level.or_else(|| purpose.configured(settings)).unwrap_or_else(|| purpose.default_level());
        let mut options = Options {
            level,
            only: self.only.iter().cloned().collect(),
            skip: self.skip.iter().cloned().collect(),
            assume: settings.assume.clone(),
            base: self.base.or(settings.base).unwrap_or_default(),
            ..Options::default()
        };
        let asked_for = || self.only.iter().chain(&self.enable);
        // Nobody has to pin who has not begun to.
        let pins = asked_for().any(|name| name == pin_base::NAME) || settings.passes.contains_key(pin_base::NAME);
        if purpose == Purpose::Check && policy.pins.is_empty() && !pins {
            options.skip.insert(pin_base::NAME.to_owned());
        }
        let needed = |name: &str| passes::find(name).map(|pass| level.max(pass.max_level.min(Level::Breaking)));
        for (pass, setting) in settings.passes.iter().filter(|(pass, _)| !asked_for().any(|name| name == *pass)) {
            match setting {
                PassSetting::Off => drop(options.skip.insert((*pass).to_owned())),
                PassSetting::On => options.pass_levels.extend(needed(pass).map(|level| ((*pass).to_owned(), level))),
                PassSetting::UpTo(level) => drop(options.pass_levels.insert((*pass).to_owned(), *level)),
            }
        }
        options.pass_levels.extend(asked_for().filter_map(|name| Some((name.clone(), needed(name)?))));
        options
    }
}

/// What a run is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Write separate files, or compare with them.
    Rewrite,
    /// Replace the files.
    InPlace,
    /// Report.
    Check,
}

impl Purpose {
    fn configured(self, settings: &Settings) -> Option<Level> {
        match self {
            Self::Rewrite => settings.level,
            Self::InPlace => settings.in_place_level,
            Self::Check => settings.check_level,
        }
    }

    fn default_level(self) -> Level {
        match self {
            Self::Rewrite => Level::Guarded,
            Self::InPlace | Self::Check => Level::Safe,
        }
    }
}

/// What a command came to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Exit {
    Done,
    /// `check` found something.
    Found,
    Failed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => Self::SUCCESS,
            Exit::Found => Self::from(1),
            Exit::Failed => Self::from(2),
        }
    }
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let terminal = Terminal::new(&cli.output);
    let result = match &cli.command {
        Command::Rewrite(command) => rewrite::run(command, &terminal),
        Command::Check(command) => check::run(command, &terminal),
        Command::Apply(command) => apply::run(command, &terminal),
        Command::Init(command) => init::run(command, &terminal),
        #[cfg(feature = "registry")]
        Command::Pin(command) => pin::run(command, &terminal),
        Command::Passes => passes::run(&terminal),
        Command::Tables(command) => tables::run(command, &terminal),
        Command::Explain(command) => explain::run(command, &terminal),
        Command::Syntax(command) => syntax::run(command, &terminal),
    };
    match result {
        Ok(exit) => exit.into(),
        // `imgopt rewrite | head` is no failure: everything was done before the first line was printed.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            terminal.error(&error);
            Exit::Failed.into()
        }
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Parses the name of a level that can be asked for.
fn level() -> impl TypedValueParser<Value = Level> {
    PossibleValuesParser::new(["safe", "guarded", "breaking"]).try_map(|name| name.parse::<Level>())
}

/// A choice of base images by its name.
fn base_choice() -> impl TypedValueParser<Value = BaseChoice> {
    let find = |name: String| BaseChoice::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, choice)| choice);
    PossibleValuesParser::new(BaseChoice::NAMES.map(|(name, _)| name))
        .map(move |name| find(name).expect("the parser takes these names only"))
}

/// Parses the name of a pass. clap suggests a similar one for a name that there is not.
fn pass_name() -> impl TypedValueParser<Value = String> {
    PossibleValuesParser::new(passes::passes().map(|pass| pass.name))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_definitions_fit_together() {
        super::Cli::command().debug_assert();
    }
}
