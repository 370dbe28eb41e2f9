"""What every template can use: site_name, brand, page_url, static_url, times, words.py."""

import functools
from typing import Any

from flask import Flask, get_flashed_messages, request, session
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from accounts import times

from . import words
from .navigation import is_shown


def init_app(app: Flask) -> None:
    """Offer them to the templates."""

    @pass_context  # or Jinja would work it out once, wherever the application is mounted
    def page_url(context: Context, endpoint: str, **values: str) -> str:
        # Not url_for, which fails where Flask routed nothing, as on the page that refuses a host.
        script_name = context["request"].root_path or "/"
        return app.url_map.bind("localhost", script_name=script_name).build(endpoint, values)

    @pass_context
    def static_url(context: Context, filename: str) -> str:
        return page_url(context, "static", filename=filename)

    filters = page_url, static_url, time_tag, ago_tag, words.describe_browser
    app.jinja_env.filters.update({each.__name__: each for each in filters})
    app.jinja_env.globals["get_flashed_messages"] = unread_messages
    mark = app.jinja_env.get_template("_mark.html").render()
    name = escape(app.config["SITE_NAME"])
    app.jinja_env.globals.update(site_name=name, brand=Markup(f"{mark} {name}"))  # noqa: S704


def unread_messages(*args: Any, **options: Any) -> list[Any]:
    """Return Flask's messages, and forget them, if a person sees them now."""
    is_lost = "_flashes" in session and not is_shown(request)
    return [] if is_lost else get_flashed_messages(*args, **options)


def time_tag(moment: int) -> Markup:
    """Return a <time> element for Unix milliseconds: "23 November 2026, 11:54 UTC"."""
    iso, exact = _exact(moment)
    # Digits and the name of a month: nothing to escape, which would be 5 % of a page's time.
    return Markup(f'<time datetime="{iso}">{exact}</time>')  # noqa: S704


def ago_tag(moment: int) -> Markup:
    """Return "3 days ago" and the exact time: hovering is not for keyboards and thumbs."""
    return Markup(f"{times.ago(moment)}, ") + time_tag(moment)  # noqa: S704


@functools.lru_cache(maxsize=1000)  # the same few moments appear on page after page
def _exact(moment: int) -> tuple[str, str]:
    return times.iso_time(moment), times.in_words(moment)
