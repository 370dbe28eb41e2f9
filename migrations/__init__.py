"""Bring a database to the schema of models.py: numbered scripts, run in order, each once.

Peewee's Runner runs them. It switches foreign keys off around a table rebuild (a bare rebuild
deletes every child row) and commits each script together with its entry in the history.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import Database, OperationalError
from playhouse.migrations import Migration, Runner
from playhouse.schema_diff import diff_models

from database import database
from database.backup import kept_copies
from database.foreign import is_ours
from models import MODELS

FOLDER = Path(__file__).parent
# Listed once: an update puts newer scripts beside a server that is still running.
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


def upgrade(before: Callable[[], object] = lambda: None) -> list[str]:
    """Create the database if it is missing, and apply what is pending. Returns the names of the
    migrations applied, [] when there was nothing to do. Raises OperationalError when the database
    cannot be used or is newer than this code. before: called before anything changes in a database
    that has migrations already; what it raises keeps the database as it is.
    """
    with database.migration_lock(), any_schema(), database.connection_context():
        known = status()
        if newer := [migration.name for migration in known if migration.path is None]:
            raise OperationalError(newer_than_this_code(newer))
        database.refuse_read_only()
        if len({bool(migration.applied) for migration in known}) == 2:
            before()
        return list(CheckedRunner(database, str(FOLDER)).up())


def status() -> list[Migration]:
    """Return all migrations. Of one that is pending `applied` is None, of an unknown one `path`."""
    with any_schema():
        return list(CheckedRunner(database, str(FOLDER)).status())


def differences() -> str:
    """Return how the tables differ from models.py, one difference a line; "" for not at all."""
    with any_schema():
        return str(diff_models(database.obj, MODELS))


def check_schema(connection: Any) -> None:
    """Raise OperationalError when a database that is opened does not have this code's schema: an
    older Vestibule must not write into a newer one's database.
    """
    applied = set()
    if is_ours(connection, database):
        applied = {name for (name,) in connection.execute("SELECT name FROM schema_migration")}
    if newer := applied - SCRIPTS:
        raise OperationalError(newer_than_this_code(newer))
    if SCRIPTS - applied:
        raise OperationalError("the database is not up to date: run flask db init")


def newer_than_this_code(unknown: Iterable[str]) -> str:
    """Return what is wrong when migrations have been applied that this code does not know."""
    text = f"the database is newer than this code ({', '.join(unknown)}): update Vestibule"
    copies = kept_copies()
    return f"{text}, or go back to the copy from before, {copies[-1]}" if copies else text


@contextmanager
def any_schema() -> Iterator[None]:
    """Let a database be opened whatever its schema, to look at it or to bring it up to date."""
    check, database.obj.check = database.obj.check, None
    try:
        yield
    finally:
        database.obj.check = check
