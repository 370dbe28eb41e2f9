"""The life of a session as its browser sees it. The row is aged, never the clock."""

from datetime import timedelta

import pytest
from conftest import Browser, on_sqlite, sql
from flask import Flask
from werkzeug.test import TestResponse

from accounts import users
from accounts.actor import OPERATOR
from accounts.sessions import opening
from app import create_app
from database import database
from models import Session, User, now

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
COOKIE = "auth_session"


def ms(period: timedelta) -> int:
    return period // timedelta(milliseconds=1)


def let_pass(period: timedelta, since: str = "active_expires_at - 86400000") -> None:
    """Age every session so that `period` has passed since it was started or last renewed."""
    sql(
        f"""WITH age AS (SELECT id AS of, ? - (? - ({since})) AS by FROM session)
        UPDATE session SET created_at = created_at - by, last_seen_at = last_seen_at - by,
        authenticated_at = authenticated_at - by, active_expires_at = active_expires_at - by,
        idle_expires_at = idle_expires_at - by FROM age WHERE id = of""",
        (ms(period), now()),
    )


def restarted(settings: dict[str, str]) -> Flask:
    """Return the application, restarted with other settings."""
    database.close_all()
    return create_app(settings)


def row() -> dict:
    return Session.select().dicts().get()


def sent_cookie(answer: TestResponse) -> str:
    return answer.headers.get("Set-Cookie", "")


@pytest.mark.parametrize("age", [timedelta(0), HOUR - SECOND])
def test_an_active_session_writes_nothing(jane: Browser, age: timedelta) -> None:
    assert jane.is_signed_in()  # noted once: a session that was never used may end
    let_pass(age)
    before = row()
    answer = jane.get("/profile")
    assert answer.status_code == 200
    assert not sent_cookie(answer)
    assert row() == before


@pytest.mark.parametrize("age", [HOUR + SECOND, DAY - SECOND])
def test_an_active_session_notes_at_most_hourly_that_it_was_seen(
    jane: Browser, age: timedelta
) -> None:
    let_pass(age)
    before = row()
    answer = jane.get("/profile")
    assert not sent_cookie(answer)
    after = row()
    assert now() - after["last_seen_at"] < 5000
    assert {**after, "last_seen_at": 0} == {**before, "last_seen_at": 0}
    jane.get("/profile")
    assert row() == after


@pytest.mark.parametrize("age", [DAY + SECOND, 15 * DAY - SECOND])
def test_an_idle_session_is_renewed_and_its_cookie_with_it(jane: Browser, age: timedelta) -> None:
    let_pass(age)
    before, started = row(), now()
    answer = jane.get("/profile")
    assert answer.status_code == 200
    after = row()
    assert after["active_expires_at"] >= started + ms(DAY)
    assert after["idle_expires_at"] == after["active_expires_at"] + ms(14 * DAY)
    assert after["last_seen_at"] >= started
    unchanged = ("id", "user", "created_at", "authenticated_at", "ip_address", "user_agent")
    assert [after[name] for name in unchanged] == [before[name] for name in unchanged]
    assert f"Max-Age={15 * 86400}" in sent_cookie(answer)
    assert "HttpOnly" in sent_cookie(answer)
    assert not sent_cookie(jane.get("/profile"))


def test_b044_a_dead_session_is_a_strangers_and_its_row_and_cookie_go(jane: Browser) -> None:
    let_pass(15 * DAY + SECOND)
    answer = jane.get("/profile")
    assert (answer.status_code, answer.location) == (302, "/")
    assert Session.select().count() == 0
    assert "Max-Age" not in sent_cookie(answer)
    assert "Please log in" in jane.get("/").text
    jane.log_in("Jane")
    assert jane.is_signed_in()


def grown_old(jane: Browser) -> None:
    """Use a session every ten days until it is eighty days old."""
    for _ in range(8):
        let_pass(10 * DAY)
        assert jane.is_signed_in()
    age = now() - row()["created_at"]
    assert ms(80 * DAY) <= age < ms(80 * DAY + HOUR)


def test_a_session_in_use_lives_to_its_ninetieth_day(jane: Browser) -> None:
    grown_old(jane)
    let_pass(90 * DAY - SECOND, since="created_at")
    assert jane.is_signed_in()


def test_b044_no_session_outlives_its_ninetieth_day_however_it_is_used(jane: Browser) -> None:
    grown_old(jane)
    assert row()["idle_expires_at"] == row()["created_at"] + ms(90 * DAY)
    let_pass(90 * DAY + SECOND, since="created_at")
    assert not jane.is_signed_in()
    assert Session.select().count() == 0


def test_ninety_days_end_a_session_whatever_its_other_times_say(jane: Browser) -> None:
    let_pass(90 * DAY + SECOND, since="created_at")
    future = now() + ms(DAY)
    sql("UPDATE session SET active_expires_at = ?, idle_expires_at = ?", (future, future))
    assert not jane.is_signed_in()


def test_other_periods_are_a_matter_of_settings(app: Flask, settings: dict[str, str]) -> None:
    periods = {"SESSION_ACTIVE_PERIOD": "1 h", "SESSION_IDLE_PERIOD": "2 h"}
    jane = Browser(restarted({**settings, **periods, "SESSION_MAX_AGE": "4 h"}))
    assert f"Max-Age={3 * 3600}" in sent_cookie(jane.sign_up("Jane"))
    let_pass(3 * HOUR - SECOND, since="created_at")
    assert jane.is_signed_in()
    assert row()["idle_expires_at"] == row()["created_at"] + ms(4 * HOUR)
    let_pass(4 * HOUR + SECOND, since="created_at")
    assert not jane.is_signed_in()


@pytest.mark.parametrize("change", [users.lock_user, users.delete_user])
def test_b043_a_user_locked_or_deleted_is_out_at_once_in_every_browser(
    jane: Browser, app: Flask, change
) -> None:
    phone = Browser(app)
    phone.log_in("Jane")
    change(User.get(), OPERATOR)
    assert not jane.is_signed_in()
    assert not phone.is_signed_in()


def test_the_row_of_a_locked_user_opens_nothing(jane: Browser) -> None:
    sql("UPDATE user SET locked_at = 1")
    assert not jane.is_signed_in()


@pytest.mark.parametrize("age", [2 * HOUR, 2 * DAY])
def test_b129_a_request_under_way_never_brings_back_a_session_that_was_ended(
    jane: Browser, monkeypatch: pytest.MonkeyPatch, age: timedelta
) -> None:
    let_pass(age)
    load = opening.load_joined

    def load_and_end_elsewhere(*args: object) -> Session | None:
        session = load(*args)
        sql("DELETE FROM session")
        return session

    monkeypatch.setattr(opening, "load_joined", load_and_end_elsewhere)
    answer = jane.get("/profile")
    assert Session.select().count() == 0
    assert not sent_cookie(answer), "the cookie of an ended session is not renewed"
    monkeypatch.undo()
    assert not jane.is_signed_in()


READ_ONLY = {True: "PRAGMA query_only = {}", False: "SET default_transaction_read_only = {}"}


def test_a_database_that_cannot_be_written_keeps_nobody_from_reading(
    jane: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    let_pass(2 * DAY)
    sql(READ_ONLY[on_sqlite()].format(1))
    answer = jane.get("/profile")
    assert answer.status_code == 200
    assert not sent_cookie(answer)
    sql(READ_ONLY[on_sqlite()].format(0))
    assert "Max-Age" in sent_cookie(jane.get("/profile"))
