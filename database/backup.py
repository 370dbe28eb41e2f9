"""A consistent copy of the database while the application runs."""

import os
import secrets
import sqlite3
from contextlib import closing, nullcontext, suppress
from pathlib import Path

from database import database
from database.sqlite import SQLite

PAGES = 2000  # 8 MiB, copied at once; Ctrl-C works in between


class BackupRefused(Exception):
    """No backup was made; the text says why."""


def write_backup(file: Path) -> int:
    """Copy the database to a new `file`, readable by its owner alone, and return its size in bytes.
    It holds every commit that was made before, and is on the disk when this returns. Raises
    BackupRefused when the file exists or cannot be written, or the database is damaged or not
    SQLite's. There is never half a backup of this name.
    """
    if not isinstance(database.obj, SQLite):
        raise BackupRefused("for PostgreSQL use pg_dump --format=custom --file=FILE NAME")
    if os.path.lexists(file):
        raise BackupRefused(f"{file} exists already, and a backup overwrites nothing")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            _copy(copy)
        _sync(draft)
        _publish(draft, file)
        _sync(file.parent)
    except OSError as error:
        raise BackupRefused(f"{file}: {error.strerror}") from None
    finally:
        with suppress(OSError):
            draft.unlink()
    return file.stat().st_size


def _copy(copy: sqlite3.Connection) -> None:
    copy.execute("PRAGMA synchronous = OFF")  # the whole file is synced at the end
    copy.execute("PRAGMA journal_mode = OFF")
    # Of a snapshot: otherwise each commit of the application restarts the copy.
    with database.connection_context(), database.snapshot() as source:
        source.backup(copy, pages=PAGES, progress=lambda *_: None)
    # One file, wherever it is opened: a WAL beside it would be forgotten when it is moved.
    copy.execute("PRAGMA journal_mode = DELETE")
    (fault,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if fault != "ok":
        raise BackupRefused(f"the database is damaged, nothing was kept: {' '.join(fault.split())}")


def _sync(path: Path) -> None:
    # Not every system lets a folder be opened and synced: then its entry is as safe as it gets.
    with suppress(OSError) if path.is_dir() else nullcontext():
        descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _publish(draft: Path, file: Path) -> None:
    try:
        os.link(draft, file)
    except (
        AttributeError,
        OSError,
    ):  # the file exists, which O_EXCL refuses too, or a USB stick has no hard links
        os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))
        draft.replace(file)
