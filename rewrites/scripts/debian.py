#!/usr/bin/env python3
"""Makes packages/sizes.yaml and the packages of packages/recommends.yaml from Packages indexes, and compares packages/runtime-libs.yaml.

    python3 rewrites/scripts/debian.py DIRECTORY [--fetch] [--names FILE] [--write | --check]

DIRECTORY has a directory for each release, bookworm or noble, with its Packages files (.xz, .gz, or plain; apt's own lists do as well).
--fetch brings those of the releases of both tables from deb.debian.org and archive.ubuntu.com first. A table is made anew when the indexes
of all its releases are there; otherwise only the columns of those that are there. Packages are those of the tables, and those of FILE.

What an install adds is what apt takes: of alternatives the first that is there already, else the first that exists; on top of the essential
and required packages and apt, which is what slim images have. runtime-libs.yaml has rows that were judged by hand: of these it is only
said when a library is in no index of its release.
"""

import collections
import gzip
import lzma
import pathlib
import re
import urllib.request

import yaml
from common import REWRITES, dated, finish, listed, parser, scalar, wrapped

SIZES, RECOMMENDS, LIBRARIES = (REWRITES / "packages" / f"{name}.yaml" for name in ("sizes", "recommends", "runtime-libs"))
DEBIAN = ["bullseye", "bookworm", "trixie"]
UBUNTU = ["xenial", "bionic", "focal", "jammy", "noble", "resolute"]
FIELDS = {
    "Package", "Version", "Installed-Size", "Size", "Priority", "Essential", "Pre-Depends", "Depends", "Recommends", "Provides",
}  # fmt: skip
# Of packages with more recommendations than this nothing sensible can be said.
MOST = 20


def addresses(release):
    """The indexes of a release: the release itself, and its updates."""
    if release in DEBIAN:
        # What has moved to the archive has no updates any more.
        yield f"http://deb.debian.org/debian/dists/{release}/main/binary-amd64/Packages.xz"
        yield f"http://deb.debian.org/debian/dists/{release}-updates/main/binary-amd64/Packages.xz"
        yield f"http://deb.debian.org/debian-security/dists/{release}-security/main/binary-amd64/Packages.xz"
    else:
        for pocket in ("", "-updates", "-security"):
            for component in ("main", "universe"):
                yield f"http://archive.ubuntu.com/ubuntu/dists/{release}{pocket}/{component}/binary-amd64/Packages.xz"


def fetch(directory):
    for release in DEBIAN + UBUNTU:
        for address in addresses(release):
            file = directory / release / (re.sub(r"[^\w.-]+", "_", address.split("/dists/")[1].removesuffix("/Packages.xz")) + "_Packages.xz")
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                with urllib.request.urlopen(address, timeout=60) as answer:
                    file.write_bytes(answer.read())
            except OSError as error:
                print(f"{address}: {error}")


def read(file):
    data = file.read_bytes()
    if file.suffix == ".xz":
        data = lzma.decompress(data)
    elif file.suffix == ".gz":
        data = gzip.decompress(data)
    return data.decode("utf-8", "replace")


def version_key(version):
    """Sorts versions as deb-version(7) does."""
    epoch, _, rest = version.rpartition(":")
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    order = lambda text: [
        (int(digits or 0) if digits is not None else 0, tuple(-1 if c == "~" else ord(c) if c.isalpha() else ord(c) + 256 for c in letters) + (0,))
        for letters, digits in re.findall(r"(\D*)(\d*)", text)
    ]
    swap = lambda text: [(letters, number) for number, letters in order(text)]
    return int(epoch or 0), swap(upstream), swap(revision)


class Index:
    """The packages of a release."""

    def __init__(self, directory):
        self.packages = {}
        for file in sorted(directory.rglob("*Packages*")):
            for paragraph in read(file).split("\n\n"):
                fields = dict(re.findall(r"(?m)^([\w-]+): (.*)$", paragraph))
                name = fields.get("Package")
                known = self.packages.get(name)
                if name and (known is None or version_key(fields["Version"]) > version_key(known["Version"])):
                    self.packages[name] = {key: value for key, value in fields.items() if key in FIELDS}
        self.providers = collections.defaultdict(list)
        for name in self.packages:
            for virtual in self.provides(name):
                self.providers[virtual].append(name)
        self.base = self.installed(self.essential(), set(), False)

    def essential(self):
        needed = [
            name
            for name, fields in self.packages.items()
            if fields.get("Essential") == "yes" or fields.get("Priority") == "required"
        ]
        also = [name for name in ("usr-is-merged", "apt", "debian-archive-keyring") if name in self.packages]
        return [*(name for name in also if name == "usr-is-merged"), *needed, *(name for name in also if name != "usr-is-merged")]

    def provides(self, name):
        return [part.split()[0].split(":")[0] for part in self.packages.get(name, {}).get("Provides", "").split(",") if part.strip()]

    def depends(self, name, fields):
        """Lists of alternatives."""
        text = ",".join(self.packages[name].get(field, "") for field in fields)
        groups = [re.findall(r"(?:^|\|)\s*([a-z0-9][a-z0-9+.-]*)", group.strip()) for group in text.split(",") if group.strip()]
        return [group for group in groups if group]

    def real(self, name):
        if name in self.packages:
            return name
        rank = lambda provider: (self.packages[provider].get("Priority", "optional") != "optional", provider)
        return min(self.providers.get(name, []), key=rank, default=None)

    def installed(self, names, base, recommends):
        """What an install adds to a base, itself included."""
        fields = ["Pre-Depends", "Depends"] + (["Recommends"] if recommends else [])
        have = set(base)
        virtual = {provided for name in have for provided in self.provides(name)}
        todo = collections.deque(dict.fromkeys(self.real(name) for name in names))
        todo = collections.deque(name for name in todo if name and name not in have)
        have.update(todo)
        added = []
        while todo:
            name = todo.popleft()
            added.append(name)
            virtual.update(self.provides(name))
            for group in self.depends(name, fields):
                if any(other in have or other in virtual or self.real(other) in have for other in group):
                    continue
                found = next((self.real(other) for other in group if self.real(other)), None)
                if found:
                    have.add(found)
                    todo.append(found)
        return added

    def sum(self, field, names):
        return sum(int(self.packages[name].get(field, 0) or 0) for name in names)


def sizes(index, package):
    """The columns of sizes.yaml; None when the release does not have the package."""
    name = index.real(package)
    if name is None:
        return None
    if name in index.base:
        return []
    alone = index.installed([name], index.base, False)
    return [index.sum("Installed-Size", alone), index.sum("Size", alone) // 1024, index.sum("Installed-Size", index.installed([name], index.base, True))]


def recommends(index, package):
    """What comes only because it is recommended; None when the release does not have the package."""
    if package not in index.packages:
        return None
    if package in index.base:
        return []
    alone = set(index.installed([package], index.base, False))
    if set(index.installed([package], index.base, True)) == alone:
        return []
    have = alone | set(index.base)
    virtual = {provided for name in have for provided in index.provides(name)}
    found = set()
    for name in alone:
        for group in index.depends(name, ["Recommends"]):
            if not any(other in have or other in virtual for other in group):
                first = next((index.real(other) for other in group if index.real(other)), None)
                if first and first not in have:
                    found.add(first)
    return sorted(found)


def new_sizes(indexes, names):
    text = SIZES.read_text()
    table = yaml.safe_load(text)["packages"]
    lines = ""
    for package in sorted({*table, *names}):
        old = table.get(package, {})
        row = {release: sizes(indexes[release], package) if release in indexes else old.get(release) for release in sorted(DEBIAN)}
        columns = [f"{release}: [{', '.join(map(str, row[release]))}]" for release in row if row[release] is not None]
        if columns:
            lines += f"  {scalar(package)}: {{{', '.join(columns)}}}\n"
    return text[: text.index("packages:\n")] + "packages:\n" + lines


def new_recommends(indexes, names):
    text = RECOMMENDS.read_text()
    table = yaml.safe_load(text)["packages"]
    lines = "packages:\n"
    releases = sorted(DEBIAN + UBUNTU)
    for package in sorted({*table, *names}):
        old = table.get(package, {})
        row = {}
        for release in releases:
            known = old.get(release, old.get("all"))
            row[release] = recommends(indexes[release], package) if release in indexes else known
        row = {release: tuple(found) for release, found in row.items() if found is not None}
        if not row or any(len(found) > MOST for found in row.values()):
            continue
        count = collections.Counter(row.values())
        most = max(count, key=lambda found: (count[found], found))
        # `all` would speak for releases that lack the package as well.
        short = {"all": most} if len(row) == len(releases) and count[most] > 1 else {}
        short |= {release: found for release, found in row.items() if found != short.get("all")}
        lines += written(package, short)
    return text[: text.index("packages:\n")] + lines


def written(package, row):
    line = f"  {scalar(package)}: {{{', '.join(f'{key}: {listed(found)}' for key, found in row.items())}}}\n"
    if len(line) <= 121:
        return line
    lines = f"  {scalar(package)}:\n"
    for key, found in row.items():
        one = f"    {key}: {listed(found)}\n"
        lines += one if len(one) <= 121 else f"    {key}:\n      [\n{wrapped(found, 8)}\n      ]\n"
    return lines


def compare_libraries(indexes):
    for package, row in yaml.safe_load(LIBRARIES.read_text())["packages"].items():
        for release, index in indexes.items():
            for name in [package, *row[release]] if release in row else []:
                if index.real(name) is None:
                    print(f"runtime-libs.yaml: {package}: {release} has no package `{name}`")


def main():
    arguments = parser(__doc__)
    arguments.add_argument("directory", type=pathlib.Path)
    arguments.add_argument("--fetch", action="store_true")
    arguments.add_argument("--names", type=pathlib.Path)
    arguments = arguments.parse_args()
    if arguments.fetch:
        fetch(arguments.directory)
    releases = [release for release in DEBIAN + UBUNTU if any(arguments.directory.glob(f"{release}/**/*Packages*"))]
    indexes = {release: Index(arguments.directory / release) for release in releases}
    names = arguments.names.read_text().split() if arguments.names else []
    compare_libraries(indexes)
    debian = {release: indexes[release] for release in releases if release in DEBIAN}
    texts = {SIZES: new_sizes(debian, names), RECOMMENDS: new_recommends(indexes, names)}
    finish({path: dated(text, "Packages indexes of") if text != path.read_text() else text for path, text in texts.items()}, arguments)


if __name__ == "__main__":
    main()
