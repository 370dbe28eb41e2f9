"""flask sessions: who is logged in, and ending sessions."""

import sys

import click

from accounts import sessions as accounts
from accounts.actor import OPERATOR
from accounts.sessions import Reason
from database import database
from models import Session, User

from .commands import (
    Commands,
    OneUser,
    Text,
    Writing,
    confirm,
    count,
    json_option,
    yes_option,
)
from .output import print_rows, printable, say

COLUMNS = {
    "handle": 12, "username": 20, "created_at": 14, "last_seen_at": 14, "ip_address": 15,
    "user_agent": 30,
}  # fmt: skip


@click.group(cls=Commands, short_help="List and end sessions.")
def sessions() -> None:
    """Vestibule: list and end sessions.

    HANDLE names a session here, on the pages and in the log. It is not a credential.
    """


@sessions.command("list", epilog="flask sessions list Jane --json")
@click.argument("user", metavar="[NAME]", type=OneUser(), required=False)
@json_option
def list_(user: User | None, as_json: bool) -> None:
    """List live sessions, last seen first."""
    rows = map(_row, database.stream(accounts.live_sessions(user)))
    print_rows(rows, COLUMNS, as_json)


def _row(session: Session) -> dict[str, object]:
    return {
        name: session.user.username if name == "username" else getattr(session, name)
        for name in COLUMNS
    }


@sessions.command(cls=Writing, epilog="flask sessions end 1f0c9a33d2b7")
@click.argument("handle", type=Text(), required=False)
@click.option("--user", metavar="NAME", type=OneUser(), help="End all sessions of one user.")
@click.option("--all", "everyone", is_flag=True, help="End all sessions of all users.")
@yes_option
def end(handle: str | None, user: User | None, everyone: bool, yes: bool) -> None:
    """End one session, all of a user, or all. --all asks first on a terminal."""
    if sum((handle is not None, user is not None, everyone)) != 1:
        raise click.UsageError("give one of HANDLE, --user NAME and --all")
    why = Reason.ENDED_BY_OPERATOR
    if handle is not None:
        session = _find(handle)
        accounts.invalidate_session(session, why, OPERATOR)
        say(f"Ended {session.handle} of {printable(session.user.username)}.")
    elif user is not None:
        ended = accounts.invalidate_user_sessions(user, why, OPERATOR)
        say(f"Ended {count(ended, 'session')}.")
    else:
        if not yes and sys.stdin and sys.stdin.isatty():
            confirm("End all sessions of all users?")
        say(f"Ended {count(accounts.invalidate_all_sessions(why, OPERATOR), 'session')}.")


def _find(handle: str) -> Session:
    found = accounts.find_sessions(handle.strip().lower())
    if not found:
        hint = "a handle has 12 hexadecimal digits: flask sessions list"
        raise click.ClickException(f"there is no live session {printable(handle)} ({hint})")
    if len(found) > 1:
        names = ", ".join(f"id:{session.user.id}" for session in found)
        raise click.ClickException(f"{handle} is ambiguous, end those of a user: --user {names}")
    return found[0]


@sessions.command(cls=Writing, epilog="flask sessions prune")
def prune() -> None:
    """Delete the rows of dead sessions, in small batches so that log-ins do not wait."""
    say(f"Removed {count(accounts.prune_sessions(), 'dead session')}.")
