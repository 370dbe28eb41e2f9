"""POST /signup (BEHAVIOUR 2). Cross-site posts, body types and sizes: test_guard.py."""

import threading
import unicodedata

import pytest
from conftest import PASSWORD, Browser, field, field_error, hidden_fields, page_form, page_text

from accounts import sessions
from models import Key, Session, User

LONG_NAME = "b" * 31
FORM = {"username": "Jane", "password": PASSWORD}


def rows():
    """How many users, keys and sessions there are."""
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
    ("username", "password"),
    [
        ("anna", PASSWORD),
        (LONG_NAME, PASSWORD),
        ("日本語名", PASSWORD),
        ("𠀀𠀁𠀂𠀃", PASSWORD),
        ("jane", "abcdef"),
        ("jane", "x" * 255),
        ("jane", "🐎" * 6),
        ("jane", "🐎" * 255),
        ("jane", " " * 6),
        ("jane", "nul\0nul"),
    ],
)
def test_names_of_4_to_31_and_passwords_of_6_to_255_code_points_are_taken(
    app, browser, username, password
):
    assert browser.sign_up(username, password).headers.get("Location") == "/profile"
    assert rows() == (1, 1, 1)
    assert Browser(app).log_in(username, password).headers.get("Location") == "/profile"


@pytest.mark.parametrize("username", ["", "a", "abc", "b" * 32, "b" * 5000, "日本語", "e\u0301bc"])
def test_a_username_that_is_missing_shorter_or_longer_is_refused_with_the_limits(browser, username):
    page = browser.sign_up(username)
    assert page.status_code == 400
    assert "4" in field_error(page.text, "username")
    assert "31" in field_error(page.text, "username")
    assert field_error(page.text, "password") == ""
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("password", ["", "abcde", "x" * 256, "x" * 5000, "🐎" * 5, "e\u0301" * 5])
def test_a_password_that_is_missing_shorter_or_longer_is_refused_with_the_limits(browser, password):
    page = browser.sign_up("Jane", password)
    assert page.status_code == 400
    assert "6" in field_error(page.text, "password")
    assert "255" in field_error(page.text, "password")
    assert field_error(page.text, "username") == ""
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("missing", ["username", "password"])
def test_a_field_that_is_not_sent_at_all_is_an_empty_one(browser, missing):
    page = browser.submit("/signup", {name: FORM[name] for name in FORM if name != missing})
    assert page.status_code == 400
    assert field_error(page.text, missing)


def test_both_wrong_gives_both_messages(browser):
    page = browser.sign_up("abc", "abc")
    assert page.status_code == 400
    assert field_error(page.text, "username")
    assert field_error(page.text, "password")
    assert rows() == (0, 0, 0)


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


@pytest.mark.parametrize(
    ("username", "wrong"),
    [
        ("jane smith", "spaces"),
        (" jane", "spaces"),
        ("jane ", "spaces"),
        ("\u3000jane", "spaces"),
        ("jane\0", "control"),
        ("ja\tne", "control"),
        ("ja\x7fne", "control"),
        ("ja\x85ne", "control"),
        ("ja\u200bne", "invisible"),
        ("ja\u00adne", "invisible"),
        ("ja\ufeffne", "invisible"),
        ("ja\u200dne", "invisible"),
        ("ja\u200cne", "invisible"),
        ("ja\u202ene", "invisible"),
        ("ja\u2066ne", "invisible"),
        ("abc\u05d0", "direction"),
        ("j\u0430ne", "script"),
        ("\u03bfscar", "script"),
        ("\u0301jane", "mark"),
        ("jane🐎", "emoji"),
    ],
    ids=ascii,
)
def test_a_name_with_a_space_control_invisible_bidi_or_look_alike_character_is_told_so(
    browser, username, wrong
):
    page = browser.sign_up(username)
    message = field_error(page.text, "username")
    assert page.status_code == 400
    assert "cannot" in message
    assert wrong in message
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("token", [None, "", "x" * 22, "é\ufffd", "foreign"])
def test_a_missing_foreign_or_expired_csrf_token_brings_the_form_back_as_typed(app, browser, token):
    if token == "foreign":
        token = hidden_fields(page_form(Browser(app).get("/signup").text, "/signup"))["csrf_token"]
    browser.get("/signup")
    page = browser.client.post("/signup", data=FORM | ({"csrf_token": token} if token else {}))
    assert page.status_code == 400
    assert "expired" in page_text(page.text)
    assert field(page.text, "username")["value"] == "Jane"
    assert rows() == (0, 0, 0)
    fresh = hidden_fields(page_form(page.text, "/signup"))
    assert browser.client.post("/signup", data=FORM | fresh).headers["Location"] == "/profile"


def test_a_form_sent_by_a_browser_without_cookies_does_nothing(app, browser):
    form = hidden_fields(page_form(browser.get("/signup").text, "/signup"))
    page = app.test_client(use_cookies=False).post("/signup", data=FORM | form)
    assert page.status_code == 400
    assert rows() == (0, 0, 0)


def test_of_eight_sign_ups_of_one_name_at_once_exactly_one_succeeds(app):
    browsers = [Browser(app) for _ in range(8)]
    forms = [hidden_fields(page_form(each.get("/signup").text, "/signup")) for each in browsers]
    start, answers = threading.Barrier(8), [None] * 8

    def sign_up(number):
        name = "JANE" if number % 2 else "jane"
        start.wait()
        answers[number] = browsers[number].client.post(
            "/signup", data=FORM | {"username": name} | forms[number]
        )

    threads = [threading.Thread(target=sign_up, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status_code for answer in answers) == [302] + [400] * 7
    refused = [answer for answer in answers if answer.status_code == 400]
    assert all("taken" in field_error(answer.text, "username") for answer in refused)
    assert rows() == (1, 1, 1)


def test_a_signed_in_visitor_is_sent_from_the_form_to_the_profile(jane):
    answer = jane.get("/signup")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/profile")


def test_a_form_left_open_and_sent_by_a_signed_in_visitor_makes_nothing(app, browser):
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
