#!/usr/bin/env python3
"""Prints, as Markdown, what each pass does with a folder of Dockerfiles.

    cargo build --release
    python3 tests/passes_table.py FOLDER [--imgopt target/release/imgopt] [--sample 1000]

For each pass: files that it rewrites, files in which it leaves a place alone and says why, the share of applied rewrites
among these places, and how often; then the most frequent reasons. It knows no pass by name.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import subprocess
import sys


def files_of(options):
    files = sorted(str(path) for path in options.folder.rglob("*ockerfile*") if path.is_file())
    random.seed(1)
    return random.sample(files, min(options.sample or len(files), len(files)))


def outcomes(imgopt, files):
    for start in range(0, len(files), 300):
        command = [imgopt, "check", "--level", "guarded", "--format", "json", *files[start:start + 300]]
        text = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        yield from json.loads(text)["files"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--imgopt", default="target/release/imgopt")
    parser.add_argument("--sample", type=int, help="look at so many files, picked at random but always the same")
    options = parser.parse_args()
    applied, declined = collections.Counter(), collections.Counter()
    rewritten, left = collections.defaultdict(set), collections.defaultdict(set)
    reasons = collections.defaultdict(collections.Counter)
    status = collections.Counter()
    n_violations = 0
    for file in outcomes(options.imgopt, files_of(options)):
        status[file["status"]] += 1
        n_violations += len(file["violations"])
        for rewrite in file["rewrites"]:
            applied[rewrite["pass"]] += 1
            rewritten[rewrite["pass"]].add(file["path"])
        for place in file["declined"]:
            declined[place["pass"]] += 1
            left[place["pass"]].add(file["path"])
            reasons[place["pass"]][re.sub(r"`[^`]*`|\d+", "…", place["reason"])] += 1
    counts = ", ".join(f"{number} {name}" for name, number in status.most_common())
    print(f"{sum(status.values())} files: {counts}; violations: {n_violations}.\n")
    print("| pass | files rewritten | files with a place left alone | rewrites | places left alone | share applied |")
    print("|---|--:|--:|--:|--:|--:|")
    for name in sorted(set(applied) | set(declined)):
        share = 100 * applied[name] / (applied[name] + declined[name])
        print(f"| `{name}` | {len(rewritten[name])} | {len(left[name])} | {applied[name]} | {declined[name]} | {share:.0f} % |")
    for name in sorted(reasons):
        print(f"\n`{name}` leaves a place alone because:\n")
        for reason, number in reasons[name].most_common(10):
            print(f"- {number}: {reason}")
    return 1 if n_violations else 0


if __name__ == "__main__":
    sys.exit(main())
