"""A PostgreSQL server, which many Vestibules share. Replication and failover are its own."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any, TypeVar

import psycopg
from peewee import (  # type: ignore[attr-defined] # the wrapper is not in the stubs
    Model,
    ModelSelect,
    OperationalError,
    __exception_wrapper__,
)
from playhouse.postgres_ext import PooledPsycopg3Database, ServerSide
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from .faults import REOPENED_AFTER, Check, DatabaseURLError, OutcomeUnknown
from .psycopg_connection import Adapter, has_something_to_read, is_lost

MOST_CONNECTIONS = 16  # of a host: a server takes 100 by default, from all of them
PATIENCE = 5  # seconds a request waits for one of them
MIGRATION_LOCK = 0x7665_7374_6962_756C  # "vestibul", of pg_advisory_xact_lock

# What the address does not say itself. https://www.postgresql.org/docs/current/libpq-connect.html
DEFAULTS = {
    "application_name": "vestibule",
    "connect_timeout": "3",  # seconds for each host
    "target_session_attrs": "read-write",  # never a standby
    # A host that vanishes without a word is given up after 10 s.
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
    # A write waits 5 s for another's, as with SQLite; who stops in a transaction loses it.
    "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=60s",
}
PATIENT = "SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
MEANT = {
    "server_encoding": ("UTF8",),
    "fsync": ("on",),
    "full_page_writes": ("on",),
    "synchronous_commit": ("on", "remote_apply", "remote_write", "local"),
}

# What an operator can do, by the beginning of the SQLSTATE ("": no connection was made).
# https://www.postgresql.org/docs/current/errcodes-appendix.html
ADVICE = {
    "25006": "This server takes no writes: a standby? Name all hosts in DATABASE_URL.",
    "40": "Others were writing the same rows. It may be tried again; nothing is to be done.",
    "42501": "The user of DATABASE_URL may not do this. Make it the owner of the database.",
    "42P01": "The tables are not those of this version. Run flask db init.",
    "53100": "The disk of the database server is full. Free some space there.",
    "53300": "No connection is left. Find out what keeps them: SELECT * FROM pg_stat_activity.",
    "55P03": "Somebody keeps rows locked. Find out who: SELECT * FROM pg_stat_activity.",
    "57P": "The database server is stopping or starting. It is tried again by itself.",
    "": "PostgreSQL cannot be used. Is it running? Are host, name, user and password of"
    " DATABASE_URL right, and is max_connections high enough?",
}

M = TypeVar("M", bound=Model)


class AllInUse(OperationalError):
    """Other requests of this host hold all connections that it may have."""

    sqlstate = "53300"  # too_many_connections


class PostgreSQL(PooledPsycopg3Database):
    """A pool of connections to one server, or to whichever of several takes writes.

    Transactions are READ COMMITTED: one that first reads and then writes by what it read must
    `claim` the rows, and all must claim in one order, or two wait for each other.
    """

    psycopg3_adapter = Adapter
    own_table_options = False
    keeps_nul = False
    writes_alone = False
    table_names = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = current_schema()"
    # Text is compared by its bytes, as in SQLite: the locale of a server decides neither which
    # names are the same nor, after an update of its C library, whether an index finds them.
    field_types = {**PooledPsycopg3Database.field_types, "TEXT": 'TEXT COLLATE "C"'}  # noqa: RUF012 # Peewee's

    def __init__(self, url: str, check: Check | None = None) -> None:
        try:
            given = conninfo_to_dict(url)
        except psycopg.ProgrammingError as error:
            raise DatabaseURLError(str(error).strip()) from None
        options = f"{DEFAULTS['options']} {given.get('options', '')}".strip()
        self.conninfo = make_conninfo("", **{**DEFAULTS, **given, "options": options})
        self.check = check
        self._free = BoundedSemaphore(MOST_CONNECTIONS)
        self.location = _without_secrets(given)
        super().__init__(
            url,
            isolation_level="READ COMMITTED",  # whatever is the default there: `claim` counts on it
            max_connections=None,  # bounded by `connect`
            stale_timeout=REOPENED_AFTER,
        )

    def connect(self, reuse_if_open: bool = False) -> bool:
        """Take a connection. Raises OperationalError when none becomes free."""
        # Peewee's pool would wait too, but may sleep a second beside one that is free.
        if self.is_closed() and not self._free.acquire(timeout=PATIENCE):
            raise AllInUse(f"all {MOST_CONNECTIONS} connections are in use")
        try:
            return bool(super().connect(reuse_if_open))
        finally:
            if self.is_closed():
                self._free.release()

    def close(self) -> bool:
        """Hand the connection back; whether there was one."""
        held = not self.is_closed()
        try:
            return bool(super().close())
        finally:
            if held and self.is_closed():
                self._free.release()

    def first_row(self, sql: str, values: Sequence[Any]) -> Any:
        """Return the first row of a SELECT, a tuple, or None; hold no connection after it, but for
        one that was held before.
        """
        held = not self.is_closed()
        row = self.execute_sql(sql, values).fetchone()
        if not held:
            self.close()
        return row

    def is_file(self, _path: Path) -> bool:
        """Whether this is the database at a path: never."""
        return False

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold a lock in the server: of ten hosts that start at once one migrates, the others wait.

        Its transaction keeps it also through PgBouncer, and it goes with the connection.
        """
        with __exception_wrapper__:
            holder = psycopg.connect(self.conninfo)
        with closing(holder):
            with __exception_wrapper__:
                holder.execute(PATIENT)
                holder.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
            yield

    def refuse_read_only(self) -> None:
        """Raise OperationalError when nothing can be written, or text not kept as it is."""
        for name, meant in (("transaction_read_only", "off"), ("server_encoding", "UTF8")):
            if (found := self._show(name)) != meant:
                raise OperationalError(f"{self.location}: {name} is {found}; {meant} is wanted")

    def refuse_orphans(self) -> None:
        """Nothing to look for: PostgreSQL never leaves a row without its parent."""

    @staticmethod
    def claim(query: "ModelSelect[M]") -> "ModelSelect[M]":
        """Return `query` so that nobody else changes its rows until the transaction is over."""
        return query.for_update("FOR NO KEY UPDATE")  # type: ignore[arg-type] # not in the stubs

    @staticmethod
    def unclaimed(query: "ModelSelect[M]") -> "ModelSelect[M]":
        """Return `query` without the rows that others have claimed, and claim the rest."""
        return query.for_update(skip_locked=True)

    def stream(self, query: "ModelSelect[M]") -> Iterator[M]:
        """Yield the rows of `query` as they come, never all of them in memory."""
        with self.atomic():
            self.execute_sql(PATIENT)  # somebody may be reading page by page
            yield from ServerSide(query)

    def copy_in(self, table: str, rows: Iterator[tuple[Any, ...]]) -> None:
        """Add many rows to a table, given with its columns: "name" ("id", …)."""
        with (
            __exception_wrapper__,
            self.cursor() as cursor,
            cursor.copy(f"COPY {table} FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def rows(self, statement: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a SELECT, never all of them in memory; inside a transaction."""
        with __exception_wrapper__, self.cursor(named_cursor=True) as cursor:
            cursor.itersize = 2000
            yield from cursor.execute(statement)

    @staticmethod
    def advice(error: BaseException) -> str:
        """Return what an operator can do about a fault of PostgreSQL's, "" if nothing is known."""
        state = getattr(error, "sqlstate", None) or ""
        return next(text for start, text in ADVICE.items() if state.startswith(start))

    def wrong_settings(self) -> dict[str, object]:
        """Return the server's settings that endanger what it keeps, with their values."""
        found = {name: self._show(name) for name in MEANT}
        return {name: value for name, value in found.items() if value not in MEANT[name]}

    def _show(self, setting: str) -> str:
        return str(self.execute_sql("SELECT current_setting(%s)", (setting,)).fetchone()[0])

    def find_damage(self) -> list[str]:
        """Return what the server knows to be wrong with our tables, [] in a sound database."""
        invalid = self.execute_sql(
            "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid"
        )
        return [f"the index {name} is not valid" for (name,) in invalid.fetchall()]

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """A transaction that nobody waits for the disk or a standby for: a power cut or a failover
        may undo it, nothing else. Inside another one it is as safe as that.
        """
        inside = self.in_transaction()
        with self.atomic():
            if not inside:
                self.execute_sql("SET LOCAL synchronous_commit = off")
            yield

    def commit(self) -> None:
        """Commit. Raises OutcomeUnknown when the connection is lost before the answer."""
        if self.connection().info.transaction_status == TransactionStatus.INERROR:
            # PostgreSQL takes such a COMMIT for a ROLLBACK, and says that all is well.
            raise OperationalError("a statement has failed, so nothing can be committed")
        try:
            super().commit()
        except OperationalError as error:
            if is_lost(self.connection()):
                raise OutcomeUnknown(f"lost while committing: {error}") from error
            raise

    def rollback(self) -> None:
        """Undo the transaction; a connection that is lost has undone it, and a ROLLBACK that
        fails would hide why.
        """
        if not is_lost(self.connection()):
            super().rollback()

    def _is_closed(self, conn: psycopg.Connection) -> bool:
        # Asked at every check-out. A server that went away has said so on the socket already:
        # whoever waits for nothing and has something to read is over. Costs no round trip.
        if not is_lost(conn) and not has_something_to_read(conn):
            return False
        conn.close()
        return True


def _without_secrets(given: dict[str, Any]) -> str:
    hosts = str(given.get("host") or given.get("hostaddr") or "the local socket")
    return f"PostgreSQL, {given.get('dbname') or 'default database'} at {hosts}"
