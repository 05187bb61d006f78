#!/usr/bin/env python3
"""Makes releases.yaml from the history of docker-library/official-images.

    git clone https://github.com/docker-library/official-images
    python3 rewrites/scripts/releases.py official-images [--write | --check]

A stanza of `library/IMAGE` lists the tags of one build. Where one of them is a full version without a release of the distribution
(`3.8.5-slim`), and another the same with one (`3.8.5-slim-buster`), the first was built on that release; the last commit that lists it counts,
for the tag has not been built since, or is still built so. Versions next to each other on the same release make one range; a range ends where a
line of versions does. Variants of a version (`slim`, `apache`) are built on one release: versions for which they differ are left out, as
are prereleases.

OFFICIAL-IMAGES is a clone, or its git directory.
"""

import collections
import datetime
import pathlib
import re
import subprocess

from common import REWRITES, finish, parser

TABLE = REWRITES / "releases.yaml"
IMAGES = ["golang", "gradle", "node", "perl", "php", "python", "ruby", "rust"]
DEBIAN = ["jessie", "stretch", "buster", "bullseye", "bookworm", "trixie"]
UBUNTU = ["bionic", "focal", "jammy", "noble"]
VERSION = re.compile(r"\d+\.\d+(\.\d+)?$")


class Repository:
    """Old versions of files in a clone."""

    def __init__(self, path):
        directory = path / ".git" if (path / ".git").is_dir() else path
        self.git = ["git", f"--git-dir={directory}"]

    def run(self, *arguments, given=None):
        return subprocess.run([*self.git, *arguments], input=given, capture_output=True, check=True).stdout

    def versions(self, file):
        """The text of a file at each commit that changed it, from the first to the last."""
        commits = self.run("log", "--format=%H", "--reverse", "--", file).decode().split()
        answers = self.run("cat-file", "--batch", given="".join(f"{commit}:{file}\n" for commit in commits).encode())
        at = 0
        while at < len(answers):
            end = answers.index(b"\n", at)
            header, at = answers[at:end].split(), end + 1
            if header[-1] != b"missing":
                size = int(header[2])
                yield answers[at : at + size].decode("utf-8", "replace")
                at += size + 1


def stanzas(text):
    """The tags of each build for Linux."""
    for block in re.split(r"\n\s*\n", text):
        fields = collections.defaultdict(str)
        name = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if not line.startswith((" ", "\t")) and ":" in line:
                name, line = line.split(":", 1)
            fields[name] += line.strip()
        if "windows" not in fields["Architectures"]:
            yield [tag.strip() for tag in f"{fields['Tags']},{fields['SharedTags']}".split(",") if tag.strip()]


def release(words):
    named = [word for word in words if word in DEBIAN + UBUNTU or re.fullmatch(r"alpine3\.\d+", word)]
    return named[0] if named else None


def meanings(repository, image):
    """For `debian` and `alpine`, the releases of each version, by variants."""
    found = {}
    for text in repository.versions(f"library/{image}"):
        for tags in stanzas(text):
            named = {}
            for tag in tags:
                words = tag.split("-")
                if name := release(words):
                    base = "alpine" if name.startswith("alpine") else "debian"
                    named[base, tuple(sorted(word for word in words if word != name))] = name
            for tag in tags:
                words = tag.split("-")
                if not VERSION.match(words[0]) or "rc" in words or release(words):
                    continue
                base = "alpine" if "alpine" in words else "debian"
                name = named.get((base, tuple(sorted(word for word in words if word != "alpine"))))
                if name:
                    found[base, tag] = words[0], name
    releases = collections.defaultdict(lambda: collections.defaultdict(set))
    for (base, _), (version, name) in found.items():
        releases[base][version].add(name)
    return releases


def ranges(versions):
    """The first and the last version of each run on one release, by release."""
    numbers = lambda version: [int(number) for number in version.split(".")]
    found = collections.defaultdict(list)
    for parts in (2, 3):
        known = sorted((version for version in versions if version.count(".") == parts - 1), key=numbers)
        before = None
        for version in known:
            names = versions[version]
            line = numbers(version)[:-1]
            if len(names) > 1:
                before = None
                continue
            (name,) = names
            if before == (name, line):
                found[name][-1][1] = version
            else:
                found[name].append([version, version])
            before = name, line
    return found


def table(repository):
    head = TABLE.read_text().split("source:")[0]
    commit = repository.run("log", "-1", "--format=%h").decode().strip()
    date = datetime.date.fromisoformat(repository.run("log", "-1", "--format=%cs").decode().strip())
    lines = [f'source: {{name: "github:docker-library/official-images@{commit}, library/*, with its history", date: {date}}}', "images:"]
    for image in IMAGES:
        lines.append(f"  {image}:")
        releases = collections.defaultdict(list)
        for versions in meanings(repository, image).values():
            for name, runs in ranges(versions).items():
                releases[name] += ["-".join(dict.fromkeys(run)) for run in runs]
        for name in sorted(releases):
            lines += wrapped(f"    {name}:", releases[name])
    return head + "\n".join(lines) + "\n"


def wrapped(key, words):
    """A folded text, in lines of at most 120 characters."""
    lines, line = [f"{key} >-"], ""
    for word in words:
        if len(line) + len(word) + 7 > 120:
            lines, line = [*lines, f"      {line}"], ""
        line = f"{line} {word}".strip()
    return [*lines, f"      {line}"]


def main():
    arguments = parser(__doc__)
    arguments.add_argument("clone", type=pathlib.Path, metavar="OFFICIAL-IMAGES")
    arguments = arguments.parse_args()
    finish({TABLE: table(Repository(arguments.clone))}, arguments)


if __name__ == "__main__":
    main()
