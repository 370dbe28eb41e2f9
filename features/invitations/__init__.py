"""Decide who may sign up: everybody, people you approve, people you invite, or no one.

settings  SIGNUP
models    the table of invitations
waiting   accounts that wait for approval
rules     make, use and revoke invitations
pages     sign-up on these terms, and by invitation
command   flask invitations; flask users approve, reject and list --waiting
checks    what flask doctor says about it
"""

from flask import Flask

from accounts import hooks
from accounts.users.listing import KINDS
from cli.doctor.content import CONTENT
from parsing import choice, setting
from web.words import EVENTS

from . import settings
from .checks import check_invitations, check_signup
from .command import invitations
from .pages import bp, set_terms
from .rules import (
    INVITATION_CREATED,
    INVITATION_REVOKED,
    create_invitation,
    list_invitations,
    revoke_invitation,
)
from .settings import MODES, OPEN
from .waiting import IS_WAITING, USER_APPROVED, approve_user, refuse_waiting

SETTINGS = [("SIGNUP", str, setting(OPEN, choice(*MODES), "who may sign up; see invitations.md"))]


def init_app(app: Flask) -> None:
    """Add this feature to the application."""
    settings.SIGNUP = app.config["SIGNUP"]
    hooks.log_in_vetoes.append(refuse_waiting)
    hooks.offers += [
        ("approve_user", approve_user),
        ("list_invitations", list_invitations),
        ("create_invitation", create_invitation),
        ("revoke_invitation", revoke_invitation),
    ]
    set_terms(app)
    app.register_blueprint(bp)
    KINDS["waiting"] = IS_WAITING
    app.cli.add_command(invitations)
    CONTENT.update({"sign-up": check_signup, "invitations": check_invitations})
    EVENTS.update({
        USER_APPROVED: "Account approved",
        INVITATION_CREATED: "Invitation created",
        INVITATION_REVOKED: "Invitation revoked",
    })  # fmt: skip
