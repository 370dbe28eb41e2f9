"""Catalogue B-001 to B-015: text that is empty, too long, damaged or expensive.

B-012 (no maxlength) also: test_markup.py. B-015: test_passwords.py.
"""

import unicodedata
from types import SimpleNamespace

import pytest
from conftest import PASSWORD, Browser, field, field_error, page_text
from hostile import FORM, raw_post, rows

from accounts import hashing, passwords, usernames, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import InvalidPassword, InvalidUsername
from accounts.usernames import parse_username

pytestmark = pytest.mark.usefixtures("steady")
FORMS = pytest.mark.parametrize("path", ["/signup", "/login"])
LIMITS = {"username": ("4", "31"), "password": ("6", "255")}


@FORMS
@pytest.mark.parametrize("empty", [["username", "password"], ["username"], ["password"]])
def test_b001_all_fields_empty_or_each_in_turn_gives_one_message_per_field(browser, path, empty):
    page = browser.submit(path, FORM | dict.fromkeys(empty, ""))
    assert page.status_code == 400
    assert [name for name in FORM if field_error(page.text, name)] == empty
    typed = field(page.text, "username").get("value", "")
    assert typed == ("" if "username" in empty else "Jane")
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("name", [" " * 5, "\t" * 5, "\u3000" * 5, "\u00a0" * 5, "\r\n\r\n"])
def test_b002_a_name_of_white_space_is_refused(browser, name):
    page = browser.sign_up(name)
    assert page.status_code == 400
    assert "cannot contain" in field_error(page.text, "username")
    assert rows() == (0, 0, 0)


def test_b002_a_password_of_six_spaces_is_just_a_password(app, browser):
    assert browser.sign_up("Jane", " " * 6).status_code == 302
    assert Browser(app).log_in("Jane", " " * 5).status_code == 400
    assert Browser(app).log_in("Jane", " " * 6).status_code == 302


@pytest.mark.parametrize(
    ("wrong", "value"),
    [("username", text) for text in ("a", "abc", "日本語", "e\u0301bc", "b" * 32, "b" * 5000)]
    + [("password", text) for text in ("abcde", "🐎" * 5, "e\u0301" * 5, "x" * 256, "x" * 5000)],
    ids=lambda text: text[:6].encode("unicode_escape").decode() + str(len(text)),
)
def test_b003_b005_too_short_or_too_long_is_refused_with_the_limits(browser, wrong, value):
    page = browser.submit("/signup", FORM | {wrong: value})
    assert page.status_code == 400
    assert all(limit in field_error(page.text, wrong) for limit in LIMITS[wrong])
    assert [name for name in FORM if field_error(page.text, name)] == [wrong]
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("anna", PASSWORD),
        ("b" * 31, PASSWORD),
        ("日本語名", PASSWORD),
        ("𠀀𠀁𠀂𠀃", PASSWORD),
        ("jane", "abcdef"),
        ("jane", "x" * 255),
        ("jane", "🐎" * 6),
        ("jane", "🐎" * 255),
    ],
)
def test_b004_b012_names_of_4_to_31_and_passwords_of_6_to_255_code_points_are_taken(
    app, browser, username, password
):
    assert browser.sign_up(username, password).headers.get("Location") == "/profile"
    assert rows() == (1, 1, 1)
    assert Browser(app).log_in(username, password[:-1]).status_code == 400, "nothing is cut"
    assert Browser(app).log_in(username, password).headers.get("Location") == "/profile"


@pytest.fixture
def no_computing(app, monkeypatch):
    """Make hashing and normalizing crash."""
    monkeypatch.setattr(hashing, "run", lambda *_, **__: 1 / 0)
    for module in (passwords, usernames):
        monkeypatch.setattr(module, "unicodedata", SimpleNamespace(normalize=lambda *_: 1 / 0))


@FORMS
@pytest.mark.parametrize("name", ["username", "password", "csrf_token"])
def test_b006_a_field_of_a_megabyte_is_413_before_any_work(no_computing, browser, path, name):
    fields = FORM | {name: "x" * 2**20}
    assert browser.client.post(path, data=fields).status_code == 413
    assert rows() == (0, 0, 0)


@pytest.mark.parametrize("name", ["ab\0cd", "\0abcd", "abcd\0", "ab\x1bcd", "ab\x7fcd", "ab\x85cd"])
def test_b007_a_nul_or_control_character_in_a_name_is_refused(browser, name):
    page = browser.sign_up(name)
    assert page.status_code == 400
    assert "control characters" in field_error(page.text, "username")
    assert rows() == (0, 0, 0)


def test_b008_passwords_that_differ_after_a_nul_are_two(app, browser):
    for name, password in (("Jane", "abc\0def1"), ("John", "abc\0def2")):
        assert Browser(app).sign_up(name, password).status_code == 302
    for wrong in ("abc\0def2", "abc", "abc\0def", "abc\0"):
        assert browser.log_in("Jane", wrong).status_code == 400
    assert browser.log_in("Jane", "abc\0def1").status_code == 302


@pytest.mark.parametrize("code", [0xD800, 0xDFFF, 0xDCFF])
def test_b009_a_lone_surrogate_is_refused_wherever_it_comes_from(app, code):
    half = chr(code)
    with pytest.raises(InvalidUsername):
        parse_username(f"ab{half}cd")
    with pytest.raises(InvalidPassword):
        passwords.parse_password(f"correct {half} horse")
    assert users.log_in(f"ab{half}cd", f"correct {half} horse", Actor()) is None
    with pytest.raises(InvalidUsername):
        users.create_user(f"ab{half}cd", PASSWORD, OPERATOR)
    assert rows() == (0, 0, 0)


@FORMS
def test_b009_a_surrogate_in_utf_8_bytes_is_no_text_either(browser, path):
    assert raw_post(browser, path, {"username": "ab%ED%A0%80", "password": "x"}).status_code == 400
    assert rows() == (0, 0, 0)


def test_b010_percent_encoded_bytes_that_are_no_utf_8_are_an_odd_name_as_it_stands(browser):
    answer = raw_post(browser, "/signup", {"username": "%FF%FEab", "password": "correct+horse"})
    assert answer.status_code == 400
    assert field(answer.text, "username")["value"] == "%FF%FEab"
    assert "only letters" in field_error(answer.text, "username")
    assert rows() == (0, 0, 0)


@FORMS
@pytest.mark.parametrize("body", [b"\xff\xfe", b"username=\xff\xfe\xff\xfe&password=\xff"])
def test_b011_raw_bytes_that_are_no_text_are_400(browser, path, body):
    browser.get(path)
    kind = "application/x-www-form-urlencoded"
    assert browser.client.post(path, data=body, content_type=kind).status_code == 400
    assert rows() == (0, 0, 0)


@FORMS
def test_b013_a_password_that_normalizing_makes_18_times_longer_is_refused(browser, path):
    page = browser.submit(path, FORM | {"password": "\ufdfa" * 255})
    assert page.status_code == 400
    assert "255" in field_error(page.text, "password")
    assert rows() == (0, 0, 0)


@FORMS
@pytest.mark.parametrize("name", ["username", "password"])
def test_b014_text_that_takes_seconds_to_normalize_is_413(no_computing, browser, path, name):
    fields = FORM | {name: "a" + "\u0316\u0301" * 50_000}
    assert browser.client.post(path, data=fields).status_code == 413


@FORMS
@pytest.mark.parametrize("name", ["username", "password"])
def test_b014_what_fits_a_body_and_no_field_is_refused_before_it_is_normalized(
    browser, path, name, monkeypatch
):
    fields = {name: "a" + "\u0316\u0301" * 600}
    lengths = []

    def measure(form, text):
        lengths.append(len(text))
        return unicodedata.normalize(form, text)

    for module in (passwords, usernames):
        monkeypatch.setattr(
            module, "unicodedata", SimpleNamespace(**vars(unicodedata) | {"normalize": measure})
        )
    page = browser.submit(path, FORM | fields)
    assert page.status_code == 400
    assert "Incorrect" not in page_text(page.text)
    assert max(lengths, default=0) <= passwords.RAW_MAX
