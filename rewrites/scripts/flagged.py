#!/usr/bin/env python3
"""Names packages of Python that may need more than their wheels when they run: candidates for `--flagged` of pypi.py.

    python3 rewrites/scripts/flagged.py WHEELS [--seen FILE]

WHEELS is a folder of wheels, such as `pip download --no-deps --only-binary :all: --dest WHEELS NAME` fills, or of unpacked sources.
A package is named with each place in it that starts programs, and names one that slim images lack; that loads a library by name;
that is linked with a library of slim images' full variants; and that cannot be read. What images lack is from bases.yaml. A person
then reads these places: a program that a comment names, or an option that nobody has to use, is no need. FILE keeps what was found,
by the name of the wheel, so that later runs read new ones only.
"""

import argparse
import ast
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings
import zipfile

import yaml
from common import REWRITES

BASES = REWRITES / "bases.yaml"
# Larger wheels are not read: they are named as such.
LARGEST = 60_000_000
# Folders whose code runs in tests and on other systems.
ASIDE = re.compile(r"(^|/)(tests?|testing|docs?|examples?|benchmarks?)/|(^|/)(test_|conftest)|(?i:macos|darwin|osx|win32|windows|cygwin)")
# Functions of subprocess, os, shutil, asyncio, distutils and pexpect that start programs or look for them.
STARTS = re.compile(
    r"(Popen|run|call|check_call|check_output|getoutput|getstatusoutput|system|popen|startfile|which|find_executable|spawn\w*|"
    r"exec[lv]p?e?|posix_spawnp?|create_subprocess_(exec|shell)|subprocess_(exec|shell))$"
)
MODULES = re.compile(r"\b(subprocess|os|shutil|asyncio|distutils|pexpect|ptyprocess|sh|plumbum)\b")
LOADS = {"CDLL", "PyDLL", "LoadLibrary", "dlopen", "find_library"}
# What every image with Python has.
OWN_LIBRARIES = re.compile(r"(lib)?(c|m|dl|rt|pthread|util)(\.so\.\d+)?$")
# Calls that get words, not commands.
WORDS = {
    "add_argument", "append_text", "debug", "endswith", "error", "field", "get", "getattr", "hasattr", "info", "isinstance", "join",
    "open", "option", "pop", "print", "removeprefix", "setattr", "setdefault", "split", "startswith", "strip", "warn", "warning",
}  # fmt: skip


def lacking():
    """Programs and libraries that full images have and slim ones lack."""
    programs, libraries = set(), set()
    for release in yaml.safe_load(BASES.read_text())["sets"].values():
        for kind, found in (("programs", programs), ("libraries", libraries)):
            for names in release[kind].values():
                found.update(names)
    return programs, libraries


def name_of(call):
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


class Reader(ast.NodeVisitor):
    """Collects the programs that a module names where a command could stand, and what it loads."""

    def __init__(self, programs):
        self.programs, self.named, self.loaded, self.starts = programs, set(), set(), False

    def visit_Constant(self, node):
        words = node.value.split(maxsplit=1) if isinstance(node.value, str) else []
        program = words[0].rsplit("/", 1)[-1] if words else ""
        if program in self.programs:
            self.named.add(program)

    def visit_Call(self, node):
        name = name_of(node)
        self.starts |= bool(STARTS.match(name))
        if name in LOADS and node.args:
            value = getattr(node.args[0], "value", "?")
            if value and not (isinstance(value, str) and OWN_LIBRARIES.match(value)):
                self.loaded.add(value if isinstance(value, str) else "a library")
        if name not in WORDS:
            self.generic_visit(node)
        else:
            self.visit(node.func)

    def visit_Expr(self, node):
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Dict(self, node):
        for value in node.values:
            self.visit(value)

    def visit_Subscript(self, node):
        self.visit(node.value)

    def leave_out(self, node):
        """What is compared, or said in an error, is no command."""

    visit_Compare = visit_Raise = visit_Assert = visit_Match = leave_out


def read_python(text, programs):
    """What a module does, in words; None if it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ["cannot be read"] if "subprocess" in text or "ctypes" in text else []
    reader = Reader(programs)
    reader.visit(tree)
    found = [f"loads {library}" for library in sorted(reader.loaded)]
    if reader.starts and MODULES.search(text):
        found += [f"starts {program}" for program in sorted(reader.named)]
    return found


def read_library(content, libraries, inside):
    """The libraries that a library is linked with, that slim images lack and the package does not bring."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        said = subprocess.run(["readelf", "-d", file.name], capture_output=True, text=True).stdout
    needed = re.findall(r"NEEDED.*\[(.*?)\]", said)
    return [f"is linked with {library}" for library in needed if library in libraries and library not in inside]


def files_of(package):
    """Name and content of the files of a wheel, or of a folder with sources."""
    if package.is_dir():
        for path in sorted(package.rglob("*")):
            if path.is_file() and (path.suffix == ".py" or ".so" in path.name):
                yield str(path.relative_to(package)), path.read_bytes
        return
    with zipfile.ZipFile(package) as wheel:
        for name in wheel.namelist():
            yield name, lambda name=name: wheel.read(name)


def read(package, programs, libraries):
    """What a package has, by file."""
    if package.is_file() and package.stat().st_size > LARGEST:
        return ["it is too large"]
    found = []
    try:
        files = list(files_of(package)) if package.is_dir() else None
        inside = {name.rsplit("/", 1)[-1] for name, _ in files or files_of(package)}
        for name, content in files or files_of(package):
            if ASIDE.search(name):
                continue
            if name.endswith(".py"):
                places = read_python(content().decode("utf-8", "replace"), programs)
            elif ".so" in name.rsplit("/", 1)[-1]:
                places = read_library(content(), libraries, inside)
            else:
                continue
            found += [f"{name} {place}" for place in places]
    except zipfile.BadZipFile:
        return ["it is no wheel"]
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheels", type=pathlib.Path)
    parser.add_argument("--seen", type=pathlib.Path)
    arguments = parser.parse_args()
    programs, libraries = lacking()
    seen = json.loads(arguments.seen.read_text()) if arguments.seen and arguments.seen.exists() else {}
    for package in sorted(arguments.wheels.iterdir()):
        if package.name not in seen:
            seen[package.name] = read(package, programs, libraries)
        for place in seen[package.name]:
            print(f"{package.name.split('-')[0]}: {place}")
    if arguments.seen:
        arguments.seen.write_text(json.dumps(seen, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
