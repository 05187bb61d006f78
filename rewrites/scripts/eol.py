#!/usr/bin/env python3
"""Makes the cycles of eol.yaml from a clone of github:endoflife-date/endoflife.date.

    python3 rewrites/scripts/eol.py CLONE [--write]

Families are those of the table, and of each the newest sixteen cycles. Without --write, the rows that would change are printed.
"""

import argparse
import datetime
import pathlib
import re
import subprocess

import yaml

TABLE = pathlib.Path(__file__).resolve().parent.parent / "eol.yaml"
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", type=pathlib.Path)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()

    def git(*command):
        return subprocess.run(["git", "-C", arguments.clone, *command], check=True, capture_output=True, text=True).stdout

    text = TABLE.read_text()
    for family in yaml.safe_load(text)["families"]:
        name = family["family"]
        page = git("show", f"HEAD:products/{PRODUCTS.get(name, name)}.md")
        releases = next(yaml.safe_load_all(page))["releases"]
        named = any("names" in row for row in family["cycles"])
        rows = [written(cycle(release, named)) for release in reversed(releases[:NEWEST])]
        block = re.search(rf"(?m)^  - family: {name}\n(?:    \w.*\n)*?    cycles:\n((?:      - .*\n)+)", text)
        old = [line.strip().removeprefix("- ") for line in block[1].splitlines()]
        for row in sorted(set(old) ^ set(rows)):
            print("-" if row in old else "+", name, row)
        text = text[: block.start(1)] + "".join(f"      - {row}\n" for row in rows) + text[block.end(1) :]
    if arguments.write:
        commit, day = git("log", "-1", "--format=%H %cs").split()
        source = f'source: {{name: "github:endoflife-date/endoflife.date@{commit[:12]}", date: {day}}}'
        TABLE.write_text(re.sub(r"(?m)^source: .*$", source, text))


if __name__ == "__main__":
    main()
