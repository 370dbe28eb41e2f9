"""Open a session and recognize it again.

The browser holds a token of 256 random bits, the row its SHA-256: a fast hash is enough, since
256 bits cannot be guessed.
"""

import contextlib
import hashlib
import re
import secrets
from typing import Any, NamedTuple

from peewee import ModelSelect, OperationalError, Query

from database import database
from database.statements import load_joined, statement
from models import HANDLE_BYTES, Event, Session, User, now

from .. import events, hooks
from ..actor import OPERATOR, Actor
from ..events import Kind
from .ending import make_room
from .rules import Reason, alive, is_dead, new_times

SEEN_EVERY = 3_600_000  # ms: how exact "last seen" is


def hash_token(token: str) -> bytes:
    """Return the id of the session that `token` opens: its SHA-256, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


class SignedIn(NamedTuple):
    """A user who has just logged in, and the token that opens the new session."""

    user: User
    token: str
    handle: str


def create_session(user: User, actor: Actor) -> SignedIn:
    """Create a session for a user who has just logged in, in the transaction that has locked
    them: since the password was verified the account may have been locked, or the password changed.
    Raises the AccountError of a feature that does not let them in (hooks.log_in_vetoes).
    """
    for refuse in hooks.log_in_vetoes:
        refuse(user)
    token = secrets.token_urlsafe(32)
    moment = now()
    session = Session(id=hash_token(token), user=user)
    _add_session(
        id=session.id,
        user=user.id,
        created_at=moment,
        authenticated_at=moment,
        ip_address=actor.ip_address,
        user_agent=actor.user_agent,
        **new_times(moment, created_at=moment),
    )
    make_room(session, actor)
    return SignedIn(user, token, session.handle)


@statement
def _add_session(**columns: Any) -> Query:
    return Session.insert(columns)


def renew_token(session: Session, reason: str, actor: Actor) -> SignedIn:
    """Give a session a new token; a browser with a copy of the old one is logged out for this
    reason. Call it in a transaction that has made sure that the session exists.
    """
    token = secrets.token_urlsafe(32)
    renewed = Session(id=hash_token(token))
    moment = now()
    changes = {"id": renewed.id, "authenticated_at": moment, "last_seen_at": moment}
    Session.update(changes).where(Session.id == session.id).execute()
    events.record(Kind.SESSION_ENDED, session.user, actor, session.handle, reason)
    return SignedIn(session.user, token, renewed.handle)


def validate_session(token: str) -> Session | None:
    """Return the live session that `token` opens, its user joined, or None: one indexed query,
    and usually no write. If `renewed` is set on it, its cookie must be sent again.
    """
    row = _session_and_user.row(session_id=hash_token(token))
    session = load_joined(Session, User, row)
    if session is None or session.user.locked_at:
        return None
    moment, unused = now(), session.last_seen_at == session.authenticated_at
    if is_dead(session, moment):
        _delete_dead(session)
        return None
    if moment > session.active_expires_at:
        session.renewed = _update(session, new_times(moment, session.created_at))
    elif unused or moment - session.last_seen_at >= SEEN_EVERY:
        _update(session, {"last_seen_at": moment + 1})  # later than it began
    return session


@statement
def _session_and_user(session_id: Any) -> Query:
    return Session.select(Session, User).join(User).where(Session.id == session_id)


def _delete_dead(session: Session) -> None:
    # Dead is dead, whether the row can be deleted now or goes with a later log-in.
    with contextlib.suppress(OperationalError), database.atomic():
        if Session.delete().where(Session.id == session.id).execute():
            events.record(Kind.SESSION_EXPIRED, session.user, OPERATOR, session.handle)


def _update(session: Session, times: dict[str, int]) -> bool:
    # An UPDATE never brings back a row that a log-out has just deleted, and pages can be read
    # while the database cannot be written.
    try:
        with database.unsynced():
            updated: int = Session.update(**times).where(Session.id == session.id).execute()
    except OperationalError:
        return False
    session.__data__.update(times)
    return updated == 1


def why_ended(token: str) -> str:
    """Return why a token no longer opens a session, usually one of Reason, from the events;
    UNKNOWN if they went with the account, or the row was deleted long after it died.
    """
    ended = Event.kind.in_([Kind.SESSION_ENDED, Kind.SESSION_EXPIRED])
    handle = Session(id=hash_token(token)).handle
    event = Event.select().where(Event.session == handle, ended).order_by(Event.id.desc()).first()
    if event is None:
        return Reason.UNKNOWN
    return Reason.EXPIRED if event.kind == Kind.SESSION_EXPIRED else str(event.detail)


def live_sessions(user: User | None = None) -> "ModelSelect[Session]":
    """Return a query for live sessions, of one user or all, users joined, last seen first."""
    live = Session.select(Session, User).join(User).where(alive())
    live = live.order_by(Session.last_seen_at.desc(), Session.id)
    return live if user is None else live.where(Session.user == user)


def find_session(handle: str, user: User | None = None) -> Session | None:
    """Return the live session, of one user or all, with this handle (12 hex digits), or None."""
    return next(iter(find_sessions(handle, user)), None)


def find_sessions(handle: str, user: User | None = None) -> list[Session]:
    """Return all such sessions: of millions, two may have one handle."""
    if not re.fullmatch(f"[0-9a-f]{{{2 * HANDLE_BYTES}}}", handle):
        return []
    first = bytes.fromhex(handle).ljust(32, b"\x00")
    last = bytes.fromhex(handle).ljust(32, b"\xff")
    return list(live_sessions(user).where(Session.id.between(first, last)))
