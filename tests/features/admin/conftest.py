"""Jane, who is an admin with a fresh password, and Lucy, who is none."""

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form
from flask import Flask
from werkzeug.test import TestResponse

from accounts import hooks, users
from accounts.actor import OPERATOR
from features.admin import rules
from models import Session, User


@pytest.fixture
def admin(jane: Browser) -> Browser:
    """Jane's browser; she is an admin now."""
    rules.grant(named("Jane"), OPERATOR)
    return jane


@pytest.fixture
def lucy(app: Flask) -> User:
    """A user whom Jane looks after."""
    return users.create_user("Lucy", PASSWORD, OPERATOR)


def named(name: str) -> User:
    """Return the user with this name."""
    return User.get(User.username == name)


def age(name: str = "Jane", minutes: int = 31) -> None:
    """Let the password of a user's sessions be given a while ago."""
    moment = Session.authenticated_at - minutes * 60_000
    Session.update(authenticated_at=moment).where(Session.user == named(name)).execute()


def of(user: User, page: str = "") -> str:
    """Return the path of the page about a user, or of one below it."""
    return f"/admin/users/{user.id}" + (f"/{page}" if page else "")


def needs(app: Flask, *features: str) -> None:
    """Skip a test of what is there only with other features (the names of their blueprints)."""
    if missing := set(features) - set(app.blueprints):
        pytest.skip(f"taken out: {', '.join(missing)}")


def offers(name: str) -> bool:
    """Return whether another feature does this."""
    return name in dict(hooks.offers)


def press(browser: Browser, page: str, action: str) -> TestResponse:
    """Press a button of a page."""
    return browser.submit_to(page, action, {})


def post(browser: Browser, path: str, **fields: str) -> TestResponse:
    """Send a form, also where no page shows it, with this browser's token."""
    token = hidden_fields(page_form(browser.get("/profile").text, "/logout"))
    return browser.client.post(path, data={**token, **fields})
