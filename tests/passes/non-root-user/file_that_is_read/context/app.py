from flask import Flask
app = Flask(__name__)


@app.get("/")
def index():
    return "hello"
with open("settings.json") as file:
    file.read()
with open("b", "rb") as file:
    file.read()
