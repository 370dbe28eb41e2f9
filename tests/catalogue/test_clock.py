"""Catalogue B-130 to B-134: the clock is wrong, jumps, or changes its time zone.

No signature here contains a time, so a clock that was set back refuses no valid cookie.
"""

import ast
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import PASSWORD, Browser, field, hidden_fields, page_form, sql
from hostile import FORM, rows

from accounts import throttling, users
from accounts.actor import OPERATOR
from app import create_app
from models import Counter, Session

pytestmark = pytest.mark.usefixtures("steady")
ROOT = Path(__file__).parents[2]
SECOND, HOUR, DAY = 10**9, 3600 * 10**9, 86_400 * 10**9


@pytest.fixture
def clock(monkeypatch):
    """Set the clock forward or back by some nanoseconds."""
    real_ns, real = time.time_ns, time.time

    def set_by(nanoseconds):
        monkeypatch.setattr(time, "time_ns", lambda: real_ns() + nanoseconds)
        monkeypatch.setattr(time, "time", lambda: real() + nanoseconds / 10**9)

    return set_by


@pytest.mark.parametrize("step", [-SECOND, -HOUR, -365 * DAY], ids=["1 s", "1 h", "1 year"])
def test_b130_a_clock_set_back_signs_nobody_out_and_eats_no_form(app, jane, clock, step):
    stranger = Browser(app)
    open_form = FORM | {"username": "John"}
    open_form |= hidden_fields(page_form(stranger.get("/signup").text, "/signup"))
    clock(step)
    assert jane.is_signed_in()
    assert stranger.client.post("/signup", data=open_form).status_code == 302
    assert jane.log_out().status_code == 302
    assert jane.log_in("Jane").status_code == 302
    assert jane.is_signed_in()


@pytest.mark.parametrize("step", [-SECOND, -HOUR, -365 * DAY], ids=["1 s", "1 h", "1 year"])
def test_b130_after_a_clock_set_back_nobody_waits_longer_than_the_window(settings, clock, step):
    browser = Browser(create_app({**settings, "LIMIT_LOGIN_ADDRESS": "2/hour"}))
    for _ in range(2):
        browser.log_in("Nobody")
    clock(step)
    page = [browser.log_in("Nobody") for _ in range(3)][-1]
    assert page.status_code == 429
    assert 0 < int(page.headers["Retry-After"]) <= 3600
    assert field(page.text, "username")["value"] == "Nobody"
    assert Counter.select().count() > 0


def test_b131_ten_years_later_sessions_are_over_and_log_in_works(jane, clock):
    clock(3650 * DAY)
    assert not jane.is_signed_in()
    assert jane.log_in("Jane").status_code == 302
    assert jane.is_signed_in()
    clock(0)
    assert jane.get("/profile").status_code in (200, 302)


@pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/St_Johns", "UTC+14", "nonsense"])
def test_b132_a_change_of_the_time_zone_has_no_effect(jane, monkeypatch, capsys, zone):
    shown = _times(jane)
    assert shown
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert jane.is_signed_in()
        assert _times(jane) == shown
        jane.log_out()
        jane.log_in("Jane", "wrong horse")
        stamps = [json.loads(line)["ts"] for line in capsys.readouterr().err.splitlines()]
        assert stamps == sorted(stamps)
        assert all(stamp.endswith("Z") for stamp in stamps)
        now = datetime.now(UTC)
        assert abs(datetime.fromisoformat(stamps[-1]) - now) < timedelta(minutes=1)
    finally:
        monkeypatch.undo()
        time.tzset()


def _times(browser):
    text = browser.get("/profile").text
    return [part.partition('"')[0] for part in text.split('<time datetime="')[1:]]


COLUMNS = ["created_at", "authenticated_at", "last_seen_at", "active_expires_at", "idle_expires_at"]
MOMENTS = [0, -1, -(2**63), 2**31 * 1000, 253_402_300_799_999, 2**63 - 1]


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("column", COLUMNS)
def test_b133_a_row_of_any_time_crashes_nothing(app, jane, runner, column, moment):
    sql(f"UPDATE session SET {column} = ?", (moment,))
    answer = jane.get("/profile")
    assert answer.status_code in (200, 302)
    over = moment <= 0 and column in ("created_at", "idle_expires_at")
    if over:
        assert answer.status_code == 302
    for command in ("users", "sessions"):
        assert runner.invoke(args=[command, "list"]).exit_code == 0
    assert runner.invoke(args=["sessions", "prune"]).exit_code == 0
    assert Browser(app).log_in("Jane").status_code == 302


@pytest.mark.parametrize("moment", MOMENTS)
def test_b133_a_user_of_any_time_crashes_nothing(jane, runner, moment):
    sql("UPDATE user SET created_at = ?", (moment,))
    sql("UPDATE event SET at = ?", (moment,))
    assert jane.get("/profile").status_code == 200
    for args in (["users", "list"], ["users", "list", "--json"], ["users", "show", "Jane"]):
        assert runner.invoke(args=args).exit_code == 0
    assert jane.log_out().status_code == 302
    assert jane.log_in("Jane").status_code == 302


def test_b134_a_step_of_the_clock_during_a_request_harms_nothing(app, browser, clock, monkeypatch):
    """The clock goes back a day between counting the try and creating the session."""
    users.create_user("Jane", PASSWORD, OPERATOR)
    forgive = throttling.forgive

    def forgive_and_step(*args):
        forgive(*args)
        clock(-DAY)

    monkeypatch.setattr(throttling, "forgive", forgive_and_step)
    assert browser.log_in("Jane").status_code == 302
    assert browser.is_signed_in()
    assert rows() == (1, 1, 1)
    assert Session.get().idle_expires_at > Session.get().created_at


def test_b134_no_length_of_time_is_measured_with_the_clock_that_can_step():
    """The only place that asks for the time of day is models.now()."""
    asked = []
    for path in [
        *ROOT.glob("accounts/**/*.py"),
        *ROOT.glob("blueprints/**/*.py"),
        *ROOT.glob("web/**/*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text())):
            text = ast.unparse(node) if isinstance(node, ast.Call) else ""
            if text.startswith(("time.time(", "time.time_ns(", "datetime.now(")):
                asked.append(path.name)
    assert asked == []
