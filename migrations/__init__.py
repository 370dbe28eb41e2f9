"""Bring a database to the schema of models.py: numbered scripts, run in order, each once.

The scripts beside this file are run by Peewee's Runner, which switches foreign keys off around
a table rebuild (a bare rebuild deletes every child row) and commits each script with its entry
in the history.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import Database, IntegrityError, OperationalError
from playhouse.migrations import Migration, Runner
from playhouse.schema_diff import diff_models

from database import database
from models import MODELS

FOLDER = Path(__file__).parent


class CheckedRunner(Runner):
    """Peewee's Runner, which looks for orphans before each script is committed."""

    def _run(self, name: str, module: Any, direction: str, fake: bool = False) -> None:
        step = getattr(module, direction)

        def checked_step(migrator: Any, db: Database) -> None:
            step(migrator, db)
            if orphan := db.execute_sql("PRAGMA foreign_key_check").fetchone():
                raise IntegrityError(f"{name} would leave a row without its parent: {orphan}")

        setattr(module, direction, checked_step)
        super()._run(name, module, direction, fake)


def upgrade() -> list[str]:
    """Make the database if it is missing and apply what is pending.

    Returns the names of the migrations applied, [] when there was nothing to do. Raises
    OperationalError when the database cannot be used or is newer than this code.
    """
    database.obj.create_file()
    with _alone(), database.connection_context():
        refuse_newer()
        applied: list[str] = _runner().up()
        return applied


def status() -> list[Migration]:
    """Return all migrations in order; `applied` is None for pending ones, `path` is None for
    those that this code does not know.
    """
    rows: list[Migration] = _runner().status()
    return rows


def differences() -> str:
    """Return how the tables differ from models.py, one change a line; "" when they agree."""
    return str(diff_models(database.obj, MODELS))


def refuse_newer() -> None:
    """Raise OperationalError when a newer Vestibule has been at this database."""
    unknown = [migration.name for migration in status() if migration.path is None]
    if unknown:
        raise OperationalError(
            f"the database is newer than this code (it has {', '.join(unknown)}): update Vestibule"
        )


def _runner() -> Runner:
    return CheckedRunner(database, str(FOLDER))


@contextmanager
def _alone() -> Iterator[None]:
    """Hold a lock on the folder of the database: of two starts at once one migrates, the other
    waits and finds nothing to do. The lock goes with the process, however it ends.
    """
    folder = os.open(Path(database.path).parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
