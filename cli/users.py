"""flask users: accounts, from the command line. The same rules as on the pages."""

from collections.abc import Iterator
from typing import Any

import click
from peewee import fn

from accounts import users as accounts
from accounts.sessions import alive
from database import database
from models import Session, User

from .commands import (
    Commands,
    Text,
    count,
    json_option,
    password_option,
    read_password,
    user_argument,
)
from .import_lucia import import_lucia
from .output import Moment, cell, iso_time, print_rows, printable

COLUMNS = {"username": 31, "id": 15, "created_at": 14, "sessions": 8, "locked_at": 14}


@click.group(cls=Commands)
def users() -> None:
    """Look after accounts.

    NAME is a username in any spelling, or id:ID.
    """


@users.command()
@click.argument("name", type=Text())
@password_option
def create(name: str, password_stdin: bool) -> None:
    """Make an account. The password is asked for, hidden and twice.

    \b
    flask users create Jane
    pass show jane | flask users create Jane --password-stdin
    """
    user = accounts.create_user(name, read_password(password_stdin))
    click.echo(f"Created {printable(user.username)} (id:{user.id}).")


@users.command("list")
@click.option("--search", metavar="TEXT", type=Text(), help="Only names that contain TEXT.")
@json_option
def list_(search: str | None, as_json: bool) -> None:
    """List accounts, oldest first.

    \b
    flask users list
    flask users list --search jan --json
    """
    query = User.select().order_by(User.created_at)
    if search:
        query = query.where(User.username.contains(search))
    print_rows(_rows(query), COLUMNS, as_json)


def _rows(query: Any) -> Iterator[dict[str, Any]]:
    sessions = Session.select(fn.COUNT(Session.id)).where(Session.user == User.id, alive())
    for user in database.stream(query.select_extend(sessions.alias("sessions"))):
        yield {
            "id": user.id,
            "username": user.username,
            "created_at": iso_time(user.created_at),
            "locked_at": iso_time(user.locked_at),
            "sessions": user.sessions,
        }


@users.command()
@user_argument
@json_option
def show(user: User, as_json: bool) -> None:
    """Show one account.

    \b
    flask users show Jane
    flask users show id:4f0zq1x8m2c7w5k
    """
    [row] = _rows(User.select().where(User.id == user.id))
    if as_json:
        print_rows([row], {}, as_json)
        return
    for name, value in row.items():
        exactly = f" ({value})" if isinstance(value, Moment) else ""
        click.echo(f"{name.removesuffix('_at'):12}{cell(value)}{exactly}")


users.add_command(import_lucia)


@users.command("set-password")
@user_argument
@password_option
def set_password(user: User, password_stdin: bool) -> None:
    """Give an account a new password and end its sessions.

    \b
    flask users set-password Jane
    pass show jane | flask users set-password Jane --password-stdin
    """
    ended = accounts.set_password(user, read_password(password_stdin))
    click.echo(f"Set the password of {printable(user.username)}; {count(ended, 'session')} ended.")


@users.command()
@user_argument
@click.argument("new_name", metavar="NEW", type=Text())
def rename(user: User, new_name: str) -> None:
    """Give an account another name. Its sessions and its password stay, the old name is free.

    \b
    flask users rename Jane Janet
    """
    old_name = user.username
    accounts.rename_user(user, new_name)
    click.echo(f"Renamed {printable(old_name)} to {printable(user.username)} (id:{user.id}).")


@users.command()
@user_argument
def lock(user: User) -> None:
    """Keep a user out until unlocked, and end their sessions.

    \b
    flask users lock Jane
    """
    ended = accounts.lock_user(user)
    click.echo(f"Locked {printable(user.username)}; {count(ended, 'session')} ended.")


@users.command()
@user_argument
def unlock(user: User) -> None:
    """Let a locked user log in again.

    \b
    flask users unlock Jane
    """
    accounts.unlock_user(user)
    click.echo(f"Unlocked {printable(user.username)}.")


@users.command()
@user_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(user: User, yes: bool) -> None:
    """Delete an account and everything of it. Asks first.

    \b
    flask users delete Jane
    flask users delete id:4f0zq1x8m2c7w5k --yes
    """
    if not yes:
        click.confirm(f"Delete {printable(user.username)} (id:{user.id}) for good?", abort=True)
    accounts.delete_user(user)
    click.echo(f"Deleted {printable(user.username)}.")
