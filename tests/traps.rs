//! The fixtures of `$IMGOPT_SHARED/traps`: files on which a careless rewrite breaks the build or the container.
//!
//! Each comes in many variants, at every level. What must never come out is asserted on the text that comes out, read
//! again, not on what the passes say of themselves.

#![allow(clippy::print_stderr, reason = "says why it is skipped")]

#[path = "traps/variants.rs"]
mod variants;

use std::path::PathBuf;

use imgopt::context::BuildContext;
use imgopt::rewrite::Level;
use imgopt::syntax::ast::{Command, Dockerfile, Healthcheck, Instruction, InstructionKind, ItemKind, KeyValues};
use imgopt::syntax::image::ImageReference;
use imgopt::syntax::mount::{Mount, MountKind, Sharing};
use imgopt::{Options, optimize, syntax, tables};
use rayon::prelude::*;

const LEVELS: [Level; 3] = [Level::Safe, Level::Guarded, Level::Breaking];

/// A file that was read.
struct Read {
    text: String,
    dockerfile: Dockerfile,
}

impl Read {
    fn new(text: String) -> Self {
        let dockerfile = syntax::parse(&text).dockerfile;
        Self { text, dockerfile }
    }

    fn keyword(&self, instruction: &Instruction) -> String {
        instruction.keyword_upper(&self.text)
    }

    fn of_kind(&self, keyword: &str) -> Vec<&Instruction> {
        self.dockerfile.instructions.iter().filter(|instruction| self.keyword(instruction) == keyword).collect()
    }

    /// The scripts of all RUNs with blanks made equal.
    fn scripts(&self) -> Vec<String> {
        self.of_kind("RUN").into_iter().map(|run| self.script(run)).collect()
    }

    fn script(&self, run: &Instruction) -> String {
        let InstructionKind::Run(command) = &run.kind else { panic!("it is a RUN") };
        let line = match command {
            Command::Shell(text) => text.text.clone(),
            Command::Exec(words) => format!("{words:?}"),
        };
        let heredocs: String = run.heredocs.iter().map(|heredoc| heredoc.span.of(&self.text)).collect();
        let script = format!("{line}\n{heredocs}");
        script.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn mounts(&self, run: &Instruction) -> Vec<Mount> {
        let flags = run.flags.iter().filter(|flag| flag.name == "mount");
        flags
            .map(|flag| Mount::parse(flag.value.as_deref().expect("a mount has a value")).expect("it is valid"))
            .collect()
    }

    fn cache_targets(&self, run: &Instruction) -> Vec<String> {
        let caches = self.mounts(run).into_iter().filter(|mount| mount.kind == MountKind::Cache);
        caches.map(|mount| mount.target.expect("a cache mount has a target")).collect()
    }

    /// Comment lines, directives and heredoc bodies of COPY and ADD.
    fn trivia(&self) -> Vec<String> {
        let mut trivia = Vec::new();
        for item in &self.dockerfile.items {
            let text = item.span.of(&self.text);
            match item.kind {
                ItemKind::Comment | ItemKind::Directive => trivia.push(text.trim().to_owned()),
                ItemKind::Instruction => {
                    let comments = text.lines().skip(1).filter(|line| line.trim_start().starts_with('#'));
                    trivia.extend(comments.map(|line| line.trim().to_owned()));
                }
                _ => {}
            }
        }
        trivia
    }

    fn file_heredocs(&self) -> Vec<&str> {
        let files = self.dockerfile.instructions.iter().filter(|instruction| self.keyword(instruction) != "RUN");
        files.flat_map(|instruction| &instruction.heredocs).map(|heredoc| heredoc.span.of(&self.text)).collect()
    }

    /// What the instructions other than RUN say, where none of the passes may change it.
    fn outline(&self) -> Vec<String> {
        let others = self.dockerfile.instructions.iter().filter(|instruction| self.keyword(instruction) != "RUN");
        others.map(|instruction| self.meaning(instruction)).collect()
    }

    fn meaning(&self, instruction: &Instruction) -> String {
        let flags: Vec<_> = instruction.flags.iter().map(|flag| flag.span.of(&self.text)).collect();
        let what = match &instruction.kind {
            InstructionKind::From(from) => {
                // The slim variant of a distribution's image has the same packages.
                let image = released(&from.image.text).replace("-slim", "");
                format!("{image} as {:?}", from.alias.as_ref().map(|alias| &alias.name.text))
            }
            InstructionKind::Env(pairs) | InstructionKind::Label(pairs) => values(pairs),
            InstructionKind::Copy(transfer) | InstructionKind::Add(transfer) => {
                let sources: Vec<_> = transfer.sources.iter().map(|source| &source.text).collect();
                return format!("transfer {flags:?} {sources:?} {}", transfer.destination.text);
            }
            InstructionKind::Cmd(_) | InstructionKind::Entrypoint(_) | InstructionKind::Healthcheck(_) => {
                process(instruction).map_or_else(String::new, |command| words(command).join(" "))
            }
            InstructionKind::Onbuild(_) => return instruction.span.of(&self.text).trim().to_owned(),
            _ => instruction.arguments.of(&self.text).to_owned(),
        };
        format!("{} {flags:?} {what}", self.keyword(instruction))
    }
}

/// The image with the tag that also names the release of its distribution: that much may be added.
fn released(image: &str) -> String {
    let reference: Option<ImageReference> = image.parse().ok();
    let with_release = reference
        .and_then(|reference| tables::suite_tag(&reference).map(|tag| format!("{}:{tag}", reference.familiar_name())));
    with_release.unwrap_or_else(|| image.to_owned())
}

/// Keys and values as a container sees them, for values without escapes.
fn values(pairs: &KeyValues) -> String {
    let unquoted = |text: &str| match text.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => text.trim_matches(quote).to_owned(),
        None => text.to_owned(),
    };
    let pairs: Vec<_> = pairs.pairs.iter().map(|pair| (&pair.key.text, unquoted(&pair.value.text))).collect();
    format!("{pairs:?}")
}

fn process(instruction: &Instruction) -> Option<&Command> {
    match &instruction.kind {
        InstructionKind::Cmd(command)
        | InstructionKind::Entrypoint(command)
        | InstructionKind::Healthcheck(Healthcheck::Cmd { command, .. }) => Some(command),
        _ => None,
    }
}

/// The words of a command; a leading `exec` of the shell counts for nothing.
fn words(command: &Command) -> Vec<String> {
    match command {
        Command::Exec(argv) => argv.iter().map(|word| word.text.clone()).collect(),
        Command::Shell(text) => {
            let words = text.text.split_whitespace().map(str::to_owned);
            words.skip_while(|word| word == "exec").collect()
        }
    }
}

/// Checks one variant at one level; says what is wrong.
fn check(name: &str, text: &str, level: Level) -> Result<(), String> {
    let options = Options { level, ..Options::default() };
    let outcome = optimize(text, &BuildContext::unknown(), &options);
    if let Some(violation) = outcome.violations.first() {
        return Err(format!("{}: {}", violation.pass, violation.message));
    }
    if syntax::parse(&outcome.optimized).has_errors() {
        return Err("what comes out is not accepted".to_owned());
    }
    let second = optimize(&outcome.optimized, &BuildContext::unknown(), &options);
    if second.changed() {
        return Err(format!("a second run gives\n{}", second.optimized));
    }
    judge(name, text, outcome.optimized)
}

/// Says what is wrong with what came out.
fn judge(name: &str, before: &str, after: String) -> Result<(), String> {
    let after = for_root(before, after);
    let (before, after) = (Read::new(before.to_owned()), Read::new(after));
    for check in [everywhere, bases, mounts, transfers, processes, installs] {
        check(&before, &after)?;
    }
    special(name, &before, &after)
}

/// The text without the user that the program gets and the RUN that makes its account, which the cases of that pass are about.
fn for_root(before: &str, after: String) -> String {
    let upper = after.to_ascii_uppercase();
    let users = |text: &str| text.matches("\nUSER").count();
    let user = upper.rfind("\nUSER ").filter(|_| users(&before.to_ascii_uppercase()) < users(&upper));
    let Some(user) = user else { return after };
    let account = ["\nRUN GROUPADD --GID 10001", "\nRUN ADDGROUP -G 10001"].iter().find_map(|run| upper.rfind(run));
    let end = after[user + 1..].find('\n').map_or(after.len(), |length| user + 1 + length);
    format!("{}{}", &after[..account.unwrap_or(user)], &after[end..])
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what()) }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, before: &T, after: &T) -> Result<(), String> {
    ensure(before == after, || format!("{what} changed\nbefore: {before:#?}\nafter: {after:#?}"))
}

/// Comments, directives and heredocs stay; so does what no pass is about; no setting and no shell option appears (rows 1
/// to 9, 13 to 15, 21, 23, 28, 36, 37, 43, 44, 47, 57, 59).
fn everywhere(before: &Read, after: &Read) -> Result<(), String> {
    same("comments and directives", &before.trivia(), &after.trivia())?;
    same("files in heredocs", &before.file_heredocs(), &after.file_heredocs())?;
    same("instructions other than RUN", &before.outline(), &after.outline())?;
    for word in ["pipefail", "set -e", "CURL_HOME", "NODE_ENV", "npm ci", "export "] {
        let count = |read: &Read| read.text.matches(word).count();
        ensure(count(after) <= count(before), || format!("`{word}` appears"))?;
    }
    ensure(!before.text.contains("\r\n") || !after.text.replace("\r\n", "").contains('\n'), || {
        "line ends are mixed".to_owned()
    })?;
    ensure(before.text.ends_with('\n') == after.text.ends_with('\n'), || "the end of the file changed".to_owned())?;
    // Apart from what the passes may add or take out, the scripts are what they were, with all their operators but `&&`.
    let (old, new) = (rest(before), rest(after));
    let added = added(&old, &new).ok_or_else(|| format!("the scripts changed\nbefore: {old:?}\nafter: {new:?}"))?;
    // Recommended packages may be named where apt is told to leave the others out.
    let n_options = |read: &Read| read.text.matches("--no-install-recommends").count();
    let installed = installed(after);
    let may_be_added = |word: &&str| n_options(after) > n_options(before) && installed.iter().any(|name| name == *word);
    ensure(added.iter().all(may_be_added), || format!("{added:?} appear in the scripts"))
}

/// The words of `new` that `old` has not, when all others are the same in the same order.
fn added<'a>(old: &[String], new: &'a [String]) -> Option<Vec<&'a str>> {
    let mut expected = old.iter().peekable();
    let added = new.iter().filter(|word| expected.next_if(|next| next == word).is_none()).map(String::as_str).collect();
    expected.next().is_none().then_some(added)
}

/// The words of all `apt-get install` commands.
fn installed(read: &Read) -> Vec<String> {
    let scripts = read.scripts().join(" && ");
    let commands = scripts.split(" && ").flat_map(|command| command.split(';'));
    let installs = commands.map(str::trim).filter(|command| command.starts_with("apt-get install"));
    installs.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

/// The words of all scripts but those that the passes may add or take out.
fn rest(read: &Read) -> Vec<String> {
    let mut text = read.scripts().join(" && ");
    for known in [
        "rm -f /etc/apt/apt.conf.d/docker-clean",
        "echo 'Binary::apt::APT::Keep-Downloaded-Packages \"true\";' > /etc/apt/apt.conf.d/keep-cache",
        "; rm -rf /var/lib/apt/lists/*",
        "rm -rf /var/lib/apt/lists/*",
        "npm cache clean --force",
        "apt-get update;",
        "apt-get update",
    ] {
        text = text.replace(known, " ");
    }
    // What goes of installed Python packages.
    while let Some(start) = text.find("find /usr/local/lib/python")
        && let Some(length) = text[start..].find("-exec rm -rf {} +")
    {
        let before = text[..start].trim_end();
        let joined = before.strip_suffix(';').unwrap_or(before).len();
        text.replace_range(joined..start + length + "-exec rm -rf {} +".len(), " ");
    }
    let of_builds =
        ["-trimpath", "-ldflags=\"-s", "-w\"", "CGO_ENABLED=0", "--locked", "CARGO_PROFILE_RELEASE_STRIP=symbols"];
    let known = ["&&", "-y", "--no-install-recommends", "--no-cache-dir", "--no-cache"];
    let known = [&known[..], &of_builds].concat();
    text.split_whitespace().filter(|word| !known.contains(word)).map(str::to_owned).collect()
}

/// Cache mounts cover downloads only, belong to the user, and take nothing away that is read elsewhere (rows 24 to 26d).
fn mounts(before: &Read, after: &Read) -> Result<(), String> {
    const DOWNLOADS: [&str; 8] = [
        "/.cache/pip",
        "/.npm",
        "/go/pkg/mod",
        "/.cache/go-build",
        "/cargo/registry",
        "/cargo/git/db",
        "/var/cache/apt",
        "/var/lib/apt/lists",
    ];
    let copied: Vec<String> = after
        .of_kind("COPY")
        .into_iter()
        .filter(|copy| copy.flag("from").is_some())
        .flat_map(|copy| match &copy.kind {
            InstructionKind::Copy(transfer) => transfer.sources.iter().map(|source| source.text.clone()).collect(),
            _ => Vec::new(),
        })
        .collect();
    let mut user = String::new();
    for instruction in &after.dockerfile.instructions {
        match &instruction.kind {
            InstructionKind::From(_) => user = String::new(),
            InstructionKind::User(name) => user.clone_from(&name.text),
            InstructionKind::Run(_) => {}
            _ => continue,
        }
        let is_new = |mount: &&Mount| mount.kind == MountKind::Cache;
        for mount in after.mounts(instruction).iter().filter(is_new) {
            let target = mount.target.as_deref().unwrap_or_default();
            ensure(DOWNLOADS.iter().any(|directory| target.ends_with(directory)), || format!("`{target}` is mounted"))?;
            let is_root = matches!(user.split(':').next().unwrap_or_default(), "" | "0" | "root");
            ensure(is_root || mount.uid.is_some() && !target.starts_with("/root"), || {
                format!("`{target}` is mounted for user {user}")
            })?;
            let overlaps = |source: &String| {
                let source = source.trim_end_matches('/');
                format!("{target}/").starts_with(&format!("{source}/"))
                    || format!("{source}/").starts_with(&format!("{target}/"))
            };
            ensure(!copied.iter().any(overlaps), || format!("`{target}` is mounted and copied"))?;
            if target.starts_with("/var/") {
                let script = after.script(instruction);
                ensure(script.contains("docker-clean") && script.contains("Keep-Downloaded-Packages"), || {
                    "apt would delete what the mount should keep".to_owned()
                })?;
                ensure(mount.sharing == Some(Sharing::Locked), || "two builds may write apt's files".to_owned())?;
                ensure(!script.contains("rm -rf /var/lib/apt/lists"), || "the mounted lists are removed".to_owned())?;
            }
        }
    }
    ensure(before.text.contains("docker-clean") || last_stage_is_untouched(after), || {
        "apt is set up anew in the image that is shipped".to_owned()
    })
}

fn last_stage_is_untouched(after: &Read) -> bool {
    let last = after.text.to_lowercase().rfind("\nfrom ").unwrap_or(0);
    !after.text[last..].contains("docker-clean")
}

/// No digest comes out of nowhere, and `latest` says nothing (rows 27, 28).
fn bases(before: &Read, after: &Read) -> Result<(), String> {
    for new in [":latest", "@sha256:"] {
        let n = |read: &Read| read.of_kind("FROM").iter().filter(|from| from.span.of(&read.text).contains(new)).count();
        ensure(n(after) <= n(before), || format!("`{new}` stands behind an image"))?;
    }
    Ok(())
}

/// ADD becomes COPY for plain local sources only (row 56).
fn transfers(before: &Read, after: &Read) -> Result<(), String> {
    let kinds = |read: &Read| -> Vec<bool> {
        let instructions = read.dockerfile.instructions.iter();
        instructions
            .filter_map(|instruction| match &instruction.kind {
                InstructionKind::Add(_) => Some(true),
                InstructionKind::Copy(_) => Some(false),
                _ => None,
            })
            .collect()
    };
    let adds = before.dockerfile.instructions.iter().filter_map(|instruction| match &instruction.kind {
        InstructionKind::Add(transfer) | InstructionKind::Copy(transfer) => Some(transfer),
        _ => None,
    });
    for ((transfer, was_add), is_add) in adds.zip(kinds(before)).zip(kinds(after)) {
        let needs_add = |source: &str| {
            ["://", "git@", ".tar", ".tgz", ".zst", ".xz", ".bz2", ".gz", "*", "?", "$"]
                .iter()
                .any(|part| source.contains(part))
        };
        ensure(was_add || !is_add, || "COPY becomes ADD".to_owned())?;
        ensure(is_add || !was_add || !transfer.sources.iter().any(|source| needs_add(&source.text)), || {
            format!("{:?} is copied and neither fetched nor unpacked", transfer.sources)
        })?;
    }
    Ok(())
}

/// Exec form only where the shell does nothing (rows 45, 53, 54).
fn processes(before: &Read, after: &Read) -> Result<(), String> {
    let commands = |read: &Read| -> Vec<(bool, String)> {
        let commands = read.dockerfile.instructions.iter().filter_map(process);
        commands.map(|command| (matches!(command, Command::Exec(_)), words(command).join(" "))).collect()
    };
    for ((was_exec, script), (is_exec, _)) in commands(before).into_iter().zip(commands(after)) {
        ensure(is_exec || !was_exec, || format!("`{script}` becomes shell form"))?;
        let needs_shell = script.contains(['$', '|', '&', ';', '<', '>', '*', '~', '`', '=']);
        ensure(was_exec || !is_exec || !needs_shell, || format!("`{script}` needs a shell and loses it"))?;
    }
    Ok(())
}

/// Options that keep downloads out of the layer go only where a mount does that (rows 25, 26).
fn installs(before: &Read, after: &Read) -> Result<(), String> {
    for run in after.of_kind("RUN") {
        let script = after.script(run);
        let mounted = |directory: &str| after.cache_targets(run).iter().any(|target| target.ends_with(directory));
        if before.text.contains("--no-cache-dir")
            && script.contains("pip install")
            && !script.contains("--no-cache-dir")
        {
            ensure(mounted("/.cache/pip"), || "pip's downloads stay in the layer".to_owned())?;
        }
        if before.text.contains("rm -rf /var/lib/apt/lists/*")
            && script.contains("apt-get install")
            && !script.contains("rm -rf /var/lib/apt/lists")
        {
            ensure(mounted("/var/lib/apt/lists"), || "the package lists stay in the layer".to_owned())?;
        }
        for option in ["--no-install-recommends", "-y"] {
            let lacks = |script: &String| script.contains("apt-get install") && !script.contains(option);
            ensure(before.scripts().iter().any(lacks) || !lacks(&script), || format!("`{option}` is gone"))?;
        }
    }
    Ok(())
}

/// What the README of the fixtures says of the single one.
fn special(name: &str, before: &Read, after: &Read) -> Result<(), String> {
    let (old, new) = (before.scripts(), after.scripts());
    match name {
        "t01" => ensure(
            after
                .of_kind("RUN")
                .iter()
                .all(|run| after.cache_targets(run).iter().all(|target| !target.contains("target"))),
            || "the build's output is a cache".to_owned(),
        ),
        // Nothing in these scripts is about packages: all stay as they are, each in a RUN of its own.
        "t05" | "t06" | "t10" | "t11" | "t15" | "t18" | "t22" => same("the scripts", &old, &new),
        "t04" => ensure(
            after.scripts().iter().any(|script| script.starts_with("wget -qO- https://example.com/install.sh | sh")),
            || "the pipeline changed".to_owned(),
        ),
        "t12" => same("a Windows file", &before.text.to_uppercase(), &after.text.to_uppercase()),
        "t09" => {
            let above =
                after.text.lines().skip_while(|line| !line.contains("hadolint ignore")).nth(1).unwrap_or_default();
            let above = above.trim_start().to_uppercase();
            ensure(above.starts_with("RUN") || above.starts_with("# ABOUT RUN"), || {
                format!("the linter's comment stands above `{above}`")
            })
        }
        "t13" => ensure(after.text.contains("from=Builder"), || "the stage of the mount was renamed".to_owned()),
        "t14" => ensure(
            after.outline().iter().any(|line| line.contains("(\"NODE_OPTIONS\", \"--max-old-space-size=4096\")")),
            || "the value of NODE_OPTIONS changed".to_owned(),
        ),
        "t17" => {
            let mounted = |command: &str| {
                let runs = after.of_kind("RUN");
                let run = runs.iter().find(|run| after.script(run).contains(command));
                run.is_some_and(|run| after.cache_targets(run).iter().any(|target| target.ends_with("/pkg/mod")))
            };
            same("whether modules are mounted", &mounted("go mod download"), &mounted("go build"))
        }
        "t19" => {
            ensure(new.iter().any(|script| script.contains("git python3 make g++")), || "packages changed".to_owned())
        }
        "t20" => ensure(after.text.contains("--platform=$BUILDPLATFORM"), || "the platform is gone".to_owned()),
        // What these must not become is looked for in every file.
        "t02" | "t03" | "t07" | "t08" | "t16" | "t21" => Ok(()),
        _ => Err("nothing is known of this fixture: say here what must not come out".to_owned()),
    }
}

fn fixtures() -> Option<Vec<(String, String)>> {
    let Some(shared) = std::env::var_os("IMGOPT_SHARED") else {
        eprintln!("skipped: IMGOPT_SHARED does not name the folder with `traps`");
        return None;
    };
    let folder = PathBuf::from(shared).join("traps");
    let mut fixtures: Vec<_> = std::fs::read_dir(&folder)
        .expect("the traps can be read")
        .map(|entry| entry.expect("the traps can be read").path())
        .filter(|path| path.is_dir())
        .map(|path| {
            let name = path.file_name().expect("it has a name").to_string_lossy();
            let number = name.split('-').next().unwrap_or_default().to_owned();
            (number, std::fs::read_to_string(path.join("Dockerfile")).expect("a trap has a Dockerfile"))
        })
        .collect();
    fixtures.sort();
    Some(fixtures)
}

#[test]
fn no_trap_snaps() {
    let Some(fixtures) = fixtures() else { return };
    let mut n_checked = 0;
    let mut failures = Vec::new();
    for (name, text) in &fixtures {
        let variants = variants::variants(text);
        let invalid = variants.iter().find(|variant| syntax::parse(&variant.text).has_errors());
        assert!(invalid.is_none(), "{name}: not a Dockerfile: {}", invalid.map_or("", |variant| &variant.text));
        assert!(variants.len() > 10, "{name} has {} variants", variants.len());
        // What is changed twice is read at the usual level only, to save time.
        let levels = |variant: &variants::Variant| if variant.is_combined { &LEVELS[1..2] } else { &LEVELS[..] };
        let cases: Vec<_> =
            variants.iter().flat_map(|variant| levels(variant).iter().map(move |level| (variant, *level))).collect();
        n_checked += cases.len();
        let failed = |(variant, level): &(&variants::Variant, Level)| {
            let error = check(name, &variant.text, *level).err()?;
            Some(format!("{name}, {}, {level}: {error}\n{}", variant.name, variant.text))
        };
        failures.extend(cases.par_iter().filter_map(failed).collect::<Vec<_>>());
    }
    eprintln!("{} traps, {n_checked} checks", fixtures.len());
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("----\n"));
}

/// The checks themselves: each refuses what careless rewrites were seen to write.
#[test]
fn careless_rewrites_are_caught() {
    let caught = [
        ("t05", "RUN echo a\nARG B=1\nRUN echo c\n", "RUN echo a && echo c\nARG B=1\n"),
        ("t06", "RUN false || true; echo x\nRUN echo y\n", "RUN false || true; echo x && echo y\n"),
        ("t15", "RUN cd /tmp && touch f\n", "WORKDIR /tmp\nRUN touch f\n"),
        ("t18", "RUN grep -q a /b ; echo c\n", "RUN set -e; grep -q a /b ; echo c\n"),
        (
            "t04",
            "RUN wget -qO- https://example.com/install.sh | sh\n",
            "SHELL [\"/bin/bash\", \"-c\"]\nRUN wget -qO- https://example.com/install.sh | sh\n",
        ),
        ("t02", "RUN curl -V\n", "ENV CURL_HOME=/etc\nRUN curl -V\n"),
        (
            "t07",
            "CMD exec gunicorn a:b --bind 0.0.0.0:$PORT\n",
            "CMD [\"gunicorn\", \"a:b\", \"--bind\", \"0.0.0.0:$PORT\"]\n",
        ),
        ("t08", "ADD rootfs.tar.xz /\n", "COPY rootfs.tar.xz /\n"),
        ("t08", "ADD https://example.com/a.bin /a\n", "COPY https://example.com/a.bin /a\n"),
        ("t09", "# hadolint ignore=DL3008\nRUN true\n", "RUN true\n"),
        ("t10", "COPY <<'EOF' /a\nkey = value  \nEOF\n", "COPY <<'EOF' /a\nkey = value\nEOF\n"),
        ("t11", "ONBUILD RUN npm install\n", "ONBUILD RUN npm ci\n"),
        ("t12", "RUN Expand-Archive a\n", "RUN Expand-Archive a \\\n    && true\n"),
        (
            "t13",
            "RUN --mount=type=bind,from=Builder,target=/b true\n",
            "RUN --mount=type=bind,from=builder,target=/b true\n",
        ),
        ("t14", "ENV NODE_OPTIONS --max-old-space-size=4096\n", "ENV NODE_OPTIONS=--max-old-space-size 4096\n"),
        ("t01", "RUN cargo build\n", "RUN --mount=type=cache,target=/src/target cargo build\n"),
        ("t03", "USER node\nRUN npm ci\n", "USER node\nRUN --mount=type=cache,target=/root/.npm npm ci\n"),
        ("t16", "USER a\nRUN pip install --no-cache-dir b\n", "USER a\nRUN pip install b\n"),
        (
            "t17",
            "RUN go mod download\nRUN go build\n",
            "RUN --mount=type=cache,target=/go/pkg/mod go mod download\nRUN go build\n",
        ),
        (
            "t02",
            "RUN apt-get update && apt-get install a\n",
            "RUN --mount=type=cache,target=/var/lib/apt/lists,sharing=locked apt-get update && apt-get install a\n",
        ),
        (
            "t02",
            "RUN apt-get update && apt-get install a && rm -rf /var/lib/apt/lists/*\n",
            "RUN apt-get update && apt-get install a\n",
        ),
        (
            "t02",
            "RUN apt-get update \\\n # why\n && apt-get install a\n",
            "RUN apt-get update \\\n && apt-get install a\n",
        ),
        ("t21", "RUN a\nRUN b\n", "RUN a; b\n"),
    ];
    for (name, before, after) in caught {
        let stage = |text: &str| format!("FROM debian:bookworm-slim AS build\n{text}");
        assert_eq!(judge("t02", &stage("RUN true\n"), stage("RUN true\n")), Ok(()));
        assert!(judge(name, &stage(before), stage(after)).is_err(), "{name} lets pass:\n{after}");
    }
    let platform = "FROM --platform=$BUILDPLATFORM golang:1.25\n";
    assert!(judge("t20", platform, "FROM golang:1.25\n".to_owned()).is_err());
    assert!(judge("t20", "FROM scratch\n", "FROM scratch:latest\n".to_owned()).is_err());
}
