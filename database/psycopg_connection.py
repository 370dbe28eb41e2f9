"""A connection of psycopg's, as the pool wants it."""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from playhouse.postgres_ext import Psycopg3ExtAdapter
from psycopg.pq import TransactionStatus

if TYPE_CHECKING:
    from .postgresql import PostgreSQL

PAUSE_AFTER_FAILURE = 1  # second


# Faults of the installation that psycopg counts among those of the program.
UNUSABLE = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.ReadOnlySqlTransaction,
    psycopg.errors.InsufficientPrivilege,
)


class Cursor(psycopg.Cursor[Any]):
    """Keeps what is in rows out of errors, and so out of the log: the server's DETAIL quotes the
    row that it refuses, password hash included.
    """

    def execute(self, *args: Any, **options: Any) -> "Cursor":
        """Execute a statement."""
        with errors_without_detail():
            return super().execute(*args, **options)

    def executemany(self, *args: Any, **options: Any) -> None:
        """Execute a statement for many rows."""
        with errors_without_detail():
            super().executemany(*args, **options)


class errors_without_detail:  # noqa: N801 - used like a function
    """Take out of psycopg's errors what they quote. A class, since it surrounds every statement."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, psycopg.Error):
            raise _without_detail(error) from None


def _without_detail(error: psycopg.Error) -> psycopg.Error:
    error.args = (error.diag.message_primary or str(error),)
    if not isinstance(error, UNUSABLE):
        return error
    fault = psycopg.OperationalError(*error.args)
    fault.sqlstate = error.sqlstate
    return fault


class Adapter(Psycopg3ExtAdapter):
    """How Peewee opens a connection."""

    failed_at = float("-inf")

    def connect(self, db: "PostgreSQL", **_params: Any) -> psycopg.Connection:
        """Return a new connection, checked. Raises psycopg.OperationalError."""
        # Peewee's pool opens one at a time. Were each of those who wait to try a host that does not
        # answer for itself, the last would wait for all the others.
        if time.monotonic() - self.failed_at < PAUSE_AFTER_FAILURE:
            raise psycopg.OperationalError("the database could not be reached a moment ago")
        try:
            connection = psycopg.connect(db.conninfo, autocommit=True, cursor_factory=Cursor)
        except psycopg.OperationalError:
            self.failed_at = time.monotonic()
            raise
        if db.check is not None:
            with _closed_on_error(connection):
                db.check(connection)
        return connection


@contextmanager
def _closed_on_error(connection: psycopg.Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        connection.close()
        raise


def is_lost(connection: psycopg.Connection) -> bool:
    """Whether the server is known to be gone."""
    return connection.closed or connection.info.transaction_status == TransactionStatus.UNKNOWN


def has_something_to_read(connection: psycopg.Connection) -> bool:
    """Whether the server has sent anything to a connection that waits for nothing."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
