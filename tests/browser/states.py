"""Every page in each of its states: one table for the tests of pages and for the screenshots. A new
page is a new line; a feature has a table of its own, tests/features/NAME/states.py.
"""

import runpy
from collections.abc import Callable
from pathlib import Path

from conftest import PASSWORD
from playwright.sync_api import Page, expect

from . import person

LONG_NAME = "W" * 31
RIGHT_TO_LEFT = "משתמשת"
COMMON_PASSWORD = "password"
BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
)

State = Callable[[Page], object]


def at(path: str) -> State:
    """Return a page as a stranger sees it."""
    return lambda page: page.goto(path)


def sent(path: str, button: str, **typed: str) -> State:
    """Return the page that comes back when a form is submitted with an error."""

    def visit(page: Page) -> None:
        person.send(page, path, button, **typed)
        expect(person.alert(page)).to_be_visible()

    return visit


def logged_in(then: str | State, username: str = "Jane", password: str = PASSWORD) -> State:
    """Return a page, or the answer to a form, as a logged-in user sees it."""

    def visit(page: Page) -> None:
        person.join(page, username, password)
        (at(then) if isinstance(then, str) else then)(page)

    return visit


def taken(page: Page) -> None:
    """Sign up with a name that is taken."""
    person.join(page)
    page.context.clear_cookies()
    sent("/signup", "Sign up", Username="jane", Password=PASSWORD)(page)


def failed_before(page: Page) -> None:
    """Log in after another person tried."""
    person.join(page)
    page.context.clear_cookies()
    person.post(page.request, "/login", username="Jane", password="wrong horse")
    person.log_in(page)
    page.wait_for_url("/profile")


def told(path: str, button: str, **typed: str) -> State:
    """Return the page that says that a form has done what it is for."""

    def visit(page: Page) -> None:
        person.send(page, path, button, **typed)
        expect(page.get_by_role("status")).to_be_visible()

    return visit


def without_cookies(page: Page) -> None:
    """Submit a form from a browser that kept no cookie."""
    page.goto("/login")
    person.box(page, "Username").fill("Jane")
    person.box(page, "Password").fill(PASSWORD)
    page.context.clear_cookies()
    person.press(page, "Log in")
    expect(person.alert(page)).to_contain_text("Cookies are blocked")


def logged_out_elsewhere(page: Page) -> None:
    """Come back to a browser that was logged in until the password was changed."""
    person.join(page)
    fields = {"current_password": PASSWORD, "new_password": f"{PASSWORD} battery"}
    with person.elsewhere(page) as other:
        person.post(other, "/profile/password", **fields)
    page.goto("/profile")


def several_sessions(page: Page) -> None:
    """Look at the sessions when there are three."""
    for user_agent in BROWSERS:
        with person.elsewhere(page, user_agent=user_agent):
            pass
    page.goto("/profile/sessions")


def many_sessions(page: Page) -> None:
    """Look at the sessions when there are more than fit a page."""
    for number in range(24):
        with person.elsewhere(page, user_agent=BROWSERS[number % len(BROWSERS)]):
            pass
    page.goto("/profile/sessions")


def opened(path: str) -> State:
    """Return a page with its details open."""

    def visit(page: Page) -> None:
        page.goto(path)
        page.locator("summary").first.click()

    return visit


def ended(button: str) -> State:
    """Return the sessions after a button has ended one or more."""

    def visit(page: Page) -> None:
        several_sessions(page)
        page.get_by_role("button", name=button).click()
        expect(page.get_by_role("status")).to_be_visible()

    return visit


def long_activity(page: Page) -> None:
    """Look at the second page of the activity."""
    with person.elsewhere(page) as other:
        for _ in range(12):
            person.post(other, "/logout")
            person.post(other, "/login", username="Jane", password=PASSWORD)
    page.goto("/profile/activity?page=2")


STATES: dict[str, State] = {
    "home": at("/"),
    "home, asked to log in": at("/profile"),
    "home, logged out elsewhere": logged_out_elsewhere,
    "home, just logged out": logged_in(told("/profile", "Log out")),
    "home, account deleted": logged_in(
        told(
            "/profile/delete",
            "Delete my account for good",
            Type_your_username="Jane",
            Current_password=PASSWORD,
        )
    ),
    "home, logged in": logged_in("/"),
    "home, long name": logged_in("/", LONG_NAME),
    "sign-up": at("/signup"),
    "sign-up, nothing typed": sent("/signup", "Sign up"),
    "sign-up, all wrong": sent("/signup", "Sign up", Username="a b", Password="x" * 256),
    "sign-up, taken name": taken,
    "log-in": at("/login"),
    "log-in, nothing typed": sent("/login", "Log in"),
    "log-in, without cookies": without_cookies,
    "log-in, refused": sent("/login", "Log in", Username="Nobody", Password="wrong horse"),
    "profile": logged_in("/profile"),
    "profile, just signed up": person.sign_up,
    "profile, details": logged_in(opened("/profile")),
    "profile, long name": logged_in("/profile", LONG_NAME),
    "profile, right to left": logged_in("/profile", RIGHT_TO_LEFT),
    "profile, common password": logged_in("/profile", password=COMMON_PASSWORD),
    "profile, password changed": logged_in(
        told(
            "/profile/password",
            "Change password",
            Current_password=PASSWORD,
            New_password=f"{PASSWORD} battery",
        )
    ),
    "profile, username changed": logged_in(
        told(
            "/profile/username",
            "Change username",
            New_username=LONG_NAME,
            Current_password=PASSWORD,
        )
    ),
    "profile, failed log-ins before": failed_before,
    "password": logged_in("/profile/password"),
    "password, nothing typed": logged_in(sent("/profile/password", "Change password")),
    "password, refused": logged_in(
        sent(
            "/profile/password",
            "Change password",
            Current_password="wrong horse",
            New_password=PASSWORD,
        )
    ),
    "username": logged_in("/profile/username", LONG_NAME),
    "username, all wrong": logged_in(
        sent("/profile/username", "Change username", New_username="a b"), RIGHT_TO_LEFT
    ),
    "sessions": logged_in("/profile/sessions"),
    "sessions, several": logged_in(several_sessions),
    "sessions, two pages": logged_in(many_sessions),
    "sessions, one ended": logged_in(ended("Log out Firefox")),
    "sessions, all others ended": logged_in(ended("Log out all other browsers")),
    "activity": logged_in("/profile/activity", LONG_NAME),
    "activity, second page": logged_in(long_activity),
    "activity, past the end": logged_in("/profile/activity?page=9"),
    "delete": logged_in("/profile/delete", LONG_NAME),
    "delete, no password": logged_in(
        sent("/profile/delete", "Delete my account for good", Type_your_username="Jane")
    ),
    "delete, refused": logged_in(
        sent(
            "/profile/delete",
            "Delete my account for good",
            Type_your_username="Jane",
            Current_password="wrong horse",
        )
    ),
    "not found": at("/nowhere"),
    "not found, logged in": logged_in("/nowhere"),
    "not allowed": at("/logout"),
}
for file in sorted(Path(__file__).parents[1].glob("features/*/states.py")):
    STATES |= runpy.run_path(str(file))["STATES"]
