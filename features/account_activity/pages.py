"""The page of all events, newest first, by day."""

import itertools
from collections.abc import Iterable, Iterator

from flask import Blueprint, g, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from accounts import events, times
from models import Event
from web.paging import page_of
from web.words import describe_actor, describe_event

EVENTS_PER_PAGE = 25

bp = Blueprint("activity", __name__, template_folder="templates")


@bp.get("/profile/activity")
def show() -> ResponseReturnValue:
    """List what happened to the account, newest first."""
    page = page_of(events.events_of(g.user), EVENTS_PER_PAGE)
    return render_template("activity/show.html", page=page)


@bp.app_template_filter()
def clock_tag(moment: int) -> Markup:
    """Return a <time> element that reads "11:54 UTC", for where the day is known."""
    clock = times.in_words(moment).split(", ")[-1]
    return Markup('<time datetime="{}">{}</time>').format(times.iso_time(moment), clock)


@bp.app_template_filter()
def by_day(listed: Iterable[Event]) -> Iterator[tuple[str, Iterable[Event]]]:
    """Yield each day (UTC) with its events; enhance.js groups them by local days."""
    return itertools.groupby(listed, lambda event: times.in_words(event.at).split(", ")[0])


bp.add_app_template_filter(describe_event)
bp.add_app_template_filter(describe_actor)
