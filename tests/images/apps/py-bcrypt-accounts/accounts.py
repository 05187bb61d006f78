import http.server
import json
import os
import sqlite3

import argon2
import bcrypt

DB = os.environ["ACCOUNTS_DB"]


def database():
    connection = sqlite3.connect(DB)
    connection.execute("CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, hash BLOB, second TEXT)")
    return connection


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, {"ok": True, "user": os.environ.get("USER", ""), "root": os.getuid() == 0})

    def do_POST(self):
        form = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        word = form["password"].encode()
        with database() as connection:
            if self.path == "/register":
                row = (form["name"], bcrypt.hashpw(word, bcrypt.gensalt(4)), argon2.PasswordHasher(1, 8, 1).hash(word))
                connection.execute("INSERT OR REPLACE INTO account VALUES (?, ?, ?)", row)
                return self.answer(201, {"registered": form["name"]})
            found = connection.execute("SELECT hash FROM account WHERE name = ?", (form["name"],)).fetchone()
            self.answer(200, {"welcome": bool(found) and bcrypt.checkpw(word, found[0])})

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
