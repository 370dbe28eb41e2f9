"""One SQLite file on this machine."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

from peewee import IntegrityError, Model, ModelSelect, OperationalError, PeeweeException

from . import untouched
from .lock import Locked, lock_folder
from .sqlite_connection import Connection, KeptConnections, file_id

BUSY_TIMEOUT = 5  # seconds that a write waits for all others together
PRAGMAS = {
    "busy_timeout": BUSY_TIMEOUT * 1000,  # ms; first, for the next may have to wait
    "journal_mode": "wal",  # readers never wait for the writer
    "synchronous": "full",  # an acknowledged sign-up survives a power cut (0.2 ms a commit)
    "foreign_keys": 1,  # off by default in SQLite; without it a deleted user's sessions stay
    "journal_size_limit": 64 * 1024 * 1024,
}

# What an operator can do, by the beginning of SQLite's name for the fault.
DAMAGED = "FILE is damaged. Stop the server and restore a backup."
ADVICE = {
    "SQLITE_BUSY": "Another process keeps the database locked. Find it: fuser -v FILE.",
    "SQLITE_FULL": "The disk is full. Free some space; nothing else is needed.",
    "SQLITE_IOERR": "The disk fails or is full. Check the system's log, then flask db status.",
    "SQLITE_READONLY": "FILE or its folder cannot be written. Run this as the server's user, or "
    "fix their owner and mode.",
    "SQLITE_CANTOPEN": "FILE is missing, or it or its folder cannot be written. Put it back, or "
    "fix owner and mode. Only for a new start: flask db init.",
    "SQLITE_NOTADB": DAMAGED,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_ERROR": "The tables are not those of this version. Run flask db init.",
}

M = TypeVar("M", bound=Model)


class SQLite(KeptConnections):
    """One SQLite file, which must exist (mode=rw never makes one). Transactions begin IMMEDIATE:
    one that reads first and writes later would otherwise fail at once, whatever the busy timeout,
    when another wrote in between. So of two transactions that write, one is over before the other
    begins to read.
    """

    has_sqlite_table_options = True  # STRICT, WITHOUT ROWID
    allows_nul = True  # in text
    serializes_writes = True  # no other write happens during a transaction
    table_names = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"

    def __init__(self, path: str, check: Callable[[Any], None] | None = None) -> None:
        self.path = self.location = path
        self.check = check
        # The threads of this process take turns at transactions. SQLite alone lets each that finds
        # the file locked sleep up to 100 ms before it looks again, while others overtake it.
        self._turn = Lock()
        url = untouched.uri(path, "mode=rw")
        super().__init__(url, pragmas=PRAGMAS, lock_type="IMMEDIATE", uri=True)

    def is_file(self, path: Path) -> bool:
        """Return whether this is the database at `path`."""
        return file_id(str(path)) == file_id(self.path)

    @contextmanager
    def migration_lock(self) -> Iterator[None]:
        """Make the file where it is missing, and hold a lock on its folder: of two starts at once
        one migrates and the other waits. The lock goes with the process, however it ends.
        """
        self.create_file()
        with lock_folder(Path(self.path).parent):
            yield

    def create_file(self) -> bool:
        """Make the empty file, readable by its owner alone; return False when it exists already.
        Raises OperationalError.
        """
        path = os.path.realpath(self.path)  # where a link leads to: O_EXCL follows none
        untouched.refuse_orphaned_wal(path)
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        except OSError as error:
            raise OperationalError(f"{self.path}: {error.strerror}") from None
        with os.fdopen(descriptor, "wb"), suppress(OSError):
            # SQLite does so with -wal and -shm. Not by its name, which may be a link by now.
            if hasattr(os, "geteuid") and os.geteuid() == 0:
                around = Path(path).parent.stat()
                os.fchown(descriptor, around.st_uid, around.st_gid)
        return True

    def finish(self) -> None:
        """Close the connections at the end of a command, after a checkpoint if it wrote."""
        with suppress(PeeweeException):  # of an open transaction, which goes with its connection
            self.close()
        if any(connection.total_changes for connection in self._waiting):
            self.checkpoint()
        self.close_all()

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file, so that a copy of it alone has everything. Waits
        for no other process: what one of them is still reading stays in the log.
        """
        with suppress(PeeweeException), self.connection_context():
            self.pragma("busy_timeout", 0)
            self.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        self.close_all()

    def refuse_read_only(self) -> None:
        """Raise OperationalError when nothing can be written: BEGIN IMMEDIATE alone would read."""
        with self.atomic() as transaction:
            self.execute_sql("PRAGMA user_version = 0")
            transaction.rollback()

    def refuse_orphans(self) -> None:
        """Raise IntegrityError for a row without its parent: rebuilds run with foreign keys off."""
        if orphan := self.execute_sql("PRAGMA foreign_key_check").fetchone():
            raise IntegrityError(f"a row without its parent: {orphan}")

    @staticmethod
    def lock_for_update(query: "ModelSelect[M]") -> "ModelSelect[M]":
        """Return `query`, made to keep others from changing its rows during this transaction."""
        return query  # no other write happens meanwhile

    skip_locked = lock_for_update

    @staticmethod
    def stream(query: "ModelSelect[M]") -> Iterator[M]:
        """Yield the rows of `query` as they come, never all of them in memory."""
        return query.iterator()

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a connection of the driver that sees the database as it is now until the end."""
        connection: Connection = self.connection()
        connection.execute("BEGIN")
        try:
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            yield connection
        finally:
            connection.rollback()

    def advice(self, error: BaseException) -> str:
        """Return what an operator can do about a fault of SQLite's; "" when nothing is known."""
        name = "SQLITE_CANTOPEN" if isinstance(error, OSError) else "-"
        name = getattr(error, "sqlite_errorname", name)
        known = next((text for start, text in ADVICE.items() if name.startswith(start)), "")
        return known.replace("FILE", self.path)

    def wrong_settings(self) -> dict[str, object]:
        """Return the PRAGMAS that are not in force, with their values."""
        meant = {**PRAGMAS, "synchronous": 2}  # SQLite's number for "full"
        found = {name: self.pragma(name) for name in meant} | self._seen
        return {name: value for name, value in found.items() if value != meant[name]}

    def find_damage(self) -> list[str]:
        """Read the whole file; return what is damaged in it, [] in a sound one."""
        checked = self.execute_sql("PRAGMA quick_check(5)").fetchall()
        faults = [" ".join(row[0].split()) for row in checked if row[0] != "ok"]
        orphans = self.execute_sql("PRAGMA foreign_key_check").fetchall()
        return faults + [f"a row of {row[0]} without its {row[2]}" for row in orphans[:5]]

    def _add_conn_hooks(self, conn: Connection) -> None:
        # Checked before the pragmas: the first of them would write into an empty file.
        if self.check is not None:
            self.check(conn)
        super()._add_conn_hooks(conn)  # type: ignore[misc] # not in the stubs

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """A transaction that does not wait for the disk: a power cut may undo it, nothing else
        does. Inside another transaction it is as safe as that one.
        """
        if self.in_transaction():
            with self.atomic():
                yield
            return
        connection = self.connection()
        connection.synced = False
        self.execute_sql("PRAGMA synchronous = normal")
        try:
            with self.atomic():
                yield
        finally:
            with suppress(OperationalError):  # then it is not used again, see Connection.cleaned
                self.execute_sql(f"PRAGMA synchronous = {PRAGMAS['synchronous']}")
                connection.synced = True

    def begin(self, lock_type: str | None = None) -> None:
        """Begin a transaction. Raises OperationalError after BUSY_TIMEOUT: the wait for the other
        threads is taken off the wait for other processes.
        """
        deadline = time.monotonic() + BUSY_TIMEOUT
        waits = not self._turn.acquire(blocking=False)
        if waits and not self._turn.acquire(timeout=BUSY_TIMEOUT):
            raise Locked("database is locked")
        try:
            with self._busy_until(deadline) if waits else nullcontext():
                super().begin(lock_type)
            self.connection().has_turn = True
        except BaseException:
            self._turn.release()
            raise

    @contextmanager
    def _busy_until(self, deadline: float) -> Iterator[None]:
        left = max(0, int((deadline - time.monotonic()) * 1000))
        usual = self.pragma("busy_timeout")
        self.pragma("busy_timeout", left)
        try:
            yield
        finally:
            self.pragma("busy_timeout", usual)

    def commit(self) -> None:
        """Commit; where that fails, Peewee calls rollback."""
        super().commit()
        self._end_turn()

    def rollback(self) -> None:
        """Undo the transaction. A full disk has ended it; a ROLLBACK that fails would hide why."""
        try:
            if self.connection().in_transaction:
                super().rollback()
        finally:
            self._end_turn()

    def _end_turn(self) -> None:
        connection = self.connection()
        if connection.has_turn:
            connection.has_turn = False
            self._turn.release()
