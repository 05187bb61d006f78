import signal

import gevent
from gevent.pywsgi import WSGIServer


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"gevent {environ['PATH_INFO']}\n".encode()]


server = WSGIServer(("", 6543), app, log=None)
gevent.signal_handler(signal.SIGTERM, server.stop)
server.serve_forever()
