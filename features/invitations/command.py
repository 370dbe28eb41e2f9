"""flask invitations; flask users approve, reject and list --waiting."""

import click

from accounts import users as accounts
from accounts.actor import OPERATOR
from accounts.times import in_words
from cli.commands import (
    Commands,
    Text,
    Writing,
    count,
    json_option,
    say_address,
    users_argument,
)
from cli.output import print_rows, printable, say
from cli.users import DETAILS, users
from models import User

from . import rules, waiting

COLUMNS = {"id": 12, "label": 30, "uses_left": 9, "expires_at": 14, "admin": 5}

waiting_option = click.option(
    "--waiting", is_flag=True, help="Only accounts that wait for approval."
)
waiting_option(users.commands["list"])
DETAILS.append("waiting_since")


@users.command(cls=Writing, epilog="flask users approve Jane Max")
@users_argument
def approve(chosen: list[User]) -> None:
    """Let users who wait for approval log in. They are not told: do that yourself."""
    accounts.all_or_none(waiting.approve_user, chosen, OPERATOR)
    for user in chosen:
        say(f"Approved {printable(user.username)}.")


@users.command(cls=Writing, epilog="flask users reject Jane Max")
@users_argument
def reject(chosen: list[User]) -> None:
    """Delete users who wait for approval, without asking. Their names are free at once."""
    accounts.all_or_none(waiting.reject_user, chosen, OPERATOR)
    for user in chosen:
        say(f"Rejected {printable(user.username)}; the account is deleted.")


@click.group(cls=Commands, short_help="Invite people to sign up.")
def invitations() -> None:
    """Vestibule: invite people to sign up.

    ID names an invitation here. It is not its address, and lets no one in.
    """


@invitations.command(cls=Writing, epilog='flask invitations create --uses 20 --label "book club"')
@click.option("--uses", metavar="N", type=click.IntRange(1, 100_000), default=1,
              help="How many accounts it can make (1).")  # fmt: skip
@click.option("--days", metavar="N", type=click.IntRange(1, 3650), default=7,
              help="How long it works (7).")  # fmt: skip
@click.option("--label", metavar="TEXT", type=Text(), default="",
              help="What it is for; shown by list alone.")  # fmt: skip
@click.option("--admin", is_flag=True,
              help="Make it for one account, an admin's.")  # fmt: skip
def create(uses: int, days: int, label: str, admin: bool) -> None:
    """Make an invitation and print its address, once. Anyone who opens it can sign up.

    It cannot be printed again: the database has only its hash. Send it to one person, or to as
    many as it has uses. People who use it need no approval.
    """
    invitation, token = rules.create_invitation(uses, days, label, admin, OPERATOR)
    uses_left, until = count(invitation.uses_left, "use"), in_words(invitation.expires_at)
    say(f"Invitation {invitation.handle}, {uses_left}, until {until}. Its address, shown only now:")
    say_address("invitations.use", token=token)


@invitations.command("list", epilog="flask invitations list --json")
@json_option
def list_(as_json: bool) -> None:
    """List invitations, those that end last first: also those that are used up or have ended."""
    rows = (_row(invitation, as_json) for invitation in rules.list_invitations())
    print_rows(rows, COLUMNS, as_json, lambda shown: count(shown, "invitation"))


def _row(invitation: rules.Invitation, as_json: bool) -> dict[str, object]:
    values = {name: getattr(invitation, name) for name in COLUMNS}
    admin = bool(invitation.admin) if as_json else "yes" * invitation.admin
    return {**values, "id": invitation.handle, "admin": admin}


@invitations.command(cls=Writing, epilog="flask invitations revoke 1f0c9a33d2b7")
@click.argument("handle", metavar="ID", type=Text())
def revoke(handle: str) -> None:
    """Make the address of an invitation useless. Accounts made with it stay."""
    invitation = rules.revoke_invitation(handle.strip().lower(), OPERATOR)
    say(f"Revoked {invitation.handle}.")
