"""List accounts for those who look after them: which, in which order, and when each was seen."""

import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from peewee import Expression, fn

from database import database
from models import Event, Key, Session, User

from ..events import LOGGED_IN, events_of
from ..sessions import alive
from ..usernames import USERNAME_PROVIDER

ORDERS = ("name", "created", "seen")


def list_users(
    search: str = "",
    kinds: Iterable[str] = (),
    sort: str = "created",
    limit: int | None = None,
) -> Iterator[Any]:
    """Yield users, each with the number of live `sessions`; never all of them in memory. search:
    only names that contain this, in any letter case. kinds: of these KINDS. sort: one of ORDERS.
    """
    query = _among(_with_sessions(sort == "seen"), kinds).order_by(_order(sort))
    if not (wanted := search_form(search)):
        yield from database.stream(query.limit(limit))
        return
    found = (user for user in database.stream(query) if wanted in search_form(user.username))
    for number, user in enumerate(found):  # to the end: a stream that is left keeps its cursor
        if limit is None or number < limit:
            yield user


def count_users(search: str = "", kinds: Iterable[str] = ()) -> int:
    """Return how many users `list_users` would yield without a limit."""
    query = _among(User.select(User.username), kinds)
    if not (wanted := search_form(search)):
        return int(query.count())
    return sum(wanted in search_form(user.username) for user in database.stream(query))


def _among(query: Any, kinds: Iterable[str]) -> Any:
    for kind in kinds:
        query = query.where(KINDS[kind])
    return query


def search_form(text: str) -> str:
    """Return the form in which names are compared in a search: two that have one key have one form
    here too, and so have those that differ only in case, as "ς" and "Σ", "ß" and "SS", "İ" and "i".
    """
    if text.isascii():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return folded.replace("i\u0307", "i").replace("ı", "i")


def with_sessions(user: User) -> Any:
    """Return a user with the number of live `sessions`."""
    return _with_sessions().where(User.id == user.id).get()


def _with_sessions(seen: bool = False) -> Any:
    live = Session.select(fn.COUNT(Session.id)).where(Session.user == User.id, alive())
    return User.select(User, live.alias("sessions"), *([_seen().alias("last_seen_at")] * seen))


def _order(sort: str) -> Any:
    if sort == "seen":
        return fn.COALESCE(_seen(), -1).desc()
    key = Key.select(fn.MIN(Key.provider_user_id)).where(
        Key.user == User.id, Key.provider == USERNAME_PROVIDER
    )
    return User.created_at if sort == "created" else fn.COALESCE(key, User.username).asc()


def _seen() -> Any:
    """When a user was last here: in a session that is still stored, or at the last log-in."""
    session = Session.select(fn.MAX(Session.last_seen_at)).where(Session.user == User.id)
    log_in = Event.select(fn.MAX(Event.at)).where(_logged_in(User.id))
    return fn.COALESCE(session, log_in)


def last_login(user: User) -> Event | None:
    """Return the event of a user's last log-in, or None."""
    return events_of(user).where(_logged_in(user)).first()  # type: ignore[no-any-return]


def _logged_in(user: Any) -> Expression:
    # Creating an account is a log-in too, if it was signed up for.
    return (Event.user == user) & Event.kind.in_(LOGGED_IN) & (Event.session != "")  # type: ignore[no-any-return]


# Which users can be listed alone, by the flag of `flask users list`. Features add theirs.
KINDS: dict[str, Expression] = {"locked": User.locked_at.is_null(False)}
