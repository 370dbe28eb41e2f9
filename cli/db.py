"""flask db: make the database, and look at its schema."""

from pathlib import Path

import click
from playhouse.migrations import Migration

import migrations
import transfer
from backup import BackupRefused, write_backup
from database import DatabaseURLError, database

from .commands import Commands, count, json_option, progress_bar
from .output import iso_time, print_rows


@click.group(cls=Commands)
def db() -> None:
    """Make the database and bring it up to date."""


@db.command()
def init() -> None:
    """Make the database, or bring it to the newest schema.

    Doing it again changes nothing, and no data is ever dropped.

    \b
    flask db init
    """
    applied = migrations.upgrade()
    click.echo(f"{database.location}: {upgraded(applied)}")


def upgraded(applied: list[str]) -> str:
    """Return in words what bringing a database up to date did."""
    if not applied:
        return "up to date, nothing to do"
    done = "made" if len(applied) == len(migrations.status()) else "brought up to date"
    return f"{done} ({', '.join(applied)})"


@db.command()
@json_option
def status(as_json: bool) -> None:
    """Show applied and pending migrations, and whether tables and models agree.

    Exit code 1 when something is pending or differs. As JSON, a difference is a row too.

    \b
    flask db status
    """
    known = migrations.status()
    differences = migrations.differences()
    if as_json:
        print_rows([*map(_row, known), *_difference_rows(differences)], {}, as_json)
    else:
        for row in map(_row, known):
            click.echo(f"{row['migration']}  {row['applied_at'] or 'pending: run flask db init'}")
        click.echo(differences or "The tables are as in models.py.")
    if differences or not all(migration.applied for migration in known):
        raise SystemExit(1)


def _row(migration: Migration) -> dict[str, str | None]:
    applied = migration.applied and iso_time(int(migration.applied.timestamp() * 1000))
    return {"migration": migration.name, "applied_at": applied, "difference": None}


def _difference_rows(differences: str) -> list[dict[str, str | None]]:
    return [
        {"migration": None, "applied_at": None, "difference": line}
        for line in differences.splitlines()
    ]


@db.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Write a consistent copy of the database to FILE, while the application runs.

    FILE must be new. It is complete and on the disk when this says so, and holds every sign-up
    and log-in that was answered before. To restore: stop the server, put FILE in place of the
    database, and remove the -wal and -shm files of the old one.

    \b
    flask db backup /var/backups/vestibule-$(date +%F).db
    """
    try:
        with migrations.any_schema():  # before an update too
            size = write_backup(file)
    except BackupRefused as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Wrote {file}, {size / 1_000_000:.1f} MB.")


@db.command()
@click.option("--to", "url", metavar="URL", required=True, help="postgresql://USER@HOST/NAME")
def copy(url: str) -> None:
    """Move everything from SQLite to an empty PostgreSQL database.

    All or nothing: every row is read back and compared before it counts. Stop the server first,
    and start it with the new DATABASE_URL and the same SECRET_KEY: then everybody stays signed in.
    The SQLite file is left as it is.

    \b
    flask db copy --to postgresql://vestibule@db.example.org/vestibule
    """
    try:
        target = transfer.target_at(url)
        with progress_bar(2 * transfer.count_rows(), "Copying") as bar:
            counts = transfer.copy_to(target, bar.update)
    except (transfer.CopyRefused, DatabaseURLError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(
        "Copied and compared: " + ", ".join(count(n, name) for name, n in counts.items()) + "."
    )
