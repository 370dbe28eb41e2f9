"""Common passwords (DESIGN 5): reported on the profile page, or refused."""

import json

import pytest
from conftest import PASSWORD, Browser, field_error, page_text
from processes import ROOT
from profile_pages import change_password

from accounts import passwords, settings, users
from accounts.actor import OPERATOR
from accounts.errors import InvalidPassword
from database import database
from features.common_passwords import guessing
from features.common_passwords.guessing import is_common
from models import Key, User

NOTICE = "This password is very common and easy to guess."


@pytest.fixture(autouse=True)
def site_name(monkeypatch):
    """Set SITE_NAME for the tests without an application."""
    monkeypatch.setattr(settings, "SITE_NAME", "Vestibule", raising=False)


@pytest.fixture
def refusing(settings):
    """Settings that refuse common passwords."""
    settings["PASSWORD_COMMON"] = "refuse"
    return settings


@pytest.mark.parametrize(
    "password",
    ["123456", "password", "PASSWORD", "Qwerty123", "iloveyou", "jane1234", "Jane2024!", "JANE",
     "vestibule", "Vestibule1", "2024vestibule!", "!!jane!!", "janet1966", "jane jane jane",
     "Jane@Vestibule-2026", "my-vestibule", "xAdmin!2026", "Welcome to 2026", "jane's login",
     "PassWord jane", "a" * 255, "ooooooooooo", "abcdefghijklmn", "zyxwvuts", "56789:;<=",
     "абвгдежз"],
)  # fmt: skip
def test_these_are_common(password):
    assert is_common(password, "Jane")


@pytest.mark.parametrize(
    "password",
    [PASSWORD, "another horse", "", "x", "123456\n654321", "9f8a7c6d5e", "пароль лошадь",
     " 123456", "aaaaaaaaab", "acegikmoq", "83920174", "!!!???...---", "jane likes horses",
     "vestibule of horses", "password of a horse"],
)  # fmt: skip
def test_these_are_not(password):
    assert not is_common(password, "Jane")


@pytest.mark.parametrize("password", ["chess club", "ChessClub1", "club-2026", "my chess!"])
def test_every_word_of_the_site_s_name_is_common(monkeypatch, password):
    assert not is_common(password, "Jane")
    monkeypatch.setattr(settings, "SITE_NAME", "Chess Club")
    assert is_common(password, "Jane")


@pytest.mark.parametrize("password", ["7391a-5528&1104", "co-8371-9264-0583"])
def test_a_short_word_of_the_site_s_name_is_not(monkeypatch, password):
    monkeypatch.setattr(settings, "SITE_NAME", "Q & A Co")
    assert not is_common(password, "Jane")


@pytest.mark.parametrize("word", guessing.CONTEXT_WORDS)
def test_every_word_of_the_context_with_little_beside_it_is_common(word):
    for password in (word + "-of-2026", f"my {word} 123", word.upper() * 2):
        assert is_common(password, "Jane")
    assert f"`{word}`" in (ROOT / "docs/security.md").read_text()


def test_the_list_is_long_and_holds_only_what_may_be_a_password():
    listed = guessing._most_common()
    assert len(listed) >= 10_000
    assert all(6 <= len(password) <= 255 for password in listed)
    assert all(password == password.casefold() for password in listed)
    assert guessing._most_common() is listed


def notice(browser):
    return NOTICE in page_text(browser.get("/profile").text)


def test_a_user_who_signs_up_with_one_is_told_on_the_profile_page(app, browser):
    assert browser.sign_up("Jane", "password1").status_code == 302
    for _ in range(2):
        assert notice(browser)
    other = Browser(app)
    other.log_in("Jane", "password1")
    assert notice(other), "at every log-in"


def test_a_user_with_an_uncommon_one_is_told_nothing(jane):
    assert not notice(jane)


def test_a_change_brings_and_removes_the_notice(jane):
    change_password(jane, "password1")
    assert notice(jane)
    change_password(jane, "another horse", "password1")
    assert not notice(jane)


def test_after_a_log_out_the_next_user_of_the_browser_is_told_nothing(browser):
    browser.sign_up("Jane", "password1")
    browser.log_out()
    browser.sign_up("Other")
    assert not notice(browser)


@pytest.mark.database("sqlite")
def test_nothing_in_the_database_tells_whose_password_is_common(app, browser):
    browser.sign_up("Jane", "password1")
    rows = [list(model.select().dicts()) for model in (User, Key)]
    assert "common" not in json.dumps(rows)
    schema = database.execute_sql("SELECT sql FROM sqlite_master").fetchall()
    assert "common" not in str(schema)


def test_refused_at_sign_up(refusing, app, browser):
    answer = browser.sign_up("Jane", "password1")
    assert answer.status_code == 400
    assert NOTICE in field_error(answer.text, "password")
    assert User.select().count() == 0
    assert NOTICE in field_error(browser.sign_up("Jane", "Jane12").text, "password")


def test_refused_at_a_change(refusing, app, jane):
    answer = change_password(jane, "password1")
    assert answer.status_code == 400
    assert NOTICE in field_error(answer.text, "new_password")
    assert Browser(app).log_in("Jane").status_code == 302


@pytest.mark.parametrize("command", ["create Other", "set-password Jane"])
def test_refused_on_the_command_line(refusing, app, jane, runner, command):
    result = runner.invoke(
        args=["users", *command.split(), "--password-stdin"], input="password1\n"
    )
    assert result.exit_code == 1
    assert NOTICE in result.stderr
    assert User.select().count() == 1
    assert jane.is_signed_in()


def test_a_user_who_has_one_already_logs_in_and_is_told(app, browser, monkeypatch):
    users.create_user("Jane", "password1", OPERATOR)
    monkeypatch.setattr(settings, "PASSWORD_COMMON", "refuse")
    assert browser.log_in("Jane", "password1").status_code == 302
    assert notice(browser)


def test_the_refusal_does_not_repeat_the_password(app, monkeypatch):
    monkeypatch.setattr(settings, "PASSWORD_COMMON", "refuse")
    with pytest.raises(InvalidPassword) as refusal:
        passwords.parse_new_password("password1", "Jane")
    assert "password1" not in str(refusal.value)
