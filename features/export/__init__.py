"""Let users take along what is stored about their account: docs/export.md.

account  everything that is stored
pages    the file with it
"""

from flask import Flask

from blueprints import account_pages
from blueprints.account_pages import AccountPage

from .pages import bp


def init_app(app: Flask) -> None:
    """Add this feature to the application."""
    app.register_blueprint(bp)
    account_pages.pages.append(AccountPage(
        "Export your data", "export.show",
        lambda *_: "Everything stored about your account, as a JSON file",
        before_deletion="export your data",
    ))  # fmt: skip
