"""Browsers that keep no cookies, and two installations that share one host's."""

import pytest
from conftest import PASSWORD, Browser, field, hidden_fields, page_form, page_text

from accounts import users
from accounts.actor import OPERATOR
from app import create_app
from models import Session, User

OTHER_KEY = "another key that nobody can guess 0123456789"
FORMS = ("/login", "/signup")


def post_without_cookies(app, path, **headers):
    client = app.test_client(use_cookies=False)
    fields = hidden_fields(page_form(client.get(path).text, path))
    data = {**fields, "username": "Jane", "password": PASSWORD}
    return client.post(path, data=data, headers=headers)


@pytest.mark.parametrize("path", FORMS)
def test_who_sends_no_cookie_reads_that_cookies_are_blocked(app, path):
    for _ in range(2):
        answer = post_without_cookies(app, path)
        assert answer.status_code == 400
        assert "Cookies are blocked" in page_text(answer.text)
        assert "Allow cookies for this site" in page_text(answer.text)
        assert "expired" not in page_text(answer.text)
        assert field(answer.text, "username")["value"] == "Jane"
        assert PASSWORD not in answer.text
    assert User.select().count() == 0


@pytest.mark.parametrize("path", FORMS)
def test_who_sends_others_cookies_alone_reads_what_to_do(app, path):
    """Of an application at another port, say, while ours is refused."""
    answer = post_without_cookies(app, path, Cookie="other=1")
    assert answer.status_code == 400
    assert "This form expired" in page_text(answer.text)
    assert "delete this site's cookies and allow new ones" in page_text(answer.text)


def test_a_form_that_expired_says_no_more_than_that(app, browser):
    fields = {"username": "Jane", "password": PASSWORD, "csrf_token": "old"}
    browser.get("/login")
    text = page_text(browser.client.post("/login", data=fields).text)
    assert "This form expired. Please submit it again." in text
    assert "cookies" not in text


@pytest.fixture
def two(settings, tmp_path, request):
    """Two installations that one browser goes to: name, settings."""
    request.getfixturevalue("app")
    return {**settings, "SECRET_KEY": OTHER_KEY, "SESSION_COOKIE_NAME": "auth_session_two"}


def test_two_installations_of_two_names_log_nobody_out(app, two):
    jane = Browser(app)
    jane.sign_up("Jane")
    other = Browser(create_app(two))  # here the second one has the same database
    other.client._cookies = jane.client._cookies  # and one browser goes to both
    assert not other.is_signed_in()
    other.log_in("Jane")
    assert {name for _, _, name in jane.client._cookies} == {
        *("auth_session", "known_browser", "newest_session"),
        *("auth_session_two", "known_browser_two", "newest_session_two"),
    }
    assert jane.is_signed_in()
    assert other.is_signed_in()
    assert jane.log_out().status_code == 302
    assert other.is_signed_in()
    assert not jane.is_signed_in()
    assert Session.select().count() == 1


@pytest.mark.parametrize("name", ["shop", "known_browser", "newest_session", "auth_sessio"])
def test_a_name_of_another_kind_is_the_ending_of_the_others(app, two, name):
    browser = Browser(create_app({**two, "SESSION_COOKIE_NAME": name}))
    browser.sign_up("Jane")
    found = {key for _, _, key in browser.client._cookies}
    assert found == {name, f"known_browser_{name}", f"newest_session_{name}"}
    assert browser.is_signed_in()
    assert browser.log_out().status_code == 302
    assert not browser.is_signed_in()


def test_over_https_the_prefix_comes_before_the_name(two):
    url = "https://accounts.example.org"
    client = create_app({**two, "PUBLIC_URL": url}).test_client()
    answer = client.get("/login", base_url=url)
    assert answer.headers["Set-Cookie"].startswith("__Host-auth_session_two=")


@pytest.mark.parametrize("path", FORMS)
def test_a_cookie_of_another_installation_costs_one_more_try_at_most(app, two, path):
    """Both have the same name: the form is refused once, and then it works."""
    users.create_user("Jane", PASSWORD, OPERATOR)
    here, there = Browser(app), Browser(create_app({**two, "SESSION_COOKIE_NAME": ""}))
    there.client._cookies = here.client._cookies
    fields = hidden_fields(page_form(here.get(path).text, path))
    there.get(path)
    data = {"username": "Jane" if path == "/login" else "Janet", "password": PASSWORD}
    answer = here.client.post(path, data={**fields, **data})
    assert (answer.status_code, "This form expired" in answer.text) == (400, True)
    again = {**hidden_fields(page_form(answer.text, path)), **data}
    assert here.client.post(path, data=again).status_code == 302
    assert here.is_signed_in()


def test_of_the_plain_and_the_prefixed_cookie_only_our_own_counts(app, jane):
    value = jane.client.get_cookie("auth_session").value
    client = app.test_client(use_cookies=False)
    for header, status in [
        (f"__Host-auth_session=x; auth_session={value}", 200),
        (f"__Host-auth_session={value}; auth_session=x", 302),
        (f"auth_session_two={value}", 302),
        (f"auth_session={value}; auth_session=x", 200),
    ]:
        assert client.get("/profile", headers={"Cookie": header}).status_code == status, header
