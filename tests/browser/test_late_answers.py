"""A slow page of another tab, begun with the old cookie, answers when there is a new one."""

import threading

import pytest
from conftest import PASSWORD
from flask import session
from playwright.sync_api import expect

from accounts import users
from accounts.actor import OPERATOR
from web.current_session import allow_anonymous

from .person import heading, join, log_in, send

pytestmark = pytest.mark.browser
GO = "setTimeout(() => { location = '/slow'; })"


@pytest.fixture
def slow(app):
    """A page, /slow, that says when it has begun, waits until it may go on, and sends a cookie."""
    begun, go_on = threading.Event(), threading.Event()

    def show():
        begun.set()
        go_on.wait(60)
        session.modified = True
        return "<!doctype html><link rel=icon href=/static/favicon.svg><h1>Slow</h1>"

    app.add_url_rule("/slow", "slow", allow_anonymous(show))
    users.create_user("Jane", PASSWORD, OPERATOR)
    yield begun, go_on
    go_on.set()


@pytest.mark.parametrize("way", ["log in", "new password"])
def test_in_chromium_nobody_is_logged_out(page, slow, way):
    begun, go_on = slow
    if way == "new password":
        join(page, "Janet")
    page.goto("/login")  # who is not logged in gets a cookie too
    other = page.context.new_page()
    other.goto("/")
    other.evaluate(GO)
    assert begun.wait(60)
    if way == "log in":
        log_in(page)
    else:
        typed = {"Current_password": PASSWORD, "New_password": "another horse"}
        send(page, "/profile/password", "Change password", **typed)
    page.wait_for_url("/profile")
    go_on.set()
    expect(heading(other)).to_have_text("Slow")
    page.reload()
    expect(page).to_have_url("/profile")


def test_in_firefox_nobody_is_logged_out(firefox, slow):
    begun, go_on = slow
    firefox.open("/login")
    tab, other = firefox.tab, firefox.new_tab()
    firefox.open("/")
    firefox.script(GO)
    assert begun.wait(60)
    firefox.show(tab)
    firefox.fill("Username", "Jane")
    firefox.fill("Password", PASSWORD)
    firefox.press("Log in")
    firefox.until(lambda: firefox.path == "/profile")
    go_on.set()
    firefox.show(other)
    firefox.until(lambda: firefox.text("h1") == "Slow")
    firefox.open("/profile")
    assert firefox.path == "/profile"
