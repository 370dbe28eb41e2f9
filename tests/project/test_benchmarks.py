"""bin/bench compares like with like: the other applications send the page that Vestibule sends."""

import re

import pytest
from conftest import Browser
from flask import Flask

from benchmarks.peers import bare

# What differs between visitors, and with the content of a static file.
VALUES = re.compile(
    '(?<=name="csrf_token" value=")[^"]*'
    '|(?<=<bdi>)[^<]*|(?<=dir="auto">)[^<]*|'
    "(?<=<code>)[^<]*|<time .*?</time>"
    r"|(?<=\?v=)[0-9a-f]*"
)


def shape(html: str) -> list[str]:
    """Return the page piece by piece, ignoring whitespace around its tags."""
    return re.sub(r"\s*([<>])\s*", r" \1 ", VALUES.sub("…", html)).split()


@pytest.fixture
def settings(settings: dict[str, str]) -> dict[str, str]:
    """Set the name that the other applications show, whatever the default is."""
    return {**settings, "SITE_NAME": "Vestibule"}


@pytest.mark.parametrize("path", ["/profile", "/login"])
def test_the_bare_page_is_ours_with_other_values(app: Flask, path: str) -> None:
    browser = Browser(app)
    if path == "/profile":
        browser.sign_up("Jane")
        browser.get("/")  # which shows the message of the sign-up
    ours = browser.get(path).text
    assert shape(bare.create_app().test_client().get(path).text) == shape(ours)
