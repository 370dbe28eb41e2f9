"""Expect each form to be a repeat, and answer it as the first where it would be refused."""

import json
from contextlib import suppress
from functools import partial

from flask import after_this_request, g, redirect, request, session, url_for
from peewee import DatabaseError, InterfaceError
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from accounts.errors import AccountError
from web.current_session import current_actor, empty_cookie, start_session
from web.errors import show_database_fault

from . import answers
from .answers import Post

REFUSALS = (400, 403, 404, 429)
KEPT_HEADERS = ("Location", "Clear-Site-Data")


def expect() -> None:
    """Know a form from this site again, by its sender's secret: the token, or the CSRF token of a
    stranger. Called first: the cookie of a session that is over is emptied.
    """
    secret, address = session.get("token") or session.get("csrf_token"), request.full_path
    if isinstance(secret, str):
        parts = [part.encode(errors="replace") for part in (secret, address)]
        with suppress(HTTPException):  # a body that is too large
            g.post = Post.of(*parts, request.get_data())
            after_this_request(partial(_answer, secret))


def _answer(secret: str, response: Response) -> Response:
    post = g.post
    try:
        if post.noted and response.status_code < 500:
            answers.keep_content(post, _content(response))
        elif response.status_code in REFUSALS or "sent_away" in g:
            if response.status_code == 429 or "sent_away" in g:  # others have counted as tries
                answers.count_repeat(secret)
            return _answer_again(post) or response
    except AccountError:  # too many, or no longer let in
        return response
    except (DatabaseError, InterfaceError) as error:
        return response if post.noted else show_database_fault(error)
    return response


def _content(response: Response) -> str:
    headers = [(name, response.headers[name]) for name in KEPT_HEADERS if name in response.headers]
    return json.dumps([headers, session.get("_flashes", [])]) if response.location else ""


def _answer_again(post: Post) -> Response | None:
    first = post.first
    if first is None or (content := answers.content_of(post)) == "":
        return None
    leads_to = url_for("profile.show" if first.session else "auth.home")
    if first.session is None:
        empty_cookie()
    elif g.session is None or first.session != g.session.id:
        if (signed_in := answers.log_in_again(first, current_actor())) is None:
            return None
        typed = request.form.get("new_password") or request.form.get("password", "")
        start_session(signed_in, typed)
    headers, messages = json.loads(content) if content else ([], [])
    if messages:
        session["_flashes"] = messages
    response = redirect(leads_to)
    response.headers.update(headers)
    return response
