"""The notices in each of their states, for tests/browser."""

from browser import person
from browser.states import BROWSERS, LONG_NAME, logged_in
from conftest import PASSWORD
from playwright.sync_api import Page, expect


def happened(page: Page) -> None:
    """Let others fail and get in, and look at the profile."""
    for user_agent in BROWSERS:
        with person.elsewhere(page, user_agent=user_agent) as other:
            person.post(other, "/profile/password", current_password="wrong", new_password=PASSWORD)
    page.goto("/profile")
    expect(page.locator(".panel li")).to_have_count(3)


def caused(page: Page) -> None:
    """Change the name, and look at the profile."""
    fields = {"new_username": LONG_NAME, "current_password": PASSWORD}
    person.post(page.request, "/profile/username", **fields)
    page.goto("/profile")
    expect(person.box(page, "Current password")).to_be_visible()


def many(page: Page) -> None:
    """Change the name to and fro."""
    for number in range(21):
        fields = {"new_username": f"Jane_{number}", "current_password": PASSWORD}
        person.post(page.request, "/profile/username", **fields)
    page.goto("/profile")
    expect(page.locator(".panel")).to_contain_text("the first 20 of 21")


def refused(page: Page) -> None:
    """Acknowledge with a wrong password."""
    caused(page)
    person.box(page, "Current password").fill("wrong horse")
    person.press(page, "I have seen this")
    expect(person.alert(page)).to_be_visible()


def nothing_typed(page: Page) -> None:
    """Acknowledge without the password."""
    caused(page)
    person.press(page, "I have seen this")
    expect(person.alert(page)).to_be_visible()


def seen(page: Page) -> None:
    """Acknowledge what others did."""
    happened(page)
    person.press(page, "I have seen these")
    expect(page.get_by_role("status")).to_contain_text("not shown again")


def elsewhere(page: Page) -> None:
    """Look at another page while there are notices."""
    happened(page)
    page.goto("/")


STATES = {
    "profile, notices": logged_in(happened),
    "profile, notices, asks for the password": logged_in(caused),
    "profile, notices, many": logged_in(many),
    "profile, notices seen": logged_in(seen),
    "home, a mark": logged_in(elsewhere),
    "notices, wrong password": logged_in(refused),
    "notices, nothing typed": logged_in(nothing_typed),
}
