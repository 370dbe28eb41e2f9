"""Let admins look after accounts on pages, under rules of their own: docs/admin.md.

rules    who is an admin, and what one may do to another user
gate     who gets in, and the password that has to be fresh
people   lists of users: states, search, pages without counting
record   lists of events
pages    overview, users, one user, what is done with a button, events
forms    what is done with a form
columns  what of each table may be shown
tables   the rows of any table, secrets masked in the SELECT itself
browser  the pages of the data browser
command  flask admins; what flask doctor says
"""

from flask import Flask

from accounts import hooks
from blueprints import account_pages
from cli.doctor.content import CONTENT
from web import guard, words

from . import browser, command, forms, gate, pages, rules


def init_app(app: Flask) -> None:
    """Add this feature to the application."""
    app.register_blueprint(gate.bp)
    guard.gates.append(gate.check)
    account_pages.panels.append(pages.panel)
    hooks.exclusion_vetoes += [rules.keep_one, command.say_last]
    hooks.notable += [rules.GRANTED, rules.REVOKED]
    words.EVENTS.update({
        rules.GRANTED: "Made an admin",
        rules.REVOKED: "No longer an admin",
        rules.CONFIRMED: "Password entered for administration",
    })  # fmt: skip
    words.WHY_LOGGED_OUT.update({
        rules.RENEWED: ": the password was entered for administration, in another browser.",
        rules.ENDED: ": your log-in here was ended by an administrator.",
    })  # fmt: skip
    app.cli.add_command(command.admins)
    CONTENT["admins"] = command.check_admins
