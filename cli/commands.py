"""What all commands share: refusals in one line, arguments and options, questions, progress."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup
from peewee import PeeweeException

from accounts import users
from accounts.errors import AccountError
from database import DatabaseRefused, ForeignDatabase, advice, database

from .output import printable, say

# Commands of features that bring users over from another application, by its name in
# database/foreign.py: named where that application's database is refused as Vestibule's own.
IMPORTERS: dict[str, str] = {}


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
    """Turn what accounts and the database refuse into one line, fit for the terminal."""
    try:
        yield
    except AccountError as error:
        raise click.ClickException(printable(str(error))) from None
    except PeeweeException as error:
        text = printable(f"the database cannot be used: {_hint(error)}")
        raise click.ClickException(text) from None
    except click.ClickException as error:
        error.message = printable(error.message)  # type: ignore[misc]
        raise


def _hint(error: Exception) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, ForeignDatabase):
        return f"{text}{way_over(error)}"
    of_others = error.__context__ or isinstance(error, DatabaseRefused)  # ours say it themselves
    return f"{text}. {advice(error)}".rstrip(". ") if of_others else text


def way_over(error: ForeignDatabase) -> str:
    """Return how to bring the users of another application's database over; "" for no way."""
    command = IMPORTERS.get(error.application)
    return f" To bring its users over there: {command}" if command else ""


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


def _all_users(ctx: click.Context, param: click.Parameter, names: tuple[str, ...]) -> list[Any]:
    """Return the users who are meant, each once; refuse all names that mean none, in one line."""
    found, faults = {}, []
    for name in names:
        try:
            user = OneUser().convert(name, param, ctx)
            found[user.id] = user
        except click.UsageError:
            raise
        except click.ClickException as error:
            faults.append(error.message)
    if faults:
        raise click.ClickException("; ".join(dict.fromkeys(faults)))
    return list(found.values())


user_argument = click.argument("user", metavar="NAME", type=OneUser())
users_argument = click.argument(
    "chosen", metavar="NAME...", type=Text(), nargs=-1, required=True, callback=_all_users
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON array.")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


def confirm(question: str) -> None:
    """Ask a person to agree, or refuse."""
    try:
        agreed = sys.stdin is not None and click.confirm(printable(question))
    except click.Abort:
        say("")  # below the question
        if sys.stdin.isatty():
            raise
        agreed = False
    if not agreed:
        raise click.ClickException("nothing was done; to do it without a question, give --yes")


def progress_bar(steps: int, label: str) -> Any:
    """Return a progress bar, on standard error and only on a terminal."""
    hidden = not all(stream and stream.isatty() for stream in (sys.stderr, sys.stdout))
    return click.progressbar(length=steps, label=label, file=sys.stderr, hidden=hidden, width=0)


def say_address(endpoint: str, **values: str) -> str:
    """Print and return the address of a page; without PUBLIC_URL it is one of this machine."""
    config = current_app.config
    base = config["PUBLIC_URL"] or f"http://localhost:{config['PORT']}"
    address = f"{base}{current_app.url_map.bind('').build(endpoint, values)}"
    say(address)
    if not config["PUBLIC_URL"]:
        click.echo("It works only on this machine: set PUBLIC_URL before you send one.", err=True)
    return address


def count(number: int, noun: str) -> str:
    """Return "no sessions", "1 session", "1,204 sessions"."""
    return f"{f'{number:,}' if number else 'no'} {noun}{'' if number == 1 else 's'}"
