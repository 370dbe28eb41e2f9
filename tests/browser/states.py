"""Every page in each of its states: the one table that the tests of pages and the screenshots go
through. A new page is a new line.
"""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from . import person

LONG_NAME = "W" * 31
RIGHT_TO_LEFT = "משתמשת"

State = Callable[[Page], object]


def at(path: str) -> State:
    """A page as a stranger finds it."""
    return lambda page: page.goto(path)


def sent(path: str, button: str, **typed: str) -> State:
    """What comes back when a stranger sends a form with something wrong."""

    def visit(page: Page) -> None:
        person.send(page, path, button, **typed)
        expect(person.alert(page)).to_be_visible()

    return visit


def signed_in(path: str, username: str = "Jane") -> State:
    """A page as a member finds it."""

    def visit(page: Page) -> None:
        person.sign_up(page, username)
        page.goto(path)

    return visit


def taken(page: Page) -> None:
    """Sign up with a name that somebody has."""
    person.sign_up(page)
    person.log_out(page)
    sent("/signup", "Sign up", Username="jane", Password=person.PASSWORD)(page)


STATES: dict[str, State] = {
    "home": at("/"),
    "home, asked to log in": at("/profile"),
    "home, signed in": signed_in("/"),
    "home, long name": signed_in("/", LONG_NAME),
    "sign-up": at("/signup"),
    "sign-up, nothing typed": sent("/signup", "Sign up"),
    "sign-up, all wrong": sent("/signup", "Sign up", Username="a b", Password="x" * 256),
    "sign-up, taken name": taken,
    "log-in": at("/login"),
    "log-in, nothing typed": sent("/login", "Log in"),
    "log-in, refused": sent("/login", "Log in", Username="Nobody", Password="wrong horse"),
    "profile": signed_in("/profile"),
    "profile, long name": signed_in("/profile", LONG_NAME),
    "profile, right to left": signed_in("/profile", RIGHT_TO_LEFT),
    "password": signed_in("/profile/password"),
    "username": signed_in("/profile/username", LONG_NAME),
    "sessions": signed_in("/profile/sessions"),
    "activity": signed_in("/profile/activity"),
    "delete": signed_in("/profile/delete", LONG_NAME),
    "not found": at("/nowhere"),
    "not found, signed in": signed_in("/nowhere"),
    "not allowed": at("/logout"),
}
