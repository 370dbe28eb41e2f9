"""What all commands share: refusals in one line, arguments and options, progress."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask.cli import AppGroup
from peewee import PeeweeException

from accounts import users
from accounts.errors import AccountError
from database import database

from .output import printable


class Commands(AppGroup):
    """A group of commands whose refusals are one line and exit code 1, not a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        with one_line_refusals():
            return super().invoke(ctx)


class Writing(click.Command):
    """A command that changes the database, and says which one: it may be another than the server's.
    It says so on standard error, so that a script reads only results.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        result = super().invoke(ctx)
        if not ctx.params.get("dry_run"):
            click.echo(f"Database: {printable(database.location)}", err=True)
        return result


@contextmanager
def one_line_refusals() -> Iterator[None]:
    """Turn what accounts and the database refuse into one line for the terminal."""
    try:
        yield
    except AccountError as error:
        raise click.ClickException(str(error)) from None
    except PeeweeException as error:
        raise click.ClickException(f"the database cannot be used: {_hint(error)}") from None


def _hint(error: Exception) -> str:
    text = " ".join(str(error).split())
    missing = "no such table" in text or "unable to open" in text
    return f"{text} (make it with: flask db init)" if missing else text


class Text(click.ParamType[Any]):
    """Text that UTF-8 can encode: other bytes arrive as lone surrogates."""

    name = "text"

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the value, or refuse it."""
        try:
            str(value).encode()
        except UnicodeEncodeError:
            self.fail("these bytes are not text", param, ctx)
        return value


class OneUser(Text):
    """A user, by username in any spelling or as id:ID."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return the one user who is meant."""
        found = users.find_users(super().convert(value, param, ctx))
        if not found:
            raise click.ClickException(f"there is no user {printable(value)}")
        if len(found) > 1:
            ids = ", ".join(f"id:{user.id}" for user in found)
            raise click.ClickException(f"{printable(value)} is ambiguous, give one of {ids}")
        return found[0]


def read_password(password_stdin: bool) -> str:
    """Return a password: hidden and typed twice, or the first line of standard input."""
    if sys.stdin is None:
        raise click.ClickException("there is no standard input to read a password from")
    if password_stdin:
        return sys.stdin.buffer.readline().decode(errors="surrogateescape").rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


user_argument = click.argument("user", metavar="NAME", type=OneUser())
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
password_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input."
)


def progress_bar(steps: int, label: str) -> Any:
    """Return a progress bar, on standard error and only on a terminal."""
    hidden = not (sys.stderr.isatty() and sys.stdout.isatty())
    return click.progressbar(length=steps, label=label, file=sys.stderr, hidden=hidden)


def count(number: int, noun: str) -> str:
    """Return "no sessions", "1 session", "2 sessions"."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"
