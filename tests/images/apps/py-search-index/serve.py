import sqlite3
from urllib.parse import parse_qs

import jinja2

pages = jinja2.Environment(loader=jinja2.FileSystemLoader("templates"), autoescape=True)


def app(environ, start_response):
    query = parse_qs(environ["QUERY_STRING"]).get("q", ["*"])[0]
    with sqlite3.connect("file:/var/lib/search/index.db?mode=ro", uri=True) as db:
        names = [row[0] for row in db.execute("SELECT name FROM page WHERE page MATCH ? ORDER BY name", (query,))]
    body = pages.get_template("result.html").render(names=names).encode()
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(body)))])
    return [body]
