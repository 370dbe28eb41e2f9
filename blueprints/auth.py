"""Home, sign up, log in, log out; and whether the database answers."""

import contextlib

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from peewee import DatabaseError
from werkzeug.wrappers import Response

from accounts import activity, users
from accounts.sessions import SignedIn
from models import Session

from . import words
from .current_session import (
    allow_anonymous,
    anonymous_only,
    current_client,
    end_session,
    start_session,
)
from .forms import LoginForm, SignupForm, form_page

bp = Blueprint("auth", __name__)


@bp.get("/")
@allow_anonymous
def home() -> ResponseReturnValue:
    """What this is, or a greeting."""
    return render_template("home.html")


@bp.route("/signup", methods=["GET", "POST"])
@anonymous_only
@form_page(SignupForm)
def signup(form: SignupForm) -> ResponseReturnValue:
    """Make an account and sign its owner in."""
    start_session(users.sign_up(form.username.data, form.password.data, current_client()))
    return redirect(url_for("profile.show"))


@bp.route("/login", methods=["GET", "POST"])
@anonymous_only
@form_page(LoginForm)
def login(form: LoginForm) -> ResponseReturnValue:
    """Sign in, and go on to the page that was asked for."""
    signed_in = users.log_in(form.username.data, form.password.data, current_client())
    if signed_in is None:
        return form.page(400, "Incorrect username or password.")
    asked_for = start_session(signed_in)
    _tell_of_failed_attempts(signed_in)
    return redirect(asked_for)


def _tell_of_failed_attempts(signed_in: SignedIn) -> None:
    # The log-in is committed: a fault here must not deny it. The activity page tells it too.
    with contextlib.suppress(DatabaseError):
        if since := activity.failed_since_last_login(signed_in.user, signed_in.handle):
            flash(words.since_last_login(since), "warning")


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Sign this browser out."""
    end_session()
    return forgetful_redirect()


def forgetful_redirect() -> Response:
    """Send a browser that has just been signed out home, and let it forget the pages it saw."""
    response = redirect(url_for("auth.home"))
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@bp.get("/.well-known/change-password")
@allow_anonymous
def change_password() -> ResponseReturnValue:
    """Where password managers look for the page (https://w3c.github.io/webappsec-change-password-url)."""
    return redirect(url_for("profile.change_password"))


@bp.get("/healthz")
@allow_anonymous
def healthz() -> ResponseReturnValue:
    """Say ok when the database answers; otherwise the error handler says 503."""
    Session.select().limit(1).exists()
    return "ok", {"Content-Type": "text/plain; charset=utf-8"}
