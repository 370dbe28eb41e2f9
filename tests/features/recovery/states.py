"""The pages of recovery in each of their states, for tests/browser."""

from browser import person
from browser.states import at, logged_in, sent
from conftest import PASSWORD
from playwright.sync_api import Page, expect

TYPED = {"Username": "Nobody", "New_password": PASSWORD}


def codes_shown(page: Page) -> None:
    """Make a kit."""
    person.send(page, "/profile/recovery", "Show my codes", Current_password=PASSWORD)
    expect(page.locator(".codes li")).to_have_count(8)


def codes_left(page: Page) -> None:
    """Look at the page when there is a kit."""
    fields = {"current_password": PASSWORD}
    person.post(page.request, "/profile/recovery", **fields)
    page.goto("/profile/recovery")


STATES = {
    "recovery codes, none": logged_in("/profile/recovery"),
    "recovery codes, left": logged_in(codes_left),
    "recovery codes, shown": logged_in(codes_shown),
    "recovery codes, refused": logged_in(
        sent("/profile/recovery", "Show my codes", Current_password="wrong horse")
    ),
    "recovery codes, nothing typed": logged_in(sent("/profile/recovery", "Show my codes")),
    "recover": at("/recover"),
    "recover, nothing typed": sent("/recover", "Set new password"),
    "recover, mistyped": sent("/recover", "Set new password", Recovery_code="ABCD", **TYPED),
    "recover, refused": sent(
        "/recover", "Set new password", Recovery_code="0000-0000-0000-0000", **TYPED
    ),
    "reset, a link that does not work": at("/reset/unknown"),
}
