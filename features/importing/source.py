"""The database of an application on Lucia v2 and Prisma, read from a private copy.

Opened in place, SQLite would create files beside it and write to it (roll back what a crashed
process left unfinished, move a WAL into it). So its files are copied under the locks that any
reader of SQLite holds, and the copy is opened.
"""

import os
import shutil
import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from accounts.errors import AccountError
from database import database
from database.foreign import made_by_us
from database.sqlite import SQLite

if sys.platform != "win32":  # which has no such locks; see _copy
    import fcntl

MAX_WAIT = 5  # seconds for another process to release its locks
MAGIC = b"SQLite format 3\0"
# The bytes that SQLite locks: https://www.sqlite.org/src/file/src/os.h and os_unix.c, wal.c.
PENDING, SHARED, SHARED_SIZE = 0x4000_0000, 0x4000_0002, 510
WAL_CHECKPOINT, WAL_READ_1 = 121, 124  # in the -shm file: no checkpoint, no restart of the WAL


class ImportRefused(AccountError):
    """A file cannot be imported; nothing was."""


class LuciaDatabase:
    """The users and keys of the copy, in whatever letter case its tables are named."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path  # of the original, for messages
        self.connection = connection
        if made_by_us(connection, {name for (name,) in connection.execute(SQLite.table_names)}):
            raise ImportRefused("this is a database of Vestibule's: restore it as a backup")
        self._users = self._table("user", "id", "username")
        self._keys = self._table("key", "id", "hashed_password", "user_id")
        for table in (self._users, self._keys):
            faults = connection.execute(f"PRAGMA integrity_check({table})").fetchall()
            if faults != [("ok",)]:
                raise sqlite3.DatabaseError(faults[0][0])

    def _table(self, name: str, *columns: str) -> str:
        found = self.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND lower(name) = ?", (name,)
        ).fetchone()
        if found is None:
            raise ImportRefused(f"it has no table {name.capitalize()}, so it is not Lucia's")
        rows = self.connection.execute("SELECT lower(name) FROM pragma_table_info(?)", found)
        if missing := set(columns) - {row[0] for row in rows}:
            raise ImportRefused(f"its table {found[0]} has no column {min(missing)}")
        return f'"{found[0]}"'

    def count_users(self) -> int:
        """Return the number of users."""
        [(users,)] = self._read(f"SELECT COUNT(*) FROM {self._users}")  # noqa: S608
        return int(users)

    def read_users(self) -> Iterator[tuple[Any, Any, list[tuple[Any, Any]]]]:
        """Yield id, username, and id and hash of the keys of each user, in the order of the ids;
        a user of whom there are only keys has None for a name. Raises ImportRefused.
        """
        rows = self._read(
            f"SELECT users.id, username, keys.id, hashed_password FROM {self._users} AS users "  # noqa: S608
            f"LEFT JOIN {self._keys} AS keys ON user_id = users.id UNION ALL "
            f"SELECT user_id, NULL, id, NULL FROM {self._keys} AS keys WHERE NOT EXISTS "
            f"(SELECT 1 FROM {self._users} AS users WHERE users.id = user_id) ORDER BY 1, 2, 3"
        )
        for (user_id, username), keys in groupby(rows, itemgetter(0, 1)):
            yield user_id, username, [key[2:] for key in keys if key[2] is not None]

    def _read(self, statement: str) -> Iterator[Any]:
        with _refusals(self.path):
            yield from self.connection.execute(statement)


@contextmanager
def open_copy(path: Path) -> Iterator[LuciaDatabase]:
    """Give the database of a private copy of `path`; the copy is deleted after the block. Raises
    ImportRefused: not a database of Lucia, damaged, locked by another process.
    """
    with tempfile.TemporaryDirectory(prefix="vestibule-import-") as folder:
        copy = Path(folder, "lucia.db")
        with _refusals(path):
            _copy(path.resolve(), copy)
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.text_factory = _text
            with _refusals(path):
                source = LuciaDatabase(path, connection)
            yield source


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """Turn what keeps a file from being read into ImportRefused."""
    try:
        yield
    except ImportRefused as error:
        raise ImportRefused(f"{path}: {error}") from None
    except OSError as error:
        raise ImportRefused(f"{path}: {error.strerror}") from None
    except sqlite3.DatabaseError as error:
        raise ImportRefused(f"{path}: this database is damaged: {error}") from None


def _copy(path: Path, copy: Path) -> None:
    """Copy the database at `path` as of one moment, with its WAL or journal."""
    if sys.platform == "win32":
        raise ImportRefused("importing needs the file locks of Linux or macOS; import there")
    _check_kind(path)
    deadline = time.monotonic() + MAX_WAIT
    while True:
        before = _state(path)
        _copy_files(path, copy, deadline)
        if _state(path) == before:
            return
        if time.monotonic() > deadline:
            raise ImportRefused("it is being written to all the time; stop its application")


def _check_kind(path: Path) -> None:
    if not stat.S_ISREG(path.stat().st_mode):
        raise ImportRefused("not a file")
    if database.is_file(path):
        with database.connection_context():  # which refuses one that is not Vestibule's
            raise ImportRefused("this is Vestibule's own database")


def _state(path: Path) -> tuple[object, ...]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, Path(f"{path}-shm").exists()


def _copy_files(path: Path, copy: Path, deadline: float) -> None:
    with path.open("rb") as file, _read_locks(path, file.fileno(), deadline):
        # Read from this descriptor: closing another one of the same file would drop the locks.
        if (start := file.read(len(MAGIC))) != MAGIC:
            raise ImportRefused("not a SQLite database" if start else "the file is empty")
        file.seek(0)
        with copy.open("wb") as target:
            shutil.copyfileobj(file, target)
        for suffix in ("-wal", "-journal"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)  # of an earlier try
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")


@contextmanager
def _read_locks(path: Path, descriptor: int, deadline: float) -> Iterator[None]:
    """Hold the locks of a reader: no process commits to the file or moves its WAL."""
    with ExitStack() as stack:
        _lock(descriptor, PENDING, 1, deadline)
        _lock(descriptor, SHARED, SHARED_SIZE, deadline)
        with suppress(FileNotFoundError):  # not in WAL mode
            shm = os.open(f"{path}-shm", os.O_RDONLY)
            stack.callback(os.close, shm)
            _lock(shm, WAL_CHECKPOINT, 1, deadline)
            _lock(shm, WAL_READ_1, 1, deadline)
        yield


def _lock(descriptor: int, start: int, length: int, deadline: float) -> None:
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, length, start)
            return
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, says POSIX
            if time.monotonic() > deadline:
                raise ImportRefused("it is locked by another process") from None
            time.sleep(0.05)


def _text(raw: bytes) -> str | bytes:
    """Return bytes that are not UTF-8 as bytes, instead of raising at the first of them."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw
