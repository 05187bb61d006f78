#!/usr/bin/env python3
"""Makes `universal` and `wheels` of packages/python.yaml from an index of Python packages.

    python3 rewrites/scripts/pypi.py NAMES [--index URL] [--flagged FILE] [--write | --check]

NAMES is a file with a name of a package in each line; what they depend on is looked at, too. A package is listed for a minor
version of Python from the first release on from which every release has a wheel for it, on x86-64 and on ARM64, with glibc 2.28 or
older; what it depends on has to be listed as well, at every release that is looked at. FILE names packages that need more than
their wheels when they run, and are left out: those whose sources start programs or load libraries by name.

Needs the package `packaging`.
"""

import concurrent.futures
import functools
import html
import pathlib
import re
import urllib.error
import urllib.parse
import urllib.request

import yaml
from common import REWRITES, finish, parser
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

TABLE = REWRITES / "packages" / "python.yaml"
MINORS = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"]
MACHINES = {"x86_64", "aarch64"}
# manylinux tags up to glibc 2.28, which Debian 10 has.
GLIBC = re.compile(r"manylinux(1|2010|2014|_2_(?:5|12|17|24|26|27|28))_(x86_64|aarch64)$")
# Releases of a package whose dependencies are read: the newest of each series, at most so many.
SAMPLES = 7


class Index:
    """The simple API of an index (PEP 503), with the metadata of PEP 658."""

    def __init__(self, url):
        self.url = url.rstrip("/") + "/"

    def get(self, url):
        request = urllib.request.Request(url, headers={"User-Agent": "imgopt-tables"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read().decode("utf-8", "replace")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def files(self, name):
        """Name, `Requires-Python` and address of each file of a package."""
        page = urllib.parse.urljoin(self.url, f"{name}/")
        for href, attributes, file in re.findall(r'<a href="([^"#]+)[^"]*"([^>]*)>([^<]+)</a>', self.get(page) or ""):
            required = re.search(r'data-requires-python="([^"]*)"', attributes)
            yield file.strip(), html.unescape(required[1]) if required else "", urllib.parse.urljoin(page, href)

    def dependencies(self, wheel):
        """The lines `Requires-Dist` of a wheel; None if the index does not say."""
        text = self.get(wheel + ".metadata")
        if text is None:
            return None
        head = text.split("\n\n")[0].splitlines()
        return [line.split(":", 1)[1].strip() for line in head if line.lower().startswith("requires-dist:")]


@functools.lru_cache(None)
def admits(required, minor):
    """Whether `Requires-Python` lets a minor version in. What cannot be read does not keep it out: then a wheel has to be there."""
    try:
        return not required or SpecifierSet(required).contains(f"{minor}.5", prereleases=True)
    except InvalidSpecifier:
        return True


@functools.lru_cache(None)
def version_of(file, name):
    """The release that a file belongs to; None for other files and prereleases."""
    try:
        if file.endswith(".whl"):
            version = Version(file.split("-")[1].replace("_", "+", 1))
        else:
            base = re.sub(r"\.(tar\.gz|zip)$", "", file)
            cuts = [at for at, letter in enumerate(base) if letter == "-" and canonicalize_name(base[:at]) == name]
            if base == file or not cuts:
                return None
            version = Version(base[cuts[-1] + 1 :])
    except (IndexError, InvalidVersion):
        return None
    return None if version.is_prerelease else version


@functools.lru_cache(None)
def machines(file, minor):
    """Machines on which a wheel is for a minor version; `any` for all."""
    parts = file[:-4].split("-")
    if not file.endswith(".whl") or len(parts) not in (5, 6):
        return frozenset()
    number = int(minor.split(".")[1])

    def is_for(python, abi):
        stable = re.fullmatch(r"cp3(\d+)", python)
        generic = re.fullmatch(r"py3(\d*)", python)
        return (
            (abi == "none" and (python == f"cp3{number}" or generic and int(generic[1] or 0) <= number))
            or (abi == python == f"cp3{number}")
            or (abi == "abi3" and stable and int(stable[1]) <= number)
        )

    if not any(is_for(python, abi) for python in parts[-3].split(".") for abi in parts[-2].split(".")):
        return frozenset()
    platforms = parts[-1].split(".")
    found = {match[2] for match in map(GLIBC.match, platforms) if match}
    return frozenset(found | ({"any"} if "any" in platforms else set()))


def releases(name, index):
    found = {}
    for file, required, url in index.files(name):
        version = version_of(file, name)
        if version is not None:
            found.setdefault(version, []).append((file, required, url))
    return found


def first_releases(found):
    """By minor version: the first release from which on every one has wheels, and whether each is for any machine."""
    first = {}
    for minor in MINORS:
        is_universal = True
        for version in sorted(found, reverse=True):
            files = [file for file, required, _ in found[version] if admits(required, minor)]
            if not files:
                continue
            fitting = frozenset().union(*(machines(file, minor) for file in files))
            if "any" not in fitting:
                if not MACHINES <= fitting:
                    break
                is_universal = False
            first[minor] = (version, is_universal)
    return first


def samples(found, lowest):
    newest = {}
    for version in sorted(version for version in found if version >= lowest):
        newest[version.major, version.minor] = version
    series = sorted(newest.values())
    if len(series) > SAMPLES:
        step = (len(series) - 1) / (SAMPLES - 1)
        series = [series[round(number * step)] for number in range(SAMPLES)]
    return sorted({*series, lowest})


def wheel_of(files):
    wheels = [(file, url) for file, _, url in files if file.endswith(".whl")]
    order = lambda wheel: ("none-any" not in wheel[0], "manylinux" not in wheel[0] or "x86_64" not in wheel[0])
    return min(wheels, key=order, default=(None, None))[1]


def look(name, index):
    """What the index says of a package; None if it has no wheels for anybody."""
    found = releases(name, index)
    first = first_releases(found)
    if not first:
        return name, None
    dependencies = {}
    for version in samples(found, min(version for version, _ in first.values())):
        wheel = wheel_of(found[version])
        dependencies[version] = index.dependencies(wheel) if wheel else None
    required = {version: [required for _, required, _ in files] for version, files in found.items()}
    return name, {"first": first, "dependencies": dependencies, "required": required}


def requirement(line):
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def look_at_all(names, index):
    """Looks at the packages and at what they depend on."""
    known, todo = {}, [canonicalize_name(name) for name in names]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        while todo:
            batch = [name for name in dict.fromkeys(todo) if name not in known]
            known.update(pool.map(lambda name: look(name, index), batch))
            lines = [
                line
                for name in batch
                for lines in (known[name] or {"dependencies": {}})["dependencies"].values()
                for line in lines or []
            ]
            found = filter(None, map(requirement, lines))
            todo = [canonicalize_name(need.name) for need in found if "extra" not in str(need.marker or "")]
            todo = [name for name in dict.fromkeys(todo) if name not in known]
    return known


def environment(minor, machine):
    return {
        "python_version": minor,
        "python_full_version": f"{minor}.5",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": "",
    }


def closed(known, pure, flagged):
    """The first releases, raised until all that they depend on is listed as well."""
    first = {
        (name, minor): version
        for name, row in known.items()
        if row and name not in flagged
        for minor, (version, _) in row["first"].items()
    }

    def is_listed(line, minor):
        need = requirement(line)
        if need is None or need.url:
            return False
        if need.marker and not any(need.marker.evaluate(environment(minor, machine)) for machine in MACHINES):
            return True
        name = canonicalize_name(need.name)
        if name in pure:
            return True
        lowest = first.get((name, minor))
        fitting = [
            version
            for version, required in (known.get(name) or {"required": {}})["required"].items()
            if any(admits(text, minor) for text in required) and need.specifier.contains(version)
        ]
        return lowest is not None and bool(fitting) and max(fitting) >= lowest

    def lowest_listed(name, minor, lowest):
        """The first release that is looked at from which on all have dependencies that are listed."""
        row, found = known[name], None
        for version in sorted(row["dependencies"], reverse=True):
            if version < lowest:
                break
            if any(admits(text, minor) for text in row["required"][version]):
                lines = row["dependencies"][version]
                if lines is None or not all(is_listed(line, minor) for line in lines):
                    return found
                found = version
        return found and lowest

    changed = True
    while changed:
        changed = False
        for (name, minor), lowest in list(first.items()):
            raised = lowest_listed(name, minor, lowest)
            if raised is None:
                del first[name, minor]
            else:
                first[name, minor] = raised
            changed |= raised != lowest
    return first


def rows(known, first, pure):
    """The lines of `universal` and of `wheels`."""
    universal, wheels = [], []
    for name in sorted({name for name, _ in first} - pure):
        of = {minor: first[name, minor] for minor in MINORS if (name, minor) in first}
        is_universal = all(known[name]["first"][minor][1] for minor in of)
        if is_universal and len(of) == len(MINORS) and len(set(of.values())) == 1:
            universal.append(f"{name} {of[MINORS[0]]}")
        else:
            wheels.append(" ".join([name, *(f"{minor}:{version}" for minor, version in of.items())]))
    return universal, wheels


def main():
    arguments = parser(__doc__)
    arguments.add_argument("names", type=pathlib.Path)
    arguments.add_argument("--index", default="https://pypi.org/simple/")
    arguments.add_argument("--flagged", type=pathlib.Path)
    arguments = arguments.parse_args()
    text = TABLE.read_text()
    table = yaml.safe_load(text)
    pure = set(table["pure"])
    flagged = set(arguments.flagged.read_text().split()) if arguments.flagged else set()
    known = look_at_all(arguments.names.read_text().split(), Index(arguments.index))
    universal, wheels = rows(known, closed(known, pure, flagged), pure)
    for key, new in (("universal", universal), ("wheels", wheels)):
        block = f"{key}: |\n" + "".join(f"  {line}\n" for line in new)
        text = re.sub(rf"^{key}: \|\n(?:  .*\n)+", lambda _: block, text, flags=re.M)
    finish({TABLE: text}, arguments)


if __name__ == "__main__":
    main()
