"""What happened to an account, for its owner to read."""

from typing import Any, NamedTuple

from peewee import Expression, Query, fn

from models import Event, User

from .events import Kind
from .statements import statement

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
    failed = _count_failed.row(user=user.id, handle=handle)[0]
    if not failed:
        return None
    before = Event.select().where(_logged_in_before(user, handle))
    return SinceLastLogin(failed, before.order_by(Event.id.desc()).first())


@statement
def _count_failed(user: Any, handle: Any) -> Query:
    last = Event.select(fn.MAX(Event.id)).where(_logged_in_before(user, handle))
    failed = (Event.user == user) & (Event.kind == Kind.LOGIN_FAIL)
    return Event.select(fn.COUNT(Event.id)).where(failed & (Event.id > fn.COALESCE(last, 0)))


def _logged_in_before(user: Any, handle: Any) -> Expression:
    signed_in = Event.kind.in_([Kind.LOGIN_SUCCESS, Kind.USER_CREATED])
    condition: Expression = (Event.user == user) & signed_in
    return condition & Event.session.not_in(["", handle])
