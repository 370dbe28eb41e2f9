"""Accounts that wait for approval."""

import json

import pytest
from conftest import PASSWORD, Browser, page_text
from flask import Flask
from flask.testing import FlaskCliRunner

from accounts import passwords, sessions, users
from accounts.actor import OPERATOR, Actor
from accounts.errors import AccountError
from features.invitations.waiting import approve_user, reject_user
from models import Counter, Event, Key, Session, User

from .conftest import mode

pytestmark = mode("approval")


@pytest.fixture
def waiting(app: Flask) -> User:
    """Jane, who waits for approval."""
    Browser(app).sign_up("Jane")
    return User.get()


def test_the_right_password_is_answered_400_waiting_for_approval(
    waiting: User, browser: Browser
) -> None:
    answer = browser.log_in("jane")
    assert answer.status_code == 400
    assert "waiting for approval" in page_text(answer.text)
    assert (Session.select().count(), browser.is_signed_in()) == (0, False)


def test_a_wrong_password_is_answered_as_everybody_s(waiting: User, app: Flask) -> None:
    users.create_user("Member", PASSWORD, OPERATOR)

    def answer(name: str) -> tuple[int, str]:
        browser = Browser(app)
        page = browser.log_in(name, "wrong horse")
        token = browser.client.get_cookie("auth_session") and page.text
        return page.status_code, token.replace(name, "NAME")

    def without_token(found: tuple[int, str]) -> str:
        assert found[0] == 400
        text = page_text(found[1])
        assert "Incorrect username or password" in text
        return text

    assert len({without_token(answer(name)) for name in ("Jane", "Member", "Nobody")}) == 1


def test_the_right_password_is_no_failed_try(waiting: User, app: Flask) -> None:
    before = sorted(Counter.select(Counter.id, Counter.count).where(Counter.count > 0).tuples())
    for _ in range(3):
        assert Browser(app).log_in("Jane").status_code == 400
    after = sorted(Counter.select(Counter.id, Counter.count).where(Counter.count > 0).tuples())
    assert after == before
    assert not Event.select().where(Event.kind == "authn_login_fail")


@pytest.mark.parametrize("name", ["Jane", "Nobody"])
@pytest.mark.parametrize("password", [PASSWORD, "wrong horse"])
def test_every_answer_to_a_log_in_costs_one_hash(
    waiting: User, browser: Browser, monkeypatch: pytest.MonkeyPatch, name: str, password: str
) -> None:
    hashed = []
    verify = passwords._verify

    def count(*args: str | None) -> bool:
        hashed.append(args)
        return verify(*args)

    monkeypatch.setattr(passwords, "_verify", count)
    assert browser.log_in(name, password).status_code == 400
    assert len(hashed) == 1


def test_a_locked_one_is_answered_as_everybody(waiting: User, browser: Browser) -> None:
    users.lock_user(waiting, OPERATOR)
    assert "Incorrect username or password" in page_text(browser.log_in("Jane").text)


def test_no_way_leads_to_a_session(waiting: User) -> None:
    with pytest.raises(AccountError, match="waiting for approval"):
        sessions.create_session(waiting, Actor())


def test_once_approved_it_is_an_account_as_any(
    waiting: User, browser: Browser, runner: FlaskCliRunner
) -> None:
    done = runner.invoke(args=["users", "approve", "JANE"])
    assert (done.exit_code, "Approved Jane." in done.output) == (0, True)
    answer = browser.log_in("Jane")
    assert (answer.status_code, answer.location) == (302, "/profile")
    pytest.importorskip("features.account_activity")
    assert "Account approved" in page_text(browser.get("/profile/activity").text)
    pytest.importorskip("features.export")
    exported = json.loads(browser.get("/profile/export").text)
    assert exported["user"]["waiting_since"] is None
    assert "user_approved" in [event["kind"] for event in exported["events"]]


def test_a_rejected_one_is_deleted_and_the_name_is_free(
    waiting: User, app: Flask, runner: FlaskCliRunner
) -> None:
    done = runner.invoke(args=["users", "reject", f"id:{waiting.id}"])
    assert (done.exit_code, "Rejected Jane" in done.output) == (0, True)
    assert (User.select().count(), Key.select().count()) == (0, 0)
    assert [event.user_id for event in Event.select()] == [None]
    assert "Incorrect" in Browser(app).log_in("Jane").text
    assert Browser(app).sign_up("Jane", "another horse").status_code == 302


@pytest.mark.parametrize("command", ["approve", "reject"])
def test_several_at_once_are_all_done_or_none(
    waiting: User, app: Flask, runner: FlaskCliRunner, command: str
) -> None:
    Browser(app).sign_up("Mary")
    users.create_user("Member", PASSWORD, OPERATOR)
    for others in (["Nobody"], ["Member"]):
        done = runner.invoke(args=["users", command, "Jane", "Mary", *others])
        assert (done.exit_code, done.output.count("\n")) == (1, 1)
        assert User.select().where(User.waiting_since.is_null(False)).count() == 2
    assert runner.invoke(args=["users", command, "Jane", "Mary"]).exit_code == 0
    assert not User.select().where(User.waiting_since.is_null(False))
    assert User.select().count() == (3 if command == "approve" else 1)


@pytest.mark.parametrize("change", [approve_user, reject_user])
def test_one_who_does_not_wait_is_refused_and_stays(app: Flask, change: object) -> None:
    user = users.create_user("Member", PASSWORD, OPERATOR)
    with pytest.raises(AccountError, match="Member does not wait"):
        change(user, OPERATOR)
    assert User.select().count() == 1


def test_list_waiting_shows_those_alone(waiting: User, app: Flask, runner: FlaskCliRunner) -> None:
    users.create_user("Member", PASSWORD, OPERATOR)
    done = runner.invoke(args=["users", "list", "--waiting", "--json"])
    assert [row["username"] for row in json.loads(done.output)] == ["Jane"]
    assert set(json.loads(done.output)[0]) == {
        "id", "username", "created_at", "locked_at", "sessions",
    }  # fmt: skip
    assert "1 user\n" in runner.invoke(args=["users", "list", "--waiting"]).output
    assert len(json.loads(runner.invoke(args=["users", "list", "--json"]).output)) == 2
    locked = runner.invoke(args=["users", "list", "--waiting", "--locked", "--json"])
    assert json.loads(locked.output) == []


def test_a_renamed_one_still_waits(waiting: User, browser: Browser) -> None:
    users.rename_user(waiting, "Janet", OPERATOR)
    assert "waiting for approval" in browser.log_in("Janet").text
