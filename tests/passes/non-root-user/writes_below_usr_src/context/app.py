from flask import Flask
app = Flask(__name__)


@app.get("/")
def index():
    return "hello"
import sqlite3
db = sqlite3.connect("/usr/src/app/data/app.db")
