"""flask users: accounts, from the command line. The same rules as on the pages."""

from typing import Any

import click

from accounts import events
from accounts import users as accounts
from accounts.actor import OPERATOR
from database import database
from models import Event, User
from web.words import describe_event, describe_origin

from .commands import (
    Commands,
    Text,
    Writing,
    confirm,
    count,
    json_option,
    user_argument,
    users_argument,
    yes_option,
)
from .output import cell, csv_lines, exact, print_lines, print_rows, printable, read_first, say
from .passwords import password_option, read_password, warn_of_weak

FIELDS = ("id", "username", "created_at", "locked_at", "sessions")
COLUMNS = {"username": 31, "id": 15, "created_at": 14, "sessions": 8, "locked_at": 14}
DETAILS: list[str] = []  # columns that `show` has besides; features add theirs
EVENT_FIELDS = ("at", "kind", "session", "ip_address", "user_agent", "detail")
EVENT_COLUMNS = {"at": 20, "event": 38, "session": 12, "origin": 40}


@click.group(cls=Commands, short_help="Manage accounts.")
def users() -> None:
    """Vestibule: manage accounts.

    NAME is a username in any spelling, or id:ID.
    """


@users.command(cls=Writing, epilog="flask users create Jane")
@click.argument("name", type=Text())
@password_option
def create(name: str, password_stdin: bool) -> None:
    """Create an account. The password is prompted for, hidden and twice."""
    username = accounts.check_free(name, OPERATOR)
    password = read_password(password_stdin, username)
    user = accounts.create_user(username, password, OPERATOR)
    say(f"Created {printable(user.username)} (id:{user.id}).")
    warn_of_weak(password, user)


@users.command("list", epilog="flask users list --search jan --sort seen --limit 20")
@click.option(
    "--search", metavar="TEXT", type=Text(), default="", help="Only names that contain TEXT."
)
@click.option("--locked", is_flag=True, help="Only locked accounts.")
@click.option(
    "--sort",
    type=click.Choice(list(accounts.ORDERS)),
    default="created",
    help="By name, oldest first (created), or last seen first (seen).",
)
@click.option("--limit", metavar="N", type=click.IntRange(1), help="Print at most N.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, safe to open in a spreadsheet.")
def list_(
    search: str, sort: str, limit: int | None, as_json: bool, as_csv: bool, **flags: bool
) -> None:
    """List accounts, oldest first."""
    kinds = [kind for kind, is_given in flags.items() if is_given]
    if as_json and as_csv:
        raise click.UsageError("give one of --json and --csv")

    def total(shown: int) -> str:
        known = shown if shown != limit else accounts.count_users(search, kinds)
        return f"{shown:,} of {count(known, 'user')}" if known > shown else count(shown, "user")

    found = accounts.list_users(search, kinds, sort, limit)
    if as_csv:
        print_lines(csv_lines(read_first(map(_row, found)), FIELDS))
    elif as_json:
        print_rows(map(_row, found), {}, as_json)
    else:
        seen = {"last_seen_at": 14} if sort == "seen" else {}
        rows = ({**_row(user), **{name: getattr(user, name) for name in seen}} for user in found)
        print_rows(rows, {**COLUMNS, **seen}, as_json, total)


def _row(user: Any) -> dict[str, Any]:
    return {name: getattr(user, name) for name in FIELDS}


@users.command(epilog="flask users show Jane")
@user_argument
@json_option
def show(user: User, as_json: bool) -> None:
    """Show one account, and when and from where it was last logged in to."""
    last = accounts.last_login(user)
    row = _row(accounts.with_sessions(user)) | {name: getattr(user, name) for name in DETAILS}
    row["last_login_at"] = last.at if last else None
    if as_json:
        for name in ("ip_address", "user_agent"):
            row[f"last_login_{name}"] = getattr(last, name, None)
        print_rows([row], {}, as_json)
        return
    for name, value in row.items():
        exactly = exact(name, value)
        more = f" ({exactly})" if exactly != value else ""
        origin = f", {describe_origin(last)}" if name == "last_login_at" and last else ""
        label = name.removesuffix("_at").removesuffix("_since").replace("_", " ")
        say(f"{label:12}{cell(name, value)}{more}{printable(origin)}")


@users.command(epilog="flask users activity Jane")
@user_argument
@json_option
def activity(user: User, as_json: bool) -> None:
    """Show what happened to an account, newest first."""
    found = database.stream(events.events_of(user))
    print_rows(map(_event if as_json else _event_in_words, found), EVENT_COLUMNS, as_json)


def _event(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in EVENT_FIELDS}


def _event_in_words(event: Event) -> dict[str, Any]:
    words = {"event": describe_event(event), "origin": describe_origin(event)}
    return {"at": event.at, "session": event.session, **words}


@users.command("set-password", cls=Writing, epilog="flask users set-password Jane")
@user_argument
@password_option
def set_password(user: User, password_stdin: bool) -> None:
    """Set a new password and end the user's sessions."""
    password = read_password(password_stdin, user.username)
    ended = accounts.set_password(user, password, OPERATOR)
    say(f"Set the password of {printable(user.username)}; {count(ended, 'session')} ended.")
    warn_of_weak(password, user)


@users.command(cls=Writing, epilog="flask users rename Jane Janet")
@user_argument
@click.argument("new_name", metavar="NEW", type=Text())
def rename(user: User, new_name: str) -> None:
    """Rename an account. Its sessions and password stay; the old name is free at once."""
    old_name = user.username
    accounts.rename_user(user, new_name, OPERATOR)
    say(f"Renamed {printable(old_name)} to {printable(user.username)} (id:{user.id}).")


@users.command(cls=Writing, epilog="flask users lock Jane Max")
@users_argument
def lock(chosen: list[User]) -> None:
    """Stop users from logging in until unlocked, and end their sessions."""
    ended = accounts.all_or_none(accounts.lock_user, chosen, OPERATOR)
    for user, number in zip(chosen, ended, strict=True):
        say(f"Locked {printable(user.username)}; {count(number, 'session')} ended.")


@users.command(cls=Writing, epilog="flask users unlock Jane Max")
@users_argument
def unlock(chosen: list[User]) -> None:
    """Let locked users log in again."""
    accounts.all_or_none(accounts.unlock_user, chosen, OPERATOR)
    for user in chosen:
        say(f"Unlocked {printable(user.username)}.")


@users.command(cls=Writing, epilog="flask users delete id:4f0zq1x8m2c7w5k --yes")
@users_argument
@yes_option
def delete(chosen: list[User], yes: bool) -> None:
    """Delete accounts and everything that belongs to them. Asks first, once for all."""
    if not yes:
        names = (f"{printable(user.username)} (id:{user.id})" for user in chosen)
        confirm(f"Delete {', '.join(names)} for good?")
    accounts.all_or_none(accounts.delete_user, chosen, OPERATOR)
    for user in chosen:
        say(f"Deleted {printable(user.username)}.")
