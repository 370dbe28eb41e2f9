"""Connections to one SQLite file: what each remembers, and how they are kept and lent."""

import os
import sqlite3
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from peewee import SqliteDatabase, __exception_wrapper__  # type: ignore[attr-defined]

from . import foreign, untouched

REOPENED_AFTER = 60  # seconds: how long another schema may go unnoticed


def file_id(path: str) -> tuple[int, int] | None:
    """Return device and inode of the file at a path; None when there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - asked for every request, and Path costs more
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Connection(sqlite3.Connection):
    """A connection that knows its file and age, whether it has the turn to write, and whether
    its commits wait for the disk.
    """

    def __init__(self, location: str, *args: Any, **kwargs: Any) -> None:
        # Looked up before opening: if the file is replaced in between, the two differ and the
        # next check-out notices. The other way round it never would.
        self.path = unquote(urlsplit(location).path)
        self.file_id = file_id(self.path)
        self.opened_at = time.monotonic()
        self.has_turn = False
        self.synced = True
        super().__init__(location, *args, **kwargs)

    def is_good(self) -> bool:
        """Return whether its file is still the one at the path: writes to a deleted or replaced
        file succeed and are lost.
        """
        young = time.monotonic() - self.opened_at < REOPENED_AFTER
        return young and self.file_id == file_id(self.path)

    def cleaned(self) -> bool:
        """Undo what a failed COMMIT left; return whether the connection is as good as new."""
        if self.in_transaction:  # until it is undone it keeps the lock, even when closed
            with suppress(sqlite3.Error):
                self.rollback()
        return self.synced and not self.in_transaction


class KeptConnections(SqliteDatabase):
    """A pool of connections. The last used goes first, so as few as possible are open. Peewee's own
    pool holds two locks during the system call that checks a connection, and other threads run into
    them: 7 % of a page. There is no lock here: a deque's ends are thread-safe.
    """

    path: str
    table_names: str

    def __init__(self, *args: Any, **options: Any) -> None:
        self._waiting: deque[Connection] = deque()
        self._examined: tuple[int, int] | None = None
        self._seen: dict[str, object] = {}  # settings that only_looking cannot see otherwise
        super().__init__(*args, factory=Connection, check_same_thread=False, **options)

    def first_row(self, sql: str, values: Sequence[Any]) -> Any:
        """Return the first row of a SELECT, a tuple, or None; keep no connection for it. Bypasses
        `connect` and `close`, which prepare for more queries: 4 % of a page.
        """
        self._log_query(sql, values)  # type: ignore[attr-defined]
        with __exception_wrapper__:
            held = self._state.conn  # type: ignore[attr-defined]
            connection = held or self._connect()
            try:
                return connection.cursor().execute(sql, values).fetchone()
            finally:
                if held is None:
                    self._close(connection)

    def _connect(self) -> Connection:
        while connection := self._next():
            if connection.is_good():
                return connection
            connection.close()
        self._examine()
        return super()._connect()  # type: ignore[misc,no-any-return]

    def _examine(self) -> None:
        """Refuse another application's file before SQLite opens it, which could change it. Once for
        each file: closing one that is copied drops the locks of its other connections.
        """
        if (found := file_id(self.path)) not in (None, self._examined):
            path = os.path.realpath(self.path)  # its WAL is beside the file, not beside a link
            untouched.refuse_other_kinds(path)
            untouched.look_into(path, lambda connection: foreign.is_ours(connection, self))
            self._examined = found

    @contextmanager
    def only_looking(self) -> Iterator[None]:
        """Let connections change nothing: none makes, moves or removes a WAL or a lock file."""
        path = os.path.realpath(self.path)
        self.close_all()
        self._examined = None
        if not os.path.isfile(path):  # noqa: PTH113 - what else it is, `_examine` says
            yield
            return
        usual = {name: getattr(self, name) for name in ("database", "_pragmas", "_seen")}
        self._seen = {"journal_mode": untouched.journal_mode(path)}
        self._pragmas = [pair for pair in usual["_pragmas"] if pair[0] != "journal_mode"]
        with untouched.uri_to_look(path) as self.database:
            try:
                yield
            finally:
                self.close_all()
                vars(self).update(usual)

    def is_locked(self) -> bool:
        """Return whether another process locks it now; not to be asked while it is open here."""
        return untouched.is_locked(os.path.realpath(self.path))

    def _next(self) -> Connection | None:
        with suppress(IndexError):
            return self._waiting.pop()
        return None

    def _close(self, connection: Connection) -> None:
        if connection.cleaned():
            self._waiting.append(connection)
        else:
            connection.close()

    def close_all(self) -> None:
        """Close this thread's connection and all in the pool."""
        self.close()
        while connection := self._next():
            connection.close()
