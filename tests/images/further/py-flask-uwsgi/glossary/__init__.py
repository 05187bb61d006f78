import locale
import time

from flask import Flask, abort, jsonify, render_template, request
from flask_babel import Babel, format_decimal, gettext
from flask_sqlalchemy import SQLAlchemy
from markdown import markdown

db = SQLAlchemy()


class Term(db.Model):
    id = db.Column(db.Integer, primary_key=True)
    word = db.Column(db.String(80), unique=True, nullable=False)
    text = db.Column(db.Text, nullable=False)


def select_locale():
    return request.args.get("lang") or request.accept_languages.best_match(["en", "fr"]) or "en"


def create_app():
    app = Flask(__name__, instance_path="/srv/glossary/instance", instance_relative_config=True)
    app.config["SQLALCHEMY_DATABASE_URI"] = "sqlite:///glossary.sqlite"
    db.init_app(app)
    Babel(app, locale_selector=select_locale)

    @app.before_request
    def tables():
        db.create_all()

    @app.get("/")
    def index():
        terms = db.session.scalars(db.select(Term).order_by(Term.word)).all()
        return render_template("index.html", terms=terms)

    @app.get("/about")
    def about():
        locale.setlocale(locale.LC_TIME, "fr_FR.UTF-8")
        month = time.strftime("%B", time.gmtime(0))
        return jsonify(title=gettext("Glossary"), zone=time.tzname[0], month=month, size=format_decimal(1234.5))

    @app.post("/terms/<word>")
    def add(word):
        db.session.add(Term(word=word, text=request.get_data(as_text=True)))
        db.session.commit()
        return jsonify(word=word), 201

    @app.get("/terms/<word>")
    def show(word):
        term = db.session.scalar(db.select(Term).where(Term.word == word))
        if term is None:
            abort(404)
        return render_template("term.html", term=term, body=markdown(term.text))

    return app
