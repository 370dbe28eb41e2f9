"""Who is visiting: the one file that knows both the cookie and accounts.

The cookie is Flask's signed session cookie. It carries the session's token and, for strangers
too, the CSRF token, flash messages and the page that was asked for before logging in.

Pages are closed to strangers unless they are opened by name with `allow_anonymous` or
`anonymous_only`: a page that somebody adds and forgets to think about is safe.
"""

import hashlib
import secrets
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Flask, Request, current_app, flash, g, redirect, request, session, url_for
from flask.sessions import SecureCookieSession, SessionInterface
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

from accounts import sessions
from accounts.client import Client

COOKIE_NAME = "auth_session"
TOKEN_LENGTH = 43
ASKED_FOR_MAX = 500  # characters of a remembered address; the cookie must stay small
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

View = TypeVar("View", bound=Callable[..., Any])


class SignedCookie(SessionInterface):
    """Flask's session in a cookie signed with HMAC-SHA-256 (Flask's own signs with SHA-1).

    The serializer is made once. There is no time in the signature: how long a session lives
    stands in its row, where it can be ended, and a clock set back signs nobody out.
    """

    def __init__(self, app: Flask) -> None:
        self.name = ("__Host-" if app.config["SESSION_COOKIE_SECURE"] else "") + COOKIE_NAME
        self._serializer = URLSafeSerializer(
            [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]],  # newest last
            salt=COOKIE_NAME,
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """Return what the cookie carries; nothing when its signature or its shape is wrong."""
        try:
            content = self._serializer.loads(request.cookies.get(self.name, ""))
        except BadData:
            content = None
        # Well signed is not well shaped: plain Flask answers 500 to a signed list.
        well_shaped = isinstance(content, dict) and _are_flashes(content.get("_flashes", []))
        return SecureCookieSession(content if well_shaped else None)

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Send the cookie when it changed; it outlives the browser only when signed in."""
        if not session.modified:
            return
        attributes = {
            "httponly": True,
            "samesite": "Lax",
            "secure": app.config["SESSION_COOKIE_SECURE"],
        }
        if session:
            max_age = sessions.lifetime() if "token" in session else None
            value = self._serializer.dumps(dict(session))
            response.set_cookie(self.name, str(value), max_age=max_age, **attributes)
        else:
            response.delete_cookie(self.name, **attributes)


def _are_flashes(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, list) and len(entry) == 2 and all(isinstance(text, str) for text in entry)
        for entry in value
    )


def init_app(app: Flask) -> None:
    """Let every request know its visitor, and close the pages to strangers."""
    app.session_interface = SignedCookie(app)
    app.before_request(load_current_session)
    app.before_request(gate)


def load_current_session() -> None:
    """Set g.session and g.user, None for a stranger. A cookie of a session that is over is
    emptied, one of a session that was renewed is sent again with its new lifetime.
    """
    g.session = g.user = None
    if "token" not in session or request.endpoint == "static":
        return
    g.session = sessions.validate_session(_token())
    if g.session is None:
        session.clear()
    else:
        g.user = g.session.user
        session.modified = session.modified or g.session.renewed


def _token() -> str:
    token = session["token"]
    well_formed = isinstance(token, str) and len(token) == TOKEN_LENGTH and token.isascii()
    return token if well_formed else ""


def gate() -> ResponseReturnValue | None:
    """Send strangers away from pages that are not theirs, and signed-in visitors away from
    those for strangers only. Comes before the CSRF check, whose token log-in replaces.
    """
    view = current_app.view_functions.get(request.endpoint or "")
    access = getattr(view, "access", "members")
    if view is None or access == "anyone" or request.endpoint == "static":
        return None
    if access == "strangers":
        return redirect(url_for("profile.show")) if g.user else None
    return None if g.user else _ask_to_log_in()


def allow_anonymous(view: View) -> View:
    """Open a page to everybody."""
    view.access = "anyone"  # type: ignore[attr-defined]
    return view


def anonymous_only(view: View) -> View:
    """Open a page to strangers; whoever is signed in is sent to the profile."""
    view.access = "strangers"  # type: ignore[attr-defined]
    return view


def _ask_to_log_in() -> Response:
    message = "You are not logged in, so nothing was done."
    if request.method in ("GET", "HEAD"):
        message = "Please log in to see that page."
        session["next"] = _asked_for()
    if ["info", message] not in session.get("_flashes", []):
        flash(message, "info")
    return redirect(url_for("auth.home"))


def _asked_for() -> str:
    """Return the address of this page, quoted, so that it is nothing but a path on this site
    wherever it is used. Only pages that exist get here, so it never begins with two slashes.
    """
    query = request.query_string
    address = quote(request.path) + ("?" + quote(query, safe="=&+%") if query else "")
    return address if len(address) <= ASKED_FOR_MAX else url_for("profile.show")


def start_session(token: str) -> str:
    """Sign this browser in with the token of a new session; return the page asked for before.

    The cookie is emptied first: whatever was planted in it, a CSRF token that somebody else
    knows included, ends here (session fixation).
    """
    asked_for = session.get("next")
    session.clear()
    session["token"] = token
    csrf_token()
    return asked_for if isinstance(asked_for, str) else url_for("profile.show")


def csrf_token() -> str:
    """Return this browser's CSRF token: random, kept in the signed cookie, as long-lived as it.

    Flask-WTF's own token wraps the same secret in a second signature (SHA-1, dead after a key
    rotation); the cookie is signed already.
    """
    if not isinstance(session.get("csrf_token"), str):
        session["csrf_token"] = secrets.token_urlsafe(16)
    token: str = session["csrf_token"]
    return token


def end_session() -> None:
    """Sign this browser out: the row goes and the cookie is emptied."""
    sessions.invalidate_session(g.session)
    session.clear()


def current_client() -> Client:
    """Return the address and the browser of this request."""
    return Client.of(request.remote_addr, request.user_agent.string)
