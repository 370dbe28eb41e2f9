"""Events: the append-only record of what happened to an account.

Each is written in the transaction of what it records, and goes to the log as one JSON line once
that transaction is committed. The names of kinds follow OWASP's logging vocabulary
(https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html).
"""

import contextlib
import logging
from enum import StrEnum
from typing import Any

from peewee import IntegrityError, Query

from database import database
from database.statements import statement
from models import Event, User, now

from . import hooks, settings, throttling
from .actor import Actor
from .throttling import Budgets

logger = logging.getLogger("vestibule.events")


class Kind(StrEnum):
    """What can happen. Features add kinds of their own: any text of up to 31 characters."""

    USER_CREATED = "user_created"
    USER_RENAMED = "user_renamed"
    USER_LOCKED = "user_locked"
    USER_UNLOCKED = "user_unlocked"
    USER_DELETED = "user_deleted"
    LOGIN_SUCCESS = "authn_login_success"
    LOGIN_FAIL = "authn_login_fail"
    PASSWORD_CHANGE = "authn_password_change"  # noqa: S105
    PASSWORD_UPGRADE = "authn_password_upgrade"  # noqa: S105
    SESSION_ENDED = "session_ended"
    SESSION_EXPIRED = "session_expired"


LOGGED_IN = [Kind.LOGIN_SUCCESS.value, Kind.USER_CREATED.value]


def record(kind: str, user: User | None, actor: Actor, session: str = "", detail: str = "") -> int:
    """Record what happened to a user, in the transaction that made it happen; return its id.
    session: a handle. detail: a few words, never a secret. Of another user who did it, the owner
    learns the id alone; the log has the address.
    """
    other = actor.other_than(user)
    columns = {
        "at": now(),
        "kind": str(kind),
        "user": user and user.id,
        "session": session,
        "ip_address": "" if other else actor.ip_address,
        "user_agent": "" if other else actor.user_agent,
        "detail": str(detail),
        "actor": other,
    }
    added = _add_event(**columns).fetchall()
    if user is not None or (other and kind != Kind.USER_DELETED):  # which logs itself
        fields = {"user": user.id, "session": session} if user else {}
        fields |= {"detail": detail, **({"actor": other} if other else {})}
        database.after_commit(lambda: log(kind, actor, **fields))
    for follow_up in hooks.recorded:
        follow_up(user, actor, columns)
    return int(added[0][0])


@statement
def _add_event(**columns: Any) -> Query:
    return Event.insert(columns).returning(Event.id)


def record_failed_login(
    user: User | None, actor: Actor, budgets: Budgets, fingerprint: str = "", session: str = ""
) -> None:
    """Record a failed log-in; without a user in the log alone, with the fingerprint of the name
    that was typed. session: the handle, if a user was asked for the password again.
    """
    with contextlib.suppress(IntegrityError), database.atomic():  # deleted in the meantime
        if throttling.excuse(budgets, actor):
            return
        event_id = record(Kind.LOGIN_FAIL, user, actor, session)
        if user is None:  # written even so: the answer must not be faster for an unknown name
            _delete_event(event_id=event_id)
            database.after_commit(lambda: log(Kind.LOGIN_FAIL, actor, name=fingerprint))


@statement
def _delete_event(event_id: Any) -> Query:
    return Event.delete().where(Event.id == event_id)


def log(kind: str, actor: Actor, /, **fields: Any) -> None:
    """Write one event to the log alone. Never raises: what it tells of is committed already."""
    logger.info(kind, extra={"fields": {"event": kind, "ip": actor.ip_address, **fields}})


def events_of(user: User) -> Any:
    """Return a query for all events of a user, newest first."""
    return Event.select().where(Event.user == user).order_by(Event.at.desc(), Event.id.desc())


def kept_since() -> int:
    """Return the moment (Unix ms) before which events are too old to be kept."""
    return now() - settings.EVENT_RETENTION
