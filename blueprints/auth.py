"""Home, sign up, log in, log out; and whether the database answers."""

import contextlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from flask import Blueprint, current_app, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from peewee import DatabaseError
from werkzeug.wrappers import Response

from accounts import hooks, passwords, usernames, users
from accounts.sessions import SignedIn
from models import Session
from web import words
from web.current_session import (
    allow_anonymous,
    anonymous_only,
    current_actor,
    end_session,
    start_session,
)
from web.forms import Form, Password, Text, form_page

bp = Blueprint("auth", __name__)

# What features offer a person who forgot the password: words and endpoint of a link.
ways_back: dict[str, str] = {}
bp.record(lambda state: state.app.jinja_env.globals.update(ways_back=ways_back))


@bp.record
def set_terms(state: Any) -> None:
    """Set on which terms people sign up; a feature may change them in its `init_app`. before:
    returns a page to show instead of the form, or what its template is to have. accept: makes the
    account of a valid form, and answers. offered: whether pages link to it.
    """
    terms = SimpleNamespace(before=dict, accept=accept, offered=True)
    state.app.extensions["signup"] = state.app.jinja_env.globals["signup"] = terms


def new_username(label: str, rule: Callable[[str], str] = usernames.parse_username) -> Any:
    """Return the field for a username that an account is to have."""
    limits = usernames.USERNAME_MIN, usernames.USERNAME_MAX
    hint = "{} to {} letters, digits, _ or @ . + - (these four not first).".format(*limits)
    missing = "Enter a {} of {} to {} characters.".format(label.lower(), *limits)
    return Text(label, rule, limits, "username", missing=missing, description=hint)


def new_password(label: str) -> Any:
    """Return the field for a password that an account is to have."""
    limits = passwords.PASSWORD_MIN, passwords.PASSWORD_MAX
    hint = "{} to {} characters. 15 or more, or a phrase, is much safer.".format(*limits)
    missing = "Enter a {} of {} to {} characters.".format(label.lower(), *limits)
    rule = _parse_new_password
    return Password(label, rule, limits, "new-password", missing=missing, description=hint)


def _parse_new_password(text: str) -> passwords.Password:
    name = g.user.username if g.user else request.form.get("username", "")
    return passwords.parse_new_password(text, name)


def current_password(label: str = "Current password") -> Any:
    """Return the field for the password that an account has."""
    missing = f"Enter your {label.lower()}."
    rule = passwords.parse_typed_password
    return Password(label, rule, autocomplete="current-password", missing=missing)


def own_username(label: str, autocomplete: str, rule: Callable[[str], str]) -> Any:
    """Return the field for the username that an account has."""
    return Text(label, rule, autocomplete=autocomplete, missing="Enter your username.")


class SignupForm(Form):
    """A new account."""

    template = "auth/signup.html"
    username = new_username("Username")
    password = new_password("Password")


class LoginForm(Form):
    """A name and a password to check. Imported ones may be shorter than new ones."""

    template = "auth/login.html"
    username = own_username("Username", "username", usernames.parse_typed_username)
    password = current_password("Password")


@bp.get("/")
@allow_anonymous
def home() -> ResponseReturnValue:
    """What this is, or a greeting."""
    return render_template("home.html")


@bp.route("/signup", methods=["GET", "POST"])
@anonymous_only
@form_page(SignupForm, lambda: current_app.extensions["signup"].before())  # noqa: PLW0108
def signup(form: SignupForm) -> ResponseReturnValue:
    """Create an account, on the terms of this site."""
    return current_app.extensions["signup"].accept(form)  # type: ignore[no-any-return]


def accept(form: SignupForm) -> Response:
    """Create an account and log its owner in."""
    signed_in = users.sign_up(form.username.data, form.password.data, current_actor())
    return welcome(signed_in, form)


def welcome(signed_in: SignedIn, form: SignupForm) -> Response:
    """Log the owner of a new account in, and go on to the page that was asked for."""
    next_page = start_session(signed_in, form.password.data)
    name = words.isolate(signed_in.user.username)
    flash(f"Your account has been created. You are logged in as {name}.", "success")
    return redirect(next_page)


@bp.route("/login", methods=["GET", "POST"])
@anonymous_only
@form_page(LoginForm)
def login(form: LoginForm) -> ResponseReturnValue:
    """Log in, and go on to the page that was asked for."""
    actor = current_actor()
    signed_in = users.log_in(form.username.data, form.password.data, actor)
    if signed_in is None:
        return form.page(400, "Incorrect username or password.", again=True)
    next_page = start_session(signed_in, form.password.data)
    if signed_in.user.id not in actor.known_users[:1] and actor.known_users:
        # Another account was here before: perhaps its page is the one that was asked for.
        flash(f"You are now logged in as {words.isolate(signed_in.user.username)}.", "info")
    # The log-in is committed: a fault here must not deny it.
    with contextlib.suppress(DatabaseError):
        for warning in filter(None, (warn(signed_in) for warn in hooks.login_warnings)):
            flash(warning, "warning")
    return redirect(next_page)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Log this browser out."""
    end_session()
    flash("You are now logged out.", "success")
    return redirect_logged_out()


def redirect_logged_out() -> Response:
    """Send a browser that was just logged out home, and make it forget what pages stored. Not
    "cache": to clear that takes seconds, and no page is in it (no-store).
    """
    response = redirect(url_for("auth.home"))
    response.headers["Clear-Site-Data"] = '"storage"'
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
