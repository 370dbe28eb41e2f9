"""Signed cookies, Flask's session being one. Nothing here knows what they carry."""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SessionInterface
from itsdangerous import BadData, Serializer, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_encode
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.sansio.http import parse_cookie
from werkzeug.utils import cached_property
from werkzeug.wrappers import Response

SESSION_COOKIE = "auth_session"
KNOWN_BROWSER_COOKIE = "known_browser"
KNOWN_BROWSER_AGE = timedelta(days=365)


class CookieRequest(Request):
    """Flask's, which looks its cookies up. Werkzeug reads every name of the WSGI environment to
    find them, and granian puts the environment of the process in there too (5 % of a page).
    """

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies that came with the request."""
        header = self.environ.get("HTTP_COOKIE")
        return parse_cookie(header, ImmutableMultiDict)  # type: ignore[return-value]


class CookieSerializer(URLSafeSerializer):
    """Does not try to compress: zlib takes 11 microseconds, 7 % of a page that sets a cookie, and
    saves nothing on so little. What was compressed earlier is still read.
    """

    def dump_payload(self, obj: Any) -> bytes:
        """Return JSON in base64."""
        return base64_encode(Serializer.dump_payload(self, obj))


class VisitorsSession(SecureCookieSession):
    """Flask's session; and what the known-browser cookie is to carry from now on, if anything."""

    known_browser: dict[str, Any] | None = None


class SignedCookies(SessionInterface):
    """Cookies signed with HMAC-SHA-256; Flask's session is one (Flask's own signs with SHA-1).

    The serializers are made once, one for each name, so that the content of one cookie is never
    taken for another's. There is no time in the signature: how long a session lives stands in
    its row, where it can be ended, and a clock set back signs nobody out.
    """

    def __init__(self, app: Flask, lifetime: Callable[[], timedelta]) -> None:
        self.lifetime = lifetime  # of the session cookie of somebody who is signed in
        self.prefix = "__Host-" if app.config["SESSION_COOKIE_SECURE"] else ""
        self.attributes = {
            "httponly": True,
            "samesite": "Lax",
            "secure": app.config["SESSION_COOKIE_SECURE"],
        }
        keys = [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]]  # newest last
        self._serializers = {
            name: _serializer(keys, name) for name in (SESSION_COOKIE, KNOWN_BROWSER_COOKIE)
        }

    def read(self, request: Request, name: str) -> dict[str, Any]:
        """Return what a cookie carries; nothing when its signature or its shape is wrong.

        Well signed is not well shaped: plain Flask answers 500 to a signed list.
        """
        value = request.cookies.get(self.prefix + name)
        if value is None:
            return {}
        try:
            content = self._serializers[name].loads(value)
        except BadData:
            return {}
        return content if isinstance(content, dict) else {}

    def send(
        self, response: Response, name: str, content: dict[str, Any], max_age: timedelta | None
    ) -> None:
        """Set a cookie; without `max_age` it goes when the browser is closed."""
        value = str(self._serializers[name].dumps(content))
        response.set_cookie(self.prefix + name, value, max_age=max_age, **self.attributes)

    def open_session(self, app: Flask, request: Request) -> VisitorsSession:
        """Return what the session cookie carries."""
        content = self.read(request, SESSION_COOKIE)
        return VisitorsSession(content if _are_flashes(content.get("_flashes", [])) else None)

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """Send the cookie when it changed; it outlives the browser only when signed in."""
        if session:
            if session.modified:
                max_age = self.lifetime() if "token" in session else None
                self.send(response, SESSION_COOKIE, dict(session), max_age)
        elif session.modified:
            response.delete_cookie(self.prefix + SESSION_COOKIE, **self.attributes)
        if session.known_browser:
            self.send(response, KNOWN_BROWSER_COOKIE, session.known_browser, KNOWN_BROWSER_AGE)


def _serializer(keys: list[str], name: str) -> CookieSerializer:
    # The keys of this cookie are derived here, once; itsdangerous would do it for each signature.
    signer = Signer(keys, name, key_derivation="hmac", digest_method=hashlib.sha256)
    derived = [signer.derive_key(key) for key in keys]
    as_they_are = {"key_derivation": "none", "digest_method": hashlib.sha256}
    return CookieSerializer(derived, salt=name, signer_kwargs=as_they_are)


def _are_flashes(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(entry, list) and len(entry) == 2 and all(isinstance(text, str) for text in entry)
        for entry in value
    )
