import os
import signal
import sys
from pathlib import Path

from flask import Flask, request

app = Flask(__name__)
folder = Path(os.environ["UPLOAD_FOLDER"])
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


@app.post("/<name>")
def save(name):
    (folder / name).write_bytes(request.get_data())
    return "saved", 201


@app.get("/<name>")
def load(name):
    return (folder / name).read_bytes()


app.run(host="0.0.0.0", port=5000)
