"""What every template can use: page_url, static_url, time_tag, ago_tag, words.py.

Filters of constants are worked out by Jinja when it compiles a template: addresses cost a page
nothing.
"""

import calendar
import functools
import hashlib
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

from flask import Flask, request
from flask.templating import Environment as FlaskEnvironment
from markupsafe import Markup

from . import words

A_YEAR = 365 * 24 * 3600  # seconds
MONTHS = tuple(calendar.month_name)


class Environment(FlaskEnvironment):
    """Flask's, its globals in a plain dict: what is added to them once templates are in use is not
    seen. Jinja's ChainMap is copied for every page, name by name.
    """

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return the globals of one template."""
        return {**self.globals, **(d or {})}


def init_app(app: Flask) -> None:
    """Offer them to the templates."""
    app.jinja_env.filters["time_tag"] = time_tag
    # Never use these two on what a visitor sent: nothing leaves their caches.
    app.jinja_env.filters["page_url"] = functools.cache(functools.partial(address, app))
    app.jinja_env.filters["static_url"] = functools.cache(functools.partial(static_url, app))
    # The address changes with the content; while somebody works on it browsers ask each time.
    app.get_send_file_max_age = lambda filename: None if app.debug else A_YEAR  # type: ignore[method-assign]
    app.jinja_env.filters["ago_tag"] = ago_tag
    for function in (words.browser_words, words.event_words, words.place_words):
        app.jinja_env.filters[function.__name__] = function


def address(app: Flask, endpoint: str, **values: str) -> str:
    """Return what url_for does, even to a request whose Host is so bad that Flask routes nothing
    and url_for fails: the page that refuses it has links too.
    """
    adapter = app.url_map.bind("localhost", script_name=request.root_path or "/")
    return adapter.build(endpoint, values)


def static_url(app: Flask, filename: str) -> str:
    """Return the address of a static file, with a part that changes with its content: browsers
    may keep it for a year.
    """
    digest = hashlib.sha256(Path(app.static_folder or "", filename).read_bytes()).hexdigest()
    return address(app, "static", filename=filename, v=digest[:12])


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


@functools.lru_cache(maxsize=1000)  # the same few moments stand on page after page
def _exact(moment: int) -> tuple[str, str]:
    when = time.gmtime(moment // 1000)
    iso = time.strftime("%Y-%m-%dT%H:%M:%SZ", when)
    return iso, f"{when.tm_mday} {MONTHS[when.tm_mon]} {when.tm_year}, {iso[11:16]} UTC"
