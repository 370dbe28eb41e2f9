"""Let users read what happened to their account, and tell them of failed attempts at a log-in.

failures  the log-ins that failed
pages     the page of all events, by day
"""

from flask import Flask

from accounts import hooks
from blueprints import account_pages
from blueprints.account_pages import AccountPage

from .failures import select_failed, words_since_last_login
from .pages import bp


def init_app(app: Flask) -> None:
    """Add this feature to the application."""
    app.register_blueprint(bp)
    account_pages.pages.append(AccountPage(
        "Activity", "activity.show",
        lambda _, times: f"{account_pages.count(times, 'failed log-in')} in the last 30 days",
        select_failed,
    ))  # fmt: skip
    hooks.login_warnings.append(words_since_last_login)
