"""What comes before a view: host, visitor, access, sender, body, CSRF token. All but the access
check, which redirects, refuse with an HTTP error, so that no view has to think about it.
"""

import functools
import hmac
import re
from collections.abc import Callable
from typing import Any

from flask import Flask, Request, request, session
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, UnsupportedMediaType

from .current_session import csrf_token, load_current_session, require_access
from .logs import Refused

LOCAL_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
DEFAULT_PORTS = {"http": ":80", "https": ":443"}
OTHER_HOST = "This server does not go by that name. (Operators: set it with PUBLIC_URL.)"
OTHER_SITE = "This form was sent from another site, so nothing was done."
EXPIRED = "This form expired. Please submit it again."
UNREADABLE = f"{EXPIRED} If that does not help, delete this site's cookies and allow new ones."
BLOCKED = (
    "Cookies are blocked: your browser sent none, and this form needs one. Allow cookies for this "
    "site, then submit it again."
)

# Features append what they do with a form from this site, before its sender is known.
before_forms: list[Callable[[], None]] = []
# And what they check of every request that the hall lets pass, by addresses that are unknown too,
# when the visitor is known. They may return an answer to send instead.
gates: list[Callable[[Request], ResponseReturnValue | None]] = []


def init_app(app: Flask) -> None:
    """Check every request before its view."""
    before_forms.clear()
    gates.clear()
    app.before_request(functools.partial(check_request, app))
    app.jinja_env.globals["csrf_token"] = csrf_token


def check_request(app: Flask) -> ResponseReturnValue | None:
    """Check all that comes before a view, in its order; return an answer to send instead."""
    incoming = request._get_current_object()  # type: ignore[attr-defined] # once: a proxy is slow
    _check_host(incoming, app.config["PUBLIC_URL"])
    unsafe = incoming.method not in SAFE_METHODS and incoming.routing_exception is None
    is_ours = unsafe and _is_from_this_site(incoming, app.config["PUBLIC_URL"])
    for prepare in before_forms if is_ours else ():
        prepare()
    user = load_current_session(incoming)
    view = app.view_functions.get(incoming.endpoint or "")
    elsewhere = require_access(incoming, view, user)  # before CSRF, whose token log-in replaces
    for gate in gates if elsewhere is None else ():
        elsewhere = elsewhere or gate(incoming)
    if elsewhere is None and unsafe:
        if not is_ours:
            raise _refused(Forbidden(OTHER_SITE), Refused.FOREIGN_SITE)
        _check_body(incoming)
        _check_csrf_token(incoming, view)
    return elsewhere


def _check_host(incoming: Request, public_url: str) -> None:
    """Answer only to our own name, before anything can use a made-up one in a link. Not Flask's
    TRUSTED_HOSTS: with it url_for fails on the error page, and the 400 becomes 500.
    """
    is_ours = _is_our_host(public_url, incoming.environ.get("HTTP_HOST", ""))
    if not is_ours and incoming.endpoint != "auth.healthz":  # load balancers ask by address
        raise _refused(BadRequest(OTHER_HOST), Refused.FOREIGN_HOST)


def _refused(error: HTTPException, event: Refused) -> HTTPException:
    error.event = event  # type: ignore[attr-defined] # for the log
    return error


def _is_our_host(public_url: str, host: str) -> bool:
    if not public_url:
        return bool(LOCAL_HOST.fullmatch(host))
    scheme, _, ours = public_url.partition("://")
    return host.lower().removesuffix(DEFAULT_PORTS[scheme]) == ours


def _is_from_this_site(incoming: Request, public_url: str) -> bool:
    ours = public_url or incoming.host_url.rstrip("/")
    is_ours = incoming.headers.get("Origin", ours).lower() == ours.lower()
    fetch_site = incoming.headers.get("Sec-Fetch-Site", "same-origin")
    return is_ours and fetch_site in ("same-origin", "none")


def _check_body(incoming: Request) -> None:
    """A JSON body or a file part where a text field belongs makes WTForms answer 500."""
    kind, length = incoming.mimetype, incoming.content_length
    if kind not in FORM_TYPES and (length or (kind and length is None)):
        raise UnsupportedMediaType
    if incoming.files:
        raise UnsupportedMediaType("Files are not accepted here.")
    if any(len(values) > 1 for values in incoming.form.listvalues()):
        raise BadRequest("A field was sent twice, so nothing was done.")


def _check_csrf_token(incoming: Request, view: Callable[..., Any] | None) -> None:
    expected, sent = session.get("csrf_token"), incoming.form.get("csrf_token", "")
    if not isinstance(expected, str) or not hmac.compare_digest(
        expected.encode(errors="replace"), sent.encode(errors="replace")
    ):
        if make_form := getattr(view, "make_form", None):
            make_form(**incoming.view_args or {})  # so that it is shown again as typed
        why = EXPIRED if expected else UNREADABLE if incoming.cookies else BLOCKED
        raise _refused(BadRequest(why), Refused.FOREIGN_FORM)
