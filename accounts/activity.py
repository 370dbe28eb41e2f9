"""What happened to an account, for its owner to read."""

from typing import Any

from peewee import SQL, Expression, Query, fn

from database.statements import statement
from models import Event, User

from .events import Kind

EVENTS_PER_PAGE = 25
LOGGED_IN = [Kind.LOGIN_SUCCESS.value, Kind.USER_CREATED.value]


def events_of(user: User) -> Any:
    """Return a query for all events of a user, newest first."""
    return Event.select().where(Event.user == user).order_by(Event.at.desc(), Event.id.desc())


def failed_since_last_login(user: User, handle: str) -> tuple[int, Event | None]:
    """Return how many log-ins failed between the last good one and that of the session `handle`,
    and the event of the last good one, or None; (0, None) if none failed, at one query.
    """
    values = {"user": user.id, "handles": ["", handle], "kinds": LOGGED_IN}
    failed = _count_failed.row(**values, failure=Kind.LOGIN_FAIL.value)[0]
    if not failed:
        return 0, None
    before = Event.select().where(_logged_in_before(**values))
    return failed, before.order_by(Event.id.desc()).first()


@statement
def _count_failed(user: Any, handles: Any, kinds: Any, failure: Any) -> Query:
    last = Event.select(fn.MAX(Event.id)).where(_logged_in_before(user, handles, kinds))
    failed = (Event.user == user) & (Event.kind == failure)
    return Event.select(fn.COUNT(Event.id)).where(failed & (Event.id > fn.COALESCE(last, SQL("0"))))


def _logged_in_before(user: Any, handles: Any, kinds: Any) -> Expression:
    condition: Expression = (Event.user == user) & Event.kind.in_(kinds)
    return condition & Event.session.not_in(handles)
