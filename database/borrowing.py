"""How SQLite's connections are kept for the next who needs one, and lent for one statement."""

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from peewee import __exception_wrapper__  # type: ignore[attr-defined] # not in the stubs

REOPENED_AFTER = 60  # seconds: how long another schema may stay unnoticed


class KeptConnections:
    """For a database of Peewee's: connections that wait for work. The last used goes first, so that
    as few as possible are open.

    Peewee's own pool asks while it holds two locks whether a connection is still good. For SQLite
    that is a call of the system, during which other threads run into the locks: 7 % of a page.
    Nothing is locked here: each end of a deque is safe to use from many threads.
    """

    _state: Any
    _log_query: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        self._waiting: deque[Any] = deque()
        super().__init__(*args, **options)

    def first_row(self, sql: str, values: Sequence[Any]) -> Any:
        """Return the first row of a SELECT, a tuple, or None; hold no connection after it.

        Inside a transaction it is asked there. Otherwise a connection is taken for this moment,
        past `connect` and `close`: what they do for a request that goes on is 4 % of a page.
        Raises what Peewee raises.
        """
        self._log_query(sql, values)
        with __exception_wrapper__:
            held = self._state.conn
            connection = held or self._connect()
            try:
                return connection.cursor().execute(sql, values).fetchone()
            finally:
                if held is None:
                    self._close(connection)

    def cleaned(self, connection: Any) -> bool:
        """Undo what was left on a connection; return whether it can be used again."""
        raise NotImplementedError

    def is_good(self, connection: Any) -> bool:
        """Whether a connection that has waited can be used."""
        raise NotImplementedError

    def _connect(self) -> Any:
        while connection := self._next():
            young = time.monotonic() - connection.opened_at < REOPENED_AFTER
            if young and self.is_good(connection):
                return connection
            connection.close()
        connection = super()._connect()  # type: ignore[misc] # Peewee's
        connection.opened_at = time.monotonic()
        return connection

    def _next(self) -> Any:
        try:
            return self._waiting.pop()
        except IndexError:
            return None

    def _close(self, connection: Any) -> None:
        if self.cleaned(connection):
            self._waiting.append(connection)
        else:
            connection.close()

    def close_all(self) -> None:
        """Close this thread's connection and all that wait."""
        self.close()  # type: ignore[attr-defined] # Peewee's
        while connection := self._next():
            connection.close()
