"""Events: the append-only record of what happened to an account.

Each is written in the transaction of what it records, and goes to the log as one JSON line once
that transaction is committed. Names of kinds follow OWASP's logging vocabulary
(https://cheatsheetseries.owasp.org/cheatsheets/Logging_Vocabulary_Cheat_Sheet.html).
"""

import contextlib
import logging
from datetime import timedelta
from enum import StrEnum
from typing import Any

from peewee import IntegrityError, Query

from database import database
from models import Event, User, now

from .client import Client
from .statements import statement

logger = logging.getLogger("vestibule.events")


class Kind(StrEnum):
    """What can happen."""

    USER_CREATED = "user_created"
    USER_IMPORTED = "user_imported"
    USER_RENAMED = "user_renamed"
    USER_LOCKED = "user_locked"
    USER_UNLOCKED = "user_unlocked"
    USER_DELETED = "user_deleted"
    LOGIN_SUCCESS = "authn_login_success"
    LOGIN_FAIL = "authn_login_fail"
    PASSWORD_CHANGE = "authn_password_change"  # noqa: S105 # nosec B105
    PASSWORD_UPGRADE = "authn_password_upgrade"  # noqa: S105 # nosec B105
    SESSION_CREATED = "session_created"
    SESSION_ENDED = "session_ended"
    SESSION_EXPIRED = "session_expired"


class Refused(StrEnum):
    """Why a request was refused; on the log alone, since no account is concerned."""

    SESSION_USED_AFTER_END = "session_use_after_expire"
    NOT_LOGGED_IN = "authz_fail"
    BAD_SHAPE = "input_validation_fail"
    TOO_MANY_ATTEMPTS = "excess_rate_limit_exceeded"
    FOREIGN_FORM = "malicious_csrf"  # or one that had expired
    FOREIGN_SITE = "malicious_cors"
    FOREIGN_HOST = "malicious_host"


_retention: timedelta


def configure(retention: timedelta) -> None:
    """Set how long events are kept; called once at start."""
    global _retention  # noqa: PLW0603 - set once at start
    _retention = retention


def record(
    kind: Kind, user: User | None, client: Client, session: str = "", detail: str = ""
) -> int:
    """Record what happened to a user, in the transaction that made it happen; return its id.

    session: the handle of a session. detail: a few words, never a secret.
    """
    added = _add_event(
        at=now(),
        kind=kind.value,
        user=user and user.id,
        session=session,
        ip_address=client.ip_address,
        user_agent=client.user_agent,
        detail=str(detail),
    ).fetchall()
    if user is not None:
        fields = {"user": user.id, "session": session, "detail": detail}
        database.after_commit(lambda: log(kind, client, **fields))
    return int(added[0][0])


@statement
def _add_event(**columns: Any) -> Query:
    return Event.insert(columns).returning(Event.id)


def record_failed_login(
    user: User | None, client: Client, fingerprint: str = "", session: str = ""
) -> None:
    """Record a failed log-in; where there is no such user it goes to the log alone, with the
    fingerprint of the name that was typed (people type passwords there). session: the handle,
    where somebody who is signed in was asked for the password once more.

    Its row is written even so, and deleted again: the answer must not be faster for a name that
    does not exist.
    """
    with contextlib.suppress(IntegrityError), database.atomic():  # deleted in the meantime
        event_id = record(Kind.LOGIN_FAIL, user, client, session)
        if user is None:
            _delete_event(event_id=event_id)
            database.after_commit(lambda: log(Kind.LOGIN_FAIL, client, name=fingerprint))


@statement
def _delete_event(event_id: Any) -> Query:
    return Event.delete().where(Event.id == event_id)


def log(kind: str, client: Client, **fields: Any) -> None:
    """Write one event to the log alone. Never raises: what it tells of is committed already."""
    logger.info(kind, extra={"fields": {"event": kind, "ip": client.ip_address, **fields}})


def kept_since() -> int:
    """Return the moment before which events are too old to be kept."""
    return now() - _retention // timedelta(milliseconds=1)


def delete_old_events(most: int) -> int:
    """Delete up to `most` events older than their retention; return how many there were."""
    return int(_delete_old(kept_since=kept_since(), most=most).rowcount)


@statement
def _delete_old(kept_since: Any, most: Any) -> Query:
    old = database.unclaimed(Event.select(Event.id).where(Event.at < kept_since).limit(most))
    return Event.delete().where(Event.id.in_(old))
