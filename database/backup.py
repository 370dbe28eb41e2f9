"""A consistent copy of the database while the application runs."""

import os
import re
import secrets
import sqlite3
from contextlib import closing, nullcontext, suppress
from datetime import UTC, datetime
from pathlib import Path

from database import database
from database.sqlite import SQLite

PAGES = 2000  # 8 MiB, copied at once; Ctrl-C works in between


KEPT = 3  # copies from before a migration


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
    for taken in (file, f"{file}-wal", f"{file}-journal"):  # which would become part of it
        if os.path.lexists(taken):
            raise BackupRefused(f"{taken} exists already, and a backup overwrites nothing")
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(draft, isolation_level=None)) as copy:
            _copy(copy)
        _sync(draft)
        _publish(draft, file)
        _sync(file.parent)
    except (OSError, sqlite3.Error) as error:
        raise BackupRefused(f"{file}: {getattr(error, 'strerror', error)}") from None
    finally:
        with suppress(OSError):
            draft.unlink()
    return file.stat().st_size


def keep_copy(version: str) -> Path | None:
    """Before this version migrates the database, copy it to a new file beside it, and delete all
    such copies but the newest three. Return the copy, None for PostgreSQL. Raises BackupRefused.
    """
    if not isinstance(database.obj, SQLite):
        return None
    path, now = Path(os.path.realpath(database.path)), datetime.now(UTC)
    copy = path.with_name(f"{path.stem}-before-{version}-{now:%Y%m%dT%H%M%SZ}{path.suffix}")
    write_backup(copy)
    for old in kept_copies()[:-KEPT]:
        old.unlink(missing_ok=True)
    return copy


def kept_copies() -> list[Path]:
    """Return the copies that were kept before migrations, the newest last."""
    if not isinstance(database.obj, SQLite):
        return []
    path = Path(os.path.realpath(database.path))
    name = re.compile(
        rf"{re.escape(path.stem)}-before-[^-]+-([0-9]{{8}}T[0-9]{{6}}Z){re.escape(path.suffix)}"
    )
    found = {file: name.fullmatch(file.name) for file in path.parent.iterdir()}
    return sorted((file for file, match in found.items() if match), key=lambda file: found[file][1])  # type: ignore[index]


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
    except (AttributeError, OSError):
        # The file exists, which O_EXCL refuses too, or a USB stick has no hard links.
        os.close(os.open(file, os.O_CREAT | os.O_EXCL, 0o600))
        draft.replace(file)
