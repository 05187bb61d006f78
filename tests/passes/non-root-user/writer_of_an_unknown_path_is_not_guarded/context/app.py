from flask import Flask
app = Flask(__name__)


@app.get("/")
def index():
    return "hello"
def save(name):
    with open(name, "w") as file:
        file.write("{}")
