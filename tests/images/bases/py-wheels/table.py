import io

import numpy
import psycopg2
import yaml
from lxml import etree
from PIL import Image

print(numpy.arange(3.0) * 2 + 5)
out = io.BytesIO()
Image.new("RGB", (4, 4)).save(out, "png")
print(out.getvalue()[1:4].decode())
print(etree.tostring(etree.fromstring("<a>1</a>")).decode())
try:
    psycopg2.connect("host=127.0.0.1 connect_timeout=1")
except psycopg2.OperationalError:
    print(yaml.safe_load("[ok]")[0])
