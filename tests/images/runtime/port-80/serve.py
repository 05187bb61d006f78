import http.server

server = http.server.HTTPServer(("0.0.0.0", 80), http.server.SimpleHTTPRequestHandler)
server.serve_forever()
