"""The log: one JSON line for each event and each fault, on standard error.

    {"ts": "2026-11-23T11:54:00.123Z", "level": "info", "event": "authn_login_fail", ...}

Escaped to ASCII: a line end, a colour code or a writing direction in a name stays one line of text.
"""

import json
import logging
import secrets
import time
from datetime import UTC, datetime
from logging import WARNING, LogRecord, StreamHandler
from typing import TextIO, cast

from flask import Flask, g, has_request_context, request
from flask.logging import wsgi_errors_stream

from accounts import events
from accounts.client import Client
from accounts.events import Refused

REFUSALS_A_MINUTE = 100  # lines of one kind: a flood of requests must not fill the disk


def init_app(app: Flask) -> None:
    """Send what Vestibule and Flask log to standard error."""
    handler = StreamHandler(cast(TextIO, wsgi_errors_stream))
    handler.setFormatter(JSONLines())
    handler.addFilter(worth_a_line)
    for logger in (logging.getLogger("vestibule"), app.logger):
        logger.handlers = [handler]
        logger.propagate = True
    logging.getLogger("vestibule").setLevel(logging.INFO)
    # A log that cannot be written (closed, full disk) is no reason to refuse a request: without
    # this, logging complains on the very stream that is broken.
    logging.raiseExceptions = False


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
            line |= {"request_id": request_id(), "route": f"{request.method} {request.endpoint}"}
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
