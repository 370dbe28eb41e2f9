"""A form that is sent again is answered as the first time: two clicks, a reload after a lost
answer, what a browser sends again by itself. Each would be told "taken" or "nothing was done" of
what has just succeeded.

models   the table of answers
answers  what a form led to, kept for minutes
pages    expect a repeat, and answer it
"""

from flask import Flask

from accounts import hooks
from web import guard, words

from .answers import SENT_AGAIN, follow, is_repeat
from .pages import expect


def init_app(app: Flask) -> None:
    """Add this feature to the application."""
    guard.before_forms.append(expect)
    hooks.recorded.append(follow)
    hooks.excuses.append(is_repeat)
    words.WHY_LOGGED_OUT[SENT_AGAIN] = ": the form was sent twice, and the later answer counts."
