"""Everything that is stored about an account, for its owner to take along: docs/export.md.

Left out are the secrets: password hashes and the ids of sessions. Counters of tries cannot be
told whose they are, and go within a day.
"""

from datetime import UTC, datetime
from typing import Any, TypeVar

from peewee import Field, ModelSelect

from models import Event, Key, Session, User, now

FORMAT = "vestibule-account-1"

M = TypeVar("M", Event, Key, Session)


def export_account(user: User) -> dict[str, Any]:
    """Return it as values that JSON knows."""
    return {
        "format": FORMAT,
        "exported_at": _iso(now()),
        "user": {
            "id": user.id,
            "username": user.username,
            "created_at": _iso(user.created_at),
            "locked_at": _iso(user.locked_at),
        },
        "keys": [_key(key) for key in _rows(Key, user, Key.provider, Key.provider_user_id)],
        "sessions": [_session(session) for session in _rows(Session, user, Session.created_at)],
        "events": [_event(event) for event in _rows(Event, user, Event.id)],
    }


def _rows(model: type[M], user: User, *order: Field) -> "ModelSelect[M]":
    return model.select().where(model.user == user).order_by(*order)


def _key(key: Key) -> dict[str, Any]:
    return {
        "provider": key.provider,
        "provider_user_id": key.provider_user_id,
        "has_password": bool(key.password_hash),
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "handle": session.handle,
        "created_at": _iso(session.created_at),
        "authenticated_at": _iso(session.authenticated_at),
        "last_seen_at": _iso(session.last_seen_at),
        "active_expires_at": _iso(session.active_expires_at),
        "idle_expires_at": _iso(session.idle_expires_at),
        "ip_address": session.ip_address,
        "user_agent": session.user_agent,
    }


def _event(event: Event) -> dict[str, Any]:
    return {
        "at": _iso(event.at),
        "kind": event.kind,
        "session": event.session,
        "ip_address": event.ip_address,
        "user_agent": event.user_agent,
        "detail": event.detail,
    }


def _iso(moment: int | None) -> str | None:
    """Return Unix ms as "2026-11-23T11:54:00.123Z"; None for None."""
    if moment is None:
        return None
    when = datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds")
    return when.replace("+00:00", "Z")
