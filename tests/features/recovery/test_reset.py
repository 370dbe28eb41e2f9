"""GET and POST /reset/TOKEN."""

import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import PASSWORD, Browser, field_error, page_text, soup, sql, stored
from flask import Flask
from peewee import OperationalError

from accounts import passwords, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import AccountError
from features.recovery import links
from features.recovery.models import ResetLink
from models import Key, Session, User, now

from .conftest import NEW_PASSWORD, filled_in, recover, reset

HOUR = 3_600_000
DEAD = [
    "unknown", "used", "replaced", "expired", "deleted", "locked", "locked and unlocked", "waiting",
    "password changed", "password set", "code used",
]  # fmt: skip


@pytest.fixture
def dead(jane: Browser, app: Flask, codes: list[str], link, request) -> str:
    """The path of a link that does not work."""
    path, user = link(), User.get()
    match request.param:
        case "unknown":
            return f"/reset/{secrets.token_urlsafe(32)}"
        case "used":
            assert reset(Browser(app), path).status_code == 302
        case "replaced":
            link()
        case "expired":
            ResetLink.update(expires_at=now() - 1).execute()
        case "deleted":
            users.delete_user(user, OPERATOR)
        case "locked":
            users.lock_user(user, OPERATOR)
        case "locked and unlocked":
            users.lock_user(user, OPERATOR)
            users.unlock_user(user, OPERATOR)
        case "waiting":
            User.update(waiting_since=now()).execute()
        case "password changed":
            typed = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
            assert jane.submit("/profile/password", typed).status_code == 302
        case "password set":
            users.set_password(user, NEW_PASSWORD, OPERATOR)
        case "code used":
            assert recover(Browser(app), codes[0]).status_code == 302
    return path


def test_looking_uses_nothing_up(jane: Browser, link, app: Flask) -> None:
    path = link()
    for _ in range(3):
        assert Browser(app).get(path).status_code == 200
        assert app.test_client().head(path).status_code == 200
        assert app.test_client().options(path).status_code == 200
    assert reset(Browser(app), path).status_code == 302


def test_it_sets_the_password_logs_in_and_is_used_up(jane: Browser, link, app: Flask) -> None:
    path, browser = link(), Browser(app)
    answer = reset(browser, path)
    assert (answer.status_code, answer.location) == (302, "/profile")
    assert "password has been changed" in page_text(browser.get("/profile").text)
    assert not jane.is_signed_in(), "every other session is over"
    assert Session.select().count() == 1
    assert Browser(app).log_in("Jane", NEW_PASSWORD).status_code == 302
    assert Browser(app).log_in("Jane", PASSWORD).status_code == 400
    assert browser.get(path).status_code == 404


@pytest.mark.parametrize("dead", DEAD, indirect=True)
def test_a_link_that_does_not_work_is_the_same_404(app: Flask, dead: str) -> None:
    unknown = Browser(app).get("/reset/unknown")
    before = [*Key.select().tuples()], Session.select().count()
    answer = Browser(app).get(dead)
    assert answer.status_code == 404
    assert answer.text == unknown.text
    assert list(answer.headers) == list(unknown.headers)
    browser = Browser(app)
    token = soup(browser.get("/login").text).find("input", attrs={"name": "csrf_token"})["value"]
    form = {"csrf_token": token, "new_password": "third horse"}
    posted = browser.client.post(dead, data=form)
    assert posted.status_code == 404
    assert posted.text == Browser(app).get("/reset/unknown").text
    assert ([*Key.select().tuples()], Session.select().count()) == before


@pytest.mark.parametrize("end", ["used", "replaced", "expired", "locked", "deleted"])
def test_a_link_that_ends_while_the_password_is_hashed_is_the_same_404(
    jane: Browser, link, app: Flask, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    path, user = link(), User.get()
    token, unknown = path.rpartition("/")[2], Browser(app).get("/reset/unknown").text
    send = filled_in(app, path, new_password=NEW_PASSWORD)
    hash_password = passwords.hash_password
    ends: dict[str, Callable[[], object]] = {
        "used": lambda: links.reset_password(token, "third horse", Actor("192.0.2.1")),
        "replaced": link,
        "expired": lambda: ResetLink.update(expires_at=1).execute(),
        "locked": lambda: users.lock_user(user, OPERATOR),
        "deleted": lambda: users.delete_user(user, OPERATOR),
    }

    def end_and_hash(*args: object) -> str:
        monkeypatch.setattr(passwords, "hash_password", hash_password)
        ends[end]()
        return hash_password(*args)

    monkeypatch.setattr(passwords, "hash_password", end_and_hash)
    answer = send()
    assert (answer.status_code, answer.text) == (404, unknown)


@pytest.mark.parametrize(
    "token",
    ["x", "0", "%00", "%0a", "a" * 42, "a" * 44, "a" * 5000, "..%5c..", "%F0%9F%90%8E", "%ff%fe",
     "{{7*7}}", "<script>", "' OR 1=1 --", "-" * 43, "None"],
)  # fmt: skip
def test_a_malformed_token_is_a_404(jane: Browser, link, app: Flask, steady, token: str) -> None:
    link()
    assert Browser(app).get(f"/reset/{token}").status_code == 404
    assert app.test_client().post(f"/reset/{token}", data={}).status_code == 404


def test_a_bad_password_is_a_message_at_the_field_and_uses_nothing_up(
    jane: Browser, link, app: Flask
) -> None:
    path = link()
    for password in ("", "short", "x" * 256):
        answer = reset(Browser(app), path, password)
        assert answer.status_code == 400
        assert "6 to 255" in field_error(answer.text, "new_password")
    assert reset(Browser(app), path).status_code == 302


def test_a_form_from_another_site_or_without_its_token_does_nothing(
    jane: Browser, link, app: Flask
) -> None:
    path = link()
    fields = {"new_password": NEW_PASSWORD}
    assert app.test_client().post(path, data=fields).status_code == 400
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert Browser(app).submit(path, fields, headers=headers).status_code == 403
    assert ResetLink.select().count() == 1


def test_in_its_owners_browser_it_works_too(jane: Browser, link) -> None:
    assert reset(jane, link()).location == "/profile"
    assert jane.is_signed_in()
    assert Session.select().count() == 1


def test_in_a_browser_where_another_is_logged_in_it_ends_that_session(
    jane: Browser, link, app: Flask
) -> None:
    other = Browser(app)
    other.sign_up("Lucy")
    path = link()
    assert re.search("in place of\\s+<bdi>Lucy</bdi>", other.get(path).text)
    assert "in place of" not in Browser(app).get(path).text
    assert reset(other, path).location == "/profile"
    assert "<bdi>Jane</bdi>" in other.get("/profile").text
    assert [session.user.username for session in Session.select()] == ["Jane"]
    assert Browser(app).log_in("Lucy").status_code == 302, "Lucy's password is what it was"


def test_a_fault_after_the_commit_does_not_deny_it(
    jane: Browser, link, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Browser(app)
    other.sign_up("Lucy")

    def locked(*_: object) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr("accounts.sessions.invalidate_session", locked)
    answer = reset(other, link())
    assert (answer.status_code, answer.location) == (302, "/profile")
    assert "<bdi>Jane</bdi>" in other.get("/profile").text


def test_sent_again_it_leads_where_the_first_led(jane: Browser, link, app: Flask) -> None:
    pytest.importorskip("features.sent_again")
    path, browser = link(), Browser(app)
    page = soup(browser.get(path).text)
    token = page.find("input", attrs={"name": "csrf_token"})["value"]
    form = {"csrf_token": token, "new_password": NEW_PASSWORD}
    cookie = browser.client.get_cookie("auth_session").value
    browser.client.post(path, data=form)
    again = Browser(app)
    again.client.set_cookie("auth_session", cookie)
    assert again.client.post(path, data=form).location == "/profile"
    assert again.is_signed_in()


def test_a_user_has_one_link_at_most(jane: Browser, link) -> None:
    for _ in range(3):
        link()
    assert ResetLink.select().count() == 1


def test_old_links_go_when_another_is_made(jane: Browser, link, app: Flask) -> None:
    links.make_link(users.create_user("Lucy", PASSWORD, OPERATOR), 1, OPERATOR)
    ResetLink.update(expires_at=1).execute()
    link()
    assert [each.user.username for each in ResetLink.select()] == ["Jane"]


@pytest.mark.parametrize("hours", [1, 72])
def test_it_lives_as_long_as_it_was_given(jane: Browser, link, app: Flask, hours: int) -> None:
    path = link(hours)
    lives = ResetLink.get().expires_at - now()
    assert 0 <= hours * HOUR - lives < HOUR / 2
    ResetLink.update(expires_at=ResetLink.expires_at - lives + 60_000).execute()
    assert Browser(app).get(path).status_code == 200


def test_none_is_made_for_a_user_who_could_not_use_it(jane: Browser, link) -> None:
    users.lock_user(User.get(), OPERATOR)
    with pytest.raises(AccountError, match="unlock"):
        link()
    users.unlock_user(User.get(), OPERATOR)
    sql("DELETE FROM key")
    with pytest.raises(AccountError, match="no username"):
        link()
    assert ResetLink.select().count() == 0


def test_an_account_without_a_password_gets_one(app: Flask) -> None:
    user, token = links.create_user_with_link("Lucy", 24, OPERATOR)
    assert Key.get().password_hash is None
    assert users.log_in("Lucy", PASSWORD, Actor("192.0.2.1")) is None
    browser = Browser(app)
    assert reset(browser, f"/reset/{token}").status_code == 302
    assert Browser(app).log_in("Lucy", NEW_PASSWORD).status_code == 302
    assert user.username == "Lucy"


def test_the_token_is_in_no_log_no_row_and_no_referrer(
    jane: Browser, link, app: Flask, caplog, capfd: pytest.CaptureFixture[str]
) -> None:
    path = link()
    token = path.rpartition("/")[2]
    page = Browser(app).get(path)
    assert soup(page.text).find("meta", attrs={"name": "referrer"})["content"] == "strict-origin"
    before, _, _ = page.text.partition('name="referrer"')
    assert "href=" not in before
    assert "src=" not in before
    assert token not in page.text
    for answer in (
        app.test_client().post(path, data={"new_password": NEW_PASSWORD}),  # refused: no token
        reset(Browser(app), path),
        Browser(app).get(path),
    ):
        assert token not in answer.text + str(answer.headers)
    assert token not in caplog.text + "".join(capfd.readouterr())
    assert token.encode() not in stored()
    assert token not in jane.get("/").text


@pytest.mark.parametrize(
    ("fault", "status"), [(OperationalError("locked"), 503), (RuntimeError("broken"), 500)]
)
def test_the_page_of_a_fault_sends_no_token_on_either(
    jane: Browser, link, app: Flask, monkeypatch: pytest.MonkeyPatch, fault: Exception, status: int
) -> None:
    """The link works again as soon as the fault is over."""

    def fail(token: str) -> None:
        raise fault

    path = link()
    monkeypatch.setattr(links, "find_user", fail)
    page = Browser(app).get(path)
    assert page.status_code == status
    before, _, after = page.text.partition('name="referrer" content="strict-origin"')
    assert after
    assert "href=" not in before
    assert "src=" not in before


def test_a_crash_on_the_page_of_a_link_logs_no_token(
    jane: Browser, link, app: Flask, capfd: pytest.CaptureFixture[str], monkeypatch
) -> None:
    path = link()

    def broken(token: str) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(links, "find_user", broken)
    assert Browser(app).get(path).status_code == 500
    logged = "".join(capfd.readouterr())
    assert "broken" in logged
    assert path.rpartition("/")[2] not in logged


def test_a_front_is_told_how_to_leave_the_path_out(app: Flask) -> None:
    text = Path(app.root_path, "docs/recovery.md").read_text()
    assert re.search(r"~\^/reset/ +0;", text)
