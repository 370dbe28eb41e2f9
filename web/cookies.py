"""Signed cookies, Flask's session being one. Nothing here knows what they carry."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SessionInterface
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

# Their names in signatures; in browsers, other endings may be set by SESSION_COOKIE_NAME.
SESSION_COOKIE, KNOWN_BROWSER_COOKIE, NEWEST_COOKIE = COOKIES = (
    "auth_session",
    "known_browser",
    "newest_session",
)
AGES = {KNOWN_BROWSER_COOKIE: timedelta(days=365), NEWEST_COOKIE: timedelta(minutes=10)}


class BrowserSession(SecureCookieSession):
    """What the session cookie carries, and what is to happen to the cookies besides."""

    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(content)
        self.others: dict[str, dict[str, Any]] = {}  # to send with the answer
        self.is_over = False  # delete the cookie


class SignedCookies(SessionInterface):
    """Cookies signed with HMAC-SHA-256; Flask's own session is signed with SHA-1. Each name has its
    own serializer, so that one cookie never passes for another. There is no time in the signature:
    a session's lifetime is in its row, and a clock set back logs no one out.
    """

    def __init__(self, app: Flask, lifetime: Callable[[], timedelta]) -> None:
        self.lifetime = lifetime  # of the session cookie while the visitor is logged in
        secure = app.config["SESSION_COOKIE_SECURE"]
        prefix, name = "__Host-" if secure else "", app.config["SESSION_COOKIE_NAME"]
        ending = name.removeprefix(SESSION_COOKIE)
        ending = ending if ending != name else f"_{name}"
        self.names = {each: f"{prefix}{each}{ending}" for each in COOKIES}
        self.names[SESSION_COOKIE] = prefix + name
        self.attributes = {"httponly": True, "samesite": "Lax", "secure": secure}
        keys = [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]]  # newest last
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        self.serializers = {
            name: URLSafeSerializer(keys, salt=name, signer_kwargs=options) for name in COOKIES
        }

    def read(self, request: Request, name: str) -> dict[str, Any]:
        """Return what a cookie carries; nothing if its signature or its shape is wrong (plain Flask
        answers 500 to a signed list).
        """
        value = request.cookies.get(self.names[name])
        if value is None:
            return {}
        try:
            content = self.serializers[name].loads(value)
        except BadData:
            return {}
        return content if isinstance(content, dict) else {}

    def send(
        self, response: Response, name: str, content: dict[str, Any], max_age: timedelta | None
    ) -> None:
        """Set a cookie; without `max_age` it goes when the browser is closed."""
        value = str(self.serializers[name].dumps(content))
        response.set_cookie(self.names[name], value, max_age=max_age, **self.attributes)

    def open_session(self, app: Flask, request: Request) -> BrowserSession:
        """Return what the session cookie carries."""
        content = self.read(request, SESSION_COOKIE)
        return BrowserSession(content if _are_flashes(content.get("_flashes", [])) else {})

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Send the cookies that changed; the session outlives the browser only when logged in. Its
        cookie is deleted by a log-out alone: a browser that sends none has no `newest_session`.
        """
        if session.is_over and not session:
            response.delete_cookie(self.names[SESSION_COOKIE], **self.attributes)
        elif session.modified:
            max_age = self.lifetime() if "token" in session else None
            self.send(response, SESSION_COOKIE, dict(session), max_age)
        for name, content in session.others.items():
            self.send(response, name, content, AGES[name])


def _are_flashes(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, list) and [*map(type, entry)] == [str, str] for entry in value
    )
