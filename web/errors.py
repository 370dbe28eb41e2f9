"""HTTP errors, refusals of accounts, database faults and crashes become one page."""

import peewee
from flask import Flask, current_app, g, make_response, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from accounts.errors import AccountError, Busy, TooManyAttempts
from database import OutcomeUnknown, advice

from .current_session import current_actor
from .logs import Refused, log_refusal, request_id

TEXTS = {
    400: ("Bad request", "The request could not be understood, so nothing was done."),
    403: ("Not allowed", "This request is not allowed, so nothing was done."),
    404: ("Page not found", "There is no page at this address."),
    405: ("Method not allowed", "This page cannot be used in that way."),
    413: ("Too large", "You sent more than any form here needs, so nothing was done."),
    415: ("Wrong kind of content", "Only plain web forms are accepted here."),
    429: ("Too many attempts", "Please wait a little before you try again."),
    500: ("Something went wrong", "The fault is ours and has been logged. Try again later."),
    503: ("Not available", "The database is not responding. Nothing was changed. Try again soon."),
}
OUTCOME_UNKNOWN = (
    "The database went away just as this was being saved, so we cannot tell whether it was. "
    "Please check before you try again."
)
LAST_RESORT = "<!doctype html><html lang=en><title>Error</title><h1>Something went wrong</h1>"


def init_app(app: Flask) -> None:
    """Register the handlers. Flask chooses the one for the nearest class of an error."""
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(AccountError, show_refusal)
    app.register_error_handler(peewee.DatabaseError, show_database_fault)
    app.register_error_handler(peewee.InterfaceError, show_database_fault)
    # The database answered these with an error, so the fault is ours.
    ours = peewee.DataError, peewee.IntegrityError, peewee.InternalError, peewee.ProgrammingError
    for fault in (Exception, *ours):
        app.register_error_handler(fault, show_crash)


def show_http_error(error: HTTPException) -> Response:
    """Answer with the page for an HTTP error."""
    odd = error.code in (400, 413, 415)  # no form here sends such a request
    kind = getattr(error, "event", Refused.BAD_SHAPE if odd else None)
    if kind is not None:
        log_refusal(kind, current_actor())
    status = error.code or 500
    own_words = status < 500 and "description" in vars(error)
    response = error_page(status, error.description if own_words else None)
    for name, value in error.get_headers(request.environ):
        if name != "Content-Type":  # Allow, Retry-After
            response.headers[name] = value
    return response


def show_refusal(error: AccountError) -> Response:
    """Answer when a rule of accounts said no, deep inside."""
    if isinstance(error, TooManyAttempts):
        log_refusal(Refused.TOO_MANY_ATTEMPTS, current_actor())
    status = 429 if isinstance(error, TooManyAttempts) else 503 if isinstance(error, Busy) else 400
    response = error_page(status, str(error))
    if retry_after := getattr(error, "retry_after", None):
        response.headers["Retry-After"] = str(retry_after)
    return response


def show_database_fault(error: Exception) -> Response:
    """Answer when the database is locked, full, missing or damaged, or went away."""
    fields = {"message": f"database fault: {error}", "advice": advice(error)}
    current_app.logger.error("database fault", exc_info=error, extra={"fields": fields})
    response = error_page(503, OUTCOME_UNKNOWN if isinstance(error, OutcomeUnknown) else None)
    response.headers["Retry-After"] = "30"  # seconds
    return response


def show_crash(error: Exception) -> Response:
    """Answer with a reference, which stands in the log with the traceback."""
    if current_app.debug:
        raise error
    current_app.logger.error("unexpected error", exc_info=error)
    if isinstance(error, MemoryError):
        return show_refusal(Busy())
    return error_page(500, reference=request_id())


def error_page(status: int, message: str | None = None, reference: str | None = None) -> Response:
    """Return the page for a status. On a form page it is the form, as typed, with the message."""
    title, default = TEXTS.get(status, TEXTS[400 if status < 500 else 500])
    message = message or default
    try:
        if "form" in g and status != 500:
            return make_response(g.form.page(status, message))
        shown = {"status": status, "title": title, "message": message, "request_id": reference}
        page = render_template("error.html", **shown)
    except Exception:  # a broken layout must not hide the error behind another one
        current_app.logger.exception("the error page itself failed")
        page = LAST_RESORT
    return make_response(page, status)
