"""What happened to an account, for its owner to read."""

from typing import NamedTuple

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
    """The log-in before this one, None if there was none, and how often one failed since."""

    last: Event | None
    failed: int


def since_last_login(user: User, handle: str) -> SinceLastLogin:
    """Return what happened between the last log-in and that of the session `handle`."""
    mine = Event.select().where(Event.user == user)
    signed_in = Event.kind.in_([Kind.LOGIN_SUCCESS, Kind.USER_CREATED])
    before = mine.where(signed_in, Event.session.not_in(["", handle]))
    last = before.order_by(Event.at.desc(), Event.id.desc()).first()
    since = mine.where(Event.kind == Kind.LOGIN_FAIL, Event.id > (last.id if last else 0))
    return SinceLastLogin(last, since.count())
