"""The journeys from the profile page, as users make them: with JavaScript and without."""

import json
import re
from pathlib import Path

import pytest
from conftest import PASSWORD
from playwright.sync_api import expect

from accounts import users
from accounts.actor import OPERATOR
from models import Session, User

from .person import alert, box, heading, join, log_in, log_out, post, press, send, tab_to
from .states import BROWSERS, long_activity

pytestmark = pytest.mark.browser

NEW_PASSWORD = "battery staple"


@pytest.fixture
def member(either):
    """Jane, logged in."""
    join(either)
    return either


@pytest.fixture
def firefox(member, new_page):
    """Another browser in which Jane is logged in."""
    page = new_page(user_agent=BROWSERS[0])
    post(page.request, "/login", username="Jane", password=PASSWORD)
    return page


def message(page):
    """Return the message that is shown once, below the heading."""
    return page.locator(".notice[role]")  # not advice, which stays


def is_logged_in(page):
    return page.request.get("/profile").url.endswith("/profile")


def test_changing_the_password(member, firefox):
    """A typo first; then the other browser is logged out, and only the new password works."""
    typed = {"Current_password": "wrong horse", "New_password": NEW_PASSWORD}
    send(member, "/profile/password", "Change password", **typed)
    current = box(member, "Current password")
    expect(current).to_have_accessible_description(re.compile("not your current password"))
    expect(current).to_be_focused()
    expect(current).to_have_value("")
    current.fill(PASSWORD)
    box(member, "New password").fill(NEW_PASSWORD)
    press(member, "Change password")
    expect(message(member)).to_contain_text("password has been changed")
    expect(member).to_have_url("/profile")
    firefox.goto("/profile/sessions")
    expect(message(firefox).first).to_contain_text("because the password was changed")
    log_out(member)
    log_in(member)
    expect(alert(member)).to_contain_text("Incorrect")
    log_in(member, password=NEW_PASSWORD)
    expect(member).to_have_url("/profile")


def test_a_password_manager_finds_the_page_that_changes_passwords(either):
    users.create_user("Jane", PASSWORD, OPERATOR)
    either.goto("/.well-known/change-password")
    expect(message(either)).to_contain_text("log in")
    log_in(either)
    expect(either).to_have_url("/profile/password")
    expect(heading(either)).to_have_text("Change password")


def test_changing_the_username(member):
    users.create_user("Janet", PASSWORD, OPERATOR)
    typed = {"New_username": "JANET", "Current_password": PASSWORD}
    send(member, "/profile/username", "Change username", **typed)
    expect(box(member, "New username")).to_have_accessible_description(re.compile("taken"))
    expect(box(member, "New username")).to_be_focused()
    expect(box(member, "New username")).to_have_value("JANET")
    box(member, "New username").fill("JaneSmith")
    box(member, "Current password").fill(PASSWORD)
    press(member, "Change username")
    expect(message(member)).to_contain_text("username has been changed")
    expect(member.get_by_role("main")).to_contain_text("JaneSmith")
    log_out(member)
    log_in(member)
    expect(alert(member)).to_contain_text("Incorrect")
    log_in(member, "janesmith")
    expect(member).to_have_url("/profile")


def test_ending_one_session(member, firefox):
    member.goto("/profile/sessions")
    rows = member.locator(".entries > li")
    expect(rows.first).to_contain_text("this browser")
    expect(rows.last).to_contain_text("Firefox on Linux")
    member.get_by_role("button", name="Log out Firefox on Linux").click()
    expect(message(member)).to_contain_text("Firefox on Linux has been logged out")
    expect(member).to_have_url("/profile/sessions")
    expect(rows).to_have_count(1)
    expect(member.get_by_role("main")).to_contain_text("No other browser is logged in")
    firefox.goto("/")
    expect(message(firefox)).to_contain_text("ended from another device")
    firefox.reload()
    expect(message(firefox)).to_have_count(0)


def test_ending_every_other_session(member, firefox):
    post(firefox.request, "/logout")
    for _ in range(2):
        firefox.context.clear_cookies()
        post(firefox.request, "/login", username="Jane", password=PASSWORD)
    member.goto("/profile/sessions")
    press(member, "Log out all other browsers")
    expect(message(member)).to_contain_text("All other browsers have been logged out")
    assert Session.select().count() == 1
    assert is_logged_in(member)
    assert not is_logged_in(firefox)


def test_ending_ones_own_session_is_a_log_out(member):
    member.goto("/profile/sessions")
    member.get_by_role("main").get_by_role("button", name="Log out").click()
    expect(heading(member)).to_have_text("Come in")
    expect(message(member)).to_have_text("You are now logged out.")
    assert not is_logged_in(member)


def test_a_session_that_was_ended_meanwhile(member, firefox):
    """Its button leads to a page that says so, not to a crash."""
    member.goto("/profile/sessions")
    post(firefox.request, "/logout")
    member.get_by_role("button", name="Log out Firefox on Linux").click()
    expect(heading(member)).to_have_text("Page not found")
    member.get_by_role("link", name="Your profile").click()
    expect(heading(member)).to_have_text("Your profile")


def test_reading_what_happened_page_by_page(member):
    long_activity(member)
    expect(member).to_have_title("Activity, page 2 – Vestibule")
    main = member.get_by_role("main")
    items = member.locator(".day li")
    expect(items.last).to_contain_text("Account created")
    expect(main.get_by_role("link", name="Older")).to_have_count(0)
    expect(main.get_by_role("navigation", name="Pages")).to_contain_text("Page 2")
    main.get_by_role("link", name="Newer").click()
    expect(items).to_have_count(25)
    expect(items.first).to_contain_text("Logged in")
    main.get_by_role("link", name="Older").click()
    expect(member).to_have_url("/profile/activity?page=2")


def test_exporting_the_account(member):
    member.goto("/profile")
    links = member.get_by_role("main").get_by_role("link", name="Export your data")
    if not links.count():
        pytest.skip("this feature was taken out")
    with member.expect_download() as waiting:
        links.last.click()
    assert waiting.value.suggested_filename == "account.json"
    content = json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))
    assert content["user"]["username"] == "Jane"
    expect(heading(member)).to_have_text("Your profile")


def test_deleting_the_account(member, firefox):
    member.goto("/profile")
    member.get_by_role("link", name="Delete account").last.click()
    box(member, "Type your username").fill("Jane")
    box(member, "Current password").fill("wrong horse")
    press(member, "Delete my account for good")
    expect(box(member, "Current password")).to_have_attribute("aria-invalid", "true")
    box(member, "Type your username").fill("Janet")
    box(member, "Current password").fill(PASSWORD)
    if (button := member.get_by_role("button", name="Delete my account")).is_enabled():
        button.click()  # with JavaScript it cannot be pressed
        expect(box(member, "Type your username")).to_have_attribute("aria-invalid", "true")
        expect(box(member, "Type your username")).to_be_focused()
    assert User.select().count() == 1
    box(member, "Type your username").fill("Jane")
    box(member, "Current password").fill(PASSWORD)
    press(member, "Delete my account for good")
    expect(message(member)).to_contain_text("has been deleted")
    expect(heading(member)).to_have_text("Come in")
    assert User.select().count() == 0
    assert not is_logged_in(firefox)
    log_in(member)
    expect(alert(member)).to_contain_text("Incorrect")


def test_a_form_left_open_while_the_session_ends(member):
    """Nothing is done, and the page that follows says so."""
    member.goto("/profile/username")
    box(member, "New username").fill("JaneSmith")
    box(member, "Current password").fill(PASSWORD)
    Session.delete().execute()
    press(member, "Change username")
    expect(heading(member)).to_have_text("Log in to continue")
    expect(message(member).last).to_contain_text("nothing was done")
    assert User.get().username == "Jane"


def test_all_of_it_by_keyboard_alone(page):
    """From the profile to a new password: Tab, Enter and the letters."""
    join(page)
    page.goto("/profile")
    tab_to(page, "Change password")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Change password")
    tab_to(page, "Current password")
    page.keyboard.type(PASSWORD)
    tab_to(page, "Show current password")
    tab_to(page, "New password")
    page.keyboard.type("short")
    page.keyboard.press("Enter")
    expect(box(page, "New password")).to_have_attribute(
        "aria-invalid", "true"
    )  # the answer has arrived
    expect(box(page, "New password")).to_be_focused()
    page.keyboard.type(NEW_PASSWORD)
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    expect(box(page, "Current password")).to_be_focused()
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(message(page)).to_be_focused()
    tab_to(page, "Browsers")
    page.keyboard.press("Enter")
    tab_to(page, "Log out")
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Come in")
