"""Invitations: who has the address of one may sign up.

Its use and the account are one transaction, so that a use is never given back: a name that is
taken costs none, and of fifty people at once on the last use one gets in.
"""

import re
import secrets
from typing import Any

from peewee import Expression

from accounts import events, sessions, users
from accounts.actor import Actor
from accounts.errors import AccountError
from accounts.sessions import SignedIn, hash_token
from database import database
from models import HANDLE_BYTES, User, now

from . import settings
from .models import LABEL_MAX, Invitation
from .settings import CLOSED

INVITATION_CREATED = "invitation_created"
INVITATION_REVOKED = "invitation_revoked"
DAY = 86_400_000  # ms
KEPT = 30 * DAY  # after its end, for those who ask what became of it


class InvitationOver(AccountError):
    """There is no such invitation, or none any more: the same to people who try one."""

    text = (
        "This invitation does not work. It may have been used, withdrawn or mistyped, or its time "
        "is over. Ask the person who gave it to you for a new one."
    )


class InvalidLabel(AccountError):
    """The text cannot be a label."""

    field = "label"
    text = f"A label is one line of at most {LABEL_MAX} characters."


def create_invitation(
    uses: int, days: int, label: str, admin: bool, actor: Actor
) -> tuple[Invitation, str]:
    """Make an invitation for a number of accounts, valid for some days; return it and its token,
    which cannot be had again. admin: for one account alone, which is to be an admin's. Raises
    InvalidLabel, and AccountError if sign-up is closed.
    """
    if settings.SIGNUP == CLOSED:
        raise AccountError(
            "sign-up is closed, so no invitation would work; set SIGNUP=invite and restart first"
        )
    token, moment = secrets.token_urlsafe(32), now()
    invitation = Invitation(
        id=hash_token(token),
        label=parse_label(label),
        uses_left=1 if admin else uses,
        created_at=moment,
        expires_at=moment + days * DAY,
        admin=int(admin),
    )
    with database.atomic():
        Invitation.delete().where(Invitation.expires_at < moment - KEPT).execute()
        invitation.save(force_insert=True)
        events.record(INVITATION_CREATED, None, actor, detail=_describe(invitation))
    return invitation, token


def parse_label(text: str) -> str:
    """Return a text as a label of an invitation. Raises InvalidLabel."""
    label = text.strip()
    if len(label) > LABEL_MAX or not label.isprintable():
        raise InvalidLabel
    return label


def _describe(invitation: Invitation) -> str:
    return " ".join([invitation.handle, "for an admin"][: 1 + invitation.admin])


def find_invitation(token: str) -> Invitation | None:
    """Return the invitation that works with this token, or None."""
    return Invitation.get_or_none(_works(), Invitation.id == hash_token(token))


def _works() -> Expression:
    return (Invitation.uses_left > 0) & (Invitation.expires_at > now())


def sign_up_invited(token: str, username: str, password: str, actor: Actor) -> SignedIn:
    """Create an account by invitation and log its owner in. Raises InvitationOver, and what
    users.sign_up raises.
    """
    invitation = find_invitation(token)
    if invitation is None or settings.SIGNUP == CLOSED:
        raise InvitationOver

    def use_up(user: User, actor: Actor) -> SignedIn:
        used = Invitation.update(uses_left=Invitation.uses_left - 1)
        if not used.where(_works(), Invitation.id == invitation.id).execute():
            raise InvitationOver  # another was faster; the account is undone
        if invitation.admin:
            User.update(admin_since=now()).where(User.id == user.id).execute()
        return sessions.create_session(user, actor)

    detail = f"by invitation {_describe(invitation)}"
    return users.make_account(username, password, actor, use_up, detail)


def list_invitations() -> Any:
    """Return a query for all that are kept, those that end last first."""
    return Invitation.select().order_by(Invitation.expires_at.desc(), Invitation.id)


def working_invitations() -> Any:
    """Return a query for those that work now, if sign-up is not closed."""
    return Invitation.select().where(_works())


def revoke_invitation(handle: str, actor: Actor) -> Invitation:
    """Delete an invitation; its address no longer works. Raises AccountError if there is none."""
    found = _find_by_handle(handle)
    with database.atomic():
        gone = found and Invitation.delete().where(Invitation.id == found.id).execute()
        if not (found and gone):
            raise AccountError("there is no such invitation: flask invitations list")
        events.record(INVITATION_REVOKED, None, actor, detail=_describe(found))
    return found


def _find_by_handle(handle: str) -> Invitation | None:
    if not re.fullmatch(f"[0-9a-f]{{{2 * HANDLE_BYTES}}}", handle):
        return None
    first = bytes.fromhex(handle).ljust(32, b"\x00")
    last = bytes.fromhex(handle).ljust(32, b"\xff")
    return Invitation.get_or_none(Invitation.id.between(first, last))
