"""Look into a SQLite file before it is opened: nothing of it changes, nothing appears beside it.

SQLite itself, opening a file, rolls back what a crash left unfinished, makes files beside it, and
moves a WAL into it. `immutable` keeps it from all that, and from locks; but then it sees no WAL.
"""

import sqlite3
import stat
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import copyfile
from typing import Any
from urllib.parse import quote

from peewee import OperationalError

from .foreign import DatabaseRefused

if sys.platform != "win32":
    import fcntl

TRIES = 3  # a copy made while its application moves the WAL may be torn
IN_WAL_MODE = b"\2\2"  # at 18 in the header
# The bytes that SQLite locks, in the file and in its -shm: os_unix.c and wal.c of SQLite.
SHARED, SHARED_SIZE, WAL_WRITE = 0x4000_0002, 510, 120
PATIENCE = 5  # seconds: a write waits as long
SMALLEST = 512  # bytes: one page
KINDS = {
    stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
}  # fmt: skip


def uri(path: str | Path, options: str) -> str:
    """Return the URI of a SQLite file."""
    return f"file:{quote(str(path))}?{options}"


def size(path: str) -> int:
    """Return the size of a file, 0 when there is none."""
    with suppress(OSError):
        return Path(path).stat().st_size
    return 0


def refuse_orphaned_wal(path: str) -> None:
    """Raise OperationalError when only the WAL is left: SQLite would delete it, and its data."""
    if not size(path) and size(f"{path}-wal"):
        raise OperationalError(f"there is {path}-wal without its database: put {path} back")


def refuse_other_kinds(path: str) -> None:
    """Raise an OperationalError for what cannot be a database: even opening a pipe would wait for
    its writer, and SQLite takes a short text for an empty database.
    """
    status = Path(path).stat()
    if kind := KINDS.get(stat.S_IFMT(status.st_mode)):
        raise DatabaseRefused(f"{path} is {kind}, not a database")
    if 0 < status.st_size < SMALLEST:
        raise OperationalError(f"{path}: file is not a database")
    refuse_orphaned_wal(path)


def look_into(path: str, judge: Callable[[Any], bool]) -> None:
    """Call `judge` with a connection to what the file holds now; its True is final, what it raises
    too. False (empty) and damage are not while there is a WAL: then it judges a private copy.
    """
    try:
        with closing(sqlite3.connect(uri(path, "mode=ro&immutable=1"), uri=True)) as connection:
            if judge(connection) or not size(f"{path}-wal"):
                return
    except sqlite3.DatabaseError:
        if not size(f"{path}-wal"):
            raise
    for _ in range(TRIES - 1):
        with suppress(sqlite3.DatabaseError):
            _judge_copy(path, judge)
            return
    _judge_copy(path, judge)


def _judge_copy(path: str, judge: Callable[[Any], bool]) -> None:
    with private_copy(path) as copy, closing(sqlite3.connect(copy)) as connection:
        judge(connection)


@contextmanager
def private_copy(path: str) -> Iterator[Path]:
    """Yield a copy of a file and its WAL, deleted after the block."""
    with tempfile.TemporaryDirectory(prefix="vestibule-") as folder:
        copy = Path(folder, "copy.db")
        copyfile(path, copy)
        with suppress(FileNotFoundError):
            copyfile(f"{path}-wal", f"{copy}-wal")
        yield copy


@contextmanager
def uri_to_look(path: str) -> Iterator[str]:
    """Yield a URI to read a database by, changing nothing. With a WAL, SQLite reads it by its -shm,
    and would make that where it is missing: then the URI is that of a copy.
    """
    if not size(f"{path}-wal"):
        yield uri(path, "mode=ro&immutable=1")
    elif size(f"{path}-shm"):
        yield uri(path, "mode=ro")
    else:
        with private_copy(path) as copy:
            yield uri(copy, "mode=rw")


def journal_mode(path: str) -> str:
    """Return how a database that is not open now keeps its journal."""
    with Path(path).open("rb") as file:
        return "wal" if file.read(20)[18:] == IN_WAL_MODE else "delete"


def is_locked(path: str) -> bool:
    """Return whether another process keeps all others from reading or writing for as long as a
    write waits. Not while this process has the file open: closing it drops the locks on it.
    """
    if sys.platform == "win32":
        return False
    deadline = time.monotonic() + PATIENCE
    while not (_is_free(path, SHARED, SHARED_SIZE) and _is_free(f"{path}-shm", WAL_WRITE, 1)):
        if time.monotonic() > deadline:
            return True
        time.sleep(0.05)
    return False


def _is_free(path: str, start: int, length: int) -> bool:
    try:
        with Path(path).open("rb") as file:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, length, start)
    except FileNotFoundError:
        return True
    except (BlockingIOError, PermissionError) as error:  # of a lock: EAGAIN or EACCES, says POSIX
        return error.filename is not None  # or of the file, which may not be read
    return True
