"""Who is visiting: the one file that knows both the cookie and accounts.

The cookie is Flask's signed session cookie. It carries the session's token and, for strangers
too, the CSRF token, flash messages and the page that was asked for before logging in.

Pages are closed to strangers unless they are opened by name with `allow_anonymous` or
`anonymous_only`: a page that somebody adds and forgets to think about is safe. The guard asks
`gate` before each view.
"""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import quote

from flask import (
    Flask,
    Request,
    current_app,
    flash,
    g,
    redirect,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from accounts import sessions
from accounts.client import Client
from accounts.events import Refused
from accounts.sessions import Reason, SignedIn
from models import User

from . import words
from .cookies import KNOWN_BROWSER_COOKIE, CookieRequest, SignedCookies
from .logs import log_refusal

KNOWN_USERS_MAX = 5  # the cookie must stay small
TOKEN_LENGTH = 43
ASKED_FOR_MAX = 500  # characters of a remembered address; the cookie must stay small
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

View = TypeVar("View", bound=Callable[..., Any])


def init_app(app: Flask) -> None:
    """Read cookies our way, and keep Flask's session in one."""
    app.request_class = CookieRequest
    app.session_interface = SignedCookies(app, sessions.lifetime)


def load_current_session(incoming: Request) -> User | None:
    """Set g.session and g.user, None for a stranger, and return the latter. A cookie of a session
    that is over is emptied, one of a session that was renewed is sent again with its new lifetime.
    """
    # Past Flask's proxies, as in guard.before_view.
    visit, cookie = g._get_current_object(), session._get_current_object()  # type: ignore[attr-defined]
    visit.session = visit.user = None
    if "token" not in cookie or incoming.endpoint == "static":
        return None
    found = visit.session = sessions.validate_session(_token(cookie["token"]))
    if found is None:
        log_refusal(Refused.SESSION_USED_AFTER_END, current_client())
        _tell_why_signed_out()
        return None
    visit.user = found.user
    cookie.modified = cookie.modified or found.renewed
    return found.user


def _tell_why_signed_out() -> None:
    """Empty the cookie, and leave a message in it: once, since the token goes."""
    token = _token(session["token"])
    session.clear()
    if token and (sentence := words.why_signed_out(sessions.why_ended(token))):
        flash(sentence, "warning")


def _token(token: object) -> str:
    well_formed = isinstance(token, str) and len(token) == TOKEN_LENGTH and token.isascii()
    return str(token) if well_formed else ""


def gate(app: Flask, incoming: Request, user: User | None) -> ResponseReturnValue | None:
    """Send strangers away from pages that are not theirs, and signed-in visitors away from
    those for strangers only. Comes before the CSRF check, whose token log-in replaces.
    """
    endpoint = incoming.endpoint or ""
    view = app.view_functions.get(endpoint)
    access = getattr(view, "access", "members")
    if view is None or access == "anyone" or endpoint == "static":
        return None
    if access == "strangers":
        return redirect(url_for("profile.show")) if user else None
    return None if user else _ask_to_log_in()


def allow_anonymous(view: View) -> View:
    """Open a page to everybody."""
    view.access = "anyone"  # type: ignore[attr-defined]
    return view


def anonymous_only(view: View) -> View:
    """Open a page to strangers; whoever is signed in is sent to the profile."""
    view.access = "strangers"  # type: ignore[attr-defined]
    return view


def _ask_to_log_in() -> Response:
    log_refusal(Refused.NOT_LOGGED_IN, current_client())
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


def start_session(signed_in: SignedIn) -> str:
    """Sign this browser in to a new session; return the page that was asked for before.

    The cookie is emptied first: whatever was planted in it, a CSRF token that somebody else
    knows included, ends here (session fixation).
    """
    asked_for = session.get("next")
    session.clear()
    session["token"] = signed_in.token
    if signed_in.common:
        session["password_is_common"] = True
    csrf_token()
    _remember_browser(signed_in.user)
    return asked_for if isinstance(asked_for, str) else url_for("profile.show")


def _remember_browser(user: User) -> None:
    """Let this browser keep a budget of tries of its own at this account, log-outs included."""
    known = _known_browser()
    known["users"] = [user.id, *(known_id for known_id in known["users"] if known_id != user.id)]
    known["users"] = known["users"][:KNOWN_USERS_MAX]
    session.known_browser = known  # type: ignore[attr-defined]


def _known_browser() -> dict[str, Any]:
    cookies: SignedCookies = current_app.session_interface  # type: ignore[assignment]
    content = cookies.read(request, KNOWN_BROWSER_COOKIE)
    browser_id, known = content.get("id"), content.get("users")
    if isinstance(browser_id, str) and isinstance(known, list):
        return {"id": browser_id, "users": [user for user in known if isinstance(user, str)]}
    return {"id": secrets.token_urlsafe(16), "users": []}


def csrf_token() -> str:
    """Return this browser's CSRF token: random, kept in the signed cookie, as long-lived as it.

    Flask-WTF's own token wraps the same secret in a second signature (SHA-1, dead after a key
    rotation); the cookie is signed already.
    """
    token = session.get("csrf_token")
    if not isinstance(token, str):
        token = session["csrf_token"] = secrets.token_urlsafe(16)
    return token


def password_is_common() -> bool:
    """Whether the password that this browser signed in with is among the most common ones."""
    return "password_is_common" in session


def end_session() -> None:
    """Sign this browser out: the row goes and the cookie is emptied."""
    sessions.invalidate_session(g.session, Reason.LOGGED_OUT, current_client())
    session.clear()


def forget_account() -> None:
    """Empty the cookies of a browser whose user has just been deleted."""
    session.clear()
    known = _known_browser()
    known["users"] = [user_id for user_id in known["users"] if user_id != g.user.id]
    session.known_browser = known  # type: ignore[attr-defined]


def current_client() -> Client:
    """Return the address and the browser of this request."""
    known = _known_browser()
    agent = request.user_agent.string
    return Client.of(request.remote_addr, agent, known["id"], tuple(known["users"]))
