"""flask admins, and what flask doctor says of them."""

import click

from accounts.actor import OPERATOR, Actor
from cli.commands import Commands, Writing, count, json_option, user_argument
from cli.doctor.content import NONE
from cli.doctor.result import OK, WARN, Outcome
from cli.output import print_rows, printable, say
from cli.users import DETAILS
from database import database
from models import Session, User, now

from . import rules

DETAILS.append("admin_since")
COLUMNS = {"username": 31, "id": 15, "admin_since": 14, "locked_at": 14}


@click.group(cls=Commands, short_help="Say who looks after accounts on pages.")
def admins() -> None:
    """Vestibule: say who looks after accounts on the pages below /admin.

    NAME is a username in any spelling, or id:ID. It counts from the next page on.
    """


@admins.command(cls=Writing, epilog="flask admins grant Jane")
@user_argument
def grant(user: User) -> None:
    """Make a user an admin."""
    rules.grant(user, OPERATOR)
    say(f"{printable(user.username)} is an admin now, at /admin.")


@admins.command("list", epilog="flask admins list --json")
@json_option
def list_(as_json: bool) -> None:
    """List the admins, the first one first."""
    found = User.select().where(rules.IS_ADMIN).order_by(User.admin_since, User.id)
    print_rows(
        ({name: getattr(user, name) for name in COLUMNS} for user in found), COLUMNS, as_json
    )


@admins.command(cls=Writing, epilog="flask admins revoke Jane")
@user_argument
def revoke(user: User) -> None:
    """Let a user be an admin no longer. The account stays, even if it is the last admin's."""
    rules.revoke(user, OPERATOR)
    say(f"{printable(user.username)} is no longer an admin.")


def say_last(user: User, actor: Actor) -> None:
    """Say on the command line that what is done to this user leaves no admin."""
    if actor is OPERATOR and rules.is_last(user):
        words = "No admin is left who can log in. Make one: flask admins grant NAME"
        database.after_commit(lambda: click.echo(words, err=True))


def check_admins() -> Outcome:
    """Say how many admins there are, and how many could act now."""
    number = User.select().where(rules.IS_ADMIN).count()
    if not number:
        return NONE
    able = rules.able_admins().count()
    if not able:
        return WARN, f"{count(number, 'admin')}, none of whom can log in", "flask admins grant NAME"
    fresh = Session.authenticated_at >= now() - rules.FRESH
    acting = Session.select().join(User).where(rules.IS_ADMIN, fresh).count()
    return OK, f"{count(number, 'admin')}; {count(acting, 'session')} with a fresh password"
