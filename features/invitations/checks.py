"""What flask doctor says about sign-up."""

from cli.commands import count
from cli.doctor.result import OK, WARN, Outcome
from models import User, now

from . import settings
from .rules import DAY, working_invitations
from .settings import APPROVAL, CLOSED, INVITE, OPEN
from .waiting import IS_WAITING

SOON = 2 * DAY
WORDS = {OPEN: "open", APPROVAL: "after approval", INVITE: "by invitation", CLOSED: "closed"}


def check_signup() -> Outcome:
    """Say who may sign up, and who waits for approval."""
    finding = WORDS[settings.SIGNUP]
    if waiting := User.select().where(IS_WAITING).count():
        finding = f"{finding}; waiting for approval: {count(waiting, 'user')}"
        return WARN, finding, "flask users list --waiting, then approve or reject them"
    return OK, finding


def check_invitations() -> Outcome:
    """Say which invitations work, and which are about to end."""
    ends = [invitation.expires_at for invitation in working_invitations()]
    if settings.SIGNUP == CLOSED and ends:
        return OK, f"{count(len(ends), 'invitation')}, none of which works: sign-up is closed"
    if settings.SIGNUP == INVITE and not ends:
        return WARN, "none, so no one can sign up", "flask invitations create"
    if soon := sum(end < now() + SOON for end in ends):
        finding = f"{count(len(ends), 'invitation')}, of which {soon} will end within two days"
        return WARN, finding, "flask invitations list"
    return OK, f"{count(len(ends), 'invitation')} open" if ends else "none"
