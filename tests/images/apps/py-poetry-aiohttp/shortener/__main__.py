import hashlib
from pathlib import Path

import jinja2
from aiohttp import web

LINKS: dict[str, str] = {}
PAGES = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True)


async def index(request: web.Request) -> web.Response:
    page = PAGES.get_template("index.html").render(links=LINKS)
    return web.Response(text=page, content_type="text/html")


async def shorten(request: web.Request) -> web.Response:
    url = (await request.text()).strip()
    key = hashlib.sha256(url.encode()).hexdigest()[:6]
    LINKS[key] = url
    return web.json_response({"key": key})


async def follow(request: web.Request) -> web.Response:
    url = LINKS.get(request.match_info["key"])
    return web.Response(text=url) if url else web.Response(status=404, text="unknown")


app = web.Application()
app.add_routes([web.get("/", index), web.post("/", shorten), web.get("/{key}", follow)])
web.run_app(app, port=8081, print=None)
