"""flask db: make the database, and look at its schema."""

import click

import migrations
from database import database

from .commands import Commands
from .output import iso_time


@click.group(cls=Commands)
def db() -> None:
    """Make the database and bring it up to date."""


@db.command()
def init() -> None:
    """Make the database, or bring it to the newest schema.

    Doing it again changes nothing, and no data is ever dropped.
    """
    applied = migrations.upgrade()
    click.echo(f"{database.path}: {upgraded(applied)}")


def upgraded(applied: list[str]) -> str:
    """Return in words what bringing a database up to date did."""
    if not applied:
        return "up to date, nothing to do"
    done = "made" if len(applied) == len(migrations.status()) else "brought up to date"
    return f"{done} ({', '.join(applied)})"


@db.command()
def status() -> None:
    """Show applied and pending migrations, and whether tables and models agree.

    Exit code 1 when something is pending or differs.
    """
    pending = False
    for migration in migrations.status():
        pending = pending or not migration.applied
        applied = migration.applied and iso_time(int(migration.applied.timestamp() * 1000))
        click.echo(f"{migration.name}  {applied or 'pending: run flask db init'}")
    differences = migrations.differences()
    click.echo(differences or "The tables are as in models.py.")
    if pending or differences:
        raise SystemExit(1)
