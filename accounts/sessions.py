"""Sessions: one row for each signed-in browser.

active  now <= active_expires_at: nothing is written, but last_seen_at at most once an hour
idle    then, until idle_expires_at: used, it is renewed, and so must the cookie be
dead    after idle_expires_at, and SESSION_MAX_AGE after created_at whatever happens

The browser holds a token of 256 random bits, the row its SHA-256: a fast hash is enough, since
nobody can guess 256 bits.
"""

import contextlib
import functools
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from peewee import Expression, ModelSelect, OperationalError

from database import database
from models import HANDLE_BYTES, BaseModel, Session, User, now

from .client import Client

SEEN_EVERY = 3_600_000  # ms: how exact "last seen" is
PRUNE_BATCH = 200
PRUNE_PAUSE = 0.002  # seconds
DEAD_ROWS_PER_LOGIN = 5  # so that no backlog forms; 1 % of a log-in's time, measured


@dataclass(frozen=True)
class Periods:
    """The lengths of a session's life in ms, and how many a user may have."""

    active: int
    idle: int
    max_age: int
    per_user: int


_periods: Periods
M = TypeVar("M", bound=BaseModel)


def configure(active: timedelta, idle: timedelta, max_age: timedelta, per_user: int) -> None:
    """Set how long sessions live and how many a user may have; called once at start."""
    global _periods  # noqa: PLW0603 - set once at start
    _periods = Periods(_ms(active), _ms(idle), _ms(max_age), per_user)


def _ms(period: timedelta) -> int:
    return period // timedelta(milliseconds=1)


def lifetime() -> timedelta:
    """Return how long an unused session lives: the lifetime of its cookie."""
    return timedelta(milliseconds=min(_periods.active + _periods.idle, _periods.max_age))


def hash_token(token: str) -> bytes:
    """Return the id of the session that `token` opens: its SHA-256, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


def create_session(user: User, client: Client) -> str:
    """Make a session for a user who has just proved to be one; return its token.

    To be called inside the transaction that has made sure of the user: between a good password
    and this row the account may have been locked or its password changed.
    """
    token = secrets.token_urlsafe(32)
    moment = now()
    Session.insert(
        id=hash_token(token),
        user=user,
        created_at=moment,
        authenticated_at=moment,
        ip_address=client.ip_address,
        user_agent=client.user_agent,
        **_times(moment, created_at=moment),
    ).execute()
    _end_oldest(user, keep=hash_token(token))
    delete_dead_sessions(DEAD_ROWS_PER_LOGIN)
    return token


def _times(moment: int, created_at: int) -> dict[str, int]:
    end = created_at + _periods.max_age
    active_end = moment + _periods.active
    return {
        "last_seen_at": moment,
        "active_expires_at": min(active_end, end),
        "idle_expires_at": min(active_end + _periods.idle, end),
    }


def _end_oldest(user: User, keep: bytes) -> None:
    # The new one stays whatever the clock says: set back, it would be the oldest itself.
    surplus = (
        Session.select(Session.id)
        .where(Session.user == user, Session.id != keep)
        .order_by(Session.created_at.desc())
        .offset(_periods.per_user - 1)
    )
    Session.delete().where(Session.id.in_(surplus)).execute()


def validate_session(token: str) -> Session | None:
    """Return the live session that `token` opens, its user joined, or None.

    `renewed` is set on the session when its times were: the cookie must be sent again. One
    indexed query, and in the usual case no write.
    """
    session = _find(hash_token(token))
    if session is None or session.user.locked_at:
        return None
    moment = now()
    if is_dead(session, moment):
        _delete_dead(session)
        return None
    if moment > session.active_expires_at:
        session.renewed = _update(session, _times(moment, session.created_at))
    elif moment - session.last_seen_at >= SEEN_EVERY:
        _update(session, {"last_seen_at": moment})
    return session


def _find(session_id: bytes) -> Session | None:
    row = database.execute_sql(_find_sql(), (session_id,)).fetchone()
    if row is None:
        return None
    columns = len(Session._meta.sorted_field_names)
    session = _loaded(Session, row[:columns])
    session.user = _loaded(User, row[columns:])
    return session


def _loaded(model: type[M], row: tuple[Any, ...]) -> M:
    instance = model(__no_default__=True)
    instance.__data__ = dict(zip(model._meta.sorted_field_names, row, strict=True))
    return instance


@functools.cache
def _find_sql() -> str:
    # Written out once: Peewee takes 150 microseconds to build what SQLite answers in 5.
    query = Session.select(Session, User).join(User).where(Session.id == b"")
    return str(query.sql()[0])


def is_dead(session: Session, moment: int) -> bool:
    """Whether a session is past its time at `moment` (Unix ms)."""
    return bool(moment > session.idle_expires_at or moment > session.created_at + _periods.max_age)


def _delete_dead(session: Session) -> None:
    # Dead is dead whether the row can be deleted now or goes with somebody's next log-in.
    with contextlib.suppress(OperationalError):
        invalidate_session(session)


def _update(session: Session, times: dict[str, int]) -> bool:
    """Write new times on a session that is being used; False when they were not written.

    An UPDATE never brings back a row that a log-out has just deleted, and a database that
    cannot be written just now keeps nobody from reading their pages.
    """
    try:
        updated: int = Session.update(**times).where(Session.id == session.id).execute()
    except OperationalError:
        return False
    session.__data__.update(times)
    return updated == 1


def alive() -> Expression:
    """Return the condition that a session is not dead, for a query."""
    moment = now()
    return (Session.idle_expires_at >= moment) & (Session.created_at >= moment - _periods.max_age)


def live_sessions(user: User | None = None) -> "ModelSelect[Session]":
    """Return a query for the sessions that are not dead, of one user or all, each with its user
    joined, last seen first.
    """
    live = Session.select(Session, User).join(User).where(alive())
    live = live.order_by(Session.last_seen_at.desc(), Session.id)
    return live if user is None else live.where(Session.user == user)


def find_session(handle: str) -> Session | None:
    """Return the live session that is called `handle` (12 hex digits), or None."""
    if not re.fullmatch(f"[0-9a-f]{{{2 * HANDLE_BYTES}}}", handle):
        return None
    first = bytes.fromhex(handle).ljust(32, b"\x00")
    last = bytes.fromhex(handle).ljust(32, b"\xff")
    return live_sessions().where(Session.id.between(first, last)).first()  # type: ignore[no-any-return]


def invalidate_session(session: Session) -> None:
    """End a session: the row goes, and every copy of its cookie is a stranger's."""
    Session.delete().where(Session.id == session.id).execute()


def invalidate_user_sessions(user: User, keep: Session | None = None) -> int:
    """End all sessions of a user but `keep`; return how many."""
    ended = Session.delete().where(Session.user == user)
    if keep is not None:
        ended = ended.where(Session.id != keep.id)
    return int(ended.execute())


def invalidate_all_sessions() -> int:
    """End everybody's sessions; return how many."""
    return int(Session.delete().execute())


def delete_dead_sessions(most: int) -> int:
    """Delete up to `most` rows that are past their idle time; return how many there were.

    Never one big DELETE: it would keep every log-in waiting.
    """
    return _delete_some(Session.idle_expires_at < now(), most)


def _delete_some(condition: Expression, most: int) -> int:
    some = [session.id for session in Session.select(Session.id).where(condition).limit(most)]
    return int(Session.delete().where(Session.id.in_(some)).execute()) if some else 0


def prune_sessions() -> int:
    """Delete all dead rows, in small batches with a pause between them; return how many.

    200 rows and 2 ms were best, measured: log-ins beside it waited 30 ms at most. Rows that are
    dead only because SESSION_MAX_AGE was shortened have no index and come last, if there are any.
    """
    deleted = 0
    for dead in (Session.idle_expires_at < now(), ~alive()):
        while batch := _delete_some(dead, PRUNE_BATCH):
            deleted += batch
            time.sleep(PRUNE_PAUSE)
    return deleted
