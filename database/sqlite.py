"""One SQLite file on this machine."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import TypeVar
from urllib.parse import quote

from peewee import IntegrityError, Model, ModelSelect, OperationalError

from .faults import Check, DatabaseURLError
from .sqlite_connection import Connection, KeptConnections, file_id

BUSY_TIMEOUT = 5  # seconds a write waits for another process's write
PRAGMAS = {
    "busy_timeout": BUSY_TIMEOUT * 1000,  # ms; first, for the next may have to wait
    "journal_mode": "wal",  # readers never wait for the writer
    "synchronous": "full",  # an acknowledged sign-up survives a power cut (0.2 ms a commit)
    "foreign_keys": 1,  # off by default in SQLite; without it a deleted user's sessions stay
    "journal_size_limit": 64 * 1024 * 1024,
}

OLDEST_SQLITE = (3, 37)

# What an operator can do, by the beginning of SQLite's name for the fault.
ADVICE = {
    "SQLITE_BUSY": "Another process keeps the database locked. Find it: fuser -v FILE.",
    "SQLITE_FULL": "The disk is full. Free some space; nothing else has to be done.",
    "SQLITE_IOERR": "The disk fails or is full. Look at the system's log, then at flask db status.",
    "SQLITE_READONLY": "The file or its folder cannot be written. Mend their owner and mode.",
    "SQLITE_CANTOPEN": "The file is missing, or it or its folder is not ours to write. Put it "
    "back, or mend owner and mode. Only for a new start: flask db init.",
    "SQLITE_NOTADB": "The file is damaged. Stop the server and put a backup in its place.",
    "SQLITE_CORRUPT": "The file is damaged. Stop the server and put a backup in its place.",
    "SQLITE_ERROR": "The tables are not those of this version. Run flask db init.",
}

M = TypeVar("M", bound=Model)


class Locked(OperationalError):
    """Other threads of this process write all the time."""

    sqlite_errorname = "SQLITE_BUSY"


class SQLite(KeptConnections):
    """One SQLite file, which must be there (mode=rw never makes one).

    Transactions begin IMMEDIATE: one that reads first and writes later would otherwise fail at
    once, whatever the busy timeout, when somebody else wrote in between. So of two transactions
    that write one is over before the other begins to read.
    """

    own_table_options = True  # STRICT, WITHOUT ROWID
    keeps_nul = True  # in text
    writes_alone = True  # nobody else writes while a transaction does
    table_names = "SELECT name FROM sqlite_master WHERE type = 'table'"

    def __init__(self, path: str, check: Check | None = None) -> None:
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            raise DatabaseURLError(
                f"SQLite 3.37 or newer is wanted (for STRICT tables), not {sqlite3.sqlite_version}"
            )
        self.path = path
        self.check = check
        # The threads of this process take turns at transactions. SQLite alone lets each that finds
        # the file locked sleep and look again, up to 100 ms later, while the others pass it by.
        self._turn = Lock()
        super().__init__(
            f"file:{quote(path)}?mode=rw",
            pragmas=PRAGMAS,
            lock_type="IMMEDIATE",
            uri=True,
        )

    @property
    def location(self) -> str:
        """Where it is, for people."""
        return self.path

    def is_file(self, path: Path) -> bool:
        """Whether this is the database at `path`."""
        return file_id(str(path)) == file_id(self.path)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Make the file where it is missing, and hold a lock on its folder: of two starts at once
        one migrates, the other waits. The lock goes with the process, however it ends.
        """
        self.create_file()
        folder = os.open(Path(self.path).parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def create_file(self) -> bool:
        """Make the empty file, readable by its owner alone; False when it is there already.

        Raises OperationalError when it cannot be made.
        """
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL, 0o600))
        except FileExistsError:
            return False
        except OSError as error:
            raise OperationalError(f"{self.path}: {error.strerror}") from None
        return True

    def refuse_read_only(self) -> None:
        """Raise OperationalError when the file or its folder cannot be written. BEGIN IMMEDIATE
        alone begins to read where it cannot write.
        """
        with self.atomic() as transaction:
            self.execute_sql("PRAGMA user_version = 0")
            transaction.rollback()

    def refuse_orphans(self) -> None:
        """Raise IntegrityError when a row is without its parent: foreign keys are off while
        a table is rebuilt.
        """
        if orphan := self.execute_sql("PRAGMA foreign_key_check").fetchone():
            raise IntegrityError(f"a row without its parent: {orphan}")

    @staticmethod
    def claim(query: "ModelSelect[M]") -> "ModelSelect[M]":
        """Return `query` so that nobody else changes its rows until the transaction is over."""
        return query

    @staticmethod
    def unclaimed(query: "ModelSelect[M]") -> "ModelSelect[M]":
        """Return `query` without the rows that others have claimed, and claim the rest."""
        return query

    @staticmethod
    def stream(query: "ModelSelect[M]") -> Iterator[M]:
        """Yield the rows of `query` as they come, never all of them in memory."""
        rows: Iterator[M] = query.iterator()
        return rows

    @staticmethod
    def advice(error: BaseException) -> str:
        """Return what an operator can do about a fault of SQLite's; "" when nothing is known."""
        name = getattr(error, "sqlite_errorname", "")
        return next((text for start, text in ADVICE.items() if name.startswith(start)), "")

    def wrong_settings(self) -> dict[str, object]:
        """Return the PRAGMAS that are not in force, with what is instead."""
        meant = {**PRAGMAS, "synchronous": 2}  # "full", as SQLite tells it
        found = {name: self.pragma(name) for name in meant}
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
        """A transaction that nobody waits for the disk for: a power cut may undo it, nothing else.
        Inside another one it is as safe as that.
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
        """Begin a transaction. Raises OperationalError when the turn never comes."""
        if not self._turn.acquire(timeout=BUSY_TIMEOUT):
            raise Locked("database is locked")
        try:
            super().begin(lock_type)
            self.connection().has_turn = True
        except BaseException:
            self._turn.release()
            raise

    def commit(self) -> None:
        """Commit; where that fails, Peewee calls rollback."""
        super().commit()
        self._end_turn()

    def rollback(self) -> None:
        """Undo the transaction, if there still is one: a full or failing disk has ended it
        already, and a ROLLBACK that fails would hide why.
        """
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
