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
    check("RUN useradd -m app\nCOPY . /home/app", "both use");
    check("RUN useradd -d /app app\nCOPY . /app", "both use");
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
    check("COPY . /app\nRUN cat /app/b", "both use");
    pass("COPY . /app\nRUN sed -i 's/a/b/g' /etc/x && [ -f /etc/x ]");
    for script in ["s/a/b/w c", "s/a/b/e", "w c", "s/a/b/;w c", "e"] {
        check(&format!("COPY . /app\nRUN sed -i '{script}' /etc/x"), "what `sed` does is not known");
    }
    check("COPY a.txt /app/\nRUN rm -rf /app/.git", "both use");
    check("COPY . /app\nRUN rm -rf /app/.git/a", "link of `/app/.git`");
    check("WORKDIR /app\nCOPY . .\nRUN curl -O https://example.com/a", "both use `/app`");
    check("WORKDIR /app\nCOPY . .\nRUN apt-get install -y ./a.deb", "reads `./a.deb`");
    check("WORKDIR /app\nCOPY . .\nRUN echo *.txt", "both use `/app`");
    check(&format!("ENV PATH=/app/bin:$PATH\nCOPY . /app\n{INSTALL}"), "both use `/app`");
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
        "pip install -e .",
        "cd $DIR && touch a",
        "for i in a b; do cd ..; done",
        "tar -c -f a.tar /app",
        "git clone git@example.com:a/b.git",
        "npm run build",
        "sh install.sh",
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
    check(&format!("ONBUILD RUN true\n{INSTALL}"), "not followed");
    pass(&format!("VOLUME /data\n{INSTALL}"));
    check("VOLUME /data\nRUN touch /data/a", "`/data");
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

/// As [`last_two`], with files in the build context.
fn last_two_with(files: &[(&str, &str)], text: &str) -> Result<(), String> {
    let root = tempfile::tempdir().expect("a directory");
    for (name, content) in files {
        std::fs::write(root.path().join(name), content).expect("a file");
    }
    let parsed = syntax::parse(text);
    let (context, cache) = (BuildContext::from_dir(root.path()), BodyCache::default());
    let model = Model::build(text, &parsed.dockerfile, &context, &cache);
    let accesses = accesses(&model);
    let [.., a, b] = accesses.as_slice() else { panic!("two instructions: {text}") };
    commute(a, b)
}

#[test]
fn installs_write_to_their_directory() {
    let on = |base: &str, lines: &str| last_two(&format!("FROM {base}\nWORKDIR /app\n{lines}\n"));
    for run in ["npm ci", "npm install --omit=dev"] {
        assert_eq!(on("node:20-slim", &format!("RUN {run}\nCOPY . /srv/x")), Ok(()), "{run}");
        assert!(on("node:20-slim", &format!("RUN {run}\nCOPY a .")).is_err(), "{run}");
        assert!(on("node:20-slim", &format!("RUN {run}\nRUN apt-get install -y git")).is_err(), "{run}");
    }
    assert_eq!(on("python:3.12", "RUN pip install -r requirements.txt\nCOPY . /srv/x"), Ok(()));
    assert!(on("python:3.12", "RUN pip install -r requirements.txt\nCOPY a /app/b").is_err());
    // A later copy to the same place is followed.
    assert_eq!(on("python:3.12", "RUN pip install -r requirements.txt\nCOPY . .\nEXPOSE 80\nCOPY a /srv/x"), Ok(()));
}

#[test]
fn requirements_that_name_packages() {
    let text = "FROM python:3.12\nCOPY requirements.txt /r/\nWORKDIR /app\nRUN pip install -r /r/requirements.txt\nCOPY . /app\n";
    let with = |requirements: &str| last_two_with(&[("requirements.txt", requirements)], text);
    assert_eq!(
        with("# x\nflask==3.0 --hash=sha256:a \\\n  --hash=sha256:b\nrequests[socks]>=2; python_version<'4' # y\n"),
        Ok(())
    );
    for other in ["-e .\n", "./lib\n", "-r other.txt\n", "a @ file:///app\n", "a.whl\n", "${A}\n", ""] {
        assert!(with(other).is_err(), "{other}");
    }
}

#[test]
fn files_are_no_links() {
    pass(
        "RUN curl -o /data https://example.com\nRUN rm -rf /opt/a\nRUN chmod 755 /srv\nRUN echo a > /opt/b\nCOPY a /opt/b\nCOPY c /srv/d",
    );
    check("RUN ln -s /srv /data\nCOPY a /data\nEXPOSE 80", "may have made a link of `/data`");
    check("RUN cp -a /srv /data\nCOPY a /data/a\nCOPY b /opt", "may have made a link of `/data/a`");
    pass("RUN cp /srv/a /data\nCOPY a /data/a\nCOPY b /opt");
    // What was removed is no directory of the image any more.
    check("RUN rm -rf /opt\nCOPY a /opt/a\nCOPY b /opt/b", "`/opt`");
    pass("COPY a /opt/a\nCOPY b /opt/b");
    // A package's link leads to where packages write.
    check("RUN apt-get install -y nginx\nCOPY a /var/www/a\nCOPY b /etc/b", "both use");
    pass("RUN apt-get install -y nginx\nCOPY a /var/www/a\nCOPY b /srv/b");
}

#[test]
fn copies_without_links_make_none() {
    let text = "FROM debian:12\nCOPY . /app\nCOPY b /app/c/\nCOPY b /srv/b\n";
    assert_eq!(last_two_with(&[("b", "")], text), Ok(()));
    assert!(last_two(text).is_err());
}

#[test]
fn directories_that_cd_leads_to() {
    pass("WORKDIR /app\nCOPY . .\nRUN cd /srv && touch a");
    check("WORKDIR /srv\nCOPY . app\nRUN cd app && touch a", "`/srv/app");
    pass("ENV DIR=/srv/x\nCOPY . /app\nRUN mkdir $DIR && cd ${DIR} && touch a");
    check("ENV DIR=/app\nCOPY . /app\nRUN cd $DIR && touch a", "`/app");
    check("ENV DIR=/srv\nCOPY . /app\nRUN DIR=/app && touch $DIR/b", "known only when it runs");
    check("ARG DIR=/srv\nCOPY . /app\nRUN touch $DIR/b", "known only when it runs");
}

#[test]
fn archives_and_repositories() {
    pass("COPY a.tar /srv/a.tar\nRUN mkdir /data\nCOPY . /app\nRUN tar xzf /srv/a.tar -C /data --strip-components=1");
    check("COPY . /app\nRUN tar -xf /app/a.tar -C /data", "`/app");
    check("WORKDIR /app\nCOPY . .\nRUN tar xf /srv/a.tar", "`/app");
    pass("COPY . /app\nRUN git clone --depth 1 https://example.com/a/b.git /data");
    check("WORKDIR /app\nCOPY . .\nRUN git clone https://example.com/a/b.git", "`/app");
    pass("COPY . /app\nRUN unzip -q /srv/a.zip -d /data");
}

const COPY_SCRIPT: &str = "FROM debian:12\nCOPY install.sh /tmp/x/\n";

#[test]
fn scripts_of_the_context_are_read() {
    let with = |script: &str, rest: &str| last_two_with(&[("install.sh", script)], &format!("{COPY_SCRIPT}{rest}\n"));
    let touches = "#!/bin/sh -e\nset -e\nmkdir -p /data\ntouch /data/a\n";
    assert_eq!(with(touches, "COPY . /app\nRUN chmod +x /tmp/x/install.sh && /tmp/x/install.sh"), Ok(()));
    assert_eq!(with(touches, "COPY . /app\nRUN sh -e /tmp/x/install.sh"), Ok(()));
    assert_eq!(with(touches, "WORKDIR /tmp/x\nCOPY . /app\nRUN ./install.sh"), Ok(()));
    assert!(with(touches, "COPY . /data\nRUN /tmp/x/install.sh").is_err());
    assert!(with("touch b\n", "WORKDIR /app\nCOPY . .\nRUN sh /tmp/x/install.sh").is_err());
    // What is not known of it.
    for script in [
        "",
        "#!/usr/bin/python3\n",
        "make\n",
        "f() { touch a; }\nf\n",
        "touch $1\n",
        "#!/bin/sh\r\ntrue\n",
        "/tmp/x/other.sh\n",
    ] {
        assert!(with(script, "COPY . /app\nRUN /tmp/x/install.sh").is_err(), "{script}");
    }
    // What may have changed it.
    for between in
        ["RUN echo a >> /tmp/x/install.sh", "COPY --from=b / /tmp/x/", "ADD . /tmp/x", "RUN apt-get install -y curl"]
    {
        assert!(with(touches, &format!("{between}\nCOPY . /app\nRUN sh /tmp/x/install.sh")).is_err(), "{between}");
    }
    assert!(with(touches, "COPY . /app\nRUN echo a > /tmp/x/install.sh && sh /tmp/x/install.sh").is_err());
    // One that calls itself comes to an end.
    assert_eq!(with("sh /tmp/x/install.sh\n", "COPY . /app\nRUN sh /tmp/x/install.sh"), Ok(()));
}

#[test]
fn scripts_of_an_unknown_context_are_not() {
    let text = format!("{COPY_SCRIPT}COPY . /app\nRUN sh /tmp/x/install.sh\n");
    let reason = last_two(&text).expect_err("it is opaque");
    assert!(reason.contains("what `/tmp/x/install.sh` reads and writes is not known"), "{reason}");
}
