#!/usr/bin/env python3
"""Compares `sets` and `adds` of bases.yaml with the Contents indexes of Debian, which say what is in each package.

    python3 rewrites/scripts/bases.py DIRECTORY [--fetch] [--check]

DIRECTORY has a directory for each release with Contents-amd64.gz and Contents-all.gz; --fetch brings them. A program of a package is a file in a
directory of the PATH, a library one beside others in a directory of ld.so. The table has more where a package makes links when it
is installed (`c++`, `pager`), which no index lists: those are printed with `link`, and are no difference. What the indexes have and the table
lacks is one.
"""

import collections
import gzip
import pathlib
import re
import sys
import urllib.request

import yaml
from common import REWRITES, parser

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


def main():
    arguments = parser(__doc__)
    arguments.add_argument("directory", type=pathlib.Path)
    arguments.add_argument("--fetch", action="store_true")
    arguments = arguments.parse_args()
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
