"""What bin/bench compares is the same thing: the other applications send the page as it is."""

import re

import pytest
from conftest import Browser
from flask import Flask

from benchmarks.peers import bare

# What differs from visitor to visitor, and with the content of a static file.
VALUES = re.compile(
    '(?<=name="csrf_token" value=")[^"]*'
    "|(?<=<bdi>)[^<]*|(?<=<code>)[^<]*|<time .*?</time>"
    r"|(?<=\?v=)[0-9a-f]*"
)


def shape(html: str) -> list[str]:
    return VALUES.sub("…", html).split()


@pytest.mark.parametrize("path", ["/profile", "/login"])
def test_the_bare_page_is_ours_with_other_values(app: Flask, path: str) -> None:
    browser = Browser(app)
    if path == "/profile":
        browser.sign_up("Jane")
    ours = browser.get(path).text
    assert shape(bare.create_app().test_client().get(path).text) == shape(ours)
