"""The way in and out, in Firefox: with JavaScript and without."""

import pytest
from conftest import PASSWORD

pytestmark = pytest.mark.browser


def send(firefox, path, button, then):
    """Open a page, fill in its form, submit it and see the page after it."""
    firefox.open(path)
    firefox.fill("Username", "Jane")
    firefox.fill("Password", PASSWORD)
    firefox.press(button)
    firefox.until(lambda: firefox.path == then)


def test_signing_up_out_and_in_again(either_firefox):
    send(either_firefox, "/signup", "Sign up", "/profile")
    assert "Jane" in either_firefox.text("main")
    assert "session" in "".join(either_firefox.cookies())
    either_firefox.press("Log out")
    either_firefox.until(lambda: either_firefox.text("h1") == "Come in")
    either_firefox.open("/profile")
    assert either_firefox.path == "/"
    send(either_firefox, "/login", "Log in", "/profile")
    assert either_firefox.title == "Your profile – Vestibule"


def test_each_test_begins_with_nothing(either_firefox):
    either_firefox.open("/")
    assert [name for name in either_firefox.cookies() if "known" in name] == []
    assert either_firefox.script("return history.length") <= 2
