"""Jane with a kit of recovery codes, and links that the operator made for her."""

import re
from collections.abc import Callable

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form
from flask import Flask
from werkzeug.test import TestResponse

from accounts.actor import OPERATOR
from features.recovery import links
from models import User

NEW_PASSWORD = "blue horse"
SHOWN = re.compile(r"\b(?:[0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{3}[0-9A-HJKMNP-TV-Z*~$=U]")


def shown_codes(page: TestResponse) -> list[str]:
    """Return the codes on a page or in a file."""
    return SHOWN.findall(page.text.partition("<main")[2] or page.text)[:8]


def make_kit(browser: Browser) -> list[str]:
    """Press the button that shows new codes."""
    page = browser.submit("/profile/recovery", {"current_password": PASSWORD})
    assert page.status_code == 200
    return shown_codes(page)


@pytest.fixture
def codes(jane: Browser) -> list[str]:
    """The codes of Jane, who is logged in."""
    return make_kit(jane)


@pytest.fixture
def link(app: Flask) -> Callable[..., str]:
    """Makes a link for Jane; returns the path of its page."""

    def make(hours: int = 24) -> str:
        return f"/reset/{links.make_link(User.get(User.username == 'Jane'), hours, OPERATOR)}"

    return make


def recover(
    browser: Browser, code: str, name: str = "Jane", password: str = NEW_PASSWORD
) -> TestResponse:
    """Fill in the form for a code."""
    fields = {"username": name, "recovery_code": code, "new_password": password}
    return browser.submit("/recover", fields)


def reset(browser: Browser, path: str, password: str = NEW_PASSWORD) -> TestResponse:
    """Open a link and choose a password."""
    return browser.submit(path, {"new_password": password})


def filled_in(app: Flask, path: str, **fields: str) -> Callable[[], TestResponse]:
    """Open a page in a new browser and fill in its form; return what sends it."""
    browser = Browser(app)
    form = hidden_fields(page_form(browser.get(path).text, path)) | fields
    return lambda: browser.client.post(path, data=form)
