"""What every template can use: site_name, brand, page_url, static_url, times, words.py."""

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from flask import Flask, Response, get_flashed_messages, request, send_from_directory, session
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from accounts import times
from models import Event

from . import words
from .navigation import is_shown

KEPT = "public, max-age=31536000, immutable"  # a year


def init_app(app: Flask) -> None:
    """Offer them to the templates."""

    def page(root_path: str, endpoint: str, **values: str) -> str:
        # Not url_for, which fails where Flask routed nothing, as on the page that refuses a host.
        return app.url_map.bind("localhost", script_name=root_path or "/").build(endpoint, values)

    def file(root_path: str, filename: str) -> str:
        content = Path(app.static_folder or "", filename).read_bytes()
        return page(root_path, "static", filename=filename, v=_digest(content))

    # Never use these two on what a visitor sent: nothing leaves their caches.
    filters = {"page_url": _of_request(page), "static_url": _of_request(file)}
    app.send_static_file = functools.partial(_send_static_file, app)  # type: ignore[method-assign]
    more = time_tag, ago_tag, clock_tag, *words.FILTERS
    filters |= {each.__name__: each for each in more}
    app.jinja_env.filters.update(filters, by_day=by_day)
    app.jinja_env.globals["get_flashed_messages"] = unread_messages
    mark = app.jinja_env.get_template("_mark.html").render()
    name = escape(app.config["SITE_NAME"])
    app.jinja_env.globals.update(site_name=name, brand=Markup(f"{mark} {name}"))  # noqa: S704


def unread_messages(*args: Any, **options: Any) -> list[Any]:
    """Return Flask's messages, and forget them, if a person sees them now."""
    is_lost = "_flashes" in session and not is_shown(request)
    return [] if is_lost else get_flashed_messages(*args, **options)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def _send_static_file(app: Flask, filename: str) -> Response:
    """Send a static file, to be kept only if the address carries the digest of what is sent: while
    a new version is rolled out, its pages may ask a server that still has the old file. The digest
    is the ETag too: after a deploy, a file may have the time and the size of another.
    """
    folder = app.static_folder or ""
    answer = send_from_directory(folder, filename, conditional=False, etag=False)
    answer.direct_passthrough = False
    with answer:  # which closes the file
        content = answer.get_data()
    digest = _digest(content)
    answer.headers["Cache-Control"] = KEPT if request.args.get("v") == digest else "no-store"
    answer.set_etag(digest)
    del answer.headers["Last-Modified"]
    answer.make_conditional(request, accept_ranges=True, complete_length=len(content))
    return answer


def _of_request(build: Callable[[str, str], str]) -> Callable[..., str]:
    """Return a filter that gives an address below the path where the application is mounted."""
    cached = functools.cache(build)

    @pass_context  # or Jinja would work it out once, whatever the path
    def filter_address(context: Context, name: str) -> str:
        return cached(context["request"].root_path, name)

    filter_address.at_root = functools.partial(cached, "")  # type: ignore[attr-defined]
    return filter_address


def time_tag(moment: int) -> Markup:
    """Return a <time> element for Unix milliseconds: "23 November 2026, 11:54 UTC"."""
    iso, exact = _exact(moment)
    # Digits and the name of a month: nothing to escape, which would be 5 % of a page's time.
    return Markup(f'<time datetime="{iso}">{exact}</time>')  # noqa: S704


def ago_tag(moment: int) -> Markup:
    """Return "3 days ago" and the exact time: hovering is not for keyboards and thumbs."""
    return Markup(f"{times.ago(moment)}, ") + time_tag(moment)  # noqa: S704


def clock_tag(moment: int) -> Markup:
    """Return a <time> element that reads "11:54 UTC", for where the day is known."""
    iso, exact = _exact(moment)
    return Markup(f'<time datetime="{iso}">{exact.split(", ")[-1]}</time>')  # noqa: S704


def by_day(events: Iterable[Event]) -> Iterator[tuple[str, Iterable[Event]]]:
    """Yield each day (UTC) with its events; enhance.js groups them by local days."""
    return itertools.groupby(events, lambda event: _exact(event.at)[1].split(", ")[0])


@functools.lru_cache(maxsize=1000)  # the same few moments appear on page after page
def _exact(moment: int) -> tuple[str, str]:
    return times.iso_time(moment), times.in_words(moment)
