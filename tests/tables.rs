//! The tables in `rewrites/`: they load, are sorted, name their sources, and say what is so.

use imgopt::syntax::image::ImageReference;
use imgopt::tables::{
    self, DistributionName, Fact, ImageFacts, LibC, PackageManager, Recommended, Sh, TableError, decode_caches,
    decode_images, decode_recommends,
};
use serde_yaml::Value;

fn image(reference: &str) -> ImageFacts {
    let (name, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
    tables::image(name, Some(tag), None).unwrap_or_else(|| panic!("no row for {reference}"))
}

#[track_caller]
fn check_distribution(reference: &str, name: DistributionName, release: Option<&str>) {
    let facts = image(reference);
    let Fact::Known(distribution) = facts.distribution else { panic!("{reference}: {:?}", facts.distribution) };
    assert_eq!((distribution.name, distribution.release.as_deref()), (name, release), "{reference}");
}

fn words(text: &[&str]) -> Fact<Vec<String>> {
    Fact::Known(text.iter().map(|word| (*word).to_owned()).collect())
}

/// Every table says when its sources were read: in them, or in its heading.
#[test]
fn days() {
    let day = regex::Regex::new(r"(date: |read on )20\d\d-\d\d-\d\d").expect("valid");
    for (file, text) in imgopt::tables::files() {
        assert!(day.is_match(text), "{file} says no day");
    }
}

#[test]
fn every_table_loads() {
    tables::check().expect("every table decodes");
}

/// Every list and mapping of words is sorted and has each word once; rows that are tried in order are not.
#[test]
fn words_are_sorted() {
    let in_order = [
        "rows",
        "sources",
        "directories",
        "entrypoint",
        "cmd",
        "command",
        "volumes",
        "releases",
        "users",
        "tools",
        "columns",
    ];
    // The names of an option and of a program stand with the main name first.
    for (file, text) in tables::files().into_iter().filter(|(file, _)| *file != "commands.yaml") {
        check_sorted(file, "", &serde_yaml::from_str(text).expect("YAML"), &in_order);
    }
}

fn check_sorted(file: &str, name: &str, value: &Value, in_order: &[&str]) {
    let is_table = ["packages", "tags", "uses", "env", "program_sets", "alpine", "python", "node"].contains(&name)
        || (file == "tags.yaml" && name.is_empty());
    if let Some(mapping) = value.as_mapping() {
        let keys: Vec<&str> = mapping.keys().filter_map(Value::as_str).collect();
        assert!(!is_table || keys.is_sorted(), "{file}: the keys of `{name}` are sorted");
        for (key, value) in mapping {
            check_sorted(file, key.as_str().unwrap_or_default(), value, in_order);
        }
    }
    if let Some(sequence) = value.as_sequence() {
        let items: Vec<&str> = sequence.iter().filter_map(Value::as_str).collect();
        let sorted = items.windows(2).all(|pair| pair[0] < pair[1]);
        assert!(in_order.contains(&name) || sorted, "{file}: `{name}` is sorted: {items:?}");
        for item in sequence {
            check_sorted(file, "", item, in_order);
        }
    }
}

#[test]
fn sources_have_a_name_and_a_day() {
    let caches = tables::caches().tools().map(|tool| (tool.tool.as_str(), std::slice::from_ref(&tool.source)));
    let recommends = [("recommends", tables::recommends_table().sources.as_slice())];
    let one = |table, source| (table, std::slice::from_ref(source));
    let others = [
        ("distroless", std::slice::from_ref(&tables::distroless().source)),
        one("eol", &tables::eol().source),
        one("musl", &tables::musl().source),
        one("musl", &tables::musl().behaviour.source),
        one("names", &tables::package_names().source),
        one("suites", &tables::suites().source),
        one("releases", &tables::releases().source),
        ("runtime-libs", tables::runtime_libs().sources.as_slice()),
        ("package sizes", tables::package_sizes().sources.as_slice()),
    ];
    let build_only = tables::build_only().sources().map(|source| one("build-only", source));
    let sizes = tables::image_sizes().iter().map(|row| one("sizes", &row.source));
    let all = tables::images().sources().chain(caches).chain(recommends).chain(others).chain(build_only).chain(sizes);
    for (table, sources) in all {
        assert!(!sources.is_empty(), "{table} names a source");
        for source in sources {
            let day: Vec<&str> = source.date.split('-').collect();
            let is_day = day.iter().map(|part| part.len()).eq([4, 2, 2])
                && day.concat().bytes().all(|byte| byte.is_ascii_digit());
            assert!(!source.name.is_empty() && is_day, "{table}: {source:?}");
        }
    }
}

#[test]
fn rows_are_sorted_by_tool() {
    let text = tables::files()["caches.yaml"];
    let value: Value = serde_yaml::from_str(text).expect("YAML");
    let tools: Vec<&str> =
        value["tools"].as_sequence().expect("it is known").iter().filter_map(|row| row["tool"].as_str()).collect();
    assert!(tools.is_sorted());
}

#[test]
fn distributions_by_tag() {
    use DistributionName::*;
    check_distribution("debian:12", Debian, Some("bookworm"));
    check_distribution("debian:bookworm-20260803-slim", Debian, Some("bookworm"));
    check_distribution("debian:12.5-slim", Debian, Some("bookworm"));
    check_distribution("ubuntu:22.04", Ubuntu, Some("jammy"));
    check_distribution("alpine:3.20.1", Alpine, Some("3.20"));
    check_distribution("python:3.12-slim-bookworm", Debian, Some("bookworm"));
    check_distribution("python:3.12-alpine3.20", Alpine, Some("3.20"));
    check_distribution("python:3.8.5-slim", Debian, Some("buster"));
    check_distribution("golang:1.19.3-alpine", Alpine, Some("3.17"));
    check_distribution("node:18.99.0", Debian, None);
    check_distribution("python:3.2-slim", Debian, None);
    check_distribution("node:14-alpine", Alpine, Some("3.17"));
    check_distribution("eclipse-temurin:21-jre-alpine-3.21", Alpine, Some("3.21"));
    check_distribution("eclipse-temurin:21-jre-noble", Ubuntu, Some("noble"));
    check_distribution("openjdk:8-jdk-slim", Debian, Some("bullseye"));
    check_distribution("openjdk:17-jdk", OracleLinux, None);
    check_distribution("centos:7.9.2009", CentOs, Some("7"));
    check_distribution("amazonlinux:2023", AmazonLinux, Some("2023"));
    check_distribution("mcr.microsoft.com/dotnet/sdk:8.0", Debian, None);
    check_distribution("mcr.microsoft.com/dotnet/aspnet:10.0", Ubuntu, None);
    check_distribution("gcr.io/distroless/static-debian12:nonroot", Distroless, Some("debian12"));
    check_distribution("nvidia/cuda:12.2.0-base-ubuntu22.04", Ubuntu, Some("jammy"));
    check_distribution("scratch", Scratch, None);
}

#[test]
fn floating_tags_are_of_a_day() {
    let facts = image("python:3.12-slim");
    let floating = facts.floating.expect("it is known");
    assert!(floating.tag.starts_with("3.12.") && floating.tag.ends_with("-slim-trixie"), "{floating:?}");
    assert!(floating.date.starts_with("2026-"));
    assert!(facts.interpreter.expect("it is known").version.starts_with("3.12."));
    // A tag that says all needs no table of the day, and a digest may be of any day.
    assert_eq!(image("python:3.12.1-slim-bookworm").floating, None);
    let pinned = tables::image("python", Some("3.12-slim"), Some("sha256:00")).expect("it is known");
    assert_eq!((pinned.floating, pinned.distribution.known().expect("it is known").release.as_deref()), (None, None));
    assert_eq!(tables::image("python", None, Some("sha256:00")), None);
}

#[test]
fn what_runs() {
    let python = image("python:3.12-slim");
    assert_eq!((&python.entrypoint, &python.cmd), (&words(&[]), &words(&["python3"])));
    let node = image("node:22-slim");
    assert_eq!((&node.entrypoint, node.entrypoint_passes_through), (&words(&["docker-entrypoint.sh"]), true));
    assert_eq!(image("node:8.9").entrypoint, words(&[]));
    assert_eq!(image("node:12.1").entrypoint, Fact::Unknown);
    assert_eq!(image("golang:1.26").workdir, Fact::Known("/go".to_owned()));
    assert_eq!(image("golang:1.26-alpine").cmd, words(&["/bin/sh"]));
    assert_eq!(image("nginx:1.28").cmd, words(&["nginx", "-g", "daemon off;"]));
    assert_eq!(image("nginx:1.28").stop_signal, Fact::Known("SIGQUIT".to_owned()));
    assert_eq!(image("nginx:1.10").entrypoint, words(&[]));
    assert_eq!(image("php:8.4-fpm").cmd, words(&["php-fpm"]));
    assert_eq!(image("php:8.4-apache").stop_signal, Fact::Known("SIGWINCH".to_owned()));
    assert_eq!(image("gcr.io/distroless/nodejs22-debian12").entrypoint, words(&["/nodejs/bin/node"]));
    assert_eq!(image("gcr.io/distroless/static-debian12:nonroot").user, Fact::Known("65532".to_owned()));
    assert!(!image("composer:2").entrypoint_passes_through);
}

#[test]
fn triggers_and_windows() {
    assert_eq!(image("node:8-onbuild").onbuild, Fact::Known(true));
    assert_eq!(image("node:8").onbuild, Fact::Known(false));
    assert!(image("mcr.microsoft.com/windows/servercore:ltsc2022").windows);
    let golang = image("golang:1.26-windowsservercore-ltsc2022");
    assert!(golang.windows && golang.distribution == Fact::Unknown && golang.programs.is_empty());
}

#[test]
fn shells_and_programs() {
    let slim = image("python:3.12-slim");
    assert_eq!((&slim.sh, &slim.has_bash), (&Fact::Known(Sh::Dash), &Fact::Known(true)));
    assert_eq!((&slim.package_manager, &slim.docker_clean), (&Fact::Known(PackageManager::Apt), &Fact::Known(true)));
    assert!(slim.programs.contains("pip") && !slim.programs.contains("gcc"));
    assert!(image("python:3.12").programs.contains("gcc"));
    let alpine = image("node:22-alpine");
    assert_eq!((&alpine.sh, &alpine.has_bash), (&Fact::Known(Sh::Ash), &Fact::Known(false)));
    assert_eq!((&alpine.libc, &alpine.docker_clean), (&Fact::Known(LibC::Musl), &Fact::Known(false)));
    assert!(alpine.programs.contains("wget") && !alpine.programs.contains("curl"));
    let chiseled = image("mcr.microsoft.com/dotnet/runtime-deps:8.0-jammy-chiseled");
    assert_eq!((&chiseled.sh, chiseled.programs.len()), (&Fact::Known(Sh::None), 0));
    assert_eq!(image("centos:7").package_manager, Fact::Known(PackageManager::Yum));
    assert_eq!(image("fedora:40").package_manager, Fact::Known(PackageManager::Dnf));
}

#[test]
fn accounts() {
    let has = |reference: &str, name: &str, uid: u32| {
        image(reference).users.iter().any(|user| user.name == name && user.uid == uid)
    };
    assert!(has("node:22", "node", 1000));
    assert!(has("ubuntu:24.04", "ubuntu", 1000));
    assert!(!has("ubuntu:22.04", "ubuntu", 1000));
    assert!(has("php:8.4-fpm-alpine", "www-data", 82));
    assert!(has("php:8.4-fpm", "www-data", 33));
    assert!(has("gradle:8.7.0-jdk21", "gradle", 1000) && !has("gradle:8.7.0-jdk21-noble", "ubuntu", 1000));
}

#[test]
fn variables() {
    let golang = image("golang:1.26").env;
    let variables = golang.known().expect("it is known");
    assert_eq!(variables["GOPATH"], Fact::Known("/go".to_owned()));
    assert_eq!(variables["GOLANG_VERSION"], Fact::Varies);
    assert!(!image("python:3.12").env.known().expect("it is known").contains_key("PIP_CACHE_DIR"));
    assert_eq!(image("continuumio/miniconda3").env, Fact::Unknown);
}

#[test]
fn caches() {
    let pip = tables::caches().tool("pip").expect("it is known");
    assert_eq!(
        (pip.directories[0].root.as_str(), pip.directories[0].home.as_deref()),
        ("/root/.cache/pip", Some(".cache/pip"))
    );
    assert!(pip.defeating_flags.iter().any(|flag| flag == "--no-cache-dir"));
    assert!(
        tables::caches().tool("apt").expect("it is known").directories.iter().all(|directory| directory.home.is_none())
    );
    // What is not mounted says why.
    let left: Vec<_> = tables::caches().tools().filter(|tool| !tool.mounted).collect();
    assert!(left.iter().all(|tool| tool.trap.is_some()));
    assert_eq!((tables::caches().tools().count(), left.len()), (32, 8));
}

#[test]
fn recommended_packages() {
    let Recommended::Packages(git) = tables::recommends("git", "bookworm") else { panic!("git has some") };
    for package in ["ca-certificates", "openssh-client", "less"] {
        assert!(git.iter().any(|name| name == package), "git brings {package}");
    }
    let Recommended::Packages(pip) = tables::recommends("python3-pip", "noble") else { panic!("pip has some") };
    assert!(pip.iter().any(|name| name == "build-essential"));
    assert_eq!(tables::recommends("ca-certificates", "trixie"), Recommended::Nothing);
    assert_eq!(tables::recommends("git", "wheezy"), Recommended::Unknown);
    assert_eq!(tables::recommends("no-such-package", "bookworm"), Recommended::Unknown);
    assert!(tables::recommends_table().is_ornament("manpages"));
    assert!(tables::recommends_table().use_of("ca-certificates").is_some());
}

fn reference(text: &str) -> ImageReference {
    text.parse().expect("a reference")
}

#[track_caller]
fn check_end(image: &str, expected: &[(&str, &str)]) {
    let ends = tables::end_of_life(&reference(image));
    let found: Vec<(&str, &str)> = ends.iter().map(|end| (end.family, end.cycle.cycle.as_str())).collect();
    assert_eq!(found, expected, "{image}");
}

#[test]
fn ends_of_life() {
    check_end("python:3.8.1-slim-buster", &[("python", "3.8"), ("debian", "10")]);
    check_end("python:3.12", &[("python", "3.12"), ("debian", "13")]);
    check_end("python:3-slim", &[("python", "3.14"), ("debian", "13")]);
    check_end("node:18-alpine3.17", &[("node", "18"), ("alpine", "3.17")]);
    check_end("debian:stretch-slim", &[("debian", "9")]);
    check_end("ubuntu:20.04", &[("ubuntu", "20.04")]);
    check_end("postgres:9.6.24", &[("postgres", "9.6")]);
    check_end("mcr.microsoft.com/dotnet/sdk:6.0", &[("dotnet", "6")]);
    check_end("example/app:1", &[]);
    let bookworm = tables::eol().end_of_life("debian", "bookworm").expect("a row").cycle;
    assert!(!bookworm.end.is_over("2026-07-11") && bookworm.end.is_over("2026-07-12"));
    assert!(bookworm.extended.as_ref().is_some_and(|extended| !extended.is_over("2028-06-30")));
    let next = |family, cycle, day| tables::eol().next_supported(family, cycle, day).map(|row| row.cycle.as_str());
    assert_eq!(next("node", "18", "2026-11-20"), Some("22"));
    assert_eq!(next("node", "26", "2026-11-20"), None);
    assert_eq!(next("python", "2.7", "2026-11-20"), Some("3.11"));
    // `3.1` is not the line of `3.12`.
    assert_eq!(tables::eol().end_of_life("python", "3.12").expect("a row").cycle.cycle, "3.12");
    assert_eq!(tables::eol().end_of_life("python", "3"), None);
}

#[test]
fn distroless_images() {
    let table = tables::distroless();
    let python = table.for_language("python", "3.13.5").expect("a row");
    assert_eq!((python.image.as_str(), python.release()), ("python3-debian13", "debian13"));
    assert_eq!(table.for_language("python", "3.12"), None);
    assert_eq!(table.for_language("node", "2"), None);
    let cc = table.image("gcr.io/distroless/cc-debian13").expect("a row");
    let packages = table.packages(cc);
    for package in ["ca-certificates", "libc6", "zlib1g", "libssl3t64", "libstdc++6"] {
        assert!(packages.contains(&package), "{package}");
    }
    assert!(!packages.contains(&"libpq5"));
    assert_eq!(table.image("cc-debian12").expect("a row").until.as_deref(), Some("2026-09"));
    assert!(table.is_withdrawn("gcr.io/distroless/python3-debian12") && table.is_withdrawn("static-debian11"));
    assert!(!table.is_withdrawn("static-debian13"));
    // What the image tables say of these images.
    assert_eq!(image("gcr.io/distroless/python3-debian13:nonroot").entrypoint, words(&["/usr/bin/python3.13"]));
}

#[test]
fn packages_by_what_they_are_for() {
    use tables::BuildOnly::*;
    for (manager, package, expected) in [
        (PackageManager::Apt, "build-essential", Some(Toolchain)),
        (PackageManager::Apt, "python3-dev", Some(Toolchain)),
        (PackageManager::Apt, "libpq-dev", Some(Headers)),
        (PackageManager::Apt, "git", Some(Vcs)),
        (PackageManager::Apt, "gnupg", Some(Keyring)),
        (PackageManager::Apt, "libpq5", None),
        (PackageManager::Apk, "build-base", Some(Toolchain)),
        (PackageManager::Apk, "postgresql-dev", Some(Headers)),
        (PackageManager::Pacman, "gcc", None),
    ] {
        assert_eq!(tables::is_build_only(manager, package), expected, "{package}");
    }
}

#[test]
fn run_time_packages() {
    let libraries = |release, package| tables::runtime_libraries(release, package).known().map(|list| list.join(" "));
    assert_eq!(libraries("bookworm", "libssl-dev").as_deref(), Some("libssl3"));
    assert_eq!(libraries("trixie", "libssl-dev").as_deref(), Some("libssl3t64"));
    assert_eq!(libraries("alpine", "libpq-dev").as_deref(), Some("libpq"));
    assert_eq!(libraries("bookworm", "libboost-dev").as_deref(), Some(""));
    assert_eq!(libraries("noble", "libssl-dev"), None);
    assert_eq!(libraries("bookworm", "no-such-dev"), None);
    assert_eq!(tables::runtime_libs().alpine_headers("zlib1g-dev"), Some("zlib-dev"));
    use tables::Counterpart::*;
    assert_eq!(tables::alpine_name("build-essential"), Some(Package("build-base")));
    assert_eq!(tables::alpine_name("apt-utils"), Some(Nothing));
    assert_eq!(tables::alpine_name("gosu"), None);
}

#[test]
fn tags_with_their_release() {
    let suite = |image: &str| tables::suite_tag(&reference(image));
    assert_eq!(suite("python:3.12-slim"), Some("3.12-slim-trixie"));
    assert_eq!(suite("node:24"), Some("24-bookworm"));
    assert_eq!(suite("node:lts-alpine"), Some("lts-alpine3.24"));
    assert_eq!(suite("alpine"), Some("3.24"));
    assert_eq!(suite("golang"), Some("1.27-trixie"));
    for image in ["python:3.12-slim-bookworm", "python:3.6", "example/python:3.12", "debian:stable", "ubuntu:24.04"] {
        assert_eq!(suite(image), None, "{image}");
    }
    let pinned = format!("python:3.12@sha256:{}", "0".repeat(64));
    assert_eq!(suite(&pinned), None);
}

#[test]
fn musl() {
    use tables::{Ecosystem, OnMusl};
    let musl = |ecosystem, package| tables::on_musl(ecosystem, package).map(|row| row.musl);
    assert_eq!(musl(Ecosystem::Python, "torch"), Some(OnMusl::Never));
    assert_eq!(musl(Ecosystem::Python, "numpy"), Some(OnMusl::Same));
    assert_eq!(musl(Ecosystem::Python, "duckdb"), Some(OnMusl::Older));
    assert_eq!(musl(Ecosystem::Node, "sharp"), Some(OnMusl::Prebuilt));
    assert_eq!(musl(Ecosystem::Node, "numpy"), None);
}

#[test]
fn sizes() {
    let size = |image: &str| tables::size_of(&reference(image)).map(|row| (row.image.to_string(), row.megabytes));
    let of = |image: &str, megabytes| Some((image.to_owned(), megabytes));
    assert_eq!(size("python:3.12-slim"), of("python:3.12-slim", 43.2));
    assert_eq!(size("docker.io/library/python:3.11.4-slim-bookworm"), of("python:3.12-slim", 43.2));
    assert_eq!(size("node:22-alpine3.20"), of("node:24-alpine", 58.2));
    assert_eq!(size("debian:12"), of("debian:bookworm", 48.5));
    assert_eq!(size("python:3.12-windowsservercore"), None);
    assert_eq!(size("example/python:3.12"), None);
    let git = tables::package_size("bookworm", "git").expect("a row");
    assert!(git.with_recommends > git.added && git.added > git.download, "{git:?}");
    assert_eq!(tables::package_size("bookworm", "bash"), Some(tables::PackageSize::default()));
    assert_eq!(tables::package_size("bookworm", "no-such-package"), None);
}

#[test]
fn errors_name_file_row_and_field() {
    let source = "sources: [{name: n, date: 2026-01-01}]\n";
    let decode = |rows: &str| {
        let family = format!("family: f\nrepositories: [f]\n{source}rows:\n{rows}");
        let distributions = format!("{source}program_sets: {{}}\ndistributions: []\n");
        decode_images(&[("images/f.yaml", &family)], &distributions, "{}").expect_err("an error")
    };
    let error = decode("  - {cmd: [x]}\n  - {words: slim, cdm: [x]}\n");
    assert_eq!(
        (error.file.as_str(), error.row.as_str(), error.field.as_str()),
        ("images/f.yaml", "row 2 (slim)", "cdm")
    );
    let error = decode("  - {uid: 1}\n");
    assert_eq!((error.row.as_str(), error.field.as_str()), ("row 1", "uid"));
    let error = decode("  - {has_bash: maybe}\n");
    assert_eq!(error.field, "has_bash");
    let error = decode("  - {programs: ['@nothing']}\n");
    assert_eq!(error.field, "programs");
    let error = decode("  - {version: '12'}\n");
    assert_eq!(error.field, "version");

    let error = decode_caches("tools:\n  - {tool: x}\n").expect_err("an error");
    assert_eq!((error.row.as_str(), error.field.as_str()), ("row 1 (x)", "commands"));
    let TableError { field, .. } =
        decode_recommends("sources: []\nornaments: []\nuses: {}\npackages: {a: {lenny: []}}").expect_err("an error");
    assert_eq!(field, "lenny");
    let eol = "source: {name: n, date: 2026-01-01}\nfamilies:\n  - {family: f, cycles: [{cycle: '1', end: soon}]}\n";
    let error = tables::decode_eol(eol).expect_err("an error");
    assert_eq!((error.row.as_str(), error.field.as_str()), ("row 1 (f)", "cycles"));
    let error = tables::decode_eol(&eol.replace("soon}", "ended}, {cycle: '0', end: ended}")).expect_err("an error");
    assert_eq!(error.message, "they do not go from the oldest to the newest");
    let error = tables::decode_image_sizes("images: [{image: 'A:', megabytes: 1}]").expect_err("an error");
    assert_eq!((error.row.as_str(), error.field.as_str()), ("row 1 (A:)", "image"));
    let sizes = "sources: []\ncolumns: [added, download, with_recommends]\npackages: {a: {bookworm: [1]}}";
    assert_eq!(tables::decode_package_sizes(sizes).expect_err("an error").row, "a");
}

#[test]
fn images_by_reference() {
    let reference: ImageReference = "docker.io/library/node:22-slim".parse().expect("a reference");
    assert_eq!(tables::image_of(&reference), tables::image("node", Some("22-slim"), None));
}
