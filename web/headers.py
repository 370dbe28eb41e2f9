"""The headers of every answer, errors and static files included: added around the application,
where nothing can slip past and it costs 2 microseconds, instead of 25 after each request.
"""

from collections.abc import Iterable
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


def init_app(app: Flask) -> None:
    """Put the headers around the application. An answer that says how it may be cached (a static
    file) is left to it; all others are never stored.
    """
    inner = app.wsgi_app
    ours = [*HEADERS, HSTS] if app.config["PUBLIC_URL"].startswith("https:") else HEADERS

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            headers += ours
            if "Cache-Control" not in dict(headers):
                headers += PAGE_HEADERS
            return start_response(status, headers, exc_info)

        return inner(environ, start)

    app.wsgi_app = answer  # type: ignore[method-assign]
