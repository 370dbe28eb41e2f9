"""What a person sees of notices, and says to have seen."""

import pytest
from conftest import Browser, hidden_fields, page_form, soup
from flask import Flask
from werkzeug.test import TestResponse

from models import User

PATH = "/profile/notices"


@pytest.fixture
def older(app: Flask, jane: Browser) -> Browser:
    """Another browser in which Jane logged in before; what it has told of that is acknowledged."""
    phone = Browser(app)
    phone.log_in("Jane")
    assert acknowledge(jane).status_code == 302
    assert told(phone) == []
    return phone


def told(browser: Browser) -> list[str]:
    """Return what happened, as the profile says it."""
    items = soup(browser.get("/profile").text).select(".panel li strong")
    return [item.get_text(strip=True) for item in items]


def mark(browser: Browser, path: str = "/") -> str:
    """Return the mark in the navigation of a page, "" if there is none."""
    found = soup(browser.get(path).text).select_one(".top a[href='/profile'] .badge")
    return found.get_text(strip=False) if found else ""


def fields_of(browser: Browser) -> dict[str, str]:
    """Open the profile; return the hidden fields of the form for its notices."""
    return hidden_fields(page_form(browser.get("/profile").text, PATH))


def acknowledge(browser: Browser, password: str = "", **fields: str) -> TestResponse:
    """Press the button below the notices."""
    typed = {"current_password": password} if password else {}
    return browser.client.post(PATH, data={**fields_of(browser), **typed, **fields})


def post(browser: Browser, **fields: str) -> TestResponse:
    """Send the form even where the profile does not show it."""
    form = hidden_fields(page_form(browser.get("/profile").text, "/logout"))
    return browser.client.post(PATH, data={**form, **fields})


def fail(app: Flask, times: int = 1) -> None:
    """Let strangers guess at Jane's password."""
    for number in range(times):
        Browser(app).log_in("Jane", f"wrong horse {number}")


def counted() -> int:
    """Return how many notices Jane's row says that there are."""
    return User.get().notices
