"""What comes before a view: host, visitor, gate, sender, body, CSRF token.

But for the gate, which redirects, each refusal is an HTTP error: no view has to think of any of
this.
"""

import functools
import hmac
import re

from flask import Flask, Request, request, session
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Forbidden, UnsupportedMediaType
from wtforms.csrf.core import CSRF, CSRFTokenField

from accounts.events import Refused

from .current_session import SAFE_METHODS, csrf_token, gate, load_current_session

LOCAL_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class CSRFError(BadRequest):
    """The form's token is missing or not this browser's: the form is shown again as typed."""

    event = Refused.FOREIGN_FORM

    def __init__(self) -> None:
        super().__init__("This form had expired, so nothing was done. Please send it again.")


class CrossSite(Forbidden):
    """Another site sent this form."""

    event = Refused.FOREIGN_SITE

    def __init__(self) -> None:
        super().__init__("This form was sent from another site, so nothing was done.")


class UnknownHost(BadRequest):
    """The request is for a host that is not ours."""

    event = Refused.FOREIGN_HOST

    def __init__(self) -> None:
        super().__init__(
            "This server does not go by that name. (Operators: the PUBLIC_URL setting names it.)"
        )


class SessionToken(CSRFTokenField):
    """The token of whoever is visiting. It is incoming for when it is shown and never kept: a form
    that was not sent is the same object for all visitors.
    """

    current_token = property(lambda _self: csrf_token(), lambda _self, _kept: None)


class SessionCSRF(CSRF):
    """Lets `form.csrf_token` and `form.hidden_tag()` of Flask-WTF give the session's token."""

    field_class = SessionToken

    def generate_csrf_token(self, csrf_token_field: object) -> str:
        """Nothing is made in advance: SessionToken asks when it is shown."""
        return ""

    def validate_csrf_token(self, form: object, field: object) -> None:
        """Nothing is left to do: the guard has looked at every unsafe request already."""


def check_host(app: Flask, incoming: Request) -> None:
    """Answer only to our own name, before anything else can use a made-up one in a link.

    Not Flask's TRUSTED_HOSTS: with it url_for fails on the error page, and the 400 becomes 500.
    """
    if not _is_our_host(app.config["PUBLIC_URL"], incoming.environ.get("HTTP_HOST", "")):
        if incoming.endpoint == "auth.healthz":
            return  # load balancers ask by address
        raise UnknownHost


def _is_our_host(public_url: str, host: str) -> bool:
    if not public_url:
        return bool(LOCAL_HOST.fullmatch(host))
    scheme, _, ours = public_url.partition("://")
    return host.lower().removesuffix(DEFAULT_PORTS[scheme]) == ours


def check_request(app: Flask, incoming: Request) -> None:
    """Refuse an unsafe request that another site sent, that is no plain form, or that lacks
    this browser's CSRF token. After the gate, which may have redirected it already.
    """
    if incoming.method in SAFE_METHODS or incoming.routing_exception is not None:
        return
    _check_sender(app.config["PUBLIC_URL"], incoming)
    _check_body(incoming)
    _check_csrf_token(incoming)


def _check_sender(public_url: str, incoming: Request) -> None:
    if incoming.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise CrossSite
    ours = public_url or incoming.host_url.rstrip("/")
    if incoming.headers.get("Origin", ours).lower() != ours.lower():
        raise CrossSite


def _check_body(incoming: Request) -> None:
    """A JSON body or a file part where a text field belongs makes WTForms answer 500."""
    if incoming.content_length != 0 and incoming.mimetype and incoming.mimetype not in FORM_TYPES:
        raise UnsupportedMediaType
    if incoming.content_length and not incoming.mimetype:
        raise UnsupportedMediaType
    if incoming.files:
        raise UnsupportedMediaType("Files are not accepted here.")
    if any(len(values) > 1 for values in incoming.form.listvalues()):
        raise BadRequest("A field was sent twice, so nothing was done.")


def _check_csrf_token(incoming: Request) -> None:
    expected, sent = session.get("csrf_token"), incoming.form.get("csrf_token", "")
    if not isinstance(expected, str) or not hmac.compare_digest(
        expected.encode(errors="replace"), sent.encode(errors="replace")
    ):
        raise CSRFError


def before_view(app: Flask) -> ResponseReturnValue | None:
    """All that comes before a view, in its order: is it our own host, who is visiting, is the page
    for them, did they send this themselves?
    """
    # A look through one of Flask's proxies takes a microsecond: this one is for all that follow.
    incoming = request._get_current_object()  # type: ignore[attr-defined]
    check_host(app, incoming)
    user = load_current_session(incoming)
    elsewhere = gate(app, incoming, user)
    if elsewhere is None:
        check_request(app, incoming)
    return elsewhere


def init_app(app: Flask) -> None:
    """Look at every request before its view does."""
    app.before_request(functools.partial(before_view, app))
    app.jinja_env.globals["csrf_token"] = csrf_token
