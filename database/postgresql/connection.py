"""Connections of psycopg's, as Vestibule needs them."""

import select
import sys
import time
from typing import Any

import psycopg
from playhouse.postgres_ext import Psycopg3ExtAdapter
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import Conninfo, TransactionStatus

from database.address import UNREADABLE, DatabaseURLError
from database.foreign import is_ours

PAUSE_AFTER_FAILURE = 1  # second

# Faults of the installation that psycopg takes for the program's, by the beginning of SQLSTATE: no
# such table, column or schema; read only; not permitted; stalled in a transaction; damaged.
UNUSABLE = ("42P01", "42703", "3F000", "25006", "42501", "25P03", "25P04", "XX")


# And of views; not those that an extension brings along.
TABLE_NAMES = (
    "SELECT relname::text FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace AS schema"
    " ON schema.oid = relnamespace WHERE nspname = current_schema() AND relkind IN"
    " ('r', 'p', 'v', 'm', 'f') AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend"
    " WHERE classid = 'pg_catalog.pg_class'::regclass AND objid = pg_class.oid"
    " AND deptype = 'e')"
)


def parameters(url: str) -> dict[str, Any]:
    """Return what an address says, as libpq reads it. Raises DatabaseURLError, and repeats at most
    the name of a parameter.
    """
    try:
        return conninfo_to_dict(url)
    except (psycopg.ProgrammingError, UnicodeError):
        query = url.partition("?")[2]
        known = {option.keyword.decode() for option in Conninfo.get_defaults()}
        unknown = {part.partition("=")[0] for part in query.split("&")} - known
        if "@" in query or not unknown:  # then it may be the end of a password
            raise DatabaseURLError(UNREADABLE) from None
        raise DatabaseURLError(f"PostgreSQL has no parameter {min(unknown)}") from None


class Cursor(psycopg.Cursor[Any]):
    """Keeps the content of rows out of errors, and so out of the log: the server's DETAIL quotes
    the row that it refuses, password hash included.
    """

    def execute(self, *args: Any, **options: Any) -> "Cursor":
        """Execute a statement."""
        try:
            return super().execute(*args, **options)
        except psycopg.Error as error:
            raise _without_detail(error) from None


def _without_detail(error: psycopg.Error) -> psycopg.Error:
    error.args = (error.diag.message_primary or str(error),)
    if not (error.sqlstate or "").startswith(UNUSABLE):
        return error
    fault = psycopg.OperationalError(*error.args)
    fault.sqlstate = error.sqlstate
    return fault


class Adapter(Psycopg3ExtAdapter):
    """How Peewee opens a connection."""

    failed_at = float("-inf")

    def connect(self, db: Any, **_params: Any) -> psycopg.Connection:
        """Return a new connection, checked. Raises psycopg.OperationalError."""
        # Peewee's pool opens one at a time. If each request tried a host that does not answer for
        # itself, the last would wait for all the others.
        if time.monotonic() - self.failed_at < PAUSE_AFTER_FAILURE:
            raise psycopg.OperationalError("the database could not be reached a moment ago")
        try:
            connection = psycopg.connect(db.conninfo, autocommit=True, cursor_factory=Cursor)
        except psycopg.OperationalError:
            self.failed_at = time.monotonic()
            raise
        try:
            db.check(connection) if db.check else is_ours(connection, db)
        except BaseException:
            connection.close()
            raise
        return connection


def is_lost(connection: psycopg.Connection) -> bool:
    """Return whether the server is known to be gone."""
    return connection.closed or connection.info.transaction_status == TransactionStatus.UNKNOWN


def has_something_to_read(connection: psycopg.Connection) -> bool:
    """Return whether the server has sent anything to an idle connection."""
    if sys.platform == "win32":
        return bool(select.select([connection.fileno()], [], [], 0)[0])
    poll = select.poll()  # select.select fails for file descriptors above 1023
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))
