//! Pairs of neighbours that commute, and pairs that do not.

use super::*;
use crate::context::BuildContext;
use crate::model::body::BodyCache;
use crate::syntax;

/// Whether the last two instructions of the stage commute; why not otherwise.
fn last_two(text: &str) -> Result<(), String> {
    let parsed = syntax::parse(text);
    assert!(!parsed.has_errors(), "{text}");
    let (context, cache) = (BuildContext::unknown(), BodyCache::default());
    let model = Model::build(text, &parsed.dockerfile, &context, &cache);
    let accesses = accesses(&model);
    let [.., a, b] = accesses.as_slice() else { panic!("two instructions: {text}") };
    let found = commute(a, b);
    assert_eq!(found.is_ok(), commute(b, a).is_ok(), "it is symmetric: {text}");
    found
}

#[track_caller]
fn pass(lines: &str) {
    let text = format!("FROM debian:bookworm-slim\n{lines}\n");
    assert_eq!(last_two(&text), Ok(()), "{text}");
}

#[track_caller]
fn check(lines: &str, reason: &str) {
    check_on("debian:bookworm-slim", lines, reason);
}

#[track_caller]
fn check_on(base: &str, lines: &str, reason: &str) {
    let text = format!("FROM {base}\n{lines}\n");
    let found = last_two(&text).expect_err(&text);
    assert!(found.contains(reason), "{found}\n{text}");
}

const INSTALL: &str = "RUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*";

#[test]
fn an_install_passes_sources() {
    pass(&format!("COPY . /usr/src/app\n{INSTALL}"));
    pass(&format!("WORKDIR /app\nCOPY . .\n{INSTALL}"));
    pass(&format!("WORKDIR /app\nADD . ./\n{INSTALL}"));
    pass(&format!("COPY --chown=1000:1000 a b /srv/app/\n{INSTALL}"));
    pass(&format!("{INSTALL}\nEXPOSE 80"));
    pass(&format!("COPY --from=build /out /app\n{INSTALL}"));
}

#[test]
fn an_install_reads_what_is_copied_to_the_system() {
    for destination in
        ["/", "/etc/", "/usr", "/usr/", "/usr/src", "/usr/local/bin/", "/bin/a", "/var/www/html", "/opt/a"]
    {
        check(&format!("COPY . {destination}\n{INSTALL}"), "");
    }
    // Relative to the working directory.
    check(&format!("COPY a usr/lib/\n{INSTALL}"), "both use `/usr/lib`");
    check(&format!("WORKDIR /etc\nCOPY . .\n{INSTALL}"), "both use `/etc`");
    check(&format!("WORKDIR /app\nCOPY . ../root\n{INSTALL}"), "both use `/root`");
    // The Debian release has no say in where Alpine's packages go, and nobody made `/usr/src` there.
    check_on("alpine:3.20", "COPY . /usr/src/app\nRUN apk add curl", "`/usr/src`");
}

#[test]
fn links_are_resolved() {
    check("COPY a /bin/a\nRUN rm /usr/bin/a", "both use `/usr/bin/a`");
    check("COPY a /var/run/a\nRUN rm /run/a", "both use");
    check(&format!("RUN ln -s /usr/share /app\nCOPY . /app\n{INSTALL}"), "may have made a link of `/app`");
    check(&format!("COPY . /app\nCOPY b /app/c/\n{INSTALL}"), "may have made a link of `/app/c`");
    check(&format!("RUN ./setup\nCOPY . /app\n{INSTALL}"), "`/app` is a link is not known");
    pass(&format!("RUN mkdir /app\nCOPY . /app\n{INSTALL}"));
    pass(&format!("COPY requirements.txt /app/\nCOPY . /app\n{INSTALL}"));
}

#[test]
fn unknown_surroundings_know_nothing() {
    check_on("example.com/base", &format!("COPY . /app\n{INSTALL}"), "nothing is known of the base image");
    check(&format!("ARG DIR\nCOPY . $DIR\n{INSTALL}"), "`$DIR`");
    check(&format!("ARG DIR=/app\nWORKDIR $DIR\nCOPY . .\n{INSTALL}"), "the working directory is not known");
    check_on("node:8-onbuild", &format!("COPY . /app\n{INSTALL}"), "triggers");
    check(&format!("USER app\nCOPY . /app\n{INSTALL}"), "home directory");
}

#[test]
fn users_are_read_by_name() {
    check("RUN useradd app\nCOPY --chown=app . /srv/a", "both use `/etc/passwd`");
    check("RUN useradd app\nUSER app", "both use");
    check("RUN useradd -m app\nCOPY . /home/app", "`/home/app`");
    check("RUN useradd -d /app app\nCOPY . /app", "`/app`");
    pass("RUN useradd app\nCOPY --chown=1000 . /srv/a");
    pass("RUN useradd app\nCOPY . /srv/a");
}

#[test]
fn a_run_reads_its_surroundings() {
    check(&format!("ENV A=b\n{INSTALL}"), "both use `A`");
    check(&format!("ARG A\n{INSTALL}"), "both use `A`");
    check(&format!("WORKDIR /app\n{INSTALL}"), "both use `WORKDIR`");
    check(&format!("USER root\n{INSTALL}"), "both use");
    check(&format!("COPY . /app\nRUN echo a > /app/b && {}", &INSTALL[4..]), "link of `/app/b`");
    check("WORKDIR /app\nCOPY . .\nRUN curl -O https://example.com/a", "both use `/app`");
    check("WORKDIR /app\nCOPY . .\nRUN apt-get install -y ./a.deb", "reads `./a.deb`");
    check("WORKDIR /app\nCOPY . .\nRUN echo *.txt", "both use `/app`");
    check(&format!("ENV PATH=/app/bin:$PATH\nCOPY . /app\n{INSTALL}"), "`/app/bin`");
    check(&format!("ENV LD_LIBRARY_PATH=$X\nARG X\nENV LD_PRELOAD=$X\nCOPY . /app\n{INSTALL}"), "`LD_PRELOAD`");
    check(&format!("WORKDIR /app\nENV PATH=node_modules/.bin:$PATH\nCOPY . .\n{INSTALL}"), "working directory");
}

#[test]
fn opaque_commands_commute_with_nothing() {
    for run in [
        "make",
        "apt-get install -y $PACKAGES",
        "apt-get install -y $(cat packages)",
        "eval apt-get update",
        "f() { apt-get update; }; f",
        "apt-get update & wait",
        "sudo apt-get update",
        "curl https://example.com | bash",
        "$APT update",
        "./apt-get update",
        "export PATH=/app:$PATH && apt-get update",
        "PATH=/app apt-get update",
        "apt-get -o Dir=/app update",
        "cd src && touch a",
        "pip install -r requirements.txt",
        "pip install -e .",
        "npm install",
        "npm ci",
        "/app/bin/curl https://example.com -o /tmp/a",
    ] {
        let lines = format!("COPY . /app\nRUN {run}");
        let found = last_two(&format!("FROM python:3.12-slim\n{lines}\n"));
        assert!(found.is_err(), "{run}");
        let found = last_two(&format!("FROM python:3.12-slim\nEXPOSE 80\nRUN {run}\n"));
        assert!(found.is_err(), "{run}");
    }
    check("COPY . /app\nRUN [\"apt-get\", \"update\"]", "exec form");
    check(&format!("SHELL [\"/bin/bash\", \"-c\"]\nCOPY . /app\n{INSTALL}"), "default");
    check(&format!("VOLUME /data\n{INSTALL}"), "not followed");
}

#[test]
fn directories_above_are_made_once() {
    check("RUN mkdir -p /data/a\nCOPY b /data/b/", "`/data`");
    check("RUN mkdir -p /data/a\nRUN mkdir -p /data/b", "`/data`");
    pass("WORKDIR /data\nRUN mkdir -p /data/a\nCOPY b /data/b/");
    pass("RUN mkdir -p /srv/a\nCOPY b /srv/b/");
    check("RUN mkdir -p /app\nCOPY . /app", "both use `/app`");
}

#[test]
fn packages_of_languages() {
    let on = |base: &str, lines: &str| last_two(&format!("FROM {base}\nWORKDIR /app\n{lines}\n"));
    assert_eq!(on("python:3.12-slim", "COPY . .\nRUN pip install --no-cache-dir poetry==1.8"), Ok(()));
    assert_eq!(on("node:20-slim", "COPY . .\nRUN npm install -g pnpm@9 @angular/cli"), Ok(()));
    for run in ["pip install .", "pip install a.whl", "pip install foo[bar]", "npm install -g .", "npm i pnpm"] {
        assert!(on("node:20-slim", &format!("COPY . .\nRUN {run}")).is_err(), "{run}");
    }
    assert!(on("python:3.12", "ENV PATH=/venv/bin:$PATH\nCOPY . .\nRUN pip install poetry").is_err());
}
