"""The limit: Flask showing the same pages from constants. No session, no database, no checks."""

from flask import Flask, redirect, render_template
from flask.typing import ResponseReturnValue

from . import NAMES, PAGE, TEMPLATES


def create_app() -> Flask:
    """Return the application."""
    app = Flask(__name__, template_folder=str(TEMPLATES))
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}

    @app.get("/profile")
    def profile() -> str:
        return render_template(
            "profile.html", username=NAMES[0], csrf_name="csrf_token", csrf_token="x" * 22, **PAGE
        )

    @app.get("/login")
    def login() -> str:
        return render_template("login.html", csrf_name="csrf_token", csrf_token="x" * 22)

    @app.post("/login")
    def log_in() -> ResponseReturnValue:
        return redirect("/profile")

    return app
