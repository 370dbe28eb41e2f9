"""The connection to the database: where it is, how it is opened, how long it is held.

Nothing here knows a table. Connections are kept: one is taken out by the first query of a request
and handed back at its end, or lent for one statement.

sqlite      one file on this machine, the default
postgresql  a server that many machines share
faults      what can be raised

The first two are classes of Peewee's with the same few methods more, for what they do differently;
`database` stands for the one in use. Their connections: sqlite_connection, psycopg_connection.
"""

from importlib import import_module
from pathlib import Path
from typing import Any

from peewee import DatabaseProxy

from .faults import Check, DatabaseURLError, OutcomeUnknown
from .sqlite import SQLite

__all__ = [
    "DatabaseURLError",
    "OutcomeUnknown",
    "advice",
    "connect",
    "database",
    "database_at",
    "release",
]

database = DatabaseProxy()


def connect(url: str, folder: str, check: Check | None = None) -> None:
    """Point `database` at `url`; arguments and errors are those of `database_at`."""
    opened = database_at(url, folder, check)
    if database.obj is not None:
        database.obj.close_all()  # of the application that this process had before
    database.initialize(opened)


def database_at(url: str, folder: str = "", check: Check | None = None) -> Any:
    """Return the database at `url`; no connection is opened yet.

    url: "sqlite:///PATH" (a relative PATH is looked for in `folder`) or "postgresql://…" as libpq
    has it. check: is called with each new connection and raises what makes it useless.
    Raises DatabaseURLError.
    """
    if url.startswith(("postgresql://", "postgres://")):
        return _postgresql()(url, check)
    scheme, _, path = url.partition(":///")
    if scheme != "sqlite" or not path or path == ":memory:":
        raise DatabaseURLError(
            "sqlite:///PATH, with the path of a file, or postgresql://HOST/NAME is wanted"
        )
    return SQLite(str(Path(folder, path)), check)


def _postgresql() -> type:
    # Its driver is an extra: who stays with SQLite does not install it.
    try:
        import_module("psycopg")
    except ImportError as error:
        raise DatabaseURLError(
            f"PostgreSQL needs its driver, that of requirements-postgres.txt ({error})"
        ) from None
    return import_module(".postgresql", __name__).PostgreSQL  # type: ignore[no-any-return]


def release() -> None:
    """Hand the connection back to the pool; the next query takes one out again.

    Called before a password is hashed, so that those who wait for a hash hold no connection.
    Raises OperationalError inside a transaction: a hash must never be computed in one.
    """
    if not database.is_closed():
        database.close()


def advice(error: BaseException) -> str:
    """Return what an operator can do about a fault of the database; "" when nothing is known."""
    while error.__context__ is not None:  # what came first, not what it led to
        error = error.__context__
    return str(database.advice(error))
