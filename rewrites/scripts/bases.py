#!/usr/bin/env python3
"""Compares `sets` and `adds` of bases.yaml with the Contents indexes of Debian, which say what is in each package.

    python3 rewrites/scripts/bases.py DIRECTORY [--fetch] [--check]
    python3 rewrites/scripts/bases.py DIRECTORY --derive RELEASE BUILDPACK-DEPS

DIRECTORY has a directory for each release with Contents-amd64.gz and Contents-all.gz; --fetch brings them. A program of a package is a file in a
directory of the PATH, a library one beside others in a directory of ld.so. The table has more where a package makes links when it
is installed (`c++`, `pager`), which no index lists: those are printed with `link`, and are no difference. What the indexes have and the table
lacks is one.

--derive prints the set of a release in the form of the table, without the links: of the packages that apt (with lists of its own in
DIRECTORY) says the Dockerfiles of the release in a clone of docker-library/buildpack-deps install, on top of the required ones. Its names of
libraries are links and files; those that only linkers read as text (`libc.so`) are among them.
"""

import collections
import gzip
import pathlib
import re
import subprocess
import sys
import urllib.request

import yaml
from common import REWRITES, git, parser, scalar, wrapped

TABLE = REWRITES / "bases.yaml"
PROGRAM = re.compile(r"(?:usr/)?s?bin/([^/\s]+)$")
LIBRARY = re.compile(r"(?:usr/)?lib/(?:x86_64-linux-gnu/)?(lib[^/]+\.so(?:\.[\w.]+)?)$")


def fetch(directory, releases):
    for release in releases:
        for architecture in ("amd64", "all"):
            file = directory / release / f"Contents-{architecture}.gz"
            file.parent.mkdir(parents=True, exist_ok=True)
            address = f"http://deb.debian.org/debian/dists/{release}/main/{file.name}"
            with urllib.request.urlopen(address, timeout=120) as answer:
                file.write_bytes(answer.read())


def contents(directory, wanted):
    """Programs and libraries of the packages."""
    programs, libraries = collections.defaultdict(set), collections.defaultdict(set)
    for file in sorted(directory.glob("Contents-*.gz")):
        with gzip.open(file, "rt", errors="replace") as lines:
            for line in lines:
                path, _, owners = line.rstrip("\n").rpartition(" ")
                path = path.rstrip()
                for pattern, found in ((PROGRAM, programs), (LIBRARY, libraries)):
                    match = pattern.match(path)
                    names = {owner.rpartition("/")[2] for owner in owners.split(",")} & wanted if match else set()
                    for name in names:
                        found[name].add(match[1])
    return programs, libraries


def apt(directory, *command):
    """The packages that apt would install, with the state that lies in the directory."""
    state = directory / "apt"
    for part in ("etc/apt/apt.conf.d", "etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg"):
        (state / part).mkdir(parents=True, exist_ok=True)
    (state / "var/lib/dpkg/status").touch()
    release = directory.name
    places = (f"debian {release}", f"debian-security {release}-security", f"debian {release}-updates")
    sources = "".join(f"deb [trusted=yes] http://deb.debian.org/{place} main\n" for place in places)
    (state / "etc/apt/sources.list").write_text(sources)
    options = {
        "Dir": state.resolve(),
        "Dir::State::status": state.resolve() / "var/lib/dpkg/status",
        "APT::Architecture": "amd64",
        "APT::Architectures": "amd64",
        "APT::Install-Recommends": "false",
    }
    given = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
    answer = subprocess.run(["apt-get", *given, *command], check=True, capture_output=True, text=True).stdout
    return set(re.findall(r"^Inst (\S+) ", answer, re.MULTILINE))


def required(directory):
    """The packages that debootstrap's variant `minbase` starts from."""
    names = {"apt"}
    for file in (directory / "apt/var/lib/apt/lists").glob("*_main_binary-amd64_Packages*"):
        text = subprocess.run(["/usr/lib/apt/apt-helper", "cat-file", file], check=True, capture_output=True, text=True).stdout
        for paragraph in text.split("\n\n"):
            if re.search(r"^(?:Priority: required|Essential: yes)$", paragraph, re.MULTILINE):
                names.add(re.search(r"^Package: (\S+)", paragraph, re.MULTILINE)[1])
    return names


def derive(directory, clone):
    """The programs and libraries of the packages that the full image of a release has beside the slim one."""
    apt(directory, "update")
    base = required(directory)
    wanted = set()
    for part in ("curl/", "scm/", ""):
        dockerfile = git(clone, "show", f"HEAD:debian/{directory.name}/{part}Dockerfile")
        listed = re.search(r"--no-install-recommends \\\n(.*?)\n\t;", dockerfile, re.DOTALL)[1]
        wanted |= set(re.sub(r"#.*|\\", "", listed).split())
    added = apt(directory, "install", "-s", *sorted(base | wanted)) - apt(directory, "install", "-s", *sorted(base))
    programs, libraries = contents(directory, added)
    for package, names in libraries.items():
        # libx.so.1.2 is the file behind libx.so.1.
        libraries[package] = {name for name in names if not any(name.startswith(f"{other}.") for other in names - {f"{name.split('.so')[0]}.so"})}
    return programs, libraries


def print_set(release, programs, libraries):
    print(f"  {release}:")
    for kind, packages in (("programs", programs), ("libraries", libraries)):
        print(f"    {kind}:")
        for package, names in sorted(packages.items()):
            line = f"      {package}: [{', '.join(scalar(name) for name in sorted(names))}]"
            print(line if len(line) <= 120 else f"      {package}:\n        [\n{wrapped(sorted(names), 10)}\n        ]")


def main():
    arguments = parser(__doc__)
    arguments.add_argument("directory", type=pathlib.Path)
    arguments.add_argument("--fetch", action="store_true")
    arguments.add_argument("--derive", nargs=2, metavar=("RELEASE", "BUILDPACK-DEPS"))
    arguments = arguments.parse_args()
    if arguments.derive:
        release, clone = arguments.derive
        if arguments.fetch:
            fetch(arguments.directory, [release])
        print_set(release, *derive(arguments.directory / release, clone))
        return
    sets = yaml.safe_load(TABLE.read_text())["sets"]
    if arguments.fetch:
        fetch(arguments.directory, sets)
    differences = 0
    for release, parts in sets.items():
        if not (arguments.directory / release).is_dir():
            print(f"{release}: no index")
            continue
        packages = set(parts["programs"]) | set(parts["libraries"])
        # `python3` stands beside the package that people install for it, which brings the one that has it.
        somewhere = {name for names in parts["programs"].values() for name in names}
        programs, libraries = contents(arguments.directory / release, packages)
        for package in sorted(packages):
            for kind, table, index in (("program", parts["programs"], programs), ("library", parts["libraries"], libraries)):
                rows = {str(name).lower() if name is True else str(name) for name in table.get(package, [])}
                known = index[package]
                for name in sorted(rows - known):
                    print(f"{release}: {package}: link {name}")
                if kind == "program":
                    missing = known - somewhere
                else:
                    # Loaded by another name: libx.so.1.2 is the file that libx.so.1 points to, libx.so is for linkers.
                    missing = set() if rows or not any(re.search(r"\.so\.\d+$", name) for name in known) else known
                for name in sorted(missing):
                    differences += 1
                    print(f"{release}: {package}: {kind} {name} is not in the table")
    print(f"{differences} differences")
    sys.exit(1 if arguments.check and differences else 0)


if __name__ == "__main__":
    main()
