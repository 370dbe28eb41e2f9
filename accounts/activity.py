"""What happened to an account, for its owner to read."""

from typing import NamedTuple

from peewee import fn

from models import Event, User

from .events import Kind

EVENTS_PER_PAGE = 25


class Page(NamedTuple):
    """Some events, newest first; `older`: whether there are more on the next page."""

    number: int
    events: list[Event]
    older: bool


def page_of_events(user: User, number: int) -> Page:
    """Return a page of a user's events, the first being 1; empty past the last."""
    newest_first = (
        Event.select().where(Event.user == user).order_by(Event.at.desc(), Event.id.desc())
    )
    skipped = (number - 1) * EVENTS_PER_PAGE
    rows = list(newest_first.offset(skipped).limit(EVENTS_PER_PAGE + 1))
    return Page(number, rows[:EVENTS_PER_PAGE], len(rows) > EVENTS_PER_PAGE)


class SinceLastLogin(NamedTuple):
    """How often a log-in failed since the last good one, and that one; None if there was none."""

    failed: int
    last: Event | None


def failed_since_last_login(user: User, handle: str) -> SinceLastLogin | None:
    """Return what happened between the last log-in and that of the session `handle`; None when
    nothing failed, which one query tells.
    """
    mine = Event.user == user
    signed_in = Event.kind.in_([Kind.LOGIN_SUCCESS, Kind.USER_CREATED])
    before = mine & signed_in & Event.session.not_in(["", handle])
    last_id = fn.COALESCE(Event.select(fn.MAX(Event.id)).where(before), 0)
    since = mine & (Event.kind == Kind.LOGIN_FAIL) & (Event.id > last_id)
    failed = Event.select().where(since).count()
    if not failed:
        return None
    return SinceLastLogin(failed, Event.select().where(before).order_by(Event.id.desc()).first())
