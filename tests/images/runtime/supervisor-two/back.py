import http.server
import os
import pwd


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"back as {pwd.getpwuid(os.getuid()).pw_name}\n".encode())


http.server.ThreadingHTTPServer(("127.0.0.1", 9000), Handler).serve_forever()
