"""Short cuts that only buy speed: each was measured to save more than 3 % of a page.

Delete this file, its two lines in app.py and tests/test_static_files.py, and everything works as
before.
"""

import functools
import hashlib
import mimetypes
from collections.abc import MutableMapping
from io import BytesIO
from pathlib import Path
from typing import Any

from flask import Flask, Request, Response, has_request_context, request, send_file
from flask.templating import Environment
from itsdangerous import Serializer, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_encode
from jinja2 import Template, pass_context
from jinja2.runtime import Context
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.exceptions import NotFound
from werkzeug.sansio.http import parse_cookie
from werkzeug.utils import cached_property, safe_join

from .cookies import SignedCookies
from .forms import Form

KEPT = "public, max-age=31536000, immutable"  # a year


def init_app(app: Flask, *shared_forms: type[Form]) -> None:
    """Take the short cuts, last of all: they replace what is there. shared_forms: made and written
    once, and shown to all visitors (half of the log-in page). So nothing in them may depend on the
    visitor or the time, such as choices that are looked up.
    """
    app.request_class = CookieRequest
    # Flask asks of five functions in each request whether they are coroutines (3 %).
    app.ensure_sync = functools.cache(app.ensure_sync)  # type: ignore[method-assign]
    app.jinja_env.__class__ = PlainEnvironment
    app.send_static_file = functools.partial(_send_static_file, app)  # type: ignore[method-assign]
    app.jinja_env.filters["static_url"] = _addresses_with_digests(app)
    cookies = app.session_interface
    if isinstance(cookies, SignedCookies):
        cookies.serializers = {name: quick(each) for name, each in cookies.serializers.items()}

    @functools.cache
    def share(form_class: type[Form]) -> Form:
        form = form_class(formdata=None)
        form.fields = functools.cache(form.fields)  # type: ignore[method-assign]
        return form

    Form.unsent = classmethod(  # type: ignore[method-assign,assignment]
        lambda cls: share(cls) if cls in shared_forms else cls(formdata=None)
    )


def _addresses_with_digests(app: Flask) -> Any:
    """Return the filter that lets browsers keep static files: their content is in the address."""
    page_url = app.jinja_env.filters["page_url"]

    @functools.cache
    def digest_at_start(filename: str) -> str:
        return _digest(Path(app.static_folder or "", filename).read_bytes())

    @pass_context
    def static_url(context: Context, filename: str) -> Any:
        return page_url(context, "static", filename=filename, v=digest_at_start(filename))

    return static_url


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _send_static_file(app: Flask, filename: str) -> Response:
    """Send a static file, to be kept only if the address carries the digest of what is sent: while
    a new version is rolled out, its pages may ask a server that still has the old file. The digest
    is the ETag too: after a deploy, a file may have the time and the size of another.
    """
    try:
        content = Path(safe_join(app.static_folder or "", filename) or "").read_bytes()
    except (OSError, ValueError):  # a folder, a name that no file can have
        raise NotFound from None
    digest = _digest(content)
    kind = mimetypes.guess_type(filename)[0] or "application/octet-stream"
    answer = send_file(BytesIO(content), kind, etag=digest)
    answer.headers["Cache-Control"] = KEPT if request.args.get("v") == digest else "no-store"
    return answer


class CookieRequest(Request):
    """Looks cookies up. Werkzeug reads every name of the WSGI environment to find them, and
    granian puts the environment of the process in there too (5 % of a page).
    """

    @cached_property
    def cookies(self) -> ImmutableMultiDict[str, str]:
        """The cookies that came with the request."""
        header = self.environ.get("HTTP_COOKIE")
        return parse_cookie(header, ImmutableMultiDict)  # type: ignore[return-value]


class AtRoot:
    """A request for an application that is mounted at the root."""

    root_path = ""


class PlainEnvironment(Environment):
    """Keeps Jinja's globals in a plain dict (its ChainMap is copied for every page: 8 %) and works
    addresses out when it compiles a template (5 %). Globals that are added later are not seen.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of one template."""
        return {**self.globals, **(d or {})}

    def get_or_select_template(self, *args: Any, **options: Any) -> Template:
        """Return the template of a page, for an application mounted at the root or below it."""
        below = has_request_context() and request.root_path
        environment = self.mounted if below else self.at_root
        return environment.get_template(*args, **options)

    @cached_property
    def mounted(self) -> Environment:
        """Asks for each address where the application is mounted."""
        return self.overlay()

    @cached_property
    def at_root(self) -> Environment:
        """Knows the addresses when it compiles."""
        environment = self.overlay()
        environment.filters = dict(self.filters)
        # Never use these two on what a visitor sent: nothing leaves their caches.
        for name in ("page_url", "static_url"):
            at_root = functools.partial(self.filters[name], {"request": AtRoot})
            environment.filters[name] = functools.cache(at_root)
        return environment


class UncompressedSerializer(URLSafeSerializer):
    """Does not try to compress: zlib takes 11 microseconds, 7 % of a page that sets a cookie, and
    saves nothing on so little. What was compressed is still read.
    """

    def dump_payload(self, obj: Any) -> bytes:
        """Return JSON in base64."""
        return base64_encode(Serializer.dump_payload(self, obj))


def quick(serializer: URLSafeSerializer) -> UncompressedSerializer:
    """Derive the keys of a cookie once; itsdangerous does it for each signature."""
    salt, keys = serializer.salt, serializer.secret_keys
    signer = Signer(keys, salt, key_derivation="hmac", digest_method=hashlib.sha256)
    derived = [signer.derive_key(key) for key in keys]
    as_they_are = {"key_derivation": "none", "digest_method": hashlib.sha256}
    return UncompressedSerializer(derived, salt=salt, signer_kwargs=as_they_are)
