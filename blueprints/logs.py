"""The log: one JSON line for each event and each fault, on standard error.

    {"ts": "2026-11-23T11:54:00.123Z", "level": "info", "event": "authn_login_fail", ...}

Escaped to ASCII: a line end, a colour code or a writing direction in a name stays one line of text.
"""

import json
import logging
import secrets
import select
import time
from datetime import UTC, datetime
from logging import WARNING, LogRecord, StreamHandler, makeLogRecord
from typing import TextIO, cast

from flask import Flask, g, has_request_context, request
from flask.logging import wsgi_errors_stream

from accounts import events
from accounts.client import Client
from accounts.events import Refused

REFUSALS_A_MINUTE = 100  # lines of one kind: a flood of requests must not fill the disk
METHOD_MAX = 20  # characters; visitors may send methods of 60 KB, in a hundred lines a minute
LONGEST_WAIT = 1  # seconds for somebody to read a full pipe


def init_app(app: Flask) -> None:
    """Send what Vestibule and Flask log to standard error."""
    handler = LineHandler(cast(TextIO, wsgi_errors_stream))
    handler.setFormatter(JSONLines())
    handler.addFilter(worth_a_line)
    for logger in (logging.getLogger("vestibule"), app.logger):
        logger.handlers = [handler]
        logger.propagate = True
    logging.getLogger("vestibule").setLevel(logging.INFO)
    # A log that cannot be written (closed, full disk) is no reason to refuse a request: without
    # this, logging complains on the very stream that is broken.
    logging.raiseExceptions = False


class LineHandler(StreamHandler[TextIO]):
    """Writes lines, each before its request is answered. While nobody reads them they are lost
    and counted: a plain StreamHandler waits for ever on a full pipe, and every request with it.
    """

    lost = 0
    cut = False  # the last of them in the middle

    def emit(self, record: LogRecord) -> None:
        """Write a line, and before it how many were lost."""
        try:
            if self.lost and self._write(self._news_of_lost()):
                self.lost, self.cut = 0, False
            if self.lost or not self._write(self.format(record) + self.terminator):
                self.lost += 1
        except Exception:  # noqa: BLE001 - as any handler: no log is worth a request
            self.handleError(record)

    def _news_of_lost(self) -> str:
        message = f"{self.lost} lines were lost: nobody read the log"
        fields = {"event": "sys_error", "message": message}
        news = makeLogRecord({"levelname": "ERROR", "msg": message, "fields": fields})
        return (self.terminator if self.cut else "") + self.format(news) + self.terminator

    def _write(self, text: str) -> bool:
        # A pipe that takes anything takes PIPE_BUF bytes without waiting. The text is ASCII.
        for start in range(0, len(text), select.PIPE_BUF):
            if not self._takes_more():
                self.cut = self.cut or start > 0
                return False
            self.stream.write(text[start : start + select.PIPE_BUF])
            self.flush()
        return True

    def _takes_more(self) -> bool:
        """Whether the stream can be written without waiting, in a moment or, once lines were
        lost, at once: only the first of them keeps a request.
        """
        try:
            stream = self.stream.fileno()
        except (AttributeError, OSError, ValueError):  # not a file of the system, or closed
            return True
        return bool(select.select([], [stream], [], 0 if self.lost else LONGEST_WAIT)[1])


def worth_a_line(record: LogRecord) -> bool:
    """Events of a command stand in the event table; its terminal is for its results."""
    return has_request_context() or record.levelno >= WARNING


class JSONLines(logging.Formatter):
    """A record as one line of JSON: the time in UTC, the request it belongs to, its fields."""

    def format(self, record: LogRecord) -> str:
        """Return the line, without its end."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"ts": when.replace("+00:00", "Z"), "level": record.levelname.lower()}
        line |= getattr(record, "fields", {"event": "message", "message": record.getMessage()})
        if has_request_context():
            method = request.method[:METHOD_MAX]
            line |= {"request_id": request_id(), "route": f"{method} {request.endpoint}"}
        if record.exc_info:
            line |= {"event": "sys_error", "traceback": self.formatException(record.exc_info)}
        return json.dumps(line)


def log_refusal(kind: Refused, client: Client) -> None:
    """Log that a request was refused, a hundred times a minute for each kind."""
    this_minute = int(time.monotonic() // 60)
    minute, logged = _refusals.get(kind, (this_minute, 0))
    logged = logged + 1 if minute == this_minute else 1
    _refusals[kind] = this_minute, logged
    if logged < REFUSALS_A_MINUTE:
        events.log(kind, client)
    elif logged == REFUSALS_A_MINUTE:
        events.log(kind, client, detail="no more of these are logged in this minute")


_refusals: dict[Refused, tuple[int, int]] = {}  # the minute, and how many were in it


def request_id() -> str:
    """Return the reference of this request, which its error page shows and its log lines carry."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    reference: str = g.request_id
    return reference
