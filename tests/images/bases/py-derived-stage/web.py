from flask import Flask

app = Flask(__name__)


def count(text):
    return len(text.split())


@app.get("/")
def home():
    return "up"
