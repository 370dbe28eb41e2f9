"""Catalogue B-055 to B-060: forms that this browser did not open here.

That a token from before log-in no longer works (B-057): test_login.py.
"""

import pytest
from conftest import SECRET_KEY, Browser, field, hidden_fields, page_form, page_text
from hostile import FORM, content, rows, typed

import migrations
from app import create_app

pytestmark = pytest.mark.usefixtures("steady")
FORMS = pytest.mark.parametrize("path", ["/signup", "/login"])
OTHER_KEY = "fedcba9876543210" * 4
TOKENS = [None, "", "x" * 22, "é\ufffd", "\0", "x" * 10_000, "another browser's"]


@FORMS
@pytest.mark.parametrize("token", TOKENS, ids=lambda token: ascii(token)[:20])
def test_b055_b056_b057_a_missing_made_up_or_foreign_token_brings_the_form_back(
    app, browser, path, token
):
    if token == "another browser's":
        token = typed(Browser(app), path)["csrf_token"]
    browser.get(path)
    page = browser.client.post(path, data=FORM | ({"csrf_token": token} if token else {}))
    assert page.status_code == 400
    assert "expired" in page_text(page.text)
    assert field(page.text, "username")["value"] == "Jane"
    assert rows() == (0, 0, 0)
    fresh = hidden_fields(page_form(page.text, path))
    again = browser.client.post(path, data=FORM | fresh)
    assert again.status_code == (302 if path == "/signup" else 400)
    assert "expired" not in page_text(again.text)


def test_b055_a_refused_token_is_written_to_the_log(browser, capsys):
    browser.client.post("/signup", data=FORM)
    assert '"event": "malicious_csrf"' in capsys.readouterr().err


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: ascii(token)[:20])
def test_b055_b056_b057_a_log_out_without_this_sessions_token_does_nothing(app, jane, token):
    if token == "another browser's":
        other = Browser(app)
        other.log_in("Jane")
        token = hidden_fields(page_form(other.get("/profile").text, "/logout"))["csrf_token"]
    assert jane.is_signed_in()
    before = content()
    assert (
        jane.client.post("/logout", data={"csrf_token": token} if token else {}).status_code == 400
    )
    assert content() == before
    assert jane.is_signed_in()


@FORMS
def test_b055_a_form_sent_by_a_browser_without_cookies_does_nothing(app, browser, path):
    page = app.test_client(use_cookies=False).post(path, data=typed(browser, path))
    assert page.status_code == 400
    assert rows() == (0, 0, 0)


def test_b058_a_token_that_is_too_old_brings_the_form_back_as_typed(app, browser, settings):
    """Tokens have no time limit of their own; each dies with the key that signed its cookie."""
    fields = typed(browser, "/signup")
    browser.client.application = create_app(settings | {"SECRET_KEY": OTHER_KEY})
    migrations.upgrade()
    page = browser.client.post("/signup", data=fields)
    assert page.status_code == 400
    assert "expired" in page_text(page.text)
    assert field(page.text, "username")["value"] == "Jane"
    again = FORM | hidden_fields(page_form(page.text, "/signup"))
    assert browser.client.post("/signup", data=again).status_code == 302


def test_b058_a_form_left_open_while_keys_are_rotated_goes_on_working(jane, settings):
    token = hidden_fields(page_form(jane.get("/profile").text, "/logout"))
    rotated = {"SECRET_KEY": OTHER_KEY, "SECRET_KEY_FALLBACKS": SECRET_KEY}
    jane.client.application = create_app(settings | rotated)
    assert jane.client.post("/logout", data=token).status_code == 302
    assert not jane.is_signed_in()


FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "CROSS-SITE"},
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost.evil.example"},
    {"Origin": "https://localhost"},
    {"Origin": "http://localhost:8080"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"},
]


@FORMS
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_b059_b060_a_form_sent_from_another_site_is_refused(browser, path, headers):
    answer = browser.client.post(path, data=typed(browser, path), headers=headers)
    assert answer.status_code == 403
    assert "another site" in page_text(answer.text)
    assert rows() == (0, 0, 0)


@FORMS
def test_b059_a_token_in_a_header_or_the_address_is_none(browser, path):
    token = typed(browser, path)["csrf_token"]
    address = f"{path}?csrf_token={token}"
    answer = browser.client.post(address, data=FORM, headers={"X-CSRFToken": token})
    assert answer.status_code == 400
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_b060_another_site_cannot_log_anyone_out(jane, headers):
    token = hidden_fields(page_form(jane.get("/profile").text, "/logout"))
    assert jane.client.post("/logout", data=token, headers=headers).status_code == 403
    assert jane.is_signed_in()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_b060_an_image_that_points_at_log_out_does_nothing(jane, method):
    answer = jane.client.open("/logout", method=method, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 405
    assert jane.is_signed_in()


def test_b060_every_cookie_stays_at_home_in_a_post_from_another_site(browser):
    cookies = browser.sign_up("Jane").headers.getlist("Set-Cookie")
    assert len(cookies) == 3
    assert all("SameSite=Lax" in cookie.split("; ") for cookie in cookies)
