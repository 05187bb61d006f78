import asyncio
import signal

from tornado.options import define, options, parse_command_line
from tornado.web import Application, RequestHandler, StaticFileHandler

define("port", default=8765, type=int)
LINES: list[str] = []


class Chat(RequestHandler):
    def get(self):
        self.write({"lines": LINES})

    def post(self):
        LINES.append(self.request.body.decode())
        self.set_status(201)


async def main():
    parse_command_line()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    Application([("/", Chat), ("/static/(.*)", StaticFileHandler, {"path": "static"})]).listen(options.port)
    await stop.wait()


asyncio.run(main())
