"""End sessions, and delete the rows of dead ones."""

import time
from typing import Any

from peewee import SQL, Expression, Query, Select, fn

from database import database
from database.statements import statement
from models import Event, Session, User, now

from .. import events, settings
from ..actor import Actor
from ..events import Kind
from .rules import Reason, alive

BATCH = 200
OLD_ROWS_PER_LOGIN = 5  # so that no backlog forms; 1 % of a log-in's time, measured
PAUSE = 0.002  # seconds


def invalidate_session(session: Session, reason: str, actor: Actor) -> None:
    """End a session: the row goes, and every copy of its cookie is a stranger's."""
    _end_sessions(Session.id == session.id, reason, actor)


def invalidate_user_sessions(
    user: User, reason: str, actor: Actor, keep: Session | None = None
) -> int:
    """End all sessions of a user but `keep`; return how many."""
    ended = Session.user == user
    return _end_sessions(ended if keep is None else ended & (Session.id != keep.id), reason, actor)


def invalidate_all_sessions(reason: str, actor: Actor) -> int:
    """End everybody's sessions, in small batches; return how many."""
    ended = 0
    while some := list(Session.select(Session.id).limit(BATCH)):
        ended += _end_sessions(Session.id.in_(some), reason, actor)
        time.sleep(PAUSE)
    return ended


def _end_sessions(condition: Expression, reason: str, actor: Actor) -> int:
    """End sessions and record why: each browser is told on its next visit."""
    with database.atomic():
        live = Session.select(Session, User).join(User).where(condition)
        found = {session.id: session for session in live}
        # Of two that end the same session at once, one does.
        gone = Session.delete().where(Session.id.in_(list(found))).returning(Session.id)
        ended = [found[row.id] for row in gone.execute()] if found else []
        for session in ended:
            events.record(Kind.SESSION_ENDED, session.user, actor, session.handle, reason)
    return len(ended)


def make_room(new: Session, actor: Actor) -> None:
    """End the user's oldest sessions beyond the number allowed, to make room for a new one, and
    delete a few rows whose time is over.
    """
    moment = now()
    kept = events.kept_since()
    surplus, dead, old = _rows_to_go.row(
        user=new.user.id, allowed=settings.SESSIONS_PER_USER, moment=moment, kept=kept
    )
    if surplus:
        _end_sessions(_surplus_beside(new), Reason.TOO_MANY, actor)
    if dead:
        _delete_some(Session, Session.idle_expires_at < moment, OLD_ROWS_PER_LOGIN)
    if old:
        _delete_some(Event, Event.at < kept, OLD_ROWS_PER_LOGIN)


@statement
def _rows_to_go(user: Any, allowed: Any, moment: Any, kept: Any) -> Query:
    # One look for all three: usually there is nothing to do.
    one_too_many = Session.select(SQL("1")).where(Session.user == user)
    one_too_many = one_too_many.limit(SQL("1")).offset(allowed)
    dead = Session.select(SQL("1")).where(Session.idle_expires_at < moment)
    old = Event.select(SQL("1")).where(Event.at < kept)
    return Select(columns=[fn.EXISTS(each) for each in (one_too_many, dead, old)])


def _surplus_beside(new: Session) -> Expression:
    # The new one stays whatever the clock says: set back, it would be the oldest itself.
    surplus = Session.select(Session.id).where(Session.user == new.user, Session.id != new.id)
    surplus = surplus.order_by(Session.created_at.desc()).offset(settings.SESSIONS_PER_USER - 1)
    return Session.id.in_(list(surplus))


def _delete_some(model: Any, condition: Expression, most: int) -> int:
    # Never one big DELETE: every log-in would wait for it.
    some = database.skip_locked(model.select(model.id).where(condition).limit(most))
    return int(model.delete().where(model.id.in_(some)).execute())


def prune_sessions() -> int:
    """Delete all dead rows, in small batches with a pause between them; return how many. 200 rows
    and 2 ms were best, measured: log-ins meanwhile waited 30 ms at most. Rows that are dead only
    because SESSION_MAX_AGE was shortened have no index and come last.
    """
    deleted = 0
    for dead in (Session.idle_expires_at < now(), ~alive()):
        while batch := _delete_some(Session, dead, BATCH):
            deleted += batch
            time.sleep(PAUSE)
    return deleted
