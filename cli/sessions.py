"""flask sessions: who is signed in, and ending it."""

import click

from accounts import sessions as accounts
from database import database
from models import Session, User

from .commands import Commands, OneUser, Text, count, json_option
from .output import iso_time, print_rows, printable

COLUMNS = {
    "handle": 12,
    "username": 20,
    "created_at": 14,
    "last_seen_at": 14,
    "ip_address": 15,
    "user_agent": 30,
}


@click.group(cls=Commands)
def sessions() -> None:
    """See and end signed-in sessions.

    HANDLE names a session here, on the pages and in the log; it opens nothing.
    """


@sessions.command("list")
@click.argument("user", metavar="[NAME]", type=OneUser(), required=False)
@json_option
def list_(user: User | None, as_json: bool) -> None:
    """List live sessions, last seen first.

    \b
    flask sessions list
    flask sessions list Jane --json
    """
    rows = (_row(session) for session in database.stream(accounts.live_sessions(user)))
    print_rows(rows, COLUMNS, as_json)


def _row(session: Session) -> dict[str, str | None]:
    return {
        "handle": session.handle,
        "username": session.user.username,
        "created_at": iso_time(session.created_at),
        "last_seen_at": iso_time(session.last_seen_at),
        "ip_address": session.ip_address,
        "user_agent": session.user_agent,
    }


@sessions.command()
@click.argument("handle", type=Text(), required=False)
@click.option("--user", metavar="NAME", type=OneUser(), help="End all sessions of one user.")
@click.option("--all", "everybody", is_flag=True, help="End everybody's sessions.")
def end(handle: str | None, user: User | None, everybody: bool) -> None:
    """End one session, all of a user, or all.

    \b
    flask sessions end 1f0c9a33d2b7
    flask sessions end --user Jane
    """
    if sum((handle is not None, user is not None, everybody)) != 1:
        raise click.UsageError("say one of HANDLE, --user NAME and --all")
    if handle is not None:
        _end_one(handle)
    elif user is not None:
        ended = accounts.invalidate_user_sessions(user, accounts.Reason.ENDED_BY_OPERATOR)
        click.echo(f"Ended {count(ended, 'session')}.")
    else:
        ended = accounts.invalidate_all_sessions(accounts.Reason.ENDED_BY_OPERATOR)
        click.echo(f"Ended {count(ended, 'session')}.")


def _end_one(handle: str) -> None:
    session = accounts.find_session(handle)
    if session is None:
        raise click.ClickException(f"there is no live session {printable(handle)}")
    accounts.invalidate_session(session, accounts.Reason.ENDED_BY_OPERATOR)
    click.echo(f"Ended {handle} of {printable(session.user.username)}.")


@sessions.command()
def prune() -> None:
    """Remove the rows of dead sessions, in small batches while people log in.

    \b
    flask sessions prune
    """
    click.echo(f"Removed {count(accounts.prune_sessions(), 'dead session')}.")
