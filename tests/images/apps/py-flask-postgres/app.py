import os

import psycopg2
from flask import Flask, jsonify, render_template

app = Flask(__name__)
DSN = os.environ.get("DATABASE_URL", "postgresql://shop@127.0.0.1:5432/shop?connect_timeout=2")


@app.get("/")
def index():
    return render_template("index.html", items=["bread", "butter", "jam"])


@app.get("/health")
def health():
    return jsonify(status="ok", libpq=psycopg2.__libpq_version__ >= 150000)


@app.get("/db")
def database():
    try:
        with psycopg2.connect(DSN) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            return jsonify(answer=cursor.fetchone()[0])
    except psycopg2.OperationalError as error:
        return jsonify(error=str(error).splitlines()[0]), 503
