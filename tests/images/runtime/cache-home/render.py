import hashlib
import http.server
import os
import signal
import sys
from pathlib import Path

cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pages"
cache.mkdir(parents=True, exist_ok=True)


def render(name):
    path = cache / hashlib.sha256(name.encode()).hexdigest()
    if path.exists():
        return path.read_text(), "cached"
    path.write_text(f"page of {name}\n")
    return path.read_text(), "rendered"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        text, how = render(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"{how}: {text}".encode())


if "--warm" in sys.argv:
    render("/home")
else:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
