"""Everything that is stored about an account, for its owner to take along: docs/export.md.

Secrets are left out: password hashes and the ids of sessions. Counters of tries do not say whose
they are, and go within a day.
"""

from typing import Any

from peewee import Field, Model

from accounts import hooks
from accounts.times import iso_time
from models import Event, Key, Session, User, now

FORMAT = "vestibule-account-1"
USER = ("id", "username", "created_at", "locked_at", "admin_since", "waiting_since", "notices")
SESSION = ("created_at", "authenticated_at", "last_seen_at", "active_expires_at", "idle_expires_at",
           "ip_address", "user_agent")  # fmt: skip
EVENT = ("at", "kind", "session", "ip_address", "user_agent", "detail", "actor")


def export_account(user: User) -> dict[str, Any]:
    """Return it as values that JSON knows; times are ISO 8601 UTC."""
    keys = _rows(Key, user, Key.provider, Key.provider_user_id)
    names = ("provider", "provider_user_id")
    return {
        "format": FORMAT,
        "exported_at": _iso(now()),
        "user": _columns(user, USER),
        "keys": [{**_columns(key, names), "has_password": bool(key.password_hash)} for key in keys],
        "sessions": [
            {"handle": session.handle, **_columns(session, SESSION)}
            for session in _rows(Session, user, Session.created_at)
        ],
        "events": [_columns(event, EVENT) for event in _rows(Event, user, Event.id)],
        **{name: entry(user) for name, entry in hooks.export_entries},
    }


def _rows(model: Any, user: User, *order: Field) -> Any:
    return model.select().where(model.user == user).order_by(*order)


def _columns(row: Model, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    # The columns of times are called "at", something_at or something_since.
    times = ("at", "_since")
    return {name: _iso(value) if name.endswith(times) else value for name, value in values.items()}


def _iso(moment: int | None) -> str | None:
    return None if moment is None else iso_time(moment, "milliseconds")
