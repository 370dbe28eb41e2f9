"""End sessions, and clear away the rows of dead ones."""

import time
from typing import Any

from peewee import SQL, Expression, Query, Select, fn

from database import database
from models import Event, Session, User, now

from .. import events
from ..client import COMMAND_LINE, Client
from ..events import Kind
from ..statements import statement
from .reasons import Reason
from .rules import alive, per_user, surplus_of

BATCH = 200
OLD_ROWS_PER_LOGIN = 5  # so that no backlog forms; 1 % of a log-in's time, measured
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
        live = Session.select(Session, User).join(User).where(condition)
        found = {session.id: session for session in live}
        # Of two who end the same session at once, one does.
        gone = Session.delete().where(Session.id.in_(list(found))).returning(Session.id)
        ended = [found[row.id] for row in gone.execute()] if found else []
        for session in ended:
            events.record(Kind.SESSION_ENDED, session.user, client, session.handle, reason)
    return len(ended)


def clear_away(new: Session, client: Client) -> None:
    """Make place for a session that was just made: end the user's oldest beyond the number
    allowed, and delete a few rows whose time is over.
    """
    surplus, dead, old = _rows_to_go.row(
        user=new.user.id, allowed=per_user(), moment=now(), kept_since=events.kept_since()
    )
    if surplus:
        end_sessions(surplus_of(new), Reason.TOO_MANY, client)
    if dead:
        delete_dead_sessions(OLD_ROWS_PER_LOGIN)
    if old:
        events.delete_old_events(OLD_ROWS_PER_LOGIN)


@statement
def _rows_to_go(user: Any, allowed: Any, moment: Any, kept_since: Any) -> Query:
    # One look for all three: mostly there is nothing to do.
    one_too_many = Session.select(SQL("1")).where(Session.user == user).offset(allowed)
    dead = Session.select(SQL("1")).where(Session.idle_expires_at < moment)
    old = Event.select(SQL("1")).where(Event.at < kept_since)
    return Select(columns=[fn.EXISTS(one_too_many), fn.EXISTS(dead), fn.EXISTS(old)])


def delete_dead_sessions(most: int) -> int:
    """Delete up to `most` rows that are past their idle time; return how many there were.

    Never one big DELETE: it would keep every log-in waiting.
    """
    return int(_delete_dead(moment=now(), most=most).rowcount)


@statement
def _delete_dead(moment: Any, most: Any) -> Query:
    return _some(Session.idle_expires_at < moment, most)


def _some(condition: Expression, most: int) -> Query:
    some = Session.select(Session.id).where(condition).limit(most)
    return Session.delete().where(Session.id.in_(database.unclaimed(some)))


def prune_sessions() -> int:
    """Delete all dead rows, in small batches with a pause between them; return how many.

    200 rows and 2 ms were best, measured: log-ins beside it waited 30 ms at most. Rows that are
    dead only because SESSION_MAX_AGE was shortened have no index and come last, if there are any.
    """
    deleted = 0
    for dead in (Session.idle_expires_at < now(), ~alive()):
        while batch := _some(dead, BATCH).execute():
            deleted += batch
            time.sleep(PAUSE)
    return deleted
