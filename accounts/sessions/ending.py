"""End sessions, and clear away the rows of dead ones."""

import time

from peewee import Expression

from database import database
from models import Session, User, now

from .. import events
from ..client import COMMAND_LINE, Client
from ..events import Kind
from .rules import alive

BATCH = 200
PAUSE = 0.002  # seconds


def invalidate_session(session: Session, reason: str, client: Client = COMMAND_LINE) -> None:
    """End a session: the row goes, and every copy of its cookie is a stranger's."""
    end_sessions(Session.id == session.id, reason, client)


def invalidate_user_sessions(
    user: User, reason: str, client: Client = COMMAND_LINE, keep: Session | None = None
) -> int:
    """End all sessions of a user but `keep`; return how many.

    The one way to end all that is outstanding: a new password, a lock, an operator's word.
    """
    ended = Session.user == user
    return end_sessions(ended if keep is None else ended & (Session.id != keep.id), reason, client)


def invalidate_all_sessions(reason: str) -> int:
    """End everybody's sessions, in small batches; return how many."""
    ended = 0
    while some := list(Session.select(Session.id).limit(BATCH)):
        ended += end_sessions(Session.id.in_(some), reason, COMMAND_LINE)
        time.sleep(PAUSE)
    return ended


def end_sessions(condition: Expression, reason: str, client: Client) -> int:
    """End the sessions for which a condition holds, and record of each why: its browser is told
    on its next visit.
    """
    with database.atomic():
        ended = list(Session.select(Session, User).join(User).where(condition))
        if ended:
            Session.delete().where(Session.id.in_([session.id for session in ended])).execute()
        for session in ended:
            events.record(Kind.SESSION_ENDED, session.user, client, session.handle, reason)
    return len(ended)


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
        while batch := _delete_some(dead, BATCH):
            deleted += batch
            time.sleep(PAUSE)
    return deleted
