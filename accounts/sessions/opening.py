"""Open a session and recognise it again.

The browser holds a token of 256 random bits, the row its SHA-256: a fast hash is enough, since
nobody can guess 256 bits.
"""

import contextlib
import hashlib
import re
import secrets
from typing import Any, NamedTuple

from peewee import ModelSelect, OperationalError, Query

from database import database
from models import HANDLE_BYTES, Event, Session, User, now

from .. import events
from ..client import COMMAND_LINE, Client
from ..events import Kind
from ..statements import load_with_user, statement
from .ending import clear_away
from .reasons import Reason
from .rules import alive, is_dead, new_times

SEEN_EVERY = 3_600_000  # ms: how exact "last seen" is


def hash_token(token: str) -> bytes:
    """Return the id of the session that `token` opens: its SHA-256, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


class SignedIn(NamedTuple):
    """A user who has just proved to be one, and the token that opens the new session.

    common: whether the password is among the most common ones. It is nowhere stored: it would
    show whoever steals the database where to begin.
    """

    user: User
    token: str
    handle: str
    common: bool = False


def create_session(user: User, client: Client) -> SignedIn:
    """Make a session for a user who has just proved to be one.

    To be called inside the transaction that has made sure of the user: between a good password
    and this row the account may have been locked or its password changed.
    """
    token = secrets.token_urlsafe(32)
    moment = now()
    session = Session(id=hash_token(token), user=user)
    _add_session(
        id=session.id,
        user=user.id,
        created_at=moment,
        authenticated_at=moment,
        ip_address=client.ip_address,
        user_agent=client.user_agent,
        **new_times(moment, created_at=moment),
    )
    clear_away(session, client)
    return SignedIn(user, token, session.handle)


@statement
def _add_session(**columns: Any) -> Query:
    return Session.insert(columns)


def renew_token(session: Session, reason: str, client: Client) -> SignedIn:
    """Give the session of a user who has just proved to be one again a new token; whoever holds
    a copy of the old one is signed out for a reason.

    To be called inside a transaction that has made sure that the session is there.
    """
    token = secrets.token_urlsafe(32)
    renewed = Session(id=hash_token(token))
    changes = {"id": renewed.id, "authenticated_at": now()}
    Session.update(changes).where(Session.id == session.id).execute()
    events.record(Kind.SESSION_ENDED, session.user, client, session.handle, reason)
    return SignedIn(session.user, token, renewed.handle)


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
        session.renewed = _update(session, new_times(moment, session.created_at))
    elif moment - session.last_seen_at >= SEEN_EVERY:
        _update(session, {"last_seen_at": moment})
    return session


def _find(session_id: bytes) -> Session | None:
    return load_with_user(Session, _session_and_user.row(session_id=session_id))


@statement
def _session_and_user(session_id: Any) -> Query:
    return Session.select(Session, User).join(User).where(Session.id == session_id)


def _delete_dead(session: Session) -> None:
    # Dead is dead whether the row can be deleted now or goes with somebody's next log-in.
    with contextlib.suppress(OperationalError), database.atomic():
        if Session.delete().where(Session.id == session.id).execute():
            events.record(Kind.SESSION_EXPIRED, session.user, COMMAND_LINE, session.handle)


def why_ended(token: str) -> str:
    """Return the reason why there is no session for a token (any more), mostly one of Reason.

    The events say it; no rows of ended sessions are kept. UNKNOWN where they do not: they went
    with their account, or the row was cleared away after it had died of age.
    """
    ended = Event.kind.in_([Kind.SESSION_ENDED, Kind.SESSION_EXPIRED])
    handle = Session(id=hash_token(token)).handle
    event = Event.select().where(Event.session == handle, ended).order_by(Event.id.desc()).first()
    if event is None:
        return Reason.UNKNOWN
    return Reason.EXPIRED if event.kind == Kind.SESSION_EXPIRED else str(event.detail)


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


def live_sessions(user: User | None = None) -> "ModelSelect[Session]":
    """Return a query for the sessions that are not dead, of one user or all, each with its user
    joined, last seen first.
    """
    live = Session.select(Session, User).join(User).where(alive())
    live = live.order_by(Session.last_seen_at.desc(), Session.id)
    return live if user is None else live.where(Session.user == user)


def find_session(handle: str, user: User | None = None) -> Session | None:
    """Return the live session, of one user or all, called `handle` (12 hex digits), or None."""
    if not re.fullmatch(f"[0-9a-f]{{{2 * HANDLE_BYTES}}}", handle):
        return None
    first = bytes.fromhex(handle).ljust(32, b"\x00")
    last = bytes.fromhex(handle).ljust(32, b"\xff")
    return live_sessions(user).where(Session.id.between(first, last)).first()  # type: ignore[no-any-return]
