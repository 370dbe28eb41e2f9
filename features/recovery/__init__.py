"""A way back for those who lost their password: recovery codes, and links from the operator.

codes     what a code is, and how people may type it
kit       the eight codes of an account
links     a link that an operator makes
models    what is stored of both
pages     /profile/recovery, /recover, /reset/TOKEN
commands  flask users reset-link, flask users create --link
"""

from typing import Any

from flask import Flask
from peewee import Query, fn

from accounts import hooks
from accounts.times import iso_time
from blueprints import account_pages
from blueprints.account_pages import AccountPage
from blueprints.auth import ways_back
from cli.doctor.content import CONTENT
from cli.users import users
from models import User
from web.words import EVENTS

from . import commands, kit, links, pages
from .models import RecoveryCode, ResetLink


def init_app(app: Flask) -> None:
    """Add this feature to the application."""
    app.register_blueprint(pages.bp)
    ways_back["Use a recovery code"] = "recovery.recover"
    page = AccountPage("Recovery codes", "recovery.show_kit", pages.words, _left, pages.advice)
    account_pages.pages.insert(2, page)
    hooks.recorded.append(links.withdraw_links)
    hooks.notable += [kit.KIT_MADE, links.LINK_MADE]
    hooks.offers += [
        ("make_link", links.make_link),
        ("create_user_with_link", links.create_user_with_link),
    ]
    hooks.export_entries += [
        ("recovery_codes", exported_codes),
        ("reset_links", exported_links),
    ]
    EVENTS[kit.KIT_MADE] = "Recovery codes made"
    EVENTS[links.LINK_MADE] = "Reset link made"
    CONTENT["reset links"] = commands.check_reset_links
    users.add_command(commands.reset_link)
    users.add_command(commands.create)
    users.commands["set-password"].help = commands.FOR_SCRIPTS


def _left(known: dict[str, Any]) -> Query:
    mine = RecoveryCode.user == known["user"]
    return RecoveryCode.select(fn.COUNT(RecoveryCode.id)).where(mine)


def exported_codes(user: User) -> list[dict[str, str]]:
    """Return what the export says of a user's codes: when each was made."""
    return _exported(RecoveryCode, user)


def exported_links(user: User) -> list[dict[str, str]]:
    """Return what the export says of a user's link: when it was made, and when it ends."""
    return _exported(ResetLink, user)


def _exported(model: Any, user: User) -> list[dict[str, str]]:
    times = [name for name in model._meta.sorted_field_names if name.endswith("_at")]
    rows = model.select().where(model.user == user).order_by(model.created_at)
    return [{name: iso_time(getattr(row, name), "milliseconds") for name in times} for row in rows]
