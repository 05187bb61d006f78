#!/usr/bin/env python3
"""Builds and runs applications before and after `imgopt rewrite`, and writes a table.

    cargo build && python3 tests/images/compare.py [NAME…] [--table docs/measured.md]

Needs Docker with buildx and Python 3.11. Every application below `apps/`, `later/` and `runtime/` has a Dockerfile, what it copies,
and a `probe.toml` (see README.md here) that says what to ask of it and what must come out. Each Dockerfile is built as it
is, as `imgopt rewrite` writes it, and as it writes it without the passes that split; the images are asked the same, and
have to answer the same. Exit code 1: a rewritten file does not build, or its image answers differently.

Results are kept in `target/images` by the hash of all that was built, so that a second run builds what has changed.
"""

import argparse
import copy
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
SPLITS = ["multi-stage", "runtime-stage"]
CONTRACT = ["non-root-user", "exec-form"]
# Raised when what is measured changes: kept results of another number are not used.
MEASURE = 2
# The image whose Python asks the services, from inside of their own network: they need no tool for it.
ASKER = "python:3.12-slim"
ASK = r"""
import json, sys, time, urllib.error, urllib.request
answers, deadline = [], time.monotonic() + 45
for ask in json.loads(sys.argv[1]):
    port, _, path = ask["path"].partition("/")
    post = ask.get("post")
    request = urllib.request.Request(f"http://127.0.0.1:{port}/{path}", None if post is None else post.encode())
    if "type" in ask:
        request.add_header("Content-Type", ask["type"])
    while True:
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                answers.append([answer.status, answer.read().decode("utf8", "replace")])
        except urllib.error.HTTPError as error:
            text = error.read().decode("utf8", "replace")
            # A proxy is up before what stands behind it.
            if error.code == 502 != ask.get("status") and time.monotonic() < deadline and not answers:
                time.sleep(0.2)
                continue
            answers.append([error.code, text])
        except OSError as error:
            if time.monotonic() < deadline and not answers:
                time.sleep(0.2)
                continue
            answers.append([0, str(error)])
        break
fields = dict(line.split(":", 1) for line in open("/proc/1/status") if ":" in line)
ids = {name: [int(word) for word in fields[name].split()] for name in ("Uid", "Gid", "Groups")}
print(json.dumps({"answers": answers, "uid": ids["Uid"][1], "gids": [ids["Gid"][1], *ids["Groups"]]}))
"""


def docker(*words, **options):
    """The finished `docker` command: its output is text, with what it says on standard error."""
    return subprocess.run(
        ["docker", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", **options
    )


class Builder:
    """How files are built here: what `--build-option` and `--drop-syntax` say."""

    def __init__(self, options, drop_syntax):
        self.options = options
        self.drop_syntax = drop_syntax

    def build(self, context, tag):
        """Whether the Dockerfile of a context builds, the end of the log, and the steps that ran (no FROM)."""
        dockerfile = context / "Dockerfile"
        if self.drop_syntax:
            text = re.sub(r"(?im)\A(#\s*(?:escape|check)\s*=.*\n)*#\s*syntax\s*=.*\n", r"\1", dockerfile.read_text())
            dockerfile.write_text(text)
        done = docker("build", "--progress=plain", *self.options, "--tag", tag, str(context))
        steps = re.findall(r"^#(\d+) \[[^\]]*\d+/\d+\] (?!FROM )", done.stdout, re.MULTILINE)
        cached = re.findall(r"^#(\d+) CACHED", done.stdout, re.MULTILINE)
        return done.returncode == 0, done.stdout[-3000:], len(set(steps)), len(set(steps) - set(cached))


class Application:
    """A folder below `apps/`, `later/` or `runtime/`."""

    def __init__(self, folder):
        self.folder = folder
        self.kind = folder.parent.name
        self.name = folder.name
        self.probe = tomllib.loads((folder / "probe.toml").read_text())

    def rewritten(self):
        """The same application as it is asked when it was rewritten: on the ports of `moved`."""
        moved = self.probe.get("moved", {})
        after = copy.copy(self)
        asks = [ask | {"path": "/".join([moved.get(port, port), path])} for ask in self.probe.get("ask", []) for port, _, path in [ask["path"].partition("/")]]
        after.probe = self.probe | ({"ask": asks} if asks else {}) | ({"unhealthy": False} if "unhealthy" in self.probe else {})
        return after

    def copy(self, place):
        """The build context in a folder of its own, without what is no part of the application."""
        context = place / "context"
        ignore = shutil.ignore_patterns("probe.toml", "forced.Dockerfile")
        shutil.copytree(self.folder, context, symlinks=True, ignore=ignore)
        return context


def digest(context, probe):
    """The hash of all files of a context, their modes, and what is asked."""
    whole = hashlib.sha256(json.dumps([MEASURE, probe], sort_keys=True).encode())
    for path in sorted(context.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        mode = path.lstat().st_mode
        whole.update(f"{path.relative_to(context)} {mode:o} {len(content)} ".encode() + content)
    return whole.hexdigest()[:24]


def measure(application, context, builder, fresh):
    """Builds and asks a context, or finds what came out when it was done before."""
    key = digest(context, application.probe)
    kept = ROOT / "target" / "images" / f"{application.name}-{key}.json"
    if kept.exists() and not fresh:
        return json.loads(kept.read_text())
    tag = f"imgopt-measured:{application.name}"
    started = time.monotonic()
    built, log, steps, _ = builder.build(context, tag)
    result = {"built": built, "steps": steps, "seconds": round(time.monotonic() - started, 1), "problems": []}
    if not built:
        return result | {"log": log, "problems": ["does not build"]}
    try:
        image = json.loads(docker("image", "inspect", tag).stdout)[0]
        result |= {"bytes": image["Size"], "user": image["Config"].get("User", "")}
        ask_once(application.probe, tag, result)
        if {"ask", "logs"} & application.probe.keys():
            serve(application, image["Config"], tag, result)
        if "touch" in application.probe and not result["problems"]:
            with (context / application.probe["touch"]).open("a") as file:
                file.write("\n")
            _, _, _, result["again"] = builder.build(context, tag)
    finally:
        docker("image", "rm", "--force", tag)
    if not result["problems"]:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(result, indent=1))
    return result


def start_options(probe):
    """Ports below 1024 are as on a machine: root's. No network, so that nothing comes out of anything else."""
    options = ["--network=none", "--sysctl=net.ipv4.ip_unprivileged_port_start=1024"]
    return options + [f"--env={name}={value}" for name, value in probe.get("env", {}).items()]


def expect(what, text, wanted, problems):
    for part in wanted:
        if part not in text:
            problems.append(f"{what}: no {part!r} in {text[-1500:]!r}")


def ask_once(probe, tag, result):
    """The `run` entries: a container each, with other arguments."""
    result["runs"] = []
    for run in probe.get("run", []):
        words = run.get("command", [])
        done = docker("run", "--rm", *start_options(probe), tag, *words, timeout=120)
        what = f"run {shlex.join(words)}".strip()
        if done.returncode != run.get("exit", 0):
            result["problems"].append(f"{what}: exit {done.returncode}: {done.stdout[-1500:]}")
        expect(what, done.stdout, run.get("contains", []), result["problems"])
        if not run.get("varies"):
            result["runs"].append([done.returncode, done.stdout])


def serve(application, config, tag, result):
    """Starts the image as it is, asks it, runs its health check, looks what it wrote, and stops it."""
    probe, problems = application.probe, result["problems"]
    container = docker("run", "--detach", *start_options(probe), tag).stdout.split()[-1]
    try:
        asks = probe.get("ask", [])
        namespaces = [f"--network=container:{container}", f"--pid=container:{container}"]
        done = docker("run", "--rm", *namespaces, ASKER, "python", "-c", ASK, json.dumps(asks), timeout=120)
        if done.returncode != 0:
            problems.append(f"does not run: {docker('logs', container).stdout[-2000:]}")
            return
        told = json.loads(done.stdout.splitlines()[-1])
        result |= {"uid": told["uid"], "answers": [], "missed": []}
        for ask, (status, text) in zip(asks, told["answers"]):
            if status != ask.get("status", 200):
                logs = docker("logs", container).stdout[-1500:]
                problems.append(f"{ask['path']}: status {status}: {text[-500:]}; it logged: {logs}")
            expect(ask["path"], text, ask.get("contains", []), problems)
            if not ask.get("varies"):
                result["answers"].append([status, text])
        # A worker has no answer that says it is ready: what it logs does.
        deadline = time.monotonic() + 20
        for entry in probe.get("logs", []):
            while any(part not in docker("logs", container).stdout for part in entry.get("contains", [])):
                if time.monotonic() > deadline:
                    break
                time.sleep(0.2)
            expect("log", docker("logs", container).stdout, entry.get("contains", []), problems)
        result["health"] = health(config, container)
        if result["health"] not in (None, 0) and not probe.get("unhealthy"):
            problems.append(f"the health check fails with {result['health']}")
        written = docker("diff", container).stdout.split("\n")
        for folder in probe.get("writes", []):
            if not any(line[2:].startswith(f"{folder}/") for line in written) and not volume(config, folder):
                problems.append(f"nothing was written to {folder}")
        if application.kind == "runtime" and told["uid"] != 0:
            result["writable"] = writable(container, told["uid"], told["gids"], [*probe.get("writes", []), *probe.get("owns", [])])
        result["stop"] = stop(container)
        for entry in probe.get("logs", []):
            expect("log at the end", docker("logs", container).stdout, entry.get("after_stop", []), result["missed"])
    finally:
        docker("rm", "--force", "--volumes", container)


def stop(container):
    """Seconds from the signal to the end of the program, as the daemon saw them: a busy machine starts `docker` late."""
    since = time.time()
    docker("stop", "--time=10", container)
    words = [f"--since={since:.6f}", f"--until={time.time() + 1:.6f}", f"--filter=container={container}"]
    events = docker("events", *words, "--format={{.TimeNano}} {{.Action}}").stdout.split("\n")
    times = {}
    for line in filter(None, events):
        nanoseconds, _, action = line.partition(" ")
        times.setdefault(action, int(nanoseconds) / 1e9)
    if "kill" in times and "die" in times:
        return round(times["die"] - times["kill"], 1)
    return round(time.time() - since, 1)


def volume(config, folder):
    """`docker diff` does not look into volumes."""
    return any(folder == place or folder.startswith(f"{place}/") for place in config.get("Volumes") or {})


def health(config, container):
    """The exit code of the image's own health check."""
    test = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
    if test[0] == "NONE":
        return None
    words = ["/bin/sh", "-c", test[1]] if test[0] == "CMD-SHELL" else test[1:]
    return docker("exec", container, *words, timeout=60).returncode


def writable(container, uid, gids, wanted):
    """Topmost paths that belong to the user or its groups and let them write, but for what the probe names and homes."""
    allowed = [path.strip("/") for path in [*wanted, "/tmp", "/var/tmp", "/home", "/dev", "/proc", "/sys"]]
    found = set()
    with subprocess.Popen(["docker", "export", container], stdout=subprocess.PIPE) as export:
        with tarfile.open(fileobj=export.stdout, mode="r|") as tar:
            for member in tar:
                path = member.name.strip("/").removeprefix("./")
                mine = (member.uid == uid and member.mode & 0o200) or (member.gid in gids and member.mode & 0o020)
                inside = any(path == place or path.startswith(f"{place}/") for place in [*allowed, *found])
                if mine and not member.issym() and not inside:
                    found.add(path)
    return sorted(f"/{path}" for path in found)


def rewrite(imgopt, application, place, skip):
    """Rewrites in a copy of the context; returns the copy with the result as its Dockerfile, and the report."""
    context = application.copy(place)
    level = application.probe.get("level", "guarded")
    asked = [f"--level={level}", *application.probe.get("options", []), *(f"--skip={name}" for name in skip)]
    words = [str(imgopt), "rewrite", "--format=json", *asked, "Dockerfile"]
    done = subprocess.run(words, cwd=context, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{application.name}: imgopt ended with {done.returncode}: {done.stderr}")
    for name in ["Dockerfile", "Dockerfile.dockerignore"]:
        written = context / name.replace("Dockerfile", "Dockerfile.optimized", 1)
        if written.exists():
            written.replace(context / name)
    return context, json.loads(done.stdout)["files"][0]


def splits(imgopt):
    """The passes that split, of those that the program has."""
    known = subprocess.run([str(imgopt), "passes"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return [name for name in SPLITS if re.search(rf"^{name}\b", known, re.MULTILINE)]


def compare(application, imgopt, builder, options):
    """All that the table and the exit code say about an application."""
    fresh = options.fresh
    row = {"name": application.name, "kind": application.kind, "problems": []}
    with tempfile.TemporaryDirectory(prefix="imgopt-images.") as temporary:
        places = [Path(temporary) / name for name in ("before", "after", "unsplit", "forced")]
        for place in places:
            place.mkdir()
        row["before"] = measure(application, application.copy(places[0]), builder, fresh)
        if row["before"]["problems"]:
            row["problems"] = [f"the original {problem}" for problem in row["before"]["problems"]]
            row["log"] = row["before"].get("log", "")
            return row
        context, report = rewrite(imgopt, application, places[1], [])
        row["text"] = (context / "Dockerfile").read_text()
        row["passes"] = sorted({change["pass"] for change in report["rewrites"]})
        row["declined"] = [[entry["pass"], entry["reason"]] for entry in report["declined"]]
        row["split"] = any(name in SPLITS for name in row["passes"])
        row["after"] = measure(application.rewritten(), context, builder, fresh)
        row["log"] = row["after"].get("log", "")
        row["problems"] = row["after"]["problems"] or differences(application, row["before"], row["after"])
        if row["split"] and not options.quick:
            context, _ = rewrite(imgopt, application, places[2], splits(imgopt))
            row["unsplit"] = measure(application, context, builder, fresh)
        elif not row["split"]:
            row["unsplit"] = row["after"]
        forced = application.folder / "forced.Dockerfile"
        if forced.exists():
            context = application.copy(places[3])
            shutil.copy(forced, context / "Dockerfile")
            row["forced"] = measure(application, context, builder, fresh)["problems"]
            if not row["forced"]:
                row["problems"].append("forced.Dockerfile works, and should show why it is declined")
    return row


def differences(application, before, after):
    """What a rewritten image does otherwise, in the eyes of whoever runs it."""
    problems = list(after.get("missed", []))
    for what in ("runs", "answers", "health"):
        if what == "health" and application.probe.get("unhealthy"):
            continue
        if before.get(what) != after.get(what):
            problems.append(f"{what}: {before.get(what)!r} became {after.get(what)!r}")
    limit = application.probe.get("stop", max(before.get("stop", 0) + 1, 2))
    if after.get("stop", 0) > limit:
        problems.append(f"stops after {after['stop']} s, not {limit} s")
    if after.get("uid", 0) != 0 and after["uid"] != before["uid"] and after.get("writable"):
        problems.append(f"may write where it need not: {', '.join(after['writable'])}")
    return problems


def megabytes(result):
    return f"{result['bytes'] / 1e6:.0f}" if "bytes" in result else "–"


def outcome(row, passes):
    """A cell: what was done, or the first reason of each pass that declined."""
    if row["problems"]:
        return f"**{row['problems'][0].splitlines()[0][:160]}**".replace("|", "\\|")
    done = [name for name in passes if name in row["passes"]]
    reasons = {name: reason for name, reason in reversed(row["declined"]) if name in passes and name not in done}
    cells = [", ".join(f"`{name}`" for name in done)] if done else []
    cells += [f"{name}: {reasons[name]}" for name in passes if name in reasons]
    return "; ".join(cells).replace("|", "\\|") or "nothing to do"


def table(rows):
    """Markdown: two tables for sizes and steps, one for how images run."""
    lines = []
    for kind in ("apps", "later", "further"):
        apps = [row for row in rows if row["kind"] == kind]
        if not apps:
            continue
        lines += [f"### `{kind}`", ""]
        lines += ["| application | before MB | unsplit MB | after MB | smaller | steps again | outcome |", "|---|--:|--:|--:|--:|--:|---|"]
        for row in apps:
            before, after = row["before"], row.get("after", {})
            smaller = f"{saved(row):.0%}" if "bytes" in after else "–"
            sizes = " | ".join(megabytes(result) for result in (before, row.get("unsplit", {}), after))
            again = f"{before.get('again', '–')}/{before['steps']} → {after.get('again', '–')}/{after.get('steps', '–')}"
            lines.append(f"| {row['name']} | {sizes} | {smaller} | {again} | {outcome(row, SPLITS)} |")
        lines += ["", summary(apps), ""]
    contract = [row for row in rows if row["kind"] == "runtime"]
    if contract:
        lines += ["### `runtime`", ""]
        lines += ["| application | user | stops after s | breaks when forced | outcome |", "|---|---|---|---|---|"]
        for row in contract:
            before, after = row["before"], row.get("after", {})
            forced = row.get("forced", ["–"])
            cells = [f"{before.get('uid', '–')} → {after.get('uid', '–')}", f"{before.get('stop', '–')} → {after.get('stop', '–')}"]
            cells.append(re.sub(r"\s+", " ", forced[0])[:80].replace("|", "\\|") if forced else "**no**")
            lines.append(f"| {row['name']} | {' | '.join(cells)} | {outcome(row, CONTRACT)} |")
        lines.append("")
    return "\n".join(lines)


def saved(row):
    return 1 - row["after"]["bytes"] / row["before"]["bytes"]


def summary(apps):
    good = [row for row in apps if not row["problems"]]
    if not good:
        return "No application was measured."
    split = [row for row in good if row["split"]]
    text = f"{len(apps)} applications, {len(good)} of them rewritten with the same answers, {len(split)} split; "
    text += f"mean size {sum(map(saved, good)) / len(good):.0%} below the original"
    if split:
        text += f"; those split: {sum(map(saved, split)) / len(split):.0%} below it"
        pairs = [(row["after"]["bytes"], row["unsplit"]["bytes"]) for row in split if "bytes" in row.get("unsplit", {})]
        if pairs:
            against = sum(1 - after / unsplit for after, unsplit in pairs) / len(pairs)
            text += f" and {against:.0%} below what is written without the split"
    larger = [row["name"] for row in good if saved(row) < 0]
    slower = [row["name"] for row in split if 2 * row["after"].get("again", 0) > row["after"]["steps"]]
    text += f". Larger: {', '.join(larger) or 'none'}. Split, and more than half of the steps run again after a change: {', '.join(slower) or 'none'}."
    return text


def program():
    for profile in ("release", "debug"):
        if (ROOT / "target" / profile / "imgopt").exists():
            return ROOT / "target" / profile / "imgopt"
    raise SystemExit("no imgopt: cargo build, or --imgopt PATH")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="applications; all of them when none is named")
    parser.add_argument("--imgopt", type=Path, help="the program; target/release/imgopt, else target/debug/imgopt")
    parser.add_argument("--build-option", action="append", default=[], metavar="OPTION", help="given to docker build")
    parser.add_argument("--drop-syntax", action="store_true", help="build without `# syntax=`: no frontend can be pulled")
    parser.add_argument("--quick", action="store_true", help="do not build what is written without the split")
    parser.add_argument("--fresh", action="store_true", help="build all of it again")
    parser.add_argument("--originals", action="store_true", help="build and ask the originals only")
    parser.add_argument("--table", type=Path, metavar="FILE", help="replace what is between the marks of FILE, or write it")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that is known about each application")
    options = parser.parse_args()
    applications = [Application(path.parent) for path in sorted(HERE.glob("*/*/probe.toml"))]
    unknown = set(options.names) - {application.name for application in applications}
    if unknown:
        parser.error(f"no such application: {', '.join(sorted(unknown))}")
    builder = Builder(options.build_option, options.drop_syntax)
    imgopt = None if options.originals else (options.imgopt or program()).resolve()
    rows = []
    for application in applications:
        if options.names and application.name not in options.names:
            continue
        print(f"{application.name} …", end=" ", file=sys.stderr, flush=True)
        if options.originals:
            with tempfile.TemporaryDirectory(prefix="imgopt-images.") as temporary:
                result = measure(application, application.copy(Path(temporary)), builder, options.fresh)
            row = {"name": application.name, "problems": result["problems"], "log": result.get("log", ""), "before": result}
        else:
            row = compare(application, imgopt, builder, options)
        rows.append(row)
        print("; ".join(row["problems"]) or "good", file=sys.stderr)
        if row["problems"]:
            print(row.get("log", ""), file=sys.stderr)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))
    if not options.originals:
        write_table(table(rows), options.table)
    return int(any(row["problems"] for row in rows))


def write_table(text, path):
    start, end = "<!-- measured -->\n", "<!-- /measured -->\n"
    if path is None:
        print(text)
    elif path.exists() and start in path.read_text():
        old = path.read_text()
        path.write_text(old[: old.index(start) + len(start)] + text + old[old.index(end) :])
    else:
        path.write_text(start + text + end)


if __name__ == "__main__":
    sys.exit(main())
