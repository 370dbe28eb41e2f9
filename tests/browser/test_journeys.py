"""The journeys of BEHAVIOUR, as users make them: with JavaScript and without."""

import re

import pytest
from conftest import PASSWORD
from playwright.sync_api import expect

from accounts import users
from accounts.actor import OPERATOR

from .person import alert, box, heading, join, log_in, log_out, press, send, sign_up, tab_to

pytestmark = pytest.mark.browser


def test_signing_up_out_and_in_again(either):
    sign_up(either)
    expect(either.get_by_role("main")).to_contain_text("Jane")
    log_out(either)
    expect(either).to_have_url("/")
    log_in(either)
    expect(either).to_have_url("/profile")
    expect(heading(either)).to_have_text("Your profile")
    expect(either).to_have_title("Your profile – Vestibule")


@pytest.mark.parametrize("username", ["Jane", "Nobody"])
def test_a_refused_log_in(either, username):
    users.create_user("Jane", PASSWORD, OPERATOR)
    log_in(either, username, "wrong horse")
    expect(alert(either)).to_contain_text("Incorrect username or password")
    expect(box(either, "Username")).to_have_value(username)
    expect(box(either, "Password")).to_have_value("")
    expect(box(either, "Password")).to_be_focused()
    expect(either).to_have_url("/login")
    box(either, "Username").fill("Jane")
    box(either, "Password").fill(PASSWORD)
    press(either, "Log in")
    expect(either).to_have_url("/profile")


def test_a_taken_name(either):
    users.create_user("Jane", PASSWORD, OPERATOR)
    send(either, "/signup", "Sign up", Username="JANE", Password=PASSWORD)
    expect(box(either, "Username")).to_have_accessible_description(re.compile("taken"))
    expect(box(either, "Username")).to_be_focused()
    expect(box(either, "Username")).to_have_value("JANE")
    expect(either).to_have_title("Error: Sign up – Vestibule")


@pytest.mark.parametrize(
    ("username", "password", "wrong"),
    [
        ("", "", ["Username", "Password"]),
        ("abc", PASSWORD, ["Username"]),
        ("Jane", "short", ["Password"]),
        ("a b c", PASSWORD, ["Username"]),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_the_first_one_is_focused(
    either, username, password, wrong
):
    send(either, "/signup", "Sign up", Username=username, Password=password)
    expect(alert(either)).to_contain_text("There is a problem")
    for label in ("Username", "Password"):
        invalid = "true" if label in wrong else None
        assert box(either, label).get_attribute("aria-invalid") == invalid
    expect(box(either, wrong[0])).to_be_focused()
    expect(box(either, "Username")).to_have_value(username)
    expect(alert(either).get_by_role("link")).to_have_count(len(wrong))
    alert(either).get_by_role("link").last.click()
    expect(either).to_have_url(re.compile(f"#{wrong[-1].lower()}$"))


def test_the_page_that_was_asked_for_is_remembered(either):
    users.create_user("Jane", PASSWORD, OPERATOR)
    either.goto("/profile?from=here")
    expect(either).to_have_url("/")
    expect(either.get_by_role("status")).to_contain_text("log in")
    log_in(either)
    expect(either).to_have_url("/profile?from=here")
    expect(either.get_by_role("status")).to_have_count(0)


def test_a_logged_in_visitor_has_no_use_for_log_in(either):
    join(either)
    for path in ("/login", "/signup"):
        either.goto(path)
        expect(either).to_have_url("/profile")


def test_two_tabs_of_one_browser(either):
    """Each tab learns what the other did when it makes a request; nothing breaks in between."""
    users.create_user("Jane", PASSWORD, OPERATOR)
    other = either.context.new_page()
    other.goto("/login")
    either.bring_to_front()  # or the browser delays it
    log_in(either)
    expect(either).to_have_url("/profile")
    other.bring_to_front()
    box(other, "Username").fill("Jane")
    box(other, "Password").fill(PASSWORD)
    press(other, "Log in")
    expect(other).to_have_url("/profile")
    log_out(other)
    either.bring_to_front()
    press(either, "Log out")
    expect(either).to_have_url("/")
    expect(either.get_by_role("status")).to_contain_text("nothing was done")


def test_a_password_of_255_emoji_is_pasted_whole(either):
    """Each is two UTF-16 units: a maxlength would cut one in half."""
    password = "🔑" * 255
    either.goto("/signup")
    box(either, "Username").fill(password)
    either.keyboard.press("Control+A")
    either.keyboard.press("Control+X")
    box(either, "Password").focus()
    either.keyboard.press("Control+V")
    expect(box(either, "Password")).to_have_value(password)
    box(either, "Username").fill("Jane")
    press(either, "Sign up")
    expect(either).to_have_url("/profile")
    log_out(either)
    log_in(either, "Jane", password)
    expect(either).to_have_url("/profile")


def test_everything_by_keyboard_alone(either):
    """From the top of the start page, with Tab, Enter and letters only."""
    either.goto("/")
    tab_to(either, "Skip to main content")
    either.keyboard.press("Enter")
    tab_to(either, "Sign up")
    either.keyboard.press("Enter")
    expect(heading(either)).to_have_text("Sign up")
    tab_to(either, "Username")
    either.keyboard.type("Jane")
    tab_to(either, "Password")
    either.keyboard.type(PASSWORD)
    either.keyboard.press("Enter")
    expect(either).to_have_url("/profile")
    either.goto("/")
    tab_to(either, "Log out")
    either.keyboard.press("Enter")
    expect(heading(either)).to_have_text("Come in")


def test_a_visit_by_phone(new_page):
    """With a thumb, on the narrowest phone: nothing lies beyond its edge."""
    page = new_page(viewport={"width": 320, "height": 568}, is_mobile=True, has_touch=True)
    page.goto("/")
    tap(page, "link", "Sign up", then="Sign up")
    box(page, "Username").fill("W" * 31)
    box(page, "Password").fill("short")
    tap(page, "button", "Sign up", then="Sign up")
    expect(alert(page)).to_be_visible()  # wait for the answer: it clears anything typed before
    expect(box(page, "Password")).to_be_in_viewport()
    box(page, "Password").fill(PASSWORD)
    tap(page, "button", "Sign up", then="Your profile")
    tap(page, "link", "Browsers", then="Browsers")
    tap(page, "link", "Your profile", then="Your profile")
    tap(page, "link", "Activity", then="Activity")
    page.get_by_role("navigation").get_by_role("button", name="Log out").tap()
    expect(heading(page)).to_have_text("Come in")


def tap(page, role, name, then):
    """Tap on something; the page that comes is not wider than the screen."""
    page.get_by_role("main").get_by_role(role, name=name).tap()
    expect(heading(page)).to_have_text(then)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("path", ["/signup", "/login"])
def test_a_form_whose_cookie_was_lost_comes_again_as_typed(either, path):
    users.create_user("Jane", PASSWORD, OPERATOR)
    name, button = ("Janet", "Sign up") if path == "/signup" else ("Jane", "Log in")
    either.goto(path)
    box(either, "Username").fill(name)
    box(either, "Password").fill(PASSWORD)
    either.context.clear_cookies()
    press(either, button)
    expect(alert(either)).to_be_visible()
    expect(box(either, "Username")).to_have_value(name)
    box(either, "Password").fill(PASSWORD)
    press(either, button)
    expect(either).to_have_url("/profile")
