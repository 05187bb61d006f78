use std::fs;

use super::*;
use crate::context::BuildContext;
use crate::model::body::BodyCache;
use crate::syntax;

/// What the last stage needs, as words; the context has these files.
fn of(text: &str, files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let directory =
        std::env::temp_dir().join(format!("imgopt-needs-{}-{}", std::process::id(), text.len() + files.len() * 1000));
    fs::create_dir_all(&directory).expect("a directory");
    for (path, content) in files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a directory");
        fs::write(path, content).expect("a file");
    }
    let parsed = syntax::parse(text);
    let (context, cache) = (BuildContext::from_dir(&directory), BodyCache::default());
    let model = Model::build(text, &parsed.dockerfile, &context, &cache);
    let found = needs(&model, model.final_stage().expect("there is a stage"));
    fs::remove_dir_all(&directory).expect("it is there");
    let word = |need: &Need| match &need.what {
        What::Program(name) | What::Path(name) | What::Library(name) | What::Locale(name) => name.clone(),
        other => format!("{other:?}"),
    };
    (found.known.iter().map(word).collect(), found.gaps.into_iter().map(|gap| gap.reason).collect())
}

#[track_caller]
fn check(text: &str, files: &[(&str, &str)], known: &[&str], gaps: &[&str]) {
    let (found, holes) = of(text, files);
    assert_eq!(
        (found, holes),
        (
            known.iter().map(|word| (*word).to_owned()).collect(),
            gaps.iter().map(|gap| (*gap).to_owned()).collect::<Vec<_>>()
        ),
        "{text}"
    );
}

#[test]
fn commands_with_what_they_start() {
    check(
        "FROM debian:12\nRUN mkdir /a && curl -fsS https://e.com | tar -xJ -C /a",
        &[],
        &["mkdir", "curl", "Certificates", "tar", "xz"],
        &[],
    );
    check("FROM debian:12\nRUN git clone git@e.com:a/b.git", &[], &["git", "ssh"], &[]);
    check(
        "FROM debian:12\nRUN f() { wget http://e.com; }; f; find . -type f -exec strip {} +",
        &[],
        &["wget", "find"],
        &["a program is started whose name is known only when it runs"],
    );
    let run = |command: &str, known: &[&str], gaps: &[&str]| {
        check(&format!("FROM debian:12\nARG V=1\nRUN {command}"), &[], known, gaps);
    };
    let unseen = "what `tar` takes to unpack the archive shows only when it runs";
    run("tar -xf a-$V.tar.xz -C /opt", &["tar", "xz"], &[]);
    run("tar --extract --file \"a-$V.tgz\" --strip-components=1", &["tar"], &[]);
    run("tar xf \"/tmp/$V\"", &["tar"], &[unseen]);
    run("tar xzf \"/tmp/$V\" && tar --gzip -xf /tmp/b", &["tar"], &[]);
    run("tar --file=/tmp/download --extract", &["tar"], &[unseen]);
    run("cat a | tar --xz -x && tar -cf /tmp/b c", &["cat", "tar", "xz"], &[]);
    run("tar -x -I 'xz -T0' -f a.tar", &["tar"], &["`tar` starts the program that `-I` names"]);
    run("install -sm755 a /usr/local/bin/", &["install", "strip"], &[]);
    run("awk '{ print }' a && awk '{ system(\"b\") }' a", &["awk"], &["the script of `awk` starts programs"]);
    run("sort --compress-program=zstd a", &["sort"], &["`sort` starts the program that `--compress-program` names"]);
    check("FROM debian:12\nRUN make install", &[], &["make"], &["what `make` needs is not known"]);
    check(
        "FROM debian:12\nENV TZ=Europe/Paris LANG=fr_FR.UTF-8\nRUN cp /usr/share/doc/a /usr/local/a",
        &[],
        &["TimeZones", "fr_FR.UTF-8", "/usr/share/doc/a", "cp"],
        &[],
    );
}

#[test]
fn entry_scripts_are_read() {
    let script =
        "#!/usr/bin/env bash\nset -e\nif command -v gosu; then exec gosu app \"$@\"; fi\n. ./lib.sh\nexec \"$@\"\n";
    let files = [("entry.sh", script), ("lib.sh", "ps aux\n")];
    check(
        "FROM debian:12\nWORKDIR /app\nCOPY *.sh ./\nENTRYPOINT [\"./entry.sh\"]",
        &files,
        &["bash", "/usr/bin/env", "gosu", "ps"],
        &[],
    );
    check(
        "FROM debian:12\nCOPY entry.sh /\nCMD /entry.sh",
        &[("entry.sh", "")],
        &[],
        &["the content of `entry.sh` is not known"],
    );
    check("FROM debian:12\nCMD [\"/start\"]", &[], &[], &["what `/start` starts is not known"]);
}

#[test]
fn python_packages_by_the_tables() {
    let dockerfile = "FROM python:3.12-bookworm\nCOPY requirements.txt .\nRUN pip install -r requirements.txt";
    check(
        dockerfile,
        &[("requirements.txt", "flask==3.0\nnumpy>=2 # fast\n-r more.txt\n"), ("more.txt", "GitPython\n")],
        &["pip", "git"],
        &[],
    );
    check(
        dockerfile,
        &[("requirements.txt", "numpy==1.25.2\n")],
        &["pip"],
        &["whether `numpy==1.25.2` has to be compiled is not known"],
    );
    check(dockerfile, &[("requirements.txt", "psycopg[binary]\npsycopg\n")], &["pip", "libpq.so.5"], &[]);
    check(dockerfile, &[("requirements.txt", "")], &["pip"], &["the content of `requirements.txt` is not known"]);
    check("FROM python:3.12\nRUN pip install --only-binary :all: whatever", &[], &["pip"], &[]);
    let old_extra = "what `granian[uvloop]` brings is not known";
    check(dockerfile, &[("requirements.txt", "granian[uvloop]>=2.6\nPyJWT[crypto]\n")], &["pip"], &[]);
    check(dockerfile, &[("requirements.txt", "granian[uvloop]==1.0\n")], &["pip"], &[old_extra]);
    check(
        dockerfile,
        &[("requirements.txt", "pyjwt[crypto,what]\n")],
        &["pip"],
        &["what `pyjwt[what]` brings is not known"],
    );
    check(
        dockerfile,
        &[("requirements.txt", "opentelemetry-instrumentation-flask==0.57b0\nflask==3.1.0rc1\nlitestar==3.0b1\n")],
        &["pip"],
        &["whether `litestar==3.0b1` has to be compiled is not known"],
    );
}

#[test]
fn modules_that_start_programs() {
    let dockerfile = "FROM python:3.12-bookworm\nRUN pip install Cython\nCOPY app.py .\nCMD [\"python\", \"app.py\"]";
    check(dockerfile, &[("app.py", "import json\n")], &["pip", "python"], &[]);
    check(dockerfile, &[("app.py", "import pyximport\npyximport.install()\n")], &["pip", "gcc", "python"], &[]);
}

#[test]
fn node_packages_by_the_lock_file() {
    let dockerfile = "FROM node:22-bookworm\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci && npm run build";
    let manifest = ("package.json", r#"{"scripts": {"build": "vite build && git describe"}}"#);
    let lock = |package: &str| format!(r#"{{"lockfileVersion": 3, "packages": {{"": {{}}, {package}}}}}"#);
    let plain = lock(r#""node_modules/esbuild": {"hasInstallScript": true}"#);
    check(dockerfile, &[manifest, ("package-lock.json", &plain)], &["npm", "vite", "git"], &[]);
    let native = lock(r#""node_modules/bcrypt": {"hasInstallScript": true}"#);
    check(
        dockerfile,
        &[manifest, ("package-lock.json", &native)],
        &["npm", "vite", "git"],
        &["what the install script of `bcrypt` needs is not known"],
    );
    check(dockerfile, &[manifest], &["npm", "vite", "git"], &["which packages are installed is not known"]);
}

#[test]
fn code_that_starts_programs() {
    let text = "FROM python:3.12\nCOPY . /app\n";
    let directory = std::env::temp_dir().join(format!("imgopt-needs-code-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    for (name, content) in [
        ("a.py", "import subprocess\nsubprocess.run(['git', 'x'])\n"),
        ("b.py", "'curl'\n"),
        ("c.py", ""),
        ("__init__.py", ""),
    ] {
        fs::write(directory.join(name), content).expect("a file");
    }
    let parsed = syntax::parse(text);
    let (context, cache) = (BuildContext::from_dir(&directory), BodyCache::default());
    let model = Model::build(text, &parsed.dockerfile, &context, &cache);
    let found = needs(&model, &model.stages[0]);
    fs::remove_dir_all(&directory).expect("it is there");
    let mentions = found.mentions(|name| ["git", "curl"].contains(&name));
    assert_eq!(mentions, [Mention { name: "git".to_owned(), path: "a.py".to_owned() }]);
    assert_eq!(found.unseen().collect::<Vec<_>>(), ["c.py"]);
}
