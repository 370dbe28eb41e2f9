"""How long a session lives.

active  now <= active_expires_at: nothing is written, but last_seen_at at most once an hour
idle    then, until idle_expires_at: used, it is renewed, and so must the cookie be
dead    after idle_expires_at, and SESSION_MAX_AGE after created_at whatever happens
"""

from dataclasses import dataclass
from datetime import timedelta

from peewee import Expression

from models import Session, now


@dataclass(frozen=True)
class Periods:
    """The lengths of a session's life in ms, and how many a user may have."""

    active: int
    idle: int
    max_age: int
    per_user: int


_periods: Periods


def configure(active: timedelta, idle: timedelta, max_age: timedelta, per_user: int) -> None:
    """Set how long sessions live and how many a user may have; called once at start."""
    global _periods  # noqa: PLW0603 - set once at start
    _periods = Periods(_ms(active), _ms(idle), _ms(max_age), per_user)


def _ms(period: timedelta) -> int:
    return period // timedelta(milliseconds=1)


def lifetime() -> timedelta:
    """Return how long an unused session lives: the lifetime of its cookie."""
    return timedelta(milliseconds=min(_periods.active + _periods.idle, _periods.max_age))


def new_times(moment: int, created_at: int) -> dict[str, int]:
    """Return the columns of a session that is used at `moment` (Unix ms)."""
    end = created_at + _periods.max_age
    active_end = moment + _periods.active
    return {
        "last_seen_at": moment,
        "active_expires_at": min(active_end, end),
        "idle_expires_at": min(active_end + _periods.idle, end),
    }


def is_dead(session: Session, moment: int) -> bool:
    """Whether a session is past its time at `moment` (Unix ms)."""
    return bool(moment > session.idle_expires_at or moment > session.created_at + _periods.max_age)


def per_user() -> int:
    """Return how many sessions a user may have."""
    return _periods.per_user


def alive() -> Expression:
    """Return the condition that a session is not dead, for a query."""
    moment = now()
    return (Session.idle_expires_at >= moment) & (Session.created_at >= moment - _periods.max_age)


def surplus_of(new: Session) -> Expression:
    """Return the condition for the sessions that a new one leaves no place for, the oldest.

    The new one stays whatever the clock says: set back, it would be the oldest itself.
    """
    surplus = (
        Session.select(Session.id)
        .where(Session.user == new.user, Session.id != new.id)
        .order_by(Session.created_at.desc())
        .offset(_periods.per_user - 1)
    )
    return Session.id.in_(list(surplus))
