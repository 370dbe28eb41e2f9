"""The pages of this feature in a real browser, as tests/browser has those of the hall."""

from collections.abc import Callable
from typing import Any

import pytest
from browser import person
from browser.conftest import new_page, page, real_browser, site
from browser.states import at, logged_in, sent
from browser.test_pages import test_a_state_is_accessible_in_both_schemes_and_fits_a_phone as check
from conftest import PASSWORD
from flask import Flask
from playwright.sync_api import Page, expect

from accounts.actor import OPERATOR
from features.invitations import settings as feature
from features.invitations.models import Invitation
from features.invitations.pages import set_terms
from features.invitations.rules import create_invitation
from features.invitations.waiting import approve_user
from models import User

from .conftest import mode

pytestmark = pytest.mark.browser
State = Callable[[Page], Any]


def path() -> str:
    return f"/invitation/{create_invitation(1, 7, '', False, OPERATOR)[1]}"


def invited(page: Page) -> None:
    """Open an invitation."""
    page.goto(path())


def invited_and_nothing_typed(page: Page) -> None:
    """Send its form empty."""
    sent(path(), "Sign up")(page)


def invited_and_in(page: Page) -> None:
    """Sign up by invitation."""
    person.send(page, path(), "Sign up", Username="Jane", Password=PASSWORD)
    page.wait_for_url("/profile")


def too_late(page: Page) -> None:
    """Send the form of an invitation that was used up meanwhile."""
    page.goto(path())
    Invitation.update(uses_left=0).execute()
    person.box(page, "Username").fill("Jane")
    person.box(page, "Password").fill(PASSWORD)
    person.press(page, "Sign up")
    expect(page.locator("h1")).to_have_text("Page not found")


def waiting(page: Page) -> None:
    """Sign up where accounts wait for approval."""
    person.send(page, "/signup", "Sign up", Username="Jane", Password=PASSWORD)
    expect(page.get_by_role("status")).to_contain_text("has to approve your account")


def waiting_in_vain(page: Page) -> None:
    """Log in before that."""
    waiting(page)
    person.log_in(page)
    expect(person.alert(page)).to_contain_text("waiting for approval")


def approved(page: Page) -> None:
    """Look at the activity afterwards."""
    waiting(page)
    approve_user(User.get(), OPERATOR)
    person.log_in(page)
    page.wait_for_url("/profile")
    page.goto("/profile/activity")


STATES: dict[str, tuple[str, State]] = {
    "sign-up, to be approved": ("approval", at("/signup")),
    "sign-up, to be approved, nothing typed": ("approval", sent("/signup", "Sign up")),
    "home, waiting": ("approval", waiting),
    "log-in, waiting": ("approval", waiting_in_vain),
    "activity, approved": ("approval", approved),
    "home, by invitation": ("invite", at("/")),
    "home, sent away, by invitation": ("invite", at("/profile")),
    "log-in, by invitation": ("invite", at("/login")),
    "sign-up, by invitation": ("invite", at("/signup")),
    "sign-up, closed": ("closed", at("/signup")),
    "invitation": ("invite", invited),
    "invitation, nothing typed": ("invite", invited_and_nothing_typed),
    "profile, invited": ("invite", invited_and_in),
    "invitation, unknown": ("invite", at("/invitation/unknown")),
    "invitation, too late": ("invite", too_late),
}
EVERY = [pytest.param(terms, state, id=name) for name, (terms, state) in STATES.items()]


@pytest.mark.parametrize(("signup", "state"), EVERY, indirect=["signup"])
def test_a_state_is_accessible_in_both_schemes_and_fits_a_phone(
    signup: str, page: Page, state: State
) -> None:
    page.set_viewport_size({"width": 1280, "height": 800})
    state(page)
    expect(page.locator("h1")).to_have_count(1)
    check(page)


@mode("open")
@pytest.mark.parametrize("later", ["invite", "closed"])
def test_a_form_from_before_sign_up_was_closed_is_refused_in_place(
    app: Flask, page: Page, monkeypatch: pytest.MonkeyPatch, later: str
) -> None:
    page.goto("/signup")
    person.box(page, "Username").fill("Jane")
    person.box(page, "Password").fill(PASSWORD)
    monkeypatch.setattr(feature, "SIGNUP", later)
    set_terms(app)
    person.press(page, "Sign up")
    expect(person.alert(page)).to_have_text("No account was created.")
    expect(page.get_by_label("Username")).to_have_count(0)
    check(page)
