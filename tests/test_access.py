"""Closed pages, the page that is remembered until after logging in, and local targets only."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from conftest import PASSWORD, Browser, soup

from accounts import users
from accounts.actor import OPERATOR
from models import Session, User

OPEN = {"/", "/signup", "/login", "/healthz", "/.well-known/change-password"}


@pytest.fixture
def account(app):
    """Jane has an account and is not logged in anywhere."""
    return users.create_user("Jane", PASSWORD, OPERATOR)


def addresses(app, method):
    """Return the paths of an application that accept a method, with their parameters filled in."""
    with app.test_request_context():
        return sorted(
            re.sub("<[^>]*>", "0" * 12, rule.rule)
            for rule in app.url_map.iter_rules()
            if method in rule.methods and rule.endpoint != "static"
            if not opened_by_a_feature(app.view_functions[rule.endpoint])
        )


def opened_by_a_feature(view):
    """Return whether this is a page of a feature, which has tests of its own, that is open."""
    return view.__module__.startswith("features.") and hasattr(view, "access")


def test_every_page_that_is_not_opened_by_name_sends_a_stranger_home(app):
    closed = [address for address in addresses(app, "GET") if address not in OPEN]
    assert "/profile" in closed
    for address in closed:
        answer = Browser(app).get(address)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/"), address


def test_every_action_that_is_not_opened_by_name_sends_a_stranger_home(app, account):
    closed = [address for address in addresses(app, "POST") if address not in OPEN]
    assert "/logout" in closed
    for address in closed:
        answer = Browser(app).client.post(address, data={"current_password": PASSWORD})
        assert (answer.status_code, answer.headers["Location"]) == (302, "/"), address
    assert User.select().count() == 1


def test_a_page_added_without_thinking_is_closed(app):
    app.add_url_rule("/added", view_func=lambda: "for members")
    assert Browser(app).get("/added").headers["Location"] == "/"


def test_a_stranger_sent_home_reads_once_that_it_is_necessary_to_log_in(browser):
    for _ in range(3):
        browser.get("/profile")
    [message] = soup(browser.get("/").text).find_all(role="status")
    assert "log in" in message.get_text()
    assert soup(browser.get("/").text).find(role="status") is None


def test_a_logged_in_visitor_opens_the_profile(jane):
    assert jane.get("/profile").status_code == 200


@pytest.mark.parametrize(
    "asked_for",
    [
        "/profile",
        "/profile?from=mail&page=2",
        "/profile?name=J%C3%A4ne%20S",
        "/profile?next=//evil.example/",
        "/profile?a=b%0D%0ASet-Cookie:%20x=y",
    ],
)
def test_after_logging_in_the_visitor_is_taken_to_the_page_they_had_asked_for(
    account, browser, asked_for
):
    browser.get(asked_for)
    answer = browser.log_in("Jane")
    assert answer.status_code == 302
    before, after = urlsplit(asked_for), urlsplit(answer.headers["Location"])
    assert (after.scheme, after.netloc, after.path) == ("", "", "/profile")
    assert parse_qsl(after.query) == parse_qsl(before.query)
    assert browser.get(answer.headers["Location"]).status_code == 200


def test_who_signs_up_instead_is_taken_to_the_page_they_had_asked_for(browser):
    browser.get("/profile/sessions?page=2")
    browser.sign_up("Jane", "short")
    assert browser.sign_up("Jane").headers["Location"] == "/profile/sessions?page=2"
    browser.log_out()
    assert browser.log_in("Jane").headers["Location"] == "/profile", "once"


def test_the_remembered_page_survives_a_wrong_password(account, browser):
    browser.get("/profile?from=mail")
    browser.log_in("Jane", "wrong horse")
    assert browser.log_in("Jane").headers["Location"] == "/profile?from=mail"


def test_the_remembered_page_is_used_once(account, browser):
    browser.get("/profile?from=mail")
    browser.log_in("Jane")
    browser.log_out()
    assert browser.log_in("Jane").headers["Location"] == "/profile"


@pytest.mark.parametrize(
    ("method", "address"),
    [("POST", "/logout"), ("OPTIONS", "/logout"), ("GET", "/nowhere"), ("GET", "/logout")],
)
def test_only_pages_that_can_be_opened_are_remembered(account, browser, method, address):
    """Logging in never leads to a page that answers 404 or 405."""
    browser.client.open(address, method=method)
    assert browser.log_in("Jane").headers["Location"] == "/profile"


def test_a_very_long_address_is_not_remembered(account, browser):
    answer = browser.get("/profile?" + "x" * 5000)
    assert len(answer.headers["Set-Cookie"]) < 2000
    assert browser.log_in("Jane").headers["Location"] == "/profile"


def test_the_session_id_of_the_database_opens_nothing(app, jane):
    """A copy of the database holds no token."""
    stolen = bytes(Session.get().id)
    for token in (stolen.hex(), Session.get().handle, stolen.hex()[:43]):
        thief = Browser(app)
        with thief.client.session_transaction() as session:
            session["token"] = token
        assert not thief.is_signed_in()


def test_a_page_with_an_unknown_access_kind_is_closed(app):
    def page():
        return "open"

    page.access = "admins"
    app.add_url_rule("/odd", view_func=page)
    browser = Browser(app)
    assert browser.get("/odd").status_code == 302
    browser.sign_up("Jane")
    assert browser.get("/odd").text == "open"
