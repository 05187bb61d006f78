import http.server
import json
import signal
import sys
from pathlib import Path

questions = json.loads((Path.home() / ".quizrc" / "questions.json").read_text())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(questions[0].encode())


http.server.ThreadingHTTPServer(("", 8000), Handler).serve_forever()
