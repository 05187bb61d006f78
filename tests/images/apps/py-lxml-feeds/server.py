from pathlib import Path

from bottle import Bottle, response
from lxml import etree
from waitress import serve

HERE = Path(__file__).parent
to_html = etree.XSLT(etree.parse(HERE / "feed.xsl"))
app = Bottle()


@app.get("/")
def index():
    return str(to_html(etree.parse(HERE / "feed.xml")))


@app.get("/versions")
def versions():
    response.content_type = "text/plain"
    same = etree.LIBXML_COMPILED_VERSION == etree.LIBXML_VERSION
    return f"libxml2 as compiled: {same}"


serve(app, listen="0.0.0.0:5000", threads=4)
