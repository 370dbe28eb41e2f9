"""Bring a database to the schema of models.py: numbered scripts, run in order, each once.

The scripts beside this file are run by Peewee's Runner, which switches foreign keys off around
a table rebuild (a bare rebuild deletes every child row) and commits each script with its entry
in the history.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import Database, OperationalError
from playhouse.migrations import Migration, Runner
from playhouse.schema_diff import diff_models

from database import database
from models import MODELS

FOLDER = Path(__file__).parent
# Looked up once: an update lays newer scripts beside a server that is still running.
SCRIPTS = frozenset(script.stem for script in FOLDER.glob("[0-9]*.py"))


class CheckedRunner(Runner):
    """Peewee's Runner, which looks for orphans before each script is committed."""

    def _run(self, name: str, module: Any, direction: str, fake: bool = False) -> None:
        step = getattr(module, direction)

        def checked_step(migrator: Any, db: Database) -> None:
            step(migrator, db)
            database.refuse_orphans()

        setattr(module, direction, checked_step)
        super()._run(name, module, direction, fake)


def upgrade() -> list[str]:
    """Make the database if it is missing and apply what is pending.

    Returns the names of the migrations applied, [] when there was nothing to do. Raises
    OperationalError when the database cannot be used or is newer than this code.
    """
    with database.alone(), any_schema(), database.connection_context():
        refuse_newer()
        database.refuse_read_only()
        applied: list[str] = _runner().up()
        return applied


def status() -> list[Migration]:
    """Return all migrations in order; `applied` is None for pending ones, `path` is None for
    those that this code does not know.
    """
    with any_schema():
        rows: list[Migration] = _runner().status()
    return rows


def differences() -> str:
    """Return how the tables differ from models.py, one change a line; "" when they agree."""
    with any_schema():
        return str(diff_models(database.obj, MODELS))


def refuse_newer() -> None:
    """Raise OperationalError when a newer Vestibule has been at this database."""
    unknown = [migration.name for migration in status() if migration.path is None]
    if unknown:
        raise OperationalError(
            f"the database is newer than this code (it has {', '.join(unknown)}): update Vestibule"
        )


def check_schema(connection: Any) -> None:
    """Raise OperationalError when a database that is opened has not the tables of this code: an
    older Vestibule must not write into a newer one's database.
    """
    applied = set()
    if ("schema_migration",) in connection.execute(database.table_names).fetchall():
        applied = {name for (name,) in connection.execute("SELECT name FROM schema_migration")}
    if newer := applied - SCRIPTS:
        raise OperationalError(f"the database is newer than this code ({', '.join(newer)})")
    if SCRIPTS - applied:
        raise OperationalError("the database is not up to date: run flask db init")


@contextmanager
def any_schema() -> Iterator[None]:
    """Let a database be opened whatever its schema, to look at it or to bring it up to date."""
    check, database.obj.check = database.obj.check, None
    try:
        yield
    finally:
        database.obj.check = check


def _runner() -> Runner:
    return CheckedRunner(database, str(FOLDER))
