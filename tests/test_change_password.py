"""GET, POST /profile/password (BEHAVIOUR 4)."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from conftest import OLD_HASH, OLD_PASSWORD, PASSWORD, Browser, field_error, page_text, sql
from limits import parse_many
from profile_pages import NEW_PASSWORD, change_password, end_other_sessions, token_of

from accounts import hooks, passwords, sessions, settings, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import AccountError, WrongPassword
from accounts.events import Kind
from database import release
from models import Event, Key, Session, User, now

HERE = Actor("192.0.2.1", "Firefox")
DAY = 86_400_000


@pytest.fixture
def phone(app, jane):
    """A second browser in which Jane is logged in."""
    phone = Browser(app)
    phone.log_in("Jane")
    return phone


def hashes():
    return [key.password_hash for key in Key.select().order_by(Key.provider)]


def opens(password):
    return users.log_in("Jane", password, HERE) is not None


def test_the_new_password_logs_in_and_the_old_one_does_not(app, jane):
    answer = change_password(jane)
    assert (answer.status_code, answer.location) == (302, "/profile")
    assert "Your password has been changed" in jane.get("/profile").text
    assert Browser(app).log_in("Jane", PASSWORD).status_code == 400
    assert Browser(app).log_in("Jane", NEW_PASSWORD).status_code == 302


def test_every_other_browser_is_logged_out_at_once_and_reads_why(jane, phone):
    change_password(jane)
    assert jane.is_signed_in()
    assert Session.select().count() == 1
    answer = phone.get("/profile")
    assert (answer.status_code, answer.location) == (302, "/")
    assert "the password was changed" in phone.get("/").text
    assert "the password was changed" not in phone.get("/").text


def test_this_browser_gets_a_new_token_and_keeps_its_age(app, jane):
    sql("UPDATE session SET created_at = created_at - ?", (DAY,))
    before, old_token = Session.get(), token_of(jane)
    with jane.client.session_transaction() as cookie:
        old_csrf = cookie["csrf_token"]
    started = now()
    change_password(jane)
    after = Session.get()
    assert token_of(jane) != old_token
    assert after.id != before.id
    assert after.created_at == before.created_at
    assert after.authenticated_at >= started
    assert sessions.validate_session(old_token) is None
    assert sessions.why_ended(old_token) == "password changed"
    with jane.client.session_transaction() as cookie:
        assert cookie["csrf_token"] != old_csrf


@pytest.mark.parametrize(
    ("current", "new", "wrong", "words"),
    [
        ("wrong horse", NEW_PASSWORD, "current_password", "not your current password"),
        ("", NEW_PASSWORD, "current_password", "Enter your current password."),
        (PASSWORD, "12345", "new_password", "6"),
        (PASSWORD, "x" * 256, "new_password", "255"),
        (PASSWORD, PASSWORD, "new_password", "same"),
    ],
)
def test_a_refusal_stands_at_its_field_and_changes_nothing(jane, phone, current, new, wrong, words):
    before = hashes()
    answer = change_password(jane, new, current)
    assert answer.status_code == 400
    assert words in field_error(answer.text, wrong)
    assert current not in answer.text or not current
    assert hashes() == before
    assert phone.is_signed_in()
    assert jane.is_signed_in()


def test_the_same_password_in_another_composition_is_the_same(app, browser):
    browser.sign_up("Jane", "pässword horse")
    answer = change_password(browser, "pa\u0308ssword horse", "pässword horse")
    assert "same" in field_error(answer.text, "new_password")


def test_a_form_that_had_expired_changes_nothing(jane):
    before = hashes()
    fields = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    answer = jane.client.post("/profile/password", data=fields)
    assert answer.status_code == 400
    assert "expired" in page_text(answer.text)
    assert NEW_PASSWORD not in answer.text
    assert hashes() == before


@pytest.mark.parametrize("path", ["password", "username", "delete"])
def test_wrong_current_passwords_count_as_failed_log_ins(jane, monkeypatch, path):
    for limit in ("LIMIT_LOGIN_ACCOUNT", "LIMIT_LOGIN_KNOWN_BROWSER"):
        monkeypatch.setattr(settings, limit, parse_many("3/hour"))
    fields = {
        "password": {"new_password": NEW_PASSWORD},
        "username": {"new_username": "Janet"},
        "delete": {"username": "Jane"},
    }[path]
    page = f"/profile/{path}"
    for _ in range(3):
        wrong = jane.submit(page, {**fields, "current_password": "wrong horse"})
        assert wrong.status_code == 400
    for password in ("wrong horse", PASSWORD):
        answer = jane.submit(page, {**fields, "current_password": password})
        assert answer.status_code == 429
        assert int(answer.headers["Retry-After"]) > 0
    assert jane.log_out().status_code == 302
    assert jane.log_in("Jane").status_code == 429, "the same budget as a log-in from this browser"
    failed = Event.select().where(Event.kind == Kind.LOGIN_FAIL)
    assert failed.count() == 3
    assert User.get().username == "Jane"


def test_of_two_parallel_changes_one_wins_wholly_and_the_other_is_told(app, jane, phone):
    at_once = threading.Barrier(2)
    actors = [
        replace(HERE, session=sessions.validate_session(token_of(browser)))
        for browser in (jane, phone)
    ]
    news = ["first new horse", "second new horse"]

    def change(number):
        at_once.wait()
        try:
            return users.change_password(PASSWORD, news[number], actors[number])
        except AccountError as error:
            return error
        finally:
            release()

    release()
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(change, range(2)))
    refused = [answer for answer in answers if isinstance(answer, AccountError)]
    assert len(refused) == 1
    # Either the check in the transaction refuses it or, slightly later, the old password is wrong.
    assert isinstance(refused[0], WrongPassword) or "nothing was done" in str(refused[0])
    winner = next(number for number in range(2) if answers[number] is not refused[0])
    assert Session.select().count() == 1
    assert sessions.validate_session(answers[winner].token)
    assert opens(news[winner])
    assert not opens(news[1 - winner])
    assert Event.select().where(Event.kind == Kind.PASSWORD_CHANGE).count() == 1


def during_the_hash(monkeypatch, happening):
    """Make something happen once, after the current password was accepted."""
    hash_password = passwords.hash_password

    def hash_and_happen(password):
        monkeypatch.setattr(passwords, "hash_password", hash_password)
        happening()
        return hash_password(password)

    monkeypatch.setattr(passwords, "hash_password", hash_and_happen)


@pytest.mark.parametrize(
    "happening",
    [
        lambda user: users.set_password(user, "operator's horse", OPERATOR),
        lambda user: users.lock_user(user, OPERATOR),
        lambda user: users.delete_user(user, OPERATOR),
        lambda user: sessions.invalidate_user_sessions(user, "ended by the operator", OPERATOR),
    ],
    ids=["new password", "locked", "deleted", "sessions ended"],
)
def test_what_happens_while_the_new_password_is_hashed_wins(jane, monkeypatch, happening):
    user = User.get()
    during_the_hash(monkeypatch, lambda: happening(user))
    answer = change_password(jane)
    assert answer.status_code == 400
    assert "nothing was done" in page_text(answer.text)
    assert Session.select().count() == 0
    assert not jane.is_signed_in()
    assert not opens(NEW_PASSWORD)


def test_a_change_that_crashes_half_way_changes_nothing(jane, phone, monkeypatch):
    before = hashes()
    monkeypatch.setattr(sessions, "renew_token", lambda *_: 1 / 0)
    assert change_password(jane).status_code == 500
    monkeypatch.undo()
    assert hashes() == before
    assert phone.is_signed_in()
    assert jane.is_signed_in()


def test_all_keys_with_a_password_get_the_new_one_and_no_other_key(jane, monkeypatch):
    """A feature lets people log in by e-mail too."""
    monkeypatch.setattr(hooks, "login_names", [("email", str.lower)])
    user = User.get()
    Key.create(provider="email", provider_user_id="j@x.org", user=user, password_hash=OLD_HASH)
    Key.create(provider="username", provider_user_id="held", user=user, password_hash=None)
    Key.create(provider="other", provider_user_id="x", user=user, password_hash=OLD_HASH)
    assert change_password(jane, current=OLD_PASSWORD).status_code == 302, "any of them proves it"
    stored = {key.provider_user_id: key.password_hash for key in Key.select()}
    assert stored["jane"] == stored["j@x.org"]
    assert passwords.verify_password(NEW_PASSWORD, [stored["jane"]]) == stored["jane"]
    assert stored["held"] is None
    assert stored["x"] == OLD_HASH, "it is not used to log in by name"


def test_a_user_without_any_password_can_prove_nothing(jane):
    Key.update(password_hash=None).execute()
    answer = change_password(jane)
    assert "not your current password" in field_error(answer.text, "current_password")


def test_the_events_say_what_happened_and_to_which_sessions(jane, phone):
    old, other = (sessions.validate_session(token_of(b)).handle for b in (jane, phone))
    change_password(jane)
    events = list(Event.select().order_by(Event.id.desc()).limit(3))
    assert [(e.kind, e.session, e.detail) for e in events] == [
        ("authn_password_change", Session.get().handle, ""),
        ("session_ended", old, "password changed"),
        ("session_ended", other, "password changed"),
    ]


def test_a_known_browsers_right_password_clears_only_its_own_failures(jane):
    change_password(jane, current="wrong horse")
    assert change_password(jane).status_code == 302


def test_ending_the_others_first_leaves_the_change_possible(jane, phone):
    end_other_sessions(jane)
    assert change_password(jane).status_code == 302


def test_password_managers_are_led_to_the_page(app, jane, browser):
    for visitor in (jane, Browser(app)):
        answer = visitor.get("/.well-known/change-password")
        assert (answer.status_code, answer.location) == (302, "/profile/password")
