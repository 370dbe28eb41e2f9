"""POST /signup (BEHAVIOUR 2). What is refused: catalogue/."""

import unicodedata

import pytest
from conftest import PASSWORD, Browser, field, field_error, hidden_fields, page_form

from accounts import sessions
from app import create_app
from models import Key, Session, User

FORM = {"username": "Jane", "password": PASSWORD}


def rows():
    """Return how many users, keys and sessions there are."""
    return User.select().count(), Key.select().count(), Session.select().count()


def test_the_form_is_shown_to_a_stranger(browser):
    page = browser.get("/signup")
    assert page.status_code == 200
    assert page_form(page.text, "/signup")["method"] == "post"


def test_signing_up_makes_one_user_one_key_one_session_and_opens_the_profile(browser):
    answer = browser.sign_up("Jane")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")
    assert rows() == (1, 1, 1)
    assert browser.is_signed_in()
    key = Key.get()
    assert (key.provider, key.provider_user_id, key.user.username) == ("username", "jane", "Jane")


@pytest.mark.parametrize(
    "again",
    [
        "José",
        "JOSÉ",
        "josé",
        unicodedata.normalize("NFD", "José"),
        unicodedata.normalize("NFD", "JOSÉ"),
        "Ｊｏｓé",
    ],
)
def test_a_taken_name_is_taken_in_any_case_composition_and_full_width_spelling(app, browser, again):
    Browser(app).sign_up("José")
    page = browser.sign_up(again)
    assert page.status_code == 400
    assert "taken" in field_error(page.text, "username")
    assert field(page.text, "username")["value"] == again
    assert rows() == (1, 1, 1)
    assert not browser.is_signed_in()


def test_a_logged_in_visitor_is_sent_from_the_form_to_the_profile(jane):
    answer = jane.get("/signup")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")


def test_a_form_left_open_and_sent_by_a_logged_in_visitor_makes_nothing(app, browser):
    form = hidden_fields(page_form(browser.get("/signup").text, "/signup"))
    browser.sign_up("Jane")
    cookie = browser.client.get_cookie("auth_session")
    answer = browser.client.post("/signup", data=FORM | {"username": "Other"} | form)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")
    assert rows() == (1, 1, 1)
    assert browser.client.get_cookie("auth_session") == cookie


def test_the_password_stands_in_no_row_and_no_log_line(app, browser, caplog, tmp_path):
    secret = "a very rare pass phrase"
    with caplog.at_level("DEBUG"):
        browser.sign_up("abc", secret)
        browser.sign_up("Jane", secret)
        Browser(app).log_in("Jane", secret)
        Browser(app).log_in("Nobody", secret)
    assert secret not in caplog.text
    assert not [file for file in tmp_path.iterdir() if secret.encode() in file.read_bytes()]


def test_a_sign_up_that_crashes_half_way_leaves_no_row(browser, monkeypatch):
    monkeypatch.setattr(sessions, "create_session", lambda *_: 1 / 0)
    assert browser.sign_up("Jane").status_code == 500
    assert rows() == (0, 0, 0)


@pytest.fixture
def terms(app):
    """On which terms people sign up, for a feature to change."""
    return app.extensions["signup"]


def test_a_feature_shows_a_page_instead_of_the_form_and_refuses_one_from_before(browser, terms):
    token = hidden_fields(page_form(browser.get("/signup").text, "/signup"))
    terms.before = lambda: ("come back in spring", 403)
    assert browser.get("/signup").text == "come back in spring"
    assert browser.client.post("/signup", data=FORM | token).status_code == 403
    assert browser.client.post("/signup", data=FORM).status_code == 400  # an expired form
    assert rows() == (0, 0, 0)


def test_a_feature_says_something_above_the_form_also_when_it_comes_back(browser, terms):
    terms.before = lambda: {"note": "Members of the club only."}
    assert "Members of the club only." in browser.get("/signup").text
    answer = browser.sign_up("x")
    assert (answer.status_code, "Members of the club only." in answer.text) == (400, True)
    assert browser.sign_up("Jane").status_code == 302


def test_a_feature_decides_what_becomes_of_a_valid_form(browser, terms):
    terms.accept = lambda form: (f"thank you, {form.username.data}", 202)
    answer = browser.sign_up("Jane")
    assert (answer.status_code, answer.text, rows()) == (202, "thank you, Jane", (0, 0, 0))
    assert browser.sign_up("x").status_code == 400


def test_pages_link_to_sign_up_only_if_it_is_offered(browser, terms):
    pages = ("/", "/login", "/nowhere")
    assert all('href="/signup"' in browser.get(page).text for page in pages)
    terms.offered = False
    assert not any('href="/signup"' in browser.get(page).text for page in pages)
    assert 'href="/login"' in browser.get("/").text


def test_each_application_has_its_own_terms(app, terms, settings):
    terms.offered = False
    assert create_app(settings).extensions["signup"].offered
