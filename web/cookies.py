"""Signed cookies, Flask's session being one. Nothing here knows what they carry."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SessionInterface
from itsdangerous import BadData, URLSafeSerializer
from werkzeug.wrappers import Response

SESSION_COOKIE = "auth_session"
KNOWN_BROWSER_COOKIE = "known_browser"
KNOWN_BROWSER_AGE = timedelta(days=365)


class SignedCookies(SessionInterface):
    """Cookies signed with HMAC-SHA-256; Flask's own session is signed with SHA-1. Each name has its
    own serializer, so that one cookie never passes for another. There is no time in the signature:
    a session's lifetime is in its row, and a clock set back logs no one out.
    """

    def __init__(self, app: Flask, lifetime: Callable[[], timedelta]) -> None:
        self.lifetime = lifetime  # of the session cookie while the visitor is logged in
        secure = app.config["SESSION_COOKIE_SECURE"]
        self.prefix = "__Host-" if secure else ""
        self.attributes = {"httponly": True, "samesite": "Lax", "secure": secure}
        keys = [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]]  # newest last
        options = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
        self.serializers = {
            name: URLSafeSerializer(keys, salt=name, signer_kwargs=options)
            for name in (SESSION_COOKIE, KNOWN_BROWSER_COOKIE)
        }

    def read(self, request: Request, name: str) -> dict[str, Any]:
        """Return what a cookie carries; nothing if its signature or its shape is wrong (plain Flask
        answers 500 to a signed list).
        """
        value = request.cookies.get(self.prefix + name)
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
        response.set_cookie(self.prefix + name, value, max_age=max_age, **self.attributes)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession:
        """Return what the session cookie carries."""
        content = self.read(request, SESSION_COOKIE)
        return SecureCookieSession(content if _are_flashes(content.get("_flashes", [])) else None)

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Send the cookies that changed; the session outlives the browser only when logged in."""
        if session and session.modified:
            max_age = self.lifetime() if "token" in session else None
            self.send(response, SESSION_COOKIE, dict(session), max_age)
        elif session.modified:
            response.delete_cookie(self.prefix + SESSION_COOKIE, **self.attributes)
        if known := getattr(session, "known_browser", None):
            self.send(response, KNOWN_BROWSER_COOKIE, known, KNOWN_BROWSER_AGE)


def _are_flashes(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, list) and [*map(type, entry)] == [str, str] for entry in value
    )
