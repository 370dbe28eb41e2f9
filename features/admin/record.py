"""Lists of events of everybody, newest first, found by an index as in people.py."""

from typing import Any

from peewee import JOIN, Tuple

from accounts.events import Kind
from accounts.sessions import Reason
from models import Event, User

from .people import LOOK_AT, Page

SIZE = 50


def list_events(kind: str, actor: str, user: str, after: str) -> Page:
    """Return a page of events, with the names of their users: of one kind, by one actor, of one
    user, "" for any.
    """
    place = Tuple(Event.at, Event.id)
    query = Event.select(Event, User).join(User, JOIN.LEFT_OUTER).order_by(*_descending(place))
    conditions = [Event.actor == actor] * bool(actor) + [Event.user == user] * bool(user)
    if (begin := _read_place(after)) is not None:
        conditions.append(place < Tuple(*begin))
    end = None
    if kind:
        before: Any = Event.select(Event.at, Event.id).order_by(*_descending(place))
        before = before.where(*conditions) if conditions else before
        looked_at = list(before.limit(LOOK_AT).tuples())
        if len(looked_at) == LOOK_AT:
            end = looked_at[-1]
            conditions.append(place >= Tuple(*end))
        conditions.append(Event.kind == kind)
    query = query.where(*conditions) if conditions else query
    rows = list(query.limit(SIZE + 1))
    last = (rows[SIZE - 1].at, rows[SIZE - 1].id) if len(rows) > SIZE else end
    return Page(rows[:SIZE], "{}.{}".format(*last) if last else "")


def _descending(place: Tuple) -> list[Any]:
    return [each.desc() for each in place.nodes]


def _read_place(after: str) -> tuple[int, int] | None:
    moment, _, number = after.partition(".")
    whole = all(part.isascii() and part.isdigit() and len(part) < 19 for part in (moment, number))
    return (int(moment), int(number)) if whole else None


def acts_of_admins(most: int) -> list[Event]:
    """Return the last things that admins did to others, newest first."""
    follows = (Event.kind == Kind.SESSION_ENDED) & (Event.detail == Reason.LOCKED)  # on a lock
    acts = Event.select(Event, User).join(User, JOIN.LEFT_OUTER)
    acts = acts.where(Event.actor.is_null(False), ~follows)
    return list(acts.order_by(Event.at.desc(), Event.id.desc()).limit(most))
