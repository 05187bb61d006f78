#!/usr/bin/env python3
"""Makes `universal`, `wheels` and `with_extras` of packages/python.yaml from an index of Python packages.

    python3 rewrites/scripts/pypi.py NAMES [--index URL] [--flagged FILE] [--write | --check]

NAMES is a file with a name of a package in each line; what they depend on is looked at, too. A package is listed for a minor
version of Python from the first release on from which every release has a wheel for it, on x86-64 and on ARM64, with glibc 2.28 or
older; what it depends on has to be listed as well, with the extras that it asks for, at every release that is looked at. The same
holds for a package with an extra. Prereleases count for packages that have no other releases: pip takes them there. FILE names
packages that need more than their wheels when they run, and are left out (flagged.py finds candidates).

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
# Extras with which packages are developed, and of packages that tell types: nobody installs them in an image.
DEVELOPMENT = re.compile(
    r"(.*-)?(check|ci|cover|dev|develop|development|docs?|enabler|lint|linting|qa|style|tests?|testing|type|typing)(-.*)?$"
)
TYPES = re.compile(r"types-|mypy-|.*-stubs$")
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
    """The release that a file belongs to; None for other files."""
    try:
        if file.endswith(".whl"):
            return Version(file.split("-")[1].replace("_", "+", 1))
        base = re.sub(r"\.(tar\.gz|zip)$", "", file)
        cuts = [at for at, letter in enumerate(base) if letter == "-" and canonicalize_name(base[:at]) == name]
        return Version(base[cuts[-1] + 1 :]) if base != file and cuts else None
    except (IndexError, InvalidVersion):
        return None


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
    final = {version: files for version, files in found.items() if not version.is_prerelease}
    return final or found


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


@functools.lru_cache(None)
def requirement(line):
    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def needs_of(row):
    """What a package names as its dependencies, at the releases that are looked at."""
    lines = {line for lines in row["dependencies"].values() for line in lines or []} if row else ()
    return list(filter(None, map(requirement, lines)))


def extras_in(need):
    """The extras that bring a dependency."""
    named = re.findall(r"""\bextra\s*==\s*["']([^"']+)["']""", str(need.marker or ""))
    return {canonicalize_name(extra) for extra in named}


def look_at_all(names, index):
    """Looks at the packages and at what they depend on, with the extras that they ask for."""
    known, done, todo = {}, set(), {(canonicalize_name(name), "") for name in names}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        while todo:
            done |= todo
            new = sorted({name for name, _ in todo} - known.keys())
            known.update(pool.map(lambda name: look(name, index), new))
            found = [
                need
                for name, extra in todo
                for need in needs_of(known[name])
                if extra in extras_in(need) or not extras_in(need)
            ]
            todo = {
                (canonicalize_name(need.name), canonicalize_name(extra)) for need in found for extra in ("", *need.extras)
            } - done
    return known


def environment(minor, machine, extra):
    return {
        "python_version": minor,
        "python_full_version": f"{minor}.5",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "extra": extra,
    }


@functools.lru_cache(None)
def is_needed(line, minor, extra):
    """Whether a dependency is installed with an extra; `""` for none."""
    marker = requirement(line).marker
    return not marker or any(marker.evaluate(environment(minor, machine, extra)) for machine in MACHINES)


def closed(known, table, flagged):
    """The first releases, by package, extra and minor version, raised until all that they depend on is listed as well.

    What a package needs when it runs is read where the package is named: those that depend on it are not listed without such a row.
    """
    first = {
        (name, extra, minor): version
        for name, row in known.items()
        if row and name not in flagged
        for extra in {"", *(extra for need in needs_of(row) for extra in extras_in(need))}
        for minor, (version, _) in row["first"].items()
    }

    @functools.lru_cache(None)
    def newest(name, specifier, minor):
        """The release that pip takes."""
        return max(
            (
                version
                for version, required in (known.get(name) or {"required": {}})["required"].items()
                if any(admits(text, minor) for text in required) and specifier.contains(version, prereleases=True)
            ),
            default=None,
        )

    def is_listed(line, minor, of, of_extra):
        need = requirement(line)
        if need is None or need.url:
            return False
        if not is_needed(line, minor, of_extra):
            return True
        name, version = canonicalize_name(need.name), None
        needs = table["needs"].get(name)
        if needs and of not in table["needs"] and not need.extras & set(needs.get("unless", ())):
            return False
        for extra in ("", *map(canonicalize_name, need.extras)):
            if (extra in table["extras"].get(name, ())) if extra else (name in table["pure"]):
                continue
            version = version or newest(name, need.specifier, minor)
            lowest = first.get((name, extra, minor))
            if lowest is None or version is None or version < lowest:
                return False
        return True

    def lowest_listed(name, extra, minor, lowest):
        """The first release that is looked at from which on all have dependencies that are listed."""
        row, found = known[name], None
        for version in sorted(row["dependencies"], reverse=True):
            if version < lowest:
                break
            if any(admits(text, minor) for text in row["required"][version]):
                lines = row["dependencies"][version]
                if lines is None or not all(is_listed(line, minor, name, extra) for line in lines):
                    return found
                found = version
        return found and lowest

    changed = True
    while changed:
        changed = False
        for key, lowest in list(first.items()):
            raised = lowest_listed(*key, lowest)
            if raised is None:
                del first[key]
            else:
                first[key] = raised
            changed |= raised != lowest
    return first


def rows(known, first, table):
    """The lines of `universal`, `wheels` and `with_extras`."""
    lines = {"universal": [], "wheels": [], "with_extras": []}
    for name, extra in sorted({(name, extra) for name, extra, _ in first}):
        if extra in table["extras"].get(name, ()) or not extra and name in table["pure"]:
            continue
        if extra and (DEVELOPMENT.match(extra) or TYPES.match(name)):
            continue
        of = {minor: first[name, extra, minor] for minor in MINORS if (name, extra, minor) in first}
        is_same = len(of) == len(MINORS) and len(set(of.values())) == 1
        is_universal = is_same and all(known[name]["first"][minor][1] for minor in of)
        key = "with_extras" if extra else "universal" if is_universal else "wheels"
        versions = [f"{minor}:{version}" for minor, version in of.items()]
        if is_same and key != "wheels":
            versions = [str(of[MINORS[0]])]
        lines[key].append(" ".join([f"{name}[{extra}]" if extra else name, *versions]))
    return lines


def main():
    arguments = parser(__doc__)
    arguments.add_argument("names", type=pathlib.Path)
    arguments.add_argument("--index", default="https://pypi.org/simple/")
    arguments.add_argument("--flagged", type=pathlib.Path)
    arguments = arguments.parse_args()
    text = TABLE.read_text()
    table = yaml.safe_load(text)
    flagged = set(arguments.flagged.read_text().split()) if arguments.flagged else set()
    known = look_at_all(arguments.names.read_text().split(), Index(arguments.index))
    for key, new in rows(known, closed(known, table, flagged), table).items():
        block = f"{key}: |\n" + "".join(f"  {line}\n" for line in new)
        text = re.sub(rf"^{key}: \|\n(?:  .*\n)+", lambda _: block, text, flags=re.M)
    finish({TABLE: text}, arguments)


if __name__ == "__main__":
    main()
