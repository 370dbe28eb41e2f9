"""What other systems send by mail: what happened to an account, until its owner has seen it.

models  the table of notices
rules   which events are notices, and who may acknowledge them
pages   the top of the profile, the mark in the navigation, POST /profile/notices
"""

from typing import Any

from flask import Flask

from accounts import hooks
from accounts.times import iso_time
from blueprints import account_pages
from models import User

from . import pages, rules
from .models import Notice

AS_STORED = ("id", "kind", "number", "session", "ip_address", "user_agent", "detail", "actor")


def init_app(app: Flask) -> None:
    """Add this feature to the application."""
    app.register_blueprint(pages.bp)
    account_pages.panels.append(pages.panel)
    account_pages.marks.append(pages.mark)
    hooks.recorded.append(rules.follow)
    hooks.export_entries.append(("notices", exported))


def exported(user: User) -> list[dict[str, Any]]:
    """Return what the export says of a user's notices."""
    rows = Notice.select().where(Notice.user == user).order_by(Notice.id)
    return [{name: getattr(row, name) for name in AS_STORED} | _times(row) for row in rows]


def _times(notice: Notice) -> dict[str, Any]:
    names = ("since", "at", "acknowledged_at")
    times = {name: _iso(getattr(notice, name)) for name in names}
    return {**times, "began": [_iso(int(moment)) for moment in notice.began.split()]}


def _iso(moment: int | None) -> str | None:
    return None if moment is None else iso_time(moment, "milliseconds")
