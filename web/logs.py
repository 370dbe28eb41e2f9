"""The log: one JSON line for each event and each fault, on standard error.

    {"ts": "2026-11-23T11:54:00.123Z", "level": "info", "event": "authn_login_fail", ...}

Escaped to ASCII, so that line ends, color codes and writing directions in a name do nothing.
"""

import json
import logging
import secrets
import select
import time
from contextlib import suppress
from enum import StrEnum
from logging import WARNING, LogRecord, StreamHandler, makeLogRecord
from typing import TextIO, cast

from flask import Flask, g, has_request_context, request
from flask.logging import wsgi_errors_stream

from accounts import events
from accounts.actor import Actor
from accounts.times import iso_time

REFUSALS_A_MINUTE = 100  # lines of one kind: a flood of requests must not fill the disk
METHOD_MAX = 20  # characters; visitors may send methods of 60 KB
MAX_WAIT = 1  # seconds until a full pipe is read
CHUNK = getattr(select, "PIPE_BUF", 512)  # bytes that a pipe with any room takes without waiting


def init_app(app: Flask) -> None:
    """Send what Vestibule and Flask log to standard error."""
    handler = LineHandler(cast(TextIO, wsgi_errors_stream))
    handler.setFormatter(JSONLines())
    handler.addFilter(should_log)
    for logger in (logging.getLogger("vestibule"), app.logger):
        logger.handlers = [handler]
        logger.propagate = True
    logging.getLogger("vestibule").setLevel(logging.INFO)
    # A log that cannot be written (closed, full disk) must not fail a request: without this,
    # logging complains on the very stream that is broken.
    logging.raiseExceptions = False


class LineHandler(StreamHandler[TextIO]):
    """Writes each line before its request is answered. On a full pipe, lines are dropped and
    counted: a plain StreamHandler would wait for ever, and every request with it.
    """

    lost = 0
    cut = False  # in the middle of the last one

    def emit(self, record: LogRecord) -> None:
        """Write a line, after the number of lost ones if there are any."""
        try:
            if self.lost and self._write(self._report_lost()):
                self.lost, self.cut = 0, False
            if self.lost or not self._write(self.format(record) + self.terminator):
                self.lost += 1
        except Exception:  # noqa: BLE001 - as any handler: a log must not fail a request
            self.handleError(record)

    def _report_lost(self) -> str:
        message = f"{self.lost} lines were lost: the log was not read"
        fields = {"event": "sys_error", "message": message}
        report = self.format(
            makeLogRecord({"levelname": "ERROR", "msg": message, "fields": fields})
        )
        return (self.terminator if self.cut else "") + report + self.terminator

    def _write(self, text: str) -> bool:
        for start in range(0, len(text), CHUNK):  # of ASCII
            if not self._takes_more():
                self.cut = self.cut or start > 0
                return False
            self.stream.write(text[start : start + CHUNK])
            self.flush()
        return True

    def _takes_more(self) -> bool:
        """Return whether the stream takes more. Only the first lost line waits for that."""
        wait = 0 if self.lost else MAX_WAIT
        # Not a file of the system, closed, or on Windows, which can ask sockets only.
        with suppress(AttributeError, OSError, ValueError):
            return bool(select.select([], [self.stream.fileno()], [], wait)[1])
        return True


def should_log(record: LogRecord) -> bool:
    """Return whether to log a record. A command's events are not: its terminal is for results."""
    return has_request_context() or record.levelno >= WARNING


class JSONLines(logging.Formatter):
    """Formats a record as one line of JSON: time in UTC, request, fields."""

    def format(self, record: LogRecord) -> str:
        """Return the line, without its end."""
        when = iso_time(int(record.created * 1000), "milliseconds")
        line = {"ts": when, "level": record.levelname.lower()}
        line |= getattr(record, "fields", {"event": "message", "message": record.getMessage()})
        if has_request_context():
            method = request.method[:METHOD_MAX]
            line |= {"request_id": request_id(), "route": f"{method} {request.endpoint}"}
        if record.exc_info:
            line |= {"event": "sys_error", "traceback": self.formatException(record.exc_info)}
        return json.dumps(line)


class Refused(StrEnum):
    """Why a request was refused: in the log alone, since it concerns no account."""

    SESSION_USED_AFTER_END = "session_use_after_expire"
    NOT_ALLOWED = "authz_fail"
    BAD_SHAPE = "input_validation_fail"
    TOO_MANY_ATTEMPTS = "excess_rate_limit_exceeded"
    FOREIGN_FORM = "malicious_csrf"  # or one that expired
    FOREIGN_SITE = "malicious_cors"
    FOREIGN_HOST = "malicious_host"


def log_refusal(kind: Refused, actor: Actor) -> None:
    """Log that a request was refused, at most REFUSALS_A_MINUTE times a minute for each kind."""
    this_minute = int(time.monotonic() // 60)
    minute, logged = _refusals.get(kind, (this_minute, 0))
    logged = logged + 1 if minute == this_minute else 1
    _refusals[kind] = this_minute, logged
    if logged < REFUSALS_A_MINUTE:
        events.log(kind, actor)
    elif logged == REFUSALS_A_MINUTE:
        events.log(kind, actor, detail="no more of these are logged this minute")


_refusals: dict[Refused, tuple[int, int]] = {}  # the minute, and how many were in it


def request_id() -> str:
    """Return this request's reference, for its error page and its log lines."""
    return str(g.setdefault("request_id", secrets.token_hex(8)))
