"""What is refused before any view sees it: other sites, bodies, CSRF tokens."""

from io import BytesIO

import pytest
from conftest import (
    PASSWORD,
    SECRET_KEY,
    field,
    hidden_fields,
    page_form,
    page_text,
)

import migrations
from app import create_app
from models import Session, User

FORMS = pytest.mark.parametrize("path", ["/signup", "/login"])
FORM = {"username": "Jane", "password": PASSWORD}
OTHER_KEY = "fedcba9876543210" * 4


def typed(browser, path):
    """The fields of a form, filled in, its CSRF token included."""
    return FORM | hidden_fields(page_form(browser.get(path).text, path))


def nothing_done():
    return User.select().count() == Session.select().count() == 0


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
def test_a_form_sent_from_another_site_is_refused_and_nothing_done(browser, path, headers):
    answer = browser.client.post(path, data=typed(browser, path), headers=headers)
    assert answer.status_code == 403
    assert "another site" in page_text(answer.text)
    assert nothing_done()


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_another_site_cannot_log_anybody_out(jane, headers):
    token = hidden_fields(page_form(jane.get("/profile").text, "/logout"))
    assert jane.client.post("/logout", data=token, headers=headers).status_code == 403
    assert jane.is_signed_in()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://localhost"},
        {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"},
    ],
    ids=str,
)
def test_a_form_sent_from_this_site_is_taken(browser, headers):
    answer = browser.client.post("/signup", data=typed(browser, "/signup"), headers=headers)
    assert answer.headers.get("Location") == "/profile"


@pytest.mark.parametrize("path", ["/", "/login", "/profile"])
def test_a_link_from_another_site_is_followed(jane, path):
    answer = jane.get(path, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == (302 if path == "/login" else 200)


@FORMS
@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "text/plain",
        "application/xml",
        "application/octet-stream",
        "application/x-www-form-urlencoded-not",
        "nonsense",
        "",
    ],
)
def test_another_body_type_is_415(browser, path, kind):
    body = b'{"username": "Jane", "password": "correct horse"}'
    headers = {"Content-Type": kind} if kind else {}
    answer = browser.client.post(path, data=body, headers=headers)
    assert answer.status_code == 415
    assert nothing_done()


@FORMS
@pytest.mark.parametrize("name", ["username", "password", "csrf_token", "other"])
def test_a_file_part_is_415(browser, path, name):
    fields = typed(browser, path)
    fields[name] = (BytesIO(b"content"), "name.txt")
    assert browser.client.post(path, data=fields).status_code == 415
    assert nothing_done()


def test_a_multipart_form_without_files_is_a_form_like_any_other(browser):
    answer = browser.client.post(
        "/signup", data=typed(browser, "/signup"), content_type="multipart/form-data"
    )
    assert answer.headers["Location"] == "/profile"


@FORMS
@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data"])
@pytest.mark.parametrize("size", [20_000, 400_000])
def test_a_body_too_large_is_413(browser, path, kind, size):
    fields = typed(browser, path) | {"other": "x" * size}
    answer = browser.client.post(path, data=fields, content_type=kind)
    assert answer.status_code == 413
    assert nothing_done()


def test_a_multipart_form_of_very_many_parts_is_413(browser):
    fields = typed(browser, "/signup") | {f"field{number}": "" for number in range(100)}
    answer = browser.client.post("/signup", data=fields, content_type="multipart/form-data")
    assert answer.status_code == 413
    assert nothing_done()


@FORMS
@pytest.mark.parametrize("name", ["username", "password", "csrf_token", "other"])
def test_a_field_sent_twice_is_400_and_nothing_done(browser, path, name):
    fields = typed(browser, path)
    answer = browser.client.post(path, data=fields | {name: [fields.get(name, "x")] * 2})
    assert answer.status_code == 400
    assert "twice" in page_text(answer.text)
    assert nothing_done()


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"no boundary"),
        ("multipart/form-data; boundary=x", b"--x\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\n--x--"),
        ("multipart/form-data; boundary=" + "x" * 300, b"--x--"),
        ("application/x-www-form-urlencoded", b"%ff%fe=%00&&==&username=%ed%a0%80"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"username=Jane"),
        ("application/x-www-form-urlencoded; charset=nonsense", b"username=Jane"),
    ],
)
def test_a_damaged_body_is_400_or_413_and_never_a_500(browser, kind, body):
    answer = browser.client.post("/signup", data=body, content_type=kind)
    assert answer.status_code in (400, 413)
    assert nothing_done()


def test_the_query_string_fills_in_no_field(browser):
    """A link must not bring a password into the address, the history and the log."""
    page = browser.get("/login?username=Jane&password=secret")
    assert field(page.text, "username").get("value") is None
    token = hidden_fields(page_form(page.text, "/login"))
    answer = browser.client.post("/signup?username=Jane&password=correct+horse", data=token)
    assert answer.status_code == 400
    assert nothing_done()


def test_a_token_in_a_header_or_the_address_is_not_one(browser):
    token = hidden_fields(page_form(browser.get("/signup").text, "/signup"))["csrf_token"]
    answer = browser.client.post(
        f"/signup?csrf_token={token}", data=FORM, headers={"X-CSRFToken": token}
    )
    assert answer.status_code == 400
    assert nothing_done()


def test_after_a_change_of_the_key_a_form_is_shown_once_more_as_typed(app, browser, settings):
    fields = typed(browser, "/signup")
    browser.client.application = create_app(settings | {"SECRET_KEY": OTHER_KEY})
    migrations.upgrade()
    page = browser.client.post("/signup", data=fields)
    assert page.status_code == 400
    assert field(page.text, "username")["value"] == "Jane"
    again = FORM | hidden_fields(page_form(page.text, "/signup"))
    assert browser.client.post("/signup", data=again).status_code == 302


def test_while_keys_are_rotated_old_cookies_and_forms_go_on_working(jane, settings):
    token = hidden_fields(page_form(jane.get("/profile").text, "/logout"))
    rotated = {"SECRET_KEY": OTHER_KEY, "SECRET_KEY_FALLBACKS": SECRET_KEY}
    jane.client.application = create_app(settings | rotated)
    assert jane.is_signed_in()
    assert jane.client.post("/logout", data=token).status_code == 302
    assert not jane.is_signed_in()
