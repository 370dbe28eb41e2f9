"""Who is visiting: the one file that knows both the cookie and accounts.

The cookie is Flask's signed session cookie. It carries the session's token and, for strangers
too, the CSRF token, flash messages and the page that was asked for before logging in. Pages are
closed to strangers unless `allow_anonymous` or `anonymous_only` opens them by name: a page that
is added without a thought is safe.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Flask, Request, current_app, flash, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from accounts import passwords, sessions
from accounts.actor import Actor
from accounts.sessions import Reason, SignedIn
from models import Session, User

from . import words
from .cookies import KNOWN_BROWSER_COOKIE, NEWEST_COOKIE, SESSION_COOKIE, SignedCookies
from .logs import Refused, log_refusal
from .navigation import is_navigation, is_shown

KNOWN_USERS_MAX = 5  # the cookie must stay small
TOKEN = re.compile("[A-Za-z0-9_-]{43}")
NEXT_MAX = 500  # characters of a remembered address; the cookie must stay small

View = TypeVar("View", bound=Callable[..., Any])


def init_app(app: Flask) -> None:
    """Keep Flask's session in a cookie of ours."""
    app.session_interface = SignedCookies(app, sessions.lifetime)


def load_current_session(incoming: Request) -> User | None:
    """Set g.session and g.user, None for a stranger, and return the user. Empty the cookie of a
    session that is over; send that of a renewed one again, with its new lifetime.
    """
    g.session = g.user = None
    if incoming.endpoint == "static":
        return None
    token = _token_in(session)
    found = sessions.validate_session(token) if token else None
    found = found or _find_newest_session(incoming)
    user = found.user if found else None
    g.session, g.user = found, user
    if found and found.renewed:
        session.modified = True
    if found is None and "token" in session:
        log_refusal(Refused.SESSION_USED_AFTER_END, current_actor())
        session.clear()  # first: the message stands in the emptied cookie, and is shown once
        if token and (sentence := words.why_logged_out(sessions.why_ended(token))):
            flash(sentence, "warning")
    return user


def _token_in(content: Mapping[str, Any]) -> str:
    token = content.get("token")
    return token if isinstance(token, str) and TOKEN.fullmatch(token) else ""


def _find_newest_session(incoming: Request) -> Session | None:
    """Return the session that this browser began last, if it lost the cookie to an answer that came
    late: of a page that was asked for before, with an older cookie. No such answer sends this one.
    """
    cookies = _cookies()
    was_lost = cookies.names[SESSION_COOKIE] in incoming.cookies
    newest = cookies.read(incoming, NEWEST_COOKIE) if was_lost else {}
    token = _token_in(newest)
    found = sessions.validate_session(token) if token else None
    if found:
        session.clear()
        session.update(newest)
    return found


def allow_anonymous(view: View) -> View:
    """Open a page to everyone."""
    view.access = "anyone"  # type: ignore[attr-defined]
    return view


def anonymous_only(view: View) -> View:
    """Open a page to strangers; visitors who are logged in are sent to the profile."""
    view.access = "strangers"  # type: ignore[attr-defined]
    return view


def download(view: View) -> View:
    """Mark a page that is a file: logging in does not lead to it, since nothing would be shown."""
    view.is_download = True  # type: ignore[attr-defined]
    return view


def require_access(
    incoming: Request, view: Callable[..., Any] | None, user: User | None
) -> ResponseReturnValue | None:
    """Send strangers away from closed pages, and members from pages for strangers only."""
    access = getattr(view, "access", "members")
    if view is None or access == "anyone" or incoming.endpoint == "static":
        return None
    if access == "strangers":
        return redirect(url_for("profile.show")) if user else None
    return None if user else _ask_to_log_in(view)  # an unknown kind is closed too


def _ask_to_log_in(view: Callable[..., Any]) -> Response:
    log_refusal(Refused.NOT_ALLOWED, current_actor())
    g.sent_away = True
    message = "You are not logged in, so nothing was done."
    if request.method == "GET":
        message = "Please log in to see that page."
    if not hasattr(view, "is_download"):
        remember_page()
    if is_shown(request) and ["info", message] not in session.get("_flashes", []):
        flash(message, "info")
    return redirect(url_for("auth.home"))


def remember_page() -> None:
    """Let `start_session` return this page, if a person went to it."""
    if is_navigation(request):
        session["next"] = _requested_address()


def _requested_address() -> str:
    """Return the address of this page, quoted so that it is nothing but a path on this site. Only
    pages that exist get here, so it never begins with two slashes.
    """
    address = quote(request.root_path + request.path)
    if query := request.query_string:
        address += "?" + quote(query, safe="=&+%")
    return address if len(address) <= NEXT_MAX else url_for("profile.show")


def start_session(signed_in: SignedIn, password: str) -> str:
    """Log this browser in to a new session; return the page that was asked for before. The cookie
    is emptied first: whatever an attacker planted in it, such as a CSRF token, ends here (session
    fixation). Only the cookie says that a password is weak: a thief of the database must not know.
    """
    next_page = session.get("next")
    session.clear()
    session["token"] = signed_in.token
    if weakness := passwords.find_weakness(password, signed_in.user.username):
        session["password_is"] = weakness
    csrf_token()
    # From now on this browser has its own budget of tries at this account, logged in or not.
    known = _known_browser(without=signed_in.user.id)
    known["users"] = [signed_in.user.id, *known["users"]][:KNOWN_USERS_MAX]
    cookies = {KNOWN_BROWSER_COOKIE: known, NEWEST_COOKIE: dict(session)}
    session.others.update(cookies)  # type: ignore[attr-defined]
    return next_page if isinstance(next_page, str) else url_for("profile.show")


def _known_browser(without: str = "") -> dict[str, Any]:
    content = _cookies().read(request, KNOWN_BROWSER_COOKIE)
    browser_id, known = content.get("id"), content.get("users")
    if isinstance(browser_id, str) and isinstance(known, list):
        users = [user_id for user_id in known if isinstance(user_id, str) and user_id != without]
        return {"id": browser_id, "users": users}
    return {"id": secrets.token_urlsafe(16), "users": []}


def _cookies() -> SignedCookies:
    return current_app.session_interface  # type: ignore[return-value]


def csrf_token() -> str:
    """Return this browser's CSRF token: random, kept in the signed cookie for as long as that.
    Flask-WTF's own wraps it in a second signature, SHA-1, which a key rotation invalidates.
    """
    token = session.get("csrf_token")
    if not isinstance(token, str):
        token = session["csrf_token"] = secrets.token_urlsafe(16)
    return token


def end_session() -> None:
    """Log this browser out."""
    sessions.invalidate_session(g.session, Reason.LOGGED_OUT, current_actor())
    empty_cookie()


def empty_cookie() -> None:
    """Let a browser forget its session."""
    session.clear()
    session.is_over = True  # type: ignore[attr-defined]


def forget_account() -> None:
    """Empty the cookies of a browser whose user has just been deleted."""
    empty_cookie()
    session.others[KNOWN_BROWSER_COOKIE] = _known_browser(without=g.user.id)  # type: ignore[attr-defined]


def current_actor() -> Actor:
    """Return the visitor who sends this request."""
    known, agent = _known_browser(), request.user_agent.string
    browser = {"browser_id": known["id"], "known_users": tuple(known["users"])}
    who = {**browser, "session": g.get("session"), "post": g.get("post")}
    return Actor.visitor(request.remote_addr, agent, **who)
