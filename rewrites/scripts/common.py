"""What the scripts of the tables share: arguments, YAML as the tables write it, and what is done with the result."""

import argparse
import datetime
import difflib
import pathlib
import re
import subprocess
import sys

REWRITES = pathlib.Path(__file__).resolve().parent.parent
WIDTH = 110


def parser(description):
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = made.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help="change the tables; without it, what would change is printed")
    what.add_argument("--check", action="store_true", help="end with 1 when a table would change")
    return made


def finish(texts, arguments):
    """Prints what would change in the tables, given as path → new text, or writes it."""
    changed = False
    for path, new in texts.items():
        old = path.read_text()
        name = str(path.relative_to(REWRITES.parent))
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), name, name, lineterm="", n=0)
        for line in lines:
            changed = True
            print(line)
        if arguments.write and new != old:
            path.write_text(new)
    if not changed:
        print("nothing to change")
    sys.exit(1 if arguments.check and changed else 0)


def git(clone, *command):
    return subprocess.run(["git", "-C", clone, *command], check=True, capture_output=True, text=True).stdout


def scalar(text):
    """A text as YAML has it: in quotes where it would be read as something else."""
    is_plain = re.fullmatch(r"[A-Za-z_./][A-Za-z0-9_./+-]*|\d[\w.+-]*[A-Za-z-][\w.+-]*", text)
    is_number = re.fullmatch(r"[\d.]+(e\d+)?", text)
    is_word = text in ("yes", "no", "on", "off", "true", "false", "null")
    return text if is_plain and not is_number and not is_word else f'"{text}"'


def listed(items):
    return "[" + ", ".join(scalar(item) for item in items) + "]"


def wrapped(items, indent):
    """The lines of a list over several lines."""
    lines, line = [], " " * indent
    for number, item in enumerate(items):
        word = scalar(item)
        comma = number + 1 < len(items)
        if len(line) + len(word) + comma > WIDTH and line.strip():
            lines.append(line.rstrip())
            line = " " * indent
        line += f"{word}, "
    return "\n".join([*lines, line.rstrip()])


def dated(text, source):
    """The text with the day of today for the sources that begin so."""
    day = datetime.date.today().isoformat()
    return re.sub(rf'(\{{name: "{re.escape(source)}[^"]*", date: )[\d-]+', rf"\g<1>{day}", text)
