"""The database of an application on Lucia v2 and Prisma, read from a private copy.

Opened where it lies, SQLite would make files beside it and write to it (roll back what a crashed
process left half done, move a WAL into it). So its files are copied while we hold the locks that
any reader of SQLite holds, and the copy is opened.
"""

import fcntl
import os
import shutil
import sqlite3
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from database import database

from .errors import ImportRefused

LONGEST_WAIT = 5  # seconds for another process to let go
MAGIC = b"SQLite format 3\0"
# The bytes SQLite locks: https://www.sqlite.org/src/file/src/os.h and os_unix.c, wal.c.
PENDING, SHARED, SHARED_SIZE = 0x4000_0000, 0x4000_0002, 510
WAL_CHECKPOINT, WAL_READ_1 = 121, 124  # in the -shm file: no checkpoint, and no WAL begun anew

Row = tuple[object, ...]


class LuciaDatabase:
    """The users and keys of the copy, in whatever letter case its tables are called."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self._users = self._table("user", "id", "username")
        self._keys = self._table("key", "id", "hashed_password", "user_id")
        for table in (self._users, self._keys):
            faults = connection.execute(f"PRAGMA quick_check({table})").fetchall()
            if faults != [("ok",)]:
                raise sqlite3.DatabaseError(faults[0][0])

    def _table(self, name: str, *columns: str) -> str:
        found = self.connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND lower(name) = ?", (name,)
        ).fetchone()
        if found is None:
            raise ImportRefused(f"it has no table {name.capitalize()}: no database of Lucia")
        rows = self.connection.execute("SELECT lower(name) FROM pragma_table_info(?)", found)
        if missing := set(columns) - {row[0] for row in rows}:
            raise ImportRefused(f"its table {found[0]} has no column {min(missing)}")
        return f'"{found[0]}"'

    def count_users(self) -> int:
        """Return how many users there are."""
        return self._count(self._users)

    def count_keys(self) -> int:
        """Return how many keys there are."""
        return self._count(self._keys)

    def _count(self, table: str) -> int:
        statement = f"SELECT COUNT(*) FROM {table}"  # noqa: S608 # nosec B608
        return int(self.connection.execute(statement).fetchone()[0])

    def read_users(self) -> Iterator[Row]:
        """Yield id and username of each user, in the order of the ids."""
        statement = f"SELECT id, username FROM {self._users} ORDER BY id"  # noqa: S608 # nosec B608
        return self.connection.execute(statement)

    def read_keys(self) -> Iterator[Row]:
        """Yield id, hash and user id of each key, in the order of the ids."""
        statement = f"SELECT id, hashed_password, user_id FROM {self._keys} ORDER BY id"  # noqa: S608 # nosec B608
        return self.connection.execute(statement)


@contextmanager
def open_copy(path: Path) -> Iterator[LuciaDatabase]:
    """Give the database of a private copy of `path`; the copy goes with the block.

    Raises ImportRefused: not a database of Lucia, damaged, locked by another process.
    """
    with tempfile.TemporaryDirectory(prefix="vestibule-import-") as folder, ExitStack() as stack:
        copy = Path(folder, "lucia.db")
        with refusals(path):
            _copy(path.resolve(), copy)
            connection = sqlite3.connect(copy, isolation_level=None)
            stack.callback(connection.close)
            connection.text_factory = _text
            source = LuciaDatabase(connection)
        yield source


def _text(raw: bytes) -> str | bytes:
    """What is no UTF-8 comes as bytes, and is then no text, instead of breaking off."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


@contextmanager
def refusals(path: Path) -> Iterator[None]:
    """Say of a file that cannot be read what is wrong with it. Raises ImportRefused."""
    try:
        yield
    except ImportRefused as error:
        raise ImportRefused(f"{path}: {error}") from None
    except OSError as error:
        raise ImportRefused(f"{path}: {error.strerror}") from None
    except sqlite3.DatabaseError as error:
        raise ImportRefused(f"{path}: this database is damaged: {error}") from None


def _copy(path: Path, copy: Path) -> None:
    """Copy the database at `path` as of one moment, with what its WAL or journal holds."""
    _check_kind(path)
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        before = _state(path)
        with path.open("rb") as file, _read_locks(path, file.fileno(), deadline):
            # Read through this very descriptor: closing another one would drop the locks.
            if (start := file.read(len(MAGIC))) != MAGIC:
                raise ImportRefused("not a SQLite database" if start else "the file is empty")
            file.seek(0)
            with copy.open("wb") as target:
                shutil.copyfileobj(file, target)
            for suffix in ("-wal", "-journal"):
                _copy_beside(path, copy, suffix)
        if _state(path) == before:
            return
        if time.monotonic() > deadline:
            raise ImportRefused("it is being written to all the time; stop its application")


def _check_kind(path: Path) -> None:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ImportRefused("not a file")
    if database.is_file(path):
        raise ImportRefused("this is Vestibule's own database")


def _state(path: Path) -> tuple[object, ...]:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns, _beside(path, "-shm").exists()


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _copy_beside(path: Path, copy: Path, suffix: str) -> None:
    _beside(copy, suffix).unlink(missing_ok=True)  # of an earlier try
    with suppress(FileNotFoundError):
        shutil.copyfile(_beside(path, suffix), _beside(copy, suffix))


@contextmanager
def _read_locks(path: Path, descriptor: int, deadline: float) -> Iterator[None]:
    """Hold what a reader of SQLite holds: nobody commits to the file, none moves its WAL."""
    with ExitStack() as stack:
        _lock(descriptor, PENDING, 1, deadline)
        _lock(descriptor, SHARED, SHARED_SIZE, deadline)
        if _beside(path, "-shm").exists():
            shm = os.open(_beside(path, "-shm"), os.O_RDONLY)
            stack.callback(os.close, shm)
            _lock(shm, WAL_CHECKPOINT, 1, deadline)
            _lock(shm, WAL_READ_1, 1, deadline)
        yield


def _lock(descriptor: int, start: int, length: int, deadline: float) -> None:
    while True:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB, length, start)
        except (BlockingIOError, PermissionError):  # EAGAIN or EACCES, says POSIX
            if time.monotonic() > deadline:
                raise ImportRefused("it is locked by another process") from None
            time.sleep(0.05)
        else:
            return
