#!/usr/bin/env python3
"""Makes tags.yaml and suites.yaml from a clone of github:docker-library/official-images.

    python3 rewrites/scripts/official_images.py CLONE [--write]

Without `--write`, it says how the tables differ from what the clone has. Families and headings are those of the tables; a new
family is added to a table by hand, with an empty row.
"""

import argparse
import pathlib
import re
import subprocess

import yaml

TABLES = pathlib.Path(__file__).resolve().parent.parent
SUITES = "bookworm bullseye buster forky jammy jessie noble questing resolute sid stretch trixie focal bionic xenial".split()
RELEASE = re.compile(
    rf"^({'|'.join(SUITES)}|alpine\d+\.\d+|al\d{{4}}|al2|ol\d+|ubi\d+|ubuntu\d+\.\d+|oraclelinux\d+|amazonlinux\d+|ltsc\d+|fedora\d*|rhel\d*|slim\d+|nanoserver.*|windowsservercore)$"
)
FULL = re.compile(r"^v?\d+\.\d+\.\d+|^\d+u\d+|^\d+(\.\d+)*_\d+")
PRERELEASE = re.compile(r"rc|alpha|beta|preview|nightly|-ea\b|^ea|early|unstable|devel|snapshot|^\d+-dev|dev\b")


def builds(text):
    """The alias tags of each build of a library file, the most specific first."""
    for paragraph in re.split(r"\n\s*\n", text):
        fields = {}
        for line in re.sub(r"\n[ \t]+", " ", paragraph).splitlines():
            key, _, value = line.partition(":")
            fields[key] = [word.strip() for word in value.split(",") if word.strip()]
        is_windows = any("windows" in part for part in fields.get("Architectures", []))
        if "Tags" in fields and not is_windows:
            yield fields["Tags"] + fields.get("SharedTags", [])


def words(tag):
    return tag.split("-")


def release_of(tag):
    return next((word for word in words(tag) if RELEASE.match(word)), None)


def tags_of(all_builds):
    """What each tag that does not name both a release and a full version means."""
    found = {}
    for aliases in all_builds:
        best = max(aliases, key=lambda tag: (bool(FULL.match(tag)), release_of(tag) is not None))
        for tag in aliases:
            if tag != best and not (FULL.match(tag) and release_of(tag)) and not FULL.match(tag):
                found.setdefault(tag, best)
    return found


def cycle_line(family, version, cycles):
    """The line of versions that a full version belongs to, as eol.yaml has it."""
    fitting = [cycle for cycle in cycles.get(family, []) if version == cycle or version.startswith(cycle + ".")]
    return max(fitting, key=len, default=None)


def suites_of(family, all_builds, cycles):
    """For each tag without a release, the tag of the same build that names it and keeps the version as open."""
    found = {}
    for aliases in all_builds:
        releases = {release_of(tag) for tag in aliases} - {None}
        for tag in aliases:
            if release_of(tag) or FULL.match(tag) or PRERELEASE.search(tag):
                continue
            rest = [word for word in words(tag) if word not in ("latest",)]
            if rest and not re.match(r"\d", rest[0]) and not is_line(rest[0]):
                version = next((words(other)[0] for other in aliases if FULL.match(other)), "")
                line = cycle_line(family, version, cycles)
                rest = ([line] if line else []) + rest
            elif not rest:
                version = next((words(other)[0] for other in aliases if re.match(r"\d", other)), "")
                line = cycle_line(family, version, cycles)
                rest = [line] if line else []
            for other in aliases:
                without = [word for word in words(other) if not RELEASE.match(word)]
                named = [re.sub(r"^alpine\d.*", "alpine", word) for word in words(other)]
                if release_of(other) and (without == rest or named == rest):
                    found.setdefault(tag, other)
    return found


def is_line(word):
    """Whether a word names a line of versions: `lts`, `jod`."""
    return word in {"lts", "current", "argon", "boron", "carbon", "dubnium", "erbium", "fermium", "gallium", "hydrogen", "iron", "jod", "krypton"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    git = lambda *command: subprocess.run(["git", "-C", arguments.clone, *command], check=True, capture_output=True, text=True).stdout
    commit, day = git("log", "-1", "--format=%H %cs").split()
    cycles = {}
    for family in yaml.safe_load((TABLES / "eol.yaml").read_text())["families"]:
        for name in [family["family"], *family.get("also", [])]:
            cycles[name] = [str(cycle["cycle"]) for cycle in family["cycles"]]
    library = lambda family: list(builds(git("show", f"HEAD:library/{family}")))
    for file in ("tags.yaml", "suites.yaml"):
        table = yaml.safe_load((TABLES / file).read_text())
        rows = table["images"] if file == "suites.yaml" else {name: row["tags"] for name, row in table.items()}
        for family, old in rows.items():
            new = tags_of(library(family)) if file == "tags.yaml" else suites_of(family, library(family), cycles)
            for tag in sorted(set(old) | set(new)):
                if old.get(tag) != new.get(tag):
                    print(f"{file} {family} {tag}: {old.get(tag)} -> {new.get(tag)}")


if __name__ == "__main__":
    main()
