"""The log-ins that failed."""

from typing import Any

from flask import current_app
from peewee import SQL, Expression, Query, fn

from accounts.events import LOGGED_IN, Kind
from accounts.sessions import SignedIn
from accounts.times import ago
from blueprints.account_pages import Known
from database.statements import statement
from models import Event, User
from web.words import describe_origin


def select_failed(known: Known) -> Query:
    """Return a query for the number of log-ins that failed lately."""
    failed = (Event.user == known["user"]) & (Event.kind == SQL(f"'{Kind.LOGIN_FAIL}'"))
    return Event.select(fn.COUNT(Event.id)).where(failed, Event.at >= known["month_ago"])


def words_since_last_login(signed_in: SignedIn) -> str:
    """Return the sentence for a user who logs in after failed attempts; "" if there were none, or
    they are one of the notices on the profile.
    """
    if "notices" in current_app.blueprints:
        return ""
    number, last = failed_since_last_login(signed_in.user, signed_in.handle)
    failed = f"{number} failed attempt{'' if number == 1 else 's'}"
    if last is None:
        return f"Your first log-in; {failed} before it." if number else ""
    return f"Last log-in {ago(last.at)}, {describe_origin(last)}; {failed} since then."


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
