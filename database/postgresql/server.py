"""A PostgreSQL server, shared by many Vestibules. Replication and failover are its business."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, TypeVar

import psycopg
from peewee import (  # type: ignore[attr-defined] # the wrapper is not in the stubs
    Model,
    ModelSelect,
    OperationalError,
    Select,
    __exception_wrapper__,
    fn,
)
from playhouse.postgres_ext import PooledPsycopg3Database, ServerSide
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from database import OutcomeUnknown

from .connection import TABLE_NAMES, Adapter, has_something_to_read, is_lost, parameters

MAX_CONNECTIONS = 16  # of this host: a server accepts 100 by default, from all hosts
MAX_WAIT = 5  # seconds that a request waits for one of them
REOPENED_AFTER = 60  # seconds: how long another schema may go unnoticed
MIGRATION_LOCK = 0x7665_7374_6962_756C  # "vestibul", for pg_advisory_xact_lock

# For what the URL does not set. https://www.postgresql.org/docs/current/libpq-connect.html
DEFAULTS = {
    "application_name": "vestibule",
    "connect_timeout": "3",  # seconds for each host
    "target_session_attrs": "read-write",  # never a standby
    # A host that vanishes silently is given up after 10 s.
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    # A write waits 5 s for another, as with SQLite; a transaction that stalls is undone.
    "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
}
NO_TIMEOUTS = "SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
MEANT = {
    "server_encoding": ("UTF8",),
    **dict.fromkeys(("fsync", "full_page_writes"), ("on",)),
    "synchronous_commit": ("on", "remote_apply", "remote_write", "local"),
}

# What an operator can do, by the beginning of the SQLSTATE ("": no connection was made).
# https://www.postgresql.org/docs/current/errcodes-appendix.html
ADVICE = {
    "25006": "This server accepts no writes: a standby? Name all hosts in DATABASE_URL.",
    "25P": "A transaction stalled for a minute. Check whether this host is overloaded.",
    "40": "Other writes used the same rows. Nothing to do: the visitor may try again.",
    "42501": "The user of DATABASE_URL may not do this. Make it the owner of the database.",
    "42": "The tables are not those of this version. Run flask db init.",
    "53100": "The disk of the database server is full. Free some space there.",
    "53300": "No connection is left. Find what holds them: SELECT * FROM pg_stat_activity.",
    "55P03": "Rows stay locked. Find by what: SELECT * FROM pg_stat_activity.",
    "57P": "The database server is stopping or starting. Nothing to do: it is retried.",
    "XX": "The database is damaged, or the server has a fault. Check its log; restore a backup.",
    "": "PostgreSQL cannot be used. Check that it is running, that host, name, user and password"
    " of DATABASE_URL are right, and that max_connections is high enough.",
}

M = TypeVar("M", bound=Model)


class AllInUse(OperationalError):
    """Other requests of this host hold all its connections."""

    sqlstate = "53300"  # too_many_connections


class PostgreSQL(PooledPsycopg3Database):
    """A pool of connections to one server, or to the one of several that accepts writes.
    Transactions are READ COMMITTED: one that reads and then writes by what it read must lock the
    rows (lock_for_update), and all must lock in one order, or two wait for each other.
    """

    psycopg3_adapter = Adapter
    has_sqlite_table_options = False
    allows_nul = False
    serializes_writes = False
    only_looking = nullcontext  # to read changes nothing here
    table_names = TABLE_NAMES
    # Text is compared by its bytes, as in SQLite. A locale could make two names equal and, once
    # the server's C library is updated, hide them from their index.
    field_types = {**PooledPsycopg3Database.field_types, "TEXT": 'TEXT COLLATE "C"'}  # noqa: RUF012 # Peewee's

    def __init__(self, url: str, check: Callable[[Any], None] | None = None) -> None:
        given = parameters(url)
        options = f"{DEFAULTS['options']} {given.get('options', '')}".strip()
        self.conninfo = make_conninfo("", **{**DEFAULTS, **given, "options": options})
        self.check = check
        self._free = BoundedSemaphore(MAX_CONNECTIONS)
        hosts = given.get("host") or given.get("hostaddr") or "the local socket"
        self.location = f"PostgreSQL, {given.get('dbname') or 'default database'} at {hosts}"
        super().__init__(
            url,
            isolation_level="READ COMMITTED",  # whatever the server's default is
            max_connections=None,  # bounded by `connect`
            stale_timeout=REOPENED_AFTER,
        )

    def connect(self, reuse_if_open: bool = False) -> bool:
        """Take a connection. Raises OperationalError when none becomes free."""
        # Peewee's pool would wait too, but may sleep a second while one is free.
        if self.is_closed() and not self._free.acquire(timeout=MAX_WAIT):
            raise AllInUse(f"all {MAX_CONNECTIONS} connections are in use")
        try:
            return bool(super().connect(reuse_if_open))
        finally:
            if self.is_closed():
                self._free.release()

    checkpoint = PooledPsycopg3Database.close_all  # the server looks after its own log

    def finish(self) -> None:
        """Close the connections at the end of a command; one in a transaction goes with it."""
        with suppress(OperationalError):
            self.close_all()

    def close(self) -> bool:
        """Hand the connection back; return whether there was one."""
        held = not self.is_closed()
        try:
            return bool(super().close())
        finally:
            if held and self.is_closed():
                self._free.release()

    def first_row(self, sql: str, values: Sequence[Any]) -> Any:
        """Return the first row of a SELECT, a tuple, or None; keep no connection for it."""
        held = not self.is_closed()
        row = self.execute_sql(sql, values).fetchone()
        if not held:
            self.close()
        return row

    def is_file(self, _path: Path) -> bool:
        """Return whether this is the database at a path: never."""
        return False

    @contextmanager
    def migration_lock(self) -> Iterator[None]:
        """Hold a lock in the server: of ten hosts that start at once one migrates, the others wait.
        A transaction's lock also works through PgBouncer, and goes with the connection.
        """
        with ExitStack() as stack:
            with __exception_wrapper__:
                holder = stack.enter_context(closing(psycopg.connect(self.conninfo)))
                holder.execute(NO_TIMEOUTS)
                holder.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            yield

    def refuse_read_only(self) -> None:
        """Raise OperationalError when nothing can be written, or not all text can be stored."""
        for name, meant in (("transaction_read_only", "off"), ("server_encoding", "UTF8")):
            if (found := self._show(name)) != meant:
                raise OperationalError(f"{self.location}: {name} must be {meant}, not {found}")

    def _show(self, setting: str) -> str:
        return str(self.execute_sql("SELECT current_setting(%s)", (setting,)).fetchone()[0])

    def refuse_orphans(self) -> None:
        """Do nothing: PostgreSQL never leaves a row without its parent."""

    @staticmethod
    def lock_for_update(query: "ModelSelect[M]") -> "ModelSelect[M]":
        """Return `query`, made to keep others from changing its rows during this transaction."""
        return query.for_update("FOR NO KEY UPDATE")  # type: ignore[arg-type] # not in the stubs

    @staticmethod
    def skip_locked(query: "ModelSelect[M]") -> Select:
        """Return `query`, made to lock its rows except those that others have locked."""
        # As an array it runs once; a limited one in a condition may run again for each row.
        return Select(columns=[fn.unnest(fn.ARRAY(query.for_update(skip_locked=True)))])

    def stream(self, query: "ModelSelect[M]") -> Iterator[M]:
        """Yield the rows of `query` as they come, never all of them in memory."""
        with self.atomic():
            self.execute_sql(NO_TIMEOUTS)  # a person may be reading page by page
            yield from ServerSide(query)

    def copy_in(self, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
        """Add many rows to a table, which is given with its columns: "name" ("id", …)."""
        with __exception_wrapper__, self.cursor().copy(f"COPY {table} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a SELECT, never all of them in memory; inside a transaction."""
        with __exception_wrapper__, self.cursor(named_cursor=True) as cursor:
            cursor.itersize = 2000
            yield from cursor.execute(statement)

    @staticmethod
    def advice(error: BaseException) -> str:
        """Return what an operator can do about a fault of PostgreSQL's."""
        state = getattr(error, "sqlstate", None) or ""
        return next(text for start, text in ADVICE.items() if state.startswith(start))

    def wrong_settings(self) -> dict[str, object]:
        """Return the server's settings that endanger the data, with their values."""
        found = {name: self._show(name) for name in MEANT}
        return {name: value for name, value in found.items() if value not in MEANT[name]}

    def find_damage(self) -> list[str]:
        """Return the damage to our tables that the server knows of, [] in a sound database."""
        invalid = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
        return [f"the index {name} is not valid" for (name,) in self.execute_sql(invalid)]

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """A transaction that waits neither for the disk nor a standby: a power cut or a failover
        may undo it, nothing else does. Inside another transaction it is as safe as that one.
        """
        inside = self.in_transaction()
        with self.atomic():
            if not inside:
                self.execute_sql("SET LOCAL synchronous_commit = off")
            yield

    def commit(self) -> None:
        """Commit. Raises OutcomeUnknown when the connection is lost before the answer."""
        if self.connection().info.transaction_status == TransactionStatus.INERROR:
            # PostgreSQL answers such a COMMIT with a ROLLBACK, and reports no error.
            raise OperationalError("a statement has failed, so nothing can be committed")
        try:
            super().commit()
        except OperationalError as error:
            if is_lost(self.connection()):
                raise OutcomeUnknown(f"lost while committing: {error}") from error
            raise

    def rollback(self) -> None:
        """Undo the transaction. A lost connection has; a ROLLBACK that fails would hide why."""
        if not is_lost(self.connection()):
            super().rollback()

    def _is_closed(self, conn: psycopg.Connection) -> bool:
        # Called at every check-out. A server that went away has said so on the socket: an idle
        # connection with something to read is dead. This costs no round trip.
        if not is_lost(conn) and not has_something_to_read(conn):
            return False
        conn.close()
        return True
