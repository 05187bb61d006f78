"""Writes a full-text index of Markdown pages into a sqlite file."""
import pathlib
import sqlite3
import sys

import markdown

source, target = map(pathlib.Path, sys.argv[1:])
with sqlite3.connect(target) as db:
    db.execute("CREATE VIRTUAL TABLE page USING fts5(name, html)")
    for path in sorted(source.glob("*.md")):
        db.execute("INSERT INTO page VALUES (?, ?)", (path.stem, markdown.markdown(path.read_text())))
print("indexed", target)
