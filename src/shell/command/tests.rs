use super::packages::{Action, Manager, PackageCommand, PackageKind};
use super::pip::PipInstall;
use super::*;
use crate::shell::{Dialect, parse};

fn read(text: &str) -> Option<Invocation> {
    let script = parse(text, Dialect::Posix).expect("understood");
    recognize(script.simple_commands()[0])
}

fn show_argument(argument: &Argument) -> String {
    argument.text.clone().unwrap_or_else(|| argument.pattern.as_ref().map_or("?".to_owned(), |text| format!("?{text}")))
}

/// Checks wrappers, environment, program, subcommand, options, `|` and arguments; a trailing `!` for an unknown option.
#[track_caller]
fn check(text: &str, expected: &str) {
    let invocation = read(text).expect("a known program");
    let mut words: Vec<String> = Vec::new();
    words.extend(invocation.wrappers.iter().map(|wrapper| format!("{}>", wrapper.program)));
    let value = |value: &Option<String>| value.clone().unwrap_or("?".to_owned());
    words.extend(invocation.environment.iter().map(|variable| format!("{}={}", variable.name, value(&variable.value))));
    words.push(invocation.program.clone());
    words.extend(invocation.subcommand.as_ref().map(|subcommand| format!("[{}]", subcommand.name)));
    for CommandOption { name, value, .. } in &invocation.options {
        words.push(value.as_ref().map_or(name.clone(), |value| format!("{name}={}", show_argument(value))));
    }
    words.push("|".to_owned());
    words.extend(invocation.arguments.iter().map(show_argument));
    words.extend(invocation.unknown_option.map(|_| "!".to_owned()));
    assert_eq!(words.join(" "), expected);
}

#[track_caller]
fn check_other(text: &str) {
    assert_eq!(read(text), None);
}

#[test]
fn options_before_and_behind_the_subcommand() {
    check("apt-get update", "apt-get [update] |");
    check(
        "apt-get -y install -qq git=1:2 --no-install-recommends curl",
        "apt-get [install] --yes -qq --no-install-recommends | git=1:2 curl",
    );
    check("apt-get install -yqq git", "apt-get [install] --yes --quiet --quiet | git");
    check(
        "apt-get install --assume-yes -t bookworm-backports git",
        "apt-get [install] --yes --target-release=bookworm-backports | git",
    );
    check(
        "apt-get -o Acquire::Retries=3 -oDpkg::Use-Pty=0 install git",
        "apt-get [install] --option=Acquire::Retries=3 --option=Dpkg::Use-Pty=0 | git",
    );
    check("apt-get install -q=2 --target-release=sid -- -x", "apt-get [install] --quiet=2 --target-release=sid | -x");
}

#[test]
fn the_value_of_an_option_is_no_argument() {
    check(
        "apk add --no-cache --virtual .deps gcc -X https://a/b zsh",
        "apk [add] --no-cache --virtual=.deps --repository=https://a/b | gcc zsh",
    );
    check("apk --update add -t .deps gcc", "apk [add] --update-cache --virtual=.deps | gcc");
    check(
        "pip install -r a.txt -c b.txt --index-url=https://c d",
        "pip [install] --requirement=a.txt --constraint=b.txt --index-url=https://c | d",
    );
    check("wget -qO- https://a -P /b", "wget --quiet --output-document=- --directory-prefix=/b | https://a");
    check("wget -nv -O a https://b", "wget --no-verbose --output-document=a | https://b");
    check("curl -fsSLo a https://b", "curl --fail --silent --show-error --location --output=a | https://b");
    check(
        "useradd -rm -d /home/a -s /bin/sh -u 1000 a",
        "useradd --system --create-home --home-dir=/home/a --shell=/bin/sh --uid=1000 | a",
    );
    check("go build -o /a -ldflags='-s -w' --tags b ./...", "go [build] -o=/a -ldflags=-s -w -tags=b | ./...");
    check("cargo install --path a --root=/b -j4", "cargo [install] --path=a --root=/b --jobs=4 |");
}

#[test]
fn what_is_known_only_when_it_runs() {
    check("apt-get install -y $A \"b=$C\"", "apt-get [install] --yes | ? ?");
    check("rm -rf /var/lib/apt/lists/* ~/a", "rm --recursive --force | ?/var/lib/apt/lists/* ?~/a");
    check("pip install --prefix=$A -r \"$B\" -j$C", "pip [install] --prefix=? --requirement=? | !");
    check("apt-get $A install b", "apt-get [install] | ? b !");
    check("apt-get install --$A b", "apt-get [install] | b !");
}

#[test]
fn unknown_options_show() {
    check("apt-get install --frobnicate a", "apt-get [install] | a !");
    check("apt-get install -yZ a", "apt-get [install] --yes | a !");
    check("apt-get install -t", "apt-get [install] | !");
}

#[test]
fn subcommands() {
    check("npm i -g a@1 --no-audit", "npm [install] --global --no-audit | a@1");
    check("npm cache clean --force", "npm [cache clean] --force |");
    check("npm run build -- --prod", "npm [run] | build --prod");
    check("go mod download", "go [mod download] |");
    check("yarn --frozen-lockfile", "yarn --frozen-lockfile |");
    check("uv pip install --system a", "uv [pip install] --system | a");
    check("bundle exec rake --trace", "bundle [exec] | rake --trace");
    check("npx -y a --b c", "npx --yes | a --b c");
    check("dnf -y module enable a", "dnf [module enable] --assumeyes | a");
    check("zypper -n in -l a", "zypper [install] --non-interactive --auto-agree-with-licenses | a");
}

#[test]
fn wrappers_are_looked_through() {
    check("A=b apt-get update", "A=b apt-get [update] |");
    check("sudo -E A=b apt-get update", "sudo> A=b apt-get [update] |");
    check("env -u C A=b pip3 install d", "env> A=b pip [install] | d");
    check("timeout -s KILL 5 exec curl a", "timeout> exec> curl | a");
    check("python3.11 -u -m pip install a", "python> pip [install] | a");
    check("/opt/a/bin/pip3.11 install b", "pip [install] | b");
    check("python3 setup.py -v", "python | setup.py -v");
    check("python -m a --b", "python -m=a | --b");
    assert_eq!(
        read("/opt/a/bin/pip install b").and_then(|invocation| invocation.directory).as_deref(),
        Some("/opt/a/bin")
    );
    check_other("sudo -Z apt-get update");
    check_other("env $A apt-get update");
    check_other("$A install b");
    check_other("./configure");
    check_other("A=b");
}

#[test]
fn spans_and_words() {
    let text = "A=b sudo apt-get install -yq --target-release=sid git";
    let invocation = read(text).expect("known");
    assert_eq!(invocation.word, 1);
    assert_eq!(invocation.environment[0].span.of(text), "A=b");
    let [yes, quiet, release] = invocation.options.as_slice() else { panic!("three options") };
    assert_eq!((yes.span.of(text), quiet.span.of(text)), ("-yq", "-yq"));
    assert!(!invocation.stands_alone(yes) && invocation.stands_alone(release));
    assert_eq!(release.value.as_ref().map(|value| value.span.of(text)), Some("sid"));
    assert_eq!((invocation.arguments[0].span.of(text), invocation.arguments[0].word), ("git", 5));
}

#[track_caller]
fn check_packages(text: &str, manager: Manager, action: Action, packages: &str) {
    let invocation = read(text).expect("known");
    let command = PackageCommand::of(&invocation).expect("a package manager");
    let names: Vec<&str> = command.packages.iter().map(|package| package.name).collect();
    assert_eq!((command.manager, command.action, names.join(" ").as_str()), (manager, action, packages));
}

#[test]
fn package_managers() {
    check_packages("apt-get -qq update", Manager::Apt, Action::Refresh, "");
    check_packages("apt install -y a=1 b:i386 c/sid g++ d+", Manager::Apt, Action::Install, "a b c g++ d");
    check_packages("apt-get purge -y --auto-remove a", Manager::Apt, Action::Remove, "a");
    check_packages("apk add --no-cache a~=1 b>2", Manager::Apk, Action::Install, "a b");
    check_packages("apk add 'b>2' c@edge", Manager::Apk, Action::Install, "b c");
    check_packages("apk del .deps", Manager::Apk, Action::Remove, ".deps");
    check_packages("yum -y localinstall a", Manager::Dnf, Action::Install, "a");
    check_packages("dnf upgrade -y", Manager::Dnf, Action::Upgrade, "");
    check_packages("microdnf clean all", Manager::Dnf, Action::Clean, "all");
    check_packages("zypper ref", Manager::Zypper, Action::Refresh, "");
    check_packages("pacman -Syu --noconfirm a", Manager::Pacman, Action::Install, "a");
    check_packages("pacman -Syu", Manager::Pacman, Action::Upgrade, "");
    check_packages("pacman -Scc", Manager::Pacman, Action::Clean, "");
}

#[test]
fn facts_of_package_commands() {
    let facts = |text: &str| {
        let invocation = read(text).expect("known");
        let command = PackageCommand::of(&invocation).expect("a package manager");
        (command.assume_yes, command.no_recommends, command.is_known(&invocation))
    };
    assert_eq!(facts("apt-get install -qq a"), (true, false, true));
    assert_eq!(facts("apt-get install -qy --no-install-recommends $A"), (true, true, false));
    assert_eq!(facts("apt-get install -o APT::Install-Recommends=0 'a*'"), (false, true, false));
    assert_eq!(facts("dnf install --setopt=install_weak_deps=False -y a"), (true, true, true));
    assert_eq!(facts("apt-get install --odd a"), (false, false, false));
    let invocation = read("apt-get install a- ./b.deb https://c/d.deb e=1").expect("known");
    let command = PackageCommand::of(&invocation).expect("apt");
    let kinds: Vec<PackageKind> = command.packages.iter().map(|package| package.kind).collect();
    assert_eq!(kinds, [PackageKind::Opposite, PackageKind::File, PackageKind::Url, PackageKind::Named]);
    assert_eq!(command.packages[3].version, Some("1"));
}

#[test]
fn pip_installs() {
    let invocation = read("PIP_NO_CACHE_DIR=1 pip install -r a.txt -e . b --target /c").expect("known");
    let pip = PipInstall::of(&invocation).expect("pip install");
    assert!(pip.no_cache && !pip.user);
    assert_eq!((pip.requirement_files.len(), pip.editables.len(), pip.requirements.len()), (1, 1, 1));
    assert_eq!(pip.destination.and_then(|argument| argument.text.as_deref()), Some("/c"));
    let invocation = read("pip cache purge").expect("known");
    assert_eq!(PipInstall::of(&invocation), None);
}
