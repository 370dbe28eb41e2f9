"""What every template can use: current_user, page_url, static_url, time_tag, ago_tag, words.py."""

import calendar
import functools
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask, g, request
from markupsafe import Markup

from . import words

MONTHS = tuple(calendar.month_name)


def init_app(app: Flask) -> None:
    """Offer them to the templates."""
    app.jinja_env.filters["time_tag"] = time_tag
    # The address of a page without arguments, built once. A filter, since Jinja works out those of
    # constants when it compiles a template; both together are 11 % of a page's time. Never use it
    # on what a visitor sent: nothing leaves this cache.
    app.jinja_env.filters["page_url"] = functools.cache(functools.partial(address, app))
    app.jinja_env.filters["ago_tag"] = ago_tag
    for function in (words.browser_words, words.event_words, words.place_words):
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.globals["static_url"] = static_url(app)
    app.context_processor(lambda: {"current_user": g.get("user")})


def address(app: Flask, endpoint: str, **values: str) -> str:
    """Return what url_for does, even to a request whose Host is so bad that Flask routes nothing
    and url_for fails: the page that refuses it has links too.
    """
    adapter = app.url_map.bind("localhost", script_name=request.root_path or "/")
    return adapter.build(endpoint, values)


def static_url(app: Flask) -> Callable[[str], str]:
    """Return a function that gives the address of a static file, with a part that changes with
    its content: browsers may keep it for a year.
    """
    folder = Path(app.static_folder or "")

    def url(filename: str) -> str:
        digest = hashlib.sha256((folder / filename).read_bytes()).hexdigest()
        return address(app, "static", filename=filename, v=digest[:12])

    cached = functools.cache(url)
    return lambda filename: url(filename) if app.debug else cached(filename)


def time_tag(moment: int) -> Markup:
    """Return a <time> element for Unix milliseconds: "23 November 2026, 11:54 UTC"."""
    iso, exact = _exact(moment)
    # Figures and the name of a month: nothing to escape, and that is 5 % of a page's time.
    return Markup(f'<time datetime="{iso}">{exact}</time>')  # noqa: S704 # nosec B704


def ago_tag(moment: int) -> Markup:
    """Return a <time> element that reads "3 days ago", the exact time for a pointer that rests
    on it and for screen readers.
    """
    iso, exact = _exact(moment)
    said = f'{words.ago(moment)}<span class="visually-hidden"> ({exact})</span>'
    return Markup(f'<time datetime="{iso}" title="{exact}">{said}</time>')  # noqa: S704 # nosec B704


def _exact(moment: int) -> tuple[str, str]:
    when = time.gmtime(moment // 1000)
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", when)
    return iso, f"{when.tm_mday} {MONTHS[when.tm_mon]} {when.tm_year}, {iso[11:16]} UTC"
