"""A consistent copy of the database while the application runs."""

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from database import database
from database.sqlite import SQLite

PAGES = 2000  # copied at once, 8 MiB; Ctrl-C is heard in between


class BackupRefused(Exception):
    """There is no backup; the text says why."""


def write_backup(file: Path) -> int:
    """Copy the database to `file`, which is new, its owner's alone and on the disk when this
    returns; return its size in bytes.

    Holds every commit that was made before. Raises BackupRefused: the file is there already,
    cannot be written, the database is damaged, or none of SQLite's. There is never half a backup
    of this name.
    """
    if not isinstance(database.obj, SQLite):
        raise BackupRefused("PostgreSQL has its own: pg_dump --format=custom --file=FILE NAME")
    if os.path.lexists(file):
        raise BackupRefused(f"{file} is there already, and a backup overwrites nothing")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            _copy(copy)
            _check(copy)
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
    with _one_moment() as source:
        source.backup(copy, pages=PAGES, progress=lambda *_: None)
    # Of one file, wherever it is opened: a WAL beside it would be forgotten when it is moved.
    copy.execute("PRAGMA journal_mode = DELETE")


@contextmanager
def _one_moment() -> Iterator[sqlite3.Connection]:
    # Within one read transaction: otherwise each commit of the application begins the copy anew.
    with database.connection_context():
        source: sqlite3.Connection = database.connection()
        source.execute("BEGIN")
        try:
            source.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
            yield source
        finally:
            source.rollback()


def _check(copy: sqlite3.Connection) -> None:
    (fault,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if fault != "ok":
        raise BackupRefused(f"the database is damaged, nothing was kept: {' '.join(fault.split())}")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(draft: Path, file: Path) -> None:
    try:
        os.link(draft, file)  # never overwrites
    except FileExistsError:
        raise
    except OSError:  # no hard links there: a USB stick
        os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))
        draft.replace(file)
