"""The log: one JSON line for each event and each fault, on standard error.

    {"ts": "2026-11-23T11:54:00.123Z", "level": "info", "event": "authn_login_fail", ...}

Escaped to ASCII: a line end, a colour code or a writing direction in a name stays one line of text.
"""

import json
import logging
import secrets
from datetime import UTC, datetime
from logging import WARNING, LogRecord, StreamHandler
from typing import TextIO, cast

from flask import Flask, g, has_request_context, request
from flask.logging import wsgi_errors_stream


def init_app(app: Flask) -> None:
    """Send what Vestibule and Flask log to standard error."""
    handler = StreamHandler(cast(TextIO, wsgi_errors_stream))
    handler.setFormatter(JSONLines())
    handler.addFilter(worth_a_line)
    for logger in (logging.getLogger("vestibule"), app.logger):
        logger.handlers = [handler]
        logger.propagate = True
    logging.getLogger("vestibule").setLevel(logging.INFO)


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


def request_id() -> str:
    """Return the reference of this request, which its error page shows and its log lines carry."""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(8)
    reference: str = g.request_id
    return reference
