#!/usr/bin/env python3
"""Makes the megabytes of sizes.yaml from a clone of github:docker-library/repo-info, or a directory with its folder `repos`.

    python3 rewrites/scripts/images.py DIRECTORY [--write | --check]

The source of a row names the page, IMAGE/remote/TAG.md, and what of it is meant: the whole image; `first layer`; `sum of its layers`; or `its
layers`, as many from the first on as come closest to the row. Rows without a page in the directory stay. Sizes are those of linux/amd64.
"""

import itertools
import pathlib
import re

import yaml
from common import REWRITES, dated, finish, parser

TABLE = REWRITES / "sizes.yaml"
BYTES = re.compile(r"Size: (?:\*\*)?[\d.]+ \w?B(?: \((\d+) bytes\))?")


def section(text):
    """What the page says of linux/amd64."""
    found = re.search(r"(?m)^### .* - linux; amd64\n((?:(?!^### ).*\n?)*)", text)
    return found[1] if found else None


def megabytes(text, what, old):
    total = int(re.search(r"Total Size: \*\*[^(]*\((\d+) bytes\)", text)[1])
    layers = [int(match[1] or 0) for match in BYTES.finditer(text[text.index("-\tLayers:") :])]
    match what:
        case "":
            size = total
        case "first layer":
            size = layers[0]
        case "sum of its layers":
            size = sum(layers)
        case "its layers":
            size = min(itertools.accumulate(layers), key=lambda sum: abs(sum - old * 1e6))
        case _:
            raise SystemExit(f"sizes.yaml: `{what}` says nothing")
    return round(size / 1e6, 1)


def main():
    arguments = parser(__doc__)
    arguments.add_argument("directory", type=pathlib.Path)
    arguments = arguments.parse_args()
    old_text = text = TABLE.read_text()
    seen = 0
    for row in yaml.safe_load(text)["images"]:
        page, _, what = row["source"]["name"].removeprefix("docker-library/repo-info ").partition(", ")
        file = arguments.directory / "repos" / page.partition("@")[0]
        part = section(file.read_text()) if file.is_file() else None
        if part is None:
            continue
        seen += 1
        size = megabytes(part, what, row["megabytes"])
        head = f'image: "{row["image"]}", megabytes: '
        text = text.replace(f"{head}{row['megabytes']},", f"{head}{size},")
    print(f"{seen} rows have a page")
    finish({TABLE: dated(text, "docker-library/repo-info") if text != old_text else text}, arguments)


if __name__ == "__main__":
    main()
