import http.server
import os
import signal
import sys
from pathlib import Path

data = Path(os.environ["DATA"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        (data / "note").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        self.do_GET()

    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write((data / "note").read_bytes())


http.server.ThreadingHTTPServer(("", int(sys.argv[2])), Handler).serve_forever()
