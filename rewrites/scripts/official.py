#!/usr/bin/env python3
"""Makes the tags of suites.yaml and tags.yaml from a clone of github:docker-library/official-images.

    python3 rewrites/scripts/official.py CLONE [--write | --check]

Images are those of the tables. A file library/IMAGE lists builds, each with all its tags: tags of one build are the same image.
suites.yaml gets, for a tag without a release of the distribution, the shortest tag of its build that differs in such a release alone;
without a version in the tag, the line of versions that eol.yaml has. tags.yaml gets the tag of the build that says the most. Rows of tags
that are no longer built stay as they are: they say what such a tag meant last.
"""

import re

import yaml
from common import REWRITES, finish, git, parser, scalar

SUITES, TAGS = REWRITES / "suites.yaml", REWRITES / "tags.yaml"
SOURCE = "github:docker-library/official-images"
# Releases that tags name; others have a number behind a word.
RELEASES = set(
    "bionic bookworm bullseye buster focal forky jammy jessie noble oracular plucky precise questing resolute sid stretch trixie trusty "
    "wheezy xenial".split()
)
NUMBERED = re.compile(r"alpine3\.\d+|(?:al|ol|ubi)\d+.*|oraclelinux\d+.*|windowsservercore.*|nanoserver.*")
# Words of tags that say of which line of versions they are; others tell variants of the same version.
VARIANTS = set(
    "alpine apache browser browsers cli community curl debian fpm full headful headless jdk jre management otel perl php scm slim zts".split()
)
ROLLING = set("beta current dev edge experimental lts mainline nightly oldstable rc rolling stable testing unstable".split())
# Tags that nobody builds on, or of images with other rules.
SKIPPED = re.compile(r"windowsservercore|nanoserver|\brc\d*\b|rc\d|beta|alpha|^tip")
NOT_RESOLVED = re.compile(
    r"windowsservercore|nanoserver|graal|ubi|onbuild|sapmachine|ibm|corretto|azulzulu|liberica|semeru|jdk-lts-and-current|beta|alpha|rc\d|-rc|rc-"
)
GRADLE = re.compile(r"(latest|jdk\d*(-alpine)?|alpine|[\d.]+(-jdk\d*)?(-alpine)?)$")


def is_release(word):
    return word in RELEASES or NUMBERED.fullmatch(word) is not None


def builds(clone, image):
    """The tags of each build for Linux; none when there is no such image any more."""
    try:
        text = git(clone, "show", f"HEAD:library/{image}")
    except Exception:
        return []
    found = []
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line for line in paragraph.splitlines() if not line.startswith("#")]
        fields = dict(re.findall(r"(?m)^([\w-]+):\s*(.*)$", re.sub(r"\n\s+", " ", "\n".join(lines))))
        tags = [tag.strip() for key in ("Tags", "SharedTags") for tag in fields.get(key, "").split(",") if tag.strip()]
        is_windows = "windows" in fields.get("Architectures", "") or any("windows" in tag or "nanoserver" in tag for tag in tags)
        if tags and not is_windows:
            found.append(tags)
    return found


class Tag:
    """A tag by its parts."""

    def __init__(self, text):
        words = text.split("-")
        self.text = text
        self.version = words.pop(0) if re.fullmatch(r"\d+(\.\d+)*", words[0]) else None
        self.releases = [word for word in words if is_release(word)]
        self.words = {word for word in words if not is_release(word)}


def with_release(tag, build, cycles):
    """The tag of the build that names the release, too, and says as much of the version."""
    wanted = tag.words - {"latest"}
    on_alpine = "alpine" in wanted

    def fits(other):
        is_alpine = len(other.releases) == 1 and other.releases[0].startswith("alpine")
        return len(other.releases) == 1 and is_alpine == on_alpine and other.words == wanted - {"alpine"}

    names_line = wanted & ROLLING or any(re.fullmatch(r"[a-z]+", word) and word not in VARIANTS for word in wanted)
    if tag.version:
        has_version = lambda other: other.version == tag.version
    elif names_line:
        has_version = lambda other: other.version is None
    else:
        has_version = lambda other: other.version in cycles
    found = [other.text for other in build if fits(other) and has_version(other)]
    return min(found, key=len, default=None)


def suites(image, all_builds, cycles):
    rows = {}
    for texts in all_builds:
        build = [Tag(text) for text in texts]
        # What follows the numbers of a version shows how long one is: 3.14.2.
        full = max((tag.version.count(".") for tag in build if tag.version), default=0)
        for tag in build:
            is_full = tag.version and full >= 2 and tag.version.count(".") == full
            if tag.releases or is_full or SKIPPED.search(tag.text):
                continue
            found = with_release(tag, build, cycles)
            if found:
                rows[tag.text] = found
    return rows


def says(text):
    """How much a tag says: whether it names a release, how many numbers of the version, how many words."""
    words = text.split("-")
    version = re.match(r"[\d.]+", words[0])
    names_release = any(is_release(word) for word in words) or "alpine-3." in text
    return names_release, len(version[0].split(".")) if version else 0, len(words), len(text), text


def resolved(image, all_builds):
    rows = {}
    for build in all_builds:
        best = max(build, key=says)
        for text in build:
            words = text.split("-")
            version = re.match(r"[\d.]+", words[0])
            is_full = version and len(version[0].strip(".").split(".")) >= 3
            says_enough = is_full or "alpine-3." in text or version and any(is_release(word) for word in words)
            is_other = NOT_RESOLVED.search(text) and image != "amazoncorretto" or image == "gradle" and not GRADLE.match(text)
            if text != best and not says_enough and not is_other:
                rows[text] = best
    return rows


def main():
    arguments = parser(__doc__)
    arguments.add_argument("clone")
    arguments = arguments.parse_args()
    commit, day = git(arguments.clone, "log", "-1", "--format=%H %cs").split()
    source = f"{SOURCE}@{commit[:12]}"
    eol = {row["family"]: row["cycles"] for row in yaml.safe_load((REWRITES / "eol.yaml").read_text())["families"]}

    # Tags of distributions are releases themselves: their rows are written by hand, and only checked.
    by_hand = {"almalinux", "alpine", "amazonlinux", "debian", "fedora", "ubuntu"}

    text = SUITES.read_text()
    table = yaml.safe_load(text)["images"]
    head = re.sub(r'(?m)^source: \{name: "[^"]*", date: [^}]*\}', f'source: {{name: "{source}", date: {day}}}', text[: text.index("images:\n")])
    body = "images:\n"
    for image in sorted(table):
        rows = {str(key): str(value) for key, value in table[image].items()}
        if image not in by_hand:
            cycles = {cycle["cycle"] for cycle in eol.get(image, [])}
            all_builds = builds(arguments.clone, image)
            # What eol.yaml does not know was chosen by hand: it stays while both are the same build.
            same = {key: rows[key] for key in rows if any({key, rows[key]} <= set(build) for build in all_builds)}
            rows = same | suites(image, all_builds, cycles) or rows
        check_aliases(arguments.clone, image, rows, "suites.yaml")
        body += f"  {image}:\n" + "".join(f"    {scalar(key)}: {scalar(rows[key])}\n" for key in sorted(rows))
    new_suites = head + body

    text = TAGS.read_text()
    new_tags = text[: re.search(r"(?m)^[\w-]+:\n", text).start()]
    for image, entry in yaml.safe_load(text).items():
        old = {str(key): str(value) for key, value in entry["tags"].items()}
        all_builds = builds(arguments.clone, image)
        today = {tag for build in all_builds for tag in build}
        rows = {key: value for key, value in old.items() if key not in today}
        rows |= {key: old[key] for key in old if key in today} if image in by_hand else resolved(image, all_builds)
        # `stable` of Debian is built beside `13`, of the same packages.
        if image in by_hand - {"debian"}:
            check_aliases(arguments.clone, image, rows, "tags.yaml")
        more = entry["source"]["name"].partition(";")[2]
        name = source + (f";{more}" if more else "")
        new_tags += f'{image}:\n  source: {{name: "{name}", date: {day}}}\n  tags:\n'
        new_tags += "".join(f"    {scalar(key)}: {scalar(rows[key])}\n" for key in sorted(rows))
    finish({SUITES: new_suites, TAGS: new_tags}, arguments)


def check_aliases(clone, image, rows, table):
    """Says which rows name tags that are both built, and not the same image."""
    of = {tag: number for number, build in enumerate(builds(clone, image)) for tag in build}
    for key, value in rows.items():
        if key in of and value in of and of[key] != of[value]:
            print(f"{table}: {image}: `{key}` and `{value}` are two builds")


if __name__ == "__main__":
    main()
