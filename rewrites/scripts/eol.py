#!/usr/bin/env python3
"""Makes the cycles of eol.yaml from a clone of github:endoflife-date/endoflife.date.

    python3 rewrites/scripts/eol.py CLONE [--write | --check]

Families are those of the table, and of each the newest sixteen cycles.
"""

import datetime
import re

import yaml
from common import REWRITES, finish, git, parser

TABLE = REWRITES / "eol.yaml"
# What the site calls a family, where it has another name there.
PRODUCTS = {
    "alpine": "alpine-linux", "amazoncorretto": "amazon-corretto", "amazonlinux": "amazon-linux", "golang": "go",
    "httpd": "apache-http-server", "maven": "apache-maven", "mongo": "mongodb", "node": "nodejs",
    "openjdk": "openjdk-builds-from-oracle", "oraclelinux": "oracle-linux", "postgres": "postgresql",
    "rockylinux": "rocky-linux", "ubi": "rhel",
}  # fmt: skip
NEWEST = 16


def support(value):
    if isinstance(value, datetime.date):
        return value.isoformat()
    return {False: "supported", True: "ended"}[value]


def cycle(release, named):
    row = {"cycle": str(release["releaseCycle"]), "end": support(release["eol"])}
    if isinstance(release.get("eoes"), datetime.date):
        row["extended"] = support(release["eoes"])
    if named and release.get("codename"):
        row["names"] = [release["codename"].split()[0].lower()]
    return row


def written(row):
    quote = lambda key, value: f'"{value}"' if key == "cycle" else f"[{', '.join(value)}]" if key == "names" else value
    return "{" + ", ".join(f"{key}: {quote(key, value)}" for key, value in row.items()) + "}"


def main():
    arguments = parser(__doc__)
    arguments.add_argument("clone")
    arguments = arguments.parse_args()

    text = TABLE.read_text()
    for family in yaml.safe_load(text)["families"]:
        name = family["family"]
        page = git(arguments.clone, "show", f"HEAD:products/{PRODUCTS.get(name, name)}.md")
        releases = next(yaml.safe_load_all(page))["releases"]
        named = any("names" in row for row in family["cycles"])
        newest = sorted(releases[:NEWEST], key=lambda release: [int(part) for part in re.findall(r"\d+", str(release["releaseCycle"]))])
        rows = [written(cycle(release, named)) for release in newest]
        block = re.search(rf"(?m)^  - family: {name}\n(?:    \w.*\n)*?    cycles:\n((?:      - .*\n)+)", text)
        text = text[: block.start(1)] + "".join(f"      - {row}\n" for row in rows) + text[block.end(1) :]
    if text != TABLE.read_text():
        commit, day = git(arguments.clone, "log", "-1", "--format=%H %cs").split()
        source = f'source: {{name: "github:endoflife-date/endoflife.date@{commit[:12]}", date: {day}}}'
        text = re.sub(r"(?m)^source: .*$", source, text)
    finish({TABLE: text}, arguments)


if __name__ == "__main__":
    main()
