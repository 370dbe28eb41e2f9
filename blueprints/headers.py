"""The headers of every answer, errors and static files included.

Added around the application rather than after each request: nothing can slip past, and it costs
2 microseconds instead of 25.
"""

from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask

HEADERS = [
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    # Not no-referrer: browsers would then send "Origin: null" with our own forms.
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=()"),
]
PAGE_HEADERS = [("Cache-Control", "no-store"), ("Vary", "Cookie")]
HSTS = ("Strict-Transport-Security", "max-age=63072000")  # two years; this host alone


class SecurityHeaders:
    """WSGI middleware that adds the headers; an answer that says how it may be cached (a static
    file) is left to it, all others are never stored.
    """

    def __init__(self, wsgi_app: Callable[..., Any], over_https: bool) -> None:
        self.wsgi_app = wsgi_app
        self.headers = [*HEADERS, HSTS] if over_https else HEADERS

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Answer a request."""

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers += self.headers
            if "Cache-Control" not in dict(headers):
                headers += PAGE_HEADERS
            return start_response(status, headers, exc_info)

        answer: Iterable[bytes] = self.wsgi_app(environ, start)
        return answer


def init_app(app: Flask) -> None:
    """Put the headers around the application."""
    app.wsgi_app = SecurityHeaders(  # type: ignore[method-assign]
        app.wsgi_app, app.config["PUBLIC_URL"].startswith("https:")
    )
