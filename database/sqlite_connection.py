"""Connections to one SQLite file: what each remembers, and how they are kept and lent."""

import os
import sqlite3
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit

from peewee import (  # type: ignore[attr-defined] # the wrapper is not in the stubs
    SqliteDatabase,
    __exception_wrapper__,
)

from .faults import REOPENED_AFTER


def file_id(path: str) -> tuple[int, int] | None:
    """Return device and inode of the file that has this name now; None when there is none."""
    try:
        status = os.stat(path)  # noqa: PTH116 - asked for every request, and Path costs more
    except OSError:
        return None
    return status.st_dev, status.st_ino


class Connection(sqlite3.Connection):
    """A connection that remembers which file it was opened on and when, whether it may write now,
    and whether it waits for the disk when it does.
    """

    def __init__(self, location: str, *args: Any, **kwargs: Any) -> None:
        # Looked up before opening: should the file be replaced in between, the two differ and
        # the next check-out notices; the other way round it never would.
        self.path = unquote(urlsplit(location).path)
        self.file_id = file_id(self.path)
        self.opened_at = time.monotonic()
        self.has_turn = False
        self.synced = True
        super().__init__(location, *args, **kwargs)

    def is_good(self) -> bool:
        """Whether its file is still the one that has the name: writes on a deleted file succeed
        and are lost; those on one that was replaced go to the old one.
        """
        young = time.monotonic() - self.opened_at < REOPENED_AFTER
        return young and self.file_id == file_id(self.path)

    def cleaned(self) -> bool:
        """Undo what a failed COMMIT left; return whether it is as a new one then."""
        if self.in_transaction:  # until it is undone it keeps the lock, even when closed
            with suppress(sqlite3.Error):
                self.rollback()
        return self.synced and not self.in_transaction


class KeptConnections(SqliteDatabase):
    """Connections that wait for work. The last used goes first: as few as possible are open.

    Peewee's own pool asks while it holds two locks whether a connection is still good. That is a
    call of the system, during which other threads run into the locks: 7 % of a page. Nothing is
    locked here: each end of a deque is safe to use from many threads.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        self._waiting: deque[Connection] = deque()
        super().__init__(*args, factory=Connection, check_same_thread=False, **options)

    def first_row(self, sql: str, values: Sequence[Any]) -> Any:
        """Return the first row of a SELECT, a tuple, or None; hold no connection after it, but for
        one that was held before.

        It is taken past `connect` and `close`: what they do for a request that goes on is 4 % of
        a page. Raises what Peewee raises.
        """
        self._log_query(sql, values)  # type: ignore[attr-defined] # nor these three
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
        opened: Connection = super()._connect()  # type: ignore[misc]
        return opened

    def _next(self) -> Connection | None:
        try:
            return self._waiting.pop()
        except IndexError:
            return None

    def _close(self, connection: Connection) -> None:
        if connection.cleaned():
            self._waiting.append(connection)
        else:
            connection.close()

    def close_all(self) -> None:
        """Close this thread's connection and all that wait."""
        self.close()
        while connection := self._next():
            connection.close()
