import http.server
import signal
import sys
from pathlib import Path


def stop(*_):
    print("closed in order", flush=True)
    sys.exit(0)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"schema {Path('/tmp/schema').read_text()}\n".encode())


signal.signal(signal.SIGTERM, stop)
http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
