"""flask users reset-link, and --link of flask users create."""

import copy
import functools
from io import StringIO
from typing import Any

import click
import segno
from flask.cli import with_appcontext

from accounts.actor import OPERATOR
from cli.commands import Writing, count, say_address, user_argument
from cli.doctor.content import NONE
from cli.doctor.result import OK, Outcome
from cli.output import printable, say
from cli.users import users
from models import User

from .links import create_user_with_link, make_link, open_links

HOURS = 24
FOR_SCRIPTS = """Set a new password and end the user's sessions.

For scripts. For a person, a link is better (flask users reset-link NAME): then they alone know
their password.
"""


@click.command("reset-link", cls=Writing, epilog="flask users reset-link Jane --hours 2")
@user_argument
@click.option(
    "--hours",
    metavar="N",
    type=click.IntRange(1, 72),
    default=HOURS,
    show_default=True,
    help="How long it works.",
)
@click.option("--qr", is_flag=True, help="Print it as a QR code too, for a phone beside you.")
@with_appcontext
def reset_link(user: User, hours: int, qr: bool) -> None:
    """Print the address of a page where a user chooses a new password, once.

    For people who lost theirs. Give it to no one else. It replaces the link before it, and ends
    with any new password or a lock.
    """
    show(make_link(user, hours, OPERATOR), user, hours, qr)


def show(token: str, user: User, hours: int, qr: bool = False) -> None:
    """Print the address of a link; beside it, on standard error, what it is."""
    address = say_address("recovery.reset", token=token)
    if qr:
        drawn = StringIO()
        segno.make(address).terminal(drawn, border=2, compact=True)
        click.echo(drawn.getvalue())
    name = printable(user.username)
    click.echo(f"For {name} alone: it works once, for {count(hours, 'hour')}.", err=True)


def with_link(create: click.Command) -> click.Command:
    """Return flask users create with the option --link."""
    plain: Any = create.callback

    @with_appcontext
    @functools.wraps(plain)
    def create_user(link: bool, **given: Any) -> None:
        if not link:
            plain(**given)
            return
        if given["password_stdin"]:
            raise click.UsageError("give one of --link and --password-stdin")
        user, token = create_user_with_link(given["name"], HOURS, OPERATOR)
        say(f"Created {printable(user.username)} (id:{user.id}).")
        show(token, user, HOURS)

    extended = copy.copy(create)
    option = click.Option(
        ["--link"], is_flag=True, help="Print a link where its owner chooses the password."
    )
    extended.params, extended.callback = [*create.params, option], create_user
    return extended


create = with_link(users.commands["create"])


def check_reset_links() -> Outcome:
    """Say how many links can be used now."""
    number = open_links()
    return (OK, f"{count(number, 'open link')}; each lets its holder log in") if number else NONE
