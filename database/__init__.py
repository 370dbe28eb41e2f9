"""The connection to the database: where it is, how it is opened, how long it is held.

Nothing here knows a table. Connections are kept: the first query of a request takes one, and the
end of the request hands it back. `database` stands for the database in use: SQLite, or PostgreSQL
(whose folder can be deleted). Both are Peewee's with the same few methods added.
"""

import atexit
import sqlite3
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from peewee import DatabaseProxy, OperationalError

from .address import DatabaseURLError, is_postgresql, sqlite_path
from .foreign import DatabaseRefused, ForeignDatabase
from .sqlite import SQLite

database = DatabaseProxy()
HAS_POSTGRESQL = Path(__file__).with_name("postgresql").joinpath("server.py").exists()

OWN_DATABASE = "Set DATABASE_URL to a database of Vestibule's own."


class OutcomeUnknown(OperationalError):
    """The connection was lost during a COMMIT. Never answer this with "nothing was changed"."""


def connect(url: str, folder: str, check: Callable[[Any], None] | None = None) -> None:
    """Point `database` at `url`; arguments and errors are those of `database_at`."""
    opened = database_at(url, folder, check)
    if database.obj is not None:
        database.obj.close_all()  # of the application that this process had before
    else:
        atexit.register(_finish)
    database.initialize(opened)


def _finish() -> None:
    database.finish()


def database_at(url: str, folder: str = "", check: Callable[[Any], None] | None = None) -> Any:
    """Return the database at `url`; no connection is opened yet. url: "sqlite:///PATH" (a relative
    PATH is relative to `folder`) or "postgresql://…" as libpq has it. check: is called with each
    new connection of the driver and raises what makes it unusable. Raises DatabaseURLError.
    """
    if is_postgresql(url):
        return _postgresql()(url, check)
    path = sqlite_path(url)
    if sqlite3.sqlite_version_info < (3, 37):  # the first with STRICT tables
        raise DatabaseURLError(f"needs SQLite 3.37 or newer; this is {sqlite3.sqlite_version}")
    return SQLite(str(Path(folder, path)), check)


def _postgresql() -> type:
    if not HAS_POSTGRESQL:
        raise DatabaseURLError("PostgreSQL was taken out of this installation: use SQLite")
    try:
        import_module("psycopg")
        return import_module("database.postgresql.server").PostgreSQL  # type: ignore[no-any-return]
    except ImportError as error:
        raise DatabaseURLError(f"install requirements-postgres.txt first ({error})") from None


def release() -> None:
    """Hand the connection back to the pool, so that a log-in in the hash queue holds none. Raises
    OperationalError inside a transaction: a hash must never be computed in one.
    """
    if not database.is_closed():
        database.close()


def advice(error: BaseException) -> str:
    """Return what an operator can do about a database fault; "" when nothing is known."""
    while error.__context__ is not None:  # what came first, not what it led to
        error = error.__context__
    known = str(database.advice(error))
    return OWN_DATABASE if isinstance(error, DatabaseRefused) else known
