"""flask users: accounts, from the command line. The same rules as on the pages."""

from typing import Any

import click

from accounts import users as accounts
from accounts.actor import OPERATOR
from models import User

from .commands import (
    Commands,
    Text,
    Writing,
    count,
    json_option,
    password_option,
    read_password,
    user_argument,
)
from .output import cell, exact, print_rows, printable

FIELDS = ("id", "username", "created_at", "locked_at", "sessions")
COLUMNS = {"username": 31, "id": 15, "created_at": 14, "sessions": 8, "locked_at": 14}


@click.group(cls=Commands)
def users() -> None:
    """Manage accounts.

    NAME is a username in any spelling, or id:ID.
    """


@users.command(cls=Writing, epilog="flask users create Jane")
@click.argument("name", type=Text())
@password_option
def create(name: str, password_stdin: bool) -> None:
    """Create an account. The password is prompted for, hidden and twice."""
    user = accounts.create_user(name, read_password(password_stdin), OPERATOR)
    click.echo(f"Created {printable(user.username)} (id:{user.id}).")


@users.command("list", epilog="flask users list --search jan --json")
@click.option("--search", metavar="TEXT", type=Text(), help="Only names that contain TEXT.")
@json_option
def list_(search: str | None, as_json: bool) -> None:
    """List accounts, oldest first."""
    print_rows(map(_row, accounts.list_users(search or "")), COLUMNS, as_json)


def _row(user: Any) -> dict[str, Any]:
    return {name: getattr(user, name) for name in FIELDS}


@users.command(epilog="flask users show Jane")
@user_argument
@json_option
def show(user: User, as_json: bool) -> None:
    """Show one account."""
    row = _row(accounts.with_sessions(user))
    if as_json:
        print_rows([row], {}, as_json)
        return
    for name, value in row.items():
        exactly = exact(name, value)
        more = f" ({exactly})" if exactly != value else ""
        click.echo(f"{name.removesuffix('_at'):12}{cell(name, value)}{more}")


@users.command("set-password", cls=Writing, epilog="flask users set-password Jane")
@user_argument
@password_option
def set_password(user: User, password_stdin: bool) -> None:
    """Set a new password and end the user's sessions."""
    ended = accounts.set_password(user, read_password(password_stdin), OPERATOR)
    click.echo(f"Set the password of {printable(user.username)}; {count(ended, 'session')} ended.")


@users.command(cls=Writing, epilog="flask users rename Jane Janet")
@user_argument
@click.argument("new_name", metavar="NEW", type=Text())
def rename(user: User, new_name: str) -> None:
    """Rename an account. Its sessions and password stay; the old name is free at once."""
    old_name = user.username
    accounts.rename_user(user, new_name, OPERATOR)
    click.echo(f"Renamed {printable(old_name)} to {printable(user.username)} (id:{user.id}).")


@users.command(cls=Writing, epilog="flask users lock Jane")
@user_argument
def lock(user: User) -> None:
    """Stop a user from logging in until unlocked, and end their sessions."""
    ended = accounts.lock_user(user, OPERATOR)
    click.echo(f"Locked {printable(user.username)}; {count(ended, 'session')} ended.")


@users.command(cls=Writing, epilog="flask users unlock Jane")
@user_argument
def unlock(user: User) -> None:
    """Let a locked user log in again."""
    accounts.unlock_user(user, OPERATOR)
    click.echo(f"Unlocked {printable(user.username)}.")


@users.command(cls=Writing, epilog="flask users delete id:4f0zq1x8m2c7w5k --yes")
@user_argument
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(user: User, yes: bool) -> None:
    """Delete an account and everything that belongs to it. Asks first."""
    if not yes:
        click.confirm(f"Delete {printable(user.username)} (id:{user.id}) for good?", abort=True)
    accounts.delete_user(user, OPERATOR)
    click.echo(f"Deleted {printable(user.username)}.")
