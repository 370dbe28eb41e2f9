"""flask db: create, check, back up and copy the database."""

from contextlib import suppress
from importlib import import_module
from pathlib import Path

import click

import migrations
from accounts.times import iso_time
from database import HAS_POSTGRESQL, DatabaseURLError, database
from database.backup import BackupRefused, keep_copy, write_backup
from models import MODELS

from .commands import Commands, count, json_option, progress_bar
from .output import print_rows, printable, say
from .version import VERSION


@click.group(cls=Commands, short_help="Create the database, bring it up to date, back it up.")
def db() -> None:
    """Vestibule: create the database, bring it up to date, back it up."""


@db.command(epilog="flask db init")
def init() -> None:
    """Create the database, or bring it to the newest schema.

    Running it again changes nothing. No data is ever dropped.
    """
    applied = upgrade()
    say(f"{printable(database.location)}: {upgraded(applied)}")


def upgrade() -> list[str]:
    """Bring the database to the newest schema, and keep a copy of it as it was. Return what was
    applied. Without room for the copy, nothing changes.
    """
    try:
        return migrations.upgrade(_keep_copy)
    except BackupRefused as error:
        raise click.ClickException(f"not migrated, since no copy can be kept: {error}") from None


def _keep_copy() -> None:
    if copy := keep_copy(VERSION):
        announce(f"Kept a copy from before the migration: {copy}")


def announce(line: str) -> None:
    """Tell a person something. That no one can be told must not stop what is done."""
    with suppress(OSError, click.ClickException, SystemExit):
        say(printable(line))


def upgraded(applied: list[str]) -> str:
    """Return what an upgrade did, in words."""
    if not applied:
        return "up to date, nothing to do"
    done = "made" if len(applied) == len(migrations.status()) else "brought up to date"
    return f"{done} ({', '.join(applied)})"


@db.command(epilog="flask db status")
@json_option
def status(as_json: bool) -> None:
    """Show applied and pending migrations, and how the tables differ from models.py.

    Exit code 1 when a migration is pending or a table differs. In JSON, a difference is a row.
    """
    known = {m.name: m.applied and int(m.applied.timestamp() * 1000) for m in migrations.status()}
    differences = migrations.differences()
    if as_json:
        rows = [_row(migration=name, applied_at=applied) for name, applied in known.items()]
        rows += [_row(difference=line) for line in differences.splitlines()]
        print_rows(rows, {}, as_json)
    else:
        for name, applied in known.items():
            say(f"{name}  {iso_time(applied) if applied else 'pending: run flask db init'}")
        say(differences or "The tables are as in models.py.")
    if differences or not all(known.values()):
        raise SystemExit(1)


def _row(**values: object) -> dict[str, object]:
    return {"migration": None, "applied_at": None, "difference": None, **values}


@db.command(epilog="flask db backup /var/backups/vestibule-$(date +%F).db")
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Write a consistent copy of the database to FILE, while the application runs.

    FILE must not exist yet. Once this reports success, FILE is on the disk and holds every sign-up
    and log-in that was answered before. To restore it: stop the server, put FILE in place of the
    database, and delete the -wal and -shm files of the old one.
    """
    try:
        with migrations.any_schema():  # also of an older one, just before an update
            size = write_backup(file)
    except BackupRefused as error:
        raise click.ClickException(str(error)) from None
    say(f"Wrote {printable(str(file))}, {size / 1_000_000:.1f} MB.")


@click.command(epilog="flask db copy --to postgresql://vestibule@db.example.org/vestibule")
@click.option("--to", "url", metavar="URL", required=True, help="postgresql://USER@HOST/NAME")
def copy(url: str) -> None:
    """Copy everything from SQLite to an empty PostgreSQL database.

    All or nothing: every row is read back and compared before the commit. Stop the server first;
    then start it with the new DATABASE_URL and the same SECRET_KEY, and all users stay logged in.
    The SQLite file is not changed.
    """
    transfer = import_module("database.postgresql.transfer")
    try:
        target = transfer.target_at(url)
        with progress_bar(2 * transfer.count_rows(MODELS), "Copying") as bar:
            counts = transfer.copy_to(target, MODELS, migrations.upgrade, bar.update)
    except (transfer.CopyRefused, DatabaseURLError) as error:
        raise click.ClickException(str(error)) from None
    rows = ", ".join(count(number, name.replace("_", " ")) for name, number in counts.items())
    say(f"Copied to {printable(target.location)} and compared: {rows}.")


if HAS_POSTGRESQL:  # the folder can be deleted
    db.add_command(copy)
