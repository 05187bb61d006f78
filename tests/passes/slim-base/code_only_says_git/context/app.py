from flask import Flask

app = Flask(__name__)

LINK = {"git": "https://example.com/app.git"}
