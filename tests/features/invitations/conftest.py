"""Vestibule with SIGNUP set as a test says, and invitations."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from conftest import PASSWORD, Browser, hidden_fields, page_form
from flask import Flask
from werkzeug.test import TestResponse

from accounts.actor import OPERATOR
from features.invitations.rules import create_invitation

FORM = {"username": "Jane", "password": PASSWORD}


@pytest.fixture
def signup(request: pytest.FixtureRequest, settings: dict[str, str]) -> str:
    """The value of SIGNUP, set before the application is made."""
    settings["SIGNUP"] = getattr(request, "param", "open")
    return settings["SIGNUP"]


@pytest.fixture
def app(signup: str, app: Flask) -> Flask:
    """The application, on these terms."""
    return app


@pytest.fixture
def invite(app: Flask) -> Callable[..., str]:
    """Makes an invitation; returns the path of its page."""

    def make(uses: int = 1, days: int = 7, label: str = "", admin: bool = False) -> str:
        return f"/invitation/{create_invitation(uses, days, label, admin, OPERATOR)[1]}"

    return make


def accept(browser: Browser, path: str, name: str = "Jane") -> TestResponse:
    """Sign up by invitation."""
    return browser.submit(path, {**FORM, "username": name})


def mode(*values: str) -> pytest.MarkDecorator:
    """Run a test with SIGNUP set to each of these."""
    return pytest.mark.parametrize("signup", values, indirect=True)


class Filled(NamedTuple):
    """A form that is filled in but not sent, and the cookies of its browser."""

    app: Flask
    path: str
    data: dict[str, str]
    cookies: dict[str, str]

    def send(self) -> tuple[Browser, TestResponse]:
        """Send it from a browser that has not seen any answer to it."""
        browser = Browser(self.app)
        for name, value in self.cookies.items():
            browser.client.set_cookie(name, value)
        return browser, browser.client.post(self.path, data=self.data)


def fill_in(app: Flask, path: str, name: str = "Jane") -> Filled:
    """Open a sign-up page in a new browser and fill in its form."""
    browser = Browser(app)
    form = page_form(browser.get(path).text, path)
    cookies = {"auth_session": browser.client.get_cookie("auth_session").value}
    return Filled(app, path, {**hidden_fields(form), **FORM, "username": name}, cookies)
