import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

os.makedirs("/srv/press/pages", exist_ok=True)


class Press(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with open("/srv/press/pages/front.txt", "wb") as page:
            page.write(body)
        self.answer(body)

    def do_GET(self):
        with open("/srv/press/pages/front.txt", "rb") as page:
            self.answer(page.read())

    def answer(self, body):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
HTTPServer(("", 8000), Press).serve_forever()
