"""HTTP errors, refusals of accounts, database faults and crashes become one page."""

from flask import Flask, current_app, g, make_response, render_template, request
from peewee import DatabaseError, IntegrityError, InterfaceError, ProgrammingError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from accounts.errors import AccountError, Busy, TooManyAttempts
from accounts.events import Refused
from database import OutcomeUnknown, advice

from .current_session import current_client
from .guard import CSRFError
from .logs import log_refusal, request_id

DATABASE_RETRY_AFTER = 30  # seconds
SHAPES = (400, 413, 415)  # of a request that no form here sends
REFUSALS = {TooManyAttempts: 429, Busy: 503}
TEXTS = {
    400: ("Bad request", "The request could not be understood, so nothing was done."),
    403: ("Not allowed", "This request is not allowed, so nothing was done."),
    404: ("Page not found", "There is no page at this address."),
    405: ("Method not allowed", "This page cannot be used in that way."),
    413: ("Too large", "More was sent than any form here needs, so nothing was done."),
    415: ("Wrong kind of content", "Only plain web forms are accepted here."),
    429: ("Too many tries", "Please wait a little before you try again."),
    500: (
        "Something went wrong",
        "The fault is ours, and it has been written to the log. Please try again later.",
    ),
    503: (
        "Not available just now",
        "The database does not answer just now. Nothing was changed. Please try again shortly.",
    ),
}
OUTCOME_UNKNOWN = (
    "The database went away just as this was being saved, so we cannot tell whether it was. "
    "Please look before you try again."
)
LAST_RESORT = "<!doctype html><html lang=en><title>Error</title><h1>Something went wrong</h1>"


def init_app(app: Flask) -> None:
    """Register the handlers. Flask chooses the one for the nearest class of an error."""
    app.register_error_handler(HTTPException, show_http_error)
    app.register_error_handler(AccountError, show_refusal)
    app.register_error_handler(DatabaseError, show_database_fault)
    app.register_error_handler(InterfaceError, show_database_fault)
    for fault in (Exception, IntegrityError, ProgrammingError):
        app.register_error_handler(fault, show_crash)


def show_http_error(error: HTTPException) -> Response:
    """A page for an HTTP error; a form whose token was lost is shown again as typed."""
    kind = getattr(error, "event", Refused.BAD_SHAPE if error.code in SHAPES else None)
    if kind is not None:
        log_refusal(kind, current_client())
    if isinstance(error, CSRFError):
        view = current_app.view_functions[request.endpoint or ""]
        if form_class := getattr(view, "form_class", None):
            g.form = form_class()
    status = error.code or 500
    own_words = status < 500 and "description" in vars(error)
    response = error_page(status, error.description if own_words else None)
    for name, value in error.get_headers(request.environ):
        if name != "Content-Type":  # Allow, Retry-After
            response.headers[name] = value
    return response


def show_refusal(error: AccountError) -> Response:
    """A rule of accounts said no, deep inside."""
    if isinstance(error, TooManyAttempts):
        log_refusal(Refused.TOO_MANY_ATTEMPTS, current_client())
    response = error_page(REFUSALS.get(type(error), 400), str(error))
    if retry_after := getattr(error, "retry_after", None):
        response.headers["Retry-After"] = str(retry_after)
    return response


def show_database_fault(error: Exception) -> Response:
    """The database did not take it: locked, full, missing, damaged. All is as it was, or, where
    it went away at the very end, nobody knows.
    """
    fields = {"message": f"database fault: {error}", "advice": advice(error)}
    current_app.logger.error("database fault", exc_info=error, extra={"fields": fields})
    response = error_page(503, OUTCOME_UNKNOWN if isinstance(error, OutcomeUnknown) else None)
    response.headers["Retry-After"] = str(DATABASE_RETRY_AFTER)
    return response


def show_crash(error: Exception) -> Response:
    """A fault of ours: a reference for the visitor, the traceback with it in the log."""
    if current_app.debug:
        raise error
    current_app.logger.error("unexpected error", exc_info=error)
    return error_page(500, reference=request_id())


def error_page(status: int, message: str | None = None, reference: str | None = None) -> Response:
    """Return the page for a status. On a form page it is the form, as typed, with the message."""
    title, default = TEXTS.get(status, TEXTS[400 if status < 500 else 500])
    try:
        if "form" in g and status != 500:
            return make_response(g.form.page(status, message or default))
        page = render_template(
            "error.html",
            status=status,
            title=title,
            message=message or default,
            request_id=reference,
        )
    except Exception:  # a broken layout must not hide the error behind another one
        current_app.logger.exception("the error page itself failed")
        page = LAST_RESORT
    return make_response(page, status)
