import http.server
import os
import signal
import sys

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/var/lib/store/hits", "a+") as file:
            file.write("x")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"stored as {os.getuid()}\n".encode())


http.server.ThreadingHTTPServer(("", 7000), Handler).serve_forever()
