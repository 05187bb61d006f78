import datetime
import os
import signal
import sqlite3
import ssl
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        hour = datetime.datetime.fromtimestamp(0).hour
        rows = sqlite3.connect(":memory:").execute("SELECT 40 + 2").fetchone()
        certificates = len(ssl.create_default_context().get_ca_certs())
        text = f"{sys.version_info[:2]}, hour {hour}, rows {rows[0]}, certificates {certificates > 50}, in {os.getcwd()}"
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
HTTPServer(("", 8000), Answer).serve_forever()
