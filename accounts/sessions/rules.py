"""How long a session lives, and why it ends.

active  now <= active_expires_at: nothing is written but last_seen_at, at most once an hour
idle    then until idle_expires_at: when used it is renewed, and so must its cookie be
dead    after idle_expires_at, and SESSION_MAX_AGE after created_at whatever happens
"""

from datetime import timedelta
from enum import StrEnum
from typing import Any

from peewee import Expression

from models import Session, now

from .. import settings


class Reason(StrEnum):
    """Why a session ended: the detail of its event; pages put it in a sentence."""

    LOGGED_OUT = "logged out"
    PASSWORD_CHANGED = "password changed"  # noqa: S105
    PASSWORD_SET = "new password"  # noqa: S105
    ENDED_ELSEWHERE = "ended from another device"
    ENDED_BY_OPERATOR = "ended by the operator"
    LOCKED = "locked"
    DELETED = "account deleted"  # in the log alone: the event goes with the account
    TOO_MANY = "too many sessions"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


def lifetime() -> timedelta:
    """Return how long an unused session lives: the lifetime of its cookie."""
    unused = settings.SESSION_ACTIVE_PERIOD + settings.SESSION_IDLE_PERIOD
    return timedelta(milliseconds=min(unused, settings.SESSION_MAX_AGE))


def new_times(moment: int, created_at: int) -> dict[str, int]:
    """Return the columns of a session that is used at `moment` (Unix ms)."""
    end = created_at + settings.SESSION_MAX_AGE
    active_end = moment + settings.SESSION_ACTIVE_PERIOD
    return {
        "last_seen_at": moment,
        "active_expires_at": min(active_end, end),
        "idle_expires_at": min(active_end + settings.SESSION_IDLE_PERIOD, end),
    }


def is_dead(session: Session, moment: int) -> bool:
    """Return whether a session is past its time at `moment` (Unix ms)."""
    end = session.created_at + settings.SESSION_MAX_AGE
    return bool(moment > session.idle_expires_at or moment > end)


def alive() -> Expression:
    """Return the condition that a session is not dead, for a query."""
    moment = now()
    return alive_at(moment, moment - settings.SESSION_MAX_AGE)


def alive_at(moment: Any, oldest: Any) -> Expression:
    """Return the same for a moment, and that before which every session has reached its end."""
    return (Session.idle_expires_at >= moment) & (Session.created_at >= oldest)  # type: ignore[no-any-return]
