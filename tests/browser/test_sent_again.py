"""Two clicks, a lost answer and a reload, in Chromium and in Firefox: what has succeeded is never
denied.
"""

import socket
import threading
from collections.abc import Iterable
from typing import Any
from weakref import WeakSet

import pytest
from conftest import PASSWORD
from flask import Flask
from playwright.sync_api import Locator, Page, expect

from accounts import users
from accounts.actor import OPERATOR
from accounts.hashing import HashingThreads
from models import Session, User

from .firefox import Firefox
from .person import box, join

pytestmark = pytest.mark.browser
PATIENCE = 30  # seconds
ALL = 1_000


class Line:
    """What comes between the browser and the application: answers are lost. And hashes are slow."""

    def __init__(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        self.inner, app.wsgi_app = app.wsgi_app, self
        usual = HashingThreads.run

        def run(threads: HashingThreads, *args: Any) -> Any:
            self.wait_for_posts(self.held)
            return usual(threads, *args)

        monkeypatch.setattr(HashingThreads, "run", run)
        self.posts = 0
        self.lost = 0  # how many answers are yet to be lost
        self.held = 0  # how many POSTs must have come before anything is hashed
        self.known: WeakSet[socket.socket] = WeakSet()  # connections that have been used before
        self._come = threading.Condition()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Pass a request on."""
        connection = environ["werkzeug.socket"]
        is_new = connection not in self.known
        self.known.add(connection)
        if environ["REQUEST_METHOD"] != "POST":
            return self.inner(environ, start_response)
        if self.lost == 1 and is_new:  # let it come again, on a connection that was kept
            start_response("307", [("Location", environ["PATH_INFO"]), ("Content-Length", "0")])
            return []
        with self._come:
            self.posts += 1
            self._come.notify_all()
        answer = self.inner(environ, start_response)
        if self.lost:
            self.lost -= 1
            connection.shutdown(socket.SHUT_RDWR)
            raise ConnectionError
        return answer

    def wait_for_posts(self, number: int) -> None:
        """Wait until so many POSTs have come."""
        with self._come:
            assert self._come.wait_for(lambda: self.posts >= number, PATIENCE)


@pytest.fixture
def line(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(app, monkeypatch)


def fill_in(page: Page, path: str, **typed: str) -> None:
    page.goto(path)
    for label, text in typed.items():
        box(page, label.replace("_", " ")).fill(text)


FORMS = {
    "/signup": ("Sign up", {"Username": "Jane", "Password": PASSWORD}),
    "/login": ("Log in", {"Username": "Jane", "Password": PASSWORD}),
    "/profile/password": (
        "Change password", {"Current_password": PASSWORD, "New_password": "another horse"}
    ),
    "/profile/username": (
        "Change username", {"New_username": "Janet", "Current_password": PASSWORD}
    ),
    "/profile/delete": (
        "Delete my account for good", {"Type_your_username": "Jane", "Current_password": PASSWORD}
    ),
}  # fmt: skip


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> str:
    return request.param


def prepare(page: Page, path: str) -> str:
    """Fill in a form as Jane, and return the name of its button."""
    if path.startswith("/profile"):
        join(page)
    elif path == "/login":
        users.create_user("Jane", PASSWORD, OPERATOR)
    button, typed = FORMS[path]
    fill_in(page, path, **typed)
    return button


def expect_done(page: Page, path: str) -> None:
    """Expect what the form's first answer says."""
    expect(page).to_have_url("/" if path == "/profile/delete" else "/profile")
    text = page.get_by_role("main").inner_text()
    assert "nothing was done" not in text
    said = {"/profile/password": "has been changed", "/profile/username": "has been changed"}
    said["/profile/delete"] = "has been deleted"
    assert said.get(path, "") in text
    if path != "/profile/delete":
        page.goto("/profile/sessions")
        expect(page).to_have_url("/profile/sessions")
        assert (User.select().count(), Session.select().count()) == (1, 1)


def test_of_two_clicks_the_last_is_answered_as_the_first(
    new_page: Any, line: Line, form: str
) -> None:
    page = new_page(java_script_enabled=False)
    button = prepare(page, form)
    before = line.posts
    line.held = before + 2
    place = button_of(page, button).bounding_box()
    middle = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    for number in (1, 2):
        page.mouse.click(*middle)  # a locator's click would wait for the answer
        line.wait_for_posts(before + number)
    expect_done(page, form)
    assert line.posts == before + 2


def test_what_chromium_sends_again_by_itself_is_answered(
    new_page: Any, line: Line, form: str
) -> None:
    """It does so when a connection that it had kept is closed before anything came back, and not
    when the connection was new: so is one that it made because it was still loading the icon.
    """
    page = new_page(java_script_enabled=False)
    button = prepare(page, form)
    before, line.lost = line.posts, 1
    submit(page, button)
    expect_done(page, form)
    assert line.posts == before + 2


def button_of(page: Page, name: str) -> Locator:
    return page.get_by_role("main").get_by_role("button", name=name, exact=True)


def submit(page: Page, button: str) -> None:
    button_of(page, button).click(no_wait_after=True)


def test_after_a_lost_answer_a_reload_leads_on(new_page: Any, line: Line, form: str) -> None:
    page = new_page(java_script_enabled=False)
    button = prepare(page, form)
    line.lost = ALL
    with page.expect_event("requestfailed"):
        submit(page, button)
    page.wait_for_function("!document.querySelector('form')")  # Chromium's own page is there
    line.lost = 0
    page.watch.faults.clear()  # Chromium's own, of the lost answer
    page.reload()
    expect_done(page, form)


def test_after_a_lost_answer_another_try_in_place_leads_on(
    page: Page, line: Line, form: str
) -> None:
    button = prepare(page, form)
    line.lost = ALL
    submit(page, button)
    expect(page.get_by_role("alert")).to_contain_text("No answer came")
    line.lost = 0
    page.watch.faults.clear()  # Chromium's own, of the lost answer
    submit(page, button)
    expect_done(page, form)


@pytest.mark.parametrize("path", ["/signup", "/login"])
def test_firefox_may_send_a_form_twice(either_firefox: Firefox, line: Line, path: str) -> None:
    if path == "/login":
        users.create_user("Jane", PASSWORD, OPERATOR)
    typed = FORMS[path][1]
    either_firefox.open(path)
    for label, text in typed.items():
        either_firefox.fill(label, text)
    either_firefox.double_click(either_firefox.find("main button[type=submit]"))
    either_firefox.until(lambda: either_firefox.path == "/profile")
    assert "Jane" in either_firefox.text("main")
    assert (User.select().count(), Session.select().count()) == (1, 1)


def test_after_a_lost_answer_another_try_in_firefox_leads_on(firefox: Firefox, line: Line) -> None:
    firefox.open("/signup")
    for label, text in FORMS["/signup"][1].items():
        firefox.fill(label, text)
    line.lost = ALL
    firefox.click(firefox.find("main button[type=submit]"))
    firefox.until(lambda: "No answer came" in firefox.text("main"))
    line.lost = 0
    firefox.click(firefox.find("main button[type=submit]"))
    firefox.until(lambda: firefox.path == "/profile")
    assert (User.select().count(), Session.select().count()) == (1, 1)
