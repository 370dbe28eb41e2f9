"""Look into a SQLite file before it is opened: nothing of it changes, nothing appears beside it.

SQLite itself, opening a file, rolls back what a crash left unfinished, makes files beside it, and
moves a WAL into it. `immutable` keeps it from all that, and from locks; but then it sees no WAL.
"""

import sqlite3
import stat
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from shutil import copyfile
from typing import Any
from urllib.parse import quote

from peewee import OperationalError

TRIES = 3  # a copy made while its application moves the WAL may be torn
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
    """Raise OperationalError for what cannot be a database. Even opening a pipe would wait for its
    writer, and SQLite takes a short text for an empty database.
    """
    status = Path(path).stat()
    if kind := KINDS.get(stat.S_IFMT(status.st_mode)):
        raise OperationalError(f"{path} is {kind}, not a database")
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
    with tempfile.TemporaryDirectory(prefix="vestibule-") as folder:
        copy = Path(folder, "copy.db")
        copyfile(path, copy)
        with suppress(FileNotFoundError):
            copyfile(f"{path}-wal", f"{copy}-wal")
        with closing(sqlite3.connect(copy)) as connection:
            judge(connection)
